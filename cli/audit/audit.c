/* SPDX-License-Identifier: Apache-2.0 */
/* cli/audit/audit.c - caisson audit: show, verify and export a log. */
#include <stdlib.h>
#include <string.h>

#include "../lib/cli.h"

#define SHOWN 50

#define OPTS_FILTER \
	{ "tenant", "ID", "only this tenant's records" }, \
	{ "op", "WORD", \
	    "only this operation: encrypt, decrypt, rotate, ..." }, \
	{ "since", "DATE", "only records from DATE on" }, \
	{ "until", "DATE", "only records before DATE" }

/* A folder may be large, and what is in it anybody's: a signal ends it. */
static int
is_stopped(void *arg)
{
	(void)arg;
	return cli_interrupted();
}

static int
filter_of(struct cli *cli, struct csn_audit_filter *f)
{
	int rc;

	f->size = sizeof(*f);
	f->cancelled = is_stopped;
	f->tenant = cli_opt(cli, "tenant");
	f->op = cli_opt(cli, "op");
	if ((rc = cli_opt_u64(cli, "limit", 1, UINT64_MAX, &f->limit)) != 0 ||
	    (rc = cli_opt_date(cli, "since", &f->from_ms)) != 0 ||
	    (rc = cli_opt_date(cli, "until", &f->to_ms)) != 0)
		return rc;
	return 0;
}

static int
seen(void *arg, uint64_t n, uint64_t unix_ms, const struct csn_audit_record *r)
{
	(void)n;
	(void)unix_ms;
	(void)r;
	*(int *)arg = 1;
	return 1;
}

/*
 * A program may log operations of its own: a name that the library does not
 * use is right if the log has it.
 */
static int
check_op(struct cli *cli, struct csn_audit *log, const char *op)
{
	static const char *const known[] = { CSN_AUDIT_ENCRYPT,
	    CSN_AUDIT_DECRYPT, CSN_AUDIT_ROTATE,
	    CSN_AUDIT_ISOLATION_VIOLATION, CSN_AUDIT_SESSION_OPEN,
	    CSN_AUDIT_SESSION_CLOSE, CSN_AUDIT_SESSION_EXPIRE,
	    CSN_AUDIT_RECOVERY };
	const struct csn_audit_filter f = { .size = sizeof(f), .op = op,
	    .limit = 1, .cancelled = is_stopped };
	char names[256];
	size_t at = 0, i;
	int there = 0, rc;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (op == NULL || strcmp(op, known[i]) == 0)
			return 0;
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
		    i > 0 ? ", " : "", known[i]);
	}
	if (csn_audit_op_valid(op) &&
	    (rc = csn_audit_each(log, &f, seen, &there)) < 0)
		return cli_error_lib(cli, rc, NULL, "cannot read the log");
	return there ? 0 : cli_error(cli, CLI_USAGE, NULL,
	    "--op is '%s', there are %s", op, names);
}

/* The log of the first argument, for reading. */
static int
open_log(struct cli *cli, struct csn_audit **log)
{
	int rc;

	if ((rc = csn_audit_open_reader(cli->ctx, cli_arg(cli, 0), log)) == 0)
		return 0;
	return cli_error_lib(cli, rc, rc == CSN_E_NOT_FOUND ?
	    "Name the folder that the log is in." : NULL,
	    "cannot read the log");
}

static int
show_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct cli *cli = arg;
	char when[CLI_TEXT];

	cli_time_text(unix_ms, when);
	cli_say(cli, "%8llu  %s  %-2s  %-19s", (unsigned long long)n, when,
	    r->success ? "ok" : "NO", r->op);
	if (r->tenant != NULL)
		cli_say(cli, "  %s", r->tenant);
	if (r->flags & CSN_AUDIT_HAS_SEQUENCE)
		cli_say(cli, "  sequence %llu",
		    (unsigned long long)r->sequence);
	if (r->count != 1)
		cli_say(cli, "  %llu entries", (unsigned long long)r->count);
	if (!r->success)
		cli_say(cli, "  %s", csn_error_name(r->code));
	if (r->detail != NULL)
		cli_say(cli, "  %s", r->detail);
	cli_say(cli, "\n");
	return cli_interrupted() ? 1 : 0;
}

