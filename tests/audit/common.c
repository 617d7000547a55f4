/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/common.h"
#include "base/text.h"
#include "lib/fixture.h"

struct csn_audit_record
record_of(uint64_t i)
{
	struct csn_audit_record r = { .size = sizeof(r) };

	r.op = i % 2 == 0 ? CSN_AUDIT_ENCRYPT : CSN_AUDIT_DECRYPT;
	r.success = i % 7 != 3;
	r.code = r.success ? 0 : CSN_E_TAG;
	r.flags = CSN_AUDIT_HAS_SESSION | CSN_AUDIT_HAS_SEQUENCE;
	r.sequence = i;
	r.count = 1;
	r.bytes = 4096;
	r.tenant = i % 3 == 0 ? "globex" : "acme";
	r.detail = r.success ? NULL : "a \"tampered\" entry";
	memset(r.session, (int)(i & 0xff), sizeof(r.session));
	return r;
}

void
append_range(struct csn_audit *a, uint64_t from, uint64_t to)
{
	struct csn_audit_record r;

	for (; from < to; from++) {
		r = record_of(from);
		assert_int_equal(csn_audit_append(a, &r), 0);
	}
}

struct csn_audit *
open_log(struct csn_ctx *ctx, const char *folder,
    const struct csn_audit_options *options)
{
	char *path = path_in(folder, "log");
	struct csn_audit *a = NULL;
	int rc;

	rc = csn_audit_open(ctx, path, options, &a);
	free(path);
	if (rc != 0)
		fail_msg("opening the log: %s", csn_message());
	return a;
}

int
verify_log(struct csn_ctx *ctx, const char *folder, const char *head,
    struct csn_trust *trust, int keyed, struct csn_result *result)
{
	struct csn_audit_verify_options o = { .size = sizeof(o) };
	char *path = path_in(folder, "log"), *key, *text;
	uint8_t first[CSN_KEY_SIZE];
	size_t len;
	int rc;

	o.expect_head = head;
	o.trust = trust;
	if (keyed) {
		key = path_in(path, "first.key");
		text = file_read(key, &len);
		assert_int_equal(csn_hex_decode(text, 64, first, 32), 0);
		o.first_key = first;
		free(text);
		free(key);
	}
	rc = csn_audit_verify(ctx, path, &o, result);
	free(path);
	return rc;
}

const char *
check_of(const struct csn_result *r, const char *name, int *status)
{
	const char *is, *detail;
	size_t i;

	for (i = 0; i < csn_result_count(r); i++) {
		assert_int_equal(csn_result_get(r, i, &is, status, &detail),
		    0);
		if (strcmp(is, name) == 0)
			return detail;
	}
	return NULL;
}
