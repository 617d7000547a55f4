/* SPDX-License-Identifier: Apache-2.0 */
/* test_tamper.c - each bit counts: what was changed does not open. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <caisson/aead.h>

#include "kv/message.h"
#include "lib/test.h"
#include "session/pair.h"

static struct csn_ctx *ctx;

/* The header's fields, by offset. */
enum { AT_VERSION = 3, AT_SUITE = 4, AT_KIND = 5, AT_MODE = 6, AT_ROLE = 7,
    AT_TENANT = 8, AT_SESSION = 16, AT_WRITER = 32, AT_EPOCH = 48,
    AT_LEN = 52, AT_SEQUENCE = 56, AT_SLOT_VERSION = 64, AT_POSITION = 72,
    AT_NAME = 80, AT_TOKEN = 112, AT_COUNT = 116, AT_KEY_LEN = 120,
    AT_LAYER = 124, AT_TAG = 128, AT_BYTES = 144 };
#define ROLE_TOKEN 4u	/* beside the role: there is a token */

/* What one flipped bit gives, in the order of checks; 0 never. */
static int
expected(const struct message *p, size_t byte, int bit)
{
	int token = (p->slot.flags & CSN_KV_HAS_TOKEN) != 0;
	int entry = p->slot.kind == CSN_KIND_KV_ENTRY;
	uint64_t value;

	if (byte < AT_VERSION)
		return CSN_E_FORM;
	if (byte == AT_VERSION)
		return CSN_E_VERSION;
	if (byte == AT_SUITE)
		return CSN_E_SUITE;
	if (byte == AT_KIND)	/* entry and block differ in two bits */
		return CSN_E_FORM;
	if (byte == AT_MODE && bit == 0)	/* the other side's key */
		return CSN_E_TAG;
	if (byte == AT_MODE)	/* unknown bits; another replay mode */
		return CSN_E_FORM;
	if (byte == AT_ROLE && bit == 2)	/* a token appears, or goes */
		return token && p->slot.token_id != 0 ? CSN_E_FORM :
		    CSN_E_TAG;
	if (byte == AT_ROLE)
		/* None, or one that has no byte of the other. */
		return CSN_E_FORM;
	if (byte < AT_SESSION)
		return CSN_E_TENANT;
	if (byte < AT_WRITER)
		return CSN_E_SESSION;
	if (byte >= AT_EPOCH && byte < AT_LEN)	/* up to 64 ahead */
		return byte == AT_EPOCH && bit <= 6 ? CSN_E_TAG :
		    CSN_E_EPOCH;
	/* Outside a store a version is zero; in one no bit makes it so. */
	if (byte >= AT_SLOT_VERSION && byte < AT_POSITION)
		return p->version == 0 ? CSN_E_FORM : CSN_E_TAG;
	/* An entry has no name and one position. */
	if (entry && ((byte >= AT_NAME && byte < AT_TOKEN) ||
	    (byte >= AT_COUNT && byte < AT_KEY_LEN)))
		return CSN_E_FORM;
	if (byte >= AT_TOKEN && byte < AT_COUNT)
		return token ? CSN_E_TAG : CSN_E_FORM;
	if (byte >= AT_KEY_LEN && byte < AT_LAYER) {
		value = p->key_len ^ (uint64_t)1 << ((byte - AT_KEY_LEN) * 8 +
		    (size_t)bit);
		return value > p->key_len + p->value_len ? CSN_E_FORM :
		    CSN_E_TAG;
	}
	if (byte >= AT_LEN && byte < AT_SEQUENCE)
		return CSN_E_FORM;
	return CSN_E_TAG;
}

