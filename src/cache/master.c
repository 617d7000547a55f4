/* SPDX-License-Identifier: Apache-2.0 */
/* cache/master.c - a ring of master keys: where they come from, their form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "cache/master.h"
#include "crypto/crypto.h"
#include "crypto/x509.h"

#define ROOM "cache"
#define FILE_MAX (4 * (2 * CSN_CACHEKIT_MASTER_MAX + 2) + 4096)

static const char wrap_use[] = "caisson cache master key";

int
csn_key_fingerprint(struct csn_ctx *ctx, const uint8_t *key, size_t len,
    uint8_t out[CSN_FINGERPRINT_SIZE])
{
	static const char label[] = "key_fingerprint_v1";
	uint8_t text[sizeof(label) - 1 + CSN_CACHEKIT_MASTER_MAX];
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	memcpy(text, label, sizeof(label) - 1);
	memcpy(text + sizeof(label) - 1, key, len);
	rc = csn_sha256(ctx, text, sizeof(label) - 1 + len, hash);
	memcpy(out, hash, CSN_FINGERPRINT_SIZE);
	csn_wipe(text, sizeof(text));
	return rc;
}

static int
empty(struct csn_ctx *ctx, struct csn_cachekit_ring **out)
{
	struct csn_cachekit_ring *keys = NULL;

	if ((keys = csn_secret_alloc(sizeof(*keys), NULL)) == NULL)
		return csn_fail_memory(ctx, ROOM, "master keys");
	keys->ctx = ctx;
	*out = keys;
	return 0;
}

/* Is there a place, and is the length right? len in bytes. */
static int
check_next(const struct csn_cachekit_ring *keys, const char *what, size_t len,
    uint32_t flags)
{
	size_t least = flags & CSN_CACHEKIT_MASTER_SHORT_OK ? 16 :
	    CSN_CACHEKIT_MASTER_MIN;

	if (keys->n == CSN_MASTER_COUNT)
		return csn_fail(keys->ctx, CSN_E_LIMIT, ROOM, "%s: more than "
		    "%d former master keys; reseal what the oldest sealed, or "
		    "let it expire, and drop it", what,
		    CSN_CACHEKIT_MASTER_PREVIOUS_MAX);
	if (len < least)
		return csn_fail(keys->ctx, CSN_E_ARG, ROOM, "%s: a master key "
		    "has %zu bytes and needs at least %zu, written as %zu hex "
		    "digits (openssl rand -hex 32 makes one)", what, len,
		    least, 2 * least);
	if (len > CSN_CACHEKIT_MASTER_MAX)
		return csn_fail(keys->ctx, CSN_E_ARG, ROOM, "%s: a master key "
		    "has %zu bytes, more than %d", what, len,
		    CSN_CACHEKIT_MASTER_MAX);
	return 0;
}

/* The key that was just put in its place; *keys->n counts it if it is new. */
static int
accept(struct csn_cachekit_ring *keys, const char *what)
{
	size_t i, last = keys->n;

	for (i = 0; i < last; i++)
		if (keys->keys[i].len == keys->keys[last].len &&
		    csn_equal(keys->keys[i].p, keys->keys[last].p,
		    keys->keys[i].len))
			return csn_fail(keys->ctx, CSN_E_POLICY, ROOM, i == 0 ?
			    "%s: the current master key is among the former "
			    "ones too; a rotation only goes forward: remove "
			    "it there, or set a new current key" :
			    "%s: a former master key is there twice", what);
	keys->n++;
	return 0;
}

