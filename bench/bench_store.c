/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store.c - the KV store over the memory provider, beside OpenSSL's EVP
 * alone: what finding, evicting and replay checks add.
 */
#include <stdio.h>
#include <string.h>

#include "set.h"

#define TENANT "tenant-alice"

struct fixture {
	struct bench_set set;
	struct csn_kv_store *kv;
};

static void
put(void *arg)
{
	struct fixture *fixture = arg;
	struct csn_kv_item *it;
	size_t i;

	for (i = 0; i < fixture->set.n; i++) {
		it = &fixture->set.items[i];
		bench_must(csn_kv_store_put(fixture->kv, TENANT, &it->slot,
		    it->key, it->key_len, it->value, it->value_len),
		    "putting");
	}
}

static void
get(void *arg)
{
	struct fixture *fixture = arg;
	struct csn_kv_item *it;
	size_t i, key_len, value_len;

	for (i = 0; i < fixture->set.n; i++) {
		it = &fixture->set.items[i];
		key_len = it->key_len;
		value_len = it->value_len;
		bench_must(csn_kv_store_get(fixture->kv, TENANT, &it->slot,
		    it->key, &key_len, it->value, &value_len), "getting");
	}
}

static void
raw_put(void *arg)
{
	set_raw_seal(&((struct fixture *)arg)->set);
}

static void
raw_get(void *arg)
{
	set_raw_open(&((struct fixture *)arg)->set);
}

static void
report(const char *verb, const struct bench_set *set,
    const struct bench_outcome *o)
{
	struct bench_result r = { .unit = "GB/s",
	    .reference = "OpenSSL EVP, context reused",
	    .value = (double)set->len / o->ours / 1e9,
	    .reference_value = (double)set->len / o->reference / 1e9,
	    .ratio = o->ratio };
	char size[24], name[64];

	snprintf(name, sizeof(name), "store.%s.%s", verb,
	    set_size_name(set->len, size));
	r.name = name;
	bench_add(&r, "replay store, audit off; %.0f ns a message, %+.0f",
	    o->ours * 1e9, (o->ours - o->reference) * 1e9);
}

static void
overhead(const struct fixture *fixture)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct bench_result r = { .unit = "bytes" };
	char size[24], name[64];

	bench_must(csn_kv_store_stat(fixture->kv, TENANT, &st), "counting");
	bench_need(st.entries == fixture->set.n, "the store lost entries");
	snprintf(name, sizeof(name), "store.overhead.%s",
	    set_size_name(fixture->set.len, size));
	r.name = name;
	r.value = (double)st.memory / (double)st.entries -
	    (double)fixture->set.len;
	bench_add(&r, "memory an entry beyond its bytes, header, tag, index "
	    "and slab included");
}

static void
one_size(struct csn_manager *mgr, size_t len, size_t n)
{
	struct bench_pair pair = { .ours_units = (double)n, .rounds = 41 };
	struct csn_store *store;
	struct bench_outcome o;
	struct fixture fixture;

	set_init(&fixture.set, len, n, TENANT);
	bench_must(csn_store_open(bench_ctx(), "memory:?bytes=1G", &store),
	    "opening a store");
	bench_must(csn_kv_store_new(mgr, store, NULL, &fixture.kv),
	    "making a KV store");
	pair.arg = &fixture;
	pair.ours = put;
	pair.reference = raw_put;
	bench_compare(&pair, &o);
	report("put", &fixture.set, &o);
	set_to_open(&fixture.set);
	pair.ours = get;
	pair.reference = raw_get;
	bench_compare(&pair, &o);
	report("get", &fixture.set, &o);
	bench_need(memcmp(fixture.set.opened, fixture.set.plain, n * len) == 0,
	    "what was got is not what was put");
	overhead(&fixture);
	csn_kv_store_free(fixture.kv);
	csn_store_close(store);
	set_free(&fixture.set);
}

int
main(int argc, char **argv)
{
	struct csn_tenant tenant = { sizeof(tenant), TENANT, NULL };
	struct csn_manager *mgr;

	bench_begin(argc, argv);
	bench_must(csn_manager_new(bench_ctx(), NULL, &mgr),
	    "making a manager");
	bench_must(csn_manager_create(mgr, &tenant, NULL),
	    "making a session");
	one_size(mgr, 128, 1024);
	one_size(mgr, 4096, 1024);
	one_size(mgr, (size_t)2 << 20, 8);
	csn_manager_free(mgr);
	return bench_end();
}