TEST(each_bit_of_header_and_tag_counts)
{
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_kv_slot slots[3];
	struct csn_session_info before, after;
	struct csn_session *s;
	struct message p;
	size_t byte, i;
	int bit, mode, want;

	slots[0] = slot_entry(5, 77);
	slots[1] = slot_entry(5, 78);
	slots[1].flags = CSN_KV_HAS_TOKEN;
	slots[1].token_id = 12;
	slots[2] = slot_block(3, 64, 16);
	slots[2].flags = CSN_KV_HAS_TOKEN;
	for (mode = CSN_REPLAY_STORE; mode <= CSN_REPLAY_OFF; mode++) {
		o.replay = (uint32_t)mode;
		s = pair_local(ctx, "acme", &o);
		for (i = 0; i < 3; i++) {
			message_make(&p, s, &slots[i], 40, 24, 1);
			before.size = after.size = sizeof(before);
			csn_session_get_info(s, &before);
			for (byte = 0; byte < AT_BYTES; byte++)
				for (bit = 0; bit < 8; bit++) {
					want = expected(&p, byte, bit);
					counted_opens = 0;
					p.sealed[byte] ^= (uint8_t)(1 << bit);
					assert_int_equal(message_open(&p, s),
					    want);
					p.sealed[byte] ^= (uint8_t)(1 << bit);
					/* AES runs for what only it can
					 * tell. */
					assert_int_equal(counted_opens,
					    want == CSN_E_TAG);
				}
			csn_session_get_info(s, &after);
			/* The epochs ahead that it derived are kept. */
			after.memory = before.memory;
			assert_memory_equal(&before, &after, sizeof(after));
			assert_int_equal(message_open(&p, s), 0);
			message_free(&p);
		}
		csn_session_free(s);
	}
}

TEST(each_byte_of_ciphertext_counts)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p;
	size_t i;

	message_make(&p, s, &slot, 1500, 2500, 1);
	for (i = AT_BYTES; i < p.len; i++) {
		p.sealed[i] ^= (uint8_t)(1 << (i * 3 % 8));
		assert_int_equal(message_open(&p, s), CSN_E_TAG);
		p.sealed[i] ^= (uint8_t)(1 << (i * 3 % 8));
	}
	assert_int_equal(message_open(&p, s), 0);
	message_free(&p);
	slot = slot_block(1, 0, 16);
	message_make(&p, s, &slot, (size_t)1 << 20, (size_t)1 << 20, 2);
	for (i = AT_BYTES; i < p.len; i += 99991) {
		p.sealed[i] ^= 0x80;
		assert_int_equal(message_open(&p, s), CSN_E_TAG);
		p.sealed[i] ^= 0x80;
	}
	p.sealed[p.len - 1] ^= 1;
	assert_int_equal(message_open(&p, s), CSN_E_TAG);
	p.sealed[p.len - 1] ^= 1;
	assert_int_equal(message_open(&p, s), 0);
	message_free(&p);
	csn_session_free(s);
}

static void
write32(uint8_t *p, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

/* Changes of more than a bit, that make sense in themselves. */
TEST(plausible_lies_in_the_header_are_caught)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p;
	uint8_t good[AT_BYTES];
	int i, want;

	slot.flags = CSN_KV_HAS_TOKEN;
	slot.token_id = 7;
	message_make(&p, s, &slot, 32, 32, 1);
	memcpy(good, p.sealed, AT_BYTES);
	for (i = 0; i < 9; i++) {
		memcpy(p.sealed, good, AT_BYTES);
		want = CSN_E_TAG;
		switch (i) {
		case 0:		/* an entry called a block */
			p.sealed[AT_KIND] = CSN_KIND_KV_BLOCK;
			break;
		case 1:		/* without its token */
			p.sealed[AT_ROLE] &= (uint8_t)~ROLE_TOKEN;
			write32(p.sealed + AT_TOKEN, 0);
			break;
		case 2:		/* another's token */
			write32(p.sealed + AT_TOKEN, 8);
			break;
		case 3:		/* K called V */
			p.sealed[AT_ROLE] = CSN_KV_VALUE | ROLE_TOKEN;
			write32(p.sealed + AT_KEY_LEN, 0);
			break;
		case 4:		/* K and V parted elsewhere */
			write32(p.sealed + AT_KEY_LEN, 16);
			break;
		case 5:		/* all of it K */
			write32(p.sealed + AT_KEY_LEN, 64);
			break;
		case 6:		/* a newer version of its slot */
			p.sealed[AT_SLOT_VERSION + 6] = 1;
			break;
		case 7:		/* the next layer's */
			p.sealed[AT_LAYER]++;
			break;
		default:	/* a block's name, which no entry has */
			memset(p.sealed + AT_NAME, 1, 32);
			want = CSN_E_FORM;
			break;
		}
		assert_int_equal(message_open(&p, s), want);
	}
	memcpy(p.sealed, good, AT_BYTES);
	assert_int_equal(message_open(&p, s), 0);
	message_free(&p);
	csn_session_free(s);
}

