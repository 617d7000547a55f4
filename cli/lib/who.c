/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/who.c - whom a DID, an alias or a label on the command line means. */
#include <stdlib.h>
#include <string.h>

#include "sealed.h"

#define MAX_LIST (1u << 20)

struct search {
	const char *what;
	char *did;
	unsigned found;
};

static void
found(struct search *s, const struct csn_trust_entry *e)
{
	if (s->found++ == 0)
		s->did = strdup(e->did);
}

static int
by_label(void *arg, const struct csn_trust_entry *e)
{
	struct search *s = arg;

	if (e->label != NULL && strcmp(e->label, s->what) == 0)
		found(s, e);
	return 0;
}

static int
by_alias(void *arg, const struct csn_trust_entry *e)
{
	struct search *s = arg;

	if (strcmp(e->alias, s->what) == 0)
		found(s, e);
	return 0;
}

int
cli_did_of(struct cli *cli, struct csn_trust *trust, const char *who,
    char **out)
{
	struct search s = { who, NULL, 0 };

	*out = NULL;
	if (strncmp(who, "did:key:", 8) == 0) {
		if ((*out = strdup(who)) == NULL)
			return cli_error(cli, CLI_FAILED, NULL,
			    "out of memory");
		return 0;
	}
	if (strncmp(who, "did:", 4) == 0) {
		(void)csn_trust_each(trust, by_alias, &s);
		if (s.found == 0)
			return cli_error(cli, CLI_USAGE, "Trust its document "
			    "first: caisson id trust FILE --purposes WORDS",
			    "%s is not in the trust store, and a short DID "
			    "does not hold the key", who);
	} else {
		(void)csn_trust_each(trust, by_label, &s);
		if (s.found == 0)
			return cli_error(cli, CLI_USAGE, "See who is there: "
			    "caisson id trust", "nobody labelled '%s' is in "
			    "the trust store", who);
	}
	if (s.found > 1) {
		free(s.did);
		return cli_error(cli, CLI_USAGE, "Name it by its DID; see "
		    "them: caisson id trust", "%u entries of the trust store "
		    "are labelled '%s'", s.found, who);
	}
	if (s.did == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	*out = s.did;
	return 0;
}

int
cli_trust_lookup(struct cli *cli, struct csn_trust *trust, const char *who,
    uint32_t purposes, const struct csn_trust_entry **out)
{
	char *did;
	int rc;

	if ((rc = cli_did_of(cli, trust, who, &did)) != 0)
		return rc;
	if ((rc = csn_trust_find(cli->ctx, trust, did, strlen(did), purposes,
	    out)) != 0)
		rc = cli_error_lib(cli, rc, "See: caisson id trust --help",
		    "'%s' is not trusted for this", who);
	free(did);
	return rc;
}

/* --- recipients ---------------------------------------------------------- */

struct readers {
	struct cli *cli;
	const struct csn_identity *id;
	struct csn_trust *trust;
	struct csn_document **docs;
	size_t *n;
};

/* The identity itself needs no entry; *out is 1 where who means it. */
static int
is_self(const struct readers *r, const char *who, int *out)
{
	struct search s = { who, NULL, 0 };
	int rc = 0;

	*out = strcmp(who, csn_identity_did(r->id)) == 0 ||
	    strcmp(who, csn_identity_alias(r->id)) == 0;
	if (*out || strcmp(who, csn_identity_name(r->id)) != 0)
		return 0;
	(void)csn_trust_each(r->trust, by_label, &s);
	if (s.found > 0 && (s.did == NULL ||
	    strcmp(s.did, csn_identity_did(r->id)) != 0))
		rc = cli_error(r->cli, CLI_USAGE, "Name who is meant by the "
		    "DID; see them: caisson id trust", "'%s' is your own "
		    "identity, and somebody else's label in the trust store",
		    who);
	*out = 1;
	free(s.did);
	return rc;
}

static int
add_trusted(const struct readers *r, const char *who)
{
	const struct csn_trust_entry *e;
	int rc;

	if ((rc = cli_trust_lookup(r->cli, r->trust, who,
	    CSN_PURPOSE_RECIPIENT, &e)) != 0)
		return rc;
	if (e->document == NULL)
		rc = cli_error(r->cli, CLI_REFUSED, "Trust its document in "
		    "place of the key: caisson id trust FILE --purposes "
		    "recipient", "there is no identity document of '%s', so "
		    "its ML-KEM key is not known", who);
	else if ((rc = csn_document_verify(r->cli->ctx, e->document,
	    e->document_len, &r->docs[*r->n])) != 0)
		rc = cli_error_lib(r->cli, rc, NULL,
		    "the document of '%s' is not good", who);
	csn_trust_release(r->trust, e);
	return rc;
}

static int
add(const struct readers *r, const char *who)
{
	int rc, self;

	if (*r->n == CLI_MAX_RECIPIENTS)
		return cli_error(r->cli, CLI_USAGE, NULL,
		    "a file has at most %d recipients", CLI_MAX_RECIPIENTS);
	if ((rc = is_self(r, who, &self)) != 0)
		return rc;
	if (!self)
		rc = add_trusted(r, who);
	else if ((rc = cli_own_document(r->cli, r->id,
	    &r->docs[*r->n])) != 0)
		rc = cli_error_lib(r->cli, rc, rc == CSN_E_EXPIRED ?
		    "Sign a new one: caisson id renew NAME" : NULL,
		    "the document of '%s' is not good", who);
	if (rc == 0)
		++*r->n;
	return rc;
}

/* A DID or label a line; empty lines and what begins with # say nothing. */
static int
add_listed(const struct readers *r, const char *path)
{
	size_t len, before = *r->n;
	char *text, *line, *rest, *end;
	uint8_t *p;
	int rc;

	if ((rc = cli_read_file(r->cli, path, MAX_LIST, &p, &len)) != 0)
		return rc;
	text = strndup((char *)p, len);
	free(p);
	if (text == NULL)
		return cli_error(r->cli, CLI_FAILED, NULL, "out of memory");
	rest = text;
	if (strncmp(rest, "\xef\xbb\xbf", 3) == 0)
		rest += 3;
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL) {
		line += strspn(line, " \t\r");
		end = line + strlen(line);
		while (end > line && strchr(" \t\r", end[-1]) != NULL)
			*--end = '\0';
		if (line[0] != '\0' && line[0] != '#')
			rc = add(r, line);
	}
	free(text);
	/* Sealing to fewer than were meant would show too late. */
	if (rc == 0 && *r->n == before)
		rc = cli_error(r->cli, CLI_USAGE, NULL,
		    "%s names no recipient", path);
	return rc;
}

int
cli_recipients(struct cli *cli, const struct csn_identity *id,
    struct csn_document **docs, size_t *n)
{
	struct readers r = { cli, id, NULL, docs, n };
	const char *what;
	size_t i;
	int rc;

	*n = 0;
	if ((rc = cli_trust_load(cli, &r.trust)) != 0)
		return rc;
	for (i = 0; rc == 0 && (what = cli_opt_at(cli, "to", i)) != NULL; i++)
		rc = add(&r, what);
	for (i = 0; rc == 0 && (what = cli_opt_at(cli, "recipients",
	    i)) != NULL; i++)
		rc = add_listed(&r, what);
	csn_trust_free(r.trust);
	return rc;
}
