/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_pki.c - keys, certificates and CRLs, made up. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "platform/fake_pki.h"

struct fake_cert {
	X509 *x;
	EVP_PKEY *key;
	enum fake_key kind;
};

static void
need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cannot make %s\n", what);
	abort();
}

void
fake_put(struct fake_bytes *b, const void *p, size_t len)
{
	uint8_t *more = realloc(b->p, b->len + len + 1);

	need(more != NULL, "room");
	if (len > 0)
		memcpy(more + b->len, p, len);
	b->p = more;
	b->len += len;
	b->p[b->len] = '\0';
}

void
fake_put_text(struct fake_bytes *b, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	need(n >= 0, "text");
	fake_put(b, text, (size_t)n);
	free(text);
}

void
fake_put_hex(struct fake_bytes *b, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fake_put_text(b, "%02x", p[i]);
}

void
fake_le(uint8_t *p, uint64_t v, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static EVP_PKEY *
new_key(enum fake_key kind)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case FAKE_P256:
		key = EVP_EC_gen("P-256");
		break;
	case FAKE_P384:
		key = EVP_EC_gen("P-384");
		break;
	case FAKE_RSA:
		key = EVP_RSA_gen(3072);
		break;
	case FAKE_RSA_WEAK:
		key = EVP_RSA_gen(1024);
		break;
	}
	need(key != NULL, "a key");
	return key;
}

static int
is_rsa(const struct fake_cert *c)
{
	return c->kind == FAKE_RSA || c->kind == FAKE_RSA_WEAK;
}

/* Ready to sign a certificate or a CRL with that hash. */
static EVP_MD_CTX *
signer_with(const struct fake_cert *c, const char *hash)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;

	need(md != NULL && EVP_DigestSignInit_ex(md, &p, hash, NULL, NULL,
	    c->key, NULL) == 1, "a signer");
	if (is_rsa(c))
		need(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_DIGEST) == 1, "a PSS signer");
	return md;
}

/* As the vendors do. */
static EVP_MD_CTX *
signer(const struct fake_cert *c)
{
	return signer_with(c, c->kind == FAKE_P256 ? "SHA256" : "SHA384");
}

static void
add_extension(X509 *x, const char *oid, int critical, const uint8_t *p,
    size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 0);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	need(object != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, p, (int)len) == 1, "an extension");
	ext = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
	need(ext != NULL && X509_add_ext(x, ext, -1) == 1, "an extension");
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static void
set_time(ASN1_TIME *t, const char *text, const char *otherwise)
{
	need(ASN1_TIME_set_string_X509(t, text != NULL ? text :
	    otherwise) == 1, "a time");
}

static void
set_name(X509_NAME *name, const char *text)
{
	need(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const uint8_t *)"Caisson tests", -1, -1, 0) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const uint8_t *)text, -1, -1, 0) == 1, "a name");
}

static void
add_purpose(X509 *x, const struct fake_cert_options *o)
{
	static const uint8_t is_ca[] = { 0x30, 0x03, 0x01, 0x01, 0xff };
	static const uint8_t no_ca[] = { 0x30, 0x00 };
	uint8_t bounded[] = { 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01,
	    (uint8_t)(o->path - 1) };
	uint8_t usage[] = { 0x03, 0x02, 0x01, o->usage };

	if (o->ca && o->path > 0)
		add_extension(x, "basicConstraints", 1, bounded,
		    sizeof(bounded));
	else if (!o->no_constraints)
		add_extension(x, "basicConstraints", 1, o->ca ? is_ca :
		    no_ca, o->ca ? sizeof(is_ca) : sizeof(no_ca));
	if (o->ca && o->usage == 0)
		usage[3] = FAKE_SIGNS_CERTS | FAKE_SIGNS_CRLS;
	/* As many unused bits as DER counts. */
	if (usage[3] == FAKE_SIGNS_CERTS)
		usage[2] = 2;
	if (usage[3] != 0)
		add_extension(x, "keyUsage", 1, usage, sizeof(usage));
}

