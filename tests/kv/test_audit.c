/* SPDX-License-Identifier: Apache-2.0 */
/* test_audit.c - what sealing and opening leave in the log, and without it. */
#include <signal.h>
#include <sys/resource.h>

#include "identity/people.h"
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

static struct csn_ctx *ctx;
static struct csn_audit *log_;

struct line {
	struct csn_audit_record r;
	char tenant[80];
	char detail[200];
};

static struct line lines[600];
static size_t nlines;

static int
take(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct line *l = &lines[nlines++];

	(void)arg;
	(void)n;
	assert_true(nlines <= 600);
	assert_in_range(unix_ms, pair_wall, csn_ctx_wall_ms(ctx));
	l->r = *r;
	strncpy(l->tenant, r->tenant != NULL ? r->tenant : "",
	    sizeof(l->tenant) - 1);
	strncpy(l->detail, r->detail != NULL ? r->detail : "",
	    sizeof(l->detail) - 1);
	return 0;
}

/* All records of one operation, NULL for any. */
static size_t
read_log(struct csn_audit *audit, const char *op)
{
	const struct csn_audit_filter f = { .size = sizeof(f),
	    .op = op };

	nlines = 0;
	assert_int_equal(csn_audit_each(audit, &f, take, NULL), 0);
	return nlines;
}

static struct csn_session *
logged(const char *tenant, uint32_t grain)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .audit = log_, .audit_grain = grain };

	return pair_local(ctx, tenant, &o);
}

TEST(a_sessions_life_is_in_the_log)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .audit = log_, .ttl_ms = 1000, .max_entries = 1 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t;

	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	pair_boot += 1000;
	assert_int_equal(csn_session_is_valid(s), 0);
	assert_int_equal(csn_session_is_valid(s), 0);
	csn_session_close(s);
	csn_session_free(s);
	assert_int_equal(read_log(log_, CSN_AUDIT_SESSION_OPEN), 1);
	assert_string_equal(lines[0].tenant, "acme");
	assert_string_equal(lines[0].detail, "ML-KEM-768");
	assert_int_equal(read_log(log_, CSN_AUDIT_ROTATE), 2);
	assert_string_equal(lines[0].detail, "MANUAL");
	assert_string_equal(lines[1].detail, "ENTRY_COUNT");
	assert_int_equal(read_log(log_, CSN_AUDIT_SESSION_EXPIRE), 1);
	assert_int_equal(read_log(log_, CSN_AUDIT_SESSION_CLOSE), 1);
}

/* What the detail of layer 7's i-th entry says. */
static const char *
place(size_t i, int code)
{
	static char text[160];

	snprintf(text, sizeof(text), "layer 7 position %zu%s%s", 1000 + i,
	    code != 0 ? ": " : "", code != 0 ? csn_error_text(code) : "");
	return text;
}

TEST(each_entry_has_a_record)
{
	struct csn_session *s = logged("acme", CSN_AUDIT_PER_ENTRY);
	struct csn_kv_item items[100];
	struct csn_kv_slot slot;
	struct message p[100];
	size_t i;
	int pass;

	for (i = 0; i < 100; i++) {
		slot = slot_entry(7, 1000 + i);
		message_fill(&p[i], &slot, i, 3, (unsigned)i);
		message_item(&p[i], s, &items[i]);
	}
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, items, 100), 0);
	p[50].sealed[130] ^= 1;
	assert_int_equal(csn_kv_open_batch(ctx, NULL, items, 100), CSN_E_TAG);
	for (pass = 0; pass < 2; pass++) {
		assert_int_equal(read_log(log_, pass == 0 ?
		    CSN_AUDIT_ENCRYPT : CSN_AUDIT_DECRYPT), 100);
		for (i = 0; i < 100; i++) {
			assert_string_equal(lines[i].tenant, "acme");
			assert_int_equal(lines[i].r.flags,
			    CSN_AUDIT_HAS_SEQUENCE |
			    CSN_AUDIT_HAS_SESSION);
			assert_string_equal(lines[i].detail,
			    place(i, pass == 1 && i == 50 ? CSN_E_TAG : 0));
			assert_int_equal(lines[i].r.sequence, i);
			assert_int_equal(lines[i].r.count, 1);
			assert_memory_equal(lines[i].r.session,
			    csn_session_id(s), 16);
			if (pass == 1 && i == 50) {
				assert_int_equal(lines[i].r.success, 0);
				assert_int_equal(lines[i].r.code, CSN_E_TAG);
				assert_int_equal(lines[i].r.bytes, 0);
				assert_true(lines[i].detail[0] != '\0');
				continue;
			}
			assert_int_equal(lines[i].r.success, 1);
			assert_int_equal(lines[i].r.code, 0);
			assert_int_equal(lines[i].r.bytes, i + 3);
		}
	}
	for (i = 0; i < 100; i++)
		message_free(&p[i]);
	csn_session_free(s);
}

