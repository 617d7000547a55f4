/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/attest/test_flaws_tdx.c - TDX quotes, platforms' certificates and
 * collateral, each with one flaw and refused for that flaw.
 */
#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_tdx.h"
#include "platform/tdx.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define QE_SIGNER 128		/* in the enclave's report */
#define QE_PRODUCT 256
#define QE_SVN 258
#define QE_MISC 16
#define QE_ATTRIBUTES 48

static struct fake_tdx *made;

static void
begin(struct trial *t)
{
	struct fake_tdx_quote q;

	trial_start(t, CSN_PLATFORM_TDX);
	fake_tdx_defaults(&q, 4, NULL);
	t->evidence = fake_tdx_quote(made, &q);
	t->root = fake_tdx_root(made);
	t->collateral[0] = fake_tdx_bundle(made, NULL);
}

/* --- the quote --------------------------------------------------------- */

enum place { BODY, QE, VENDOR };

TEST(a_quote_with_one_flaw_is_refused_for_it)
{
	static const struct {
		const char *what;
		enum place place;
		size_t at;
		uint8_t value;
		const char *check, *says;
	} rows[] = {
		{ "a debug guest", BODY, FAKE_TDX_ATTRIBUTES, 1, "debug",
		    "on: the host can read" },
		{ "another bit of that byte", BODY, FAKE_TDX_ATTRIBUTES, 2,
		    "debug", "on: the host can read" },
		{ "the byte's last bit", BODY, FAKE_TDX_ATTRIBUTES, 0x80,
		    "debug", "on: the host can read" },
		{ "a debug enclave", QE, QE_ATTRIBUTES, 0x13, "debug",
		    "Quoting Enclave runs in debug mode" },
		{ "another enclave vendor", VENDOR, 15, 8,
		    "quoting_enclave", "the quote names a Quoting Enclave of "
		    "the vendor 939a7233f79c4ca9940a0db3957f0608, which is "
		    "not Intel's" },
		{ "an enclave of an unknown signer", QE, QE_SIGNER + 31, 0xc6,
		    "quoting_enclave", "signer (MRSIGNER) dc9e2a7c6f948f17474e"
		    "34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c6" },
		{ "an enclave for SGX", QE, QE_PRODUCT, 1, "quoting_enclave",
		    "Intel's product 1, its Quoting Enclave for TDX is 2" },
		{ "the product's high byte", QE, QE_PRODUCT + 1, 1,
		    "quoting_enclave", "Intel's product 258" },
		{ "an enclave without PROVISION_KEY", QE, QE_ATTRIBUTES, 1,
		    "quoting_enclave", "has the attributes 0100" },
		{ "one more attribute", QE, QE_ATTRIBUTES + 7, 0x80,
		    "quoting_enclave", "has the attributes 1100" },
		{ "a MISCSELECT", QE, QE_MISC, 1, "quoting_enclave",
		    "has the MISCSELECT 01000000" },
		{ "report data behind the key's hash", QE, 352, 1,
		    "qe_binding", "reports another attestation key" },
		{ "its last byte", QE, 383, 1, "qe_binding",
		    "reports another attestation key" },
		{ "another signer's TDX module", BODY,
		    FAKE_TDX_SEAM_SIGNER + 47, 1, "seam",
		    "has the signer (MRSIGNERSEAM) 0000" },
		{ "a module with attributes", BODY,
		    FAKE_TDX_SEAM_ATTRIBUTES + 7, 1, "seam",
		    "has the attributes 0000000000000001" },
	};
	struct fake_tdx_quote q;
	struct trial t;
	size_t i;
	int code;

	begin(&t);
	/* Without collateral, so that each check stands for itself. */
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	trial_expect(&t, "quoting_enclave", "passed");
	trial_expect(&t, "mr_td", "skipped");
	trial_expect(&t, "rtmr", "skipped");
	trial_expect(&t, "seam", "passed");
	for (i = 0; i < COUNT(rows); i++) {
		fake_tdx_defaults(&q, 4, NULL);
		if (rows[i].place == BODY)
			q.body[rows[i].at] = rows[i].value;
		else if (rows[i].place == QE)
			q.qe[rows[i].at] = rows[i].value;
		else
			q.vendor[rows[i].at] = rows[i].value;
		trial_set(&t.evidence, fake_tdx_quote(made, &q));
		code = strcmp(rows[i].check, "qe_binding") == 0 ?
		    CSN_E_SIGNATURE : CSN_E_POLICY;
		trial_refused_for(&t, rows[i].what, code, rows[i].check,
		    rows[i].says);
	}
	/* Bits that Intel's QE identity leaves open. */
	fake_tdx_defaults(&q, 4, NULL);
	q.qe[QE_ATTRIBUTES] = 0x15;
	q.qe[QE_ATTRIBUTES + 8] = 0xe7;
	trial_set(&t.evidence, fake_tdx_quote(made, &q));
	trial_good(&t);
	trial_end(&t);
}

