/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached/value.c - values in memcached, and the marks of their spaces.
 *
 * A space has a mark on each host, 8 random bytes, and each of its values
 * begins with the mark of its time. Dropping a space removes its marks, so
 * whatever was put before is not found any more, and makes way in time.
 */

#include <stdio.h>
#include <string.h>

#include <caisson/crypto.h>

#include "base/cancel.h"
#include "providers/store/memcached/memcached.h"

#define MARK CSN_MC_MARK
#define TRIES 8
/* From here on memcached takes a time for a date. */
#define MOST_RELATIVE (UINT64_C(30) * 86400)

static int
fail_missing(struct csn_mc *m)
{
	return csn_fail(m->ctx, CSN_E_NOT_FOUND, "store",
	    "memcached has nothing under this key");
}

static int
fail_exists(struct csn_mc *m)
{
	return csn_fail(m->ctx, CSN_E_EXISTS, "store",
	    "memcached has a value under this key already");
}

static int
fail_busy(struct csn_mc *m)
{
	return csn_fail(m->ctx, CSN_E_BUSY, "store",
	    "memcached: others change this key all the time");
}

int
csn_mc_run(struct csn_mc *m, struct csn_mc_call *call, csn_mc_fn fn,
    int repeatable)
{
	uint64_t deadline = csn_net_deadline(m->timeout_ms);
	struct csn_mc_conn *c;
	int rc, fresh;

	for (;;) {
		if ((rc = csn_mc_begin(m, call->key.host, deadline, &c)) != 0)
			return rc;
		fresh = c->fresh;
		rc = fn(m, c, call);
		csn_mc_done(m, c, rc);
		if (rc != CSN_E_BACKEND || fresh || !repeatable ||
		    csn_net_deadline(0) >= deadline)
			return rc;
	}
}

/* Whole seconds, and one more: its second may be nearly over. */
static void
ttl_text(struct csn_mc *m, uint64_t ttl_ms, char out[CSN_MC_TTL_SIZE])
{
	uint64_t s = ttl_ms / 1000 + (ttl_ms % 1000 != 0) + 1;

	if (s > MOST_RELATIVE) {
		s += csn_ctx_wall_ms(m->ctx) / 1000;
		if (s > INT32_MAX)
			s = INT32_MAX;
	}
	out[0] = '\0';
	if (ttl_ms > 0)
		(void)snprintf(out, CSN_MC_TTL_SIZE, " T%llu",
		    (unsigned long long)s);
}

static int
start(struct csn_mc *m, struct csn_mc_call *call, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len, uint64_t ttl_ms)
{
	memset(call, 0, sizeof(*call));
	if (len > CSN_MC_MAX_VALUE - MARK)
		return csn_fail(m->ctx, CSN_E_LIMIT, "store", "a value of %zu "
		    "bytes is above what any memcached takes", len);
	call->value = value;
	call->len = len;
	ttl_text(m, ttl_ms, call->ttl);
	return csn_mc_key(m, space, space_len, key, key_len, &call->key);
}

/* The answer to "mg MARK v": 1 and the mark, 0 where there is none. */
static int
read_mark(struct csn_mc *m, struct csn_mc_conn *c, uint8_t mark[MARK])
{
	struct csn_mc_reply r;
	int rc;

	if ((rc = csn_mc_receive(m, c, 0, &r)) != 0)
		return rc;
	if (r.kind == CSN_MC_MISS)
		return 0;
	if (r.kind != CSN_MC_VALUE || r.size != MARK)
		return csn_mc_nonsense(m, c);
	if ((rc = csn_mc_bytes(m, c, mark, MARK)) != 0 ||
	    (rc = csn_mc_value_end(m, c)) != 0)
		return rc;
	return 1;
}

