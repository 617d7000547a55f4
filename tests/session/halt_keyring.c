/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/halt_keyring.c - the flags of masks and lanes, in reach. */
#include "crypto/keyring.c"
#include "session/halt.h"

void
halt_hold_keyring(struct csn_ctx *ctx)
{
	struct csn_keyring *ring = ctx->keyring;
	uint32_t i;

	for (i = 0; i < SLOTS; i++)
		atomic_store(&ring->masks[i].held, 1);
	for (i = 0; i < ring->nlanes; i++)
		atomic_store(&ring->lanes[i].held, 1);
}

uint64_t
halt_salt(struct csn_ctx *ctx)
{
	return atomic_load(&ctx->keyring->salt);
}
