/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb/env.c - the environment, its transactions, and what ends by itself. */

#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <caisson/crypto.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/lock.h"
#include "providers/store/lmdb/lmdb.h"

#define SWEEP_STEPS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_lmdb_env *opened;

/* LMDB says EIO for a short write, which is how a disk gets full. */
static int
is_full(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) == 0 && st.f_bavail < 16;
}

int
csn_lmdb_fail(struct csn_lmdb_store *s, int rc, const char *what)
{
	MDB_envinfo info = { 0 };

	if (rc == EIO && is_full(s->path))
		rc = ENOSPC;
	switch (rc) {
	case MDB_MAP_FULL:
		if (s->e != NULL)
			(void)mdb_env_info(s->e->env, &info);
		return csn_fail(s->ctx, CSN_E_QUOTA, "store", "the lmdb store "
		    "%s is full: open it with a size above its %zu bytes, or "
		    "remove something", s->path, info.me_mapsize);
	case ENOSPC:
	case EDQUOT:
		return csn_fail(s->ctx, CSN_E_QUOTA, "store", "the lmdb store "
		    "%s cannot be %s: its disk is full", s->path, what);
	case ENOMEM:
		return csn_fail(s->ctx, CSN_E_NOMEM, "store", "the lmdb store "
		    "%s cannot be %s: no memory", s->path, what);
	case MDB_READERS_FULL:
		return csn_fail(s->ctx, CSN_E_BUSY, "store", "the lmdb store "
		    "%s has as many readers as it takes: make it anew with a "
		    "larger readers=N", s->path);
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return csn_fail(s->ctx, CSN_E_FORM, "store", "the lmdb store "
		    "%s cannot be %s: %s; its file is damaged or no LMDB's",
		    s->path, what, mdb_strerror(rc));
	default:
		return csn_fail(s->ctx, CSN_E_IO, "store",
		    "the lmdb store %s cannot be %s: %s", s->path, what,
		    mdb_strerror(rc));
	}
}

static void
env_free(struct csn_lmdb_env *e)
{
	if (e->env != NULL)
		mdb_env_close(e->env);
	(void)pthread_rwlock_destroy(&e->moving);
	csn_free(e);
}

static int
env_start(struct csn_lmdb_store *s, const struct csn_lmdb_config *c,
    struct csn_lmdb_env *e)
{
	MDB_txn *txn;
	int dead, rc;

