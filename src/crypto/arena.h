/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/arena.h - memory for expanded keys: undumpable, and locked. */
#ifndef CSN_CRYPTO_ARENA_H
#define CSN_CRYPTO_ARENA_H

#include <stddef.h>
#include <stdint.h>

/*
 * OpenSSL keeps the round keys of a cipher context on its heap, where a core
 * dump or swap finds them. With the private OpenSSL, which nobody else in the
 * process uses, its allocator hooks are ours: between csn_arena_enter() and
 * csn_arena_leave() what the calling thread has OpenSSL allocate is cut from
 * one range of address space that core dumps leave out (MADV_DONTDUMP) and
 * that is locked as far as the limit goes. A block is known by its address,
 * so it may be freed or grown at any time by any thread. The range survives a
 * fork and is never unmapped: OpenSSL frees things at exit, too.
 *
 * What does not fit (a range full, a block of more than 4 KiB, no address
 * space) lies on the ordinary heap and is counted. With a system's libcrypto
 * there are no hooks, for they would seize the whole program's OpenSSL, and
 * everything lies there.
 */

/* Before OpenSSL's first allocation; later calls do nothing. */
void csn_arena_start(void);

/* Begin; nests. */
void csn_arena_enter(void);
/* End: 1 where all that was allocated since csn_arena_enter() lies inside. */
int csn_arena_leave(void);

struct csn_arena_stat {
	size_t used;		/* bytes that are given out */
	size_t size;		/* bytes in use or ready to be */
	size_t locked;		/* of size */
	uint64_t outside;	/* blocks that ever went to the heap */
};
void csn_arena_stat(struct csn_arena_stat *out);

/* For tests: the range takes no more than this many bytes from now on. */
void csn_arena_limit(size_t bytes);

#endif
