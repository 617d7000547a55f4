/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/id.c - caisson id: identities of one's own. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "id.h"

#define OPT_OUT { "out", "FILE", "write to FILE, not standard output" }
#define OPT_FORCE { "force", NULL, "replace a file that is there" }
#define OPT_RAW { "raw", NULL, "write the bytes as they are, not as text" }
#define OPTS_NEW \
	{ "kem", "ALGORITHM", "ml-kem-512, ml-kem-768 (the default), " \
	    "ml-kem-1024" }, \
	{ "capabilities", "WORDS", "words with commas between, such as " \
	    "attest,kv:seal" }, \
	{ "purposes", "WORDS", "what it may be trusted for (all)" }, \
	{ "lifetime", "SPAN", "until its document expires (400d)" }, \
	{ "encrypt", NULL, "ask for a passphrase to encrypt its keys" }

static int
take_options(struct cli *cli, struct csn_identity_options *o)
{
	const char *purposes = cli_opt(cli, "purposes");
	int rc;

	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	o->name = cli_arg(cli, 0);
	o->capabilities = cli_opt(cli, "capabilities");
	if ((rc = cli_check_name(cli, "an identity", o->name)) != 0 ||
	    (rc = cli_opt_algorithm(cli, "sign", csn_sign_name,
	    CSN_SIGN_ML_DSA_87, &o->sign)) != 0 ||
	    (rc = cli_opt_algorithm(cli, "kem", csn_kem_name,
	    CSN_KEM_ML_KEM_1024, &o->kem)) != 0 ||
	    (rc = cli_opt_span(cli, "lifetime", &o->lifetime_ms)) != 0)
		return rc;
	if (purposes != NULL && (rc = csn_purposes_parse(cli->ctx, purposes,
	    &o->purposes)) != 0)
		return cli_error_lib(cli, rc, NULL, "--purposes is wrong");
	return 0;
}

/* The passphrase to encrypt with: given, asked for, or none. */
static int
new_passphrase(struct cli *cli, struct cli_secret *secret)
{
	int rc;

	if ((rc = cli_passphrase_given(cli, secret)) != 0 || secret->given)
		return rc;
	if (cli_opt(cli, "encrypt") != NULL)
		return cli_passphrase_ask(cli, cli_arg(cli, 0), 1, secret);
	return 0;
}

