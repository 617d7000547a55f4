/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: what they may say, and that errors name the member. */
#include <sys/stat.h>

#include "attest/scene.h"
#include "lib/test.h"

#include "attest/policy.h"

#define HEX "00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"
#define HEAD "{\"version\":1,\"workload\":\"w\","
#define ONE(members) HEAD "\"regions\":[{\"id\":\"a\"," members "}]}"

static struct csn_policy *
good(struct scene *s, const char *json, const char *folder)
{
	struct csn_policy *p;

	if (csn_policy_parse(s->ctx, json, strlen(json), folder, &p) != 0)
		fail_msg("%s: %s", json, csn_message());
	return p;
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(each_error_names_its_member, struct scene *s)
{
	static const struct {
		const char *json;
		const char *word;
		int code;
	} bad[] = {
		{ "", "line 1", CSN_E_FORM },
		{ "{", "line 1", CSN_E_FORM },
		{ "[]", "object", CSN_E_FORM },
		{ "{}", "version", CSN_E_FORM },
		{ "{\"version\":2,\"workload\":\"w\"}", "version",
		    CSN_E_VERSION },
		{ "{\"version\":\"1\"}", "version", CSN_E_FORM },
		{ "{\"version\":1}", "workload", CSN_E_FORM },
		{ "{\"version\":1,\"version\":1,\"workload\":\"w\"}", "line",
		    CSN_E_FORM },
		{ "{\"version\":1,\"workload\":\"w\"} x", "line",
		    CSN_E_FORM },
		{ "{\"version\":1,\"workload\":\"\"}", "workload",
		    CSN_E_FORM },
		{ "{\"version\":1,\"workload\":3}", "workload", CSN_E_FORM },
		{ HEAD "\"compleet\":true}", "compleet", CSN_E_FORM },
		{ HEAD "\"complete\":1}", "complete", CSN_E_FORM },
		{ HEAD "\"full\":\"yes\"}", "full", CSN_E_FORM },
		{ HEAD "\"drift\":\"loose\"}", "drift", CSN_E_FORM },
		{ HEAD "\"max_age\":0}", "max_age", CSN_E_FORM },
		{ HEAD "\"max_age\":1.5}", "max_age", CSN_E_FORM },
		{ HEAD "\"platform\":[]}", "platform", CSN_E_FORM },
		{ HEAD "\"platform\":{\"abacus\":{}}}", "abacus",
		    CSN_E_FORM },
		{ HEAD "\"platform\":{\"tdx\":{\"mr_tt\":1}}}", "mr_tt",
		    CSN_E_FORM },
		{ HEAD "\"platform\":{\"sev-snp\":{\"measurement\":"
		    "\"00\"}}}", "platform.sev-snp.measurement", CSN_E_FORM },
		{ HEAD "\"platform\":{\"sev-snp\":{\"min_tcb\":{}}}}",
		    "platform.sev-snp.min_tcb", CSN_E_FORM },
		{ HEAD "\"platform\":{\"sev-snp\":{\"min_tcb\":"
		    "{\"snp\":6,\"microkode\":7}}}}",
		    "platform.sev-snp.min_tcb", CSN_E_FORM },
		{ HEAD "\"platform\":{\"sev-snp\":{\"max_vmpl\":4}}}",
		    "platform.sev-snp.max_vmpl", CSN_E_FORM },
		{ HEAD "\"platform\":{\"sev-snp\":{\"debug\":false}}}",
		    "debug", CSN_E_FORM },
		{ HEAD "\"platform\":{\"tdx\":{\"tcb_status\":"
		    "\"Revoked\"}}}", "platform.tdx.tcb_status", CSN_E_FORM },
		{ HEAD "\"platform\":{\"tdx\":{\"root\":\"x\"}}}",
		    "platform.tdx.root", CSN_E_FORM },
		{ HEAD "\"regions\":{}}", "regions", CSN_E_FORM },
		{ HEAD "\"regions\":[1]}", "regions[0]", CSN_E_FORM },
		{ HEAD "\"regions\":[{\"tree\":\"" HEX "\"}]}",
		    "regions[0].id", CSN_E_FORM },
		{ ONE("\"size\":1"), "exactly one", CSN_E_FORM },
		{ ONE("\"tree\":\"00\""), "regions[0].tree", CSN_E_FORM },
		{ ONE("\"flat\":\"" HEX "0\""), "regions[0].flat",
		    CSN_E_FORM },
		{ ONE("\"flat\":7"), "regions[0].flat", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"file\":\"x\""), "exactly one",
		    CSN_E_FORM },
		{ ONE("\"file\":\"x\",\"safetensors\":\"x\""), "exactly one",
		    CSN_E_FORM },
		{ ONE("\"any\":[]"), "any", CSN_E_FORM },
		{ ONE("\"any\":[{}]"), "regions[0].any[0]", CSN_E_FORM },
		{ ONE("\"any\":[{\"tree\":\"" HEX "\"},{\"size\":1}]"),
		    "regions[0].any[1].size", CSN_E_FORM },
		{ ONE("\"any\":[\"" HEX "\"]"), "any[0]", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"size\":0"), "regions[0].size",
		    CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"size\":-1"), "regions[0].size",
		    CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"leaf\":5000"),
		    "regions[0].leaf", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"leaf\":1024"),
		    "regions[0].leaf", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"measure\":\"flat\""),
		    "regions[0].measure", CSN_E_FORM },
		{ ONE("\"file\":\"x\",\"measure\":\"all\""),
		    "regions[0].measure", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"protection\":\"WX\""),
		    "regions[0].protection", CSN_E_FORM },
		{ ONE("\"tree\":\"" HEX "\",\"leaves\":\"x\""),
		    "regions[0].leaves", CSN_E_FORM },
		{ ONE("\"file\":\"x\""), "regions[0].file", CSN_E_FORM },
		{ HEAD "\"regions\":[{\"id\":\"a\",\"tree\":\"" HEX "\"},"
		    "{\"id\":\"a\",\"tree\":\"" HEX "\"}]}",
		    "regions[1].id", CSN_E_FORM },
		{ HEAD "\"regions\":[{\"id\":\"a\\u0000b\",\"tree\":\"" HEX
		    "\"}]}", "line", CSN_E_FORM },
	};
	struct csn_policy *p;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rc = csn_policy_parse(s->ctx, bad[i].json,
		    strlen(bad[i].json), NULL, &p);
		if (rc != bad[i].code ||
		    strstr(csn_message(), bad[i].word) == NULL)
			fail_msg("%s gave %d: %s", bad[i].json, rc,
			    csn_message());
	}
}

