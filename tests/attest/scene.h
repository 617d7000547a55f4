/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/scene.h - a workload, its attester and somebody who verifies. */
#ifndef CAISSON_TESTS_ATTEST_SCENE_H
#define CAISSON_TESTS_ATTEST_SCENE_H

#include <caisson/attest.h>

#include "identity/people.h"
#include "lib/test.h"

#define SCENE_WORKLOAD "model-serving-1"
#define SCENE_LEAF 4096u
#define SCENE_WEIGHTS (20 * SCENE_LEAF + 100)
#define SCENE_CODE (3 * SCENE_LEAF)

/*
 * Regions "weights" (RO at 0x10000) and "code" (RX at 0x100000) of memory
 * that the test writes to. alice's reports are trusted, mallory's are not.
 */
struct scene {
	struct csn_ctx *ctx;
	struct csn_identity *alice;
	struct csn_identity *mallory;
	struct csn_trust *trust;
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
	struct csn_result *result;
	uint8_t weights[SCENE_WEIGHTS];
	uint8_t code[SCENE_CODE];
};

/* FIXTURE(struct scene, scene_start, scene_end): all of it is made. */
void scene_start(struct scene *s);
void scene_end(struct scene *s);

/* The options of the scene's attester. */
struct csn_attester_options scene_options(const struct scene *s);
struct csn_attester *scene_attester(struct scene *s,
    const struct csn_attester_options *o);
/* Add a region to the scene's. */
int scene_add(struct scene *s, const char *id, uint64_t address,
    const void *p, uint64_t size, int protection);

/* Another policy instead, and a verifier with it; NULL for none. */
void scene_policy(struct scene *s, const char *json);
/* The policy that says what the memory holds now; malloc'ed. extra members
 * end in a comma. */
char *scene_policy_now(struct scene *s, const char *extra);

/* Measure anew and report on a challenge of the scene's verifier. */
uint8_t *scene_report(struct scene *s, size_t *len);
/* The same of another attester, without a challenge where nonce is NULL. */
uint8_t *scene_report_of(struct csn_attester *a, const uint8_t *nonce,
    size_t nonce_len, size_t *len);

/* Verify for the scene's workload; the result's checks are in s->result. */
int scene_verify(struct scene *s, const uint8_t *report, size_t len,
    unsigned flags);
/* The check of that name: its status, or -1; its detail never NULL. */
int scene_check(const struct scene *s, const char *name,
    const char **detail);
#define assert_check(s, name, status) \
	assert_int_equal(scene_check((s), (name), NULL), (status))

#endif
