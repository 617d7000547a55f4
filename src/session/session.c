/* SPDX-License-Identifier: Apache-2.0 */
/* session/session.c - a live session: made, asked, rotated, closed. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/scrub.h"
#include "base/slab.h"
#include "base/text.h"
#include "session/internal.h"

static struct csn_slab sessions = CSN_SLAB(struct csn_session);

#define DEFAULT_ENTRIES 100000u
#define DEFAULT_AGE_MS 300000u
#define DEFAULT_GRACE_MS 30000u
#define DEFAULT_SLOTS (1u << 20)
#define DEFAULT_WRITERS 64u
#define MAX_BYTES (CSN_KEY_MAX_BLOCKS * 16)

int
csn_tenant_check(const struct csn_ctx *ctx, const char *id, const char *name)
{
	size_t n = id == NULL ? 0 : strnlen(id, CSN_TENANT_ID_MAX + 1);

	if (n == 0)
		return csn_fail(ctx, CSN_E_ARG, "session",
		    "the tenant id is empty: give 1 to %d bytes of UTF-8",
		    CSN_TENANT_ID_MAX);
	if (n > CSN_TENANT_ID_MAX)
		return csn_fail(ctx, CSN_E_ARG, "session", "the tenant id is "
		    "longer than %d bytes", CSN_TENANT_ID_MAX);
	if (!csn_utf8_ok(id, n))
		return csn_fail(ctx, CSN_E_ARG, "session", "the tenant id is "
		    "not UTF-8, or has control characters in it");
	if (name == NULL)
		return 0;
	n = strnlen(name, CSN_TENANT_NAME_MAX + 1);
	if (n > CSN_TENANT_NAME_MAX || !csn_utf8_ok(name, n))
		return csn_fail(ctx, CSN_E_ARG, "session", "the tenant's "
		    "display name is not UTF-8, or longer than %d bytes",
		    CSN_TENANT_NAME_MAX);
	return 0;
}

int
csn_session_options_take(const struct csn_session_options *in,
    struct csn_session_options *out)
{
	int rc;

	if ((rc = CSN_TAKE(out, in, csn_session_options, audit)) != 0)
		return rc;
	if (out->replay == 0)
		out->replay = CSN_REPLAY_STORE;
	if (out->ttl_ms == 0)
		out->ttl_ms = CSN_DEFAULT_TTL_MS;
	if (out->max_entries == 0)
		out->max_entries = DEFAULT_ENTRIES;
	if (out->max_bytes == 0 || out->max_bytes > MAX_BYTES)
		out->max_bytes = MAX_BYTES;
	if (out->max_age_ms == 0)
		out->max_age_ms = DEFAULT_AGE_MS;
	if (out->grace_ms == 0)
		out->grace_ms = DEFAULT_GRACE_MS;
	if (out->max_slots == 0)
		out->max_slots = DEFAULT_SLOTS;
	if (out->max_writers == 0)
		out->max_writers = DEFAULT_WRITERS;
	return 0;
}

int
csn_tenant_take(const struct csn_tenant *in, struct csn_tenant *out)
{
	return CSN_TAKE(out, in, csn_tenant, display_name);
}

uint64_t
csn_add_ms(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
csn_life_left(struct csn_ctx *ctx, uint64_t created_ms, uint64_t expires_ms,
    uint64_t as_of_ms)
{
	uint64_t since = later(later(created_ms, as_of_ms),
	    csn_ctx_wall_ms(ctx));

	return expires_ms > since ? expires_ms - since : 0;
}

uint64_t
csn_life_reached(struct csn_ctx *ctx, uint64_t expires_ms, uint64_t end_boot)
{
	uint64_t boot = csn_ctx_boot_ms(ctx);
	uint64_t left = end_boot > boot ? end_boot - boot : 0;

	return later(csn_ctx_wall_ms(ctx), expires_ms > left ?
	    expires_ms - left : 0);
}

/* Under lock: every key that the session holds. */
static void
wipe_keys(struct csn_session *s)
{
	struct csn_epoch *e;
	int i, k;

	for (i = 0; i < 2; i++) {
		while ((e = s->heads[i]) != NULL) {
			s->heads[i] = e->older;
			csn_epoch_free(s, e);
		}
		/* Both are there where a child was forked between two steps. */
		for (k = 0; k < 2; k++)
			if (s->next[i][k].id != 0)
				csn_key_wipe(s->ctx, &s->next[i][k]);
		csn_ahead_forget(s, i);
	}
	csn_session_wipe_streams(s);
	csn_epoch_disown(s);
}

