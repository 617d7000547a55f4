/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/attack.h - whose files are attacked, and who attacks. */
#ifndef CAISSON_TESTS_SEAL_ATTACK_H
#define CAISSON_TESTS_SEAL_ATTACK_H

#include "seal/files.h"

#define SEG FILES_SEGMENT
#define LEN (2 * SEG + 50)

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice, *bob, *carol, *mallory;
	struct csn_trust *trust;	/* alice and mallory seal */
	uint8_t *data;
	struct files_sealed a, b;	/* alice to bob, twice */
};

void attack_setup(struct fixture *f);
void attack_teardown(struct fixture *f);
/* A true file again, where a test changed the last one for good. */
void attack_again(struct fixture *f);

#endif