TEST(cut_and_lengthened_entries_are_refused)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_kv_item item;
	uint8_t key[64], value[64], *copy;
	struct message p;
	size_t n;

	message_make(&p, s, &slot, 32, 32, 1);
	for (n = 0; n < p.len + 20; n++) {
		if (n == p.len)
			continue;
		assert_non_null(copy = calloc(1, n != 0 ? n : 1));
		memcpy(copy, p.sealed, n < p.len ? n : p.len);
		memset(key, 5, sizeof(key));
		memset(value, 5, sizeof(value));
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.session = s;
		item.key = key;
		item.key_len = sizeof(key);
		item.value = value;
		item.value_len = sizeof(value);
		item.sealed = copy;
		item.sealed_len = n;
		assert_int_equal(csn_kv_open(ctx, &item), CSN_E_FORM);
		/* What plaintext could have been in it is zero. */
		assert_true(all_zero(key, n < 64 ? n : 64));
		assert_true(all_zero(value, n < 64 ? n : 64));
		free(copy);
	}
	message_free(&p);
	csn_session_free(s);
}

TEST(another_tenants_entry_is_refused_before_aes)
{
	struct csn_session *acme = pair_local(ctx, "acme", NULL);
	struct csn_session *other = pair_local(ctx, "other", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_manager *mgr;
	struct message p;

	message_make(&p, acme, &slot, 100, 100, 1);
	counted_opens = 0;
	assert_int_equal(message_open(&p, other), CSN_E_TENANT);
	assert_int_equal(counted_opens, 0);
	assert_int_equal(csn_manager_new(ctx, NULL, &mgr), 0);
	assert_int_equal(csn_manager_adopt(mgr, other), 0);
	assert_int_equal(message_open_by(&p, mgr, ctx, "other"),
	    CSN_E_TENANT);
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(counted_opens, 0);
	assert_int_equal(message_open(&p, acme), 0);
	assert_int_equal(counted_opens, 1);
	message_free(&p);
	csn_manager_free(mgr);
	csn_session_free(acme);
	csn_session_free(other);
}

TEST(another_tenants_entry_relabelled_fails_its_tag)
{
	struct csn_session *acme = pair_local(ctx, "acme", NULL);
	struct csn_session *other = pair_local(ctx, "other", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p, own;

	message_make(&p, acme, &slot, 100, 100, 1);
	message_make(&own, other, &slot, 100, 100, 2);
	memcpy(p.sealed + AT_TENANT, own.sealed + AT_TENANT, 8);
	assert_int_equal(message_open(&p, other), CSN_E_SESSION);
	memcpy(p.sealed + AT_SESSION, own.sealed + AT_SESSION, 16);
	counted_opens = 0;
	assert_int_equal(message_open(&p, other), CSN_E_TAG);
	assert_int_equal(counted_opens, 1);
	memcpy(p.sealed + AT_WRITER, own.sealed + AT_WRITER, 16);
	assert_int_equal(message_open(&p, other), CSN_E_TAG);
	/* The header of an entry of its own, whole, on foreign bytes. */
	memcpy(p.sealed, own.sealed, AT_TAG);
	assert_int_equal(message_open(&p, other), CSN_E_TAG);
	assert_int_equal(message_open(&own, other), 0);
	message_free(&p);
	message_free(&own);
	csn_session_free(acme);
	csn_session_free(other);
}

/* Tenants whose ids differ where a label might not: one key, two ids. */
TEST(the_whole_tenant_id_is_authenticated)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *twin = NULL;
	struct csn_kv_slot slot = slot_entry(1, 2);
	uint8_t *bytes, *id;
	struct csn_header h = { .size = sizeof(h) }, g = { .size = sizeof(g) };
	struct message p, q;
	size_t len;

	message_make(&p, s, &slot, 10, 10, 1);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_non_null(id = memmem(bytes, len, "acme", 4));
	memcpy(id, "acmf", 4);
	assert_int_equal(csn_session_import(ctx, bytes, len, NULL, &twin), 0);
	csn_wipe(bytes, len);
	csn_free(bytes);
	message_make(&q, twin, &slot, 10, 10, 1);
	assert_int_equal(csn_header_read(ctx, p.sealed, p.len, &h), 0);
	assert_int_equal(csn_header_read(ctx, q.sealed, q.len, &g), 0);
	assert_memory_not_equal(h.tenant_label, g.tenant_label, 8);
	assert_int_equal(message_open(&p, twin), CSN_E_TENANT);
	/* The label made to fit: the id itself is in what the tag covers. */
	memcpy(p.sealed + AT_TENANT, g.tenant_label, 8);
	assert_int_equal(message_open(&p, twin), CSN_E_TAG);
	message_free(&p);
	message_free(&q);
	csn_session_free(s);
	csn_session_free(twin);
}

TEST(a_moved_entry_is_refused_where_its_slot_is_expected)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_block(1, 2, 3), asked;
	struct message p;
	int i;

	slot.layer = 4;
	slot.flags = CSN_KV_HAS_TOKEN;
	slot.token_id = 5;
	message_make(&p, s, &slot, 16, 16, 1);
	for (i = 0; i < 8; i++) {
		asked = slot;
		switch (i) {
		case 0: asked.kind = CSN_KIND_KV_ENTRY; break;
		case 1: asked.role = CSN_KV_VALUE; break;
		case 2: asked.layer++; break;
		case 3: asked.count++; break;
		case 4: asked.position++; break;
		case 5: asked.token_id++; break;
		case 6: asked.flags = 0; asked.token_id = 0; break;
		default: asked.name[17] ^= 1; break;
		}
		counted_opens = 0;
		assert_int_equal(message_open_at(&p, s, &asked), CSN_E_TAG);
		assert_int_equal(counted_opens, 0);
	}
	assert_int_equal(message_open_at(&p, s, &slot), 0);
	message_free(&p);
	csn_session_free(s);
}

