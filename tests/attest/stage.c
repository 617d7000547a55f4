/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c - a simulated guest, its attester, and who verifies. */
#include "attest/stage.h"
#include "evidence/result.h"
#include "lib/fixture.h"

#define WEIGHTS 200000

/* For the seam: a provider gets no pointer of ours. */
static struct stage *current;

static int
sim_snp_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return csn_tee_open(ctx, &csn_tee_sev_snp, &current->io, rest, state);
}

static int
sim_tdx_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return csn_tee_open(ctx, &csn_tee_tdx, &current->io, rest, state);
}

static const struct csn_region_provider providers[] = { {
	.abi = CSN_REGION_ABI, .name = "sim_snp", .platform = "sev-snp",
	.open = sim_snp_open, .list = csn_tee_list,
	.begin = csn_tee_begin, .end = csn_tee_end,
	.read = csn_tee_read, .map = csn_tee_map,
	.evidence = csn_tee_evidence, .close = csn_tee_close
}, {
	.abi = CSN_REGION_ABI, .name = "sim_tdx", .platform = "tdx",
	.open = sim_tdx_open, .list = csn_tee_list,
	.begin = csn_tee_begin, .end = csn_tee_end,
	.read = csn_tee_read, .map = csn_tee_map,
	.evidence = csn_tee_evidence, .close = csn_tee_close
} };

static void
set_root(struct stage *s)
{
	struct fake_bytes pem = s->guest.snp != NULL ?
	    fake_snp_root(s->guest.snp) : fake_tdx_root(s->guest.tdx);
	struct fake_bytes out = { NULL, 0 };
	size_t i;

	for (i = 0; i < pem.len; i++)
		if (pem.p[i] == '\n')
			fake_put_text(&out, "\\n");
		else
			fake_put(&out, &pem.p[i], 1);
	free(pem.p);
	free(s->root);
	s->root = (char *)out.p;
}

void
stage_start(struct stage *s, int tdx, int mounted)
{
	static int registered;
	uint8_t *weights;
	char *text;
	size_t i;

	memset(s, 0, sizeof(*s));
	current = s;
	if (!registered) {
		assert_int_equal(csn_region_register(&providers[0]), 0);
		assert_int_equal(csn_region_register(&providers[1]), 0);
		registered = 1;
	}
	s->ctx = people_ctx();
	s->alice = people_quick(s->ctx, 1, "alice");
	s->bob = people_quick(s->ctx, 2, "bob");
	s->mallory = people_quick(s->ctx, 3, "mallory");
	assert_int_equal(csn_trust_new(s->ctx, &s->trust), 0);
	people_trust(s->ctx, s->trust, s->alice, CSN_PURPOSE_REPORT);
	people_trust(s->ctx, s->trust, s->bob, CSN_PURPOSE_REPORT);
	if (tdx)
		sim_tdx_start(&s->guest);
	else
		sim_snp_start(&s->guest);
	set_root(s);
	tsm_front_start(&s->front, &s->guest.driver, mounted);
	s->device.guest = &s->guest;
	s->device_io = sim_sev_device(&s->device);
	s->io = (struct csn_tee_io){ &s->front.io, &s->device_io };

	s->folder = folder_new();
	s->weights = path_in(s->folder, "weights.bin");
	assert_non_null(weights = malloc(WEIGHTS));
	for (i = 0; i < WEIGHTS; i++)
		weights[i] = (uint8_t)(i * 31 + i / 511);
	file_write(s->weights, weights, WEIGHTS);
	free(weights);
	s->manifest = path_in(s->folder, "workload.json");
	assert_true(asprintf(&text, "{\"version\":1,\"workload\":\"%s\","
	    "\"regions\":[{\"id\":\"weights\",\"protection\":\"RO\","
	    "\"file\":\"%s\"}]}", STAGE_WORKLOAD, s->weights) > 0);
	file_write(s->manifest, text, strlen(text));
	free(text);
}

