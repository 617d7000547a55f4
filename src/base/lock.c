/* SPDX-License-Identifier: Apache-2.0 */
/* base/lock.c - a lock of many readers or one writer that stays fair. */
#include "base/lock.h"

int
csn_rwlock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int rc;

	if ((rc = pthread_rwlockattr_init(&attr)) != 0)
		return rc;
#ifdef __GLIBC__
	/*
	 * glibc's default lets readers starve a writer for minutes; musl has
	 * no other kind than its one.
	 */
	rc = pthread_rwlockattr_setkind_np(&attr,
	    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	if (rc == 0)
		rc = pthread_rwlock_init(lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	return rc;
}
