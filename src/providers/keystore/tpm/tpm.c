/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm.c - a keystore in a folder, whose master key only one TPM opens.
 *
 * The TPM is asked when the keystore is made, unlocked, gets another secret
 * or counts; wrapping and unwrapping are this process's, under the master
 * key that rests in memory while it is unlocked.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "providers/keystore/tpm/tpm.h"

#define LEAST_STRONG 16		/* bytes of a secret that none guesses */

struct tpm {
	struct csn_tpm_url url;
	/* Below: under the folder's lock. */
	int known;			/* head was read from the file */
	int used;			/* a value was tried that is counted */
	uint64_t count;			/* as unlocking saw it, for one use */
	struct csn_tpm_head head;
};

static const char auth_label[] = "caisson tpm keystore secret";
static const char check_label[] = "caisson tpm keystore";
static const char counter_label[] = "caisson tpm keystore counter";

/* A trailing zero is no part of an authorisation value: there is none. */
static int
auth_of(struct csn_ctx *ctx, const struct csn_tpm_head *h, const void *secret,
    size_t len, uint8_t out[32])
{
	struct csn_piece pieces[2] = { { auth_label, sizeof(auth_label) - 1 },
	    { secret, len } };
	int rc;

	rc = csn_hmac(ctx, h->salt, sizeof(h->salt), pieces, 2, out);
	out[31] |= 1;
	return rc;
}

static int
counter_auth(struct csn_ctx *ctx, const uint8_t master[CSN_KEY_SIZE],
    uint8_t out[32])
{
	int rc;

	rc = csn_hkdf_expand(ctx, master, (const uint8_t *)counter_label,
	    sizeof(counter_label) - 1, out, 32);
	out[31] |= 1;
	return rc;
}

/* Over all that the file says, by who has the master key. */
static int
commitment(struct csn_ctx *ctx, const struct csn_tpm_head *h,
    const uint8_t master[CSN_KEY_SIZE], uint8_t out[CSN_HASH_SIZE])
{
	uint8_t bytes[CSN_TPM_HEAD_MAX], info[sizeof(check_label) - 1 +
	    CSN_HASH_SIZE];
	size_t len = csn_tpm_head_write(h, bytes);
	int rc;

	memcpy(info, check_label, sizeof(check_label) - 1);
	if ((rc = csn_sha3_256(ctx, bytes, len - CSN_HASH_SIZE,
	    info + sizeof(check_label) - 1)) == 0)
		rc = csn_hkdf_expand(ctx, master, info, sizeof(info), out,
		    CSN_HASH_SIZE);
	return rc;
}

static int
fail_no_secret(struct csn_folder *f)
{
	return csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
	    "the keystore in %s needs a secret", f->path);
}

static void
remember(struct csn_folder *f, const struct csn_tpm_head *h, uint64_t count)
{
	struct tpm *t = f->own;

	(void)pthread_mutex_lock(&f->lock);
	t->head = *h;
	t->known = 1;
	t->count = count;
	(void)pthread_mutex_unlock(&f->lock);
}

/* Unseal, and see that nothing beside the seal was changed. */
static int
open_head(struct csn_folder *f, const struct csn_tpm_head *h,
    const void *secret, size_t len, uint8_t master[CSN_KEY_SIZE],
    uint64_t *count)
{
	struct tpm *t = f->own;
	uint8_t auth[32], is[CSN_HASH_SIZE];
	const int needed = (h->flags & CSN_TPM_AUTH) != 0;
	int rc;

	if (needed && len == 0)
		return fail_no_secret(f);
	if (needed && (h->flags & CSN_TPM_STRONG) == 0) {
		(void)pthread_mutex_lock(&f->lock);
		t->used = 1;
		(void)pthread_mutex_unlock(&f->lock);
	}
	if (needed && (rc = auth_of(f->ctx, h, secret, len, auth)) != 0)
		return rc;
	rc = csn_tpm_unseal(f->ctx, t->url.tcti, h, needed ? auth : NULL,
	    master, count);
	csn_wipe(auth, sizeof(auth));
	if (rc == 0 && (rc = commitment(f->ctx, h, master, is)) == 0 &&
	    !csn_equal(is, h->check, sizeof(is)))
		rc = csn_fail(f->ctx, CSN_E_TAG, "keystore",
		    "the keystore's file in %s was changed", f->path);
	csn_wipe(is, sizeof(is));
	if (rc != 0)
		csn_wipe(master, CSN_KEY_SIZE);
	return rc;
}

