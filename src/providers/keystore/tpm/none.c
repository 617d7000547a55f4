/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/none.c - the keystore in a TPM, in a build without tpm2-tss. */

#include "providers/keystore/provider.h"

static int
none_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	(void)rest;
	(void)secret;
	(void)secret_len;
	(void)state;
	return csn_fail(ctx, CSN_E_BACKEND, "keystore", "this build of "
	    "Caisson reaches no TPM: it was made without libtss2-dev; build "
	    "it again with -Dtpm=enabled");
}

static int
no_key(void *state, const char *key_name)
{
	(void)state;
	(void)key_name;
	return CSN_E_BACKEND;
}

static int
no_wrap(void *state, const char *key_name, const uint8_t *aad, size_t aad_len,
    const uint8_t key[CSN_KEY_SIZE], uint8_t *out, size_t *out_len)
{
	(void)aad;
	(void)aad_len;
	(void)key;
	(void)out;
	(void)out_len;
	return no_key(state, key_name);
}

static int
no_unwrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE])
{
	(void)aad;
	(void)aad_len;
	(void)in;
	(void)len;
	(void)key;
	return no_key(state, key_name);
}

static int
no_list(void *state, int (*visit)(void *arg, const char *name), void *arg)
{
	(void)visit;
	(void)arg;
	return no_key(state, NULL);
}

static int
no_lock(void *state)
{
	return no_key(state, NULL);
}

static int
no_unlock(void *state, const void *secret, size_t secret_len)
{
	(void)secret;
	(void)secret_len;
	return no_key(state, NULL);
}

static void
no_close(void *state)
{
	(void)state;
}

const struct csn_keystore_provider csn_keystore_tpm = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "tpm",
	.open = none_open,
	.create = no_key,
	.remove = no_key,
	.wrap = no_wrap,
	.unwrap = no_unwrap,
	.list = no_list,
	.lock = no_lock,
	.unlock = no_unlock,
	.close = no_close,
};
