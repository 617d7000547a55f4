/* SPDX-License-Identifier: Apache-2.0 */
/* cache/frame.c - the frame around an auto-mode entry, and its header. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "cache/frame.h"
#include "evidence/armor.h"

#define ROOM "cache"
#define VERSION 3

int
csn_cachekit_is_frame(const uint8_t *stored, size_t len)
{
	return (len >= 2 && stored[0] == 'C' && stored[1] == 'K') ||
	    (len >= 1 && stored[0] == '{');
}

/* --- writing ---------------------------------------------------------- */

static void
put(struct csn_out *w, const char *s)
{
	csn_put_bytes(w, s, strlen(s));
}

/* A JSON string as Python writes it with ensure_ascii off. */
static void
put_string(struct csn_out *w, const char *s, size_t len)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	char escape[7];
	const char *at;
	size_t i, run;

	csn_put_u8(w, '"');
	for (i = 0; i < len; i += run) {
		for (run = 0; i + run < len && (uint8_t)s[i + run] >= 0x20 &&
		    s[i + run] != '"' && s[i + run] != '\\'; run++)
			;
		csn_put_bytes(w, s + i, run);
		if (i + run == len)
			break;
		at = memchr(from, s[i + run], sizeof(from) - 1);
		if (at != NULL)
			snprintf(escape, sizeof(escape), "\\%c",
			    to[at - from]);
		else
			snprintf(escape, sizeof(escape), "\\u%04x",
			    (unsigned)(uint8_t)s[i + run]);
		put(w, escape);
		run++;
	}
	csn_put_u8(w, '"');
}

void
csn_frame_write(struct csn_out *w, const struct csn_frame_head *f)
{
	char fingerprint[2 * CSN_FINGERPRINT_SIZE + 1];
	size_t at = w->len, n;

	csn_put_bytes(w, "CK\003\0\0\0", CSN_FRAME_PREFIX);
	put(w, "{\"s\": ");
	put_string(w, f->serializer, strlen(f->serializer));
	put(w, ", \"m\": {\"format\": ");
	put_string(w, f->format, strlen(f->format));
	put(w, ", \"encoding\": \"utf-8\", \"compressed\": ");
	put(w, f->compressed ? "true" : "false");
	put(w, ", \"original_type\": ");
	if (f->type[0] != '\0')
		put_string(w, f->type, strlen(f->type));
	else
		put(w, "null");
	if (f->fingerprint != NULL) {
		csn_hex_encode(f->fingerprint, CSN_FINGERPRINT_SIZE,
		    fingerprint);
		put(w, ", \"encrypted\": true, \"tenant_id\": ");
		put_string(w, f->tenant, f->tenant_len);
		put(w, ", \"encryption_algorithm\": \"" CSN_FRAME_ALGORITHM
		    "\", \"key_fingerprint\": \"");
		put(w, fingerprint);
		put(w, "\"");
	}
	put(w, "}, \"v\": \"2.0\"}");
	if (!csn_out_ok(w))
		return;
	n = w->len - at - CSN_FRAME_PREFIX;
	w->p[at + 3] = (uint8_t)(n >> 24);
	w->p[at + 4] = (uint8_t)(n >> 16);
	w->p[at + 5] = (uint8_t)(n >> 8);
	w->p[at + 6] = (uint8_t)n;
}

/* --- reading ---------------------------------------------------------- */

/* A member that is text, or null or absent: then empty. 0 for anything else. */
static int
get_text(const json_t *object, const char *name, char *out, size_t cap,
    size_t *len)
{
	const json_t *value = json_object_get(object, name);
	size_t n;

	out[0] = '\0';
	if (len != NULL)
		*len = 0;
	if (value == NULL || json_is_null(value))
		return 1;
	if (!json_is_string(value))
		return 0;
	n = json_string_length(value);
	if (n >= cap || memchr(json_string_value(value), 0, n) != NULL)
		return 0;
	memcpy(out, json_string_value(value), n + 1);
	if (len != NULL)
		*len = n;
	return 1;
}

