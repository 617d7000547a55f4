/* SPDX-License-Identifier: Apache-2.0 */
/* platform/json_span.h - where in a JSON text a member's value stands. */
#ifndef CSN_PLATFORM_JSON_SPAN_H
#define CSN_PLATFORM_JSON_SPAN_H

#include <stddef.h>

/*
 * The bytes of the value of a member of the object that text is, which a JSON
 * parser has accepted and found without duplicate names. name is plain, and
 * a name written with escapes is not found. NULL where it is not there.
 */
const char *csn_json_span(const char *text, size_t len, const char *name,
    size_t *span);

#endif
