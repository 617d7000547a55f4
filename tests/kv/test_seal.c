/* SPDX-License-Identifier: Apache-2.0 */
/* test_seal.c - entries and blocks of every shape, there and back. */
#include "kv/message.h"
#include "kv/place.h"
#include "lib/test.h"
#include "session/pair.h"

static struct csn_ctx *ctx;
static struct csn_session *session;

TEST(entries_of_any_length_come_back)
{
	const size_t lens[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65,
	    127, 128, 129, 255, 256, 1000, 4095, 4096, 4097, 65536, 100003 };
	struct csn_kv_slot slot;
	struct message p;
	size_t i, k, n = sizeof(lens) / sizeof(lens[0]);

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++) {
			slot = slot_entry((uint32_t)i, k);
			message_make(&p, session, &slot, lens[i], lens[k],
			    (unsigned)(i * n + k));
			assert_int_equal(message_open(&p, session), 0);
			assert_int_equal(message_open_at(&p, session, &slot),
			    0);
			message_free(&p);
		}
}

TEST(blocks_of_megabytes_come_back)
{
	const size_t lens[] = { (size_t)2 << 20, ((size_t)2 << 20) + 1,
	    ((size_t)5 << 20) - 3, (size_t)16 << 20 };
	struct csn_kv_slot slot;
	struct message p;
	size_t i;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		slot = slot_block((uint8_t)(i + 1), i * 64, 64);
		message_make(&p, session, &slot, lens[i] / 2, lens[i] -
		    lens[i] / 2, (unsigned)i);
		assert_int_equal(message_open(&p, session), 0);
		message_free(&p);
		slot.role = CSN_KV_VALUE;
		message_make(&p, session, &slot, 0, lens[i], (unsigned)i);
		assert_int_equal(message_open(&p, session), 0);
		message_free(&p);
	}
}

TEST(the_same_item_opens_after_a_failed_try)
{
	uint8_t key[32], value[16], sealed[48 + CSN_SEAL_OVERHEAD];
	struct csn_kv_item item = {
	    .size = sizeof(item),
	    .session = session,
	    .slot = slot_entry(77, 7),
	    .key = key,
	    .key_len = sizeof(key),
	    .value = value,
	    .value_len = sizeof(value),
	    .sealed = sealed,
	    .sealed_len = sizeof(sealed),
	};

	memset(key, 1, sizeof(key));
	memset(value, 2, sizeof(value));
	assert_int_equal(csn_kv_seal(ctx, &item), 0);
	sealed[sizeof(sealed) - 1] ^= 1;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_TAG);
	assert_int_equal(key[0], 0);
	sealed[sizeof(sealed) - 1] ^= 1;
	sealed[0] ^= 1;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_FORM);
	sealed[0] ^= 1;
	assert_int_equal(csn_kv_open(ctx, &item), 0);
	assert_int_equal(item.key_len, sizeof(key));
	assert_int_equal(item.value_len, sizeof(value));
	assert_int_equal(key[31], 1);
	assert_int_equal(value[15], 2);
}

TEST(each_role_and_token_comes_back)
{
	const uint32_t tokens[] = { 0, 1, 32000, UINT32_MAX };
	struct csn_kv_slot slot;
	struct message p;
	uint32_t role, i;

	for (role = CSN_KV_KEY; role <= CSN_KV_BOTH; role++)
		for (i = 0; i < 5; i++) {
			slot = slot_entry(UINT32_MAX - 1, UINT64_MAX);
			slot.role = role;
			if (i < 4) {
				slot.flags = CSN_KV_HAS_TOKEN;
				slot.token_id = tokens[i];
			}
			message_make(&p, session, &slot, role & CSN_KV_KEY ?
			    50 : 0, role & CSN_KV_VALUE ? 60 : 0, i);
			assert_int_equal(message_open(&p, session), 0);
			assert_int_equal(message_open_at(&p, session, &slot),
			    0);
			/* No token is not token 0, nor the other way. */
			slot.flags ^= CSN_KV_HAS_TOKEN;
			slot.token_id = 0;
			assert_int_equal(message_open_at(&p, session, &slot),
			    CSN_E_TAG);
			message_free(&p);
		}
}

