/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tdx_quote.c - the TDX quote, byte by byte. */
#include <string.h>

#include "base/cursor.h"
#include "base/fail.h"
#include "base/json.h"
#include "platform/tdx.h"

#define ROOM "platform"
#define MOST_VERSION 255		/* that anybody could mean */
#define HEADER 48
#define KEY_P256 2		/* ECDSA P-256, the only type there is */
#define TEE_TDX 0x81
#define BODY_10 584
#define BODY_15 648
#define TYPE_10 2		/* version 5's types of body */
#define TYPE_15 3
#define DATA_QE_REPORT 6	/* types of certification data */
#define DATA_PCK_CHAIN 5

static int
malformed(struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_FORM, ROOM, "the TDX quote %s", what);
}

static void
read_body(struct csn_reader *r, struct csn_tdx_quote *q)
{
	int i;

	q->tee_tcb_svn = csn_read_view(r, CSN_TDX_SVNS);
	q->mr_seam = csn_read_view(r, 48);
	q->mr_signer_seam = csn_read_view(r, 48);
	q->seam_attributes = csn_read_view(r, 8);
	q->td_attributes = csn_read_view(r, 8);
	q->xfam = csn_read_view(r, 8);
	q->mr_td = csn_read_view(r, 48);
	q->mr_config_id = csn_read_view(r, 48);
	q->mr_owner = csn_read_view(r, 48);
	q->mr_owner_config = csn_read_view(r, 48);
	for (i = 0; i < 4; i++)
		q->rtmr[i] = csn_read_view(r, 48);
	q->report_data = csn_read_view(r, 64);
}

/* Header and body, and what of version 5 lies between them. */
static int
read_signed(struct csn_ctx *ctx, struct csn_reader *r,
    struct csn_tdx_quote *q)
{
	uint16_t key, type = TYPE_10;
	uint32_t tee, size = BODY_10;

	q->version = csn_read_u16(r);
	key = csn_read_u16(r);
	tee = csn_read_u32(r);
	(void)csn_read_u32(r);
	q->qe_vendor = csn_read_view(r, 16);
	(void)csn_read_view(r, HEADER - 28);
	/* A text, say. */
	if (q->version > MOST_VERSION)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "this is no TDX quote");
	if (!csn_reader_ok(r))
		return malformed(ctx, "is cut off in its header");
	if (q->version != 4 && q->version != 5)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "the TDX quote has version %u, 4 and 5 are known",
		    q->version);
	if (tee != TEE_TDX)
		return malformed(ctx, "is not one of TDX but of another TEE");
	if (key != KEY_P256)
		return malformed(ctx, "is not signed with ECDSA P-256");
	if (q->version == 5) {
		type = csn_read_u16(r);
		size = csn_read_u32(r);
	}
	if (!(type == TYPE_10 && size == BODY_10) &&
	    !(type == TYPE_15 && size == BODY_15))
		return malformed(ctx, "has a body that is not one of TDX");
	read_body(r, q);
	if (type == TYPE_15) {
		(void)csn_read_view(r, CSN_TDX_SVNS);
		q->mr_service_td = csn_read_view(r, 48);
	}
	return csn_reader_ok(r) ? 0 :
	    malformed(ctx, "is cut off in its body");
}

static void
read_qe(const uint8_t *p, struct csn_qe_report *qe)
{
	struct csn_reader r;

	csn_reader_init(&r, p, CSN_TDX_QE_REPORT);
	qe->bytes = p;
	(void)csn_read_view(&r, 16);
	qe->misc_select = csn_read_view(&r, 4);
	(void)csn_read_view(&r, 28);
	qe->attributes = csn_read_view(&r, 16);
	(void)csn_read_view(&r, 64);
	qe->mr_signer = csn_read_view(&r, 32);
	(void)csn_read_view(&r, 96);
	qe->product = csn_read_u16(&r);
	qe->svn = csn_read_u16(&r);
	(void)csn_read_view(&r, 60);
	qe->report_data = csn_read_view(&r, 64);
}

/* The signature data; it has to end where its length says. */
static int
read_signature(struct csn_ctx *ctx, struct csn_reader *r,
    struct csn_tdx_quote *q)
{
	struct csn_reader data;
	const uint8_t *qe;
	uint16_t type;
	uint32_t len;

	q->signature = csn_read_view(r, 64);
	q->key = csn_read_view(r, 64);
	type = csn_read_u16(r);
	len = csn_read_u32(r);
	if (!csn_reader_ok(r) || type != DATA_QE_REPORT || len != r->left)
		return malformed(ctx, "does not carry its Quoting Enclave's "
		    "report");
	csn_reader_init(&data, r->p, r->left);
	qe = csn_read_view(&data, CSN_TDX_QE_REPORT);
	q->qe_signature = csn_read_view(&data, 64);
	q->auth = csn_read_view16(&data, &q->auth_len);
	type = csn_read_u16(&data);
	len = csn_read_u32(&data);
	q->chain = csn_read_view(&data, len);
	q->chain_len = len;
	if (!csn_reader_done(&data) || type != DATA_PCK_CHAIN)
		return malformed(ctx, "does not carry the chain of its "
		    "platform's certificates");
	read_qe(qe, &q->qe);
	return 0;
}

