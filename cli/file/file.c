/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/file/file.c - caisson file: files and pipes, sealed and opened.
 *
 * Under a session with --session, or to people with --to: then the file
 * outlives every session.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* A stream of a session that is sealed or opened, segment by segment. */
struct segments {
	struct file_flow *flow;
	struct csn_stream *stream;
};

static int
seal_segment(void *arg, uint8_t *p, size_t len, int last)
{
	struct segments *s = arg;
	int rc;

	if ((rc = csn_stream_push(s->stream, p, len, last, p)) != 0)
		return file_unsealed(s->flow, rc);
	return cli_out_write(&s->flow->out, p, len + CSN_STREAM_TAG);
}

static int
seal_session(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	struct segments s = { .flow = flow };
	struct csn_session *session = NULL;
	uint8_t header[CSN_SEAL_HEADER], name[CSN_HASH_SIZE];
	const char *text = cli_opt(cli, "name");
	int rc;

	rc = cli_session_load(cli, id, cli_opt(cli, "session"), &session);
	if (rc != 0 || (rc = file_keep_session(flow, session)) != 0)
		goto out;
	if ((text != NULL && (rc = csn_sha3_256(cli->ctx, text, strlen(text),
	    name)) != 0) || (rc = csn_stream_sealer_new(session, 0,
	    text != NULL ? name : NULL, header, &s.stream)) != 0) {
		rc = file_unsealed(flow, rc);
		goto out;
	}
	if ((rc = cli_out_write(&flow->out, header, sizeof(header))) == 0)
		/* Where the input ends on a boundary the last is empty. */
		rc = file_pump(flow, csn_stream_segment(s.stream),
		    CSN_STREAM_TAG, 0, seal_segment, &s);
out:
	csn_stream_free(s.stream);
	csn_session_free(session);
	return rc;
}

static int
open_segment(void *arg, uint8_t *p, size_t len, int last)
{
	struct segments *s = arg;
	int rc;

	if ((rc = csn_stream_pull(s->stream, p, len, last, p)) != 0)
		return file_refused(s->flow, rc);
	return cli_out_write(&s->flow->out, p, len - CSN_STREAM_TAG);
}

static int
open_session(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow)
{
	struct segments s = { .flow = flow };
	struct csn_session *session = NULL;
	uint8_t header[CSN_SEAL_HEADER], name[CSN_HASH_SIZE];
	const char *text = cli_opt(cli, "name");
	size_t got;
	int rc;

	rc = cli_session_load(cli, id, cli_opt(cli, "session"), &session);
	if (rc != 0 || (rc = file_keep_session(flow, session)) != 0)
		goto out;
	if ((rc = file_read(flow, header, sizeof(header), &got)) != 0)
		goto out;
	if (got < sizeof(header)) {
		rc = cli_error(cli, CLI_REFUSED, NULL, "%s does not "
		    "open: it is cut short, within its header",
		    flow->in_name);
		goto out;
	}
	if ((text != NULL && (rc = csn_sha3_256(cli->ctx, text, strlen(text),
	    name)) != 0) || (rc = csn_stream_opener_new(session, header, text !=
	    NULL ? name : NULL, &s.stream)) != 0)
		rc = file_refused(flow, rc);
	else
		/* One segment ahead: only the last may say that it is. */
		rc = file_pump(flow, csn_stream_segment(s.stream) +
		    CSN_STREAM_TAG, 0, 1, open_segment, &s);
out:
	csn_stream_free(s.stream);
	csn_session_free(session);
	return rc;
}

