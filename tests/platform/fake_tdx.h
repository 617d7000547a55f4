/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_tdx.h - a made-up Intel platform: quotes in the real
 * format under a PCK chain of its own, and the collateral for it.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_TDX_H
#define CAISSON_TESTS_PLATFORM_FAKE_TDX_H

#include "platform/fake_pki.h"

#define FAKE_TDX_BODY 648	/* of which TDX 1.0 has the first 584 */
#define FAKE_TDX_QE 384

/* Where things lie in the body. */
#define FAKE_TDX_TEE_TCB_SVN 0
#define FAKE_TDX_SEAM_SIGNER 64
#define FAKE_TDX_SEAM_ATTRIBUTES 112
#define FAKE_TDX_ATTRIBUTES 120
#define FAKE_TDX_MR_TD 136
#define FAKE_TDX_RTMR0 328
#define FAKE_TDX_DATA 520

struct fake_tdx;

struct fake_tdx *fake_tdx_new(void);
/* What its certificate says of it (SGX extension), in DER; free(). */
struct fake_bytes fake_tdx_platform(void);
void fake_tdx_free(struct fake_tdx *s);

/* What a quote is made of; a test may change it before. */
struct fake_tdx_quote {
	int version;			/* 4 or 5 */
	int td15;			/* 5 alone: the longer body */
	uint8_t body[FAKE_TDX_BODY];
	uint8_t vendor[16];		/* the QE's, in the header */
	uint8_t qe[FAKE_TDX_QE];	/* its key's hash is filled in */
	int wrong_binding;		/* the QE reports another key */
};

/*
 * An up-to-date platform: TDX module 1.5 with SVN 6, all of the TCB at 5,
 * MRTD 4d…, RTMRs 60…, 61…, 62…, 63…, data as report data (NULL: zeros).
 */
void fake_tdx_defaults(struct fake_tdx_quote *q, int version,
    const uint8_t data[64]);
/* Signed; free(). */
struct fake_bytes fake_tdx_quote(const struct fake_tdx *s,
    const struct fake_tdx_quote *q);

/* What the service says; NULL and 0: good for what fake_tdx_defaults makes. */
struct fake_tdx_collateral {
	const char *fmspc;
	const char *issued, *next;	/* RFC 3339 */
	int level;			/* SVN of the newest TCB level */
	const char *status;		/* of that level */
	int module;			/* and of the TDX module's */
	int qe_level;
	const char *qe_signer;		/* MRSIGNER in hex */
	int revoke_leaf, revoke_ca, revoke_signer;
	/* The first such text of TCB info or QE identity, and another. */
	const char *tcb_text, *tcb_other;
	const char *qe_text, *qe_other;
	const char *crl_until;
	int wrong_signature;		/* 1: TCB info, 2: QE identity */
};

/* The two answers of the service, each {"…":{…},"signature":"…"}. */
struct fake_bytes fake_tdx_tcb_info(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c);
struct fake_bytes fake_tdx_qe_identity(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c);
/* The certificates that signed them, PEM; CRLs of the PCK CA and the root. */
struct fake_bytes fake_tdx_signers(const struct fake_tdx *s);
struct fake_bytes fake_tdx_pck_crl(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c);
struct fake_bytes fake_tdx_root_crl(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c);
/* All of it in one JSON object. c may be NULL. */
struct fake_bytes fake_tdx_bundle(const struct fake_tdx *s,
    const struct fake_tdx_collateral *c);
struct fake_bytes fake_tdx_root(const struct fake_tdx *s);

#endif
