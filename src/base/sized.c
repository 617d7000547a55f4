/* SPDX-License-Identifier: Apache-2.0 */
/* base/sized.c - public structures of the size that their caller knows. */
#include <string.h>

#include "base/fail.h"
#include "base/sized.h"

static uint32_t
size_of(const void *structure)
{
	uint32_t size;

	memcpy(&size, structure, sizeof(size));
	return size;
}

/* What this library does not know has to be nothing. */
static int
all_zero(const uint8_t *p, size_t len)
{
	while (len > 0)
		if (p[--len] != 0)
			return 0;
	return 1;
}

static int
check(const void *given, size_t size, size_t least, const char *name)
{
	uint32_t has = size_of(given);

	if (has == size)
		return 0;
	if (has < least)
		return csn_fail(NULL, CSN_E_ARG, "base", "struct %s "
		    "is given with a size of %u and has %zu bytes at least: "
		    "set its first member to sizeof(struct %s)", name, has,
		    least, name);
	if (has > size &&
	    !all_zero((const uint8_t *)given + size, has - size))
		return csn_fail(NULL, CSN_E_ARG, "base", "struct %s of %u "
		    "bytes sets members that this library does not know: its "
		    "own has %zu bytes", name, has, size);
	return 0;
}

int
csn_take(void *to, size_t size, const void *from, size_t least,
    const char *name)
{
	uint32_t own = (uint32_t)size, has;
	int rc;

	memset(to, 0, size);
	if (from != NULL) {
		if ((rc = check(from, size, least, name)) != 0)
			return rc;
		has = size_of(from);
		memcpy(to, from, has < size ? has : size);
	}
	memcpy(to, &own, sizeof(own));
	return 0;
}

int
csn_give_check(const void *out, size_t size, size_t least, const char *name)
{
	if (out == NULL)
		return csn_fail(NULL, CSN_E_ARG, "base",
		    "there is no struct %s to fill: the pointer is NULL", name);
	return check(out, size, least, name);
}

void
csn_give(void *out, const void *from, size_t size)
{
	uint32_t has = size_of(out);

	/* Whatever from says of its own size, the caller's stays. */
	if (has < size)
		size = has;
	memcpy((uint8_t *)out + sizeof(has),
	    (const uint8_t *)from + sizeof(has), size - sizeof(has));
}
