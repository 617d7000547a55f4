/* SPDX-License-Identifier: Apache-2.0 */
/* cli/file/flow.c - from an input to an output that is whole or not there. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

int
file_start(struct cli *cli, struct file_flow *flow, const char *what)
{
	int rc;

	memset(flow, 0, sizeof(*flow));
	flow->cli = cli;
	/* No output is one that is in its place already. */
	flow->out.cli = cli;
	flow->out.in_place = 1;
	flow->out.fd = flow->out.folder = flow->in = -1;
	flow->in_path = cli_arg(cli, 0);
	flow->in_name = flow->in_path == NULL ||
	    strcmp(flow->in_path, "-") == 0 ? "standard input" :
	    flow->in_path;
	if ((rc = cli_audit_check(cli)) != 0)
		return rc;
	if ((flow->in = cli_in_open(cli, flow->in_path)) < 0)
		return CLI_FAILED;
	flow->size = cli_in_size(flow->in);
	cli_progress_start(cli, &flow->progress, what, flow->size);
	return 0;
}

int
file_begin(struct cli *cli, struct file_flow *flow, const char *what,
    mode_t mode)
{
	int rc;

	if ((rc = cli_check_json(cli)) != 0) {
		memset(flow, 0, sizeof(*flow));
		flow->out.fd = flow->out.folder = flow->in = -1;
		return rc;
	}
	if ((rc = file_start(cli, flow, what)) != 0)
		return rc;
	return cli_out_open(cli, cli_opt(cli, "out"), mode,
	    cli_opt(cli, "force") != NULL, &flow->out);
}

int
file_read(struct file_flow *flow, void *buf, size_t cap, size_t *got)
{
	int rc;

	rc = cli_in_read(flow->cli, flow->in, flow->in_path, buf, cap, got);
	cli_progress_add(&flow->progress, *got);
	flow->got += *got;
	if (rc != 0 || *got == cap)
		return rc;
	return cli_in_whole(flow->cli, flow->in_path, flow->size, flow->got);
}

int
file_pump(struct file_flow *flow, size_t cap, size_t room, int ahead,
    int (*take)(void *arg, uint8_t *p, size_t len, int last), void *arg)
{
	uint8_t *bufs[2] = { malloc(cap + room), NULL }, *turn;
	size_t got, next = 0;
	int rc, last;

	if (ahead)
		bufs[1] = malloc(cap + room);
	if (bufs[0] == NULL || (ahead && bufs[1] == NULL)) {
		rc = cli_error(flow->cli, CLI_FAILED, NULL, "out of memory");
		goto out;
	}
	if ((rc = file_read(flow, bufs[0], cap, &got)) != 0)
		goto out;
	for (;;) {
		if (ahead && got == cap && (rc = file_read(flow, bufs[1],
		    cap, &next)) != 0)
			break;
		last = got < cap || (ahead && next == 0);
		if ((rc = take(arg, bufs[0], got, last)) != 0 || last)
			break;
		if (!ahead && (rc = file_read(flow, bufs[0], cap,
		    &next)) != 0)
			break;
		if (ahead) {
			turn = bufs[0];
			bufs[0] = bufs[1];
			bufs[1] = turn;
		}
		got = next;
		next = 0;
	}
out:
	/* What is on the way is a secret at one of its ends. */
	for (last = 0; last < 2; last++)
		if (bufs[last] != NULL)
			csn_wipe(bufs[last], cap + room);
	free(bufs[0]);
	free(bufs[1]);
	return rc;
}

int
file_end(struct file_flow *flow, int rc)
{
	cli_progress_end(&flow->progress);
	if (flow->in > STDERR_FILENO)
		close(flow->in);
	flow->in = -1;
	if (rc == 0)
		return cli_out_commit(&flow->out);
	cli_out_abort(&flow->out);
	return rc;
}

void
file_free(struct file_flow *flow)
{
	free(flow->signer);
	free(flow->label);
	free(flow->type);
	free(flow->tenant);
}

int
file_keep_session(struct file_flow *flow, struct csn_session *session)
{
	memcpy(flow->session, csn_session_id(session), sizeof(flow->session));
	flow->tenant = strdup(csn_session_tenant_id(session));
	return flow->tenant != NULL ? 0 : cli_error(flow->cli, CLI_FAILED,
	    NULL, "out of memory");
}

int
file_log(struct file_flow *flow, const struct csn_identity *id,
    const char *op, int rc)
{
	const int sealing = strcmp(op, CSN_AUDIT_ENCRYPT) == 0;
	struct csn_audit_record r = { .op = op };
	char *detail;
	int logged;

	r.code = rc == 0 ? 0 : flow->code != 0 ? flow->code : CSN_E_IO;
	r.bytes = sealing ? flow->got : flow->out.written;
	if (flow->tenant != NULL) {
		r.tenant = flow->tenant;
		r.flags = CSN_AUDIT_HAS_SESSION;
		memcpy(r.session, flow->session, sizeof(r.session));
		logged = asprintf(&detail, "%s, as %s", flow->in_name,
		    csn_identity_name(id));
	} else if (sealing) {
		logged = asprintf(&detail, "%s, as %s, to %zu",
		    flow->in_name, csn_identity_name(id), flow->readers);
	} else {
		logged = asprintf(&detail, "%s, as %s%s%s", flow->in_name,
		    csn_identity_name(id), flow->label != NULL ?
		    ", sealed by " : "", flow->label != NULL ? flow->label :
		    "");
	}
	if (logged < 0) {
		logged = cli_error(flow->cli, CLI_FAILED, NULL,
		    "out of memory");
	} else {
		logged = cli_record(flow->cli, id, &r, detail);
		free(detail);
	}
	return rc != 0 ? rc : logged;
}

int
file_unsealed(struct file_flow *flow, int rc)
{
	flow->code = rc;
	return cli_error_lib(flow->cli, rc, NULL, "cannot seal %s",
	    flow->in_name);
}

int
file_refused(struct file_flow *flow, int rc)
{
	const char *todo = NULL;

	cli_progress_end(&flow->progress);
	flow->code = rc;
	if (rc == CSN_E_TAG)
		todo = flow->out.in_place ?
		    "Throw away what came out of the pipe." :
		    "Nothing was written.";
	else if (rc == CSN_E_SIGNER)
		todo = "See whom you trust: caisson id trust";
	/* Sealed to others, or signed with what the signer does not use. */
	return cli_error_as(flow->cli, rc == CSN_E_NOT_FOUND ||
	    rc == CSN_E_ALGORITHM ? CLI_REFUSED : cli_exit_code(rc), rc, todo,
	    "%s does not open", flow->in_name);
}
