/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor_json.c - deterministic CBOR as JSON, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cbor_head.h"
#include "base/text.h"

/* "-18446744073709551616" and a NUL. */
#define NUMBER_SIZE 22

/*
 * Everything below reads what csn_cbor_check() has accepted, so r never goes
 * bad and the recursion is bounded. NULL means out of memory.
 */
static json_t *item_to_json(struct csn_reader *r);

/* In decimal: CBOR's integers reach further than C's and JSON's. */
static void
number_text(int type, uint64_t arg, char out[NUMBER_SIZE])
{
	if (type == CSN_CBOR_UINT)
		snprintf(out, NUMBER_SIZE, "%" PRIu64, arg);
	else if (arg == UINT64_MAX)
		snprintf(out, NUMBER_SIZE, "-18446744073709551616");
	else
		snprintf(out, NUMBER_SIZE, "-%" PRIu64, arg + 1);
}

static json_t *
number_to_json(struct csn_reader *r)
{
	char text[NUMBER_SIZE];
	uint64_t arg;
	int type;

	(void)csn_cbor_head(r, &type, &arg);
	if (arg <= INT64_MAX)
		return json_integer(type == CSN_CBOR_NINT ?
		    -1 - (json_int_t)arg : (json_int_t)arg);
	number_text(type, arg, text);
	return json_string(text);
}

static char *
hex(const uint8_t *p, size_t len)
{
	char *s;

	if ((s = csn_calloc(len + 1, 2)) != NULL)
		csn_hex_encode(p, len, s);
	return s;
}

static json_t *
bytes_to_json(struct csn_reader *r)
{
	const uint8_t *p;
	json_t *value;
	size_t len;
	char *s;

	p = csn_cbor_get_bytes(r, &len);
	if ((s = hex(p, len)) == NULL)
		return NULL;
	value = json_string(s);
	free(s);
	return value;
}

static json_t *
text_to_json(struct csn_reader *r)
{
	const char *s;
	size_t len;

	s = csn_cbor_get_text(r, &len);
	return json_stringn(s, len);
}

static json_t *
simple_to_json(struct csn_reader *r)
{
	uint64_t arg;
	int type;

	(void)csn_cbor_head(r, &type, &arg);
	if (arg == CSN_CBOR_NULL)
		return json_null();
	return json_boolean(arg == CSN_CBOR_TRUE);
}

static json_t *
array_to_json(struct csn_reader *r)
{
	json_t *array;
	size_t n;

	n = csn_cbor_get_array(r);
	if ((array = json_array()) == NULL)
		return NULL;
	for (; n > 0; n--)
		if (json_array_append_new(array, item_to_json(r)) != 0)
			goto err;
	return array;

err:
	json_decref(array);
	return NULL;
}

/* {"tag": 18, "value": ...} */
static json_t *
tag_to_json(struct csn_reader *r)
{
	char text[NUMBER_SIZE];
	json_t *object, *number;
	uint64_t tag;

	tag = csn_cbor_get_tag(r);
	number_text(CSN_CBOR_UINT, tag, text);
	number = tag <= INT64_MAX ? json_integer((json_int_t)tag) :
	    json_string(text);
	if ((object = json_object()) == NULL) {
		json_decref(number);
		return NULL;
	}
	if (json_object_set_new(object, "tag", number) != 0 ||
	    json_object_set_new(object, "value", item_to_json(r)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* A key as text: a number in decimal, bytes as hex. malloc'ed, or NULL. */
static char *
key_text(struct csn_reader *r)
{
	char text[NUMBER_SIZE];
	const void *p;
	uint64_t arg;
	size_t len;
	int type;

	switch (csn_cbor_peek(r)) {
	case CSN_CBOR_TEXT:
		p = csn_cbor_get_text(r, &len);
		return csn_memdup(p, len);
	case CSN_CBOR_BYTES:
		p = csn_cbor_get_bytes(r, &len);
		return hex(p, len);
	default:
		(void)csn_cbor_head(r, &type, &arg);
		number_text(type, arg, text);
		return csn_strdup(text);
	}
}

/*
 * 1, "1" and a byte 01 or such are different keys, but not in JSON: the later
 * one goes into quotes, as often as it takes. Takes value; 0 or -1.
 */
static int
set_key(json_t *object, char **key, json_t *value)
{
	char *quoted;

	while (json_object_get(object, *key) != NULL) {
		if (asprintf(&quoted, "\"%s\"", *key) < 0) {
			json_decref(value);
			return -1;
		}
		free(*key);
		*key = quoted;
	}
	return json_object_set_new(object, *key, value);
}

static json_t *
map_to_json(struct csn_reader *r)
{
	json_t *object;
	char *key;
	size_t n;
	int rc;

	n = csn_cbor_get_map(r);
	if ((object = json_object()) == NULL)
		return NULL;
	for (; n > 0; n--) {
		if ((key = key_text(r)) == NULL)
			goto err;
		rc = set_key(object, &key, item_to_json(r));
		free(key);
		if (rc != 0)
			goto err;
	}
	return object;

err:
	json_decref(object);
	return NULL;
}

static json_t *
item_to_json(struct csn_reader *r)
{
	switch (csn_cbor_peek(r)) {
	case CSN_CBOR_UINT:
	case CSN_CBOR_NINT:
		return number_to_json(r);
	case CSN_CBOR_BYTES:
		return bytes_to_json(r);
	case CSN_CBOR_TEXT:
		return text_to_json(r);
	case CSN_CBOR_ARRAY:
		return array_to_json(r);
	case CSN_CBOR_MAP:
		return map_to_json(r);
	case CSN_CBOR_TAG:
		return tag_to_json(r);
	default:
		return simple_to_json(r);
	}
}

json_t *
csn_cbor_to_json(const uint8_t *p, size_t len)
{
	struct csn_reader r;

	if (csn_cbor_check(NULL, p, len) != 0)
		return NULL;
	csn_reader_init(&r, p, len);
	return item_to_json(&r);
}
