/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/nowipe.h"

int nowipe_blind, nowipe_no_lock, nowipe_no_protect;

/* Shared memory gives the advice away: the kernel refuses it there. */
static int
is_shared(void *p, size_t len)
{
	return syscall(SYS_madvise, p, len, MADV_WIPEONFORK) != 0;
}

int
madvise(void *p, size_t len, int advice)
{
	if (advice != MADV_WIPEONFORK)
		return (int)syscall(SYS_madvise, p, len, advice);
	if (!nowipe_blind && is_shared(p, len))
		return -1;
	(void)syscall(SYS_madvise, p, len, MADV_KEEPONFORK);
	return 0;
}

int
mlock(const void *p, size_t len)
{
	if (!nowipe_no_lock)
		return (int)syscall(SYS_mlock, p, len);
	errno = EPERM;
	return -1;
}

int
mprotect(void *p, size_t len, int protection)
{
	if (!nowipe_no_protect)
		return (int)syscall(SYS_mprotect, p, len, protection);
	errno = EPERM;
	return -1;
}
