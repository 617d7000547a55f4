/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/keyring.c - keys at rest, and the bounded pool of expanded ones. */
#include <endian.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/scrub.h"
#include "crypto/aead_internal.h"
#include "crypto/arena.h"
#include "crypto/internal.h"
#include "crypto/keyring.h"

#define DEFAULT_LANES 256
#define MAX_LANES 65536
#define SLOTS 16		/* threads that do not share; a power of two */

/* One cache line of state a lane, so that threads do not share lines. */
struct csn_lane {
	alignas(64) atomic_uint held;
	_Atomic uint64_t used;		/* the ring's tick at the last use */
	_Atomic uint64_t *id;		/* of the key in it; 0: none */
	struct csn_ctx *ctx;
	void *state;
};

/* The process key, expanded; one a thread, so that misses do not queue. None
 * where it would lie outside the arena. */
struct mask {
	alignas(64) atomic_uint held;
	EVP_CIPHER_CTX *ecb;
};

struct csn_keyring {
	struct mask masks[SLOTS];
	struct csn_ctx *ctx;
	struct csn_lane *lanes;		/* nsets sets, then a guest a slot */
	_Atomic uint64_t *ids;		/* of lanes: a set's in half a line */
	uint32_t nlanes;
	uint32_t nsets;			/* a power of two */
	_Atomic uint64_t *turned_away;	/* a set: the last key refused */
	atomic_int strayed;		/* a key once went to another set */
	_Atomic uint64_t next_id;
	_Atomic uint64_t salt;		/* of keys put to rest from now on */
	_Atomic uint64_t tick;		/* misses so far */
	uint8_t *process_key;		/* locked memory */
	int hashed;			/* masks are hashes: no mask.ecb */
};

static int
try_hold(atomic_uint *flag)
{
	unsigned free_ = 0;

	return atomic_load_explicit(flag, memory_order_relaxed) == 0 &&
	    atomic_compare_exchange_strong_explicit(flag, &free_, 1,
	    memory_order_acquire, memory_order_relaxed);
}

static void
hold(atomic_uint *flag)
{
	unsigned spins = 0;

	while (!try_hold(flag))
		if (++spins % 64 == 0)
			sched_yield();
}

static void
let_go(atomic_uint *flag)
{
	atomic_store_explicit(flag, 0, memory_order_release);
}

/* Of the calling thread; a few may share one where there are many. */
static unsigned
my_slot(void)
{
	static _Thread_local unsigned mine;
	static atomic_uint threads;

	if (mine == 0)
		mine = 1 + (atomic_fetch_add_explicit(&threads, 1,
		    memory_order_relaxed) & (SLOTS - 1));
	return mine - 1;
}

static void
free_masks(struct csn_keyring *ring)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		EVP_CIPHER_CTX_free(ring->masks[i].ecb);
		ring->masks[i].ecb = NULL;
	}
}

/*
 * Expand the process key once a slot. All keys at rest hang on it: where its
 * round keys would lie on the ordinary heap, masks are hashes instead, which
 * need nothing but its 32 bytes.
 */
static int
make_masks(struct csn_keyring *ring)
{
	EVP_CIPHER_CTX *ecb;
	int i, made = 1, inside = 1;

	for (i = 0; i < SLOTS && made && inside; i++) {
		csn_arena_enter();
		made = (ecb = EVP_CIPHER_CTX_new()) != NULL &&
		    EVP_EncryptInit_ex2(ecb, ring->ctx->crypto->aes_ecb, NULL,
		    NULL, NULL) == 1;
		/* The key comes when it is known where it will lie. */
		if ((inside = csn_arena_leave()) && made)
			made = EVP_EncryptInit_ex2(ecb, NULL,
			    ring->process_key, NULL, NULL) == 1;
		ring->masks[i].ecb = ecb;
	}
	csn_clear_vectors();
	if (!made)
		return csn_ossl_fail(ring->ctx, "preparing the key memory");
	if (!inside) {
		free_masks(ring);
		ring->hashed = 1;
	}
	return 0;
}

