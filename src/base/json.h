/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.h - what jansson leaves to be guessed. */
#ifndef CSN_BASE_JSON_H
#define CSN_BASE_JSON_H

#include <stdint.h>

#include <jansson.h>

/*
 * 1 where a json_loadb() that gave NULL did so for want of memory and says
 * so, or says nothing at all; at times it blames the text instead. *error was
 * zero before the call.
 */
static inline int
csn_json_no_memory(const json_error_t *error)
{
	return error->text[0] == '\0' ||
	    json_error_code(error) == json_error_out_of_memory;
}

/*
 * json as text for free() and csn_free(), whatever allocator a program gave
 * jansson; flags are json_dumps's. NULL without memory.
 */
char *csn_json_text(const json_t *json, size_t flags);

/* Put name: hex of p into object. 0 or -1. */
int csn_json_hex(json_t *object, const char *name, const uint8_t *p,
    size_t len);
/* Put name: v. 0 or -1. */
int csn_json_uint(json_t *object, const char *name, uint64_t v);

#endif
