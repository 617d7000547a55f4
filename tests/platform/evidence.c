/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/evidence.c - verifying evidence in a test. */
#include "base/text.h"
#include "lib/test.h"
#include "platform/evidence.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

void
trial_start(struct trial *t, int platform)
{
	memset(t, 0, sizeof(*t));
	t->platform = platform;
	t->at_ms = FAKE_NOW_MS;
	assert_int_equal(csn_ctx_new(NULL, &t->ctx), 0);
}

void
trial_set(struct fake_bytes *slot, struct fake_bytes value)
{
	free(slot->p);
	*slot = value;
}

void
trial_end(struct trial *t)
{
	size_t i;

	free(t->evidence.p);
	free(t->root.p);
	for (i = 0; i < COUNT(t->certs); i++)
		free(t->certs[i].p);
	for (i = 0; i < COUNT(t->collateral); i++)
		free(t->collateral[i].p);
	csn_result_free(t->result);
	csn_ctx_free(t->ctx);
}

static size_t
blobs(const struct fake_bytes *from, size_t n, struct csn_bytes *to)
{
	size_t i, k = 0;

	for (i = 0; i < n; i++)
		if (from[i].len > 0)
			to[k++] = (struct csn_bytes){ from[i].p, from[i].len };
	return k;
}

int
trial_run(struct trial *t)
{
	struct csn_bytes certs[COUNT(t->certs)], root;
	struct csn_bytes collateral[COUNT(t->collateral)];
	struct csn_platform_options o = {
		.size = sizeof(o), .require = t->require,
		.certs = certs, .collateral = collateral,
		.nonce = t->nonce, .nonce_len = t->nonce_len,
		.at_ms = t->at_ms, .policy_json = t->policy,
		.policy_len = t->policy != NULL ? strlen(t->policy) : 0,
		.cache = t->cache
	};

	o.ncerts = blobs(t->certs, COUNT(t->certs), certs);
	o.ncollateral = blobs(t->collateral, COUNT(t->collateral),
	    collateral);
	if (blobs(&t->root, 1, &root) == 1)
		o.root = &root;
	csn_result_free(t->result);
	t->result = NULL;
	assert_int_equal(csn_result_new(t->ctx, &t->result), 0);
	return csn_platform_verify(t->ctx, t->platform, t->evidence.p,
	    t->evidence.len, &o, t->result);
}

static int
find(const struct trial *t, const char *check, int *status,
    const char **detail)
{
	const char *name;
	size_t i;

	for (i = 0; csn_result_get(t->result, i, &name, status,
	    detail) == 0; i++)
		if (strcmp(name, check) == 0)
			return 1;
	return 0;
}

const char *
trial_status(const struct trial *t, const char *check)
{
	static const char *const words[] = { "passed", "failed", "skipped" };
	const char *detail;
	int status;

	return find(t, check, &status, &detail) ? words[status] : "absent";
}

const char *
trial_detail(const struct trial *t, const char *check)
{
	const char *detail;
	int status;

	return find(t, check, &status, &detail) && detail != NULL ? detail :
	    "";
}

static void
show(const struct trial *t)
{
	char *json = NULL;

	if (csn_result_json(t->ctx, t->result, &json) == 0)
		print_message("%s\n", json);
	csn_free(json);
}

void
trial_expect(const struct trial *t, const char *check, const char *status)
{
	if (strcmp(trial_status(t, check), status) == 0)
		return;
	show(t);
	fail_msg("%s: %s, not %s", check, trial_status(t, check), status);
}

static void
refused(struct trial *t, const char *what, int code, const char *check)
{
	const char *name = "", *detail;
	int rc = trial_run(t), status = CSN_CHECK_PASSED;
	size_t i;

	for (i = 0; status != CSN_CHECK_FAILED && csn_result_get(t->result,
	    i, &name, &status, &detail) == 0; i++)
		;
	if (rc == code && status == CSN_CHECK_FAILED &&
	    strcmp(name, check) == 0)
		return;
	show(t);
	fail_msg("%s%s at %s, not %s at %s", what, csn_error_name(rc),
	    status == CSN_CHECK_FAILED ? name : "nothing",
	    csn_error_name(code), check);
}

void
trial_refused(struct trial *t, int code, const char *check)
{
	refused(t, "", code, check);
}

void
trial_refused_for(struct trial *t, const char *what, int code,
    const char *check, const char *says)
{
	char label[128];

	(void)snprintf(label, sizeof(label), "%s: ", what);
	refused(t, label, code, check);
	if (strstr(trial_detail(t, check), says) == NULL)
		fail_msg("%s'%s', not '%s'", label, trial_detail(t, check),
		    says);
}

void
trial_good(struct trial *t)
{
	int rc = trial_run(t);

	if (rc == 0 && csn_result_count(t->result) > 0)
		return;
	show(t);
	fail_msg("%s: %s", csn_error_name(rc), csn_message());
}

struct fake_bytes
trial_vector(const char *rel)
{
	struct fake_bytes b = { NULL, 0 };
	char *path = test_shared_path(rel);
	uint8_t buf[4096];
	size_t n;
	FILE *f;

	if (path == NULL)
		test_skip("the outside test vectors are not there");
	f = fopen(path, "rb");
	free(path);
	assert_non_null(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		fake_put(&b, buf, n);
	fclose(f);
	assert_true(b.len > 0);
	return b;
}

struct fake_bytes
trial_vector_hex(const char *rel)
{
	struct fake_bytes b = trial_vector(rel);
	size_t n = b.len;

	while (n > 0 && b.p[n - 1] <= ' ')
		n--;
	/* In place: each byte is read before it is written. */
	assert_int_equal(csn_hex_decode((const char *)b.p, n, b.p, n / 2), 0);
	b.len = n / 2;
	return b;
}

uint64_t
trial_time(const char *text)
{
	uint64_t ms = 0;

	assert_int_equal(csn_time_parse(text, strlen(text), &ms), 0);
	return ms;
}