static int
get_bool(const json_t *object, const char *name, int *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return value == NULL || json_is_boolean(value);
}

static int
read_metadata(const struct csn_ctx *ctx, const json_t *m, struct csn_frame *f)
{
	char fingerprint[2 * CSN_FINGERPRINT_SIZE + 1];
	size_t len;

	if (!json_is_object(m) ||
	    !get_text(m, "format", f->format, sizeof(f->format), NULL) ||
	    !get_text(m, "original_type", f->type, sizeof(f->type), NULL) ||
	    !get_text(m, "encryption_algorithm", f->algorithm,
		sizeof(f->algorithm), NULL) ||
	    !get_text(m, "tenant_id", f->tenant, sizeof(f->tenant),
		&f->tenant_len) ||
	    !get_text(m, "key_fingerprint", fingerprint, sizeof(fingerprint),
		&len) ||
	    !get_bool(m, "compressed", &f->compressed) ||
	    !get_bool(m, "encrypted", &f->encrypted) || f->format[0] == '\0')
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the header of a cache "
		    "entry has metadata that make no sense");
	/* Another writer's way to name keys is none of ours: try them all. */
	f->has_fingerprint = csn_hex_decode(fingerprint, len, f->fingerprint,
	    sizeof(f->fingerprint)) == 0;
	return 0;
}

/*
 * Does a text have more parts than any header? Each costs a parser many times
 * its bytes, and whoever can write to a backend may send 512 MiB of them.
 */
static int
is_swarming(const uint8_t *p, size_t len)
{
	size_t i, parts = 0;
	int quoted = 0;

	for (i = 0; i < len && parts <= CSN_FRAME_PARTS_MAX; i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (quoted && p[i] == '\\')
			i++;
		else if (!quoted && (p[i] == ',' || p[i] == '[' ||
		    p[i] == '{'))
			parts++;
	}
	return parts > CSN_FRAME_PARTS_MAX;
}

static int
read_json(const struct csn_ctx *ctx, const uint8_t *p, size_t len,
    json_t **out)
{
	json_error_t error = { 0 };

	if (is_swarming(p, len))
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the header of a "
		    "cache entry has more than %d parts: no writer's does",
		    CSN_FRAME_PARTS_MAX);
	*out = json_loadb((const char *)p, len, JSON_REJECT_DUPLICATES,
	    &error);
	if (json_is_object(*out))
		return 0;
	if (*out == NULL && csn_json_no_memory(&error))
		return csn_nomem(ctx, ROOM, "the header of a cache entry");
	json_decref(*out);
	*out = NULL;
	return csn_fail(ctx, CSN_E_FORM, ROOM,
	    "the header of a cache entry is not a JSON object");
}

static int
no_serializer(const struct csn_ctx *ctx)
{
	return csn_fail(ctx, CSN_E_FORM, ROOM,
	    "a cache entry does not say which serializer made it");
}

static int
read_new(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_frame *f)
{
	json_t *header = NULL;
	size_t n;
	int rc;

	if (len < CSN_FRAME_PREFIX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a cache entry of %zu "
		    "bytes: it was cut", len);
	if (p[2] != VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM, "a cache entry's "
		    "frame has version %u; this library reads %d", p[2],
		    VERSION);
	n = (size_t)p[3] << 24 | (size_t)p[4] << 16 | (size_t)p[5] << 8 | p[6];
	if (n > len - CSN_FRAME_PREFIX || n > CSN_FRAME_READ_MAX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a cache entry's "
		    "header has %zu bytes where %zu are left: it was cut", n,
		    len - CSN_FRAME_PREFIX);
	if ((rc = read_json(ctx, p + CSN_FRAME_PREFIX, n, &header)) != 0)
		return rc;
	f->payload = p + CSN_FRAME_PREFIX + n;
	f->payload_len = len - CSN_FRAME_PREFIX - n;
	if (!get_text(header, "s", f->serializer, sizeof(f->serializer),
	    NULL) || f->serializer[0] == '\0')
		rc = no_serializer(ctx);
	else
		rc = read_metadata(ctx, json_object_get(header, "m"), f);
	json_decref(header);
	return rc;
}

