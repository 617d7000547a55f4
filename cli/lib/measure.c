/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/measure.c - how fast something goes, in a short time. */
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define ROUNDS 5

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
measure(int (*work)(void *arg), void *arg, unsigned ms, double *per_second)
{
	uint64_t span = (uint64_t)ms * 1000000u / ROUNDS, began, now;
	double rates[ROUNDS];
	size_t calls;
	int i, rc;

	/* The first call warms what is cached. */
	if ((rc = work(arg)) != 0)
		return rc;
	for (i = 0; i < ROUNDS; i++) {
		calls = 0;
		began = cli_now_ns();
		do {
			if ((rc = work(arg)) != 0)
				return rc;
			calls++;
			now = cli_now_ns();
		} while (now - began < span && !cli_interrupted());
		rates[i] = (double)calls * 1e9 / (double)(now - began);
	}
	qsort(rates, ROUNDS, sizeof(rates[0]), by_size);
	*per_second = rates[ROUNDS / 2];
	return 0;
}

static void
lay_out(struct measure_kv *m)
{
	struct csn_kv_item *it;
	size_t i;

	for (i = 0; i < m->n; i++) {
		it = &m->items[i];
		it->size = sizeof(*it);
		it->session = m->session;
		it->slot.kind = m->len >= 4096 ? CSN_KIND_KV_BLOCK :
		    CSN_KIND_KV_ENTRY;
		it->slot.role = CSN_KV_BOTH;
		it->slot.count = 1;
		it->slot.position = i;
		it->sealed = m->sealed + i * (m->len + CSN_SEAL_OVERHEAD);
		it->sealed_len = m->len + CSN_SEAL_OVERHEAD;
	}
}

/* K and V of each item: halves of its bytes in buf. */
static void
point(struct measure_kv *m, uint8_t *buf)
{
	struct csn_kv_item *it;
	size_t i;

	for (i = 0; i < m->n; i++) {
		it = &m->items[i];
		it->key = buf + i * m->len;
		it->key_len = m->len / 2;
		it->value = it->key + it->key_len;
		it->value_len = m->len - it->key_len;
	}
}

int
measure_kv_new(struct csn_ctx *ctx, const uint8_t *data, size_t data_len,
    size_t n, size_t len, struct measure_kv *m)
{
	struct csn_tenant tenant = { .size = sizeof(tenant) };
	size_t i;
	int rc = CSN_E_NOMEM;

	memset(m, 0, sizeof(*m));
	m->ctx = ctx;
	m->n = n;
	m->len = len;
	m->items = calloc(n, sizeof(*m->items));
	m->plain = malloc(n * len);
	m->opened = calloc(n, len);
	m->sealed = calloc(n, len + CSN_SEAL_OVERHEAD);
	if (m->items == NULL || m->plain == NULL || m->opened == NULL ||
	    m->sealed == NULL)
		goto err;
	for (i = 0; i < n * len; i++)
		m->plain[i] = data[i % data_len];
	tenant.id = "measured";
	rc = csn_session_local(ctx, &tenant, NULL, &m->session);
	if (rc != 0)
		goto err;
	lay_out(m);
	return 0;

err:
	measure_kv_free(m);
	return rc;
}

int
measure_kv_seal(void *arg)
{
	struct measure_kv *m = arg;

	point(m, m->plain);
	if (m->n == 1)
		return csn_kv_seal(m->ctx, m->items);
	return csn_kv_seal_batch(m->ctx, NULL, m->items, m->n);
}

int
measure_kv_open(void *arg)
{
	struct measure_kv *m = arg;

	point(m, m->opened);
	if (m->n == 1)
		return csn_kv_open(m->ctx, m->items);
	return csn_kv_open_batch(m->ctx, NULL, m->items, m->n);
}

int
measure_kv_same(const struct measure_kv *m)
{
	return memcmp(m->plain, m->opened, m->n * m->len) == 0;
}

void
measure_kv_free(struct measure_kv *m)
{
	csn_session_free(m->session);
	if (m->plain != NULL)
		csn_wipe(m->plain, m->n * m->len);
	if (m->opened != NULL)
		csn_wipe(m->opened, m->n * m->len);
	free(m->items);
	free(m->plain);
	free(m->opened);
	free(m->sealed);
	memset(m, 0, sizeof(*m));
}

uint64_t
measure_peak_memory(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib * 1024;
}