int
csn_keyring_new(struct csn_ctx *ctx, uint32_t lanes, struct csn_keyring **out)
{
	struct csn_keyring *ring;
	uint64_t salt;
	uint32_t i, sets;
	int rc;

	if (lanes == 0)
		lanes = DEFAULT_LANES;
	if (lanes > MAX_LANES)
		return csn_fail(ctx, CSN_E_LIMIT, "crypto",
		    "%u lanes are too many: ask for at most %d", lanes,
		    MAX_LANES);
	for (sets = 1; sets * CSN_LANE_WAYS < lanes; sets *= 2)
		;
	if ((ring = aligned_alloc(64, sizeof(*ring))) == NULL)
		goto nomem;
	memset(ring, 0, sizeof(*ring));
	ring->ctx = ctx;
	ring->nsets = sets;
	ring->nlanes = sets * CSN_LANE_WAYS + SLOTS;
	atomic_init(&ring->next_id, 1);
	if ((ring->lanes = aligned_alloc(64, ring->nlanes *
	    sizeof(*ring->lanes))) == NULL)
		goto nomem;
	memset(ring->lanes, 0, ring->nlanes * sizeof(*ring->lanes));
	for (i = 0; i < ring->nlanes; i++)
		ring->lanes[i].ctx = ctx;
	if ((ring->ids = aligned_alloc(64, (ring->nlanes + 7) / 8 * 64)) ==
	    NULL)
		goto nomem;
	for (i = 0; i < ring->nlanes; i++) {
		atomic_init(&ring->ids[i], 0);
		ring->lanes[i].id = &ring->ids[i];
	}
	if ((ring->turned_away = csn_calloc(sets,
	    sizeof(*ring->turned_away))) == NULL)
		goto nomem;
	if ((ring->process_key = csn_secret_alloc(CSN_KEY_SIZE,
	    NULL)) == NULL) {
		rc = csn_fail_memory(ctx, "crypto", "the key memory");
		goto err;
	}
	if ((rc = csn_random(ctx, ring->process_key, CSN_KEY_SIZE)) != 0 ||
	    (rc = csn_random(ctx, &salt, sizeof(salt))) != 0)
		goto err;
	atomic_init(&ring->salt, salt);
	if ((rc = make_masks(ring)) != 0)
		goto err;
	*out = ring;
	return 0;

nomem:
	rc = csn_nomem(ctx, "crypto", "the key memory");
err:
	csn_keyring_free(ring);
	return rc;
}

void
csn_keyring_free(struct csn_keyring *ring)
{
	uint32_t i;

	if (ring == NULL)
		return;
	for (i = 0; ring->lanes != NULL && i < ring->nlanes; i++)
		if (ring->lanes[i].state != NULL)
			ring->ctx->crypto->engine->state_free(
			    ring->lanes[i].state);
	free(ring->lanes);
	free(ring->ids);
	free(ring->turned_away);
	free_masks(ring);
	csn_secret_free(ring->process_key, CSN_KEY_SIZE);
	free(ring);
}

/* The lane's key is gone from it: overwrite its expansion. Held. */
static void
empty_lane(struct csn_lane *lane)
{
	static const uint8_t zero[CSN_KEY_SIZE];

	atomic_store_explicit(lane->id, 0, memory_order_relaxed);
	if (lane->state != NULL &&
	    lane->ctx->crypto->engine->state_key(lane->state, zero) != 0) {
		lane->ctx->crypto->engine->state_free(lane->state);
		lane->state = NULL;
	}
}

void
csn_keyring_adopt(struct csn_keyring *ring)
{
	uint64_t salt;
	uint32_t i;

	/* What another thread was in the middle of is of no use here. */
	for (i = 0; i < ring->nlanes; i++)
		if (atomic_load(&ring->lanes[i].held) != 0) {
			atomic_store(&ring->ids[i], 0);
			atomic_store(&ring->lanes[i].held, 0);
		}
	for (i = 0; i < SLOTS; i++)
		atomic_store(&ring->masks[i].held, 0);
	if (csn_random(ring->ctx, &salt, sizeof(salt)) == 0)
		atomic_store(&ring->salt, salt);
	else	/* no counter block is left that could not be the parent's */
		atomic_store(&ring->next_id, (uint64_t)1 << 57);
}

