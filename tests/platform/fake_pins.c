/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_pins.c - csn_pins() of made-up vendors. */
#include "lib/test.h"
#include "platform/fake_pins.h"
#include "platform/vendor.h"

static struct csn_pin pins[4][3] = {
	{ { .name = "ARK-Milan" }, { .name = "ARK-Genoa" },
	    { .name = "ARK-Turin" } },
	{ { .name = "Intel SGX Root CA" } },
	{ { .name = "NVIDIA Device Identity CA" } },
};

const struct csn_pin *
csn_pins(const struct csn_vendor *v, size_t *n)
{
	int platform = csn_platform_parse(v->name);

	*n = platform == CSN_PLATFORM_SEV_SNP ? 3 :
	    platform == CSN_PLATFORM_TPM2 ? 0 : 1;
	return pins[platform - 1];
}

void
fake_pins_set(struct csn_ctx *ctx, int platform, int i,
    const struct fake_bytes *root)
{
	struct csn_pki *pki;

	assert_int_equal(csn_pki_new(ctx, &pki), 0);
	assert_int_equal(csn_pki_read(pki, root->p, root->len), 0);
	assert_int_equal(csn_cert_fingerprint(ctx, csn_pki_cert(pki, 0),
	    pins[platform - 1][i].spki), 0);
	csn_pki_free(pki);
}