void
stage_end(struct stage *s)
{
	csn_result_free(s->result);
	csn_verifier_free(s->verifier);
	csn_policy_free(s->policy);
	csn_attester_free(s->attester);
	csn_regions_close(s->regions);
	csn_trust_free(s->trust);
	csn_identity_free(s->alice);
	csn_identity_free(s->bob);
	csn_identity_free(s->mallory);
	csn_ctx_free(s->ctx);
	tsm_front_end(&s->front);
	assert_int_equal(s->device.open, 0);
	sim_guest_end(&s->guest);
	folder_remove(s->folder);
	free(s->manifest);
	free(s->weights);
	free(s->root);
	memset(s, 0, sizeof(*s));
}

void
stage_snp(struct stage *s, const struct fake_snp_options *o)
{
	fake_snp_free(s->guest.snp);
	s->guest.snp = fake_snp_new(o);
	set_root(s);
}

char *
stage_url(const struct stage *s, const char *options)
{
	const char *scheme = s->guest.tdx != NULL ? "tdx" : "sev_snp";
	char *url;

	if (s->front.mount == NULL)
		scheme = s->guest.tdx != NULL ? "sim_tdx" : "sim_snp";
	assert_true(asprintf(&url, "%s:%s?tsm=%s%s", scheme, s->manifest,
	    s->front.root, options) > 0);
	return url;
}

int
stage_try_open(struct stage *s, const char *options)
{
	char *url = stage_url(s, options);
	int rc;

	csn_attester_free(s->attester);
	csn_regions_close(s->regions);
	s->attester = NULL;
	s->regions = NULL;
	rc = csn_regions_open(s->ctx, url, &s->regions);
	free(url);
	return rc;
}

void
stage_open(struct stage *s, const char *options)
{
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = STAGE_WORKLOAD,
		.identity = s->alice
	};

	if (stage_try_open(s, options) != 0)
		fail_msg("%s", csn_message());
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o,
	    &s->attester), 0);
}

void
stage_verifier_platform(struct stage *s, const char *platform,
    const char *endorsements, const char *cache)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust,
		.endorsements = endorsements, .cache = cache
	};
	char *json;

	csn_verifier_free(s->verifier);
	csn_policy_free(s->policy);
	s->verifier = NULL;
	s->policy = NULL;
	assert_true(asprintf(&json, "{\"version\":1,\"workload\":\"%s\","
	    "%s%s%s\"regions\":[{\"id\":\"weights\",\"file\":"
	    "\"weights.bin\"}]}", STAGE_WORKLOAD, platform[0] != '\0' ?
	    "\"platform\":" : "", platform, platform[0] != '\0' ? "," : "") >
	    0);
	if (csn_policy_parse(s->ctx, json, strlen(json), s->folder,
	    &s->policy) != 0)
		fail_msg("%s", csn_message());
	free(json);
	o.policy = s->policy;
	if (csn_verifier_new(s->ctx, &o, &s->verifier) != 0)
		fail_msg("%s", csn_message());
}

void
stage_verifier(struct stage *s, const char *rules, const char *endorsements,
    const char *cache)
{
	char *platform;

	assert_true(asprintf(&platform, "{\"%s\":{\"root\":\"%s\"%s}}",
	    s->guest.tdx != NULL ? "tdx" : "sev-snp", s->root, rules) > 0);
	stage_verifier_platform(s, platform, endorsements, cache);
	free(platform);
}

struct fake_bytes
stage_report(struct stage *s)
{
	struct fake_bytes report = { NULL, 0 };
	uint8_t nonce[32];

	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	if (csn_attester_report(s->attester, nonce, sizeof(nonce), &report.p,
	    &report.len) != 0)
		fail_msg("%s", csn_message());
	return report;
}

struct fake_bytes
stage_evidence(struct stage *s, const uint8_t data[64])
{
	struct fake_bytes out = { NULL, 0 }, aux = { NULL, 0 };

	assert_int_equal(s->guest.driver.report(s->guest.driver.arg, data, 0,
	    &out, &aux), 0);
	free(aux.p);
	return out;
}

