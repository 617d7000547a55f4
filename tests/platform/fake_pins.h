/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_pins.h - made-up roots that are pinned as the vendors'
 * are. A program that links fake_pins.c has these pins and no others.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_PINS_H
#define CAISSON_TESTS_PLATFORM_FAKE_PINS_H

#include "platform/fake_pki.h"

struct csn_ctx;

/* Pin the key of a root, in PEM, as a platform's i-th (of 3, SEV-SNP's). */
void fake_pins_set(struct csn_ctx *ctx, int platform, int i,
    const struct fake_bytes *root);

#endif
