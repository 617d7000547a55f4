/* SPDX-License-Identifier: Apache-2.0 */
/* providers/keystore/file/file.h - the file under a passphrase. */
#ifndef CSN_PROVIDERS_KEYSTORE_FILE_FILE_H
#define CSN_PROVIDERS_KEYSTORE_FILE_FILE_H

#include "providers/keystore/folder.h"

#define CSN_KSF_SALT 16
#define CSN_KSF_HEADER_SIZE (8 + 3 * 4 + CSN_KSF_SALT + CSN_KS_WRAP_SIZE)

/* RFC 9106, 4: the second recommended option. */
#define CSN_KSF_MEMORY_KIB 65536
#define CSN_KSF_PASSES 3
#define CSN_KSF_LANES 4

/* How a passphrase becomes the key that wraps the master key. */
struct csn_ksf_header {
	uint32_t memory_kib;		/* Argon2id's */
	uint32_t passes;
	uint32_t lanes;
	uint8_t salt[CSN_KSF_SALT];
	uint8_t master[CSN_KS_WRAP_SIZE];
};

/*
 * Little-endian, in this order behind the magic. Reading refuses costs that
 * no keystore of ours has: more would be somebody's way to keep us busy.
 * The aad of the master's wrap is what stands before it.
 */
void csn_ksf_header_write(const struct csn_ksf_header *h,
    uint8_t out[CSN_KSF_HEADER_SIZE]);
int csn_ksf_header_read(const uint8_t *p, size_t len,
    struct csn_ksf_header *h);		/* 0, CSN_E_FORM, CSN_E_VERSION */
#define CSN_KSF_HEADER_AAD (CSN_KSF_HEADER_SIZE - CSN_KS_WRAP_SIZE)

#endif
