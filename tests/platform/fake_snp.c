/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_snp.c - a made-up AMD processor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/fake_snp.h"

#define AMD "1.3.6.1.4.1.3704.1"
#define SIGNED 0x2a0
#define FIELD 48
#define NUMBER 72

static const char *const products[] = { "", "Milan", "Genoa", "Turin" };

struct fake_snp {
	struct fake_snp_options o;
	struct fake_cert *ark, *ask, *leaf;
	uint8_t chip_id[64];
};

/* An INTEGER of 0 to 255 in DER. */
static size_t
der_integer(uint8_t v, uint8_t out[4])
{
	size_t n = 0;

	out[n++] = 0x02;
	out[n++] = v >= 0x80 ? 2 : 1;
	if (v >= 0x80)
		out[n++] = 0;
	out[n++] = v;
	return n;
}

/* ext with one changed; how many there are then. */
static size_t
swap(struct fake_extension *ext, size_t n, const struct fake_extension *one)
{
	size_t i;

	if (one == NULL)
		return n;
	for (i = 0; i < n && strcmp(ext[i].oid, one->oid) != 0; i++)
		;
	if (one->p != NULL) {
		ext[i] = *one;
		return i == n ? n + 1 : n;
	}
	if (i < n)
		memmove(&ext[i], &ext[i + 1], (n - i - 1) * sizeof(*ext));
	return i < n ? n - 1 : n;
}

static struct fake_cert *
make_leaf(const struct fake_snp *s, const struct fake_cert *same_key)
{
	static const char *const oids[] = {
		AMD ".3.9", AMD ".3.1", AMD ".3.2", AMD ".3.3", AMD ".3.8"
	};
	static const uint8_t csp[] = {
		0x16, 0x0a, 'C', 'N', '=', 'e', 'x', 'a', 'm', 'p', 'l', 'e'
	};
	const char *product = products[s->o.product];
	uint8_t name[16], numbers[5][4];
	struct fake_extension ext[9];
	struct fake_cert_options o = {
		.name = s->o.vlek ? "SEV-VLEK" : "SEV-VCEK",
		.key = FAKE_P384, .issuer = s->ask,
		.from = s->o.leaf_from, .until = s->o.leaf_until,
		.same_key = same_key, .ca = s->o.leaf_ca, .extensions = ext
	};
	size_t n = 0, i;

	name[0] = 0x16;
	name[1] = (uint8_t)strlen(product);
	memcpy(name + 2, product, strlen(product));
	ext[n++] = (struct fake_extension){ AMD ".2", name,
	    2 + strlen(product) };
	for (i = s->o.product == FAKE_TURIN ? 0 : 1; i < 5; i++)
		ext[n++] = (struct fake_extension){ oids[i], numbers[i],
		    der_integer(s->o.tcb[i], numbers[i]) };
	if (s->o.vlek)
		ext[n++] = (struct fake_extension){ AMD ".5", csp,
		    sizeof(csp) };
	else
		ext[n++] = (struct fake_extension){ AMD ".4", s->chip_id,
		    s->o.product == FAKE_TURIN ? 8 : 64 };
	o.nextensions = swap(ext, n, s->o.swap);
	return fake_cert_new(&o);
}

struct fake_bytes
fake_snp_renewed(const struct fake_snp *s, const char *from,
    const char *until)
{
	struct fake_snp other = *s;
	struct fake_bytes b = { NULL, 0 };
	struct fake_cert *cert;

	other.o.leaf_from = from;
	other.o.leaf_until = until;
	cert = make_leaf(&other, s->leaf);
	fake_put_pem(&b, cert);
	fake_cert_free(cert);
	return b;
}

struct fake_snp *
fake_snp_new(const struct fake_snp_options *options)
{
	static const uint8_t tcb[5] = { 3, 4, 5, 6, 7 }, none[5];
	struct fake_cert_options o = { .ca = 1 };
	struct fake_snp *s = calloc(1, sizeof(*s));
	char name[32];
	size_t i;

	if (s == NULL)
		abort();
	if (options != NULL)
		s->o = *options;
	if (s->o.product == 0)
		s->o.product = FAKE_GENOA;
	if (memcmp(s->o.tcb, none, sizeof(none)) == 0)
		memcpy(s->o.tcb, tcb, sizeof(tcb));
	for (i = 0; i < (s->o.product == FAKE_TURIN ? 8 : 64); i++)
		s->chip_id[i] = (uint8_t)(0xc0 + i);
	o.key = s->o.rsa ? FAKE_RSA : FAKE_P384;
	snprintf(name, sizeof(name), "ARK-%s", products[s->o.product]);
	o.name = s->o.root_name != NULL ? s->o.root_name : name;
	s->ark = fake_cert_new(&o);
	o.issuer = s->ark;
	snprintf(name, sizeof(name), s->o.vlek ? "SEV-VLEK-%s" : "SEV-%s",
	    products[s->o.product]);
	s->ask = fake_cert_new(&o);
	s->leaf = make_leaf(s, NULL);
	return s;
}

