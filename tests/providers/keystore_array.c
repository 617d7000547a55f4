/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystore_array.c - the smallest keystore that keeps the contract, made of
 * public functions only: up to 8 keys, wrapping by AES-256-GCM.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>

#include "providers/keystore_suite.h"

#define MAX_KEYS 8
#define WRAP (CSN_NONCE_SIZE + CSN_KEY_SIZE + CSN_TAG_SIZE)

struct state {
	struct csn_ctx *ctx;
	pthread_mutex_t lock;
	int locked;
	size_t secret_len;
	char secret[64];
	struct {
		char name[CSN_KEYSTORE_MAX_NAME + 1];
		uint8_t kek[CSN_KEY_SIZE];
	} keys[MAX_KEYS];
};

static int
array_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	struct state *s;

	(void)rest;
	if (secret_len > sizeof(s->secret))
		return CSN_E_ARG;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return CSN_E_NOMEM;
	s->ctx = ctx;
	s->secret_len = secret_len;
	if (secret_len > 0)
		memcpy(s->secret, secret, secret_len);
	pthread_mutex_init(&s->lock, NULL);
	*state = s;
	return 0;
}

/* The key of a name ("" for a free place), or -1. */
static int
find(const struct state *s, const char *name)
{
	int i;

	for (i = 0; i < MAX_KEYS; i++) {
		if (strcmp(s->keys[i].name, name) == 0)
			return i;
	}
	return -1;
}

static int
array_create(void *state, const char *name)
{
	struct state *s = state;
	int i, rc;

	pthread_mutex_lock(&s->lock);
	if (s->locked)
		rc = CSN_E_LOCKED;
	else if (find(s, name) >= 0)
		rc = CSN_E_EXISTS;
	else if ((i = find(s, "")) < 0)
		rc = CSN_E_LIMIT;
	else if ((rc = csn_random(s->ctx, s->keys[i].kek,
	    CSN_KEY_SIZE)) == 0)
		memcpy(s->keys[i].name, name, strlen(name) + 1);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
array_remove(void *state, const char *name)
{
	struct state *s = state;
	int i, rc = 0;

	pthread_mutex_lock(&s->lock);
	if (s->locked)
		rc = CSN_E_LOCKED;
	else if ((i = find(s, name)) < 0)
		rc = CSN_E_NOT_FOUND;
	else
		csn_wipe(&s->keys[i], sizeof(s->keys[i]));
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
array_wrap(void *state, const char *name, const uint8_t *aad, size_t aad_len,
    const uint8_t key[CSN_KEY_SIZE], uint8_t *out, size_t *out_len)
{
	struct state *s = state;
	size_t cap = *out_len;
	int i, rc;

	*out_len = WRAP;
	if (cap < WRAP)
		return CSN_E_BUFFER;
	pthread_mutex_lock(&s->lock);
	if (s->locked)
		rc = CSN_E_LOCKED;
	else if ((i = find(s, name)) < 0)
		rc = CSN_E_NOT_FOUND;
	else if ((rc = csn_random(s->ctx, out, CSN_NONCE_SIZE)) == 0)
		rc = csn_aead_seal(s->ctx, s->keys[i].kek, out, aad, aad_len,
		    key, CSN_KEY_SIZE, out + CSN_NONCE_SIZE,
		    out + CSN_NONCE_SIZE + CSN_KEY_SIZE);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
array_unwrap(void *state, const char *name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE])
{
	struct state *s = state;
	int i, rc;

	if (len != WRAP)
		return CSN_E_FORM;
	pthread_mutex_lock(&s->lock);
	if (s->locked)
		rc = CSN_E_LOCKED;
	else if ((i = find(s, name)) < 0)
		rc = CSN_E_NOT_FOUND;
	else
		rc = csn_aead_open(s->ctx, s->keys[i].kek, in, aad, aad_len,
		    in + CSN_NONCE_SIZE, CSN_KEY_SIZE,
		    in + CSN_NONCE_SIZE + CSN_KEY_SIZE, key);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
array_list(void *state, int (*visit)(void *arg, const char *name), void *arg)
{
	struct state *s = state;
	int i, rc = s->locked ? CSN_E_LOCKED : 0;

	for (i = 0; i < MAX_KEYS && rc == 0; i++) {
		if (s->keys[i].name[0] != '\0')
			rc = visit(arg, s->keys[i].name);
	}
	return rc;
}

static int
array_lock(void *state)
{
	struct state *s = state;

	pthread_mutex_lock(&s->lock);
	s->locked = 1;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int
array_unlock(void *state, const void *secret, size_t secret_len)
{
	struct state *s = state;
	int rc = CSN_E_PASSPHRASE;

	pthread_mutex_lock(&s->lock);
	if (secret_len == s->secret_len &&
	    csn_equal(secret, s->secret, secret_len)) {
		s->locked = 0;
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
array_close(void *state)
{
	struct state *s = state;

	pthread_mutex_destroy(&s->lock);
	csn_wipe(s, sizeof(*s));
	free(s);
}

const struct csn_keystore_provider keystore_array = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "array",
	.open = array_open,
	.create = array_create,
	.remove = array_remove,
	.wrap = array_wrap,
	.unwrap = array_unwrap,
	.list = array_list,
	.lock = array_lock,
	.unlock = array_unlock,
	.close = array_close,
};
