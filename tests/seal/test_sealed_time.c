/* SPDX-License-Identifier: Apache-2.0 */
/* test_sealed_time.c - when a file was sealed, and whom one believes it. */
#include "identity/people.h"
#include "lib/test.h"
#include "seal/files.h"

#define DAY UINT64_C(86400000)

static struct csn_ctx *ctx;
static struct csn_identity *alice, *bob;
static struct csn_trust *trust;

/* Bob's entry of alice, with her document of this moment. */
static struct csn_trust_entry
entry_of(const struct csn_identity *id)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_SEALER, .label = "Alice" };

	e.document = csn_identity_document(id, &e.document_len);
	return e;
}

BEFORE_EACH
{
	struct csn_trust_entry e;

	people_now = PEOPLE_START;
	ctx = people_ctx();
	alice = people_quick(ctx, 1, "alice");
	bob = people_quick(ctx, 2, "bob");
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	e = entry_of(alice);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
}

AFTER_EACH
{
	csn_trust_free(trust);
	csn_identity_free(alice);
	csn_identity_free(bob);
	csn_ctx_free(ctx);
}

static void
seal(const struct csn_identity *from, const struct csn_identity *to,
    struct files_sealed *out)
{
	files_seal(ctx, from, &to, 1, NULL, (const uint8_t *)"kept", 4, 4,
	    out);
}

static int
drop(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	return 0;
}

/* What bob gets with these options; *created_ms where it opens. */
static int
open_it(const struct files_sealed *f, uint64_t at_ms, uint64_t max_age_ms,
    uint64_t *created_ms)
{
	struct csn_opener_options options = { .size = sizeof(options),
	    .at_ms = at_ms, .max_age_ms = max_age_ms };
	struct csn_opener *o;
	int rc;

	assert_int_equal(csn_opener_new(ctx, bob, trust, &options, &o), 0);
	if ((rc = csn_opener_update(o, f->p, f->len, drop, NULL)) == 0)
		rc = csn_opener_final(o, drop, NULL);
	if (created_ms != NULL)
		*created_ms = csn_opener_created_ms(o);
	csn_opener_free(o);
	return rc;
}

TEST(a_file_outlives_its_sealers_document)
{
	struct files_sealed early, late;
	uint64_t created = 1;

	seal(alice, bob, &early);
	people_now += 399 * DAY;
	assert_int_equal(open_it(&early, 0, 0, NULL), 0);
	people_now += 1000 * DAY;
	assert_int_equal(open_it(&early, 0, 0, &created), 0);
	assert_true(created == PEOPLE_START);
	/* What is sealed when the document is over does not open. */
	bob = (csn_identity_free(bob), people_quick(ctx, 2, "bob"));
	seal(alice, bob, &late);
	assert_int_equal(open_it(&late, 0, 0, &created), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(), "document expired"));
	assert_true(created == 0);
	files_free(&early);
	files_free(&late);
}

TEST(an_entry_that_ended_is_judged_at_the_same_time)
{
	struct csn_trust_entry e = entry_of(alice);
	struct files_sealed early, late;

	e.expires_ms = PEOPLE_START + 10 * DAY;
	assert_int_equal(csn_trust_replace(ctx, trust, &e), 0);
	seal(alice, bob, &early);
	people_now += 20 * DAY;
	seal(alice, bob, &late);
	assert_int_equal(open_it(&early, 0, 0, NULL), 0);
	assert_int_equal(open_it(&late, 0, 0, NULL), CSN_E_SIGNER);
	files_free(&early);
	files_free(&late);
}

TEST(a_withdrawn_key_is_refused_whatever_time_a_file_states)
{
	struct csn_trust_entry e = entry_of(alice);
	struct files_sealed early;

	seal(alice, bob, &early);
	people_now += 500 * DAY;
	e.withdrawn_ms = people_now;
	/* Also one whose document is over. */
	assert_int_equal(csn_trust_replace(ctx, trust, &e), 0);
	assert_int_equal(open_it(&early, 0, 0, NULL), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(), "withdrawn"));
	assert_int_equal(open_it(&early, PEOPLE_START, 0, NULL),
	    CSN_E_SIGNER);
	/* Nothing but removing the entry takes that back. */
	csn_identity_free(alice);
	alice = people_quick(ctx, 1, "alice");
	e = entry_of(alice);
	assert_int_equal(csn_trust_replace(ctx, trust, &e), CSN_E_POLICY);
	assert_int_equal(csn_trust_add(ctx, trust, &e), CSN_E_EXISTS);
	assert_int_equal(csn_trust_remove(ctx, trust,
	    csn_identity_did(alice)), 0);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
	assert_int_equal(open_it(&early, 0, 0, NULL), 0);
	files_free(&early);
}

