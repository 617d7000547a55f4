/* SPDX-License-Identifier: Apache-2.0 */
/* Every public structure, at every size that a caller may give it. */
#include <dirent.h>

#include "abi/sized.h"
#include "identity/people.h"
#include "lib/test.h"

struct world w;

#ifndef HAVE_CACHE
const struct row cache_rows[1];
const size_t ncache_rows;
void cache_world_start(void) { }
void cache_world_end(void) { }
#endif

/* Without a size of the caller's, and the reason. */
static const char *const fixed[] = {
	/* Vtables, which have an abi number instead. */
	"csn_aead_engine", "csn_keystore_provider", "csn_region_provider",
	"csn_store_provider",
	/* A pointer and its length: they never grow. */
	"csn_bytes", "csn_cache_buffer", "csn_range",
	"csn_store_buf", "csn_aead_part", "csn_cache_times",
	/* Their size is an argument of the call, or there is none yet. */
	"csn_kv_item", "csn_kv_slot", "csn_aead_msg", "csn_cachekit_bind",
	"csn_cache_native_bind",
	/* The library fills them for a callback, with its own size. */
	"csn_beat", "csn_cache_event",
};

static const struct row *
row_at(size_t i)
{
	return i < nrows ? &rows[i] : &cache_rows[i - nrows];
}

/*
 * Call with a structure of size bytes, on the heap and no longer, so that a
 * sanitizer sees whoever reads or writes past it.
 */
static int
call(const struct row *r, uint32_t size, size_t set)
{
	size_t len = size >= r->least ? size : r->today;
	uint8_t *s = calloc(1, len);
	uint32_t after;
	int rc;

	assert_non_null(s);
	memcpy(s, r->whole, len < r->today ? len : r->today);
	memcpy(s, &size, sizeof(size));
	if (set != 0)
		s[set] = 1;
	rc = r->call(s);
	memcpy(&after, s, sizeof(after));
	assert_int_equal(after, size);
	free(s);
	return rc;
}

static void
expect(const struct row *r, uint32_t size, size_t set, int want)
{
	int rc = call(r, size, set);

	if (rc == want)
		return;
	print_error("%s of %u bytes in %s%s: %s, not %s (%s)\n", r->name, size,
	    r->function, set != 0 ? ", with an unknown byte set" : "",
	    csn_error_name(rc), csn_error_name(want), csn_message());
	fail();
}

#define EACH(r) \
	for (size_t each = 0; each < nrows + ncache_rows && \
	    ((r) = row_at(each)) != NULL; each++)

TEST(a_size_that_was_forgotten_or_is_too_small_is_refused)
{
	const struct row *r;
	uint32_t size;

	EACH(r)
		for (size = 0; size < r->least; size += 4)
			expect(r, size, 0, CSN_E_ARG);
}

TEST(the_size_of_the_first_release_is_served_for_ever)
{
	const struct row *r;

	if (sizeof(void *) != 8)
		test_skip("the sizes are those of 64 bits");
	EACH(r) {
		expect(r, r->least, 0, r->want);
		expect(r, r->least - 1, 0, CSN_E_ARG);
	}
}

TEST(todays_size_is_served)
{
	const struct row *r;

	EACH(r)
		expect(r, r->today, 0, r->want);
}

TEST(a_larger_structure_is_served_where_it_asks_for_nothing_unknown)
{
	const struct row *r;

	EACH(r) {
		expect(r, r->today + 8, 0, r->want);
		expect(r, r->today + 8, r->today, CSN_E_ARG);
		expect(r, r->today + 8, r->today + 7, CSN_E_ARG);
		expect(r, r->today + 4096, r->today + 2000, CSN_E_ARG);
	}
}

static int
is_known(const char *name)
{
	const struct row *r;
	size_t i;

	EACH(r)
		if (strcmp(r->name, name) == 0)
			return 1;
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(fixed[i], name) == 0)
			return 1;
	return 0;
}

