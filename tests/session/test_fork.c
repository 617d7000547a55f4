/* SPDX-License-Identifier: Apache-2.0 */
/* test_fork.c - a fork in the middle: no nonce twice, nobody waits for ever. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kv/place.h"
#include "lib/test.h"
#include "session/keys.h"
#include "session/pair.h"

#define MOST 4096
#define EACH 50

/* Pages that parent and children share. */
struct shared {
	atomic_uint n;
	struct {
		uint8_t writer[16];
		uint64_t sequence;
		uint32_t epoch;
		uint32_t pad;
	} used[MOST];
	struct text t[8];
	uint8_t header[CSN_SEAL_HEADER];	/* of a stream */
	uint8_t segment[5 + CSN_STREAM_TAG];
};

static struct csn_ctx *ctx;
static struct csn_session *session;
static struct shared *shared;

/* In children no assertion of cmocka's: the exit status says which step. */
#define NEED(step, expected, call) do {					\
	if ((call) != (expected))					\
		return step;						\
} while (0)

static int
seal_raw(struct csn_session *s, uint64_t position, struct text *t)
{
	struct csn_kv_item item = { .size = sizeof(item), .session = s };

	item.slot.kind = CSN_KIND_KV_ENTRY;
	item.slot.role = CSN_KV_KEY;
	item.slot.count = 1;
	item.slot.position = position;
	item.key = (uint8_t *)(uintptr_t)"child";
	item.key_len = 5;
	item.sealed = t->sealed;
	item.sealed_len = 5 + CSN_SEAL_OVERHEAD;
	t->len = item.sealed_len;
	if (csn_kv_seal(csn_session_ctx(s), &item) != 0)
		return item.rc;
	t->sequence = item.sequence;
	return 0;
}

static int
open_raw(struct csn_session *s, const struct text *t)
{
	struct csn_kv_item item = { .size = sizeof(item), .session = s };
	uint8_t key[8];

	item.key = key;
	item.key_len = sizeof(key);
	item.sealed = (uint8_t *)(uintptr_t)t->sealed;
	item.sealed_len = t->len;
	if (csn_kv_open(csn_session_ctx(s), &item) != 0)
		return item.rc;
	return item.key_len == 5 && memcmp(key, "child", 5) == 0 ? 0 : 1;
}

static int
note(const struct text *t)
{
	struct csn_header h = { .size = sizeof(h) };
	unsigned i = atomic_fetch_add(&shared->n, 1);

	if (i >= MOST || csn_header_read(NULL, t->sealed, t->len, &h) != 0)
		return 1;
	memcpy(shared->used[i].writer, h.writer, 16);
	shared->used[i].sequence = h.sequence;
	shared->used[i].epoch = h.epoch;
	return 0;
}

static int
child_is_told(void *arg)
{
	struct text t;

	(void)arg;
	NEED(1, CSN_E_FORK, seal_raw(session, 9, &t));
	NEED(2, CSN_E_FORK, open_raw(session, &shared->t[0]));
	NEED(3, CSN_E_FORK, csn_session_check_valid(session));
	NEED(4, 0, csn_session_is_valid(session));
	NEED(5, CSN_E_FORK, csn_session_rotate(session, 0));
	/* What failed left zero. */
	for (size_t i = 0; i < t.len; i++)
		NEED(6, 0, t.sealed[i]);
	NEED(7, 0, csn_session_after_fork(session));
	NEED(8, 0, csn_session_after_fork(session));
	NEED(9, 0, csn_session_check_valid(session));
	NEED(10, 0, open_raw(session, &shared->t[0]));
	NEED(11, 0, seal_raw(session, 9, &shared->t[1]));
	NEED(12, 0, open_raw(session, &shared->t[1]));
	csn_session_free(session);
	csn_ctx_free(ctx);
	return 0;
}

TEST(a_child_gets_an_error_until_it_has_a_writer_of_its_own)
{
	assert_int_equal(seal_raw(session, 1, &shared->t[0]), 0);
	assert_int_equal(in_child(child_is_told, NULL), 0);
	/* The parent goes on, and opens what the child sealed. */
	assert_int_equal(open_raw(session, &shared->t[1]), 0);
	assert_memory_not_equal(shared->t[0].sealed + 32,
	    shared->t[1].sealed + 32, 16);
	assert_int_equal(open_raw(session, &shared->t[0]), 0);
	assert_int_equal(seal_raw(session, 2, &shared->t[2]), 0);
	assert_int_equal(shared->t[2].sequence, 1);
}

static int
child_just_ends_it(void *arg)
{
	struct csn_session_info info = { .size = sizeof(info) };
	char *json;

	(void)arg;
	csn_session_get_info(session, &info);
	NEED(1, 0, csn_session_json(session, &json));
	csn_free(json);
	csn_session_close(session);
	NEED(2, CSN_E_CLOSED, csn_session_after_fork(session));
	csn_session_free(session);
	csn_ctx_free(ctx);
	return 0;
}

