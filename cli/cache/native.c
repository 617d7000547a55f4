/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/native.c - sealed master keys of Caisson's own cache entries. */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "../lib/sealed.h"

#define MAX_SEALED (1u << 20)	/* a key for a few dozen readers is smaller */

static int
cannot_take(struct cli *cli, const struct csn_identity *id,
    const char *path, int rc)
{
	/* What was sealed to others is there. */
	return cli_error_as(cli, rc == CSN_E_NOT_FOUND ? CLI_REFUSED :
	    cli_exit_code(rc), rc, rc == CSN_E_SIGNER ? "Trust who made it: "
	    "caisson id trust FILE --purposes sealer" : NULL, "cannot take "
	    "the master key in %s as '%s'", path, csn_identity_name(id));
}

static int
add_masters(struct cli *cli, struct csn_cache_native *native,
    const struct csn_identity *id, struct csn_trust *trust)
{
	const char *path;
	uint8_t *sealed;
	size_t i, len;
	int rc;

	for (i = 0; (path = cli_opt_at(cli, "native", i)) != NULL; i++) {
		if ((rc = cli_read_file(cli, path, MAX_SEALED, &sealed,
		    &len)) != 0)
			return rc;
		rc = csn_cache_native_add(native, id, trust, sealed, len);
		free(sealed);
		if (rc != 0)
			return cannot_take(cli, id, path, rc);
	}
	return 0;
}

int
cache_keys_native(struct cli *cli, struct csn_cache_native **out)
{
	struct csn_cache_native *native = NULL;
	struct csn_identity *id = NULL;
	struct csn_trust *trust = NULL;
	int rc;

	if ((rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_trust_load(cli, &trust)) != 0)
		goto out;
	/* An entry that is there already says what id is trusted for. */
	if (((rc = cli_trust_self(cli, id, trust)) != 0 &&
	    rc != CSN_E_EXISTS) ||
	    (rc = csn_cache_native_new(cli->ctx, NULL, &native)) != 0) {
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot keep master keys");
		goto out;
	}
	if ((rc = add_masters(cli, native, id, trust)) == 0) {
		*out = native;
		native = NULL;
	}
out:
	csn_cache_native_free(native);
	csn_trust_free(trust);
	csn_identity_free(id);
	return rc;
}

int
cache_master(struct cli *cli)
{
	struct csn_document *docs[CLI_MAX_RECIPIENTS + 1] = { NULL };
	struct csn_identity *id = NULL;
	const char *path = cli_arg(cli, 0);
	uint64_t epoch = 1;
	uint8_t *sealed = NULL;
	size_t n = 0, len = 0, i;
	int rc;

	if ((rc = cli_opt_u64(cli, "epoch", 1, UINT32_MAX, &epoch)) != 0 ||
	    (rc = cli_identity_load(cli, "identity", &id)) != 0 ||
	    (rc = cli_recipients(cli, id, docs, &n)) != 0)
		goto out;
	/* Who makes it can use it, too. */
	if ((rc = cli_own_document(cli, id, &docs[n])) != 0)
		rc = cli_error_lib(cli, rc, NULL, "the document of the "
		    "identity '%s' is not good", csn_identity_name(id));
	else if ((rc = csn_cache_native_make_master(cli->ctx, id,
	    (const struct csn_document *const *)docs, n + 1,
	    (uint32_t)epoch, &sealed, &len)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot make a master key");
	else if ((rc = cli_write_file(cli, path, 0600, cli_opt(cli,
	    "force") != NULL, sealed, len)) == 0 && cli->json)
		rc = cli_json(cli, json_pack("{s:o, s:I, s:I}", "file",
		    cli_name(path), "epoch", (json_int_t)epoch, "readers",
		    (json_int_t)(n + 1)));
	else if (rc == 0)
		cli_say(cli, "Made the master key of epoch %llu for %zu "
		    "reader%s, in %s.\n", (unsigned long long)epoch, n + 1,
		    n == 0 ? "" : "s", path);
out:
	for (i = 0; i <= n; i++)
		csn_document_free(docs[i]);
	csn_free(sealed);
	csn_identity_free(id);
	return rc;
}
