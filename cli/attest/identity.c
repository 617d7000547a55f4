/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/identity.c - who signs: a folder, the firmware, a keystore. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest.h"

/*
 * "snp:" is this guest's own key, which the firmware derives from chip, guest
 * policy and launch measurement, and which rests nowhere.
 */
static int
from_firmware(struct cli *cli, struct csn_identity **out)
{
	struct csn_snp_key_options snp = { .size = sizeof(snp),
	    .fields = CSN_SNP_GUEST_POLICY | CSN_SNP_MEASUREMENT };
	struct csn_identity_options o = { .size = sizeof(o),
	    .name = "snp-attester" };
	int rc;

	if ((rc = csn_attest_key_snp(cli->ctx, &o, &snp, out)) == 0)
		return 0;
	return cli_error_lib(cli, rc, NULL, "the firmware gives no key");
}

/* Where the wrapped secret lies: HOME/attest/NAME.key; free(). */
static int
path_of(struct cli *cli, const char *name, int make, char **out)
{
	char *folder = NULL;
	int rc;

	if ((rc = cli_check_name(cli, "the name of a key", name)) != 0 ||
	    (rc = cli_home(cli, "attest", make, &folder)) != 0)
		return rc;
	if (make && mkdir(folder, 0700) != 0 && errno != EEXIST)
		rc = cli_error_sys(cli, errno, "cannot make the folder %s",
		    folder);
	else if (asprintf(out, "%s/%s.key", folder, name) < 0) {
		*out = NULL;
		rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
	}
	free(folder);
	return rc;
}

/* Make the key and the secret that are not there yet. */
static int
make_key(struct cli *cli, struct csn_keystore *ks, const char *name,
    const char *path)
{
	int rc = csn_keystore_create(ks, name);

	if (rc == 0 || rc == CSN_E_EXISTS)
		rc = csn_attest_key_create(cli->ctx, ks, name, path);
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot make the attester's key %s", name);
	cli_note(cli, "Made the attester's key %s, in %s.\n", name, path);
	return 0;
}

static int
from_key(struct cli *cli, const char *url, const char *name,
    struct csn_identity **out)
{
	struct csn_identity_options o = { .size = sizeof(o), .name = name };
	const int make = cli_opt(cli, "new-key") != NULL;
	struct csn_keystore *ks = NULL;
	char *path = NULL;
	int rc, there;

	if ((rc = path_of(cli, name, make, &path)) != 0)
		goto out;
	there = access(path, F_OK) == 0;
	/* Opening a keystore that is misspelt would make another. */
	if (!there && !make) {
		rc = cli_error(cli, CLI_USAGE, "Make one: --new-key",
		    "there is no attester's key %s", path);
		goto out;
	}
	if ((rc = cli_keystore_open(cli, url, &ks)) != 0 ||
	    (!there && (rc = make_key(cli, ks, name, path)) != 0))
		goto out;
	if ((rc = csn_attest_key_open(cli->ctx, ks, name, path, &o,
	    out)) != 0)
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot use the attester's key %s", path);
out:
	csn_keystore_close(ks);
	free(path);
	return rc;
}

/* "URL#NAME": of the keystore, and of a key in it. */
static int
from_keystore(struct cli *cli, const char *what, struct csn_identity **out)
{
	const char *hash = strrchr(what, '#');
	char *url;
	int rc;

	if (hash == NULL || hash == what || hash[1] == '\0')
		return cli_error(cli, CLI_USAGE, NULL, "--identity is "
		    "'keystore:%s', it must be keystore:URL#NAME, such as "
		    "keystore:file:/etc/caisson/keys#node", what);
	if ((url = strndup(what, (size_t)(hash - what))) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	rc = from_key(cli, url, hash + 1, out);
	free(url);
	return rc;
}

int
attest_identity_load(struct cli *cli, struct csn_identity **out)
{
	const char *name = cli_opt(cli, "identity");
	const int kept = name != NULL && strncmp(name, "keystore:", 9) == 0;

	if (!kept && cli_opt(cli, "new-key") != NULL)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--new-key is for --identity keystore:URL#NAME");
	if (kept)
		return from_keystore(cli, name + 9, out);
	if (name != NULL && strcmp(name, "snp:") == 0)
		return from_firmware(cli, out);
	return cli_identity_load(cli, "identity", out);
}
