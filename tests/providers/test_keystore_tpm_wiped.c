/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keystore_tpm_wiped.c - neither the master key nor the authorisation
 * value stays in memory, tpm2-tss's included.
 */
#include "lib/test.h"
#include "providers/keystore/tpm/tpm.h"
#include "providers/tpm_stand.h"
#include "session/scan.h"

#define STRONG "0123456789abcdef", 16

static struct tpm_stand stand;

static void
learn_auth(struct csn_ctx *ctx, struct csn_folder *f, struct needle *n)
{
	struct csn_piece pieces[2] = { { "caisson tpm keystore secret", 27 },
	    { STRONG } };
	struct csn_tpm_head h;
	uint8_t auth[32], *p;
	size_t len;

	assert_int_equal(csn_folder_head(f, &p, &len), 0);
	assert_int_equal(csn_tpm_head_read(p, len, &h), 0);
	csn_free(p);
	assert_int_equal(csn_hmac(ctx, h.salt, sizeof(h.salt), pieces, 2,
	    auth), 0);
	auth[31] |= 1;
	needle_set(n, auth, sizeof(auth));
	csn_wipe(auth, sizeof(auth));
}

static void
learn_master(struct csn_ctx *ctx, struct csn_folder *f, struct needle *n)
{
	uint8_t master[CSN_KEY_SIZE];
	struct csn_key key;

	assert_int_equal(csn_folder_master(f, &key), 0);
	assert_int_equal(csn_key_unmask(ctx, &key, master), 0);
	needle_set(n, master, sizeof(master));
	csn_wipe(master, sizeof(master));
}

struct run {
	struct csn_ctx *ctx;
	const char *rest;
	struct needle master, auth;
};

static void
use(void *arg)
{
	const struct csn_keystore_provider *p = &csn_keystore_tpm;
	struct run *r = arg;
	uint64_t count;
	void *state;

	if (p->open(r->ctx, r->rest, STRONG, &state) != 0)
		fail_msg("%s", csn_message());
	learn_master(r->ctx, state, &r->master);
	learn_auth(r->ctx, state, &r->auth);
	assert_int_equal(needle_count(&r->master), 0);
	assert_int_equal(p->lock(state), 0);
	assert_int_equal(p->unlock(state, STRONG), 0);
	assert_int_equal(p->generation(state, &count), 0);
	assert_int_equal(p->advance(state, count + 1), 0);
	assert_int_equal(needle_count(&r->master), 0);
	assert_int_equal(needle_count(&r->auth), 0);
	p->close(state);
}

TEST(what_the_tpm_said_is_wiped)
{
	char *folder, rest[300];
	struct run r = { .rest = rest };
	int round;

	if (!tpm_stand_possible())
		test_skip("swtpm, tpm2-tools or libtss2-tcti-swtpm0 is not "
		    "installed");
	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	tpm_stand_start(&stand);
	folder = folder_new();
	snprintf(rest, sizeof(rest), "%s?strong=1&pcr=sha256:0&folder=%s/k",
	    stand.tcti, folder);
	assert_int_equal(csn_ctx_new(NULL, &r.ctx), 0);
	/* Made, then opened. */
	for (round = 0; round < 2; round++) {
		needle_deep(use, &r);
		assert_int_equal(needle_count(&r.master), 0);
		assert_int_equal(needle_count(&r.auth), 0);
	}
	csn_ctx_free(r.ctx);
	folder_remove(folder);
	tpm_stand_end(&stand);
}
