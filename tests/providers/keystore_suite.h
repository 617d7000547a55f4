/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/keystore_suite.h - what every keystore must do. */
#ifndef CAISSON_TESTS_KEYSTORE_SUITE_H
#define CAISSON_TESTS_KEYSTORE_SUITE_H

#include <caisson/keystore.h>

/**
 * Run every case over a keystore opened by each of n URLs, as cmocka cases
 * named "URL case"; in a URL, %s stands for a new folder with a cheap keystore
 * for file: in it.  Returns how many failed.
 */
int keystore_suite(const char *const *urls, size_t n);

/** What they are opened with. */
#define KEYSTORE_SECRET "correct horse battery staple"

/**
 * Make a keystore for file: in folder, opened by KEYSTORE_SECRET, whose
 * Argon2id costs next to nothing.
 */
void keystore_make_cheap(struct csn_ctx *ctx, const char *folder);

/** A program's own provider: an array, and the public AEAD. */
extern const struct csn_keystore_provider keystore_array;

#endif
