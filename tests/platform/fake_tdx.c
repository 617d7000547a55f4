/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_tdx.c - a made-up Intel platform. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/fake_tdx.h"

#define SVN 5			/* of every component of the platform */
#define MODULE_SVN 6
#define QE_SVN 4
#define FMSPC "00906ed50000"
#define BODY_10 584

struct fake_tdx {
	struct fake_cert *root, *ca, *leaf, *signer;
	struct fake_cert *key;	/* the attestation key; never shown */
};

/* Intel's own, which no key of ours is needed for. */
static const uint8_t qe_signer[32] = {
	0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17,
	0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03,
	0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf,
	0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5
};
static const uint8_t qe_vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07
};

/* --- what the PCK certificate says of its platform ------------------- */

static const uint8_t sgx[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
};

/* Tag, length of up to 65,535, contents; into b. */
static void
put_tlv(struct fake_bytes *b, uint8_t tag, const void *p, size_t len)
{
	uint8_t head[4] = { tag, (uint8_t)len };
	size_t n = 2;

	if (len >= 0x80) {
		n = len > 0xff ? 4 : 3;
		head[1] = len > 0xff ? 0x82 : 0x81;
		head[2] = len > 0xff ? (uint8_t)(len >> 8) : (uint8_t)len;
		head[3] = (uint8_t)len;
	}
	fake_put(b, head, n);
	fake_put(b, p, len);
}

/* SEQUENCE { OID sgx.path, the value in tlv }, and give tlv up. */
static void
put_pair(struct fake_bytes *b, const uint8_t *path, size_t npath,
    struct fake_bytes *tlv)
{
	struct fake_bytes pair = { NULL, 0 };
	uint8_t oid[sizeof(sgx) + 2];

	memcpy(oid, sgx, sizeof(sgx));
	memcpy(oid + sizeof(sgx), path, npath);
	put_tlv(&pair, 0x06, oid, sizeof(sgx) + npath);
	fake_put(&pair, tlv->p, tlv->len);
	put_tlv(b, 0x30, pair.p, pair.len);
	free(pair.p);
	free(tlv->p);
	*tlv = (struct fake_bytes){ NULL, 0 };
}

struct fake_bytes
fake_tdx_platform(void)
{
	static const uint8_t fmspc[] = { 0x00, 0x90, 0x6e, 0xd5, 0x00, 0x00 };
	static const uint8_t zero[16];
	struct fake_bytes all = { NULL, 0 }, tcb = { NULL, 0 };
	struct fake_bytes v = { NULL, 0 }, out = { NULL, 0 };
	uint8_t path[2] = { 1, 0 }, number = SVN, cpu_svn[16];

	put_tlv(&v, 0x04, zero, 16);			/* PPID */
	put_pair(&all, path, 1, &v);
	path[0] = 2;
	for (path[1] = 1; path[1] <= 17; path[1]++) {	/* the TCB */
		put_tlv(&v, 0x02, &number, 1);
		put_pair(&tcb, path, 2, &v);
	}
	memset(cpu_svn, SVN, sizeof(cpu_svn));
	put_tlv(&v, 0x04, cpu_svn, sizeof(cpu_svn));
	put_pair(&tcb, path, 2, &v);
	put_tlv(&v, 0x30, tcb.p, tcb.len);
	put_pair(&all, path, 1, &v);
	path[0] = 3;
	put_tlv(&v, 0x04, zero, 2);			/* PCE-ID */
	put_pair(&all, path, 1, &v);
	path[0] = 4;
	put_tlv(&v, 0x04, fmspc, sizeof(fmspc));
	put_pair(&all, path, 1, &v);
	path[0] = 5;
	number = 1;
	put_tlv(&v, 0x0a, &number, 1);			/* scalable */
	put_pair(&all, path, 1, &v);
	put_tlv(&out, 0x30, all.p, all.len);
	free(all.p);
	free(tcb.p);
	return out;
}

struct fake_tdx *
fake_tdx_new(void)
{
	struct fake_bytes platform = fake_tdx_platform();
	struct fake_extension ext = {
		"1.2.840.113741.1.13.1", platform.p, platform.len
	};
	struct fake_cert_options o = {
		.name = "Intel SGX Root CA", .key = FAKE_P256, .ca = 1
	};
	struct fake_tdx *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->root = fake_cert_new(&o);
	o.issuer = s->root;
	o.name = "Intel SGX PCK Platform CA";
	s->ca = fake_cert_new(&o);
	o.ca = 0;
	o.name = "Intel SGX TCB Signing";
	s->signer = fake_cert_new(&o);
	o.issuer = s->ca;
	o.name = "Intel SGX PCK Certificate";
	o.extensions = &ext;
	o.nextensions = 1;
	s->leaf = fake_cert_new(&o);
	s->key = fake_cert_new(&(struct fake_cert_options){
		.name = "attestation key", .key = FAKE_P256 });
	free(platform.p);
	return s;
}

