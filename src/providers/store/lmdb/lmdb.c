/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb.c - the store in an LMDB file: its functions as a provider. */

#include <string.h>

#include "base/cancel.h"
#include "base/cursor.h"
#include "providers/store/lmdb/lmdb.h"

#define DEFAULT_SIZE ((uint64_t)1 << 30)
#define LEAST_SIZE ((uint64_t)1 << 20)
#define MOST_SIZE ((uint64_t)16 << 40)
#define DEFAULT_READERS 1024

static int
fail_missing(struct csn_lmdb_store *s)
{
	return csn_fail(s->ctx, CSN_E_NOT_FOUND, "store",
	    "the lmdb store %s has nothing under this key", s->path);
}

static int
fail_foreign(struct csn_lmdb_store *s)
{
	return csn_fail(s->ctx, CSN_E_FORM, "store", "the lmdb store %s: what "
	    "is under this key was not written by this library; put the "
	    "value again, or remove it", s->path);
}

static int
parse(struct csn_ctx *ctx, const char *rest, struct csn_lmdb_store *s,
    struct csn_lmdb_config *c)
{
	struct csn_url_option o;
	const char *p;
	uint64_t v;
	size_t len;
	int rc;

	len = strcspn(rest, "?");
	if (len == 0)
		return csn_fail(ctx, CSN_E_ARG, "store", "the lmdb store "
		    "needs a folder: write lmdb:/path or lmdb:/path?size=4G");
	p = rest + len + (rest[len] == '?');
	c->size = DEFAULT_SIZE;
	c->readers = DEFAULT_READERS;
	c->create = 1;
	c->flags = MDB_NOMETASYNC;
	while ((rc = csn_store_option_next(ctx, "lmdb", &p, &o)) == 1) {
		if (csn_url_is(&o, "size")) {
			if (csn_url_bytes(o.value, o.len, &v) != 0 ||
			    v < LEAST_SIZE || v > MOST_SIZE)
				return csn_store_option_bad(ctx, "lmdb", &o,
				    "give a number from 1M to 16T");
			c->size = v;
		} else if (csn_url_is(&o, "readers")) {
			if (csn_decimal(o.value, o.len, 100000, &v) != 0 ||
			    v == 0)
				return csn_store_option_bad(ctx, "lmdb", &o,
				    "give a number from 1 to 100000");
			c->readers = (unsigned)v;
		} else if (csn_url_is(&o, "create")) {
			if (csn_decimal(o.value, o.len, 1, &v) != 0)
				return csn_store_option_bad(ctx, "lmdb", &o,
				    "it is 0 or 1");
			c->create = v != 0;
		} else if (csn_url_is(&o, "sync")) {
			if (o.len == 4 && memcmp(o.value, "none", 4) == 0)
				c->flags = MDB_NOSYNC;
			else if (o.len == 4 &&
			    memcmp(o.value, "meta", 4) == 0)
				c->flags = MDB_NOMETASYNC;
			else if (o.len == 4 &&
			    memcmp(o.value, "full", 4) == 0)
				c->flags = 0;
			else
				return csn_store_option_bad(ctx, "lmdb", &o,
				    "there are none, meta and full");
		} else {
			return csn_store_option_unknown(ctx, "lmdb", &o,
			    "size, sync, readers and create");
		}
	}
	if (rc != 0)
		return rc;
	if ((s->path = csn_memdup(rest, len)) == NULL)
		return csn_nomem(ctx, "store", "an lmdb store");
	return 0;
}

static void
lmdb_close(void *state)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;

	csn_lmdb_env_close(s);
	csn_free(s->path);
	csn_free(s);
}

static int
lmdb_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_config config;
	struct csn_lmdb_store *s;
	int rc;

	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return csn_nomem(ctx, "store", "an lmdb store");
	s->ctx = ctx;
	if ((rc = parse(ctx, rest, s, &config)) != 0 ||
	    (rc = csn_lmdb_env_open(s, &config)) != 0) {
		lmdb_close(s);
		return rc;
	}
	*state = s;
	return 0;
}

enum how { REPLACE, ADD };

/* 1 where a live value is there, 0 where not; *rc is LMDB's. */
static int
is_live(struct csn_lmdb_store *s, MDB_txn *txn, struct csn_lmdb_key *key,
    int *rc)
{
	struct csn_lmdb_value value;
	MDB_val k = { key->len, key->p }, v;

	if ((*rc = mdb_get(txn, s->e->dbi, &k, &v)) != 0) {
		if (*rc == MDB_NOTFOUND)
			*rc = 0;
		return 0;
	}
	return csn_lmdb_value_of(key, &v, &value) == 0 &&
	    !csn_lmdb_has_ended(s, &value);
}

