/* SPDX-License-Identifier: Apache-2.0 */
/* test_batch.c - thousands at a time, of many sessions, each on its own. */
#include "kv/message.h"
#include "lib/test.h"
#include "session/pair.h"

#define SESSIONS 200
#define MANY 6000

static struct csn_ctx *ctx;

static uint64_t rng = 42;

static uint32_t
next_random(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 33) % n;
}

/* As a newer header has it: longer than ours, and zero there. */
struct wide {
	struct csn_kv_item item;
	uint64_t newer[3];
};

struct load {
	struct csn_session *s[SESSIONS];
	struct message *p;
	struct wide *w;
};

static void
load_start(struct load *l)
{
	struct csn_kv_slot slot;
	char name[16];
	uint32_t i;

	l->p = calloc(MANY, sizeof(*l->p));
	l->w = calloc(MANY, sizeof(*l->w));
	assert_non_null(l->p);
	assert_non_null(l->w);
	for (i = 0; i < SESSIONS; i++) {
		snprintf(name, sizeof(name), "tenant-%u", i);
		l->s[i] = pair_local(ctx, name, NULL);
	}
	for (i = 0; i < MANY; i++) {
		slot = slot_entry(i % 32, i);
		message_fill(&l->p[i], &slot, next_random(300),
		    next_random(300), i);
		message_item(&l->p[i], l->s[next_random(SESSIONS)],
		    &l->w[i].item);
		l->w[i].item.size = sizeof(l->w[i]);
	}
}

static void
load_end(struct load *l)
{
	uint32_t i;

	for (i = 0; i < MANY; i++) {
		assert_int_equal(l->w[i].newer[0], 0);
		message_free(&l->p[i]);
	}
	for (i = 0; i < SESSIONS; i++)
		csn_session_free(l->s[i]);
	free(l->p);
	free(l->w);
}

static void
round_trip(struct load *l, struct csn_pool *pool)
{
	struct csn_session *s;
	struct message *p;
	struct csn_kv_item *it;
	uint8_t *key[MANY], *value[MANY];
	uint32_t i;

	assert_int_equal(csn_kv_seal_batch(ctx, pool, &l->w[0].item, MANY), 0);
	for (i = 0; i < MANY; i++) {
		it = &l->w[i].item;
		p = &l->p[i];
		assert_int_equal(it->rc, 0);
		p->sequence = it->sequence;
		p->version = it->version;
		assert_ptr_equal(it->key, p->key);
		if (i % 50 == 0)
			assert_int_equal(message_open(p, it->session), 0);
		s = it->session;
		message_item(p, s, it);
		it->size = sizeof(l->w[i]);
		it->slot_expected = i % 2 == 0;
		it->key = key[i] = malloc(p->key_len + 1);
		it->value = value[i] = malloc(p->value_len + 1);
		assert_true(key[i] != NULL && value[i] != NULL);
		if (i % 2 == 1)
			memset(&it->slot, 0xff, sizeof(it->slot));
	}
	assert_int_equal(csn_kv_open_batch(ctx, pool, &l->w[0].item, MANY), 0);
	for (i = 0; i < MANY; i++) {
		it = &l->w[i].item;
		p = &l->p[i];
		assert_int_equal(it->rc, 0);
		assert_int_equal(it->key_len, p->key_len);
		assert_int_equal(it->value_len, p->value_len);
		assert_memory_equal(key[i], p->key, p->key_len);
		assert_memory_equal(value[i], p->value, p->value_len);
		assert_memory_equal(&it->slot, &p->slot, sizeof(p->slot));
		assert_int_equal(it->sequence, p->sequence);
		assert_int_equal(it->version, p->version);
		free(key[i]);
		free(value[i]);
	}
}

TEST(thousands_of_many_sessions_in_any_order)
{
	struct load l;

	load_start(&l);
	round_trip(&l, NULL);
	load_end(&l);
}

TEST(the_same_on_a_pool_of_threads)
{
	struct csn_pool *pool;
	struct load l;
	unsigned threads;

	for (threads = 1; threads <= 5; threads += 2) {
		assert_int_equal(csn_pool_new(ctx, threads, &pool), 0);
		load_start(&l);
		round_trip(&l, pool);
		load_end(&l);
		csn_pool_free(pool);
	}
}