TEST(a_child_may_end_a_session_that_it_never_used)
{
	assert_int_equal(seal_raw(session, 1, &shared->t[0]), 0);
	assert_int_equal(in_child(child_just_ends_it, NULL), 0);
	assert_int_equal(open_raw(session, &shared->t[0]), 0);
}

static int
child_seals(void *arg)
{
	int depth = *(int *)arg, i;
	struct text t;

	NEED(1, 0, csn_session_after_fork(session));
	for (i = 0; i < EACH; i++) {
		NEED(2, 0, seal_raw(session, 1, &t));
		NEED(3, 0, note(&t));
	}
	if (depth == 0)
		return 0;
	depth--;
	NEED(4, 0, in_child(child_seals, &depth));
	for (i = 0; i < EACH; i++) {
		NEED(5, 0, seal_raw(session, 1, &t));
		NEED(6, 0, note(&t));
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(shared->used[0]));
}

TEST(no_nonce_is_used_twice_in_a_family_of_processes)
{
	struct text t;
	unsigned i, n;
	int c, k, depth;

	for (c = 0; c < 6; c++) {
		for (k = 0; k < EACH; k++) {
			assert_int_equal(seal_raw(session, 1, &t), 0);
			assert_int_equal(note(&t), 0);
		}
		depth = c % 3;
		assert_int_equal(in_child(child_seals, &depth), 0);
		if (c == 3)
			assert_int_equal(csn_session_rotate(session, 0), 0);
	}
	n = atomic_load(&shared->n);
	assert_int_equal(n, 6 * EACH + 6 * EACH + 2 * 2 * EACH +
	    2 * 4 * EACH);
	qsort(shared->used, n, sizeof(shared->used[0]), compare);
	for (i = 1; i < n; i++)
		assert_memory_not_equal(&shared->used[i - 1],
		    &shared->used[i], sizeof(shared->used[0]));
}

static void
past_the_grace(void)
{
	pair_boot += 40000;
}

static int
child_seals_two_and_wipes_nothing(void *arg)
{
	(void)arg;
	NEED(1, 0, csn_session_after_fork(session));
	NEED(2, 0, seal_raw(session, 5, &shared->t[0]));
	NEED(3, 0, seal_raw(session, 6, &shared->t[1]));
	/* What its parent seals meanwhile it cannot know: epoch 0 stays. */
	NEED(4, 0, csn_session_rotate(session, 0));
	NEED(5, 0, seal_raw(session, 5, &shared->t[2]));
	NEED(6, 0, seal_raw(session, 6, &shared->t[3]));
	past_the_grace();
	NEED(7, 2, (int)pair_info(session).live_epochs);
	return 0;
}

/* A whole stream of one segment. */
static int
stream_it(void)
{
	struct csn_stream *st;
	int rc;

	if ((rc = csn_stream_sealer_new(session, 4096, NULL, shared->header,
	    &st)) != 0)
		return rc;
	rc = csn_stream_push(st, (const uint8_t *)"child", 5, 1,
	    shared->segment);
	csn_stream_free(st);
	return rc;
}

static int
open_stream(void)
{
	struct csn_stream *st;
	uint8_t plain[5];
	int rc;

	if ((rc = csn_stream_opener_new(session, shared->header, NULL, &st)) !=
	    0)
		return rc;
	rc = csn_stream_pull(st, shared->segment, sizeof(shared->segment), 1,
	    plain);
	csn_stream_free(st);
	return rc;
}

/* Streams of one's own have writers that nobody remembers. */
static void
forget(uint64_t position)
{
	const struct csn_kv_slot slot = { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_KEY, .count = 1, .position = position };
	struct csn_slot_name name;

	csn_kv_slot_name(&slot, &name);
	csn_session_slot_forget(session, &name);
}

TEST(a_parent_that_streamed_wipes_nothing_of_its_childs_either)
{
	assert_int_equal(stream_it(), 0);
	assert_int_equal(in_child(child_seals_two_and_wipes_nothing, NULL),
	    0);
	assert_int_equal(open_raw(session, &shared->t[0]), 0);
	/* Not because of a live slot. */
	forget(5);
	assert_int_equal(csn_session_rotate(session, 0), 0);
	past_the_grace();
	assert_int_equal(pair_info(session).live_epochs, 2);
	assert_int_equal(open_raw(session, &shared->t[1]), 0);
}

static int
child_rotates_and_streams(void *arg)
{
	(void)arg;
	NEED(1, 0, csn_session_after_fork(session));
	NEED(2, 0, seal_raw(session, 5, &shared->t[0]));
	NEED(3, 0, csn_session_rotate(session, 0));
	NEED(4, 0, stream_it());
	return 0;
}

/* An epoch that a parent did not begin tells it as much. */
TEST(a_childs_stream_in_a_later_epoch_keeps_those_before_it)
{
	assert_int_equal(stream_it(), 0);
	assert_int_equal(open_stream(), 0);
	assert_int_equal(in_child(child_rotates_and_streams, NULL), 0);
	assert_int_equal(open_stream(), 0);
	past_the_grace();
	assert_int_equal(pair_info(session).live_epochs, 2);
	assert_int_equal(open_raw(session, &shared->t[0]), 0);
}

