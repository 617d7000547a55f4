/* SPDX-License-Identifier: Apache-2.0 */
/* identity/trust_file.c - the trust store as a JSON file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "evidence/armor.h"
#include "identity/purposes.h"
#include "identity/trust.h"

#define ROOM "identity"

#define MAX_FILE (64u << 20)
#define FILE_VERSION 1

/* One entry on its way in: what its texts were decoded to. */
struct incoming {
	struct csn_trust_entry e;
	struct csn_sign_key *key;
	uint8_t *document;
	size_t n;		/* its number in the file, from 1 */
};

/* Refuse entry n; the sentence begins with which one it is. */
static int
bad(struct csn_ctx *ctx, const struct incoming *in, int code,
    const char *fmt, ...) CSN_PRINTF(4, 5);

static int
bad(struct csn_ctx *ctx, const struct incoming *in, int code,
    const char *fmt, ...)
{
	char what[384];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return csn_fail(ctx, code, ROOM,
	    "Entry %zu%s%.64s%s of the trust store: %s", in->n,
	    in->e.label != NULL ? " (\"" : "",
	    in->e.label != NULL ? in->e.label : "",
	    in->e.label != NULL ? "\")" : "", what);
}

/* The ML-DSA key whose raw public key has that many bytes, or 0. */
static int
sign_of_size(size_t len)
{
	int sign;

	for (sign = CSN_SIGN_ML_DSA_44; sign <= CSN_SIGN_ML_DSA_87; sign++) {
		if (csn_sign_public_size(sign) == len)
			return sign;
	}
	return 0;
}

/* A raw public key or an SPKI (RFC 9881). */
static int
key_from_bytes(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_sign_key **out)
{
	char *pem;
	int rc;

	if (sign_of_size(len) != 0)
		return csn_sign_from_public(ctx, sign_of_size(len), p, len,
		    out);
	if ((rc = csn_armor(ctx, "PUBLIC KEY", p, len, &pem)) != 0)
		return rc;
	rc = csn_sign_from_pem(ctx, pem, strlen(pem), NULL, 0, out);
	free(pem);
	return rc;
}

/* Hex or base64 of the above: no key's base64 is hex digits throughout. */
static int
key_from_text(struct csn_ctx *ctx, const char *s,
    struct csn_sign_key **out)
{
	size_t len = strlen(s), n;
	uint8_t *p = NULL;
	int rc;

	if ((p = csn_calloc(len / 2 + 1, 1)) == NULL)
		return CSN_E_NOMEM;
	n = len / 2;
	if (len == 0 || csn_hex_decode(s, len, p, n) != 0) {
		free(p);
		if ((rc = csn_base64_decode(s, len, &p, &n)) != 0)
			return csn_fail(ctx, rc, ROOM,
			    "It is neither hex nor base64.");
	}
	rc = key_from_bytes(ctx, p, n, out);
	free(p);
	return rc;
}

static int
take_purposes(struct csn_ctx *ctx, const json_t *v, struct incoming *in)
{
	const json_t *word;
	uint32_t bit;
	size_t i;

	if (!json_is_array(v))
		return bad(ctx, in, CSN_E_FORM, "purposes is not an array.");
	json_array_foreach(v, i, word) {
		bit = json_is_string(word) ?
		    csn_purpose_of(json_string_value(word),
		    json_string_length(word)) : 0;
		if (bit == 0)
			return bad(ctx, in, CSN_E_FORM,
			    "purposes has an item %zu that is no purpose.",
			    i + 1);
		if ((in->e.purposes & bit) != 0)
			return bad(ctx, in, CSN_E_FORM,
			    "purposes names %s twice.",
			    json_string_value(word));
		in->e.purposes |= bit;
	}
	return 0;
}

static int
take_time(struct csn_ctx *ctx, const char *key, const char *s,
    const struct incoming *in, uint64_t *ms)
{
	if (csn_time_parse(s, strlen(s), ms) != 0 || *ms == 0)
		return bad(ctx, in, CSN_E_FORM,
		    "%s is no time like 2030-01-01T00:00:00Z.", key);
	return 0;
}

