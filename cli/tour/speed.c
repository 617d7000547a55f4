/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/speed.c - how fast the sample is sealed and opened. */
#include "../lib/measure.h"
#include "tour.h"

static int
speed(struct tour *t, const char *what, const char *name, size_t n,
    size_t len)
{
	const uint8_t *data = tour_rows(t, 0, 0, 0);
	size_t data_len = (size_t)t->sample.layers * 2 * t->sample.tokens *
	    t->sample.row;
	struct measure_kv m;
	double seal, open;
	int rc;

	if ((rc = measure_kv_new(t->ctx, data, data_len, n, len, &m)) != 0)
		return tour_lib(t, rc, "cannot measure");
	if ((rc = measure(measure_kv_seal, &m, 500, &seal)) != 0 ||
	    (rc = measure(measure_kv_open, &m, 500, &open)) != 0) {
		measure_kv_free(&m);
		return tour_lib(t, rc, "cannot measure");
	}
	seal *= (double)n * (double)len / 1e9;
	open *= (double)n * (double)len / 1e9;
	(void)tour_check(t, measure_kv_same(&m),
	    "%-32s seal %5.2f GB/s   open %5.2f GB/s", what, seal, open);
	tour_fact(t, name, json_pack("{s:I, s:I, s:f, s:f}", "bytes",
	    (json_int_t)len, "messages", (json_int_t)n, "seal_gb_per_s", seal,
	    "open_gb_per_s", open));
	measure_kv_free(&m);
	return 0;
}

int
tour_speed(struct tour *t)
{
	const struct tour_sample *s = &t->sample;
	const size_t entry = 2 * (size_t)s->row;
	const size_t block = entry * s->tokens;
	char what[80];
	int rc;

	tour_step(t, "speed", "How fast, on one core");
	tour_tell(t, "The same KV again and again; replay protection on, the "
	    "log off. A GB is 10^9 bytes of KV.");
	snprintf(what, sizeof(what), "entries of %zu bytes, in batches",
	    entry);
	if ((rc = speed(t, what, "entries", 960, entry)) != 0)
		return rc;
	snprintf(what, sizeof(what), "blocks of %zu bytes (a layer)", block);
	if ((rc = speed(t, what, "layers", 30, block)) != 0)
		return rc;
	return speed(t, "blocks of 2 MiB", "blocks", 1, 2u << 20);
}
