/* SPDX-License-Identifier: Apache-2.0 */
/* cache/key_name.c - the text of a cache key, around its arguments' hash. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "cache/key.h"
#include "crypto/crypto.h"

#define ROOM "cache"
#define HASH_TEXT (2 * CSN_HASH_SIZE + 1)
#define SEGMENT_MAX 64
#define FUNCTION_MAX 200	/* characters */
#define KEY_MAX 250		/* characters; longer keys are shortened */
#define KEY_KEPT 50		/* characters of one that was */

static int
hash_args(struct csn_cachekit_key *key, char text[HASH_TEXT])
{
	uint8_t hash[CSN_HASH_SIZE];
	const uint8_t *p;
	size_t len;
	int rc;

	if ((rc = csn_cachekit_key_args(key, &p, &len)) != 0 ||
	    (rc = csn_blake2b(key->ctx, p, len, hash, sizeof(hash))) != 0)
		return rc;
	csn_hex_encode(hash, sizeof(hash), text);
	return 0;
}

/* --- interop ---------------------------------------------------------- */

static int
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int
check_segment(struct csn_ctx *ctx, const char *what, const char *s)
{
	size_t i, len = s != NULL ? strnlen(s, SEGMENT_MAX + 1) : 0;

	if (len == 0 || len > SEGMENT_MAX || !is_lower_or_digit(s[0]))
		goto bad;
	for (i = 1; i < len; i++)
		if (!is_lower_or_digit(s[i]) && s[i] != '.' && s[i] != '_' &&
		    s[i] != '-')
			goto bad;
	if (strstr(s, "..") != NULL)
		return csn_fail(ctx, CSN_E_POLICY, ROOM, "the %s of an "
		    "interop key may not hold '..'", what);
	return 0;

bad:
	return csn_fail(ctx, CSN_E_POLICY, ROOM, "the %s of an interop key "
	    "is 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or "
	    "a digit", what);
}

int
csn_cachekit_key_interop(struct csn_cachekit_key *key, const char *name_space,
    const char *operation, char out[CSN_CACHEKIT_KEY_SIZE])
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	char hash[HASH_TEXT];
	int rc;

	if (key->mode != CSN_CACHEKIT_KEY_INTEROP)
		return csn_fail(key->ctx, CSN_E_ARG, ROOM,
		    "an interop key wants a builder of that mode");
	if ((rc = check_segment(key->ctx, "namespace", name_space)) != 0 ||
	    (rc = check_segment(key->ctx, "operation", operation)) != 0)
		return rc;
	/* A server would take such a key for one with a namespace prefix. */
	if (strcmp(name_space, "ns") == 0 || strcmp(name_space, "nsapi") == 0)
		return csn_fail(key->ctx, CSN_E_POLICY, ROOM, "the namespace "
		    "'%s' is reserved: take another", name_space);
	if ((rc = hash_args(key, hash)) != 0)
		return rc;
	snprintf(out, CSN_CACHEKIT_KEY_SIZE, "%s:%s:%s", name_space, operation,
	    hash);
	return 0;
}

/* --- auto ------------------------------------------------------------- */

/* Bytes of the UTF-8 character that starts here. */
static size_t
character(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* The length in bytes of the first n characters. */
static size_t
first_characters(const char *s, size_t n)
{
	size_t at = 0;

	while (n-- > 0 && s[at] != '\0')
		at += character(s + at);
	return at;
}

/* Letters, digits, '_' and '.': a bit each, below 128. */
static int
is_plain(char c)
{
	static const uint64_t plain[2] = {
		UINT64_C(0x03ff400000000000), UINT64_C(0x07fffffe87fffffe)
	};
	unsigned char u = (unsigned char)c;

	return u < 128 && (plain[u >> 6] >> (u & 63) & 1) != 0;
}

/*
 * The function's name for a key: every character but letters, digits, '_' and
 * '.' becomes '_', a run of '.' one '.', 200 characters at most.
 */
static void
put_function(struct csn_out *w, const char *module, const char *qualname)
{
	const char *parts[] = { module, ".", qualname };
	char name[FUNCTION_MAX];
	size_t i, n = 0;
	const char *s;
	char c, last = '_';

	for (i = 0; i < 3; i++) {
		for (s = parts[i]; *s != '\0' && n < FUNCTION_MAX; ) {
			c = *s;
			s += (unsigned char)c < 128 ? 1 : character(s);
			if (!is_plain(c))
				c = '_';
			if (c == '.' && last == '.')
				continue;
			name[n++] = last = c;
		}
	}
	csn_put_bytes(w, name, n);
}

static int
put_serializer(struct csn_ctx *ctx, struct csn_out *w, const char *name)
{
	static const struct {
		const char *name;
		char code;
	} known[] = {
		{ "default", 's' }, { "std", 's' }, { "standard", 's' },
		{ "auto", 'a' }, { "pythonic", 'a' }, { "orjson", 'o' },
		{ "arrow", 'w' }, { "local", 'l' },
	};
	uint8_t hash[2];
	char text[5];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0) {
			csn_put_u8(w, (uint8_t)known[i].code);
			return 0;
		}
	if ((rc = csn_blake2b(ctx, name, strlen(name), hash,
	    sizeof(hash))) != 0)
		return rc;
	csn_hex_encode(hash, sizeof(hash), text);
	csn_put_u8(w, 'x');
	csn_put_bytes(w, text, 4);
	return 0;
}

