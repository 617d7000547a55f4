/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - a keystore that is gone with the process.
 *
 * Keys rest wrapped under the context's own key. Locking refuses use until
 * the secret it was opened with is given again; the keys themselves have to
 * stay, since there is nowhere else to get them from.
 */

#include <pthread.h>
#include <string.h>

#include "providers/keystore/provider.h"

struct item {
	struct item *next;
	struct csn_key kek;
	char name[CSN_KEYSTORE_MAX_NAME + 1];
};

struct memory {
	struct csn_ctx *ctx;
	pthread_mutex_t lock;
	struct csn_forkguard guard;
	struct item *first;
	size_t count;
	int locked;
	uint8_t secret_key[CSN_KEY_SIZE];	/* of this process's HMAC */
	uint8_t secret[CSN_HASH_SIZE];		/* HMAC of the secret */
};

static int
secret_hash(struct memory *m, const void *secret, size_t len,
    uint8_t out[CSN_HASH_SIZE])
{
	struct csn_piece piece = { secret, len };

	return csn_hmac(m->ctx, m->secret_key, sizeof(m->secret_key), &piece,
	    secret == NULL ? 0 : 1, out);
}

static void
memory_close(void *state)
{
	struct memory *m = state;
	struct item *item;

	while ((item = m->first) != NULL) {
		m->first = item->next;
		csn_key_wipe(m->ctx, &item->kek);
		csn_wipe_free(item, sizeof(*item));
	}
	csn_forkguard_drop(&m->guard);
	(void)pthread_mutex_destroy(&m->lock);
	csn_wipe_free(m, sizeof(*m));
}

static int
memory_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	struct memory *m;
	int rc;

	if (*rest != '\0')
		return csn_fail(ctx, CSN_E_ARG, "keystore", "the keystore in "
		    "memory has no path and no options: write memory:");
	if ((m = csn_calloc(1, sizeof(*m))) == NULL)
		return csn_nomem(ctx, "keystore", "a keystore");
	m->ctx = ctx;
	(void)pthread_mutex_init(&m->lock, NULL);
	csn_forkguard_mutex(&m->guard, &m->lock);
	if ((rc = csn_random(ctx, m->secret_key,
	    sizeof(m->secret_key))) != 0 ||
	    (rc = secret_hash(m, secret, secret_len, m->secret)) != 0) {
		memory_close(m);
		return rc;
	}
	*state = m;
	return 0;
}

static struct item **
find(struct memory *m, const char *name)
{
	struct item **at;

	for (at = &m->first; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->name, name) == 0)
			break;
	}
	return at;
}

static int
memory_create(void *state, const char *key_name)
{
	struct memory *m = state;
	uint8_t plain[CSN_KEY_SIZE];
	struct item *item, **at;
	int rc;

	if ((item = csn_calloc(1, sizeof(*item))) == NULL)
		return csn_nomem(m->ctx, "keystore", "another key");
	memcpy(item->name, key_name, strlen(key_name) + 1);
	(void)pthread_mutex_lock(&m->lock);
	at = find(m, key_name);
	if (m->locked)
		rc = csn_ks_fail_locked(m->ctx);
	else if (*at != NULL)
		rc = csn_ks_fail_exists(m->ctx, key_name);
	else if ((rc = csn_random(m->ctx, plain, sizeof(plain))) == 0 &&
	    (rc = csn_key_mask(m->ctx, plain, &item->kek)) == 0) {
		*at = item;
		m->count++;
		item = NULL;
	}
	(void)pthread_mutex_unlock(&m->lock);
	csn_wipe(plain, sizeof(plain));
	csn_free(item);
	return rc;
}

static int
memory_remove(void *state, const char *key_name)
{
	struct memory *m = state;
	struct item **at, *item;
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	at = find(m, key_name);
	if (m->locked) {
		rc = csn_ks_fail_locked(m->ctx);
	} else if ((item = *at) == NULL) {
		rc = csn_ks_fail_missing(m->ctx, key_name);
	} else {
		*at = item->next;
		m->count--;
		csn_key_wipe(m->ctx, &item->kek);
		csn_wipe_free(item, sizeof(*item));
	}
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}