TEST(ones_own_withdrawn_key_is_refused_as_any_other)
{
	struct csn_trust_entry e = entry_of(bob);
	struct files_sealed f;

	seal(bob, bob, &f);
	/* An entry that says nothing of the kind changes nothing. */
	e.purposes = CSN_PURPOSE_SERVER;
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
	assert_int_equal(open_it(&f, 0, 0, NULL), 0);
	e.withdrawn_ms = people_now + DAY;
	assert_int_equal(csn_trust_replace(ctx, trust, &e), 0);
	assert_int_equal(open_it(&f, 0, 0, NULL), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(), "withdrawn"));
	files_free(&f);
}

TEST(the_reader_bounds_what_a_file_may_state)
{
	struct files_sealed f;

	people_now += 5 * DAY;
	seal(alice, bob, &f);
	people_now += 10 * DAY;
	assert_int_equal(open_it(&f, 0, 10 * DAY, NULL), 0);
	people_now += 1;
	assert_int_equal(open_it(&f, 0, 10 * DAY, NULL), CSN_E_EXPIRED);
	assert_non_null(strstr(csn_message(), "longer ago"));
	/* Somebody saw it a day after; nobody can have the day before. */
	assert_int_equal(open_it(&f, PEOPLE_START + 6 * DAY, 0, NULL), 0);
	assert_int_equal(open_it(&f, PEOPLE_START + 4 * DAY, 0, NULL),
	    CSN_E_EXPIRED);
	/* At that time the document was over. */
	assert_int_equal(open_it(&f, PEOPLE_START + 400 * DAY, 0, NULL),
	    CSN_E_SIGNER);
	files_free(&f);
}

TEST(a_file_from_the_day_after_tomorrow_is_refused)
{
	struct csn_ctx *usual = ctx;
	struct files_sealed soon, far;

	people_now += DAY;
	seal(alice, bob, &soon);
	people_now += 1000;
	seal(alice, bob, &far);
	/* A machine whose clock is behind. */
	people_now = PEOPLE_START;
	ctx = people_ctx();
	assert_int_equal(open_it(&soon, 0, 0, NULL), 0);
	assert_int_equal(open_it(&far, 0, 0, NULL), CSN_E_EXPIRED);
	assert_non_null(strstr(csn_message(), "ahead"));
	csn_ctx_free(ctx);
	ctx = usual;
	files_free(&soon);
	files_free(&far);
}

TEST(what_one_seals_to_oneself_needs_no_trust_entry)
{
	struct csn_trust *none;
	struct files_sealed f;

	seal(bob, bob, &f);
	assert_int_equal(csn_trust_new(ctx, &none), 0);
	csn_trust_free(trust);
	trust = none;
	assert_int_equal(open_it(&f, 0, 0, NULL), 0);
	people_now += 2000 * DAY;
	assert_int_equal(open_it(&f, 0, 0, NULL), 0);
	files_free(&f);
	/* Another's does. */
	seal(alice, bob = (csn_identity_free(bob),
	    people_quick(ctx, 2, "bob")), &f);
	assert_int_equal(open_it(&f, 0, 0, NULL), CSN_E_SIGNER);
	files_free(&f);
}

TEST(a_renewed_document_takes_the_old_ones_place)
{
	struct csn_trust_entry old = entry_of(alice), e;
	struct csn_identity *renewed;
	struct files_sealed early, late;

	seal(alice, bob, &early);
	people_now += 390 * DAY;
	renewed = people_quick(ctx, 1, "alice");
	e = entry_of(renewed);
	assert_int_equal(csn_trust_replace(ctx, trust, &e), 0);
	assert_int_equal(csn_trust_count(trust), 1);
	/* Not back to the older one, by accident or by somebody's will. */
	assert_int_equal(csn_trust_replace(ctx, trust, &old), CSN_E_POLICY);
	people_now += 20 * DAY;
	bob = (csn_identity_free(bob), people_quick(ctx, 2, "bob"));
	seal(renewed, bob, &late);
	assert_int_equal(open_it(&early, 0, 0, NULL), 0);
	assert_int_equal(open_it(&late, 0, 0, NULL), 0);
	/* Who is not there cannot be replaced. */
	e = entry_of(bob);
	assert_int_equal(csn_trust_replace(ctx, trust, &e),
	    CSN_E_NOT_FOUND);
	csn_identity_free(renewed);
	files_free(&early);
	files_free(&late);
}