static void
put_text(struct csn_out *w, const char *s)
{
	csn_put_bytes(w, s, strlen(s));
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s += character(s))
		n++;
	return n;
}

/* name_space, module, qualname and serializer, none of them NULL. */
#define NAMES 4

static int
are_same(const struct csn_out *had, const char *const names[NAMES],
    int integrity)
{
	const uint8_t *p = had->p;
	size_t i, n, left = had->len;

	for (i = 0; i < NAMES; i++) {
		n = strlen(names[i]) + 1;
		if (left < n || memcmp(p, names[i], n) != 0)	/* public */
			return 0;
		p += n;
		left -= n;
	}
	return left == 1 && *p == (uint8_t)(integrity != 0);
}

/* Everything of an auto key but the hash; white space becomes '_'. */
static int
make_text(struct csn_cachekit_key *key, const char *const names[NAMES],
    int integrity)
{
	struct csn_out *had = &key->names, *w = &key->text;
	size_t i;
	char *p;
	int rc;

	had->len = w->len = 0;
	had->bad = w->bad = 0;
	if (names[0][0] != '\0') {
		put_text(w, "ns:");
		put_text(w, names[0]);
		put_text(w, ":");
	}
	put_text(w, "func:");
	put_function(w, names[1], names[2]);
	put_text(w, ":args:");
	key->before_hash = w->len;
	put_text(w, integrity ? ":1" : ":0");
	if ((rc = put_serializer(key->ctx, w, names[3])) != 0)
		return rc;
	csn_put_u8(w, 0);
	for (i = 0; i < NAMES; i++)
		csn_put_bytes(had, names[i], strlen(names[i]) + 1);
	csn_put_u8(had, integrity != 0);
	if (!csn_out_ok(w) || !csn_out_ok(had)) {
		had->len = 0;
		return csn_nomem(key->ctx, ROOM, "a cache key");
	}
	for (p = (char *)w->p; *(p += strcspn(p, " \n\r")) != '\0'; )
		*p++ = '_';
	key->is_long = characters((const char *)w->p) + HASH_TEXT - 1 >
	    KEY_MAX;
	return 0;
}

/* A long key is its beginning and a hash of all of it. */
static int
shorten(struct csn_cachekit_key *key, const char *args,
    char out[CSN_CACHEKIT_KEY_SIZE])
{
	struct csn_out *w = &key->whole;
	uint8_t hash[CSN_HASH_SIZE];
	char text[HASH_TEXT];
	int rc;

	/* The arguments have been hashed: their bytes are over. */
	w->len = 0;
	csn_put_bytes(w, key->text.p, key->before_hash);
	put_text(w, args);
	put_text(w, (const char *)key->text.p + key->before_hash);
	csn_put_u8(w, 0);
	if (!csn_out_ok(w))
		return csn_nomem(key->ctx, ROOM, "a cache key");
	if ((rc = csn_blake2b(key->ctx, w->p, w->len - 1, hash,
	    sizeof(hash))) != 0)
		return rc;
	csn_hex_encode(hash, sizeof(hash), text);
	snprintf(out, CSN_CACHEKIT_KEY_SIZE, "%.*s:%.32s",
	    (int)first_characters((const char *)w->p, KEY_KEPT),
	    (const char *)w->p, text);
	return 0;
}

static int
check_names(struct csn_ctx *ctx, const char *const names[NAMES])
{
	size_t i;

	for (i = 1; i < NAMES; i++) {
		if (names[i] == NULL || names[i][0] == '\0')
			return csn_fail(ctx, CSN_E_ARG, ROOM, "an auto "
			    "key wants a module, a function's name and a "
			    "serializer");
		if (!csn_utf8_valid(names[i], strlen(names[i])))
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "a name in an auto key is not UTF-8");
	}
	if (!csn_utf8_valid(names[0], strlen(names[0])))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the namespace of an auto key is not UTF-8");
	return 0;
}

int
csn_cachekit_key_auto(struct csn_cachekit_key *key, const char *name_space,
    const char *module, const char *qualname, int integrity,
    const char *serializer, char out[CSN_CACHEKIT_KEY_SIZE])
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const char *const names[NAMES] = { name_space != NULL ? name_space :
	    "", module, qualname, serializer };
	char hash[HASH_TEXT];
	size_t head, tail;
	int rc;

	if (key->mode != CSN_CACHEKIT_KEY_AUTO)
		return csn_fail(key->ctx, CSN_E_ARG, ROOM,
		    "an auto key wants a builder of that mode");
	if (module == NULL || qualname == NULL || serializer == NULL ||
	    !are_same(&key->names, names, integrity)) {
		if ((rc = check_names(key->ctx, names)) != 0 ||
		    (rc = make_text(key, names, integrity)) != 0)
			return rc;
	}
	if ((rc = hash_args(key, hash)) != 0)
		return rc;
	if (key->is_long)
		return shorten(key, hash, out);
	head = key->before_hash;
	tail = key->text.len - head;	/* with the NUL */
	memcpy(out, key->text.p, head);
	memcpy(out + head, hash, HASH_TEXT - 1);
	memcpy(out + head + HASH_TEXT - 1, key->text.p + head, tail);
	return 0;
}
