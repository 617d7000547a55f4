/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/source.c - whose memory is measured, and how, by the options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"

#define MUCH ((uint64_t)16 << 30)	/* bytes, of which something is said */
#define SAMPLE ((size_t)16 << 20)
#define NOBODY "not reported"	/* a workload id, where none is signed */

int
attest_regions_open(struct cli *cli, const char *url,
    struct csn_regions **out)
{
	int rc;

	if (strncmp(url, "buffer:", 7) == 0)
		return cli_error(cli, CLI_USAGE,
		    "Another process is process:PID, a guest qemu:SOCKET.",
		    "buffer: is the memory of a program that uses the "
		    "library, there is none of it here");
	if ((rc = csn_regions_open(cli->ctx, url, out)) == 0)
		return 0;
	if (rc != CSN_E_UNKNOWN_BACKEND)
		return cli_error_lib(cli, rc, NULL, "cannot open %s", url);
	/* The library's list has what this program has no use for. */
	return cli_error(cli, CLI_USAGE, "A URL is process:PID?note=1, "
	    "qemu:SOCKET, sev_snp:MANIFEST or tdx:MANIFEST.",
	    "cannot open %s: there is no memory named %.*s [%s]", url,
	    (int)strcspn(url, ":"), url, csn_error_name(rc));
}

static int
measure_of(struct cli *cli, uint32_t *out)
{
	static const char *const names[] = { "tree", "flat", "both" };
	const char *word = cli_opt(cli, "measure");
	uint32_t i;

	*out = CSN_MEASURE_TREE;
	for (i = 0; word != NULL && i < 3; i++)
		if (strcmp(word, names[i]) == 0) {
			*out = CSN_MEASURE_TREE + i;
			return 0;
		}
	if (word == NULL)
		return 0;
	return cli_error(cli, CLI_USAGE, NULL,
	    "--measure is '%s', there are tree, flat and both", word);
}

/* The options that are the attester's. */
static int
take_options(struct cli *cli, struct csn_attester_options *o,
    uint64_t *threads)
{
	uint64_t leaf = 0;
	int rc;

	if ((rc = measure_of(cli, &o->measure)) != 0 ||
	    (rc = cli_opt_u64(cli, "leaf", 4096, 16 << 20, &leaf)) != 0 ||
	    (rc = cli_opt_u64(cli, "threads", 0, 256, threads)) != 0 ||
	    (rc = cli_opt_span(cli, "lifetime", &o->lifetime_ms)) != 0)
		return rc;
	o->leaf = (uint32_t)leaf;
	o->leaves = cli_opt(cli, "leaves") != NULL;
	o->workload = cli_opt(cli, "workload");
	if (o->workload == NULL)
		o->workload = NOBODY;
	return 0;
}

int
attest_is_gone(struct cli *cli)
{
	unsigned long long pid;
	char path[64], line[512];
	const char *state;
	FILE *f;
	int gone;

	if (sscanf(cli_arg(cli, 0), "process:%llu", &pid) != 1)
		return 0;
	snprintf(path, sizeof(path), "/proc/%llu/stat", pid);
	if ((f = fopen(path, "re")) == NULL)
		return errno == ENOENT;
	/* Behind the last ')' is its state: Z and X are dead. */
	state = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') :
	    NULL;
	gone = state == NULL ||
	    (strlen(state) > 2 && strchr("ZX", state[2]) != NULL);
	fclose(f);
	return gone;
}

static int
interrupted(void *arg)
{
	(void)arg;
	return cli_interrupted();
}