TEST(sequences_of_a_batch_follow_each_other)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item items[700];
	struct message p[700];
	uint32_t i;

	for (i = 0; i < 700; i++) {
		slot.position = i;
		message_fill(&p[i], &slot, 4, 4, i);
		message_item(&p[i], s, &items[i]);
	}
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, items, 700), 0);
	for (i = 0; i < 700; i++) {
		assert_int_equal(items[i].sequence, i);
		assert_int_equal(items[i].version, (pair_wall << 20) + i);
		message_free(&p[i]);
	}
	csn_session_free(s);
}

TEST(items_fail_on_their_own)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_session *other = pair_local(ctx, "other", NULL);
	struct csn_session *closed = pair_local(ctx, "closed", NULL);
	struct csn_session *expired;
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = 10 };
	const int want[12] = { 0, CSN_E_TAG, 0, CSN_E_TENANT, CSN_E_FORM, 0,
	    CSN_E_CLOSED, CSN_E_BUFFER, CSN_E_EXPIRED, CSN_E_ARG,
	    CSN_E_REPLAY, 0 };
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item items[12];
	struct message p[12], newer;
	uint8_t out[12][2][32];
	int i;

	expired = pair_local(ctx, "late", &o);
	for (i = 0; i < 12; i++) {
		slot.position = (uint64_t)i;
		message_make(&p[i], i == 6 ? closed : i == 8 ? expired : s,
		    &slot, 32, 32, (unsigned)i);
		message_item(&p[i], i == 6 ? closed : i == 8 ? expired : s,
		    &items[i]);
		memset(out[i], 0xdd, sizeof(out[i]));
		items[i].key = out[i][0];
		items[i].value = out[i][1];
	}
	p[1].sealed[200] ^= 1;
	items[3].session = other;
	p[4].sealed[0] = 'X';
	csn_session_close(closed);
	items[7].value_len = 31;
	pair_boot += 10;
	items[9].session = NULL;
	slot.position = 10;
	message_make(&newer, s, &slot, 1, 1, 1);
	assert_int_equal(csn_kv_open_batch(ctx, NULL, items, 12), CSN_E_TAG);
	assert_non_null(strstr(csn_message(), "item 1 of 12"));
	for (i = 0; i < 12; i++) {
		assert_int_equal(items[i].rc, want[i]);
		if (want[i] == 0) {
			assert_memory_equal(out[i][0], p[i].key, 32);
			assert_memory_equal(out[i][1], p[i].value, 32);
		} else {
			assert_true(all_zero(out[i][0], 32));
			assert_true(all_zero(out[i][1], 31));
			assert_int_equal(items[i].key_len, 32);
		}
		message_free(&p[i]);
	}
	message_free(&newer);
	csn_session_free(s);
	csn_session_free(other);
	csn_session_free(closed);
	csn_session_free(expired);
}

TEST(sealing_fails_item_by_item_too)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_session *closed = pair_local(ctx, "closed", NULL);
	const int want[7] = { 0, CSN_E_BUFFER, 0, CSN_E_CLOSED, CSN_E_LIMIT,
	    CSN_E_ARG, 0 };
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item items[7];
	struct message p[7];
	int i;

	csn_session_close(closed);
	for (i = 0; i < 7; i++) {
		slot.position = (uint64_t)i;
		message_fill(&p[i], &slot, 32, 32, (unsigned)i);
		message_item(&p[i], i == 3 ? closed : s, &items[i]);
	}
	items[1].sealed_len--;
	items[4].key_len = SIZE_MAX;
	items[5].session = NULL;
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, items, 7), CSN_E_BUFFER);
	for (i = 0; i < 7; i++) {
		assert_int_equal(items[i].rc, want[i]);
		if (want[i] != 0)
			assert_true(all_zero(p[i].sealed, i == 1 ?
			    p[i].len - 1 : p[i].len));
		else {
			p[i].sequence = items[i].sequence;
			p[i].version = items[i].version;
			assert_int_equal(message_open(&p[i], s), 0);
		}
		message_free(&p[i]);
	}
	csn_session_free(s);
	csn_session_free(closed);
}

