/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/tpm_stand.h - an emulated TPM, and a hand on its wire. */
#ifndef CAISSON_TESTS_PROVIDERS_TPM_STAND_H
#define CAISSON_TESTS_PROVIDERS_TPM_STAND_H

#include <stdint.h>
#include <sys/types.h>

#include <caisson/context.h>

struct tpm_stand {
	char *folder;		/* state, sockets */
	char tcti[200];		/* "swtpm:path=..." */
	pid_t pid;
};

/** 0 where swtpm, tpm2-tools or tpm2-tss's TCTI for it is missing. */
int tpm_stand_possible(void);
/** A new TPM that has answered; or the same again, after it was killed. */
void tpm_stand_start(struct tpm_stand *s);
void tpm_stand_kill(struct tpm_stand *s);
/** Killed, and all of it removed. */
void tpm_stand_end(struct tpm_stand *s);
/** One of tpm2-tools' commands, which succeeds. */
void tpm_stand_do(struct tpm_stand *s, const char *command);

/**
 * From now on each command that the library sends is counted, and before it
 * is sent hook is called with its code; where that is not 0 it is not sent
 * but fails as if the TPM had gone.
 */
void tpm_wire_tap(struct csn_ctx *ctx, int (*hook)(uint32_t code));
/** How many commands, and the n-th one's code. */
unsigned tpm_wire_count(void);
uint32_t tpm_wire_code(unsigned n);
void tpm_wire_reset(void);

#endif