struct carried {
	struct fake_bytes evidence, certs;
};

static int
give(void *arg, const uint8_t report_data[64], uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len)
{
	const struct carried *c = arg;
	struct fake_bytes e = { NULL, 0 }, more = { NULL, 0 };

	(void)report_data;
	fake_put(&e, c->evidence.p, c->evidence.len);
	*out = e.p;
	*len = e.len;
	if (c->certs.len > 0)
		fake_put(&more, c->certs.p, c->certs.len);
	*certs = more.p;
	*certs_len = more.len;
	return 0;
}

/* Of memory of its own that is like the guest's. */
struct fake_bytes
stage_report_with(struct stage *s, const struct csn_identity *by,
    struct fake_bytes evidence, struct fake_bytes certs)
{
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = STAGE_WORKLOAD, .identity = by
	};
	struct carried carried = { evidence, certs };
	struct fake_bytes report = { NULL, 0 };
	struct csn_regions *regions;
	struct csn_attester *a;
	struct csn_region r = {
		.size_of = sizeof(r), .id = "weights", .description = "",
		.address = 1, .protection = CSN_PROT_RO
	};
	uint8_t nonce[32], *bytes;
	size_t len;

	bytes = file_read(s->weights, &len);
	r.size = len;
	assert_int_equal(csn_regions_open(s->ctx, "buffer:", &regions), 0);
	assert_int_equal(csn_regions_add_buffer(regions, &r, bytes), 0);
	assert_int_equal(csn_attester_new(s->ctx, regions, &o, &a), 0);
	assert_int_equal(csn_attester_add_evidence(a, s->guest.tdx != NULL ?
	    "tdx" : "sev-snp", give, &carried), 0);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	assert_int_equal(csn_attester_report(a, nonce, sizeof(nonce),
	    &report.p, &report.len), 0);
	csn_attester_free(a);
	csn_regions_close(regions);
	free(bytes);
	return report;
}

static int
verify(struct stage *s, struct fake_bytes report)
{
	int rc;

	csn_result_free(s->result);
	assert_int_equal(csn_result_new(s->ctx, &s->result), 0);
	rc = csn_verifier_check(s->verifier, STAGE_WORKLOAD, report.p,
	    report.len, 0, 0, s->result);
	csn_free(report.p);
	return rc;
}

void
stage_accepts(struct stage *s, struct fake_bytes report)
{
	if (verify(s, report) != 0)
		fail_msg("%s", csn_message());
}

void
stage_refuses(struct stage *s, struct fake_bytes report, int code,
    const char *check)
{
	const char *name = "", *detail;
	int status = -1, found;
	size_t i;

	found = verify(s, report);
	for (i = 0; csn_result_item(s->result, i, &name, &status, &found,
	    &detail) == 0 && status != CSN_CHECK_FAILED; i++)
		;
	if (status != CSN_CHECK_FAILED || found != code ||
	    strcmp(name, check) != 0)
		fail_msg("%s %s where %s %s was to be: %s", name,
		    csn_error_name(found), check, csn_error_name(code),
		    csn_message());
}

/* The check of that name, or NULL. */
static const char *
look(const struct stage *s, const char *check, int *status)
{
	const char *name, *detail;
	size_t i;

	for (i = 0; csn_result_get(s->result, i, &name, status, &detail) ==
	    0; i++)
		if (strcmp(name, check) == 0)
			return detail != NULL ? detail : "";
	return NULL;
}

const char *
stage_status(const struct stage *s, const char *check)
{
	int status;

	if (look(s, check, &status) == NULL)
		return "absent";
	return status == CSN_CHECK_PASSED ? "passed" :
	    status == CSN_CHECK_FAILED ? "failed" : "skipped";
}

const char *
stage_detail(const struct stage *s, const char *check)
{
	const char *detail;
	int status;

	detail = look(s, check, &status);
	return detail != NULL ? detail : "";
}

const char *
stage_file(struct stage *s, const char *name, struct fake_bytes content)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	file_write(path, content.p, content.len);
	free(content.p);
	return path;
}
