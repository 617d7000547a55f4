/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a peer in Python: takes a line of orders, answers with seconds. */
#ifndef CSN_BENCH_PEER_H
#define CSN_BENCH_PEER_H

#include <stdio.h>
#include <sys/types.h>

struct bench_peer {
	FILE *in;	/* its answers */
	FILE *out;	/* its orders */
	pid_t pid;
};

/* The script lies beside these sources. */
void bench_peer_start(struct bench_peer *peer, const char *python,
    const char *script);
/* What it answers to the order, as printf; 0 where there is no peer. */
double bench_peer_ask(struct bench_peer *peer, const char *order, ...)
    __attribute__((format(printf, 2, 3)));
void bench_peer_end(struct bench_peer *peer);

#endif
