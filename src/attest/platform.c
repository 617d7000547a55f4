/* attest/platform.c - which platform's evidence is verified by whom. */
#include <stdio.h>

#include "attest/platform.h"
#include "evidence/result.h"

int
csn_platform_check(struct csn_ctx *ctx,
    const struct csn_platform_claim *claim, struct csn_result *result)
{
	char name[64];

	(void)ctx;
	/* A policy that asks for what cannot be verified must not pass. */
	if (claim->policy != NULL)
		return csn_result_note(result, CSN_E_POLICY,
		    "the policy has rules for it, but this build cannot "
		    "verify evidence of this platform", "platform %.40s",
		    claim->platform);
	(void)snprintf(name, sizeof(name), "platform %.40s",
	    claim->platform);
	return csn_result_add(result, name, CSN_CHECK_SKIPPED, 0,
	    "this build cannot verify evidence of this platform");
}
