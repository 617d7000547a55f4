/* SPDX-License-Identifier: Apache-2.0 */
/* test_entry.c - whole entries: made, read, moved on, refused. */
#include "crypto/vectors.h"
#include "lib/test.h"

#include <caisson/cachekit.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* {"a": 1} in MessagePack: a value for every shape of a test's. */
static const uint8_t value[] = { 0x81, 0xa1, 'a', 0x01 };

static struct csn_cachekit *one, *two, *both;

static struct csn_cachekit *
kit_of(const char *current, const char *previous)
{
	struct csn_cachekit_ring *keys;
	struct csn_cachekit *kit;

	assert_int_equal(csn_cachekit_ring_hex(test_ctx, "test", current,
	    previous, 0, &keys), 0);
	assert_int_equal(csn_cachekit_new(test_ctx, keys, NULL, &kit), 0);
	csn_cachekit_ring_free(keys);
	return kit;
}

BEFORE_ALL
{
	test_ctx_start();
	one = kit_of(A, NULL);
	two = kit_of(B, NULL);
	both = kit_of(B, A);
}

AFTER_ALL
{
	csn_cachekit_free(one);
	csn_cachekit_free(two);
	csn_cachekit_free(both);
	test_ctx_end();
}

static struct csn_cachekit_entry
entry_of(uint32_t shape, uint32_t flags, const char *key)
{
	struct csn_cachekit_entry e = { .size = sizeof(e), .shape = shape,
	    .flags = flags, .key = key, .key_len = strlen(key) };

	return e;
}

static void
pack(struct csn_cachekit *kit, const struct csn_cachekit_entry *e,
    struct csn_cache_buffer *out)
{
	assert_int_equal(csn_cachekit_pack(test_ctx, kit, e, value,
	    sizeof(value), out), 0);
}

static int
unpack(struct csn_cachekit *kit, const struct csn_cachekit_entry *e,
    const uint8_t *p, size_t len)
{
	struct csn_cache_buffer out = { 0 };
	int rc = csn_cachekit_unpack(test_ctx, kit, e, p, len, &out, NULL);

	if (rc == 0) {
		assert_int_equal(out.len, sizeof(value));
		assert_memory_equal(out.p, value, sizeof(value));
	} else {
		assert_int_equal(out.len, 0);
	}
	csn_cache_buffer_free(&out);
	return rc;
}

static const struct {
	uint32_t shape;
	uint32_t flags;
} all[] = {
	{ CSN_CACHEKIT_AUTO_MSGPACK, 0 },
	{ CSN_CACHEKIT_AUTO_MSGPACK, CSN_CACHEKIT_NO_INTEGRITY },
	{ CSN_CACHEKIT_AUTO_ORJSON, 0 },
	{ CSN_CACHEKIT_AUTO_ORJSON, CSN_CACHEKIT_NO_INTEGRITY },
	{ CSN_CACHEKIT_AUTO_ARROW, 0 },
	{ CSN_CACHEKIT_AUTO_ARROW, CSN_CACHEKIT_COMPRESSED },
	{ CSN_CACHEKIT_INTEROP, 0 },
};
#define NALL (sizeof(all) / sizeof(all[0]))

/* Every shape, plain and sealed; none is read as another. */
TEST(test_shapes)
{
	struct csn_cache_buffer out = { 0 };
	struct csn_cachekit_entry e, other;
	struct csn_cachekit *kit;
	size_t i, j;

	for (i = 0; i < 2 * NALL; i++) {
		kit = i < NALL ? one : NULL;
		e = entry_of(all[i % NALL].shape, all[i % NALL].flags, "k");
		pack(kit, &e, &out);
		assert_int_equal(csn_cachekit_is_frame(out.p, out.len),
		    e.shape != CSN_CACHEKIT_INTEROP);
		assert_int_equal(unpack(kit, &e, out.p, out.len), 0);
		for (j = 0; j < NALL; j++) {
			other = entry_of(all[j].shape, all[j].flags, "k");
			if (other.shape != e.shape)
				assert_int_not_equal(unpack(kit, &other,
				    out.p, out.len), 0);
		}
		/* Fail closed, both ways. */
		if (e.shape != CSN_CACHEKIT_INTEROP)
			assert_int_equal(unpack(kit != NULL ? NULL : one, &e,
			    out.p, out.len), CSN_E_POLICY);
	}
	/* Interop says nothing of itself: plain bytes fail their tag, and
	 * sealed ones are no document. */
	e = entry_of(CSN_CACHEKIT_INTEROP, 0, "k");
	pack(NULL, &e, &out);
	assert_int_equal(unpack(one, &e, out.p, out.len), CSN_E_FORM);
	csn_cache_buffer_free(&out);
}

