/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.c - the bounded log in memory.
 *
 * A record's number comes from one atomic counter and says which slot it
 * goes to; slots share a few locks, so appenders hardly ever meet.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "audit/audit.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/forkguard.h"

#define LOCKS 64
#define SHORT 88		/* text that fits in the slot itself */
#define DEFAULT_CAPACITY 65536

struct slot {
	_Atomic uint64_t number; /* of the record, from 1; 0 for none */
	uint64_t unix_ms;
	struct csn_audit_record rec;	/* strings: offsets do not matter */
	char *text;	/* tenant, NUL, detail, NUL: here, or malloc'ed */
	char op[CSN_AUDIT_MAX_OP + 1];
	uint16_t tenant_len, detail_len;
	char here[SHORT];
};

struct csn_audit_ring {
	struct csn_ctx *ctx;
	size_t capacity;
	_Atomic uint64_t count;
	struct slot *slots;
	pthread_mutex_t locks[LOCKS];
	/* The process that the locks belong to; changed under adopting. */
	_Atomic uint64_t generation;
	pthread_mutex_t adopting;
	struct csn_forkguard guard;
};

int
csn_audit_ring_new(struct csn_ctx *ctx, size_t capacity,
    struct csn_audit_ring **out)
{
	struct csn_audit_ring *ring;
	size_t i;

	if (capacity == 0)
		capacity = DEFAULT_CAPACITY;
	if ((ring = csn_calloc(1, sizeof(*ring))) == NULL ||
	    (ring->slots = csn_calloc(capacity, sizeof(*ring->slots))) ==
	    NULL) {
		csn_free(ring);
		return csn_nomem(ctx, "audit", "a log of %zu records",
		    capacity);
	}
	ring->ctx = ctx;
	ring->capacity = capacity;
	for (i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&ring->locks[i], NULL);
	atomic_init(&ring->generation, csn_fork_generation(ctx));
	(void)pthread_mutex_init(&ring->adopting, NULL);
	csn_forkguard_mutex(&ring->guard, &ring->adopting);
	*out = ring;
	return 0;
}

/* A forked child has locks of its own: a thread that is not there may hold
 * any of its parent's. */
static void
adopt(struct csn_audit_ring *ring)
{
	uint64_t here = csn_fork_generation(ring->ctx);
	size_t i;

	(void)pthread_mutex_lock(&ring->adopting);
	if (atomic_load(&ring->generation) != here) {
		for (i = 0; i < LOCKS; i++)
			(void)pthread_mutex_init(&ring->locks[i], NULL);
		atomic_store(&ring->generation, here);
	}
	(void)pthread_mutex_unlock(&ring->adopting);
}

static pthread_mutex_t *
lock_slot(struct csn_audit_ring *ring, size_t at)
{
	pthread_mutex_t *lock = &ring->locks[at % LOCKS];

	if (csn_fork_check(ring->ctx, atomic_load(&ring->generation)) != 0)
		adopt(ring);
	(void)pthread_mutex_lock(lock);
	return lock;
}

static void
slot_fill(struct csn_audit_ring *ring, uint64_t number, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	size_t at = (size_t)(number % ring->capacity);
	struct slot *s = &ring->slots[at];
	size_t tenant = r->tenant == NULL ? 0 : strlen(r->tenant);
	size_t detail = r->detail == NULL ? 0 :
	    strnlen(r->detail, CSN_AUDIT_MAX_DETAIL);
	char *text = NULL, *old;
	pthread_mutex_t *lock;

	if (tenant + detail + 2 > SHORT)
		text = csn_calloc(1, tenant + detail + 2);
	/* Without memory a shorter text is better than no record. */
	if (tenant + detail + 2 > SHORT && text == NULL) {
		tenant = tenant > SHORT - 2 ? SHORT - 2 : tenant;
		detail = detail > SHORT - 2 - tenant ? SHORT - 2 - tenant :
		    detail;
	}
	lock = lock_slot(ring, at);
	/* One that is a whole ring newer may have been quicker. */
	if (s->number > number + 1) {
		(void)pthread_mutex_unlock(lock);
		csn_free(text);
		return;
	}
	/* A child that is forked off in here finds no record. */
	s->number = 0;
	old = s->text;
	s->text = text != NULL ? text : s->here;
	s->unix_ms = unix_ms;
	s->rec = *r;
	memcpy(s->op, r->op, strlen(r->op) + 1);
	s->tenant_len = (uint16_t)tenant;
	s->detail_len = (uint16_t)detail;
	if (tenant > 0)
		memcpy(s->text, r->tenant, tenant);
	s->text[tenant] = '\0';
	if (detail > 0)
		memcpy(s->text + tenant + 1, r->detail, detail);
	s->text[tenant + 1 + detail] = '\0';
	s->number = number + 1;
	(void)pthread_mutex_unlock(lock);
	if (old != s->here)
		csn_free(old);
}

void
csn_audit_ring_append(struct csn_audit_ring *ring,
    const struct csn_audit_record *records, size_t n)
{
	uint64_t now = csn_ctx_wall_ms(ring->ctx), number;
	size_t i;

	number = atomic_fetch_add_explicit(&ring->count, n,
	    memory_order_relaxed);
	for (i = 0; i < n; i++)
		slot_fill(ring, number + i, now, &records[i]);
}

int
csn_audit_ring_each(struct csn_audit_ring *ring, csn_audit_visit visit,
    void *arg)
{
	char text[CSN_AUDIT_MAX_TENANT + CSN_AUDIT_MAX_DETAIL + 8];
	char op[CSN_AUDIT_MAX_OP + 1];
	struct csn_audit_record rec;
	struct slot *s;
	uint64_t count, number, unix_ms;
	pthread_mutex_t *lock;
	size_t at;
	int rc, there;

	count = atomic_load(&ring->count);
	number = count > ring->capacity ? count - ring->capacity : 0;
	for (; number < count; number++) {
		at = (size_t)(number % ring->capacity);
		s = &ring->slots[at];
		lock = lock_slot(ring, at);
		/* Gone by now, or not there yet: its thread is at it. */
		if ((there = s->number == number + 1) != 0) {
			rec = s->rec;
			memcpy(op, s->op, sizeof(op));
			rec.op = op;
			unix_ms = s->unix_ms;
			memcpy(text, s->text, (size_t)s->tenant_len +
			    s->detail_len + 2);
			if (rec.tenant != NULL)
				rec.tenant = text;
			if (rec.detail != NULL)
				rec.detail = text + s->tenant_len + 1;
		}
		(void)pthread_mutex_unlock(lock);
		if (there && (rc = visit(arg, number, unix_ms, &rec)) != 0)
			return rc;
	}
	return 0;
}

uint64_t
csn_audit_ring_count(const struct csn_audit_ring *ring)
{
	return atomic_load(&ring->count);
}

void
csn_audit_ring_free(struct csn_audit_ring *ring)
{
	size_t i;

	if (ring == NULL)
		return;
	for (i = 0; i < ring->capacity; i++)
		if (ring->slots[i].text != ring->slots[i].here)
			csn_free(ring->slots[i].text);
	for (i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&ring->locks[i]);
	csn_forkguard_drop(&ring->guard);
	(void)pthread_mutex_destroy(&ring->adopting);
	csn_free(ring->slots);
	csn_free(ring);
}
