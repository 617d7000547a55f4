/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/boot.h - a tiny guest under QEMU's own translator. */
#ifndef CAISSON_TESTS_ATTEST_BOOT_H
#define CAISSON_TESTS_ATTEST_BOOT_H

#include <stdint.h>
#include <sys/types.h>

#define BOOT_RAM ((uint64_t)16 << 20)
/* The page that the guest fills: byte i is (1 + 3 * i) modulo 256. */
#define BOOT_PAGE 0x8000
#define BOOT_PAGE_SIZE 4096
/* The byte of it that takes what comes over the serial line. */
#define BOOT_CELL 0x123

struct boot {
	pid_t pid;
	int serial;
	char folder[64];
	char qmp[96];		/* two sockets, for one client each */
	char control[96];
	char ram[96];
	char manifest[96];	/* the page as region "page" */
};

/* NULL, or why there can be no guest. */
const char *boot_missing(void);
/* Start one and wait until it has filled its page. 0, or -1. */
int boot_start(struct boot *b);
/* The same with QEMU's default, by which it does not write to b->ram. */
int boot_start_private(struct boot *b);
/* Have the guest write a byte to its cell, and wait until it has. */
int boot_write(struct boot *b, uint8_t value);
void boot_stop(struct boot *b);

#endif