	if ((rc = mdb_env_create(&e->env)) != 0 ||
	    (rc = mdb_env_set_mapsize(e->env, c->size)) != 0 ||
	    (rc = mdb_env_set_maxreaders(e->env, c->readers)) != 0)
		return rc;
	/* Threads come and go: a reader's slot is a transaction's. */
	rc = mdb_env_open(e->env, s->path, c->flags | MDB_NOTLS, 0600);
	if (rc == EACCES || rc == EROFS) {
		mdb_env_close(e->env);
		e->env = NULL;
		e->read_only = 1;
		if ((rc = mdb_env_create(&e->env)) != 0 ||
		    (rc = mdb_env_set_mapsize(e->env, c->size)) != 0)
			return rc;
		rc = mdb_env_open(e->env, s->path, MDB_RDONLY | MDB_NOTLS,
		    0600);
	}
	if (rc != 0)
		return rc;
	/* Slots of those that were killed. */
	(void)mdb_reader_check(e->env, &dead);
	if ((rc = mdb_txn_begin(e->env, NULL, e->read_only ? MDB_RDONLY : 0,
	    &txn)) != 0)
		return rc;
	if ((rc = mdb_dbi_open(txn, NULL, 0, &e->dbi)) != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* LMDB makes its file where there is none. */
static int
must_exist(struct csn_lmdb_store *s)
{
	int fd = open(s->path, O_PATH | O_DIRECTORY | O_CLOEXEC), there;

	there = fd >= 0 && faccessat(fd, "data.mdb", F_OK, 0) == 0;
	if (fd >= 0)
		(void)close(fd);
	return there ? 0 : csn_fail(s->ctx, CSN_E_NOT_FOUND, "store",
	    "there is no lmdb store at %s", s->path);
}

int
csn_lmdb_env_open(struct csn_lmdb_store *s, const struct csn_lmdb_config *c)
{
	struct csn_lmdb_env *e;
	struct stat st;
	int rc;

	if (!c->create && (rc = must_exist(s)) != 0)
		return rc;
	if (c->create && mkdir(s->path, 0700) != 0 && errno == ENOENT &&
	    (rc = csn_mkdirs(s->ctx, s->path, 0700)) != 0)
		return rc;
	if (stat(s->path, &st) != 0)
		return csn_lmdb_fail(s, errno, "opened");
	s->generation = csn_fork_generation(s->ctx);
	(void)pthread_mutex_lock(&lock);
	for (e = opened; e != NULL; e = e->next) {
		if (e->pid == getpid() && e->dev == st.st_dev &&
		    e->ino == st.st_ino)
			break;
	}
	rc = 0;
	if (e == NULL) {
		if ((e = csn_calloc(1, sizeof(*e))) == NULL ||
		    csn_rwlock_init(&e->moving) != 0) {
			csn_free(e);
			e = NULL;
			rc = csn_lmdb_fail(s, ENOMEM, "opened");
		} else if ((rc = env_start(s, c, e)) != 0) {
			env_free(e);
			e = NULL;
			rc = csn_lmdb_fail(s, rc, "opened");
		} else {
			e->pid = getpid();
			e->dev = st.st_dev;
			e->ino = st.st_ino;
			e->next = opened;
			opened = e;
		}
	}
	if (e != NULL)
		e->users++;
	s->e = e;
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

void
csn_lmdb_env_close(struct csn_lmdb_store *s)
{
	struct csn_lmdb_env **at, *e = s->e;

	if (e == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	if (--e->users == 0) {
		for (at = &opened; *at != e; at = &(*at)->next)
			continue;
		*at = e->next;
		/* A forked child leaves its parent's alone. */
		if (e->pid == getpid())
			env_free(e);
	}
	(void)pthread_mutex_unlock(&lock);
	s->e = NULL;
}

/* Another process made the file larger: take its size over. */
static int
move(struct csn_lmdb_env *e)
{
	int rc;

	(void)pthread_rwlock_wrlock(&e->moving);
	rc = mdb_env_set_mapsize(e->env, 0);
	(void)pthread_rwlock_unlock(&e->moving);
	return rc;
}

int
csn_lmdb_begin(struct csn_lmdb_store *s, int write, MDB_txn **out)
{
	struct csn_lmdb_env *e = s->e;
	int rc, tries, dead;

	if (csn_fork_check(s->ctx, s->generation) != 0)
		return csn_fail(s->ctx, CSN_E_FORK, "store", "the lmdb store "
		    "%s was opened before a fork: open it anew in the child",
		    s->path);
	if (write && e->read_only)
		return csn_fail(s->ctx, CSN_E_IO, "store", "the lmdb store "
		    "%s is read-only here: see the rights of its folder",
		    s->path);
	for (tries = 0; tries < 4; tries++) {
		(void)pthread_rwlock_rdlock(&e->moving);
		rc = mdb_txn_begin(e->env, NULL, write ? 0 : MDB_RDONLY, out);
		if (rc == 0)
			return 0;
		(void)pthread_rwlock_unlock(&e->moving);
		if (rc == MDB_MAP_RESIZED) {
			if ((rc = move(e)) != 0)
				break;
		} else if (rc != MDB_READERS_FULL ||
		    mdb_reader_check(e->env, &dead) != 0 || dead == 0) {
			break;
		}
	}
	return csn_lmdb_fail(s, rc, write ? "written" : "read");
}

void
csn_lmdb_abort(struct csn_lmdb_store *s, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	(void)pthread_rwlock_unlock(&s->e->moving);
}

int
csn_lmdb_commit(struct csn_lmdb_store *s, MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn);

	(void)pthread_rwlock_unlock(&s->e->moving);
	return rc == 0 ? 0 : csn_lmdb_fail(s, rc, "written");
}

void
csn_lmdb_prefix(const uint8_t *space, size_t space_len,
    struct csn_lmdb_key *out)
{
	out->p[0] = (uint8_t)space_len;
	memcpy(out->p + 1, space, space_len);
	out->len = 1 + space_len;
	out->name = NULL;
	out->name_len = 0;
}

int
csn_lmdb_key(struct csn_ctx *ctx, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_lmdb_key *out)
{
	const size_t kept = CSN_LMDB_CUT_KEY - CSN_HASH_SIZE;
	int rc;

	csn_lmdb_prefix(space, space_len, out);
	if (key_len <= CSN_LMDB_WHOLE_KEY) {
		memcpy(out->p + out->len, key, key_len);
		out->len += key_len;
		return 0;
	}
	memcpy(out->p + out->len, key, kept);
	if ((rc = csn_sha3_256(ctx, key, key_len,
	    out->p + out->len + kept)) != 0)
		return rc;
	out->len += CSN_LMDB_CUT_KEY;
	out->name = key;
	out->name_len = key_len;
	return 0;
}

int
csn_lmdb_value_read(const MDB_val *v, struct csn_lmdb_value *out)
{
	struct csn_reader r;
	uint64_t version;

	csn_reader_init(&r, v->mv_data, v->mv_size);
	out->ends_ms = csn_read_u64(&r);
	version = csn_read_u64(&r);
	out->name = NULL;
	out->name_len = 0;
	if (version != CSN_LMDB_VERSION) {
		out->name_len = (size_t)(version >> 16);
		if ((version & 0xffff) != CSN_LMDB_LONG_VERSION ||
		    version >> 16 > CSN_STORE_MAX_KEY ||
		    out->name_len <= CSN_LMDB_WHOLE_KEY)
			return CSN_E_FORM;
		out->name = csn_read_view(&r, out->name_len);
	}
	if (!csn_reader_ok(&r))
		return CSN_E_FORM;
	out->p = r.p;
	out->len = r.left;
	return 0;
}

int
csn_lmdb_value_of(const struct csn_lmdb_key *key, const MDB_val *v,
    struct csn_lmdb_value *out)
{
	if (csn_lmdb_value_read(v, out) != 0 ||
	    out->name_len != key->name_len || (key->name_len > 0 &&
	    memcmp(out->name, key->name, key->name_len) != 0)) /* public */
		return CSN_E_FORM;
	return 0;
}

int
csn_lmdb_has_ended(struct csn_lmdb_store *s, const struct csn_lmdb_value *v)
{
	return v->ends_ms != 0 && csn_ctx_wall_ms(s->ctx) >= v->ends_ms;
}

int
csn_lmdb_sweep(struct csn_lmdb_store *s, MDB_txn *txn, size_t all)
{
	struct csn_lmdb_env *e = s->e;
	struct csn_lmdb_value value;
	MDB_cursor *cursor;
	MDB_val k = { e->swept_len, e->swept }, v;
	size_t removed = 0;
	unsigned i;
	int rc;

	if ((rc = mdb_cursor_open(txn, e->dbi, &cursor)) != 0)
		return rc;
	if (all || e->swept_len == 0)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
	else
		rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	for (i = 0; rc == 0 && (all > removed || (all == 0 &&
	    i < SWEEP_STEPS)); i++) {
		if (csn_lmdb_value_read(&v, &value) == 0 &&
		    csn_lmdb_has_ended(s, &value)) {
			rc = mdb_cursor_del(cursor, 0);
			removed++;
		}
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	/* From here on next time; at the end, from the beginning. */
	if (rc == 0 && k.mv_size <= sizeof(e->swept)) {
		memcpy(e->swept, k.mv_data, k.mv_size);
		e->swept_len = k.mv_size;
	} else {
		e->swept_len = 0;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* One of LMDB's lines about readers: a number at its end is a snapshot's. */
static int
see_reader(const char *line, void *arg)
{
	size_t len = strlen(line);

	if (len >= 2 && line[len - 2] >= '0' && line[len - 2] <= '9')
		*(int *)arg = 1;
	return 0;
}

/* A reader keeps pages that were given up: where there is one, wait a bit. */
static void
wait_for_readers(struct csn_lmdb_store *s, unsigned ms)
{
	int dead, reading = 0;

	(void)mdb_reader_check(s->e->env, &dead);
	if (mdb_reader_list(s->e->env, see_reader, &reading) >= 0 && reading)
		csn_sleep_us((uint64_t)ms * 1000);
}

/*
 * Remove what has ended, up to `most`, in a transaction of its own. What a
 * transaction gives up is free to the next but one, so this one writes in any
 * case.
 */
static int
sweep_alone(struct csn_lmdb_store *s, size_t most)
{
	uint8_t name = CSN_LMDB_OURS, head[CSN_LMDB_HEAD];
	MDB_val k = { 1, &name }, v = { sizeof(head), head };
	struct csn_out w;
	MDB_txn *txn;
	int rc;

	csn_out_fixed(&w, head, sizeof(head));
	csn_put_u64(&w, 0);
	csn_put_u64(&w, CSN_LMDB_VERSION);
	if ((rc = csn_lmdb_begin(s, 1, &txn)) != 0)
		return rc;
	if ((rc = csn_lmdb_sweep(s, txn, most)) == 0 &&
	    (rc = mdb_put(txn, s->e->dbi, &k, &v, 0)) == 0)
		return csn_lmdb_commit(s, txn);
	csn_lmdb_abort(s, txn);
	return rc;
}

void
csn_lmdb_make_room(struct csn_lmdb_store *s, int try)
{
	size_t most = SIZE_MAX;

	wait_for_readers(s, 2u << try);
	/* A full map may hold no pages for removing all of it at once. */
	while (sweep_alone(s, most) != 0 && most > 1)
		most = most > 256 ? 256 : most / 16;
}