static int
report(struct cli *cli, const struct file_flow *flow, const char *what)
{
	uint64_t plain = strcmp(what, "opened") == 0 ? flow->out.written :
	    flow->progress.done;
	char size[CLI_TEXT], when[CLI_TEXT];

	if (cli->json)
		return cli_json(cli, json_pack("{s:s, s:o, s:o, s:I, s:I, "
		    "s:s?, s:s?, s:o, s:s?, s:o}", "did", what, "in",
		    cli_name(flow->in_name), "out",
		    cli_name(flow->out.path), "bytes_read",
		    (json_int_t)flow->progress.done, "bytes_written",
		    (json_int_t)flow->out.written, "signer", flow->signer,
		    "signer_label", flow->label, "sealed_ms",
		    flow->sealed_ms != 0 ?
		    json_integer((json_int_t)flow->sealed_ms) : json_null(),
		    "content_type", flow->type, "sealed",
		    file_facts_json(flow)));
	/* Standard output may be what carries the bytes. */
	if (flow->out.in_place)
		return CLI_OK;
	cli_bytes_text((double)plain, size);
	cli_say(cli, "%s: %s from %s to %s\n", what, size, flow->in_name,
	    flow->out.path);
	if (flow->signer != NULL) {
		cli_time_text(flow->sealed_ms, when);
		cli_say(cli, "sealed by %s (%.24s…), by its own word on %s\n",
		    flow->label[0] != '\0' ? flow->label : "(no label)",
		    flow->signer, when);
	}
	return CLI_OK;
}

static int
seal(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct file_flow flow;
	int rc;

	if ((cli_opt(cli, "session") != NULL) == (cli_opt(cli, "to") != NULL ||
	    cli_opt(cli, "recipients") != NULL))
		return cli_error(cli, CLI_USAGE, "See: caisson file seal "
		    "--help", "say either --session FILE, or --to WHO or "
		    "--recipients FILE");
	if (cli_opt(cli, "out") == NULL && isatty(STDOUT_FILENO))
		return cli_error(cli, CLI_USAGE, "Say --out FILE.",
		    "sealed bytes are nothing for a terminal");
	if ((rc = cli_identity_load(cli, "identity", &id)) != 0)
		return rc;
	if ((rc = file_begin(cli, &flow, "sealing", 0644)) == 0) {
		rc = cli_opt(cli, "session") != NULL ?
		    seal_session(cli, id, &flow) :
		    file_seal_people(cli, id, &flow);
		rc = file_log(&flow, id, CSN_AUDIT_ENCRYPT, rc);
	}
	if ((rc = file_end(&flow, rc)) == 0)
		rc = report(cli, &flow, "sealed");
	file_free(&flow);
	csn_identity_free(id);
	return rc;
}

static int
open_any(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct file_flow flow;
	int rc;

	if ((rc = cli_identity_load(cli, "identity", &id)) != 0)
		return rc;
	/* What was sealed is a secret: for its owner alone to read. */
	if ((rc = file_begin(cli, &flow, "opening", 0600)) == 0 &&
	    flow.out.in_place && cli_opt(cli, "pipe") == NULL)
		rc = cli_error(cli, CLI_USAGE, "Say --out FILE to get it only "
		    "when all of it is verified, or --pipe to take it as it "
		    "comes and mind the exit code.", "what comes out before "
		    "the end is provisional: a cut or changed input shows "
		    "only there");
	if (rc == 0) {
		rc = cli_opt(cli, "session") != NULL ?
		    open_session(cli, id, &flow) :
		    file_open_people(cli, id, &flow);
		/* What cannot be recorded is not given out. */
		rc = file_log(&flow, id, CSN_AUDIT_DECRYPT, rc);
	}
	if ((rc = file_end(&flow, rc)) == 0)
		rc = report(cli, &flow, "opened");
	file_free(&flow);
	csn_identity_free(id);
	return rc;
}

static int
verify(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct file_flow flow;
	int rc;

	if ((rc = cli_identity_load(cli, "identity", &id)) != 0)
		return rc;
	if ((rc = file_start(cli, &flow, "verifying")) == 0) {
		rc = file_verify_people(cli, id, &flow);
		rc = file_log(&flow, id, CSN_AUDIT_DECRYPT, rc);
	}
	rc = file_end(&flow, rc);
	if (rc == 0)
		rc = file_verified(cli, &flow);
	file_free(&flow);
	csn_identity_free(id);
	return rc;
}