static int
tpm_make(struct csn_folder *f, const uint8_t master[CSN_KEY_SIZE],
    const void *secret, size_t len, uint8_t *out, size_t *out_len)
{
	struct tpm *t = f->own;
	uint8_t auth[32], again[CSN_KEY_SIZE];
	struct csn_tpm_head h;
	uint64_t count = CSN_TPM_NO_COUNT;
	int rc, with;

	if (*out_len < CSN_TPM_HEAD_MAX)
		return csn_fail(f->ctx, CSN_E_BUFFER, "keystore",
		    "a keystore's file has %d bytes", CSN_TPM_HEAD_MAX);
	memset(&h, 0, sizeof(h));
	(void)pthread_mutex_lock(&f->lock);
	if (t->known) {
		h = t->head;
	} else {
		h.flags = t->url.flags;
		h.pcr_hash = t->url.pcr_hash;
		memcpy(h.pcrs, t->url.pcrs, sizeof(h.pcrs));
	}
	(void)pthread_mutex_unlock(&f->lock);
	with = len > 0;
	if (!with && (h.flags & CSN_TPM_AUTH) != 0)
		return fail_no_secret(f);
	if (with && (h.flags & CSN_TPM_STRONG) != 0 && len < LEAST_STRONG)
		return csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
		    "a secret for strong=1 has %d random bytes or more",
		    LEAST_STRONG);
	if (with)
		h.flags |= CSN_TPM_AUTH;
	if ((rc = csn_random(f->ctx, h.salt, sizeof(h.salt))) == 0 &&
	    (!with || (rc = auth_of(f->ctx, &h, secret, len, auth)) == 0) &&
	    (rc = csn_tpm_seal(f->ctx, t->url.tcti, &h, with ? auth : NULL,
	    master)) == 0 &&
	    (rc = commitment(f->ctx, &h, master, h.check)) == 0 &&
	    (rc = open_head(f, &h, secret, len, again, &count)) == 0) {
		*out_len = csn_tpm_head_write(&h, out);
		remember(f, &h, count);
	}
	csn_wipe(auth, sizeof(auth));
	csn_wipe(again, sizeof(again));
	return rc;
}

/* What the URL asks for beyond what the file has is not let go by. */
static int
check_url(struct csn_folder *f, const struct csn_tpm_head *h)
{
	const struct tpm *t = f->own;
	const struct csn_tpm_url *u = &t->url;
	char is[CSN_TPM_PCR_TEXT];

	if ((u->flags & CSN_TPM_PCR) != 0 && (u->pcr_hash != h->pcr_hash ||
	    memcmp(u->pcrs, h->pcrs, sizeof(h->pcrs)) != 0)) { /* public */
		csn_tpm_pcr_text(h->pcr_hash, h->pcrs, is);
		return csn_fail(f->ctx, CSN_E_POLICY, "keystore", "the "
		    "keystore in %s was made for the registers %s: the URL "
		    "says others", f->path, is);
	}
	if ((u->flags & CSN_TPM_AUTH) != 0 && (h->flags & CSN_TPM_AUTH) == 0)
		return csn_fail(f->ctx, CSN_E_POLICY, "keystore", "the "
		    "keystore in %s opens without a secret: the URL says "
		    "auth=1", f->path);
	return 0;
}

