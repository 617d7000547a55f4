/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_frame.c - frames around cache entries, new and old: what is read
 * and written again reads the same; a description never fails on it.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_frame f, again;
	struct csn_frame_head head;
	struct csn_out w;
	char *json = NULL;

	if (csn_frame_read(NULL, data, len, &f) != 0)
		return 0;
	if (csn_cachekit_inspect(NULL, data, len, &json) != 0)
		abort();
	csn_free(json);
	head = (struct csn_frame_head){ .serializer = f.serializer,
	    .format = f.format, .type = f.type, .compressed = f.compressed,
	    .fingerprint = f.encrypted ? f.fingerprint : NULL,
	    .tenant = f.tenant, .tenant_len = f.tenant_len };
	csn_out_init(&w);
	csn_frame_write(&w, &head);
	if (!csn_out_ok(&w) || csn_frame_read(NULL, w.p, w.len, &again) != 0)
		abort();
	if (strcmp(again.serializer, f.serializer) != 0 ||
	    strcmp(again.format, f.format) != 0 ||
	    strcmp(again.type, f.type) != 0 ||
	    again.compressed != f.compressed ||
	    again.encrypted != f.encrypted || (f.encrypted &&
	    strcmp(again.tenant, f.tenant) != 0))
		abort();
	csn_frame_free(&again);
	csn_frame_free(&f);
	csn_out_wipe(&w);
	return 0;
}
