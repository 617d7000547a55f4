/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - messages of one size, for us and for the reference alike. */
#include <stdio.h>
#include <string.h>

#include "set.h"

void
set_init(struct bench_set *set, size_t len, size_t n, const char *tenant_id)
{
	struct csn_kv_item *it;
	uint64_t seed = len;
	size_t i;

	memset(set, 0, sizeof(*set));
	set->len = len;
	set->n = n;
	/* As a store aligns values: to the cache line. */
	set->stride = (len + RAW_OVERHEAD + 63) & ~(size_t)63;
	set->plain = bench_memory(n * len);
	set->opened = bench_memory(n * len);
	set->sealed = bench_memory(n * set->stride);
	set->raw_sealed = bench_memory(n * set->stride);
	set->items = bench_memory(n * sizeof(*set->items));
	set->raw = raw_new(tenant_id);
	for (i = 0; i < n * len; i++)
		set->plain[i] = (uint8_t)bench_random(&seed);
	for (i = 0; i < n; i++) {
		it = &set->items[i];
		it->size = sizeof(*it);
		it->slot.kind = CSN_KIND_KV_ENTRY;
		it->slot.role = CSN_KV_BOTH;
		it->slot.count = 1;
		it->slot.layer = (uint32_t)(i % 32);
		it->slot.position = i / 32;
		it->sealed = set->sealed + i * set->stride;
		it->sealed_len = len + CSN_SEAL_OVERHEAD;
	}
	set_to_seal(set);
}

void
set_free(struct bench_set *set)
{
	bench_memory_free(set->plain, set->n * set->len);
	bench_memory_free(set->opened, set->n * set->len);
	bench_memory_free(set->sealed, set->n * set->stride);
	bench_memory_free(set->raw_sealed, set->n * set->stride);
	bench_memory_free(set->items, set->n * sizeof(*set->items));
	raw_free(set->raw);
}

void
set_session(struct bench_set *set, struct csn_session *session)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		set->items[i].session = session;
}

static void
point(struct bench_set *set, uint8_t *bytes)
{
	size_t half = set->len / 2, i;

	for (i = 0; i < set->n; i++) {
		set->items[i].key = bytes + i * set->len;
		set->items[i].key_len = half;
		set->items[i].value = set->items[i].key + half;
		set->items[i].value_len = set->len - half;
	}
}

void
set_to_seal(struct bench_set *set)
{
	point(set, set->plain);
}

void
set_to_open(struct bench_set *set)
{
	point(set, set->opened);
}

void
set_seal(void *arg)
{
	struct bench_set *set = arg;

	bench_must(csn_kv_seal_batch(bench_ctx(), set->pool, set->items,
	    set->n), "sealing a batch");
}

void
set_open(void *arg)
{
	struct bench_set *set = arg;

	bench_must(csn_kv_open_batch(bench_ctx(), set->pool, set->items,
	    set->n), "opening a batch");
}

void
set_seal_single(void *arg)
{
	struct bench_set *set = arg;
	size_t i;

	for (i = 0; i < set->n; i++)
		bench_must(csn_kv_seal(bench_ctx(), &set->items[i]),
		    "sealing");
}

void
set_open_single(void *arg)
{
	struct bench_set *set = arg;
	size_t i;

	for (i = 0; i < set->n; i++)
		bench_must(csn_kv_open(bench_ctx(), &set->items[i]),
		    "opening");
}

void
set_raw_seal(void *arg)
{
	struct bench_set *set = arg;
	size_t i;

	set->raw_sequence += set->n;
	for (i = 0; i < set->n; i++)
		raw_seal(set->raw, set->raw_sequence + i, set->plain +
		    i * set->len, set->len, set->raw_sealed +
		    i * set->stride);
}

void
set_raw_open(void *arg)
{
	struct bench_set *set = arg;
	size_t i;

	for (i = 0; i < set->n; i++)
		raw_open(set->raw, set->raw_sequence + i, set->raw_sealed +
		    i * set->stride, set->len, set->opened + i * set->len);
}

const char *
set_size_name(size_t len, char text[24])
{
	if (len >= 1 << 20)
		snprintf(text, 24, "%zuMiB", len >> 20);
	else if (len >= 1 << 10)
		snprintf(text, 24, "%zuKiB", len >> 10);
	else
		snprintf(text, 24, "%zuB", len);
	return text;
}