static int
share(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct file_flow flow;
	int rc;

	if (cli_opt(cli, "out") == NULL)
		return cli_error(cli, CLI_USAGE, "With --force it may be the "
		    "file itself.", "say where to: --out FILE");
	if ((rc = cli_identity_load(cli, "identity", &id)) != 0)
		return rc;
	if ((rc = file_begin(cli, &flow, "sharing", 0644)) == 0) {
		rc = file_share(cli, id, &flow);
		rc = file_log(&flow, id, CSN_AUDIT_ENCRYPT, rc);
	}
	if ((rc = file_end(&flow, rc)) == 0)
		rc = report(cli, &flow, "shared");
	file_free(&flow);
	csn_identity_free(id);
	return rc;
}

#define OPT_IDENTITY { "identity", "NAME", "the identity to act as; needed " \
	"where there are several" }
#define OPT_TRUST { "trust", "FILE", "another trust store than the home " \
	"folder's" }

static const struct cli_opt seal_opts[] = {
	{ "session", "FILE", "seal under this session" },
	{ "to", "WHO", "seal to this DID, label or own identity, signed",
	    CLI_REPEAT },
	{ "recipients", "FILE", "and to whom FILE names, a DID or label a "
	    "line", CLI_REPEAT },
	{ "out", "FILE", "write to FILE, not standard output" },
	{ "name", "TEXT", "with --session: a name that opening can ask for" },
	{ "type", "TYPE", "with --to: say what it is, such as "
	    "application/json" },
	{ "hash", "WORD", "of the text, kept sealed: tree, sha3-256, sha256, "
	    "none" },
	{ "force", NULL, "replace FILE if it is there" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt open_opts[] = {
	{ "session", "FILE", "it was sealed under this session" },
	{ "out", "FILE", "write to FILE, which appears only when all is "
	    "verified" },
	{ "pipe", NULL, "write to standard output while verifying: "
	    "provisional until exit code 0" },
	{ "name", "TEXT", "with --session: refuse any other name" },
	{ "at", "DATE", "judge its sealer at DATE, when somebody else saw "
	    "the file" },
	{ "max-age", "SPAN", "refuse a file that says to be older" },
	{ "force", NULL, "replace FILE if it is there" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt verify_opts[] = {
	{ "at", "DATE", "judge its sealer at DATE, when somebody else saw "
	    "the file" },
	{ "max-age", "SPAN", "refuse a file that says to be older" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt share_opts[] = {
	{ "to", "WHO", "for this DID, label or own identity too",
	    CLI_REPEAT },
	{ "recipients", "FILE", "and for whom FILE names, a DID or label a "
	    "line", CLI_REPEAT },
	{ "without", "WHO", "and no more for this one", CLI_REPEAT },
	{ "out", "FILE", "write to FILE" },
	{ "force", NULL, "replace FILE if it is there" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_verb verbs[] = {
	{ "seal", "[FILE]", "Seal a file or standard input", seal, seal_opts,
	    0, 1,
	    "With --session both ends of the session can open it while the "
	    "session lives.\nWith --to the file outlives sessions: it is "
	    "sealed to the recipients' ML-KEM\nkeys and signed by the "
	    "identity." },
	{ "open", "[FILE]", "Open what was sealed, and verify it", open_any,
	    open_opts, 0, 1,
	    "Without --session the file was sealed to the identity, by "
	    "it or by somebody\nwhom the trust store trusts as a sealer, and "
	    "whose document was good when the\nfile was sealed, by the "
	    "sealer's own word. Exit code 1: it was tampered with,\ncut, or "
	    "is not for us." },
	{ "verify", "FILE", "Open all of a file sealed to people, and keep "
	    "nothing", verify, verify_opts, 1, 1,
	    "Every segment is opened, and the hash that the sealer made of "
	    "the text is\nmade again and shown. Exit code 1: it is not what "
	    "was sealed." },
	{ "share", "FILE", "Give a file that one sealed other recipients",
	    share, share_opts, 1, 1,
	    "What was sealed stays as it is: only its key is wrapped again, "
	    "and its front\nsigned anew. Who could open it once may have kept "
	    "the key: without a copy of\nthe file that is no use." },
	{ "inspect", "[FILE]", "Show what a sealed file says of itself, "
	    "unverified", file_inspect, NULL, 0, 1, NULL },
	{ NULL }
};

const struct cli_noun cli_file = {
	"file", "Seal and open files and pipes, and look at sealed ones", verbs,
	.formerly = "kv"
};
