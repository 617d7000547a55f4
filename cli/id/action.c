/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/action.c - caisson id sign and verify: credentials. */
#include <stdlib.h>
#include <string.h>

#include "id.h"

/*
 * The DID that who means: itself, or that of the document in the file who;
 * free(). as_key 1: an alias is looked up in the trust store, so that it is a
 * did:key. 0 or an exit code after saying why.
 */
static int
did_of(struct cli *cli, const char *who, int as_key, char **out)
{
	struct csn_trust *trust;
	struct csn_document *doc;
	uint8_t *p;
	size_t len;
	int rc;

	if (as_key && strncmp(who, "did:pqaid:", 10) == 0) {
		if ((rc = cli_trust_load(cli, &trust)) == 0) {
			rc = cli_did_of(cli, trust, who, out);
			csn_trust_free(trust);
		}
		return rc;
	}
	if (strncmp(who, "did:", 4) == 0) {
		*out = strdup(who);
	} else {
		if ((rc = cli_armour_read(cli, who, CSN_LABEL_IDENTITY, &p,
		    &len)) != 0)
			return rc;
		rc = csn_document_verify(cli->ctx, p, len, &doc);
		free(p);
		if (rc != 0)
			return cli_error_lib(cli, rc, NULL,
			    "%s is no good identity document", who);
		*out = strdup(csn_document_did(doc));
		csn_document_free(doc);
	}
	return *out != NULL ? 0 : cli_error(cli, CLI_FAILED, NULL,
	    "out of memory");
}

int
id_sign(struct cli *cli)
{
	struct csn_action a = { .size = sizeof(a) };
	uint8_t *parent = NULL, *chain = NULL;
	struct csn_identity *id = NULL;
	uint64_t span = 0, delegate = 0;
	size_t parent_len = 0, len;
	char *subject = NULL, *json;
	int rc;

	a.scope = cli_opt(cli, "scope");
	a.audience = cli_opt(cli, "audience");
	if ((rc = cli_check_json(cli)) != 0 ||
	    (rc = cli_opt_span(cli, "expires", &span)) != 0 ||
	    (rc = cli_opt_date(cli, "not-before", &a.not_before_ms)) != 0 ||
	    (rc = cli_opt_u64(cli, "delegate", 0, CSN_ACTION_MAX_LINKS - 1,
	    &delegate)) != 0 ||
	    (rc = did_of(cli, cli_opt(cli, "subject"), 1, &subject)) != 0 ||
	    (cli_opt(cli, "parent") != NULL && (rc = cli_armour_read(cli,
	    cli_opt(cli, "parent"), CSN_LABEL_ACTION, &parent,
	    &parent_len)) != 0) ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0)
		goto out;
	a.subject = subject;
	a.may_delegate = (uint32_t)delegate;
	a.expires_ms = (a.not_before_ms != 0 ? a.not_before_ms :
	    csn_ctx_wall_ms(cli->ctx)) + span;
	if ((rc = csn_action_issue(cli->ctx, id, &a, parent, parent_len,
	    &chain, &len)) != 0) {
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot sign this credential");
		goto out;
	}
	if ((rc = cli_armour_write(cli, CSN_LABEL_ACTION, chain, len)) != 0)
		goto out;
	if (cli->json && (rc = csn_action_json(cli->ctx, chain, len,
	    &json)) == 0)
		rc = cli_json_text(cli, json);
	else if (rc == 0)
		cli_note(cli, "Signed as %s.\n", csn_identity_name(id));
out:
	csn_free(chain);
	free(parent);
	free(subject);
	csn_identity_free(id);
	return rc;
}

int
id_verify(struct cli *cli)
{
	struct csn_result *r = NULL;
	struct csn_trust *trust = NULL;
	char *subject = NULL;
	uint8_t *chain = NULL;
	uint64_t at_ms = 0;
	size_t len;
	int rc, code, said;

	if ((rc = cli_opt_date(cli, "at", &at_ms)) != 0 ||
	    (cli_opt(cli, "subject") != NULL && (rc = did_of(cli,
	    cli_opt(cli, "subject"), 0, &subject)) != 0) ||
	    (rc = cli_trust_load(cli, &trust)) != 0 ||
	    (rc = cli_armour_read(cli, cli_arg(cli, 0), CSN_LABEL_ACTION,
	    &chain, &len)) != 0)
		goto out;
	if ((rc = csn_result_new(cli->ctx, &r)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot verify");
		goto out;
	}
	code = csn_action_verify(cli->ctx, trust, chain, len,
	    cli_opt(cli, "scope"), subject, cli_opt(cli, "audience"), at_ms,
	    r);
	said = cli_say_result(cli, r);
	rc = code == 0 ? CLI_OK : cli_error_lib(cli, code, NULL,
	    "the credential is refused");
	rc = said != 0 ? said : rc;
out:
	csn_result_free(r);
	free(chain);
	free(subject);
	csn_trust_free(trust);
	return rc;
}
