/* SPDX-License-Identifier: Apache-2.0 */
/* kv_pool.c - what a second core adds, where it is free. */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pool.h"
#include "kv_parts.h"
#include "raw.h"
#include "set.h"

#define LEN ((size_t)2 << 20)
#define MESSAGES 16
#define REPEATS 3	/* of the batch in a slice: /proc/stat is coarse */
#define ROUNDS 21
#define MAX_ROUNDS 120
#define QUIET 0.03		/* of two cores, taken by others */

/*
 * Seconds that the machine's cores were not idle, and those taken by its
 * host. 0 where the system does not say.
 */
static double
machine_busy(void)
{
	unsigned long long user, nice, system, idle, wait, irq, soft, steal;
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (f == NULL)
		return 0;
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
	    &nice, &system, &idle, &wait, &irq, &soft, &steal);
	(void)fclose(f);
	if (n != 8)
		return 0;
	return (double)(user + nice + system + irq + soft + steal) /
	    (double)sysconf(_SC_CLK_TCK);
}

static double
own_busy(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static unsigned
cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) != 0 ? 1 :
	    (unsigned)CPU_COUNT(&set);
}

enum side { OURS, RAW, ALONE, SIDES };

struct race {
	struct bench_set set;
	struct csn_pool *pool;
	struct raw *raw[MESSAGES];	/* a keyed context a message */
	uint64_t sequence;
};

/* OpenSSL's turn: the pool's threads share the messages out as ours do. */
static void
seal_raw(void *arg, size_t from, size_t to)
{
	struct race *r = arg;

	for (; from < to; from++)
		raw_seal(r->raw[from], r->sequence, r->set.plain + from * LEN,
		    LEN, r->set.raw_sealed + from * r->set.stride);
}

/* Seconds a message. */
static double
timed(struct race *r, enum side side)
{
	double began = bench_now(BENCH_WALL);
	int i;

	r->set.pool = side == ALONE ? NULL : r->pool;
	for (i = 0; i < REPEATS; i++)
		if (side == RAW) {
			r->sequence++;
			csn_pool_run(r->pool, MESSAGES, 1, seal_raw, r);
		} else {
			set_seal(&r->set);
		}
	return (bench_now(BENCH_WALL) - began) / (REPEATS * MESSAGES);
}

static void
begin(struct race *r, struct csn_session *session, const char *tenant_id)
{
	int i;

	memset(r, 0, sizeof(*r));
	bench_must(csn_pool_new(bench_ctx(), 2, &r->pool), "making a pool");
	set_init(&r->set, LEN, MESSAGES, tenant_id);
	set_session(&r->set, session);
	for (i = 0; i < MESSAGES; i++)
		r->raw[i] = raw_new(tenant_id);
	for (i = 0; i < SIDES; i++)
		(void)timed(r, (enum side)i);
}

static void
end(struct race *r)
{
	int i;

	for (i = 0; i < MESSAGES; i++)
		raw_free(r->raw[i]);
	set_free(&r->set);
	csn_pool_free(r->pool);
}

static double
rate(double *seconds, unsigned n)
{
	return (double)LEN / bench_median(seconds, n) / 1e9;
}

/*
 * What two cores reach together is the memory's: OpenSSL on two threads is
 * the reference, and how much more than one core that is stands beside it.
 */
void
kv_two_cores(struct csn_session *session, const char *tenant_id)
{
	double t[SIDES][MAX_ROUNDS], ratio[MAX_ROUNDS], gain[MAX_ROUNDS];
	double began, others, all_others = 0, all_time = 0, busy, own;
	struct bench_result two = { .name = "kv.seal.2MiB.2core",
	    .unit = "GB/s", .reference = "OpenSSL EVP on two threads",
	    .target = 0.97 };
	struct bench_result more = { .name = "kv.seal.2MiB.2core.gain",
	    .unit = "GB/s", .reference = "one thread" };
	struct race r;
	unsigned round, quiet = 0, i;

	if (cores() < 2) {
		printf("%-30s skipped: this process may use one core only\n",
		    two.name);
		return;
	}
	begin(&r, session, tenant_id);
	/*
	 * Rounds that others had a part in are thrown away, as long as there
	 * is hope for quiet ones.
	 */
	for (round = 0; round < MAX_ROUNDS && quiet < ROUNDS; round++) {
		busy = machine_busy();
		own = own_busy();
		began = bench_now(BENCH_WALL);
		for (i = round; i < round + SIDES; i++)
			t[i % SIDES][quiet] = timed(&r, i % SIDES);
		began = bench_now(BENCH_WALL) - began;
		others = machine_busy() - busy - (own_busy() - own);
		all_others += others > 0 ? others : 0;
		all_time += began * 2;
		if (others > began * 2 * QUIET &&
		    MAX_ROUNDS - round > ROUNDS - quiet)
			continue;
		ratio[quiet] = t[RAW][quiet] / t[OURS][quiet];
		gain[quiet] = t[ALONE][quiet] / t[OURS][quiet];
		quiet++;
	}
	two.value = more.value = rate(t[OURS], quiet);
	two.reference_value = rate(t[RAW], quiet);
	two.ratio = bench_median(ratio, quiet);
	more.reference_value = rate(t[ALONE], quiet);
	more.ratio = bench_median(gain, quiet);
	if (round < MAX_ROUNDS)
		bench_add(&two, "replay store, audit off; %u of %u rounds, "
		    "in which both cores were free", quiet, round);
	else {
		/* Not two free cores: a figure, but no verdict. */
		two.target = 0;
		bench_add(&two, "replay store, audit off; others took %.0f %% "
		    "of the cores meanwhile, so this is no figure of two "
		    "free ones", 100 * all_others / all_time);
	}
	bench_add(&more, "replay store, audit off");
	end(&r);
}
