/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_tampering.c - one bit of a model changes, and is found.
 *
 * The policy names a file: what is in memory must be that file's bytes. The
 * report carries the leaf hashes, so the verifier says which 64 KiB differ.
 * The program ends by itself, with 0 where everything was as it says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <caisson/caisson.h>

#define WORKLOAD "model-serving-1"
#define SIZE (40u * 65536 + 1234)
#define VICTIM 1000000u		/* in leaf 15 */

static uint8_t model[SIZE];

struct all {
	struct csn_ctx *ctx;
	struct csn_identity *identity;
	struct csn_trust *trust;
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
};

static int
start_attester(struct all *a)
{
	struct csn_identity_options who = {
		.size = sizeof(who), .name = "attester",
	};
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = WORKLOAD, .leaves = 1,
	};
	struct csn_region r = {
		.size_of = sizeof(r), .id = "model", .description = "weights",
		.address = 0x1000000, .size = SIZE, .protection = CSN_PROT_RO,
	};
	int rc;

	if ((rc = csn_identity_new(a->ctx, &who, &a->identity)) != 0 ||
	    (rc = csn_regions_open(a->ctx, "buffer:", &a->regions)) != 0 ||
	    (rc = csn_regions_add_buffer(a->regions, &r, model)) != 0)
		return rc;
	o.identity = a->identity;
	return csn_attester_new(a->ctx, a->regions, &o, &a->attester);
}

/* The reference is the file as it was published. */
static int
start_verifier(struct all *a, const char *folder)
{
	static const char json[] =
	    "{\"version\": 1, \"workload\": \"" WORKLOAD "\","
	    " \"regions\": [{\"id\": \"model\", \"file\": \"model.bin\"}]}";
	struct csn_trust_entry trusted = {
		.size = sizeof(trusted), .purposes = CSN_PURPOSE_REPORT,
		.key = csn_identity_sign_key(a->identity),
	};
	struct csn_verifier_options o = { .size = sizeof(o) };
	int rc;

	if ((rc = csn_trust_new(a->ctx, &a->trust)) != 0 ||
	    (rc = csn_trust_add(a->ctx, a->trust, &trusted)) != 0 ||
	    (rc = csn_policy_parse(a->ctx, json, sizeof(json) - 1, folder,
	    &a->policy)) != 0)
		return rc;
	o.trust = a->trust;
	o.policy = a->policy;
	return csn_verifier_new(a->ctx, &o, &a->verifier);
}

/* One round of challenge, report and verdict. */
static int
verdict(struct all *a, unsigned flags)
{
	uint8_t nonce[32], *report;
	size_t len;
	int rc;

	if ((rc = csn_verifier_challenge(a->verifier, nonce)) != 0 ||
	    (rc = csn_attester_measure(a->attester, 0)) != 0 ||
	    (rc = csn_attester_report(a->attester, nonce, sizeof(nonce),
	    &report, &len)) != 0)
		return rc;
	rc = csn_verifier_check(a->verifier, WORKLOAD, report, len, 0, flags,
	    NULL);
	csn_free(report);
	return rc;
}

static int
tell(struct all *a)
{
	int rc, bad = 0;

	rc = verdict(a, 0);
	printf("Untouched: %s.\n", rc == 0 ? "verified" :
	    csn_message());
	bad |= rc != 0;

	model[VICTIM] ^= 0x04;
	rc = verdict(a, 0);
	printf("One bit flipped at %u: %s\n  %s.\n", VICTIM,
	    csn_error_name(rc), csn_message());
	bad |= rc != CSN_E_DRIFT ||
	    strstr(csn_message(), "leaf 15") == NULL;

	rc = verdict(a, CSN_VERIFY_LENIENT);
	printf("The same, leniently: %s.\n", rc == 0 ?
	    "listed, and let pass" : csn_error_name(rc));
	bad |= rc != 0;

	model[VICTIM] ^= 0x04;
	rc = verdict(a, 0);
	printf("Put back: %s.\n", rc == 0 ? "verified" :
	    csn_message());
	bad |= rc != 0;
	return bad;
}

/* The published model, in a folder of its own. */
static int
publish(char *folder, char *path, size_t cap)
{
	FILE *f;
	int ok;

	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, cap, "%s/model.bin", folder);
	if ((f = fopen(path, "wb")) == NULL)
		return -1;
	ok = fwrite(model, 1, sizeof(model), f) == sizeof(model);
	return fclose(f) == 0 && ok ? 0 : -1;
}

int
main(void)
{
	char folder[] = "/tmp/caisson-example-XXXXXX", path[64] = "";
	struct all a = { 0 };
	size_t i;
	int rc, bad = 1;

	for (i = 0; i < sizeof(model); i++)
		model[i] = (uint8_t)(i * 31 + i / 65536);
	if (publish(folder, path, sizeof(path)) != 0) {
		fprintf(stderr, "cannot write %s\n", path);
		goto out;
	}
	if ((rc = csn_ctx_new(NULL, &a.ctx)) != 0 ||
	    (rc = start_attester(&a)) != 0 ||
	    (rc = start_verifier(&a, folder)) != 0)
		fprintf(stderr, "cannot start: %s\n", csn_message());
	else
		bad = tell(&a);
out:
	csn_verifier_free(a.verifier);
	csn_policy_free(a.policy);
	csn_attester_free(a.attester);
	csn_regions_close(a.regions);
	csn_trust_free(a.trust);
	csn_identity_free(a.identity);
	csn_ctx_free(a.ctx);
	(void)unlink(path);
	(void)rmdir(folder);
	return bad;
}
