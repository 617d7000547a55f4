/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_evidence.c - write made-up evidence into a folder, for tests of the
 * program: one file a thing, named platform.thing.
 *
 * make_evidence FOLDER
 * make_evidence --corpus FUZZ-CORPUS-FOLDER
 *
 * The second form writes fuzz targets' corpora: NAME/made-*.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/fake_snp.h"
#include "platform/fake_spdm.h"
#include "platform/fake_tdx.h"
#include "platform/fake_tpm.h"

static const char *folder;

/* Write b and give it up. */
static void
put(const char *name, struct fake_bytes b)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(b.p, 1, b.len, f) != b.len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	free(b.p);
}

static struct fake_bytes
text(const char *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_text(&b, "%s", s);
	return b;
}

static struct fake_bytes
snp_report(const struct fake_snp *s, uint32_t version, int debug)
{
	struct fake_bytes b = { NULL, 0 };
	uint8_t data[64] = { 0xaa, 0xbb }, report[FAKE_SNP_REPORT];

	fake_snp_report(s, version, data, report);
	if (debug) {
		report[0x0a] |= 8;
		fake_snp_sign(s, report);
	}
	fake_put(&b, report, sizeof(report));
	return b;
}

static struct fake_bytes
tdx_quote(const struct fake_tdx *s, int version)
{
	uint8_t data[64] = { 0xaa, 0xbb };
	struct fake_tdx_quote q;

	fake_tdx_defaults(&q, version, data);
	return fake_tdx_quote(s, &q);
}

/* An enclave of a signer that nobody knows reports the key. */
static struct fake_bytes
strangers_quote(const struct fake_tdx *s)
{
	struct fake_tdx_quote q;

	fake_tdx_defaults(&q, 4, NULL);
	memset(q.qe + 128, 0x5a, 32);
	return fake_tdx_quote(s, &q);
}

/* A switch, and a GPU of drivers that put a head before opaque data. */
static void
device_files(const uint8_t nonce[FAKE_SPDM_NONCE])
{
	const struct fake_spdm_options fields = { .is_switch = 1 };
	const struct fake_spdm_options head = { .head = 1,
	    .driver = "620.12" };
	struct fake_spdm *sw = fake_spdm_new_of(FAKE_SWITCH, NULL);
	struct fake_spdm *gpu = fake_spdm_new_of(FAKE_BLACKWELL, NULL);

	put("switch.report", fake_spdm_evidence(sw, nonce, &fields));
	put("switch.certs", fake_spdm_chain(sw));
	put("switch.root", fake_spdm_root(sw));
	put("blackwell.report", fake_spdm_evidence(gpu, nonce, &head));
	put("blackwell.certs", fake_spdm_chain(gpu));
	put("blackwell.root", fake_spdm_root(gpu));
	fake_spdm_free(sw);
	fake_spdm_free(gpu);
}

/* A quote of its own kind: by key from a policy, or by a certificate. */
static struct fake_bytes
tpm_quote(const struct fake_tpm *t, uint16_t scheme)
{
	static const uint8_t nonce[32] = { 0xaa, 0xbb };
	struct fake_tpm_quote q;

	fake_tpm_defaults(t, &q, nonce, sizeof(nonce));
	q.scheme = scheme;
	return fake_tpm_evidence(t, &q);
}

static void
tpm_files(void)
{
	struct fake_tpm *t = fake_tpm_new(FAKE_P256, 1);
	struct fake_tpm_quote q;

	fake_tpm_defaults(t, &q, NULL, 0);
	q.bank = FAKE_TPM_SHA1;
	put("tpm2.sha1", fake_tpm_evidence(t, &q));

	put("tpm2.quote", tpm_quote(t, FAKE_TPM_ECDSA));
	put("tpm2.policy", fake_tpm_policy("key", fake_tpm_key(t), ""));
	put("tpm2.cert", fake_tpm_cert(t));
	put("tpm2.root", fake_tpm_root(t));
	fake_tpm_free(t);
}