static int
add_bytes(struct csn_cachekit_ring *keys, const char *what, const uint8_t *p,
    size_t len, uint32_t flags)
{
	int rc;

	if ((rc = check_next(keys, what, len, flags)) != 0)
		return rc;
	keys->keys[keys->n].len = len;
	memcpy(keys->keys[keys->n].p, p, len);
	return accept(keys, what);
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(const char **s, size_t *len)
{
	while (*len > 0 && is_space(**s)) {
		(*s)++;
		(*len)--;
	}
	while (*len > 0 && is_space((*s)[*len - 1]))
		(*len)--;
}

static int
add_hex(struct csn_cachekit_ring *keys, const char *what, const char *s,
    size_t len, uint32_t flags)
{
	int rc;

	trim(&s, &len);
	if (len == 0)
		return csn_fail(keys->ctx, CSN_E_FORM, ROOM, "%s: a key is "
		    "empty: give 64 hex digits or more (32 bytes)", what);
	if (len % 2 != 0)
		return csn_fail(keys->ctx, CSN_E_FORM, ROOM, "%s: a key has "
		    "an odd number of digits; it is 64 hex digits or more (32 "
		    "bytes), such as openssl rand -hex 32 makes", what);
	/* Before its length: who wrote a passphrase hears what is wrong. */
	if (keys->n < CSN_MASTER_COUNT && len / 2 <= CSN_CACHEKIT_MASTER_MAX &&
	    csn_hex_decode(s, len, keys->keys[keys->n].p, len / 2) != 0)
		return csn_fail(keys->ctx, CSN_E_FORM, ROOM, "%s: a key is "
		    "not hex; it is 64 hex digits or more (32 bytes), such as "
		    "openssl rand -hex 32 makes", what);
	if ((rc = check_next(keys, what, len / 2, flags)) != 0)
		return rc;
	keys->keys[keys->n].len = len / 2;
	return accept(keys, what);
}

/* Keys between commas. */
static int
add_list(struct csn_cachekit_ring *keys, const char *what, const char *list,
    uint32_t flags)
{
	size_t len;
	int rc;

	len = list != NULL ? strspn(list, " \t\r\n") : 0;
	if (list == NULL || list[len] == '\0')
		return 0;
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if ((rc = add_hex(keys, what, list, len, flags)) != 0)
			return rc;
		if (list[len] == '\0')
			return 0;
	}
}

int
csn_cachekit_ring_new(struct csn_ctx *ctx,
    const struct csn_bytes *current,
    const struct csn_bytes *previous, size_t nprevious,
    uint32_t flags, struct csn_cachekit_ring **out)
{
	struct csn_cachekit_ring *keys = NULL;
	size_t i;
	int rc;

	if (current == NULL || (previous == NULL && nprevious != 0))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a ring of master keys wants a current one");
	if ((rc = empty(ctx, &keys)) != 0)
		return rc;
	rc = add_bytes(keys, "the current key", current->p, current->len,
	    flags);
	for (i = 0; rc == 0 && i < nprevious; i++)
		rc = add_bytes(keys, "the former keys", previous[i].p,
		    previous[i].len, flags);
	if (rc != 0) {
		csn_cachekit_ring_free(keys);
		return rc;
	}
	*out = keys;
	return 0;
}

int
csn_cachekit_ring_hex(struct csn_ctx *ctx, const char *what,
    const char *current, const char *previous, uint32_t flags,
    struct csn_cachekit_ring **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cachekit_ring *keys = NULL;
	int rc;

	if (what == NULL || current == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a ring of master keys wants a current one");
	if ((rc = empty(ctx, &keys)) != 0)
		return rc;
	if ((rc = add_hex(keys, what, current, strlen(current),
	    flags)) != 0 ||
	    (rc = add_list(keys, what, previous, flags)) != 0) {
		csn_cachekit_ring_free(keys);
		return rc;
	}
	*out = keys;
	return 0;
}

/* A variable that is set to something, or NULL. */
static const char *
variable(const char *name)
{
	const char *s = getenv(name);

	return s != NULL && s[strspn(s, " \t\r\n")] != '\0' ? s : NULL;
}

/* Which variable holds the master key; *s is what it holds. */
static int
find_master(struct csn_ctx *ctx, const char **name, const char **s)
{
	const char *own = variable("CAISSON_MASTER_KEY");
	const char *kit = variable("CACHEKIT_MASTER_KEY");

	if (own != NULL && kit != NULL && (strlen(own) != strlen(kit) ||
	    !csn_equal(own, kit, strlen(own))))
		return csn_fail(ctx, CSN_E_POLICY, ROOM, "CAISSON_MASTER_KEY "
		    "and CACHEKIT_MASTER_KEY are set to different keys: "
		    "unset one of them");
	*name = own != NULL ? "CAISSON_MASTER_KEY" : "CACHEKIT_MASTER_KEY";
	*s = own != NULL ? own : kit;
	if (*s == NULL)
		return csn_fail(ctx, CSN_E_NOT_FOUND, ROOM, "no master key: "
		    "set CACHEKIT_MASTER_KEY (or CAISSON_MASTER_KEY) to 64 "
		    "hex digits or more (32 bytes), such as openssl rand -hex "
		    "32 makes");
	return 0;
}

int
csn_cachekit_ring_env(struct csn_ctx *ctx, uint32_t flags,
    struct csn_cachekit_ring **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const char *rotation = variable("CACHEKIT_MASTER_KEY_ROTATION");
	struct csn_cachekit_ring *keys = NULL;
	const char *name, *master;
	int rc;

	if ((rc = find_master(ctx, &name, &master)) != 0)
		return rc;
	if ((rc = empty(ctx, &keys)) != 0)
		return rc;
	if (rotation != NULL && (rc = add_hex(keys,
	    "CACHEKIT_MASTER_KEY_ROTATION", rotation, strlen(rotation),
	    flags)) != 0)
		goto err;
	if ((rc = add_hex(keys, name, master, strlen(master), flags)) != 0 ||
	    (rc = add_list(keys, "CACHEKIT_PREVIOUS_MASTER_KEYS",
	    getenv("CACHEKIT_PREVIOUS_MASTER_KEYS"), flags)) != 0)
		goto err;
	*out = keys;
	return 0;

err:
	csn_cachekit_ring_free(keys);
	return rc;
}

int
csn_cachekit_ring_file(struct csn_ctx *ctx, const char *path, uint32_t flags,
    struct csn_cachekit_ring **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cachekit_ring *keys = NULL;
	uint8_t *text = NULL;
	const char *s;
	size_t len = 0, line;
	int rc;

	if (path == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "no file of master keys was named");
	if ((rc = csn_file_read_secret(ctx, path, FILE_MAX, &text,
	    &len)) != 0)
		return rc;
	if (strlen((const char *)text) != len) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "%s is not text: it "
		    "holds hex keys, one a line", path);
		goto out;
	}
	if ((rc = empty(ctx, &keys)) != 0)
		goto out;
	for (s = (const char *)text; *s != '\0'; s += line + (s[line] != 0)) {
		line = strcspn(s, "\n");
		if (s[strspn(s, " \t\r")] == '\n' ||
		    s[strspn(s, " \t\r")] == '\0' || s[0] == '#')
			continue;
		if ((rc = add_hex(keys, path, s, line, flags)) != 0)
			goto out;
	}
	if (keys->n == 0) {
		rc = csn_fail(ctx, CSN_E_NOT_FOUND, ROOM, "%s holds no master "
		    "key: put 64 hex digits or more on a line of it", path);
		goto out;
	}
	*out = keys;
	keys = NULL;
