/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/buffer.h - values in memory that is aligned to 64 bytes. */
#ifndef CSN_PROVIDERS_STORE_BUFFER_H
#define CSN_PROVIDERS_STORE_BUFFER_H

#include "base/alloc.h"

#define CSN_STORE_ALIGN 64

/*
 * Room for len bytes, aligned; *raw is what csn_free() takes. old is what to
 * free before, or NULL. NULL where memory is out: old is there still.
 */
static inline uint8_t *
csn_buffer_new(void *old, size_t len, void **raw)
{
	void *p;

	if (len > SIZE_MAX - CSN_STORE_ALIGN ||
	    (p = csn_realloc(old, len + CSN_STORE_ALIGN, 1)) == NULL)
		return NULL;
	*raw = p;
	return (uint8_t *)p + (CSN_STORE_ALIGN - (uintptr_t)p %
	    CSN_STORE_ALIGN) % CSN_STORE_ALIGN;
}

#endif
