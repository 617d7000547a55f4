/* SPDX-License-Identifier: Apache-2.0 */
/* test_wiped.c - keys rest wrapped, and closing wipes them from memory. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"
#include "session/scan.h"

struct keys {
	struct needle next[2];
	struct needle root;
	struct needle writer;
};

static void
learn_one(struct csn_ctx *ctx, const struct csn_key *key, struct needle *n)
{
	uint8_t plain[CSN_KEY_SIZE];

	assert_int_equal(csn_key_unmask(ctx, key, plain), 0);
	needle_set(n, plain, sizeof(plain));
	csn_wipe(plain, sizeof(plain));
}

/* Learn a session's keys, leaving no copy of them. */
static void
learn(struct csn_session *s, struct keys *k)
{
	struct csn_ctx *ctx = csn_session_ctx(s);

	learn_one(ctx, csn_chain_key(s, 0), &k->next[0]);
	learn_one(ctx, csn_chain_key(s, 1), &k->next[1]);
	learn_one(ctx, &s->heads[s->own_direction]->root, &k->root);
	learn_one(ctx, &s->own_key, &k->writer);
}

static void
none_is_in_memory(const struct keys *k, int writer_too)
{
	assert_int_equal(needle_count(&k->next[0]), 0);
	assert_int_equal(needle_count(&k->next[1]), 0);
	assert_int_equal(needle_count(&k->root), 0);
	if (writer_too)
		assert_int_equal(needle_count(&k->writer), 0);
}

TEST(the_search_finds_what_is_there)
{
	struct needle n;
	uint8_t *heap, stack[32];
	size_t i;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_non_null(heap = malloc(64));
	for (i = 0; i < 32; i++)
		stack[i] = (uint8_t)(i * i + 101);
	needle_set(&n, stack, 32);
	assert_true(needle_count(&n) >= 1);
	memcpy(heap + 7, stack, 32);
	i = needle_count(&n);
	assert_true(i >= 2);
	csn_wipe(heap, 64);
	assert_int_equal(needle_count(&n), i - 1);
	csn_wipe(stack, 32);
	free(heap);
}

TEST(closing_a_local_session_wipes_its_keys)
{
	struct csn_ctx *ctx;
	struct csn_session *s;
	struct text t;
	struct keys k;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(text_seal(s, 1, "something", &t), 0);
	learn(s, &k);
	/* At rest they are wrapped: only the lane's key is in the clear. */
	none_is_in_memory(&k, 0);
	assert_int_equal(text_open(s, &t, "something"), 0);
	none_is_in_memory(&k, 0);
	/* That the search finds what is there. Where AES on other processors
	 * keeps a schedule of its own form, no key lies in it as it is. */
#ifdef __x86_64__
	assert_true(needle_count(&k.writer) > 0);
#endif
	csn_session_close(s);
	none_is_in_memory(&k, 1);
	assert_int_equal(text_open(s, &t, "something"), CSN_E_CLOSED);
	csn_session_free(s);
	csn_ctx_free(ctx);
	none_is_in_memory(&k, 1);
}

TEST(closing_both_ends_of_a_handshake_wipes_their_keys)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct keys ks, kt;
	struct messages m;
	struct text t;
	struct pair p;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	pair_start(&p, NULL);
	pair_exchange(&p, &m, &o);
	assert_int_equal(text_seal(m.server, 1, "something", &t), 0);
	learn(m.server, &ks);
	assert_int_equal(text_seal(m.tenant, 1, "something", &t), 0);
	learn(m.tenant, &kt);
	none_is_in_memory(&ks, 0);
	none_is_in_memory(&kt, 0);
	csn_session_close(m.server);
	csn_session_close(m.tenant);
	none_is_in_memory(&ks, 1);
	none_is_in_memory(&kt, 1);
	messages_free(&m);
	pair_end(&p);
	none_is_in_memory(&ks, 1);
	none_is_in_memory(&kt, 1);
}

TEST(an_epoch_that_goes_is_wiped)
{
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_ctx *ctx;
	struct csn_session *s;
	struct text t, newer;
	struct keys k;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(text_seal(s, 1, "old", &t), 0);
	learn(s, &k);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_open(s, &t, "old"), 0);
	/* The ratchet's step was made into the epoch's and wiped. */
	none_is_in_memory(&k, 0);
	assert_int_equal(text_seal(s, 1, "new", &newer), 0);
	pair_boot += 40000;
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 1);
	none_is_in_memory(&k, 1);
	assert_int_equal(text_open(s, &newer, "new"), 0);
	csn_session_free(s);
	csn_ctx_free(ctx);
}

struct derivation {
	struct csn_ctx *ctx;
	struct csn_key chain, root, next, writer;
	int rc;
	atomic_int done, seen;
};

static void *
derive(void *arg)
{
	static const uint8_t id[16] = "a writer's id..";
	struct derivation *d = arg;

	if ((d->rc = csn_schedule_epoch(d->ctx, &d->chain, &d->root,
	    &d->next)) == 0)
		d->rc = csn_schedule_writer(d->ctx, &d->root, id,
		    &d->writer);
	/* No call until it was looked at: one would write over the stack. */
	atomic_store(&d->done, 1);
	while (!atomic_load(&d->seen))
		;
	return NULL;
}