/* Within a transaction. LMDB's code, or CSN_E_EXISTS. */
static int
put_in(struct csn_lmdb_store *s, MDB_txn *txn, struct csn_lmdb_key *key,
    const uint8_t *value, size_t len, uint64_t ends_ms, enum how how)
{
	MDB_val k = { key->len, key->p };
	MDB_val v = { CSN_LMDB_HEAD + key->name_len + len, NULL };
	struct csn_out w;
	int rc;

	if (how == ADD) {
		if (is_live(s, txn, key, &rc))
			return CSN_E_EXISTS;
		if (rc != 0)
			return rc;
	}
	if ((rc = mdb_put(txn, s->e->dbi, &k, &v, MDB_RESERVE)) != 0)
		return rc;
	csn_out_fixed(&w, v.mv_data, v.mv_size);
	csn_put_u64(&w, ends_ms);
	csn_put_u64(&w, key->name == NULL ? CSN_LMDB_VERSION :
	    CSN_LMDB_LONG_VERSION | (uint64_t)key->name_len << 16);
	csn_put_bytes(&w, key->name, key->name_len);
	csn_put_bytes(&w, value, len);
	return ends_ms == 0 ? 0 : csn_lmdb_sweep(s, txn, 0);
}

static int
put_value(struct csn_lmdb_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms, enum how how)
{
	struct csn_lmdb_key k;
	uint64_t ends_ms = 0;
	MDB_txn *txn;
	int rc, again;

	if (len > CSN_LMDB_MAX_VALUE)
		return csn_fail(s->ctx, CSN_E_LIMIT, "store", "a value of %zu "
		    "bytes is too large for an lmdb store: it takes 4 GiB",
		    len);
	if (ttl_ms > 0) {
		ends_ms = csn_ctx_wall_ms(s->ctx);
		ends_ms = ttl_ms < UINT64_MAX - ends_ms ? ends_ms + ttl_ms :
		    UINT64_MAX;
	}
	if ((rc = csn_lmdb_key(s->ctx, space, space_len, key, key_len,
	    &k)) != 0)
		return rc;
	for (again = 0;; again++) {
		if ((rc = csn_lmdb_begin(s, 1, &txn)) != 0)
			return rc;
		rc = put_in(s, txn, &k, value, len, ends_ms, how);
		if (rc == 0) {
			rc = csn_lmdb_commit(s, txn);
			break;
		}
		csn_lmdb_abort(s, txn);
		if (rc == MDB_MAP_FULL && again < CSN_LMDB_FULL_TRIES) {
			csn_lmdb_make_room(s, again);
			continue;
		}
		if (rc == CSN_E_EXISTS)
			return csn_fail(s->ctx, rc, "store", "the lmdb store "
			    "%s has a value under this key already", s->path);
		return csn_lmdb_fail(s, rc, "written");
	}
	if (rc == 0)
		atomic_fetch_add(&s->puts, 1);
	return rc;
}

static int
lmdb_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	return put_value(state, space, space_len, key, key_len, value, len, 0,
	    REPLACE);
}

static int
lmdb_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	return put_value(state, space, space_len, key, key_len, value, len,
	    ttl_ms, REPLACE);
}

static int
lmdb_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;
	return put_value(state, space, space_len, key, key_len, value, len,
	    ttl_ms, ADD);
}

/* A read transaction with a live value in it; ended by csn_lmdb_abort. */
static int
find(struct csn_lmdb_store *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, MDB_txn **txn,
    struct csn_lmdb_value *value)
{
	struct csn_lmdb_key key_buf;
	MDB_val k, v;
	int rc;

	if ((rc = csn_lmdb_key(s->ctx, space, space_len, key, key_len,
	    &key_buf)) != 0)
		return rc;
	k = (MDB_val){ key_buf.len, key_buf.p };
	if ((rc = csn_lmdb_begin(s, 0, txn)) != 0)
		return rc;
	rc = mdb_get(*txn, s->e->dbi, &k, &v);
	if (rc == MDB_NOTFOUND)
		rc = fail_missing(s);
	else if (rc != 0)
		rc = csn_lmdb_fail(s, rc, "read");
	else if (csn_lmdb_value_of(&key_buf, &v, value) != 0)
		rc = fail_foreign(s);
	else if (csn_lmdb_has_ended(s, value))
		rc = fail_missing(s);
	if (rc != 0)
		csn_lmdb_abort(s, *txn);
	return rc;
}

/* It was live: at least its last millisecond is left. */
static uint64_t
left_of(struct csn_lmdb_store *s, const struct csn_lmdb_value *v)
{
	uint64_t now = csn_ctx_wall_ms(s->ctx);

	if (v->ends_ms == 0)
		return 0;
	return v->ends_ms > now ? v->ends_ms - now : 1;
}

