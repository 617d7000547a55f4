/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/logged.c - what file and session write to an audit log. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sealed.h"

/* Another command has the log for as long as a record takes. */
#define BUSY_TRIES 500
#define BUSY_NS 20000000L

static const char *
log_path(const struct cli *cli)
{
	const char *path = cli_opt(cli, "audit");

	if (path == NULL)
		path = getenv("CAISSON_AUDIT");
	return path != NULL && path[0] != '\0' ? path : NULL;
}

/* Signed by who acts, where that one may sign logs. */
static int
open_log(struct cli *cli, const struct csn_identity *id,
    struct csn_audit **out)
{
	const struct timespec wait = { 0, BUSY_NS };
	struct csn_audit_options o = { .size = sizeof(o) };
	int rc, tries = 0;

	if (id != NULL &&
	    (csn_identity_purposes(id) & CSN_PURPOSE_AUDIT) != 0)
		o.signer = id;
	while ((rc = csn_audit_open(cli->ctx, log_path(cli), &o, out)) ==
	    CSN_E_BUSY && tries++ < BUSY_TRIES && !cli_interrupted())
		(void)nanosleep(&wait, NULL);
	return rc;
}

int
cli_audit_check(struct cli *cli)
{
	struct csn_audit *log;
	int rc;

	if (log_path(cli) == NULL)
		return 0;
	if ((rc = open_log(cli, NULL, &log)) != 0)
		return cli_error_given(cli, rc, "cannot write the audit log, "
		    "so nothing was done");
	csn_audit_close(log);
	return 0;
}

int
cli_record(struct cli *cli, const struct csn_identity *id,
    struct csn_audit_record *r, const char *detail)
{
	struct csn_audit *log;
	char *shown;
	size_t len;
	int rc;

	if (log_path(cli) == NULL)
		return 0;
	if ((shown = cli_shown(detail, strlen(detail), CLI_SHOWN_PLAIN,
	    &len)) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	r->size = sizeof(*r);
	r->success = r->code == 0;
	r->count = 1;
	r->detail = shown;
	if ((rc = open_log(cli, id, &log)) == 0) {
		if ((rc = csn_audit_append(log, r)) == 0)
			rc = csn_audit_flush(log);
		csn_audit_close(log);
	}
	free(shown);
	return rc == 0 ? 0 : cli_error_given(cli, rc,
	    "the audit log does not take what was done");
}