/* On a stack of its own, where nothing is called afterwards that hides it. */
TEST(deriving_leaves_no_key_on_the_stack)
{
	enum { STACK = 1 << 20 };
	struct derivation d = { .rc = 1 };
	uint8_t plain[CSN_KEY_SIZE], *stack;
	struct needle n[4];
	pthread_attr_t attr;
	pthread_t thread;
	size_t found = 0;
	int i;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	d.ctx = pair_ctx();
	assert_int_equal(csn_random(d.ctx, plain, sizeof(plain)), 0);
	assert_int_equal(csn_key_mask(d.ctx, plain, &d.chain), 0);
	csn_wipe(plain, sizeof(plain));
	assert_int_equal(posix_memalign((void **)&stack, 65536, STACK), 0);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attr, derive, &d), 0);
	while (!atomic_load(&d.done))
		sched_yield();
	assert_int_equal(d.rc, 0);
	learn_one(d.ctx, &d.chain, &n[0]);
	learn_one(d.ctx, &d.root, &n[1]);
	learn_one(d.ctx, &d.next, &n[2]);
	learn_one(d.ctx, &d.writer, &n[3]);
	for (i = 0; i < 4; i++)
		found += needle_count(&n[i]);
	atomic_store(&d.seen, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(found, 0);
	pthread_attr_destroy(&attr);
	free(stack);
	csn_key_wipe(d.ctx, &d.chain);
	csn_key_wipe(d.ctx, &d.root);
	csn_key_wipe(d.ctx, &d.next);
	csn_key_wipe(d.ctx, &d.writer);
	csn_ctx_free(d.ctx);
}

static void
is_zero(const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len-- != 0)
		assert_int_equal(*b++, 0);
}

/* Also what rests wrapped, which the search does not see. */
TEST(closing_leaves_no_key_at_rest)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_ctx *ctx = pair_ctx();
	struct csn_session *s = pair_local(ctx, "acme", &o), *twin;
	struct text t;
	int i;

	twin = pair_twin(s, &o);
	for (i = 0; i < 3; i++)
		assert_int_equal(csn_session_rotate(twin, 0), 0);
	assert_int_equal(text_seal(twin, 1, "ahead", &t), 0);
	assert_int_equal(text_seal(s, 1, "own", &t), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(twin, 1, "ahead", &t), 0);
	t.sealed[130] ^= 1;
	assert_int_equal(text_open(s, &t, "ahead"), CSN_E_TAG);
	assert_non_null(csn_ahead_root(s, CSN_DIR_SERVER, 3));
	csn_session_ref(s);
	csn_session_close(s);
	is_zero(s->next, sizeof(s->next));
	is_zero(&s->own_key, sizeof(s->own_key));
	is_zero(s->own_id, sizeof(s->own_id));
	is_zero(s->near_epochs, sizeof(s->near_epochs));
	for (i = 0; i < 4; i++)
		assert_null(csn_ahead_root(s, CSN_DIR_SERVER, (uint32_t)i));
	assert_null(s->heads[0]);
	assert_null(s->heads[1]);
	csn_session_free(s);
	csn_session_free(s);
	csn_session_free(twin);
	csn_ctx_free(ctx);
}

/* Not where it was looked ahead to, nor where a list of writers grew out of. */
TEST(what_rests_of_an_epoch_goes_with_it)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session *s, *twin[2];
	struct needle root, writer;
	struct text t[2], later;
	struct csn_ctx *ctx;
	int i;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", &o);
	for (i = 0; i < 2; i++) {
		twin[i] = pair_twin(s, &o);
		assert_int_equal(csn_session_rotate(twin[i], 0), 0);
		assert_int_equal(text_seal(twin[i], 1, "one", &t[i]), 0);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(csn_session_rotate(twin[0], 0), 0);
	assert_int_equal(text_seal(twin[0], 1, "four", &later), 0);
	later.sealed[130] ^= 1;
	assert_int_equal(text_open(s, &later, "four"), CSN_E_TAG);
	assert_int_equal(text_open(s, &t[0], "one"), 0);
	assert_int_equal(s->heads[CSN_DIR_SERVER]->number, 1);
	needle_set(&root, s->heads[CSN_DIR_SERVER]->root.wrapped,
	    CSN_KEY_SIZE);
	/* Its own place and nobody else's. */
	assert_int_equal(needle_count(&root), 1);
	assert_int_equal(text_seal(s, 1, "own", &later), 0);
	needle_set(&writer, s->heads[CSN_DIR_SERVER]->writers[1].key.wrapped,
	    CSN_KEY_SIZE);
	i = (int)needle_count(&writer);
	assert_int_equal(text_open(s, &t[1], "one"), 0);
	assert_int_equal(s->heads[CSN_DIR_SERVER]->nwriters, 3);
	assert_int_equal(needle_count(&writer), i);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	pair_boot += 40000;
	assert_int_equal(pair_info(s).live_epochs, 1);
	assert_int_equal(needle_count(&root), 0);
	assert_int_equal(needle_count(&writer), 0);
	csn_session_free(s);
	csn_session_free(twin[0]);
	csn_session_free(twin[1]);
	csn_ctx_free(ctx);
}