/* The space's mark, made where there is none. */
static int
have_mark(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call,
    uint8_t mark[MARK])
{
	char command[CSN_MC_MAX_KEY + 32];
	struct csn_mc_reply r;
	int rc, tries;

	for (tries = 0; tries < TRIES; tries++) {
		(void)snprintf(command, sizeof(command), "mg %s v\r\n",
		    call->key.mark);
		if ((rc = csn_mc_send(m, c, command, NULL, NULL, 0, 0)) !=
		    0 || (rc = read_mark(m, c, mark)) < 0)
			return rc;
		if (rc == 1)
			return 0;
		if ((rc = csn_random(m->ctx, mark, MARK)) != 0)
			return rc;
		(void)snprintf(command, sizeof(command), "ms %s %d ME\r\n",
		    call->key.mark, MARK);
		if ((rc = csn_mc_send(m, c, command, mark, NULL, 0, 1)) !=
		    0 || (rc = csn_mc_receive(m, c, MARK, &r)) != 0)
			return rc;
		if (r.kind == CSN_MC_DONE)
			return 0;
		if (r.kind != CSN_MC_NOT_STORED)
			return csn_mc_nonsense(m, c);
	}
	return fail_busy(m);
}

/*
 * Ask for a value with these flags (" t c"), and read up to where it begins:
 * r->size is then what is left of it. CSN_E_NOT_FOUND, all read, where it is
 * absent or of a space that was dropped since.
 */
static int
ask(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call,
    const char *flags, struct csn_mc_reply *r)
{
	char command[2 * CSN_MC_MAX_KEY + 64];
	uint8_t now[MARK], then[MARK];
	int rc, marked = 0;

	if (call->key.in_space)
		(void)snprintf(command, sizeof(command),
		    "mg %s v\r\nmg %s v%s\r\n", call->key.mark,
		    call->key.text, flags);
	else
		(void)snprintf(command, sizeof(command), "mg %s v%s\r\n",
		    call->key.text, flags);
	if ((rc = csn_mc_send(m, c, command, NULL, NULL, 0, 0)) != 0)
		return rc;
	if (call->key.in_space && (marked = read_mark(m, c, now)) < 0)
		return marked;
	if ((rc = csn_mc_receive(m, c, 0, r)) != 0)
		return rc;
	if (r->kind == CSN_MC_MISS)
		return fail_missing(m);
	if (r->kind != CSN_MC_VALUE)
		return csn_mc_nonsense(m, c);
	if (!call->key.in_space)
		return 0;
	if (r->size >= MARK) {
		if ((rc = csn_mc_bytes(m, c, then, MARK)) != 0)
			return rc;
		r->size -= MARK;
		if (marked && csn_equal(now, then, MARK))
			return 0;
	}
	if ((rc = csn_mc_bytes(m, c, NULL, r->size)) != 0 ||
	    (rc = csn_mc_value_end(m, c)) != 0)
		return rc;
	return fail_missing(m);
}

/*
 * Without the second that ttl_text() added, for it is past the value's end;
 * in the last one 0 are left, which is not for ever.
 */
static uint64_t
left_of(const struct csn_mc_reply *r)
{
	if (r->ttl_s == -2)
		return CSN_STORE_TTL_UNKNOWN;
	return r->ttl_s < 0 ? 0 : r->ttl_s < 2 ? 1 :
	    ((uint64_t)r->ttl_s - 1) * 1000;
}

static int
get_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	struct csn_mc_reply r;
	int rc, fits;

	if ((rc = ask(m, c, call, call->with_ttl ? " t" : "", &r)) != 0)
		return rc;
	if (call->with_ttl)
		call->ttl_ms = left_of(&r);
	call->got = r.size;
	fits = r.size <= call->cap;
	if ((rc = csn_mc_bytes(m, c, fits ? call->out : NULL, r.size)) != 0 ||
	    (rc = csn_mc_value_end(m, c)) != 0)
		return rc;
	return fits ? 0 : csn_fail(m->ctx, CSN_E_BUFFER, "store",
	    "the value has %zu bytes, the buffer %zu", r.size, call->cap);
}

