/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/main.c - what a test program does that says nothing else. */
#include "lib/test.h"

int
test_main(void)
{
	return test_run(NULL);
}
