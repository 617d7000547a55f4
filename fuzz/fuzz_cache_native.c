/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_native.c - Caisson's own cache entries. The first byte says
 * what: the rest as an entry, or as edits of one that was sealed just now,
 * which opens only where nothing of it changed.
 */
#include "cache/native.h"
#include "edit.h"
#include "native.h"

#define MOST 4096

static struct csn_cache_native *native;

static void
finish(void)
{
	csn_cache_native_free(native);
	native = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	if (native != NULL)
		return;
	native = fuzz_native(ctx);
	check(atexit(finish) == 0);
}

static int
open_it(const uint8_t *p, size_t len, uint8_t *out)
{
	uint8_t any = 0;
	size_t i;
	int rc, old = -1;

	rc = csn_cache_native_open(native, &fuzz_bind, p, len, out, &old);
	if (rc == 0) {
		check(old == 0 || old == 1);
		return 0;
	}
	for (i = CSN_CACHE_NATIVE_OVERHEAD; i < len; i++)
		any |= out[i - CSN_CACHE_NATIVE_OVERHEAD];
	check(any == 0);
	check(rc == CSN_E_FORM || rc == CSN_E_VERSION || rc == CSN_E_SUITE ||
	    rc == CSN_E_TENANT || rc == CSN_E_TAG || rc == CSN_E_EPOCH ||
	    rc == CSN_E_EXPIRED || rc == CSN_E_REPLAY);
	return rc;
}

/* The value is made of the edits themselves. */
static void
sealed(struct csn_reader *r, uint8_t *out)
{
	static uint8_t entry[MOST + CSN_CACHE_NATIVE_OVERHEAD];
	uint64_t ends = csn_read_u8(r) % 4 * (fuzz_clock(NULL) / 2);
	size_t value_len = r->left < MOST ? r->left : MOST, len;
	const uint8_t *value = r->p;
	int changed, rc;

	check(csn_cache_native_seal(native, &fuzz_bind, ends, value, value_len,
	    entry) == 0);
	len = value_len + CSN_CACHE_NATIVE_OVERHEAD;
	check(csn_cache_native_end(entry, len) == ends);
	changed = fuzz_edit(r, entry, &len, sizeof(entry));
	rc = open_it(entry, len, out);
	if (changed)
		check(rc != 0);
	else if (ends != 0 && ends <= fuzz_clock(NULL))
		check(rc == CSN_E_EXPIRED);
	else
		check(rc == 0 && memcmp(out, value, value_len) == 0);
}

/* An entry of the corpus may open; with one bit changed it is nobody's. */
static void
raw(struct csn_reader *r, uint8_t which, uint8_t *out)
{
	static uint8_t other[MOST];
	size_t len = r->left;

	if (open_it(r->p, len, out) != 0)
		return;
	memcpy(other, r->p, len);
	other[which % len] ^= (uint8_t)(1u << which % 8);
	check(open_it(other, len, out) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[MOST + CSN_CACHE_NATIVE_OVERHEAD];
	struct csn_reader r;

	start(fuzz_ctx());
	if (len == 0 || len > MOST)
		return 0;
	csn_reader_init(&r, data + 1, len - 1);
	if (data[0] % 2 == 0)
		raw(&r, data[0] / 2, out);
	else
		sealed(&r, out);
	return 0;
}
