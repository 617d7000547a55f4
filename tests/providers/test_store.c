/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c - the suite over every store, and how stores are chosen. */
#include "lib/test.h"
#include "providers/store_suite.h"

TEST(unknown_scheme_names_those_there_are)
{
	struct csn_store *store = NULL;
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_store_open(ctx, "floppy:", &store),
	    CSN_E_UNKNOWN_BACKEND);
	assert_non_null(strstr(csn_message(), "memory"));
	assert_non_null(strstr(csn_message(), "list"));
	assert_non_null(strstr(csn_message(), "floppy"));
	assert_int_equal(csn_store_open(ctx, "memory", &store), CSN_E_ARG);
	assert_int_equal(csn_store_open(ctx, NULL, &store), CSN_E_ARG);
	assert_null(store);
	csn_ctx_free(ctx);
}

static void
nothing(void *state, struct csn_store_buf *buf)
{
	(void)state;
	(void)buf;
}

static int
no_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	(void)state;
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	(void)ttl_ms;
	return CSN_E_NOT_FOUND;
}

TEST(registering_checks_what_it_is_given)
{
	struct csn_store_provider p = store_list;

	assert_int_equal(csn_store_register(&store_list), CSN_E_EXISTS);
	p.name = "memory";
	assert_int_equal(csn_store_register(&p), CSN_E_EXISTS);
	p.name = "other";
	p.abi = CSN_STORE_ABI + 1;
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
	p.abi = CSN_STORE_ABI;
	p.flags = CSN_STORE_PRIVATE << 1;
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
	p.flags = 0;
	p.get = NULL;
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
	p = store_list;
	p.name = "Other:";
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
	p.name = "other";
	/* Some functions in place, but not all. */
	p.abort = nothing;
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
	assert_int_equal(csn_store_register(NULL), CSN_E_ARG);
	/* One of two that go together. */
	p = store_list;
	p.name = "other";
	p.ttl = no_ttl;
	assert_int_equal(csn_store_register(&p), CSN_E_ARG);
}

static void
untold(void *arg, const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len)
{
	(void)arg;
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
}

TEST(own_provider_gets_a_sentence)
{
	struct csn_store *store;
	struct csn_ctx *ctx;
	uint8_t p[1];
	size_t len = 1;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_store_open(ctx, "list:", &store), 0);
	assert_int_equal(csn_store_put(store, p, 1, p, 0, p, 1), CSN_E_ARG);
	assert_int_equal(csn_store_get(store, (const uint8_t *)"s", 1,
	    (const uint8_t *)"k", 1, p, &len), CSN_E_NOT_FOUND);
	assert_int_equal(csn_message_code(), CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(), "list store"));
	assert_int_equal(csn_store_on_evict(store, untold, NULL),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_on_evict(store, NULL, NULL), CSN_E_ARG);
	assert_int_equal(csn_store_abilities(store), 0);
	csn_store_close(store);
	csn_ctx_free(ctx);
}

int
test_main(void)
{
	static const char *const urls[] = {
		"memory:", "memory:?bytes=16M&slab=64K",
		"memory:?bytes=512M&share=0.5", "list:",
	};
	int failed;

	if (csn_store_register(&store_list) != 0)
		return 1;
	failed = store_suite(urls, sizeof(urls) / sizeof(urls[0]));
	return failed + test_run("stores");
}
