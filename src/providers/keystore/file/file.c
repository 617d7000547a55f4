/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - a keystore in a folder, under a passphrase.
 *
 * Argon2id makes a key of the passphrase; that wraps a random master key in
 * the file `keystore`; the master key wraps each key-encryption key in a
 * file of its own. So another passphrase means one file written anew. While
 * it is unlocked the master key rests in memory wrapped; the others are read
 * when they are used.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "providers/keystore/file/file.h"

struct folder {
	struct csn_ctx *ctx;
	char *path;
	pthread_mutex_t lock;
	struct csn_forkguard guard;
	struct csn_key master;		/* id 0: locked */
};

static int
fail_memory(struct csn_ctx *ctx)
{
	return csn_nomem(ctx, "keystore", "the keystore");
}

/* csn_free; NULL where there is no memory. */
static char *
path_of(const struct folder *f, const char *name)
{
	char *full;

	return asprintf(&full, "%s/%s", f->path, name) < 0 ? NULL : full;
}

static char *
key_path(const struct folder *f, const char *key_name)
{
	char file[CSN_KSF_FILE_NAME];

	csn_ksf_name_write(key_name, file);
	return path_of(f, file);
}

static int
passphrase_key(struct folder *f, const struct csn_ksf_header *h,
    const void *secret, size_t len, uint8_t out[CSN_KEY_SIZE])
{
	if (secret == NULL || len == 0)
		return csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
		    "the keystore in %s needs a passphrase", f->path);
	return csn_argon2id(f->ctx, secret, len, h->salt, sizeof(h->salt),
	    h->memory_kib, h->passes, h->lanes, out);
}

/* What a header's wrap holds, by the passphrase: CSN_E_TAG for another. */
static int
header_open(struct folder *f, const uint8_t bytes[CSN_KSF_HEADER_SIZE],
    const struct csn_ksf_header *h, const void *secret, size_t len,
    uint8_t master[CSN_KEY_SIZE])
{
	uint8_t key[CSN_KEY_SIZE];
	int rc;

	if ((rc = passphrase_key(f, h, secret, len, key)) == 0)
		rc = csn_ks_unwrap(f->ctx, key, bytes, CSN_KSF_HEADER_AAD,
		    h->master, sizeof(h->master), master);
	csn_wipe(key, sizeof(key));
	return rc;
}

/* A header that wraps master under the passphrase, with a fresh salt. */
static int
header_make(struct folder *f, const uint8_t master[CSN_KEY_SIZE],
    const void *secret, size_t len, uint8_t out[CSN_KSF_HEADER_SIZE])
{
	struct csn_ksf_header h = { CSN_KSF_MEMORY_KIB, CSN_KSF_PASSES,
	    CSN_KSF_LANES, { 0 }, { 0 } };
	uint8_t key[CSN_KEY_SIZE], again[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_random(f->ctx, h.salt, sizeof(h.salt))) != 0 ||
	    (rc = passphrase_key(f, &h, secret, len, key)) != 0)
		return rc;
	csn_ksf_header_write(&h, out);
	rc = csn_ks_wrap(f->ctx, key, out, CSN_KSF_HEADER_AAD, master,
	    h.master);
	csn_ksf_header_write(&h, out);
	/*
	 * A header that does not open loses every key. OpenSSL 3.5 was seen
	 * to give a wrong key, and success, where memory ran out meanwhile.
	 */
	if (rc == 0)
		rc = header_open(f, out, &h, secret, len, again);
	if (rc == CSN_E_TAG)
		rc = csn_fail(f->ctx, CSN_E_CRYPTO, "keystore",
		    "the key that Argon2id made came out wrong");
	csn_wipe(key, sizeof(key));
	csn_wipe(again, sizeof(again));
	return rc;
}

static int
fail_form(struct folder *f, int rc, const char *name)
{
	return csn_fail(f->ctx, rc, "keystore", "%s/%s is %s", f->path, name,
	    rc == CSN_E_VERSION ? "of a format that this library is too old "
	    "for" : "damaged, or no file of a keystore");
}

