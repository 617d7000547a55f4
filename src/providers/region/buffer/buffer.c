/* SPDX-License-Identifier: Apache-2.0 */
/* region/buffer/buffer.c - regions of the calling program's own memory. */
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>

#include "providers/region/provider.h"

#define ROOM "region"
#define MAX_TOUCHED 4096	/* past it a region is read as a whole */

struct buffer {
	struct csn_region region;	/* its strings are ours */
	const uint8_t *bytes;
	int tracked;		/* the caller tells what it writes */
	int everything;		/* more was touched than is kept */
	struct csn_range *touched;
	size_t n;
	size_t cap;
};

struct buffers {
	struct csn_ctx *ctx;
	struct buffer *items;
	size_t n;
	size_t cap;
};

static int
buffer_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct buffers *b;

	if (rest[0] != '\0')
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "buffer: takes nothing behind its colon, not %.60s", rest);
	if ((b = csn_calloc(1, sizeof(*b))) == NULL)
		return csn_nomem(ctx, ROOM, "a list of buffers");
	b->ctx = ctx;
	*state = b;
	return 0;
}

static int
buffer_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct buffers *b = state;
	size_t i;
	int rc;

	for (i = 0; i < b->n; i++)
		if ((rc = visit(arg, &b->items[i].region)) != 0)
			return rc;
	return 0;
}

static struct buffer *
find(struct buffers *b, const char *id)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (strcmp(b->items[i].region.id, id) == 0)
			return &b->items[i];
	(void)csn_fail(b->ctx, CSN_E_REGION, ROOM,
	    "no region %.128s is registered", id);
	return NULL;
}

/* As find(), of the size that the caller believes in. */
static struct buffer *
find_region(struct buffers *b, const struct csn_region *region)
{
	struct buffer *buf;

	if ((buf = find(b, region->id)) != NULL &&
	    buf->region.size != region->size) {
		(void)csn_fail(b->ctx, CSN_E_REGION, ROOM,
		    "region %s is registered with another size", region->id);
		return NULL;
	}
	return buf;
}

static int
buffer_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct buffer *buf;

	if ((buf = find_region(state, region)) == NULL)
		return CSN_E_REGION;
	memcpy(out, buf->bytes + offset, len);
	return 0;
}

static const void *
buffer_map(void *state, const struct csn_region *region)
{
	struct buffer *buf;

	return (buf = find_region(state, region)) == NULL ? NULL : buf->bytes;
}

static int
buffer_dirty(void *state, const struct csn_region *region,
    struct csn_range *ranges, size_t cap, size_t *n)
{
	struct buffers *b = state;
	struct buffer *buf;
	size_t count;
	int everything;

	if ((buf = find_region(b, region)) == NULL)
		return CSN_E_REGION;
	if (!buf->tracked)
		return csn_fail(b->ctx, CSN_E_BACKEND, ROOM,
		    "nobody tells what is written to region %s", region->id);
	count = buf->n;
	everything = buf->everything;
	/* From here on it is about what comes next. */
	buf->n = 0;
	buf->everything = 0;
	if (everything || count > cap)
		return csn_fail(b->ctx, CSN_E_BUFFER, ROOM,
		    "region %s was written in too many places", region->id);
	if (count != 0)
		memcpy(ranges, buf->touched, count * sizeof(*ranges));
	*n = count;
	return 0;
}

static void
buffer_drop(struct buffer *buf)
{
	csn_free((char *)(uintptr_t)buf->region.id);
	csn_free((char *)(uintptr_t)buf->region.description);
	free(buf->touched);
}

static void
buffer_close(void *state)
{
	struct buffers *b = state;
	size_t i;

	for (i = 0; i < b->n; i++)
		buffer_drop(&b->items[i]);
	free(b->items);
	free(b);
}

const struct csn_region_provider csn_region_buffer = {
	.abi = CSN_REGION_ABI,
	.name = "buffer",
	.platform = "buffer",
	.open = buffer_open,
	.list = buffer_list,
	.read = buffer_read,
	.map = buffer_map,
	.dirty = buffer_dirty,
	.close = buffer_close,
};

/* The buffers behind regions, or NULL where they are another provider's. */
static struct buffers *
ours(struct csn_regions *regions)
{
	if (regions != NULL && regions->p == &csn_region_buffer)
		return regions->state;
	(void)csn_fail(NULL, CSN_E_ARG, ROOM,
	    "only regions of buffer: are registered by hand");
	return NULL;
}

