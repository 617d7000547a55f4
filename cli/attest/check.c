/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/check.c - a report verified, and what was found said. */
#include <stdlib.h>
#include <string.h>

#include "attest.h"

#define NEED_NONCE 1u
#define NEED_POLICY 2u
#define NEED_PLATFORM 4u
#define NEED_COLLATERAL 8u
#define NEED_CRL 16u
#define COLUMN 24

/* What a report's platforms are asked for fails where they are verified. */
static const struct {
	unsigned bit;
	const char *check;	/* which must not be skipped */
	unsigned flag;		/* CSN_VERIFY_* */
} meanings[] = {
	{ NEED_NONCE, "nonce", 0 },
	{ NEED_POLICY, "policy", 0 },
	{ NEED_PLATFORM, "platform", 0 },
	{ NEED_COLLATERAL, "platform", CSN_VERIFY_COLLATERAL },
	{ NEED_CRL, "platform", CSN_VERIFY_CRL },
};

/* In the same order. */
static const struct cli_word needs[] = {
	{ "nonce", NEED_NONCE },
	{ "policy", NEED_POLICY },
	{ "platform", NEED_PLATFORM },
	{ "collateral", NEED_COLLATERAL },
	{ "crl", NEED_CRL },
};

static int
take_policy(struct cli *cli, struct attest_check *c)
{
	const char *path = cli_opt(cli, "policy");
	int rc;

	c->workload = cli_opt(cli, "workload");
	if (path != NULL && (rc = csn_policy_load(cli->ctx, path,
	    &c->policy)) != 0)
		return cli_error_given(cli, rc, "cannot use the policy %s",
		    path);
	if (c->workload == NULL && c->policy != NULL)
		c->workload = csn_policy_workload(c->policy);
	if (c->workload != NULL)
		return 0;
	return cli_error(cli, CLI_USAGE, NULL, "whose memory should it be? "
	    "--workload says it, and so does a --policy");
}

int
attest_check_open(struct cli *cli, struct attest_check *c)
{
	struct csn_verifier_options o = { .size = sizeof(o) };
	size_t i;
	int rc;

	memset(c, 0, sizeof(*c));
	if (cli_opt(cli, "lenient") != NULL)
		c->flags |= CSN_VERIFY_LENIENT;
	if ((rc = cli_opt_words(cli, "require", needs,
	    sizeof(needs) / sizeof(needs[0]), &c->require)) != 0 ||
	    (rc = cli_opt_date(cli, "at", &c->at_ms)) != 0 ||
	    (rc = take_policy(cli, c)) != 0 ||
	    (rc = cli_trust_load(cli, &c->trust)) != 0)
		goto err;
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if ((c->require & meanings[i].bit) != 0)
			c->flags |= meanings[i].flag;
	o.trust = c->trust;
	o.policy = c->policy;
	o.endorsements = cli_opt(cli, "endorsements");
	o.cache = cli_opt(cli, "cache");
	o.max_challenges = 1;
	if ((rc = csn_verifier_new(cli->ctx, &o, &c->verifier)) != 0 ||
	    (rc = csn_result_new(cli->ctx, &c->result)) != 0) {
		rc = cli_error_given(cli, rc, "cannot verify");
		goto err;
	}
	return 0;

err:
	attest_check_close(c);
	return rc;
}

void
attest_check_close(struct attest_check *c)
{
	csn_result_free(c->result);
	csn_verifier_free(c->verifier);
	csn_policy_free(c->policy);
	csn_trust_free(c->trust);
	memset(c, 0, sizeof(*c));
}

/* The status of a check by name, or -1. */
static int
status_of(const struct csn_result *r, const char *wanted)
{
	const char *name, *detail;
	int status;
	size_t i;

	for (i = 0; csn_result_get(r, i, &name, &status, &detail) == 0; i++)
		if (strcmp(name, wanted) == 0)
			return status;
	return -1;
}

