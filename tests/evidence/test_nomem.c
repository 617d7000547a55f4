/* SPDX-License-Identifier: Apache-2.0 */
/* test_nomem.c - each allocation of signed evidence fails once. */
#include <caisson/evidence.h>

#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"

#define TYP "application/caisson-test"
#define KID "did:pqaid:someone"

static const uint8_t payload[300] = { 0xa1, 0x01, 0x02 };
static struct csn_ctx *ctx;
static struct csn_sign_key *key;
static uint8_t *msg;
static size_t msg_len;

static int
sign(void)
{
	uint8_t *out = NULL;
	size_t len;
	int rc;

	rc = csn_cose_sign(ctx, key, KID, TYP, payload, sizeof(payload), &out,
	    &len);
	if (rc != 0 && out != NULL)
		return CSN_E_ARG;
	csn_free(out);
	return rc;
}

static int
verify(void)
{
	const uint8_t *p;
	size_t len;

	return csn_cose_verify(ctx, key, TYP, msg, msg_len, &p, &len);
}

static int
armor(void)
{
	char *text = NULL;
	uint8_t *back = NULL;
	size_t len;
	int rc;

	if ((rc = csn_armor(ctx, "CAISSON TEST", msg, msg_len, &text)) == 0)
		rc = csn_dearmor(ctx, "CAISSON TEST", text, strlen(text),
		    &back, &len);
	if (rc == 0 && (len != msg_len || memcmp(back, msg, len) != 0))
		rc = CSN_E_ARG;
	csn_free(text);
	csn_free(back);
	return rc;
}

static int
results(void)
{
	struct csn_result *r = NULL;
	char *json = NULL;
	int rc, i;

	rc = csn_result_new(ctx, &r);
	for (i = 0; i < 20 && rc == 0; i++)
		rc = csn_result_add(r, "a check", CSN_CHECK_PASSED, 0,
		    "what it says of it");
	if (rc == 0)
		rc = csn_result_json(ctx, r, &json);
	csn_free(json);
	csn_result_free(r);
	return rc;
}

TEST(each_allocation_fails_once)
{
	if (!failmalloc_works())
		test_skip("a sanitizer has the allocator here");
	nomem_each("signing", sign, 0);
	nomem_each("verifying", verify, 0);
	nomem_each("armour", armor, 0);
	nomem_each("a result", results, 0);
}

BEFORE_ALL
{
	uint8_t seed[32] = { 0x5a };

	assert_false(csn_ctx_new(NULL, &ctx) != 0 || csn_sign_from_seed(ctx,
	    CSN_SIGN_ML_DSA_44, seed, sizeof(seed), &key) != 0 ||
	    csn_cose_sign(ctx, key, KID, TYP, payload, sizeof(payload), &msg,
	    &msg_len) != 0);
}

AFTER_ALL
{
	csn_free(msg);
	csn_sign_free(key);
	csn_ctx_free(ctx);
}