TEST(a_batch_of_nothing_or_of_something_else)
{
	struct csn_kv_item item;

	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, NULL, 0), 0);
	assert_int_equal(csn_kv_open_batch(ctx, NULL, NULL, 0), 0);
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, NULL, 1), CSN_E_ARG);
	item.size -= 8;
	assert_int_equal(csn_kv_open_batch(ctx, NULL, &item, 1), CSN_E_ARG);
	assert_int_equal(csn_kv_open_batch(ctx, NULL, &item, UINT32_MAX),
	    CSN_E_ARG);
	assert_int_equal(csn_kv_open(ctx, &item), CSN_E_ARG);
	assert_int_equal(csn_kv_seal(ctx, &item), CSN_E_ARG);
}

TEST(items_of_a_batch_have_the_size_of_the_first)
{
	/* As a newer header has it: one member more. */
	struct {
		struct csn_kv_item item;
		uint64_t more;
	} items[3];
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct message p[3];
	int i;

	memset(items, 0, sizeof(items));
	for (i = 0; i < 3; i++) {
		slot.position = (uint64_t)i;
		message_fill(&p[i], &slot, 4, 4, (unsigned)i);
		message_item(&p[i], s, &items[i].item);
		items[i].item.size = sizeof(items[0]);
	}
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, &items[0].item, 3), 0);
	assert_int_equal(items[2].item.sequence, 2);

	items[1].more = 1;
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, &items[0].item, 3),
	    CSN_E_ARG);
	items[1].more = 0;
	items[2].item.size = sizeof(items[2].item);
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, &items[0].item, 3),
	    CSN_E_ARG);
	assert_int_equal(csn_kv_open_batch(ctx, NULL, &items[0].item, 3),
	    CSN_E_ARG);
	/* Nothing was sealed by the two that were refused. */
	items[2].item.size = sizeof(items[0]);
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, &items[0].item, 3), 0);
	assert_int_equal(items[0].item.sequence, 3);
	for (i = 0; i < 3; i++)
		message_free(&p[i]);
	csn_session_free(s);
}

TEST(messages_of_several_writers_and_epochs_mix)
{
	enum { N = 600 };
	struct csn_session *s = pair_local(ctx, "acme", NULL), *twin;
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item *items = calloc(N, sizeof(*items));
	struct message *p = calloc(N, sizeof(*p)), swap;
	uint8_t (*out)[2][16] = calloc(N, sizeof(*out)), *bytes;
	size_t len;
	uint32_t i, k;

	assert_true(items != NULL && p != NULL && out != NULL);
	message_make(&p[0], s, &slot, 16, 16, 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_int_equal(csn_session_import(ctx, bytes, len, NULL, &twin), 0);
	csn_wipe(bytes, len);
	csn_free(bytes);
	for (i = 1; i < N; i++) {
		slot.position = i;
		message_make(&p[i], i % 3 == 0 ? twin : s, &slot, 16, 16, i);
		if (i % 100 == 0) {
			/* Both are in the same epoch again. */
			assert_int_equal(csn_session_rotate(s, 0), 0);
			assert_int_equal(csn_session_rotate(twin, 0), 0);
		}
	}
	for (i = N - 1; i > 0; i--) {
		k = next_random(i + 1);
		swap = p[i];
		p[i] = p[k];
		p[k] = swap;
	}
	for (i = 0; i < N; i++) {
		message_item(&p[i], s, &items[i]);
		items[i].key = out[i][0];
		items[i].value = out[i][1];
	}
	assert_int_equal(csn_kv_open_batch(ctx, NULL, items, N), 0);
	for (i = 0; i < N; i++) {
		assert_memory_equal(out[i][0], p[i].key, 16);
		assert_memory_equal(out[i][1], p[i].value, 16);
		message_free(&p[i]);
	}
	free(items);
	free(p);
	free(out);
	csn_session_free(s);
	csn_session_free(twin);
}

BEFORE_EACH { ctx = pair_ctx_with(NULL, 16); }
AFTER_EACH { csn_ctx_free(ctx); }
