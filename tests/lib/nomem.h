/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/nomem.h - each allocation of an operation fails once. */
#ifndef CAISSON_TESTS_LIB_NOMEM_H
#define CAISSON_TESTS_LIB_NOMEM_H

/**
 * Run op again and again, each time with its n-th allocation failing, until
 * none is left. It returns its code, having freed what it made. It must be 0,
 * CSN_E_NOMEM, CSN_E_CRYPTO, CSN_E_ALGORITHM (OpenSSL does not always say
 * why) or also, and 0 in the end; and nothing may be left allocated that an
 * earlier round did not leave for reuse. The program lists lib/failmalloc.c
 * and lib/nomem.c; a sanitizer's build is skipped by the caller, who asks
 * failmalloc_works().
 */
void nomem_each(const char *name, int (*op)(void), int also);

#endif