out:
	csn_wipe_free(text, len);
	csn_cachekit_ring_free(keys);
	return rc;
}

int
csn_cachekit_ring_keystore(struct csn_ctx *ctx, struct csn_keystore *ks,
    const char *key_name, const struct csn_bytes *wrapped, size_t n,
    struct csn_cachekit_ring **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cachekit_ring *keys = NULL;
	uint8_t plain[CSN_KEY_SIZE];
	size_t i;
	int rc = 0;

	if (n == 0 || wrapped == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a ring of master keys wants a current one");
	if ((rc = empty(ctx, &keys)) != 0)
		return rc;
	for (i = 0; rc == 0 && i < n; i++) {
		if ((rc = csn_keystore_unwrap(ks, key_name,
		    (const uint8_t *)wrap_use, sizeof(wrap_use) - 1,
		    wrapped[i].p, wrapped[i].len, plain)) == 0)
			rc = add_bytes(keys, "the keystore's keys", plain,
			    sizeof(plain), 0);
		csn_wipe(plain, sizeof(plain));
	}
	if (rc != 0) {
		csn_cachekit_ring_free(keys);
		return rc;
	}
	*out = keys;
	return 0;
}

int
csn_cachekit_ring_wrap(struct csn_ctx *ctx, struct csn_keystore *ks,
    const char *key_name, uint8_t *out, size_t *out_len)
{
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_random(ctx, plain, sizeof(plain))) == 0)
		rc = csn_keystore_wrap(ks, key_name,
		    (const uint8_t *)wrap_use, sizeof(wrap_use) - 1, plain,
		    out, out_len);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

size_t
csn_cachekit_ring_count(const struct csn_cachekit_ring *keys)
{
	return keys->n;
}

int
csn_cachekit_ring_fingerprint(const struct csn_cachekit_ring *keys, size_t
    index, char out[33])
{
	if (CSN_NEEDS(keys) != 0)
		return CSN_E_ARG;

	uint8_t fingerprint[CSN_FINGERPRINT_SIZE];
	int rc;

	if (index >= keys->n)
		return csn_fail(keys->ctx, CSN_E_ARG, ROOM,
		    "the ring has no key %zu", index);
	if ((rc = csn_key_fingerprint(keys->ctx, keys->keys[index].p,
	    keys->keys[index].len, fingerprint)) != 0)
		return rc;
	csn_hex_encode(fingerprint, sizeof(fingerprint), out);
	return 0;
}

void
csn_cachekit_ring_free(struct csn_cachekit_ring *keys)
{
	csn_secret_free(keys, sizeof(*keys));
}