TEST(a_batch_has_one_record_and_one_for_each_failure)
{
	struct csn_session *s = logged("acme", CSN_AUDIT_PER_BATCH);
	struct csn_kv_item items[100];
	struct csn_kv_slot slot;
	struct message p[100];
	uint64_t opened = 0, bytes = 0;
	size_t i;

	for (i = 0; i < 100; i++) {
		slot = slot_entry(7, 1000 + i);
		message_fill(&p[i], &slot, 10, 3, (unsigned)i);
		message_item(&p[i], s, &items[i]);
	}
	/* Runs are of 64 where all is one session's. */
	assert_int_equal(csn_kv_seal_batch(ctx, NULL, items, 64), 0);
	assert_int_equal(read_log(log_, CSN_AUDIT_ENCRYPT), 1);
	assert_int_equal(lines[0].r.count, 64);
	assert_int_equal(lines[0].r.bytes, 64 * 13);
	assert_int_equal(lines[0].r.sequence, 0);
	p[0].sealed[130] ^= 1;
	p[10].sealed[130] ^= 1;
	assert_int_equal(csn_kv_open_batch(ctx, NULL, items, 64), CSN_E_TAG);
	/* And runs of opening are of 48. */
	assert_int_equal(read_log(log_, CSN_AUDIT_DECRYPT), 4);
	for (i = 0; i < 4; i++) {
		if (lines[i].r.success) {
			opened += lines[i].r.count;
			bytes += lines[i].r.bytes;
		} else
			assert_int_equal(lines[i].r.code, CSN_E_TAG);
	}
	assert_int_equal(opened, 62);
	assert_int_equal(bytes, 62 * 13);
	for (i = 0; i < 100; i++)
		message_free(&p[i]);
	csn_session_free(s);
}

static size_t
violations_of(const char *tenant)
{
	size_t i, n = 0;

	for (i = read_log(log_, CSN_AUDIT_ISOLATION_VIOLATION); i > 0; i--) {
		assert_int_equal(lines[i - 1].r.code, CSN_E_TENANT);
		assert_int_equal(lines[i - 1].r.success, 0);
		n += strcmp(lines[i - 1].tenant, tenant) == 0;
	}
	return n;
}

TEST(a_violation_of_isolation_is_in_the_log)
{
	struct csn_session *s = logged("victim", CSN_AUDIT_PER_BATCH);
	const struct csn_manager_options o = { .size = sizeof(o),
	    .audit = log_ };
	const struct csn_tenant made = { .size = sizeof(made), .id = "made" };
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_session *adopted;
	struct csn_manager *mgr;
	struct csn_kv_item item;
	struct message p;

	assert_int_equal(csn_manager_new(ctx, &o, &mgr), 0);
	assert_int_equal(csn_manager_create(mgr, &made, NULL), 0);
	/* From a handshake, without a log of its own. */
	adopted = pair_local(ctx, "adopted", NULL);
	assert_int_equal(csn_manager_adopt(mgr, adopted), 0);
	message_make(&p, s, &slot, 20, 20, 1);
	assert_int_equal(message_open_by(&p, mgr, ctx, "made"), CSN_E_TENANT);
	assert_int_equal(violations_of("made"), 1);
	assert_int_equal(message_open_by(&p, mgr, ctx, "adopted"),
	    CSN_E_TENANT);
	assert_int_equal(violations_of("adopted"), 1);
	message_item(&p, NULL, &item);
	item.tenant = "adopted";
	assert_int_equal(
	    csn_manager_open_batch(mgr, NULL, &item, 1), CSN_E_TENANT);
	assert_int_equal(violations_of("adopted"), 2);
	message_free(&p);
	csn_manager_free(mgr);
	csn_session_free(adopted);
	csn_session_free(s);
}