/* Whether a session may be made so. */
static int
check_seed(struct csn_ctx *ctx, const struct csn_session_seed *seed,
    const struct csn_session_options *o)
{
	int rc;

	if (o->replay > CSN_REPLAY_OFF || o->rotate > CSN_ROTATE_REPORTED ||
	    o->audit_grain > CSN_AUDIT_PER_BATCH)
		return csn_fail(ctx, CSN_E_ARG, "session",
		    "replay, rotate or audit_grain is none of its values");
	if ((rc = csn_tenant_check(ctx, seed->tenant_id,
	    seed->tenant_name)) != 0)
		return rc;
	if (o->expect_tenant != NULL &&
	    strcmp(o->expect_tenant, seed->tenant_id) != 0)
		return csn_fail(ctx, CSN_E_TENANT, "session", "the session is "
		    "tenant %s's, not %.64s's", seed->tenant_id,
		    o->expect_tenant);
	return 0;
}

/* What needs no memory and cannot fail. */
static void
fill(struct csn_session *s, struct csn_ctx *ctx,
    const struct csn_session_seed *seed, const struct csn_session_options *o)
{
	uint64_t left;

	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->pid, getpid());
	atomic_init(&s->refs, 1);
	atomic_init(&s->generation, csn_fork_generation(ctx));
	s->own_direction = (uint8_t)seed->own_direction;
	s->open_own = seed->open_own || o->replay == CSN_REPLAY_STORE;
	s->suite = (uint8_t)seed->suite;
	s->replay = (uint8_t)o->replay;
	s->rotate = (uint8_t)o->rotate;
	s->max_writers = o->max_writers;
	s->max_entries = o->max_entries;
	s->max_bytes = o->max_bytes;
	s->max_age_ms = o->max_age_ms;
	s->grace_ms = o->grace_ms;
	atomic_init(&s->audit, o->audit);
	s->audit_grain = (uint8_t)o->audit_grain;
	memcpy(s->id, seed->id, sizeof(s->id));
	memcpy(s->tenant_id, seed->tenant_id, strlen(seed->tenant_id));
	s->aad_tail_len = (uint8_t)csn_aad_tail(s->aad_tail, s->tenant_id, 0,
	    1);
	s->created_ms = seed->created_ms;
	s->expires_ms = seed->expires_ms;
	left = csn_life_left(ctx, seed->created_ms, seed->expires_ms,
	    seed->as_of_ms);
	if (left > o->ttl_ms) {
		s->expires_ms -= left - o->ttl_ms;
		left = o->ttl_ms;
	}
	s->epoch_started = csn_ctx_boot_ms(ctx);
	s->expires_boot = csn_add_ms(s->epoch_started, left);
}

/* What may fail: the display name, the label, the slots, the two chains. */
static int
fit_out(struct csn_session *s, const struct csn_session_seed *seed,
    uint32_t max_slots)
{
	uint64_t random[4];
	int rc, i;

	if (seed->tenant_name != NULL && *seed->tenant_name != '\0' &&
	    (s->tenant_name = csn_strdup(seed->tenant_name)) == NULL)
		return csn_nomem(s->ctx, "session", "a tenant's name");
	if ((rc = csn_tenant_label(s->ctx, s->tenant_id, s->label)) != 0 ||
	    (rc = csn_random(s->ctx, random, sizeof(random))) != 0)
		return rc;
	csn_slots_init(&s->slots, max_slots, random, s->near_slots);
	for (i = 0; i < 2; i++)
		if ((rc = csn_key_mask(s->ctx, seed->chain[i],
		    csn_chain_key(s, i))) != 0)
			return rc;
	return 0;
}

