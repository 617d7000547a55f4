/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/files.c - whole sealed files at once, for the tests. */
#include "base/cursor.h"
#include "lib/test.h"
#include "seal/files.h"

static int
collect(void *arg, const uint8_t *p, size_t len)
{
	csn_put_bytes(arg, p, len);
	return csn_out_ok(arg) ? 0 : CSN_E_NOMEM;
}

struct csn_document *
files_document(struct csn_ctx *ctx, const struct csn_identity *id)
{
	struct csn_document *doc;
	const uint8_t *p;
	size_t len;

	p = csn_identity_document(id, &len);
	assert_int_equal(csn_document_verify(ctx, p, len, &doc), 0);
	return doc;
}

void
files_seal(struct csn_ctx *ctx, const struct csn_identity *signer,
    const struct csn_identity *const *to, size_t n, const char *type,
    const uint8_t *data, size_t len, size_t piece, struct files_sealed *out)
{
	struct csn_document *docs[64];
	struct csn_sealer_options o = { .size = sizeof(o),
	    .segment = FILES_SEGMENT, .signer = signer,
	    .recipients = (const struct csn_document *const *)docs,
	    .nrecipients = n, .content_type = type };
	struct csn_sealer *sealer;
	struct csn_out w;
	size_t i, k;

	for (i = 0; i < n; i++)
		docs[i] = files_document(ctx, to[i]);
	csn_out_init(&w);
	assert_int_equal(csn_sealer_new(ctx, &o, &sealer), 0);
	for (i = 0; i < len; i += k) {
		k = len - i < piece ? len - i : piece;
		assert_int_equal(csn_sealer_update(sealer, data + i, k,
		    collect, &w), 0);
	}
	assert_int_equal(csn_sealer_final(sealer, collect, &w), 0);
	assert_int_equal(csn_sealer_final(sealer, collect, &w), CSN_E_ARG);
	csn_sealer_free(sealer);
	for (i = 0; i < n; i++)
		csn_document_free(docs[i]);
	out->p = w.p;
	out->len = w.len;
	files_parts(out);
}

void
files_parts(struct files_sealed *out)
{
	struct csn_reader r;
	uint32_t head = 0;

	csn_reader_init(&r, out->p, out->len);
	assert_memory_equal(csn_read_view(&r, 5), "CSNF\1", 5);
	(void)csn_read_view(&r, csn_read_u32(&r));
	out->header = 9;
	for (out->n = 0; (head & 0x80000000u) == 0; out->n++) {
		assert_true(out->n < FILES_MOST);
		out->at[out->n] = out->len - r.left;
		head = csn_read_u32(&r);
		(void)csn_read_view(&r, (head & 0x7fffffffu) + 16);
	}
	out->at[out->n] = out->len - r.left;
	(void)csn_read_view(&r, csn_read_u32(&r));
	assert_true(csn_reader_done(&r));
}

void
files_free(struct files_sealed *sealed)
{
	free(sealed->p);
}

int
files_open(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len, size_t piece,
    struct files_opened *out)
{
	struct csn_opener *opener;
	struct csn_out w;
	size_t i, k;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	csn_out_init(&w);
	assert_int_equal(csn_opener_new(ctx, id, trust, NULL, &opener), 0);
	assert_null(csn_opener_signer(opener));
	assert_null(csn_opener_content_type(opener));
	for (i = 0; i < len && rc == 0; i += k) {
		k = len - i < piece ? len - i : piece;
		rc = csn_opener_update(opener, p + i, k, collect, &w);
	}
	out->provisional = w.len;
	if (rc == 0)
		rc = csn_opener_final(opener, collect, &w);
	if (rc != 0) {
		/* The same again, and nothing more comes out. */
		k = w.len;
		assert_int_equal(csn_opener_update(opener, p, len, collect,
		    &w), rc);
		assert_int_equal(csn_opener_final(opener, collect, &w), rc);
		assert_int_equal(w.len, k);
	} else {
		(void)snprintf(out->signer, sizeof(out->signer), "%s",
		    csn_opener_signer(opener));
		(void)snprintf(out->type, sizeof(out->type), "%s",
		    csn_opener_content_type(opener));
	}
	csn_opener_free(opener);
	out->p = w.p;
	out->len = w.len;
	return rc;
}

void
files_wipe(struct files_opened *opened)
{
	free(opened->p);
}

int
files_refused(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len,
    const uint8_t *data, size_t data_len)
{
	struct files_opened opened;
	int rc;

	rc = files_open(ctx, id, trust, p, len, 1000, &opened);
	if (rc == 0)
		fail_msg("a changed file opened");
	assert_true(opened.len < data_len || data_len == 0);
	if (opened.len != 0)
		assert_memory_equal(opened.p, data, opened.len);
	files_wipe(&opened);
	return rc;
}
