/* SPDX-License-Identifier: Apache-2.0 */
/* test_ahead.c - epochs that were skipped: found, kept, and how many. */
#include <pthread.h>

#include "kv/place.h"
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"

#define MODES 3

static struct csn_ctx *ctx;

/* Session options of a mode. */
static struct csn_session_options
in_mode(uint32_t replay)
{
	struct csn_session_options o = { .size = sizeof(o), .replay = replay,
	    .ttl_ms = CSN_NEVER };

	return o;
}

/* The twin seals a text in each of n epochs, from the one that it is in. */
static void
one_an_epoch(struct csn_session *twin, struct text *t, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (i != 0)
			assert_int_equal(csn_session_rotate(twin, 0), 0);
		assert_int_equal(text_seal(twin, (uint64_t)i, "x", &t[i]), 0);
	}
}

/* A message each 6 minutes, at the defaults: each is of an epoch of its own. */
TEST(a_message_that_is_lost_costs_no_other)
{
	struct csn_session *s, *twin;
	struct csn_session_options o;
	struct text t[5];
	uint32_t mode;
	int i;

	for (mode = 1; mode <= MODES; mode++) {
		o = in_mode(mode);
		s = pair_local(ctx, "acme", &o);
		twin = pair_twin(s, &o);
		for (i = 0; i < 5; i++) {
			assert_int_equal(text_seal(s, (uint64_t)i, "x",
			    &t[i]), 0);
			assert_int_equal(text_epoch(&t[i]), i);
			pair_boot += 360000;
		}
		assert_int_equal(text_open(twin, &t[0], "x"), 0);
		for (i = 2; i < 5; i++)
			assert_int_equal(text_open(twin, &t[i], "x"), 0);
		/* It was late only. */
		assert_int_equal(text_open(twin, &t[1], "x"), 0);
		csn_session_free(s);
		csn_session_free(twin);
	}
}

TEST(a_reader_looks_64_epochs_ahead_and_no_further)
{
	struct csn_session_info before, after;
	struct csn_session *s, *twin, *late;
	struct csn_session_options o;
	struct text t[67];
	uint32_t mode;
	int i;

	for (mode = 1; mode <= MODES; mode++) {
		o = in_mode(mode);
		s = pair_local(ctx, "acme", &o);
		twin = pair_twin(s, &o);
		late = pair_twin(s, &o);
		one_an_epoch(twin, t, 67);
		/* One that has no epoch yet: the first is one of the 64. */
		assert_int_equal(text_open(late, &t[64], "x"), CSN_E_EPOCH);
		assert_non_null(strstr(csn_message(), "ahead"));
		assert_int_equal(text_open(late, &t[63], "x"), 0);
		assert_int_equal(text_open(s, &t[0], "x"), 0);
		before = pair_info(s);
		assert_int_equal(text_open(s, &t[65], "x"), CSN_E_EPOCH);
		after = pair_info(s);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(text_open(s, &t[64], "x"), 0);
		assert_int_equal(pair_info(s).epoch, 64);
		pair_boot += 30002;	/* a channel's grace for the former */
		assert_int_equal(text_open(s, &t[66], "x"), 0);
		for (i = 1; i < 64; i++)
			assert_int_equal(text_open(s, &t[i], "x"),
			    mode == CSN_REPLAY_STORE ? 0 : CSN_E_EPOCH);
		assert_int_equal(text_open(s, &t[65], "x"), 0);
		csn_session_free(s);
		csn_session_free(twin);
		csn_session_free(late);
	}
}

