/* SPDX-License-Identifier: Apache-2.0 */
/* platform/verify.c - vendors' evidence: what all have in common. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/sized.h"
#include "platform/policy.h"
#include "platform/vendor.h"

#define ROOM "platform"

static int
bad_option(struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, ROOM, "%s", what);
}

static int
check_options(const struct csn_appraisal *a)
{
	const struct csn_platform_options *o = &a->o;
	const struct csn_vendor *v = a->vendor;

	if (o->ncerts > CSN_PLATFORM_MAX_BLOBS ||
	    o->ncollateral > CSN_PLATFORM_MAX_BLOBS)
		return bad_option(a->ctx, "too many certificates or pieces "
		    "of collateral are given");
	if ((o->require & ~(CSN_REQUIRE_NONCE | CSN_REQUIRE_COLLATERAL |
	    CSN_REQUIRE_POLICY | CSN_REQUIRE_CRL)) != 0)
		return bad_option(a->ctx, "require has bits that nobody "
		    "knows");
	if (o->nonce != NULL && (o->nonce_len < v->min_nonce ||
	    o->nonce_len > v->max_nonce))
		return csn_fail(a->ctx, CSN_E_ARG, ROOM, "a nonce for %s has "
		    "%zu to %zu bytes, not %zu", v->name, v->min_nonce,
		    v->max_nonce, o->nonce_len);
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
		    csn_message());
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

/* The policy's part on this platform, and what it asks for by itself. */
static void
use_policy(struct csn_appraisal *a)
{
	a->policy = json_object_get(a->rules, a->vendor->name);
	/*
	 * Who names a platform whose collateral says what its evidence is
	 * worth means to hold it to that, unless they say otherwise.
	 */
	if (a->policy != NULL && csn_policy_lists(a, "collateral", "required",
	    a->vendor->needs_collateral ? "required" : "optional"))
		a->asked |= CSN_REQUIRE_COLLATERAL;
	if (json_object_size(a->policy) == 0)
		a->policy = NULL;
}

int
csn_appraise(struct csn_appraisal *a)
{
	int rc;

	use_policy(a);
	a->at_ms = a->o.at_ms != 0 ? a->o.at_ms : csn_ctx_wall_ms(a->ctx);
	if ((rc = check_options(a)) != 0 ||
	    (rc = csn_pki_new(a->ctx, &a->pki)) != 0 ||
	    (rc = csn_pki_new(a->ctx, &a->roots)) != 0 ||
	    (rc = read_roots(a)) != 0)
		goto out;
	/* Its length is the evidence's fault, not the call's. */
	if ((rc = check_length(a->ctx, a->len)) != 0)
		(void)csn_appraise_rc(a, "form", rc, "%s", "");
	else
		a->vendor->appraise(a);
	if (a->policy == NULL)
		csn_appraise_missing(a, "policy", CSN_REQUIRE_POLICY,
		    !a->policy_given ? "no policy given" :
		    "the policy says nothing about this platform");
	rc = a->broken;
	if (rc == 0 && a->first != 0)
		rc = csn_fail(a->ctx, a->first, ROOM, "%s", a->why);
out:
	csn_pki_free(a->chain);
	csn_pki_free(a->roots);
	csn_pki_free(a->pki);
	return rc;
}

int
csn_platform_verify(struct csn_ctx *ctx, int platform,
    const uint8_t *evidence, size_t len,
    const struct csn_platform_options *options, struct csn_result *result)
{
	struct csn_appraisal a = {
		.ctx = ctx, .result = result,
		.vendor = csn_vendor_of(platform),
		.evidence = evidence, .len = len
	};
	json_t *document = NULL;
	int rc;

	if (evidence == NULL || result == NULL || a.vendor == NULL)
		return bad_option(ctx, "evidence, its platform and a place "
		    "for the result are needed");
	if ((rc = CSN_TAKE(&a.o, options, csn_platform_options, cache)) != 0)
		return rc;
	if (a.o.policy_json != NULL &&
	    (rc = csn_platform_policy_parse(ctx, a.o.policy_json,
	    a.o.policy_len, &document)) != 0)
		return rc;
	a.policy_given = document != NULL;
	a.rules = json_object_get(document, "platform");
	rc = csn_appraise(&a);
	json_decref(document);
	return rc;
}

int
csn_platform_json(struct csn_ctx *ctx, int platform, const uint8_t *evidence,
    size_t len, char **json)
{
	const struct csn_vendor *v = csn_vendor_of(platform);
	json_t *object = NULL;
	char *text;
	int rc;

	if (evidence == NULL || json == NULL || v == NULL)
		return bad_option(ctx, "evidence, its platform and a place "
		    "for the text are needed");
	if ((rc = check_length(ctx, len)) != 0 ||
	    (rc = v->json(ctx, evidence, len, &object)) != 0)
		return rc;
	text = csn_json_text(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (text == NULL)
		return csn_nomem(ctx, ROOM, "showing evidence as JSON");
	*json = text;
	return 0;
}
