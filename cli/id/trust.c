/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/trust.c - caisson id trust: the store of whom one trusts. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "id.h"

/*
 * Two commands at once must not lose one's entry: the store is read, changed
 * and written under a lock on a file beside it. -1 after saying why.
 */
static int
lock(struct cli *cli, const char *path)
{
	char *name;
	int fd;

	if (asprintf(&name, "%s.lock", path) < 0) {
		(void)cli_error(cli, CLI_FAILED, NULL, "out of memory");
		return -1;
	}
	fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR && !cli_interrupted())
			continue;
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		(void)cli_error_sys(cli, errno, "cannot lock %s", name);
	free(name);
	return fd;
}

static int
one_line(void *arg, const struct csn_trust_entry *e)
{
	struct cli *cli = arg;
	char expires[CLI_TEXT], *purposes;

	if (csn_purposes_format(cli->ctx, e->purposes, &purposes) != 0)
		return CSN_E_NOMEM;
	cli_say(cli, "%-16s %s\n  trusted for %s",
	    e->label[0] != '\0' ? e->label : "(no label)", e->alias, purposes);
	if (e->tenant_id != NULL)
		cli_say(cli, ", as tenant '%s'", e->tenant_id);
	if (e->withdrawn_ms != 0) {
		cli_time_text(e->withdrawn_ms, expires);
		cli_say(cli, ", withdrawn on %s", expires);
	} else if (e->expires_ms != 0) {
		cli_time_text(e->expires_ms, expires);
		cli_say(cli, ", until %s%s", expires,
		    csn_ctx_wall_ms(cli->ctx) >= e->expires_ms ?
		    " (expired)" : "");
	}
	cli_say(cli, "%s\n", e->kem == NULL ? "; no document" : "");
	csn_free(purposes);
	return 0;
}

static json_t *
words(const char *text)
{
	json_t *list = json_array();
	const char *end;

	for (; text[0] != '\0'; text = end[0] != '\0' ? end + 1 : end) {
		end = strchrnul(text, ',');
		json_array_append_new(list, json_stringn(text,
		    (size_t)(end - text)));
	}
	return list;
}

struct listing {
	struct cli *cli;
	json_t *all;
};

static int
one_object(void *arg, const struct csn_trust_entry *e)
{
	struct listing *l = arg;
	char *purposes;

	if (csn_purposes_format(l->cli->ctx, e->purposes, &purposes) != 0)
		return CSN_E_NOMEM;
	json_array_append_new(l->all, json_pack(
	    "{s:s, s:s, s:s, s:o, s:s?, s:o, s:o, s:b}", "label", e->label,
	    "did", e->did, "alias", e->alias, "purposes", words(purposes),
	    "tenant_id", e->tenant_id, "expires_ms", e->expires_ms == 0 ?
	    json_null() : json_integer((json_int_t)e->expires_ms),
	    "withdrawn_ms", e->withdrawn_ms == 0 ? json_null() :
	    json_integer((json_int_t)e->withdrawn_ms),
	    "document", e->document != NULL));
	csn_free(purposes);
	return 0;
}

static int
show_all(struct cli *cli, struct csn_trust *trust)
{
	struct listing l = { cli, NULL };
	int rc;

	if (cli->json) {
		l.all = json_array();
		rc = csn_trust_each(trust, one_object, &l);
		if (rc == 0)
			return cli_json(cli, l.all);
		json_decref(l.all);
	} else {
		rc = csn_trust_each(trust, one_line, cli);
		if (csn_trust_count(trust) == 0)
			cli_note(cli, "Nobody is trusted yet. Trust "
			    "somebody: caisson id trust FILE --purposes "
			    "WORDS\n");
	}
	return rc == 0 ? CLI_OK : cli_error_lib(cli, rc, NULL,
	    "cannot list the trust store");
}

static int
remove_entry(struct cli *cli, struct csn_trust *trust, const char *who)
{
	char *did;
	int rc;

	if ((rc = cli_did_of(cli, trust, who, &did)) != 0)
		return rc;
	rc = csn_trust_remove(cli->ctx, trust, did);
	free(did);
	if (rc == CSN_E_NOT_FOUND)
		return cli_error(cli, CLI_USAGE, "See them: caisson id trust",
		    "%s", csn_message());
	return rc == 0 ? 0 : cli_error_lib(cli, rc, NULL,
	    "cannot remove '%s'", who);
}

