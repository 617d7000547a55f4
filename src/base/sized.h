/* SPDX-License-Identifier: Apache-2.0 */
/* base/sized.h - public structures of the size that their caller knows. */
#ifndef CSN_BASE_SIZED_H
#define CSN_BASE_SIZED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The least size of struct tag: the end of last, the last member that its
 * first release had. It stays where it is when a member is added behind.
 */
#define CSN_LEAST(tag, last) \
	(offsetof(struct tag, last) + sizeof(((struct tag *)0)->last))

/**
 * Copy the caller's structure at from into the size bytes at to. name is the
 * structure's. Both begin with uint32_t size. What the caller's lacks is zero
 * in to, whose size member becomes size; from NULL gives a structure of zeros.
 * CSN_E_ARG where the caller's size is below least, or where it is above size
 * and a byte behind size is not zero: this library does not know what it asks.
 */
int csn_take(void *to, size_t size, const void *from, size_t least,
    const char *name);

/**
 * Look whether the caller's structure at out may be filled, by the same rule;
 * CSN_E_ARG also where out is NULL.
 */
int csn_give_check(const void *out, size_t size, size_t least,
    const char *name);

/**
 * Fill a structure that csn_give_check() let pass with as much of the size
 * bytes at from as it holds. Its own size stays.
 */
void csn_give(void *out, const void *from, size_t size);

/* 1 where the caller knows the structure just as this library does. */
static inline int
csn_same_size(const void *given, size_t size)
{
	uint32_t has;

	memcpy(&has, given, sizeof(has));
	return has == size;
}

/*
 * The three for struct tag, whose first release ended with the member last.
 * The conditional lets the compiler compare the pointers' types.
 */
#define CSN_TAKE(to, from, tag, last) \
	csn_take(1 ? (to) : (struct tag *)0, sizeof(struct tag), \
	    1 ? (from) : (const struct tag *)0, CSN_LEAST(tag, last), #tag)
#define CSN_GIVE_CHECK(out, tag, last) \
	((out) != NULL && csn_same_size(out, sizeof(struct tag)) ? 0 : \
	    csn_give_check(1 ? (out) : (const struct tag *)0, \
	    sizeof(struct tag), CSN_LEAST(tag, last), #tag))
#define CSN_GIVE(out, from, tag) \
	csn_give(1 ? (out) : (struct tag *)0, \
	    1 ? (from) : (const struct tag *)0, sizeof(struct tag))

#endif