static int
get(void *state, const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, uint8_t *value, size_t *len, uint64_t *ttl_ms)
{
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, NULL, 0,
	    0)) != 0)
		return rc;
	call.out = value;
	call.cap = *len;
	call.with_ttl = ttl_ms != NULL;
	rc = csn_mc_run(m, &call, get_call, 1);
	if (rc == 0 && ttl_ms != NULL)
		*ttl_ms = call.ttl_ms;
	if (rc == 0 || rc == CSN_E_BUFFER)
		*len = call.got;
	else if (rc == CSN_E_BACKEND && call.cap > 0)
		memset(value, 0, call.cap);	/* half of it came */
	if (rc == 0)
		atomic_fetch_add(&m->hits, 1);
	if (rc == CSN_E_NOT_FOUND)
		atomic_fetch_add(&m->misses, 1);
	return rc;
}

int
csn_mc_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	CSN_UNCANCELLED;
	return get(state, space, space_len, key, key_len, value, len, NULL);
}

int
csn_mc_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	return get(state, space, space_len, key, key_len, value, len, ttl_ms);
}

static int
ttl_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	char command[CSN_MC_MAX_KEY + 32];
	struct csn_mc_reply r;
	int rc;

	if (call->key.in_space) {
		/* The mark is in the value: there is no other way to it. */
		if ((rc = ask(m, c, call, " t", &r)) != 0 ||
		    (rc = csn_mc_bytes(m, c, NULL, r.size)) != 0 ||
		    (rc = csn_mc_value_end(m, c)) != 0)
			return rc;
	} else {
		(void)snprintf(command, sizeof(command), "mg %s t\r\n",
		    call->key.text);
		if ((rc = csn_mc_send(m, c, command, NULL, NULL, 0, 0)) !=
		    0 || (rc = csn_mc_receive(m, c, 0, &r)) != 0)
			return rc;
		if (r.kind == CSN_MC_MISS)
			return fail_missing(m);
		if (r.kind != CSN_MC_DONE)
			return csn_mc_nonsense(m, c);
	}
	if (r.ttl_s == -2)
		return csn_mc_nonsense(m, c);
	call->ttl_ms = left_of(&r);
	return 0;
}

int
csn_mc_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, NULL, 0,
	    0)) != 0)
		return rc;
	if ((rc = csn_mc_run(m, &call, ttl_call, 1)) == 0)
		*ttl_ms = call.ttl_ms;
	return rc;
}

/* "ms KEY LEN MODE TTL", and the value behind the mark. */
static int
store_value(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call,
    const uint8_t *mark, const char *mode, struct csn_mc_reply *r)
{
	char command[CSN_MC_MAX_KEY + 96];
	int rc;

	(void)snprintf(command, sizeof(command), "ms %s %zu%s%s\r\n",
	    call->key.text, call->len + (mark == NULL ? 0 : MARK), mode,
	    call->ttl);
	if ((rc = csn_mc_send(m, c, command, mark, call->value, call->len,
	    1)) != 0)
		return rc;
	return csn_mc_receive(m, c, call->len, r);
}

static int
put_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	uint8_t mark[MARK];
	struct csn_mc_reply r;
	int rc;

	if (call->key.in_space && (rc = have_mark(m, c, call, mark)) != 0)
		return rc;
	if ((rc = store_value(m, c, call, call->key.in_space ? mark : NULL,
	    "", &r)) != 0)
		return rc;
	return r.kind == CSN_MC_DONE ? 0 : csn_mc_nonsense(m, c);
}

int
csn_mc_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, value, len,
	    ttl_ms)) == 0 && (rc = csn_mc_run(m, &call, put_call, 1)) == 0)
		atomic_fetch_add(&m->puts, 1);
	return rc;
}

int
csn_mc_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	return csn_mc_put_for(state, space, space_len, key, key_len, value, len,
	    0);
}

