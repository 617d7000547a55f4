/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threats.c - who reads or writes the backend, or this process's memory,
 * learns nothing and changes nothing unseen, but for what the format cannot
 * tell: an older value of the same key.
 */
#include "cache/cache_fixture.h"
#include "lib/test.h"
#include "session/scan.h"

#define SECRET 48

static struct cache_fixture l;
static struct needle needle;

static const uint8_t *
key_of(const char *key)
{
	return (const uint8_t *)key;
}

/* What the backend has under key; free(). */
static uint8_t *
steal(const char *key, size_t *len)
{
	struct csn_store_buf buf;
	uint8_t *copy;

	assert_int_equal(csn_store_borrow(l.store, NULL, 0, key_of(key),
	    strlen(key), &buf), 0);
	assert_non_null(copy = malloc(buf.len + 1));
	memcpy(copy, buf.p, buf.len);
	*len = buf.len;
	csn_store_release(l.store, &buf);
	return copy;
}

static void
plant(const char *key, const void *p, size_t len)
{
	assert_int_equal(csn_store_put(l.store, NULL, 0, key_of(key),
	    strlen(key), p, len), 0);
}

/* How another process, which has nothing in memory, reads key. */
static int
fresh_get(const char *key, const struct csn_cache_call_options *how,
    struct csn_cache_value *v)
{
	struct csn_cache *other = cache_second(&l, NULL);
	int rc = csn_cache_get(other, key, how, v);

	csn_cache_free(other);
	return rc;
}

static struct csn_cache_call_options
strictly(uint32_t format, const char *tenant)
{
	const struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_STRICT | CSN_CACHE_FORMAT, .format = format,
	    .tenant = tenant };

	return how;
}

TEST(the_backend_sees_no_plaintext)
{
	static const char secret[] = "078-05-1120 is a social security number";
	char document[sizeof(secret) + 1];
	uint32_t format;
	struct csn_cache_call_options how;
	uint8_t *bytes;
	size_t len;

	document[0] = (char)0xd9;	/* MessagePack: str 8 */
	document[1] = (char)(sizeof(secret) - 1);
	memcpy(document + 2, secret, sizeof(secret) - 1);
	for (format = CSN_CACHE_MSGPACK; format <= CSN_CACHE_BYTES;
	    format++) {
		how = strictly(format, NULL);
		assert_int_equal(csn_cache_set(l.cache, "k", &how, document,
		    sizeof(document)), 0);
		bytes = steal("k", &len);
		assert_true(len > sizeof(document));
		assert_null(memmem(bytes, len, "social", 6));
		assert_null(memmem(bytes, len, "1120", 4));
		free(bytes);
	}
}

TEST(memory_has_no_plaintext_but_the_callers)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_call_options how;
	uint8_t *value;
	uint32_t format;
	size_t i, lens[] = { 200, 5000, 300000 };

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	for (format = CSN_CACHE_MSGPACK; format <= CSN_CACHE_BYTES;
	    format++) {
		for (i = 0; i < 3; i++) {
			how = strictly(format, NULL);
			assert_non_null(value = calloc(1, lens[i]));
			/* MessagePack: bin 32. */
			value[0] = 0xc6;
			value[2] = (uint8_t)((lens[i] - 5) >> 16);
			value[3] = (uint8_t)((lens[i] - 5) >> 8);
			value[4] = (uint8_t)(lens[i] - 5);
			assert_int_equal(csn_random(l.ctx, value + 100,
			    SECRET), 0);
			needle_set(&needle, value + 100, SECRET);
			assert_int_equal(needle_count(&needle), 1);
			assert_int_equal(csn_cache_set(l.cache, "k", &how,
			    value, lens[i]), 0);
			assert_int_equal(needle_count(&needle), 1);
			csn_wipe(value, lens[i]);
			free(value);
			/* In both levels, and nowhere to be found. */
			assert_int_equal(needle_count(&needle), 0);
			assert_int_equal(csn_cache_get(l.cache, "k", &how,
			    &v), 0);
			assert_int_equal(v.data.len, lens[i]);
			assert_int_equal(needle_count(&needle), 1);
			csn_cache_value_free(&v);
			assert_int_equal(needle_count(&needle), 0);
			assert_int_equal(fresh_get("k", &how, &v), 0);
			assert_int_equal(needle_count(&needle), 1);
			/* The next that is read into it wipes it. */
			assert_int_equal(csn_cache_get(l.cache, "none", &how,
			    &v), CSN_E_NOT_FOUND);
			assert_int_equal(needle_count(&needle), 0);
			csn_cache_value_free(&v);
		}
	}
}