void
fake_snp_free(struct fake_snp *s)
{
	if (s == NULL)
		return;
	fake_cert_free(s->ark);
	fake_cert_free(s->ask);
	fake_cert_free(s->leaf);
	free(s);
}

static void
put_tcb(const struct fake_snp *s, uint8_t *p)
{
	const uint8_t *tcb = s->o.tcb;

	if (s->o.product == FAKE_TURIN) {
		memcpy(p, tcb, 4);
	} else {
		p[0] = tcb[1];
		p[1] = tcb[2];
		p[6] = tcb[3];
	}
	p[7] = tcb[4];
}

void
fake_snp_sign(const struct fake_snp *s, uint8_t report[FAKE_SNP_REPORT])
{
	uint8_t rs[2 * FIELD];
	size_t i;

	fake_ecdsa(s->leaf, report, SIGNED, rs);
	memset(report + SIGNED, 0, FAKE_SNP_REPORT - SIGNED);
	for (i = 0; i < FIELD; i++) {
		report[SIGNED + i] = rs[FIELD - 1 - i];
		report[SIGNED + NUMBER + i] = rs[2 * FIELD - 1 - i];
	}
}

void
fake_snp_report(const struct fake_snp *s, uint32_t version,
    const uint8_t data[64], uint8_t out[FAKE_SNP_REPORT])
{
	static const uint8_t cpu[][3] = {
		{ 0, 0, 0 }, { 0x19, 0x01, 0x01 }, { 0x19, 0x11, 0x01 },
		{ 0x1a, 0x02, 0x01 }
	};

	memset(out, 0, FAKE_SNP_REPORT);
	fake_le(out, version, 4);
	fake_le(out + 0x04, 2, 4);		/* guest SVN */
	fake_le(out + 0x08, 0x30000, 8);	/* policy: SMT, the set bit */
	memset(out + 0x10, 0x11, 16);		/* family id */
	memset(out + 0x20, 0x22, 16);		/* image id */
	fake_le(out + 0x34, 1, 4);		/* ECDSA P-384, SHA-384 */
	put_tcb(s, out + 0x38);
	out[0x48] = s->o.vlek ? 1 << 2 : 0;
	if (data != NULL)
		memcpy(out + 0x50, data, 64);
	memset(out + 0x90, 0x4d, 48);		/* measurement */
	memset(out + 0xc0, 0x48, 32);		/* host data */
	put_tcb(s, out + 0x180);
	if (version >= 3)
		memcpy(out + 0x188, cpu[s->o.product], 3);
	if (!s->o.vlek)
		memcpy(out + 0x1a0, s->chip_id, 64);
	put_tcb(s, out + 0x1e0);
	put_tcb(s, out + 0x1f0);
	if (version >= 5) {
		fake_le(out + 0x1f8, 0x1, 8);	/* mitigations at launch */
		fake_le(out + 0x200, 0x3, 8);	/* and now */
	}
	fake_snp_sign(s, out);
}

struct fake_bytes
fake_snp_certs(const struct fake_snp *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, s->leaf);
	fake_put_pem(&b, s->ask);
	fake_put_pem(&b, s->ark);
	return b;
}

struct fake_bytes
fake_snp_root(const struct fake_snp *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, s->ark);
	return b;
}

struct fake_bytes
fake_snp_table(const struct fake_snp *s)
{
	static const uint8_t guids[4][16] = {
		{ 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5,
		  0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd },
		{ 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6,
		  0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
		{ 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f,
		  0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 },
		{ 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43,
		  0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae },
	};
	const struct fake_cert *certs[] = { s->leaf, s->ask, s->ark };
	struct fake_bytes body = { NULL, 0 }, b = { NULL, 0 };
	uint8_t entry[24];
	size_t i, at;

	for (i = 0; i < 3; i++) {
		at = body.len;
		fake_put_der(&body, certs[i]);
		memcpy(entry, i == 0 ? guids[s->o.vlek ? 1 : 0] :
		    guids[i + 1], 16);
		fake_le(entry + 16, sizeof(entry) * 4 + at, 4);
		fake_le(entry + 20, body.len - at, 4);
		fake_put(&b, entry, sizeof(entry));
	}
	memset(entry, 0, sizeof(entry));
	fake_put(&b, entry, sizeof(entry));
	fake_put(&b, body.p, body.len);
	free(body.p);
	return b;
}

struct fake_bytes
fake_snp_crl(const struct fake_snp *s, int revoked, const char *from,
    const char *until)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_crl(&b, s->ark, revoked ? s->ask : NULL, from, until);
	return b;
}
