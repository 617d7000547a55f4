/* SPDX-License-Identifier: Apache-2.0 */
/* examples/blob_name.c - the blob server's names, and pages of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob_name.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-_";

static int
decode(const char *s, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
	unsigned bits = 0, v = 0;
	const char *digit;
	size_t i;

	*out_len = 0;
	for (i = 0; i < len; i++) {
		if ((digit = strchr(alphabet, s[i])) == NULL)
			return -1;
		v = (v << 6 | (unsigned)(digit - alphabet)) & 0xffff;
		if ((bits += 6) < 8)
			continue;
		if (*out_len == cap)
			return -1;
		bits -= 8;
		out[(*out_len)++] = (uint8_t)(v >> bits);
	}
	/* One way to write each name. */
	return bits == 6 || (v & ((1u << bits) - 1)) != 0 ? -1 : 0;
}

static void
print(FILE *f, const uint8_t *p, size_t len)
{
	unsigned bits = 0, v = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		v = (v << 8 | p[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			(void)fputc(alphabet[v >> (bits - 6) & 63], f);
	}
	if (bits > 0)
		(void)fputc(alphabet[v << (6 - bits) & 63], f);
}

int
blob_name_parse(const char *path, struct blob_name *out)
{
	size_t len = strcspn(path, "/");

	memset(out, 0, sizeof(*out));
	if (len == 0)
		return -1;
	/* One digit is no base64: it stands for no space at all. */
	if (!(len == 1 && path[0] == '_') && decode(path, len, out->space,
	    sizeof(out->space), &out->space_len) != 0)
		return -1;
	if (path[len] == '\0')
		return 0;
	path += len + 1;
	return decode(path, strlen(path), out->key, sizeof(out->key),
	    &out->key_len) != 0 || out->key_len == 0 ? -1 : 0;
}

int
blob_number(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] < '0' || s[i] > '9' || i >= 15)
			return -1;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*out = v;
	return i > 0 ? 0 : -1;
}

struct key {
	uint8_t bytes[CSN_STORE_MAX_KEY];
	size_t len;
	size_t value_len;
};

struct keys {
	struct key *p;
	size_t n;
	size_t cap;
};

static int
keep(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct keys *keys = arg;
	struct key *more;

	if (keys->n == keys->cap) {
		keys->cap = keys->cap * 2 + 64;
		if ((more = realloc(keys->p,
		    keys->cap * sizeof(*more))) == NULL)
			return CSN_E_NOMEM;
		keys->p = more;
	}
	memcpy(keys->p[keys->n].bytes, key, key_len);
	keys->p[keys->n].len = key_len;
	keys->p[keys->n++].value_len = value_len;
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	size_t n = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, n);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int
write_page(const struct keys *keys, size_t from, size_t limit, char **json)
{
	size_t i, size, to;
	FILE *f;
	int bad;

	to = limit < keys->n - from ? from + limit : keys->n;
	if ((f = open_memstream(json, &size)) == NULL)
		return CSN_E_NOMEM;
	(void)fputs("{\"keys\":[", f);
	for (i = from; i < to; i++) {
		(void)fputs(i > from ? ",{\"key\":\"" : "{\"key\":\"", f);
		print(f, keys->p[i].bytes, keys->p[i].len);
		(void)fprintf(f, "\",\"size\":%zu}", keys->p[i].value_len);
	}
	(void)fprintf(f, "],\"more\":%s}", to < keys->n ? "true" : "false");
	bad = ferror(f);
	if (fclose(f) != 0 || bad) {
		free(*json);
		*json = NULL;
		return CSN_E_NOMEM;
	}
	return 0;
}

int
blob_page(struct csn_store *store, const struct blob_name *space,
    const char *after, size_t limit, char **json)
{
	struct keys keys = { 0 };
	struct key last = { .len = 0 };
	size_t from = 0;
	int rc;

	if (after != NULL && decode(after, strlen(after), last.bytes,
	    sizeof(last.bytes), &last.len) != 0)
		return CSN_E_FORM;
	rc = csn_store_each(store, space->space, space->space_len, keep,
	    &keys);
	if (rc == 0) {
		if (keys.n > 0)
			qsort(keys.p, keys.n, sizeof(*keys.p), compare);
		while (from < keys.n && compare(&keys.p[from], &last) <= 0)
			from++;
		rc = write_page(&keys, from, limit, json);
	}
	free(keys.p);
	return rc;
}
