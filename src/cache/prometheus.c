/* SPDX-License-Identifier: Apache-2.0 */
/* cache/prometheus.c - a cache's numbers as Prometheus reads them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM
#define MOST_NAME 64
#define MOST_TEXT ((size_t)64 << 10)

struct text {
	char *p;
	size_t len;
	char label[MOST_NAME * 2 + 16];	/* cache="…", or empty */
};

static void add(struct text *t, const char *fmt, ...) CSN_PRINTF(2, 3);

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->len, MOST_TEXT - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < MOST_TEXT - t->len)
		t->len += (size_t)n;
}

/* A series with one more label, which may be NULL. */
static void
sample(struct text *t, const char *name, const char *label,
    const char *value, uint64_t n)
{
	const char *comma = t->label[0] != '\0' && label != NULL ? "," : "";

	add(t, "caisson_cache_%s", name);
	if (label != NULL)
		add(t, "{%s%s%s=\"%s\"}", t->label, comma, label, value);
	else if (t->label[0] != '\0')
		add(t, "{%s}", t->label);
	add(t, " %" PRIu64 "\n", n);
}

static void
head(struct text *t, const char *name, const char *type, const char *help)
{
	add(t, "# HELP caisson_cache_%s %s\n# TYPE caisson_cache_%s %s\n",
	    name, help, name, type);
}

static void
counter(struct text *t, const char *name, const char *help, uint64_t n)
{
	head(t, name, "counter", help);
	sample(t, name, NULL, NULL, n);
}

static void
gauge(struct text *t, const char *name, const char *help, uint64_t n)
{
	head(t, name, "gauge", help);
	sample(t, name, NULL, NULL, n);
}

static void
times(struct text *t, const char *of, const struct csn_cache_times *times_)
{
	const char *comma = t->label[0] != '\0' ? "," : "";
	uint64_t sum = 0;
	char le[32];
	unsigned i;

	for (i = 0; i < CSN_CACHE_BUCKETS; i++) {
		sum += times_->buckets[i];
		if (i < CSN_CACHE_BUCKETS - 1)
			snprintf(le, sizeof(le), "%.9g",
			    (double)((uint64_t)256 << 2 * i) * 1e-9);
		else
			snprintf(le, sizeof(le), "+Inf");
		add(t, "caisson_cache_seconds_bucket{%s%sof=\"%s\",le=\"%s\"} "
		    "%" PRIu64 "\n", t->label, comma, of, le, sum);
	}
	add(t, "caisson_cache_seconds_sum{%s%sof=\"%s\"} %.9f\n", t->label,
	    comma, of, (double)times_->sum_ns * 1e-9);
	add(t, "caisson_cache_seconds_count{%s%sof=\"%s\"} %" PRIu64 "\n",
	    t->label, comma, of, times_->count);
}

static void
lookups(struct text *t, const struct csn_cache_stat *s)
{
	head(t, "hits_total", "counter", "Values found, by level");
	sample(t, "hits_total", "level", "l1", s->l1_hits);
	sample(t, "hits_total", "level", "l2", s->l2_hits);
	counter(t, "misses_total", "Values not found", s->misses);
	counter(t, "negative_hits_total", "Values known not to exist",
	    s->negative_hits);
	counter(t, "stale_hits_total", "Values found that were stale",
	    s->stale_hits);
	counter(t, "sets_total", "Values set", s->sets);
	counter(t, "deletes_total", "Deletions", s->deletes);
	head(t, "refused_total", "counter", "Entries refused, by reason");
	sample(t, "refused_total", "reason", "tag", s->tag_failures);
	sample(t, "refused_total", "reason", "plain", s->plain_refused);
	sample(t, "refused_total", "reason", "form", s->form_refused);
	sample(t, "refused_total", "reason", "replay", s->replays);
	counter(t, "former_key_hits_total",
	    "Values sealed under a former master key", s->former_key_hits);
	counter(t, "audit_errors_total", "Audit records that were not written",
	    s->audit_errors);
}

static void
computations(struct text *t, const struct csn_cache_stat *s)
{
	counter(t, "computes_total", "Computations", s->computes);
	counter(t, "compute_errors_total", "Computations that failed",
	    s->compute_errors);
	counter(t, "shared_total", "Results of another thread's computation",
	    s->shared);
	counter(t, "flight_timeouts_total",
	    "Computations of other threads not awaited", s->flight_timeouts);
	counter(t, "locks_total", "Locks between processes taken", s->locks);
	counter(t, "lock_waits_total", "Locks that were waited for",
	    s->lock_waits);
	counter(t, "lock_timeouts_total", "Locks not had in time",
	    s->lock_timeouts);
	counter(t, "refreshes_total", "Refreshes of stale values",
	    s->refreshes);
	counter(t, "refresh_errors_total", "Refreshes that failed",
	    s->refresh_errors);
}

static void
backend(struct text *t, const struct csn_cache_stat *s)
{
	counter(t, "backend_errors_total", "Calls that the backend failed",
	    s->backend_errors);
	counter(t, "backend_slow_total", "Calls that took too long",
	    s->slow_calls);
	counter(t, "rejected_total", "Calls that the breaker stopped",
	    s->rejected);
	counter(t, "shed_total", "Calls too many at a time", s->shed);
	counter(t, "breaker_opens_total", "Times that the breaker opened",
	    s->breaker_opens);
	gauge(t, "breaker_state", "0 closed, 1 half-open, 2 open",
	    s->breaker);
	gauge(t, "l1_entries", "Entries in this process", s->l1_entries);
	gauge(t, "l1_bytes", "Bytes of entries in this process",
	    s->l1_bytes);
	counter(t, "l1_evictions_total", "Entries given up for room",
	    s->l1_evictions);
}

int
csn_cache_prometheus(struct csn_cache *cache, const char *name, char **out)
{
	struct csn_cache_stat s = { .size = sizeof(s) };
	struct text t = { 0 };
	size_t i;
	int rc;

	if (cache == NULL || out == NULL || (name != NULL &&
	    (strnlen(name, MOST_NAME + 1) > MOST_NAME ||
	    !csn_utf8_ok(name, strlen(name)))))
		return csn_fail(cache != NULL ? cache->ctx : NULL, CSN_E_ARG,
		    ROOM, "no cache, no place for the text, or a name that "
		    "is not up to %d bytes of UTF-8", MOST_NAME);
	if ((rc = csn_cache_stat(cache, &s)) != 0)
		return rc;
	if ((t.p = csn_calloc(1, MOST_TEXT)) == NULL)
		return csn_nomem(cache->ctx, ROOM, "a page of numbers");
	if (name != NULL) {
		memcpy(t.label, "cache=\"", 7);
		for (t.len = 7, i = 0; name[i] != '\0'; i++) {
			if (name[i] == '"' || name[i] == '\\')
				t.label[t.len++] = '\\';
			t.label[t.len++] = name[i];
		}
		t.label[t.len] = '"';
		t.len = 0;
	}
	lookups(&t, &s);
	computations(&t, &s);
	backend(&t, &s);
	head(&t, "seconds", "histogram", "Time of L1 hits, backend calls, "
	    "computations, sealing and opening");
	times(&t, "l1", &s.l1_times);
	times(&t, "l2", &s.l2_times);
	times(&t, "compute", &s.compute_times);
	times(&t, "seal", &s.seal_times);
	times(&t, "open", &s.open_times);
	*out = t.p;
	return 0;
}