struct withdrawal {
	struct cli *cli;
	struct csn_trust *trust;
	const char *did;
	int rc;			/* CSN_E_NOT_FOUND until it was done */
};

static int
withdraw_one(void *arg, const struct csn_trust_entry *e)
{
	struct withdrawal *w = arg;
	struct csn_trust_entry gone = *e;

	if (strcmp(e->did, w->did) != 0 && strcmp(e->alias, w->did) != 0)
		return 0;
	if (gone.withdrawn_ms == 0)
		gone.withdrawn_ms = csn_ctx_wall_ms(w->cli->ctx);
	w->rc = csn_trust_replace(w->cli->ctx, w->trust, &gone);
	return 1;
}

/* The entry stays, and refuses: a file that the thief makes later too. */
static int
withdraw(struct cli *cli, struct csn_trust *trust, const char *who)
{
	struct withdrawal w = { cli, trust, NULL, CSN_E_NOT_FOUND };
	char *did;
	int rc;

	if ((rc = cli_did_of(cli, trust, who, &did)) != 0)
		return rc;
	w.did = did;
	(void)csn_trust_each(trust, withdraw_one, &w);
	free(did);
	if (w.rc == CSN_E_NOT_FOUND)
		return cli_error(cli, CLI_USAGE, "See them: caisson id trust",
		    "%s is not in the trust store", who);
	return w.rc == 0 ? 0 : cli_error_lib(cli, w.rc, NULL,
	    "cannot withdraw '%s'", who);
}

struct renewal {
	const char *did;
	struct csn_trust_entry *e;
	char *label;
	char *tenant;
	int found;
};

/* What the entry has, where nothing else is given. */
static int
keep_old(void *arg, const struct csn_trust_entry *old)
{
	struct renewal *r = arg;

	if (strcmp(old->did, r->did) != 0)
		return 0;
	r->found = 1;
	r->label = strdup(old->label);
	if (old->tenant_id != NULL)
		r->tenant = strdup(old->tenant_id);
	if (r->e->purposes == 0)
		r->e->purposes = old->purposes;
	if (r->e->expires_ms == 0)
		r->e->expires_ms = old->expires_ms;
	r->e->withdrawn_ms = old->withdrawn_ms;
	return 1;
}

static int
renew(struct cli *cli, struct csn_trust *trust, const char *did,
    struct csn_trust_entry *e)
{
	struct renewal r = { did, e, NULL, NULL, 0 };
	int rc;

	(void)csn_trust_each(trust, keep_old, &r);
	if (cli_opt(cli, "label") == NULL)
		e->label = r.label;
	if (e->tenant_id == NULL)
		e->tenant_id = r.tenant;
	if (!r.found)
		rc = cli_error(cli, CLI_USAGE, "Leave out --update, and give "
		    "--purposes.", "%s is not in the trust store",
		    cli_arg(cli, 0));
	else if ((rc = csn_trust_replace(cli->ctx, trust, e)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot update %s",
		    cli_arg(cli, 0));
	free(r.label);
	free(r.tenant);
	return rc;
}

/* What the argument gives: a DID, a key in PEM, or a document. */
struct given {
	uint8_t *bytes;
	size_t len;
	char *did;
	struct csn_sign_key *key;
	struct csn_document *doc;
};

static int
read_given(struct cli *cli, struct csn_trust *trust, const char *arg,
    struct csn_trust_entry *e, struct given *g)
{
	static const char pem[] = "-----BEGIN PUBLIC KEY-----";
	int rc;