static int
make_secret(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)arg;
	(void)key;
	assert_int_equal(csn_cache_value_room(out, 1000), 0);
	memset(out->data.p, 0, 1000);
	assert_int_equal(csn_random(l.ctx, out->data.p + 500, SECRET), 0);
	needle_set(&needle, out->data.p + 500, SECRET);
	return 0;
}

TEST(nor_after_a_computation_or_a_refusal)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_call_options how = strictly(CSN_CACHE_BYTES, NULL);
	uint8_t *bytes;
	size_t len;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", NULL,
	    make_secret, NULL, &v), 0);
	assert_int_equal(needle_count(&needle), 1);
	csn_cache_value_free(&v);
	assert_int_equal(needle_count(&needle), 0);
	/* GCM writes while it decrypts: all but the last byte was right. */
	bytes = steal("k", &len);
	bytes[len - 1] ^= 1;
	plant("k", bytes, len);
	free(bytes);
	assert_int_equal(fresh_get("k", &how, &v), CSN_E_TAG);
	assert_int_equal(needle_count(&needle), 0);
	csn_cache_value_free(&v);
}

TEST(planted_plaintext_is_never_returned)
{
	struct csn_cache_call_options how = strictly(CSN_CACHE_MSGPACK, NULL);
	struct csn_cache_call_options bytes_how = strictly(CSN_CACHE_BYTES,
	    NULL);
	struct csn_cache_options c = cache_config(NULL, l.store);
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *plain, *victim;
	static const uint8_t document[] = { 0x81, 0xa5, 'a', 'd', 'm', 'i',
	    'n', 0xc3 };

	/* The attacker's entry is whole: the same frame, only not sealed. */
	c.mode = CSN_CACHE_PLAIN;
	c.format = CSN_CACHE_MSGPACK;
	assert_int_equal(csn_cache_new(l.ctx, &c, &plain), 0);
	assert_int_equal(csn_cache_set(plain, "k", NULL, document,
	    sizeof(document)), 0);
	csn_cache_free(plain);
	victim = cache_second(&l, NULL);
	assert_int_equal(csn_cache_get(victim, "k", &how, &v),
	    CSN_E_POLICY);
	assert_int_equal(v.data.len, 0);
	assert_int_equal(cache_stat(victim).plain_refused, 1);
	how.flags &= ~CSN_CACHE_STRICT;
	assert_int_equal(csn_cache_get(victim, "k", &how, &v),
	    CSN_E_NOT_FOUND);
	csn_cache_free(victim);
	/* Without a frame it cannot be told from noise: its tag fails. */
	plant("k", document, sizeof(document));
	assert_int_equal(fresh_get("k", &bytes_how, &v), CSN_E_FORM);
	plant("k", "plaintext that is longer than nonce and tag", 43);
	assert_int_equal(fresh_get("k", &bytes_how, &v), CSN_E_TAG);
	csn_cache_value_free(&v);
}

TEST(ciphertext_belongs_to_its_key_tenant_and_format)
{
	static const uint32_t formats[] = { CSN_CACHE_MSGPACK,
	    CSN_CACHE_JSON, CSN_CACHE_ARROW, CSN_CACHE_BYTES };
	static const uint8_t document[] = { 0xa1, 'x' };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_call_options how, other;
	uint8_t *bytes;
	size_t len, i, k;
	int rc;

	for (i = 0; i < 4; i++) {
		how = strictly(formats[i], "acme");
		assert_int_equal(csn_cache_set(l.cache, "a", &how, document,
		    sizeof(document)), 0);
		bytes = steal("a", &len);
		plant("b", bytes, len);
		assert_int_equal(fresh_get("a", &how, &v), 0);
		assert_int_equal(fresh_get("b", &how, &v), CSN_E_TAG);
		other = strictly(formats[i], "globex");
		rc = fresh_get("a", &other, &v);
		assert_true(rc == CSN_E_TENANT || rc == CSN_E_TAG);
		for (k = 0; k < 4; k++) {
			if (k == i)
				continue;
			other = strictly(formats[k], "acme");
			rc = fresh_get("a", &other, &v);
			assert_true(rc == CSN_E_TAG || rc == CSN_E_FORM ||
			    rc == CSN_E_POLICY);
			assert_int_equal(v.data.len, 0);
		}
		free(bytes);
	}
	csn_cache_value_free(&v);
}

