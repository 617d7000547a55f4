/* SPDX-License-Identifier: Apache-2.0 */
/* base/context.h - what a context holds, for the rooms that extend it. */
#ifndef CSN_BASE_CONTEXT_H
#define CSN_BASE_CONTEXT_H

#include <stdatomic.h>
#include <sys/types.h>

#include <caisson/context.h>

struct csn_crypto;	/* crypto/crypto.h: fetched algorithms */
struct csn_keyring;	/* crypto/keyring.h: keys at rest, pool of lanes */

struct csn_ctx {
	struct csn_clock clock;
	int (*stopped)(void *arg);	/* NULL: nothing is called off */
	void *stopped_arg;
	uint64_t birth_boot;	/* what both clocks showed at the birth */
	uint64_t birth_wall;
	_Atomic uint64_t wall_least;	/* the wall time is this at least */
	/* For csn_ctx_wall_at(): when both clocks were read, and how far the
	 * wall's was ahead. */
	_Atomic uint64_t wall_read;
	_Atomic uint64_t wall_ahead;
	struct csn_crypto *crypto;
	struct csn_keyring *keyring;
	/*
	 * The fork canary: *canary equals canary_value in the process that
	 * made the context and 0 in a forked child, until
	 * csn_fork_generation() adopts it there. What wipes it is the kernel,
	 * a handler of pthread_atfork and, last, csn_fork_look().
	 */
	_Atomic uint64_t *canary;
	_Atomic uint64_t canary_value;
	_Atomic pid_t pid;		/* of the process that it is of */
	atomic_int canary_doubted;	/* it may be that nobody wipes it */
	void (*adopt)(struct csn_ctx *ctx);	/* after a fork */
	struct csn_ctx *next, **at;	/* of all contexts */
};

/*
 * Make base's part of a context: clock, canary, a place among all contexts.
 * crypto/context.c makes and frees contexts and adds its own part. adopt()
 * is called once in each forked child, before anything else uses the context
 * there. The options are whole (size is sizeof).
 */
CSN_MUST_CHECK int csn_ctx_base_new(const struct csn_ctx_options *options,
    void (*adopt)(struct csn_ctx *ctx), struct csn_ctx **out);
/* Free it; what the crypto room had in it is gone already. */
void csn_ctx_base_free(struct csn_ctx *ctx);

/* CSN_E_FORK where made_in is not this process's generation. One load. */
static inline int
csn_fork_check(const struct csn_ctx *ctx, uint64_t made_in)
{
	return atomic_load_explicit(ctx->canary, memory_order_relaxed) ==
	    made_in ? 0 : CSN_E_FORK;
}

/*
 * The wall time where the time since boot was just read: at most a second
 * behind csn_ctx_wall_ms(), and no second clock is read for it.
 */
uint64_t csn_ctx_wall_at(struct csn_ctx *ctx, uint64_t boot_ms);

/*
 * Ask the kernel which process this is, and wipe the canary where it is the
 * parent's. That costs a system call.
 */
void csn_fork_look(struct csn_ctx *ctx);

/*
 * As csn_fork_check, for who takes n nonces from `first` on: where an emulator
 * takes MADV_WIPEONFORK and does not do it, or where a process was made by a
 * bare system call, both would go on with the same ones. So the kernel is
 * asked at the first of each block of nonces, and at each where the canary is
 * in doubt.
 */
#define CSN_FORK_BLOCK 64

static inline int
csn_fork_check_at(struct csn_ctx *ctx, uint64_t made_in, uint64_t first,
    uint64_t n)
{
	if ((first + CSN_FORK_BLOCK - 1) / CSN_FORK_BLOCK !=
	    (first + n + CSN_FORK_BLOCK - 1) / CSN_FORK_BLOCK ||
	    atomic_load_explicit(&ctx->canary_doubted, memory_order_relaxed))
		csn_fork_look(ctx);
	return csn_fork_check(ctx, made_in);
}

/* CSN_E_CANCELLED with a sentence where the program wants room's work ended. */
CSN_MUST_CHECK int csn_stop_check(const struct csn_ctx *ctx,
    const char *room);

/* This process's generation, adopting the context after a fork. Never 0. */
uint64_t csn_fork_generation(struct csn_ctx *ctx);

#endif