	if (strncmp(arg, "did:", 4) == 0) {
		rc = cli_did_of(cli, trust, arg, &g->did);
		e->did = g->did;
		return rc;
	}
	if ((rc = cli_armour_read(cli, arg, CSN_LABEL_IDENTITY, &g->bytes,
	    &g->len)) != 0)
		return rc;
	if (g->len > sizeof(pem) && strncmp((char *)g->bytes, pem,
	    sizeof(pem) - 1) == 0) {
		rc = csn_sign_from_public_pem(cli->ctx, (char *)g->bytes,
		    g->len, &g->key);
		e->key = g->key;
	} else {
		rc = csn_document_verify(cli->ctx, g->bytes, g->len, &g->doc);
		e->document = g->bytes;
		e->document_len = g->len;
		if (rc == 0)
			e->label = csn_document_name(g->doc);
	}
	return rc == 0 ? 0 : cli_error_lib(cli, rc, NULL,
	    "%s is not to be trusted", arg);
}

static int
add(struct cli *cli, struct csn_trust *trust)
{
	struct csn_trust_entry e = { .size = sizeof(e) };
	struct given g = { 0 };
	uint64_t span = 0;
	int rc;

	if (cli_opt(cli, "purposes") == NULL &&
	    cli_opt(cli, "update") == NULL)
		return cli_error(cli, CLI_USAGE,
		    "For example: --purposes server",
		    "say what it is trusted for");
	if (cli_opt(cli, "purposes") != NULL &&
	    (rc = csn_purposes_parse(cli->ctx, cli_opt(cli, "purposes"),
	    &e.purposes)) != 0)
		return cli_error_lib(cli, rc, NULL, "--purposes is wrong");
	if ((rc = cli_opt_span(cli, "expires", &span)) != 0 ||
	    (rc = read_given(cli, trust, cli_arg(cli, 0), &e, &g)) != 0)
		goto out;
	if (cli_opt(cli, "label") != NULL)
		e.label = cli_opt(cli, "label");
	e.tenant_id = cli_opt(cli, "tenant");
	if (span != 0)
		e.expires_ms = csn_ctx_wall_ms(cli->ctx) + span;
	if (cli_opt(cli, "update") != NULL) {
		rc = g.doc == NULL ? cli_error(cli, CLI_USAGE, NULL,
		    "--update takes a renewed document") :
		    renew(cli, trust, csn_document_did(g.doc), &e);
		goto out;
	}
	if (g.doc != NULL && (csn_document_purposes(g.doc) & e.purposes) !=
	    e.purposes)
		cli_note(cli, "Its own document is not for all of these "
		    "purposes; it is trusted only for those in both.\n");
	if ((rc = csn_trust_add(cli->ctx, trust, &e)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot trust %s",
		    cli_arg(cli, 0));
out:
	csn_document_free(g.doc);
	csn_sign_free(g.key);
	free(g.bytes);
	free(g.did);
	return rc;
}

static int
change(struct cli *cli, const char *path)
{
	const char *who = cli_opt(cli, "remove");
	const char *gone = cli_opt(cli, "withdraw");
	struct csn_trust *trust = NULL;
	int fd, rc;

	if ((fd = lock(cli, path)) < 0)
		return CLI_FAILED;
	/* Not cli_trust_load: a store named by --trust may begin here. */
	if ((rc = csn_trust_load(cli->ctx, path, &trust)) != 0) {
		rc = cli_error_given(cli, rc, "cannot use the trust store %s",
		    path);
		goto out;
	}
	rc = who != NULL ? remove_entry(cli, trust, who) :
	    gone != NULL ? withdraw(cli, trust, gone) : add(cli, trust);
	if (rc != 0)
		goto out;
	if ((rc = csn_trust_save(cli->ctx, trust, path)) != 0)
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot write the trust store");
	else
		rc = cli->json ? show_all(cli, trust) : CLI_OK;
	if (rc == 0)
		cli_note(cli, "%s\n", who != NULL ? "Removed." :
		    gone != NULL ? "Withdrawn." : "Trusted.");
out:
	csn_trust_free(trust);
	close(fd);
	return rc;
}

int
id_trust(struct cli *cli)
{
	const char *who = cli_opt(cli, "remove");
	const char *gone = cli_opt(cli, "withdraw");
	struct csn_trust *trust;
	char *home, *path;
	int rc;

	if ((who != NULL) + (gone != NULL) + (cli->argc > 0) > 1)
		return cli_error(cli, CLI_USAGE, NULL, "--remove, --withdraw "
		    "and something to trust exclude each other");
	if (who == NULL)
		who = gone;
	if (who == NULL && cli->argc == 0) {
		if ((rc = cli_trust_load(cli, &trust)) != 0)
			return rc;
		rc = show_all(cli, trust);
		csn_trust_free(trust);
		return rc;
	}
	if ((rc = cli_home(cli, NULL, cli_opt(cli, "trust") == NULL,
	    &home)) != 0)
		return rc;
	free(home);
	if ((rc = cli_trust_path(cli, &path)) != 0)
		return rc;
	rc = change(cli, path);
	free(path);
	return rc;
}
