/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sealed.c - readers of sealed files that are given anything: as a whole
 * file, as the payload of a front or of a foot behind no signature, and as the
 * body behind a front that is true. What opens is read the same in other
 * pieces and at hand, and a body that the sealer did not write never opens.
 */
#include "people.h"
#include "sealed.h"

#include "base/cbor.h"
#include "seal/foot.h"
#include "seal/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct csn_ctx *ctx;
static struct csn_identity *id;
static struct csn_trust *trust;
static uint8_t *file;		/* a true one, whose front is used */
static size_t file_len, front_len;

static int
count(void *arg, const uint8_t *p, size_t len)
{
	(void)p;
	*(size_t *)arg += len;
	return 0;
}

static void
begin(void)
{
	struct csn_document *doc;
	const uint8_t *p;
	size_t n;

	ctx = fuzz_ctx();
	id = fuzz_identity(ctx);
	trust = fuzz_trust(ctx, id);
	p = csn_identity_document(id, &n);
	must(csn_document_verify(ctx, p, n, &doc));
	must(csn_sealed_make(ctx, id, (const struct csn_document *const *)&doc,
	    1, "fuzz", (const uint8_t *)"plaintext", 9, &file, &file_len));
	must(csn_front_prefix(ctx, file, &front_len));
	front_len += CSN_SEALED_PREFIX;
	csn_document_free(doc);
}

/* Feed head and p in pieces; 0 where all of it held. */
static int
open_it(const uint8_t *head, size_t head_len, const uint8_t *p, size_t len,
    size_t piece, size_t *out)
{
	struct csn_opener *opener;
	size_t i, n;
	int rc;

	*out = 0;
	must(csn_opener_new(ctx, id, trust, NULL, &opener));
	rc = csn_opener_update(opener, head, head_len, count, out);
	for (i = 0; i < len && rc == 0; i += n) {
		n = len - i < piece ? len - i : piece;
		rc = csn_opener_update(opener, p + i, n, count, out);
	}
	if (rc == 0)
		rc = csn_opener_final(opener, count, out);
	csn_opener_free(opener);
	return rc;
}

/* A payload that is accepted has one form of its fixed part only. */
static void
read_payload(const uint8_t *data, size_t len)
{
	struct csn_front f;
	struct csn_foot foot;
	struct csn_out w;

	if (csn_foot_read(ctx, data, len, &foot) == 0)
		check(foot.kind >= CSN_CONTENT_TREE &&
		    foot.kind <= CSN_CONTENT_NONE);
	if (csn_front_read(ctx, data, len, &f) != 0)
		return;
	csn_out_init(&w);
	csn_front_put_fixed(&w, &f);
	if (w.len != f.fixed_len || memcmp(w.p, f.fixed, w.len) != 0)
		abort();
	csn_out_wipe(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t out, again;
	char *json;
	int rc;

	if (ctx == NULL)
		begin();
	if (csn_sealed_inspect(ctx, data, len, &json) == 0)
		csn_free(json);
	read_payload(data, len);
	rc = open_it(NULL, 0, data, len, len + 1, &out);
	if (open_it(NULL, 0, data, len, 7, &again) != rc || out != again)
		abort();
	check((fuzz_at_hand(ctx, id, trust, data, len, NULL, 0) == 0) ==
	    (rc == 0));
	if (open_it(file, front_len, data, len, len + 1, &out) == 0 &&
	    (len != file_len - front_len ||
	    memcmp(data, file + front_len, len) != 0))
		abort();
	return 0;
}
