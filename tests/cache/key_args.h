/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cache/key_args.h - arguments in JSON, given to a builder of keys. */
#ifndef CAISSON_TESTS_CACHE_KEY_ARGS_H
#define CAISSON_TESTS_CACHE_KEY_ARGS_H

#include <jansson.h>

#include <caisson/cachekit_key.h>

/*
 * One argument. Objects with one member whose name begins with '$' are typed:
 * $set, $bytes, $datetime, $uuid, $float, $int. Returns the builder's code;
 * CSN_E_ARG too for what JSON says and no builder can be given (an integer
 * past 64 bits, a time without a zone).
 */
int key_arg(struct csn_cachekit_key *key, const json_t *value);

/* All of an array's, then all of an object's by name (NULL: none). */
int key_args(struct csn_cachekit_key *key, const json_t *args,
    const json_t *kwargs);

#endif