static int
tpm_opened(struct csn_folder *f, const uint8_t *p, size_t n,
    const void *secret, size_t len, uint8_t master[CSN_KEY_SIZE])
{
	struct csn_tpm_head h;
	uint64_t count;
	int rc;

	if ((rc = csn_tpm_head_read(p, n, &h)) != 0)
		return csn_folder_fail_form(f, rc, "keystore");
	if ((rc = check_url(f, &h)) == 0 &&
	    (rc = open_head(f, &h, secret, len, master, &count)) == 0)
		remember(f, &h, count);
	return rc;
}

static int
tpm_alone(const uint8_t *p, size_t len)
{
	struct csn_tpm_head h;

	/* What is no head is refused by opening it. */
	return csn_tpm_head_read(p, len, &h) != 0 ||
	    (h.flags & CSN_TPM_AUTH) == 0;
}

static void
tpm_gone(struct csn_folder *f)
{
	struct tpm *t = f->own;

	if (t->used)
		csn_tpm_shutdown(f->ctx, t->url.tcti);
	csn_tpm_url_free(&t->url);
	csn_wipe_free(t, sizeof(*t));
}

static const struct csn_folder_how how = { tpm_make, tpm_opened, tpm_alone,
    tpm_gone };

static int
tpm_open_in(struct csn_ctx *ctx, const char *rest, const char *folder,
    const void *secret, size_t secret_len, void **state)
{
	struct tpm *t;
	int rc;

	if ((t = csn_calloc(1, sizeof(*t))) == NULL)
		return csn_nomem(ctx, "keystore", "the keystore");
	t->count = CSN_TPM_NO_COUNT;
	if ((rc = csn_tpm_url_read(ctx, rest, &t->url)) == 0 &&
	    t->url.folder == NULL && folder == NULL)
		rc = csn_fail(ctx, CSN_E_ARG, "keystore", "name the "
		    "keystore's folder: tpm:?folder=/path/of/folder");
	if (rc != 0) {
		csn_tpm_url_free(&t->url);
		csn_free(t);
		return rc;
	}
	return csn_folder_open(ctx, t->url.folder != NULL ? t->url.folder :
	    folder, &how, t, secret, secret_len, state);
}

static int
tpm_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	return tpm_open_in(ctx, rest, NULL, secret, secret_len, state);
}

/* --- the counter --- */

/* Two processes do not each make one: the lock ends with the descriptor. */
static int
lock_folder(struct csn_folder *f, int *fd)
{
	char *path;

	if (asprintf(&path, "%s/counter.lock", f->path) < 0)
		return csn_nomem(f->ctx, "keystore", "the TPM's counter");
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	csn_free(path);
	if (*fd >= 0 && flock(*fd, LOCK_EX) == 0)
		return 0;
	if (*fd >= 0)
		(void)close(*fd);
	return csn_fail(f->ctx, CSN_E_IO, "keystore",
	    "the folder %s cannot be locked", f->path);
}

/* The file's head with a counter in it, which is made where there is none. */
static int
with_counter(struct csn_folder *f, const uint8_t master[CSN_KEY_SIZE],
    const uint8_t auth[32], struct csn_tpm_head *h, uint64_t *count)
{
	struct tpm *t = f->own;
	uint8_t bytes[CSN_TPM_HEAD_MAX], *p = NULL;
	char *path = NULL;
	size_t n = 0;
	int rc, fd = -1;

	if ((rc = lock_folder(f, &fd)) != 0)
		return rc;
	if ((rc = csn_folder_head(f, &p, &n)) != 0)
		goto out;
	if ((rc = csn_tpm_head_read(p, n, h)) != 0) {
		rc = csn_folder_fail_form(f, rc, "keystore");
		goto out;
	}
	if (h->counter != 0 || (rc = csn_tpm_counter_make(f->ctx, t->url.tcti,
	    h, auth, count)) != 0 ||
	    (rc = commitment(f->ctx, h, master, h->check)) != 0)
		goto out;
	n = csn_tpm_head_write(h, bytes);
	if (asprintf(&path, "%s/keystore", f->path) < 0)
		rc = csn_nomem(f->ctx, "keystore", "the TPM's counter");
	else
		rc = csn_file_replace(f->ctx, path, bytes, n, 0600);
	csn_free(path);
out:
	csn_free(p);
	(void)close(fd);
	return rc;
}

