/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_many.c - SHA3-256 of many messages of one length. */
#include <caisson/advanced.h>
#include <caisson/tree.h>

#include "base/fail.h"
#include "crypto/sha3_many.h"

void
csn_many_start(struct csn_many *m, struct csn_ctx *ctx)
{
	m->ctx = ctx;
	m->one = NULL;
}

void
csn_many_end(struct csn_many *m)
{
	csn_hash_free(m->one);
	m->one = NULL;
}

static int
hash_one(struct csn_many *m, const uint8_t *data, size_t len, int prefix,
    uint8_t *out)
{
	uint8_t first = (uint8_t)prefix;
	int rc;

	if (m->one == NULL && (rc = csn_hash_new(m->ctx, &m->one)) != 0)
		return rc;
	if ((rc = csn_hash_start(m->one)) != 0 || (prefix >= 0 &&
	    (rc = csn_hash_update(m->one, &first, 1)) != 0) ||
	    (rc = csn_hash_update(m->one, data, len)) != 0)
		return rc;
	return csn_hash_final(m->one, out);
}

int
csn_many_hash(struct csn_many *m, const uint8_t *const *data, size_t n,
    size_t len, int prefix, uint8_t *const *out)
{
	const uint8_t *in[CSN_SHA3_LANES];
	uint8_t *to[CSN_SHA3_LANES], spare[CSN_HASH_SIZE];
	const struct csn_sha3_lanes *k;
	size_t i, done;
	int rc;

	/* Two in four lanes take less time than two by themselves. */
	for (done = 0; n - done > 1; done += k->lanes) {
		if ((k = csn_sha3_lanes_for(n - done)) == NULL)
			break;
		for (i = 0; i < k->lanes; i++) {
			in[i] = data[done + i < n ? done + i : done];
			to[i] = done + i < n ? out[done + i] : spare;
		}
		k->hash(in, len, prefix, to);
		if (n - done <= k->lanes)
			return 0;
	}
	for (i = done; i < n; i++)
		if ((rc = hash_one(m, data[i], len, prefix, out[i])) != 0)
			return rc;
	return 0;
}

int
csn_sha3_256_many(struct csn_ctx *ctx, const uint8_t *const *data, size_t n,
    size_t len, int prefix, uint8_t *out)
{
	uint8_t *to[CSN_SHA3_LANES];
	struct csn_many m;
	size_t i, k, part;
	int rc = 0;

	if (ctx == NULL || (data == NULL && n != 0) || prefix < -1 ||
	    prefix > 255 || (out == NULL && n != 0))
		return csn_fail(ctx, CSN_E_ARG, "crypto", "hashing many needs "
		    "their bytes, a prefix of one byte or -1, and room");
	csn_many_start(&m, ctx);
	for (i = 0; i < n && rc == 0; i += part) {
		part = n - i < CSN_SHA3_LANES ? n - i : CSN_SHA3_LANES;
		for (k = 0; k < part; k++)
			to[k] = out + (i + k) * CSN_HASH_SIZE;
		rc = csn_many_hash(&m, data + i, part, len, prefix, to);
	}
	csn_many_end(&m);
	return rc;
}

const char *
csn_sha3_kernel(const struct csn_ctx *ctx)
{
	const struct csn_sha3_lanes *k = csn_sha3_lanes_for(CSN_SHA3_LANES);

	(void)ctx;
	return k != NULL ? k->name : "scalar";
}
