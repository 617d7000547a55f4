/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/attest/stage.h - a workload in a simulated confidential guest,
 * its attester, and a verifier elsewhere: from the device to the verdict.
 */
#ifndef CAISSON_TESTS_ATTEST_STAGE_H
#define CAISSON_TESTS_ATTEST_STAGE_H

#include <caisson/attest.h>

#include "guest/sim/guest.h"
#include "guest/sim/tsm_front.h"
#include "identity/people.h"
#include "lib/test.h"
#include "providers/region/tee/tee.h"

#define STAGE_WORKLOAD "llm-7b"

struct stage {
	struct csn_ctx *ctx;
	struct csn_identity *alice;	/* attests, trusted */
	struct csn_identity *bob;	/* another one, trusted */
	struct csn_identity *mallory;	/* is not */
	struct csn_trust *trust;
	struct sim_guest guest;
	struct tsm_front front;
	struct sim_device device;
	struct csn_device_io device_io;
	struct csn_tee_io io;
	char *folder;
	char *manifest;		/* of the region "weights", a file */
	char *weights;
	char *root;		/* the processor's, as PEM in a JSON string */
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
	struct csn_result *result;
};

/*
 * Everything but verifier and, with regions and attester, what looks at the
 * guest. tdx: which of both. mounted: through the system's own calls.
 */
void stage_start(struct stage *s, int tdx, int mounted);
void stage_end(struct stage *s);
/* Another processor instead. */
void stage_snp(struct stage *s, const struct fake_snp_options *o);

/* The provider's URL with these options ("&…" or "") through the front. */
char *stage_url(const struct stage *s, const char *options);
int stage_try_open(struct stage *s, const char *options);
/* Opened, and an attester of alice's on it. */
void stage_open(struct stage *s, const char *options);

/*
 * A verifier whose policy is about the weights, and holds rules for the
 * platform that trust the processor's root; rules: ",\"max_vmpl\":0" or "".
 */
void stage_verifier(struct stage *s, const char *rules,
    const char *endorsements, const char *cache);
/* The same with the policy's whole "platform", or "" for none. */
void stage_verifier_platform(struct stage *s, const char *platform,
    const char *endorsements, const char *cache);

/* A report of the attester on a fresh challenge; free(). */
struct fake_bytes stage_report(struct stage *s);
/* Another identity's report that carries this evidence of the platform. */
struct fake_bytes stage_report_with(struct stage *s,
    const struct csn_identity *by, struct fake_bytes evidence,
    struct fake_bytes certs);
/* Evidence over data, straight from the processor. */
struct fake_bytes stage_evidence(struct stage *s, const uint8_t data[64]);

/* Verify and free. Fails the test where anything fails. */
void stage_accepts(struct stage *s, struct fake_bytes report);
/* The code, and that the first failed check is this one. */
void stage_refuses(struct stage *s, struct fake_bytes report, int code,
    const char *check);
/* Of the last verification: "passed", "failed", "skipped", "absent". */
const char *stage_status(const struct stage *s, const char *check);
const char *stage_detail(const struct stage *s, const char *check);
/* A file in the stage's folder; its path is valid until the next. */
const char *stage_file(struct stage *s, const char *name,
    struct fake_bytes content);

#endif
