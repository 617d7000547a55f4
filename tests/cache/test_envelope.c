/* SPDX-License-Identifier: Apache-2.0 */
/* test_envelope.c - containers that lie, and bombs among them. */
#include <lz4.h>

#include "crypto/vectors.h"
#include "lib/test.h"

#include "cache/envelope.h"
#include "cache/mp.h"

/* [bin(data), checksum, size, "msgpack"], whatever these are. */
static size_t
forge(uint8_t *out, const uint8_t *data, size_t len, const uint8_t sum[8],
    uint64_t size)
{
	size_t n = 0, i;

	out[n++] = 0x94;
	out[n++] = 0xc6;
	for (i = 0; i < 4; i++)
		out[n++] = (uint8_t)(len >> (24 - 8 * i));
	memcpy(out + n, data, len);
	n += len;
	out[n++] = 0x98;
	for (i = 0; i < 8; i++) {
		out[n++] = 0xcc;
		out[n++] = sum[i];
	}
	out[n++] = 0xcf;
	for (i = 0; i < 8; i++)
		out[n++] = (uint8_t)(size >> (56 - 8 * i));
	memcpy(out + n, "\xa7msgpack", 8);
	return n + 8;
}

static int
reads(const uint8_t *p, size_t len)
{
	struct csn_envelope e;
	uint8_t *out;
	int rc;

	if ((rc = csn_envelope_read(test_ctx, p, len, &e)) != 0)
		return rc;
	assert_non_null(out = malloc(e.original + 1));
	if (e.spelled != 0) {
		uint8_t *room = malloc(e.data_len + 1);

		assert_non_null(room);
		rc = csn_envelope_unpack(test_ctx, &e, room, out);
		free(room);
	} else {
		rc = csn_envelope_unpack(test_ctx, &e, NULL, out);
	}
	free(out);
	return rc;
}

TEST(test_limits)
{
	uint8_t buffer[4096], sum[8] = { 0 }, data[1024] = { 0 };
	size_t n;

	/* More than 1000 times as much: refused before anything is made. */
	n = forge(buffer, data, 1, sum, 1001);
	assert_int_equal(reads(buffer, n), CSN_E_LIMIT);
	n = forge(buffer, data, 1, sum, 1000);
	assert_int_equal(reads(buffer, n), CSN_E_FORM);
	n = forge(buffer, data, 1024, sum, (512u << 20) + 1);
	assert_int_equal(reads(buffer, n), CSN_E_LIMIT);
	n = forge(buffer, data, 1024, sum, UINT64_MAX);
	assert_int_equal(reads(buffer, n), CSN_E_LIMIT);
	n = forge(buffer, data, 0, sum, 1);
	assert_int_equal(reads(buffer, n), CSN_E_FORM);
	/* Nothing of nothing has the checksum of nothing. */
	n = forge(buffer, data, 0, sum, 0);
	assert_int_equal(reads(buffer, n), CSN_E_FORM);
	csn_checksum(NULL, 0, sum);
	n = forge(buffer, data, 0, sum, 0);
	assert_int_equal(reads(buffer, n), 0);
	assert_int_equal(csn_envelope_write(test_ctx, "msgpack", data,
	    (512u << 20) + 1, buffer, &n), CSN_E_LIMIT);
}

