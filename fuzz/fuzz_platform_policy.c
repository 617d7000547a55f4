/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_platform_policy.c - what a policy asks of a platform: the first byte
 * says of which one, the rest is the policy. One that is taken is held
 * against bytes, words and numbers by each name that it may have.
 */
#include <jansson.h>

#include "identity.h"
#include "platform/policy.h"

static const char *const hex[] = { "measurement", "host_data",
	"id_key_digest", "family_id", "image_id", "chip_id", "mr_td", "rtmr0",
	"mr_config_id", "td_attributes", "xfam", "fmspc",
	"firmware_version" };
static const char *const words[] = { "product", "signer", "csp", "device",
	"driver_version", "vbios_version", "tcb_status" };
static const char *const sets[][2] = { { "pcrs", "sha256:7" },
	{ "measurements", "1" } };

static void
compare(struct csn_appraisal *a)
{
	static const char *const bits[] = { "smt", "tsme", "ecc", NULL };
	static const uint8_t zero[64];
	size_t i;
	int n;

	for (i = 0; i < sizeof(hex) / sizeof(hex[0]); i++)
		(void)csn_policy_hex(a, hex[i], zero, i == 0 ? 48 : 32);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)csn_policy_word(a, words[i], "Milan");
		n = csn_policy_lists(a, words[i], "UpToDate", "UpToDate");
		check(n == 0 || n == 1);
	}
	for (i = 0; i < 2; i++)
		(void)csn_policy_inside(a, sets[i][0], sets[i][1], zero, 32);
	(void)csn_policy_limit(a, "min_guest_svn", CSN_POLICY_MIN, 1);
	(void)csn_policy_limit(a, "max_vmpl", CSN_POLICY_MAX, 1);
	(void)csn_policy_limit(a, "mitigations", CSN_POLICY_BITS, 5);
	(void)csn_policy_names(a, "platform_info", 5, bits);
	n = csn_policy_flag(a, "allow_debug", 0);
	check(n == 0 || n == 1);
	n = csn_policy_number(a, "min_tcb", "snp");
	check(n >= -1 && n <= 255);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_appraisal a = { .ctx = ctx };
	json_t *document = NULL;
	int rc;

	if (len == 0)
		return 0;
	check(csn_result_new(ctx, &a.result) == 0);
	rc = csn_platform_policy_parse(ctx, (const char *)data + 1, len - 1,
	    &document);
	check(rc == 0 || rc == CSN_E_ARG);
	a.policy = json_object_get(json_object_get(document, "platform"),
	    csn_platform_name(1 + data[0] % 4));
	if (rc == 0)
		compare(&a);
	check(a.broken == 0);
	check(a.first == csn_result_code(a.result));
	json_decref(document);
	csn_result_free(a.result);
	return 0;
}