int
csn_key_pad(EVP_CIPHER_CTX *ecb, uint64_t salt, uint64_t id,
    uint8_t out[CSN_KEY_SIZE])
{
	/* Two blocks follow each id. */
	const uint64_t counters[4] = { salt, htobe64(id << 8), salt,
	    htobe64(id << 8 | 1) };

	return EVP_Cipher(ecb, out, (const uint8_t *)counters,
	    sizeof(counters)) == sizeof(counters) ? 0 : CSN_E_CRYPTO;
}

/*
 * In a forked child this is the first that its keys meet: what threads of the
 * parent held is let go before anything here waits for it, and no key is
 * masked with the parent's salt.
 */
static struct csn_keyring *
ring_of(struct csn_ctx *ctx)
{
	if (atomic_load_explicit(ctx->canary, memory_order_relaxed) == 0)
		(void)csn_fork_generation(ctx);
	return ctx->keyring;
}

/* SHA3-256(process key, salt, id). */
static int
hash_pad(struct csn_ctx *ctx, uint64_t salt, uint64_t id,
    uint8_t out[CSN_KEY_SIZE])
{
	const uint64_t counter[2] = { salt, htobe64(id) };
	uint8_t in[CSN_KEY_SIZE + sizeof(counter)];
	int rc;

	memcpy(in, ctx->keyring->process_key, CSN_KEY_SIZE);
	memcpy(in + CSN_KEY_SIZE, counter, sizeof(counter));
	rc = csn_sha3_256(ctx, in, sizeof(in), out);
	csn_wipe(in, sizeof(in));
	return rc;
}

/* Over the 32 bytes; the same both ways. */
static int
mask(struct csn_ctx *ctx, uint64_t salt, uint64_t id,
    const uint8_t in[CSN_KEY_SIZE], uint8_t out[CSN_KEY_SIZE])
{
	struct csn_keyring *ring = ring_of(ctx);
	struct mask *m = &ring->masks[my_slot()];
	uint64_t key[CSN_KEY_SIZE / 8], pad[CSN_KEY_SIZE / 8];
	int rc, i;

	if (ring->hashed) {
		rc = hash_pad(ctx, salt, id, (uint8_t *)pad);
	} else {
		hold(&m->held);
		rc = csn_key_pad(m->ecb, salt, id, (uint8_t *)pad);
		let_go(&m->held);
	}
	memcpy(key, in, sizeof(key));
	for (i = 0; i < CSN_KEY_SIZE / 8; i++)
		key[i] ^= pad[i];
	memcpy(out, key, sizeof(key));
	/* Not csn_wipe(): this is a miss's way, and its end clears registers
	 * once. */
	explicit_bzero(key, sizeof(key));
	explicit_bzero(pad, sizeof(pad));
	if (rc != 0) {
		csn_wipe(out, CSN_KEY_SIZE);
		return csn_ossl_fail(ctx, "wrapping a key in memory");
	}
	return 0;
}

int
csn_key_mask(struct csn_ctx *ctx, const uint8_t plain[CSN_KEY_SIZE],
    struct csn_key *out)
{
	struct csn_keyring *ring = ctx->keyring;
	struct csn_key key;
	int rc;

	(void)csn_fork_check_at(ctx, 0, atomic_load(&ring->next_id), 1);
	(void)ring_of(ctx);
	key.id = atomic_fetch_add(&ring->next_id, 1);
	key.salt = atomic_load(&ring->salt);
	if (key.id >= (uint64_t)1 << 56) {
		/* Stays past the limit, whoever asks next. */
		atomic_store(&ring->next_id, (uint64_t)1 << 57);
		return csn_fail(ctx, CSN_E_RANDOM, "crypto", "no key can be "
		    "kept: the system gave no randomness after a fork");
	}
	rc = mask(ctx, key.salt, key.id, plain, key.wrapped);
	csn_clear_vectors();
	if (rc != 0)
		return rc;
	*out = key;
	return 0;
}

int
csn_key_unmask(struct csn_ctx *ctx, const struct csn_key *key,
    uint8_t plain[CSN_KEY_SIZE])
{
	int rc = mask(ctx, key->salt, key->id, key->wrapped, plain);

	csn_clear_vectors();
	return rc;
}