/* No file of this process may grow: as a full disk. */
static void
disk_full(int full)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 1 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(without_its_log_nothing_is_sealed_or_opened)
{
	const struct csn_audit_options ao = { .size = sizeof(ao),
	    .sync = CSN_AUDIT_SYNC_NEVER };
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_audit *file;
	struct csn_session *s;
	struct csn_kv_item item;
	struct message p, q;
	uint32_t grain;
	char *folder;

	signal(SIGXFSZ, SIG_IGN);
	folder = folder_new();
	assert_int_equal(csn_audit_open(ctx, folder, &ao, &file), 0);
	o.audit = file;
	for (grain = 0; grain < 2; grain++) {
		o.audit_grain = grain;
		s = pair_local(ctx, "acme", &o);
		message_make(&p, s, &slot, 20, 30, 1);
		disk_full(1);
		assert_int_equal(message_open(&p, s), CSN_E_IO);
		slot.position++;
		message_fill(&q, &slot, 20, 30, 2);
		assert_int_equal(message_seal(&q, s), CSN_E_IO);
		/* Nor in a batch, nor over what is there. */
		message_item(&p, s, &item);
		assert_int_equal(
		    csn_kv_open_batch(ctx, NULL, &item, 1), CSN_E_IO);
		assert_true(all_zero(p.key, 20) && all_zero(p.value, 30));
		/* Rotation has happened all the same, and is counted. */
		assert_int_equal(csn_session_rotate(s, 0), 0);
		csn_session_get_info(s, &info);
		assert_int_equal(info.audit_failures, 1);
		disk_full(0);
		/* With the log back, everything is. */
		message_item(&p, s, &item);
		assert_int_equal(csn_kv_open(ctx, &item), 0);
		assert_int_equal(message_seal(&q, s), 0);
		assert_int_equal(message_open(&q, s), 0);
		message_free(&p);
		message_free(&q);
		csn_session_free(s);
	}
	csn_audit_close(file);
	folder_remove(folder);
}

TEST(a_store_without_its_log_keeps_what_it_had)
{
	const struct csn_audit_options ao = { .size = sizeof(ao),
	    .sync = CSN_AUDIT_SYNC_NEVER };
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct store_options so = { .ctx = ctx };
	struct csn_audit *file;
	struct store_fixture sh;
	char *folder;

	signal(SIGXFSZ, SIG_IGN);
	folder = folder_new();
	assert_int_equal(csn_audit_open(ctx, folder, &ao, &file), 0);
	so.audit = file;
	store_start(&sh, "memory:?bytes=1M&slab=64K", &so);
	assert_int_equal(store_put(&sh, "acme", &slot, 20, 20, 1), 0);
	disk_full(1);
	assert_int_equal(store_get(&sh, "acme", &slot, 20, 20, 1), CSN_E_IO);
	assert_int_equal(store_put(&sh, "acme", &slot, 20, 20, 2), CSN_E_IO);
	disk_full(0);
	assert_int_equal(store_get(&sh, "acme", &slot, 20, 20, 1), 0);
	assert_int_equal(store_put(&sh, "acme", &slot, 20, 20, 3), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 20, 20, 3), 0);
	csn_kv_store_free(sh.kv);
	csn_store_close(sh.store);
	csn_manager_free(sh.mgr);
	csn_audit_close(file);
	folder_remove(folder);
}

TEST(asking_for_lengths_is_no_opening)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .audit = log_ };
	struct store_options so = { .ctx = ctx, .session = &o };
	struct csn_kv_slot slot = slot_entry(1, 2);
	size_t key_len = 0, value_len = 0, len;
	uint8_t *bytes;
	struct store_fixture sh;

	store_start(&sh, "memory:?bytes=1M&slab=64K", &so);
	assert_int_equal(store_put(&sh, "acme", &slot, 20, 30, 1), 0);
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, NULL,
	    &key_len, NULL, &value_len), CSN_E_BUFFER);
	assert_int_equal(key_len, 20);
	assert_int_equal(value_len, 30);
	assert_int_equal(read_log(log_, CSN_AUDIT_DECRYPT), 0);
	/* What is refused is in the log, whoever asked for what. */
	bytes = store_copy(&sh, "acme", &slot, &len);
	bytes[len - 1] ^= 1;
	store_plant(&sh, "acme", &slot, bytes, len);
	free(bytes);
	key_len = value_len = 0;
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, NULL,
	    &key_len, NULL, &value_len), CSN_E_TAG);
	assert_int_equal(read_log(log_, CSN_AUDIT_DECRYPT), 1);
	assert_int_equal(lines[0].r.code, CSN_E_TAG);
	csn_kv_store_free(sh.kv);
	csn_store_close(sh.store);
	csn_manager_free(sh.mgr);
}

BEFORE_EACH
{
	ctx = pair_ctx();
	assert_int_equal(csn_audit_new_memory(ctx, 0, &log_), 0);
}

AFTER_EACH
{
	csn_audit_close(log_);
	csn_ctx_free(ctx);
}