TEST(each_bit_and_each_cut_is_noticed)
{
	static const uint8_t document[] = { 0x93, 1, 2, 3 };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_call_options how;
	uint8_t *bytes;
	uint32_t format;
	size_t len, i;

	for (format = CSN_CACHE_MSGPACK; format <= CSN_CACHE_BYTES;
	    format += 3) {
		how = strictly(format, NULL);
		assert_int_equal(csn_cache_set(l.cache, "k", &how, document,
		    sizeof(document)), 0);
		bytes = steal("k", &len);
		/* The ciphertext is the end of every form. */
		for (i = (len - CSN_CACHEKIT_OVERHEAD) * 8; i < len * 8;
		    i += 3) {
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			plant("k", bytes, len);
			assert_int_equal(fresh_get("k", &how, &v),
			    CSN_E_TAG);
			bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		for (i = 0; i < len; i += 7) {
			plant("k", bytes, i);
			assert_int_not_equal(fresh_get("k", &how, &v), 0);
			assert_int_equal(v.data.len, 0);
		}
		bytes[len] = 0;
		plant("k", bytes, len + 1);
		assert_int_equal(fresh_get("k", &how, &v), CSN_E_TAG);
		plant("k", bytes, len);
		assert_int_equal(fresh_get("k", &how, &v), 0);
		free(bytes);
	}
	csn_cache_value_free(&v);
}

/* What the compatible format cannot do, and the documentation says so. */
TEST(an_older_value_of_the_same_key_is_not_noticed)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	uint8_t *bytes;
	size_t len;

	assert_int_equal(cache_set(l.cache, "k", "older"), 0);
	bytes = steal("k", &len);
	assert_int_equal(cache_set(l.cache, "k", "newer"), 0);
	plant("k", bytes, len);
	assert_int_equal(fresh_get("k", NULL, &v), 0);
	assert_memory_equal(v.data.p, "older", 5);
	/* This process still has the newer one, and serves that. */
	assert_true(cache_has(l.cache, "k", "newer", NULL));
	free(bytes);
	csn_cache_value_free(&v);
}

TEST(another_master_key_opens_nothing)
{
	struct csn_cachekit_ring *keys = cache_keys(l.ctx, 'x', "yz");
	struct csn_cache_options c = cache_config(keys, l.store);
	struct csn_cache_call_options how = strictly(CSN_CACHE_BYTES, NULL);
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *other;

	assert_int_equal(cache_set(l.cache, "k", "v"), 0);
	assert_int_equal(csn_cache_new(l.ctx, &c, &other), 0);
	assert_int_equal(csn_cache_get(other, "k", &how, &v), CSN_E_TAG);
	csn_cache_free(other);
	csn_cachekit_ring_free(keys);
	csn_cache_value_free(&v);
}

struct found {
	unsigned good;
	unsigned bad;
	int code;
	char detail[300];
};

static int
count_record(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct found *f = arg;

	(void)n;
	(void)unix_ms;
	assert_string_equal(r->op, CSN_AUDIT_DECRYPT);
	assert_string_equal(r->tenant, "default");
	if (r->success) {
		f->good++;
	} else {
		f->bad++;
		f->code = r->code;
	}
	snprintf(f->detail, sizeof(f->detail), "%s", r->detail);
	return 0;
}

TEST(refusals_are_audited_and_opens_where_asked)
{
	struct csn_cache_options c = cache_config(l.keys, l.store);
	struct csn_cache *cache;
	struct csn_audit *audit;
	struct found f;
	uint32_t all;
	int i;

	for (all = 0; all < 2; all++) {
		memset(&f, 0, sizeof(f));
		assert_int_equal(csn_audit_new_memory(l.ctx, 100, &audit), 0);
		c.audit = audit;
		c.flags = CSN_CACHE_NO_L1 |
		    (all ? CSN_CACHE_AUDIT_OPENS : 0);
		assert_int_equal(csn_cache_new(l.ctx, &c, &cache), 0);
		assert_int_equal(cache_set(cache, "k", "v"), 0);
		for (i = 0; i < 3; i++)
			assert_true(cache_has(cache, "k", "v", NULL));
		plant("k", "not what was set, but long enough for a tag", 43);
		assert_false(cache_has(cache, "k", "v", NULL));
		assert_int_equal(csn_audit_each(audit, NULL, count_record,
		    &f), 0);
		assert_int_equal(f.good, all ? 3 : 0);
		assert_int_equal(f.bad, 1);
		assert_int_equal(f.code, CSN_E_TAG);
		assert_string_equal(f.detail, "cache key k");
		csn_cache_free(cache);
		csn_audit_close(audit);
	}
}

BEFORE_EACH { cache_start(&l, "memory:?bytes=64M", NULL); }
AFTER_EACH { cache_end(&l); }
