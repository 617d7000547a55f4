/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attest_evidence.c - an SNP report and a TDX quote with their chains,
 * verified by us, beside the signatures in them verified by OpenSSL alone.
 *
 * The evidence is made up, in the vendors' form. What we do besides is to
 * parse it and its certificates, and to hold each against the other.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "attest_parts.h"
#include "bench.h"
#include "platform/fake_snp.h"
#include "platform/fake_tdx.h"

#define MESSAGE 672		/* what an SNP report's signature is over */
#define MAX_SIGNATURE 512

/* A key of OpenSSL's with one signature by it. */
struct raw_key {
	EVP_PKEY *key;
	const EVP_MD *md;
	int pss;
	size_t len;
	uint8_t signature[MAX_SIGNATURE];
};

struct evidence {
	int platform;
	struct csn_platform_options options;
	struct fake_bytes evidence;
	struct raw_key ec, rsa;	/* rsa.key NULL: there is none */
	unsigned nec, nrsa;	/* how many of each there are in it */
};

static uint8_t message[MESSAGE];

static EVP_MD_CTX *
raw_context(const struct raw_key *k, int sign)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	bench_need(c != NULL && (sign ?
	    EVP_DigestSignInit(c, &p, k->md, NULL, k->key) :
	    EVP_DigestVerifyInit(c, &p, k->md, NULL, k->key)) == 1,
	    "preparing the reference");
	if (k->pss)
		bench_need(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_DIGEST) == 1, "preparing RSA-PSS");
	return c;
}

static void
raw_start(struct raw_key *k, EVP_PKEY *key, const EVP_MD *md, int pss)
{
	EVP_MD_CTX *c;

	bench_need(key != NULL, "making a key of the reference");
	k->key = key;
	k->md = md;
	k->pss = pss;
	k->len = sizeof(k->signature);
	c = raw_context(k, 1);
	bench_need(EVP_DigestSign(c, k->signature, &k->len, message,
	    sizeof(message)) == 1, "signing");
	EVP_MD_CTX_free(c);
}

static void
raw_check(const struct raw_key *k)
{
	EVP_MD_CTX *c = raw_context(k, 0);

	bench_need(EVP_DigestVerify(c, k->signature, k->len, message,
	    sizeof(message)) == 1, "verifying");
	EVP_MD_CTX_free(c);
}

static void
raw_all(void *arg)
{
	const struct evidence *e = arg;
	unsigned i;

	for (i = 0; i < e->nec; i++)
		raw_check(&e->ec);
	for (i = 0; i < e->nrsa; i++)
		raw_check(&e->rsa);
}

static void
check(void *arg)
{
	const struct evidence *e = arg;
	struct csn_result *result;

	bench_must(csn_result_new(bench_ctx(), &result), "making a result");
	bench_must(csn_platform_verify(bench_ctx(), e->platform,
	    e->evidence.p, e->evidence.len, &e->options, result),
	    "verifying evidence");
	csn_result_free(result);
}

static void
compare(const char *name, struct evidence *e, const char *words)
{
	struct bench_pair pair = { .ours = check, .reference = raw_all,
	    .arg = e, .slice_ms = 10 };
	struct bench_result r = { .name = name, .unit = "us",
	    .reference = words };
	struct bench_outcome o;

	bench_compare(&pair, &o);
	r.value = o.ours * 1e6;
	r.reference_value = o.reference * 1e6;
	r.ratio = o.ratio;
	bench_add(&r, "%zu bytes, certificates parsed each time; ratios "
	    "%.2f to %.2f", e->evidence.len, o.low, o.high);
}

static struct csn_bytes
blob(const struct fake_bytes *b)
{
	return (struct csn_bytes){ b->p, b->len };
}

/* The report by a P-384 key; its certificate and the next by RSA-PSS. */
static void
snp(void)
{
	struct fake_snp_options o = { .rsa = 1 };
	struct fake_snp *s = fake_snp_new(&o);
	struct fake_bytes certs = fake_snp_certs(s), root = fake_snp_root(s);
	struct csn_bytes given = blob(&certs), trusted = blob(&root);
	struct evidence e = { .platform = CSN_PLATFORM_SEV_SNP, .nec = 1,
	    .nrsa = 2 };
	uint8_t report[FAKE_SNP_REPORT];

	fake_snp_report(s, 3, NULL, report);
	e.evidence = (struct fake_bytes){ report, sizeof(report) };
	e.options = (struct csn_platform_options){ .size = sizeof(e.options),
	    .certs = &given, .ncerts = 1, .root = &trusted,
	    .at_ms = FAKE_NOW_MS };
	raw_start(&e.ec, EVP_EC_gen("P-384"), EVP_sha384(), 0);
	raw_start(&e.rsa, EVP_RSA_gen(3072), EVP_sha384(), 1);
	compare("attest.snp.verify", &e,
	    "OpenSSL, 1 P-384 and 2 RSA-3072-PSS signatures");
	EVP_PKEY_free(e.ec.key);
	EVP_PKEY_free(e.rsa.key);
	free(certs.p);
	free(root.p);
	fake_snp_free(s);
}

/*
 * All P-256: the quote, the QE's report, the PCK chain of two below the root,
 * the TCB info, the QE identity, their signer's certificate and two CRLs.
 */
static void
tdx(void)
{
	struct fake_tdx *s = fake_tdx_new();
	struct fake_bytes root = fake_tdx_root(s);
	struct fake_bytes bundle = fake_tdx_bundle(s, NULL);
	struct csn_bytes given = blob(&bundle), trusted = blob(&root);
	struct evidence e = { .platform = CSN_PLATFORM_TDX, .nec = 9 };
	struct fake_tdx_quote q;

	fake_tdx_defaults(&q, 4, NULL);
	e.evidence = fake_tdx_quote(s, &q);
	e.options = (struct csn_platform_options){ .size = sizeof(e.options),
	    .collateral = &given, .ncollateral = 1, .root = &trusted,
	    .at_ms = FAKE_NOW_MS };
	raw_start(&e.ec, EVP_EC_gen("P-256"), EVP_sha256(), 0);
	compare("attest.tdx.verify", &e, "OpenSSL, 9 P-256 signatures");
	EVP_PKEY_free(e.ec.key);
	free(e.evidence.p);
	free(bundle.p);
	free(root.p);
	fake_tdx_free(s);
}

void
attest_evidence(void)
{
	size_t i;

	for (i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	snp();
	tdx();
}