struct flipper {
	atomic_int stop;
	_Atomic uint64_t *version;
	uint64_t a, b;
};

static void *
flip(void *arg)
{
	struct flipper *f = arg;

	while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
		atomic_store_explicit(f->version, f->a,
		    memory_order_relaxed);
		atomic_store_explicit(f->version, f->b,
		    memory_order_relaxed);
	}
	return NULL;
}

/*
 * Somebody writes to the message while it is opened, showing the newest
 * version to whoever looks first and the true one to the tag.
 */
TEST(a_header_that_changes_meanwhile_fools_nobody)
{
	struct csn_session *s;
	struct csn_kv_slot slot = slot_entry(1, 2);
	_Alignas(64) uint8_t sealed[CSN_SEAL_OVERHEAD + 16];
	uint8_t key[16];
	struct csn_kv_item item;
	struct flipper f;
	pthread_t thread;
	struct message p, q;
	int i, rc;

#ifdef __SANITIZE_THREAD__
	test_skip("the race is the point");
#endif
	s = pair_local(ctx, "acme", NULL);
	slot.role = CSN_KV_KEY;
	message_make(&p, s, &slot, 16, 0, 1);
	message_make(&q, s, &slot, 16, 0, 2);
	memcpy(sealed, p.sealed, sizeof(sealed));
	atomic_init(&f.stop, 0);
	f.version = (_Atomic uint64_t *)(void *)(sealed + AT_SLOT_VERSION);
	f.a = p.version;
	f.b = q.version;
	assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
	for (i = 0; i < 100000; i++) {
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.session = s;
		item.key = key;
		item.key_len = sizeof(key);
		item.sealed = sealed;
		item.sealed_len = sizeof(sealed);
		rc = csn_kv_open(ctx, &item);
		if (rc != CSN_E_TAG && rc != CSN_E_REPLAY)
			break;
	}
	atomic_store(&f.stop, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(i, 100000);
	message_free(&p);
	message_free(&q);
	csn_session_free(s);
}

static struct csn_session *closing;
static pthread_t closer;

static void *
close_it(void *arg)
{
	csn_session_close(arg);
	return NULL;
}

/* In the middle of opening another thread begins to close the session. */
static void
close_meanwhile(const struct csn_aead_msg *msg)
{
	(void)msg;
	counting_hook = NULL;
	assert_int_equal(pthread_create(&closer, NULL, close_it, closing), 0);
	while (csn_session_check_valid(closing) != CSN_E_CLOSED)
		sched_yield();
}

TEST(what_is_opened_while_its_session_closes_is_not_given)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p;

	closing = pair_local(ctx, "acme", NULL);
	message_make(&p, closing, &slot, 40, 24, 1);
	counting_hook = close_meanwhile;
	assert_int_equal(message_open(&p, closing), CSN_E_CLOSED);
	assert_int_equal(pthread_join(closer, NULL), 0);
	message_free(&p);
	csn_session_free(closing);
}