static int
take_member(struct csn_ctx *ctx, const char *key, const json_t *v,
    struct incoming *in)
{
	const char *s;
	size_t len;
	int rc;

	if (strcmp(key, "purposes") == 0)
		return take_purposes(ctx, v, in);
	if (!json_is_string(v) || (len = json_string_length(v)) !=
	    strlen(s = json_string_value(v)))
		return bad(ctx, in, CSN_E_FORM, "%.32s is not a text.", key);
	if (strcmp(key, "did") == 0) {
		in->e.did = s;
	} else if (strcmp(key, "label") == 0) {
		in->e.label = s;
	} else if (strcmp(key, "tenant_id") == 0) {
		in->e.tenant_id = s;
	} else if (strcmp(key, "expires") == 0) {
		return take_time(ctx, key, s, in, &in->e.expires_ms);
	} else if (strcmp(key, "withdrawn") == 0) {
		return take_time(ctx, key, s, in, &in->e.withdrawn_ms);
	} else if (strcmp(key, "key") == 0) {
		if ((rc = key_from_text(ctx, s, &in->key)) != 0)
			return bad(ctx, in, rc, "key is no ML-DSA public "
			    "key: %s", csn_message());
		in->e.key = in->key;
	} else if (strcmp(key, "document") == 0) {
		if ((rc = csn_base64_decode(s, len, &in->document,
		    &in->e.document_len)) != 0)
			return bad(ctx, in, rc, "document is not base64.");
		in->e.document = in->document;
	} else {
		return bad(ctx, in, CSN_E_FORM,
		    "there is no member \"%.32s\".", key);
	}
	return 0;
}

static int
take_entry(struct csn_ctx *ctx, struct csn_trust *trust, const json_t *v,
    size_t n)
{
	struct incoming in = { .e = { .size = sizeof(in.e) }, .n = n };
	const char *key;
	json_t *member;
	int rc = 0;

	if (!json_is_object(v))
		return bad(ctx, &in, CSN_E_FORM, "it is not an object.");
	/* The label first: the sentences are for whoever gave it. */
	member = json_object_get(v, "label");
	if (json_is_string(member) && csn_utf8_ok(json_string_value(member),
	    json_string_length(member)))
		in.e.label = json_string_value(member);
	json_object_foreach((json_t *)(uintptr_t)v, key, member) {
		if ((rc = take_member(ctx, key, member, &in)) != 0)
			goto out;
	}
	if (in.e.did == NULL || in.e.purposes == 0) {
		rc = bad(ctx, &in, CSN_E_FORM,
		    "it needs a did and its purposes.");
		goto out;
	}
	if ((rc = csn_trust_put(ctx, trust, &in.e)) != 0)
		rc = bad(ctx, &in, rc == CSN_E_ARG ? CSN_E_FORM : rc, "%s",
		    csn_message());
out:
	csn_sign_free(in.key);
	free(in.document);
	return rc;
}

static int
check_root(struct csn_ctx *ctx, const json_t *root)
{
	const json_t *version;

	version = json_object_get(root, "version");
	if (!json_is_integer(version) ||
	    !json_is_array(json_object_get(root, "entries")) ||
	    json_object_size(root) != 2)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The trust store is not an object with a version and "
		    "entries, and nothing else.");
	if (json_integer_value(version) != FILE_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "The trust store is of version %lld; this library reads "
		    "%d.", (long long)json_integer_value(version),
		    FILE_VERSION);
	return 0;
}

int
csn_trust_parse(struct csn_ctx *ctx, const char *text, size_t len,
    struct csn_trust **out)
{
	struct csn_trust *trust = NULL;
	json_error_t error = { .text = "" };
	json_t *root, *v;
	size_t i;
	int rc;

