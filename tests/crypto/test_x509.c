/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/crypto/test_x509.c - chains, CRLs and files of certificates: each
 * with one flaw, and refused for that flaw.
 */
#include <caisson/caisson.h>

#include "base/text.h"
#include "crypto/x509.h"
#include "lib/test.h"
#include "platform/fake_pki.h"

#define OID "1.3.6.1.4.1.3704.1.77"	/* an extension that nobody knows */
#define NOW "20260101000000Z"		/* FAKE_NOW_MS */

static struct csn_ctx *ctx;
static const uint8_t five[] = { 0x02, 0x01, 0x05 };
static const struct fake_extension unknown = { OID, five, sizeof(five) };
/* deltaCRLIndicator, and issuingDistributionPoint { indirectCRL }. */
static const uint8_t indirect[] = { 0x30, 0x03, 0x84, 0x01, 0xff };
static const struct fake_extension delta_crl = { "2.5.29.27", five,
    sizeof(five) };
static const struct fake_extension indirect_crl = { "2.5.29.28", indirect,
    sizeof(indirect) };

/* Which certificate has the flaw. */
enum who { LEAF, CA, ROOT };

struct chain {
	struct fake_cert *cert[3];	/* by who */
	struct csn_pki *pki, *roots, *out;
};

static struct csn_pki *
new_pki(void)
{
	struct csn_pki *pki = NULL;

	assert_int_equal(csn_pki_new(ctx, &pki), 0);
	return pki;
}

/* The certificate as DER, with its signature's last bit turned or not. */
static void
read_cert(struct csn_pki *pki, const struct fake_cert *cert, int spoil)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_der(&b, cert);
	b.p[b.len - 1] ^= (uint8_t)(spoil != 0);
	assert_int_equal(csn_pki_read(pki, b.p, b.len), 0);
	free(b.p);
}

/* A chain of three whose certificate who is made as flaw says. */
static struct chain
make(enum who who, const struct fake_cert_options *flaw, int spoil)
{
	static const char *const names[] = { "leaf", "CA", "root" };
	struct chain c = { .pki = new_pki(), .roots = new_pki(),
	    .out = new_pki() };
	struct fake_cert_options o;
	int i;

	for (i = ROOT; i >= LEAF; i--) {
		o = (struct fake_cert_options){ .ca = i != LEAF };
		if (flaw != NULL && i == (int)who)
			o = *flaw;
		o.name = names[i];
		o.issuer = i == ROOT ? NULL : c.cert[i + 1];
		if (flaw == NULL || i != (int)who || o.key == FAKE_P256)
			o.key = FAKE_P384;
		c.cert[i] = fake_cert_new(&o);
		read_cert(i == ROOT ? c.roots : c.pki, c.cert[i],
		    spoil && i == (int)who);
	}
	return c;
}

static void
free_chain(struct chain *c)
{
	int i;

	for (i = LEAF; i <= ROOT; i++)
		fake_cert_free(c->cert[i]);
	csn_pki_free(c->pki);
	csn_pki_free(c->roots);
	csn_pki_free(c->out);
}

static int
verify(struct chain *c, uint64_t at_ms)
{
	size_t last = csn_pki_count(c->pki) - 1;

	csn_pki_free(c->out);
	c->out = new_pki();
	return csn_pki_chain(c->pki, csn_pki_cert(c->pki, last), c->roots,
	    at_ms, c->out);
}

static void
expect(const char *what, int rc, int code, const char *says)
{
	if (rc != code || strstr(csn_message(), says) == NULL)
		fail_msg("%s: %s, '%s'; not %s, '%s'", what,
		    csn_error_name(rc), csn_message(),
		    csn_error_name(code), says);
}

TEST(a_good_chain_is_taken_leaf_first)
{
	struct chain c = make(LEAF, NULL, 0);

	assert_int_equal(verify(&c, FAKE_NOW_MS), 0);
	assert_int_equal(csn_pki_count(c.out), 3);
	assert_string_equal(csn_cert_name(csn_pki_cert(c.out, 0)), "leaf");
	assert_string_equal(csn_cert_name(csn_pki_cert(c.out, 2)), "root");
	free_chain(&c);
}