/* The master key by the passphrase. */
static int
open_master(struct folder *f, const void *secret, size_t len,
    uint8_t master[CSN_KEY_SIZE])
{
	struct csn_ksf_header h;
	uint8_t *p = NULL;
	size_t n = 0;
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	if ((rc = csn_file_read_kept(f->ctx, path, 4096, &p, &n)) != 0)
		goto out;
	if ((rc = csn_ksf_header_read(p, n, &h)) != 0) {
		rc = fail_form(f, rc, "keystore");
		goto out;
	}
	rc = header_open(f, p, &h, secret, len, master);
	if (rc == CSN_E_TAG)
		rc = csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
		    "the passphrase does not open the keystore in %s",
		    f->path);
out:
	csn_free(p);
	csn_free(path);
	return rc;
}

static int
master_set(struct folder *f, const uint8_t plain[CSN_KEY_SIZE])
{
	struct csn_key fresh, former;
	int rc;

	if ((rc = csn_key_mask(f->ctx, plain, &fresh)) != 0)
		return rc;
	(void)pthread_mutex_lock(&f->lock);
	former = f->master;
	f->master = fresh;
	(void)pthread_mutex_unlock(&f->lock);
	if (former.id != 0)
		csn_key_wipe(f->ctx, &former);
	return 0;
}

static int
master_get(struct folder *f, struct csn_key *out)
{
	(void)pthread_mutex_lock(&f->lock);
	*out = f->master;
	(void)pthread_mutex_unlock(&f->lock);
	return out->id != 0 ? 0 : csn_ks_fail_locked(f->ctx);
}

static int
folder_unlock(void *state, const void *secret, size_t len)
{
	struct folder *f = state;
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	if ((rc = open_master(f, secret, len, plain)) == 0)
		rc = master_set(f, plain);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

static int
folder_lock(void *state)
{
	struct folder *f = state;

	(void)pthread_mutex_lock(&f->lock);
	if (f->master.id != 0)
		csn_key_wipe(f->ctx, &f->master);
	memset(&f->master, 0, sizeof(f->master));
	(void)pthread_mutex_unlock(&f->lock);
	return 0;
}

#define REMOVED ".removed-"

/* A name that a key's file gets before it is overwritten; csn_free. */
static int
removed_path(struct folder *f, char **out)
{
	char name[sizeof(REMOVED) + 16] = REMOVED;
	uint8_t random[8];
	int rc;

	if ((rc = csn_random(f->ctx, random, sizeof(random))) != 0)
		return rc;
	csn_hex_encode(random, sizeof(random), name + sizeof(REMOVED) - 1);
	return (*out = path_of(f, name)) == NULL ? fail_memory(f->ctx) : 0;
}

/* Where the medium writes in place, what it held is gone for good. */
static int
overwrite(const char *path)
{
	static const uint8_t zeros[CSN_KSF_KEY_MAX];
	int rc, fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	if (fd < 0)
		return -1;
	rc = csn_write_all(fd, zeros, sizeof(zeros));
	if (rc == 0)
		rc = fsync(fd);
	(void)close(fd);
	return rc == 0 ? unlink(path) : rc;
}

/* What a removal that was cut short has left. */
static void
finish_removals(struct folder *f)
{
	struct dirent *entry;
	char *path;
	DIR *dir;

	if ((dir = opendir(f->path)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, REMOVED, sizeof(REMOVED) - 1) != 0)
			continue;
		if ((path = path_of(f, entry->d_name)) != NULL)
			CSN_IGNORE(overwrite(path));
		csn_free(path);
	}
	(void)closedir(dir);
}

static void
folder_close(void *state)
{
	struct folder *f = state;

	(void)folder_lock(f);
	csn_forkguard_drop(&f->guard);
	(void)pthread_mutex_destroy(&f->lock);
	csn_free(f->path);
	csn_free(f);
}

/* A new keystore; CSN_E_EXISTS where another process was quicker. */
static int
folder_make(struct folder *f, const void *secret, size_t len)
{
	uint8_t master[CSN_KEY_SIZE], header[CSN_KSF_HEADER_SIZE];
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	if ((rc = csn_random(f->ctx, master, sizeof(master))) == 0 &&
	    (rc = header_make(f, master, secret, len, header)) == 0 &&
	    (rc = csn_mkdirs(f->ctx, f->path, 0700)) == 0 &&
	    (rc = csn_file_create(f->ctx, path, header, sizeof(header),
	    0600)) == 0)
		rc = master_set(f, master);
	csn_wipe(master, sizeof(master));
	csn_free(path);
	return rc;
}