int
csn_session_make(struct csn_ctx *ctx, const struct csn_session_seed *seed,
    const struct csn_session_options *options, struct csn_session **out)
{
	struct csn_session_options o;
	struct csn_session *s;
	int rc;

	if ((rc = csn_session_options_take(options, &o)) != 0 ||
	    (rc = check_seed(ctx, seed, &o)) != 0)
		return rc;
	if ((s = csn_slab_alloc(&sessions)) == NULL)
		return csn_nomem(ctx, "session", "a session");
	fill(s, ctx, seed, &o);
	if ((rc = fit_out(s, seed, o.max_slots)) != 0) {
		wipe_keys(s);
		pthread_mutex_destroy(&s->lock);
		free(s->tenant_name);
		csn_slab_free(&sessions, s);
		return rc;
	}
	csn_session_audit(s, CSN_AUDIT_SESSION_OPEN, 0, csn_kem_name(
	    (int)s->suite));
	*out = s;
	return 0;
}

const char *
csn_session_tenant_id(const struct csn_session *session)
{
	return session->tenant_id;
}

const char *
csn_session_tenant_name(const struct csn_session *session)
{
	return session->tenant_name != NULL ? session->tenant_name : "";
}

const uint8_t *
csn_session_id(const struct csn_session *session)
{
	return session->id;
}

struct csn_ctx *
csn_session_ctx(const struct csn_session *s)
{
	return s->ctx;
}

int
csn_session_audit_change(struct csn_session *s, struct csn_audit *from,
    struct csn_audit *to)
{
	return atomic_compare_exchange_strong(&s->audit, &from, to);
}

int
csn_session_audit_grain(const struct csn_session *s)
{
	return s->audit_grain;
}

int
csn_session_check_valid(struct csn_session *session)
{
	if (CSN_NEEDS(session) != 0)
		return CSN_E_ARG;

	int rc;

	if (csn_fork_check(session->ctx,
	    atomic_load(&session->generation)) != 0)
		return csn_fail(session->ctx, CSN_E_FORK, "session",
		    "the session was made before a fork: call "
		    "csn_session_after_fork in the child first");
	csn_session_lock(session);
	rc = csn_session_alive(session);
	csn_session_unlock(session);
	return rc;
}

int
csn_session_is_valid(struct csn_session *session)
{
	return csn_session_check_valid(session) == 0;
}

int
csn_session_after_fork(struct csn_session *session)
{
	if (CSN_NEEDS(session) != 0)
		return CSN_E_ARG;

	struct csn_ctx *ctx = session->ctx;
	uint64_t generation = csn_fork_generation(ctx);
	struct csn_epoch *e;
	int rc = 0, i;

	csn_session_lock(session);
	if (atomic_load(&session->generation) != generation) {
		for (i = 0; i < 2; i++)
			for (e = session->heads[i]; e != NULL;
			    e = e->older)
				e->pins = 0;
		session->pins = 0;
		session->slots.promised = 0;
		/* The parent goes on with the old writer: not ours. */
		csn_epoch_disown(session);
		csn_epoch_share_own(session, 0);
		atomic_store(&session->generation, generation);
	}
	if ((rc = csn_session_alive(session)) == 0)
		rc = csn_epoch_own(session);
	csn_session_unlock(session);
	return rc;
}

struct csn_session *
csn_session_ref(struct csn_session *session)
{
	atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
	return session;
}

/* Not inlined: what is above csn_scrub() stays, so that has to be little. */
__attribute__((noinline)) static void
wipe(struct csn_session *session)
{
	csn_session_lock(session);
	if (!session->closed) {
		session->closed = 1;
		csn_session_audit(session, CSN_AUDIT_SESSION_CLOSE, 0, NULL);
	}
	/* What is under way ends in the time of one message or batch. */
	while (session->pins != 0) {
		csn_session_unlock(session);
		sched_yield();
		csn_session_lock(session);
	}
	wipe_keys(session);
	csn_slots_free(&session->slots);
	csn_session_unlock(session);
}

void
csn_session_close(struct csn_session *session)
{
	if (session == NULL)
		return;
	wipe(session);
	csn_scrub();
}

void
csn_session_free(struct csn_session *session)
{
	if (session == NULL || atomic_fetch_sub_explicit(&session->refs, 1,
	    memory_order_acq_rel) != 1)
		return;
	csn_session_close(session);
	pthread_mutex_destroy(&session->lock);
	csn_ahead_free(session);
	free(session->tenant_name);
	csn_slab_free(&sessions, session);
}
