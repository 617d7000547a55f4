/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_kit.c - sealed entries of CacheKit's form, opened and sealed
 * anew. The first byte says of which shape; the second whether the rest is
 * an entry, what an entry's container holds (sealed here, so that it is
 * reached), or edits of an entry that is true.
 */
#include <caisson/cachekit.h>

#include "cache/frame.h"
#include "edit.h"
#include "identity.h"

#define MOST 8192

static struct csn_cachekit *kit, *former;

static void
finish(void)
{
	csn_cachekit_free(kit);
	csn_cachekit_free(former);
	kit = former = NULL;
}

static struct csn_cachekit *
make(struct csn_ctx *ctx, const struct csn_bytes *keys, size_t n)
{
	struct csn_cachekit_ring *ring;
	struct csn_cachekit *out;

	check(csn_cachekit_ring_new(ctx, keys, keys + 1, n - 1, 0, &ring) == 0);
	check(csn_cachekit_new(ctx, ring, NULL, &out) == 0);
	csn_cachekit_ring_free(ring);
	return out;
}

static void
start(struct csn_ctx *ctx)
{
	static const uint8_t a[32] = { 1 }, b[32] = { 2 };
	const struct csn_bytes keys[] = {
		{ a, sizeof(a) }, { b, sizeof(b) }
	};

	if (kit != NULL)
		return;
	kit = make(ctx, keys, 2);
	former = make(ctx, keys + 1, 1);
	check(atexit(finish) == 0);
}

static int
taken(int rc)
{
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT ||
	    rc == CSN_E_TAG || rc == CSN_E_POLICY || rc == CSN_E_TENANT ||
	    rc == CSN_E_VERSION || rc == CSN_E_ALGORITHM);
	return rc;
}

/* What opens is sealed anew to what opens as the same, under key 0. */
static void
use(struct csn_ctx *ctx, const struct csn_cachekit_entry *e,
    const uint8_t *p, size_t len)
{
	struct csn_cache_buffer value = { 0 }, again = { 0 }, moved = { 0 };
	size_t which = 9, was = 9;
	char *json;
	int rc;

	if (csn_cachekit_inspect(ctx, p, len, &json) == 0)
		csn_free(json);
	rc = taken(csn_cachekit_unpack(ctx, kit, e, p, len, &value, &which));
	if (taken(csn_cachekit_reseal(ctx, kit, e, p, len, &moved,
	    &was)) == 0) {
		check(was < 2 && (rc != 0 || was == which));
		check(csn_cachekit_unpack(ctx, kit, e, moved.p, moved.len,
		    &again, &was) == rc);
		check(rc != 0 || (was == 0 && again.len == value.len &&
		    memcmp(again.p, value.p, value.len) == 0));
	} else {
		check(rc != 0 && moved.len == 0);
	}
	if (rc != 0)
		check(value.len == 0);
	csn_cache_buffer_free(&value);
	csn_cache_buffer_free(&again);
	csn_cache_buffer_free(&moved);
}

/* The entry of a true one's frame and these bytes, sealed, behind it. */
static size_t
around(struct csn_ctx *ctx, struct csn_cachekit *by,
    const struct csn_cachekit_entry *e, const uint8_t *p, size_t len,
    uint8_t *out)
{
	struct csn_cachekit_bind b = { .tenant = e->tenant,
	    .tenant_len = e->tenant_len, .key = e->key,
	    .key_len = e->key_len, .format = "msgpack" };
	struct csn_cache_buffer whole = { 0 };
	static const uint8_t nil[] = { 0xc0 };
	struct csn_frame f = { 0 };
	size_t n = 0;

	if (e->shape != CSN_CACHEKIT_INTEROP) {
		check(csn_cachekit_pack(ctx, by, e, nil, 1, &whole) == 0);
		check(csn_frame_read(ctx, whole.p, whole.len, &f) == 0);
		b.format = f.format;
		b.type = f.type;
		b.compressed = f.compressed;
		n = (size_t)(f.payload - whole.p);
		memcpy(out, whole.p, n);
	}
	check(csn_cachekit_seal(by, &b, p, len, out + n) == 0);
	if (e->shape != CSN_CACHEKIT_INTEROP)
		csn_frame_free(&f);
	csn_cache_buffer_free(&whole);
	return n + len + CSN_CACHEKIT_OVERHEAD;
}

static void
edited(struct csn_ctx *ctx, struct csn_cachekit *by,
    const struct csn_cachekit_entry *e, struct csn_reader *r)
{
	static const uint8_t value[] = { 0x93, 1, 2, 0xa3, 'a', 'b', 'c' };
	struct csn_cache_buffer b = { 0 };
	uint8_t room[2048];
	size_t len;

	check(csn_cachekit_pack(ctx, by, e, value, sizeof(value), &b) == 0);
	check(b.len < sizeof(room) / 2);
	len = b.len;
	memcpy(room, b.p, len);
	(void)fuzz_edit(r, room, &len, sizeof(room));
	use(ctx, e, room, len);
	csn_cache_buffer_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t room[MOST + 2048];
	struct csn_cachekit_entry e = { .size = sizeof(e), .tenant = "t",
	    .tenant_len = 1, .key = "k", .key_len = 1 };
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_cachekit *by;
	struct csn_reader r;

	start(ctx);
	if (len < 2 || len > MOST)
		return 0;
	e.shape = 1 + data[0] % 4;
	e.flags = data[0] / 4 % 4;
	by = data[0] & 64 ? former : kit;
	csn_reader_init(&r, data + 2, len - 2);
	if (data[1] % 3 == 0)
		use(ctx, &e, r.p, r.left);
	else if (data[1] % 3 == 1)
		use(ctx, &e, room, around(ctx, by, &e, r.p, r.left, room));
	else
		edited(ctx, by, &e, &r);
	return 0;
}