TEST(the_header_says_what_was_sealed)
{
	struct csn_kv_slot slot = slot_block(9, 1000, 16);
	struct csn_header h = { .size = sizeof(h) };
	struct message p;

	slot.layer = 7;
	slot.flags = CSN_KV_HAS_TOKEN;
	slot.token_id = 42;
	message_make(&p, session, &slot, 30, 12, 1);
	assert_int_equal(p.len, 30 + 12 + CSN_SEAL_OVERHEAD);
	assert_int_equal(csn_header_read(ctx, p.sealed, p.len, &h), 0);
	assert_int_equal(h.kind, CSN_KIND_KV_BLOCK);
	assert_int_equal(h.flags, CSN_HEADER_HAS_TOKEN);
	assert_int_equal(h.replay, CSN_REPLAY_STORE);
	assert_int_equal(h.role, CSN_KV_BOTH);
	assert_int_equal(h.suite, CSN_KEM_ML_KEM_768);
	assert_int_equal(h.layer, 7);
	assert_int_equal(h.position, 1000);
	assert_int_equal(h.count, 16);
	assert_int_equal(h.token_id, 42);
	assert_int_equal(h.key_len, 30);
	assert_int_equal(h.len, 42);
	assert_int_equal(h.sequence, p.sequence);
	assert_int_equal(h.version, p.version);
	assert_memory_equal(h.session, csn_session_id(session), 16);
	assert_memory_equal(h.name, slot.name, 32);
	/* Nothing of the plaintext is to be seen. */
	assert_null(memmem(p.sealed, p.len, p.key, 8));
	assert_null(memmem(p.sealed, p.len, p.value, 8));
	message_free(&p);
}

TEST(the_same_bytes_never_look_the_same)
{
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct message a, b;

	message_make(&a, session, &slot, 64, 64, 5);
	message_make(&b, session, &slot, 64, 64, 5);
	assert_memory_equal(a.key, b.key, 64);
	assert_memory_not_equal(a.sealed + CSN_SEAL_OVERHEAD,
	    b.sealed + CSN_SEAL_OVERHEAD, 64);
	assert_memory_not_equal(a.sealed + CSN_SEAL_OVERHEAD + 64,
	    b.sealed + CSN_SEAL_OVERHEAD + 64, 64);
	message_free(&a);
	message_free(&b);
}

TEST(in_place_it_needs_no_second_buffer)
{
	const size_t lens[] = { 0, 1, 16, 100, 4096, 70000 };
	struct csn_kv_item item;
	struct csn_kv_slot slot = slot_entry(3, 4);
	struct message p;
	uint8_t *in;
	size_t i, k;

	for (i = 0; i < 6; i++)
		for (k = 0; k < 6; k++) {
			message_fill(&p, &slot, lens[i], lens[k], 1);
			in = p.sealed + CSN_SEAL_OVERHEAD;
			memcpy(in, p.key, lens[i]);
			memcpy(in + lens[i], p.value, lens[k]);
			message_item(&p, session, &item);
			item.key = in;
			item.value = in + lens[i];
			assert_int_equal(csn_kv_seal(ctx, &item), 0);
			p.sequence = item.sequence;
			p.version = item.version;
			assert_int_equal(message_open(&p, session), 0);
			item.slot_expected = 1;
			assert_int_equal(csn_kv_open(ctx, &item), 0);
			assert_memory_equal(in, p.key, lens[i]);
			assert_memory_equal(in + lens[i], p.value, lens[k]);
			message_free(&p);
		}
}