void
fake_tdx_free(struct fake_tdx *s)
{
	if (s == NULL)
		return;
	fake_cert_free(s->root);
	fake_cert_free(s->ca);
	fake_cert_free(s->leaf);
	fake_cert_free(s->signer);
	fake_cert_free(s->key);
	free(s);
}

/* --- the quote ---------------------------------------------------- */

void
fake_tdx_defaults(struct fake_tdx_quote *q, int version,
    const uint8_t data[64])
{
	int i;

	memset(q, 0, sizeof(*q));
	q->version = version;
	q->td15 = version == 5;
	memset(q->body + FAKE_TDX_TEE_TCB_SVN, SVN, 16);
	q->body[FAKE_TDX_TEE_TCB_SVN] = MODULE_SVN;
	q->body[FAKE_TDX_TEE_TCB_SVN + 1] = 1;	/* the module's version */
	memset(q->body + 16, 0x5e, 48);		/* MRSEAM */
	q->body[FAKE_TDX_ATTRIBUTES + 3] = 0x10; /* SEPT_VE_DISABLE */
	q->body[FAKE_TDX_ATTRIBUTES + 8] = 0xe7; /* XFAM */
	memset(q->body + FAKE_TDX_MR_TD, 0x4d, 48);
	for (i = 0; i < 4; i++)
		memset(q->body + FAKE_TDX_RTMR0 + 48 * i, 0x60 + i, 48);
	if (data != NULL)
		memcpy(q->body + FAKE_TDX_DATA, data, 64);
	memcpy(q->vendor, qe_vendor, sizeof(qe_vendor));
	memset(q->qe, SVN, 16);
	q->qe[48] = 0x11;
	memcpy(q->qe + 128, qe_signer, 32);
	fake_le(q->qe + 256, 2, 2);		/* ISVPRODID */
	fake_le(q->qe + 258, QE_SVN, 2);
}

static void
put_le(struct fake_bytes *b, uint64_t v, size_t bytes)
{
	uint8_t p[8];

	fake_le(p, v, bytes);
	fake_put(b, p, bytes);
}

static void
put_signature_data(const struct fake_tdx *s, const struct fake_tdx_quote *q,
    const uint8_t *signature, struct fake_bytes *b)
{
	static const uint8_t auth[32] = { 'a', 'u', 't', 'h' };
	struct fake_bytes chain = { NULL, 0 };
	uint8_t bound[64 + sizeof(auth)], qe[FAKE_TDX_QE], qe_sig[64];

	fake_put_pem(&chain, s->leaf);
	fake_put_pem(&chain, s->ca);
	fake_put_pem(&chain, s->root);
	fake_put(&chain, "", 1);		/* as Intel's end in a NUL */
	fake_point(s->key, bound);
	memcpy(bound + 64, auth, sizeof(auth));
	memcpy(qe, q->qe, sizeof(qe));
	fake_sha256(bound, sizeof(bound), qe + 320);
	if (q->wrong_binding)
		qe[320] ^= 1;
	fake_ecdsa(s->leaf, qe, sizeof(qe), qe_sig);

	fake_put(b, signature, 64);
	fake_put(b, bound, 64);
	put_le(b, 6, 2);
	put_le(b, sizeof(qe) + 64 + 2 + sizeof(auth) + 2 + 4 + chain.len, 4);
	fake_put(b, qe, sizeof(qe));
	fake_put(b, qe_sig, sizeof(qe_sig));
	put_le(b, sizeof(auth), 2);
	fake_put(b, auth, sizeof(auth));
	put_le(b, 5, 2);
	put_le(b, chain.len, 4);
	fake_put(b, chain.p, chain.len);
	free(chain.p);
}

