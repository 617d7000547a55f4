/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/session/session.c - caisson session: the handshake, a command a step.
 *
 * The messages travel as the user likes. What a side has to keep between two
 * steps, and the session itself, rest in files sealed to that side's own
 * identity.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/sealed.h"

#define MAX_MESSAGE (1u << 20)

#define OPT_IDENTITY { "identity", "NAME", "the identity to act as; needed " \
	"where there are several" }
#define OPT_TRUST { "trust", "FILE", "another trust store than the home " \
	"folder's" }
#define OPT_OUT { "out", "FILE", "write the message to FILE, not standard " \
	"output" }
#define OPT_FORCE { "force", NULL, "replace files that are there" }

/* Facts in words, or as one JSON object; on standard error where standard
 * output carries the message. */
static int
report(struct cli *cli, const char *words, json_t *facts)
{
	int on_stdout = cli_opt(cli, "out") != NULL ||
	    strcmp(cli->verb->name, "confirm") == 0;

	if (cli->json && on_stdout)
		return cli_json(cli, facts);
	if (!cli->json)
		cli_note(cli, "%s\n", words);
	json_decref(facts);
	return CLI_OK;
}

/* Keep the half of a handshake; nothing is sent before it is on the disk. */
static int
keep_half(struct cli *cli, const struct csn_identity *id, const char *type,
    int rc, uint8_t *half, size_t len)
{
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot keep this half of the handshake");
	rc = cli_own_write(cli, id, cli_opt(cli, "state"), cli_force(cli), type,
	    half, len);
	csn_wipe(half, len);
	csn_free(half);
	return rc;
}

static int
put_message(struct cli *cli, const uint8_t *msg, size_t len)
{
	return cli_write_file(cli, cli_opt(cli, "out"), 0644, cli_force(cli),
	    msg, len);
}

static int
offer(struct cli *cli)
{
	struct csn_offer_options options = { .size = sizeof(options) };
	const struct csn_trust_entry *server = NULL;
	struct csn_identity *id = NULL;
	struct csn_trust *trust = NULL;
	struct csn_offer *state = NULL;
	uint8_t *msg = NULL, *half = NULL;
	size_t len = 0, half_len = 0;
	int rc;

	if ((rc = cli_check_json(cli)) != 0 ||
	    (rc = cli_opt_algorithm(cli, "kem", csn_kem_name,
	    CSN_KEM_X_WING, &options.kem)) != 0 ||
	    (rc = cli_opt_span(cli, "ttl", &options.ttl_ms)) != 0 ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_trust_load(cli, &trust)) != 0 ||
	    (rc = cli_trust_lookup(cli, trust, cli_opt(cli, "server"),
	    CSN_PURPOSE_SERVER, &server)) != 0)
		goto out;
	options.server_did = server->did;
	options.identity = cli_opt(cli, "unsigned") != NULL ? NULL : id;
	rc = csn_session_offer(cli->ctx, &options, &state, &msg, &len);
	if (rc != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot make an offer");
		goto out;
	}
	rc = csn_offer_export(state, &half, &half_len);
	if ((rc = keep_half(cli, id, TYPE_OFFER, rc, half, half_len)) != 0 ||
	    (rc = put_message(cli, msg, len)) != 0)
		goto out;
	rc = report(cli, "The offer is made. When the reply is there: caisson "
	    "session finish REPLY --state STATE --session SESSION --out OUT",
	    json_pack("{s:s, s:I, s:s}", "step", "offer",
	    "message_bytes", (json_int_t)len, "server", server->did));
out:
	csn_free(msg);
	csn_offer_free(state);
	if (server != NULL)
		csn_trust_release(trust, server);
	csn_trust_free(trust);
	csn_identity_free(id);
	return rc;
}

/*
 * A session that was agreed on, or what was refused on the way there. rc, or
 * an exit code where the log does not take what went well.
 */
