/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_tenants.c - many tenants' entries in random order, through the
 * isolation manager, beside one tenant's through a manager of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

#define MOST 100000
#define SMALL_BATCH 4096
#define SLOTS 16	/* live slots a tenant */
/* What a message of many tenants may cost more than one of one tenant: the
 * plan's figure for a rekeying. */
#define REKEYING_NS 460.0

struct fixture {
	struct csn_manager *many;
	struct csn_manager *one;
	size_t tenants;
	uint64_t seed;
	struct bench_set set;
};

static char (*names)[16];

static void
fill(struct csn_manager *mgr, size_t n)
{
	struct csn_tenant tenant = { sizeof(tenant), NULL, NULL };
	size_t i;

	for (i = 0; i < n; i++) {
		tenant.id = names[i];
		bench_must(csn_manager_create(mgr, &tenant, NULL),
		    "making a session");
	}
}

/* A tenant's first message starts its first epoch: that is not asked here. */
static void
warm(struct fixture *fixture)
{
	uint8_t bytes[16] = { 0 }, sealed[16 + CSN_SEAL_OVERHEAD];
	struct csn_kv_item it = { .size = sizeof(it),
	    .slot.kind = CSN_KIND_KV_ENTRY,
	    .slot.role = CSN_KV_KEY,
	    .slot.count = 1,
	    .key = bytes,
	    .key_len = sizeof(bytes),
	    .sealed = sealed,
	    .sealed_len = sizeof(sealed) };
	size_t i;

	for (i = 0; i < fixture->tenants; i++) {
		it.tenant = names[i];
		bench_must(csn_manager_seal(fixture->many, &it), "sealing");
	}
}

/* Other tenants for each call, so that all take their turns. */
static void
shuffle(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->set.n; i++)
		fixture->set.items[i].tenant =
		    names[bench_random(&fixture->seed) % fixture->tenants];
}

/* The one tenant by as many strings: comparing them is not saved. */
static void
seal_many(void *arg)
{
	struct fixture *fixture = arg;

	bench_must(
	    csn_manager_seal_batch(fixture->many, NULL, fixture->set.items,
		fixture->set.n),
	    "sealing for many");
}

static void
seal_one(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->set.n; i++)
		fixture->set.items[i].tenant = names[0];
	bench_must(
	    csn_manager_seal_batch(fixture->one, NULL, fixture->set.items,
		fixture->set.n),
	    "sealing for one");
}

static void
single_many(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->set.n; i++)
		bench_must(
		    csn_manager_seal(fixture->many, &fixture->set.items[i]),
		    "sealing for many");
}

static void
single_one(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->set.n; i++) {
		fixture->set.items[i].tenant = names[0];
		bench_must(
		    csn_manager_seal(fixture->one, &fixture->set.items[i]),
		    "sealing for one");
	}
}

static void
report(const struct fixture *fixture, const char *suffix, double target,
    const char *how, const struct bench_outcome *o)
{
	struct bench_result r = { .unit = "GB/s",
	    .reference = "one tenant, its own manager",
	    .value = (double)fixture->set.len / o->ours / 1e9,
	    .reference_value = (double)fixture->set.len / o->reference / 1e9,
	    .ratio = o->ratio, .target = target };
	char size[24], name[64];

	snprintf(name, sizeof(name), "kv.tenants.%zu.%s%s", fixture->tenants,
	    set_size_name(fixture->set.len, size), suffix);
	r.name = name;
	bench_add(&r, "%s; replay store, audit off; %+.0f ns a message on "
	    "%.0f", how, (o->ours - o->reference) * 1e9, o->reference * 1e9);
}

static void
report_extra(const struct fixture *fixture, const struct bench_outcome *o)
{
	struct bench_result r = { .unit = "ns", .target = 1,
	    .value = (o->ours - o->reference) * 1e9,
	    .reference = "the plan's figure for a rekeying",
	    .reference_value = REKEYING_NS };
	char name[64];

	snprintf(name, sizeof(name), "kv.tenants.%zu.128B.extra",
	    fixture->tenants);
	r.name = name;
	r.ratio = r.value > 0 ? REKEYING_NS / r.value : 0;
	bench_add(&r, "a message in batches, beyond one tenant's");
}

static void
one_count(struct fixture *fixture, size_t tenants)
{
	static const struct {
		size_t len;
		size_t n;
		unsigned rounds;
	} sizes[] = {
		{ 128, SMALL_BATCH, 61 },
		{ (size_t)2 << 20, 16, 31 },
	};
	struct bench_pair pair = { .arg = fixture, .between = shuffle };
	struct bench_outcome o;
	size_t i, k;

	fixture->tenants = tenants;
	bench_must(csn_manager_new(bench_ctx(), NULL, &fixture->many),
	    "making a manager");
	fill(fixture->many, tenants);
	warm(fixture);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set_init(&fixture->set, sizes[i].len, sizes[i].n, names[0]);
		for (k = 0; k < fixture->set.n; k++) {
			fixture->set.items[k].slot.layer = 0;
			fixture->set.items[k].slot.position = k % SLOTS;
		}
		pair.ours_units = (double)sizes[i].n;
		pair.rounds = sizes[i].rounds;
		pair.ours = seal_many;
		pair.reference = seal_one;
		bench_compare(&pair, &o);
		report(fixture, "", i == 1 ? 0.95 : 0, "in batches", &o);
		if (i == 0 && tenants > 1)
			report_extra(fixture, &o);
		pair.ours = single_many;
		pair.reference = single_one;
		if (i == 0) {
			bench_compare(&pair, &o);
			report(fixture, ".single", 0, "a call a message", &o);
		}
		set_free(&fixture->set);
	}
	csn_manager_free(fixture->many);
}

int
main(int argc, char **argv)
{
	struct fixture fixture = { .seed = 1 };
	size_t i;

	bench_begin(argc, argv);
	names = bench_memory(MOST * sizeof(*names));
	for (i = 0; i < MOST; i++)
		snprintf(names[i], sizeof(names[i]), "tenant-%zu", i);
	bench_must(csn_manager_new(bench_ctx(), NULL, &fixture.one),
	    "making a manager");
	fill(fixture.one, 1);
	one_count(&fixture, 1);
	one_count(&fixture, 1000);
	one_count(&fixture, MOST);
	csn_manager_free(fixture.one);
	bench_memory_free(names, MOST * sizeof(*names));
	return bench_end();
}
