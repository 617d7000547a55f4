/* SPDX-License-Identifier: Apache-2.0 */
/* platform/policy.c - what a verifier asks of a platform. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/text.h"
#include "platform/policy.h"
#include "platform/snp.h"
#include "platform/tpm.h"

#define ROOM "attest"

/* The forms that a member of a policy may have. */
enum form {
	HEX,		/* len bytes in hex, or a list of such: any of them */
	NUMBER,		/* 0 to len */
	SWITCH,		/* true or false */
	WORDS,		/* a word, or a list of them: any; words or any text */
	BITS,		/* 0 to len, or a name of bits, or a list of names */
	TCB,		/* an object of numbers 0 to 255, by words */
	BLOCKS,		/* "1" to "254": HEX of 32 to 64 bytes */
	PEM,		/* certificates, as text */
	PCRS,		/* "sha256:7": HEX of the bank's size */
	KEYS		/* public keys in PEM, as text */
};

struct rule {
	const char *name;
	enum form form;
	uint64_t len;
	const char *const *words;
};

static const char *const tcb_parts[] = {
	"fmc", "bootloader", "tee", "snp", "microcode", NULL
};
static const char *const products[] = { "Milan", "Genoa", "Turin", NULL };
static const char *const signers[] = { "vcek", "vlek", NULL };
static const char *const devices[] = { "gpu", "switch", NULL };
static const char *const needs[] = { "required", "optional", NULL };
/* Not "Revoked": nobody means to trust that. */
static const char *const statuses[] = {
	"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded", "OutOfDate",
	"OutOfDateConfigurationNeeded", NULL
};

static const struct rule snp_rules[] = {
	{ "measurement", HEX, 48, NULL },
	{ "host_data", HEX, 32, NULL },
	{ "id_key_digest", HEX, 48, NULL },
	{ "author_key_digest", HEX, 48, NULL },
	{ "family_id", HEX, 16, NULL },
	{ "image_id", HEX, 16, NULL },
	{ "chip_id", HEX, 64, NULL },
	{ "product", WORDS, 0, products },
	{ "signer", WORDS, 0, signers },
	{ "csp", WORDS, 0, NULL },
	{ "min_guest_svn", NUMBER, UINT32_MAX, NULL },
	{ "max_vmpl", NUMBER, 3, NULL },
	{ "min_tcb", TCB, 0, tcb_parts },
	{ "min_current_tcb", TCB, 0, tcb_parts },
	{ "min_committed_tcb", TCB, 0, tcb_parts },
	{ "min_launch_tcb", TCB, 0, tcb_parts },
	{ "platform_info", BITS, INT64_MAX, csn_snp_info_names },
	{ "mitigations", NUMBER, INT64_MAX, NULL },
	{ "allow_host_report", SWITCH, 0, NULL },
	{ "allow_debug", SWITCH, 0, NULL },
	{ "allow_migration", SWITCH, 0, NULL },
	{ "allow_smt", SWITCH, 0, NULL },
	{ "collateral", WORDS, 0, needs },
	{ "root", PEM, 0, NULL },
	{ NULL }
};

static const struct rule tdx_rules[] = {
	{ "mr_td", HEX, 48, NULL },
	{ "rtmr0", HEX, 48, NULL },
	{ "rtmr1", HEX, 48, NULL },
	{ "rtmr2", HEX, 48, NULL },
	{ "rtmr3", HEX, 48, NULL },
	{ "mr_config_id", HEX, 48, NULL },
	{ "mr_owner", HEX, 48, NULL },
	{ "mr_owner_config", HEX, 48, NULL },
	{ "mr_seam", HEX, 48, NULL },
	{ "mr_service_td", HEX, 48, NULL },
	{ "td_attributes", HEX, 8, NULL },
	{ "xfam", HEX, 8, NULL },
	{ "fmspc", HEX, 6, NULL },
	{ "tcb_status", WORDS, 0, statuses },
	{ "min_tcb_evaluation", NUMBER, UINT32_MAX, NULL },
	{ "allow_debug", SWITCH, 0, NULL },
	{ "collateral", WORDS, 0, needs },
	{ "root", PEM, 0, NULL },
	{ NULL }
};

static const struct rule nvidia_rules[] = {
	{ "device", WORDS, 0, devices },
	{ "measurements", BLOCKS, 0, NULL },
	{ "driver_version", WORDS, 0, NULL },
	{ "vbios_version", WORDS, 0, NULL },
	{ "collateral", WORDS, 0, needs },
	{ "root", PEM, 0, NULL },
	{ NULL }
};

static const struct rule tpm_rules[] = {
	{ "key", KEYS, 0, NULL },
	{ "pcrs", PCRS, 0, NULL },
	{ "firmware_version", HEX, 8, NULL },
	{ "allow_unsafe_clock", SWITCH, 0, NULL },
	{ "collateral", WORDS, 0, needs },
	{ "root", PEM, 0, NULL },
	{ NULL }
};