int
csn_tdx_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_tdx_quote *q)
{
	struct csn_reader r, sig;
	const uint8_t *at;
	uint32_t sig_len;
	int rc;

	memset(q, 0, sizeof(*q));
	q->bytes = p;
	csn_reader_init(&r, p, len);
	if ((rc = read_signed(ctx, &r, q)) != 0)
		return rc;
	q->signed_len = len - r.left;
	sig_len = csn_read_u32(&r);
	if ((at = csn_read_view(&r, sig_len)) == NULL)
		return malformed(ctx, "is cut off in its signature");
	q->len = len - r.left;
	csn_reader_init(&sig, at, sig_len);
	return read_signature(ctx, &sig, q);
}

/* What a QE identity states, of this quote's own. */
static json_t *
qe_json(const struct csn_tdx_quote *q)
{
	const struct csn_qe_report *qe = &q->qe;
	json_t *o = json_object();

	if ((csn_json_hex(o, "vendor", q->qe_vendor, 16) |
	    csn_json_hex(o, "mrsigner", qe->mr_signer, 32) |
	    csn_json_uint(o, "isvprodid", qe->product) |
	    csn_json_uint(o, "isvsvn", qe->svn) |
	    csn_json_hex(o, "miscselect", qe->misc_select, 4) |
	    csn_json_hex(o, "attributes", qe->attributes, 16)) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/*
 * The kind of platform, for which collateral is asked, from the certificate
 * that came with the quote; null where it does not say.
 */
static int
set_platform(struct csn_ctx *ctx, const struct csn_tdx_quote *q, json_t *o)
{
	const struct csn_cert *leaf = NULL;
	struct csn_pki *pki;
	struct csn_pck pck;
	int rc, bad;

	if ((rc = csn_pki_new(ctx, &pki)) != 0)
		return rc;
	if ((rc = csn_pki_read(pki, q->chain, q->chain_len)) == 0)
		leaf = csn_tdx_leaf(pki);
	if (leaf != NULL && csn_pck_read(ctx, leaf, &pck) == 0)
		bad = csn_json_hex(o, "fmspc", pck.fmspc, sizeof(pck.fmspc)) |
		    csn_json_hex(o, "pce_id", pck.pce_id,
		    sizeof(pck.pce_id)) |
		    csn_json_uint(o, "pce_svn", pck.pce_svn) |
		    csn_json_hex(o, "sgx_tcb_svn", pck.cpu_svn,
		    sizeof(pck.cpu_svn));
	else
		bad = json_object_set_new(o, "fmspc", json_null()) |
		    json_object_set_new(o, "pce_id", json_null());
	csn_pki_free(pki);
	return rc == CSN_E_NOMEM || bad != 0 ? CSN_E_NOMEM : 0;
}

int
csn_tdx_json(struct csn_ctx *ctx, const uint8_t *p, size_t len, json_t **out)
{
	static const char *const names[] = {
		"rtmr0", "rtmr1", "rtmr2", "rtmr3"
	};
	struct csn_tdx_quote q;
	json_t *o;
	int rc, bad, i;

	if ((rc = csn_tdx_parse(ctx, p, len, &q)) != 0)
		return rc;
	o = json_object();
	bad = json_object_set_new(o, "platform", json_string("tdx")) |
	    csn_json_uint(o, "version", q.version) |
	    csn_json_hex(o, "tee_tcb_svn", q.tee_tcb_svn, CSN_TDX_SVNS) |
	    csn_json_hex(o, "mr_seam", q.mr_seam, 48) |
	    csn_json_hex(o, "td_attributes", q.td_attributes, 8) |
	    csn_json_hex(o, "xfam", q.xfam, 8) |
	    csn_json_hex(o, "mr_td", q.mr_td, 48) |
	    csn_json_hex(o, "mr_config_id", q.mr_config_id, 48) |
	    csn_json_hex(o, "mr_owner", q.mr_owner, 48) |
	    csn_json_hex(o, "mr_owner_config", q.mr_owner_config, 48) |
	    csn_json_hex(o, "report_data", q.report_data, 64);
	for (i = 0; i < 4; i++)
		bad |= csn_json_hex(o, names[i], q.rtmr[i], 48);
	if (q.mr_service_td != NULL)
		bad |= csn_json_hex(o, "mr_service_td", q.mr_service_td, 48);
	bad |= csn_json_uint(o, "qe_svn", q.qe.svn) |
	    json_object_set_new(o, "qe", qe_json(&q));
	rc = bad == 0 ? set_platform(ctx, &q, o) : CSN_E_NOMEM;
	if (rc != 0) {
		json_decref(o);
		return csn_nomem(ctx, ROOM, "showing a quote");
	}
	*out = o;
	return 0;
}
