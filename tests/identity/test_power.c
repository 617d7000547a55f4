/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_power.c - identities and trust stores when the power goes or a call
 * fails: the old one or the new one, and never half an identity for good.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/people.h"
#include "lib/disk.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct csn_identity *alice;
static char *home, *in, *scratch;

static void
anew(void)
{
	tree_remove(in);
	tree_remove(scratch);
	assert_int_equal(mkdir(in, 0700), 0);
}

/* 1 where alice is in folder/alice, 0 where nobody is. */
static int
is_there(const char *folder)
{
	char *path = path_in(folder, "alice");
	struct csn_identity *id = NULL;
	int rc;

	rc = csn_identity_load(ctx, path, NULL, 0, &id);
	if (rc == 0)
		assert_string_equal(csn_identity_did(id),
		    csn_identity_did(alice));
	else
		assert_int_equal(rc, CSN_E_NOT_FOUND);
	csn_identity_free(id);
	free(path);
	return rc == 0;
}

/* She is there, or can be saved; *arg counts both. */
static void
look(void *arg, const char *folder, int promised)
{
	char *path = path_in(folder, "alice");
	unsigned *seen = arg;
	int is = is_there(folder), rc;

	seen[is]++;
	assert_true(is || !promised);
	rc = csn_identity_save(ctx, alice, path, NULL, 0);
	if (rc != (is ? CSN_E_EXISTS : 0))
		fail_msg("%d %s", is, csn_message());
	assert_true(is_there(folder));
	free(path);
}

TEST(a_saved_identity_is_whole_or_can_be_saved_again)
{
	char *path = path_in(in, "alice");
	unsigned seen[2] = { 0 };

	anew();
	disk_watch(in);
	assert_int_equal(csn_identity_save(ctx, alice, path, NULL, 0), 0);
	disk_promise(1);
	assert_true(disk_power_cuts(scratch, look, seen) > 5);
	assert_true(seen[0] > 0 && seen[1] > 0);
	free(path);
}

TEST(each_call_that_fails_leaves_no_half_identity)
{
	char *path = path_in(in, "alice");
	unsigned seen[2] = { 0 };
	int failed = 1, rc;
	long n;

	for (n = 0; failed; n++) {
		anew();
		disk_watch(in);
		disk_fail_at(n, EIO);
		rc = csn_identity_save(ctx, alice, path, NULL, 0);
		failed = disk_failed();
		if (rc == 0)
			disk_promise(1);
		disk_unwatch();
		assert_int_equal(is_there(in), rc == 0);
		/* A third of them: each state takes some milliseconds. */
		if (n % 3 == 0)
			(void)disk_power_cuts(scratch, look, seen);
		look(seen, in, rc == 0);
	}
	assert_true(n > 15);
	free(path);
}

TEST(keys_that_somebody_put_there_are_not_replaced)
{
	char *path = path_in(in, "alice"), *key;
	size_t len;

	anew();
	assert_int_equal(mkdir(path, 0700), 0);
	key = path_in(path, "sign.pem");
	file_write(key, "mine", 4);
	assert_int_equal(csn_identity_save(ctx, alice, path, NULL, 0),
	    CSN_E_EXISTS);
	free(file_read(key, &len));
	assert_int_equal(len, 4);
	free(key);
	free(path);
}

static void
look_renewed(void *arg, const char *folder, int promised)
{
	char *path = path_in(folder, "alice");
	struct csn_identity *id;
	unsigned *seen = arg;
	int is;

	assert_int_equal(csn_identity_load(ctx, path, NULL, 0, &id), 0);
	is = csn_identity_expires_ms(id) != csn_identity_expires_ms(alice);
	seen[is]++;
	assert_true(is || !promised);
	csn_identity_free(id);
	free(path);
}

TEST(a_renewed_document_is_the_old_or_the_new_one)
{
	char *path = path_in(in, "alice");
	unsigned seen[2] = { 0 };

	anew();
	assert_int_equal(csn_identity_save(ctx, alice, path, NULL, 0), 0);
	disk_watch(in);
	assert_int_equal(csn_identity_renew(ctx, path, NULL, 0, 12345678), 0);
	disk_promise(1);
	(void)disk_power_cuts(scratch, look_renewed, seen);
	assert_true(seen[0] > 0 && seen[1] > 0);
	free(path);
}

static void
look_trust(void *arg, const char *folder, int promised)
{
	char *path = path_in(folder, "trust.json");
	struct csn_trust *trust;
	unsigned *seen = arg;
	size_t n;

	assert_int_equal(csn_trust_load(ctx, path, &trust), 0);
	n = csn_trust_count(trust);
	assert_in_range(n, 1, 2);
	assert_true(n == 2 || !promised);
	seen[n - 1]++;
	csn_trust_free(trust);
	free(path);
}

TEST(a_trust_store_is_the_old_or_the_new_one)
{
	char *path = path_in(in, "trust.json");
	struct csn_identity *bob = people_quick(ctx, 2, "Bob");
	unsigned seen[2] = { 0 };
	struct csn_trust *trust;

	anew();
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, alice, CSN_PURPOSE_SEALER);
	assert_int_equal(csn_trust_save(ctx, trust, path), 0);
	people_trust(ctx, trust, bob, CSN_PURPOSE_SEALER);
	disk_watch(in);
	assert_int_equal(csn_trust_save(ctx, trust, path), 0);
	disk_promise(1);
	(void)disk_power_cuts(scratch, look_trust, seen);
	assert_true(seen[0] > 0 && seen[1] > 0);
	csn_trust_free(trust);
	csn_identity_free(bob);
	free(path);
}

BEFORE_ALL
{
	ctx = people_ctx();
	alice = people_quick(ctx, 1, "Alice");
	home = folder_in_memory();
	in = path_in(home, "in");
	scratch = path_in(home, "cut");
}

AFTER_ALL
{
	csn_identity_free(alice);
	csn_ctx_free(ctx);
	free(in);
	free(scratch);
	folder_remove(home);
}
