/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/files.h - whole sealed files at once, for the tests. */
#ifndef CAISSON_TESTS_SEAL_FILES_H
#define CAISSON_TESTS_SEAL_FILES_H

#include <caisson/seal.h>

#include "base/cursor.h"

#define FILES_SEGMENT 4096u
#define FILES_MOST 16		/* segments of a file */

/* A sealed file and where its parts lie. */
struct files_sealed {
	uint8_t *p;
	size_t len;
	int tags;		/* 1: signed over tags, without a table */
	size_t header;		/* where the COSE front begins: 9 */
	size_t n;		/* segments */
	size_t at[FILES_MOST + 1];	/* each one's head, then the table */
	size_t foot;		/* the four bytes before it */
};

/* The recipient's own document, verified; csn_document_free. */
struct csn_document *files_document(struct csn_ctx *ctx,
    const struct csn_identity *id);

/* Seal data from signer to n identities; fed in pieces of `piece` bytes. */
void files_seal(struct csn_ctx *ctx, const struct csn_identity *signer,
    const struct csn_identity *const *to, size_t n, const char *type,
    const uint8_t *data, size_t len, size_t piece, struct files_sealed *out);
/* Find the parts of out->p, out->len. */
void files_parts(struct files_sealed *out);
void files_free(struct files_sealed *sealed);

/* What came out of an opener before it was done, and after. */
struct files_opened {
	uint8_t *p;
	size_t len;
	size_t provisional;	/* bytes that came before final */
	char signer[CSN_DID_SIZE];
	char type[129];
};

/*
 * Feed p in pieces; what came out is in out (files_wipe). The error. Read at
 * hand the same opens, and the same is refused.
 */
int files_open(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len, size_t piece,
    struct files_opened *out);
/* Open p front and foot first, and verify it; out is the caller's. */
int files_at_hand(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len,
    struct csn_out *out);
void files_wipe(struct files_opened *opened);

/*
 * The error of opening, where nothing may come out but a true beginning of
 * data.
 */
int files_refused(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len,
    const uint8_t *data, size_t data_len);

#endif
