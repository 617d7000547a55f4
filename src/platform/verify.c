/* SPDX-License-Identifier: Apache-2.0 */
/* platform/verify.c - vendors' evidence: what all have in common. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/sized.h"
#include "base/text.h"
#include "platform/appraisal.h"
#include "platform/policy.h"

#define ROOM "attest"

static const struct platform {
	const char *name;
	size_t min_nonce;
	size_t max_nonce;
	void (*appraise)(struct csn_appraisal *a);
	int (*json)(struct csn_ctx *ctx, const uint8_t *p, size_t len,
	    json_t **out);
} platforms[] = {
	{ "sev-snp", 1, 64, csn_appraise_snp, csn_snp_json },
	{ "tdx", 1, 64, csn_appraise_tdx, csn_tdx_json },
	{ "nvidia", 32, 32, csn_appraise_nvidia, csn_nvidia_json },
	{ "tpm2", 1, 64, csn_appraise_tpm, csn_tpm_json },
};

#define COUNT ((int)(sizeof(platforms) / sizeof(platforms[0])))

const char *
csn_platform_name(int platform)
{
	return platform < 1 || platform > COUNT ? NULL :
	    platforms[platform - 1].name;
}

int
csn_platform_parse(const char *name)
{
	int i;

	for (i = 0; name != NULL && i < COUNT; i++)
		if (strcmp(platforms[i].name, name) == 0)
			return i + 1;
	return 0;
}

static int
bad_option(struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, ROOM, "%s", what);
}

static int
check_options(struct csn_appraisal *a, const struct platform *platform)
{
	const struct csn_platform_options *o = &a->o;

	if (o->ncerts > CSN_PLATFORM_MAX_BLOBS ||
	    o->ncollateral > CSN_PLATFORM_MAX_BLOBS)
		return bad_option(a->ctx, "too many certificates or pieces "
		    "of collateral are given");
	if ((o->require & ~(CSN_REQUIRE_NONCE | CSN_REQUIRE_COLLATERAL |
	    CSN_REQUIRE_POLICY | CSN_REQUIRE_CRL)) != 0)
		return bad_option(a->ctx, "require has bits that nobody "
		    "knows");
	if (o->nonce != NULL && (o->nonce_len < platform->min_nonce ||
	    o->nonce_len > platform->max_nonce))
		return csn_fail(a->ctx, CSN_E_ARG, ROOM, "a nonce for %s has "
		    "%zu to %zu bytes, not %zu", platform->name,
		    platform->min_nonce, platform->max_nonce, o->nonce_len);
	return 0;
}

/*
 * The verifier's own roots, of the options or else of its policy: what is
 * wrong here is wrong with the call.
 */
static int
read_roots(struct csn_appraisal *a)
{
	const json_t *pem = json_object_get(a->policy, "root");
	struct csn_bytes root = {
		(const uint8_t *)json_string_value(pem),
		json_string_length(pem)
	};
	size_t i;

	if (a->o.root != NULL)
		root = *a->o.root;
	else if (pem == NULL)
		return 0;
	if (csn_pki_read(a->roots, root.p, root.len) != 0)
		return csn_fail(a->ctx, CSN_E_ARG, ROOM, "the root: %s",
		    csn_ctx_message(a->ctx));
	for (i = 0; i < csn_pki_count(a->roots); i++)
		if (!csn_cert_is_root(csn_pki_cert(a->roots, i)))
			return csn_fail(a->ctx, CSN_E_ARG, ROOM,
			    "the root '%s' is not self-signed",
			    csn_cert_name(csn_pki_cert(a->roots, i)));
	if (i == 0)
		return bad_option(a->ctx, "the root holds no certificate");
	return 0;
}

static int
check_length(struct csn_ctx *ctx, size_t len)
{
	return len <= CSN_PLATFORM_MAX_EVIDENCE ? 0 : csn_fail(ctx,
	    CSN_E_FORM, ROOM, "evidence of %zu bytes is more than any "
	    "platform's: %u are taken", len, CSN_PLATFORM_MAX_EVIDENCE);
}

int
csn_platform_verify(struct csn_ctx *ctx, int platform,
    const uint8_t *evidence, size_t len,
    const struct csn_platform_options *options, struct csn_result *result)
{
	struct csn_appraisal a = {
		.ctx = ctx, .result = result, .platform = platform,
		.evidence = evidence, .len = len
	};
	int rc;

	if (evidence == NULL || result == NULL ||
	    csn_platform_name(platform) == NULL)
		return bad_option(ctx, "evidence, its platform and a place "
		    "for the result are needed");
	if ((rc = CSN_TAKE(&a.o, options, csn_platform_options, cache)) != 0)
		return rc;
	a.at_ms = a.o.at_ms != 0 ? a.o.at_ms : csn_ctx_wall_ms(ctx);
	if ((rc = check_options(&a, &platforms[platform - 1])) != 0 ||
	    (rc = csn_pki_new(ctx, &a.pki)) != 0 ||
	    (rc = csn_pki_new(ctx, &a.roots)) != 0 ||
	    (rc = csn_policy_of(&a)) != 0 ||
	    (rc = read_roots(&a)) != 0)
		goto out;
	/* Its length is the evidence's fault, not the call's. */
	if ((rc = check_length(ctx, len)) != 0)
		(void)csn_appraise_rc(&a, "form", rc, "%s", "");
	else
		platforms[platform - 1].appraise(&a);
	if (a.policy == NULL)
		csn_appraise_missing(&a, "policy", CSN_REQUIRE_POLICY,
		    a.document == NULL ? "no policy given" :
		    "the policy says nothing about this platform");
	rc = a.broken;
	if (rc == 0 && a.first != 0)
		rc = csn_fail(ctx, a.first, ROOM, "%s", a.why);
out:
	json_decref(a.document);
	csn_pki_free(a.chain);
	csn_pki_free(a.roots);
	csn_pki_free(a.pki);
	return rc;
}

int
csn_json_hex(json_t *object, const char *name, const uint8_t *p, size_t len)
{
	char *text = csn_calloc(2 * len + 1, 1);
	int rc;

	if (text == NULL)
		return -1;
	csn_hex_encode(p, len, text);
	rc = json_object_set_new(object, name, json_string(text));
	free(text);
	return rc;
}

int
csn_json_uint(json_t *object, const char *name, uint64_t v)
{
	return json_object_set_new(object, name, json_integer((json_int_t)v));
}

int
csn_platform_json(struct csn_ctx *ctx, int platform, const uint8_t *evidence,
    size_t len, char **json)
{
	json_t *object = NULL;
	char *text;
	int rc;

	if (evidence == NULL || json == NULL ||
	    csn_platform_name(platform) == NULL)
		return bad_option(ctx, "evidence, its platform and a place "
		    "for the text are needed");
	if ((rc = check_length(ctx, len)) != 0 ||
	    (rc = platforms[platform - 1].json(ctx, evidence, len,
	    &object)) != 0)
		return rc;
	text = csn_json_text(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (text == NULL)
		return csn_nomem(ctx, ROOM, "showing evidence as JSON");
	*json = text;
	return 0;
}