TEST(what_a_channel_skipped_keeps_its_grace)
{
	struct csn_session_options o = in_mode(CSN_REPLAY_CHANNEL);
	struct csn_session *s, *twin;
	struct text t[4];

	o.grace_ms = 5000;
	s = pair_local(ctx, "acme", &o);
	twin = pair_twin(s, &o);
	one_an_epoch(twin, t, 4);
	pair_boot += 60000;
	assert_int_equal(text_open(s, &t[3], "x"), 0);
	assert_int_equal(pair_info(s).live_epochs, 4);
	pair_boot += 5000;
	assert_int_equal(text_open(s, &t[1], "x"), 0);
	assert_int_equal(pair_info(s).live_epochs, 4);
	pair_boot += 1001;
	assert_int_equal(pair_info(s).live_epochs, 1);
	assert_int_equal(text_open(s, &t[2], "x"), CSN_E_EPOCH);
	assert_non_null(strstr(csn_message(), "gone"));
	csn_session_free(s);
	csn_session_free(twin);
}

TEST(a_channels_peer_opens_64_epochs_within_the_grace_and_no_more)
{
	struct csn_session_info before, after;
	struct csn_session_options o;
	struct csn_session *s, *twin;
	struct text t[67];
	uint32_t mode;

	for (mode = CSN_REPLAY_CHANNEL; mode <= CSN_REPLAY_OFF; mode++) {
		o = in_mode(mode);
		o.grace_ms = 5000;
		s = pair_local(ctx, "acme", &o);
		twin = pair_twin(s, &o);
		one_an_epoch(twin, t, 67);
		assert_int_equal(text_open(s, &t[0], "x"), 0);
		assert_int_equal(text_open(s, &t[60], "x"), 0);
		before = pair_info(s);
		assert_int_equal(text_open(s, &t[65], "x"), CSN_E_LIMIT);
		assert_non_null(strstr(csn_message(), "5000 ms"));
		after = pair_info(s);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(text_open(s, &t[64], "x"), 0);
		pair_boot += 5000;
		assert_int_equal(text_open(s, &t[65], "x"), CSN_E_LIMIT);
		/* The grace is over, and with it what was opened. */
		pair_boot += 1;
		assert_int_equal(text_open(s, &t[65], "x"), 0);
		assert_int_equal(text_open(s, &t[66], "x"), 0);
		csn_session_free(s);
		csn_session_free(twin);
	}
}

/*
 * The reader supersedes all that it has seen of an epoch, and seals in it
 * itself: what else lives there it cannot know.
 */
TEST(a_stores_reader_loses_no_live_entry_of_an_epoch_it_did_not_seal)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *reader;
	struct text t[2], newer, own;
	int end;

	for (end = 0; end < 2; end++) {
		reader = pair_twin(s, NULL);
		assert_int_equal(text_seal(s, 0, "first", &t[0]), 0);
		assert_int_equal(text_seal(s, 1, "live", &t[1]), 0);
		assert_int_equal(text_open(reader, &t[0], "first"), 0);
		if (end == 1)
			assert_int_equal(text_seal(reader, 9, "own", &own),
			    0);
		assert_int_equal(csn_session_rotate(s, 0), 0);
		assert_int_equal(text_seal(s, 0, "again", &newer), 0);
		assert_int_equal(text_open(reader, &newer, "again"), 0);
		pair_boot += 40000;
		assert_int_equal(text_seal(reader, 9, "own", &own), 0);
		assert_int_equal(csn_session_rotate(reader, 0), 0);
		assert_int_equal(text_open(reader, &t[1], "live"), 0);
		csn_session_free(reader);
	}
	csn_session_free(s);
}

/* Of the other direction as well. */
TEST(a_stores_other_end_loses_no_live_entry)
{
	struct messages m;
	struct text t[3];
	struct pair p;

	pair_start(&p, NULL);
	pair_exchange(&p, &m, NULL);
	assert_int_equal(text_seal(m.server, 0, "seen", &t[0]), 0);
	assert_int_equal(text_seal(m.server, 1, "not yet", &t[1]), 0);
	assert_int_equal(text_open(m.tenant, &t[0], "seen"), 0);
	assert_int_equal(csn_session_rotate(m.server, 0), 0);
	assert_int_equal(text_seal(m.server, 0, "newer", &t[2]), 0);
	assert_int_equal(text_open(m.tenant, &t[2], "newer"), 0);
	pair_boot += 40000;
	assert_int_equal(csn_session_rotate(m.tenant, 0), 0);
	assert_int_equal(pair_info(m.tenant).live_epochs, 4);
	assert_int_equal(text_open(m.tenant, &t[1], "not yet"), 0);
	/* Until the session ends, and no longer. */
	csn_session_close(m.tenant);
	assert_int_equal(text_open(m.tenant, &t[1], "not yet"), CSN_E_CLOSED);
	messages_free(&m);
	pair_end(&p);
}