/* A stream of one's own is nobody else's: what it was in goes. */
TEST(streams_of_ones_own_keep_no_epoch)
{
	assert_int_equal(stream_it(), 0);
	assert_int_equal(open_stream(), 0);
	assert_int_equal(csn_session_rotate(session, 0), 0);
	past_the_grace();
	assert_int_equal(pair_info(session).live_epochs, 1);
}

/* A child that goes on with a store's session is an end of its own. */
TEST(neither_parent_nor_child_wipes_what_the_other_may_need)
{
	struct text t;

	assert_int_equal(seal_raw(session, 1, &t), 0);
	forget(1);
	assert_int_equal(in_child(child_seals_two_and_wipes_nothing, NULL),
	    0);
	/* The first of the child's tells the parent that there is one. */
	assert_int_equal(open_raw(session, &shared->t[0]), 0);
	assert_int_equal(open_raw(session, &shared->t[2]), 0);
	past_the_grace();
	assert_int_equal(pair_info(session).live_epochs, 2);
	assert_int_equal(open_raw(session, &shared->t[1]), 0);
}

/* Also where the parent is past the epochs that the child sealed in. */
TEST(a_parent_that_rotated_first_wipes_nothing_of_its_childs)
{
	assert_int_equal(csn_session_after_fork(session), 0);
	assert_int_equal(in_child(child_seals_two_and_wipes_nothing, NULL),
	    0);
	assert_int_equal(csn_session_rotate(session, 0), 0);
	assert_int_equal(open_raw(session, &shared->t[2]), 0);
	past_the_grace();
	assert_int_equal(pair_info(session).live_epochs, 2);
	assert_int_equal(open_raw(session, &shared->t[1]), 0);
}

static atomic_int stop;

static void *
keep_sealing(void *arg)
{
	struct text t;
	uint64_t i;

	(void)arg;
	for (i = 0; !atomic_load(&stop); i++) {
		if (seal_raw(session, i % 100, &t) != 0 ||
		    (i % 3 == 0 && open_raw(session, &t) != 0 &&
		    csn_message_code() != CSN_E_REPLAY))
			return arg;
	}
	return NULL;
}

static int
child_of_a_busy_parent(void *arg)
{
	struct text t;
	int i;

	(void)arg;
	NEED(1, CSN_E_FORK, seal_raw(session, 1, &t));
	NEED(2, 0, csn_session_after_fork(session));
	for (i = 0; i < 20; i++) {
		NEED(3, 0, seal_raw(session, 1000, &t));
		NEED(4, 0, open_raw(session, &t));
	}
	NEED(5, 0, csn_session_rotate(session, 0));
	NEED(6, 0, seal_raw(session, 1000, &t));
	csn_session_free(session);
	csn_ctx_free(ctx);
	return 0;
}

TEST(a_child_of_a_busy_parent_never_hangs)
{
	pthread_t threads[3];
	void *failed;
	int i, rc, wrong = 0;

	atomic_store(&stop, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    keep_sealing, &stop), 0);
	for (i = 0; i < 60; i++) {
		rc = in_child(i % 3 == 2 ? child_just_ends_it :
		    child_of_a_busy_parent, NULL);
		if (rc != 0 && wrong == 0)
			wrong = rc * 1000 + i;
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(wrong, 0);
}

#define AT_ONCE 6

static pthread_barrier_t together;

static void *
take_over(void *arg)
{
	struct text *t = arg;

	pthread_barrier_wait(&together);
	return csn_session_after_fork(session) == 0 &&
	    seal_raw(session, 1, &t[0]) == 0 &&
	    seal_raw(session, 1, &t[1]) == 0 ? NULL : arg;
}

static int
child_of_many_threads(void *arg)
{
	static struct text t[AT_ONCE][2];
	const struct text *all = &t[0][0];
	pthread_t thread[AT_ONCE];
	void *failed;
	int i, k;

	(void)arg;
	NEED(1, 0, pthread_barrier_init(&together, NULL, AT_ONCE));
	for (i = 0; i < AT_ONCE; i++)
		NEED(2, 0, pthread_create(&thread[i], NULL, take_over, t[i]));
	for (i = 0; i < AT_ONCE; i++) {
		pthread_join(thread[i], &failed);
		NEED(3, NULL, failed);
	}
	/* Of one writer, and each with a number of its own. */
	for (i = 0; i < 2 * AT_ONCE; i++)
		for (k = 0; k < i; k++) {
			NEED(4, 0, memcmp(all[i].sealed + 32,
			    all[k].sealed + 32, 16));
			NEED(5, 1, all[i].sequence != all[k].sequence);
		}
	return 0;
}

TEST(threads_of_a_child_take_a_session_over_at_once)
{
	int i;

	for (i = 0; i < 60; i++)
		assert_int_equal(in_child(child_of_many_threads, NULL), 0);
}

BEFORE_EACH
{
	ctx = pair_ctx_with(NULL, 4);
	session = pair_local(ctx, "acme", NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
}

AFTER_EACH
{
	munmap(shared, sizeof(*shared));
	csn_session_free(session);
	csn_ctx_free(ctx);
}
