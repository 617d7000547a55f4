/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/aead_internal.h - the engines that there are. */
#ifndef CSN_CRYPTO_AEAD_INTERNAL_H
#define CSN_CRYPTO_AEAD_INTERNAL_H

#include <caisson/aead.h>

extern const struct csn_aead_engine csn_aead_openssl;

/*
 * The engine called name, or with NULL the available one of the highest
 * preference. 0, CSN_E_UNKNOWN_BACKEND, or CSN_E_ALGORITHM where it is known
 * but this machine cannot run it.
 */
CSN_MUST_CHECK int csn_aead_select(const char *name,
    const struct csn_aead_engine **out);

#endif