static int
record(struct cli *cli, const struct csn_identity *id, int code,
    const struct csn_session *session, int rc)
{
	struct csn_audit_record r = { .op = CSN_AUDIT_SESSION_OPEN,
	    .code = code };
	char detail[128];
	int logged;

	snprintf(detail, sizeof(detail), "%s, as %s", cli->verb->name,
	    csn_identity_name(id));
	if (session != NULL) {
		r.tenant = csn_session_tenant_id(session);
		r.flags = CSN_AUDIT_HAS_SESSION;
		memcpy(r.session, csn_session_id(session), sizeof(r.session));
	}
	logged = cli_record(cli, id, &r, detail);
	return rc != 0 ? rc : logged;
}

static int
accept_offer(struct cli *cli)
{
	struct csn_acceptor_options options = { .size = sizeof(options) };
	struct csn_tenant tenant = { .size = sizeof(tenant) };
	struct csn_acceptor *acceptor = NULL;
	struct csn_identity *id = NULL;
	struct csn_trust *trust = NULL;
	struct csn_pending *pending = NULL;
	uint8_t *msg = NULL, *reply = NULL, *half = NULL;
	size_t len = 0, reply_len = 0, half_len = 0;
	uint32_t least = 0;
	int rc;

	tenant.id = cli_opt(cli, "transport-tenant");
	options.allow_transport = tenant.id != NULL;
	if ((rc = cli_check_json(cli)) != 0 ||
	    (rc = cli_audit_check(cli)) != 0 ||
	    (rc = cli_opt_algorithm(cli, "kem", csn_kem_name,
	    CSN_KEM_X_WING, &least)) != 0 ||
	    (rc = cli_opt_span(cli, "max-ttl", &options.max_ttl_ms)) != 0 ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_trust_load(cli, &trust)) != 0 ||
	    (rc = cli_read_file(cli, cli_arg(cli, 0), MAX_MESSAGE, &msg,
	    &len)) != 0)
		goto out;
	if (least != 0)
		options.kems = 1u << least;
	rc = csn_acceptor_new(cli->ctx, id, trust, &options, &acceptor);
	if (rc == 0)
		rc = csn_session_accept(acceptor, msg, len,
		    tenant.id != NULL ? &tenant : NULL, &pending, &reply,
		    &reply_len);
	if (rc != 0) {
		rc = record(cli, id, rc, NULL, cli_error_lib(cli, rc,
		    rc == CSN_E_SIGNER ? "Trust a tenant: caisson id trust "
		    "FILE --purposes tenant --tenant NAME" : NULL,
		    "the offer is refused"));
		goto out;
	}
	rc = csn_pending_export(pending, &half, &half_len);
	if ((rc = keep_half(cli, id, TYPE_PENDING, rc, half, half_len)) != 0 ||
	    (rc = put_message(cli, reply, reply_len)) != 0)
		goto out;
	rc = report(cli, "The offer is good and answered. When the "
	    "confirmation is there: caisson session confirm CONFIRMATION "
	    "--state STATE --session SESSION",
	    json_pack("{s:s, s:I}", "step", "accept", "message_bytes",
	    (json_int_t)reply_len));
out:
	free(msg);
	csn_free(reply);
	csn_pending_free(pending);
	csn_acceptor_free(acceptor);
	csn_trust_free(trust);
	csn_identity_free(id);
	return rc;
}

static int
write_session(struct cli *cli, const struct csn_identity *id,
    struct csn_session *session)
{
	uint8_t *plain;
	size_t len;
	int rc;

