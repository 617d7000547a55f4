/* SPDX-License-Identifier: Apache-2.0 */
/* tests/envelope/test_header.c - the envelope's header, byte by byte. */
#include <caisson/features.h>

#include "envelope/message.h"
#include "kv/place.h"
#include "lib/test.h"
#include "seal/place.h"
#if CAISSON_HAVE_CACHE
#include "cache/place.h"
#endif

static struct csn_header
block(void)
{
	struct csn_header h = { .size = sizeof(h), .kind = CSN_KIND_KV_BLOCK,
	    .flags = CSN_HEADER_TENANT_SENT | CSN_HEADER_HAS_TOKEN,
	    .replay = CSN_REPLAY_STORE, .role = 3, .epoch = 0x01020304,
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

/* The header of a block or entry, by the room's own writers. */
static void
encode(const struct csn_header *h, uint8_t out[CSN_SEAL_HEADER])
{
	struct csn_head head = { .suite = h->suite, .direction =
	    (h->flags & CSN_HEADER_TENANT_SENT) != 0, .replay = h->replay,
	    .epoch = h->epoch };
	struct csn_kv_slot slot = { .kind = h->kind, .role = h->role,
	    .layer = h->layer, .count = h->count, .position = h->position,
	    .token_id = h->token_id, .flags = CSN_KV_HAS_TOKEN };

	memcpy(head.label, h->tenant_label, sizeof(head.label));
	memcpy(head.session, h->session, sizeof(head.session));
	memcpy(head.writer, h->writer, sizeof(head.writer));
	memcpy(slot.name, h->name, sizeof(slot.name));
	csn_head_begin(&head, out);
	csn_head_finish(out, h->kind, h->len, h->sequence, h->version);
	csn_kv_place_write(&slot, h->key_len, out);
}

TEST(each_field_has_its_place)
{
	static const uint8_t start[] = { 'C', 'S', 'N', 2, 2, 2, 0x11, 7 };
	struct csn_header h = block();
	uint8_t p[CSN_SEAL_OVERHEAD + 12] = { 0 };

	encode(&h, p);
	assert_memory_equal(p, start, sizeof(start));
	assert_int_equal(p[8], 0xa1);
	assert_int_equal(p[15], 0xa1);
	assert_int_equal(p[16], 0xa2);
	assert_int_equal(p[32], 0xa3);
	assert_memory_equal(p + 48, "\x04\x03\x02\x01", 4);
	assert_memory_equal(p + 52, "\x0c\0\0\0", 4);
	assert_memory_equal(p + 56, "\x38\x37\x36\x35\x34\x33\x32\x31", 8);
	assert_memory_equal(p + 64, "\x48\x47\x46\x45\x44\x43\x42\x41", 8);
	assert_memory_equal(p + 72, "\x58\x57\x56\x55\x54\x53\x52\x51", 8);
	assert_int_equal(p[80], 0xa4);
	assert_int_equal(p[111], 0xa4);
	assert_memory_equal(p + 112, "\x24\x23\x22\x21", 4);
	assert_memory_equal(p + 116, "\1\0\0\0\5\0\0\0\x14\x13\x12\x11", 12);
}

TEST(what_was_written_is_read)
{
	struct csn_header h = block(), got = { .size = sizeof(got) };
	struct csn_header little;
	uint8_t p[CSN_SEAL_OVERHEAD + 12] = { 0 };

	encode(&h, p);
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
	struct csn_header h = block(), got = { .size = sizeof(got) };
	uint8_t p[CSN_SEAL_OVERHEAD + 13] = { 0 };

	encode(&h, p);
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
	assert_int_equal(read_with(3, 1, len), CSN_E_VERSION);
	assert_int_equal(read_with(3, 3, len), CSN_E_VERSION);
	assert_int_equal(read_with(3, 0, len), CSN_E_VERSION);
	assert_int_equal(read_with(4, 0, len), CSN_E_SUITE);
	assert_int_equal(read_with(4, 5, len), CSN_E_SUITE);
	assert_int_equal(read_with(5, 0, len), CSN_E_FORM);
	assert_int_equal(read_with(5, 3, len), CSN_E_FORM);
	assert_int_equal(read_with(5, 4, len), CSN_E_FORM);
	assert_int_equal(read_with(5, 9, len), CSN_E_FORM);
	assert_int_equal(read_with(5, 33, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_MODE, 0x13, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_MODE, 0x01, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_MODE, 0x41, len), CSN_E_FORM);
	/* A token id, and no flag that says so. */
	assert_int_equal(read_with(CSN_H_KV_ROLE, 3, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_KV_ROLE, 4, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_KV_ROLE, 12, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_KV_KEY_LEN, 13, len), CSN_E_FORM);
	assert_int_equal(read_with(CSN_H_LEN, 13, len), CSN_E_FORM);
	assert_int_equal(read_with(0, 'C', len + 1), CSN_E_FORM);
	for (i = 0; i < len; i++)
		assert_int_equal(read_with(0, 'C', i), CSN_E_FORM);
}

/* All bytes of a place that a kind has no use for are zero. */
TEST(a_stream_has_no_field_but_its_own)
{
	struct csn_header h = block(), got = { .size = sizeof(got) };
	uint8_t p[CSN_SEAL_HEADER], name[32];
	size_t i;

	memset(name, 0xa4, sizeof(name));
	h.kind = CSN_KIND_STREAM;
	h.replay = CSN_REPLAY_CHANNEL;
	h.sequence = 0;
	h.version = 0;
	h.len = 4096;
	encode(&h, p);
	csn_stream_place_write(name, p);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	assert_memory_equal(got.name, name, sizeof(name));
	assert_int_equal(got.flags, CSN_HEADER_TENANT_SENT);
	assert_int_equal(got.role | got.layer | got.count | got.key_len, 0);
	for (i = CSN_H_PLACE0; i < CSN_SEAL_HEADER; i++) {
		if ((i >= CSN_H_LABEL && i < CSN_H_PLACE) ||
		    (i >= CSN_H_STREAM_NAME && i < CSN_H_STREAM_NAME + 32))
			continue;
		p[i] = 1;
		assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
		    CSN_E_FORM);
		p[i] = 0;
	}
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	p[CSN_H_LEN + 1]++;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
	p[CSN_H_LEN + 1]--;
	p[CSN_H_SEQUENCE] = 1;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
	p[CSN_H_SEQUENCE] = 0;
	/* A version there is in a store, and nowhere else. */
	p[CSN_H_VERSION + 7] = 1;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
	p[CSN_H_MODE] = CSN_REPLAY_STORE << 4;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	p[CSN_H_VERSION + 7] = 0;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
}

#if CAISSON_HAVE_CACHE
TEST(a_caches_entry_has_no_field_but_its_own)
{
	struct csn_header h = block(), got = { .size = sizeof(got) };
	uint8_t p[CSN_SEAL_OVERHEAD + CSN_HASH_SIZE + 12] = { 0 }, name[32];
	const size_t end = CSN_H_CACHE_NAME + 32;
	size_t i;

	memset(name, 0xa4, sizeof(name));
	h.kind = CSN_KIND_CACHE;
	h.flags = 0;
	encode(&h, p);
	csn_cache_place_write(77, name, p);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	assert_int_equal(got.expires_ms, 77);
	assert_memory_equal(got.name, name, sizeof(name));
	assert_int_equal(csn_header_read(NULL, p, sizeof(p) - 1, &got),
	    CSN_E_FORM);
	for (i = end; i <= CSN_SEAL_HEADER; i++) {
		/* The last is the place's first byte. */
		p[i < CSN_SEAL_HEADER ? i : CSN_H_PLACE0] = 1;
		assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
		    CSN_E_FORM);
		p[i < CSN_SEAL_HEADER ? i : CSN_H_PLACE0] = 0;
	}
	/* A cache's is nobody's channel, and the server's. */
	p[CSN_H_MODE] = CSN_REPLAY_STORE << 4 | 1;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
	p[CSN_H_MODE] = CSN_REPLAY_CHANNEL << 4;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
	p[CSN_H_MODE] = CSN_REPLAY_STORE << 4;
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got), 0);
	memset(p + CSN_H_VERSION, 0, 8);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &got),
	    CSN_E_FORM);
}
#endif

