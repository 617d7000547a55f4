/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - a keystore in a folder, under a passphrase: Argon2id makes a key
 * of it, which wraps the folder's master key.
 */

#include "providers/keystore/file/file.h"

static int
passphrase_key(struct csn_folder *f, const struct csn_ksf_header *h,
    const void *secret, size_t len, uint8_t out[CSN_KEY_SIZE])
{
	if (secret == NULL || len == 0)
		return csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
		    "the keystore in %s needs a passphrase", f->path);
	return csn_argon2id(f->ctx, secret, len, h->salt, sizeof(h->salt),
	    h->memory_kib, h->passes, h->lanes, out);
}

/* What a header's wrap holds, by the passphrase: CSN_E_TAG for another. */
static int
header_open(struct csn_folder *f, const uint8_t bytes[CSN_KSF_HEADER_SIZE],
    const struct csn_ksf_header *h, const void *secret, size_t len,
    uint8_t master[CSN_KEY_SIZE])
{
	uint8_t key[CSN_KEY_SIZE];
	int rc;

	if ((rc = passphrase_key(f, h, secret, len, key)) == 0)
		rc = csn_ks_unwrap(f->ctx, key, bytes, CSN_KSF_HEADER_AAD,
		    h->master, sizeof(h->master), master);
	csn_wipe(key, sizeof(key));
	return rc;
}

/* A header that wraps master under the passphrase, with a fresh salt. */
static int
file_make(struct csn_folder *f, const uint8_t master[CSN_KEY_SIZE],
    const void *secret, size_t len, uint8_t *out, size_t *out_len)
{
	struct csn_ksf_header h = { CSN_KSF_MEMORY_KIB, CSN_KSF_PASSES,
	    CSN_KSF_LANES, { 0 }, { 0 } };
	uint8_t key[CSN_KEY_SIZE], again[CSN_KEY_SIZE];
	int rc;

	if (*out_len < CSN_KSF_HEADER_SIZE)
		return csn_fail(f->ctx, CSN_E_BUFFER, "keystore",
		    "a keystore's file has %d bytes", CSN_KSF_HEADER_SIZE);
	*out_len = CSN_KSF_HEADER_SIZE;
	if ((rc = csn_random(f->ctx, h.salt, sizeof(h.salt))) != 0 ||
	    (rc = passphrase_key(f, &h, secret, len, key)) != 0)
		return rc;
	csn_ksf_header_write(&h, out);
	rc = csn_ks_wrap(f->ctx, key, out, CSN_KSF_HEADER_AAD, master,
	    h.master);
	csn_ksf_header_write(&h, out);
	/*
	 * A header that does not open loses every key. OpenSSL 3.5 was seen
	 * to give a wrong key, and success, where memory ran out meanwhile.
	 */
	if (rc == 0)
		rc = header_open(f, out, &h, secret, len, again);
	if (rc == CSN_E_TAG)
		rc = csn_fail(f->ctx, CSN_E_CRYPTO, "keystore",
		    "the key that Argon2id made came out wrong");
	csn_wipe(key, sizeof(key));
	csn_wipe(again, sizeof(again));
	return rc;
}

static int
file_opened(struct csn_folder *f, const uint8_t *p, size_t n,
    const void *secret, size_t len, uint8_t master[CSN_KEY_SIZE])
{
	struct csn_ksf_header h;
	int rc;

	if ((rc = csn_ksf_header_read(p, n, &h)) != 0)
		return csn_folder_fail_form(f, rc, "keystore");
	rc = header_open(f, p, &h, secret, len, master);
	if (rc == CSN_E_TAG)
		rc = csn_fail(f->ctx, CSN_E_PASSPHRASE, "keystore",
		    "the passphrase does not open the keystore in %s",
		    f->path);
	return rc;
}

static const struct csn_folder_how how = { file_make, file_opened, NULL,
    NULL };

static int
file_open(struct csn_ctx *ctx, const char *rest, const void *secret,
    size_t secret_len, void **state)
{
	if (*rest == '\0')
		return csn_fail(ctx, CSN_E_ARG, "keystore",
		    "name the keystore's folder: file:/path/of/folder");
	return csn_folder_open(ctx, rest, &how, NULL, secret, secret_len,
	    state);
}

static int
file_open_in(struct csn_ctx *ctx, const char *rest, const char *folder,
    const void *secret, size_t secret_len, void **state)
{
	return file_open(ctx, *rest == '\0' ? folder : rest, secret,
	    secret_len, state);
}

const struct csn_keystore_provider csn_keystore_file = {
	.abi = CSN_KEYSTORE_ABI,
	.name = "file",
	.open = file_open,
	.create = csn_folder_create,
	.remove = csn_folder_remove,
	.wrap = csn_folder_wrap,
	.unwrap = csn_folder_unwrap,
	.list = csn_folder_list,
	.lock = csn_folder_lock,
	.unlock = csn_folder_unlock,
	.close = csn_folder_close,
	.change_secret = csn_folder_change,
	.open_in = file_open_in,
};
