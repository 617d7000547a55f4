/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve.h - what the parts of caisson attest serve share. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <pthread.h>

#include "attest.h"

/* Where it listens: serve_listen.c. */
struct serve_place {
	int fd;			/* listening, or -1 */
	char *path;		/* of a unix socket, removed at the end */
	char *text;		/* "http://127.0.0.1:8411", "unix:/run/a" */
	int loopback;		/* nobody else can connect */
};

/**
 * Listen at "HOST:PORT", "[::1]:PORT" or "unix:PATH"; port 0 is any that is
 * free. tls says how the URL begins. 0 or an exit code after saying why.
 */
int serve_listen(struct cli *cli, const char *where, int tls,
    struct serve_place *out);
void serve_unlisten(struct serve_place *place);

/* A certificate and its key, PEM; NULL where it serves in the clear. */
struct serve_tls {
	char *cert;
	char *key;
	size_t key_len;
};

/** By --tls-cert and --tls-key. 0 or an exit code after saying why. */
int serve_tls_read(struct cli *cli, struct serve_tls *tls);
void serve_tls_free(struct serve_tls *tls);

/* How often challenges are answered: a bucket of `rate` that refills. */
struct serve_rate {
	uint64_t rate;		/* a second */
	uint64_t level_ms;	/* what is in it, in thousandths */
	uint64_t at_ns;
};
/** 1 where one more may be answered now. Not thread-safe. */
int serve_rate_take(struct serve_rate *r, uint64_t now_ns);

/*
 * Whose turn it is to measure, and when one may again: serve_turn.c. Of all
 * time at most duty per cent is measurement, however many ask.
 */
struct serve_turn {
	pthread_mutex_t lock;	/* all below */
	pthread_cond_t change;
	unsigned duty;		/* per cent, 1 to 100 */
	int busy;		/* somebody uses the attester */
	int stopping;
	int code;		/* of the last measurement */
	uint64_t started;	/* measurements so far */
	uint64_t done;
	uint64_t waiting;	/* for one that has not begun */
	uint64_t owed;		/* a report of the one that began last */
	uint64_t ready_ns;	/* when the next may begin */
};

/** 0, or -1 without what the system needs for it. */
int serve_turn_init(struct serve_turn *t, unsigned duty);
void serve_turn_destroy(struct serve_turn *t);
/** No measurement begins any more; who waits for one gets CSN_E_BUSY. */
void serve_turn_stop(struct serve_turn *t);
/** Whoever waits has a measurement at once: the last was no one's wish. */
void serve_turn_rested(struct serve_turn *t);
/**
 * Have a measurement that begins after this call, by work() here or in
 * another thread's call, then report() of it; never two of them at once. Its
 * code or theirs; CSN_E_BUSY where none can begin before until_ns, and
 * *ready_ns is when one may.
 */
int serve_turn_take(struct serve_turn *t, uint64_t until_ns,
    int (*work)(void *arg), int (*report)(void *arg), void *arg,
    uint64_t *ready_ns);

/** The client's text with nothing in it that a terminal or JSON minds. */
void serve_clean(const char *text, char *out, size_t size);

#endif
