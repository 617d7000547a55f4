/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/show.c - MessagePack for people: a JSON value of it. */
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define DEEPEST 64

struct reader {
	const uint8_t *p;
	size_t left;
	int bad;
};

static json_t *item(struct reader *r, int depth);

static uint64_t
number(struct reader *r, size_t n)
{
	uint64_t v = 0;

	if (r->left < n) {
		r->bad = 1;
		return 0;
	}
	for (r->left -= n; n > 0; n--)
		v = v << 8 | *r->p++;
	return v;
}

static const uint8_t *
bytes(struct reader *r, uint64_t n)
{
	const uint8_t *p = r->p;

	if (r->left < n) {
		r->bad = 1;
		return NULL;
	}
	r->p += n;
	r->left -= (size_t)n;
	return p;
}

static json_t *
hex(struct reader *r, const char *name, uint64_t n)
{
	const uint8_t *p = bytes(r, n);
	json_t *value = NULL;
	char *text;

	if (p == NULL || (text = malloc((size_t)n * 2 + 1)) == NULL)
		return NULL;
	cli_hex(p, (size_t)n, text);
	value = json_pack("{s:s}", name, text);
	free(text);
	return value;
}

static json_t *
string(struct reader *r, uint64_t n)
{
	const uint8_t *p = bytes(r, n);
	json_t *value;

	if (p == NULL)
		return NULL;
	/* Bytes that are no text, as old writers had them, as hex. */
	if ((value = json_stringn((const char *)p, (size_t)n)) != NULL)
		return value;
	r->p -= n;
	r->left += (size_t)n;
	return hex(r, "$bytes", n);
}

static json_t *
array(struct reader *r, uint64_t n, int depth)
{
	json_t *list = json_array();

	for (; n > 0 && !r->bad; n--)
		if (json_array_append_new(list, item(r, depth)) != 0)
			r->bad = 1;
	return list;
}

/* A map whose keys are not all text becomes pairs. */
static json_t *
map(struct reader *r, uint64_t n, int depth)
{
	json_t *object = json_object(), *pairs = json_array(), *key, *value;
	int text = 1;

	for (; n > 0 && !r->bad; n--) {
		key = item(r, depth);
		value = item(r, depth);
		if (key == NULL || value == NULL || json_array_append_new(
		    pairs, json_pack("[O, O]", key, value)) != 0)
			r->bad = 1;
		else if (!json_is_string(key))
			text = 0;
		else if (json_object_setn(object, json_string_value(key),
		    json_string_length(key), value) != 0)
			text = 0;
		json_decref(key);
		json_decref(value);
	}
	if (text) {
		json_decref(pairs);
		return object;
	}
	json_decref(object);
	return json_pack("{s:o}", "$map", pairs);
}

static json_t *
real(struct reader *r, size_t n)
{
	uint64_t v = number(r, n);
	uint32_t half = (uint32_t)v;
	double d;
	float f;

	if (n == 8) {
		memcpy(&d, &v, sizeof(d));
	} else {
		memcpy(&f, &half, sizeof(f));
		d = (double)f;
	}
	/* JSON has no NaN and no infinities. */
	return d - d == 0 ? json_real(d) : json_null();
}

static json_t *
integer(struct reader *r, size_t n, int is_signed)
{
	uint64_t v = number(r, n);
	char text[32];

	if (is_signed && n < 8 && (v >> (n * 8 - 1) & 1) != 0)
		v |= UINT64_MAX << n * 8;
	if (is_signed || v <= INT64_MAX)
		return json_integer((json_int_t)v);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return json_pack("{s:s}", "$uint", text);
}

static json_t *
extension(struct reader *r, uint64_t n)
{
	uint64_t type = number(r, 1);
	json_t *value = hex(r, "$ext", n);

	if (value != NULL)
		json_object_set_new(value, "type", json_integer((int8_t)type));
	return value;
}

static json_t *
long_form(struct reader *r, uint8_t b, int depth)
{
	switch (b) {
	case 0xc0: return json_null();
	case 0xc2: return json_false();
	case 0xc3: return json_true();
	case 0xc4: case 0xc5: case 0xc6:
		return hex(r, "$bytes", number(r, (size_t)1 << (b - 0xc4)));
	case 0xc7: case 0xc8: case 0xc9:
		return extension(r, number(r, (size_t)1 << (b - 0xc7)));
	case 0xca: return real(r, 4);
	case 0xcb: return real(r, 8);
	case 0xcc: case 0xcd: case 0xce: case 0xcf:
		return integer(r, (size_t)1 << (b - 0xcc), 0);
	case 0xd0: case 0xd1: case 0xd2: case 0xd3:
		return integer(r, (size_t)1 << (b - 0xd0), 1);
	case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
		return extension(r, (uint64_t)1 << (b - 0xd4));
	case 0xd9: case 0xda: case 0xdb:
		return string(r, number(r, (size_t)1 << (b - 0xd9)));
	case 0xdc: case 0xdd:
		return array(r, number(r, (size_t)2 << (b - 0xdc)), depth);
	case 0xde: case 0xdf:
		return map(r, number(r, (size_t)2 << (b - 0xde)), depth);
	default:
		r->bad = 1;
		return NULL;
	}
}

static json_t *
item(struct reader *r, int depth)
{
	uint8_t b = (uint8_t)number(r, 1);

	if (r->bad || depth == DEEPEST) {
		r->bad = 1;
		return NULL;
	}
	depth++;
	if (b < 0x80)
		return json_integer(b);
	if (b < 0x90)
		return map(r, b & 15u, depth);
	if (b < 0xa0)
		return array(r, b & 15u, depth);
	if (b < 0xc0)
		return string(r, b & 31u);
	if (b >= 0xe0)
		return json_integer((int8_t)b);
	return long_form(r, b, depth);
}

json_t *
cache_show(const uint8_t *p, size_t len)
{
	struct reader r = { p, len, 0 };
	json_t *value = item(&r, 0);

	if (!r.bad && r.left == 0)
		return value;
	json_decref(value);
	return NULL;
}
