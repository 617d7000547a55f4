/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_live.c - attest a running process, again and again.
 *
 *   attest_live PID NOTE-FOLDER MODEL-FILE [INTERVAL-MS [ROUNDS]]
 *
 * Attester and verifier are one program here so that one can read them side
 * by side; all that passes between them is a nonce one way and a signed
 * report the other. The verifier knows the attester's key and the model's
 * file, and takes nothing else on trust.
 *
 * Ends with 0 after the rounds, and with 1 once the memory is not what the
 * file says.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <caisson/caisson.h>

#define WORKLOAD "demo"

struct sides {
	struct csn_ctx *ctx;
	/* The verifier's. */
	struct csn_trust *trust;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
	/* The attester's. */
	struct csn_identity *identity;
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_watch *watch;
};

static long long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The verifier trusts one key, and knows what the model has to be. */
static int
set_up_verifier(struct sides *s, const char *model)
{
	struct csn_trust_entry entry = {
		.size = sizeof(entry), .purposes = CSN_PURPOSE_REPORT,
		.label = "the attester", .key = csn_identity_sign_key(
		    s->identity)
	};
	struct csn_verifier_options options = { .size = sizeof(options) };
	char path[PATH_MAX], json[PATH_MAX + 256];
	int rc;

	if (realpath(model, path) == NULL || strpbrk(path, "\"\\") != NULL) {
		perror(model);
		return CSN_E_IO;
	}
	(void)snprintf(json, sizeof(json), "{\"version\": 1, \"workload\": \""
	    WORKLOAD "\", \"regions\": [{\"id\": \"model\", \"file\": "
	    "\"%s\", \"protection\": \"RW\"}]}", path);
	if ((rc = csn_policy_parse(s->ctx, json, strlen(json), "/",
	    &s->policy)) != 0 ||
	    (rc = csn_trust_new(s->ctx, &s->trust)) != 0 ||
	    (rc = csn_trust_add(s->ctx, s->trust, &entry)) != 0)
		return rc;
	options.trust = s->trust;
	options.policy = s->policy;
	return csn_verifier_new(s->ctx, &options, &s->verifier);
}

static int
set_up_attester(struct sides *s, const char *pid, const char *folder)
{
	struct csn_attester_options options = {
		.size = sizeof(options), .workload = WORKLOAD,
		.identity = s->identity,
		/* So that drift can be told to the leaf of 64 KiB. */
		.leaves = 1
	};
	char url[1024];
	int rc;

	(void)snprintf(url, sizeof(url), "process:%s?note=%s&freeze=sigstop",
	    pid, folder);
	if ((rc = csn_regions_open(s->ctx, url, &s->regions)) != 0)
		return rc;
	return csn_attester_new(s->ctx, s->regions, &options, &s->attester);
}

/* From the verifier to the attester: what the next report has to hold. */
static int
challenge(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct sides *s = arg;

	*len = 32;
	return csn_verifier_challenge(s->verifier, nonce);
}

static void
tell_failures(const struct csn_result *result)
{
	const char *name, *detail;
	size_t i;
	int status;

	for (i = 0; csn_result_get(result, i, &name, &status, &detail) == 0;
	    i++)
		if (status == CSN_CHECK_FAILED)
			printf("  %s: %s\n", name,
			    detail == NULL ? "" : detail);
}

/* From the attester to the verifier: a report. Not 0 ends the run. */
static int
beat(void *arg, const struct csn_beat *b)
{
	struct csn_result *result = NULL;
	struct sides *s = arg;
	int rc;

	if (b->code != 0) {
		printf("beat %llu: no report: %s\n",
		    (unsigned long long)b->round, csn_message());
		(void)fflush(stdout);
		return 0;
	}
	if ((rc = csn_result_new(s->ctx, &result)) != 0)
		return rc;
	rc = csn_verifier_check(s->verifier, WORKLOAD, b->report, b->len, 0,
	    0, result);
	printf("beat %llu at %lld ms: %s (%llu of %llu bytes hashed, a report "
	    "of %zu bytes)\n", (unsigned long long)b->round, now_ms(),
	    rc == 0 ? "as the file" : csn_error_name(rc),
	    (unsigned long long)b->hashed, (unsigned long long)b->total,
	    b->len);
	tell_failures(result);
	(void)fflush(stdout);
	csn_result_free(result);
	return rc;
}

int
main(int argc, char **argv)
{
	const struct csn_identity_options who = {
		.size = sizeof(who), .name = "attester of the demo",
		.purposes = CSN_PURPOSE_REPORT
	};
	struct csn_watch_options options = {
		.size = sizeof(options), .interval_ms = 1000, .rounds = 20,
		.max_failures = 3, .challenge = challenge, .beat = beat
	};
	struct sides s = { 0 };
	int rc;

	if (argc < 4) {
		fprintf(stderr, "usage: attest_live PID NOTE-FOLDER "
		    "MODEL-FILE [INTERVAL-MS [ROUNDS]]\n");
		return 2;
	}
	if (argc > 4)
		options.interval_ms = strtoull(argv[4], NULL, 10);
	if (argc > 5)
		options.rounds = strtoull(argv[5], NULL, 10);
	options.arg = &s;
	if ((rc = csn_ctx_new(NULL, &s.ctx)) != 0 ||
	    (rc = csn_identity_new(s.ctx, &who, &s.identity)) != 0 ||
	    (rc = set_up_verifier(&s, argv[3])) != 0 ||
	    (rc = set_up_attester(&s, argv[1], argv[2])) != 0 ||
	    (rc = csn_watch_new(s.ctx, s.attester, &options,
	    &s.watch)) != 0) {
		fprintf(stderr, "attest_live: %s\n", s.ctx == NULL ?
		    csn_error_text(rc) : csn_message());
		rc = 3;
		goto out;
	}
	rc = csn_watch_run(s.watch);
	if (rc != 0 && rc != CSN_E_DRIFT)
		fprintf(stderr, "attest_live: %s\n", csn_message());
	rc = rc == 0 ? 0 : rc == CSN_E_DRIFT ? 1 : 3;
out:
	csn_watch_free(s.watch);
	csn_attester_free(s.attester);
	csn_regions_close(s.regions);
	csn_verifier_free(s.verifier);
	csn_policy_free(s.policy);
	csn_trust_free(s.trust);
	csn_identity_free(s.identity);
	csn_ctx_free(s.ctx);
	return rc;
}
