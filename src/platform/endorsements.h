/* SPDX-License-Identifier: Apache-2.0 */
/* platform/endorsements.h - what a verifier holds of vendors, from files. */
#ifndef CSN_PLATFORM_ENDORSEMENTS_H
#define CSN_PLATFORM_ENDORSEMENTS_H

#include <caisson/platform.h>

#define CSN_ENDORSEMENTS_MAX 31	/* of a kind */

enum csn_endorsement {
	CSN_ENDORSED_CERTS,	/* certificates and CRLs, PEM or DER */
	CSN_ENDORSED_TABLE,	/* a certificate table of SEV-SNP */
	CSN_ENDORSED_JSON,	/* TDX collateral */
	CSN_ENDORSED_KINDS
};

struct csn_endorsements {
	struct csn_bytes blobs[CSN_ENDORSED_KINDS][CSN_ENDORSEMENTS_MAX];
	size_t n[CSN_ENDORSED_KINDS];
};

/* Which kind bytes are, by how they begin. */
enum csn_endorsement csn_endorsement_kind(const uint8_t *p, size_t len);

/**
 * Read a file, or each file of a folder but those whose name begins with a
 * dot, in the order of their names. What cannot be what it looks like is
 * refused: CSN_E_FORM, CSN_E_LIMIT, CSN_E_NOT_FOUND or CSN_E_IO, and the
 * sentence names the file; CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_endorsements_load(struct csn_ctx *ctx,
    const char *path, struct csn_endorsements **out);
/* NULL is fine. */
void csn_endorsements_free(struct csn_endorsements *e);

#endif
