/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_trust.c - who is trusted for what, by many threads. */
#include <pthread.h>
#include <stdatomic.h>

#include "identity/did.h"
#include "identity/document.h"
#include "identity/people.h"
#include "identity/trust.h"
#include "lib/test.h"

struct fixture {
	struct csn_ctx *ctx;
	struct csn_trust *trust;
	struct csn_identity *alice;
	struct csn_identity *bob;
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
}

static void
teardown(struct fixture *f)
{
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_trust_free(f->trust);
	csn_ctx_free(f->ctx);
}

FIXTURE(struct fixture, setup, teardown);

static int
find(struct fixture *f, const char *did, uint32_t purposes)
{
	const struct csn_trust_entry *e;
	int rc;

	if ((rc = csn_trust_find(f->ctx, f->trust, did, strlen(did),
	    purposes, &e)) == 0)
		csn_trust_release(f->trust, e);
	return rc;
}

TEST(an_entry_is_found_by_either_did, struct fixture *f)
{
	const struct csn_trust_entry *e;

	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_TENANT |
	    CSN_PURPOSE_ACTION);
	people_trust(f->ctx, f->trust, f->bob, CSN_PURPOSE_SERVER);
	assert_int_equal(csn_trust_count(f->trust), 2);
	assert_int_equal(find(f, csn_identity_did(f->alice),
	    CSN_PURPOSE_TENANT), 0);
	assert_int_equal(csn_trust_find(f->ctx, f->trust,
	    csn_identity_alias(f->alice), CSN_ALIAS_SIZE - 1,
	    CSN_PURPOSE_TENANT | CSN_PURPOSE_ACTION, &e), 0);
	assert_string_equal(e->did, csn_identity_did(f->alice));
	assert_string_equal(e->alias, csn_identity_alias(f->alice));
	assert_string_equal(e->tenant_id, "alice");
	assert_string_equal(e->label, "alice");
	assert_null(e->kem);
	assert_true(csn_sign_same(f->ctx, e->key,
	    csn_identity_sign_key(f->alice)));
	assert_false(csn_sign_is_private(e->key));
	csn_trust_release(f->trust, e);
	csn_trust_release(f->trust, NULL);
}

TEST(a_signer_is_refused_with_the_reason, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_AUDIT,
		.label = "bob", .expires_ms = PEOPLE_START + 5000,
		.did = csn_identity_did(f->bob),
	};

	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_TENANT);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(find(f, csn_identity_did(f->alice),
	    CSN_PURPOSE_SERVER), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(), "other purposes"));
	/* All purposes that are asked for, not one of them. */
	assert_int_equal(find(f, csn_identity_did(f->alice),
	    CSN_PURPOSE_TENANT | CSN_PURPOSE_SERVER), CSN_E_SIGNER);
	assert_int_equal(find(f, "did:key:z6Mk", CSN_PURPOSE_TENANT),
	    CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(), "unknown"));
	assert_int_equal(find(f, "", 0), CSN_E_SIGNER);
	assert_int_equal(find(f, csn_identity_alias(f->bob),
	    CSN_PURPOSE_AUDIT), 0);
	people_now += 5000;
	assert_int_equal(find(f, csn_identity_alias(f->bob),
	    CSN_PURPOSE_AUDIT), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(),
	    "expired on 2026-01-01T00:00:05"));
}

TEST(a_prefix_of_a_did_finds_nothing, struct fixture *f)
{
	const struct csn_trust_entry *e;
	const char *did = csn_identity_did(f->alice);
	char longer[CSN_DID_SIZE + 100];

	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_ACTION);
	assert_int_equal(csn_trust_find(f->ctx, f->trust, did,
	    strlen(did) - 1, CSN_PURPOSE_ACTION, &e), CSN_E_SIGNER);
	snprintf(longer, sizeof(longer), "%s2", did);
	assert_int_equal(find(f, longer, CSN_PURPOSE_ACTION), CSN_E_SIGNER);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(find(f, longer, CSN_PURPOSE_ACTION), CSN_E_SIGNER);
}