TEST(an_import_loses_no_live_entry)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *later;
	struct text t[3];
	int i;

	assert_int_equal(text_seal(s, 0, "oldest", &t[0]), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 1, "newer", &t[1]), 0);
	later = pair_twin(s, NULL);
	pair_boot += 40000;
	assert_int_equal(text_seal(later, 2, "own", &t[2]), 0);
	assert_int_equal(csn_session_rotate(later, 0), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(text_open(later, &t[0], "oldest"), 0);
	assert_int_equal(text_open(later, &t[1], "newer"), 0);
	csn_session_free(s);
	csn_session_free(later);
}

/* Whoever exports a session has a twin from then on, that seals as well. */
TEST(what_a_twin_sealed_is_not_lost_to_who_exported)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *twin;
	struct text t[6];

	/* Before the export nobody else was there: this one goes. */
	assert_int_equal(text_seal(s, 0, "alone", &t[0]), 0);
	assert_int_equal(csn_session_wants_reseal(s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_session_wants_reseal(s), 1);
	assert_int_equal(text_seal(s, 0, "mine", &t[1]), 0);
	assert_int_equal(csn_session_wants_reseal(s), 0);
	twin = pair_twin(s, NULL);
	assert_int_equal(text_seal(twin, 7, "twin's", &t[2]), 0);
	assert_int_equal(csn_session_rotate(twin, 0), 0);
	assert_int_equal(text_seal(twin, 8, "twin's too", &t[3]), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 0, "mine", &t[4]), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 0, "mine", &t[5]), 0);
	pair_boot += 40000;
	assert_int_equal(pair_info(s).live_epochs, 3);
	/* What stays anyway is no reason to seal its slots anew. */
	assert_int_equal(csn_session_wants_reseal(s), 0);
	assert_int_equal(text_open(s, &t[2], "twin's"), 0);
	assert_int_equal(csn_session_wants_reseal(s), 0);
	assert_int_equal(text_open(s, &t[0], "alone"), CSN_E_EPOCH);
	assert_int_equal(text_open(s, &t[2], "twin's"), 0);
	assert_int_equal(text_open(s, &t[3], "twin's too"), 0);
	csn_session_free(s);
	csn_session_free(twin);
}

/* Each rotates by itself, into the same epochs as the other. */
TEST(two_imports_of_one_session_lose_nothing_of_each_other)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *a, *b;
	struct text t, own;

	a = pair_twin(s, NULL);
	b = pair_twin(s, NULL);
	assert_int_equal(csn_session_rotate(b, 0), 0);
	assert_int_equal(text_seal(b, 5, "b's", &t), 0);
	assert_int_equal(csn_session_rotate(a, 0), 0);
	assert_int_equal(text_seal(a, 0, "a's", &own), 0);
	assert_int_equal(csn_session_rotate(a, 0), 0);
	assert_int_equal(text_seal(a, 0, "a's", &own), 0);
	pair_boot += 40000;
	assert_int_equal(pair_info(a).live_epochs, 3);
	assert_int_equal(text_open(a, &t, "b's"), 0);
	csn_session_free(s);
	csn_session_free(a);
	csn_session_free(b);
}