int
attest_source_open(struct cli *cli, int signs, struct attest_source *s)
{
	struct csn_attester_options o = { .size = sizeof(o) };
	uint64_t threads = 1;
	int rc;

	memset(s, 0, sizeof(*s));
	if ((rc = take_options(cli, &o, &threads)) != 0 ||
	    (signs && (rc = attest_identity_load(cli, &s->identity)) != 0) ||
	    (rc = attest_regions_open(cli, cli_arg(cli, 0),
	    &s->regions)) != 0)
		goto err;
	o.identity = s->identity;
	if (threads != 1 && (rc = csn_pool_new(cli->ctx, (unsigned)threads,
	    &s->pool)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot start threads");
		goto err;
	}
	o.pool = s->pool;
	s->measure = o.measure;
	s->leaf = o.leaf != 0 ? o.leaf : CSN_TREE_LEAF;
	o.cancelled = interrupted;
	if ((rc = csn_attester_new(cli->ctx, s->regions, &o,
	    &s->attester)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot attest %s",
		    cli_arg(cli, 0));
		goto err;
	}
	return 0;

err:
	attest_source_close(s);
	return rc;
}

static int
add_size(void *arg, const struct csn_region *region)
{
	*(uint64_t *)arg += region->size;
	return 0;
}

/* ns for a sample of len bytes, hashed as they will be; 0: not known. */
static uint64_t
time_sample(struct cli *cli, const struct attest_source *s,
    const uint8_t *sample, size_t len)
{
	uint8_t hash[CSN_HASH_SIZE];
	uint64_t began = cli_now_ns();
	struct csn_tree *tree = NULL;
	int rc = 0;

	if ((s->measure & CSN_MEASURE_TREE) != 0 &&
	    (rc = csn_tree_new(cli->ctx, len, s->leaf, &tree)) == 0)
		rc = csn_tree_set(tree, s->pool, 0, sample, len);
	csn_tree_free(tree);
	if (rc == 0 && (s->measure & CSN_MEASURE_FLAT) != 0)
		rc = csn_sha3_256(cli->ctx, sample, len, hash);
	return rc == 0 ? cli_now_ns() - began : 0;
}

void
attest_source_say_time(struct cli *cli, struct attest_source *s)
{
	char size[CLI_TEXT], about[CLI_TEXT];
	uint64_t total = 0, ns = 0, seconds;
	uint8_t *sample;

	/* With compare=1 a list alone reads all of it. */
	if (cli->json || cli->quiet || strstr(cli_arg(cli, 0), "compare=") ||
	    csn_regions_each(s->regions, add_size, &total) != 0 ||
	    total < MUCH || (sample = calloc(1, SAMPLE)) == NULL)
		return;
	ns = time_sample(cli, s, sample, SAMPLE);
	free(sample);
	seconds = ns * (total / SAMPLE) / 1000000000;
	if (seconds < 2)
		return;
	if (seconds < 120)
		snprintf(about, sizeof(about), "%llu s",
		    (unsigned long long)seconds);
	else
		snprintf(about, sizeof(about), "%llu min",
		    (unsigned long long)seconds / 60);
	cli_bytes_text((double)total, size);
	cli_note(cli, "There are %s to read and hash: at least %s.\n", size,
	    about);
}

int
attest_source_measure(struct cli *cli, struct attest_source *s)
{
	int rc;

	attest_source_say_time(cli, s);
	/* A second signal must not leave a workload that is held so. */
	cli_hold_signals(1);
	rc = csn_attester_measure(s->attester, 0);
	cli_hold_signals(0);
	if (rc == CSN_E_CANCELLED && cli_interrupted())
		return cli_error(cli, CLI_FAILED, NULL, "stopped by a signal "
		    "while measuring %s, which goes on", cli_arg(cli, 0));
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL, "cannot measure %s",
		    cli_arg(cli, 0));
	if (csn_attester_count(s->attester) != 0)
		return 0;
	return cli_error(cli, CLI_USAGE, "See: caisson attest regions URL",
	    "%s has no regions, there is nothing to measure",
	    cli_arg(cli, 0));
}

void
attest_source_close(struct attest_source *s)
{
	csn_attester_free(s->attester);
	csn_regions_close(s->regions);
	csn_pool_free(s->pool);
	csn_identity_free(s->identity);
	memset(s, 0, sizeof(*s));
}