	if ((root = json_loadb(text, len, JSON_REJECT_DUPLICATES,
	    &error)) == NULL && csn_json_no_memory(&error))
		return csn_nomem(ctx, ROOM, "a trust store");
	if (root == NULL)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "The trust store is "
		    "not JSON: line %d: %s.", error.line, error.text);
	if ((rc = check_root(ctx, root)) != 0 ||
	    (rc = csn_trust_new(ctx, &trust)) != 0)
		goto out;
	json_array_foreach(json_object_get(root, "entries"), i, v) {
		if ((rc = take_entry(ctx, trust, v, i + 1)) != 0)
			goto out;
	}
	*out = trust;
	trust = NULL;
out:
	csn_trust_free(trust);
	json_decref(root);
	return rc;
}

int
csn_trust_load(struct csn_ctx *ctx, const char *path, struct csn_trust **out)
{
	CSN_UNCANCELLED;
	uint8_t *text;
	size_t len;
	int rc;

	if (path == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Loading needs a path and a place for the trust store.");
	rc = csn_file_read_trusted(ctx, path, MAX_FILE, &text, &len);
	if (rc == CSN_E_NOT_FOUND)
		return csn_trust_new(ctx, out);
	if (rc != 0)
		return rc;
	rc = csn_trust_parse(ctx, (const char *)text, len, out);
	free(text);
	if (rc == 0)
		return 0;
	return csn_fail(ctx, rc, ROOM, "%s: %s", path, csn_message());
}

static int
set_text(json_t *o, const char *key, const char *value)
{
	return value == NULL ? 0 :
	    json_object_set_new(o, key, json_string(value));
}

static int
write_entry(void *list, const struct csn_trust_entry *e)
{
	char when[CSN_TIME_TEXT_SIZE], gone[CSN_TIME_TEXT_SIZE];
	char *document = NULL;
	json_t *o;
	int failed;

	if ((o = json_object()) == NULL)
		return CSN_E_NOMEM;
	if (e->document != NULL && (document = csn_base64_encode(e->document,
	    e->document_len)) == NULL) {
		json_decref(o);
		return CSN_E_NOMEM;
	}
	if (e->expires_ms != 0)
		csn_time_format(e->expires_ms, when);
	if (e->withdrawn_ms != 0)
		csn_time_format(e->withdrawn_ms, gone);
	/* did:key holds the key, so there is no member for it. */
	failed = set_text(o, "label", e->label[0] != '\0' ? e->label :
	    NULL) != 0 ||
	    json_object_set_new(o, "purposes",
	    csn_purposes_json(e->purposes)) != 0 ||
	    set_text(o, "tenant_id", e->tenant_id) != 0 ||
	    set_text(o, "expires", e->expires_ms != 0 ? when : NULL) != 0 ||
	    set_text(o, "withdrawn", e->withdrawn_ms != 0 ? gone :
	    NULL) != 0 ||
	    set_text(o, "did", e->did) != 0 ||
	    set_text(o, "document", document) != 0;
	free(document);
	if (failed) {
		json_decref(o);
		return CSN_E_NOMEM;
	}
	return json_array_append_new(list, o) == 0 ? 0 : CSN_E_NOMEM;
}

int
csn_trust_save(struct csn_ctx *ctx, struct csn_trust *trust,
    const char *path)
{
	CSN_UNCANCELLED;
	json_t *root = NULL, *list;
	char *text = NULL;
	int rc;

	if (trust == NULL || path == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Saving needs a trust store and a path.");
	if ((list = json_array()) == NULL ||
	    (root = json_pack("{s:i, s:o}", "version", FILE_VERSION,
	    "entries", list)) == NULL ||
	    csn_trust_each(trust, write_entry, list) != 0 ||
	    (text = csn_json_text(root, JSON_INDENT(2))) == NULL)
		rc = csn_nomem(ctx, ROOM, "writing the trust store");
	else
		rc = csn_file_replace(ctx, path, text, strlen(text), 0600);
	json_decref(root);
	free(text);
	return rc;
}
