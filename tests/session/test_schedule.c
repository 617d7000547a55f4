/* SPDX-License-Identifier: Apache-2.0 */
/* test_schedule.c - keys of directions, epochs and writers are all apart. */
#include "lib/test.h"
#include "session/handshake.h"
#include "session/pair.h"

#define MOST 4096

static struct csn_ctx *ctx;
static uint8_t keys[MOST][CSN_KEY_SIZE];
static size_t nkeys;

static void
note(const uint8_t key[CSN_KEY_SIZE])
{
	assert_true(nkeys < MOST);
	memcpy(keys[nkeys++], key, CSN_KEY_SIZE);
}

static void
note_rest(const struct csn_key *key)
{
	uint8_t plain[CSN_KEY_SIZE];

	assert_int_equal(csn_key_unmask(ctx, key, plain), 0);
	note(plain);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, CSN_KEY_SIZE);
}

static void
none_twice(void)
{
	size_t i;

	qsort(keys, nkeys, CSN_KEY_SIZE, compare);
	for (i = 1; i < nkeys; i++)
		assert_memory_not_equal(keys[i - 1], keys[i], CSN_KEY_SIZE);
}

TEST(directions_epochs_and_writers_all_differ)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], id[16];
	struct csn_key chain, root, next, writer;
	struct csn_agreed a;
	int dir, epoch, w;

	nkeys = 0;
	memset(secret, 7, sizeof(secret));
	memset(a.transcript, 9, sizeof(a.transcript));
	assert_int_equal(csn_agree(ctx, &a, secret), 0);
	note(secret);
	note(a.transcript);
	for (dir = 0; dir < 4; dir++)
		note(a.keys[dir]);
	for (dir = 0; dir < 2; dir++) {
		assert_int_equal(csn_key_mask(ctx, a.keys[2 + dir], &chain),
		    0);
		for (epoch = 0; epoch < 40; epoch++) {
			assert_int_equal(csn_schedule_epoch(ctx, &chain,
			    &root, &next), 0);
			note_rest(&root);
			note_rest(&next);
			for (w = 0; w < 40; w++) {
				/* Ids that differ in one bit only. */
				memset(id, 0, sizeof(id));
				id[w / 8] = (uint8_t)(1 << (w % 8));
				assert_int_equal(csn_schedule_writer(ctx,
				    &root, id, &writer), 0);
				note_rest(&writer);
				csn_key_wipe(ctx, &writer);
			}
			csn_key_wipe(ctx, &root);
			csn_key_wipe(ctx, &chain);
			chain = next;
		}
		csn_key_wipe(ctx, &chain);
	}
	assert_int_equal(nkeys, 6 + 2 * 40 * 42);
	none_twice();
}

TEST(the_transcript_changes_every_key)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	struct csn_agreed a;
	int bit, i;

	nkeys = 0;
	memset(secret, 1, sizeof(secret));
	for (bit = 0; bit < 256; bit++) {
		memset(a.transcript, 0, sizeof(a.transcript));
		a.transcript[bit / 8] = (uint8_t)(1 << (bit % 8));
		assert_int_equal(csn_agree(ctx, &a, secret), 0);
		for (i = 0; i < 4; i++)
			note(a.keys[i]);
	}
	none_twice();
}

TEST(a_transcript_tells_where_the_offer_ends)
{
	const uint8_t bytes[] = "offerreply";
	size_t i;

	nkeys = 0;
	for (i = 0; i <= 10; i++) {
		assert_int_equal(csn_transcript(ctx, bytes, i, bytes + i,
		    10 - i, keys[nkeys]), 0);
		nkeys++;
	}
	none_twice();
}

TEST(confirmations_of_the_two_sides_differ)
{
	uint8_t mac[2][CSN_MAC_SIZE], secret[CSN_KEM_SECRET_SIZE];
	struct csn_agreed a;

	memset(secret, 2, sizeof(secret));
	memset(a.transcript, 3, sizeof(a.transcript));
	assert_int_equal(csn_agree(ctx, &a, secret), 0);
	assert_int_equal(csn_confirm_mac(ctx, &a, CSN_DIR_SERVER, mac[0]), 0);
	assert_int_equal(csn_confirm_mac(ctx, &a, CSN_DIR_TENANT, mac[1]), 0);
	assert_memory_not_equal(mac[0], mac[1], CSN_MAC_SIZE);
}

TEST(two_sessions_of_one_tenant_share_no_key)
{
	struct csn_session *s;
	uint8_t *p;
	size_t len;
	int i;

	nkeys = 0;
	for (i = 0; i < 20; i++) {
		s = pair_local(ctx, "acme", NULL);
		assert_int_equal(csn_session_export(s, &p, &len), 0);
		/* The last 36 bytes are one chain key and no epochs. */
		assert_true(len > 80);
		note(p + len - 36);
		note(p + len - 72);
		csn_wipe(p, len);
		csn_free(p);
		csn_session_free(s);
	}
	none_twice();
}

BEFORE_ALL { ctx = pair_ctx(); }
AFTER_ALL { csn_ctx_free(ctx); }
