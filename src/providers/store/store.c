/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - a store as its users see it: arguments checked, and values in
 * place through a buffer where the provider cannot do better.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/sized.h"
#include "providers/registry.h"
#include "providers/store/buffer.h"

#define FIRST_GUESS 4096	/* so that a small value is asked for once */

/* Who is told of evictions. */
struct listener {
	struct listener *next;
	csn_store_evicted fn;
	void *arg;
};

struct csn_store {
	struct csn_ctx *ctx;
	const struct csn_store_provider *p;
	void *state;
	/*
	 * Held for reading while listeners are told, and a listener may cause
	 * an eviction: so not csn_rwlock_init()'s, which a thread may not
	 * take twice.
	 */
	pthread_rwlock_t listening;
	struct listener *listeners;
	/*
	 * Whether the provider tells this store. Another lock than that above,
	 * which it may take while it tells.
	 */
	pthread_mutex_t starting;
	int told;
};

/* A provider of the program's own has no sentence: give it one. */
static int
done(struct csn_store *s, int rc)
{
	if (rc < 0 && csn_message_code() != rc)
		return csn_fail(s->ctx, rc, "store", "the %s store: %s",
		    s->p->name, csn_error_text(rc));
	return rc;
}

/* A space that is not there (NULL, 0) becomes a name without bytes. */
static int
check(struct csn_store *s, const uint8_t **space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	if (s == NULL)
		return csn_fail(NULL, CSN_E_ARG, "store", "no store is given");
	if (*space == NULL && space_len > 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no space's name is given, but its length is");
	if (*space == NULL)
		*space = (const uint8_t *)"";
	if (space_len > CSN_STORE_MAX_SPACE)
		return csn_fail(s->ctx, CSN_E_ARG, "store", "a space's name "
		    "has up to %d bytes, not %zu", CSN_STORE_MAX_SPACE,
		    space_len);
	if (key == NULL || key_len == 0 || key_len > CSN_STORE_MAX_KEY)
		return csn_fail(s->ctx, CSN_E_ARG, "store", "a key has 1 to "
		    "%d bytes, not %zu", CSN_STORE_MAX_KEY,
		    key == NULL ? 0 : key_len);
	return 0;
}

int
csn_store_open(struct csn_ctx *ctx, const char *url, struct csn_store **out)
{
	CSN_UNCANCELLED;
	struct csn_store *s;
	const char *rest;
	int rc;

	if (ctx == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "store",
		    "a store needs a context and a place for its handle");
	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return csn_nomem(ctx, "store", "a store");
	pthread_rwlock_init(&s->listening, NULL);
	pthread_mutex_init(&s->starting, NULL);
	s->ctx = ctx;
	if ((rc = csn_store_lookup(ctx, url, &s->p, &rest)) != 0 ||
	    (rc = done(s, s->p->open(ctx, rest, &s->state))) != 0) {
		csn_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int
csn_store_put(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (value == NULL && len > 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no value is given");
	return done(s, s->p->put(s->state, space, space_len, key, key_len,
	    value, len));
}

int
csn_store_get(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (len == NULL || (value == NULL && *len > 0))
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no place for the value is given");
	return done(s, s->p->get(s->state, space, space_len, key, key_len,
	    value, len));
}

int
csn_store_remove(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	return done(s, s->p->remove(s->state, space, space_len, key,
	    key_len));
}

int
csn_store_drop(struct csn_store *s, const uint8_t *space, size_t space_len)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, (const uint8_t *)"", 1)) != 0)
		return rc;
	if (space_len == 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store", "keys outside any "
		    "space are not dropped, others may use them too: list "
		    "and remove those that are yours");
	return done(s, s->p->drop(s->state, space, space_len));
}

struct visitor {
	const struct csn_store *store;
	int (*visit)(void *arg, const uint8_t *key, size_t key_len,
	    size_t value_len);
	void *arg;
};

/* How many keys there are is the backend's word: the program may end it. */
static int
visit_unless_stopped(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len)
{
	const struct visitor *v = arg;
	int rc = csn_stop_check(v->store->ctx, "store");

	return rc != 0 ? rc : v->visit(v->arg, key, key_len, value_len);
}

int
csn_store_each(struct csn_store *s, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	CSN_CANCEL_POINT;
	struct visitor v;
	int rc;

	if ((rc = check(s, &space, space_len, (const uint8_t *)"", 1)) != 0)
		return rc;
	if (visit == NULL)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no visitor is given");
	v = (struct visitor){ s, visit, arg };
	return s->p->list(s->state, space, space_len, visit_unless_stopped,
	    &v);
}