TEST(no_public_structure_is_left_out_of_this_table)
{
	char *folder = test_source_path("include/caisson"), path[4096];
	char line[256], name[128];
	struct dirent *d;
	size_t seen = 0;
	DIR *dir;
	FILE *f;

	assert_non_null(dir = opendir(folder));
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' ||
		    (ncache_rows == 0 && strncmp(d->d_name, "cache", 5) == 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		assert_non_null(f = fopen(path, "r"));
		while (fgets(line, sizeof(line), f) != NULL) {
			if (sscanf(line, "struct %127[a-z0-9_] {", name) != 1 ||
			    strchr(line, '{') == NULL)
				continue;
			seen++;
			if (!is_known(name))
				fail_msg("%s of %s has no row", name,
				    d->d_name);
		}
		fclose(f);
	}
	closedir(dir);
	free(folder);
	assert_true(seen > 30);
}

BEFORE_ALL
{
	static uint8_t page[4096];
	const struct csn_region r = { .size_of = sizeof(r), .id = "page",
		.description = "", .address = 0x10000, .size = sizeof(page),
		.protection = CSN_PROT_RW };
	const struct csn_attester_options a = { .size = sizeof(a),
		.workload = "w" };
	const struct csn_acceptor_options o = { .size = sizeof(o),
		.allow_transport = 1, .rate = 100000, .tenant_rate = 100000 };
	const struct csn_tenant t = { sizeof(t), "acme", NULL };
	const uint8_t *document;
	size_t len;

	assert_non_null(w.ctx = people_ctx());
	assert_non_null(w.folder = folder_new());
	w.identity = people_quick(w.ctx, 1, "server");
	document = csn_identity_document(w.identity, &len);
	assert_int_equal(csn_document_verify(w.ctx, document, len,
	    &w.document), 0);
	assert_int_equal(csn_trust_new(w.ctx, &w.trust), 0);
	people_trust(w.ctx, w.trust, w.identity, CSN_PURPOSE_SERVER);
	assert_int_equal(csn_audit_new_memory(w.ctx, 0, &w.log), 0);
	assert_int_equal(csn_acceptor_new(w.ctx, w.identity, w.trust, &o,
	    &w.acceptor), 0);
	assert_int_equal(csn_session_local(w.ctx, &t, NULL, &w.session), 0);
	assert_int_equal(csn_manager_new(w.ctx, NULL, &w.manager), 0);
	assert_int_equal(csn_manager_create(w.manager, &t, NULL), 0);
	assert_int_equal(csn_store_open(w.ctx, "memory:?bytes=1M", &w.store),
	    0);
	assert_int_equal(csn_kv_store_new(w.manager, w.store, NULL, &w.kv), 0);
	assert_int_equal(csn_regions_open(w.ctx, "buffer:", &w.regions), 0);
	assert_int_equal(csn_regions_add_buffer(w.regions, &r, page), 0);
	assert_int_equal(csn_note_new(w.ctx, w.folder, &w.note), 0);
	assert_int_equal(csn_attester_new(w.ctx, w.regions, &a, &w.attester),
	    0);
	assert_int_equal(csn_attester_measure(w.attester, 0), 0);
	assert_int_equal(csn_result_new(w.ctx, &w.result), 0);
	cache_world_start();
	assert_non_null(w.ctx);
}

AFTER_ALL
{
	cache_world_end();
	csn_result_free(w.result);
	csn_attester_free(w.attester);
	csn_note_free(w.note);
	csn_regions_close(w.regions);
	csn_kv_store_free(w.kv);
	csn_store_close(w.store);
	csn_manager_free(w.manager);
	csn_session_free(w.session);
	csn_acceptor_free(w.acceptor);
	csn_audit_close(w.log);
	csn_trust_free(w.trust);
	csn_document_free(w.document);
	csn_identity_free(w.identity);
	folder_remove(w.folder);
	csn_ctx_free(w.ctx);
}