/* What csn_header_read() makes of a header that a reader is to refuse. */
static int
read_it(const struct csn_header *h)
{
	struct csn_header got = { .size = sizeof(got) };
	uint8_t p[CSN_SEAL_OVERHEAD + 12] = { 0 };

	encode(h, p);
	return csn_header_read(NULL, p, sizeof(p), &got);
}

TEST(an_entry_has_one_position_of_one_layer_and_no_name)
{
	struct csn_header h = block();
	size_t i;

	h.kind = CSN_KIND_KV_ENTRY;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	memset(h.name, 0, sizeof(h.name));
	assert_int_equal(read_it(&h), 0);
	for (i = 0; i < sizeof(h.name); i++) {
		h.name[i] = 1;
		assert_int_equal(read_it(&h), CSN_E_FORM);
		h.name[i] = 0;
	}
	h.count = 2;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.count = 0;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.count = 1;
	h.layer = CSN_KV_ALL_LAYERS;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.kind = CSN_KIND_KV_BLOCK;
	assert_int_equal(read_it(&h), 0);
}

TEST(a_message_of_one_role_has_no_byte_of_the_other)
{
	struct csn_header h = block();

	h.role = CSN_KV_KEY;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.key_len = 12;
	assert_int_equal(read_it(&h), 0);
	h.role = CSN_KV_VALUE;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.key_len = 1;
	assert_int_equal(read_it(&h), CSN_E_FORM);
	h.key_len = 0;
	assert_int_equal(read_it(&h), 0);
}

