/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb/walk.c - the entries of a space or of all: dropped, listed, counted. */

#include <errno.h>
#include <string.h>

#include "base/cancel.h"
#include "base/context.h"
#include "providers/store/lmdb/lmdb.h"

#define BATCH 1000

static int
starts_with(const MDB_val *k, const struct csn_lmdb_key *prefix)
{
	return k->mv_size >= prefix->len &&
	    memcmp(k->mv_data, prefix->p, prefix->len) == 0; /* public */
}

/* Up to most entries with this prefix: their number, or LMDB's code. */
static int
drop_some(struct csn_lmdb_store *s, MDB_txn *txn,
    const struct csn_lmdb_key *prefix, size_t most, size_t *n)
{
	MDB_val k = { prefix->len, (void *)(uintptr_t)prefix->p }, v;
	MDB_cursor *cursor;
	int rc;

	if ((rc = mdb_cursor_open(txn, s->e->dbi, &cursor)) != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	for (*n = 0; rc == 0 && *n < most && starts_with(&k, prefix);
	    (*n)++) {
		if ((rc = mdb_cursor_del(cursor, 0)) == 0)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/*
 * Removing writes pages before it gives any up: where the map or the disk is
 * full, fewer entries at a time, and at last one, as room comes back.
 */
int
csn_lmdb_drop(void *state, const uint8_t *space, size_t space_len)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;
	struct csn_lmdb_key prefix;
	size_t n = 0, most = BATCH;
	int rc, again = 0;
	MDB_txn *txn;

	csn_lmdb_prefix(space, space_len, &prefix);
	for (;;) {
		/* Others may put as fast as this drops. */
		if ((rc = csn_stop_check(s->ctx, "store")) != 0 ||
		    (rc = csn_lmdb_begin(s, 1, &txn)) != 0)
			return rc;
		if ((rc = drop_some(s, txn, &prefix, most, &n)) != 0) {
			csn_lmdb_abort(s, txn);
			rc = csn_lmdb_fail(s, rc, "written");
		} else {
			rc = csn_lmdb_commit(s, txn);
		}
		if (rc == CSN_E_QUOTA && most > 1) {
			most /= 2;
			continue;
		}
		if (rc == CSN_E_QUOTA && again < CSN_LMDB_FULL_TRIES) {
			csn_lmdb_make_room(s, again++);
			continue;
		}
		if (rc != 0)
			return rc;
		atomic_fetch_add(&s->deletes, n);
		if (n < most)
			return 0;
		again = 0;
		most = most < BATCH / 2 ? most * 2 : BATCH;
	}
}

struct item {
	uint8_t *name;		/* of a long key */
	size_t name_len;
	size_t len;		/* of the value */
	size_t key_len;
	uint8_t key[CSN_LMDB_MAX_KEY];
};

static int
keep(struct item *item, const struct csn_lmdb_key *key,
    const struct csn_lmdb_value *value)
{
	if (value->name != NULL && (item->name = csn_memdup(value->name,
	    value->name_len)) == NULL)
		return ENOMEM;
	item->name_len = value->name_len;
	item->len = value->len;
	item->key_len = key->len;
	memcpy(item->key, key->p, key->len);
	return 0;
}

/*
 * Up to BATCH live entries behind *from, which moves on. Copies, because a
 * transaction that stays open keeps every page that is given up meanwhile.
 */
static int
list_some(struct csn_lmdb_store *s, const struct csn_lmdb_key *prefix,
    struct csn_lmdb_key *from, struct item *items, size_t *n, int *more)
{
	struct csn_lmdb_value value;
	MDB_cursor *cursor;
	MDB_val k = { from->len, from->p }, v;
	MDB_txn *txn;
	int rc;

	if ((rc = csn_lmdb_begin(s, 0, &txn)) != 0)
		return rc;
	if ((rc = mdb_cursor_open(txn, s->e->dbi, &cursor)) != 0)
		goto out;
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (rc == 0 && from->len > prefix->len && k.mv_size == from->len &&
	    memcmp(k.mv_data, from->p, from->len) == 0) /* public */
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	*n = 0;
	while (rc == 0 && *n < BATCH && starts_with(&k, prefix)) {
		if (k.mv_size <= sizeof(from->p)) {
			memcpy(from->p, k.mv_data, k.mv_size);
			from->len = k.mv_size;
		}
		if (k.mv_size > prefix->len && k.mv_size <= sizeof(from->p) &&
		    csn_lmdb_value_read(&v, &value) == 0 &&
		    (value.name != NULL) == (k.mv_size - prefix->len ==
		    CSN_LMDB_CUT_KEY) &&
		    !csn_lmdb_has_ended(s, &value) &&
		    (rc = keep(&items[*n], from, &value)) == 0)
			++*n;
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	*more = rc == 0 && starts_with(&k, prefix);
	mdb_cursor_close(cursor);
	if (rc == MDB_NOTFOUND)
		rc = 0;
out:
	csn_lmdb_abort(s, txn);
	return rc == 0 ? 0 : csn_lmdb_fail(s, rc, "read");
}

/* Visit it, unless rc says that the visit is over. */
static int
give(struct item *item, size_t skip, int rc, int (*visit)(void *arg,
    const uint8_t *key, size_t key_len, size_t value_len), void *arg)
{
	if (rc == 0)
		rc = item->name != NULL ? visit(arg, item->name,
		    item->name_len, item->len) : visit(arg, item->key + skip,
		    item->key_len - skip, item->len);
	csn_free(item->name);
	item->name = NULL;
	return rc;
}

int
csn_lmdb_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;
	struct csn_lmdb_key prefix, from;
	struct item *items;
	size_t i, n = 0;
	int rc, more = 0;

	csn_lmdb_prefix(space, space_len, &prefix);
	from = prefix;
	if ((items = csn_calloc(BATCH, sizeof(*items))) == NULL)
		return csn_nomem(s->ctx, "store", "listing keys");
	do {
		rc = list_some(s, &prefix, &from, items, &n, &more);
		for (i = 0; i < n; i++)
			rc = give(&items[i], prefix.len, rc, visit, arg);
	} while (rc == 0 && more);
	csn_free(items);
	return rc;
}

static int
count(struct csn_lmdb_store *s, MDB_txn *txn,
    const struct csn_lmdb_key *prefix, struct csn_store_stat *out)
{
	struct csn_lmdb_value value;
	MDB_cursor *cursor;
	MDB_val k = { prefix->len, (void *)(uintptr_t)prefix->p }, v;
	int rc;

	if ((rc = mdb_cursor_open(txn, s->e->dbi, &cursor)) != 0)
		return rc;
	rc = mdb_cursor_get(cursor, &k, &v,
	    prefix->len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	for (; rc == 0 && starts_with(&k, prefix);
	    rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		if (*(uint8_t *)k.mv_data == CSN_LMDB_OURS ||
		    csn_lmdb_value_read(&v, &value) != 0 ||
		    csn_lmdb_has_ended(s, &value))
			continue;
		out->entries++;
		out->bytes += value.len;
		out->memory += k.mv_size + v.mv_size;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int
csn_lmdb_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	CSN_UNCANCELLED;
	struct csn_lmdb_store *s = state;
	struct csn_lmdb_key prefix = { .len = 0 };
	MDB_envinfo info;
	MDB_stat st;
	MDB_txn *txn;
	int rc;

	if (space != NULL)
		csn_lmdb_prefix(space, space_len, &prefix);
	if ((rc = csn_lmdb_begin(s, 0, &txn)) != 0)
		return rc;
	rc = count(s, txn, &prefix, out);
	if (rc == 0 && (rc = mdb_env_info(s->e->env, &info)) == 0 &&
	    (rc = mdb_env_stat(s->e->env, &st)) == 0) {
		out->limit = info.me_mapsize;
		if (space == NULL)
			out->memory = ((uint64_t)info.me_last_pgno + 1) *
			    st.ms_psize;
	}
	csn_lmdb_abort(s, txn);
	if (rc != 0)
		return csn_lmdb_fail(s, rc, "read");
	if (space == NULL) {
		out->hits = atomic_load(&s->hits);
		out->misses = atomic_load(&s->misses);
		out->puts = atomic_load(&s->puts);
		out->deletes = atomic_load(&s->deletes);
	}
	return 0;
}