static int
lmdb_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;
	struct csn_lmdb_value v;
	size_t cap = *len;
	MDB_txn *txn;
	int rc;

	rc = find(s, space, space_len, key, key_len, &txn, &v);
	if (rc == CSN_E_NOT_FOUND)
		atomic_fetch_add(&s->misses, 1);
	if (rc != 0)
		return rc;
	*len = v.len;
	if (v.len > cap)
		rc = csn_fail(s->ctx, CSN_E_BUFFER, "store", "the value has "
		    "%zu bytes, the buffer %zu", v.len, cap);
	else if (v.len > 0)
		memcpy(value, v.p, v.len);
	csn_lmdb_abort(s, txn);
	if (rc == 0)
		atomic_fetch_add(&s->hits, 1);
	if (ttl_ms != NULL)
		*ttl_ms = left_of(s, &v);
	return rc;
}

static int
lmdb_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	CSN_UNCANCELLED;
	return lmdb_get_for(state, space, space_len, key, key_len, value, len,
	    NULL);
}

static int
lmdb_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;
	struct csn_lmdb_value v;
	MDB_txn *txn;
	int rc;

	if ((rc = find(s, space, space_len, key, key_len, &txn, &v)) != 0)
		return rc;
	*ttl_ms = left_of(s, &v);
	csn_lmdb_abort(s, txn);
	return 0;
}

static int
remove_once(struct csn_lmdb_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, int only,
    const uint8_t *value, size_t len)
{
	struct csn_lmdb_value have = { 0 };
	struct csn_lmdb_key key_buf;
	int rc, foreign, live;
	MDB_val k, v;
	MDB_txn *txn;

	if ((rc = csn_lmdb_key(s->ctx, space, space_len, key, key_len,
	    &key_buf)) != 0)
		return rc;
	k = (MDB_val){ key_buf.len, key_buf.p };
	if ((rc = csn_lmdb_begin(s, 1, &txn)) != 0)
		return rc;
	if ((rc = mdb_get(txn, s->e->dbi, &k, &v)) != 0) {
		rc = rc == MDB_NOTFOUND ? fail_missing(s) :
		    csn_lmdb_fail(s, rc, "read");
		goto err;
	}
	foreign = csn_lmdb_value_of(&key_buf, &v, &have) != 0;
	live = foreign || !csn_lmdb_has_ended(s, &have);
	if (only && live && (foreign || have.len != len ||
	    !csn_equal(have.p, value, len))) {
		rc = csn_fail(s->ctx, CSN_E_NOT_FOUND, "store", "the lmdb "
		    "store %s has other bytes under this key", s->path);
		goto err;
	}
	if ((rc = mdb_del(txn, s->e->dbi, &k, NULL)) != 0) {
		rc = csn_lmdb_fail(s, rc, "written");
		goto err;
	}
	if ((rc = csn_lmdb_commit(s, txn)) == 0 && !live)
		rc = fail_missing(s);
	if (rc == 0)
		atomic_fetch_add(&s->deletes, 1);
	return rc;

err:
	csn_lmdb_abort(s, txn);
	return rc;
}

/*
 * Remove what is under a key, or (only) these bytes. That writes pages before
 * it gives any up, so that a full map can refuse it for a moment.
 */
static int
remove_value(struct csn_lmdb_store *s, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, int only,
    const uint8_t *value, size_t len)
{
	int rc, again;

	for (again = 0;; again++) {
		rc = remove_once(s, space, space_len, key, key_len, only,
		    value, len);
		if (rc != CSN_E_QUOTA || again == CSN_LMDB_FULL_TRIES)
			return rc;
		csn_lmdb_make_room(s, again);
	}
}

static int
lmdb_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	return remove_value(state, space, space_len, key, key_len, 0, NULL,
	    0);
}

static int
lmdb_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	return remove_value(state, space, space_len, key, key_len, 1, value,
	    len);
}

const struct csn_store_provider csn_store_lmdb = {
	.abi = CSN_STORE_ABI,
	.name = "lmdb",
	.open = lmdb_open,
	.put = lmdb_put,
	.get = lmdb_get,
	.remove = lmdb_remove,
	.drop = csn_lmdb_drop,
	.list = csn_lmdb_list,
	.stat = csn_lmdb_stat,
	.close = lmdb_close,
	.put_for = lmdb_put_for,
	.ttl = lmdb_ttl,
	.get_for = lmdb_get_for,
	.add_for = lmdb_add_for,
	.remove_if = lmdb_remove_if,
};
