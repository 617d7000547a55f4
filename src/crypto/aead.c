/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/aead.c - choosing an engine; one message, and a caller's own lane. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/forkguard.h"
#include "crypto/aead_internal.h"
#include "crypto/internal.h"

#define MAX_ENGINES 16

static pthread_mutex_t engines_lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_forkguard engines_guard;
static const struct csn_aead_engine *engines[MAX_ENGINES] = {
	&csn_aead_openssl,
};
static size_t nengines = 1;

int
csn_aead_register(const struct csn_aead_engine *engine)
{
	size_t i;
	int rc = 0;

	if (engine == NULL || engine->abi != CSN_AEAD_ABI ||
	    engine->name == NULL || engine->available == NULL ||
	    engine->state_new == NULL || engine->state_key == NULL ||
	    engine->seal == NULL || engine->open == NULL ||
	    engine->state_free == NULL)
		return csn_fail(NULL, CSN_E_ARG, "crypto", "this AEAD engine "
		    "is of another ABI or lacks a function: fill in all of "
		    "struct csn_aead_engine");
	csn_forkguard_mutex(&engines_guard, &engines_lock);
	pthread_mutex_lock(&engines_lock);
	for (i = 0; i < nengines; i++)
		if (strcmp(engines[i]->name, engine->name) == 0)
			rc = csn_fail(NULL, CSN_E_EXISTS, "crypto",
			    "an AEAD engine called %s is registered already",
			    engine->name);
	if (rc == 0 && nengines == MAX_ENGINES)
		rc = csn_fail(NULL, CSN_E_LIMIT, "crypto",
		    "no more than %d AEAD engines can be registered",
		    MAX_ENGINES);
	if (rc == 0)
		engines[nengines++] = engine;
	pthread_mutex_unlock(&engines_lock);
	return rc;
}

int
csn_aead_select(const char *name, const struct csn_aead_engine **out)
{
	const struct csn_aead_engine *best = NULL;
	int rc = name != NULL ? CSN_E_UNKNOWN_BACKEND : CSN_E_ALGORITHM;
	size_t i;

	csn_forkguard_mutex(&engines_guard, &engines_lock);
	pthread_mutex_lock(&engines_lock);
	for (i = 0; i < nengines; i++) {
		if (name != NULL && strcmp(name, engines[i]->name) != 0)
			continue;
		rc = CSN_E_ALGORITHM;
		if (!engines[i]->available())
			continue;
		if (best == NULL ||
		    engines[i]->preference > best->preference)
			best = engines[i];
	}
	pthread_mutex_unlock(&engines_lock);
	if (best == NULL)
		return rc;
	*out = best;
	return 0;
}

const char *
csn_aead_engine_name(const struct csn_ctx *ctx)
{
	return ctx->crypto->engine->name;
}

struct csn_aead {
	struct csn_ctx *ctx;
	const struct csn_aead_engine *engine;
	void *state;
};

int
csn_aead_new(struct csn_ctx *ctx, const uint8_t key[CSN_KEY_SIZE],
    struct csn_aead **out)
{
	struct csn_aead *a;
	int rc;

	if ((a = csn_calloc(1, sizeof(*a))) == NULL)
		return csn_nomem(ctx, "crypto", "a cipher state");
	a->ctx = ctx;
	a->engine = ctx->crypto->engine;
	if ((a->state = a->engine->state_new(ctx)) == NULL) {
		rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM,
		    "making a cipher state");
		goto err;
	}
	if ((rc = a->engine->state_key(a->state, key)) != 0) {
		csn_ossl_fail_as(ctx, rc, "expanding an AES key");
		goto err;
	}
	*out = a;
	return 0;

err:
	csn_aead_free(a);
	return rc;
}

void
csn_aead_free(struct csn_aead *a)
{
	if (a == NULL)
		return;
	if (a->state != NULL)
		a->engine->state_free(a->state);
	free(a);
}

int
csn_aead_seal_msg(struct csn_aead *a, const struct csn_aead_msg *msg)
{
	size_t i;
	int rc;

	if ((rc = a->engine->seal(a->state, msg)) == 0)
		return 0;
	for (i = 0; i < msg->nparts; i++)
		csn_wipe(msg->parts[i].out, msg->parts[i].len);
	csn_wipe(msg->tag, CSN_TAG_SIZE);
	return csn_ossl_fail_as(a->ctx, rc, "sealing with AES-256-GCM");
}

int
csn_aead_open_msg(struct csn_aead *a, const struct csn_aead_msg *msg)
{
	size_t i;
	int rc;

	if ((rc = a->engine->open(a->state, msg)) == 0)
		return 0;
	for (i = 0; i < msg->nparts; i++)
		csn_wipe(msg->parts[i].out, msg->parts[i].len);
	if (rc == CSN_E_TAG)
		return csn_fail(a->ctx, rc, "crypto", "the tag does not "
		    "verify: the bytes were changed, or sealed with another "
		    "key");
	return csn_ossl_fail_as(a->ctx, rc, "opening with AES-256-GCM");
}

static int
check_args(struct csn_ctx *ctx, const uint8_t *aad, size_t aad_len,
    const uint8_t *in, const uint8_t *out, size_t len)
{
	if ((aad == NULL && aad_len != 0) ||
	    ((in == NULL || out == NULL) && len != 0))
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "a NULL buffer was given with a length");
	/* SP 800-38D: 2^39 - 256 bits of plaintext. */
	if (len > ((uint64_t)1 << 36) - 32)
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "%zu bytes are more than one AES-GCM message holds", len);
	return 0;
}

int
csn_aead_seal(struct csn_ctx *ctx, const uint8_t key[CSN_KEY_SIZE],
    const uint8_t nonce[CSN_NONCE_SIZE], const uint8_t *aad, size_t aad_len,
    const uint8_t *in, size_t len, uint8_t *out, uint8_t tag[CSN_TAG_SIZE])
{
	struct csn_aead_part part = { .in = in, .out = out, .len = len };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = aad_len,
	    .parts = &part, .nparts = 1, .tag = tag };
	struct csn_aead *a = NULL;
	int rc;

	if ((rc = check_args(ctx, aad, aad_len, in, out, len)) != 0)
		return rc;
	memcpy(msg.nonce, nonce, CSN_NONCE_SIZE);
	if ((rc = csn_aead_new(ctx, key, &a)) == 0)
		rc = csn_aead_seal_msg(a, &msg);
	else {
		csn_wipe(out, len);
		csn_wipe(tag, CSN_TAG_SIZE);
	}
	csn_aead_free(a);
	return rc;
}

int
csn_aead_open(struct csn_ctx *ctx, const uint8_t key[CSN_KEY_SIZE],
    const uint8_t nonce[CSN_NONCE_SIZE], const uint8_t *aad, size_t aad_len,
    const uint8_t *in, size_t len, const uint8_t tag[CSN_TAG_SIZE],
    uint8_t *out)
{
	uint8_t expected[CSN_TAG_SIZE];
	struct csn_aead_part part = { .in = in, .out = out, .len = len };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = aad_len,
	    .parts = &part, .nparts = 1, .tag = expected };
	struct csn_aead *a = NULL;
	int rc;

	if ((rc = check_args(ctx, aad, aad_len, in, out, len)) != 0)
		return rc;
	memcpy(msg.nonce, nonce, CSN_NONCE_SIZE);
	memcpy(expected, tag, CSN_TAG_SIZE);
	if ((rc = csn_aead_new(ctx, key, &a)) == 0)
		rc = csn_aead_open_msg(a, &msg);
	else
		csn_wipe(out, len);
	csn_aead_free(a);
	return rc;
}