/* A plain entry that somebody planted says that it is sealed, and is not. */
TEST(test_planted)
{
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k");
	struct csn_cache_buffer plain = { 0 }, sealed = { 0 };
	uint8_t *forged;
	size_t header, n;

	pack(NULL, &e, &plain);
	pack(one, &e, &sealed);
	header = 7 + ((size_t)sealed.p[5] << 8 | sealed.p[6]);
	n = 7 + ((size_t)plain.p[5] << 8 | plain.p[6]);
	assert_non_null(forged = malloc(header + plain.len));
	memcpy(forged, sealed.p, header);
	memcpy(forged + header, plain.p + n, plain.len - n);
	assert_int_equal(unpack(one, &e, forged, header + plain.len - n),
	    CSN_E_TAG);
	free(forged);
	csn_cache_buffer_free(&plain);
	csn_cache_buffer_free(&sealed);
}

TEST(test_tenants)
{
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k"), other = e, named = e;
	struct csn_cache_buffer out = { 0 };

	pack(one, &e, &out);
	/* No tenant is the protocol's "default". */
	named.tenant = "default";
	named.tenant_len = 7;
	assert_int_equal(unpack(one, &named, out.p, out.len), 0);
	other.tenant = "caf\xc3\xa9 \"\\\n\x1b";
	other.tenant_len = strlen(other.tenant);
	assert_int_equal(unpack(one, &other, out.p, out.len), CSN_E_TENANT);
	pack(one, &other, &out);
	assert_int_equal(unpack(one, &other, out.p, out.len), 0);
	/* Not by the frame that would be written, but by reading it. */
	assert_int_equal(unpack(both, &other, out.p, out.len), 0);
	assert_int_equal(unpack(one, &e, out.p, out.len), CSN_E_TENANT);
	e.key = "l";
	e.tenant = other.tenant;
	e.tenant_len = other.tenant_len;
	assert_int_equal(unpack(one, &e, out.p, out.len), CSN_E_TAG);
	csn_cache_buffer_free(&out);
}

