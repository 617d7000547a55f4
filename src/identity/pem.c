/* SPDX-License-Identifier: Apache-2.0 */
/* identity/pem.c - public halves as PEM, for other programs. */
#include "base/fail.h"
#include "crypto/crypto.h"
#include "identity/did.h"

#define ROOM "identity"

int
csn_sign_public_pem(struct csn_ctx *ctx, const struct csn_sign_key *key,
    char **pem)
{
	if (key == NULL || pem == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A key and a place for its PEM are needed.");
	return csn_sign_to_pem(ctx, key, 0, NULL, 0, pem);
}

int
csn_kem_public_pem(struct csn_ctx *ctx, const struct csn_kem_key *key,
    char **pem)
{
	if (key == NULL || pem == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A key and a place for its PEM are needed.");
	return csn_kem_to_pem(ctx, key, 0, NULL, 0, pem);
}

int
csn_sign_from_public_pem(struct csn_ctx *ctx, const char *pem, size_t len,
    struct csn_sign_key **out)
{
	struct csn_sign_key *key;
	int rc;

	if (pem == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A PEM and a place for its key are needed.");
	if ((rc = csn_sign_from_pem(ctx, pem, len, NULL, 0, &key)) != 0)
		return rc;
	if (csn_sign_is_private(key)) {
		csn_sign_free(key);
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "This is a private key: keep it to yourself, and give "
		    "the public one.");
	}
	*out = key;
	return 0;
}