static int
tell(struct cli *cli, const struct csn_document *doc)
{
	char created[CLI_TEXT], expires[CLI_TEXT], *json, *purposes;
	const char *capabilities = csn_document_capabilities(doc);
	int rc;

	if (cli->json) {
		if ((rc = csn_document_json(cli->ctx, doc, &json)) != 0)
			return cli_error_lib(cli, rc, NULL,
			    "cannot describe the identity");
		return cli_json_text(cli, json);
	}
	if ((rc = csn_purposes_format(cli->ctx, csn_document_purposes(doc),
	    &purposes)) != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot describe the identity");
	cli_time_text(csn_document_created_ms(doc), created);
	cli_time_text(csn_document_expires_ms(doc), expires);
	cli_say(cli, "%s\n", csn_document_name(doc));
	cli_say(cli, "  alias         %s\n", csn_document_alias(doc));
	cli_say(cli, "  signs with    %s\n",
	    csn_sign_name(csn_sign_of(csn_document_sign_key(doc))));
	cli_say(cli, "  receives with %s\n",
	    csn_kem_name(csn_kem_of(csn_document_kem_key(doc))));
	cli_say(cli, "  capabilities  %s\n",
	    capabilities[0] != '\0' ? capabilities : "(none)");
	cli_say(cli, "  purposes      %s\n", purposes);
	cli_say(cli, "  created       %s\n", created);
	cli_say(cli, "  expires       %s%s\n", expires,
	    csn_ctx_wall_ms(cli->ctx) >= csn_document_expires_ms(doc) ?
	    " (it has: caisson id renew NAME)" : "");
	/* The whole DID holds the whole key: thousands of characters. */
	cli_say(cli, "  DID           %.44s... (--json has all of it)\n",
	    csn_document_did(doc));
	csn_free(purposes);
	return CLI_OK;
}

static int
tell_bytes(struct cli *cli, const uint8_t *p, size_t len)
{
	struct csn_document *doc;
	int rc;

	if ((rc = csn_document_inspect(cli->ctx, p, len, &doc)) != 0)
		return cli_error_lib(cli, rc, NULL,
		    "this is no good identity document");
	rc = tell(cli, doc);
	csn_document_free(doc);
	return rc;
}

/* Save under its name in the home folder, and say what it is. */
static int
keep(struct cli *cli, const struct csn_identity *id,
    const struct cli_secret *secret)
{
	const uint8_t *doc;
	char *home, *path;
	size_t len;
	int rc;

	if ((rc = cli_home(cli, NULL, 1, &home)) != 0)
		return rc;
	free(home);
	if ((rc = cli_identity_path(cli, cli_arg(cli, 0), &path)) != 0)
		return rc;
	rc = csn_identity_save(cli->ctx, id, path,
	    secret->given ? secret->text : NULL, secret->len);
	if (rc != 0) {
		rc = cli_error_lib(cli, rc, rc == CSN_E_EXISTS ?
		    "Choose another name." : NULL,
		    "cannot save the identity in %s", path);
	} else {
		cli_note(cli, "Saved in %s%s\n", path, secret->given ? "" :
		    ", its keys not encrypted: whoever reads the files has "
		    "them. --encrypt asks for a passphrase.");
		doc = csn_identity_document(id, &len);
		rc = tell_bytes(cli, doc, len);
	}
	free(path);
	return rc;
}

static int
new(struct cli *cli)
{
	struct csn_identity_options o;
	struct csn_identity *id;
	struct cli_secret secret;
	int rc;

	if ((rc = take_options(cli, &o)) != 0)
		return rc;
	if ((rc = new_passphrase(cli, &secret)) != 0)
		goto out;
	if ((rc = csn_identity_new(cli->ctx, &o, &id)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot make '%s'",
		    o.name);
		goto out;
	}
	rc = keep(cli, id, &secret);
	csn_identity_free(id);
out:
	cli_secret_wipe(&secret);
	return rc;
}

static int
import(struct cli *cli)
{
	const char *kem_path = cli_opt(cli, "kem-key");
	uint8_t *sign = NULL, *kem = NULL;
	size_t sign_len = 0, kem_len = 0;
	struct csn_identity *id = NULL;
	struct csn_identity_options o;
	struct cli_secret secret;
	int rc;

	memset(&secret, 0, sizeof(secret));
	if ((rc = take_options(cli, &o)) != 0 ||
	    (rc = cli_read_file(cli, cli_opt(cli, "key"), 65536, &sign,
	    &sign_len)) != 0 ||
	    (kem_path != NULL && (rc = cli_read_file(cli, kem_path, 65536,
	    &kem, &kem_len)) != 0) ||
	    (rc = new_passphrase(cli, &secret)) != 0)
		goto out;
	rc = csn_identity_import(cli->ctx, &o, (char *)sign, sign_len,
	    (char *)kem, kem_len, secret.given ? secret.text : NULL,
	    secret.len, &id);
	if (rc == CSN_E_PASSPHRASE && !secret.given) {
		/* The files' passphrase becomes the identity's. */
		if ((rc = cli_passphrase_ask(cli, "the key", 0,
		    &secret)) != 0)
			goto out;
		rc = csn_identity_import(cli->ctx, &o, (char *)sign,
		    sign_len, (char *)kem, kem_len, secret.text, secret.len,
		    &id);
	}
	if (rc != 0)
		rc = cli_error_given(cli, rc, "cannot import '%s'", o.name);
	else
		rc = keep(cli, id, &secret);
out:
	csn_identity_free(id);
	cli_secret_wipe(&secret);
	csn_wipe(sign, sign_len);
	csn_wipe(kem, kem_len);
	free(sign);
	free(kem);
	return rc;
}

/* The document of an identity by name, or one in a file. No key is read. */
static int
find_document(struct cli *cli, const char *who, uint8_t **out, size_t *len)
{
	char *folder = NULL, *path = NULL;
	struct stat st;
	int rc, file, there = 0;

	file = strcmp(who, "-") == 0 ||
	    (stat(who, &st) == 0 && !S_ISDIR(st.st_mode));
	/* A file that happens to lie here does not hide an identity. */
	if (file && strchr(who, '/') == NULL && strlen(who) <= 64) {
		char rest[80];

		snprintf(rest, sizeof(rest), "identities/%s", who);
		if ((rc = cli_home(cli, rest, 0, &folder)) != 0)
			return rc;
		rc = cli_there(cli, folder, &there);
		free(folder);
		folder = NULL;
		if (rc != 0)
			return rc;
		file = !there;
	}
	if (file)
		return cli_armour_read(cli, who, CSN_LABEL_IDENTITY, out, len);
	if ((rc = cli_identity_path(cli, who, &folder)) != 0)
		return rc;
	if (asprintf(&path, "%s/identity.cose", folder) < 0) {
		path = NULL;
		rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
	} else if ((rc = cli_there(cli, path, &there)) == 0 && !there) {
		rc = cli_error(cli, CLI_FAILED, "See them: caisson id list",
		    "there is no identity '%s' at %s", who, folder);
	} else if (rc == 0) {
		rc = cli_armour_read(cli, path, CSN_LABEL_IDENTITY, out, len);
	}
	free(path);
	free(folder);
	return rc;
}

static int
show(struct cli *cli)
{
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = find_document(cli, cli_arg(cli, 0), &p, &len)) != 0)
		return rc;
	rc = tell_bytes(cli, p, len);
	free(p);
	return rc;
}