/* No bit of a sealed entry can change without notice. */
TEST(test_each_bit_and_each_cut)
{
	struct csn_cachekit_entry e;
	struct csn_cache_buffer out = { 0 };
	size_t i, j, payload;
	int rc;

	for (j = 0; j < NALL; j++) {
		e = entry_of(all[j].shape, all[j].flags, "k");
		pack(one, &e, &out);
		payload = e.shape == CSN_CACHEKIT_INTEROP ? 0 :
		    7 + ((size_t)out.p[5] << 8 | out.p[6]);
		for (i = 0; i < 8 * out.len; i++) {
			out.p[i / 8] ^= (uint8_t)(1 << i % 8);
			rc = unpack(one, &e, out.p, out.len);
			/* The header's spare words are not authenticated,
			 * and lead to the same value or to none. */
			if (i / 8 >= payload)
				assert_int_equal(rc, CSN_E_TAG);
			out.p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (i = 0; i < out.len; i++)
			assert_int_not_equal(unpack(one, &e, out.p, i), 0);
	}
	csn_cache_buffer_free(&out);
}

TEST(test_reseal)
{
	struct csn_cachekit_entry e;
	struct csn_cache_buffer out = { 0 }, moved = { 0 };
	size_t i, which = 9;

	for (i = 0; i < NALL; i++) {
		e = entry_of(all[i].shape, all[i].flags, "k");
		pack(one, &e, &out);
		assert_int_equal(unpack(two, &e, out.p, out.len), CSN_E_TAG);
		assert_int_equal(csn_cachekit_reseal(test_ctx, both, &e,
		    out.p, out.len, &moved, &which), 0);
		assert_int_equal(which, 1);
		assert_int_equal(unpack(two, &e, moved.p, moved.len), 0);
		assert_int_equal(unpack(one, &e, moved.p, moved.len),
		    CSN_E_TAG);
		assert_int_equal(csn_cachekit_reseal(test_ctx, both, &e,
		    moved.p, moved.len, &out, &which), 0);
		assert_int_equal(which, 0);
	}
	assert_int_equal(csn_cachekit_reseal(test_ctx, NULL, &e, out.p,
	    out.len, &moved, NULL), CSN_E_ARG);
	csn_cache_buffer_free(&out);
	csn_cache_buffer_free(&moved);
}

/* Frames that are none, in every way. */
TEST(test_frames)
{
	static const struct {
		const char *stored;
		size_t len;
		int rc;
	} bad[] = {
		{ "", 0, CSN_E_FORM },
		{ "C", 1, CSN_E_FORM },
		{ "CK", 2, CSN_E_FORM },
		{ "CK\2\0\0\0\2{}", 9, CSN_E_VERSION },
		{ "CK\3\0\0\0\3{}", 9, CSN_E_FORM },
		{ "CK\3\xff\xff\xff\xff{}", 9, CSN_E_FORM },
		{ "CK\3\0\0\0\2{}", 9, CSN_E_FORM },
		{ "CK\3\0\0\0\2[]", 9, CSN_E_FORM },
		{ "CK\3\0\0\0\x9{\"s\":\"a\"}", 16, CSN_E_FORM },
		{ "CK\3\0\0\0\x10{\"s\":\"a\",\"m\":{}}", 23, CSN_E_FORM },
		{ "{", 1, CSN_E_FORM },
		{ "{}", 2, CSN_E_FORM },
		{ "{\"data\": \"AA=\", \"serializer\": \"default\"}", 41,
		    CSN_E_FORM },
		{ "{\"data\": \"AA==\", \"serializer\": \"default\"}", 42,
		    CSN_E_FORM },
		{ "{\"data\": \"AA==\", \"metadata\": {\"format\": "
		    "\"msgpack\"}}", 50, CSN_E_FORM },
	};
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(unpack(NULL, &e,
		    (const uint8_t *)bad[i].stored, bad[i].len), bad[i].rc);
}

/*
 * An older entry of a million elements, which a parser would make 20 times as
 * large, is refused unparsed; one long text in it is none.
 */
TEST(test_swarms)
{
	static const char head[] = "{\"data\": [1", tail[] = "]}";
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k");
	size_t n = 1 << 20, len = sizeof(head) - 1, i;
	char *text;

	assert_non_null(text = malloc(len + 2 * n + sizeof(tail)));
	memcpy(text, head, len);
	for (i = 0; i < n; i++) {
		text[len++] = ',';
		text[len++] = '1';
	}
	memcpy(text + len, tail, sizeof(tail) - 1);
	len += sizeof(tail) - 1;
	assert_int_equal(unpack(NULL, &e, (const uint8_t *)text, len),
	    CSN_E_LIMIT);
	assert_int_equal(unpack(one, &e, (const uint8_t *)text, len),
	    CSN_E_LIMIT);
	/* The same within quotes, one of them escaped, is one part. */
	memcpy(text, "{\"data\":\"\\\"", 12);
	memcpy(text + len - 2, "\"}", 2);
	assert_int_equal(unpack(NULL, &e, (const uint8_t *)text, len),
	    CSN_E_FORM);
	free(text);
}

/* What was sealed as a value and is no MessagePack is not given out. */
TEST(test_an_interop_value_is_one_document)
{
	static const uint8_t pair[] = { 0x01, 0x02 }, cut[] = { 0x92, 0x01 };
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_INTEROP, 0, "k");
	struct csn_cache_buffer out = { 0 };

	assert_int_equal(csn_cachekit_pack(test_ctx, one, &e, pair,
	    sizeof(pair), &out), CSN_E_FORM);
	assert_int_equal(unpack(NULL, &e, pair, sizeof(pair)), CSN_E_FORM);
	assert_int_equal(unpack(NULL, &e, cut, sizeof(cut)), CSN_E_FORM);
	csn_cache_buffer_free(&out);
}

/* Interop entries have no frame: what is short may be no sealed one at all. */
TEST(test_plaintext_where_sealed_is_due)
{
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_INTEROP, 0, "k");

	assert_int_equal(unpack(one, &e, (const uint8_t *)"\x81\xa1" "a\1",
	    4), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "plain"));
	assert_non_null(strstr(csn_message(), "planted"));
}

/* An auto-mode writer and an interop reader that share a key hear of it. */
TEST(test_modes_that_meet)
{
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k");
	struct csn_cache_buffer out = { 0 };

	pack(NULL, &e, &out);
	e.shape = CSN_CACHEKIT_INTEROP;
	assert_int_equal(unpack(NULL, &e, out.p, out.len), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "auto-mode"));
	csn_cache_buffer_free(&out);
}

