/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_power.c - the keystore in files and the store in files when the power
 * goes or a call fails: what was there or what was put, never neither.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caisson/keystore.h>
#include <caisson/store.h>

#include "lib/disk.h"
#include "lib/test.h"

#define U(s) (const uint8_t *)(s), sizeof(s) - 1
#define OLD 3000
#define NEW 5000

static struct csn_ctx *ctx;
static char *home;
static char in[64], scratch[64];

static void
anew(void)
{
	tree_remove(in);
	tree_remove(scratch);
	assert_int_equal(mkdir(in, 0700), 0);
}

/* --- the keystore ------------------------------------------------------- */

static struct csn_keystore *
keystore(const char *folder, const char *secret, int rc)
{
	struct csn_keystore *ks = NULL;
	char url[96];

	(void)snprintf(url, sizeof(url), "file:%s/ks", folder);
	assert_int_equal(csn_keystore_open(ctx, url, secret, strlen(secret),
	    &ks), rc);
	return ks;
}

static int
count_names(void *arg, const char *name)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

static uint8_t wrapped[256];
static size_t wrapped_len;

/* 0: no key of the name, 1: it unwraps what it wrapped. */
static int
key_state(struct csn_keystore *ks, const char *name)
{
	uint8_t key[32];
	int rc, n = 0;

	rc = csn_keystore_unwrap(ks, name, U("aad"), wrapped, wrapped_len,
	    key);
	assert_int_equal(csn_keystore_each(ks, count_names, &n), 0);
	assert_int_equal(n, rc == 0);
	if (rc != 0)
		assert_int_equal(rc, CSN_E_NOT_FOUND);
	return rc == 0;
}

static void
look_removed(void *arg, const char *folder, int promised)
{
	struct csn_keystore *ks;
	unsigned *seen = arg;
	char command[200];
	int is;

	/* A passphrase takes its time: three of a kind are opened. */
	(void)snprintf(command, sizeof(command), "! test -e %s/ks/k.key || "
	    "cmp -s %s/ks/k.key %s/k.key", folder, folder, home);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command), "%s/ks/k.key", folder);
	is = access(command, F_OK) == 0;
	assert_true(!is || !promised);
	if (++seen[is] > 3)
		return;
	ks = keystore(folder, "secret", 0);
	assert_int_equal(key_state(ks, "k"), is);
	if (!is)
		assert_int_equal(csn_keystore_create(ks, "k"), 0);
	csn_keystore_close(ks);
	/* Opening has finished what was cut short. */
	(void)snprintf(command, sizeof(command), "ls -A %s/ks | grep -q "
	    "removed", folder);
	assert_int_not_equal(system(command), 0);
}

TEST(a_removed_key_is_there_or_gone_never_damaged)
{
	struct csn_keystore *ks;
	unsigned seen[2] = { 0 };
	uint8_t key[32] = { 7 };
	char command[200];

	anew();
	ks = keystore(in, "secret", 0);
	assert_int_equal(csn_keystore_create(ks, "k"), 0);
	wrapped_len = sizeof(wrapped);
	assert_int_equal(csn_keystore_wrap(ks, "k", U("aad"), key, wrapped,
	    &wrapped_len), 0);
	(void)snprintf(command, sizeof(command), "cp %s/ks/k.key %s/k.key", in,
	    home);
	assert_int_equal(system(command), 0);
	disk_watch(in);
	assert_int_equal(csn_keystore_remove(ks, "k"), 0);
	disk_promise(1);
	disk_unwatch();
	/* The bytes were overwritten on the disk before they were given up. */
	assert_true(disk_count(DISK_WRITE) > 0 && disk_count(DISK_SYNC) > 0);
	csn_keystore_close(ks);
	(void)disk_power_cuts(scratch, look_removed, seen);
	assert_true(seen[0] > 0 && seen[1] > 0);
}

static char first[4096];
static size_t first_len;

/* The file that the passphrase opens: not there, or these bytes. */
static void
look_made(void *arg, const char *folder, int promised)
{
	char path[96], bytes[4096];
	unsigned *seen = arg;
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/ks/keystore", folder);
	f = fopen(path, "rb");
	seen[f != NULL]++;
	assert_true(f != NULL || !promised);
	if (f == NULL)
		return;
	len = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	assert_int_equal(len, first_len);
	assert_memory_equal(bytes, first, len);
}

TEST(a_new_keystore_is_whole_or_not_there)
{
	unsigned seen[2] = { 0 };
	char path[96];
	FILE *f;

	anew();
	disk_watch(in);
	csn_keystore_close(keystore(in, "secret", 0));
	disk_promise(1);
	disk_unwatch();
	(void)snprintf(path, sizeof(path), "%s/ks/keystore", in);
	f = fopen(path, "rb");
	assert_non_null(f);
	first_len = fread(first, 1, sizeof(first), f);
	(void)fclose(f);
	(void)disk_power_cuts(scratch, look_made, seen);
	assert_true(seen[0] > 0 && seen[1] > 0);
}