TEST(everything_a_policy_may_say, struct scene *s)
{
	struct csn_policy *p;

	p = good(s, "{\"version\":1,\"workload\":\"w\"}", NULL);
	assert_string_equal(csn_policy_workload(p), "w");
	assert_int_equal(p->n, 0);
	assert_int_equal(p->complete, 0);
	assert_int_equal(p->lenient, 0);
	assert_null(p->platform);
	csn_policy_free(p);
	p = good(s, HEAD "\"complete\":true,\"drift\":\"strict\","
	    "\"full\":true,\"max_age\":3600,\"regions\":["
	    "{\"id\":\"a\",\"tree\":\"" HEX "\",\"flat\":\"" HEX "\","
	    "\"size\":9007199254740993,\"protection\":\"RO\"},"
	    "{\"id\":\"b\",\"any\":[{\"tree\":\"" HEX "\"},"
	    "{\"flat\":\"" HEX "\"}]}]}", NULL);
	assert_int_equal(p->complete, 1);
	assert_int_equal(p->full, 1);
	assert_int_equal(p->max_age_ms, 3600000);
	assert_int_equal(p->n, 2);
	assert_int_equal(p->regions[0].nrefs, 1);
	assert_int_equal(p->regions[0].refs[0].has_tree, 1);
	assert_int_equal(p->regions[0].refs[0].has_flat, 1);
	assert_int_equal(p->regions[0].refs[0].tree[1], 0x11);
	assert_true(p->regions[0].size == 9007199254740993u);
	assert_int_equal(p->regions[0].protection, CSN_PROT_RO);
	assert_int_equal(p->regions[1].nrefs, 2);
	assert_int_equal(p->regions[1].refs[1].has_tree, 0);
	csn_policy_free(p);
}

