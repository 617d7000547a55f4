/* SPDX-License-Identifier: Apache-2.0 */
/* snp_key.c - secrets that the firmware derives for this guest. */
#include <string.h>

#include <caisson/advanced.h>
#include <caisson/crypto.h>

#include "base/fail.h"
#include "base/sized.h"
#include "guest/sev_guest.h"
#include "guest/snp_key.h"

#define ROOM "guest"
#define SALT "caisson snp derived key"
#define MAX_LABEL 255
#define MAX_VMPL 3
#define FIELDS 63u

int
csn_snp_derived_key_by(struct csn_ctx *ctx, const struct csn_device_io *io,
    const struct csn_snp_key_options *options, const char *label,
    uint8_t out[32])
{
	struct csn_snp_key_options o;
	struct csn_snp_key_req req = { 0 };
	struct csn_device d = {
		.ctx = ctx, .io = io, .what = CSN_SEV_GUEST_WHAT
	};
	uint8_t key[32];
	size_t len;
	int rc;

	memset(out, 0, 32);
	if ((rc = CSN_TAKE(&o, options, csn_snp_key_options, device)) != 0)
		return rc;
	len = strnlen(label, MAX_LABEL + 1);
	if (len == 0 || len > MAX_LABEL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a derived key's label "
		    "has 1 to %d bytes", MAX_LABEL);
	if (o.root_key > CSN_SNP_ROOT_VMRK || (o.fields & ~FIELDS) != 0 ||
	    o.vmpl > MAX_VMPL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a derived key of root "
		    "key %u, fields 0x%llx, privilege level %u", o.root_key,
		    (unsigned long long)o.fields, o.vmpl);
	d.path = o.device == NULL ? CSN_SEV_GUEST_PATH : o.device;
	req.root_key_select = o.root_key;
	req.guest_field_select = o.fields;
	req.vmpl = o.vmpl;
	req.guest_svn = o.guest_svn;
	req.tcb_version = o.tcb_version;
	if ((rc = csn_sev_guest_key(&d, &req, key)) != 0)
		return csn_device_absent(ctx, rc);
	rc = csn_hkdf(ctx, CSN_HKDF_SHA3_256, (const uint8_t *)SALT,
	    sizeof(SALT) - 1, key, sizeof(key), (const uint8_t *)label, len,
	    out, 32);
	csn_wipe(key, sizeof(key));
	return rc;
}

int
csn_snp_derived_key(struct csn_ctx *ctx,
    const struct csn_snp_key_options *options, const char *label,
    uint8_t out[32])
{
	if (ctx == NULL || options == NULL || label == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a derived key needs a "
		    "context, options, a label and a place");
	return csn_snp_derived_key_by(ctx, &csn_device_system, options, label,
	    out);
}