/* A block that unpacks to less: what lay there before does not complete it. */
TEST(test_a_block_is_of_the_size_that_it_says)
{
	/* Eight literals, where sixteen are said and sixteen lie there. */
	static const uint8_t block[] = { 0x80, 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t out[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t buffer[64], sum[8];
	struct csn_envelope e;
	size_t n;

	csn_checksum(out, sizeof(out), sum);
	n = forge(buffer, block, sizeof(block), sum, sizeof(out));
	assert_int_equal(csn_envelope_read(test_ctx, buffer, n, &e), 0);
	assert_int_equal(csn_envelope_unpack(test_ctx, &e, NULL, out),
	    CSN_E_FORM);
	csn_checksum(block + 1, 8, sum);
	n = forge(buffer, block, sizeof(block), sum, 8);
	assert_int_equal(reads(buffer, n), 0);
}

/* An array of a million integers that is not there asks for no memory. */
TEST(test_counts_are_not_believed)
{
	static const uint8_t array[] = { 0x94, 0xdd, 0x7f, 0xff, 0xff, 0xff,
	    1, 2, 3 };
	static const uint8_t bin[] = { 0x94, 0xc6, 0xff, 0xff, 0xff, 0xff, 1 };
	static const uint8_t wide[] = { 0x94, 0x91, 0xcd, 1, 0, 0x98, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0xa1, 'm' };

	assert_int_equal(reads(array, sizeof(array)), CSN_E_FORM);
	assert_int_equal(reads(bin, sizeof(bin)), CSN_E_FORM);
	assert_int_equal(reads(wide, sizeof(wide)), CSN_E_FORM);
	assert_int_equal(reads(NULL, 0), CSN_E_FORM);
}

TEST(test_each_bit_and_each_cut)
{
	uint8_t value[700], *stored;
	size_t len, i, refused = 0;
	int rc;

	for (i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i % 37);
	assert_non_null(stored = malloc(csn_envelope_bound(sizeof(value))));
	assert_int_equal(csn_envelope_write(test_ctx, "msgpack", value,
	    sizeof(value), stored, &len), 0);
	assert_true(len < 200);
	assert_int_equal(reads(stored, len), 0);
	for (i = 0; i < 8 * len; i++) {
		stored[i / 8] ^= (uint8_t)(1 << i % 8);
		rc = reads(stored, len);
		/* What unpacks to the same value is no harm: LZ4 can say a
		 * thing in many ways, and the checksum held. */
		assert_true(rc == 0 || rc == CSN_E_FORM ||
		    rc == CSN_E_LIMIT);
		refused += rc != 0;
		stored[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(refused > 8 * (len - 16));
	for (i = 0; i < len; i++)
		assert_int_equal(reads(stored, i), CSN_E_FORM);
	free(stored);
}

/* Every size around where the lengths of headers change. */
TEST(test_sizes)
{
	static const size_t around[] = { 0, 200, 250, 65000, 65530, 1 << 20 };
	uint8_t *value, *stored;
	size_t i, j, len, at;

	assert_non_null(value = malloc((1 << 20) + 64));
	for (i = 0; i < (1 << 20) + 64; i++)
		value[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_non_null(stored = malloc(csn_envelope_bound((1 << 20) + 64)));
	for (i = 0; i < sizeof(around) / sizeof(around[0]); i++)
		for (j = 0; j < 16; j++) {
			at = around[i] + j;
			assert_int_equal(csn_envelope_write(test_ctx,
			    "msgpack", value, at, stored, &len), 0);
			assert_true(len <= csn_envelope_bound(at));
			assert_int_equal(reads(stored, len), 0);
		}
	/* A great many zeroes stay below the ratio that readers refuse. */
	memset(value, 0, 1 << 20);
	assert_int_equal(csn_envelope_write(test_ctx, "msgpack", value,
	    1 << 20, stored, &len), 0);
	assert_int_equal(reads(stored, len), 0);
	free(value);
	free(stored);
}

/* Where a sample looks like noise LZ4 looks less closely, not away. */
TEST(test_noise_is_packed_faster_and_text_as_well_as_ever)
{
	static const char words[] = "{\"id\": 0, \"name\": \"one of many\"}, ";
	uint8_t value[8192], stored[9000];
	char fast[9000];
	size_t i, len;
	int best;

	for (i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)words[i % (sizeof(words) - 1)];
	for (i = 7; i < sizeof(value); i += sizeof(words) - 1)
		value[i] = (uint8_t)('0' + i * 2654435761u % 10);
	best = LZ4_compress_default((const char *)value, fast,
	    sizeof(value), sizeof(fast));
	assert_int_equal(csn_envelope_write(test_ctx, "msgpack", value,
	    sizeof(value), stored, &len), 0);
	assert_in_range(len, best, best + 40);
	/* The same 2 KiB of noise, four times. */
	for (i = 0; i < 2048; i++)
		value[i] = (uint8_t)(i * i * 2654435761u >> 15);
	for (; i < sizeof(value); i++)
		value[i] = value[i - 2048];
	assert_int_equal(csn_envelope_write(test_ctx, "msgpack", value,
	    sizeof(value), stored, &len), 0);
	assert_in_range(len, 2048, 3072);
	assert_int_equal(reads(stored, len), 0);
}

/* --- documents -------------------------------------------------------- */

static int
check(const char *bytes, size_t len, int interop)
{
	return csn_mp_check(test_ctx, (const uint8_t *)bytes, len, interop);
}

TEST(test_documents)
{
	static const struct {
		const char *bytes;
		size_t len;
		int plain, interop;
	} docs[] = {
		{ "", 0, CSN_E_FORM, CSN_E_FORM },
		{ "\xc0", 1, 0, 0 },
		{ "\xc0\xc0", 2, CSN_E_FORM, CSN_E_FORM },
		{ "\xc1", 1, CSN_E_FORM, CSN_E_FORM },
		{ "\x93\x01\xa1" "a\x80", 5, 0, 0 },
		{ "\x93\x01\xa1" "a", 4, CSN_E_FORM, CSN_E_FORM },
		{ "\x81\x01\x02", 3, 0, CSN_E_FORM },
		{ "\x81\xa1k\x02", 4, 0, 0 },
		{ "\x81\xa1k", 3, CSN_E_FORM, CSN_E_FORM },
		{ "\x82\xa1k\x81\x01\x02\xa1l\x02", 9, 0, CSN_E_FORM },
		{ "\xd4\x01\x02", 3, 0, CSN_E_FORM },
		{ "\xd4\x01", 2, CSN_E_FORM, CSN_E_FORM },
		{ "\xc7\x03\x01" "abc", 6, 0, CSN_E_FORM },
		{ "\xc7\x03\x01" "ab", 5, CSN_E_FORM, CSN_E_FORM },
		{ "\xd8\x01" "0123456789abcdef", 18, 0, CSN_E_FORM },
		{ "\xa2\xc3\x28", 3, 0, CSN_E_FORM },
		{ "\xcb\x7f\xf0\0\0\0\0\0\0", 9, 0, CSN_E_FORM },
		{ "\xcb\x7f\xe0\0\0\0\0\0\0", 9, 0, 0 },
		{ "\xca\x7f\xc0\0\0", 5, 0, CSN_E_FORM },
		{ "\xca\x3f\x80\0\0", 5, 0, 0 },
		{ "\xcf\0\0\0\0\0\0\0\1", 9, 0, 0 },
		{ "\xd3\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, 0 },
		{ "\xd1\xff", 2, CSN_E_FORM, CSN_E_FORM },
		{ "\xdd\xff\xff\xff\xff", 5, CSN_E_FORM, CSN_E_FORM },
		{ "\xdf\xff\xff\xff\xff\xa1k", 7, CSN_E_FORM, CSN_E_FORM },
		{ "\xde\0\1\xa1k\xc4\1x", 8, 0, 0 },
		{ "\xc5\0\2x", 4, CSN_E_FORM, CSN_E_FORM },
		{ "\xdb\0\0\0\2xy", 7, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		assert_int_equal(check(docs[i].bytes, docs[i].len, 0),
		    docs[i].plain);
		assert_int_equal(check(docs[i].bytes, docs[i].len, 1),
		    docs[i].interop);
	}
}

TEST(test_documents_nest_to_a_limit)
{
	char deep[CSN_MP_DEPTH + 2];

	memset(deep, '\x91', sizeof(deep));
	deep[CSN_MP_DEPTH] = '\xc0';
	assert_int_equal(check(deep, CSN_MP_DEPTH + 1, 1), 0);
	deep[CSN_MP_DEPTH] = '\x91';
	deep[CSN_MP_DEPTH + 1] = '\xc0';
	assert_int_equal(check(deep, CSN_MP_DEPTH + 2, 1), CSN_E_LIMIT);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
