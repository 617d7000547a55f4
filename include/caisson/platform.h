/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/platform.h - verifying what confidential hardware signs, offline. */
#ifndef CAISSON_PLATFORM_H
#define CAISSON_PLATFORM_H

#include <caisson/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Raw evidence of a vendor's hardware: an AMD SEV-SNP attestation report
 * (versions 2 to 5; Milan, Genoa, Turin; VCEK or VLEK), an Intel TDX quote
 * (versions 4 and 5), SPDM 1.1 measurements of an NVIDIA GPU (or, where the
 * policy says so, of a switch), or a TPM 2.0 quote with the PCR values that it
 * is about (docs/PLATFORM.md has the form). Nothing is fetched: certificates
 * and collateral come from the caller, and the vendors' roots are pinned by
 * the SHA-256 of their public keys. TPMs have none in common: whose quotes are
 * trusted is for policy or root to say.
 */
enum csn_platform {
	CSN_PLATFORM_SEV_SNP = 1,
	CSN_PLATFORM_TDX = 2,
	CSN_PLATFORM_NVIDIA = 3,
	CSN_PLATFORM_TPM2 = 4
};

/** "sev-snp", "tdx", "nvidia", "tpm2"; NULL for no such platform. */
CSN_API const char *csn_platform_name(int platform);
/** 0 where there is none of that name. */
CSN_API int csn_platform_parse(const char *name);

/* What fails, instead of being listed as not checked, where it is missing. */
#define CSN_REQUIRE_NONCE 1u
#define CSN_REQUIRE_COLLATERAL 2u	/* CRLs; of TDX all of it */
#define CSN_REQUIRE_POLICY 4u
#define CSN_REQUIRE_CRL 8u		/* CRLs alone */

#define CSN_PLATFORM_MAX_EVIDENCE (1u << 20)	/* bytes; more is CSN_E_FORM */
#define CSN_PLATFORM_MAX_BLOBS 64		/* of a kind */

struct csn_platform_options {
	uint32_t size;
	uint32_t require;	/* CSN_REQUIRE_* */
	/*
	 * Certificates and CRLs, PEM or DER, single or bundled, in any
	 * order; for SEV-SNP the host's certificate table too. A TDX quote
	 * brings its own.
	 */
	const struct csn_bytes *certs;
	size_t ncerts;
	/*
	 * Self-signed certificates to trust instead of the pinned roots, and
	 * of those that the policy names.
	 */
	const struct csn_bytes *root;
	/*
	 * What the vendor publishes beside certificates: CRLs, and for TDX
	 * the TCB info and the QE identity as Intel's service answers them
	 * or together in one JSON object (docs/PLATFORM.md), and the chain
	 * that signed them.
	 */
	const struct csn_bytes *collateral;
	size_t ncollateral;
	/*
	 * The report data that is expected: 1 to 64 bytes, what is behind
	 * them has to be zero. NVIDIA: the 32 bytes of the request. A TPM:
	 * all of the quote's extraData.
	 */
	const uint8_t *nonce;
	size_t nonce_len;
	uint64_t at_ms;		/* Unix; 0 for now */
	/* A policy's JSON, of which "platform" is read (docs/PLATFORM.md). */
	const char *policy_json;
	size_t policy_len;
	/*
	 * SEV-SNP: a folder that keeps certificates which were verified, and
	 * gives them where evidence comes without (docs/PLATFORM.md), or
	 * NULL. It is made where it is not there; nothing in it is trusted.
	 */
	const char *cache;
};

/**
 * Verify raw evidence. Each check goes into result by a stable name, with a
 * sentence; what was not given is listed as not checked, or fails where it is
 * required: by options, or by a policy that names TDX and does not say that
 * collateral is optional. options may be NULL.
 *
 * Returns 0 where no check failed, else the code of the first that did:
 * CSN_E_FORM (malformed evidence or collateral), CSN_E_VERSION,
 * CSN_E_ALGORITHM (a TPM's, that is not taken), CSN_E_SIGNER (chain, root, no
 * trusted key, a revoked certificate, a certificate of another chip),
 * CSN_E_SIGNATURE, CSN_E_EXPIRED (a certificate, CRL or collateral),
 * CSN_E_REPLAY (another nonce), CSN_E_POLICY (debug, TCB, a measurement, or
 * something required that is missing). Or CSN_E_ARG (also for a root or a
 * policy that cannot be read), CSN_E_NOMEM, CSN_E_CRYPTO, where nothing was
 * decided. Thread-safe but for result.
 */
CSN_API CSN_MUST_CHECK int csn_platform_verify(struct csn_ctx *ctx,
    int platform, const uint8_t *evidence, size_t len,
    const struct csn_platform_options *options, struct csn_result *result);

/**
 * A view of evidence for people, not verified; csn_free. CSN_E_FORM,
 * CSN_E_VERSION, CSN_E_ALGORITHM, CSN_E_ARG, CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_platform_json(struct csn_ctx *ctx,
    int platform, const uint8_t *evidence, size_t len, char **json);

#ifdef __cplusplus
}
#endif

#endif