static int
add_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	const uint8_t *at;
	uint8_t mark[MARK];
	struct csn_mc_reply r;
	char swap[32];
	int rc, tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (call->key.in_space &&
		    (rc = have_mark(m, c, call, mark)) != 0)
			return rc;
		at = call->key.in_space ? mark : NULL;
		if ((rc = store_value(m, c, call, at, " ME", &r)) != 0)
			return rc;
		if (r.kind == CSN_MC_DONE)
			return 0;
		if (r.kind != CSN_MC_NOT_STORED)
			return csn_mc_nonsense(m, c);
		if (!call->key.in_space)
			return fail_exists(m);
		/* One from before the space was dropped gives way. */
		rc = ask(m, c, call, " c", &r);
		if (rc == 0) {
			if ((rc = csn_mc_bytes(m, c, NULL, r.size)) != 0 ||
			    (rc = csn_mc_value_end(m, c)) != 0)
				return rc;
			return fail_exists(m);
		}
		if (rc != CSN_E_NOT_FOUND)
			return rc;
		if (r.kind != CSN_MC_VALUE)
			continue;
		(void)snprintf(swap, sizeof(swap), " C%llu",
		    (unsigned long long)r.cas);
		if ((rc = store_value(m, c, call, at, swap, &r)) != 0)
			return rc;
		if (r.kind == CSN_MC_DONE)
			return 0;
		if (r.kind != CSN_MC_CHANGED && r.kind != CSN_MC_NOT_FOUND)
			return csn_mc_nonsense(m, c);
	}
	return fail_busy(m);
}

int
csn_mc_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, value, len,
	    ttl_ms)) == 0 && (rc = csn_mc_run(m, &call, add_call, 0)) == 0)
		atomic_fetch_add(&m->puts, 1);
	return rc;
}

int
csn_mc_delete(struct csn_mc *m, struct csn_mc_conn *c, const char *key,
    const char *flags)
{
	char command[CSN_MC_MAX_KEY + 64];
	struct csn_mc_reply r;
	int rc;

	(void)snprintf(command, sizeof(command), "md %s%s\r\n", key, flags);
	if ((rc = csn_mc_send(m, c, command, NULL, NULL, 0, 0)) != 0 ||
	    (rc = csn_mc_receive(m, c, 0, &r)) != 0)
		return rc;
	if (r.kind == CSN_MC_DONE)
		return 0;
	if (r.kind == CSN_MC_NOT_FOUND || r.kind == CSN_MC_CHANGED)
		return fail_missing(m);
	return csn_mc_nonsense(m, c);
}

/* One from before its space was dropped counts as there, and goes. */
static int
remove_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	return csn_mc_delete(m, c, call->key.text, "");
}

int
csn_mc_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, NULL, 0,
	    0)) == 0 && (rc = csn_mc_run(m, &call, remove_call, 0)) == 0)
		atomic_fetch_add(&m->deletes, 1);
	return rc;
}

static int
remove_if_call(struct csn_mc *m, struct csn_mc_conn *c,
    struct csn_mc_call *call)
{
	struct csn_mc_reply r;
	char swap[32];
	int rc, may;

	if ((rc = ask(m, c, call, " c", &r)) != 0)
		return rc;
	may = r.size == call->len;
	if ((rc = csn_mc_bytes(m, c, may ? call->out : NULL, r.size)) != 0 ||
	    (rc = csn_mc_value_end(m, c)) != 0)
		return rc;
	if (!may || !csn_equal(call->out, call->value, call->len))
		return csn_fail(m->ctx, CSN_E_NOT_FOUND, "store",
		    "memcached has other bytes under this key");
	/* Unless it was changed meanwhile: then it is other bytes too. */
	(void)snprintf(swap, sizeof(swap), " C%llu",
	    (unsigned long long)r.cas);
	return csn_mc_delete(m, c, call->key.text, swap);
}

int
csn_mc_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call;
	int rc;

	if ((rc = start(m, &call, space, space_len, key, key_len, value, len,
	    0)) != 0)
		return rc;
	if ((call.out = csn_realloc(NULL, len + 1, 1)) == NULL)
		return csn_fail(m->ctx, CSN_E_NOMEM, "store",
		    "no memory to compare %zu bytes", len);
	if ((rc = csn_mc_run(m, &call, remove_if_call, 0)) == 0)
		atomic_fetch_add(&m->deletes, 1);
	csn_wipe_free(call.out, len);
	return rc;
}