TEST(test_limits_and_arguments)
{
	struct csn_cachekit_entry e = entry_of(9, 0, "k");
	struct csn_cache_buffer out = { 0 };

	assert_int_equal(csn_cachekit_pack(test_ctx, one, &e, value, 4, &out),
	    CSN_E_ARG);
	e.shape = CSN_CACHEKIT_AUTO_MSGPACK;
	e.key_len = 0;
	assert_int_equal(csn_cachekit_pack(test_ctx, one, &e, value, 4, &out),
	    CSN_E_ARG);
	assert_int_equal(csn_cachekit_pack(test_ctx, NULL, &e, value, 4,
	    &out), CSN_E_ARG);
	e.key_len = 1;
	assert_int_equal(csn_cachekit_pack(test_ctx, one, &e, value,
	    (size_t)CSN_CACHEKIT_VALUE_MAX + 1, &out), CSN_E_LIMIT);
	e.shape = CSN_CACHEKIT_INTEROP;
	assert_int_equal(csn_cachekit_pack(test_ctx, one, &e,
	    (const uint8_t *)"\xc1", 1, &out), CSN_E_FORM);
	csn_cache_buffer_free(&out);
	csn_cache_buffer_free(NULL);
}

TEST(test_inspect_shows_no_value)
{
	struct csn_cachekit_entry e = entry_of(CSN_CACHEKIT_AUTO_MSGPACK, 0,
	    "k");
	struct csn_cache_buffer out = { 0 };
	char print[33], *json;
	struct csn_cachekit_ring *keys;
	uint8_t bytes[16];

	pack(one, &e, &out);
	assert_int_equal(csn_cachekit_inspect(test_ctx, out.p, out.len,
	    &json), 0);
	assert_non_null(strstr(json, "\"tenant\": \"default\""));
	assert_non_null(strstr(json, "\"encrypted\": true"));
	assert_int_equal(csn_cachekit_fingerprint(one, "default", 7, 0,
	    bytes), 0);
	assert_non_null(strstr(json, "\"key_fingerprint\""));
	csn_free(json);
	/* The frame names the tenant's key, never the master key. */
	assert_int_equal(csn_cachekit_ring_hex(test_ctx, "test", A, NULL, 0,
	    &keys), 0);
	assert_int_equal(csn_cachekit_ring_fingerprint(keys, 0, print), 0);
	assert_null(memmem(out.p, out.len, print, 32));
	csn_cachekit_ring_free(keys);
	e.shape = CSN_CACHEKIT_INTEROP;
	pack(one, &e, &out);
	assert_int_equal(csn_cachekit_inspect(test_ctx, out.p, out.len,
	    &json), 0);
	assert_non_null(strstr(json, "interop"));
	csn_free(json);
	assert_int_equal(csn_cachekit_inspect(test_ctx,
	    (const uint8_t *)"CK", 2, &json), CSN_E_FORM);
	csn_cache_buffer_free(&out);
}

/* Large values, through buffers that are used again. */
TEST(test_sizes)
{
	static const size_t sizes[] = { 0, 1, 100, 65536, 1 << 20, 16 << 20,
	    10 };
	struct csn_cache_buffer out = { 0 }, back = { 0 };
	struct csn_cachekit_entry e;
	uint8_t *big;
	size_t i, j;

	assert_non_null(big = malloc(16 << 20));
	for (i = 0; i < 16 << 20; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 20);
	for (j = 0; j < NALL - 1; j++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			e = entry_of(all[j].shape, all[j].flags, "k");
			assert_int_equal(csn_cachekit_pack(test_ctx, one, &e,
			    big, sizes[i], &out), 0);
			assert_int_equal(csn_cachekit_unpack(test_ctx, one,
			    &e, out.p, out.len, &back, NULL), 0);
			assert_int_equal(back.len, sizes[i]);
			assert_memory_equal(back.p, big, sizes[i]);
		}
	free(big);
	csn_cache_buffer_free(&out);
	csn_cache_buffer_free(&back);
}

/* Without a seal the checksum is all that finds a broken value. */
TEST(test_a_plain_value_has_the_checksum_beside_it)
{
	const uint32_t shapes[] = { CSN_CACHEKIT_AUTO_ORJSON,
	    CSN_CACHEKIT_AUTO_ARROW };
	struct csn_cache_buffer out = { 0 };
	struct csn_cachekit_entry e;
	size_t i, j, tail = 8 + sizeof(value);

	for (i = 0; i < 2; i++) {
		e = entry_of(shapes[i], 0, "k");
		pack(NULL, &e, &out);
		assert_int_equal(unpack(NULL, &e, out.p, out.len), 0);
		/* Each byte of the checksum, and of the value behind it. */
		for (j = out.len - tail; j < out.len; j++) {
			out.p[j] ^= 1;
			assert_int_equal(unpack(NULL, &e, out.p, out.len),
			    CSN_E_FORM);
			out.p[j] ^= 1;
		}
	}
	csn_cache_buffer_free(&out);
}
