/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached/name.c - keys as memcached takes them, and whose they are.
 *
 * A key outside any space goes as it is where the protocol can carry it.
 * Every other is named by a hash, under a prefix that is kept for us:
 * csn:k: such a key, csn:v: one in a space, csn:m: a space's mark.
 */

#include <stdio.h>
#include <string.h>

#include <caisson/crypto.h>

#include "base/crc32.h"
#include "providers/store/memcached/memcached.h"

#define OURS "csn:"

static int
can_be_carried(const uint8_t *key, size_t len)
{
	size_t i;

	if (len >= strlen(OURS) &&
	    memcmp(key, OURS, strlen(OURS)) == 0) /* public */
		return 0;
	for (i = 0; i < len; i++) {
		if (key[i] <= ' ' || key[i] == 0x7f)
			return 0;
	}
	return len <= CSN_MC_MAX_KEY;
}

static int
hashed(struct csn_mc *m, char kind, const uint8_t *p, size_t len, char *out)
{
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_sha3_256(m->ctx, p, len, hash)) != 0)
		return rc;
	memcpy(out, "csn:k:", 6);
	out[4] = kind;
	/* 24 bytes: no two names meet by chance or by will. */
	csn_hex_encode(hash, 24, out + 6);
	return 0;
}

/* Rendezvous hashing: with a host more or less few keys move. */
static struct csn_mc_host *
host_of(struct csn_mc *m, const char *text)
{
	uint32_t key = csn_crc32(0, text, strlen(text));
	struct csn_mc_host *best = NULL;
	uint64_t h, most = 0;
	size_t i;

	for (i = 0; i < m->nhosts; i++) {
		h = ((uint64_t)key << 32 | m->hosts[i].hash) *
		    UINT64_C(0x9e3779b97f4a7c15);
		h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 32;
		if (best == NULL || h > most) {
			best = &m->hosts[i];
			most = h;
		}
	}
	return best;
}

int
csn_mc_mark_key(struct csn_mc *m, const uint8_t *space, size_t space_len,
    char out[64])
{
	return hashed(m, 'm', space, space_len, out);
}

int
csn_mc_key(struct csn_mc *m, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_mc_key *out)
{
	uint8_t both[1 + CSN_STORE_MAX_SPACE + CSN_STORE_MAX_KEY];
	int rc = 0;

	out->in_space = space_len > 0;
	out->mark[0] = '\0';
	if (space_len > 0) {
		both[0] = (uint8_t)space_len;
		memcpy(both + 1, space, space_len);
		memcpy(both + 1 + space_len, key, key_len);
		rc = hashed(m, 'v', both, 1 + space_len + key_len,
		    out->text);
		if (rc == 0)
			rc = csn_mc_mark_key(m, space, space_len, out->mark);
	} else if (can_be_carried(key, key_len)) {
		memcpy(out->text, key, key_len);
		out->text[key_len] = '\0';
	} else {
		rc = hashed(m, 'k', key, key_len, out->text);
	}
	if (rc == 0)
		out->host = host_of(m, out->text);
	return rc;
}
