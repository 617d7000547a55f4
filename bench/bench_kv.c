/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kv.c - sealing and opening KV entries, beside OpenSSL's EVP with a
 * reused context: the same bytes, an AAD of the same length, as much memory.
 */
#include <stdio.h>
#include <string.h>

#include "kv_parts.h"
#include "set.h"

#define TENANT "tenant-alice"

/* What a session keeps beside sealing. The first has the plain name. */
static const struct mode {
	const char *suffix;
	const char *note;
	uint32_t replay;
	int audit;		/* 0 none, else 1 + enum csn_audit_grain */
	int opens;		/* again and again: a channel opens once */
} modes[] = {
	{ "", "replay store, audit off", CSN_REPLAY_STORE, 0, 1 },
	{ ".noreplay", "replay off, audit off", CSN_REPLAY_OFF, 0, 1 },
	{ ".channel", "replay channel, audit off", CSN_REPLAY_CHANNEL, 0, 0 },
	{ ".audit_batch", "replay store, audit a batch", CSN_REPLAY_STORE,
	    1 + CSN_AUDIT_PER_BATCH, 1 },
	{ ".audit_entry", "replay store, audit an entry", CSN_REPLAY_STORE,
	    1 + CSN_AUDIT_PER_ENTRY, 1 },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

/* Enough messages that a batch is one, enough bytes that caches count. */
static const struct size {
	size_t len;
	size_t n;
	unsigned rounds;
	double target;
} sizes[] = {
	{ 128, 1024, 61, 0.70 },
	{ 1024, 1024, 61, 0 },
	{ 4096, 1024, 61, 0.93 },
	{ 16384, 128, 41, 0.97 },
	{ 65536, 64, 41, 0.97 },
	{ (size_t)2 << 20, 8, 31, 0.97 },
	{ (size_t)32 << 20, 2, 15, 0.97 },
};

static struct csn_session *
session_for(const struct mode *mode, struct csn_audit *log)
{
	struct csn_tenant tenant = { sizeof(tenant), TENANT, NULL };
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_session *s;

	o.replay = mode->replay;
	if (mode->audit != 0) {
		o.audit = log;
		o.audit_grain = (uint32_t)(mode->audit - 1);
	}
	bench_must(csn_session_local(bench_ctx(), &tenant, &o, &s),
	    "making a session");
	return s;
}

static void
report(const char *verb, const struct bench_set *set, const char *suffix,
    const char *note, double target, const struct bench_outcome *o)
{
	char size[24], name[64];
	struct bench_result r = { .name = name, .unit = "GB/s" };

	snprintf(name, sizeof(name), "kv.%s.%s%s", verb,
	    set_size_name(set->len, size), suffix);
	r.value = (double)set->len / o->ours / 1e9;
	r.reference = "OpenSSL EVP, context reused";
	r.reference_value = (double)set->len / o->reference / 1e9;
	r.ratio = o->ratio;
	r.target = target;
	bench_add(&r, "%s; %+.0f ns a message; ratios %.2f to %.2f", note,
	    (o->ours - o->reference) * 1e9, o->low, o->high);
}

static void
one_core(const struct size *size, struct csn_audit *log)
{
	struct bench_pair pair = { .ours_units = (double)size->n,
	    .rounds = size->rounds };
	struct bench_outcome seal[MODES], open[MODES];
	struct csn_session *s;
	struct bench_set set;
	char suffix[32];
	size_t i;

	set_init(&set, size->len, size->n, TENANT);
	pair.arg = &set;
	for (i = 0; i < MODES; i++) {
		s = session_for(&modes[i], log);
		set_session(&set, s);
		set_to_seal(&set);
		pair.ours = set_seal;
		pair.reference = set_raw_seal;
		bench_compare(&pair, &seal[i]);
		set_to_open(&set);
		pair.ours = set_open;
		pair.reference = set_raw_open;
		if (modes[i].opens) {
			bench_compare(&pair, &open[i]);
			bench_need(memcmp(set.opened, set.plain,
			    set.n * set.len) == 0, "what was opened is not "
			    "what was sealed");
		}
		csn_session_free(s);
	}
	for (i = 0; i < MODES; i++) {
		snprintf(suffix, sizeof(suffix), ".1core%s", modes[i].suffix);
		report("seal", &set, suffix, modes[i].note, i == 0 ?
		    size->target : 0, &seal[i]);
	}
	for (i = 0; i < MODES; i++) {
		snprintf(suffix, sizeof(suffix), ".1core%s", modes[i].suffix);
		if (modes[i].opens)
			report("open", &set, suffix, modes[i].note, i == 0 ?
			    size->target : 0, &open[i]);
	}
	set_free(&set);
}

/* A call a message. */
static void
single(void)
{
	struct bench_pair pair = { .rounds = 61 };
	struct bench_outcome seal, open;
	struct csn_session *s = session_for(&modes[0], NULL);
	struct bench_set set;

	set_init(&set, 128, 1024, TENANT);
	set_session(&set, s);
	pair.arg = &set;
	pair.ours_units = (double)set.n;
	pair.ours = set_seal_single;
	pair.reference = set_raw_seal;
	bench_compare(&pair, &seal);
	set_to_open(&set);
	pair.ours = set_open_single;
	pair.reference = set_raw_open;
	bench_compare(&pair, &open);
	report("seal", &set, ".single", "replay store, a call a message", 0,
	    &seal);
	report("open", &set, ".single", "replay store, a call a message", 0,
	    &open);
	set_free(&set);
	csn_session_free(s);
}

int
main(int argc, char **argv)
{
	struct csn_session *s;
	struct csn_audit *log;
	size_t i;

	bench_begin(argc, argv);
	bench_must(csn_audit_new_memory(bench_ctx(), 0, &log), "making a log");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		one_core(&sizes[i], log);
	single();
	s = session_for(&modes[0], NULL);
	kv_two_cores(s, TENANT);
	kv_python(s, TENANT);
	csn_session_free(s);
	csn_audit_close(log);
	return bench_end();
}