TEST(a_chain_with_one_flaw_is_refused_for_it)
{
	static const struct {
		const char *what;
		enum who who;
		struct fake_cert_options o;
		int spoil;
		int code;
		const char *says;
	} rows[] = {
		{ "a root whose own signature is broken", ROOT,
		    { .ca = 1 }, 1, CSN_E_SIGNER, "signature failure" },
		{ "a CA's signature", CA, { .ca = 1 }, 1, CSN_E_SIGNER,
		    "'CA' leads to no trusted root: certificate signature" },
		{ "a leaf's signature", LEAF, { .ca = 0 }, 1, CSN_E_SIGNER,
		    "'leaf' leads to no trusted root: certificate signature" },
		{ "an intermediate that is no CA", CA,
		    { .usage = FAKE_SIGNS_CERTS }, 0, CSN_E_SIGNER,
		    "invalid CA certificate" },
		{ "an intermediate that does not say", CA,
		    { .no_constraints = 1, .usage = FAKE_SIGNS_CERTS }, 0,
		    CSN_E_SIGNER, "'CA' leads to no trusted root: invalid CA" },
		{ "a root that does not say", ROOT,
		    { .no_constraints = 1, .usage = FAKE_SIGNS_CERTS }, 0,
		    CSN_E_SIGNER, "'root' is not that of a CA" },
		{ "a CA that may not sign certificates", CA,
		    { .ca = 1, .usage = FAKE_SIGNS_CRLS }, 0, CSN_E_SIGNER,
		    "invalid CA certificate" },
		{ "a root above one more CA than it allows", ROOT,
		    { .ca = 1, .path = 1 }, 0, CSN_E_SIGNER,
		    "path length" },
		{ "a weak key of the leaf", LEAF, { .key = FAKE_RSA_WEAK },
		    0, CSN_E_SIGNER, "EE certificate key too weak" },
		{ "a weak key of a CA", CA,
		    { .ca = 1, .key = FAKE_RSA_WEAK }, 0, CSN_E_SIGNER,
		    "CA certificate key too weak" },
		{ "SHA-1 under the leaf", LEAF, { .sha1 = 1 }, 0,
		    CSN_E_SIGNER, "digest algorithm too weak" },
		{ "SHA-1 under a CA", CA, { .ca = 1, .sha1 = 1 }, 0,
		    CSN_E_SIGNER, "digest algorithm too weak" },
		{ "a critical extension of the leaf", LEAF,
		    { .critical = &unknown }, 0, CSN_E_SIGNER,
		    "unhandled critical extension" },
		{ "a critical extension of a CA", CA,
		    { .ca = 1, .critical = &unknown }, 0, CSN_E_SIGNER,
		    "unhandled critical extension" },
		{ "an old leaf", LEAF, { .until = "20251231235959Z" }, 0,
		    CSN_E_EXPIRED, "'leaf' expired on 2025-12-31T23:59:59" },
		{ "an old CA", CA, { .ca = 1, .until = "20251231235959Z" },
		    0, CSN_E_EXPIRED, "'CA' expired on 2025-12-31" },
		{ "an old root", ROOT, { .ca = 1,
		    .until = "20251231235959Z" }, 0, CSN_E_EXPIRED,
		    "'root' expired on 2025-12-31" },
		{ "a leaf of tomorrow", LEAF, { .from = "20260101000001Z" },
		    0, CSN_E_EXPIRED,
		    "'leaf' is not valid before 2026-01-01T00:00:01" },
		{ "a CA of tomorrow", CA, { .ca = 1,
		    .from = "20260101000001Z" }, 0, CSN_E_EXPIRED,
		    "'CA' is not valid before" },
	};
	struct chain c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = make(rows[i].who, &rows[i].o, rows[i].spoil);
		expect(rows[i].what, verify(&c, FAKE_NOW_MS), rows[i].code,
		    rows[i].says);
		free_chain(&c);
	}
}

