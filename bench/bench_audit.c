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

struct bed {
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
	struct bed *bed = arg;

	bench_must(bed->records == 1 ? csn_audit_append(bed->log,
	    bed->record) : csn_audit_append_many(bed->log, bed->record,
	    bed->records), "appending to the log");
}

static void
hash(struct bed *bed, const uint8_t *p, size_t len, uint8_t out[32])
{
	bench_need(EVP_DigestInit_ex2(bed->hash, bed->sha3, NULL) == 1 &&
	    EVP_DigestUpdate(bed->hash, p, len) == 1 &&
	    EVP_DigestFinal_ex(bed->hash, out, NULL) == 1, "SHA3-256");
}

static void
mac(struct bed *bed, const uint8_t *p, size_t len, uint8_t out[32])
{
	size_t n;

	bench_need(EVP_MAC_init(bed->mac, out, 32, NULL) == 1 &&
	    EVP_MAC_update(bed->mac, p, len) == 1 &&
	    EVP_MAC_final(bed->mac, out, &n, 32) == 1, "HMAC-SHA3-256");
}

/* A line's digest, MAC, head and next key; then one write for all lines. */
static void
raw_append(void *arg)
{
	struct bed *bed = arg;
	uint8_t digest[32], head[32] = { 0 }, key[32] = { 1 };
	size_t i, len = bed->records * LINE;

	for (i = 0; i < bed->records; i++) {
		hash(bed, bed->lines + i * LINE, LINE - MAC + 32, digest);
		memcpy(head, key, sizeof(head));
		mac(bed, digest, sizeof(digest), head);
		hash(bed, bed->lines + i * LINE, 64, digest);
		mac(bed, digest, 22, key);
	}
	bench_need(write(bed->fd, bed->lines, len) == (ssize_t)len &&
	    (!bed->sync || fdatasync(bed->fd) == 0), "writing");
}

static void
report(const char *name, const struct bed *bed, int compared,
    const struct bench_outcome *o)
{
	struct bench_result r = { .name = name, .value = 1 / o->ours,
	    .unit = bed->records == 1 ? "batches/s" : "entries/s" };

	if (compared) {
		r.reference = bed->sync ?
		    "SHA3, HMAC, write and fdatasync alone" :
		    "SHA3, HMAC and write alone";
		r.reference_value = 1 / o->reference;
		r.ratio = o->ratio;
	}
	if (bed->records == 1)
		bench_add(&r, "%.2f us a batch; of %d entries that is %.1f "
		    "ns an entry", o->ours * 1e6, ENTRIES, o->ours * 1e9 /
		    ENTRIES);
	else
		bench_add(&r, "%.0f ns an entry; %zu records a write",
		    o->ours * 1e9, bed->records);
}

static void
in_memory(struct bed *bed)
{
	struct bench_pair pair = { .ours = append, .arg = bed };
	struct bench_outcome o;

	bench_must(csn_audit_new_memory(bench_ctx(), 0, &bed->log),
	    "making a log");
	bed->records = 1;
	bench_compare(&pair, &o);
	report("audit.memory.batch", bed, 0, &o);
	pair.ours_units = MANY;
	bed->records = MANY;
	bench_compare(&pair, &o);
	report("audit.memory.entry", bed, 0, &o);
	csn_audit_close(bed->log);
}

static void
in_file(struct bed *bed, const char *folder, int sync)
{
	struct csn_audit_options options = { .size = sizeof(options),
	    .sync = (uint32_t)sync };
	struct bench_pair pair = { .ours = append, .reference = raw_append,
	    .arg = bed, .clock = BENCH_WALL };
	const char *kind = sync == CSN_AUDIT_SYNC_NEVER ? "nosync" : "sync";
	struct bench_outcome o;
	char *path, name[64];

	bed->sync = sync != CSN_AUDIT_SYNC_NEVER;
	bench_need(asprintf(&path, "%s/%s", folder, kind) > 0,
	    "out of memory");
	bench_must(csn_audit_open(bench_ctx(), path, &options, &bed->log),
	    "opening a log");
	free(path);
	bench_need(asprintf(&path, "%s/%s.raw", folder, kind) > 0,
	    "out of memory");
	bed->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bench_need(bed->fd >= 0, "making a file");
	free(path);
	bed->records = 1;
	pair.ours_units = 1;
	bench_compare(&pair, &o);
	snprintf(name, sizeof(name), "audit.file.%s.batch", kind);
	report(name, bed, 1, &o);
	bed->records = MANY;
	pair.ours_units = MANY;
	bench_compare(&pair, &o);
	snprintf(name, sizeof(name), "audit.file.%s.entry", kind);
	report(name, bed, 1, &o);
	csn_audit_close(bed->log);
	close(bed->fd);
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
fill(struct bed *bed)
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
		bed->record[i].size = sizeof(bed->record[i]);
		bed->record[i].op = CSN_AUDIT_ENCRYPT;
		bed->record[i].success = 1;
		bed->record[i].flags = CSN_AUDIT_HAS_SEQUENCE |
		    CSN_AUDIT_HAS_SESSION;
		bed->record[i].sequence = i;
		bed->record[i].detail = "layer 17 position 1234";
		bed->record[i].count = 1;
		bed->record[i].bytes = 4096;
		bed->record[i].tenant = "tenant-alice";
	}
	memset(bed->lines, '.', sizeof(bed->lines));
	bed->sha3 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
	bed->hash = EVP_MD_CTX_new();
	bed->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	bench_need(bed->sha3 != NULL && bed->hash != NULL &&
	    bed->mac != NULL && EVP_MAC_init(bed->mac, key, sizeof(key),
	    params) == 1, "preparing the reference");
	EVP_MAC_free(hmac);
}

int
main(int argc, char **argv)
{
	struct bed *bed;
	char *folder;

	bench_begin(argc, argv);
	bed = bench_memory(sizeof(*bed));
	fill(bed);
	in_memory(bed);
	folder = bench_folder();
	in_file(bed, folder, CSN_AUDIT_SYNC_NEVER);
	in_file(bed, folder, CSN_AUDIT_SYNC_GROUP);
	bench_need(nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS) == 0,
	    "removing the folder");
	free(folder);
	EVP_MD_free(bed->sha3);
	EVP_MD_CTX_free(bed->hash);
	EVP_MAC_CTX_free(bed->mac);
	bench_memory_free(bed, sizeof(*bed));
	return bench_end();
}
