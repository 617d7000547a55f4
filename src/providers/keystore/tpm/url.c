/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/url.c - "TCTI?folder=PATH&pcr=sha256:0,7&auth=1&strong=1". */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "providers/keystore/tpm/tpm.h"

#define MAX_PCR 23

static const struct {
	const char *name;
	uint16_t number;
} hashes[] = {
	{ "sha1", CSN_TPM_SHA1 }, { "sha256", CSN_TPM_SHA256 },
	{ "sha384", CSN_TPM_SHA384 }, { "sha512", CSN_TPM_SHA512 },
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static int
bad(struct csn_ctx *ctx, const struct csn_url_option *o, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, "keystore",
	    "the tpm keystore's option %.*s: %s",
	    (int)(o->name_len > 40 ? 40 : o->name_len), o->name, what);
}

/* csn_free; NULL in *out on an error. */
static int
text(struct csn_ctx *ctx, const char *s, size_t len, char **out)
{
	size_t n;

	if ((*out = csn_calloc(1, len + 1)) == NULL)
		return csn_nomem(ctx, "keystore", "the TPM's URL");
	if (csn_url_decode(s, len, *out, &n) == 0 && strlen(*out) == n)
		return 0;
	csn_free(*out);
	*out = NULL;
	return csn_fail(ctx, CSN_E_ARG, "keystore", "the tpm keystore's URL "
	    "has a %% without two hexadecimal digits of a character behind");
}

/* "sha256:0,7" */
static int
read_pcrs(struct csn_tpm_url *u, const char *s, size_t len)
{
	const char *end = s + len, *colon = memchr(s, ':', len), *comma;
	uint64_t n;
	size_t i;

	if (colon == NULL)
		return -1;
	for (i = 0; i < HASHES; i++) {
		if (strlen(hashes[i].name) == (size_t)(colon - s) &&
		    memcmp(hashes[i].name, s, (size_t)(colon - s)) == 0)
			u->pcr_hash = hashes[i].number; /* public */
	}
	for (s = colon + 1; u->pcr_hash != 0; s = comma + 1) {
		if ((comma = memchr(s, ',', (size_t)(end - s))) == NULL)
			comma = end;
		if (csn_decimal(s, (size_t)(comma - s), MAX_PCR, &n) != 0)
			return -1;
		u->pcrs[n / 8] |= (uint8_t)(1 << n % 8);
		if (comma == end) {
			u->flags |= CSN_TPM_PCR;
			return 0;
		}
	}
	return -1;
}

static int
option(struct csn_ctx *ctx, const struct csn_url_option *o,
    struct csn_tpm_url *u)
{
	const int yes = o->len == 1 && o->value[0] == '1';
	const int no = o->len == 1 && o->value[0] == '0';

	if (csn_url_is(o, "folder")) {
		if (u->folder != NULL || o->len == 0)
			return bad(ctx, o, "one path of a folder");
		return text(ctx, o->value, o->len, &u->folder);
	}
	if (csn_url_is(o, "pcr")) {
		if (u->pcr_hash != 0 || read_pcrs(u, o->value, o->len) != 0)
			return bad(ctx, o, "one bank and its registers, as "
			    "in sha256:0,7");
		return 0;
	}
	if (csn_url_is(o, "auth") || csn_url_is(o, "strong")) {
		/* Not shown: somebody may have written a secret there. */
		if (!yes && !no)
			return bad(ctx, o, "0 or 1; the secret itself is "
			    "never part of a URL");
		if (yes)
			u->flags |= csn_url_is(o, "auth") ? CSN_TPM_AUTH :
			    CSN_TPM_STRONG;
		return 0;
	}
	return bad(ctx, o,
	    "there are folder, pcr, auth and strong");
}

int
csn_tpm_url_read(struct csn_ctx *ctx, const char *rest,
    struct csn_tpm_url *out)
{
	const char *p = strchr(rest, '?');
	size_t len = p == NULL ? strlen(rest) : (size_t)(p - rest);
	struct csn_url_option o;
	int rc, more;

	memset(out, 0, sizeof(*out));
	if ((rc = text(ctx, rest, len, &out->tcti)) != 0)
		return rc;
	if (strncmp(out->tcti, "device:/dev/tpm", 15) == 0 &&
	    out->tcti[15] >= '0' && out->tcti[15] <= '9')
		return csn_fail(ctx, CSN_E_ARG, "keystore", "%s takes one "
		    "opener at a time: name /dev/tpmrm%s", out->tcti + 7,
		    out->tcti + 15);
	if (p == NULL)
		return 0;
	for (p++; rc == 0 && (more = csn_url_next(&p, &o)) != 0;)
		rc = more < 0 ? bad(ctx, &o, "it is written name=value") :
		    option(ctx, &o, out);
	return rc;
}

void
csn_tpm_url_free(struct csn_tpm_url *u)
{
	csn_free(u->tcti);
	csn_free(u->folder);
	u->tcti = u->folder = NULL;
}

void
csn_tpm_pcr_text(uint16_t hash, const uint8_t pcrs[3],
    char out[CSN_TPM_PCR_TEXT])
{
	const char *name = "none";
	size_t at, i;
	char sep = ':';

	for (i = 0; i < HASHES; i++) {
		if (hashes[i].number == hash)
			name = hashes[i].name;
	}
	at = (size_t)snprintf(out, CSN_TPM_PCR_TEXT, "%s", name);
	for (i = 0; i <= MAX_PCR; i++) {
		if ((pcrs[i / 8] >> i % 8 & 1) == 0)
			continue;
		at += (size_t)snprintf(out + at, CSN_TPM_PCR_TEXT - at,
		    "%c%zu", sep, i);
		sep = ',';
	}
}
