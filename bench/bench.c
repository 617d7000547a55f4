/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - rounds, medians, and the file of results. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <jansson.h>

#include "bench.h"

#define DEFAULT_ROUNDS 31
#define DEFAULT_SLICE_MS 2.0
#define MAX_ROUNDS 255
#define HUGE_PAGE ((size_t)2 << 20)

static json_t *results;
static const char *results_path;
static struct csn_ctx *context;

double
bench_now(enum bench_clock clock)
{
	struct timespec t;

	clock_gettime(clock == BENCH_CPU ? CLOCK_THREAD_CPUTIME_ID :
	    CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_size);
	return n % 2 != 0 ? values[n / 2] :
	    (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* One slice: seconds a call. */
static double
slice(const struct bench_pair *pair, bench_fn fn, size_t calls)
{
	double began, spent = 0;
	size_t i;

	if (pair->between == NULL) {
		began = bench_now(pair->clock);
		for (i = 0; i < calls; i++)
			fn(pair->arg);
		return (bench_now(pair->clock) - began) / (double)calls;
	}
	for (i = 0; i < calls; i++) {
		pair->between(pair->arg);
		began = bench_now(pair->clock);
		fn(pair->arg);
		spent += bench_now(pair->clock) - began;
	}
	return spent / (double)calls;
}

/* How many calls fill a slice; also warms what is cached. */
static size_t
calibrate(const struct bench_pair *pair, bench_fn fn)
{
	double want = pair->slice_ms != 0 ? pair->slice_ms : DEFAULT_SLICE_MS;
	double each;

	(void)slice(pair, fn, 1);
	each = slice(pair, fn, 1) * 1e3;
	return each >= want ? 1 : (size_t)ceil(want / (each + 1e-6));
}

void
bench_compare(const struct bench_pair *pair, struct bench_outcome *out)
{
	double ours[MAX_ROUNDS], reference[MAX_ROUNDS], ratio[MAX_ROUNDS];
	double units = pair->ours_units != 0 ? pair->ours_units : 1;
	double reference_units = pair->reference_units != 0 ?
	    pair->reference_units : units;
	size_t calls, reference_calls = 0;
	unsigned n = pair->rounds != 0 ? pair->rounds : DEFAULT_ROUNDS, i;

	bench_need(n <= MAX_ROUNDS, "too many rounds were asked for");
	memset(out, 0, sizeof(*out));
	calls = calibrate(pair, pair->ours);
	if (pair->reference != NULL)
		reference_calls = calibrate(pair, pair->reference);
	for (i = 0; i < n; i++) {
		if (i % 2 == 0)
			ours[i] = slice(pair, pair->ours, calls) / units;
		if (pair->reference != NULL)
			reference[i] = slice(pair, pair->reference,
			    reference_calls) / reference_units;
		if (i % 2 != 0)
			ours[i] = slice(pair, pair->ours, calls) / units;
		if (pair->reference != NULL)
			ratio[i] = reference[i] / ours[i];
	}
	out->rounds = n;
	out->ours = bench_median(ours, n);
	if (pair->reference == NULL)
		return;
	out->reference = bench_median(reference, n);
	out->ratio = bench_median(ratio, n);
	out->low = ratio[n / 4];
	out->high = ratio[n - 1 - n / 4];
}

/* Four significant digits, as a table wants them. */
static const char *
number(double v, char text[32])
{
	int digits = v == 0 ? 0 : 3 - (int)floor(log10(fabs(v)));

	snprintf(text, 32, "%.*f", digits < 0 ? 0 : digits > 4 ? 4 : digits,
	    v);
	return text;
}

static json_t *
real_or_null(double v)
{
	return v != 0 ? json_real(v) : json_null();
}

void
bench_add(const struct bench_result *r, const char *note, ...)
{
	char text[256], value[32], reference[32], ratio[32];
	va_list ap;

	va_start(ap, note);
	vsnprintf(text, sizeof(text), note, ap);
	va_end(ap);
	number(r->value, value);
	if (r->reference != NULL)
		number(r->reference_value, reference);
	if (r->ratio != 0)
		snprintf(ratio, sizeof(ratio), "%.3f", r->ratio);
	printf("%-30s %10s %-11s %10s %8s %-6s %s\n", r->name, value, r->unit,
	    r->reference != NULL ? reference : "-",
	    r->ratio != 0 ? ratio : "-", r->target == 0 ? "" :
	    r->ratio >= r->target ? "ok" : "BELOW", text);
	fflush(stdout);
	bench_need(json_array_append_new(results, json_pack(
	    "{s:s, s:f, s:s, s:s?, s:o, s:o, s:o, s:s}",
	    "name", r->name, "value", r->value, "unit", r->unit,
	    "reference", r->reference,
	    "reference_value", r->reference == NULL ? json_null() :
	    json_real(r->reference_value), "ratio", real_or_null(r->ratio),
	    "target", real_or_null(r->target), "note", text)) == 0,
	    "out of memory for results");
}

void
bench_begin(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--json") == 0)
		results_path = argv[2];
	else if (argc != 1) {
		fprintf(stderr, "usage: %s [--json FILE]\n", argv[0]);
		exit(2);
	}
	bench_need((results = json_array()) != NULL, "out of memory");
	bench_must(csn_ctx_new(NULL, &context), "making a context");
	printf("%-30s %10s %-11s %10s %8s %-6s %s\n", "name", "ours", "unit",
	    "reference", "ratio", "target", "note");
}

int
bench_end(void)
{
	int rc = 0;

	if (results_path != NULL && json_dump_file(results, results_path,
	    JSON_INDENT(1)) != 0) {
		fprintf(stderr, "bench: cannot write %s\n", results_path);
		rc = 1;
	}
	json_decref(results);
	csn_ctx_free(context);
	return rc;
}

char *
bench_folder(void)
{
	const char *slash = results_path != NULL ?
	    strrchr(results_path, '/') : NULL;
	char *path;

	bench_need(asprintf(&path, "%.*s/bench-XXXXXX", slash != NULL ?
	    (int)(slash - results_path) : 1, slash != NULL ? results_path :
	    ".") > 0 && mkdtemp(path) != NULL, "making a folder for files");
	return path;
}

struct csn_ctx *
bench_ctx(void)
{
	return context;
}

void
bench_must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, context != NULL ?
	    csn_message() : csn_error_text(rc));
	exit(1);
}

void
bench_need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static size_t
whole_pages(size_t len)
{
	size_t page = len >= HUGE_PAGE ? HUGE_PAGE : 4096;

	return (len + page - 1) & ~(page - 1);
}

void *
bench_memory(size_t len)
{
	size_t whole = whole_pages(len);
	void *p = aligned_alloc(whole >= HUGE_PAGE ? HUGE_PAGE : 4096, whole);

	bench_need(p != NULL, "out of memory");
	if (whole >= HUGE_PAGE)
		(void)madvise(p, whole, MADV_HUGEPAGE);
	memset(p, 0, whole);
	return p;
}

void
bench_memory_free(void *p, size_t len)
{
	/* Back to the kernel, so that the next size starts as this one did. */
	if (p != NULL && len >= HUGE_PAGE)
		(void)madvise(p, whole_pages(len), MADV_DONTNEED);
	free(p);
}

/* splitmix64 */
uint64_t
bench_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
