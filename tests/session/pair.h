/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/pair.h - a tenant and a server, each with its own context. */
#ifndef CAISSON_TESTS_SESSION_PAIR_H
#define CAISSON_TESTS_SESSION_PAIR_H

#include <caisson/kv.h>

/* What the contexts' clocks show, in ms; pair_ctx() sets them to a start. */
extern uint64_t pair_boot;
extern uint64_t pair_wall;

/* A context by those clocks. engine may be NULL. */
struct csn_ctx *pair_ctx_with(const char *engine, uint32_t lanes);
struct csn_ctx *pair_ctx(void);

/* A session of one process. options may be NULL. */
struct csn_session *pair_local(struct csn_ctx *ctx, const char *tenant,
    const struct csn_session_options *options);

/* Another process's session of the same keys, here in this one. */
struct csn_session *pair_twin(struct csn_session *s,
    const struct csn_session_options *options);

struct csn_session_info pair_info(struct csn_session *s);

/* "acme" and its server, who know each other; a stranger nobody knows. */
struct pair {
	struct csn_ctx *server_ctx;
	struct csn_ctx *tenant_ctx;
	struct csn_identity *server;
	struct csn_identity *tenant;
	struct csn_identity *stranger;
	struct csn_trust *server_trusts;
	struct csn_trust *tenant_trusts;
	struct csn_acceptor *acceptor;
};

/* acceptor may be NULL: all KEMs and the transport are allowed then. */
void pair_start(struct pair *p, const struct csn_acceptor_options *acceptor);
void pair_end(struct pair *p);

/* An exchange on its way: what has been sent so far. */
struct messages {
	struct csn_offer *state;
	struct csn_pending *pending;
	uint8_t *offer, *reply, *confirm;
	size_t offer_len, reply_len, confirm_len;
	struct csn_session *tenant;
	struct csn_session *server;
};

/* Steps; each asserts that it works. kem 0 and ttl 0 for the defaults. */
void pair_offer(struct pair *p, struct messages *m,
    const struct csn_identity *signer, int kem, uint64_t ttl_ms);
void pair_accept(struct pair *p, struct messages *m);
void pair_finish(struct pair *p, struct messages *m,
    const struct csn_session_options *options);
void pair_confirm(struct pair *p, struct messages *m,
    const struct csn_session_options *options);
/* All four. */
void pair_exchange(struct pair *p, struct messages *m,
    const struct csn_session_options *options);
/* Frees everything in it, the sessions too. */
void messages_free(struct messages *m);

/*
 * A short text as an entry's K, with its position. out holds TEXT_SEALED
 * bytes. Both return what csn_kv_seal() and csn_kv_open() do.
 */
#define TEXT_MAX 64
#define TEXT_SEALED (TEXT_MAX + CSN_SEAL_OVERHEAD)
struct text {
	uint8_t sealed[TEXT_SEALED];
	size_t len;
	uint64_t sequence;
	uint64_t version;
};
int text_seal(struct csn_session *s, uint64_t position, const char *text,
    struct text *out);
/* Also checks that what opens is that text, and that what fails is zero. */
int text_open(struct csn_session *s, const struct text *in,
    const char *text);

/* What a sealed text's header says. */
uint32_t text_epoch(const struct text *in);

/* Run fn in a forked child and return its exit status; -1: a signal, or it
 * was still running after some seconds. */
int in_child(int (*fn)(void *arg), void *arg);

#endif
