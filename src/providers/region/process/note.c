/* SPDX-License-Identifier: Apache-2.0 */
/* note.c - a note as text, written and strictly read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "providers/region/process/note.h"
#include "providers/region/provider.h"

#define ROOM "region"

char *
csn_note_name(const char *folder, pid_t pid, uint64_t start)
{
	char *path;

	return asprintf(&path, "%s/%ld-%" PRIu64 ".json", folder, (long)pid,
	    start) < 0 ? NULL : path;
}

char *
csn_note_format(pid_t pid, uint64_t start, const struct csn_region *v,
    size_t n)
{
	json_t *note, *list, *one;
	char address[24], *text = NULL;
	size_t i;

	list = json_array();
	for (i = 0; list != NULL && i < n; i++) {
		(void)snprintf(address, sizeof(address), "0x%" PRIx64,
		    v[i].address);
		one = json_pack("{ss ss ss sI ss}", "id", v[i].id,
		    "description", v[i].description, "address", address,
		    "size", (json_int_t)v[i].size, "protection",
		    csn_protection_name((int)v[i].protection));
		if (one == NULL || json_array_append_new(list, one) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	if (list == NULL)
		return NULL;
	note = json_pack("{si sI sI so}", "caisson_note", CSN_NOTE_VERSION,
	    "pid", (json_int_t)pid, "start", (json_int_t)start, "regions",
	    list);
	if (note != NULL)
		text = csn_json_text(note, JSON_INDENT(1));
	json_decref(note);
	return text;
}

/* "0x" and 1 to 16 lower-case digits, the first not a zero. */
static int
parse_address(const char *s, uint64_t *out)
{
	size_t len = strlen(s), i;
	uint64_t v = 0;

	if (len < 3 || len > 18 || s[0] != '0' || s[1] != 'x' ||
	    (s[2] == '0' && len > 3))
		return -1;
	for (i = 2; i < len; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			v = v << 4 | (uint64_t)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			v = v << 4 | (uint64_t)(s[i] - 'a' + 10);
		else
			return -1;
	}
	*out = v;
	return 0;
}

/* The member as text without a NUL in it, or NULL. */
static const char *
text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_string(v) ||
	    strlen(json_string_value(v)) != json_string_length(v))
		return NULL;
	return json_string_value(v);
}

static int
parse_region(struct csn_ctx *ctx, const json_t *one, size_t number,
    struct csn_region *out)
{
	const char *id = text_of(one, "id");
	const char *description = text_of(one, "description");
	const char *address = text_of(one, "address");
	const char *protection = text_of(one, "protection");
	const json_t *size = json_object_get(one, "size");
	struct csn_region r = { .size_of = sizeof(r) };
	int rc;

	if (json_object_size(one) != 5 || id == NULL || description == NULL ||
	    address == NULL || protection == NULL || !json_is_integer(size) ||
	    json_integer_value(size) < 0 ||
	    parse_address(address, &r.address) != 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the note's region %zu "
		    "has not just an id, a description, an address, a size "
		    "and a protection", number);
	r.id = id;
	r.description = description;
	r.size = (uint64_t)json_integer_value(size);
	r.protection = (uint32_t)csn_protection_parse(protection);
	if ((rc = csn_region_check(ctx, &r)) != 0)
		return rc;
	r.id = csn_strdup(id);
	r.description = csn_strdup(description);
	*out = r;
	if (r.id == NULL || r.description == NULL)
		return csn_nomem(ctx, ROOM, "a note of regions");
	return 0;
}

static int
has_integer(const json_t *note, const char *key, uint64_t value)
{
	const json_t *v = json_object_get(note, key);

	return json_is_integer(v) && json_integer_value(v) >= 0 &&
	    (uint64_t)json_integer_value(v) == value;
}

int
csn_note_parse(struct csn_ctx *ctx, const char *text, size_t len, pid_t pid,
    uint64_t start, struct csn_note_regions *out)
{
	const json_t *list, *one;
	json_error_t error;
	json_t *note;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	note = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	list = json_object_get(note, "regions");
	if (note == NULL) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "the note is no JSON: "
		    "line %d: %.100s", error.line, error.text);
		goto out;
	}
	if (json_object_size(note) != 4 || !json_is_array(list) ||
	    !has_integer(note, "caisson_note", CSN_NOTE_VERSION)) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "the note is not just a "
		    "version %d, a pid, a start and regions",
		    CSN_NOTE_VERSION);
		goto out;
	}
	if (!has_integer(note, "pid", (uint64_t)pid) ||
	    !has_integer(note, "start", start)) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the note is another process's");
		goto out;
	}
	if (json_array_size(list) > CSN_REGIONS_MAX) {
		rc = csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "the note has more than %d regions", CSN_REGIONS_MAX);
		goto out;
	}
	out->v = csn_calloc(json_array_size(list) + 1, sizeof(*out->v));
	if (out->v == NULL) {
		rc = csn_nomem(ctx, ROOM, "a note of regions");
		goto out;
	}
	rc = 0;
	json_array_foreach(list, i, one) {
		out->n = i + 1;
		rc = parse_region(ctx, one, i + 1, &out->v[i]);
		if (rc != 0)
			break;
	}
out:
	if (rc != 0)
		csn_note_regions_free(out);
	json_decref(note);
	return rc;
}

void
csn_note_regions_free(struct csn_note_regions *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		csn_free((char *)(uintptr_t)r->v[i].id);
		csn_free((char *)(uintptr_t)r->v[i].description);
	}
	free(r->v);
	memset(r, 0, sizeof(*r));
}
