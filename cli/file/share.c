/* SPDX-License-Identifier: Apache-2.0 */
/* cli/file/share.c - other recipients for a file, whose body stays. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define FRONT (2u << 20)	/* no front is longer */

struct gone {
	char *alias[CLI_MAX_RECIPIENTS];
	size_t n;
};

/* The alias of who goes: a DID, a label, or the sealer itself. */
static int
add_gone(struct cli *cli, const struct csn_identity *id,
    struct csn_trust *trust, const char *who, struct gone *gone)
{
	const struct csn_trust_entry *e;
	const char *alias = who;
	int rc;

	if (gone->n == CLI_MAX_RECIPIENTS)
		return cli_error(cli, CLI_USAGE, NULL,
		    "a file has at most %d recipients", CLI_MAX_RECIPIENTS);
	if (strcmp(who, csn_identity_name(id)) == 0)
		alias = csn_identity_alias(id);
	if (strncmp(alias, "did:pqaid:", 10) == 0) {
		gone->alias[gone->n] = strdup(alias);
	} else {
		if ((rc = cli_trust_lookup(cli, trust, who, 0, &e)) != 0)
			return rc;
		gone->alias[gone->n] = strdup(e->alias);
		csn_trust_release(trust, e);
	}
	return gone->alias[gone->n++] != NULL ? 0 :
	    cli_error(cli, CLI_FAILED, NULL, "out of memory");
}

static int
take_gone(struct cli *cli, const struct csn_identity *id, struct gone *gone)
{
	struct csn_trust *trust = NULL;
	const char *who;
	size_t i;
	int rc;

	if (cli_opt(cli, "without") == NULL)
		return 0;
	if ((rc = cli_trust_load(cli, &trust)) != 0)
		return rc;
	for (i = 0; rc == 0 && (who = cli_opt_at(cli, "without",
	    i)) != NULL; i++)
		rc = add_gone(cli, id, trust, who, gone);
	csn_trust_free(trust);
	return rc;
}

static int
copy_rest(void *arg, uint8_t *p, size_t len, int last)
{
	struct file_flow *flow = arg;

	(void)last;
	return cli_out_write(&flow->out, p, len);
}

/* The new front, what was read behind the old one, and the rest. */
static int
share_to(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow, struct csn_document *const *docs, size_t n,
    const struct gone *gone, uint8_t *look)
{
	uint8_t *front;
	size_t got, len, old;
	int rc;

	if ((rc = file_read(flow, look, FRONT, &got)) != 0)
		return rc;
	if ((rc = csn_sealed_readdress(cli->ctx, id, NULL, look, got,
	    (const struct csn_document *const *)docs, n,
	    (const char *const *)gone->alias, gone->n, &front, &len,
	    &old)) != 0) {
		flow->code = rc;
		return cli_error_as(cli, rc == CSN_E_NOT_FOUND ?
		    CLI_REFUSED : cli_exit_code(rc), rc, NULL,
		    "cannot share %s", flow->in_name);
	}
	rc = cli_out_write(&flow->out, front, len);
	csn_free(front);
	if (rc != 0 || (rc = cli_out_write(&flow->out, look + old,
	    got - old)) != 0 || got < FRONT)
		return rc;
	return file_pump(flow, 1u << 20, 0, 0, copy_rest, flow);
}

int
file_share(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	struct csn_document *docs[CLI_MAX_RECIPIENTS] = { NULL };
	struct gone gone = { { NULL }, 0 };
	uint8_t *look = NULL;
	size_t n = 0;
	int rc = 0;

	if ((cli_opt(cli, "to") != NULL ||
	    cli_opt(cli, "recipients") != NULL) &&
	    (rc = cli_recipients(cli, id, docs, &n)) != 0)
		goto out;
	if ((rc = take_gone(cli, id, &gone)) != 0)
		goto out;
	flow->readers = n;
	if (n == 0 && gone.n == 0)
		rc = cli_error(cli, CLI_USAGE, "See: caisson file share "
		    "--help", "say who comes or goes: --to WHO, --without "
		    "WHO");
	else if ((look = malloc(FRONT)) == NULL)
		rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
	else
		rc = share_to(cli, id, flow, docs, n, &gone, look);
out:
	free(look);
	while (n-- > 0)
		csn_document_free(docs[n]);
	while (gone.n-- > 0)
		free(gone.alias[gone.n]);
	return rc;
}