/* One line, or one object of the list, for the identity of that name. */
static int
list_one(struct cli *cli, const char *name, json_t *list)
{
	char expires[CLI_TEXT], *json;
	struct csn_document *doc;
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = find_document(cli, name, &p, &len)) != 0)
		return rc;
	rc = csn_document_inspect(cli->ctx, p, len, &doc);
	free(p);
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL,
		    "the identity '%s' is damaged", name);
	if (cli->json && csn_document_json(cli->ctx, doc, &json) == 0) {
		json_array_append_new(list, json_loads(json, 0, NULL));
		csn_free(json);
	}
	cli_time_text(csn_document_expires_ms(doc), expires);
	cli_say(cli, "%-16s %s  until %s\n", name, csn_document_alias(doc),
	    expires);
	csn_document_free(doc);
	return 0;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
list(struct cli *cli)
{
	struct dirent **entries = NULL;
	json_t *all = json_array();
	int i, n, rc, worst = CLI_OK;
	char *path;

	if ((rc = cli_home(cli, "identities", 0, &path)) != 0) {
		json_decref(all);
		return rc;
	}
	n = scandir(path, &entries, visible, alphasort);
	if (n < 0 && errno != ENOENT)
		worst = cli_error_sys(cli, errno, "cannot look into %s", path);
	for (i = 0; i < n; i++) {
		if ((rc = list_one(cli, entries[i]->d_name, all)) != 0)
			worst = rc;
		free(entries[i]);
	}
	free(entries);
	if (n <= 0 && worst == CLI_OK)
		cli_note(cli, "There is no identity in %s. Make one: caisson "
		    "id new NAME\n", path);
	free(path);
	if (cli->json && (rc = cli_json(cli, all)) != 0)
		return rc;
	if (!cli->json)
		json_decref(all);
	return worst;
}

static int
put_pem(struct cli *cli, const struct csn_document *doc, int kem)
{
	char *pem;
	int rc;

	rc = kem ? csn_kem_public_pem(cli->ctx, csn_document_kem_key(doc),
	    &pem) : csn_sign_public_pem(cli->ctx, csn_document_sign_key(doc),
	    &pem);
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot write the public key");
	rc = cli_write_file(cli, cli_opt(cli, "out"), 0644, cli_force(cli),
	    pem, strlen(pem));
	csn_free(pem);
	return rc;
}