struct fake_cert *
fake_cert_new(const struct fake_cert_options *o)
{
	static long serial = 1000;
	struct fake_cert *c = calloc(1, sizeof(*c));
	const struct fake_cert *issuer;
	EVP_MD_CTX *md;
	size_t i;

	need(c != NULL && (c->x = X509_new()) != NULL, "a certificate");
	issuer = o->issuer != NULL ? o->issuer : c;
	c->kind = o->same_key != NULL ? o->same_key->kind : o->key;
	c->key = o->same_key != NULL ? o->same_key->key : new_key(o->key);
	need(o->same_key == NULL || EVP_PKEY_up_ref(c->key) == 1, "a key");
	set_name(X509_get_subject_name(c->x), o->name);
	set_time(X509_getm_notBefore(c->x), o->from, FAKE_FROM);
	set_time(X509_getm_notAfter(c->x), o->until, FAKE_UNTIL);
	need(X509_set_version(c->x, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(c->x), serial++) == 1 &&
	    X509_set_issuer_name(c->x,
	    X509_get_subject_name(issuer->x)) == 1 &&
	    X509_set_pubkey(c->x, c->key) == 1, "a certificate");
	add_purpose(c->x, o);
	for (i = 0; i < o->nextensions; i++)
		add_extension(c->x, o->extensions[i].oid, 0,
		    o->extensions[i].p, o->extensions[i].len);
	if (o->critical != NULL)
		add_extension(c->x, o->critical->oid, 1, o->critical->p,
		    o->critical->len);
	md = o->sha1 ? signer_with(issuer, "SHA1") : signer(issuer);
	need(X509_sign_ctx(c->x, md) > 0, "a signature");
	EVP_MD_CTX_free(md);
	return c;
}

void
fake_cert_free(struct fake_cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	free(c);
}

void
fake_put_der(struct fake_bytes *b, const struct fake_cert *c)
{
	uint8_t *der = NULL;
	int len = i2d_X509(c->x, &der);

	need(len > 0, "DER");
	fake_put(b, der, (size_t)len);
	OPENSSL_free(der);
}

void
fake_put_block(struct fake_bytes *b, const char *name, const uint8_t *der,
    size_t len)
{
	size_t at, n;
	char line[65];

	fake_put_text(b, "-----BEGIN %s-----\n", name);
	for (at = 0; at < len; at += n) {
		n = len - at < 48 ? len - at : 48;
		EVP_EncodeBlock((uint8_t *)line, der + at, (int)n);
		fake_put_text(b, "%s\n", line);
	}
	fake_put_text(b, "-----END %s-----\n", name);
}

void
fake_put_pem(struct fake_bytes *b, const struct fake_cert *c)
{
	struct fake_bytes der = { NULL, 0 };

	fake_put_der(&der, c);
	fake_put_block(b, "CERTIFICATE", der.p, der.len);
	free(der.p);
}

void
fake_put_public(struct fake_bytes *b, const struct fake_cert *c)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(c->key, &der);

	need(len > 0, "a public key");
	fake_put_block(b, "PUBLIC KEY", der, (size_t)len);
	OPENSSL_free(der);
}

static void
add_revoked(X509_CRL *crl, const struct fake_crl_options *o, ASN1_TIME *t)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();

	need(entry != NULL && why != NULL &&
	    X509_REVOKED_set_serialNumber(entry,
	    X509_get_serialNumber(o->revoked->x)) == 1 &&
	    X509_REVOKED_set_revocationDate(entry, t) == 1, "a CRL");
	if (o->taken_back)
		need(ASN1_ENUMERATED_set(why, 8) == 1 &&
		    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, why, 0,
		    0) == 1, "a reason");
	need(X509_CRL_add0_revoked(crl, entry) == 1, "a CRL");
	ASN1_ENUMERATED_free(why);
}

