/* SPDX-License-Identifier: Apache-2.0 */
/* base/base58.c - base58 with Bitcoin's alphabet. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/*
 * Both ways are a change of base and so quadratic. They go by limbs, five
 * digits or four bytes at a time, and a text to decode has a longest length.
 */
#define GROUP 5
#define GROUP_VALUE 656356768u	/* 58^5 */
#define LONGEST 16384

static const char alphabet[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* limbs[0..n), lowest first, times factor plus add; the new n. */
static size_t
multiply_add(uint32_t *limbs, size_t n, uint64_t base, uint64_t factor,
    uint64_t add)
{
	uint64_t t;
	size_t i;

	for (i = 0; i < n; i++) {
		t = limbs[i] * factor + add;
		limbs[i] = (uint32_t)(t % base);
		add = t / base;
	}
	for (; add != 0; add /= base)
		limbs[n++] = (uint32_t)(add % base);
	return n;
}

char *
csn_base58_encode(const uint8_t *p, size_t len)
{
	uint32_t *limbs, word, v;
	size_t zeros, n = 0, i, cap;
	char *out, *to;
	int d;

	for (zeros = 0; zeros < len && p[zeros] == 0; zeros++)
		;
	/* A word of 32 bits needs less than 1.1 limbs of 29.2. */
	cap = (len - zeros) / 4 + (len - zeros) / 32 + 4;
	if ((limbs = csn_calloc(cap, sizeof(*limbs))) == NULL)
		return NULL;
	for (word = 0, i = zeros; i < len; i++) {
		word = word << 8 | p[i];
		if ((len - i - 1) % 4 != 0)
			continue;
		n = multiply_add(limbs, n, GROUP_VALUE, UINT64_C(1) << 32,
		    word);
		word = 0;
	}
	if ((out = csn_calloc(zeros + n * GROUP + 1, 1)) != NULL) {
		memset(out, alphabet[0], zeros);
		/* Each limb's digits from its last; the top's zeros go. */
		for (to = out + zeros; n > 0; n--) {
			v = limbs[n - 1];
			for (d = GROUP - 1; d >= 0; d--, v /= 58)
				to[d] = alphabet[v % 58];
			if (to != out + zeros) {
				to += GROUP;
				continue;
			}
			for (d = 0; to[d] == alphabet[0]; d++)
				;
			memmove(to, to + d, (size_t)(GROUP - d));
			to += GROUP - d;
		}
		*to = '\0';
	}
	csn_wipe_free(limbs, cap * sizeof(*limbs));
	return out;
}

int
csn_base58_decode(const char *s, size_t len, uint8_t **out, size_t *out_len)
{
	uint32_t *limbs, group, scale;
	size_t zeros, n = 0, i, cap, bytes;
	const char *digit;
	uint8_t *p;
	int rc = CSN_E_FORM;

	if (len > LONGEST)
		return CSN_E_FORM;
	for (zeros = 0; zeros < len && s[zeros] == alphabet[0]; zeros++)
		;
	/* Five digits are less than 2^30. */
	cap = (len - zeros) / GROUP + 2;
	if ((limbs = csn_calloc(cap, sizeof(*limbs))) == NULL)
		return CSN_E_NOMEM;
	for (group = 0, scale = 1, i = zeros; i < len; i++) {
		if (s[i] == '\0' || (digit = strchr(alphabet, s[i])) == NULL)
			goto out;
		group = group * 58 + (uint32_t)(digit - alphabet);
		scale *= 58;
		if ((len - i - 1) % GROUP != 0)
			continue;
		n = multiply_add(limbs, n, UINT64_C(1) << 32, scale, group);
		group = 0;
		scale = 1;
	}
	for (bytes = n * 4; bytes > 0; bytes--)
		if (limbs[(bytes - 1) / 4] >> (8 * ((bytes - 1) % 4)) != 0)
			break;
	rc = CSN_E_NOMEM;
	if ((p = csn_calloc(zeros + bytes + 1, 1)) == NULL)
		goto out;
	for (i = 0; i < bytes; i++)
		p[zeros + bytes - 1 - i] =
		    (uint8_t)(limbs[i / 4] >> (8 * (i % 4)));
	*out = p;
	*out_len = zeros + bytes;
	rc = 0;

out:
	csn_wipe_free(limbs, cap * sizeof(*limbs));
	return rc;
}