static int
export(struct cli *cli)
{
	int pem = cli_opt(cli, "pem") != NULL;
	int kem = cli_opt(cli, "kem-pem") != NULL;
	struct csn_document *doc;
	uint8_t *p;
	size_t len;
	int rc;

	if (pem + kem + (cli_opt(cli, "raw") != NULL) > 1)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--raw, --pem and --kem-pem exclude each other");
	if ((rc = cli_check_json(cli)) != 0 ||
	    (rc = find_document(cli, cli_arg(cli, 0), &p, &len)) != 0)
		return rc;
	if ((rc = csn_document_inspect(cli->ctx, p, len, &doc)) != 0) {
		rc = cli_error_lib(cli, rc, NULL,
		    "the identity '%s' is damaged", cli_arg(cli, 0));
	} else {
		rc = pem || kem ? put_pem(cli, doc, kem) : cli_armour_write(cli,
		    CSN_LABEL_IDENTITY, p, len);
		if (rc == 0 && cli->json)
			rc = tell(cli, doc);
		csn_document_free(doc);
	}
	free(p);
	return rc;
}

static int
renew(struct cli *cli)
{
	uint64_t lifetime_ms = 0;
	struct cli_secret secret;
	char *path = NULL;
	int rc;

	if ((rc = cli_opt_span(cli, "lifetime", &lifetime_ms)) != 0 ||
	    (rc = cli_identity_path(cli, cli_arg(cli, 0), &path)) != 0)
		return rc;
	if ((rc = cli_passphrase_given(cli, &secret)) != 0)
		goto out;
	rc = csn_identity_renew(cli->ctx, path,
	    secret.given ? secret.text : NULL, secret.len, lifetime_ms);
	if (rc == CSN_E_PASSPHRASE && !secret.given) {
		if ((rc = cli_passphrase_ask(cli, cli_arg(cli, 0), 0,
		    &secret)) != 0)
			goto out;
		rc = csn_identity_renew(cli->ctx, path, secret.text,
		    secret.len, lifetime_ms);
	}
	rc = rc != 0 ? cli_error_lib(cli, rc, NULL, "cannot renew '%s'",
	    cli_arg(cli, 0)) : show(cli);
out:
	cli_secret_wipe(&secret);
	free(path);
	return rc;
}

static const struct cli_opt new_opts[] = {
	{ "sign", "ALGORITHM", "ml-dsa-44, ml-dsa-65 (the default), "
	    "ml-dsa-87" },
	OPTS_NEW, CLI_OPTS_PASSPHRASE, { NULL }
};
static const struct cli_opt import_opts[] = {
	{ "key", "FILE", "the ML-DSA private key, PKCS#8 PEM",
	    CLI_REQUIRED },
	{ "kem-key", "FILE", "the ML-KEM private key (otherwise a new one)" },
	OPTS_NEW, CLI_OPTS_PASSPHRASE, { NULL }
};
static const struct cli_opt export_opts[] = {
	OPT_OUT, OPT_FORCE, OPT_RAW,
	{ "pem", NULL, "only the ML-DSA public key, as PEM" },
	{ "kem-pem", NULL, "only the ML-KEM public key, as PEM" },
	{ NULL }
};
static const struct cli_opt renew_opts[] = {
	{ "lifetime", "SPAN", "until the new document expires (400d)" },
	CLI_OPTS_PASSPHRASE, { NULL }
};
static const struct cli_opt passphrase_opts[] = {
	{ "new-passphrase-file", "FILE", "the new passphrase is in FILE" },
	{ "new-passphrase-fd", "FD", "read it from file descriptor FD" },
	{ "remove", NULL, "leave the keys without encryption" },
	CLI_OPTS_PASSPHRASE, { NULL }
};
static const struct cli_opt remove_opts[] = {
	{ "force", NULL, "what was sealed to it need not open again" },
	{ NULL }
};
static const struct cli_opt trust_opts[] = {
	{ "purposes", "WORDS", "what it is trusted for, such as "
	    "recipient,sealer" },
	{ "label", "TEXT", "what to call it (its document's name)" },
	{ "tenant", "ID", "the tenant id that it speaks for" },
	{ "expires", "SPAN", "trust it for so long, such as 90d" },
	{ "update", NULL, "FILE is a renewed document of somebody trusted" },
	{ "withdraw", "WHO", "its key was lost or stolen: refuse it, "
	    "whatever time its files state" },
	{ "remove", "WHO", "remove the entry of that DID or label" },
	{ "trust", "FILE", "another trust store than the home folder's" },
	{ NULL }
};
static const struct cli_opt sign_opts[] = {
	{ "subject", "WHO", "who may act: a did:key, or the file of its "
	    "document", CLI_REQUIRED },
	{ "scope", "WORDS", "what it may do, such as kv:open,kv:seal",
	    CLI_REQUIRED },
	{ "expires", "SPAN", "how long, such as 8h", CLI_REQUIRED },
	{ "not-before", "DATE", "from when on (now)" },
	{ "audience", "TEXT", "whom the credential is for (anybody)" },
	{ "delegate", "N", "how often it may be passed on (0)" },
	{ "parent", "FILE", "the credential that this one passes on" },
	{ "identity", "NAME", "the identity to sign as; needed where there "
	    "are several" },
	OPT_OUT, OPT_FORCE, OPT_RAW, CLI_OPTS_PASSPHRASE, { NULL }
};
static const struct cli_opt verify_opts[] = {
	{ "scope", "WORD", "what is asked for, such as kv:open",
	    CLI_REQUIRED },
	{ "subject", "WHO", "who asks: a DID, or the file of its document" },
	{ "audience", "TEXT", "for whom" },
	{ "at", "DATE", "at another time than now" },
	{ "trust", "FILE", "another trust store than the home folder's" },
	{ NULL }
};

