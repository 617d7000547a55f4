/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/verify.c - caisson attest verify and policy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attest.h"

const struct cli_opt attest_verify_opts[] = {
	ATTEST_OPTS_CHECK,
	{ "challenge", "FILE", "it must answer the challenge in FILE, "
	    "once" },
	{ "nonce", "HEX", "it must answer this nonce" },
	{ "at", "DATE", "verify as of DATE, for archived reports" },
	{ NULL }
};

const struct cli_opt attest_policy_opts[] = {
	{ "out", "FILE", "write to FILE, not standard output" },
	{ "force", NULL, "replace FILE where it is there" },
	{ "leaves", NULL, "keep leaf hashes in FILE.leaves: drift names "
	    "bytes" },
	{ "trust", "FILE", "another trust store than the home folder's" },
	{ "workload", "ID", "refuse a report of another workload" },
	{ "at", "DATE", "verify as of DATE, for archived reports" },
	{ NULL }
};

/* What the report has to answer, or a nonce of no kind. */
static int
take_ticket(struct cli *cli, struct attest_check *c, struct attest_ticket *t,
    struct attest_ticket **out)
{
	const char *path = cli_opt(cli, "challenge");
	const char *hex = cli_opt(cli, "nonce");

	memset(t, 0, sizeof(*t));
	t->cli = cli;
	t->fd = -1;
	*out = t;
	if (path != NULL && (hex != NULL || c->at_ms != 0))
		return cli_error(cli, CLI_USAGE, NULL, "--challenge goes "
		    "neither with --nonce nor with --at");
	if (path != NULL)
		return attest_ticket_claim(cli, path, t);
	if (hex != NULL)
		return attest_nonce(cli, "--nonce", hex, t->nonce, &t->len);
	c->flags |= CSN_VERIFY_ARCHIVED;
	*out = NULL;
	return 0;
}

int
attest_verify(struct cli *cli)
{
	struct attest_ticket own, *ticket = NULL;
	struct attest_check c;
	uint8_t *report = NULL;
	size_t len;
	int rc;

	if ((rc = attest_check_open(cli, &c)) != 0)
		return rc;
	own.fd = -1;
	if ((rc = attest_read(cli, cli_arg(cli, 0), ATTEST_MAX_FILE,
	    &report, &len)) != 0 ||
	    (rc = take_ticket(cli, &c, &own, &ticket)) != 0)
		goto out;
	rc = attest_check_run(cli, &c, report, len, ticket, 1);
out:
	attest_ticket_release(&own);
	free(report);
	attest_check_close(&c);
	return rc;
}

/* --- policy ------------------------------------------------------------- */

/* The workload that the report says it is about; free(). */
static int
workload_of(struct cli *cli, const uint8_t *report, size_t len, char **out)
{
	const char *said;
	json_t *view;
	char *text;
	int rc;

	if ((rc = csn_report_json(cli->ctx, report, len, &text)) != 0)
		return cli_error_lib(cli, rc, NULL, "%s is no report",
		    cli_arg(cli, 0));
	view = json_loads(text, 0, NULL);
	csn_free(text);
	said = json_string_value(json_object_get(view, "workload"));
	*out = said != NULL ? strdup(said) : NULL;
	json_decref(view);
	return *out != NULL ? 0 : cli_error(cli, CLI_FAILED, NULL,
	    "out of memory");
}

/* The signature has to be somebody's who is trusted. */
static int
verify_bare(struct cli *cli, const uint8_t *report, size_t len)
{
	struct attest_check c = { .flags = CSN_VERIFY_ARCHIVED };
	struct csn_verifier_options o = { .size = sizeof(o) };
	const char *workload = cli_opt(cli, "workload");
	char *said = NULL;
	int rc;

	if ((rc = cli_opt_date(cli, "at", &c.at_ms)) != 0 ||
	    (rc = workload_of(cli, report, len, &said)) != 0 ||
	    (rc = cli_trust_load(cli, &c.trust)) != 0)
		goto out;
	c.workload = workload != NULL ? workload : said;
	o.trust = c.trust;
	if ((rc = csn_verifier_new(cli->ctx, &o, &c.verifier)) != 0 ||
	    (rc = csn_result_new(cli->ctx, &c.result)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot verify");
	else
		rc = attest_check_run(cli, &c, report, len, NULL, 0);
out:
	attest_check_close(&c);
	free(said);
	return rc;
}

/* The folder beside --out where leaf hashes go, or NULL; free(). */
static int
leaves_folder(struct cli *cli, char **folder)
{
	const char *out = cli_opt(cli, "out");

	*folder = NULL;
	if (cli_opt(cli, "leaves") == NULL)
		return 0;
	if (out == NULL || strcmp(out, "-") == 0)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--leaves needs --out, the hashes lie beside that file");
	if (asprintf(folder, "%s.leaves", out) < 0) {
		*folder = NULL;
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	}
	if (mkdir(*folder, 0755) == 0 || errno == EEXIST)
		return 0;
	return cli_error_sys(cli, errno, "cannot make the folder %s",
	    *folder);
}

int
attest_policy(struct cli *cli)
{
	char *json = NULL, *folder = NULL;
	uint8_t *report = NULL;
	size_t len;
	int rc;

	if ((rc = attest_read(cli, cli_arg(cli, 0), ATTEST_MAX_FILE,
	    &report, &len)) != 0 ||
	    (rc = verify_bare(cli, report, len)) != 0 ||
	    (rc = leaves_folder(cli, &folder)) != 0)
		goto out;
	if ((rc = csn_policy_from_report(cli->ctx, report, len, folder,
	    &json)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot make a policy");
		goto out;
	}
	/* Its NUL makes room for the last line's end. */
	len = strlen(json);
	json[len] = '\n';
	rc = cli_write_file(cli, cli_opt(cli, "out"), 0644, cli_force(cli),
	    json, len + 1);
	if (rc == 0)
		cli_note(cli, "What this report says is what the policy asks "
		    "for: be sure that it is good.\n");
out:
	csn_free(json);
	free(folder);
	free(report);
	return rc;
}
