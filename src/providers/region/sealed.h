/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/sealed.h - a memfd whose bytes never change again. */
#ifndef CSN_PROVIDERS_REGION_SEALED_H
#define CSN_PROVIDERS_REGION_SEALED_H

/*
 * 1 where fd is a memfd that nobody can write to or cut any more, and whose
 * inode number no other one ever has, so that by its number it is known to be
 * the same one still. Else 0: then its bytes are to be looked at each time.
 */
int csn_sealed(int fd);

#endif
