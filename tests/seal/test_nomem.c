/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_nomem.c - each allocation of streams and sealed files fails once:
 * told, nothing leaked, and no byte of plaintext that was not verified.
 */
#include "identity/people.h"
#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"
#include "seal/files.h"
#include "seal/streams.h"

#define LEN 9000u

static struct csn_ctx *ctx;
static struct csn_session *session;
static struct csn_identity *sealer, *reader;
static struct csn_document *document;
static struct csn_trust *trust;
static struct files_sealed sealed;
static uint8_t *data;

struct written {
	uint8_t p[3 * LEN];
	size_t len;
};

static int
collect(void *arg, const uint8_t *p, size_t len)
{
	struct written *w = arg;

	if (len > sizeof(w->p) - w->len)
		return CSN_E_ARG;
	memcpy(w->p + w->len, p, len);
	w->len += len;
	return 0;
}

static int
sealing(void)
{
	static struct written w;
	const struct csn_document *to[] = { document };
	const struct csn_sealer_options o = { .size = sizeof(o),
	    .segment = FILES_SEGMENT, .signer = sealer, .recipients = to,
	    .nrecipients = 1, .content_type = "text/plain" };
	struct csn_sealer *s = NULL;
	int rc;

	w.len = 0;
	if ((rc = csn_sealer_new(ctx, &o, &s)) == 0)
		rc = csn_sealer_update(s, data, LEN, collect, &w);
	if (rc == 0)
		rc = csn_sealer_final(s, collect, &w);
	csn_sealer_free(s);
	return rc;
}

static int
opening(void)
{
	static struct written w;
	struct csn_opener *o = NULL;
	int rc;

	w.len = 0;
	if ((rc = csn_opener_new(ctx, reader, trust, NULL, &o)) == 0)
		rc = csn_opener_update(o, sealed.p, sealed.len, collect, &w);
	if (rc == 0)
		rc = csn_opener_final(o, collect, &w);
	csn_opener_free(o);
	if (w.len > LEN || memcmp(w.p, data, w.len) != 0 ||
	    (rc == 0 && w.len != LEN))
		return CSN_E_ARG;
	return rc;
}

static int
streaming(void)
{
	static uint8_t in[STREAMS_SEGMENT], out[STREAMS_SEGMENT + 16];
	uint8_t header[CSN_SEAL_HEADER];
	struct csn_stream *s = NULL, *o = NULL;
	int rc;

	rc = csn_stream_sealer_new(session, STREAMS_SEGMENT, NULL, header, &s);
	if (rc == 0)
		rc = csn_stream_push(s, data, 100, 1, out);
	if (rc == 0)
		rc = csn_stream_opener_new(session, header, NULL, &o);
	if (rc == 0)
		rc = csn_stream_pull(o, out, 116, 1, in);
	if (rc == 0 && memcmp(in, data, 100) != 0)
		rc = CSN_E_ARG;
	csn_stream_free(s);
	csn_stream_free(o);
	return rc;
}

TEST(each_allocation_fails_once)
{
	int i;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocator here");
	/* A stream has keys of its own, and a context keeps 256 expanded. */
	for (i = 0; i < 300; i++)
		assert_int_equal(streaming(), 0);
	nomem_each("sealing a file", sealing, 0);
	nomem_each("opening it", opening, 0);
	nomem_each("a stream", streaming, 0);
}

BEFORE_ALL
{
	const struct csn_identity *to[1];

	ctx = people_ctx();
	session = streams_session(ctx, "acme", CSN_REPLAY_STORE);
	sealer = people_quick(ctx, 1, "sealer");
	reader = people_quick(ctx, 2, "reader");
	document = files_document(ctx, reader);
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, sealer, CSN_PURPOSE_SEALER);
	data = streams_data(LEN);
	to[0] = reader;
	files_seal(ctx, sealer, to, 1, "text/plain", data, LEN, LEN, &sealed);
}

AFTER_ALL
{
	files_free(&sealed);
	free(data);
	csn_document_free(document);
	csn_trust_free(trust);
	csn_identity_free(sealer);
	csn_identity_free(reader);
	csn_session_free(session);
	csn_ctx_free(ctx);
}
