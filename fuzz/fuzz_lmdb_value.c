/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_lmdb_value.c - values as they lie in an LMDB file. */
#include "identity.h"
#include "providers/store/lmdb/lmdb.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_lmdb_store s = { .ctx = fuzz_ctx() };
	MDB_val v = { len, (void *)(uintptr_t)data };
	struct csn_lmdb_value out;
	int rc;

	rc = csn_lmdb_value_read(&v, &out);
	if (rc != 0) {
		check(rc == CSN_E_FORM);
		return 0;
	}
	check(len >= CSN_LMDB_HEAD && out.len == len - CSN_LMDB_HEAD);
	check(out.p == data + CSN_LMDB_HEAD);
	check(csn_lmdb_has_ended(&s, &out) ==
	    (out.ends_ms != 0 && out.ends_ms <= fuzz_clock(NULL)));
	return 0;
}
