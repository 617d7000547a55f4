/* SPDX-License-Identifier: Apache-2.0 */
/* base/cancel.h - a call that pthread_cancel does not end in the middle. */
#ifndef CSN_BASE_CANCEL_H
#define CSN_BASE_CANCEL_H

#include <pthread.h>

static inline int
csn_cancel_off(void)
{
	int was = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	return was;
}

static inline void
csn_cancel_back(const int *was)
{
	int ignored;

	(void)pthread_setcancelstate(*was, &ignored);
}

/*
 * The first line of a function that waits, reads or writes while it holds a
 * lock, a descriptor or memory: until it returns, a cancelled thread is not
 * ended. What only computes needs none, as cancellation is deferred.
 */
#define CSN_UNCANCELLED							\
	const int uncancelled_ __attribute__((cleanup(csn_cancel_back),	\
	    unused)) = csn_cancel_off()

/*
 * The first line of a public function that a thread may run for ever, before
 * it holds anything: there, and nowhere else, a cancelled thread ends. Who
 * calls it from the library and holds something is CSN_UNCANCELLED.
 */
#define CSN_CANCEL_POINT	pthread_testcancel()

#endif
