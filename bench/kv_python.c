/* SPDX-License-Identifier: Apache-2.0 */
/* kv_python.c - beside a Python library that serves the same purpose. */
#include <stdio.h>

#include "kv_parts.h"
#include "peer.h"
#include "set.h"

#define LEN 4096
#define MESSAGES 1024
#define ROUNDS 21
#define PEER_ENTRIES 50
/* Entries of 4 KiB a second that such a library sealed on a server core. */
#define RECORDED 11000.0

/* Seconds an entry; 0 where the peer is not there. */
static double
peer_seal(struct bench_peer *peer)
{
	return bench_peer_ask(peer, "%d", PEER_ENTRIES) / PEER_ENTRIES;
}

static double
ours_seal(struct bench_set *set)
{
	double began = bench_now(BENCH_CPU);

	set_seal(set);
	return (bench_now(BENCH_CPU) - began) / (double)set->n;
}

void
kv_python(struct csn_session *session, const char *tenant_id)
{
	struct bench_result r = { .unit = "entries/s" };
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
	struct bench_set set;
	struct bench_peer peer;
	int i, live;

	set_init(&set, LEN, MESSAGES, tenant_id);
	set_session(&set, session);
	bench_peer_start(&peer, BENCH_PYTHON, "python_peer.py");
	live = peer_seal(&peer) > 0;
	(void)ours_seal(&set);
	for (i = 0; i < ROUNDS; i++) {
		ours[i] = ours_seal(&set);
		theirs[i] = live ? peer_seal(&peer) : 0;
		ratio[i] = theirs[i] / ours[i];
	}
	r.name = "kv.seal.4KiB.python";
	r.value = 1 / bench_median(ours, ROUNDS);
	r.reference = "a Python library, recorded";
	r.reference_value = RECORDED;
	r.ratio = r.value / RECORDED;
	r.target = 40;
	bench_add(&r, "replay store, audit off; the reference is a recorded "
	    "figure of another server core");
	if (live) {
		r.name = "kv.seal.4KiB.python_live";
		r.reference = "AESGCM a call, JSON and hex, in Python";
		r.reference_value = 1 / bench_median(theirs, ROUNDS);
		r.ratio = bench_median(ratio, ROUNDS);
		r.target = 0;
		bench_add(&r, "replay store, audit off; python_peer.py in "
		    "the same rounds");
	} else
		printf("kv.seal.4KiB.python_live       skipped: %s has no "
		    "'cryptography' package\n", BENCH_PYTHON);
	bench_peer_end(&peer);
	set_free(&set);
}