static int
read_old(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_frame *f)
{
	json_t *entry = NULL, *data;
	int rc;

	if ((rc = read_json(ctx, p, len, &entry)) != 0)
		return rc;
	f->old = 1;
	data = json_object_get(entry, "data");
	if (!json_is_string(data) ||
	    (rc = csn_base64_decode(json_string_value(data),
	    json_string_length(data), &f->owned, &f->payload_len)) != 0) {
		if (rc != CSN_E_NOMEM)
			rc = CSN_E_FORM;
		csn_fail(ctx, rc, ROOM, rc == CSN_E_NOMEM ? "out of memory "
		    "for a cache entry" : "a cache entry of the older form "
		    "has no data in base64");
	} else if (!get_text(entry, "serializer", f->serializer,
	    sizeof(f->serializer), NULL) || f->serializer[0] == '\0') {
		rc = no_serializer(ctx);
	} else {
		f->payload = f->owned;
		rc = read_metadata(ctx, json_object_get(entry, "metadata"), f);
	}
	json_decref(entry);
	return rc;
}

int
csn_frame_read(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_frame *f)
{
	int rc;

	memset(f, 0, sizeof(*f));
	if (!csn_cachekit_is_frame(p, len))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "these bytes are no "
		    "auto-mode entry: an interop entry, or another program's");
	rc = p[0] == '{' ? read_old(ctx, p, len, f) : read_new(ctx, p, len, f);
	if (rc != 0)
		csn_frame_free(f);
	return rc;
}

void
csn_frame_free(struct csn_frame *f)
{
	csn_wipe_free(f->owned, f->payload_len);
	f->owned = NULL;
}

/* --- for people ------------------------------------------------------- */

static json_t *
describe_frame(const struct csn_frame *f)
{
	char fingerprint[2 * CSN_FINGERPRINT_SIZE + 1];
	json_t *o;

	csn_hex_encode(f->fingerprint, sizeof(f->fingerprint), fingerprint);
	o = json_pack("{s:s, s:s, s:s, s:b, s:b, s:I}", "kind",
	    f->old ? "older frame" : "frame", "serializer", f->serializer,
	    "format", f->format, "compressed", f->compressed, "encrypted",
	    f->encrypted, "payload_bytes", (json_int_t)f->payload_len);
	if (o == NULL)
		return NULL;
	if (f->type[0] != '\0')
		json_object_set_new(o, "original_type", json_string(f->type));
	if (f->encrypted) {
		json_object_set_new(o, "tenant", json_stringn(f->tenant,
		    f->tenant_len));
		json_object_set_new(o, "algorithm",
		    json_string(f->algorithm));
	}
	if (f->encrypted && f->has_fingerprint)
		json_object_set_new(o, "key_fingerprint",
		    json_string(fingerprint));
	return o;
}

int
csn_cachekit_inspect(struct csn_ctx *ctx, const uint8_t *stored, size_t len,
    char **json)
{
	if (CSN_NEEDS(json) != 0)
		return CSN_E_ARG;

	struct csn_frame f;
	json_t *o;
	int rc;

	if (csn_cachekit_is_frame(stored, len)) {
		if ((rc = csn_frame_read(ctx, stored, len, &f)) != 0)
			return rc;
		o = describe_frame(&f);
		csn_frame_free(&f);
	} else {
		/* Noise and plain MessagePack look alike: say no more. */
		o = json_pack("{s:s, s:I}", "kind", "interop", "payload_bytes",
		    (json_int_t)len);
	}
	*json = o != NULL ? csn_json_text(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	if (*json == NULL)
		return csn_nomem(ctx, ROOM, "a description");
	return 0;
}
