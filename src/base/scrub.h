/* SPDX-License-Identifier: Apache-2.0 */
/* base/scrub.h - what key work leaves in registers and on the stack. */
#ifndef CSN_BASE_SCRUB_H
#define CSN_BASE_SCRUB_H

/*
 * Clear the vector registers of the calling thread, where a cipher or a copy
 * of 32 bytes leaves parts of a key: the next signal would have the kernel
 * write them to a stack. A few nanoseconds. x86-64 and aarch64; on other
 * processors it does nothing.
 */
void csn_clear_vectors(void);

/*
 * The same, and overwrite the stack below the caller, as deep as sealing or
 * opening and a signal's frame under that reach: 16 KiB, or twice the frame
 * that the kernel writes for a signal (AT_MINSIGSTKSZ: 12 KiB with AMX) where
 * that is more. Some hundred nanoseconds.
 */
void csn_scrub(void);

#endif