static const struct rule *const rules[] = {
	snp_rules, tdx_rules, nvidia_rules, tpm_rules
};

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
set_ok(const json_t *v, const struct rule *r, uint64_t min, uint64_t max)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(v))
		return r->form == WORDS ? word_ok(v, r->words) :
		    hex_ok(v, min, max);
	for (i = 0; (one = json_array_get(v, i)) != NULL; i++)
		if (!(r->form == WORDS ? word_ok(one, r->words) :
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
bits_ok(const json_t *v, const struct rule *r)
{
	struct rule names = *r;

	names.form = WORDS;
	return json_is_integer(v) ? number_ok(v, r->len) :
	    set_ok(v, &names, 0, 0);
}

static int
tcb_ok(const json_t *v, const struct rule *r)
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
blocks_ok(json_t *v, const struct rule *r)
{
	const char *key;
	char text[8];
	json_t *one;
	long n;

	if (json_object_size(v) == 0)
		return 0;
	json_object_foreach(v, key, one) {
		n = strtol(key, NULL, 10);
		(void)snprintf(text, sizeof(text), "%ld", n % 1000);
		if (n < 1 || n > 254 || strcmp(text, key) != 0 ||
		    !set_ok(one, r, 32, CSN_POLICY_VALUE))
			return 0;
	}
	return 1;
}

static int
pcrs_ok(json_t *v, const struct rule *r)
{
	const char *key;
	json_t *one;
	size_t size;

	if (json_object_size(v) == 0)
		return 0;
	json_object_foreach(v, key, one) {
		size = csn_tpm_pcr_size(key);
		if (size == 0 || !set_ok(one, r, size, size))
			return 0;
	}
	return 1;
}

/* What the rule asks for where v is not so, or NULL. */
static const char *
breach(const struct rule *r, json_t *v)
{
	switch (r->form) {
	case HEX:
		return set_ok(v, r, r->len, r->len) ? NULL :
		    "is not hex of the right length, or a list of such";
	case NUMBER:
		return number_ok(v, r->len) ? NULL :
		    "is not a number in its range";
	case BITS:
		return bits_ok(v, r) ? NULL :
		    "is neither a number of bits nor names of them";
	case SWITCH:
		return json_is_boolean(v) ? NULL :
		    "is neither true nor false";
	case WORDS:
		return set_ok(v, r, 0, 0) ? NULL :
		    "is not one of its words, or a list of them";
	case TCB:
		return tcb_ok(v, r) ? NULL :
		    "does not have numbers of 0 to 255 for parts of a TCB";
	case PEM:
		return json_string_length(v) > 0 ? NULL :
		    "is no certificate in PEM";
	case KEYS:
		return json_string_length(v) > 0 ? NULL :
		    "is no public key in PEM";
	case PCRS:
		return pcrs_ok(v, r) ? NULL :
		    "does not give hex of the bank's size for PCRs, which "
		    "are called like sha256:7";
	default:
		return blocks_ok(v, r) ? NULL :
		    "does not give hex for block numbers of 1 to 254";
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
		    "the policy: %s", platform, csn_ctx_message(ctx));
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
		    "policy: %s", platform, csn_ctx_message(ctx));
	return rc;
}

/* Whose quotes are good? One answer, lest the weaker of two be the one. */
static int
check_signer(struct csn_ctx *ctx, const json_t *part)
{
	int key = json_object_get(part, "key") != NULL;
	int root = json_object_get(part, "root") != NULL;

	if (key + root == 1)
		return 0;
	return csn_fail(ctx, CSN_E_FORM, ROOM, "platform.tpm2 of the policy "
	    "has %s key %s root: the signer is known by one of them",
	    key ? "both" : "neither", key ? "and" : "nor");
}

static int
check_part(struct csn_ctx *ctx, const char *platform, json_t *part,
    const struct rule *table)
{
	const struct rule *r;
	const char *key, *why;
	json_t *v;
	int rc;

	if (!json_is_object(part))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "platform.%s of the policy is no object", platform);
	json_object_foreach(part, key, v) {
		for (r = table; r->name != NULL; r++)
			if (strcmp(r->name, key) == 0)
				break;
		if (r->name == NULL)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "platform.%s of the policy has a member '%.40s' "
			    "that nobody knows", platform, key);
		if ((why = breach(r, v)) != NULL)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "platform.%s.%s of the policy %s", platform, key,
			    why);
		if (r->form == PEM &&
		    (rc = check_root(ctx, platform, v)) != 0)
			return rc;
		if (r->form == KEYS &&
		    (rc = check_keys(ctx, platform, v)) != 0)
			return rc;
	}
	return table == tpm_rules ? check_signer(ctx, part) : 0;
}

int
csn_platform_policy_check(struct csn_ctx *ctx, const json_t *document)
{
	json_t *all, *part;
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
		if ((platform = csn_platform_parse(key)) == 0)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "platform of the policy names '%.40s', there are "
			    "sev-snp, tdx, nvidia and tpm2", key);
		if ((rc = check_part(ctx, key, part,
		    rules[platform - 1])) != 0)
			return rc;
	}
	return 0;
}

int
csn_policy_of(struct csn_appraisal *a)
{
	json_error_t e;
	int rc;

	if (a->o.policy_json == NULL)
		return 0;
	a->document = json_loadb(a->o.policy_json, a->o.policy_len,
	    JSON_REJECT_DUPLICATES, &e);
	if (a->document == NULL)
		return csn_fail(a->ctx, CSN_E_ARG, ROOM,
		    "the policy is no JSON: line %d: %s", e.line, e.text);
	if ((rc = csn_platform_policy_check(a->ctx, a->document)) != 0)
		return rc != CSN_E_FORM ? rc : csn_fail(a->ctx, CSN_E_ARG,
		    ROOM, "%s", csn_ctx_message(a->ctx));
	a->policy = json_object_get(json_object_get(a->document, "platform"),
	    csn_platform_name(a->platform));
	/*
	 * What a quote of TDX is worth, its collateral says: who names the
	 * platform means to hold it to that, unless they say otherwise.
	 */
	if (a->policy != NULL && csn_policy_lists(a, "collateral", "required",
	    a->platform == CSN_PLATFORM_TDX ? "required" : "optional"))
		a->asked |= CSN_REQUIRE_COLLATERAL;
	if (json_object_size(a->policy) == 0)
		a->policy = NULL;
	return 0;
}
