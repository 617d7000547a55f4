/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_tpm.c - a made-up TPM 2.0. */
#include <stdlib.h>
#include <string.h>

#include "platform/fake_tpm.h"

struct fake_tpm {
	enum fake_key kind;
	struct fake_cert *root;
	struct fake_cert *ak;
};

struct fake_tpm *
fake_tpm_new(enum fake_key key, int usage)
{
	/* SEQUENCE { 2.23.133.8.3 }, and that of a web server. */
	static const uint8_t quotes[] = {
		0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03
	};
	static const uint8_t part[] = {
		0x30, 0x06, 0x06, 0x04, 0x67, 0x81, 0x05, 0x08
	};
	static const uint8_t web[] = {
		0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07,
		0x03, 0x01
	};
	const struct fake_extension use = {
		"2.5.29.37", usage == 1 ? quotes : usage == 2 ? part : web,
		usage == 1 ? sizeof(quotes) : usage == 2 ? sizeof(part) :
		sizeof(web)
	};
	struct fake_cert_options o = {
		.name = "TPM CA", .key = FAKE_P384, .ca = 1
	};
	struct fake_tpm *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->kind = key;
	t->root = fake_cert_new(&o);
	o = (struct fake_cert_options){
		.name = "attestation key", .key = key, .issuer = t->root,
		.extensions = &use, .nextensions = 1
	};
	t->ak = fake_cert_new(&o);
	return t;
}

void
fake_tpm_free(struct fake_tpm *t)
{
	if (t == NULL)
		return;
	fake_cert_free(t->ak);
	fake_cert_free(t->root);
	free(t);
}

static void
put_be(struct fake_bytes *b, uint64_t v, size_t bytes)
{
	uint8_t p[8];
	size_t i;

	for (i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	fake_put(b, p, bytes);
}

/* A TPM2B. */
static void
put_sized(struct fake_bytes *b, const void *p, size_t len)
{
	put_be(b, len, 2);
	fake_put(b, p, len);
}

void
fake_tpm_defaults(const struct fake_tpm *t, struct fake_tpm_quote *q,
    const uint8_t *nonce, size_t nonce_len)
{
	memset(q, 0, sizeof(*q));
	q->magic = 0xff544347;
	q->type = 0x8018;
	q->nonce = nonce;
	q->nonce_len = nonce_len;
	q->bank = FAKE_TPM_SHA256;
	q->pcrs = 1 | 1 << 7 | 1 << 23;
	q->scheme = t->kind == FAKE_RSA ? FAKE_TPM_RSASSA : FAKE_TPM_ECDSA;
	q->hash = FAKE_TPM_SHA256;
}

static void
put_values(struct fake_bytes *b, const struct fake_tpm_quote *q, int wrong)
{
	size_t size = q->bank == FAKE_TPM_SHA384 ? 48 :
	    q->bank == FAKE_TPM_SHA256 ? 32 : 20;
	uint8_t value[48];
	int i;

	for (i = 0; i < 24; i++) {
		if ((q->pcrs >> i & 1) == 0)
			continue;
		memset(value, i, sizeof(value));
		value[0] ^= (uint8_t)(wrong != 0);
		fake_put(b, value, size);
	}
}

static void
put_selection(struct fake_bytes *b, const struct fake_tpm_quote *q)
{
	uint8_t bits[8] = { 0 };
	size_t n = 3 + (size_t)q->wide;

	fake_le(bits, q->pcrs, 4);
	put_be(b, q->bank, 2);
	put_be(b, n, 1);
	fake_put(b, bits, n);
}

static struct fake_bytes
attest(const struct fake_tpm_quote *q)
{
	static const uint8_t name[34] = { 0x00, 0x0b, 0x55 };
	struct fake_bytes b = { NULL, 0 }, values = { NULL, 0 };
	uint8_t digest[48];
	int i;

	put_be(&b, q->magic, 4);
	put_be(&b, q->type, 2);
	put_sized(&b, name, sizeof(name));
	put_sized(&b, q->nonce, q->nonce_len);
	put_be(&b, 86400000, 8);
	put_be(&b, 12, 4);
	put_be(&b, 3, 4);
	put_be(&b, q->unsafe ? 0 : 1, 1);
	put_be(&b, 0x0007000200030004, 8);
	put_be(&b, (uint64_t)(q->bank_twice ? 2 : 1 + q->more_banks), 4);
	for (i = 0; i < q->more_banks; i++) {
		put_be(&b, 0x0100 + (uint64_t)i, 2);
		put_be(&b, 0, 1);
	}
	put_selection(&b, q);
	if (q->bank_twice)
		put_selection(&b, q);
	put_values(&values, q, 0);
	fake_hash(q->hash == FAKE_TPM_SHA384 ? "SHA384" : "SHA256", values.p,
	    values.len, digest);
	put_sized(&b, digest, q->hash == FAKE_TPM_SHA384 ? 48 : 32);
	free(values.p);
	return b;
}

struct fake_bytes
fake_tpm_evidence(const struct fake_tpm *t, const struct fake_tpm_quote *q)
{
	struct fake_bytes b = { NULL, 0 }, values = { NULL, 0 };
	struct fake_bytes signature = { NULL, 0 }, raw = { NULL, 0 };
	struct fake_bytes signed_part = attest(q);

	fake_sign(&raw, t->ak, q->hash == FAKE_TPM_SHA384 ? "SHA384" :
	    "SHA256", q->scheme == FAKE_TPM_RSAPSS, signed_part.p,
	    signed_part.len);
	put_be(&signature, q->scheme, 2);
	put_be(&signature, q->hash, 2);
	if (t->kind == FAKE_RSA) {
		put_sized(&signature, raw.p, raw.len);
	} else {
		put_sized(&signature, raw.p, raw.len / 2);
		put_sized(&signature, raw.p + raw.len / 2, raw.len / 2);
	}
	put_values(&values, q, q->other_pcr);
	put_sized(&b, signed_part.p, signed_part.len);
	put_sized(&b, signature.p, signature.len);
	if (!q->no_values)
		put_sized(&b, values.p, values.len);
	free(values.p);
	free(signature.p);
	free(raw.p);
	free(signed_part.p);
	return b;
}

struct fake_bytes
fake_tpm_key(const struct fake_tpm *t)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_public(&b, t->ak);
	return b;
}

struct fake_bytes
fake_tpm_cert(const struct fake_tpm *t)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, t->ak);
	return b;
}

struct fake_bytes
fake_tpm_root(const struct fake_tpm *t)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, t->root);
	return b;
}

struct fake_bytes
fake_tpm_crl(const struct fake_tpm *t, int revoked)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_crl(&b, t->root, revoked ? t->ak : NULL, NULL, NULL);
	return b;
}

struct fake_bytes
fake_tpm_policy(const char *kind, struct fake_bytes pem, const char *members)
{
	struct fake_bytes b = { NULL, 0 };
	size_t i;

	fake_put_text(&b, "{\"platform\":{\"tpm2\":{%s\"%s\":\"", members,
	    kind);
	for (i = 0; i < pem.len; i++)
		fake_put_text(&b, pem.p[i] == '\n' ? "\\n" : "%c", pem.p[i]);
	fake_put_text(&b, "\"}}}");
	free(pem.p);
	return b;
}