/* --- the store ---------------------------------------------------------- */

static const char *sync_mode;

static struct csn_store *
store(const char *folder)
{
	struct csn_store *s;
	char url[128];

	(void)snprintf(url, sizeof(url), "file:%s/s?sync=%s", folder,
	    sync_mode);
	assert_int_equal(csn_store_open(ctx, url, &s), 0);
	return s;
}

static int
put(struct csn_store *s, int new)
{
	uint8_t value[NEW];
	size_t i, len = new ? NEW : OLD;

	for (i = 0; i < len; i++)
		value[i] = (uint8_t)(i * 13 + (new ? 5 : 9));
	return csn_store_put(s, U("space"), U("key"), value, len);
}

/* 0: nothing, 1: old, 2: new. */
static int
value_state(struct csn_store *s)
{
	uint8_t value[NEW];
	size_t len = sizeof(value), i;
	int rc, new;

	rc = csn_store_get(s, U("space"), U("key"), value, &len);
	if (rc == CSN_E_NOT_FOUND)
		return 0;
	assert_int_equal(rc, 0);
	new = len == NEW;
	assert_true(new || len == OLD);
	for (i = 0; i < len; i++)
		assert_int_equal(value[i],
		    (uint8_t)(i * 13 + (new ? 5 : 9)));
	return new ? 2 : 1;
}

/* promised: 10 a + b, where a or b is there; 0: nothing was begun. */
static void
look_value(void *arg, const char *folder, int promised)
{
	struct csn_store *s = store(folder);
	unsigned *seen = arg;
	int is = value_state(s);

	seen[is]++;
	/* With sync=file values are whole, but names may come late. */
	if (strcmp(sync_mode, "full") == 0)
		assert_true(promised == 0 || is == promised / 10 ||
		    is == promised % 10);
	assert_int_equal(put(s, 1), 0);
	assert_int_equal(value_state(s), 2);
	csn_store_close(s);
}

TEST(values_are_old_or_new_and_synced_ones_last)
{
	static const char *const modes[] = { "full", "file" };
	unsigned seen[3];
	struct csn_store *s;
	size_t m;

	for (m = 0; m < 2; m++) {
		sync_mode = modes[m];
		memset(seen, 0, sizeof(seen));
		anew();
		disk_watch(in);
		s = store(in);
		disk_promise(1);
		assert_int_equal(put(s, 0), 0);
		disk_promise(12);
		disk_promise(11);
		disk_promise(12);
		assert_int_equal(put(s, 1), 0);
		disk_promise(22);
		disk_promise(20);
		assert_int_equal(csn_store_remove(s, U("space"), U("key")),
		    0);
		disk_promise(100);	/* nothing: neither 10 nor 0 */
		csn_store_close(s);
		assert_true(disk_power_cuts(scratch, look_value, seen) > 20);
		assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
	}
}

TEST(a_dropped_space_is_there_or_gone)
{
	unsigned seen[3] = { 0 };
	struct csn_store *s;

	sync_mode = "full";
	anew();
	s = store(in);
	assert_int_equal(put(s, 0), 0);
	disk_watch(in);
	disk_promise(10);
	assert_int_equal(csn_store_drop(s, U("space")), 0);
	disk_promise(100);
	csn_store_close(s);
	(void)disk_power_cuts(scratch, look_value, seen);
	assert_true(seen[0] > 0 && seen[1] > 0);
}

TEST(a_put_that_fails_leaves_the_old_value)
{
	int failed = 1, rc;
	struct csn_store *s;
	long n;

	sync_mode = "full";
	for (n = 0; failed; n++) {
		anew();
		s = store(in);
		assert_int_equal(put(s, 0), 0);
		disk_watch(in);
		disk_fail_at(n, n % 2 ? EIO : ENOSPC);
		rc = put(s, 1);
		failed = disk_failed();
		disk_unwatch();
		assert_true(rc == 0 || failed);
		/* Or the new one, where only its folder's sync failed. */
		assert_int_equal(value_state(s), rc == 0 ||
		    disk_count(DISK_SYNC_FOLDER) > 0 ? 2 : 1);
		csn_store_close(s);
	}
	assert_true(n > 4);
}

TEST(a_values_file_is_its_owners_alone)
{
	char command[200];
	struct csn_store *s;

	sync_mode = "none";
	anew();
	(void)umask(0);
	s = store(in);
	assert_int_equal(put(s, 0), 0);
	csn_store_close(s);
	(void)umask(0022);
	(void)snprintf(command, sizeof(command), "test -n \"$(find %s/s -type "
	    "f)\" && test -z \"$(find %s/s -perm /077)\"", in, in);
	assert_int_equal(system(command), 0);
}

BEFORE_ALL
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	home = folder_in_memory();
	(void)snprintf(in, sizeof(in), "%s/in", home);
	(void)snprintf(scratch, sizeof(scratch), "%s/cut", home);
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	folder_remove(home);
}
