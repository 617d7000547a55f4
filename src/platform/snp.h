/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp.h - AMD SEV-SNP: the report, its certificates, their TCB. */
#ifndef CSN_PLATFORM_SNP_H
#define CSN_PLATFORM_SNP_H

#include "platform/appraisal.h"

#define CSN_SNP_REPORT_SIZE 0x4a0
#define CSN_SNP_SIGNED_SIZE 0x2a0	/* what the signature covers */

/* The generations, of which the later one has another TCB layout. */
enum csn_snp_product {
	CSN_SNP_UNKNOWN = 0,
	CSN_SNP_MILAN = 1,
	CSN_SNP_GENOA = 2,	/* Bergamo and Siena too */
	CSN_SNP_TURIN = 3
};

enum csn_snp_signer {
	CSN_SNP_VCEK = 0,	/* the chip's key */
	CSN_SNP_VLEK = 1	/* the cloud provider's, on that chip */
};

enum csn_snp_part {
	CSN_SNP_FMC,		/* Turin alone */
	CSN_SNP_BOOTLOADER,
	CSN_SNP_TEE,
	CSN_SNP_SNP,
	CSN_SNP_MICROCODE,
	CSN_SNP_PARTS
};
extern const char *const csn_snp_part_names[CSN_SNP_PARTS];

struct csn_snp_tcb {
	uint8_t part[CSN_SNP_PARTS];
};

/* Firmware ABI specification, ATTESTATION_REPORT; views into the bytes. */
struct csn_snp_report {
	const uint8_t *bytes;
	uint32_t version;
	uint32_t guest_svn;
	uint64_t policy;
	const uint8_t *family_id;	/* 16 */
	const uint8_t *image_id;	/* 16 */
	uint32_t vmpl;
	uint32_t algorithm;
	uint64_t platform_info;
	uint32_t key_info;
	const uint8_t *report_data;	/* 64 */
	const uint8_t *measurement;	/* 48 */
	const uint8_t *host_data;	/* 32 */
	const uint8_t *id_key_digest;	/* 48 */
	const uint8_t *author_key_digest; /* 48 */
	const uint8_t *report_id;	/* 32 */
	const uint8_t *current_tcb;	/* 8 each */
	const uint8_t *reported_tcb;
	const uint8_t *committed_tcb;
	const uint8_t *launch_tcb;
	uint8_t family, model, stepping; /* version 3 and later, else 0 */
	const uint8_t *chip_id;		/* 64 */
	uint64_t launch_mitigations;	/* version 5, else 0 */
	uint64_t current_mitigations;
};

#define CSN_SNP_VMPL_MAX 3
#define CSN_SNP_VMPL_HOST 0xffffffffu	/* the host asked for the report */

/* PLATFORM_INFO's bits from the lowest up, "" for one without a name. */
extern const char *const csn_snp_info_names[];

#define CSN_SNP_POLICY_SMT (1ull << 16)
#define CSN_SNP_POLICY_ONE (1ull << 17)		/* always set */
#define CSN_SNP_POLICY_MIGRATE (1ull << 18)
#define CSN_SNP_POLICY_DEBUG (1ull << 19)

/*
 * CSN_E_FORM or CSN_E_VERSION. What is behind the signature has to be zero;
 * what is behind the report is not looked at.
 */
CSN_MUST_CHECK int csn_snp_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_snp_report *r);
/* By the processor's family and model: CSN_SNP_UNKNOWN for version 2. */
int csn_snp_report_product(const struct csn_snp_report *r);
/* 0, 1, or another number for no key. */
unsigned csn_snp_signer(const struct csn_snp_report *r);
/* 8 bytes of a report as a product of that generation lays them out. */
void csn_snp_tcb(const uint8_t *p, int product, struct csn_snp_tcb *tcb);
const char *csn_snp_product_name(int product);

/* 1 where all bytes are zero: a chip's id that is masked, a table's end. */
int csn_snp_is_zero(const uint8_t *p, size_t len);

/* snp_cert.c: what a VCEK or VLEK certificate says. */
struct csn_snp_cert {
	int product;		/* CSN_SNP_UNKNOWN for another text */
	char product_name[32];	/* "Milan-B0" */
	struct csn_snp_tcb tcb;
	const uint8_t *chip_id;	/* 64 bytes, Turin 8; NULL for a VLEK */
	size_t chip_id_len;
	char csp[64];		/* of a VLEK, "" else */
};

/* CSN_E_SIGNER where it lacks what the kind of certificate has. */
CSN_MUST_CHECK int csn_snp_cert_read(struct csn_ctx *ctx,
    const struct csn_cert *cert, unsigned signer, struct csn_snp_cert *out);

/* 1 where the bytes begin as a certificate table does. */
int csn_snp_is_table(const uint8_t *p, size_t len);
/*
 * Add the certificates and CRLs of a host's table (GHCB specification,
 * extended guest request) to pki. CSN_E_FORM, CSN_E_LIMIT.
 */
CSN_MUST_CHECK int csn_snp_table_read(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_pki *pki);

/* The unverified view. CSN_E_NOMEM, or as parsing. */
CSN_MUST_CHECK int csn_snp_json(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct json_t **out);

#endif
