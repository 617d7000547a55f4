/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keystore_tpm.c - the file that a TPM opens: what is read is written to
 * the same bytes again, and says nothing that no writer of ours says; and the
 * URL of such a keystore.
 */
#include "identity.h"
#include "providers/keystore/tpm/tpm.h"

static void
head(const uint8_t *data, size_t len)
{
	uint8_t again[CSN_TPM_HEAD_MAX];
	struct csn_tpm_head h;
	char text[CSN_TPM_PCR_TEXT];
	int rc;

	rc = csn_tpm_head_read(data, len, &h);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION);
	if (rc != 0)
		return;
	check(h.private_len >= CSN_TPM_PRIVATE_MIN &&
	    h.private_len <= CSN_TPM_PRIVATE_MAX);
	check((h.pcr_hash != 0) == ((h.flags & CSN_TPM_PCR) != 0));
	check(csn_tpm_head_write(&h, again) == len &&
	    memcmp(again, data, len) == 0);
	csn_tpm_pcr_text(h.pcr_hash, h.pcrs, text);
	check(strlen(text) >= 4);
}

static void
url(const uint8_t *data, size_t len)
{
	char rest[512];
	struct csn_tpm_url u;
	int rc;

	if (len >= sizeof(rest))
		return;
	memcpy(rest, data, len);
	rest[len] = '\0';
	rc = csn_tpm_url_read(fuzz_ctx(), rest, &u);
	check(rc == 0 || rc == CSN_E_ARG);
	if (rc == 0)
		check(strlen(u.tcti) <= len &&
		    (u.pcr_hash != 0) == ((u.flags & CSN_TPM_PCR) != 0));
	csn_tpm_url_free(&u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	head(data, len);
	url(data, len);
	return 0;
}