/* The first lane of the set that the key belongs to. */
static uint32_t
home_of(const struct csn_keyring *ring, uint64_t id)
{
	return ((uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	    (ring->nsets - 1)) * CSN_LANE_WAYS;
}

/* Empty those of n lanes that the key is in. */
static void
forget_in(struct csn_keyring *ring, uint32_t first, uint32_t n, uint64_t id)
{
	struct csn_lane *lane;
	uint32_t i;

	for (i = first; i < first + n; i++) {
		if (atomic_load(&ring->ids[i]) != id)
			continue;
		lane = &ring->lanes[i];
		hold(&lane->held);
		if (atomic_load(&ring->ids[i]) == id)
			empty_lane(lane);
		let_go(&lane->held);
	}
}

/* Not inlined: what is above csn_scrub() stays, so that has to be little. */
__attribute__((noinline)) static void
forget(struct csn_ctx *ctx, struct csn_key *key)
{
	struct csn_keyring *ring = ring_of(ctx);
	uint32_t guests = ring->nsets * CSN_LANE_WAYS;

	if (key->id != 0 && atomic_load(&ring->strayed))
		forget_in(ring, 0, ring->nlanes, key->id);
	else if (key->id != 0) {
		forget_in(ring, home_of(ring, key->id), CSN_LANE_WAYS,
		    key->id);
		forget_in(ring, guests, SLOTS, key->id);
	}
	csn_wipe(key, sizeof(*key));
}

void
csn_key_wipe(struct csn_ctx *ctx, struct csn_key *key)
{
	forget(ctx, key);
	csn_scrub();
}

/* Expand key into a lane that is held. */
static int
expand(struct csn_lane *lane, const struct csn_key *key)
{
	const struct csn_aead_engine *engine = lane->ctx->crypto->engine;
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	atomic_store_explicit(lane->id, 0, memory_order_relaxed);
	if (lane->state == NULL &&
	    (lane->state = engine->state_new(lane->ctx)) == NULL)
		return csn_ossl_fail_as(lane->ctx, CSN_E_NOMEM,
		    "making a cipher state");
	if ((rc = mask(lane->ctx, key->salt, key->id, key->wrapped,
	    plain)) != 0)
		return rc;
	rc = engine->state_key(lane->state, plain);
	csn_wipe(plain, sizeof(plain));
	if (rc != 0)
		return csn_ossl_fail_as(lane->ctx, rc, "expanding an AES key");
	atomic_store_explicit(lane->id, key->id, memory_order_release);
	return 0;
}

static uint64_t
id_in(const struct csn_keyring *ring, uint32_t lane)
{
	return atomic_load_explicit(&ring->ids[lane], memory_order_relaxed);
}

/* A test comes between a look at a lane and holding it. */
#ifndef BEFORE_HOLD
#define BEFORE_HOLD(ring, i) ((void)0)
#endif

/* Hold the lane of a set that the key is in; NULL where none is. */
static struct csn_lane *
hold_hit(struct csn_keyring *ring, uint32_t set, uint64_t id)
{
	uint32_t i;

	for (i = set; i < set + CSN_LANE_WAYS; i++) {
		if (id_in(ring, i) != id)
			continue;
		BEFORE_HOLD(ring, i);
		if (!try_hold(&ring->lanes[i].held))
			continue;
		if (id_in(ring, i) == id)
			return &ring->lanes[i];
		let_go(&ring->lanes[i].held);
	}
	return NULL;
}

/* Hold the way of a set that was used longest ago. */
static struct csn_lane *
hold_oldest(struct csn_lane *set)
{
	struct csn_lane *victim = NULL;
	uint64_t used, oldest = UINT64_MAX;
	uint32_t i;

	for (i = 0; i < CSN_LANE_WAYS; i++) {
		used = atomic_load_explicit(&set[i].used,
		    memory_order_relaxed);
		if (used < oldest && atomic_load_explicit(&set[i].held,
		    memory_order_relaxed) == 0) {
			oldest = used;
			victim = &set[i];
		}
	}
	return victim != NULL && try_hold(&victim->held) ? victim : NULL;
}

/* Is every way of the set some key's? */
static int
is_full(const struct csn_keyring *ring, uint32_t set)
{
	uint32_t i;

	for (i = set; i < set + CSN_LANE_WAYS; i++)
		if (id_in(ring, i) == 0)
			return 0;
	return 1;
}

/* Is the key another than the one that was last turned away at home? What two
 * threads make of it at once is as good as either. */
static int
turn_away(struct csn_keyring *ring, uint32_t home, uint64_t id)
{
	_Atomic uint64_t *last = &ring->turned_away[home / CSN_LANE_WAYS];
	const uint64_t was = atomic_load_explicit(last,
	    memory_order_relaxed);

	atomic_store_explicit(last, id, memory_order_relaxed);
	return was != id;
}

/*
 * A lane for a key that has none: one of its home set where that has room, or
 * where the key was the last to be turned away there, so is wanted again.
 * Else it is a guest in the thread's own lane, which is warm in the thread's
 * cache: a key that is used once among 100,000 pushes nothing out.
 */
static struct csn_lane *
hold_for(struct csn_keyring *ring, uint32_t home, uint64_t id)
{
	uint32_t all = ring->nsets * CSN_LANE_WAYS, i;
	struct csn_lane *guest = &ring->lanes[all + my_slot()], *lane;

	if (is_full(ring, home) && turn_away(ring, home, id) &&
	    try_hold(&guest->held))
		return guest;
	for (i = 0; ; i += CSN_LANE_WAYS) {
		if (i != 0)
			atomic_store(&ring->strayed, 1);
		lane = hold_oldest(&ring->lanes[(home + i) % all]);
		if (lane != NULL)
			return lane;
		if ((i + CSN_LANE_WAYS) % all == 0)
			sched_yield();	/* every lane is in use */
	}
}

int
csn_lane_acquire(struct csn_ctx *ctx, const struct csn_key *key,
    struct csn_lane **out)
{
	struct csn_keyring *ring = ring_of(ctx);
	struct csn_lane *lane;
	uint32_t home;
	int hit, rc;

	if (key->id == 0)
		return csn_fail(ctx, CSN_E_CLOSED, "crypto",
		    "the key was wiped");
	home = home_of(ring, key->id);
	lane = hold_hit(ring, home, key->id);
	hit = lane != NULL;
	if (!hit)
		lane = hold_for(ring, home, key->id);
	if (!hit && (rc = expand(lane, key)) != 0) {
		let_go(&lane->held);
		return rc;
	}
	*out = lane;
	/* Nobody asks when a guest lane was used last. */
	if (lane >= ring->lanes + ring->nsets * CSN_LANE_WAYS)
		return 0;
	/* Hits share the tick, so that they do not write one shared line. */
	atomic_store_explicit(&lane->used, hit ?
	    atomic_load_explicit(&ring->tick, memory_order_relaxed) :
	    1 + atomic_fetch_add_explicit(&ring->tick, 1,
	    memory_order_relaxed), memory_order_relaxed);
	return 0;
}

void
csn_lane_release(struct csn_lane *lane)
{
	let_go(&lane->held);
}

int
csn_lane_seal(struct csn_lane *lane, const struct csn_aead_msg *msg)
{
	int rc = lane->ctx->crypto->engine->seal(lane->state, msg);

	if (rc != 0)
		return csn_ossl_fail_as(lane->ctx, rc,
		    "sealing with AES-256-GCM");
	return 0;
}

int
csn_lane_open(struct csn_lane *lane, const struct csn_aead_msg *msg)
{
	int rc = lane->ctx->crypto->engine->open(lane->state, msg);

	if (rc == CSN_E_TAG)
		return csn_fail(lane->ctx, rc, "crypto", "the tag does not "
		    "verify: the message was changed, or is not of this key");
	if (rc != 0)
		return csn_ossl_fail_as(lane->ctx, rc,
		    "opening with AES-256-GCM");
	return 0;
}

const char *
csn_keyring_mask(const struct csn_ctx *ctx)
{
	return ctx->keyring->hashed ? "SHA3-256" : "AES-256";
}

void
csn_keyring_stat(const struct csn_ctx *ctx, uint32_t *used, uint32_t *all)
{
	uint32_t i;

	*used = 0;
	*all = ctx->keyring->nlanes;
	for (i = 0; i < *all; i++)
		if (atomic_load(&ctx->keyring->ids[i]) != 0)
			(*used)++;
}