/* What --require names and nobody checked fails. */
static int
check_required(const struct attest_check *c)
{
	char name[32], why[64];
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(needs) / sizeof(needs[0]) && rc == 0; i++) {
		if ((c->require & needs[i].bit) == 0 || status_of(c->result,
		    meanings[i].check) != CSN_CHECK_SKIPPED)
			continue;
		snprintf(name, sizeof(name), "require %s", needs[i].word);
		snprintf(why, sizeof(why),
		    "--require asks for it, and it was not checked");
		rc = csn_result_add(c->result, name, CSN_CHECK_FAILED,
		    CSN_E_POLICY, why);
	}
	return rc;
}

/* The first check that failed, and what to do about it. */
static int
say_no(struct cli *cli, const struct attest_check *c, int rc)
{
	const char *name, *detail, *todo = NULL;
	int status = CSN_CHECK_PASSED, code = csn_result_code(c->result);
	size_t i;

	/* Nothing was decided where no check failed. */
	if (code == 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot verify the report");
	for (i = 0; status != CSN_CHECK_FAILED; i++)
		if (csn_result_get(c->result, i, &name, &status,
		    &detail) != 0)
			break;
	if (code == CSN_E_SIGNER)
		todo = "Trust a signer: caisson id trust FILE --purposes "
		    "report";
	if (code == CSN_E_FORM && strcmp(name, "form") == 0)
		return cli_error(cli, CLI_REFUSED, todo,
		    "this is no report (%s: %s) [%s]", name, detail != NULL ?
		    detail : csn_error_text(code), csn_error_name(code));
	return cli_error(cli, CLI_REFUSED, todo,
	    "the report does not verify: %s: %s [%s]", name,
	    detail != NULL ? detail : csn_error_text(code),
	    csn_error_name(code));
}

/* --- what was found ----------------------------------------------------- */

/* The report's own view of a region, or NULL. */
static const json_t *
region_of(const json_t *report, const char *id)
{
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(report, "regions"), i, o)
		if (strcmp(json_string_value(json_object_get(o, "id")),
		    id) == 0)
			return o;
	return NULL;
}

static void
say_region(struct cli *cli, const char *id, int status, const char *detail,
    const json_t *o)
{
	static const char *const words[] = { "ok", "NO", "--" };
	const json_t *size;

	cli_say(cli, "%s  ", words[status]);
	attest_say_column(cli, id, COLUMN);
	size = json_object_get(o, "size");
	if (json_is_string(size))
		cli_say(cli, "  %15s  %-4s", json_string_value(size),
		    json_string_value(json_object_get(o, "protection")));
	else if (o != NULL)
		cli_say(cli, "  %15lld  %-4s", (long long)json_integer_value(
		    size), json_string_value(
		    json_object_get(o, "protection")));
	else
		cli_say(cli, "  %15s  %-4s", "-", "-");
	if (detail != NULL && detail[0] != '\0') {
		cli_say(cli, "  ");
		attest_say_plain(cli, detail);
	}
	cli_say(cli, "\n");
}

/* The checks that are not about one region, then a table of those. */
static void
say_tables(struct cli *cli, const struct attest_check *c,
    const json_t *report)
{
	const char *name, *detail;
	size_t i, regions = 0;
	int status;

	for (i = 0; csn_result_get(c->result, i, &name, &status,
	    &detail) == 0; i++) {
		if (strncmp(name, "region ", 7) == 0) {
			regions++;
			continue;
		}
		cli_say_check(cli, name, status, detail);
	}
	if (regions == 0)
		return;
	cli_say(cli, "\n    %-*s  %15s  PROT\n", COLUMN, "REGION", "BYTES");
	for (i = 0; csn_result_get(c->result, i, &name, &status,
	    &detail) == 0; i++)
		if (strncmp(name, "region ", 7) == 0)
			say_region(cli, name + 7, status, detail,
			    region_of(report, name + 7));
}

static void
say_unchecked(struct cli *cli, const struct attest_check *c)
{
	if (csn_result_code(c->result) != 0)
		return;
	cli_say_verdict(cli, "The report verifies", c->result);
	if (status_of(c->result, "nonce") == CSN_CHECK_SKIPPED)
		cli_note(cli, "It may be an old one: --challenge or --nonce "
		    "checks that it is not, and --require nonce\nrefuses a "
		    "report for which nobody did.\n");
}