/* The caller may rotate, make room, or ask for the right slot, and go on. */
TEST(in_place_what_is_refused_before_aes_is_left)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = 1, .rotate = CSN_ROTATE_REPORTED };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct csn_kv_slot slot = slot_entry(3, 4);
	struct csn_kv_item item;
	struct message p;
	uint8_t *in;

	message_make(&p, s, &slot, 40, 0, 1);
	message_free(&p);
	message_fill(&p, &slot, 40, 0, 1);
	in = p.sealed + CSN_SEAL_OVERHEAD;
	memcpy(in, p.key, 40);
	message_item(&p, s, &item);
	item.key = in;
	item.value = NULL;
	assert_int_equal(csn_kv_seal(ctx, &item), CSN_E_ROTATE);
	assert_memory_equal(in, p.key, 40);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_kv_seal(ctx, &item), 0);
	memcpy(p.key, in, 40);	/* the ciphertext, for comparison */
	item.slot_expected = 1;
	item.slot.position++;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_TAG);
	assert_memory_equal(in, p.key, 40);
	item.slot.position--;
	item.key_len = 39;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_BUFFER);
	assert_memory_equal(in, p.key, 40);
	item.key_len = 40;
	assert_int_equal(csn_kv_open(ctx, &item), 0);
	message_free(&p);
	csn_session_free(s);
}

TEST(plaintext_in_the_way_of_its_ciphertext_is_refused)
{
	struct csn_kv_slot slot = slot_entry(0, 0);
	uint8_t buf[1024];
	struct csn_kv_item item;
	size_t at;
	int rc;

	for (at = 0; at + 40 <= sizeof(buf); at++) {
		memset(buf, 7, sizeof(buf));
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.session = session;
		item.slot = slot;
		item.sealed = buf + 256;
		item.sealed_len = 512;
		item.key = buf + at;
		item.key_len = 40;
		rc = csn_kv_seal(ctx, &item);
		assert_int_equal(rc, at == 256 + CSN_SEAL_OVERHEAD ||
		    at + 40 <= 256 || at >= 256 + CSN_SEAL_OVERHEAD + 40 ?
		    0 : CSN_E_ARG);
		/* V, where K is elsewhere and lands on it. */
		memset(buf, 7, sizeof(buf));
		item.value = buf + at;
		item.value_len = 40;
		item.key = buf;
		item.key_len = 16;
		item.sealed = buf + 256;
		rc = csn_kv_seal(ctx, &item);
		assert_int_equal(rc, at == 256 + CSN_SEAL_OVERHEAD + 16 ||
		    at + 40 <= 256 || at >= 256 + CSN_SEAL_OVERHEAD + 56 ?
		    0 : CSN_E_ARG);
	}
}

TEST(lengths_that_overflow_touch_no_memory)
{
	const size_t huge[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 143,
	    SIZE_MAX - 144, SIZE_MAX / 2, (size_t)1 << 63, (size_t)1 << 32,
	    UINT32_MAX };
	uint8_t one[1] = { 9 }, sealed[CSN_SEAL_OVERHEAD + 64];
	struct csn_kv_item item;
	size_t i, k;
	int rc;

	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++)
		for (k = 0; k < 3; k++) {
			memset(&item, 0, sizeof(item));
			item.size = sizeof(item);
			memset(sealed, 3, sizeof(sealed));
			item.session = session;
			item.slot = slot_entry(0, 0);
			item.key = one;
			item.value = one;
			item.key_len = k == 1 ? 1 : huge[i];
			item.value_len = k == 0 ? 1 : huge[i];
			item.sealed = sealed;
			item.sealed_len = sizeof(sealed);
			rc = csn_kv_seal(ctx, &item);
			assert_true(rc == CSN_E_LIMIT ||
			    rc == CSN_E_BUFFER);
			assert_true(all_zero(sealed, sizeof(sealed)));
			assert_int_equal(one[0], 9);
		}
	/* A message that says so of itself. */
	memset(sealed, 0, sizeof(sealed));
	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		struct message p;
		struct csn_kv_slot slot = slot_entry(0, 0);

		message_make(&p, session, &slot, 16, 16, 1);
		memset(p.sealed + CSN_H_LEN, 0xff, 4);
		assert_int_equal(message_open(&p, session), CSN_E_FORM);
		memset(p.sealed + CSN_H_KV_KEY_LEN, 0xff, 4);
		assert_int_equal(message_open(&p, session), CSN_E_FORM);
		memcpy(p.sealed + CSN_H_LEN, "\x20\0\0\0", 4);
		assert_int_equal(message_open(&p, session), CSN_E_FORM);
		message_free(&p);
	}
}