TEST(a_chain_needs_its_own_root_and_every_link)
{
	struct chain c = make(LEAF, NULL, 0), other = make(LEAF, NULL, 0);
	struct csn_pki *roots = c.roots;

	c.roots = other.roots;		/* the same names, other keys */
	expect("another root", verify(&c, FAKE_NOW_MS), CSN_E_SIGNER,
	    "leads to no trusted root");
	c.roots = roots;
	/* A CA of the same name that did not sign is passed over. */
	read_cert(other.pki, other.cert[CA], 0);
	assert_int_equal(csn_pki_add_all(other.pki, c.pki), 0);
	roots = other.roots;
	other.roots = c.roots;
	assert_int_equal(verify(&other, FAKE_NOW_MS), 0);
	other.roots = roots;
	/* Without the CA between them. */
	csn_pki_free(c.pki);
	c.pki = new_pki();
	read_cert(c.pki, c.cert[LEAF], 0);
	expect("no CA", verify(&c, FAKE_NOW_MS), CSN_E_SIGNER,
	    "'leaf' leads to no trusted root");
	free_chain(&other);
	free_chain(&c);
}

/* More than enough for any vendor, and an end for who makes up more. */
TEST(a_chain_that_is_too_long_is_refused)
{
	struct fake_cert *list[12];
	struct fake_cert_options o = { .key = FAKE_P384, .ca = 1 };
	struct chain c = { .pki = new_pki(), .roots = new_pki(),
	    .out = new_pki() };
	char name[16];
	int i;

	for (i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "CA %d", i);
		o.name = name;
		list[i] = fake_cert_new(&o);
		o.issuer = list[i];
		read_cert(i == 0 ? c.roots : c.pki, list[i], 0);
		if (i == 8)
			assert_int_equal(verify(&c, FAKE_NOW_MS), 0);
	}
	expect("twelve", verify(&c, FAKE_NOW_MS), CSN_E_SIGNER,
	    "leads to no trusted root");
	for (i = 0; i < 12; i++)
		fake_cert_free(list[i]);
	free_chain(&c);
}

/* A CRL made so, its last bit turned or not, looked up for the chain. */
static int
look_up(struct chain *c, const struct fake_crl_options *o, int spoil,
    uint64_t *covered)
{
	struct fake_bytes b = { NULL, 0 };
	struct csn_pki *crls = new_pki();
	int rc;

	fake_put_crl_of(&b, o);
	b.p[b.len - 1] ^= (uint8_t)(spoil != 0);
	assert_int_equal(csn_pki_read(crls, b.p, b.len), 0);
	free(b.p);
	rc = csn_pki_revoked(crls, c->out, FAKE_NOW_MS, covered);
	csn_pki_free(crls);
	return rc;
}

TEST(a_crl_with_one_flaw_is_refused_for_it)
{
	static const struct {
		const char *what;
		enum who issuer;
		int revoked;			/* who, or -1 */
		struct fake_crl_options o;
		int other_key, spoil;
		int code;
		const char *says;
		uint64_t covered;
	} rows[] = {
		{ "good, for the leaf", CA, -1, { .issuer = NULL }, 0, 0, 0,
		    "", 1 },
		{ "good, for the CA", ROOT, -1, { .issuer = NULL }, 0, 0, 0,
		    "", 2 },
		{ "good, of this very moment", CA, -1, { .from = NOW }, 0, 0,
		    0, "", 1 },
		{ "the leaf is on it", CA, LEAF, { .issuer = NULL }, 0, 0,
		    CSN_E_SIGNER, "'leaf' was revoked by 'CA'", 0 },
		{ "the CA is on it", ROOT, CA, { .issuer = NULL }, 0, 0,
		    CSN_E_SIGNER, "'CA' was revoked by 'root'", 0 },
		{ "another of the CA's is on it", CA, ROOT,
		    { .issuer = NULL }, 0, 0, 0, "", 1 },
		{ "the leaf's revocation was taken back", CA, LEAF,
		    { .taken_back = 1 }, 0, 0, 0, "", 1 },
		{ "signed by another key", CA, -1, { .issuer = NULL }, 1, 0,
		    CSN_E_SIGNER, "the CRL of 'CA' is not signed by", 0 },
		{ "its signature is broken", CA, -1, { .issuer = NULL }, 0,
		    1, CSN_E_SIGNER, "the CRL of 'CA' is not signed by", 0 },
		{ "a delta", CA, -1, { .critical = &delta_crl }, 0, 0,
		    CSN_E_FORM, "the CRL of 'CA' has a critical extension",
		    0 },
		{ "an indirect one", CA, -1, { .critical = &indirect_crl },
		    0, 0, CSN_E_FORM, "has a critical extension", 0 },
		{ "old", CA, -1, { .until = "20251231235959Z" }, 0, 0,
		    CSN_E_EXPIRED,
		    "the CRL of 'CA' was to be renewed by 2025-12-31", 0 },
		{ "old since this very moment", CA, -1, { .until = NOW }, 0,
		    0, CSN_E_EXPIRED, "was to be renewed by 2026-01-01", 0 },
		{ "of tomorrow", CA, -1, { .from = "20260101000001Z" }, 0,
		    0, CSN_E_EXPIRED, "is not valid before 2026-01-01", 0 },
		{ "without an end", CA, -1, { .no_until = 1 }, 0, 0,
		    CSN_E_FORM, "a time", 0 },
	};
	struct chain c = make(LEAF, NULL, 0), other = make(LEAF, NULL, 0);
	struct fake_crl_options o;
	uint64_t covered;
	size_t i;
	int rc;

	assert_int_equal(verify(&c, FAKE_NOW_MS), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = rows[i].o;
		o.issuer = c.cert[rows[i].issuer];
		if (rows[i].revoked >= 0)
			o.revoked = c.cert[rows[i].revoked];
		if (rows[i].other_key)
			o.signer = other.cert[rows[i].issuer];
		rc = look_up(&c, &o, rows[i].spoil, &covered);
		if (rows[i].code != 0)
			expect(rows[i].what, rc, rows[i].code, rows[i].says);
		else if (rc != 0 || covered != rows[i].covered)
			fail_msg("%s: %s, covers %d", rows[i].what,
			    csn_error_name(rc), (int)covered);
	}
	free_chain(&other);
	free_chain(&c);
}

