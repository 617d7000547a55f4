/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest_tracked.c - another process's memory again, after 1 % of its leaves
 * changed, where the kernel tracks the writes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/note.h>

#include "attest_parts.h"
#include "bench.h"

#define SIZE ((size_t)1 << 30)
#define LEAF CSN_TREE_LEAF
#define LEAVES (SIZE / LEAF)
#define EVERY 100		/* one leaf of so many changes: 1 % */
#define ROUNDS 7
#define NAME "attest.again.1pct.tracked"

struct tracked {
	pid_t pid;
	int fd;			/* a byte asks for changes, one answers */
	char folder[32];
	struct csn_regions *regions;
	struct csn_attester *attester;
};

/* --- the workload ------------------------------------------------------- */

static uint8_t *
fill(void)
{
	uint64_t state = 1;
	uint8_t *memory;
	size_t i;

	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bench_need(memory != MAP_FAILED, "memory of the workload");
	for (i = 0; i < SIZE; i += 8)
		*(uint64_t *)(void *)(memory + i) = bench_random(&state);
	return memory;
}

static void
workload(const char *folder, int fd)
{
	struct csn_region r = { .size_of = sizeof(r), .id = "memory",
	    .description = "bench", .size = SIZE,
	    .protection = CSN_PROT_RW };
	uint8_t *memory, byte = 1;
	struct csn_note *note;
	struct csn_ctx *ctx;
	uint64_t changes = 0;
	size_t i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	memory = fill();
	r.address = (uintptr_t)memory;
	bench_must(csn_ctx_new(NULL, &ctx), "making a context");
	bench_must(csn_note_new(ctx, folder, &note), "making a note");
	bench_must(csn_note_add(note, &r), "registering");
	if (csn_note_track(note, "memory") != 0) {
		printf("%-30s not available: %s\n", NAME,
		    csn_message());
		fflush(stdout);
		byte = 0;
	}
	while (write(fd, &byte, 1) == 1 && byte != 0 &&
	    read(fd, &byte, 1) == 1) {
		changes++;
		for (i = changes % EVERY; i < LEAVES; i += EVERY)
			memory[i * LEAF + changes % LEAF] ^= 1;
	}
	csn_note_free(note);
	csn_ctx_free(ctx);
	_exit(0);
}

/* 1 where its memory is tracked. */
static int
start(struct tracked *t)
{
	uint8_t byte = 0;
	int fds[2];

	(void)snprintf(t->folder, sizeof(t->folder), "/tmp/csn-bench-XXXXXX");
	bench_need(mkdtemp(t->folder) != NULL && socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "a place for a note");
	fflush(stdout);
	if ((t->pid = fork()) == 0) {
		(void)close(fds[0]);
		workload(t->folder, fds[1]);
	}
	bench_need(t->pid > 0, "starting a workload");
	(void)close(fds[1]);
	t->fd = fds[0];
	return read(t->fd, &byte, 1) == 1 && byte == 1;
}

static void
stop(struct tracked *t)
{
	csn_attester_free(t->attester);
	csn_regions_close(t->regions);
	/* It ends by itself, and takes its note with it. */
	(void)close(t->fd);
	(void)waitpid(t->pid, NULL, 0);
	(void)rmdir(t->folder);
}

/* --- who measures it ---------------------------------------------------- */

static void
change(void *arg)
{
	struct tracked *t = arg;
	uint8_t byte = 1;

	bench_need(write(t->fd, &byte, 1) == 1 && read(t->fd, &byte, 1) == 1,
	    "asking the workload for changes");
}

static void
again(void *arg)
{
	struct tracked *t = arg;

	bench_must(csn_attester_measure(t->attester, 1), "measuring again");
}

static void
full(void *arg)
{
	struct tracked *t = arg;

	bench_must(csn_attester_measure(t->attester, 0), "measuring");
}

/* Who measures, and the process's memory by its note. 0: not permitted. */
static int
attach(struct tracked *t)
{
	struct csn_attester_options o = { .size = sizeof(o),
	    .measure = CSN_MEASURE_TREE, .full_every = UINT32_MAX,
	    .workload = "bench" };
	char url[96];

	(void)snprintf(url, sizeof(url), "process:%ld?note=%s",
	    (long)t->pid, t->folder);
	if (csn_regions_open(bench_ctx(), url, &t->regions) != 0) {
		printf("%-30s not available: %s\n", NAME,
		    csn_message());
		return 0;
	}
	bench_must(csn_attester_new(bench_ctx(), t->regions, &o,
	    &t->attester), "making an attester");
	return 1;
}

static void
measure(struct tracked *t)
{
	struct bench_pair pair = { .ours = again, .reference = full,
	    .between = change, .arg = t, .rounds = ROUNDS,
	    .slice_ms = 1 };
	struct bench_result r = { .name = NAME, .unit = "ms",
	    .reference = "measuring all of it", .target = 40 };
	struct csn_snapshot x = { .size_of = sizeof(x) }, y = x;
	struct bench_outcome o;
	uint64_t hashed, total;

	full(t);
	change(t);
	bench_compare(&pair, &o);
	change(t);
	again(t);
	csn_attester_work(t->attester, &hashed, &total);
	/* What was quick must be right too. */
	bench_must(csn_attester_snapshot(t->attester, 0, &x), "");
	full(t);
	bench_must(csn_attester_snapshot(t->attester, 0, &y), "");
	bench_need(memcmp(x.tree, y.tree, sizeof(x.tree)) == 0, /* public */
	    "the roots differ");
	r.value = o.ours * 1e3;
	r.reference_value = o.reference * 1e3;
	r.ratio = o.ratio;
	bench_add(&r, "%.2f %% of another process's 1 GiB hashed, told by "
	    "the kernel; ratios %.1f to %.1f", 100.0 * (double)hashed /
	    (double)total, o.low, o.high);
}

void
attest_tracked(void)
{
	struct tracked t = { 0 };

	if (start(&t) && attach(&t))
		measure(&t);
	stop(&t);
}