	if ((rc = csn_session_export(session, &plain, &len)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot keep the session");
	rc = cli_own_write(cli, id, cli_opt(cli, "session"), cli_force(cli),
	    TYPE_SESSION, plain, len);
	csn_wipe(plain, len);
	csn_free(plain);
	return rc;
}

static json_t *
session_facts(struct cli *cli, const char *step, struct csn_session *session)
{
	json_t *facts = NULL;
	char *text = NULL;

	if (csn_session_json(session, &text) == 0)
		facts = json_loads(text, 0, NULL);
	csn_free(text);
	return json_pack("{s:s, s:o, s:o?}", "step", step, "file",
	    cli_name(cli_opt(cli, "session")), "session", facts);
}

/* The half is spent: its key can make no second session from here on. */
static void
drop_half(struct cli *cli)
{
	const char *path = cli_opt(cli, "state");

	if (unlink(path) != 0)
		cli_note(cli, "caisson: cannot remove %s: %s\n", path,
		    strerror(errno));
}

static int
finish(struct cli *cli)
{
	struct csn_session_options options = { .size = sizeof(options) };
	struct csn_identity *id = NULL;
	struct csn_trust *trust = NULL;
	struct csn_offer *state = NULL;
	struct csn_session *session = NULL;
	uint8_t *half = NULL, *reply = NULL, *confirm = NULL;
	size_t half_len = 0, len = 0, confirm_len = 0;
	int rc;

	if ((rc = cli_check_json(cli)) != 0 ||
	    (rc = cli_audit_check(cli)) != 0 ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_trust_load(cli, &trust)) != 0 ||
	    (rc = cli_own_read(cli, id, cli_opt(cli, "state"), TYPE_OFFER,
	    &half, &half_len)) != 0 ||
	    (rc = cli_read_file(cli, cli_arg(cli, 0), MAX_MESSAGE, &reply,
	    &len)) != 0)
		goto out;
	options.expect_tenant = cli_opt(cli, "tenant");
	rc = csn_offer_import(cli->ctx, half, half_len, &state);
	/* The server has the name from the transport, that may be another's. */
	if (rc == 0 && options.expect_tenant == NULL &&
	    !csn_offer_is_signed(state)) {
		rc = cli_error(cli, CLI_USAGE, "Say with --tenant who you "
		    "are.", "the offer was not signed: whose session it "
		    "became only the server's transport says");
		goto out;
	}
	if (rc == 0)
		rc = csn_session_finish(state, trust, reply, len, &options,
		    &session, &confirm, &confirm_len);
	if (rc != 0) {
		rc = record(cli, id, rc, NULL, cli_error_lib(cli, rc, NULL,
		    "the reply is refused"));
		goto out;
	}
	if ((rc = record(cli, id, 0, session, 0)) != 0 ||
	    (rc = write_session(cli, id, session)) != 0 ||
	    (rc = put_message(cli, confirm, confirm_len)) != 0)
		goto out;
	drop_half(cli);
	rc = report(cli, "The session is there. Send the confirmation to the "
	    "server, then: caisson file seal FILE --session SESSION --out OUT",
	    session_facts(cli, "finish", session));
out:
	if (half != NULL)
		csn_wipe(half, half_len);
	free(half);
	free(reply);
	csn_free(confirm);
	csn_session_free(session);
	csn_offer_free(state);
	csn_trust_free(trust);
	csn_identity_free(id);
	return rc;
}

static int
confirm_session(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct csn_pending *pending = NULL;
	struct csn_session *session = NULL;
	uint8_t *half = NULL, *msg = NULL;
	size_t half_len = 0, len = 0;
	int rc;

	if ((rc = cli_audit_check(cli)) != 0 ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_own_read(cli, id, cli_opt(cli, "state"), TYPE_PENDING,
	    &half, &half_len)) != 0 ||
	    (rc = cli_read_file(cli, cli_arg(cli, 0), MAX_MESSAGE, &msg,
	    &len)) != 0)
		goto out;
	rc = csn_pending_import(cli->ctx, half, half_len, &pending);
	if (rc == 0)
		rc = csn_session_confirm(pending, msg, len, NULL, &session);
	if (rc != 0) {
		rc = record(cli, id, rc, NULL, cli_error_lib(cli, rc, NULL,
		    "the confirmation is refused"));
		goto out;
	}
	if ((rc = record(cli, id, 0, session, 0)) != 0 ||
	    (rc = write_session(cli, id, session)) != 0)
		goto out;
	drop_half(cli);
	rc = report(cli, "The session is live.",
	    session_facts(cli, "confirm", session));
out:
	if (half != NULL)
		csn_wipe(half, half_len);
	free(half);
	free(msg);
	csn_session_free(session);
	csn_pending_free(pending);
	csn_identity_free(id);
	return rc;
}