/* --- collateral -------------------------------------------------------- */

TEST(collateral_with_one_flaw_is_refused_for_it)
{
	static const struct {
		const char *what;
		struct fake_tdx_collateral c;
		int code;
		const char *check, *says;
	} rows[] = {
		{ "at its very nextUpdate", { .next =
		    "2026-01-01T00:00:00Z" }, CSN_E_EXPIRED, "tcb_info",
		    "was to be renewed by 2026-01-01T00:00:00Z" },
		{ "not yet issued", { .issued = "2026-01-01T00:00:01Z" },
		    CSN_E_EXPIRED, "tcb_info", "was not issued before" },
		{ "the TCB info's signature", { .wrong_signature = 1 },
		    CSN_E_SIGNATURE, "tcb_info", "" },
		{ "the QE identity's", { .wrong_signature = 2 },
		    CSN_E_SIGNATURE, "qe_identity_info", "" },
		{ "a revoked signer of collateral", { .revoke_signer = 1 },
		    CSN_E_SIGNER, "tcb_info",
		    "'Intel SGX TCB Signing' was revoked" },
		{ "a revoked platform", { .revoke_leaf = 1 }, CSN_E_SIGNER,
		    "revocation", "'Intel SGX PCK Certificate' was revoked" },
		{ "a revoked CA", { .revoke_ca = 1 }, CSN_E_SIGNER,
		    "revocation", "'Intel SGX PCK Platform CA' was revoked" },
		{ "no date", { .tcb_text = "issueDate", .tcb_other = "date" },
		    CSN_E_FORM, "tcb_info", "has no issueDate" },
		{ "no end", { .tcb_text = "nextUpdate", .tcb_other = "date" },
		    CSN_E_FORM, "tcb_info", "has no issueDate" },
		/* The TCB info's own. */
		{ "for SGX", { .tcb_text = "\"TDX\"", .tcb_other =
		    "\"SGX\"" }, CSN_E_VERSION, "tcb", "not one of TDX" },
		{ "another version", { .tcb_text = "\"version\":3",
		    .tcb_other = "\"version\":4" }, CSN_E_VERSION, "tcb",
		    "not one of TDX, version 3" },
		{ "no evaluation number", { .tcb_text =
		    "tcbEvaluationDataNumber", .tcb_other = "number" },
		    CSN_E_VERSION, "tcb", "not one of TDX" },
		{ "another kind of platform", { .fmspc = "00906ed50001" },
		    CSN_E_FORM, "tcb", "of FMSPC 00906ed50001 and PCE id "
		    "0000, this one has 00906ed50000 and 0000" },
		{ "another PCE", { .tcb_text = "\"pceId\":\"0000\"",
		    .tcb_other = "\"pceId\":\"0001\"" }, CSN_E_FORM, "tcb",
		    "PCE id 0001, this one has" },
		{ "one component above the platform", { .tcb_text =
		    "{\"svn\":5},{\"svn\":5}]", .tcb_other =
		    "{\"svn\":5},{\"svn\":6}]" }, CSN_E_POLICY, "tcb",
		    "OutOfDate, of 2025-01-01T00:00:00Z; SGX component 16 is "
		    "5, the newest level's is 6" },
		{ "the PCE below its level", { .tcb_text = "\"pcesvn\":5",
		    .tcb_other = "\"pcesvn\":6" }, CSN_E_POLICY, "tcb",
		    "; the PCE's SVN is 5, the newest level's is 6" },
		{ "the PCE's high byte", { .tcb_text = "\"pcesvn\":5",
		    .tcb_other = "\"pcesvn\":261" }, CSN_E_POLICY, "tcb",
		    "the newest level's is 261" },
		{ "a TDX component above the platform", { .tcb_text =
		    "\"tdxtcbcomponents\":[{\"svn\":5},{\"svn\":5},"
		    "{\"svn\":5}", .tcb_other = "\"tdxtcbcomponents\":"
		    "[{\"svn\":5},{\"svn\":5},{\"svn\":9}" }, CSN_E_POLICY,
		    "tcb", "; TDX component 3 is 5, the newest level's is 9" },
		{ "fifteen components", { .tcb_text = "{\"svn\":5},",
		    .tcb_other = "" }, CSN_E_FORM, "tcb",
		    "level 0 of the TCB info is malformed" },
		{ "a component without a number", { .tcb_text =
		    "{\"svn\":5}", .tcb_other = "{\"svn\":\"5\"}" },
		    CSN_E_FORM, "tcb", "level 0 of the TCB info" },
		{ "a component past its byte", { .tcb_text = "{\"svn\":5}",
		    .tcb_other = "{\"svn\":256}" }, CSN_E_FORM, "tcb",
		    "level 0 of the TCB info" },
		{ "a level without the PCE", { .tcb_text = "\"pcesvn\":5,",
		    .tcb_other = "" }, CSN_E_FORM, "tcb",
		    "level 0 of the TCB info" },
		/* The module's. */
		{ "another module's name", { .tcb_text = "TDX_01",
		    .tcb_other = "TDX_02" }, CSN_E_POLICY, "tdx_module",
		    "knows no TDX module of version 1" },
		{ "a module below its level", { .module = 7 }, CSN_E_POLICY,
		    "tdx_module", "OutOfDate, of 2020-01-01T00:00:00Z; its "
		    "SVN is 6, the newest level's is 7, see INTEL-SA-00001" },
		{ "a module with an attribute that has to be there",
		    { .tcb_text = "[{\"id\":\"TDX_01\",\"mrsigner\":\"00",
		    .tcb_other = "[{\"id\":\"TDX_01\",\"mrsigner\":\"01" },
		    CSN_E_POLICY, "tdx_module", "another signer's TDX" },
		/* The Quoting Enclave's. */
		{ "an identity of SGX's", { .qe_text = "\"TD_QE\"",
		    .qe_other = "\"QE\"" }, CSN_E_VERSION, "qe_identity",
		    "not one of TDX" },
		{ "another version of it", { .qe_text = "\"version\":2",
		    .qe_other = "\"version\":3" }, CSN_E_VERSION,
		    "qe_identity", "version 2" },
		{ "another product", { .qe_text = "\"isvprodid\":2",
		    .qe_other = "\"isvprodid\":1" }, CSN_E_POLICY,
		    "qe_identity", "another enclave than the QE identity's: "
		    "MRSIGNER dc9e2a7c" },
		{ "another signer", { .qe_signer =
		    "00000000000000000000000000000000"
		    "00000000000000000000000000000000" }, CSN_E_POLICY,
		    "qe_identity", "MRSIGNER dc9e2a7c" },
		{ "another MISCSELECT", { .qe_text =
		    "\"miscselect\":\"00000000\"", .qe_other =
		    "\"miscselect\":\"00000001\"" }, CSN_E_POLICY,
		    "qe_identity", "MISCSELECT 00000000" },
		{ "other attributes", { .qe_text = "\"attributes\":\"11",
		    .qe_other = "\"attributes\":\"01" }, CSN_E_POLICY,
		    "qe_identity", "attributes 1100" },
		{ "an attribute outside of its mask", { .qe_text =
		    "\"attributes\":\"11", .qe_other =
		    "\"attributes\":\"15" }, CSN_E_POLICY, "qe_identity",
		    "another enclave" },
		{ "a mask of another length", { .qe_text = "FBFF",
		    .qe_other = "FB" }, CSN_E_POLICY, "qe_identity",
		    "another enclave" },
		{ "an enclave below its level", { .qe_level = 5 },
		    CSN_E_POLICY, "qe_identity", "OutOfDate, of 2020-01-01"
		    "T00:00:00Z; its SVN is 4, the newest level's is 5" },
		{ "a revoked level", { .status = "Revoked" }, CSN_E_POLICY,
		    "tcb", "Revoked, of 2025-01-01T00:00:00Z" },
	};
	static const struct fake_tdx_collateral zeros[] = {
		{ .tcb_text = "{\"svn\":5}", .tcb_other = "{\"svn\":0}" },
		{ .tcb_text = "\"pcesvn\":5", .tcb_other = "\"pcesvn\":0" },
		{ .tcb_text = "Number\":17", .tcb_other = "Number\":0" },
		{ .tcb_text = "\"isvsvn\":6", .tcb_other = "\"isvsvn\":0" },
		{ .qe_text = "\"isvsvn\":4", .qe_other = "\"isvsvn\":0" },
		{ .issued = "2026-01-01T00:00:00Z" },
		{ .next = "2026-01-01T00:00:00.001Z" },
		/* The greatest that there may be. */
		{ .tcb_text = "{\"svn\":2}", .tcb_other =
		    "{\"svn\":255}" },
		{ .tcb_text = "\"pcesvn\":2", .tcb_other =
		    "\"pcesvn\":65535" },
	};
	struct trial t;
	size_t i;

	begin(&t);
	trial_good(&t);
	/* Most of what Intel states is zero, and good. */
	for (i = 0; i < COUNT(zeros); i++) {
		trial_set(&t.collateral[0], fake_tdx_bundle(made,
		    &zeros[i]));
		trial_good(&t);
	}
	for (i = 0; i < COUNT(rows); i++) {
		trial_set(&t.collateral[0], fake_tdx_bundle(made,
		    &rows[i].c));
		trial_refused_for(&t, rows[i].what, rows[i].code,
		    rows[i].check, rows[i].says);
	}
	trial_end(&t);
}

