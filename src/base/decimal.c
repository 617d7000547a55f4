/* SPDX-License-Identifier: Apache-2.0 */
/* base/decimal.c - whole decimal numbers as text. */
#include <caisson/error.h>

#include "base/text.h"

int
csn_decimal(const char *s, size_t len, uint64_t most, uint64_t *out)
{
	uint64_t v = 0, digit;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		digit = (uint64_t)(s[i] - '0');
		if (digit > most || v > (most - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (len == 0)
		return -1;
	*out = v;
	return 0;
}
