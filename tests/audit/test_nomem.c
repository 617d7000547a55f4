/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_nomem.c - each allocation of a log's life fails once: the right code,
 * and nothing lost that was acknowledged.
 */
#include "audit/common.h"
#include "lib/failmalloc.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static char *folder, *log_path;
static struct csn_identity *signer;
static struct csn_trust *trust;

/* What one life did, whatever failed in it. */
static uint64_t acknowledged;

BEFORE_EACH
{
	struct csn_identity_options o = { .size = sizeof(o) };
	struct csn_trust_entry e = { .size = sizeof(e) };

	o.name = "auditor";
	o.sign = CSN_SIGN_ML_DSA_44;
	assert_false((folder = folder_new()) == NULL || (log_path =
	    path_in(folder, "log")) == NULL || csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_identity_new(ctx, &o, &signer) != 0 || csn_trust_new(ctx,
	    &trust) != 0);
	e.did = csn_identity_did(signer);
	e.label = "auditor";
	e.key = csn_identity_sign_key(signer);
	e.purposes = CSN_PURPOSE_AUDIT;
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
}

AFTER_EACH
{
	csn_trust_free(trust);
	csn_identity_free(signer);
	csn_ctx_free(ctx);
	folder_remove(folder);
	free(log_path);
}

static int
append_some(struct csn_audit *a, uint64_t *next)
{
	struct csn_audit_record rs[3];
	int rc;

	rs[0] = record_of(*next);
	rs[1] = record_of(*next + 1);
	rs[2] = record_of(*next + 2);
	if ((rc = csn_audit_append_many(a, rs, 3)) == 0)
		*next += 3;
	return rc;
}

static int
one_life(void)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit *a = NULL;
	char *json = NULL;
	int rc, i;

	o.sync = CSN_AUDIT_SYNC_NEVER;
	o.signer = signer;
	o.checkpoint_every = 10;
	o.max_file_bytes = 5000;
	if ((rc = csn_audit_open(ctx, log_path, &o, &a)) != 0)
		goto out;
	for (i = 0; i < 5 && rc == 0; i++)
		rc = append_some(a, &acknowledged);
	if (rc != 0 || (rc = csn_audit_checkpoint(a)) != 0 ||
	    (rc = csn_audit_export(a, NULL, &json)) != 0)
		goto out;
out:
	/* A log that failed to grow still takes records. */
	if (a != NULL && rc != 0)
		assert_int_equal(append_some(a, &acknowledged), 0);
	csn_audit_close(a);
	csn_free(json);
	return rc;
}

static int
one_memory(void)
{
	struct csn_audit_record r = record_of(3);
	struct csn_audit *a = NULL;
	char detail[200], *json = NULL;
	int rc;

	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	r.detail = detail;
	if ((rc = csn_audit_new_memory(ctx, 8, &a)) == 0 &&
	    (rc = csn_audit_append(a, &r)) == 0)
		rc = csn_audit_export(a, NULL, &json);
	csn_audit_close(a);
	csn_free(json);
	return rc;
}

static int
one_verification(void)
{
	struct csn_audit_verify_options o = { .size = sizeof(o) };

	o.trust = trust;
	return csn_audit_verify(ctx, log_path, &o, NULL);
}

static int
count(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	uint64_t *next = arg;

	(void)n;
	(void)unix_ms;
	assert_int_equal(r->sequence, *next);
	++*next;
	return 0;
}

/* What a life acknowledged is there; away with it for the next one. */
static void
judge_life(void)
{
	struct csn_audit *a;
	uint64_t have = 0;

	a = open_log(ctx, folder, NULL);
	assert_int_equal(csn_audit_each(a, NULL, count, &have), 0);
	csn_audit_close(a);
	assert_int_equal(have, acknowledged);
	assert_int_equal(verify_log(ctx, folder, NULL, trust, 1, NULL), 0);
	acknowledged = 0;
	tree_remove(log_path);
}

/* Run one until no allocation of it fails any more. */
static void
each(const char *name, int (*one)(void), void (*judge)(void), long step)
{
	long n;
	int rc, done;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	for (n = 0; ; n += step) {
		failmalloc_at(n);
		rc = one();
		done = failmalloc_done();
		if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO)
			fail_msg("%s, allocation %ld: %s (%s)", name, n,
			    csn_error_name(rc), csn_message());
		if (judge != NULL)
			judge();
		if (!done)
			break;
	}
	print_message("# %s: %ld allocations\n", name, n);
	assert_int_equal(rc, 0);
	assert_true(n > 3);
}

TEST(failing_allocations_lose_no_record)
{
	/* There are thousands, most of them OpenSSL's. */
	each("a log's life", one_life, judge_life, 5);
}

TEST(failing_allocations_are_no_verdict)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit *a;

	o.signer = signer;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 5);
	csn_audit_close(a);
	each("verifying", one_verification, NULL, 1);
	each("a log in memory", one_memory, NULL, 1);
}
