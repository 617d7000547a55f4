/* SPDX-License-Identifier: Apache-2.0 */
/* keystore.c - a keystore as its users see it: arguments checked. */

#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/text.h"
#include "providers/registry.h"

struct csn_keystore {
	struct csn_ctx *ctx;
	const struct csn_keystore_provider *p;
	void *state;
};

/* A provider of the program's own has no sentence: give it one. */
static int
done(struct csn_keystore *ks, int rc)
{
	if (rc < 0 && csn_message_code() != rc)
		return csn_fail(ks->ctx, rc, "keystore", "the %s keystore: "
		    "%s", ks->p->name, csn_error_text(rc));
	return rc;
}

static int
check(struct csn_keystore *ks, const char *key_name)
{
	size_t len;

	if (ks == NULL)
		return csn_fail(NULL, CSN_E_ARG, "keystore",
		    "no keystore is given");
	len = key_name == NULL ? 0 :
	    strnlen(key_name, CSN_KEYSTORE_MAX_NAME + 1);
	if (len == 0 || len > CSN_KEYSTORE_MAX_NAME ||
	    !csn_utf8_ok(key_name, len))
		return csn_fail(ks->ctx, CSN_E_ARG, "keystore", "a key's name "
		    "is 1 to %d bytes of UTF-8 without control characters",
		    CSN_KEYSTORE_MAX_NAME);
	return 0;
}

static int
open_url(struct csn_ctx *ctx, const char *url, const char *folder,
    const void *secret, size_t secret_len, struct csn_keystore **out)
{
	struct csn_keystore *ks;
	const char *rest;
	int rc;

	if (ctx == NULL || out == NULL || (secret == NULL && secret_len > 0))
		return csn_fail(ctx, CSN_E_ARG, "keystore", "a keystore needs "
		    "a context and a place for its handle");
	if ((ks = csn_calloc(1, sizeof(*ks))) == NULL)
		return csn_nomem(ctx, "keystore", "a keystore");
	ks->ctx = ctx;
	if ((rc = csn_keystore_lookup(ctx, url, &ks->p, &rest)) == 0)
		rc = done(ks, folder != NULL && ks->p->open_in != NULL ?
		    ks->p->open_in(ctx, rest, folder, secret, secret_len,
		    &ks->state) : ks->p->open(ctx, rest, secret, secret_len,
		    &ks->state));
	if (rc != 0) {
		csn_free(ks);
		return rc;
	}
	*out = ks;
	return 0;
}

int
csn_keystore_open(struct csn_ctx *ctx, const char *url, const void *secret,
    size_t secret_len, struct csn_keystore **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	return open_url(ctx, url, NULL, secret, secret_len, out);
}

