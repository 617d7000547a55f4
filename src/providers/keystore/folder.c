/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - keys in a folder, under one master key. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "providers/keystore/folder.h"

static int
fail_memory(struct csn_ctx *ctx)
{
	return csn_nomem(ctx, "keystore", "the keystore");
}

/* csn_free; NULL where there is no memory. */
static char *
path_of(const struct csn_folder *f, const char *name)
{
	char *full;

	return asprintf(&full, "%s/%s", f->path, name) < 0 ? NULL : full;
}

static char *
key_path(const struct csn_folder *f, const char *key_name)
{
	char file[CSN_KSF_FILE_NAME];

	csn_ksf_name_write(key_name, file);
	return path_of(f, file);
}

int
csn_folder_fail_form(struct csn_folder *f, int rc, const char *name)
{
	return csn_fail(f->ctx, rc, "keystore", "%s/%s is %s", f->path, name,
	    rc == CSN_E_VERSION ? "of a format that this library is too old "
	    "for" : "damaged, or no file of a keystore");
}

int
csn_folder_head(struct csn_folder *f, uint8_t **p, size_t *len)
{
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	rc = csn_file_read_kept(f->ctx, path, 4096, p, len);
	csn_free(path);
	return rc;
}

static int
open_master(struct csn_folder *f, const void *secret, size_t len,
    uint8_t master[CSN_KEY_SIZE])
{
	uint8_t *p = NULL;
	size_t n = 0;
	int rc;

	if ((rc = csn_folder_head(f, &p, &n)) == 0)
		rc = f->how->open(f, p, n, secret, len, master);
	csn_free(p);
	return rc;
}

static int
master_set(struct csn_folder *f, const uint8_t plain[CSN_KEY_SIZE])
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

int
csn_folder_master(struct csn_folder *f, struct csn_key *out)
{
	(void)pthread_mutex_lock(&f->lock);
	*out = f->master;
	(void)pthread_mutex_unlock(&f->lock);
	return out->id != 0 ? 0 : csn_ks_fail_locked(f->ctx);
}

