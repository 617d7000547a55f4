/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - the store in files: its functions as a provider. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "providers/store/file/file.h"

#define DEFAULT_TIMEOUT 5000
#define MOST_TIMEOUT 3600000

static int
fail_missing(struct csn_file_store *s)
{
	return csn_fail(s->ctx, CSN_E_NOT_FOUND, "store",
	    "the file store %s has nothing under this key", s->path);
}

static int
parse(struct csn_ctx *ctx, const char *rest, struct csn_file_store *s,
    uint64_t *create)
{
	static const char *const syncs[] = { "none", "file", "full" };
	struct csn_url_option o;
	const char *p;
	size_t len, i;
	int rc;

	len = strcspn(rest, "?");
	if (len == 0)
		return csn_fail(ctx, CSN_E_ARG, "store", "the file store "
		    "needs a folder: write file:/path or file:/path?sync=file");
	p = rest + len + (rest[len] == '?');
	s->timeout_ms = DEFAULT_TIMEOUT;
	while ((rc = csn_store_option_next(ctx, "file", &p, &o)) == 1) {
		if (csn_url_is(&o, "timeout")) {
			if (csn_decimal(o.value, o.len, MOST_TIMEOUT,
			    &s->timeout_ms) != 0)
				return csn_store_option_bad(ctx, "file", &o,
				    "give milliseconds, up to an hour");
		} else if (csn_url_is(&o, "create")) {
			if (csn_decimal(o.value, o.len, 1, create) != 0)
				return csn_store_option_bad(ctx, "file", &o,
				    "it is 0 or 1");
		} else if (csn_url_is(&o, "sync")) {
			for (i = 0; i < 3; i++) {
				if (strlen(syncs[i]) == o.len && memcmp(
				    o.value, syncs[i], o.len) == 0) /* public */
					break;
			}
			if (i == 3)
				return csn_store_option_bad(ctx, "file", &o,
				    "there are none, file and full");
			s->sync = (int)i;
		} else {
			return csn_store_option_unknown(ctx, "file", &o,
			    "sync, timeout and create");
		}
	}
	if (rc != 0)
		return rc;
	if ((s->path = csn_memdup(rest, len)) == NULL)
		return csn_nomem(ctx, "store", "a file store");
	return 0;
}

static void
file_close(void *state)
{
	CSN_UNCANCELLED;
	struct csn_file_store *s = state;

	csn_file_sweep_end(s);
	(void)pthread_mutex_destroy(&s->sweep.lock);
	if (s->root >= 0)
		(void)close(s->root);
	csn_free(s->path);
	csn_free(s);
}

static int
file_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	CSN_UNCANCELLED;
	struct csn_file_store *s;
	uint64_t create = 1;
	int rc;

	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return csn_nomem(ctx, "store", "a file store");
	s->ctx = ctx;
	s->root = -1;
	(void)pthread_mutex_init(&s->sweep.lock, NULL);
	if ((rc = parse(ctx, rest, s, &create)) != 0)
		goto err;
	s->root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0 && errno == ENOENT && create == 0) {
		rc = csn_fail(ctx, CSN_E_NOT_FOUND, "store",
		    "there is no file store at %s", s->path);
		goto err;
	}
	if (s->root < 0 && errno == ENOENT) {
		if ((rc = csn_mkdirs(ctx, s->path, 0700)) != 0)
			goto err;
		s->root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (s->root < 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "store", errno,
		    "the file store's folder %s cannot be opened", s->path);
		goto err;
	}
	csn_file_clean(s);
	*state = s;
	return 0;

err:
	file_close(s);
	return rc;
}

enum how { REPLACE, ADD };

/* Whether a live value is there; what is damaged or has ended is none. */
static int
is_live(struct csn_file_store *s, int at, const char *path,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len)
{
	struct csn_file_value v;
	int live;

	if (csn_file_value_open(s, at, path, space, space_len, key, key_len,
	    &v) != 0)
		return 0;
	live = !csn_file_has_ended(s, &v.head);
	csn_file_value_close(&v);
	return live;
}

static int
fail_exists(struct csn_file_store *s)
{
	return csn_fail(s->ctx, CSN_E_EXISTS, "store",
	    "the file store %s has a value under this key already", s->path);
}