TEST(a_crl_by_a_key_that_may_sign_none_is_refused)
{
	const struct fake_cert_options certs_only = {
		.ca = 1, .usage = FAKE_SIGNS_CERTS
	};
	struct chain c = make(CA, &certs_only, 0);
	const struct fake_crl_options o = { .issuer = c.cert[CA] };
	uint64_t covered;

	assert_int_equal(verify(&c, FAKE_NOW_MS), 0);
	expect("no cRLSign", look_up(&c, &o, 0, &covered), CSN_E_SIGNER,
	    "the CRL of 'CA' is not signed by its key");
	free_chain(&c);
}

/* --- files, and what one certificate says ----------------------------- */

static void
unread(struct fake_bytes *b, int code, const char *says)
{
	struct csn_pki *pki = new_pki();

	expect(says, csn_pki_read(pki, b->p, b->len), code, says);
	csn_pki_free(pki);
	free(b->p);
	*b = (struct fake_bytes){ NULL, 0 };
}

TEST(a_file_is_read_whole_or_not)
{
	struct chain c = make(LEAF, NULL, 0);
	struct fake_bytes b = { NULL, 0 }, pem = { NULL, 0 };
	struct csn_pki *pki = new_pki();
	int i;

	fake_put_text(&b, "words before\n");
	fake_put_pem(&b, c.cert[LEAF]);
	fake_put_pem(&b, c.cert[CA]);
	fake_put(&b, "", 1);
	assert_int_equal(csn_pki_read(pki, b.p, b.len), 0);
	assert_int_equal(csn_pki_count(pki), 2);
	b.len -= 30;
	unread(&b, CSN_E_FORM, "malformed or cut off");
	fake_put_der(&b, c.cert[LEAF]);
	fake_put_crl(&b, c.cert[CA], NULL, NULL, NULL);
	fake_put_der(&b, c.cert[CA]);
	assert_int_equal(csn_pki_read(pki, b.p, b.len), 0);
	assert_int_equal(csn_pki_count(pki), 4);
	assert_int_equal(csn_pki_crls(pki), 1);
	b.len--;
	unread(&b, CSN_E_FORM, "neither a certificate nor a CRL");
	unread(&b, CSN_E_FORM, "0 bytes hold no certificate");
	fake_put_public(&b, c.cert[LEAF]);
	unread(&b, CSN_E_FORM, "neither CERTIFICATE nor X509 CRL");
	fake_put_text(&b, "-----BEGIN CERTIFICATE-----\nMAA=\n"
	    "-----END CERTIFICATE-----\n");
	unread(&b, CSN_E_FORM, "named CERTIFICATE does not hold one");
	/* A byte behind the certificate, in DER and in a block of PEM. */
	fake_put_der(&b, c.cert[LEAF]);
	fake_put(&b, "", 1);
	fake_put_block(&pem, "CERTIFICATE", b.p, b.len - 1);
	assert_int_equal(csn_pki_read(pki, pem.p, pem.len), 0);
	fake_put_block(&pem, "CERTIFICATE", b.p, b.len);
	unread(&pem, CSN_E_FORM, "named CERTIFICATE does not hold one");
	unread(&b, CSN_E_FORM, "neither a certificate nor a CRL");
	fake_put_crl(&b, c.cert[CA], NULL, NULL, NULL);
	fake_put_block(&pem, "X509 CRL", b.p, b.len);
	assert_int_equal(csn_pki_read(pki, pem.p, pem.len), 0);
	assert_int_equal(csn_pki_crls(pki), 2);
	/* One named as the other. */
	fake_put_block(&pem, "CERTIFICATE", b.p, b.len);
	unread(&pem, CSN_E_FORM, "named CERTIFICATE does not hold one");
	free(b.p);
	b = (struct fake_bytes){ NULL, 0 };
	/* No more than there is room for. */
	for (i = (int)csn_pki_count(pki); i < CSN_PKI_MAX; i++)
		assert_int_equal(csn_pki_add(pki, csn_pki_cert(pki, 0)), 0);
	assert_int_equal(csn_pki_add(pki, csn_pki_cert(pki, 0)),
	    CSN_E_LIMIT);
	assert_null(csn_pki_cert(pki, CSN_PKI_MAX));
	csn_pki_free(pki);
	free_chain(&c);
}