static int
folder_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	struct folder *f;
	struct stat st;
	char *path;
	int rc = 0;

	if (*rest == '\0')
		return csn_fail(ctx, CSN_E_ARG, "keystore",
		    "name the keystore's folder: file:/path/of/folder");
	if ((f = csn_calloc(1, sizeof(*f))) == NULL)
		return fail_memory(ctx);
	f->ctx = ctx;
	(void)pthread_mutex_init(&f->lock, NULL);
	csn_forkguard_mutex(&f->guard, &f->lock);
	f->path = csn_strdup(rest);
	path = f->path == NULL ? NULL : path_of(f, "keystore");
	if (path == NULL)
		rc = fail_memory(ctx);
	else if (stat(path, &st) != 0 && errno == ENOENT)
		rc = folder_make(f, secret, secret_len);
	else if (secret != NULL)
		rc = folder_unlock(f, secret, secret_len);
	if (rc == CSN_E_EXISTS)
		rc = folder_unlock(f, secret, secret_len);
	if (rc == 0)
		finish_removals(f);
	csn_free(path);
	if (rc != 0) {
		folder_close(f);
		return rc;
	}
	*state = f;
	return 0;
}

static int
folder_create(void *state, const char *key_name)
{
	struct folder *f = state;
	uint8_t plain[CSN_KEY_SIZE], wrap[CSN_KS_WRAP_SIZE];
	uint8_t bytes[CSN_KSF_KEY_MAX];
	size_t wrap_len = sizeof(wrap), n;
	struct csn_key master;
	char *path;
	int rc;

	if ((rc = master_get(f, &master)) != 0)
		return rc;
	if ((path = key_path(f, key_name)) == NULL)
		return fail_memory(f->ctx);
	/* The name is the wrap's aad: no key passes for another. */
	if ((rc = csn_random(f->ctx, plain, sizeof(plain))) == 0 &&
	    (rc = csn_ks_wrap_masked(f->ctx, &master,
	    (const uint8_t *)key_name, strlen(key_name), plain, wrap,
	    &wrap_len)) == 0) {
		n = csn_ksf_key_write(key_name, wrap, bytes);
		rc = csn_file_create(f->ctx, path, bytes, n, 0600);
		if (rc == CSN_E_EXISTS)
			rc = csn_ks_fail_exists(f->ctx, key_name);
	}
	csn_wipe(plain, sizeof(plain));
	csn_wipe(&master, sizeof(master));
	csn_free(path);
	return rc;
}

static int
folder_remove(void *state, const char *key_name)
{
	struct folder *f = state;
	char *path, *gone = NULL;
	struct csn_key master;
	int rc;

	if ((rc = master_get(f, &master)) != 0)
		return rc;
	csn_wipe(&master, sizeof(master));
	if ((path = key_path(f, key_name)) == NULL ||
	    (rc = removed_path(f, &gone)) != 0) {
		csn_free(path);
		return path == NULL ? fail_memory(f->ctx) : rc;
	}
	/* Another name first: it is there or removed, never half wiped. */
	if (rename(path, gone) != 0)
		rc = errno == ENOENT ? csn_ks_fail_missing(f->ctx, key_name) :
		    csn_fail_errno(f->ctx, CSN_E_IO, "keystore", errno,
		    "%s cannot be removed", path);
	else if (csn_fsync_parent(path) != 0 || overwrite(gone) != 0)
		rc = csn_fail_errno(f->ctx, CSN_E_IO, "keystore", errno,
		    "%s is removed, but what it held could not be "
		    "overwritten yet", path);
	csn_free(gone);
	csn_free(path);
	return rc;
}

/* A key-encryption key, in the clear: for as short as it is needed. */
static int
kek_of(struct folder *f, const char *key_name, uint8_t kek[CSN_KEY_SIZE])
{
	uint8_t wrap[CSN_KS_WRAP_SIZE], *p = NULL;
	struct csn_key master;
	size_t n = 0;
	char *path;
	int rc;

	if ((rc = master_get(f, &master)) != 0)
		return rc;
	if ((path = key_path(f, key_name)) == NULL)
		return fail_memory(f->ctx);
	rc = csn_file_read_kept(f->ctx, path, CSN_KSF_KEY_MAX, &p, &n);
	if (rc == CSN_E_NOT_FOUND)
		rc = csn_ks_fail_missing(f->ctx, key_name);
	else if (rc == 0 && (rc = csn_ksf_key_read(p, n, key_name,
	    wrap)) != 0)
		rc = fail_form(f, rc, key_name);
	else if (rc == 0)
		rc = csn_ks_unwrap_masked(f->ctx, &master,
		    (const uint8_t *)key_name, strlen(key_name), wrap,
		    sizeof(wrap), kek);
	/* CSN_E_TAG is for the caller's wraps: this one is our file's. */
	if (rc == CSN_E_TAG)
		rc = fail_form(f, CSN_E_FORM, key_name);
	csn_wipe(&master, sizeof(master));
	csn_free(p);
	csn_free(path);
	return rc;
}

static int
folder_wrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t key[CSN_KEY_SIZE], uint8_t *out,
    size_t *out_len)
{
	struct folder *f = state;
	uint8_t kek[CSN_KEY_SIZE];
	size_t cap = *out_len;
	int rc;

	*out_len = CSN_KS_WRAP_SIZE;
	if (cap < CSN_KS_WRAP_SIZE)
		return csn_fail(f->ctx, CSN_E_BUFFER, "keystore",
		    "a wrapped key has %d bytes, the buffer %zu",
		    CSN_KS_WRAP_SIZE, cap);
	if ((rc = kek_of(f, key_name, kek)) == 0)
		rc = csn_ks_wrap(f->ctx, kek, aad, aad_len, key, out);
	csn_wipe(kek, sizeof(kek));
	return rc;
}

static int
folder_unwrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE])
{
	struct folder *f = state;
	uint8_t kek[CSN_KEY_SIZE];
	int rc;

	if ((rc = kek_of(f, key_name, kek)) == 0)
		rc = csn_ks_unwrap(f->ctx, kek, aad, aad_len, in, len, key);
	csn_wipe(kek, sizeof(kek));
	return rc;
}

static int
folder_list(void *state, int (*visit)(void *arg, const char *name), void *arg)
{
	struct folder *f = state;
	char name[CSN_KEYSTORE_MAX_NAME + 1];
	struct dirent *entry;
	struct csn_key master;
	DIR *dir;
	int rc;

	if ((rc = master_get(f, &master)) != 0)
		return rc;
	csn_wipe(&master, sizeof(master));
	if ((dir = opendir(f->path)) == NULL)
		return csn_fail_errno(f->ctx, errno == ENOMEM ? CSN_E_NOMEM :
		    CSN_E_IO, "keystore", errno, "%s cannot be read",
		    f->path);
	while (rc == 0 && (errno = 0, (entry = readdir(dir)) != NULL)) {
		if (csn_ksf_name_read(entry->d_name, name) == 0)
			rc = visit(arg, name);
	}
	if (rc == 0 && errno != 0)
		rc = csn_fail_errno(f->ctx, CSN_E_IO, "keystore", errno,
		    "%s cannot be read", f->path);
	(void)closedir(dir);
	return rc;
}

static int
folder_change(void *state, const void *old, size_t old_len, const void *next,
    size_t next_len)
{
	struct folder *f = state;
	uint8_t master[CSN_KEY_SIZE], header[CSN_KSF_HEADER_SIZE];
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	if ((rc = open_master(f, old, old_len, master)) == 0 &&
	    (rc = header_make(f, master, next, next_len, header)) == 0)
		rc = csn_file_replace(f->ctx, path, header, sizeof(header),
		    0600);
	csn_wipe(master, sizeof(master));
	csn_free(path);
	return rc;
}

const struct csn_keystore_provider csn_keystore_file = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "file",
	.open = folder_open,
	.create = folder_create,
	.remove = folder_remove,
	.wrap = folder_wrap,
	.unwrap = folder_unwrap,
	.list = folder_list,
	.lock = folder_lock,
	.unlock = folder_unlock,
	.close = folder_close,
	.change_secret = folder_change,
};