TEST(only_a_stores_message_has_a_version)
{
	struct csn_header h = block();

	for (h.replay = CSN_REPLAY_STORE; h.replay <= CSN_REPLAY_OFF;
	    h.replay++) {
		h.version = 1;
		assert_int_equal(read_it(&h), h.replay == CSN_REPLAY_STORE ?
		    0 : CSN_E_FORM);
		h.version = 0;
		assert_int_equal(read_it(&h), h.replay == CSN_REPLAY_STORE ?
		    CSN_E_FORM : 0);
	}
	/* There is no fourth mode. */
	assert_int_equal(read_it(&h), CSN_E_FORM);
}

static int
weighs_two(const struct csn_ctx *c, const struct csn_head *h,
    const uint8_t header[CSN_SEAL_HEADER])
{
	(void)c;
	return h->len == 2 && header[CSN_H_PLACE] == 'w' ? 0 : CSN_E_FORM;
}

/* A kind that only this test knows: rooms to come bring theirs. */
static const struct csn_envelope_kind weights = {
	.what = "a weight",
	.kinds = 1u << 31,
	.around = CSN_SEAL_OVERHEAD,
	.check = weighs_two,
};

TEST(a_kind_is_its_rooms_own)
{
	struct csn_header any = block(), read = { .size = sizeof(read) };
	uint8_t p[CSN_SEAL_OVERHEAD + 2] = { 0 };
	struct csn_head h;

	any.kind = 31;
	any.len = 2;
	encode(&any, p);
	assert_int_equal(csn_head_decode(NULL, &weights, p, sizeof(p), &h),
	    CSN_E_FORM);
	p[CSN_H_PLACE] = 'w';
	assert_int_equal(csn_head_decode(NULL, &weights, p, sizeof(p), &h),
	    0);
	assert_int_equal(h.kind, 31);
	assert_int_equal(h.len, 2);
	assert_int_equal(h.sequence, any.sequence);
	assert_int_equal(h.version, any.version);
	/* No other room takes it, nor does it take theirs. */
	assert_int_equal(csn_head_decode(NULL, &csn_kv_kind, p, sizeof(p),
	    &h), CSN_E_FORM);
	assert_int_equal(csn_header_read(NULL, p, sizeof(p), &read),
	    CSN_E_FORM);
	p[CSN_H_KIND] = CSN_KIND_KV_ENTRY;
	assert_int_equal(csn_head_decode(NULL, &weights, p, sizeof(p), &h),
	    CSN_E_FORM);
}

/* What follows the tail is as much part of the message as the header is. */
TEST(what_a_place_has_no_room_for_is_bound)
{
	static const uint8_t plain[CSN_KEY_SIZE] = { 1, 2, 3 };
	static const char name[] = "model.layers.0.weight";
	uint8_t aad[CSN_AAD_MAX + 4 + sizeof(name)] = { 0 };
	uint8_t text[5] = "tiny", out[5], tag[CSN_TAG_SIZE];
	struct csn_aead_part part = { .in = text, .out = out, .len = 5 };
	struct csn_message m = { .aad = aad, .number = 7, .parts = &part,
	    .nparts = 1, .tag = tag };
	struct csn_ctx *ctx = NULL;
	struct csn_lane *lane;
	struct csn_key key;
	size_t tail;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_key_mask(ctx, plain, &key), 0);
	tail = CSN_SEAL_HEADER + csn_aad_tail(aad + CSN_SEAL_HEADER, "acme",
	    0, 1);
	m.aad_len = csn_aad_more(aad, tail, name, sizeof(name));
	assert_int_equal(m.aad_len, tail + 4 + sizeof(name));
	assert_int_equal(csn_load32(aad + tail), sizeof(name));
	assert_int_equal(csn_lane_acquire(ctx, &key, &lane), 0);
	assert_int_equal(csn_message_seal(lane, &m), 0);
	part.in = part.out = out;
	aad[m.aad_len - 2] ^= 1;
	assert_int_equal(csn_message_open(lane, &m), CSN_E_TAG);
	aad[m.aad_len - 2] ^= 1;
	m.number++;
	part.in = text;
	assert_int_equal(csn_message_open(lane, &m), CSN_E_TAG);
	m.number--;
	assert_int_equal(csn_message_seal(lane, &m), 0);
	part.in = out;
	assert_int_equal(csn_message_open(lane, &m), 0);
	assert_memory_equal(out, text, sizeof(text));
	csn_lane_release(lane);
	csn_key_wipe(ctx, &key);
	csn_ctx_free(ctx);
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
	assert_int_equal(csn_aad_tail(tail, "acme", 7 | (1ull << 40), 0),
	    sizeof(want));
	assert_int_equal(tail[sizeof(want) - 1], 0);
}