/* A verifier with this policy, and whether the scene's memory passes. */
static int
verify_with(struct scene *s, struct csn_policy *p, unsigned measure)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust, .policy = p,
	};
	struct csn_attester_options ao = scene_options(s);
	struct csn_attester *a;
	struct csn_verifier *v;
	uint8_t *report;
	size_t len;
	int rc;

	ao.measure = measure;
	ao.leaves = 0;
	a = scene_attester(s, &ao);
	report = scene_report_of(a, NULL, 0, &len);
	assert_int_equal(csn_verifier_new(s->ctx, &o, &v), 0);
	rc = csn_verifier_check(v, SCENE_WORKLOAD, report, len, 0,
	    CSN_VERIFY_ARCHIVED, NULL);
	csn_verifier_free(v);
	csn_attester_free(a);
	csn_free(report);
	return rc;
}

TEST(a_file_is_a_reference, struct scene *s)
{
	static const char *const measures[] = { "tree", "flat", "both" };
	char *folder = folder_new(), *path, *json;
	struct csn_policy *p;
	unsigned m;

	path = path_in(folder, "model.bin");
	file_write(path, s->weights, sizeof(s->weights));
	for (m = CSN_MEASURE_TREE; m <= CSN_MEASURE_BOTH; m++) {
		assert_true(asprintf(&json, "{\"version\":1,\"workload\":"
		    "\"%s\",\"regions\":[{\"id\":\"weights\",\"file\":"
		    "\"model.bin\",\"leaf\":4096,\"measure\":\"%s\"}]}",
		    SCENE_WORKLOAD, measures[m - 1]) > 0);
		p = good(s, json, folder);
		assert_true(p->regions[0].size == sizeof(s->weights));
		assert_int_equal(verify_with(s, p, m), 0);
		s->weights[9] ^= 1;
		assert_int_equal(verify_with(s, p, m), CSN_E_DRIFT);
		s->weights[9] ^= 1;
		csn_policy_free(p);
		free(json);
	}
	/* Its size is held to what the policy says. */
	json = strdup(ONE("\"file\":\"model.bin\",\"size\":1"));
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "regions[0].file"));
	free(json);
	json = strdup(ONE("\"file\":\"gone\""));
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(), "regions[0].file"));
	free(json);
	free(path);
	folder_remove(folder);
}

TEST(a_safetensors_files_tensors_are_a_reference, struct scene *s)
{
	static const char header[] = "{\"t\":{\"dtype\":\"U8\"}}";
	size_t h = sizeof(header) - 1;
	char *folder = folder_new(), *path, *json;
	uint8_t *file;
	struct csn_policy *p;

	assert_non_null(file = calloc(1, 8 + h + sizeof(s->weights)));
	file[0] = (uint8_t)h;
	memcpy(file + 8, header, h);
	memcpy(file + 8 + h, s->weights, sizeof(s->weights));
	path = path_in(folder, "m.safetensors");
	file_write(path, file, 8 + h + sizeof(s->weights));
	assert_true(asprintf(&json, "{\"version\":1,\"workload\":\"%s\","
	    "\"regions\":[{\"id\":\"weights\",\"safetensors\":\"%s\","
	    "\"leaf\":4096}]}", SCENE_WORKLOAD, path) > 0);
	p = good(s, json, folder);
	assert_int_equal(verify_with(s, p, CSN_MEASURE_TREE), 0);
	csn_policy_free(p);
	/* Headers that are none. */
	file[7] = 1;
	file_write(path, file, 8 + h + sizeof(s->weights));
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	file[7] = 0;
	file[8] = '[';
	file_write(path, file, 8 + h + sizeof(s->weights));
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	file_write(path, file, 7);
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	file[8] = '{';
	file_write(path, file, 8 + h);	/* no tensor at all */
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	free(json);
	free(path);
	free(file);
	folder_remove(folder);
}

TEST(leaf_hashes_belong_to_their_root, struct scene *s)
{
	char *folder = folder_new(), *path;
	struct csn_policy *p;
	const uint8_t *leaves;
	const char *json;
	size_t n;

	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	leaves = csn_attester_leaves(s->attester, 1, &n);
	path = path_in(folder, "code.leaves");
	file_write(path, leaves, n * CSN_HASH_SIZE);
	json = ONE("\"leaves\":\"code.leaves\",\"leaf\":4096,\"size\":12288");
	p = good(s, json, folder);
	assert_int_equal(p->regions[0].nleaves, 3);
	assert_int_equal(p->regions[0].refs[0].has_tree, 1);
	csn_policy_free(p);
	json = ONE("\"leaves\":\"code.leaves\",\"leaf\":4096,\"size\":12289");
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	json = ONE("\"leaves\":\"code.leaves\",\"leaf\":4096,"
	    "\"size\":12288,\"tree\":\"" HEX "\"");
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "\"tree\""));
	free(path);
	folder_remove(folder);
}