static int
show(struct cli *cli)
{
	struct csn_audit_filter f = { .limit = SHOWN };
	struct csn_audit *log = NULL;
	char *json;
	int rc;

	if ((rc = filter_of(cli, &f)) != 0 || (rc = open_log(cli, &log)) != 0)
		return rc;
	if ((rc = check_op(cli, log, f.op)) != 0)
		goto out;
	if (cli->json)
		rc = csn_audit_export(log, &f, &json);
	else
		rc = csn_audit_each(log, &f, show_one, cli);
	if (rc < 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot show the log");
	else if (rc == 0 && cli->json)
		rc = cli_json_text(cli, json);
out:
	csn_audit_close(log);
	return rc;
}

/* Exit codes are positive, what the library says is not. */
static int
export_some(void *arg, const void *p, size_t len)
{
	return cli_out_write(arg, p, len);
}

static int
export(struct cli *cli)
{
	struct csn_audit_filter f = { 0 };
	struct csn_audit *log = NULL;
	struct cli_out out;
	int rc;

	if ((rc = filter_of(cli, &f)) != 0 || (rc = open_log(cli, &log)) != 0)
		return rc;
	if ((rc = check_op(cli, log, f.op)) != 0 ||
	    (rc = cli_out_open(cli, cli_opt(cli, "out"), 0600,
	    cli_opt(cli, "force") != NULL, &out)) != 0)
		goto out;
	rc = csn_audit_export_to(log, &f, export_some, &out);
	if (rc < 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot export the log");
	if (rc == 0)
		rc = cli_out_commit(&out);
	else
		cli_out_abort(&out);
out:
	csn_audit_close(log);
	return rc;
}

static int
is_auditor(void *arg, const struct csn_trust_entry *e)
{
	(void)arg;
	return (e->purposes & CSN_PURPOSE_AUDIT) != 0;
}

static int
first_key(struct cli *cli, uint8_t key[CSN_KEY_SIZE])
{
	const char *path = cli_opt(cli, "first-key");
	char text[2 * CSN_KEY_SIZE + 1] = "";
	uint8_t *p = NULL;
	size_t len = 0;
	int rc;

	if ((rc = cli_file_check(cli, path)) != 0 ||
	    (rc = cli_read_file(cli, path, 4096, &p, &len)) != 0)
		return rc;
	while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len == sizeof(text) - 1)
		memcpy(text, p, len);
	if (cli_unhex(text, key, CSN_KEY_SIZE) != 0)
		rc = cli_error(cli, CLI_USAGE, "It is the file first.key "
		    "that was made with the log.",
		    "%s does not hold a key of 64 hex digits", path);
	csn_wipe(text, sizeof(text));
	csn_wipe(p, len);
	free(p);
	return rc;
}

static int
verify(struct cli *cli)
{
	struct csn_audit_verify_options o = { .size = sizeof(o) };
	struct csn_trust *trust = NULL;
	struct csn_result *r = NULL;
	uint8_t key[CSN_KEY_SIZE];
	int rc, code, said;

	o.cancelled = is_stopped;
	o.expect_head = cli_opt(cli, "expect-head");
	if (cli_opt(cli, "first-key") != NULL) {
		if ((rc = first_key(cli, key)) != 0)
			return rc;
		o.first_key = key;
	}
	if ((rc = cli_trust_load(cli, &trust)) != 0)
		goto out;
	/* Where nobody is trusted to sign logs, that is not checked. */
	if (cli_opt(cli, "trust") != NULL ||
	    csn_trust_each(trust, is_auditor, NULL) != 0)
		o.trust = trust;
	if ((rc = csn_result_new(cli->ctx, &r)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot verify the log");
		goto out;
	}
	code = csn_audit_verify(cli->ctx, cli_arg(cli, 0), &o, r);
	said = cli_say_result(cli, r);
	rc = code == 0 ? CLI_OK : cli_error_lib(cli, code, NULL,
	    code == CSN_E_AUDIT || code == CSN_E_SIGNER ?
	    "the log does not verify" : "cannot verify the log");
	rc = said != 0 ? said : rc;
out:
	csn_result_free(r);
	csn_trust_free(trust);
	csn_wipe(key, sizeof(key));
	return rc;
}

static const struct cli_opt show_opts[] = {
	{ "limit", "N", "the newest N records, 50 by default" },
	OPTS_FILTER,
	{ NULL }
};

static const struct cli_opt verify_opts[] = {
	{ "expect-head", "HEX", "the head that was kept elsewhere" },
	{ "first-key", "FILE", "check each record's MAC with first.key" },
	{ "trust", "FILE", "another trust store, for checkpoints" },
	{ NULL }
};

static const struct cli_opt export_opts[] = {
	{ "out", "FILE", "write to FILE, not standard output" },
	{ "force", NULL, "replace FILE where it is there" },
	{ "limit", "N", "only the newest N records" },
	OPTS_FILTER,
	{ NULL }
};

static const struct cli_verb verbs[] = {
	{ "show", "FOLDER", "Show the newest records of a log", show,
	    show_opts, 1, 1,
	    "A DATE is 2026-01-31T12:00:00Z, 2026-01-31 or seconds since "
	    "1970.\nRecords are shown as they are: verify the log before "
	    "believing it." },
	{ "verify", "FOLDER", "Verify a log from its first record to its end",
	    verify, verify_opts, 1, 1,
	    "Each check is listed: ok, NO, or -- where what it needs was not "
	    "given.\nThat nothing was cut off the end shows only against a "
	    "head that was kept\nelsewhere; verify says the head of today." },
	{ "export", "FOLDER", "Write a log's records as one JSON array",
	    export, export_opts, 1, 1, NULL },
	{ NULL }
};

const struct cli_noun cli_audit = {
	"audit", "Show, verify and export an audit log", verbs
};