static void
files(void)
{
	const uint8_t nonce[FAKE_SPDM_NONCE] = { 0xaa, 0xbb };
	struct fake_snp *snp = fake_snp_new(NULL);
	struct fake_tdx *tdx = fake_tdx_new();
	struct fake_spdm *spdm = fake_spdm_new(NULL);

	put("snp.report", snp_report(snp, 3, 0));
	put("snp.debug", snp_report(snp, 3, 1));
	put("snp.certs", fake_snp_certs(snp));
	put("snp.table", fake_snp_table(snp));
	put("snp.root", fake_snp_root(snp));
	put("snp.crl", fake_snp_crl(snp, 0, NULL, NULL));
	put("snp.revoked", fake_snp_crl(snp, 1, NULL, NULL));
	put("tdx.quote", tdx_quote(tdx, 5));
	put("tdx.stranger", strangers_quote(tdx));
	put("tdx.bundle", fake_tdx_bundle(tdx, NULL));
	put("tdx.tcb", fake_tdx_tcb_info(tdx, NULL));
	put("tdx.qe", fake_tdx_qe_identity(tdx, NULL));
	put("tdx.signers", fake_tdx_signers(tdx));
	put("tdx.pckcrl", fake_tdx_pck_crl(tdx, NULL));
	put("tdx.rootcrl", fake_tdx_root_crl(tdx, NULL));
	put("tdx.root", fake_tdx_root(tdx));
	put("nvidia.report", fake_spdm_evidence(spdm, nonce, NULL));
	put("nvidia.certs", fake_spdm_chain(spdm));
	put("nvidia.root", fake_spdm_root(spdm));
	device_files(nonce);
	tpm_files();
	fake_snp_free(snp);
	fake_tdx_free(tdx);
	fake_spdm_free(spdm);
}

/* --- corpora: pieces as fuzz/evidence.h reads them ---------------------- */

static void
add_piece(struct fake_bytes *b, struct fake_bytes piece)
{
	uint8_t len[4];

	fake_le(len, piece.len, sizeof(len));
	fake_put(b, len, sizeof(len));
	fake_put(b, piece.p, piece.len);
	free(piece.p);
}

static struct fake_bytes
pieces(struct fake_bytes evidence, struct fake_bytes certs,
    struct fake_bytes root, struct fake_bytes collateral, const char *policy)
{
	static const uint8_t nonce[64] = { 0xaa, 0xbb };
	struct fake_bytes b = { NULL, 0 }, n = { NULL, 0 };

	add_piece(&b, evidence);
	add_piece(&b, certs);
	add_piece(&b, root);
	add_piece(&b, collateral);
	add_piece(&b, text(policy));
	fake_put(&n, nonce, 32);
	add_piece(&b, n);
	return b;
}

static void
snp_corpus(void)
{
	static const struct fake_snp_options kinds[] = {
		{ .product = FAKE_MILAN }, { .product = FAKE_GENOA },
		{ .product = FAKE_TURIN },
		{ .product = FAKE_MILAN, .vlek = 1 },
	};
	static const uint32_t versions[] = { 2, 3, 5, 3 };
	struct fake_snp *s;
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		s = fake_snp_new(&kinds[i]);
		snprintf(name, sizeof(name), "snp/made-%zu", i);
		put(name, pieces(snp_report(s, versions[i], 0),
		    i % 2 == 0 ? fake_snp_certs(s) : fake_snp_table(s),
		    fake_snp_root(s), fake_snp_crl(s, 0, NULL, NULL),
		    "{\"platform\":{\"sev-snp\":{\"min_tcb\":{\"snp\":6},"
		    "\"max_vmpl\":0,\"product\":[\"Milan\",\"Genoa\"]}}}"));
		snprintf(name, sizeof(name), "cert_table/made-%zu", i);
		put(name, fake_snp_table(s));
		snprintf(name, sizeof(name), "x509/made-%zu", i);
		put(name, fake_snp_certs(s));
		fake_snp_free(s);
	}
}

