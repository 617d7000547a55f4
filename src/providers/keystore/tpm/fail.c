/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/fail.c - what a TPM's code means, and what to do about it. */

#include <string.h>

#include "providers/keystore/tpm/link.h"

uint32_t
csn_tpm_code(TSS2_RC rc)
{
	const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER &&
	    layer != TSS2_RESMGR_RC_LAYER)
		return 0;
	rc &= 0xffff;
	/* Format one says beside its number whose parameter it is about. */
	return (rc & TPM2_RC_FMT1) != 0 ? rc & 0xbf : rc;
}

struct lockout {
	uint32_t tries, most, interval;
};

static int
read_lockout(struct csn_tpm_link *l, struct lockout *out)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	uint32_t i, n;

	memset(out, 0, sizeof(*out));
	if (l->tss->Esys_GetCapability(l->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_COUNTER, 3,
	    &more, &data) != 0)
		return -1;
	n = data->data.tpmProperties.count;
	for (i = 0; i < n && i < 3; i++) {
		const TPMS_TAGGED_PROPERTY *p =
		    &data->data.tpmProperties.tpmProperty[i];

		if (p->property == TPM2_PT_LOCKOUT_COUNTER)
			out->tries = p->value;
		else if (p->property == TPM2_PT_MAX_AUTH_FAIL)
			out->most = p->value;
		else if (p->property == TPM2_PT_LOCKOUT_INTERVAL)
			out->interval = p->value;
	}
	l->tss->Esys_Free(data);
	return out->most == 0 ? -1 : 0;
}

static int
fail_lockout(struct csn_tpm_link *l)
{
	struct lockout at;

	if (read_lockout(l, &at) != 0)
		return csn_fail(l->ctx, CSN_E_LOCKED, "keystore", "the TPM "
		    "refuses every secret after too many wrong ones: wait, or "
		    "have its lockout reset (tpm2_dictionarylockout -c)");
	return csn_fail(l->ctx, CSN_E_LOCKED, "keystore", "the TPM refuses "
	    "every secret, the right one too, after %u wrong ones: it takes "
	    "one more every %u s, or after tpm2_dictionarylockout -c",
	    at.tries, at.interval);
}

static int
fail_auth(struct csn_tpm_link *l, uint32_t code)
{
	struct lockout at;

	if (code != TPM2_RC_AUTH_FAIL || read_lockout(l, &at) != 0)
		return csn_fail(l->ctx, CSN_E_PASSPHRASE, "keystore",
		    "the secret does not open the keystore in the TPM");
	return csn_fail(l->ctx, CSN_E_PASSPHRASE, "keystore", "the secret "
	    "does not open the keystore in the TPM: %u more wrong ones, and "
	    "it refuses all; it forgives one every %u s",
	    at.most > at.tries ? at.most - at.tries : 0, at.interval);
}

/* What another attempt, a little later, may well not meet again. */
static int
is_passing(TSS2_RC rc, uint32_t code)
{
	switch (code) {
	case TPM2_RC_CONTEXT_GAP:
	case TPM2_RC_OBJECT_MEMORY:
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_MEMORY:
	case TPM2_RC_SESSION_HANDLES:
	case TPM2_RC_OBJECT_HANDLES:
	case TPM2_RC_YIELDED:
	case TPM2_RC_TESTING:
	case TPM2_RC_NV_RATE:
	case TPM2_RC_RETRY:
	case TPM2_RC_NV_UNAVAILABLE:
		return 1;
	case TPM2_RC_VALUE:
	case TPM2_RC_HANDLE:
		/* A handle that is gone: not a parameter's bit. */
		return (rc & TPM2_RC_P) == 0;
	default:
		/* Handles and sessions that are not loaded. */
		return code >= TPM2_RC_REFERENCE_H0 &&
		    code <= TPM2_RC_REFERENCE_S6;
	}
}

int
csn_tpm_fail(struct csn_tpm_link *l, TSS2_RC rc, enum csn_tpm_at at)
{
	const uint32_t code = csn_tpm_code(rc);

	if (rc == 0)
		return 0;
	if (code == 0) {
		if ((rc & 0xffff) == TSS2_BASE_RC_MEMORY)
			return csn_nomem(l->ctx, "keystore", "the TPM");
		/* ESYS is stuck after it: only another context helps. */
		l->dead = 1;
		return csn_fail(l->ctx, CSN_E_BACKEND, "keystore", "the TPM "
		    "%s has gone, or does not answer as it should (0x%08x): "
		    "see that it runs; the next call connects anew", l->tcti,
		    rc);
	}
	switch (code) {
	case TPM2_RC_LOCKOUT:
		return fail_lockout(l);
	case TPM2_RC_AUTH_FAIL:
	case TPM2_RC_BAD_AUTH:
		if (at == CSN_TPM_AT_OPEN)
			return fail_auth(l, code);
		if (at == CSN_TPM_AT_COUNTER)
			return csn_fail(l->ctx, CSN_E_DRIFT, "keystore",
			    "the TPM's counter is not this keystore's");
		return csn_fail(l->ctx, CSN_E_BACKEND, "keystore", "the "
		    "TPM's owner hierarchy has a password, which a keystore "
		    "cannot give: have it empty, as systems leave it");
	case TPM2_RC_POLICY_FAIL:
		return csn_fail(l->ctx, CSN_E_POLICY, "keystore", "the "
		    "platform's registers are not as they were when the "
		    "keystore was made: boot what was booted then, or restore "
		    "from another recipient and make it anew");
	case TPM2_RC_PCR_CHANGED:
		return csn_fail(l->ctx, CSN_E_BUSY, "keystore", "the "
		    "platform's registers change all the time: try again "
		    "when what measures is done");
	case TPM2_RC_INTEGRITY:
		break;
	default:
		if (is_passing(rc, code))
			return csn_fail(l->ctx, CSN_E_BUSY, "keystore", "the "
			    "TPM is busy, or its slots are taken (0x%03x): try "
			    "again, have tpm2-abrmd run, or clear what a "
			    "program left (tpm2_flushcontext -t)",
			    rc & 0xfff);
		if (at == CSN_TPM_AT_OPEN && (rc & TPM2_RC_FMT1) != 0)
			break;
		return csn_fail(l->ctx, CSN_E_BACKEND, "keystore",
		    "the TPM refuses with 0x%03x", rc & 0xfff);
	}
	return csn_fail(l->ctx, CSN_E_TAG, "keystore", "the keystore's file "
	    "was changed, or is another TPM's (0x%03x)", rc & 0xfff);
}