static int
put_file(struct csn_file_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms, enum how how)
{
	struct csn_file_head h = {
		.space = space, .space_len = (uint8_t)space_len,
		.key = key, .key_len = (uint16_t)key_len,
		.len = len,
	};
	struct csn_file_temp temp = { .fd = -1 };
	struct csn_file_name n;
	int fan, rc, tries;

	if ((rc = csn_file_name(s->ctx, space, space_len, key, key_len,
	    &n)) != 0)
		return rc;
	if (how == ADD && is_live(s, s->root, n.path, space, space_len, key,
	    key_len))
		return fail_exists(s);
	if (ttl_ms > 0) {
		csn_file_sweep(s);
		h.ends_ms = csn_ctx_wall_ms(s->ctx);
		h.ends_ms = ttl_ms < UINT64_MAX - h.ends_ms ?
		    h.ends_ms + ttl_ms : UINT64_MAX;
	}
	if ((rc = csn_file_temp_write(s, &h, value, &temp)) != 0)
		return rc;
	for (tries = 0; tries < 8; tries++) {
		if ((rc = csn_file_fan_lock(s, &n, 1, &fan)) != 0)
			break;
		if (how == ADD && is_live(s, fan, n.leaf, space, space_len,
		    key, key_len))
			rc = fail_exists(s);
		else if ((rc = csn_file_temp_publish(s, &temp, fan,
		    n.leaf)) != 0 && rc != ENOENT)
			rc = csn_file_fail(s, rc, n.path, "put");
		csn_file_fan_unlock(fan);
		/* Dropped between the lock and the renaming: once more. */
		if (rc != ENOENT)
			break;
		rc = csn_fail(s->ctx, CSN_E_BUSY, "store", "the file store: "
		    "%s/%s is dropped again and again", s->path, n.space);
	}
	csn_file_temp_drop(s, &temp);
	if (rc == 0)
		atomic_fetch_add(&s->puts, 1);
	return rc;
}

static int
file_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	return put_file(state, space, space_len, key, key_len, value, len, 0,
	    REPLACE);
}

static int
file_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	return put_file(state, space, space_len, key, key_len, value, len,
	    ttl_ms, REPLACE);
}

static int
file_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	return put_file(state, space, space_len, key, key_len, value, len,
	    ttl_ms, ADD);
}

/* Open a live value. One that has ended is reclaimed, and not found. */
static int
open_live(struct csn_file_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_file_name *n,
    struct csn_file_value *v)
{
	int rc;

	if ((rc = csn_file_name(s->ctx, space, space_len, key, key_len,
	    n)) != 0)
		return rc;
	rc = csn_file_value_open(s, s->root, n->path, space, space_len, key,
	    key_len, v);
	if (rc == 0 && csn_file_has_ended(s, &v->head)) {
		csn_file_value_close(v);
		csn_file_reclaim(s, n->fan, n->leaf);
		rc = CSN_E_NOT_FOUND;
	}
	return rc == CSN_E_NOT_FOUND ? fail_missing(s) : rc;
}

/* It was live: at least its last millisecond is left. */
static uint64_t
left_of(struct csn_file_store *s, const struct csn_file_value *v)
{
	uint64_t now = csn_ctx_wall_ms(s->ctx);

	if (v->head.ends_ms == 0)
		return 0;
	return v->head.ends_ms > now ? v->head.ends_ms - now : 1;
}

static int
file_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_file_store *s = state;
	struct csn_file_value v;
	struct csn_file_name n;
	size_t cap = *len;
	int rc;

	rc = open_live(s, space, space_len, key, key_len, &n, &v);
	if (rc == CSN_E_NOT_FOUND)
		atomic_fetch_add(&s->misses, 1);
	if (rc != 0)
		return rc;
	*len = v.head.len;
	if (*len > cap)
		rc = csn_fail(s->ctx, CSN_E_BUFFER, "store", "the value has "
		    "%zu bytes, the buffer %zu", *len, cap);
	else
		rc = csn_file_value_read(s, &v, n.path, value);
	if (rc == 0)
		atomic_fetch_add(&s->hits, 1);
	if (ttl_ms != NULL)
		*ttl_ms = left_of(s, &v);
	csn_file_value_close(&v);
	return rc;
}

static int
file_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	CSN_UNCANCELLED;
	return file_get_for(state, space, space_len, key, key_len, value, len,
	    NULL);
}

static int
file_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_file_store *s = state;
	struct csn_file_value v;
	struct csn_file_name n;
	int rc;

	if ((rc = open_live(s, space, space_len, key, key_len, &n, &v)) != 0)
		return rc;
	*ttl_ms = left_of(s, &v);
	csn_file_value_close(&v);
	return 0;
}