/*
 * The counter's value, and advanced where asked. What unlocking has seen
 * serves once: no command is spent on a counter that was just read.
 */
static int
count(struct csn_folder *f, uint64_t advance_to, uint64_t *out)
{
	struct tpm *t = f->own;
	uint8_t master[CSN_KEY_SIZE], auth[32];
	struct csn_tpm_head h;
	struct csn_key key;
	int rc;

	if ((rc = csn_folder_master(f, &key)) != 0)
		return rc;
	(void)pthread_mutex_lock(&f->lock);
	h = t->head;
	*out = t->count;
	t->count = CSN_TPM_NO_COUNT;
	(void)pthread_mutex_unlock(&f->lock);
	if (*out == CSN_TPM_NO_COUNT || (advance_to != CSN_TPM_NO_COUNT &&
	    advance_to > *out)) {
		*out = CSN_TPM_NO_COUNT;
		if ((rc = csn_key_unmask(f->ctx, &key, master)) == 0)
			rc = counter_auth(f->ctx, master, auth);
		if (rc == 0 && h.counter == 0 && (rc = with_counter(f, master,
		    auth, &h, out)) == 0)
			remember(f, &h, CSN_TPM_NO_COUNT);
		if (rc == 0 && (*out == CSN_TPM_NO_COUNT ||
		    advance_to == *out + 1))
			rc = csn_tpm_counter_use(f->ctx, t->url.tcti, &h,
			    auth, advance_to, out);
		csn_wipe(master, sizeof(master));
		csn_wipe(auth, sizeof(auth));
	}
	csn_wipe(&key, sizeof(key));
	return rc;
}

static int
tpm_generation(void *state, uint64_t *out)
{
	int rc;

	if ((rc = count(state, CSN_TPM_NO_COUNT, out)) != 0)
		*out = 0;
	return rc;
}

static int
tpm_advance(void *state, uint64_t generation)
{
	struct csn_folder *f = state;
	uint64_t is;
	int rc;

	if (generation == CSN_TPM_NO_COUNT)
		return csn_fail(f->ctx, CSN_E_ARG, "keystore",
		    "no counter gets that far");
	if ((rc = count(f, generation, &is)) != 0)
		return rc;
	if (generation < is)
		return csn_fail(f->ctx, CSN_E_REPLAY, "keystore", "generation "
		    "%llu is older than the TPM's counter, which is at %llu: "
		    "an old copy was put back", (unsigned long long)generation,
		    (unsigned long long)is);
	if (generation > is)
		return csn_fail(f->ctx, CSN_E_DRIFT, "keystore", "generation "
		    "%llu is ahead of the TPM's counter, which is at %llu: "
		    "it is another counter", (unsigned long long)generation,
		    (unsigned long long)is);
	return 0;
}

static int
tpm_lock(void *state)
{
	struct csn_folder *f = state;
	struct tpm *t = f->own;
	int rc;

	rc = csn_folder_lock(state);
	(void)pthread_mutex_lock(&f->lock);
	t->count = CSN_TPM_NO_COUNT;
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

const struct csn_keystore_provider csn_keystore_tpm = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "tpm",
	.open = tpm_open,
	.create = csn_folder_create,
	.remove = csn_folder_remove,
	.wrap = csn_folder_wrap,
	.unwrap = csn_folder_unwrap,
	.list = csn_folder_list,
	.lock = tpm_lock,
	.unlock = csn_folder_unlock,
	.close = csn_folder_close,
	.change_secret = csn_folder_change,
	.open_in = tpm_open_in,
	.generation = tpm_generation,
	.advance = tpm_advance,
};
