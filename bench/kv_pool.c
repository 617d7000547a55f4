/* kv_pool.c - what a second core adds, where it is free. */
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kv_parts.h"
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

static double
timed(struct bench_set *set, struct csn_pool *pool)
{
	double began = bench_now(BENCH_WALL);
	int i;

	set->pool = pool;
	for (i = 0; i < REPEATS; i++)
		set_seal(set);
	return (bench_now(BENCH_WALL) - began) / (REPEATS * MESSAGES);
}

void
kv_two_cores(struct csn_session *session, const char *tenant_id)
{
	double one[MAX_ROUNDS], two[MAX_ROUNDS], ratio[MAX_ROUNDS];
	double began, others, all_others = 0, all_time = 0, busy, own, x, y;
	struct bench_result r = { .name = "kv.seal.2MiB.2core",
	    .unit = "GB/s", .reference = "one thread", .target = 1.9 };
	struct csn_pool *pool;
	struct bench_set set;
	unsigned round, quiet = 0;

	if (cores() < 2) {
		printf("%-30s skipped: this process may use one core only\n",
		    r.name);
		return;
	}
	bench_must(csn_pool_new(bench_ctx(), 2, &pool), "making a pool");
	set_init(&set, LEN, MESSAGES, tenant_id);
	set_session(&set, session);
	(void)timed(&set, pool);
	/*
	 * Rounds that others had a part in are thrown away, as long as there
	 * is hope for quiet ones.
	 */
	for (round = 0; round < MAX_ROUNDS && quiet < ROUNDS; round++) {
		busy = machine_busy();
		own = own_busy();
		began = bench_now(BENCH_WALL);
		x = timed(&set, round % 2 == 0 ? NULL : pool);
		y = timed(&set, round % 2 == 0 ? pool : NULL);
		began = bench_now(BENCH_WALL) - began;
		others = machine_busy() - busy - (own_busy() - own);
		all_others += others > 0 ? others : 0;
		all_time += began * 2;
		if (others > began * 2 * QUIET &&
		    MAX_ROUNDS - round > ROUNDS - quiet)
			continue;
		one[quiet] = round % 2 == 0 ? x : y;
		two[quiet] = round % 2 == 0 ? y : x;
		ratio[quiet] = one[quiet] / two[quiet];
		quiet++;
	}
	r.value = (double)LEN / bench_median(two, quiet) / 1e9;
	r.reference_value = (double)LEN / bench_median(one, quiet) / 1e9;
	r.ratio = bench_median(ratio, quiet);
	if (round < MAX_ROUNDS)
		bench_add(&r, "replay store, audit off; %u of %u rounds, in "
		    "which both cores were free", quiet, round);
	else {
		/* Not two free cores: a figure, but no verdict. */
		r.target = 0;
		bench_add(&r, "replay store, audit off; others took %.0f %% "
		    "of the cores meanwhile, so this is no figure of two "
		    "free ones", 100 * all_others / all_time);
	}
	set_free(&set);
	csn_pool_free(pool);
}