/* 1 where an open value is of exactly these bytes, 0 where not. */
static int
is_same(struct csn_file_store *s, struct csn_file_value *v,
    const struct csn_file_name *n, const uint8_t *value, size_t len, int *rc)
{
	uint8_t *bytes;
	int same;

	*rc = 0;
	if (v->head.len != len)
		return 0;
	if ((bytes = csn_realloc(NULL, len + 1, 1)) == NULL) {
		*rc = csn_fail(s->ctx, CSN_E_NOMEM, "store",
		    "no memory to compare %zu bytes", len);
		return 0;
	}
	same = csn_file_value_read(s, v, n->path, bytes) == 0 &&
	    csn_equal(bytes, value, len);
	csn_wipe_free(bytes, len);
	return same;
}

/*
 * Remove what is under a key, or (only) these bytes. What is damaged can be
 * removed, but is not these bytes.
 */
static int
remove_file(struct csn_file_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, int only,
    const uint8_t *value, size_t len)
{
	struct csn_file_value v = { .fd = -1 };
	struct csn_file_name n;
	int fan, rc, live, damaged;

	if ((rc = csn_file_name(s->ctx, space, space_len, key, key_len,
	    &n)) != 0)
		return rc;
	if ((rc = csn_file_fan_lock(s, &n, 0, &fan)) != 0)
		return rc == CSN_E_NOT_FOUND ? fail_missing(s) : rc;
	rc = csn_file_value_open(s, fan, n.leaf, space, space_len, key,
	    key_len, &v);
	damaged = rc == CSN_E_FORM || rc == CSN_E_VERSION;
	if (rc == CSN_E_NOT_FOUND)
		rc = fail_missing(s);
	if (rc != 0 && !damaged)
		goto out;
	live = damaged || !csn_file_has_ended(s, &v.head);
	rc = 0;
	if (only && live && (damaged ||
	    !is_same(s, &v, &n, value, len, &rc))) {
		if (rc == 0)
			rc = csn_fail(s->ctx, CSN_E_NOT_FOUND, "store",
			    "the file store %s has other bytes under this "
			    "key", s->path);
		goto out;
	}
	if (unlinkat(fan, n.leaf, 0) != 0 ||
	    (s->sync == CSN_FILE_SYNC_FULL && fsync(fan) != 0))
		rc = csn_file_fail(s, errno, n.path, "removed");
	else if (!live)
		rc = fail_missing(s);
	else
		atomic_fetch_add(&s->deletes, 1);
out:
	csn_file_value_close(&v);
	csn_file_fan_unlock(fan);
	return rc;
}

static int
file_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	return remove_file(state, space, space_len, key, key_len, 0, NULL, 0);
}

static int
file_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	return remove_file(state, space, space_len, key, key_len, 1, value,
	    len);
}

static int
file_drop(void *state, const uint8_t *space, size_t space_len)
{
	CSN_UNCANCELLED;
	char name[CSN_FILE_SPACE_NAME];

	csn_file_space_name(space, space_len, name);
	return csn_file_drop(state, name);
}

struct list {
	int (*visit)(void *arg, const uint8_t *key, size_t key_len,
	    size_t value_len);
	void *arg;
};

static int
list_one(void *arg, const struct csn_file_head *h, uint64_t blocks)
{
	struct list *l = arg;

	(void)blocks;
	return l->visit(l->arg, h->key, h->key_len, h->len);
}

static int
file_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	CSN_UNCANCELLED;
	struct list l = { visit, arg };
	char name[CSN_FILE_SPACE_NAME];

	csn_file_space_name(space, space_len, name);
	return csn_file_walk(state, name, list_one, &l);
}

static int
stat_one(void *arg, const struct csn_file_head *h, uint64_t blocks)
{
	struct csn_store_stat *out = arg;

	out->entries++;
	out->bytes += h->len;
	/* A file system may keep small files in the folder itself. */
	out->memory += blocks * 512 > h->size + h->len ? blocks * 512 :
	    h->size + h->len;
	return 0;
}

static int
file_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	CSN_UNCANCELLED;
	struct csn_file_store *s = state;
	char name[CSN_FILE_SPACE_NAME];

	if (space != NULL) {
		csn_file_space_name(space, space_len, name);
		return csn_file_walk(s, name, stat_one, out);
	}
	out->hits = atomic_load(&s->hits);
	out->misses = atomic_load(&s->misses);
	out->puts = atomic_load(&s->puts);
	out->deletes = atomic_load(&s->deletes);
	return csn_file_walk(s, NULL, stat_one, out);
}

const struct csn_store_provider csn_store_file = {
	.abi = CSN_STORE_ABI,
	.name = "file",
	.open = file_open,
	.put = file_put,
	.get = file_get,
	.remove = file_remove,
	.drop = file_drop,
	.list = file_list,
	.stat = file_stat,
	.close = file_close,
	.put_for = file_put_for,
	.ttl = file_ttl,
	.get_for = file_get_for,
	.add_for = file_add_for,
	.remove_if = file_remove_if,
};