/*
 * The ranges that a check's sentence names behind ": bytes", as many as it
 * does: "0x30000-0x3ffff (leaf 3), 0x…".
 */
static void
add_ranges(json_t *all, const char *region, const char *detail)
{
	static const char before[] = "the bytes of region ";
	static const char start[] = " are not those of the policy: bytes ";
	unsigned long long from, to;
	const char *p;
	int n;

	/* The region's own name stands before it, and may be anything. */
	if ((p = strstr(detail, before)) == NULL)
		return;
	p += sizeof(before) - 1;
	n = (int)strlen(region);
	if (strncmp(p, region, (size_t)n) != 0 ||
	    strncmp(p + n, start, sizeof(start) - 1) != 0)
		return;
	p += n;
	for (p += sizeof(start) - 1; sscanf(p, "0x%llx-0x%llx%n", &from, &to,
	    &n) == 2 && to >= from; p += 3) {
		(void)json_array_append_new(all, json_pack("{s:s, s:I, s:I}",
		    "region", region, "offset", (json_int_t)from, "length",
		    (json_int_t)(to - from + 1)));
		p += n;
		if ((p = strstr(p, "), 0x")) == NULL)
			break;
	}
}

/* [{"region", "offset", "length"}], or NULL without memory. */
static json_t *
drift_json(const struct csn_result *r)
{
	json_t *all = json_array();
	const char *name, *detail;
	int status;
	size_t i;

	for (i = 0; csn_result_get(r, i, &name, &status, &detail) == 0; i++)
		if (strncmp(name, "region ", 7) == 0 && detail != NULL &&
		    status != CSN_CHECK_PASSED)
			add_ranges(all, name + 7, detail);
	return all;
}

static int
say_found(struct cli *cli, const struct attest_check *c,
    const uint8_t *report, size_t len)
{
	char *text = NULL;
	json_t *view = NULL, *all = NULL;
	int rc;

	if (csn_report_json(cli->ctx, report, len, &text) == 0)
		view = json_loads(text, 0, NULL);
	csn_free(text);
	if (!cli->json) {
		say_tables(cli, c, view);
		say_unchecked(cli, c);
		rc = CLI_OK;
	} else if ((rc = csn_result_json(cli->ctx, c->result, &text)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot say what was found");
	} else {
		all = json_loads(text, 0, NULL);
		csn_free(text);
		/* Of a report that nobody signed, nothing is repeated. */
		json_object_set(all, "report", view != NULL && status_of(
		    c->result, "signature") == CSN_CHECK_PASSED ? view :
		    json_null());
		json_object_set_new(all, "drift", drift_json(c->result));
		rc = cli_json(cli, all);
	}
	json_decref(view);
	return rc;
}

int
attest_check_run(struct cli *cli, struct attest_check *c,
    const uint8_t *report, size_t len, struct attest_ticket *ticket,
    int say)
{
	int rc = 0, code;

	if (ticket != NULL && ticket->code != 0)
		rc = csn_result_add(c->result, "challenge", CSN_CHECK_FAILED,
		    ticket->code, ticket->why);
	else if (ticket != NULL)
		rc = csn_verifier_expect(c->verifier, ticket->nonce,
		    ticket->len);
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL, "cannot verify");
	rc = csn_verifier_check(c->verifier, c->workload, report, len,
	    c->at_ms, c->flags, c->result);
	if (ticket != NULL && ticket->code == 0 && ticket->fd >= 0 &&
	    status_of(c->result, "nonce") == CSN_CHECK_PASSED &&
	    (code = attest_ticket_spend(ticket)) != 0)
		return code;
	if (rc == 0)
		rc = check_required(c);
	if (rc == 0)
		rc = csn_result_code(c->result);
	if (say && csn_result_count(c->result) > 0 &&
	    (code = say_found(cli, c, report, len)) != 0)
		return code;
	return rc == 0 ? CLI_OK : say_no(cli, c, rc);
}
