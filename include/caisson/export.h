/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/export.h - what every installed header needs. */
#ifndef CAISSON_EXPORT_H
#define CAISSON_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CSN_API __attribute__((visibility("default")))
#define CSN_MUST_CHECK __attribute__((warn_unused_result))
#define CSN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CSN_API
#define CSN_MUST_CHECK
#define CSN_PRINTF(fmt, args)
#endif

/*
 * Structures that cross this interface are passed by pointer and begin with
 * uint32_t size, which the caller sets to sizeof the structure it was built
 * with. A newer library reads only that many bytes and takes zero for the
 * rest, so a program never has to be rebuilt because a structure grew. An
 * older library takes a larger structure where all that it does not know is
 * zero. Every other size, 0 above all, is CSN_E_ARG. Where the library fills a
 * structure the same holds, and it fills no more than size bytes.
 */

/* Bytes of the caller's. */
struct csn_bytes {
	const uint8_t *p;
	size_t len;
};

#endif
