/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_master.c - master keys of the cache, sealed to their reader: the
 * first byte says whether the rest is the sealed file, or edits of the key
 * before it is sealed.
 */
#include <caisson/cache_native.h>

#include "edit.h"
#include "people.h"

static struct csn_identity *id;
static struct csn_trust *trust;
static struct csn_document *doc;
static uint8_t *plain;
static size_t plain_len;

static void
finish(void)
{
	csn_free(plain);
	csn_document_free(doc);
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	uint8_t *sealed;
	const uint8_t *p;
	size_t n;

	if (id != NULL)
		return;
	id = fuzz_identity(ctx);
	trust = fuzz_trust(ctx, id);
	p = csn_identity_document(id, &n);
	must(csn_document_verify(ctx, p, n, &doc));
	must(csn_cache_native_make_master(ctx, id,
	    (const struct csn_document *const *)&doc, 1, 1, &sealed, &n));
	must(csn_sealed_open(ctx, id, trust, CSN_CACHE_MASTER_TYPE, sealed, n,
	    &plain, &plain_len));
	csn_free(sealed);
	check(atexit(finish) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_cache_native *native;
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_reader r;
	uint8_t room[256], *sealed;
	int rc, changed;
	size_t n;

	start(ctx);
	if (len == 0)
		return 0;
	must(csn_cache_native_new(ctx, NULL, &native));
	if (data[0] % 2 == 0) {
		check(csn_cache_native_add(native, id, trust, data + 1,
		    len - 1) != 0);
	} else {
		csn_reader_init(&r, data + 1, len - 1);
		check((n = plain_len) <= sizeof(room) / 2);
		memcpy(room, plain, n);
		changed = fuzz_edit(&r, room, &n, sizeof(room));
		must(csn_sealed_make(ctx, id,
		    (const struct csn_document *const *)&doc, 1,
		    data[0] & 2 ? "text/plain" : CSN_CACHE_MASTER_TYPE, room,
		    n, &sealed, &n));
		rc = csn_cache_native_add(native, id, trust, sealed, n);
		if (data[0] & 2)
			check(rc == CSN_E_POLICY);
		else
			check(rc == 0 || (changed && (rc == CSN_E_FORM ||
			    rc == CSN_E_ARG)));
		check((rc == 0) == (csn_cache_native_epoch(native) != 0));
		csn_free(sealed);
	}
	csn_cache_native_free(native);
	return 0;
}
