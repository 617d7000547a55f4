/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp_cache.h - AMD's certificates, kept on disk. */
#ifndef CSN_PLATFORM_SNP_CACHE_H
#define CSN_PLATFORM_SNP_CACHE_H

#include "platform/snp.h"

/*
 * A folder of DER files of mode 0644 (certificates are public):
 *
 *	vcek/CHIP-TCB.der	CHIP: the report's chip id, TCB: its reported
 *				TCB, as they stand there, in hex
 *	vlek/TCB-KEY.der	KEY: the first 8 bytes of the fingerprint
 *	ca/KEY.der		KEY: SHA-256 of the SubjectPublicKeyInfo
 *
 * Nothing in it is trusted: what is read goes through the same checks as what
 * evidence brings. Only what has passed them is written.
 */

/*
 * Add to a->pki what the cache of a->o.cache holds for this report, but what
 * has expired. A file that is damaged, or that is not what its name says, is
 * a check "cache" which is skipped, and does not count. Nothing without one.
 */
void csn_snp_cache_read(struct csn_appraisal *a,
    const struct csn_snp_report *r, unsigned signer);
/*
 * Write the verified a->chain where the cache has nothing as good. That it
 * cannot be written is a check "cache" which is skipped.
 */
void csn_snp_cache_write(struct csn_appraisal *a,
    const struct csn_snp_report *r, unsigned signer);

#endif
