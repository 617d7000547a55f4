/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/scene.c - a workload, its attester and who verifies it. */
#include "attest/scene.h"

int
scene_add(struct scene *s, const char *id, uint64_t address, const void *p,
    uint64_t size, int protection)
{
	struct csn_region r = {
		.size_of = sizeof(r), .id = id, .description = "of the scene",
		.address = address, .size = size,
		.protection = (uint32_t)protection,
	};

	return csn_regions_add_buffer(s->regions, &r, p);
}

struct csn_attester_options
scene_options(const struct scene *s)
{
	struct csn_attester_options o = {
		.size = sizeof(o), .leaf = SCENE_LEAF, .leaves = 1,
		.workload = SCENE_WORKLOAD, .identity = s->alice,
	};

	return o;
}

struct csn_attester *
scene_attester(struct scene *s, const struct csn_attester_options *o)
{
	struct csn_attester *a;

	assert_int_equal(csn_attester_new(s->ctx, s->regions, o, &a), 0);
	return a;
}

/* Hashes as the verifier's owner would: with the attester's own tools. */
char *
scene_policy_now(struct scene *s, const char *extra)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_snapshot snap = { .size_of = sizeof(snap) };
	struct csn_attester *a;
	char hex[2][2 * CSN_HASH_SIZE + 1], *json;
	int i, k;

	a = scene_attester(s, &o);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(csn_attester_snapshot(a, (size_t)i, &snap),
		    0);
		for (k = 0; k < CSN_HASH_SIZE; k++)
			(void)snprintf(hex[i] + 2 * k, 3, "%02x",
			    snap.tree[k]);
	}
	csn_attester_free(a);
	assert_true(asprintf(&json, "{\"version\":1,\"workload\":\"%s\",%s"
	    "\"regions\":[{\"id\":\"weights\",\"tree\":\"%s\","
	    "\"protection\":\"RO\"},{\"id\":\"code\",\"tree\":\"%s\"}]}",
	    SCENE_WORKLOAD, extra, hex[0], hex[1]) > 0);
	return json;
}

void
scene_policy(struct scene *s, const char *json)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust,
	};

	csn_verifier_free(s->verifier);
	csn_policy_free(s->policy);
	s->policy = NULL;
	if (json != NULL)
		assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json),
		    NULL, &s->policy), 0);
	o.policy = s->policy;
	assert_int_equal(csn_verifier_new(s->ctx, &o, &s->verifier), 0);
}

void
scene_start(struct scene *s)
{
	struct csn_attester_options o;
	char *json;
	size_t i;

	s->ctx = people_ctx();
	s->alice = people_quick(s->ctx, 1, "alice");
	s->mallory = people_quick(s->ctx, 2, "mallory");
	assert_int_equal(csn_trust_new(s->ctx, &s->trust), 0);
	people_trust(s->ctx, s->trust, s->alice, CSN_PURPOSE_REPORT);
	for (i = 0; i < sizeof(s->weights); i++)
		s->weights[i] = (uint8_t)(i * 7 + i / 251);
	memset(s->code, 0x90, sizeof(s->code));
	assert_int_equal(csn_regions_open(s->ctx, "buffer:", &s->regions), 0);
	assert_int_equal(scene_add(s, "weights", 0x10000, s->weights,
	    sizeof(s->weights), CSN_PROT_RO), 0);
	assert_int_equal(scene_add(s, "code", 0x100000, s->code,
	    sizeof(s->code), CSN_PROT_RX), 0);
	o = scene_options(s);
	s->attester = scene_attester(s, &o);
	json = scene_policy_now(s, "");
	scene_policy(s, json);
	free(json);
}

void
scene_end(struct scene *s)
{
	csn_result_free(s->result);
	csn_verifier_free(s->verifier);
	csn_policy_free(s->policy);
	csn_attester_free(s->attester);
	csn_regions_close(s->regions);
	csn_trust_free(s->trust);
	csn_identity_free(s->alice);
	csn_identity_free(s->mallory);
	csn_ctx_free(s->ctx);
}

uint8_t *
scene_report_of(struct csn_attester *a, const uint8_t *nonce,
    size_t nonce_len, size_t *len)
{
	uint8_t *report;

	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_report(a, nonce, nonce_len, &report,
	    len), 0);
	return report;
}

uint8_t *
scene_report(struct scene *s, size_t *len)
{
	uint8_t nonce[32];

	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	return scene_report_of(s->attester, nonce, sizeof(nonce), len);
}

int
scene_verify(struct scene *s, const uint8_t *report, size_t len,
    unsigned flags)
{
	csn_result_free(s->result);
	assert_int_equal(csn_result_new(s->ctx, &s->result), 0);
	return csn_verifier_check(s->verifier, SCENE_WORKLOAD, report, len, 0,
	    flags, s->result);
}

int
scene_check(const struct scene *s, const char *name, const char **detail)
{
	const char *n, *d;
	int status;
	size_t i;

	for (i = 0; csn_result_get(s->result, i, &n, &status, &d) == 0; i++)
		if (strcmp(n, name) == 0) {
			if (detail != NULL)
				*detail = d != NULL ? d : "";
			return status;
		}
	return -1;
}
