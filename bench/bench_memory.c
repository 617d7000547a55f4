/* SPDX-License-Identifier: Apache-2.0 */
/* bench_memory.c - what a session, an entry, a leaf and the tour take. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define SESSIONS 10000
#define SEALED 16	/* messages under each */

/* Bytes of this process that are in memory. */
static double
resident(void)
{
	long pages, there = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	bench_need(f != NULL && fscanf(f, "%ld %ld", &pages, &there) == 2,
	    "reading /proc/self/statm");
	(void)fclose(f);
	return (double)there * (double)sysconf(_SC_PAGESIZE);
}

static void
use(struct csn_session *s)
{
	uint8_t bytes[128] = { 0 }, sealed[128 + CSN_SEAL_OVERHEAD];
	struct csn_kv_item it = { .size = sizeof(it), .session = s, .slot.kind =
	    CSN_KIND_KV_ENTRY, .slot.role = CSN_KV_KEY, .slot.count = 1,
	    .key = bytes, .key_len = sizeof(bytes), .sealed = sealed,
	    .sealed_len = sizeof(sealed) };
	int i;

	for (i = 0; i < SEALED; i++) {
		it.slot.position = (uint64_t)i;
		bench_must(csn_kv_seal(bench_ctx(), &it), "sealing");
	}
}

static void
sessions(void)
{
	static struct csn_session *all[SESSIONS];
	struct csn_session_info info = { .size = sizeof(info) };
	struct bench_result r = { .unit = "bytes" };
	char id[32];
	struct csn_tenant tenant = { sizeof(tenant), id, NULL };
	double before = 0, new, used;
	int i;

	/* The first ones also fill what all share. */
	for (i = -64; i < SESSIONS; i++) {
		struct csn_session *s;

		if (i == 0)
			before = resident();
		snprintf(id, sizeof(id), "tenant-%d", i);
		bench_must(csn_session_local(bench_ctx(), &tenant, NULL, &s),
		    "making a session");
		if (i < 0) {
			use(s);
			csn_session_free(s);
		} else
			all[i] = s;
	}
	new = (resident() - before) / SESSIONS;
	csn_session_get_info(all[0], &info);
	r.name = "mem.session.new";
	r.value = new;
	bench_add(&r, "growth of the process over %d sessions; the session "
	    "says %llu", SESSIONS, (unsigned long long)info.memory);
	for (i = 0; i < SESSIONS; i++)
		use(all[i]);
	used = (resident() - before) / SESSIONS;
	csn_session_get_info(all[0], &info);
	r.name = "mem.session";
	r.value = used;
	bench_add(&r, "the same after %d messages each (an epoch, a writer, "
	    "slot versions); the session says %llu", SEALED,
	    (unsigned long long)info.memory);
	for (i = 0; i < SESSIONS; i++)
		csn_session_free(all[i]);
}

static void
entry(void)
{
	struct bench_result r = { .name = "mem.entry", .unit = "bytes",
	    .value = CSN_SEAL_OVERHEAD };

	bench_add(&r, "header and tag of a sealed entry; store.overhead.* "
	    "has the store's own");
}

/* What is held of each leaf that is measured, over many of them. */
static void
leaf(void)
{
	const uint32_t size = 4096;
	const uint64_t n = 1 << 19;
	struct bench_result r = { .name = "mem.attest.leaf", .unit = "bytes",
	    .reference = "32 bytes", .reference_value = 32, .target = 0.97 };
	static const uint8_t bytes[4096];
	struct csn_tree *tree;
	double before;
	uint64_t i;

	before = resident();
	bench_must(csn_tree_new(bench_ctx(), n * size, size, &tree), "a tree");
	/* Its pages are there once each leaf was told. */
	for (i = 0; i < n; i++) {
		const void *at = bytes;

		bench_must(csn_tree_set_some(tree, NULL, &i, &at, 1),
		    "hashing");
	}
	r.value = (resident() - before) / (double)n;
	csn_tree_free(tree);
	r.ratio = r.reference_value / r.value;
	bench_add(&r, "growth of the process over a tree of %llu leaves; an "
	    "attester's constant is about 1 MiB", (unsigned long long)n);
}

/* Beside this program in the build folder. */
static char *
program(void)
{
	char self[PATH_MAX], *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	bench_need(n > 0, "finding this program");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	bench_need(asprintf(&path, "%s/../cli/caisson", self) > 0,
	    "out of memory");
	return path;
}

static void
tour(void)
{
	struct bench_result r = { .name = "mem.tour", .unit = "MiB" };
	char *path = program();
	struct rusage usage;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execl(path, path, "tour", (char *)NULL);
		_exit(127);
	}
	bench_need(pid > 0 && wait4(pid, &status, 0, &usage) == pid,
	    "running the tour");
	free(path);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		printf("mem.tour                       skipped: the tour did "
		    "not end well\n");
		return;
	}
	r.value = (double)usage.ru_maxrss / 1024;
	bench_add(&r, "the most that `caisson tour` had in memory");
}

int
main(int argc, char **argv)
{
	bench_begin(argc, argv);
	tour();
	entry();
	leaf();
	sessions();
	return bench_end();
}