TEST(any_of_several_states_is_good, struct scene *s)
{
	struct csn_snapshot snap = { .size_of = sizeof(snap) };
	char hex[2][2 * CSN_HASH_SIZE + 1], *json;
	struct csn_policy *p;
	int i, k;

	for (k = 0; k < 2; k++) {
		s->code[0] = (uint8_t)k;
		assert_int_equal(csn_attester_measure(s->attester, 0), 0);
		assert_int_equal(csn_attester_snapshot(s->attester, 1, &snap),
		    0);
		for (i = 0; i < CSN_HASH_SIZE; i++)
			(void)snprintf(hex[k] + 2 * i, 3, "%02X",
			    snap.tree[i]);
	}
	assert_true(asprintf(&json, "{\"version\":1,\"workload\":\"%s\","
	    "\"regions\":[{\"id\":\"code\",\"any\":[{\"tree\":\"%s\"},"
	    "{\"tree\":\"%s\"}]}]}", SCENE_WORKLOAD, hex[0], hex[1]) > 0);
	p = good(s, json, NULL);
	for (k = 0; k < 3; k++) {
		s->code[0] = (uint8_t)k;
		assert_int_equal(verify_with(s, p, CSN_MEASURE_TREE), k < 2 ?
		    0 : CSN_E_DRIFT);
	}
	csn_policy_free(p);
	free(json);
}

/* What a report says is a policy that it fulfils, and a changed one not. */
TEST(a_report_that_is_trusted_makes_a_policy, struct scene *s)
{
	struct csn_verifier_options o = { .size = sizeof(o) };
	char *folder = folder_new(), *json, *path;
	const char *detail;
	uint8_t *report;
	size_t len;

	report = scene_report(s, &len);
	assert_int_equal(csn_policy_from_report(s->ctx, report, len, NULL,
	    &json), 0);
	scene_policy(s, json);
	csn_free(json);
	csn_free(report);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	/* With its leaves, drift names the bytes. */
	assert_int_equal(csn_policy_from_report(s->ctx, report, len, folder,
	    &json), 0);
	csn_free(report);
	scene_policy(s, NULL);
	csn_verifier_free(s->verifier);
	path = strndup(folder, (size_t)(strrchr(folder, '/') - folder + 1));
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), path,
	    &s->policy), 0);
	csn_free(json);
	o.trust = s->trust;
	o.policy = s->policy;
	assert_int_equal(csn_verifier_new(s->ctx, &o, &s->verifier), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
	s->weights[3 * SCENE_LEAF] ^= 1;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_FAILED);
	assert_non_null(strstr(detail, "0x3000-0x3fff"));
	assert_int_equal(csn_policy_from_report(s->ctx, report, len - 1,
	    NULL, &json), CSN_E_FORM);
	csn_free(report);
	free(path);
	folder_remove(folder);
}

TEST(a_policy_is_loaded_from_its_file, struct scene *s)
{
	char *folder = folder_new(), *path, *other;
	const char *json = ONE("\"file\":\"x\"");
	struct csn_policy *p;

	path = path_in(folder, "policy.json");
	other = path_in(folder, "x");
	file_write(path, json, strlen(json));
	file_write(other, "x", 1);
	assert_int_equal(csn_policy_load(s->ctx, path, &p), 0);
	assert_int_equal(p->regions[0].size, 1);
	csn_policy_free(p);
	assert_int_equal(csn_policy_load(s->ctx, other, &p), CSN_E_FORM);
	free(other);
	other = path_in(folder, "none");
	assert_int_equal(csn_policy_load(s->ctx, other, &p),
	    CSN_E_NOT_FOUND);
	free(other);
	/* Whoever may write it decides what passes. */
	assert_int_equal(chmod(path, 0646), 0);
	assert_int_equal(csn_policy_load(s->ctx, path, &p), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "chmod go-w"));
	free(path);
	folder_remove(folder);
}
