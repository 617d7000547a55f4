/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/people.c - identities that are the same in every run. */
#include "identity/document.h"
#include "identity/identity.h"
#include "identity/people.h"
#include "lib/test.h"

uint64_t people_now = PEOPLE_START;

static uint64_t
clock_ms(void *arg)
{
	(void)arg;
	return people_now;
}

/* As much time has passed as the context ever saw the clock show: a test that
 * takes from people_now sets the clock back. */
static uint64_t
boot_ms(void *arg)
{
	_Atomic uint64_t *high = arg;

	if (people_now > *high)
		*high = people_now;
	return *high;
}

struct csn_ctx *
people_ctx(void)
{
	static _Atomic uint64_t highs[16];	/* of the latest contexts */
	static unsigned n;
	struct csn_clock clock = { .size = sizeof(clock),
	    .arg = (void *)&highs[n++ % 16], .boot_ms = boot_ms,
	    .wall_ms = clock_ms };
	const struct csn_ctx_options options = { .size = sizeof(options),
	    .clock = &clock };
	struct csn_ctx *ctx;

	people_now = PEOPLE_START;
	*(_Atomic uint64_t *)clock.arg = 0;
	assert_int_equal(csn_ctx_new(&options, &ctx), 0);
	return ctx;
}

struct csn_identity *
people_make(struct csn_ctx *ctx, uint8_t n, int sign, int kem,
    const char *name)
{
	struct csn_document_facts facts = {
		.name = name, .capabilities = "attest,kv:seal",
		.purposes = CSN_PURPOSE_ALL, .created_ms = people_now,
		.expires_ms = people_now + CSN_DOCUMENT_LIFETIME_MS,
	};
	struct csn_sign_key *sk;
	struct csn_kem_key *kk;
	struct csn_identity *id;
	uint8_t seed[64], *doc;
	size_t len;

	memset(seed, n, sizeof(seed));
	assert_int_equal(csn_sign_from_seed(ctx, sign, seed,
	    CSN_SIGN_SEED_SIZE, &sk), 0);
	assert_int_equal(csn_kem_from_seed(ctx, kem, seed,
	    kem == CSN_KEM_X_WING ? 32 : 64, &kk), 0);
	assert_int_equal(csn_document_make(ctx, sk, kk, &facts, &doc, &len),
	    0);
	assert_int_equal(csn_identity_assemble(ctx, sk, kk, doc, len, &id),
	    0);
	return id;
}

struct csn_identity *
people_quick(struct csn_ctx *ctx, uint8_t n, const char *name)
{
	return people_make(ctx, n, CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_512,
	    name);
}

void
people_trust(struct csn_ctx *ctx, struct csn_trust *trust,
    const struct csn_identity *id, uint32_t purposes)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = purposes,
		.label = csn_identity_name(id),
		.key = csn_identity_sign_key(id),
	};

	if ((purposes & CSN_PURPOSE_TENANT) != 0)
		e.tenant_id = csn_identity_name(id);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
}