TEST(an_extension_is_there_once_or_not_at_all)
{
	const struct fake_extension two[] = { unknown, unknown };
	struct fake_cert_options o = {
		.extensions = two, .nextensions = 1
	};
	struct chain c = make(LEAF, &o, 0), twice;
	const struct csn_cert *cert = csn_pki_cert(c.pki, 1);
	const uint8_t *p;
	size_t len;

	assert_int_equal(csn_cert_extension(ctx, cert, OID, &p, &len), 0);
	assert_int_equal(len, sizeof(five));
	assert_memory_equal(p, five, len);
	expect("none", csn_cert_extension(ctx, csn_pki_cert(c.pki, 0), OID,
	    &p, &len), CSN_E_NOT_FOUND, "'CA' has no extension " OID);
	o.nextensions = 2;
	twice = make(LEAF, &o, 0);
	expect("twice", csn_cert_extension(ctx, csn_pki_cert(twice.pki, 1),
	    OID, &p, &len), CSN_E_FORM, "has the extension " OID " twice");
	free_chain(&twice);
	free_chain(&c);
}

TEST(a_certificate_says_when_and_what_it_is)
{
	const struct fake_cert_options short_lived = {
		.from = NOW, .until = "20260101000010Z"
	};
	struct chain c = make(LEAF, &short_lived, 0);
	const struct csn_cert *ca = csn_pki_cert(c.pki, 0);
	const struct csn_cert *leaf = csn_pki_cert(c.pki, 1);
	uint8_t *der;
	size_t len;

	assert_int_equal(csn_cert_check_time(ctx, leaf, FAKE_NOW_MS), 0);
	assert_int_equal(csn_cert_check_time(ctx, leaf,
	    FAKE_NOW_MS + 10000), 0);
	expect("late", csn_cert_check_time(ctx, leaf, FAKE_NOW_MS + 10001),
	    CSN_E_EXPIRED, "'leaf' expired on 2026-01-01T00:00:10");
	expect("early", csn_cert_check_time(ctx, leaf, FAKE_NOW_MS - 1),
	    CSN_E_EXPIRED, "'leaf' is not valid before 2026-01-01");
	assert_true(csn_cert_is_ca(ca));
	assert_false(csn_cert_is_ca(leaf));
	assert_false(csn_cert_is_root(ca));
	assert_true(csn_cert_is_root(csn_pki_cert(c.roots, 0)));
	assert_string_equal(csn_cert_issuer(leaf), "CA");
	assert_int_equal(csn_cert_der(ctx, leaf, &der, &len), 0);
	read_cert(c.roots, c.cert[LEAF], 0);
	assert_int_equal(csn_pki_read(c.roots, der, len), 0);
	csn_free(der);
	free_chain(&c);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }
