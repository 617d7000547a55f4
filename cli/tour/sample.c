/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/sample.c - a real model's KV state, kept with the program. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tour.h"

#define FILE_NAME "smollm2-135m-kv.bin"
#define HEADER 64
#define MAX_SAMPLE (64u << 20)

/* Beside the program (as built), in the data folder (as installed). */
/* Not inlined: it would put two paths into one frame. */
__attribute__((noinline)) static int
find(char *out, size_t cap)
{
	static const char *const places[] = {
		"/" FILE_NAME, "/../share/caisson/" FILE_NAME
	};
	char dir[PATH_MAX], *slash;
	ssize_t n;
	size_t i;

	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (n > 0) {
		dir[n] = '\0';
		if ((slash = strrchr(dir, '/')) != NULL)
			*slash = '\0';
		for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (snprintf(out, cap, "%s%s", dir, places[i]) <
			    (int)cap && access(out, R_OK) == 0)
				return 0;
	}
	snprintf(out, cap, "%s/%s", CLI_DATADIR, FILE_NAME);
	return access(out, R_OK);
}

static uint32_t
number(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static size_t
sequence_len(const struct tour_sample *s)
{
	return (size_t)s->tokens * 4 +
	    (size_t)s->layers * 2 * s->tokens * s->row;
}

static int
read_header(struct tour *t, const char *path)
{
	struct tour_sample *s = &t->sample;
	uint32_t heads, dims, width;

	if (s->len < HEADER || memcmp(s->p, "CSNSAMP1", 8) != 0)
		return cli_error(t->cli, CLI_USAGE, NULL,
		    "%s is no KV sample", path);
	s->layers = number(s->p + 8);
	heads = number(s->p + 12);
	dims = number(s->p + 16);
	s->tokens = number(s->p + 20);
	width = number(s->p + 28);
	if (s->layers < 1 || s->layers > 256 || heads < 1 || heads > 256 ||
	    dims < 1 || dims > 1024 || width < 1 || width > 8 ||
	    s->tokens < 2 || s->tokens > 4096 ||
	    number(s->p + 24) != TOUR_TENANTS)
		return cli_error(t->cli, CLI_USAGE, NULL,
		    "%s has sizes that the tour cannot use", path);
	s->row = heads * dims * width;
	if (s->len != HEADER + TOUR_TENANTS * sequence_len(s))
		return cli_error(t->cli, CLI_USAGE, NULL,
		    "%s is not as long as its header says", path);
	return 0;
}

int
tour_sample_load(struct tour *t)
{
	const char *path = cli_opt(t->cli, "sample");
	char found[PATH_MAX];
	int rc;

	if (path == NULL) {
		if (find(found, sizeof(found)) != 0)
			return cli_error_sys(t->cli, errno, "cannot find the "
			    "KV sample, last looked for %s", found);
		path = found;
	}
	rc = cli_read_file(t->cli, path, MAX_SAMPLE, &t->sample.p,
	    &t->sample.len);
	if (rc != 0)
		return rc;
	return read_header(t, path);
}

static const uint8_t *
sequence(const struct tour *t, size_t tenant)
{
	return t->sample.p + HEADER + tenant * sequence_len(&t->sample);
}

const uint8_t *
tour_rows(const struct tour *t, size_t tenant, uint32_t layer, int which)
{
	const struct tour_sample *s = &t->sample;

	return sequence(t, tenant) + (size_t)s->tokens * 4 +
	    ((size_t)layer * 2 + (which != 0)) * s->tokens * s->row;
}

uint32_t
tour_token(const struct tour *t, size_t tenant, uint32_t position)
{
	return number(sequence(t, tenant) + (size_t)position * 4);
}

/* Sealing reads K and V only; the item's pointers serve opening too. */
static uint8_t *
unconst(const uint8_t *p)
{
	return (uint8_t *)(uintptr_t)p;
}

void
tour_entry(const struct tour *t, size_t tenant, uint32_t layer,
    uint32_t position, struct csn_kv_item *item)
{
	const size_t at = (size_t)position * t->sample.row;

	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->tenant = t->tenants[tenant].id;
	item->slot.kind = CSN_KIND_KV_ENTRY;
	item->slot.role = CSN_KV_BOTH;
	item->slot.layer = layer;
	item->slot.count = 1;
	item->slot.position = position;
	item->slot.token_id = tour_token(t, tenant, position);
	item->slot.flags = CSN_KV_HAS_TOKEN;
	item->key = unconst(tour_rows(t, tenant, layer, 0) + at);
	item->key_len = t->sample.row;
	item->value = unconst(tour_rows(t, tenant, layer, 1) + at);
	item->value_len = t->sample.row;
}

int
tour_block(const struct tour *t, size_t tenant, uint32_t layer,
    struct csn_kv_item *item)
{
	const size_t len = (size_t)t->sample.tokens * t->sample.row;

	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->tenant = t->tenants[tenant].id;
	item->slot.kind = CSN_KIND_KV_BLOCK;
	item->slot.role = CSN_KV_BOTH;
	item->slot.layer = layer;
	item->slot.count = t->sample.tokens;
	item->key = unconst(tour_rows(t, tenant, layer, 0));
	item->key_len = len;
	item->value = unconst(tour_rows(t, tenant, layer, 1));
	item->value_len = len;
	return csn_sha3_256(t->ctx, item->key, 2 * len, item->slot.name);
}
