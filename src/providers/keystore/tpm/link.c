/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/link.c - one conversation with a TPM: opened, primary, session, ended. */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "providers/keystore/tpm/link.h"

/* Of a second in all, with three slots and eight processes at them. */
#define ATTEMPTS 20
#define LONGEST_WAIT_MS 64

/* The file of a device or socket that the TCTI names, or NULL. */
static const char *
tcti_path(const char *tcti)
{
	if (strncmp(tcti, "device:", 7) == 0)
		return tcti + 7;
	if (strncmp(tcti, "swtpm:path=", 11) == 0)
		return tcti + 11;
	return NULL;
}

/* The device or socket itself says best why it cannot be opened. */
static int
look(struct csn_tpm_link *l)
{
	const char *path = tcti_path(l->tcti);

	if (path == NULL || *path == '\0' || access(path, R_OK | W_OK) == 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return csn_fail(l->ctx, CSN_E_IO, "keystore", "this user may "
		    "not open %s: join the group that owns it, such as tss, "
		    "and log in again", path);
	return csn_fail_errno(l->ctx, CSN_E_BACKEND, "keystore", errno,
	    "there is no TPM at %s", path);
}

static int
link_open(struct csn_ctx *ctx, const char *tcti, struct csn_tpm_link *l)
{
	TSS2_RC rc;
	int err;

	memset(l, 0, sizeof(*l));
	l->ctx = ctx;
	l->tcti = tcti;
	l->primary = l->session = l->trial = l->object = ESYS_TR_NONE;
	if (*tcti == '\0')
		l->tcti = access("/dev/tpmrm0", F_OK) == 0 ?
		    "device:/dev/tpmrm0" : "tabrmd:";
	l->managed = strncmp(l->tcti, "tabrmd", 6) == 0 ||
	    strncmp(l->tcti, "device:/dev/tpmrm", 17) == 0;
	if ((err = csn_tss_load(ctx, &l->tss)) != 0 || (err = look(l)) != 0)
		return err;
	if ((rc = l->tss->Tss2_TctiLdr_Initialize(l->tcti, &l->wire)) != 0) {
		l->wire = NULL;
		if ((rc & 0xffff) == TSS2_BASE_RC_MEMORY)
			return csn_nomem(ctx, "keystore", "the TPM");
		if (*tcti == '\0')
			return csn_fail(ctx, CSN_E_BACKEND, "keystore",
			    "this machine has no TPM that can be used: no "
			    "/dev/tpmrm0, and no tpm2-abrmd (0x%08x); name "
			    "another, as in tpm:swtpm:path=/run/tpm.sock",
			    rc);
		return csn_fail(ctx, CSN_E_BACKEND, "keystore", "the TPM %s "
		    "does not answer (0x%08x): see that it runs, and that "
		    "the libtss2-tcti package for it is installed", tcti, rc);
	}
	if ((rc = l->tss->Esys_Initialize(&l->esys, l->wire, NULL)) != 0) {
		l->esys = NULL;
		return csn_tpm_fail(l, rc, CSN_TPM_AT_PRIMARY);
	}
	return 0;
}

void
csn_tpm_flush(struct csn_tpm_link *l, ESYS_TR *handle)
{
	TSS2_RC rc;

	if (*handle == ESYS_TR_NONE || l->dead || l->managed)
		return;
	rc = l->tss->Esys_FlushContext(l->esys, *handle);
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
		l->dead = 1;
	*handle = ESYS_TR_NONE;
}

static void
link_close(struct csn_tpm_link *l)
{
	if (l->esys != NULL) {
		csn_tpm_flush(l, &l->object);
		csn_tpm_flush(l, &l->trial);
		csn_tpm_flush(l, &l->session);
		csn_tpm_flush(l, &l->primary);
		l->tss->Esys_Finalize(&l->esys);
	}
	if (l->wire != NULL)
		l->tss->Tss2_TctiLdr_Finalize(&l->wire);
}

static void
wait_ms(struct csn_ctx *ctx, long ms)
{
	struct timespec t = { 0, 0 };
	uint8_t some = 0;

	/* Not in step with who waits for the same slot. */
	CSN_IGNORE(csn_random(ctx, &some, 1));
	ms = ms / 2 + ms * some / 256;
	t.tv_nsec = (ms + 1) * 1000000;
	(void)nanosleep(&t, NULL);
}

int
csn_tpm_talk(struct csn_ctx *ctx, const char *tcti,
    int (*op)(struct csn_tpm_link *l, void *arg), void *arg)
{
	struct csn_tpm_link l;
	long ms = 2;
	int rc, n;

	for (n = 1;; n++) {
		if ((rc = link_open(ctx, tcti, &l)) == 0)
			rc = op(&l, arg);
		link_close(&l);
		if (rc != CSN_E_BUSY || n == ATTEMPTS)
			return rc;
		wait_ms(ctx, ms);
		ms = ms < LONGEST_WAIT_MS ? 2 * ms : ms;
	}
}

/* The TCG's template of a storage root key: the same key every time. */
static const TPM2B_PUBLIC srk = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM |
		    TPMA_OBJECT_FIXEDPARENT |
		    TPMA_OBJECT_SENSITIVEDATAORIGIN |
		    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
		    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES,
			    .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
		.unique.ecc = { .x.size = 32, .y.size = 32 },
	},
};

