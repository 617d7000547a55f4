/* SPDX-License-Identifier: Apache-2.0 */
/* test_threads.c - many threads on one session: each nonce once. */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/test.h"
#include "session/keys.h"
#include "session/pair.h"

#define THREADS 8
#define EACH 3000

struct used {
	uint32_t epoch;
	uint8_t writer[16];
	uint64_t sequence;
};

struct hand {
	pthread_t thread;
	struct csn_session *session;
	unsigned number;
	int first_error;
	size_t n;
	struct used used[EACH];
};

static struct csn_ctx *ctx;
static atomic_int stop;

static void
fill(struct csn_kv_item *it, struct csn_session *s, uint64_t position,
    uint8_t *key, uint8_t *sealed)
{
	memset(it, 0, sizeof(*it));
	it->size = sizeof(*it);
	it->session = s;
	it->slot.kind = CSN_KIND_KV_ENTRY;
	it->slot.role = CSN_KV_KEY;
	it->slot.count = 1;
	it->slot.position = position;
	it->key = key;
	it->key_len = 8;
	it->sealed = sealed;
	it->sealed_len = 8 + CSN_SEAL_OVERHEAD;
}

static int
note(struct hand *h, const uint8_t *sealed)
{
	struct csn_header head = { .size = sizeof(head) };
	struct used *u = &h->used[h->n++];

	if (csn_header_read(ctx, sealed, 8 + CSN_SEAL_OVERHEAD, &head) != 0)
		return 1;
	u->epoch = head.epoch;
	u->sequence = head.sequence;
	memcpy(u->writer, head.writer, 16);
	return 0;
}

/* Single ones and batches, each read back; positions of its own. */
static void *
seal_and_open(void *arg)
{
	struct hand *h = arg;
	uint8_t keys[16][8], sealed[16][8 + CSN_SEAL_OVERHEAD], out[8];
	struct csn_kv_item items[16], one;
	size_t i, n;
	int rc;

	while (h->n < EACH && h->first_error == 0) {
		n = h->n % 3 == 0 ? 16 : 1;
		if (n > EACH - h->n)
			n = EACH - h->n;
		for (i = 0; i < n; i++) {
			memset(keys[i], (int)(h->n + i), 8);
			fill(&items[i], h->session, h->number * 1000000ull +
			    (h->n + i) % 500, keys[i], sealed[i]);
		}
		rc = n == 1 ? csn_kv_seal(ctx, items) : csn_kv_seal_batch(ctx,
		    NULL, items, n);
		for (i = 0; i < n && rc == 0; i++) {
			fill(&one, h->session, 0, out, sealed[i]);
			if ((rc = csn_kv_open(ctx, &one)) == 0 &&
			    memcmp(out, keys[i], 8) != 0)
				rc = 1;
			if (rc == 0)
				rc = note(h, sealed[i]);
		}
		h->first_error = rc;
	}
	return NULL;
}

static void *
ask_and_rotate(void *arg)
{
	struct csn_session *s = arg;
	struct csn_session_info info = { .size = sizeof(info) };
	uint8_t *bytes;
	size_t len;
	char *json;
	int i;

	for (i = 0; !atomic_load(&stop); i++) {
		csn_session_get_info(s, &info);
		if (csn_session_should_rotate(s) < 0 ||
		    csn_session_is_valid(s) != 1)
			return arg;
		if (i % 16 == 0 && csn_session_rotate(s, 0) != 0)
			return arg;
		if (i % 16 == 8) {
			if (csn_session_json(s, &json) != 0)
				return arg;
			csn_free(json);
			if (csn_session_export(s, &bytes, &len) != 0)
				return arg;
			csn_wipe(bytes, len);
			csn_free(bytes);
		}
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct used));
}