int
csn_folder_unlock(void *state, const void *secret, size_t len)
{
	struct csn_folder *f = state;
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	if ((rc = open_master(f, secret, len, plain)) == 0)
		rc = master_set(f, plain);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

int
csn_folder_lock(void *state)
{
	struct csn_folder *f = state;

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
removed_path(struct csn_folder *f, char **out)
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
finish_removals(struct csn_folder *f)
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

void
csn_folder_close(void *state)
{
	struct csn_folder *f = state;

	(void)csn_folder_lock(f);
	if (f->how->close != NULL)
		f->how->close(f);
	csn_forkguard_drop(&f->guard);
	(void)pthread_mutex_destroy(&f->lock);
	csn_free(f->path);
	csn_free(f);
}

/* A new keystore; CSN_E_EXISTS where another process was quicker. */
static int
folder_make(struct csn_folder *f, const void *secret, size_t len)
{
	uint8_t master[CSN_KEY_SIZE], header[CSN_KSF_HEAD_MAX];
	size_t n = sizeof(header);
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	if ((rc = csn_random(f->ctx, master, sizeof(master))) == 0 &&
	    (rc = f->how->make(f, master, secret, len, header, &n)) == 0 &&
	    (rc = csn_mkdirs(f->ctx, f->path, 0700)) == 0 &&
	    (rc = csn_file_create(f->ctx, path, header, n,
	    0600)) == 0)
		rc = master_set(f, master);
	csn_wipe(master, sizeof(master));
	csn_free(path);
	return rc;
}

/* Where no secret is given and none is needed: open it. */
static int
open_alone(struct csn_folder *f)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int rc, alone;

	if (f->how->alone == NULL)
		return 0;
	if ((rc = csn_folder_head(f, &p, &n)) != 0)
		return rc;
	alone = f->how->alone(p, n);
	csn_free(p);
	return alone ? csn_folder_unlock(f, NULL, 0) : 0;
}

int
csn_folder_open(struct csn_ctx *ctx, const char *path,
    const struct csn_folder_how *how, void *own, const void *secret,
    size_t secret_len, void **state)
{
	struct csn_folder *f, gone = { .ctx = ctx, .how = how, .own = own };
	struct stat st;
	char *head;
	int rc = 0;

	if ((f = csn_calloc(1, sizeof(*f))) == NULL) {
		if (how->close != NULL)
			how->close(&gone);
		return fail_memory(ctx);
	}
	*f = gone;
	(void)pthread_mutex_init(&f->lock, NULL);
	csn_forkguard_mutex(&f->guard, &f->lock);
	f->path = csn_strdup(path);
	head = f->path == NULL ? NULL : path_of(f, "keystore");
	if (head == NULL)
		rc = fail_memory(ctx);
	else if (stat(head, &st) != 0 && errno == ENOENT)
		rc = folder_make(f, secret, secret_len);
	else if (secret != NULL)
		rc = csn_folder_unlock(f, secret, secret_len);
	else
		rc = open_alone(f);
	if (rc == CSN_E_EXISTS)
		rc = csn_folder_unlock(f, secret, secret_len);
	if (rc == 0)
		finish_removals(f);
	csn_free(head);
	if (rc != 0) {
		csn_folder_close(f);
		return rc;
	}
	*state = f;
	return 0;
}

int
csn_folder_create(void *state, const char *key_name)
{
	struct csn_folder *f = state;
	uint8_t plain[CSN_KEY_SIZE], wrap[CSN_KS_WRAP_SIZE];
	uint8_t bytes[CSN_KSF_KEY_MAX];
	size_t wrap_len = sizeof(wrap), n;
	struct csn_key master;
	char *path;
	int rc;

	if ((rc = csn_folder_master(f, &master)) != 0)
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

int
csn_folder_remove(void *state, const char *key_name)
{
	struct csn_folder *f = state;
	char *path, *gone = NULL;
	struct csn_key master;
	int rc;

	if ((rc = csn_folder_master(f, &master)) != 0)
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
kek_of(struct csn_folder *f, const char *key_name, uint8_t kek[CSN_KEY_SIZE])
{
	uint8_t wrap[CSN_KS_WRAP_SIZE], *p = NULL;
	struct csn_key master;
	size_t n = 0;
	char *path;
	int rc;

	if ((rc = csn_folder_master(f, &master)) != 0)
		return rc;
	if ((path = key_path(f, key_name)) == NULL)
		return fail_memory(f->ctx);
	rc = csn_file_read_kept(f->ctx, path, CSN_KSF_KEY_MAX, &p, &n);
	if (rc == CSN_E_NOT_FOUND)
		rc = csn_ks_fail_missing(f->ctx, key_name);
	else if (rc == 0 && (rc = csn_ksf_key_read(p, n, key_name,
	    wrap)) != 0)
		rc = csn_folder_fail_form(f, rc, key_name);
	else if (rc == 0)
		rc = csn_ks_unwrap_masked(f->ctx, &master,
		    (const uint8_t *)key_name, strlen(key_name), wrap,
		    sizeof(wrap), kek);
	/* CSN_E_TAG is for the caller's wraps: this one is our file's. */
	if (rc == CSN_E_TAG)
		rc = csn_folder_fail_form(f, CSN_E_FORM, key_name);
	csn_wipe(&master, sizeof(master));
	csn_free(p);
	csn_free(path);
	return rc;
}

int
csn_folder_wrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t key[CSN_KEY_SIZE], uint8_t *out,
    size_t *out_len)
{
	struct csn_folder *f = state;
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

int
csn_folder_unwrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE])
{
	struct csn_folder *f = state;
	uint8_t kek[CSN_KEY_SIZE];
	int rc;

	if ((rc = kek_of(f, key_name, kek)) == 0)
		rc = csn_ks_unwrap(f->ctx, kek, aad, aad_len, in, len, key);
	csn_wipe(kek, sizeof(kek));
	return rc;
}

int
csn_folder_list(void *state, int (*visit)(void *arg, const char *name),
    void *arg)
{
	struct csn_folder *f = state;
	char name[CSN_KEYSTORE_MAX_NAME + 1];
	struct dirent *entry;
	struct csn_key master;
	DIR *dir;
	int rc;

	if ((rc = csn_folder_master(f, &master)) != 0)
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

int
csn_folder_change(void *state, const void *old, size_t old_len,
    const void *next, size_t next_len)
{
	struct csn_folder *f = state;
	uint8_t master[CSN_KEY_SIZE], header[CSN_KSF_HEAD_MAX];
	size_t n = sizeof(header);
	char *path;
	int rc;

	if ((path = path_of(f, "keystore")) == NULL)
		return fail_memory(f->ctx);
	if ((rc = open_master(f, old, old_len, master)) == 0 &&
	    (rc = f->how->make(f, master, next, next_len, header, &n)) == 0)
		rc = csn_file_replace(f->ctx, path, header, n,
		    0600);
	csn_wipe(master, sizeof(master));
	csn_free(path);
	return rc;
}
