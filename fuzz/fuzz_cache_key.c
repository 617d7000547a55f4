/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_key.c - the input is a list of calls of the key builder: what it
 * takes is one well-formed document, and of interop mode's data model.
 */
#include <stdlib.h>
#include <string.h>

#include <caisson/cachekit_key.h>

#include "base/cursor.h"
#include "cache/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One call; its argument comes from the input. */
static int
call(struct csn_cachekit_key *key, struct csn_reader *r)
{
	uint8_t verb = csn_read_u8(r), n;
	const uint8_t *p;
	uint64_t v;
	double d;

	switch (verb % 14) {
	case 0:
		return csn_cachekit_key_null(key);
	case 1:
		return csn_cachekit_key_bool(key, verb & 64);
	case 2:
		return csn_cachekit_key_int(key, (int64_t)csn_read_u64(r));
	case 3:
		return csn_cachekit_key_uint(key, csn_read_u64(r));
	case 4:
		v = csn_read_u64(r);
		memcpy(&d, &v, sizeof(d));
		return csn_cachekit_key_float(key, d);
	case 5:
		v = csn_read_u64(r);
		return csn_cachekit_key_time(key, (int64_t)v,
		    csn_read_u8(r) - 128);
	case 6:
		return csn_cachekit_key_list_begin(key);
	case 7:
		return csn_cachekit_key_list_end(key);
	case 8:
		return csn_cachekit_key_map_begin(key);
	case 9:
		return csn_cachekit_key_map_end(key);
	case 10:
		return csn_cachekit_key_set_begin(key);
	case 11:
		return csn_cachekit_key_set_end(key);
	default:
		break;
	}
	n = csn_read_u8(r);
	if ((p = csn_read_view(r, n)) == NULL)
		return CSN_E_FORM;
	if (verb % 14 == 13)
		return csn_cachekit_key_bytes(key, p, n);
	if (verb & 32)
		return csn_cachekit_key_str(key, (const char *)p, n);
	return verb & 64 ? csn_cachekit_key_name(key, (const char *)p, n) :
	    csn_cachekit_key_map_key(key, (const char *)p, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_cachekit_key *key;
	struct csn_reader r;
	const uint8_t *p;
	size_t n;
	int mode, rc = 0;

	csn_reader_init(&r, data, len);
	mode = csn_read_u8(&r) & 1 ? CSN_CACHEKIT_KEY_AUTO :
	    CSN_CACHEKIT_KEY_INTEROP;
	if (csn_cachekit_key_new(NULL, mode, &key) != 0)
		return 0;
	while (rc == 0 && csn_reader_ok(&r) && r.left > 0)
		rc = call(key, &r);
	if (rc == 0 && csn_cachekit_key_args(key, &p, &n) == 0 &&
	    csn_mp_check(NULL, p, n, mode == CSN_CACHEKIT_KEY_INTEROP) != 0)
		abort();
	csn_cachekit_key_free(key);
	return 0;
}
