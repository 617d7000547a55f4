/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_snp.h - a made-up AMD processor: reports in the real
 * format, signed by a VCEK or VLEK under a chain of its own.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_SNP_H
#define CAISSON_TESTS_PLATFORM_FAKE_SNP_H

#include "platform/fake_pki.h"

#define FAKE_SNP_REPORT 0x4a0

enum fake_snp_product {
	FAKE_MILAN = 1,
	FAKE_GENOA = 2,
	FAKE_TURIN = 3
};

struct fake_snp_options {
	enum fake_snp_product product;	/* 0 for Genoa */
	int vlek;			/* the provider's key signs */
	int rsa;			/* RSA-PSS above the leaf, as AMD */
	/* Of the TCB: fmc, bootloader, tee, snp, microcode. All 0: 3 … 7. */
	uint8_t tcb[5];
	const char *leaf_from;		/* NULL: as everything here */
	const char *leaf_until;
	/* An extension of the leaf instead of its own of that OID, or one
	 * more; without bytes, none. */
	const struct fake_extension *swap;
	int leaf_ca;			/* the leaf is a CA's */
	const char *root_name;		/* NULL: "ARK-Genoa", say */
};

struct fake_snp;

/* o may be NULL. */
struct fake_snp *fake_snp_new(const struct fake_snp_options *o);
void fake_snp_free(struct fake_snp *s);

/*
 * A report of that version (2 to 5) with data as its report data (NULL:
 * zeros), launched without debugging, signed.
 */
void fake_snp_report(const struct fake_snp *s, uint32_t version,
    const uint8_t data[64], uint8_t out[FAKE_SNP_REPORT]);
/* Sign again what was changed in the first 0x2a0 bytes. */
void fake_snp_sign(const struct fake_snp *s, uint8_t report[FAKE_SNP_REPORT]);

/* The leaf's key in another certificate, of other dates. */
struct fake_bytes fake_snp_renewed(const struct fake_snp *s,
    const char *from, const char *until);
/* Leaf, intermediate and root as PEM; the root alone; free(). */
struct fake_bytes fake_snp_certs(const struct fake_snp *s);
struct fake_bytes fake_snp_root(const struct fake_snp *s);
/* The same three as the table that a host gives with a report. */
struct fake_bytes fake_snp_table(const struct fake_snp *s);
/* The root's CRL, with the intermediate on it where revoked is 1. */
struct fake_bytes fake_snp_crl(const struct fake_snp *s, int revoked,
    const char *from, const char *until);

#endif