/* Who follows another's rotation has the whole of the new epoch left. */
TEST(who_follows_counts_from_nothing)
{
	struct csn_session_options o = in_mode(CSN_REPLAY_STORE);
	struct csn_session *s, *twin;
	struct text t;
	uint64_t i;

	o.max_entries = 5;
	s = pair_local(ctx, "acme", &o);
	twin = pair_twin(s, &o);
	for (i = 0; i < 5; i++)
		assert_int_equal(text_seal(s, i, "x", &t), 0);
	assert_int_equal(csn_session_rotate(twin, 0), 0);
	assert_int_equal(text_seal(twin, 9, "y", &t), 0);
	assert_int_equal(text_open(s, &t, "y"), 0);
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	for (i = 0; i < 5; i++) {
		assert_int_equal(text_seal(s, i, "x", &t), 0);
		assert_int_equal(text_epoch(&t), 1);
		/* Under that epoch's key. */
		assert_int_equal(text_open(twin, &t, "x"), 0);
	}
	csn_session_free(s);
	csn_session_free(twin);
}

TEST(at_1024_epochs_that_stay_who_rotates_on_is_told)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *twin, *late;
	struct text first, t;
	int i;

	twin = pair_twin(s, NULL);
	late = pair_twin(s, NULL);
	assert_int_equal(text_seal(s, 0, "first", &first), 0);
	for (i = 1; i < 1024; i++) {
		assert_int_equal(csn_session_rotate(s, 0), 0);
		if (i % 60 == 0 || i == 1023) {
			assert_int_equal(text_seal(s, 1, "x", &t), 0);
			assert_int_equal(text_open(twin, &t, "x"), 0);
		}
		if (i == 960)
			assert_int_equal(text_open(late, &t, "x"),
			    CSN_E_EPOCH);
	}
	assert_int_equal(pair_info(twin).live_epochs, 1024);
	assert_int_equal(text_open(twin, &first, "first"), 0);
	/* Sealing goes on in the epoch that there is. */
	assert_int_equal(csn_session_rotate(twin, 0), CSN_E_LIMIT);
	assert_non_null(strstr(csn_message(), "1024 epochs"));
	assert_int_equal(text_seal(twin, 2, "y", &t), 0);
	assert_int_equal(text_epoch(&t), 1023);
	assert_int_equal(text_open(twin, &t, "y"), 0);
	/* Nor has the other's next epoch a place. Its own were shared too. */
	assert_int_equal(csn_session_rotate(s, 0), CSN_E_LIMIT);
	csn_session_free(s);
	csn_session_free(twin);
	csn_session_free(late);
}

TEST(at_1024_epochs_another_ends_next_one_is_refused)
{
	struct messages m;
	struct text t[2];
	struct pair p;
	int i;

	pair_start(&p, NULL);
	pair_exchange(&p, &m, NULL);
	/* Who seals alone rotates as often as it likes. */
	for (i = 0; i <= 1024; i++) {
		if (i != 0)
			assert_int_equal(csn_session_rotate(m.server, 0), 0);
		if (i % 64 != 0 && i != 1023)
			continue;
		assert_int_equal(text_seal(m.server, 0, "x", &t[i == 1024]),
		    0);
		if (i < 1024)
			assert_int_equal(text_open(m.tenant, &t[0], "x"), 0);
	}
	assert_int_equal(pair_info(m.tenant).live_epochs, 1024);
	assert_int_equal(text_open(m.tenant, &t[1], "x"), CSN_E_LIMIT);
	assert_int_equal(text_open(m.tenant, &t[0], "x"), 0);
	/* The tenant's own direction has its own 1,024. */
	assert_int_equal(csn_session_rotate(m.tenant, 0), 0);
	messages_free(&m);
	pair_end(&p);
}

