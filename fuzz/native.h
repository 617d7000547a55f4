/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/native.h - a native cache of fixed master keys, one entry's place. */
#ifndef FUZZ_NATIVE_H
#define FUZZ_NATIVE_H

#include <caisson/cache_native.h>

#include "identity.h"

static const struct csn_cache_native_bind fuzz_bind = { .tenant = "t",
    .key = "k", .key_len = 1, .format = "bytes" };

static inline struct csn_cache_native *
fuzz_native(struct csn_ctx *ctx)
{
	static const uint8_t id[16] = { 1 }, key[CSN_KEY_SIZE] = { 2 };
	struct csn_cache_native *native;

	check(csn_cache_native_new(ctx, NULL, &native) == 0);
	check(csn_cache_native_add_key(native, 1, id, key) == 0);
	check(csn_cache_native_add_key(native, 3, id, key) == 0);
	return native;
}

#endif
