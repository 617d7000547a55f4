/* test_wiped.c - keys rest wrapped, and closing wipes them from memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/path.h"
#include "session/internal.h"
#include "session/pair.h"
#include "session/scan.h"

/* An exported session's end: next, n, then (number, root) of the only one
 * of the direction that sealed; next and 0 of the other. */
#define ONE_EPOCH (32 + 4 + 4 + 32)
#define NO_EPOCH (32 + 4)

struct keys {
	struct needle next[2];
	struct needle root;
	struct needle writer;
};

/* Learn a session's keys, leaving no copy of them. */
static void
learn(struct csn_session *s, const struct text *sealed, struct keys *k)
{
	struct csn_ctx *ctx = csn_session_ctx(s);
	struct csn_header h = { .size = sizeof(h) };
	struct csn_key root, writer;
	uint8_t *p, *end, plain[CSN_KEY_SIZE];
	size_t len;
	int own = csn_session_direction(s);

	assert_int_equal(csn_session_export(s, &p, &len), 0);
	end = p + len - ONE_EPOCH - NO_EPOCH;
	needle_set(&k->next[0], end, 32);
	needle_set(&k->next[1], end + (own == 0 ? ONE_EPOCH : NO_EPOCH), 32);
	end += own == 0 ? 0 : NO_EPOCH;
	needle_set(&k->root, end + 40, 32);
	assert_int_equal(csn_header_read(ctx, sealed->sealed, sealed->len,
	    &h), 0);
	assert_int_equal(csn_key_rest(ctx, end + 40, &root), 0);
	assert_int_equal(csn_schedule_writer(ctx, &root, h.writer, &writer),
	    0);
	assert_int_equal(csn_key_wake(ctx, &writer, plain), 0);
	needle_set(&k->writer, plain, 32);
	csn_key_forget(ctx, &root);
	csn_key_forget(ctx, &writer);
	csn_wipe(plain, sizeof(plain));
	csn_wipe(p, len);
	csn_free(p);
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

static void
the_search_finds_what_is_there(void **state)
{
	struct needle n;
	uint8_t *heap, stack[32];
	size_t i;

	(void)state;
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

static void
closing_a_local_session_wipes_its_keys(void **state)
{
	struct csn_ctx *ctx;
	struct csn_session *s;
	struct text t;
	struct keys k;

	(void)state;
	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(text_seal(s, 1, "something", &t), 0);
	learn(s, &t, &k);
	/* At rest they are wrapped: only the lane's key is in the clear. */
	none_is_in_memory(&k, 0);
	assert_int_equal(text_open(s, &t, "something"), 0);
	none_is_in_memory(&k, 0);
	assert_true(needle_count(&k.writer) > 0);
	csn_session_close(s);
	none_is_in_memory(&k, 1);
	assert_int_equal(text_open(s, &t, "something"), CSN_E_CLOSED);
	csn_session_free(s);
	csn_ctx_free(ctx);
	none_is_in_memory(&k, 1);
}

static void
closing_both_ends_of_a_handshake_wipes_their_keys(void **state)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct keys ks, kt;
	struct messages m;
	struct text t;
	struct pair p;

	(void)state;
	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	pair_start(&p, NULL);
	pair_exchange(&p, &m, &o);
	assert_int_equal(text_seal(m.server, 1, "something", &t), 0);
	learn(m.server, &t, &ks);
	assert_int_equal(text_seal(m.tenant, 1, "something", &t), 0);
	learn(m.tenant, &t, &kt);
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

static void
an_epoch_that_goes_is_wiped(void **state)
{
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_ctx *ctx;
	struct csn_session *s;
	struct text t, newer;
	struct keys k;

	(void)state;
	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(text_seal(s, 1, "old", &t), 0);
	learn(s, &t, &k);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_finds_what_is_there),
		cmocka_unit_test(closing_a_local_session_wipes_its_keys),
		cmocka_unit_test(
		    closing_both_ends_of_a_handshake_wipes_their_keys),
		cmocka_unit_test(an_epoch_that_goes_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