/* A tag held, but the chain was past its epoch by then, and that one gone. */
TEST(an_epoch_that_went_meanwhile_is_not_made_again)
{
	struct csn_session_options o = in_mode(CSN_REPLAY_CHANNEL);
	struct csn_session *s = pair_local(ctx, "acme", &o), *twin;
	struct csn_head h;
	struct csn_open_done done = { .rc = 0 };
	struct csn_open_run run;
	struct text t[3];

	twin = pair_twin(s, &o);
	one_an_epoch(twin, t, 3);
	assert_int_equal(text_open(s, &t[0], "x"), 0);
	assert_int_equal(csn_head_decode(ctx, &csn_kv_kind, t[1].sealed,
	    t[1].len, &h), 0);
	assert_int_equal(csn_session_open_begin(s, &h, &run), 0);
	assert_null(run.epoch);
	assert_int_equal(text_open(s, &t[2], "x"), 0);
	pair_boot += 40000;
	assert_int_equal(pair_info(s).live_epochs, 1);
	csn_session_open_end(s, &run, &done, 1);
	assert_int_equal(done.rc, CSN_E_EPOCH);
	assert_int_equal(pair_info(s).epoch, 2);
	assert_int_equal(pair_info(s).live_epochs, 1);
	csn_session_free(s);
	csn_session_free(twin);
}

/* What is looked ahead to costs its derivations once, and moves nothing. */
TEST(a_look_ahead_serves_the_next_message)
{
	struct csn_session_options o = in_mode(CSN_REPLAY_CHANNEL);
	struct csn_session *s = pair_local(ctx, "acme", &o), *twin;
	struct csn_session_info before, after;
	struct text t[65], bad;
	uint64_t id[3];
	int i;

	twin = pair_twin(s, &o);
	one_an_epoch(twin, t, 65);
	assert_int_equal(text_open(s, &t[0], "x"), 0);
	before = pair_info(s);
	for (i = 0; i < 3; i++) {
		bad = t[i == 0 ? 40 : 64];
		bad.sealed[130] ^= 1;
		assert_int_equal(text_open(s, &bad, "x"), CSN_E_TAG);
		assert_non_null(csn_ahead_root(s, CSN_DIR_SERVER, 40));
		id[i] = csn_ahead_root(s, CSN_DIR_SERVER, 40)->id;
	}
	assert_int_equal(id[0], id[1]);
	assert_int_equal(id[0], id[2]);
	after = pair_info(s);
	assert_true(after.memory > before.memory);
	after.memory = before.memory;
	assert_memory_equal(&before, &after, sizeof(before));
	/* The chain takes what was looked ahead to, and no more is held. */
	assert_int_equal(text_open(s, &t[40], "x"), 0);
	assert_null(csn_ahead_root(s, CSN_DIR_SERVER, 40));
	assert_int_equal(s->heads[CSN_DIR_SERVER]->root.id, id[0]);
	assert_int_equal(text_open(s, &t[64], "x"), 0);
	assert_null(csn_ahead_root(s, CSN_DIR_SERVER, 65));
	/* A rotation of one's own takes it too. */
	assert_int_equal(csn_session_rotate(twin, 0), 0);
	pair_boot += 40000;
	assert_int_equal(text_seal(twin, 0, "y", &bad), 0);
	bad.sealed[130] ^= 1;
	assert_int_equal(text_open(s, &bad, "y"), CSN_E_TAG);
	id[0] = csn_ahead_root(s, CSN_DIR_SERVER, 65)->id;
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(s->heads[CSN_DIR_SERVER]->root.id, id[0]);
	bad.sealed[130] ^= 1;
	assert_int_equal(text_open(s, &bad, "y"), 0);
	csn_session_free(s);
	csn_session_free(twin);
}

struct opener {
	struct csn_session *s;
	const struct text *t;
	int first, step, n, rc;
};

static void *
open_each(void *arg)
{
	struct opener *o = arg;
	struct csn_kv_item item;
	uint8_t key[8];
	int i;

	for (i = o->first; i < o->n && o->rc == 0; i += o->step) {
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.session = o->s;
		item.key = key;
		item.key_len = sizeof(key);
		item.sealed = (uint8_t *)(uintptr_t)o->t[i].sealed;
		item.sealed_len = o->t[i].len;
		o->rc = csn_kv_open(ctx, &item);
	}
	return NULL;
}

/*
 * While one thread looks ahead the session's lock is free. That is seen in
 * the middle of it: the session is pinned and nothing has come of it yet.
 */
