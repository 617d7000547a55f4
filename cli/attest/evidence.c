/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/evidence.c - caisson attest evidence: vendors' evidence. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"

#define MAX_FILE (4u << 20)
#define MAX_NONCE 64

const struct cli_opt attest_evidence_opts[] = {
	{ "platform", "WORD", "sev-snp, tdx, nvidia or tpm2",
	    CLI_REQUIRED },
	{ "evidence", "FILE", "the report, quote or measurements",
	    CLI_REQUIRED },
	{ "cert", "FILE", "certificates, PEM or DER, or a host's table",
	    CLI_REPEAT },
	{ "root", "FILE", "trust this root, not the vendor's own" },
	{ "collateral", "FILE", "CRLs; TDX: TCB info and QE identity",
	    CLI_REPEAT },
	{ "nonce", "HEX", "the report data that is expected" },
	{ "at", "DATE", "verify as of DATE, not of now" },
	{ "policy", "FILE", "reference values (docs/PLATFORM.md)" },
	{ "require", "WORDS", "fail without these: "
	    "nonce,collateral,crl,policy" },
	{ NULL }
};

/* What the options name, read. */
struct given {
	struct csn_platform_options o;
	uint8_t *evidence;
	size_t len;
	struct csn_bytes certs[CSN_PLATFORM_MAX_BLOBS];
	struct csn_bytes collateral[CSN_PLATFORM_MAX_BLOBS];
	struct csn_bytes root;
	uint8_t nonce[MAX_NONCE];
	uint8_t *policy;
};

/* --- raw, hex or base64 ------------------------------------------------ */