/* Every status but one is the policy's to take, and that one nobody's. */
TEST(a_platform_below_every_level_is_refused)
{
	struct fake_tdx_collateral c = { .tcb_text = "\"pcesvn\":2",
	    .tcb_other = "\"pcesvn\":6" };
	struct trial t;

	begin(&t);
	c.level = 6;
	trial_set(&t.collateral[0], fake_tdx_bundle(made, &c));
	trial_refused_for(&t, "below all", CSN_E_POLICY, "tcb",
	    "below every level that the collateral knows; SGX component 1 "
	    "is 5, the newest level's is 6; SGX component 2");
	trial_end(&t);
}

/* --- what is missing --------------------------------------------------- */

TEST(a_policy_that_names_tdx_needs_its_collateral)
{
	struct fake_tdx_collateral none = { 0 };
	struct trial t;

	begin(&t);
	t.policy = "{\"platform\":{\"tdx\":{\"xfam\":\"e700000000000000\"}}}";
	trial_good(&t);
	/* The QE identity alone is missing. */
	trial_set(&t.collateral[0], fake_tdx_tcb_info(made, &none));
	t.collateral[1] = fake_tdx_signers(made);
	t.collateral[2] = fake_tdx_pck_crl(made, &none);
	t.collateral[3] = fake_tdx_root_crl(made, &none);
	trial_refused_for(&t, "no QE identity", CSN_E_POLICY, "qe_identity",
	    "needs collateral, unless it says \"collateral\": \"optional\": "
	    "no QE identity given for the enclave of MRSIGNER dc9e2a7c");
	assert_non_null(strstr(trial_detail(&t, "qe_identity"),
	    ", product 2, ISVSVN 4"));
	trial_expect(&t, "tcb", "passed");
	/* The TCB info alone. */
	trial_set(&t.collateral[0], fake_tdx_qe_identity(made, &none));
	trial_refused_for(&t, "no TCB info", CSN_E_POLICY, "tcb",
	    "no TCB info given for the platform's FMSPC 00906ed50000, PCE id "
	    "0000");
	trial_expect(&t, "pck", "passed");
	assert_string_equal(trial_detail(&t, "pck"), "a platform of FMSPC "
	    "00906ed50000, PCE id 0000, with PCE SVN 5");
	/* A CRL alone. */
	trial_set(&t.collateral[0], fake_tdx_bundle(made, NULL));
	trial_good(&t);
	trial_set(&t.collateral[0], fake_tdx_tcb_info(made, &none));
	t.collateral[4] = fake_tdx_qe_identity(made, &none);
	trial_set(&t.collateral[3], (struct fake_bytes){ NULL, 0 });
	trial_refused_for(&t, "no root CRL", CSN_E_POLICY, "revocation",
	    "no CRL of 'Intel SGX Root CA' given");
	/* And the other one. */
	t.collateral[3] = fake_tdx_root_crl(made, &none);
	trial_good(&t);
	trial_set(&t.collateral[2], (struct fake_bytes){ NULL, 0 });
	trial_refused_for(&t, "no PCK CRL", CSN_E_POLICY, "revocation",
	    "no CRL of 'Intel SGX PCK Platform CA' given");
	t.collateral[2] = fake_tdx_pck_crl(made, &none);
	trial_set(&t.collateral[3], (struct fake_bytes){ NULL, 0 });
	/* Its word for it, and a policy that names another platform. */
	t.policy = "{\"platform\":{\"tdx\":{\"collateral\":\"optional\"}}}";
	trial_good(&t);
	trial_expect(&t, "revocation", "skipped");
	t.policy = "{\"platform\":{\"nvidia\":{}}}";
	trial_good(&t);
	t.policy = "{\"platform\":{\"tdx\":{}}}";
	trial_refused(&t, CSN_E_POLICY, "revocation");
	t.policy = "{\"platform\":{\"tdx\":{\"collateral\":\"no\"}}}";
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	/* Who asks for CRLs alone gets them checked, and no more. */
	t.policy = NULL;
	t.require = CSN_REQUIRE_CRL;
	trial_refused(&t, CSN_E_POLICY, "revocation");
	t.collateral[5] = fake_tdx_root_crl(made, &none);
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	trial_set(&t.collateral[4], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	trial_expect(&t, "tcb", "skipped");
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_refused_for(&t, "required", CSN_E_POLICY, "tcb",
	    "required, but not checked: no TCB info");
	t.require = 16;
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	trial_end(&t);
}

/* --- what the platform's certificate says ------------------------------- */

static int
read_platform(struct csn_ctx *ctx, const struct fake_bytes *b,
    struct csn_pck *out)
{
	const struct fake_extension ext = {
		"1.2.840.113741.1.13.1", b->p, b->len
	};
	struct fake_cert_options o = {
		.name = "PCK", .extensions = &ext,
		.nextensions = b->p != NULL
	};
	struct fake_cert *cert = fake_cert_new(&o);
	struct fake_bytes der = { NULL, 0 };
	struct csn_pki *pki;
	int rc;

	fake_put_der(&der, cert);
	assert_int_equal(csn_pki_new(ctx, &pki), 0);
	assert_int_equal(csn_pki_read(pki, der.p, der.len), 0);
	rc = csn_pck_read(ctx, csn_pki_cert(pki, 0), out);
	csn_pki_free(pki);
	fake_cert_free(cert);
	free(der.p);
	return rc;
}

/* The OID of a part of the extension, as it lies in the DER. */
static uint8_t *
part(struct fake_bytes *b, const void *path, size_t len)
{
	static const uint8_t sgx[] = {
		0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
	};
	uint8_t oid[16] = { 0x06, (uint8_t)(sizeof(sgx) + len) };
	uint8_t *p;

	memcpy(oid + 2, sgx, sizeof(sgx));
	memcpy(oid + 2 + sizeof(sgx), path, len);
	p = memmem(b->p, b->len, oid, 2 + sizeof(sgx) + len);
	assert_non_null(p);
	return p + 2 + sizeof(sgx) + len;
}

/* The length of a SEQUENCE, which has two bytes. */
static void
add_18(uint8_t *p)
{
	unsigned len = (unsigned)(p[2] << 8 | p[3]) + 18;

	assert_memory_equal(p, "\x30\x82", 2);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
}

TEST(a_platform_that_is_not_described_whole_is_refused)
{
	static const struct {
		const char *what, *path;
		size_t len;
		int at;			/* from behind the OID */
		uint8_t value;
	} rows[] = {
		{ "a component is there twice", "\x02\x02", 2, -1, 1 },
		{ "a component is missing", "\x02\x02", 2, -1, 19 },
		{ "the last component is missing", "\x02\x10", 2, -1, 19 },
		{ "the PCE's SVN is missing", "\x02\x11", 2, -1, 19 },
		{ "component 16 is component 15", "\x02\x10", 2, -1, 15 },
		{ "the PCE's SVN is a component", "\x02\x11", 2, -1, 16 },
		{ "a component is no number", "\x02\x01", 2, 0, 0x04 },
		{ "a component is negative", "\x02\x01", 2, 2, 0x80 },
		{ "two PCE ids", "\x04", 1, -1, 3 },
		{ "two families", "\x03", 1, -1, 4 },
		{ "no TCB", "\x02", 1, -1, 7 },
		{ "no family", "\x04", 1, -1, 7 },
		{ "no PCE id", "\x03", 1, -1, 7 },
		{ "a family of another type", "\x04", 1, 0, 0x16 },
		{ "a PCE id of another length", "\x03", 1, 1, 1 },
		{ "another vendor's OID", "\x02\x03", 2, -3, 2 },
	};
	struct fake_bytes b = fake_tdx_platform(), twice = { NULL, 0 };
	struct csn_pck pck;
	struct csn_ctx *ctx;
	uint8_t *p, before;
	size_t i, at;
	int rc;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(read_platform(ctx, &b, &pck), 0);
	assert_memory_equal(pck.fmspc, "\x00\x90\x6e\xd5\x00\x00", 6);
	assert_memory_equal(pck.pce_id, "\x00\x00", 2);
	assert_int_equal(pck.pce_svn, 5);
	for (i = 0; i < CSN_TDX_SVNS; i++)
		assert_int_equal(pck.cpu_svn[i], 5);
	/* Each number lands in its own place. */
	for (i = 1; i <= CSN_TDX_SVNS; i++) {
		uint8_t path[2] = { 2, (uint8_t)i };

		p = part(&b, path, 2);
		p[2] = (uint8_t)(40 + i);
		assert_int_equal(read_platform(ctx, &b, &pck), 0);
		assert_int_equal(pck.cpu_svn[i - 1], 40 + i);
		p[2] = 5;
	}
	for (i = 0; i < COUNT(rows); i++) {
		p = part(&b, rows[i].path, rows[i].len) + rows[i].at;
		before = *p;
		*p = rows[i].value;
		rc = read_platform(ctx, &b, &pck);
		if (rc != CSN_E_SIGNER || strstr(csn_message(),
		    "'PCK' does not describe a platform") == NULL)
			fail_msg("%s: %s", rows[i].what, csn_error_name(rc));
		*p = before;
	}
	fake_put(&b, "\x05\x00", 2);
	assert_int_equal(read_platform(ctx, &b, &pck), CSN_E_SIGNER);
	b.len -= 2;
	/* The PCE id's pair of 18 bytes once more, at the end. */
	assert_memory_equal(b.p, "\x30\x82", 2);
	p = part(&b, "\x03", 1) - 14;
	fake_put(&twice, b.p, b.len);
	fake_put(&twice, p, 18);
	add_18(twice.p);
	assert_int_equal(twice.p[2] << 8 | twice.p[3], twice.len - 4);
	assert_int_equal(read_platform(ctx, &twice, &pck), CSN_E_SIGNER);
	free(twice.p);
	/* And that of the first component, at the head of its list. */
	twice = (struct fake_bytes){ NULL, 0 };
	p = part(&b, "\x02", 1);
	at = (size_t)(p - b.p) + 4;
	fake_put(&twice, b.p, at);
	fake_put(&twice, b.p + at, 18);
	fake_put(&twice, b.p + at, b.len - at);
	add_18(twice.p);
	add_18(twice.p + at - 4 - 12 - 4);
	add_18(twice.p + at - 4);
	assert_int_equal(read_platform(ctx, &twice, &pck), CSN_E_SIGNER);
	/* It is read where it is not the same component again. */
	*(twice.p + at + 14) = 30;
	assert_int_equal(read_platform(ctx, &twice, &pck), 0);
	free(twice.p);
	free(b.p);
	b = (struct fake_bytes){ NULL, 0 };
	assert_int_equal(read_platform(ctx, &b, &pck), CSN_E_SIGNER);
	csn_ctx_free(ctx);
}

BEFORE_ALL { made = fake_tdx_new(); }
AFTER_ALL { fake_tdx_free(made); }