TEST(buffers_that_do_not_fit_are_refused)
{
	struct csn_kv_slot slot = slot_entry(1, 1);
	uint8_t key[16], value[16];
	struct csn_kv_item item;
	struct message p;
	size_t n;

	message_fill(&p, &slot, 16, 16, 1);
	for (n = 0; n < p.len; n++) {
		message_item(&p, session, &item);
		item.sealed_len = n;
		assert_int_equal(csn_kv_seal(ctx, &item), CSN_E_BUFFER);
		assert_true(all_zero(p.sealed, n));
	}
	assert_int_equal(message_seal(&p, session), 0);
	for (n = 0; n < 16; n++) {
		memset(key, 1, 16);
		memset(value, 1, 16);
		message_item(&p, session, &item);
		item.key = key;
		item.key_len = n;
		item.value = value;
		assert_int_equal(csn_kv_open(ctx, &item), CSN_E_BUFFER);
		assert_true(all_zero(key, n));
		assert_true(all_zero(value, 16));
		assert_int_equal(key[n], 1);
		message_item(&p, session, &item);
		item.key = key;
		item.value = value;
		item.value_len = n;
		assert_int_equal(csn_kv_open(ctx, &item), CSN_E_BUFFER);
	}
	/* All those refusals used nothing up. */
	assert_int_equal(message_open(&p, session), 0);
	/* More room than is needed is no harm. */
	message_item(&p, session, &item);
	item.key = key;
	item.value = value;
	item.key_len = SIZE_MAX;
	item.value_len = 16;
	assert_int_equal(csn_kv_open(ctx, &item), 0);
	assert_int_equal(item.key_len, 16);
	message_free(&p);
}

TEST(items_that_make_no_sense_are_refused)
{
	struct csn_kv_item good, item;
	struct csn_kv_slot slot = slot_entry(1, 1);
	struct message p;
	int i;

	message_fill(&p, &slot, 16, 16, 1);
	message_item(&p, session, &good);
	for (i = 0; i < 15; i++) {
		item = good;
		switch (i) {
		case 0: item.slot.kind = 0; break;
		case 1: item.slot.kind = CSN_KIND_STREAM; break;
		case 2: item.slot.role = 0; break;
		case 3: item.slot.role = 4; break;
		case 4: item.slot.flags = 2; break;
		case 5: item.slot.token_id = 1; break;
		case 6: item.slot.count = 0; break;
		case 7: item.slot.count = 2; break;
		case 8: item.slot.layer = CSN_KV_ALL_LAYERS; break;
		case 9: item.slot.name[31] = 1; break;
		case 10: item.key = NULL; break;
		case 11: item.value = NULL; break;
		case 12: item.slot.role = CSN_KV_KEY; break;
		case 13: item.slot.role = CSN_KV_VALUE; break;
		default: item.session = NULL; break;
		}
		memset(p.sealed, 1, p.len);
		assert_int_equal(csn_kv_seal(ctx, &item), CSN_E_ARG);
		assert_int_equal(item.rc, CSN_E_ARG);
		assert_true(all_zero(p.sealed, p.len));
	}
	item = good;
	item.sealed = NULL;
	assert_int_equal(csn_kv_seal(ctx, &item), CSN_E_ARG);
	assert_int_equal(csn_kv_seal(ctx, &good), 0);
	item = good;
	item.key = NULL;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_ARG);
	item = good;
	item.sealed = NULL;
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_ARG);
	item = good;
	item.session = NULL;
	memset(p.key, 1, 16);
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_ARG);
	assert_true(all_zero(p.key, 16));
	message_free(&p);
}

BEFORE_EACH
{
	ctx = pair_ctx();
	session = pair_local(ctx, "acme", NULL);
}

AFTER_EACH
{
	csn_session_free(session);
	csn_ctx_free(ctx);
}