TEST(an_entry_has_to_agree_with_itself, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_ACTION,
	};
	const uint8_t *doc;

	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.did = csn_identity_alias(f->alice);	/* holds no key */
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_FORM);
	/* Alice's DID with Bob's key: the DID would name the wrong one. */
	e.key = csn_identity_sign_key(f->bob);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_SIGNER);
	e.did = csn_identity_did(f->alice);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_SIGNER);
	/* Bob's document under Alice's DID or key. */
	doc = csn_identity_document(f->bob, &e.document_len);
	e.document = doc;
	e.key = NULL;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_SIGNER);
	e.did = NULL;
	e.key = csn_identity_sign_key(f->alice);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_SIGNER);
	assert_int_equal(csn_trust_count(f->trust), 0);
	e.key = NULL;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_EXISTS);
	assert_int_equal(csn_trust_count(f->trust), 1);
	assert_int_equal(find(f, csn_identity_did(f->bob),
	    CSN_PURPOSE_ACTION), 0);
}

TEST(texts_and_purposes_have_limits, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_TENANT,
		.key = csn_identity_sign_key(f->alice),
	};
	char big[200];

	memset(big, 't', sizeof(big));
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.tenant_id = "";
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.tenant_id = "\xc3";
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.tenant_id = big;
	big[65] = '\0';
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	big[64] = '\0';
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(csn_trust_remove(f->ctx, f->trust,
	    csn_identity_alias(f->alice)), 0);
	e.purposes = CSN_PURPOSE_AUDIT;		/* and no tenant */
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.tenant_id = NULL;
	e.purposes = 0;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.purposes = 1u << 9;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.purposes = CSN_PURPOSE_AUDIT;
	memset(big, 'l', sizeof(big));
	big[129] = '\0';
	e.label = big;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	e.label = "a\tb";
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
	big[128] = '\0';
	e.label = big;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	e.size = 2;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_ARG);
}

/* A document of alice's for purposes, which expires after ms. */
static uint8_t *
document(struct fixture *f, uint32_t purposes, uint64_t ms, size_t *len)
{
	struct csn_document_facts facts = {
		.name = "alice", .purposes = purposes,
		.created_ms = people_now, .expires_ms = people_now + ms,
	};
	uint8_t *doc;

	assert_int_equal(csn_document_make(f->ctx,
	    csn_identity_sign_key(f->alice), csn_identity_kem_key(f->alice),
	    &facts, &doc, len), 0);
	return doc;
}

TEST(a_kem_key_counts_only_in_a_valid_document, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .label = "alice",
		.purposes = CSN_PURPOSE_RECIPIENT | CSN_PURPOSE_SEALER,
		.did = csn_identity_did(f->alice),
		/* Not how a KEM key gets in. */
		.kem = csn_identity_kem_key(f->bob),
	};
	const struct csn_trust_entry *found;
	uint8_t *doc;

	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(find(f, e.did, CSN_PURPOSE_SEALER), 0);
	assert_int_equal(find(f, e.did, CSN_PURPOSE_RECIPIENT),
	    CSN_E_SIGNER);
	assert_int_equal(csn_trust_remove(f->ctx, f->trust, e.did), 0);

	doc = document(f, CSN_PURPOSE_RECIPIENT, 10000, &e.document_len);
	e.document = doc;
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(csn_trust_find(f->ctx, f->trust, e.did,
	    strlen(e.did), CSN_PURPOSE_RECIPIENT, &found), 0);
	assert_true(csn_kem_same(f->ctx, found->kem,
	    csn_identity_kem_key(f->alice)));
	assert_int_equal(found->document_len, e.document_len);
	csn_trust_release(f->trust, found);
	/* The entry says so, the document does not. */
	assert_int_equal(find(f, e.did, CSN_PURPOSE_SEALER), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(),
	    "document is for other purposes"));
	/* The document expires before the entry. */
	people_now += 10000;
	assert_int_equal(find(f, e.did, CSN_PURPOSE_RECIPIENT),
	    CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(),
	    "document expired"));
	assert_int_equal(csn_trust_remove(f->ctx, f->trust, e.did), 0);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), CSN_E_EXPIRED);
	csn_free(doc);
}

