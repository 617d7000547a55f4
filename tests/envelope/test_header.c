/* SPDX-License-Identifier: Apache-2.0 */
/* tests/envelope/test_header.c - the envelope's header, byte by byte. */
#include "envelope/header.h"
#include "lib/test.h"

static struct csn_header
entry(void)
{
	struct csn_header h = { .size = sizeof(h), .kind = CSN_KIND_KV_ENTRY,
	    .flags = CSN_HEADER_TENANT_SENT | CSN_HEADER_HAS_TOKEN,
	    .replay = CSN_REPLAY_CHANNEL, .role = 3, .epoch = 0x01020304,
	    .layer = 0x11121314, .token_id = 0x21222324, .count = 1,
	    .key_len = 5, .len = 12, .suite = CSN_KEM_ML_KEM_768,
	    .sequence = 0x3132333435363738, .version = 0x4142434445464748,
	    .position = 0x5152535455565758 };

	memset(h.tenant_label, 0xa1, sizeof(h.tenant_label));
	memset(h.session, 0xa2, sizeof(h.session));
	memset(h.writer, 0xa3, sizeof(h.writer));
	memset(h.name, 0xa4, sizeof(h.name));
	return h;
}

TEST(each_field_has_its_place)
{
	static const uint8_t start[] = { 'C', 'S', 'N', 1, 2, 1, 0x23, 3 };
	struct csn_header h = entry();
	uint8_t p[CSN_SEAL_OVERHEAD + 12] = { 0 };

	csn_header_encode(&h, p);
	assert_memory_equal(p, start, sizeof(start));
	assert_int_equal(p[8], 0xa1);
	assert_int_equal(p[15], 0xa1);
	assert_int_equal(p[16], 0xa2);
	assert_int_equal(p[32], 0xa3);
	assert_memory_equal(p + 48, "\x04\x03\x02\x01", 4);
	assert_memory_equal(p + 52, "\x14\x13\x12\x11", 4);
	assert_memory_equal(p + 56, "\x38\x37\x36\x35\x34\x33\x32\x31", 8);
	assert_memory_equal(p + 64, "\x48\x47\x46\x45\x44\x43\x42\x41", 8);
	assert_memory_equal(p + 72, "\x58\x57\x56\x55\x54\x53\x52\x51", 8);
	assert_int_equal(p[80], 0xa4);
	assert_int_equal(p[111], 0xa4);
	assert_memory_equal(p + 112, "\x24\x23\x22\x21", 4);
	assert_memory_equal(p + 116, "\1\0\0\0\5\0\0\0\x0c\0\0\0", 12);
}

TEST(what_was_written_is_read)
{
	struct csn_header h = entry(), got = { .size = sizeof(got) };
	struct csn_header little;
	uint8_t p[CSN_SEAL_OVERHEAD + 12] = { 0 };

	csn_header_encode(&h, p);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	assert_memory_equal(&got, &h, sizeof(h));
	memset(&little, 0xee, sizeof(little));
	little.size = offsetof(struct csn_header, role);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &little),
	    CSN_E_ARG);
	assert_int_equal(little.kind, 0xeeeeeeee);
}

static int
read_with(size_t at, uint8_t value, size_t len)
{
	struct csn_header h = entry(), got = { .size = sizeof(got) };
	uint8_t p[CSN_SEAL_OVERHEAD + 13] = { 0 };

	csn_header_encode(&h, p);
	p[at] = value;
	return csn_header_read(NULL, p, len, &got);
}

TEST(what_makes_no_sense_is_refused)
{
	const size_t len = CSN_SEAL_OVERHEAD + 12;
	size_t i;

	assert_int_equal(read_with(0, 'C', len), 0);
	assert_int_equal(read_with(0, 'c', len), CSN_E_FORM);
	assert_int_equal(read_with(2, 'M', len), CSN_E_FORM);
	assert_int_equal(read_with(3, 2, len), CSN_E_VERSION);
	assert_int_equal(read_with(3, 0, len), CSN_E_VERSION);
	assert_int_equal(read_with(4, 0, len), CSN_E_SUITE);
	assert_int_equal(read_with(4, 5, len), CSN_E_SUITE);
	assert_int_equal(read_with(5, 0, len), CSN_E_FORM);
	assert_int_equal(read_with(5, 4, len), CSN_E_FORM);
	assert_int_equal(read_with(6, 0x27, len), CSN_E_FORM);
	assert_int_equal(read_with(6, 0x03, len), CSN_E_FORM);
	assert_int_equal(read_with(6, 0x43, len), CSN_E_FORM);
	/* A token id, and no flag that says so. */
	assert_int_equal(read_with(6, 0x21, len), CSN_E_FORM);
	assert_int_equal(read_with(7, 0, len), CSN_E_FORM);
	assert_int_equal(read_with(7, 4, len), CSN_E_FORM);
	assert_int_equal(read_with(120, 13, len), CSN_E_FORM);
	assert_int_equal(read_with(124, 13, len), CSN_E_FORM);
	assert_int_equal(read_with(0, 'C', len + 1), CSN_E_FORM);
	for (i = 0; i < len; i++)
		assert_int_equal(read_with(0, 'C', i), CSN_E_FORM);
}

TEST(the_nonce_is_the_sequence)
{
	static const uint8_t want[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t nonce[CSN_NONCE_SIZE];

	csn_nonce(nonce, 0x0102030405060708);
	assert_memory_equal(nonce, want, sizeof(want));
}

TEST(the_tail_tells_segments_apart)
{
	static const uint8_t want[] = { 4, 0, 'a', 'c', 'm', 'e', 7, 0, 0, 0,
	    0, 1, 0, 0, 1 };
	uint8_t tail[CSN_AAD_TAIL_MAX];

	assert_int_equal(csn_aad_tail(tail, "acme", 7 | (1ull << 40), 2),
	    sizeof(want));
	assert_memory_equal(tail, want, sizeof(want));
}