static int
base64_value(uint8_t c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* p without its white space; how much is left. */
static size_t
squeeze(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if (!isspace(p[i]))
			out[n++] = p[i];
	return n;
}

/* In place; the bytes that the text stands for, or 0 where it is no such. */
static size_t
from_base64(const uint8_t *text, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	size_t i, k = 0;
	int v;

	if (n == 0 || n % 4 != 0)
		return 0;
	while (n > 0 && text[n - 1] == '=')
		n--;
	for (i = 0; i < n; i++) {
		if ((v = base64_value(text[i])) < 0)
			return 0;
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 != 0)
			out[k++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return k;
}

/*
 * Evidence holds zeros and other bytes that no text has, so what is all hex
 * digits or all base64 is that.
 */
static int
decode(struct cli *cli, struct given *g)
{
	uint8_t *text = malloc(g->len + 1), *out = malloc(g->len + 1);
	size_t n;

	if (text == NULL || out == NULL) {
		free(text);
		free(out);
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	}
	n = squeeze(g->evidence, g->len, text);
	text[n] = '\0';
	if (n > 0 && n % 2 == 0 && cli_unhex((const char *)text, out,
	    n / 2) == 0)
		n /= 2;
	else
		n = from_base64(text, n, out);
	free(text);
	if (n > 0) {
		free(g->evidence);
		g->evidence = out;
		g->len = n;
	} else {
		free(out);
	}
	return 0;
}

/* --- the options ------------------------------------------------------- */

static int
read_blob(struct cli *cli, const char *path, struct csn_bytes *b)
{
	uint8_t *p;
	int rc;

	if ((rc = cli_read_file(cli, path, MAX_FILE, &p, &b->len)) != 0)
		return rc;
	b->p = p;
	return 0;
}

static int
read_blobs(struct cli *cli, const char *option, struct csn_bytes *list,
    size_t *count)
{
	const char *path;
	int rc;

	while ((path = cli_opt_at(cli, option, *count)) != NULL) {
		if (*count == CSN_PLATFORM_MAX_BLOBS)
			return cli_error(cli, CLI_USAGE, NULL,
			    "--%s is given more than %d times", option,
			    CSN_PLATFORM_MAX_BLOBS);
		if ((rc = read_blob(cli, path, &list[*count])) != 0)
			return rc;
		(*count)++;
	}
	return 0;
}

static int
read_nonce(struct cli *cli, struct given *g)
{
	const char *text = cli_opt(cli, "nonce");
	size_t n;

	if (text == NULL)
		return 0;
	n = strlen(text);
	if (n == 0 || n % 2 != 0 || n / 2 > MAX_NONCE ||
	    cli_unhex(text, g->nonce, n / 2) != 0)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--nonce is not 1 to %d bytes in hex", MAX_NONCE);
	g->o.nonce = g->nonce;
	g->o.nonce_len = n / 2;
	return 0;
}

static const struct cli_word requirable[] = {
	{ "nonce", CSN_REQUIRE_NONCE },
	{ "collateral", CSN_REQUIRE_COLLATERAL },
	{ "crl", CSN_REQUIRE_CRL },
	{ "policy", CSN_REQUIRE_POLICY },
};

static int
read_given(struct cli *cli, struct given *g)
{
	const char *path;
	int rc;

	g->o.size = sizeof(g->o);
	g->o.certs = g->certs;
	g->o.collateral = g->collateral;
	if ((rc = read_nonce(cli, g)) != 0 ||
	    (rc = cli_opt_words(cli, "require", requirable,
	    sizeof(requirable) / sizeof(requirable[0]),
	    &g->o.require)) != 0 ||
	    (rc = cli_opt_date(cli, "at", &g->o.at_ms)) != 0 ||
	    (rc = attest_read(cli, cli_opt(cli, "evidence"), MAX_FILE,
	    &g->evidence, &g->len)) != 0 ||
	    (rc = decode(cli, g)) != 0 ||
	    (rc = read_blobs(cli, "cert", g->certs, &g->o.ncerts)) != 0 ||
	    (rc = read_blobs(cli, "collateral", g->collateral,
	    &g->o.ncollateral)) != 0)
		return rc;
	if ((path = cli_opt(cli, "root")) != NULL) {
		if ((rc = cli_file_check(cli, path)) != 0 ||
		    (rc = read_blob(cli, path, &g->root)) != 0)
			return rc;
		g->o.root = &g->root;
	}
	if ((path = cli_opt(cli, "policy")) != NULL) {
		if ((rc = cli_file_check(cli, path)) != 0 ||
		    (rc = cli_read_file(cli, path, MAX_FILE, &g->policy,
		    &g->o.policy_len)) != 0)
			return rc;
		g->o.policy_json = (const char *)g->policy;
	}
	return 0;
}

static void
given_free(struct given *g)
{
	size_t i;

	for (i = 0; i < CSN_PLATFORM_MAX_BLOBS; i++) {
		free((void *)(uintptr_t)g->certs[i].p);
		free((void *)(uintptr_t)g->collateral[i].p);
	}
	free((void *)(uintptr_t)g->root.p);
	free(g->evidence);
	free(g->policy);
	free(g);
}

/* --- verify and show ---------------------------------------------------- */

/* The option that would have given what is missing, or NULL. */
static const char *
todo(int platform, const struct given *g, int code)
{
	if (code == CSN_E_SIGNER && platform == CSN_PLATFORM_SEV_SNP &&
	    g->o.ncerts == 0)
		return "The chip's certificates are given with --cert FILE.";
	if (code == CSN_E_POLICY && g->o.ncollateral == 0 &&
	    (g->o.policy_json != NULL || (g->o.require &
	    (CSN_REQUIRE_COLLATERAL | CSN_REQUIRE_CRL)) != 0))
		return "Collateral is given with --collateral FILE.";
	return NULL;
}

static int
verify(struct cli *cli, int platform, const struct given *g)
{
	struct csn_result *r;
	int rc, code, said;

	if ((code = csn_result_new(cli->ctx, &r)) != 0)
		return cli_error_lib(cli, code, NULL,
		    "cannot verify the evidence");
	code = csn_platform_verify(cli->ctx, platform, g->evidence, g->len,
	    &g->o, r);
	said = cli_say_result(cli, r);
	if (code == 0 && !cli->json)
		cli_say_verdict(cli, "The evidence verifies", r);
	/* A check said no, whatever it was that it did not like. */
	if (code != 0 && csn_result_code(r) != 0)
		rc = cli_error_as(cli, CLI_REFUSED, code, todo(platform, g,
		    code), "the evidence does not verify");
	else
		rc = code == 0 ? CLI_OK : cli_error_lib(cli, code,
		    todo(platform, g, code), "cannot verify the evidence");
	csn_result_free(r);
	return said != 0 ? said : rc;
}

/* JSON it is either way: for people a page of hex is no better. */
static int
show(struct cli *cli, int platform, const struct given *g)
{
	char *json;
	int rc;

	if ((rc = csn_platform_json(cli->ctx, platform, g->evidence, g->len,
	    &json)) != 0)
		return cli_error_as(cli, rc == CSN_E_NOMEM ||
		    rc == CSN_E_CRYPTO ? CLI_FAILED : CLI_REFUSED, rc, NULL,
		    "cannot show the evidence");
	cli_note(cli, "Nothing of this has been verified.\n");
	return cli_json_text(cli, json);
}

int
attest_evidence(struct cli *cli)
{
	const char *name = cli_opt(cli, "platform"), *verb = cli_arg(cli, 0);
	int platform = csn_platform_parse(name), rc;
	struct given *g;

	if (strcmp(verb, "verify") != 0 && strcmp(verb, "show") != 0)
		return cli_error(cli, CLI_USAGE,
		    "See: caisson attest evidence --help",
		    "there is no 'caisson attest evidence %s'", verb);
	if (platform == 0)
		return cli_error(cli, CLI_USAGE, NULL, "--platform is '%s', "
		    "there are sev-snp, tdx, nvidia and tpm2", name);
	if ((g = calloc(1, sizeof(*g))) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	if ((rc = read_given(cli, g)) == 0)
		rc = strcmp(verb, "show") == 0 ? show(cli, platform, g) :
		    verify(cli, platform, g);
	given_free(g);
	return rc;
}
