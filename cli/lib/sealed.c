/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/sealed.c - files of the program's own, sealed to an identity. */
#include <stdlib.h>
#include <string.h>

#include "sealed.h"

/* Handshake halves and sessions are far smaller. */
#define MAX_FILE (16u << 20)

/* Collects what an opener or a sealer writes, wiped as it grows. */
struct pile {
	uint8_t *p;
	size_t len;
	size_t cap;
};

static void
pile_free(struct pile *pile)
{
	if (pile->p != NULL)
		csn_wipe(pile->p, pile->len);
	free(pile->p);
	memset(pile, 0, sizeof(*pile));
}

static int
pile_write(void *arg, const uint8_t *p, size_t len)
{
	struct pile *pile = arg;
	uint8_t *grown;
	size_t cap;

	if (len > MAX_FILE || pile->len > MAX_FILE - len)
		return CSN_E_LIMIT;
	if (pile->p == NULL || pile->len + len > pile->cap) {
		cap = 2 * (pile->len + len) + 4096;
		if ((grown = malloc(cap)) == NULL)
			return CSN_E_NOMEM;
		if (pile->len > 0) {
			memcpy(grown, pile->p, pile->len);
			csn_wipe(pile->p, pile->len);
		}
		free(pile->p);
		pile->p = grown;
		pile->cap = cap;
	}
	if (len > 0)
		memcpy(pile->p + pile->len, p, len);
	pile->len += len;
	return 0;
}

int
cli_own_document(struct cli *cli, const struct csn_identity *id,
    struct csn_document **out)
{
	const uint8_t *p;
	size_t len;

	p = csn_identity_document(id, &len);
	return csn_document_verify(cli->ctx, p, len, out);
}

static int
seal_to_self(struct cli *cli, const struct csn_identity *id,
    const char *type, const uint8_t *p, size_t len, struct pile *out)
{
	struct csn_sealer_options options = { .size = sizeof(options) };
	struct csn_document *self = NULL;
	struct csn_sealer *sealer = NULL;
	int rc;

	if ((rc = cli_own_document(cli, id, &self)) != 0)
		goto out;
	options.signer = id;
	options.recipients = (const struct csn_document *const *)&self;
	options.nrecipients = 1;
	options.content_type = type;
	if ((rc = csn_sealer_new(cli->ctx, &options, &sealer)) != 0 ||
	    (rc = csn_sealer_update(sealer, p, len, pile_write, out)) != 0 ||
	    (rc = csn_sealer_final(sealer, pile_write, out)) != 0)
		goto out;
out:
	csn_sealer_free(sealer);
	csn_document_free(self);
	return rc;
}

int
cli_own_write(struct cli *cli, const struct csn_identity *id,
    const char *path, int replace, const char *type, const uint8_t *p,
    size_t len)
{
	struct pile sealed = { NULL, 0, 0 };
	int rc;

	rc = seal_to_self(cli, id, type, p, len, &sealed);
	if (rc != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot seal %s to the "
		    "identity '%s'", path, csn_identity_name(id));
	else
		rc = cli_write_file(cli, path, 0600, replace, sealed.p,
		    sealed.len);
	pile_free(&sealed);
	return rc;
}

int
cli_trust_self(struct cli *cli, const struct csn_identity *id,
    struct csn_trust *trust)
{
	struct csn_trust_entry self = { .size = sizeof(self) };

	self.purposes = CSN_PURPOSE_SEALER;
	self.did = csn_identity_did(id);
	self.label = csn_identity_name(id);
	self.key = csn_identity_sign_key(id);
	return csn_trust_add(cli->ctx, trust, &self);
}

static int
open_own(struct cli *cli, const struct csn_identity *id, const char *type,
    const uint8_t *p, size_t len, struct pile *out, const char **found)
{
	struct csn_trust *trust = NULL;
	struct csn_opener *opener = NULL;
	const char *got;
	int rc;

	/* What it sealed for itself, it signed: nobody else is trusted. */
	if ((rc = csn_trust_new(cli->ctx, &trust)) != 0 ||
	    (rc = cli_trust_self(cli, id, trust)) != 0 ||
	    (rc = csn_opener_new(cli->ctx, id, trust, NULL, &opener)) != 0 ||
	    (rc = csn_opener_update(opener, p, len, pile_write, out)) != 0 ||
	    (rc = csn_opener_final(opener, pile_write, out)) != 0)
		goto out;
	got = csn_opener_content_type(opener);
	*found = got != NULL && strcmp(got, type) == 0 ? type : NULL;
out:
	csn_opener_free(opener);
	csn_trust_free(trust);
	return rc;
}

int
cli_own_read(struct cli *cli, const struct csn_identity *id,
    const char *path, const char *type, uint8_t **out, size_t *len)
{
	struct pile plain = { NULL, 0, 0 };
	const char *found = NULL;
	uint8_t *sealed;
	size_t sealed_len;
	int rc;

	rc = cli_read_file(cli, path, MAX_FILE, &sealed, &sealed_len);
	if (rc != 0)
		return rc;
	rc = open_own(cli, id, type, sealed, sealed_len, &plain, &found);
	free(sealed);
	if (rc != 0) {
		/* Not found: another identity's file. */
		rc = cli_error_as(cli, rc == CSN_E_NOT_FOUND ? CLI_REFUSED :
		    cli_exit_code(rc), rc, "It opens only with the identity "
		    "that wrote it: --identity NAME.", "cannot open %s as "
		    "'%s'", path, csn_identity_name(id));
		goto err;
	}
	if (found == NULL) {
		rc = cli_error(cli, CLI_REFUSED, NULL,
		    "%s is a sealed file, but not of the kind needed here "
		    "(%s)", path, type);
		goto err;
	}
	*out = plain.p;
	*len = plain.len;
	return 0;

err:
	pile_free(&plain);
	return rc;
}

int
cli_session_load(struct cli *cli, const struct csn_identity *id,
    const char *path, struct csn_session **out)
{
	uint8_t *plain = NULL;
	size_t len = 0;
	int rc;

	rc = cli_own_read(cli, id, path, TYPE_SESSION, &plain, &len);
	if (rc != 0)
		return rc;
	rc = csn_session_import(cli->ctx, plain, len, NULL, out);
	csn_wipe(plain, len);
	free(plain);
	if (rc != 0)
		return cli_error_lib(cli, rc, rc == CSN_E_EXPIRED ?
		    "Agree on a new one: caisson session offer "
		    "--server WHO --state STATE --out OFFER" : NULL,
		    "cannot use the session in %s", path);
	return 0;
}
