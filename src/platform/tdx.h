/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tdx.h - Intel TDX: the quote, the platform's key, its collateral. */
#ifndef CSN_PLATFORM_TDX_H
#define CSN_PLATFORM_TDX_H

#include "platform/appraisal.h"

#define CSN_TDX_SVNS 16

/* An enclave's report (SGX REPORTBODY), of the Quoting Enclave here. */
#define CSN_TDX_QE_REPORT 384
struct csn_qe_report {
	const uint8_t *bytes;
	const uint8_t *misc_select;	/* 4 */
	const uint8_t *attributes;	/* 16 */
	const uint8_t *mr_signer;	/* 32 */
	uint16_t product;
	uint16_t svn;
	const uint8_t *report_data;	/* 64 */
};

/*
 * A quote (Intel TDX DCAP Quoting Library API, appendix 3), versions 4 and
 * 5; views into the bytes.
 */
struct csn_tdx_quote {
	uint16_t version;
	const uint8_t *bytes;
	size_t signed_len;		/* header and body, from the start */
	size_t len;			/* of the quote; a file may be longer */
	const uint8_t *qe_vendor;	/* 16 */
	/* The body. */
	const uint8_t *tee_tcb_svn;	/* CSN_TDX_SVNS */
	const uint8_t *mr_seam;		/* 48 */
	const uint8_t *mr_signer_seam;	/* 48 */
	const uint8_t *seam_attributes;	/* 8 */
	const uint8_t *td_attributes;	/* 8 */
	const uint8_t *xfam;		/* 8 */
	const uint8_t *mr_td;		/* 48 */
	const uint8_t *mr_config_id;
	const uint8_t *mr_owner;
	const uint8_t *mr_owner_config;
	const uint8_t *rtmr[4];
	const uint8_t *report_data;	/* 64 */
	const uint8_t *mr_service_td;	/* TDX 1.5 in version 5; else NULL */
	/* The signature data. */
	const uint8_t *signature;	/* 64, r and s */
	const uint8_t *key;		/* 64, x and y */
	struct csn_qe_report qe;
	const uint8_t *qe_signature;	/* 64 */
	const uint8_t *auth;
	size_t auth_len;
	const uint8_t *chain;		/* PEM */
	size_t chain_len;
};

/* CSN_E_FORM or CSN_E_VERSION. */
CSN_MUST_CHECK int csn_tdx_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_tdx_quote *q);

/* What a PCK certificate says of its platform (SGX extension). */
struct csn_pck {
	uint8_t cpu_svn[CSN_TDX_SVNS];	/* the components, one by one */
	uint16_t pce_svn;
	uint8_t pce_id[2];
	uint8_t fmspc[6];
};

/* The platform's certificate: the first of a chain that is no CA's, or NULL. */
const struct csn_cert *csn_tdx_leaf(const struct csn_pki *pki);
/* pck.c. CSN_E_SIGNER. */
CSN_MUST_CHECK int csn_pck_read(struct csn_ctx *ctx,
    const struct csn_cert *cert, struct csn_pck *out);

/*
 * Signed JSON of Intel's service: what was signed are the bytes of the inner
 * object as they stand. The bytes are the collateral's or the bundle's.
 */
struct csn_signed_json {
	struct json_t *body;	/* NULL where it was not given */
	char *text;
	size_t len;
	uint8_t signature[64];
};

#define CSN_TDX_TCB_INFOS 16	/* kinds of platform that one call knows */

struct csn_tdx_collateral {
	struct csn_signed_json tcb_info[CSN_TDX_TCB_INFOS];
	size_t ntcb_infos;
	struct csn_signed_json qe_identity;
};

/*
 * tdx_collateral.c: sort what options.collateral holds into c, and its
 * certificates and CRLs into a->pki. CSN_E_FORM, CSN_E_LIMIT. Freed either
 * way.
 */
CSN_MUST_CHECK int csn_tdx_collateral_read(struct csn_appraisal *a,
    struct csn_tdx_collateral *c);
void csn_tdx_collateral_free(struct csn_tdx_collateral *c);
/*
 * The TCB info that says it is about this kind of platform, else any, else
 * NULL; nothing of it has been verified.
 */
const struct csn_signed_json *csn_tdx_tcb_info(
    const struct csn_tdx_collateral *c, const uint8_t fmspc[6]);
/*
 * Verify one of the two: the signer's chain to the trusted roots and its
 * CRL, the signature, its dates. 0 or the code with its sentence.
 */
CSN_MUST_CHECK int csn_tdx_collateral_verify(struct csn_appraisal *a,
    const struct csn_signed_json *json);

/* tdx_tcb.c: the checks "tcb", "tdx_module" and "qe_identity". */
void csn_tdx_appraise_tcb(struct csn_appraisal *a,
    const struct csn_tdx_quote *q, const struct csn_pck *pck,
    const struct json_t *tcb_info);
void csn_tdx_appraise_qe(struct csn_appraisal *a,
    const struct csn_tdx_quote *q, const struct json_t *identity);

/* The unverified view. CSN_E_NOMEM, or as parsing. */
CSN_MUST_CHECK int csn_tdx_json(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct json_t **out);

#endif
