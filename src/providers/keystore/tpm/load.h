/* SPDX-License-Identifier: Apache-2.0 */
/* keystore/tpm/load.h - tpm2-tss, loaded when it is first needed. */
#ifndef CSN_PROVIDERS_KEYSTORE_TPM_LOAD_H
#define CSN_PROVIDERS_KEYSTORE_TPM_LOAD_H

#include <tss2/tss2_esys.h>
#include <tss2/tss2_sys.h>
#include <tss2/tss2_tctildr.h>

#include <caisson/context.h>

/* The calls that the keystore makes, each by the name that tpm2-tss has. */
#define CSN_TSS_CALLS(esys, sys, ldr)					\
	esys(Esys_Create) esys(Esys_CreatePrimary) esys(Esys_Finalize)	\
	esys(Esys_FlushContext) esys(Esys_Free)				\
	esys(Esys_GetCapability) esys(Esys_GetSysContext)		\
	esys(Esys_Initialize) esys(Esys_Load)				\
	esys(Esys_NV_DefineSpace) esys(Esys_NV_Increment)		\
	esys(Esys_NV_Read) esys(Esys_PolicyAuthValue)			\
	esys(Esys_PolicyGetDigest) esys(Esys_PolicyPCR)			\
	esys(Esys_PolicyRestart) esys(Esys_Shutdown)			\
	esys(Esys_StartAuthSession) esys(Esys_Startup)			\
	esys(Esys_TR_FromTPMPublic) esys(Esys_TR_GetName)		\
	esys(Esys_TR_SetAuth) esys(Esys_TRSess_SetAttributes)		\
	esys(Esys_Unseal)						\
	sys(Tss2_Sys_GetRpBuffer)					\
	ldr(Tss2_TctiLdr_Finalize) ldr(Tss2_TctiLdr_Initialize)

struct csn_tss {
#define CSN_TSS_MEMBER(name) __typeof__(&name) name;
	CSN_TSS_CALLS(CSN_TSS_MEMBER, CSN_TSS_MEMBER, CSN_TSS_MEMBER)
#undef CSN_TSS_MEMBER
};

/*
 * The table, the same for the life of the process. CSN_E_BACKEND where the
 * libraries are not on this machine. tpm2-tss writes its errors to standard
 * error unless the environment's TSS2_LOG says otherwise: where it says
 * nothing, this sets it to silence.
 */
CSN_MUST_CHECK int csn_tss_load(struct csn_ctx *ctx,
    const struct csn_tss **out);

#endif
