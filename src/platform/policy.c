/* SPDX-License-Identifier: Apache-2.0 */
/* platform/policy.c - what a verifier asks of a platform. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/text.h"
#include "crypto/pubkey.h"
#include "platform/policy.h"
#include "platform/vendor.h"

#define ROOM "platform"

/* --- forms ---------------------------------------------------- */

static int
hex_ok(const json_t *v, uint64_t min, uint64_t max)
{
	const char *s = json_string_value(v);
	size_t len = json_string_length(v);
	uint8_t bytes[CSN_POLICY_VALUE];

	return s != NULL && len / 2 >= min && len / 2 <= max &&
	    csn_hex_decode(s, len, bytes, len / 2) == 0;
}

static int
word_ok(const json_t *v, const char *const *words)
{
	const char *s = json_string_value(v);

	if (s == NULL || s[0] == '\0' || words == NULL)
		return s != NULL && s[0] != '\0';
	for (; *words != NULL; words++)
		if (strcmp(*words, s) == 0)
			return 1;
	return 0;
}

/* v, or each entry of the list v, which has one at least. */
static int
set_ok(const json_t *v, const struct csn_rule *r, uint64_t min, uint64_t max)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(v))
		return r->form == CSN_FORM_WORDS ? word_ok(v, r->words) :
		    hex_ok(v, min, max);
	for (i = 0; (one = json_array_get(v, i)) != NULL; i++)
		if (!(r->form == CSN_FORM_WORDS ? word_ok(one, r->words) :
		    hex_ok(one, min, max)))
			return 0;
	return i > 0;
}

static int
number_ok(const json_t *v, uint64_t max)
{
	return json_is_integer(v) && json_integer_value(v) >= 0 &&
	    (uint64_t)json_integer_value(v) <= max;
}

/* A number of bits, or their names. */
static int
bits_ok(const json_t *v, const struct csn_rule *r)
{
	struct csn_rule names = *r;

	names.form = CSN_FORM_WORDS;
	return json_is_integer(v) ? number_ok(v, r->len) :
	    set_ok(v, &names, 0, 0);
}

static int
tcb_ok(const json_t *v, const struct csn_rule *r)
{
	const char *const *part;
	size_t known = 0;
	const json_t *one;

	if (!json_is_object(v))
		return 0;
	for (part = r->words; *part != NULL; part++) {
		if ((one = json_object_get(v, *part)) == NULL)
			continue;
		known++;
		if (!number_ok(one, 255))
			return 0;
	}
	return known > 0 && known == json_object_size(v);
}

static int
keyed_ok(json_t *v, const struct csn_rule *r)
{
	size_t min, max;
	const char *key;
	json_t *one;

	if (json_object_size(v) == 0)
		return 0;
	json_object_foreach(v, key, one)
		if (!r->key(key, &min, &max) || !set_ok(one, r, min, max))
			return 0;
	return 1;
}

/* What the rule asks for where v is not so, or NULL. */
static const char *
breach(const struct csn_rule *r, json_t *v)
{
	switch (r->form) {
	case CSN_FORM_HEX:
		return set_ok(v, r, r->len, r->len) ? NULL :
		    "is not hex of the right length, or a list of such";
	case CSN_FORM_NUMBER:
		return number_ok(v, r->len) ? NULL :
		    "is not a number in its range";
	case CSN_FORM_BITS:
		return bits_ok(v, r) ? NULL :
		    "is neither a number of bits nor names of them";
	case CSN_FORM_SWITCH:
		return json_is_boolean(v) ? NULL :
		    "is neither true nor false";
	case CSN_FORM_WORDS:
		return set_ok(v, r, 0, 0) ? NULL :
		    "is not one of its words, or a list of them";
	case CSN_FORM_TCB:
		return tcb_ok(v, r) ? NULL :
		    "does not have numbers of 0 to 255 for parts of a TCB";
	case CSN_FORM_ROOT:
		return json_string_length(v) > 0 ? NULL :
		    "is no certificate in PEM";
	case CSN_FORM_KEYS:
		return json_string_length(v) > 0 ? NULL :
		    "is no public key in PEM";
	default:
		return keyed_ok(v, r) ? NULL : r->breach;
	}
}

