/* tests/providers/keystore_suite.h - what every keystore must do. */
#ifndef CAISSON_TESTS_KEYSTORE_SUITE_H
#define CAISSON_TESTS_KEYSTORE_SUITE_H

#include <caisson/keystore.h>

/**
 * Run every case over a keystore opened by each of n URLs, as cmocka cases
 * named "URL case"; in a URL, %s stands for a new folder.  Returns how many
 * failed.
 */
int keystore_suite(const char *const *urls, size_t n);

/** A program's own provider: an array, and the public AEAD. */
extern const struct csn_keystore_provider keystore_array;

/** A new folder, free(); and away with it and what lies in it. */
char *keystore_folder(void);
void keystore_folder_remove(const char *path);

#endif