int
csn_tpm_primary(struct csn_tpm_link *l, const uint8_t *expected,
    uint8_t name[CSN_TPM_NAME])
{
	static const TPM2B_SENSITIVE_CREATE no_secret;
	static const TPM2B_DATA no_info;
	static const TPML_PCR_SELECTION no_pcrs;
	TPM2B_NAME *is = NULL;
	TSS2_RC rc;
	int err, n;

	for (n = 0; n < 2; n++) {
		rc = l->tss->Esys_CreatePrimary(l->esys, ESYS_TR_RH_OWNER,
		    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
		    &srk, &no_info, &no_pcrs, &l->primary, NULL, NULL, NULL,
		    NULL);
		/* A simulator that nobody has started yet. */
		if (csn_tpm_code(rc) != TPM2_RC_INITIALIZE ||
		    l->tss->Esys_Startup(l->esys, TPM2_SU_CLEAR) != 0)
			break;
	}
	if (rc == 0)
		rc = l->tss->Esys_TR_GetName(l->esys, l->primary, &is);
	if (rc != 0)
		return csn_tpm_fail(l, rc, CSN_TPM_AT_PRIMARY);
	if (is->size != CSN_TPM_NAME)
		err = csn_fail(l->ctx, CSN_E_BACKEND, "keystore", "the TPM "
		    "%s names its keys by another hash than SHA-256",
		    l->tcti);
	else if (expected != NULL &&
	    !csn_equal(is->name, expected, CSN_TPM_NAME))
		err = csn_fail(l->ctx, CSN_E_TAG, "keystore", "this keystore "
		    "was made with another TPM, or that one was cleared: "
		    "take it to its machine, or begin a new one");
	else
		err = 0;
	if (err == 0)
		memcpy(name, is->name, CSN_TPM_NAME);
	l->tss->Esys_Free(is);
	return err;
}

int
csn_tpm_session(struct csn_tpm_link *l, TPM2_SE type, ESYS_TR *out)
{
	static const TPMT_SYM_DEF cipher = { .algorithm = TPM2_ALG_AES,
	    .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB };
	TSS2_RC rc;

	rc = l->tss->Esys_StartAuthSession(l->esys, l->primary, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &cipher,
	    TPM2_ALG_SHA256, out);
	if (rc != 0)
		*out = ESYS_TR_NONE;
	return csn_tpm_fail(l, rc, CSN_TPM_AT_PRIMARY);
}

int
csn_tpm_attributes(struct csn_tpm_link *l, TPMA_SESSION attributes)
{
	return csn_tpm_fail(l, l->tss->Esys_TRSess_SetAttributes(l->esys,
	    l->session, attributes, 0xff), CSN_TPM_AT_PRIMARY);
}

int
csn_tpm_set_auth(struct csn_tpm_link *l, ESYS_TR handle,
    const uint8_t auth[32])
{
	TPM2B_AUTH value = { .size = 32 };
	TSS2_RC rc;

	memcpy(value.buffer, auth, 32);
	rc = l->tss->Esys_TR_SetAuth(l->esys, handle, &value);
	csn_wipe(&value, sizeof(value));
	return csn_tpm_fail(l, rc, CSN_TPM_AT_OPEN);
}

void
csn_tpm_drop_auth(struct csn_tpm_link *l, ESYS_TR handle)
{
	static const TPM2B_AUTH zeros = { .size = sizeof(zeros.buffer) };

	/* NULL alone sets the length to 0 and leaves the bytes. */
	(void)l->tss->Esys_TR_SetAuth(l->esys, handle, &zeros);
	(void)l->tss->Esys_TR_SetAuth(l->esys, handle, NULL);
}
