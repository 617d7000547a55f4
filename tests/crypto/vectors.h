/* SPDX-License-Identifier: Apache-2.0 */
/* tests/crypto/vectors.h - known answers in JSON files. */
#ifndef CAISSON_TESTS_CRYPTO_VECTORS_H
#define CAISSON_TESTS_CRYPTO_VECTORS_H

#include <jansson.h>

#include <caisson/context.h>

#include "lib/test.h"

struct bytes {
	uint8_t *p;		/* never NULL */
	size_t len;
};

/* The context that a group's set-up made. */
extern struct csn_ctx *test_ctx;
void test_ctx_start(void);
void test_ctx_end(void);

/** The file at path, which is freed; fails the case where it cannot. */
json_t *vectors_load(char *path);

/** The bytes of a field in hex; empty where it is absent. */
struct bytes vectors_hex(const json_t *object, const char *field);

/** A string or number that must be there. */
const char *vectors_text(const json_t *object, const char *field);
size_t vectors_number(const json_t *object, const char *field);

/** Free all that vectors_hex() returned since the last call. */
void vectors_release(void);

/** Fails the case where the SHA3-256 of p is not the field's. */
void vectors_check_sha3(const json_t *object, const char *field,
    const void *p, size_t len);

#endif
