/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kv/store_fixture.c - a manager, a store, and the KV store over both. */
#include "kv/kv_store.h"
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

void
store_start(struct store_fixture *sh, const char *url,
    const struct store_options *options)
{
	static const struct store_options none;
	const struct store_options *o = options != NULL ? options : &none;
	const struct csn_manager_options mo = { .size = sizeof(mo),
	    .session = o->session, .audit = o->audit };

	sh->ctx = o->ctx != NULL ? o->ctx : pair_ctx();
	assert_int_equal(csn_manager_new(sh->ctx, &mo, &sh->mgr), 0);
	assert_int_equal(csn_store_open(sh->ctx, url, &sh->store), 0);
	assert_int_equal(csn_kv_store_new(sh->mgr, sh->store, o->store,
	    &sh->kv), 0);
	store_tenant(sh, "acme");
}

void
store_end(struct store_fixture *sh)
{
	csn_kv_store_free(sh->kv);
	csn_kv_store_free(NULL);
	csn_store_close(sh->store);
	csn_manager_free(sh->mgr);
	csn_ctx_free(sh->ctx);
}

void
store_tenant(struct store_fixture *sh, const char *tenant)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = tenant };

	assert_int_equal(csn_manager_create(sh->mgr, &t, NULL), 0);
}

int
store_put(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed)
{
	struct message p;
	int rc;

	message_fill(&p, slot, key_len, value_len, seed);
	rc = csn_kv_store_put(sh->kv, tenant, slot, p.key, key_len, p.value,
	    value_len);
	message_free(&p);
	return rc;
}

int
store_get(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed)
{
	uint8_t *key = malloc(key_len + 1), *value = malloc(value_len + 1);
	size_t got_key = key_len, got_value = value_len;
	struct message p;
	int rc;

	assert_true(key != NULL && value != NULL);
	memset(key, 0xcc, key_len + 1);
	memset(value, 0xcc, value_len + 1);
	message_fill(&p, slot, key_len, value_len, seed);
	rc = csn_kv_store_get(sh->kv, tenant, slot, key, &got_key, value,
	    &got_value);
	if (rc == 0) {
		assert_int_equal(got_key, key_len);
		assert_int_equal(got_value, value_len);
		assert_memory_equal(key, p.key, key_len);
		assert_memory_equal(value, p.value, value_len);
	} else {
		if (key_len >= 16)
			assert_memory_not_equal(key, p.key, 16);
		if (value_len >= 16)
			assert_memory_not_equal(value, p.value, 16);
	}
	assert_int_equal(key[key_len], 0xcc);
	assert_int_equal(value[value_len], 0xcc);
	message_free(&p);
	free(key);
	free(value);
	return rc;
}

struct csn_store_stat
store_stat(struct store_fixture *sh, const char *tenant)
{
	struct csn_store_stat st = { .size = sizeof(st) };

	assert_int_equal(csn_kv_store_stat(sh->kv, tenant, &st), 0);
	return st;
}

struct csn_session_info
store_info(struct store_fixture *sh, const char *tenant)
{
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_session *s;

	assert_int_equal(csn_manager_session(sh->mgr, tenant, &s), 0);
	csn_session_get_info(s, &info);
	csn_session_free(s);
	return info;
}

uint8_t *
store_copy(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t *len)
{
	uint8_t key[CSN_KV_STORE_KEY], *copy;
	struct csn_store_buf buf;

	csn_kv_store_key(slot, key);
	assert_int_equal(csn_store_borrow(sh->store, (const uint8_t *)tenant,
	    strlen(tenant), key, sizeof(key), &buf), 0);
	*len = buf.len;
	assert_non_null(copy = malloc(buf.len));
	memcpy(copy, buf.p, buf.len);
	csn_store_release(sh->store, &buf);
	return copy;
}

void
store_plant(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, const uint8_t *p, size_t len)
{
	uint8_t key[CSN_KV_STORE_KEY];

	csn_kv_store_key(slot, key);
	assert_int_equal(csn_store_put(sh->store, (const uint8_t *)tenant,
	    strlen(tenant), key, sizeof(key), p, len), 0);
}

/* A provider of the program's own: a memory store behind plain calls. */
static int
copying_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_store *store;
	char url[128] = "memory:";
	int rc;

	strncat(url, rest, sizeof(url) - 8);
	if ((rc = csn_store_open(ctx, url, &store)) == 0)
		*state = store;
	return rc;
}

static int
copying_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return csn_store_put(state, space, space_len, key, key_len, value,
	    len);
}

static int
copying_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	return csn_store_get(state, space, space_len, key, key_len, value,
	    len);
}

static int
copying_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	return csn_store_remove(state, space, space_len, key, key_len);
}

static int
copying_drop(void *state, const uint8_t *space, size_t space_len)
{
	return csn_store_drop(state, space, space_len);
}

static int
copying_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	return csn_store_each(state, space, space_len, visit, arg);
}

static int
copying_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	return csn_store_stat(state, space, space_len, out);
}

static void
copying_close(void *state)
{
	csn_store_close(state);
}

void
store_register_copying(void)
{
	static const struct csn_store_provider copying = {
		.abi = CSN_STORE_ABI, .name = "copying",
		.open = copying_open, .put = copying_put, .get = copying_get,
		.remove = copying_remove, .drop = copying_drop,
		.list = copying_list, .stat = copying_stat,
		.close = copying_close,
	};

	assert_int_equal(csn_store_register(&copying), 0);
}
