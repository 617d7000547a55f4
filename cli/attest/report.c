/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/report.c - caisson attest report: a signed report, once. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"

const struct cli_opt attest_report_opts[] = {
	{ "workload", "ID", "whose memory it is", CLI_REQUIRED },
	ATTEST_OPTS_IDENTITY,
	{ "document", "FILE", "write the signer's document there, for "
	    "trust stores" },
	{ "challenge", "FILE", "answer the challenge in FILE" },
	{ "nonce", "HEX", "answer this nonce, 16 to 64 bytes" },
	{ "out", "FILE", "write to FILE, not standard output" },
	{ "force", NULL, "replace FILE where it is there" },
	{ "lifetime", "SPAN", "until the report expires (5m)" },
	{ "leaves", NULL, "carry leaf hashes: drift names bytes" },
	ATTEST_OPTS_MEASURE,
	CLI_OPTS_PASSPHRASE,
	{ NULL }
};

/* The nonce to answer; *len is 0 where there is none. */
static int
take_nonce(struct cli *cli, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	const char *hex = cli_opt(cli, "nonce");
	const char *path = cli_opt(cli, "challenge");
	struct attest_ticket t;
	int rc;

	*len = 0;
	if (hex != NULL && path != NULL)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--nonce and --challenge both say what to answer, give "
		    "one of them");
	if (hex != NULL)
		return attest_nonce(cli, "--nonce", hex, nonce, len);
	if (path == NULL)
		return 0;
	if ((rc = attest_ticket_read(cli, path, &t)) != 0)
		return rc;
	memcpy(nonce, t.nonce, t.len);
	*len = t.len;
	return 0;
}

static int
check_out(struct cli *cli)
{
	int rc;

	if ((rc = cli_check_json(cli)) != 0)
		return rc;
	if (cli_opt(cli, "out") == NULL && isatty(STDOUT_FILENO))
		return cli_error(cli, CLI_USAGE, "Give it a file: --out FILE",
		    "a report is no text that a terminal could show");
	return 0;
}

/* What a verifier's trust store needs, where the identity rests nowhere. */
static int
write_document(struct cli *cli, const struct csn_identity *id)
{
	const char *path = cli_opt(cli, "document");
	const uint8_t *p;
	size_t len;
	char *text;
	int rc;

	if (path == NULL)
		return 0;
	p = csn_identity_document(id, &len);
	if ((rc = csn_armor(cli->ctx, CSN_LABEL_IDENTITY, p, len,
	    &text)) != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot write the signer's document");
	rc = cli_write_file(cli, path, 0644, cli_force(cli), text,
	    strlen(text));
	csn_free(text);
	return rc;
}

static int
tell(struct cli *cli, const struct attest_source *s, size_t nonce_len,
    const uint8_t *report, size_t len)
{
	char size[CLI_TEXT], *json;
	int rc;

	if (cli->json) {
		if ((rc = csn_report_json(cli->ctx, report, len,
		    &json)) != 0)
			return cli_error_lib(cli, rc, NULL,
			    "cannot describe the report");
		return cli_json_text(cli, json);
	}
	cli_bytes_text((double)len, size);
	cli_note(cli, "%zu region%s, %s, signed by %s%s.\n",
	    csn_attester_count(s->attester),
	    csn_attester_count(s->attester) == 1 ? "" : "s", size,
	    csn_identity_alias(s->identity),
	    csn_regions_has_evidence(s->regions) ?
	    ", with the platform's evidence" : "");
	if (nonce_len == 0)
		cli_note(cli, "It answers no nonce: nothing proves that it "
		    "is new.\n");
	return CLI_OK;
}

int
attest_report(struct cli *cli)
{
	uint8_t nonce[CSN_NONCE_MAX], *report = NULL;
	struct attest_source s;
	size_t nonce_len, len = 0;
	struct cli_out out;
	int rc;

	if ((rc = check_out(cli)) != 0 ||
	    (rc = take_nonce(cli, nonce, &nonce_len)) != 0 ||
	    (rc = attest_source_open(cli, 1, &s)) != 0)
		return rc;
	if ((rc = write_document(cli, s.identity)) != 0)
		goto out;
	/* Measuring may take minutes: what is in the way is said before. */
	if ((rc = cli_out_open(cli, cli_opt(cli, "out"), 0644, cli_force(cli),
	    &out)) != 0)
		goto out;
	if ((rc = attest_source_measure(cli, &s)) != 0)
		goto abort;
	if ((rc = csn_attester_report(s.attester, nonce_len != 0 ? nonce :
	    NULL, nonce_len, &report, &len)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot make a report");
		goto abort;
	}
	if ((rc = cli_out_write(&out, report, len)) == 0 &&
	    (rc = cli_out_commit(&out)) == 0)
		rc = tell(cli, &s, nonce_len, report, len);
abort:
	cli_out_abort(&out);
out:
	csn_free(report);
	attest_source_close(&s);
	return rc;
}
