/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/seal.c - a master key into a TPM's seal, and out again. */

#include <stdio.h>
#include <string.h>

#include "base/little.h"
#include "providers/keystore/tpm/link.h"

/* How often registers may change between policy and unsealing. */
#define PCR_ATTEMPTS 8

struct seal {
	struct csn_tpm_head *h;
	const uint8_t *auth, *master;
};

struct unseal {
	const struct csn_tpm_head *h;
	const uint8_t *auth;
	uint8_t *master;
	uint64_t *count;
};

static TPML_PCR_SELECTION
selection(const struct csn_tpm_head *h)
{
	TPML_PCR_SELECTION s = { .count = 1 };

	s.pcrSelections[0].hash = h->pcr_hash;
	s.pcrSelections[0].sizeofSelect = sizeof(h->pcrs);
	memcpy(s.pcrSelections[0].pcrSelect, h->pcrs, sizeof(h->pcrs));
	return s;
}

/* What a head says, as the TPM has it. */
static void
public_of(const struct csn_tpm_head *h, TPM2B_PUBLIC *out)
{
	TPMT_PUBLIC *p = &out->publicArea;

	memset(out, 0, sizeof(*out));
	p->type = TPM2_ALG_KEYEDHASH;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
	/* With a policy, the value alone shall not open. */
	if ((h->flags & CSN_TPM_PCR) == 0)
		p->objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	/* Without a value there is nothing to be guessed. */
	if ((h->flags & CSN_TPM_STRONG) != 0 ||
	    (h->flags & CSN_TPM_AUTH) == 0)
		p->objectAttributes |= TPMA_OBJECT_NODA;
	p->parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	if ((h->flags & CSN_TPM_PCR) != 0) {
		p->authPolicy.size = sizeof(h->policy);
		memcpy(p->authPolicy.buffer, h->policy, sizeof(h->policy));
	}
	p->unique.keyedHash.size = sizeof(h->unique);
	memcpy(p->unique.keyedHash.buffer, h->unique, sizeof(h->unique));
}

/* Registers, and the value where there is one; by is a session, or none. */
static TSS2_RC
policy(struct csn_tpm_link *l, const struct csn_tpm_head *h, ESYS_TR session,
    ESYS_TR by)
{
	static const TPM2B_DIGEST as_they_are;
	const TPML_PCR_SELECTION pcrs = selection(h);
	TSS2_RC rc;

	rc = l->tss->Esys_PolicyPCR(l->esys, session, by, ESYS_TR_NONE,
	    ESYS_TR_NONE, &as_they_are, &pcrs);
	if (rc == 0 && (h->flags & CSN_TPM_AUTH) != 0)
		rc = l->tss->Esys_PolicyAuthValue(l->esys, session, by,
		    ESYS_TR_NONE, ESYS_TR_NONE);
	return rc;
}

/*
 * The policy's digest as of now. The answers are authenticated by the salted
 * session: nobody between us and the TPM chooses another policy.
 */
static int
policy_digest(struct csn_tpm_link *l, struct csn_tpm_head *h)
{
	TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc;
	int err;

	if ((err = csn_tpm_session(l, TPM2_SE_TRIAL, &l->trial)) != 0 ||
	    (err = csn_tpm_attributes(l, TPMA_SESSION_CONTINUESESSION |
	    TPMA_SESSION_AUDIT)) != 0)
		return err;
	if ((rc = policy(l, h, l->trial, l->session)) == 0)
		rc = l->tss->Esys_PolicyGetDigest(l->esys, l->trial,
		    l->session, ESYS_TR_NONE, ESYS_TR_NONE, &digest);
	if ((csn_tpm_code(rc)) == TPM2_RC_VALUE ||
	    csn_tpm_code(rc) == TPM2_RC_HASH)
		return csn_fail(l->ctx, CSN_E_ARG, "keystore", "this TPM has "
		    "no registers in that bank: take sha256");
	if (rc != 0)
		return csn_tpm_fail(l, rc, CSN_TPM_AT_SEAL);
	if (digest->size == sizeof(h->policy))
		memcpy(h->policy, digest->buffer, sizeof(h->policy));
	else
		err = csn_fail(l->ctx, CSN_E_BACKEND, "keystore",
		    "the TPM's policy has %u bytes", digest->size);
	l->tss->Esys_Free(digest);
	csn_tpm_flush(l, &l->trial);
	return err;
}

static TSS2_RC
create(struct csn_tpm_link *l, const TPM2B_SENSITIVE_CREATE *in,
    const TPM2B_PUBLIC *public, TPM2B_PRIVATE **out_private,
    TPM2B_PUBLIC **out_public)
{
	static const TPM2B_DATA no_info;
	static const TPML_PCR_SELECTION no_pcrs;

	return l->tss->Esys_Create(l->esys, l->primary, l->session,
	    ESYS_TR_NONE, ESYS_TR_NONE, in, public, &no_info, &no_pcrs,
	    out_private, out_public, NULL, NULL, NULL);
}

static int
keep(struct csn_tpm_link *l, struct csn_tpm_head *h,
    const TPM2B_PRIVATE *private, const TPM2B_PUBLIC *public)
{
	const TPM2B_DIGEST *unique = &public->publicArea.unique.keyedHash;

	if (private->size < CSN_TPM_PRIVATE_MIN ||
	    private->size > CSN_TPM_PRIVATE_MAX ||
	    unique->size != sizeof(h->unique))
		return csn_fail(l->ctx, CSN_E_BACKEND, "keystore",
		    "the TPM's seal has %u bytes", private->size);
	h->private_len = private->size;
	memcpy(h->private, private->buffer, private->size);
	memcpy(h->unique, unique->buffer, unique->size);
	return 0;
}

static int
seal_op(struct csn_tpm_link *l, void *arg)
{
	TPM2B_SENSITIVE_CREATE in = { .size = 0 };
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *made = NULL, public;
	struct seal *s = arg;
	TSS2_RC rc;
	int err;

	if ((err = csn_tpm_primary(l, NULL, s->h->primary)) != 0 ||
	    (err = csn_tpm_session(l, TPM2_SE_HMAC, &l->session)) != 0 ||
	    ((s->h->flags & CSN_TPM_PCR) != 0 &&
	    (err = policy_digest(l, s->h)) != 0) ||
	    (err = csn_tpm_attributes(l, TPMA_SESSION_CONTINUESESSION |
	    TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT)) != 0)
		return err;
	public_of(s->h, &public);
	public.publicArea.unique.keyedHash.size = 0;
	in.sensitive.data.size = CSN_KEY_SIZE;
	memcpy(in.sensitive.data.buffer, s->master, CSN_KEY_SIZE);
	if (s->auth != NULL) {
		in.sensitive.userAuth.size = 32;
		memcpy(in.sensitive.userAuth.buffer, s->auth, 32);
	}
	rc = create(l, &in, &public, &private, &made);
	csn_wipe(&in, sizeof(in));
	if (rc == 0) {
		err = keep(l, s->h, private, made);
		l->tss->Esys_Free(private);
		l->tss->Esys_Free(made);
		/* Over the copy that ESYS keeps of a command's secrets. */
		in.sensitive.data.size = sizeof(in.sensitive.data.buffer);
		if (create(l, &in, &public, &private, &made) == 0) {
			l->tss->Esys_Free(private);
			l->tss->Esys_Free(made);
		}
	}
	return rc != 0 ? csn_tpm_fail(l, rc, CSN_TPM_AT_SEAL) : err;
}

int
csn_tpm_seal(struct csn_ctx *ctx, const char *tcti, struct csn_tpm_head *h,
    const uint8_t *auth, const uint8_t master[CSN_KEY_SIZE])
{
	struct seal s = { h, auth, master };

	return csn_tpm_talk(ctx, tcti, seal_op, &s);
}

/* The answer lies in the clear in a buffer of tpm2-tss's, too. */
static void
wipe_answer(struct csn_tpm_link *l)
{
	TSS2_SYS_CONTEXT *sys = NULL;
	const uint8_t *p = NULL;
	size_t len = 0;

	if (l->tss->Esys_GetSysContext(l->esys, &sys) == 0 &&
	    l->tss->Tss2_Sys_GetRpBuffer(sys, &len, &p) == 0 && p != NULL)
		csn_wipe((void *)(uintptr_t)p, len);
}

static TSS2_RC
unseal(struct csn_tpm_link *l, const struct csn_tpm_head *h,
    TPM2B_SENSITIVE_DATA **out)
{
	TSS2_RC rc = 0;
	int n;

	for (n = 0; n < PCR_ATTEMPTS; n++) {
		if (n > 0)
			rc = l->tss->Esys_PolicyRestart(l->esys, l->session,
			    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE);
		if (rc == 0 && (h->flags & CSN_TPM_PCR) != 0)
			rc = policy(l, h, l->session, ESYS_TR_NONE);
		if (rc == 0)
			rc = l->tss->Esys_Unseal(l->esys, l->object,
			    l->session, ESYS_TR_NONE, ESYS_TR_NONE, out);
		if (csn_tpm_code(rc) != TPM2_RC_PCR_CHANGED)
			return rc;
		/* Any register was extended: whether ours, shows. */
		rc = 0;
	}
	return TPM2_RC_PCR_CHANGED;
}

static int
take(struct csn_tpm_link *l, TPM2B_SENSITIVE_DATA *data,
    uint8_t master[CSN_KEY_SIZE])
{
	int err = 0;

	wipe_answer(l);
	if (data->size == CSN_KEY_SIZE)
		memcpy(master, data->buffer, CSN_KEY_SIZE);
	else
		err = csn_fail(l->ctx, CSN_E_TAG, "keystore",
		    "the TPM's seal holds something else than a key");
	csn_wipe(data, sizeof(*data));
	l->tss->Esys_Free(data);
	return err;
}

static int
load(struct csn_tpm_link *l, const struct csn_tpm_head *h)
{
	TPM2B_PRIVATE private = { .size = (uint16_t)h->private_len };
	TPM2B_PUBLIC public;
	TSS2_RC rc;

	public_of(h, &public);
	if (h->private_len > sizeof(private.buffer))
		return csn_fail(l->ctx, CSN_E_FORM, "keystore",
		    "a seal of %zu bytes", h->private_len);
	memcpy(private.buffer, h->private, h->private_len);
	rc = l->tss->Esys_Load(l->esys, l->primary, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, &l->object);
	if (rc != 0)
		l->object = ESYS_TR_NONE;
	return csn_tpm_fail(l, rc, CSN_TPM_AT_OPEN);
}

static int
unseal_op(struct csn_tpm_link *l, void *arg)
{
	struct unseal *u = arg;
	const struct csn_tpm_head *h = u->h;
	TPM2B_SENSITIVE_DATA *data = NULL;
	uint8_t name[CSN_TPM_NAME];
	ESYS_TR nv;
	TSS2_RC rc;
	int err;

	*u->count = CSN_TPM_NO_COUNT;
	/* The last command that uses the session ends it. */
	if ((err = csn_tpm_primary(l, h->primary, name)) != 0 ||
	    (err = csn_tpm_session(l, (h->flags & CSN_TPM_PCR) != 0 ?
	    TPM2_SE_POLICY : TPM2_SE_HMAC, &l->session)) != 0 ||
	    (err = csn_tpm_attributes(l, TPMA_SESSION_ENCRYPT |
	    (h->counter != 0 ? TPMA_SESSION_CONTINUESESSION : 0))) != 0 ||
	    (err = load(l, h)) != 0)
		return err;
	if (u->auth != NULL &&
	    (err = csn_tpm_set_auth(l, l->object, u->auth)) != 0)
		return err;
	rc = unseal(l, h, &data);
	csn_tpm_drop_auth(l, l->object);
	if (rc != 0)
		return csn_tpm_fail(l, rc, CSN_TPM_AT_OPEN);
	if (h->counter == 0)
		l->session = ESYS_TR_NONE;
	if ((err = take(l, data, u->master)) != 0 || h->counter == 0)
		return err;
	/* A counter that cannot be had is said when it is asked for. */
	if (csn_tpm_counter_find(l, h->counter, &nv) == 0)
		(void)csn_tpm_counter_read(l, nv, u->count);
	return 0;
}

int
csn_tpm_unseal(struct csn_ctx *ctx, const char *tcti,
    const struct csn_tpm_head *h, const uint8_t *auth,
    uint8_t master[CSN_KEY_SIZE], uint64_t *count)
{
	struct unseal u = { h, auth, master, count };
	int rc;

	if ((rc = csn_tpm_talk(ctx, tcti, unseal_op, &u)) != 0)
		csn_wipe(master, CSN_KEY_SIZE);
	return rc;
}

static int
shutdown_op(struct csn_tpm_link *l, void *arg)
{
	(void)arg;
	if (!l->managed)
		(void)l->tss->Esys_Shutdown(l->esys, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR);
	return 0;
}

void
csn_tpm_shutdown(struct csn_ctx *ctx, const char *tcti)
{
	const char *room = csn_message_room();
	const int code = csn_message_code();
	char said[1024];

	/* What failed before stays said, whatever becomes of this. */
	(void)snprintf(said, sizeof(said), "%s", csn_message());
	if (csn_tpm_talk(ctx, tcti, shutdown_op, NULL) != 0 && code != 0)
		(void)csn_fail(ctx, code, room, "%s", said);
}