/* Roots that cannot be read are found now, and not with the first report. */
static int
check_root(struct csn_ctx *ctx, const char *platform, const json_t *pem)
{
	struct csn_pki *pki;
	size_t i;
	int rc;

	if ((rc = csn_pki_new(ctx, &pki)) != 0)
		return rc;
	rc = csn_pki_read(pki, json_string_value(pem),
	    json_string_length(pem));
	if (rc == CSN_E_FORM || rc == CSN_E_LIMIT)
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "platform.%s.root of "
		    "the policy: %s", platform, csn_message());
	if (rc == 0 && csn_pki_count(pki) == 0)
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "platform.%s.root of "
		    "the policy holds no certificate", platform);
	for (i = 0; rc == 0 && i < csn_pki_count(pki); i++)
		if (!csn_cert_is_root(csn_pki_cert(pki, i)))
			rc = csn_fail(ctx, CSN_E_FORM, ROOM, "platform.%s."
			    "root of the policy: '%s' is not self-signed",
			    platform, csn_cert_name(csn_pki_cert(pki, i)));
	csn_pki_free(pki);
	return rc;
}

static int
check_keys(struct csn_ctx *ctx, const char *platform, const json_t *pem)
{
	struct csn_pubkeys *keys;
	int rc;

	rc = csn_pubkeys_read(ctx, json_string_value(pem),
	    json_string_length(pem), &keys);
	if (rc == 0)
		csn_pubkeys_free(keys);
	else if (rc == CSN_E_FORM || rc == CSN_E_LIMIT)
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "platform.%s.key of the "
		    "policy: %s", platform, csn_message());
	return rc;
}

static int
check_part(struct csn_ctx *ctx, const struct csn_vendor *v, json_t *part)
{
	const struct csn_rule *r;
	const char *key, *why;
	json_t *member;
	int rc;

	if (!json_is_object(part))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "platform.%s of the policy is no object", v->name);
	json_object_foreach(part, key, member) {
		for (r = v->rules; r->name != NULL; r++)
			if (strcmp(r->name, key) == 0)
				break;
		if (r->name == NULL)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "platform.%s of the policy has a member '%.40s' "
			    "that nobody knows", v->name, key);
		if ((why = breach(r, member)) != NULL)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "platform.%s.%s of the policy %s", v->name, key,
			    why);
		if (r->form == CSN_FORM_ROOT &&
		    (rc = check_root(ctx, v->name, member)) != 0)
			return rc;
		if (r->form == CSN_FORM_KEYS &&
		    (rc = check_keys(ctx, v->name, member)) != 0)
			return rc;
	}
	return v->check_rules != NULL ? v->check_rules(ctx, part) : 0;
}

/* "sev-snp, tdx, nvidia and tpm2" */
static void
names(char *out, size_t cap)
{
	const char *name;
	size_t at = 0;
	int i, n;

	for (i = 1; (name = csn_platform_name(i)) != NULL; i++) {
		n = snprintf(out + at, cap - at, "%s%s", i == 1 ? "" :
		    csn_platform_name(i + 1) == NULL ? " and " : ", ", name);
		if (n < 0 || (size_t)n >= cap - at)
			return;
		at += (size_t)n;
	}
}

int
csn_platform_policy_check(struct csn_ctx *ctx, const json_t *document)
{
	json_t *all, *part;
	char known[128];
	const char *key;
	int platform, rc;

	if (!json_is_object(document))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the policy is no JSON object");
	if ((all = json_object_get(document, "platform")) == NULL)
		return 0;
	if (!json_is_object(all))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "platform of the policy is no object");
	json_object_foreach(all, key, part) {
		if ((platform = csn_platform_parse(key)) == 0) {
			names(known, sizeof(known));
			return csn_fail(ctx, CSN_E_FORM, ROOM, "platform of "
			    "the policy names '%.40s', there are %s", key,
			    known);
		}
		if ((rc = check_part(ctx, csn_vendor_of(platform),
		    part)) != 0)
			return rc;
	}
	return 0;
}

int
csn_platform_policy_parse(struct csn_ctx *ctx, const char *json, size_t len,
    json_t **out)
{
	json_error_t e;
	int rc;

	if ((*out = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e)) == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "the policy is no JSON: line %d: %s", e.line, e.text);
	if ((rc = csn_platform_policy_check(ctx, *out)) == 0)
		return 0;
	json_decref(*out);
	*out = NULL;
	return rc != CSN_E_FORM ? rc : csn_fail(ctx, CSN_E_ARG, ROOM, "%s",
	    csn_message());
}
