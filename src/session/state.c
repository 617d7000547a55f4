/* SPDX-License-Identifier: Apache-2.0 */
/* session/state.c - a session's life, lock, label and log. */
#include <string.h>
#include <unistd.h>

#include "audit/record.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/forkguard.h"
#include "base/text.h"
#include "session/internal.h"

const char *
csn_rotate_trigger_name(int trigger)
{
	static const char *const names[] = { "NONE", "ENTRY_COUNT",
	    "TIME_ELAPSED", "BYTE_COUNT", "MANUAL" };

	return trigger < 0 || trigger > CSN_ROTATE_MANUAL ? NULL :
	    names[trigger];
}

/* Threads of a child that come first, at once: one gives it its lock. */
static pthread_mutex_t adopting = PTHREAD_MUTEX_INITIALIZER;
static struct csn_forkguard adopting_guard;

static void
adopt(struct csn_session *s)
{
	(void)csn_fork_generation(s->ctx);
	csn_forkguard_mutex(&adopting_guard, &adopting);
	pthread_mutex_lock(&adopting);
	if (atomic_load(&s->pid) != getpid()) {
		pthread_mutex_init(&s->lock, NULL);
		if (s->ahead != NULL)
			pthread_mutex_init(&s->ahead->looking, NULL);
		s->pins = 0;
		atomic_store(&s->pid, getpid());
	}
	pthread_mutex_unlock(&adopting);
}

void
csn_session_lock(struct csn_session *s)
{
	/*
	 * In a forked child the lock may be held by a thread that is not
	 * there, for ever, and so may lanes: this process starts with a lock
	 * of its own and adopts the context. The session's generation stays
	 * behind, so its keys seal nothing before csn_session_after_fork.
	 */
	if (csn_fork_check(s->ctx, atomic_load_explicit(&s->generation,
	    memory_order_acquire)) != 0 && atomic_load(&s->pid) != getpid())
		adopt(s);
	pthread_mutex_lock(&s->lock);
}

void
csn_session_unlock(struct csn_session *s)
{
	pthread_mutex_unlock(&s->lock);
}

int
csn_session_forked(const struct csn_session *s)
{
	if (csn_fork_check(s->ctx, atomic_load_explicit(&s->generation,
	    memory_order_relaxed)) == 0)
		return 0;
	return csn_fail(s->ctx, CSN_E_FORK, "session", "the session was made "
	    "before a fork: call csn_session_after_fork in the child first");
}

struct csn_audit *
csn_session_audit_log(const struct csn_session *s)
{
	return atomic_load_explicit(&s->audit, memory_order_acquire);
}

void
csn_session_record(const struct csn_session *s, const char *op,
    int code, const char *detail, struct csn_audit_record *r)
{
	csn_audit_fill(r, op, code, s->tenant_id, detail);
	r->flags = CSN_AUDIT_HAS_SESSION;
	memcpy(r->session, s->id, sizeof(r->session));
}

void
csn_session_audit(struct csn_session *s, const char *op, int code,
    const char *detail)
{
	CSN_UNCANCELLED;
	struct csn_audit *audit = csn_session_audit_log(s);
	struct csn_audit_record r;

	if (audit == NULL)
		return;
	csn_session_record(s, op, code, detail, &r);
	/* What has happened cannot be taken back: it is counted. */
	if (csn_audit_append(audit, &r) != 0)
		s->audit_failures++;
}

int
csn_session_alive_at(struct csn_session *s, uint64_t now)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (s->closed)
		return csn_fail(s->ctx, CSN_E_CLOSED, "session",
		    "the session of tenant %s is closed", s->tenant_id);
	/* What was seen to be over stays over, whatever the clock does. */
	if (!s->expired && now < s->expires_boot)
		return 0;
	if (!s->expired) {
		s->expired = 1;
		csn_session_audit(s, CSN_AUDIT_SESSION_EXPIRE, 0, NULL);
	}
	csn_time_format(s->expires_ms, when);
	return csn_fail(s->ctx, CSN_E_EXPIRED, "session", "the session of "
	    "tenant %s expired at %s: establish a new one", s->tenant_id,
	    when);
}

int
csn_session_alive(struct csn_session *s)
{
	return csn_session_alive_at(s, csn_ctx_boot_ms(s->ctx));
}

/*
 * The AAD's tail of what is no stream. All of its room is copied: a length that
 * the compiler knows takes a few moves, a short one that it does not know may
 * become a rep movs, which takes longer to begin than all else here.
 */
void
csn_session_tail(const struct csn_session *s, struct csn_aad *aad)
{
	memcpy(aad->bytes + CSN_SEAL_HEADER, s->aad_tail, sizeof(s->aad_tail));
	aad->len = CSN_SEAL_HEADER + s->aad_tail_len;
}

void
csn_session_head(const struct csn_session *s, uint32_t epoch,
    const uint8_t writer[16], struct csn_aad *aad)
{
	struct csn_head h;

	h.suite = s->suite;
	h.direction = s->own_direction;
	h.replay = s->replay;
	h.epoch = epoch;
	memcpy(h.label, s->label, sizeof(h.label));
	memcpy(h.session, s->id, sizeof(h.session));
	memcpy(h.writer, writer, sizeof(h.writer));
	csn_head_begin(&h, aad->bytes);
	csn_session_tail(s, aad);
}
