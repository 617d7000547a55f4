/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/lib/bigpages.c - linked in, this kernel's pages have 64 KiB: what is
 * mapped begins at one, and advice is for whole ones or refused.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/bigpages.h"

#define BIG ((size_t)65536)

int bigpages_refuse;

static size_t
whole(size_t len)
{
	return (len + BIG - 1) / BIG * BIG;
}

size_t
csn_page_size(void)
{
	return BIG;
}

size_t
csn_huge_page_size(void)
{
	return (size_t)512 << 20;
}

int
madvise(void *p, size_t len, int advice)
{
	if ((uintptr_t)p % BIG != 0) {
		errno = EINVAL;
		return -1;
	}
	if (bigpages_refuse && advice == MADV_DONTNEED) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_madvise, p, whole(len), advice);
}

void *
mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	uint8_t *p;
	size_t skip;

	if (at != NULL || fd >= 0)
		return (void *)syscall(SYS_mmap, at, len, prot, flags, fd,
		    off);
	p = (uint8_t *)syscall(SYS_mmap, NULL, whole(len) + BIG, prot, flags,
	    -1, 0);
	if (p == MAP_FAILED)
		return p;
	skip = (BIG - (uintptr_t)p % BIG) % BIG;
	if (skip != 0)
		(void)syscall(SYS_munmap, p, skip);
	if (skip != BIG)
		(void)syscall(SYS_munmap, p + skip + whole(len), BIG - skip);
	return p + skip;
}

int
munmap(void *p, size_t len)
{
	return (int)syscall(SYS_munmap, p, whole(len));
}