static void
add_crl_extension(X509_CRL *crl, const struct fake_extension *e)
{
	ASN1_OBJECT *object = OBJ_txt2obj(e->oid, 0);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	need(object != NULL && value != NULL &&
	    ASN1_OCTET_STRING_set(value, e->p, (int)e->len) == 1,
	    "an extension");
	ext = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
	need(ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1,
	    "an extension");
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

void
fake_put_crl_of(struct fake_bytes *b, const struct fake_crl_options *o)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	EVP_MD_CTX *md;
	uint8_t *der = NULL;
	int len = 0;

	need(crl != NULL && t != NULL && X509_CRL_set_version(crl, 1) == 1 &&
	    X509_CRL_set_issuer_name(crl,
	    X509_get_subject_name(o->issuer->x)) == 1, "a CRL");
	set_time(t, o->from, FAKE_FROM);
	need(X509_CRL_set1_lastUpdate(crl, t) == 1, "a CRL");
	if (o->revoked != NULL)
		add_revoked(crl, o, t);
	set_time(t, o->until, FAKE_UNTIL);
	need(o->no_until || X509_CRL_set1_nextUpdate(crl, t) == 1, "a CRL");
	if (o->critical != NULL)
		add_crl_extension(crl, o->critical);
	md = signer(o->signer != NULL ? o->signer : o->issuer);
	need(X509_CRL_sign_ctx(crl, md) > 0 &&
	    (len = i2d_X509_CRL(crl, &der)) > 0, "a CRL");
	fake_put(b, der, (size_t)len);
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
}

void
fake_put_crl(struct fake_bytes *b, const struct fake_cert *issuer,
    const struct fake_cert *revoked, const char *from, const char *until)
{
	const struct fake_crl_options o = {
		.issuer = issuer, .revoked = revoked, .from = from,
		.until = until
	};

	fake_put_crl_of(b, &o);
}

static void
split_ecdsa(const uint8_t *der, size_t der_len, int field, uint8_t *rs)
{
	const uint8_t *at = der;
	ECDSA_SIG *sig;

	need((sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len)) != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, field) == field &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + field, field) == field,
	    "a signature");
	ECDSA_SIG_free(sig);
}

void
fake_ecdsa(const struct fake_cert *c, const void *msg, size_t len,
    uint8_t *rs)
{
	EVP_MD_CTX *md = signer(c);
	uint8_t der[128];
	size_t der_len = sizeof(der);

	need(EVP_DigestSign(md, der, &der_len, msg, len) == 1,
	    "a signature");
	split_ecdsa(der, der_len, c->kind == FAKE_P256 ? 32 : 48, rs);
	EVP_MD_CTX_free(md);
}

void
fake_sign(struct fake_bytes *b, const struct fake_cert *c, const char *hash,
    int pss, const void *msg, size_t len)
{
	int field = c->kind == FAKE_P256 ? 32 : 48;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t out[512], rs[96];
	size_t n = sizeof(out);
	EVP_PKEY_CTX *p;

	need(md != NULL && EVP_DigestSignInit_ex(md, &p, hash, NULL, NULL,
	    c->key, NULL) == 1, "a signer");
	if (pss)
		need(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING) == 1, "a PSS signer");
	need(EVP_DigestSign(md, out, &n, msg, len) == 1, "a signature");
	if (!is_rsa(c)) {
		split_ecdsa(out, n, field, rs);
		fake_put(b, rs, 2 * (size_t)field);
	} else {
		fake_put(b, out, n);
	}
	EVP_MD_CTX_free(md);
}

void
fake_point(const struct fake_cert *c, uint8_t *xy)
{
	size_t field = c->kind == FAKE_P256 ? 32 : 48, n = 0;
	uint8_t point[97];

	need(EVP_PKEY_get_octet_string_param(c->key, OSSL_PKEY_PARAM_PUB_KEY,
	    point, sizeof(point), &n) == 1 && n == 1 + 2 * field, "a point");
	memcpy(xy, point + 1, 2 * field);
}

void
fake_hash(const char *hash, const void *msg, size_t len, uint8_t *out)
{
	need(EVP_Q_digest(NULL, hash, NULL, msg, len, out, NULL) == 1,
	    "a hash");
}

void
fake_sha256(const void *msg, size_t len, uint8_t out[32])
{
	fake_hash("SHA256", msg, len, out);
}
