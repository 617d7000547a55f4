/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/nomem.c - each allocation of an operation fails once. */
#include <caisson/context.h>

#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"

/* A pool that fills takes a few rounds; what is lost is lost in each. */
#define ROUNDS 8

void
nomem_each(const char *name, int (*op)(void), int also)
{
	long n = 0, blocks = 0, before = -1;
	int rc, failed, round;

	assert_int_equal(op(), 0);
	for (round = 0; round < ROUNDS && blocks != before; round++) {
		before = blocks;
		for (n = 0;; n++) {
			failmalloc_at(n);
			rc = op();
			failed = failmalloc_done();
			if (!failed)
				break;
			if (rc != 0 && rc != CSN_E_NOMEM &&
			    rc != CSN_E_CRYPTO && rc != CSN_E_ALGORITHM &&
			    rc != also)
				fail_msg("%s, allocation %ld: %s (%s)", name,
				    n, csn_error_name(rc),
				    csn_message());
		}
		assert_int_equal(rc, 0);
		blocks = failmalloc_blocks();
	}
	if (blocks != before)
		fail_msg("%s: %ld blocks a round are left", name,
		    blocks - before);
	print_message("# %s: %ld allocations\n", name, n);
}
