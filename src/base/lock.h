/* SPDX-License-Identifier: Apache-2.0 */
/* base/lock.h - a lock of many readers or one writer that stays fair. */
#ifndef CSN_BASE_LOCK_H
#define CSN_BASE_LOCK_H

#include <pthread.h>

/*
 * As pthread_rwlock_init, but a writer that waits goes before new readers:
 * busy readers cannot keep it out. So a thread may not take the read lock
 * twice. 0 or an errno number.
 */
int csn_rwlock_init(pthread_rwlock_t *lock);

#endif
