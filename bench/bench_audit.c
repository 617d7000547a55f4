/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_audit.c - what logging costs with one record a batch and with one an
 * entry: in memory, and in a file beside the hashes, MACs and writes that
 * chained lines cannot do without.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "bench.h"

#define MANY 32		/* records that sealing appends as one group */
#define ENTRIES 256	/* of a batch that has one record */
#define LINE 390	/* bytes of a record's line in a file, about */
#define MAC 75		/* of those: its own MAC, after what is hashed */

struct fixture {
	struct csn_audit *log;
	size_t records;		/* a call */
	int fd;			/* of the reference's file */
	int sync;
	EVP_MD *sha3;
	EVP_MD_CTX *hash;
	EVP_MAC_CTX *mac;
	struct csn_audit_record record[MANY];
	uint8_t lines[MANY * LINE];
};

static void
append(void *arg)
{
	struct fixture *fixture = arg;

	bench_must(fixture->records == 1
		? csn_audit_append(fixture->log, fixture->record)
		: csn_audit_append_many(
		      fixture->log, fixture->record, fixture->records),
	    "appending to the log");
}

static void
hash(struct fixture *fixture, const uint8_t *p, size_t len, uint8_t out[32])
{
	bench_need(
	    EVP_DigestInit_ex2(fixture->hash, fixture->sha3, NULL) == 1 &&
		EVP_DigestUpdate(fixture->hash, p, len) == 1 &&
		EVP_DigestFinal_ex(fixture->hash, out, NULL) == 1,
	    "SHA3-256");
}

static void
mac(struct fixture *fixture, const uint8_t *p, size_t len, uint8_t out[32])
{
	size_t n;

	bench_need(EVP_MAC_init(fixture->mac, out, 32, NULL) == 1 &&
	    EVP_MAC_update(fixture->mac, p, len) == 1 &&
	    EVP_MAC_final(fixture->mac, out, &n, 32) == 1, "HMAC-SHA3-256");
}

/* A line's digest, MAC, head and next key; then one write for all lines. */
static void
raw_append(void *arg)
{
	struct fixture *fixture = arg;
	uint8_t digest[32], head[32] = { 0 }, key[32] = { 1 };
	size_t i, len = fixture->records * LINE;

	for (i = 0; i < fixture->records; i++) {
		hash(fixture, fixture->lines + i * LINE, LINE - MAC + 32,
		    digest);
		memcpy(head, key, sizeof(head));
		mac(fixture, digest, sizeof(digest), head);
		hash(fixture, fixture->lines + i * LINE, 64, digest);
		mac(fixture, digest, 22, key);
	}
	bench_need(write(fixture->fd, fixture->lines, len) == (ssize_t)len &&
	    (!fixture->sync || fdatasync(fixture->fd) == 0), "writing");
}

static void
report(const char *name, const struct fixture *fixture, int compared,
    const struct bench_outcome *o)
{
	struct bench_result r = { .name = name, .value = 1 / o->ours,
	    .unit = fixture->records == 1 ? "batches/s" : "entries/s" };

	if (compared) {
		r.reference = fixture->sync ?
		    "SHA3, HMAC, write and fdatasync alone" :
		    "SHA3, HMAC and write alone";
		r.reference_value = 1 / o->reference;
		r.ratio = o->ratio;
	}
	if (fixture->records == 1)
		bench_add(&r, "%.2f us a batch; of %d entries that is %.1f "
		    "ns an entry", o->ours * 1e6, ENTRIES, o->ours * 1e9 /
		    ENTRIES);
	else
		bench_add(&r, "%.0f ns an entry; %zu records a write",
		    o->ours * 1e9, fixture->records);
}

static void
in_memory(struct fixture *fixture)
{
	struct bench_pair pair = { .ours = append, .arg = fixture };
	struct bench_outcome o;

	bench_must(csn_audit_new_memory(bench_ctx(), 0, &fixture->log),
	    "making a log");
	fixture->records = 1;
	bench_compare(&pair, &o);
	report("audit.memory.batch", fixture, 0, &o);
	pair.ours_units = MANY;
	fixture->records = MANY;
	bench_compare(&pair, &o);
	report("audit.memory.entry", fixture, 0, &o);
	csn_audit_close(fixture->log);
}

static void
in_file(struct fixture *fixture, const char *folder, int sync)
{
	struct csn_audit_options options = { .size = sizeof(options),
	    .sync = (uint32_t)sync };
	struct bench_pair pair = { .ours = append, .reference = raw_append,
	    .arg = fixture, .clock = BENCH_WALL };
	const char *kind = sync == CSN_AUDIT_SYNC_NEVER ? "nosync" : "sync";
	struct bench_outcome o;
	char *path, name[64];

	fixture->sync = sync != CSN_AUDIT_SYNC_NEVER;
	bench_need(asprintf(&path, "%s/%s", folder, kind) > 0,
	    "out of memory");
	bench_must(csn_audit_open(bench_ctx(), path, &options, &fixture->log),
	    "opening a log");
	free(path);
	bench_need(asprintf(&path, "%s/%s.raw", folder, kind) > 0,
	    "out of memory");
	fixture->fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bench_need(fixture->fd >= 0, "making a file");
	free(path);
	fixture->records = 1;
	pair.ours_units = 1;
	bench_compare(&pair, &o);
	snprintf(name, sizeof(name), "audit.file.%s.batch", kind);
	report(name, fixture, 1, &o);
	fixture->records = MANY;
	pair.ours_units = MANY;
	bench_compare(&pair, &o);
	snprintf(name, sizeof(name), "audit.file.%s.entry", kind);
	report(name, fixture, 1, &o);
	csn_audit_close(fixture->log);
	close(fixture->fd);
}

static int
drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void
fill(struct fixture *fixture)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    (char[]){ "SHA3-256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	static const uint8_t key[32];
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	size_t i;

	for (i = 0; i < MANY; i++) {
		fixture->record[i].size = sizeof(fixture->record[i]);
		fixture->record[i].op = CSN_AUDIT_ENCRYPT;
		fixture->record[i].success = 1;
		fixture->record[i].flags = CSN_AUDIT_HAS_SEQUENCE |
		    CSN_AUDIT_HAS_SESSION;
		fixture->record[i].sequence = i;
		fixture->record[i].detail = "layer 17 position 1234";
		fixture->record[i].count = 1;
		fixture->record[i].bytes = 4096;
		fixture->record[i].tenant = "tenant-alice";
	}
	memset(fixture->lines, '.', sizeof(fixture->lines));
	fixture->sha3 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
	fixture->hash = EVP_MD_CTX_new();
	fixture->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	bench_need(fixture->sha3 != NULL && fixture->hash != NULL &&
	    fixture->mac != NULL && EVP_MAC_init(fixture->mac, key, sizeof(key),
	    params) == 1, "preparing the reference");
	EVP_MAC_free(hmac);
}

int
main(int argc, char **argv)
{
	struct fixture *fixture;
	char *folder;

	bench_begin(argc, argv);
	fixture = bench_memory(sizeof(*fixture));
	fill(fixture);
	in_memory(fixture);
	folder = bench_folder();
	in_file(fixture, folder, CSN_AUDIT_SYNC_NEVER);
	in_file(fixture, folder, CSN_AUDIT_SYNC_GROUP);
	bench_need(nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS) == 0,
	    "removing the folder");
	free(folder);
	EVP_MD_free(fixture->sha3);
	EVP_MD_CTX_free(fixture->hash);
	EVP_MAC_CTX_free(fixture->mac);
	bench_memory_free(fixture, sizeof(*fixture));
	return bench_end();
}