static int
fits_in(const struct buffers *b, const struct csn_region *region)
{
	size_t i;

	if (b->n == CSN_REGIONS_MAX)
		return csn_fail(b->ctx, CSN_E_LIMIT, ROOM,
		    "there are %d regions already", CSN_REGIONS_MAX);
	for (i = 0; i < b->n; i++) {
		if (strcmp(b->items[i].region.id, region->id) == 0)
			return csn_fail(b->ctx, CSN_E_REGION, ROOM,
			    "a region %s is registered already", region->id);
		if (csn_region_overlap(&b->items[i].region, region))
			return csn_fail(b->ctx, CSN_E_REGION, ROOM,
			    "region %s overlaps %s", region->id,
			    b->items[i].region.id);
	}
	return 0;
}

int
csn_regions_add_buffer(struct csn_regions *regions,
    const struct csn_region *region, const void *bytes)
{
	struct buffer buf = { 0 }, *more;
	struct csn_region given;
	struct buffers *b;
	size_t cap;
	int rc;

	if ((b = ours(regions)) == NULL)
		return CSN_E_ARG;
	if ((rc = csn_region_take(b->ctx, region, &given)) != 0)
		return rc;
	if (bytes == NULL || given.size > SIZE_MAX)
		return csn_fail(b->ctx, CSN_E_ARG, ROOM,
		    "region %s is given without its bytes", given.id);
	if ((rc = fits_in(b, &given)) != 0)
		return rc;
	if (b->n == b->cap) {
		cap = b->cap == 0 ? 8 : b->cap * 2;
		if ((more = csn_realloc(b->items, cap, sizeof(*more))) == NULL)
			goto nomem;
		b->items = more;
		b->cap = cap;
	}
	buf.region = given;
	buf.region.id = csn_strdup(given.id);
	buf.region.description = csn_strdup(given.description);
	buf.bytes = bytes;
	if (buf.region.id == NULL || buf.region.description == NULL)
		goto nomem;
	b->items[b->n++] = buf;
	return 0;

nomem:
	buffer_drop(&buf);
	return csn_nomem(b->ctx, ROOM, "another region");
}

int
csn_regions_remove_buffer(struct csn_regions *regions, const char *id)
{
	struct buffers *b;
	struct buffer *buf;
	size_t after;

	if ((b = ours(regions)) == NULL || id == NULL)
		return CSN_E_ARG;
	if ((buf = find(b, id)) == NULL)
		return CSN_E_REGION;
	buffer_drop(buf);
	after = b->n - (size_t)(buf - b->items) - 1;
	memmove(buf, buf + 1, after * sizeof(*buf));
	b->n--;
	return 0;
}

int
csn_regions_touch_buffer(struct csn_regions *regions, const char *id,
    uint64_t offset, uint64_t len)
{
	struct csn_range *more, *last;
	struct buffers *b;
	struct buffer *buf;
	size_t cap;

	if ((b = ours(regions)) == NULL || id == NULL)
		return CSN_E_ARG;
	if ((buf = find(b, id)) == NULL)
		return CSN_E_REGION;
	if (offset > buf->region.size || len > buf->region.size - offset)
		return csn_fail(b->ctx, CSN_E_REGION, ROOM, "region %s has no "
		    "%llu bytes at 0x%llx", id, (unsigned long long)len,
		    (unsigned long long)offset);
	buf->tracked = 1;
	if (len == 0 || buf->everything)
		return 0;
	/* Writing on from where the last write ended is the common case. */
	last = buf->n == 0 ? NULL : &buf->touched[buf->n - 1];
	if (last != NULL && offset == last->offset + last->len) {
		last->len += len;
		return 0;
	}
	if (buf->n == buf->cap && buf->cap < MAX_TOUCHED) {
		cap = buf->cap == 0 ? 16 : buf->cap * 2;
		if ((more = csn_realloc(buf->touched, cap,
		    sizeof(*more))) != NULL) {
			buf->touched = more;
			buf->cap = cap;
		}
	}
	/* Without room for it all of the region counts as written. */
	if (buf->n == buf->cap) {
		buf->everything = 1;
		return 0;
	}
	buf->touched[buf->n].offset = offset;
	buf->touched[buf->n++].len = len;
	return 0;
}
