/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_lanes.c - which kernel of SHA3-256 in lanes runs here. */
#include "crypto/sha3_kernels.h"

/* Wider ones first, and of one width the faster first. */
static const struct csn_sha3_lanes *const kernels[] = {
#if defined(__x86_64__) && defined(__GNUC__)
	&csn_sha3_avx512,
	&csn_sha3_avx512vl,
	&csn_sha3_avx2,
#endif
	NULL
};

const struct csn_sha3_lanes *
csn_sha3_lanes_at(size_t i)
{
	return i < sizeof(kernels) / sizeof(kernels[0]) ? kernels[i] : NULL;
}

const struct csn_sha3_lanes *
csn_sha3_lanes_for(size_t n)
{
	const struct csn_sha3_lanes *const *k, *best = NULL;

	/* The narrowest that takes all of them, else the widest there is. */
	for (k = kernels; *k != NULL; k++)
		if ((*k)->available() && (best == NULL ||
		    (n <= (*k)->lanes && (*k)->lanes < best->lanes)))
			best = *k;
	return best;
}