struct fake_bytes
fake_tdx_quote(const struct fake_tdx *s, const struct fake_tdx_quote *q)
{
	struct fake_bytes b = { NULL, 0 }, sig = { NULL, 0 };
	uint8_t header[48] = { 0 }, signature[64];
	size_t body = q->td15 ? FAKE_TDX_BODY : BODY_10;

	fake_le(header, (uint64_t)q->version, 2);
	fake_le(header + 2, 2, 2);
	fake_le(header + 4, 0x81, 4);
	memcpy(header + 12, q->vendor, sizeof(q->vendor));
	fake_put(&b, header, sizeof(header));
	if (q->version == 5) {
		put_le(&b, q->td15 ? 3 : 2, 2);
		put_le(&b, body, 4);
	}
	fake_put(&b, q->body, body);
	fake_ecdsa(s->key, b.p, b.len, signature);
	put_signature_data(s, q, signature, &sig);
	put_le(&b, sig.len, 4);
	fake_put(&b, sig.p, sig.len);
	free(sig.p);
	return b;
}

/* --- collateral ---------------------------------------------------- */

static struct fake_tdx_collateral
with_defaults(const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = { 0 };

	if (c != NULL)
		d = *c;
	d.fmspc = d.fmspc != NULL ? d.fmspc : FMSPC;
	d.issued = d.issued != NULL ? d.issued : "2020-01-01T00:00:00Z";
	d.next = d.next != NULL ? d.next : "2049-01-01T00:00:00Z";
	d.level = d.level != 0 ? d.level : SVN;
	d.status = d.status != NULL ? d.status : "UpToDate";
	d.module = d.module != 0 ? d.module : MODULE_SVN;
	d.qe_level = d.qe_level != 0 ? d.qe_level : QE_SVN;
	return d;
}

static void
put_components(struct fake_bytes *b, const char *name, int svn)
{
	int i;

	fake_put_text(b, "\"%s\":[", name);
	for (i = 0; i < 16; i++)
		fake_put_text(b, "%s{\"svn\":%d}", i > 0 ? "," : "", svn);
	fake_put_text(b, "]");
}

static void
put_level(struct fake_bytes *b, int svn, const char *status)
{
	fake_put_text(b, "{\"tcb\":{");
	put_components(b, "sgxtcbcomponents", svn);
	fake_put_text(b, ",\"pcesvn\":%d,", svn);
	put_components(b, "tdxtcbcomponents", svn);
	fake_put_text(b, "},\"tcbDate\":\"2025-01-01T00:00:00Z\","
	    "\"tcbStatus\":\"%s\"}", status);
}

static void
put_zeros(struct fake_bytes *b, size_t bytes)
{
	while (bytes-- > 0)
		fake_put_text(b, "00");
}

/* b with its first text, if any, replaced; frees b. */
static struct fake_bytes
with_other(struct fake_bytes b, const char *text, const char *other)
{
	struct fake_bytes out = { NULL, 0 };
	const char *at;

	if (text == NULL)
		return b;
	if ((at = strstr((const char *)b.p, text)) == NULL)
		abort();
	fake_put(&out, b.p, (size_t)(at - (const char *)b.p));
	fake_put_text(&out, "%s%s", other, at + strlen(text));
	free(b.p);
	return out;
}

static struct fake_bytes
tcb_info(const struct fake_tdx_collateral *c)
{
	struct fake_bytes b = { NULL, 0 };
	int i;

	fake_put_text(&b, "{\"id\":\"TDX\",\"version\":3,\"issueDate\":"
	    "\"%s\",\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",\"pceId\":"
	    "\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,",
	    c->issued, c->next, c->fmspc);
	for (i = 0; i < 2; i++) {
		fake_put_text(&b, i == 0 ? "\"tdxModule\":{\"mrsigner\":\"" :
		    "\"tdxModuleIdentities\":[{\"id\":\"TDX_01\","
		    "\"mrsigner\":\"");
		put_zeros(&b, 48);
		fake_put_text(&b, "\",\"attributes\":\"0000000000000000\","
		    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"%s",
		    i == 0 ? "}," : ",\"tcbLevels\":[");
	}
	fake_put_text(&b, "{\"tcb\":{\"isvsvn\":%d},\"tcbDate\":"
	    "\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
	    "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2020-01-01T00:00:00Z\","
	    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":"
	    "[\"INTEL-SA-00001\"]}]}],\"tcbLevels\":[", c->module);
	put_level(&b, c->level, c->status);
	fake_put_text(&b, ",");
	put_level(&b, 2, "OutOfDate");
	fake_put_text(&b, "]}");
	return with_other(b, c->tcb_text, c->tcb_other);
}