static unsigned seals_left;

static void
fail_one(const struct csn_aead_msg *msg)
{
	(void)msg;
	counting_fails = seals_left-- == 0 ? CSN_E_CRYPTO : 0;
}

/* Of a batch in which AES fails for one, that one's former message opens. */
TEST(an_item_that_is_not_sealed_moves_no_version)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slots[3];
	struct csn_kv_item items[3];
	struct message former[3], p[3];
	unsigned round, i;

	for (i = 0; i < 3; i++)
		slots[i] = slot_entry(1, i);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 3; i++) {
			message_make(&former[i], s, &slots[i], 8, 8, i);
			message_fill(&p[i], &slots[i], 8, 8, i + 9);
			message_item(&p[i], s, &items[i]);
		}
		/* The same on the same stack, and all of it good. */
		assert_int_equal(csn_kv_seal_batch(ctx, NULL, items, 3), 0);
		for (i = 0; i < 3; i++) {
			message_free(&former[i]);
			message_make(&former[i], s, &slots[i], 8, 8, i);
		}
		seals_left = round;
		counting_hook = fail_one;
		assert_int_equal(
		    csn_kv_seal_batch(ctx, NULL, items, 3), CSN_E_CRYPTO);
		counting_hook = NULL;
		counting_fails = 0;
		for (i = 0; i < 3; i++) {
			assert_int_equal(items[i].rc, i == round ?
			    CSN_E_CRYPTO : 0);
			assert_int_equal(message_open(&former[i], s),
			    i == round ? 0 : CSN_E_REPLAY);
			if (i == round)
				assert_true(all_zero(p[i].sealed, p[i].len));
			message_free(&former[i]);
			message_free(&p[i]);
		}
	}
	csn_session_free(s);
}

BEFORE_EACH
{
	ctx = pair_ctx_with("counting", 0);
	assert_string_equal(csn_aead_engine_name(ctx), "counting");
}

AFTER_EACH { csn_ctx_free(ctx); }
BEFORE_ALL { counting_register(); }
