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
	out->tags = 0;
	files_parts(out);
}

void
files_parts(struct files_sealed *out)
{
	struct csn_reader r;
	uint32_t head = 0;
	size_t foot;

	csn_reader_init(&r, out->p, out->len);
	assert_memory_equal(csn_read_view(&r, 5), "CSNF\2", 5);
	(void)csn_read_view(&r, csn_read_u32(&r));
	out->header = 9;
	for (out->n = 0; (head & 0x80000000u) == 0; out->n++) {
		assert_true(out->n < FILES_MOST);
		out->at[out->n] = out->len - r.left;
		head = csn_read_u32(&r);
		(void)csn_read_view(&r, (head & 0x7fffffffu) + 16);
	}
	out->at[out->n] = out->len - r.left;
	if (!out->tags)
		(void)csn_read_view(&r, 32 * out->n);
	out->foot = out->len - r.left;
	foot = csn_read_u32(&r);
	(void)csn_read_view(&r, foot);
	assert_int_equal(csn_read_u32(&r), foot);
	assert_memory_equal(csn_read_view(&r, 4), "CSNE", 4);
	assert_true(csn_reader_done(&r));
}

void
files_free(struct files_sealed *sealed)
{
	free(sealed->p);
}

/* The file as a source that can be read anywhere. */
static int
bytes_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct csn_reader *r = arg;

	*got = offset >= r->left ? 0 : r->left - offset < len ?
	    r->left - (size_t)offset : len;
	if (*got != 0)
		memcpy(p, r->p + offset, *got);
	return 0;
}

static int
bytes_write(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	assert_int_equal(((struct csn_out *)arg)->len, offset);
	return collect(arg, p, len);
}

int
files_at_hand(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len,
    struct csn_out *out)
{
	struct csn_reader bytes = { .p = p, .left = len };
	const struct csn_sealed_io source = { .size = sizeof(source),
	    .flags = CSN_IO_ANYWHERE, .arg = &bytes, .read = bytes_read,
	    .length = len };
	const struct csn_sealed_io sink = { .size = sizeof(sink), .arg = out,
	    .write = bytes_write };
	struct csn_sealed *sealed = NULL;
	int rc;

	if ((rc = csn_sealed_new(ctx, id, trust, NULL, &source,
	    &sealed)) == 0 &&
	    (rc = csn_sealed_run(sealed, NULL, 0, &sink)) == 0)
		rc = csn_sealed_verify(sealed, NULL);
	csn_sealed_free(sealed);
	return rc;
}

/* What came out of a failed or a finished reading is true, either way. */
static void
same_at_hand(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len, int rc,
    const struct csn_out *w)
{
	struct csn_out at_hand;
	int again;

	csn_out_init(&at_hand);
	again = files_at_hand(ctx, id, trust, p, len, &at_hand);
	if ((rc == 0) != (again == 0))
		fail_msg("as it comes: %s; at hand: %s", csn_error_name(rc),
		    csn_error_name(again));
	if (rc == 0) {
		assert_int_equal(at_hand.len, w->len);
		if (w->len != 0)
			assert_memory_equal(at_hand.p, w->p, w->len);
	}
	csn_out_wipe(&at_hand);
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
	same_at_hand(ctx, id, trust, p, len, rc, &w);
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