TEST(an_entry_outlives_its_removal_and_its_store, struct fixture *f)
{
	const struct csn_trust_entry *a, *b;
	struct csn_trust *trust;

	assert_int_equal(csn_trust_new(f->ctx, &trust), 0);
	people_trust(f->ctx, trust, f->alice, CSN_PURPOSE_ACTION);
	assert_int_equal(csn_trust_find(f->ctx, trust,
	    csn_identity_did(f->alice), strlen(csn_identity_did(f->alice)),
	    CSN_PURPOSE_ACTION, &a), 0);
	assert_int_equal(csn_trust_find(f->ctx, trust,
	    csn_identity_alias(f->alice), CSN_ALIAS_SIZE - 1,
	    CSN_PURPOSE_ACTION, &b), 0);
	assert_ptr_equal(a, b);
	assert_int_equal(csn_trust_remove(f->ctx, trust,
	    csn_identity_alias(f->alice)), 0);
	assert_int_equal(csn_trust_remove(f->ctx, trust,
	    csn_identity_alias(f->alice)), CSN_E_NOT_FOUND);
	assert_string_equal(a->label, "alice");
	csn_trust_release(trust, a);
	csn_trust_free(trust);
	assert_string_equal(b->label, "alice");
	csn_trust_release(NULL, b);
}

static int
count_until(void *arg, const struct csn_trust_entry *e)
{
	int *left = arg;

	assert_non_null(e->did);
	return --*left == 0 ? 42 : 0;
}

static int
remove_it(void *arg, const struct csn_trust_entry *e)
{
	struct fixture *f = arg;

	return csn_trust_remove(f->ctx, f->trust, e->did);
}

TEST(many_entries_are_walked_in_order_and_found, struct fixture *f)
{
	struct csn_identity *id[40];
	int i, left;

	for (i = 0; i < 40; i++) {
		id[i] = people_quick(f->ctx, (uint8_t)(100 + i), "many");
		people_trust(f->ctx, f->trust, id[i], CSN_PURPOSE_REPORT);
	}
	for (i = 0; i < 40; i += 3)
		assert_int_equal(csn_trust_remove(f->ctx, f->trust,
		    csn_identity_alias(id[i])), 0);
	for (i = 0; i < 40; i++)
		assert_int_equal(find(f, csn_identity_did(id[i]),
		    CSN_PURPOSE_REPORT), i % 3 == 0 ? CSN_E_SIGNER : 0);
	assert_int_equal(csn_trust_count(f->trust), 26);
	left = 5;
	assert_int_equal(csn_trust_each(f->trust, count_until, &left), 42);
	left = 0;
	assert_int_equal(csn_trust_each(f->trust, count_until, &left), 0);
	assert_int_equal(left, -26);
	/* The walk holds no lock: what it visits may go. */
	assert_int_equal(csn_trust_each(f->trust, remove_it, f), 0);
	assert_int_equal(csn_trust_count(f->trust), 0);
	assert_int_equal(csn_trust_each(f->trust, remove_it, f), 0);
	for (i = 0; i < 40; i++)
		csn_identity_free(id[i]);
}

/* --- threads ------------------------------------------------------------- */

struct race {
	struct fixture *f;
	atomic_int stop;
	atomic_uint found;
	atomic_uint missed;
};

static void *
finder(void *arg)
{
	struct race *race = arg;
	const struct csn_trust_entry *e;
	const char *did = csn_identity_did(race->f->alice);
	int rc;

	while (!atomic_load(&race->stop)) {
		rc = csn_trust_find(race->f->ctx, race->f->trust, did,
		    strlen(did), CSN_PURPOSE_ACTION, &e);
		if (rc != 0) {
			/* cmocka's asserts are for the main thread. */
			if (rc != CSN_E_SIGNER)
				abort();
			atomic_fetch_add(&race->missed, 1);
			continue;
		}
		/* Valid whatever the other thread does. */
		if (strcmp(e->did, did) != 0 ||
		    csn_sign_of(e->key) != CSN_SIGN_ML_DSA_44)
			abort();
		atomic_fetch_add(&race->found, 1);
		csn_trust_release(race->f->trust, e);
	}
	return NULL;
}

TEST(finding_and_removing_at_once_is_safe, struct fixture *f)
{
	struct race race = { .f = f };
	pthread_t threads[3];
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, finder,
		    &race), 0);
	for (i = 0; i < 200 || (i < 20000 &&
	    atomic_load(&race.found) == 0); i++) {
		people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_ACTION);
		people_trust(f->ctx, f->trust, f->bob, CSN_PURPOSE_ACTION);
		assert_int_equal(csn_trust_remove(f->ctx, f->trust,
		    csn_identity_did(f->bob)), 0);
		assert_int_equal(csn_trust_remove(f->ctx, f->trust,
		    csn_identity_did(f->alice)), 0);
	}
	atomic_store(&race.stop, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(atomic_load(&race.found) > 0);
	assert_true(atomic_load(&race.missed) > 0);
}