int
csn_keystore_open_in(struct csn_ctx *ctx, const char *url, const char *folder,
    const void *secret, size_t secret_len, struct csn_keystore **out)
{
	if (CSN_NEEDS(out, folder) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	return open_url(ctx, url, folder, secret, secret_len, out);
}

int
csn_keystore_create(struct csn_keystore *ks, const char *key_name)
{
	CSN_UNCANCELLED;
	int rc;

	if ((rc = check(ks, key_name)) != 0)
		return rc;
	return done(ks, ks->p->create(ks->state, key_name));
}

int
csn_keystore_remove(struct csn_keystore *ks, const char *key_name)
{
	CSN_UNCANCELLED;
	int rc;

	if ((rc = check(ks, key_name)) != 0)
		return rc;
	return done(ks, ks->p->remove(ks->state, key_name));
}

int
csn_keystore_wrap(struct csn_keystore *ks, const char *key_name,
    const uint8_t *aad, size_t aad_len, const uint8_t key[CSN_KEY_SIZE],
    uint8_t *out, size_t *out_len)
{
	CSN_UNCANCELLED;
	int rc;

	if ((rc = check(ks, key_name)) != 0)
		return rc;
	if ((aad == NULL && aad_len > 0) || key == NULL || out_len == NULL ||
	    (out == NULL && *out_len > 0))
		return csn_fail(ks->ctx, CSN_E_ARG, "keystore",
		    "wrapping needs a key and a place for its wrap");
	return done(ks, ks->p->wrap(ks->state, key_name, aad, aad_len, key,
	    out, out_len));
}

int
csn_keystore_unwrap(struct csn_keystore *ks, const char *key_name,
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t key[CSN_KEY_SIZE])
{
	CSN_UNCANCELLED;
	int rc;

	if ((rc = check(ks, key_name)) != 0)
		return rc;
	if ((aad == NULL && aad_len > 0) || in == NULL || key == NULL)
		return csn_fail(ks->ctx, CSN_E_ARG, "keystore",
		    "unwrapping needs a wrap and a place for its key");
	rc = done(ks, ks->p->unwrap(ks->state, key_name, aad, aad_len, in,
	    len, key));
	if (rc != 0)
		csn_wipe(key, CSN_KEY_SIZE);
	return rc;
}

int
csn_keystore_each(struct csn_keystore *ks,
    int (*visit)(void *arg, const char *name), void *arg)
{
	CSN_UNCANCELLED;
	if (ks == NULL || visit == NULL)
		return csn_fail(ks == NULL ? NULL : ks->ctx, CSN_E_ARG,
		    "keystore", "no keystore, or no visitor, is given");
	return ks->p->list(ks->state, visit, arg);
}

int
csn_keystore_lock(struct csn_keystore *ks)
{
	CSN_UNCANCELLED;
	if (ks == NULL)
		return csn_fail(NULL, CSN_E_ARG, "keystore",
		    "no keystore is given");
	return done(ks, ks->p->lock(ks->state));
}

int
csn_keystore_unlock(struct csn_keystore *ks, const void *secret,
    size_t secret_len)
{
	CSN_UNCANCELLED;
	if (ks == NULL || (secret == NULL && secret_len > 0))
		return csn_fail(ks == NULL ? NULL : ks->ctx, CSN_E_ARG,
		    "keystore", "no keystore, or no secret, is given");
	return done(ks, ks->p->unlock(ks->state, secret, secret_len));
}

int
csn_keystore_change_secret(struct csn_keystore *ks, const void *old,
    size_t old_len, const void *next, size_t next_len)
{
	CSN_UNCANCELLED;
	if (ks == NULL || (old == NULL && old_len > 0) ||
	    (next == NULL && next_len > 0))
		return csn_fail(ks == NULL ? NULL : ks->ctx, CSN_E_ARG,
		    "keystore", "no keystore, or no secret, is given");
	if (ks->p->change_secret == NULL)
		return csn_fail(ks->ctx, CSN_E_BACKEND, "keystore", "the %s "
		    "keystore cannot change its secret", ks->p->name);
	return done(ks, ks->p->change_secret(ks->state, old, old_len, next,
	    next_len));
}

static int
no_counter(struct csn_keystore *ks)
{
	return csn_fail(ks->ctx, CSN_E_BACKEND, "keystore", "the %s keystore "
	    "has no counter that nobody can set back", ks->p->name);
}

int
csn_keystore_generation(struct csn_keystore *ks, uint64_t *out)
{
	CSN_UNCANCELLED;
	if (ks == NULL || out == NULL)
		return csn_fail(ks == NULL ? NULL : ks->ctx, CSN_E_ARG,
		    "keystore", "no keystore, or no place for its counter, "
		    "is given");
	*out = 0;
	return ks->p->generation == NULL ? no_counter(ks) :
	    done(ks, ks->p->generation(ks->state, out));
}

int
csn_keystore_advance(struct csn_keystore *ks, uint64_t generation)
{
	CSN_UNCANCELLED;
	if (ks == NULL)
		return csn_fail(NULL, CSN_E_ARG, "keystore",
		    "no keystore is given");
	return ks->p->advance == NULL ? no_counter(ks) :
	    done(ks, ks->p->advance(ks->state, generation));
}

void
csn_keystore_close(struct csn_keystore *ks)
{
	CSN_UNCANCELLED;
	if (ks == NULL)
		return;
	ks->p->close(ks->state);
	csn_free(ks);
}
