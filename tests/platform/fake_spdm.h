/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_spdm.h - a made-up GPU: SPDM 1.1 measurements in the
 * real format, signed under a chain of five certificates of its own.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_SPDM_H
#define CAISSON_TESTS_PLATFORM_FAKE_SPDM_H

#include "platform/fake_pki.h"

#define FAKE_SPDM_NONCE 32
#define FAKE_SPDM_DIGEST 48

struct fake_spdm;

/* leaf_until: NULL as everything here. */
struct fake_spdm *fake_spdm_new(const char *leaf_until);

/* What is not as on a Hopper. */
enum fake_spdm_kind {
	FAKE_HOPPER,
	FAKE_BLACKWELL,		/* firmware in a DiceTcbInfo, of another OID */
	FAKE_SWITCH,		/* certificates of a switch's chip */
	FAKE_NAMELESS		/* and of no chip that anybody knows */
};
/* dice: the extension's bytes instead; without bytes, no extension. */
struct fake_spdm *fake_spdm_new_of(enum fake_spdm_kind kind,
    const struct fake_bytes *dice);
void fake_spdm_free(struct fake_spdm *s);

struct fake_spdm_options {
	int blocks;		/* 0 for 4; each holds its index 48 times */
	int no_firmware;	/* the report does not name its firmware */
	int wrong_firmware;	/* it names another one */
	int part_of_firmware;	/* so many bytes of its digest less */
	int block_twice;
	const char *driver;	/* NULL for "550.1" */
	int is_switch;		/* a switch's fields, and no driver's */
	int field;		/* one field of this number, and no driver's */
	int no_fields;		/* but the VBIOS's version */
	/* The layout with a head: opaque data as drivers since CUDA 13.5. */
	int head;
	int profile, major;	/* in it; 0 for 0 and 2 */
	int cut;		/* bytes that its last field lacks */
	int unknown;		/* a field of type 999 more */
};

/* Request and signed response; o may be NULL; free(). */
struct fake_bytes fake_spdm_evidence(const struct fake_spdm *s,
    const uint8_t nonce[FAKE_SPDM_NONCE], const struct fake_spdm_options *o);
/* The five as PEM, leaf first; the root alone. */
struct fake_bytes fake_spdm_chain(const struct fake_spdm *s);
struct fake_bytes fake_spdm_root(const struct fake_spdm *s);
/* A CRL of the issuer of certificate i (1 to 3), with it on it. */
struct fake_bytes fake_spdm_crl(const struct fake_spdm *s, int i,
    int revoked);

#endif