#define ABOUT_PURPOSES \
	"Purposes, with commas between:\n" \
	"  tenant     offers sessions (--tenant says which tenant's)\n" \
	"  server     accepts sessions\n" \
	"  action     issues credentials\n" \
	"  audit      signs an audit log's checkpoints\n" \
	"  recipient  files are sealed to it\n" \
	"  sealer     signs sealed files\n" \
	"  report     signs attestation reports\n" \
	"  module     signs driver modules\n" \
	"  artifact   signs model artifacts"

static const struct cli_verb verbs[] = {
	{ "new", "NAME", "Make an identity: ML-DSA and ML-KEM keys, and a "
	    "document that binds them", new, new_opts, 1, 1,
	    ABOUT_PURPOSES },
	{ "show", "NAME|FILE", "Show an identity, or a document from someone "
	    "else", show, NULL, 1, 1, NULL },
	{ "list", "", "List your identities", list, NULL, 0, 0, NULL },
	{ "export", "NAME", "Write the public document, for others to trust",
	    export, export_opts, 1, 1, NULL },
	{ "import", "NAME", "Make an identity of keys that exist", import,
	    import_opts, 1, 1,
	    "A passphrase that opens the key files also encrypts the "
	    "identity's own.\n\n" ABOUT_PURPOSES },
	{ "renew", "NAME", "Sign a new document for an identity", renew,
	    renew_opts, 1, 1, NULL },
	{ "passphrase", "NAME", "Change the passphrase of an identity, or "
	    "remove it", id_passphrase, passphrase_opts, 1, 1,
	    "Without an option for the new passphrase it is asked for. "
	    "CAISSON_PASSPHRASE is\nthe one of today." },
	{ "remove", "NAME", "Remove an identity and its keys", id_remove,
	    remove_opts, 1, 1, NULL },
	{ "trust", "[FILE|DID]", "Trust a key for some purposes; without "
	    "argument, list who is trusted", id_trust, trust_opts, 0, 1,
	    "FILE is a document (of caisson id export) or an ML-DSA public "
	    "key in PEM.\nFiles can be sealed only to who gave a document.\n"
	    "\n" ABOUT_PURPOSES },
	{ "sign", "", "Sign a credential: somebody may do something for a "
	    "time", id_sign, sign_opts, 0, 0, NULL },
	{ "verify", "[FILE]", "Verify a credential and whoever passed it on",
	    id_verify, verify_opts, 0, 1, NULL },
	{ NULL }
};

const struct cli_noun cli_id = {
	"id", "Identities, whom they trust, and what they allow", verbs
};
