/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm/counter.c - a counter in a TPM's own memory, which only goes up: an
 * index that is removed and made anew goes on above the highest value.
 *
 * Everybody who may use the TPM may read it, by the owner's empty
 * authorisation; the answer is authenticated by a session salted to the
 * primary. To increment it takes a value derived from the master key.
 */

#include <string.h>

#include "base/little.h"
#include "crypto/x509.h"
#include "providers/keystore/tpm/link.h"

#define COUNTER_SIZE 8
/* Indices that are taken by others, at random. */
#define INDEX_ATTEMPTS 16

struct make {
	struct csn_tpm_head *h;
	const uint8_t *auth;
	uint64_t *count;
};

struct use {
	const struct csn_tpm_head *h;
	const uint8_t *auth;
	uint64_t advance_to, *count;
};

static TPMS_NV_PUBLIC
counter_public(uint32_t index)
{
	TPMS_NV_PUBLIC p = {
		.nvIndex = index,
		.nameAlg = TPM2_ALG_SHA256,
		.attributes = TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT |
		    TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA,
		.dataSize = COUNTER_SIZE,
	};

	return p;
}

static void
put_big(uint8_t *p, uint32_t v, int bytes)
{
	while (bytes-- > 0) {
		p[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

/* The Name of an index of ours that was incremented at least once. */
static int
counter_name(struct csn_ctx *ctx, uint32_t index, uint8_t out[CSN_TPM_NAME])
{
	const TPMS_NV_PUBLIC p = counter_public(index);
	uint8_t bytes[14];

	put_big(bytes, p.nvIndex, 4);
	put_big(bytes + 4, p.nameAlg, 2);
	put_big(bytes + 6, p.attributes | TPMA_NV_WRITTEN, 4);
	put_big(bytes + 10, 0, 2);
	put_big(bytes + 12, p.dataSize, 2);
	put_big(out, TPM2_ALG_SHA256, 2);
	return csn_sha256(ctx, bytes, sizeof(bytes), out + 2);
}

int
csn_tpm_counter_find(struct csn_tpm_link *l, uint32_t index, ESYS_TR *nv)
{
	uint8_t name[CSN_TPM_NAME];
	TPM2B_NAME *is = NULL;
	TSS2_RC rc;
	int err;

	rc = l->tss->Esys_TR_FromTPMPublic(l->esys, index, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, nv);
	if (csn_tpm_code(rc) == TPM2_RC_HANDLE)
		return csn_fail(l->ctx, CSN_E_DRIFT, "keystore", "the TPM's "
		    "counter 0x%08x is gone: somebody has removed it", index);
	if (rc == 0)
		rc = l->tss->Esys_TR_GetName(l->esys, *nv, &is);
	if (rc != 0)
		return csn_tpm_fail(l, rc, CSN_TPM_AT_COUNTER);
	if ((err = counter_name(l->ctx, index, name)) == 0 &&
	    (is->size != sizeof(name) ||
	    !csn_equal(is->name, name, sizeof(name))))
		err = csn_fail(l->ctx, CSN_E_DRIFT, "keystore", "what lies at "
		    "the TPM's index 0x%08x is no counter of ours", index);
	l->tss->Esys_Free(is);
	return err;
}

TSS2_RC
csn_tpm_counter_read(struct csn_tpm_link *l, ESYS_TR nv, uint64_t *count)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	uint64_t v = 0;
	TSS2_RC rc;
	int i;

	rc = l->tss->Esys_TRSess_SetAttributes(l->esys, l->session,
	    TPMA_SESSION_ENCRYPT, 0xff);
	if (rc == 0)
		rc = l->tss->Esys_NV_Read(l->esys, ESYS_TR_RH_OWNER, nv,
		    ESYS_TR_PASSWORD, l->session, ESYS_TR_NONE, COUNTER_SIZE,
		    0, &data);
	if (rc != 0)
		return rc;
	l->session = ESYS_TR_NONE;
	if (data->size != COUNTER_SIZE)
		rc = TSS2_ESYS_RC_MALFORMED_RESPONSE;
	for (i = 0; rc == 0 && i < COUNTER_SIZE; i++)
		v = v << 8 | data->buffer[i];
	l->tss->Esys_Free(data);
	if (rc == 0)
		*count = v;
	return rc;
}

/* By a session of its own, with the index's authorisation value. */
static int
increment(struct csn_tpm_link *l, ESYS_TR nv, const uint8_t auth[32])
{
	TSS2_RC rc;
	int err;

	if ((err = csn_tpm_session(l, TPM2_SE_HMAC, &l->session)) != 0 ||
	    (err = csn_tpm_attributes(l, 0)) != 0 ||
	    (err = csn_tpm_set_auth(l, nv, auth)) != 0)
		return err;
	rc = l->tss->Esys_NV_Increment(l->esys, nv, nv, l->session,
	    ESYS_TR_NONE, ESYS_TR_NONE);
	csn_tpm_drop_auth(l, nv);
	if (rc == 0)
		l->session = ESYS_TR_NONE;
	return csn_tpm_fail(l, rc, CSN_TPM_AT_COUNTER);
}

static int
read_now(struct csn_tpm_link *l, ESYS_TR nv, uint64_t *count)
{
	int err;

	if ((err = csn_tpm_session(l, TPM2_SE_HMAC, &l->session)) != 0)
		return err;
	return csn_tpm_fail(l, csn_tpm_counter_read(l, nv, count),
	    CSN_TPM_AT_COUNTER);
}

static int
define(struct csn_tpm_link *l, const struct make *m, ESYS_TR *nv)
{
	TPM2B_NV_PUBLIC public = { .size = 0 };
	TPM2B_AUTH value = { .size = 32 };
	uint32_t random;
	TSS2_RC rc = 0;
	int err = 0, n;

	memcpy(value.buffer, m->auth, 32);
	for (n = 0; n < INDEX_ATTEMPTS; n++) {
		if ((err = csn_random(l->ctx, (uint8_t *)&random,
		    sizeof(random))) != 0)
			break;
		m->h->counter = CSN_TPM_NV_FIRST + random %
		    (CSN_TPM_NV_LAST - CSN_TPM_NV_FIRST + 1);
		public.nvPublic = counter_public(m->h->counter);
		rc = l->tss->Esys_NV_DefineSpace(l->esys, ESYS_TR_RH_OWNER,
		    l->session, ESYS_TR_NONE, ESYS_TR_NONE, &value, &public,
		    nv);
		if (csn_tpm_code(rc) != TPM2_RC_NV_DEFINED)
			break;
	}
	csn_wipe(&value, sizeof(value));
	if (err == 0 && csn_tpm_code(rc) == TPM2_RC_NV_SPACE)
		return csn_fail(l->ctx, CSN_E_LIMIT, "keystore", "the TPM "
		    "has no room for another counter: remove one that nobody "
		    "needs (tpm2_nvreadpublic, tpm2_nvundefine)");
	return err != 0 ? err : csn_tpm_fail(l, rc, CSN_TPM_AT_COUNTER);
}

static int
make_op(struct csn_tpm_link *l, void *arg)
{
	struct make *m = arg;
	uint8_t name[CSN_TPM_NAME];
	ESYS_TR nv = ESYS_TR_NONE;
	int err;

	if ((err = csn_tpm_primary(l, m->h->primary, name)) != 0 ||
	    (err = csn_tpm_session(l, TPM2_SE_HMAC, &l->session)) != 0 ||
	    (err = csn_tpm_attributes(l, TPMA_SESSION_DECRYPT)) != 0 ||
	    (err = define(l, m, &nv)) != 0)
		return err;
	l->session = ESYS_TR_NONE;
	/* It has no value before it is incremented. */
	if ((err = increment(l, nv, m->auth)) != 0)
		return err;
	return read_now(l, nv, m->count);
}

int
csn_tpm_counter_make(struct csn_ctx *ctx, const char *tcti,
    struct csn_tpm_head *h, const uint8_t auth[32], uint64_t *count)
{
	struct make m = { h, auth, count };
	int rc;

	if ((rc = csn_tpm_talk(ctx, tcti, make_op, &m)) != 0)
		h->counter = 0;
	return rc;
}

static int
use_op(struct csn_tpm_link *l, void *arg)
{
	struct use *u = arg;
	uint8_t name[CSN_TPM_NAME];
	ESYS_TR nv;
	int err;

	if ((err = csn_tpm_primary(l, u->h->primary, name)) != 0 ||
	    (err = csn_tpm_counter_find(l, u->h->counter, &nv)) != 0 ||
	    (err = read_now(l, nv, u->count)) != 0 ||
	    u->advance_to == CSN_TPM_NO_COUNT ||
	    u->advance_to != *u->count + 1)
		return err;
	if ((err = increment(l, nv, u->auth)) == 0)
		(*u->count)++;
	return err;
}

int
csn_tpm_counter_use(struct csn_ctx *ctx, const char *tcti,
    const struct csn_tpm_head *h, const uint8_t auth[32], uint64_t advance_to,
    uint64_t *count)
{
	struct use u = { h, auth, advance_to, count };

	return csn_tpm_talk(ctx, tcti, use_op, &u);
}
