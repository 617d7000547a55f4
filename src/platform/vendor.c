/* SPDX-License-Identifier: Apache-2.0 */
/* platform/vendor.c - the vendors by number and by name. */
#include <string.h>

#include "platform/vendor.h"

static const struct csn_vendor *const vendors[] = {
	[CSN_PLATFORM_SEV_SNP] = &csn_vendor_snp,
	[CSN_PLATFORM_TDX] = &csn_vendor_tdx,
	[CSN_PLATFORM_NVIDIA] = &csn_vendor_nvidia,
	[CSN_PLATFORM_TPM2] = &csn_vendor_tpm,
};

#define COUNT ((int)(sizeof(vendors) / sizeof(vendors[0])))

const struct csn_vendor *
csn_vendor_of(int platform)
{
	return platform < 1 || platform >= COUNT ? NULL : vendors[platform];
}

const char *
csn_platform_name(int platform)
{
	const struct csn_vendor *v = csn_vendor_of(platform);

	return v == NULL ? NULL : v->name;
}

int
csn_platform_parse(const char *name)
{
	int i;

	for (i = 1; name != NULL && i < COUNT; i++)
		if (strcmp(vendors[i]->name, name) == 0)
			return i;
	return 0;
}