/* A copy of a key at rest, so that no lock is held while it is used. */
static int
kek_of(struct memory *m, const char *key_name, struct csn_key *kek)
{
	struct item *item;
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	item = *find(m, key_name);
	if (m->locked)
		rc = csn_ks_fail_locked(m->ctx);
	else if (item == NULL)
		rc = csn_ks_fail_missing(m->ctx, key_name);
	else
		*kek = item->kek;
	(void)pthread_mutex_unlock(&m->lock);
	return rc;
}

static int
memory_wrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t key[CSN_KEY_SIZE], uint8_t *out,
    size_t *out_len)
{
	struct memory *m = state;
	struct csn_key kek;
	int rc;

	if ((rc = kek_of(m, key_name, &kek)) == 0)
		rc = csn_ks_wrap_masked(m->ctx, &kek, aad, aad_len, key, out,
		    out_len);
	csn_wipe(&kek, sizeof(kek));
	return rc;
}

static int
memory_unwrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE])
{
	struct memory *m = state;
	struct csn_key kek;
	int rc;

	if ((rc = kek_of(m, key_name, &kek)) == 0)
		rc = csn_ks_unwrap_masked(m->ctx, &kek, aad, aad_len, in, len,
		    key);
	csn_wipe(&kek, sizeof(kek));
	return rc;
}

static int
memory_list(void *state, int (*visit)(void *arg, const char *name), void *arg)
{
	struct memory *m = state;
	struct item *item;
	char (*names)[CSN_KEYSTORE_MAX_NAME + 1] = NULL;
	size_t n = 0, i;
	int rc = 0;

	/* Copies: visit may create and remove. */
	(void)pthread_mutex_lock(&m->lock);
	if (m->locked)
		rc = csn_ks_fail_locked(m->ctx);
	else if ((names = csn_calloc(m->count + 1, sizeof(*names))) == NULL)
		rc = csn_nomem(m->ctx, "keystore", "listing the keys");
	for (item = m->first; rc == 0 && item != NULL; item = item->next)
		memcpy(names[n++], item->name, sizeof(item->name));
	(void)pthread_mutex_unlock(&m->lock);
	for (i = 0; i < n && rc == 0; i++)
		rc = visit(arg, names[i]);
	csn_free(names);
	return rc;
}

static int
memory_lock(void *state)
{
	struct memory *m = state;

	(void)pthread_mutex_lock(&m->lock);
	m->locked = 1;
	(void)pthread_mutex_unlock(&m->lock);
	return 0;
}

/* Compare with the secret of opening, and do what comes then. */
static int
with_secret(struct memory *m, const void *secret, size_t len,
    const uint8_t *next)
{
	uint8_t is[CSN_HASH_SIZE];
	int rc;

	if ((rc = secret_hash(m, secret, len, is)) != 0)
		return rc;
	(void)pthread_mutex_lock(&m->lock);
	if (!csn_equal(is, m->secret, sizeof(is)))
		rc = csn_fail(m->ctx, CSN_E_PASSPHRASE, "keystore",
		    "not the secret that the keystore was opened with");
	else if (next != NULL)
		memcpy(m->secret, next, sizeof(m->secret));
	else
		m->locked = 0;
	(void)pthread_mutex_unlock(&m->lock);
	csn_wipe(is, sizeof(is));
	return rc;
}

static int
memory_unlock(void *state, const void *secret, size_t secret_len)
{
	return with_secret(state, secret, secret_len, NULL);
}

static int
memory_change(void *state, const void *old, size_t old_len, const void *next,
    size_t next_len)
{
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	if ((rc = secret_hash(state, next, next_len, hash)) == 0)
		rc = with_secret(state, old, old_len, hash);
	csn_wipe(hash, sizeof(hash));
	return rc;
}

const struct csn_keystore_provider csn_keystore_memory = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "memory",
	.open = memory_open,
	.create = memory_create,
	.remove = memory_remove,
	.wrap = memory_wrap,
	.unwrap = memory_unwrap,
	.list = memory_list,
	.lock = memory_lock,
	.unlock = memory_unlock,
	.close = memory_close,
	.change_secret = memory_change,
};
