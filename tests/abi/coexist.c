/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that uses Caisson and, on its own account, the system's OpenSSL.
 * It prints what each of the two says about itself.
 */

#include <caisson/caisson.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

int
main(void)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint8_t ours[CSN_HASH_SIZE];
	struct csn_ctx *ctx;
	unsigned int len;
	char *info;

	/* The system's library does its work before, between and after. */
	if (EVP_Digest("abc", 3, digest, &len, EVP_sha3_256(), NULL) != 1)
		return 1;
	if (csn_ctx_new(NULL, &ctx) != 0)
		return 1;
	if (csn_sha3_256(ctx, "abc", 3, ours) != 0)
		return 1;
	if (len != sizeof(ours) || memcmp(digest, ours, len) != 0)
		return 1;
	if (csn_describe(ctx, &info) != 0)
		return 1;
	printf("system %s\n", OpenSSL_version(OPENSSL_VERSION));
	printf("caisson %s\n", csn_version());
	printf("info %s\n", info);
	csn_free(info);
	csn_ctx_free(ctx);
	return EVP_Digest("abc", 3, digest, &len, EVP_sha3_256(), NULL) != 1;
}
