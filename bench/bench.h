/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - two things measured beside each other, and what came of it. */
#ifndef CSN_BENCH_H
#define CSN_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <caisson/caisson.h>

/*
 * Machines change speed under a benchmark: a neighbour comes and goes, a
 * clock steps. So ours and the reference take turns in slices of a few
 * milliseconds, who goes first alternates from round to round, and what is
 * reported is the median of the rounds' ratios beside the medians of the two
 * rates.
 */
typedef void (*bench_fn)(void *arg);

enum bench_clock {
	BENCH_CPU = 0,	/* of this thread: waiting for a core is not counted */
	BENCH_WALL = 1	/* for what sleeps, or works on several threads */
};

struct bench_pair {
	bench_fn ours;
	bench_fn reference;	/* NULL: there is none */
	bench_fn between;	/* before each call, not timed; may be NULL */
	void *arg;
	double ours_units;	/* units of work in one call; 0 for 1 */
	double reference_units;	/* 0 for ours_units */
	double slice_ms;	/* 0 for 2: calls are repeated to fill it */
	unsigned rounds;	/* 0 for 31 */
	enum bench_clock clock;
};

/* Seconds a unit, medians; ratio is reference / ours, quartiles around it. */
struct bench_outcome {
	double ours;
	double reference;
	double ratio;
	double low;
	double high;
	unsigned rounds;
};

void bench_compare(const struct bench_pair *pair, struct bench_outcome *out);

double bench_now(enum bench_clock clock);
double bench_median(double *values, size_t n);

/* One line of results.json. ratio and target 0: there is none. */
struct bench_result {
	const char *name;
	double value;
	const char *unit;
	const char *reference;		/* NULL: there is none */
	double reference_value;
	double ratio;			/* how many times better we are */
	double target;			/* the least ratio that we ask of us */
};

/* Print the result as a row of the table, and keep it. note as printf. */
void bench_add(const struct bench_result *result, const char *note, ...)
    __attribute__((format(printf, 2, 3)));

/* "--json FILE" from the command line; ends the program where it is wrong. */
void bench_begin(int argc, char **argv);
/* Write what was kept into that file; what main() returns. */
int bench_end(void);
/* A folder for files, beside that file; the caller frees it. */
char *bench_folder(void);
/* The context that all measure with. */
struct csn_ctx *bench_ctx(void);

/* Ends the program with the library's sentence where rc is not 0. */
void bench_must(int rc, const char *what);
/* The same for what is no call of the library. */
void bench_need(int ok, const char *what);

/* Zeroed, aligned to and in huge pages where it is large; never NULL. */
void *bench_memory(size_t len);
void bench_memory_free(void *p, size_t len);

/* A generator for orders and sizes, not for secrets. */
uint64_t bench_random(uint64_t *state);

#endif