static void
tpm_corpus(void)
{
	struct fake_tpm *rsa = fake_tpm_new(FAKE_RSA, 1);
	struct fake_tpm *ec = fake_tpm_new(FAKE_P256, 1);
	struct fake_bytes policy;

	policy = fake_tpm_policy("key", fake_tpm_key(rsa), "\"pcrs\":"
	    "{\"sha256:0\":\"000000000000000000000000000000000000000000000"
	    "0000000000000000000\"},\"allow_unsafe_clock\":false,");
	put("tpm/made-rsassa", pieces(tpm_quote(rsa, FAKE_TPM_RSASSA),
	    text(""), text(""), text(""), (const char *)policy.p));
	put("tpm/made-rsapss", pieces(tpm_quote(rsa, FAKE_TPM_RSAPSS),
	    text(""), text(""), text(""), (const char *)policy.p));
	put("tpm/made-ecdsa", pieces(tpm_quote(ec, FAKE_TPM_ECDSA),
	    fake_tpm_cert(ec), fake_tpm_root(ec), fake_tpm_crl(ec, 0), ""));
	free(policy.p);
	fake_tpm_free(rsa);
	fake_tpm_free(ec);
}

static void
corpora(void)
{
	const uint8_t nonce[FAKE_SPDM_NONCE] = { 0xaa, 0xbb };
	struct fake_tdx *tdx = fake_tdx_new();
	struct fake_spdm *spdm = fake_spdm_new(NULL);

	snp_corpus();
	tpm_corpus();
	put("tdx/made-4", pieces(tdx_quote(tdx, 4), text(""),
	    fake_tdx_root(tdx), fake_tdx_bundle(tdx, NULL),
	    "{\"platform\":{\"tdx\":{\"tcb_status\":\"UpToDate\"}}}"));
	put("tdx/made-5", pieces(tdx_quote(tdx, 5), text(""),
	    fake_tdx_root(tdx), fake_tdx_tcb_info(tdx, NULL),
	    "{\"platform\":{\"tdx\":{\"min_tcb_evaluation\":17}}}"));
	put("tdx/made-qe", pieces(tdx_quote(tdx, 5), fake_tdx_signers(tdx),
	    fake_tdx_root(tdx), fake_tdx_qe_identity(tdx, NULL), ""));
	put("x509/made-crl", fake_tdx_root_crl(tdx, NULL));
	put("x509/made-der", fake_tdx_pck_crl(tdx, NULL));
	put("spdm/made", pieces(fake_spdm_evidence(spdm, nonce, NULL),
	    fake_spdm_chain(spdm), fake_spdm_root(spdm),
	    fake_spdm_crl(spdm, 1, 0),
	    "{\"platform\":{\"nvidia\":{\"measurements\":{\"1\":\""
	    "0101010101010101010101010101010101010101010101010101010101"
	    "01010101010101010101010101010101010101\"}}}}"));
	fake_spdm_free(spdm);
	spdm = fake_spdm_new_of(FAKE_BLACKWELL, NULL);
	put("spdm/made-nvdaod", pieces(fake_spdm_evidence(spdm, nonce,
	    &(struct fake_spdm_options){ .head = 1, .unknown = 1 }),
	    fake_spdm_chain(spdm), fake_spdm_root(spdm), text(""),
	    "{\"platform\":{\"nvidia\":{\"device\":\"switch\"}}}"));
	fake_tdx_free(tdx);
	fake_spdm_free(spdm);
}

int
main(int argc, char **argv)
{
	int corpus = argc == 3 && strcmp(argv[1], "--corpus") == 0;

	if (argc != 2 && !corpus) {
		fprintf(stderr, "usage: make_evidence [--corpus] FOLDER\n");
		return 2;
	}
	folder = argv[argc - 1];
	if (corpus)
		corpora();
	else
		files();
	return 0;
}