static struct fake_bytes
qe_identity(const struct fake_tdx_collateral *c)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_text(&b, "{\"id\":\"TD_QE\",\"version\":2,\"issueDate\":"
	    "\"%s\",\"nextUpdate\":\"%s\",\"tcbEvaluationDataNumber\":17,"
	    "\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
	    "\"attributes\":\"11000000000000000000000000000000\","
	    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
	    "\"mrsigner\":\"", c->issued, c->next);
	if (c->qe_signer != NULL)
		fake_put_text(&b, "%s", c->qe_signer);
	else
		fake_put_hex(&b, qe_signer, sizeof(qe_signer));
	fake_put_text(&b, "\",\"isvprodid\":2,\"tcbLevels\":[{\"tcb\":"
	    "{\"isvsvn\":%d},\"tcbDate\":\"2025-01-01T00:00:00Z\","
	    "\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":1},"
	    "\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":"
	    "\"OutOfDate\"}]}", c->qe_level);
	return with_other(b, c->qe_text, c->qe_other);
}

static void
sign(const struct fake_tdx *s, const struct fake_bytes *body, int wrong,
    uint8_t signature[64])
{
	fake_ecdsa(s->signer, body->p, body->len, signature);
	if (wrong)
		signature[63] ^= 1;
}

static struct fake_bytes
response(const struct fake_tdx *s, const char *member,
    struct fake_bytes body, int wrong)
{
	struct fake_bytes b = { NULL, 0 };
	uint8_t signature[64];

	sign(s, &body, wrong, signature);
	fake_put_text(&b, "{\"%s\":%s,\"signature\":\"", member,
	    (const char *)body.p);
	fake_put_hex(&b, signature, sizeof(signature));
	fake_put_text(&b, "\"}");
	free(body.p);
	return b;
}

struct fake_bytes
fake_tdx_tcb_info(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = with_defaults(c);

	return response(s, "tcbInfo", tcb_info(&d), d.wrong_signature == 1);
}

struct fake_bytes
fake_tdx_qe_identity(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = with_defaults(c);

	return response(s, "enclaveIdentity", qe_identity(&d),
	    d.wrong_signature == 2);
}

struct fake_bytes
fake_tdx_signers(const struct fake_tdx *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, s->signer);
	fake_put_pem(&b, s->root);
	return b;
}

struct fake_bytes
fake_tdx_pck_crl(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = with_defaults(c);
	struct fake_bytes b = { NULL, 0 };

	fake_put_crl(&b, s->ca, d.revoke_leaf ? s->leaf : NULL, NULL,
	    d.crl_until);
	return b;
}

struct fake_bytes
fake_tdx_root_crl(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = with_defaults(c);
	struct fake_bytes b = { NULL, 0 };

	fake_put_crl(&b, s->root, d.revoke_ca ? s->ca : d.revoke_signer ?
	    s->signer : NULL, NULL, NULL);
	return b;
}

/* "name":"text" with what JSON wants escaped, and give text up. */
static void
put_member(struct fake_bytes *b, const char *name, struct fake_bytes text,
    int hex)
{
	size_t i;

	fake_put_text(b, "%s\"%s\":\"", b->len > 1 ? "," : "", name);
	if (hex)
		fake_put_hex(b, text.p, text.len);
	for (i = 0; !hex && i < text.len; i++) {
		if (text.p[i] == '\n')
			fake_put_text(b, "\\n");
		else
			fake_put_text(b, text.p[i] == '"' ? "\\%c" : "%c",
			    text.p[i]);
	}
	fake_put_text(b, "\"");
	free(text.p);
}

struct fake_bytes
fake_tdx_bundle(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c)
{
	struct fake_tdx_collateral d = with_defaults(c);
	struct fake_bytes b = { NULL, 0 }, info = tcb_info(&d);
	struct fake_bytes qe = qe_identity(&d), sig = { NULL, 0 };
	uint8_t signature[64];

	fake_put_text(&b, "{");
	put_member(&b, "root_ca_crl", fake_tdx_root_crl(s, &d), 1);
	put_member(&b, "pck_crl", fake_tdx_pck_crl(s, &d), 1);
	put_member(&b, "tcb_info_issuer_chain", fake_tdx_signers(s), 0);
	sign(s, &info, d.wrong_signature == 1, signature);
	fake_put(&sig, signature, sizeof(signature));
	put_member(&b, "tcb_info", info, 0);
	put_member(&b, "tcb_info_signature", sig, 1);
	sign(s, &qe, d.wrong_signature == 2, signature);
	sig = (struct fake_bytes){ NULL, 0 };
	fake_put(&sig, signature, sizeof(signature));
	put_member(&b, "qe_identity", qe, 0);
	put_member(&b, "qe_identity_signature", sig, 1);
	fake_put_text(&b, "}");
	return b;
}

struct fake_bytes
fake_tdx_root(const struct fake_tdx *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, s->root);
	return b;
}