TEST(a_look_ahead_holds_nobody_up)
{
	struct csn_session_options o = in_mode(CSN_REPLAY_STORE);
	struct csn_session *s = pair_local(ctx, "acme", &o), *reader;
	struct opener opener;
	struct text t[64];
	pthread_t thread;
	uint8_t *bytes;
	size_t len;
	int tries, seen = 0, began;

	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	one_an_epoch(s, t, 64);
	for (tries = 0; tries < 2000 && !seen; tries++) {
		assert_int_equal(csn_session_import(ctx, bytes, len, &o,
		    &reader), 0);
		opener = (struct opener){ .s = reader, .t = t, .first = 63,
		    .step = 1, .n = 64 };
		assert_int_equal(pthread_create(&thread, NULL, open_each,
		    &opener), 0);
		for (began = 0; !began && !seen; ) {
			if (pthread_mutex_trylock(&reader->lock) != 0)
				continue;
			began = reader->heads[0] != NULL ||
			    csn_ahead_root(reader, 0, 63) != NULL;
			seen = !began && reader->pins != 0;
			pthread_mutex_unlock(&reader->lock);
		}
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(opener.rc, 0);
		csn_session_free(reader);
	}
	assert_true(seen);
	csn_wipe(bytes, len);
	csn_free(bytes);
	csn_session_free(s);
}

/* The last of the keys put to rest: each has a number of its own. */
static uint64_t
keys_so_far(void)
{
	uint8_t plain[CSN_KEY_SIZE] = { 0 };
	struct csn_key key;
	uint64_t id;

	assert_int_equal(csn_key_mask(ctx, plain, &key), 0);
	id = key.id;
	csn_key_wipe(ctx, &key);
	return id;
}

TEST(one_of_many_looks_ahead_and_serves_all)
{
	enum { THREADS = 4, ROUNDS = 50 };
	struct csn_session_options o = in_mode(CSN_REPLAY_STORE);
	struct csn_session *s = pair_local(ctx, "acme", &o), *readers[ROUNDS];
	struct opener openers[THREADS];
	pthread_t threads[THREADS];
	struct text t[64];
	uint64_t before;
	int round, i;

	for (round = 0; round < ROUNDS; round++)
		readers[round] = pair_twin(s, &o);
	one_an_epoch(s, t, 64);
	for (round = 0; round < ROUNDS; round++) {
		before = keys_so_far();
		for (i = 0; i < THREADS; i++) {
			openers[i] = (struct opener){ .s = readers[round],
			    .t = t, .first = 63, .step = 1, .n = 64 };
			assert_int_equal(pthread_create(&threads[i], NULL,
			    open_each, &openers[i]), 0);
		}
		for (i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			assert_int_equal(openers[i].rc, 0);
		}
		/* A root and a chain key an epoch; a writer's key a thread. */
		assert_in_range(keys_so_far() - before, 129, 128 + THREADS +
		    1);
		csn_session_free(readers[round]);
	}
	csn_session_free(s);
}

TEST(threads_that_look_ahead_at_once_agree)
{
	enum { THREADS = 4, N = 64 };
	struct csn_session_options o = in_mode(CSN_REPLAY_STORE);
	struct csn_session *s, *reader;
	struct opener openers[THREADS];
	pthread_t threads[THREADS];
	struct text t[N];
	int round, i;

	for (round = 0; round < 10; round++) {
		s = pair_local(ctx, "acme", &o);
		reader = pair_twin(s, &o);
		one_an_epoch(s, t, N);
		for (i = 0; i < THREADS; i++) {
			openers[i] = (struct opener){ .s = reader, .t = t,
			    .first = i, .step = THREADS, .n = N };
			assert_int_equal(pthread_create(&threads[i], NULL,
			    open_each, &openers[i]), 0);
		}
		/* The reader rotates too, past what they look at. */
		for (i = 0; i < 30; i++)
			assert_int_equal(csn_session_rotate(reader, 0), 0);
		for (i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			assert_int_equal(openers[i].rc, 0);
		}
		assert_true(pair_info(reader).epoch >= N - 1);
		csn_session_free(reader);
		csn_session_free(s);
	}
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