static int
show(struct cli *cli)
{
	struct csn_identity *id = NULL;
	struct csn_session *session = NULL;
	char *text = NULL;
	json_t *facts, *value;
	const char *name;
	int rc;

	if ((rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_session_load(cli, id, cli_arg(cli, 0), &session)) != 0)
		goto out;
	if ((rc = csn_session_json(session, &text)) != 0) {
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot describe the session");
		goto out;
	}
	if (cli->json) {
		rc = cli_json_text(cli, text);
		goto out;
	}
	facts = json_loads(text, 0, NULL);
	csn_free(text);
	json_object_foreach(facts, name, value) {
		if (json_is_string(value))
			cli_say(cli, "%-16s %s\n", name,
			    json_string_value(value));
		else if (json_is_integer(value))
			cli_say(cli, "%-16s %lld\n", name,
			    (long long)json_integer_value(value));
		else if (json_is_boolean(value))
			cli_say(cli, "%-16s %s\n", name,
			    json_is_true(value) ? "yes" : "no");
	}
	json_decref(facts);
out:
	csn_session_free(session);
	csn_identity_free(id);
	return rc;
}

static const struct cli_opt offer_opts[] = {
	{ "server", "WHO", "whom the offer is for: a DID or a label of the "
	    "trust store", CLI_REQUIRED },
	{ "state", "FILE", "where this half waits for the reply, sealed",
	    CLI_REQUIRED },
	OPT_OUT,
	{ "kem", "ALGORITHM", "ml-kem-512, ml-kem-768 (default), ml-kem-1024 "
	    "or x-wing" },
	{ "ttl", "SPAN", "how long the session may live: 15m (default), 2h, "
	    "..." },
	{ "unsigned", NULL, "leave proving who the tenant is to the "
	    "transport" },
	OPT_IDENTITY, OPT_TRUST, OPT_FORCE, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt accept_opts[] = {
	{ "state", "FILE", "where this half waits for the confirmation, "
	    "sealed", CLI_REQUIRED },
	OPT_OUT,
	{ "kem", "ALGORITHM", "accept only this one" },
	{ "max-ttl", "SPAN", "the longest life to agree to (default 24h)" },
	{ "transport-tenant", "ID", "the transport proved that it is this "
	    "tenant: accept an unsigned offer" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, OPT_FORCE,
	CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt finish_opts[] = {
	{ "state", "FILE", "what caisson session offer kept; removed "
	    "afterwards", CLI_REQUIRED },
	{ "session", "FILE", "where to put the session, sealed",
	    CLI_REQUIRED },
	OPT_OUT,
	{ "tenant", "ID", "refuse another tenant's session; needed where the "
	    "offer was unsigned" },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_TRUST, OPT_FORCE,
	CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt confirm_opts[] = {
	{ "state", "FILE", "what caisson session accept kept; removed "
	    "afterwards", CLI_REQUIRED },
	{ "session", "FILE", "where to put the session, sealed",
	    CLI_REQUIRED },
	CLI_OPT_AUDIT, OPT_IDENTITY, OPT_FORCE, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_opt show_opts[] = {
	OPT_IDENTITY, CLI_OPTS_PASSPHRASE, { NULL }
};

static const struct cli_verb verbs[] = {
	{ "offer", "", "Tenant, step 1: make an offer for a server", offer,
	    offer_opts, 0, 0,
	    "Writes the message for the server and keeps the other half in a "
	    "file that\nonly this identity can open." },
	{ "accept", "[OFFER]", "Server, step 2: check an offer and answer it",
	    accept_offer, accept_opts, 0, 1,
	    "Who the tenant is comes from the trust store: the offer must be "
	    "signed by a\nkey that is trusted as a tenant's." },
	{ "finish", "[REPLY]", "Tenant, step 3: check the reply, make the "
	    "session and its confirmation", finish, finish_opts, 0, 1, NULL },
	{ "confirm", "[CONFIRMATION]", "Server, step 4: check the "
	    "confirmation and make the session", confirm_session,
	    confirm_opts, 0, 1, NULL },
	{ "show", "FILE", "Show what a session file holds, without its "
	    "secrets", show, show_opts, 1, 1, NULL },
	{ NULL }
};

const struct cli_noun cli_session = {
	"session", "Agree on keys with a server or a tenant", verbs
};