int
csn_store_stat(struct csn_store *s, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	struct csn_store_stat stat = { .size = sizeof(stat) };
	int rc;

	if (s == NULL)
		return csn_fail(NULL, CSN_E_ARG, "store",
		    "no store is given");
	if ((rc = CSN_GIVE_CHECK(out, csn_store_stat, classical)) != 0)
		return rc;
	if (space != NULL &&
	    (rc = check(s, &space, space_len, (const uint8_t *)"", 1)) != 0)
		return rc;
	if ((rc = done(s, s->p->stat(s->state, space, space_len,
	    &stat))) != 0)
		return rc;
	CSN_GIVE(out, &stat, csn_store_stat);
	return 0;
}

static int
lacks(struct csn_store *s, const char *what)
{
	return csn_fail(s->ctx, CSN_E_BACKEND, "store",
	    "the %s store has no %s", s->p->name, what);
}

int
csn_store_put_for(struct csn_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len, uint64_t ttl_ms)
{
	CSN_CANCEL_POINT;
	int rc;

	if (s != NULL && s->p->put_for == NULL && ttl_ms == 0)
		return csn_store_put(s, space, space_len, key, key_len, value,
		    len);
	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (value == NULL && len > 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no value is given");
	if (s->p->put_for == NULL)
		return lacks(s, "values that end by themselves");
	return done(s, s->p->put_for(s->state, space, space_len, key,
	    key_len, value, len, ttl_ms));
}

int
csn_store_ttl(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	CSN_CANCEL_POINT;
	uint64_t left = 0;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (ttl_ms == NULL)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no place for the time is given");
	if (s->p->ttl == NULL)
		return lacks(s, "values that end by themselves");
	if ((rc = done(s, s->p->ttl(s->state, space, space_len, key, key_len,
	    &left))) == 0)
		*ttl_ms = left;
	return rc;
}

int
csn_store_add_for(struct csn_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len, uint64_t ttl_ms)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (value == NULL && len > 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no value is given");
	if (s->p->add_for == NULL)
		return lacks(s, "way to add only where nothing is");
	return done(s, s->p->add_for(s->state, space, space_len, key,
	    key_len, value, len, ttl_ms));
}

int
csn_store_remove_if(struct csn_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len)
{
	CSN_CANCEL_POINT;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (value == NULL && len > 0)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no value is given");
	if (s->p->remove_if == NULL)
		return lacks(s, "way to remove only a certain value");
	return done(s, s->p->remove_if(s->state, space, space_len, key,
	    key_len, value, len));
}

int
csn_store_get_for(struct csn_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, uint8_t *value,
    size_t *len, uint64_t *ttl_ms)
{
	CSN_CANCEL_POINT;
	uint64_t left;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (len == NULL || (value == NULL && *len > 0) || ttl_ms == NULL)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no place for the value or for its time is given");
	left = s->p->put_for == NULL ? 0 : CSN_STORE_TTL_UNKNOWN;
	rc = s->p->get_for != NULL ? s->p->get_for(s->state, space, space_len,
	    key, key_len, value, len, &left) : s->p->get(s->state, space,
	    space_len, key, key_len, value, len);
	if ((rc = done(s, rc)) == 0)
		*ttl_ms = left;
	return rc;
}

uint32_t
csn_store_server(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	if (s == NULL || s->p->server == NULL ||
	    check(s, &space, space_len, key, key_len) != 0)
		return 0;
	return s->p->server(s->state, space, space_len, key, key_len);
}

uint32_t
csn_store_abilities(const struct csn_store *s)
{
	if (s == NULL)
		return 0;
	return (s->p->put_for != NULL ? CSN_STORE_TTL : 0) |
	    (s->p->add_for != NULL ? CSN_STORE_LOCK : 0);
}

int
csn_store_is_private(const struct csn_store *s)
{
	/* Buffers of our own are, whatever is behind them. */
	return s != NULL && (s->p->reserve == NULL ||
	    (s->p->flags & CSN_STORE_PRIVATE) != 0);
}

/* A buffer of our own; handle is what to free. */
static int
buffer_new(struct csn_store *s, size_t len, struct csn_store_buf *out)
{
	if ((out->p = csn_buffer_new(NULL, len, &out->handle)) == NULL)
		return csn_nomem(s->ctx, "store", "a value of %zu bytes", len);
	out->len = len;
	return 0;
}

static void
buffer_end(struct csn_store_buf *buf)
{
	csn_free(buf->handle);
	memset(buf, 0, sizeof(*buf));
}

int
csn_store_reserve(struct csn_store *s, const uint8_t *space, size_t space_len,
    size_t len, struct csn_store_buf *out)
{
	CSN_CANCEL_POINT;
	struct csn_store_buf buf = { 0 };
	int rc;

	if ((rc = check(s, &space, space_len, (const uint8_t *)"", 1)) != 0)
		return rc;
	if (out == NULL)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no place for the buffer is given");
	if (s->p->reserve != NULL)
		rc = done(s, s->p->reserve(s->state, space, space_len, len,
		    &buf));
	else
		rc = buffer_new(s, len, &buf);
	if (rc == 0)
		*out = buf;
	return rc;
}

int
csn_store_commit(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *buf)
{
	int rc;

	if (s == NULL || buf == NULL || buf->handle == NULL)
		return csn_fail(s == NULL ? NULL : s->ctx, CSN_E_ARG, "store",
		    "no reserved buffer is given");
	if ((rc = check(s, &space, space_len, key, key_len)) != 0) {
		csn_store_abort(s, buf);
		return rc;
	}
	if (s->p->commit != NULL) {
		rc = done(s, s->p->commit(s->state, space, space_len, key,
		    key_len, buf));
		memset(buf, 0, sizeof(*buf));
		return rc;
	}
	rc = done(s, s->p->put(s->state, space, space_len, key, key_len,
	    buf->p, buf->len));
	buffer_end(buf);
	return rc;
}

void
csn_store_abort(struct csn_store *s, struct csn_store_buf *buf)
{
	if (s == NULL || buf == NULL || buf->handle == NULL)
		return;
	if (s->p->abort != NULL)
		s->p->abort(s->state, buf);
	else
		csn_free(buf->handle);
	memset(buf, 0, sizeof(*buf));
}

int
csn_store_borrow(struct csn_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *out)
{
	CSN_CANCEL_POINT;
	struct csn_store_buf buf = { 0 };
	size_t len = FIRST_GUESS;
	int rc;

	if ((rc = check(s, &space, space_len, key, key_len)) != 0)
		return rc;
	if (out == NULL)
		return csn_fail(s->ctx, CSN_E_ARG, "store",
		    "no place for the buffer is given");
	if (s->p->borrow != NULL) {
		rc = done(s, s->p->borrow(s->state, space, space_len, key,
		    key_len, &buf));
	} else {
		/* Again where it grew between asking and reading. */
		do {
			csn_free(buf.handle);
			buf.handle = NULL;
			if ((rc = buffer_new(s, len, &buf)) != 0)
				break;
			rc = s->p->get(s->state, space, space_len, key,
			    key_len, buf.p, &len);
		} while (rc == CSN_E_BUFFER);
		buf.len = len;
		if (rc != 0)
			csn_free(buf.handle);
		rc = done(s, rc);
	}
	if (rc == 0)
		*out = buf;
	return rc;
}

void
csn_store_release(struct csn_store *s, struct csn_store_buf *buf)
{
	if (s == NULL || buf == NULL || buf->handle == NULL)
		return;
	if (s->p->release != NULL) {
		s->p->release(s->state, buf);
		memset(buf, 0, sizeof(*buf));
	} else {
		buffer_end(buf);
	}
}

static void
tell(void *arg, const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len)
{
	struct csn_store *s = arg;
	const struct listener *l;

	pthread_rwlock_rdlock(&s->listening);
	for (l = s->listeners; l != NULL; l = l->next)
		l->fn(l->arg, space, space_len, key, key_len);
	pthread_rwlock_unlock(&s->listening);
}

int
csn_store_on_evict(struct csn_store *s, csn_store_evicted fn, void *arg)
{
	struct listener *l;

	if (s == NULL || fn == NULL)
		return csn_fail(s == NULL ? NULL : s->ctx, CSN_E_ARG, "store",
		    "no store, or nobody to tell, is given");
	if (s->p->on_evict == NULL)
		return csn_fail(s->ctx, CSN_E_BACKEND, "store",
		    "the %s store does not tell of evictions", s->p->name);
	if ((l = csn_calloc(1, sizeof(*l))) == NULL)
		return csn_nomem(s->ctx, "store", "telling of evictions");
	l->fn = fn;
	l->arg = arg;
	pthread_mutex_lock(&s->starting);
	if (!s->told)
		s->p->on_evict(s->state, tell, s);
	s->told = 1;
	pthread_mutex_unlock(&s->starting);
	pthread_rwlock_wrlock(&s->listening);
	l->next = s->listeners;
	s->listeners = l;
	pthread_rwlock_unlock(&s->listening);
	return 0;
}

void
csn_store_off_evict(struct csn_store *s, csn_store_evicted fn, void *arg)
{
	struct listener **at, *l = NULL;

	if (s == NULL)
		return;
	pthread_rwlock_wrlock(&s->listening);
	for (at = &s->listeners; *at != NULL; at = &(*at)->next)
		if ((*at)->fn == fn && (*at)->arg == arg) {
			l = *at;
			*at = l->next;
			break;
		}
	pthread_rwlock_unlock(&s->listening);
	free(l);
}

void
csn_store_close(struct csn_store *s)
{
	CSN_UNCANCELLED;
	struct listener *l;

	if (s == NULL)
		return;
	s->p->close(s->state);
	while ((l = s->listeners) != NULL) {
		s->listeners = l->next;
		free(l);
	}
	pthread_rwlock_destroy(&s->listening);
	pthread_mutex_destroy(&s->starting);
	csn_free(s);
}
