/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_identity_file.c - an identity's folder: an input is edits of each of
 * its three files. What loads has keys and a document that belong together.
 */
#include "base/alloc.h"
#include "crypto/crypto.h"
#include "edit.h"
#include "folder.h"
#include "people.h"

#define FILES 3
#define ROOM 16384

static uint8_t *bytes[FILES];
static size_t lens[FILES];

static void
finish(void)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		csn_free(bytes[i]);
	bytes[0] = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	struct csn_identity *id;
	char *pem;

	if (bytes[0] != NULL)
		return;
	id = fuzz_identity(ctx);
	must(csn_sign_to_pem(ctx, id->sign, 1, NULL, 0, &pem));
	bytes[0] = (uint8_t *)pem;
	lens[0] = strlen(pem);
	must(csn_kem_to_pem(ctx, id->kem, 1, NULL, 0, &pem));
	bytes[1] = (uint8_t *)pem;
	lens[1] = strlen(pem);
	check((bytes[2] = csn_memdup(id->bytes, id->len)) != NULL);
	lens[2] = id->len;
	csn_identity_free(id);
	check(atexit(finish) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[FILES] = {
		"id/sign.pem", "id/kem.pem", "id/identity.cose"
	};
	static uint8_t room[ROOM];
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_identity *id = NULL;
	const char *folder = fuzz_path("id");
	struct csn_reader r;
	int changed = 0, rc;
	size_t i, n;

	start(ctx);
	check(mkdir(folder, 0700) == 0 || access(folder, F_OK) == 0);
	csn_reader_init(&r, data, len);
	for (i = 0; i < FILES; i++) {
		memcpy(room, bytes[i], n = lens[i]);
		changed |= fuzz_edit(&r, room, &n, sizeof(room));
		(void)fuzz_file(names[i], room, n);
	}
	rc = csn_identity_load(ctx, folder, NULL, 0, &id);
	check(changed || rc == 0);
	if (rc != 0) {
		check(id == NULL);
		check(rc == CSN_E_FORM || rc == CSN_E_SIGNER ||
		    rc == CSN_E_ALGORITHM || rc == CSN_E_PASSPHRASE ||
		    rc == CSN_E_LIMIT || rc == CSN_E_SIGNATURE ||
		    rc == CSN_E_POLICY || rc == CSN_E_VERSION);
		return 0;
	}
	check(csn_did_matches(ctx, csn_identity_did(id),
	    csn_identity_sign_key(id)));
	csn_identity_free(id);
	return 0;
}