static void
hammer(uint32_t replay)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = replay, .max_entries = 700 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct csn_session_info info = { .size = sizeof(info) };
	struct hand *hands = calloc(THREADS, sizeof(*hands));
	struct used *all = calloc((size_t)THREADS * EACH, sizeof(*all));
	pthread_t other;
	void *failed;
	size_t i, k;

	assert_non_null(hands);
	assert_non_null(all);
	atomic_store(&stop, 0);
	assert_int_equal(pthread_create(&other, NULL, ask_and_rotate, s), 0);
	for (i = 0; i < THREADS; i++) {
		hands[i].session = s;
		hands[i].number = (unsigned)i;
		assert_int_equal(pthread_create(&hands[i].thread, NULL,
		    seal_and_open, &hands[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(hands[i].thread, NULL), 0);
	atomic_store(&stop, 1);
	assert_int_equal(pthread_join(other, &failed), 0);
	assert_null(failed);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(hands[i].first_error, 0);
		assert_int_equal(hands[i].n, EACH);
		for (k = 0; k < EACH; k++)
			all[i * EACH + k] = hands[i].used[k];
	}
	qsort(all, THREADS * EACH, sizeof(*all), compare);
	for (i = 1; i < THREADS * EACH; i++)
		assert_memory_not_equal(&all[i - 1], &all[i], sizeof(*all));
	csn_session_get_info(s, &info);
	assert_int_equal(info.total_entries, THREADS * EACH);
	assert_true(info.rotations >= THREADS * EACH / 700);
	free(all);
	free(hands);
	csn_session_free(s);
}

TEST(threads_share_no_nonce_in_store_mode)
{
	hammer(CSN_REPLAY_STORE);
}

TEST(threads_share_no_nonce_in_channel_mode)
{
	hammer(CSN_REPLAY_CHANNEL);
}

TEST(threads_share_no_nonce_without_replay_checks)
{
	hammer(CSN_REPLAY_OFF);
}

static void *
seal_until_closed(void *arg)
{
	uint8_t key[8] = "12345678", sealed[8 + CSN_SEAL_OVERHEAD];
	struct csn_kv_item it;
	int rc;

	do {
		fill(&it, arg, 1, key, sealed);
		rc = csn_kv_seal(ctx, &it);
	} while (rc == 0);
	return rc == CSN_E_CLOSED ? NULL : arg;
}

TEST(closing_waits_for_what_is_under_way)
{
	struct csn_session *s;
	pthread_t threads[4];
	void *failed;
	int round, i;

	for (round = 0; round < 30; round++) {
		s = pair_local(ctx, "acme", NULL);
		for (i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
			    seal_until_closed, s), 0);
		for (i = 0; i < round * 50; i++)
			(void)csn_session_is_valid(s);
		csn_session_close(s);
		assert_int_equal(csn_session_is_valid(s), 0);
		for (i = 0; i < 4; i++) {
			assert_int_equal(pthread_join(threads[i], &failed),
			    0);
			assert_null(failed);
		}
		csn_session_free(s);
	}
}

/* More sessions than there are lanes: keys come and go under the threads. */
static void *
many_sessions(void *arg)
{
	struct csn_session **s = arg;
	uint8_t key[8], out[8], sealed[8 + CSN_SEAL_OVERHEAD];
	struct csn_kv_item it;
	unsigned i;

	for (i = 0; i < 4000; i++) {
		memset(key, (int)i, 8);
		fill(&it, s[i * 7 % 32], i % 64, key, sealed);
		if (csn_kv_seal(ctx, &it) != 0)
			return arg;
		fill(&it, s[i * 7 % 32], 0, out, sealed);
		/* Another thread may have sealed that slot meanwhile. */
		if (csn_kv_open(ctx, &it) == 0 ? memcmp(out, key, 8) != 0 :
		    it.rc != CSN_E_REPLAY)
			return arg;
	}
	return NULL;
}

TEST(few_lanes_serve_many_sessions_of_many_threads)
{
	struct csn_session *s[32];
	pthread_t threads[THREADS];
	void *failed;
	int i;

	csn_ctx_free(ctx);
	ctx = pair_ctx_with(NULL, 4);
	for (i = 0; i < 32; i++)
		s[i] = pair_local(ctx, "acme", NULL);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    many_sessions, s), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (i = 0; i < 32; i++)
		csn_session_free(s[i]);
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
