/* SPDX-License-Identifier: Apache-2.0 */
/* seal/reader.c - a sealed file at hand: any part of it, or all at once. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/little.h"
#include "base/pool.h"
#include "base/sized.h"
#include "seal/accept.h"
#include "seal/foot.h"
#include "seal/turn.h"

#define ROOM "seal"

#define SPARE 4		/* workers that wait for the next read */

/* Nothing changes once it was made but the spare workers, under the lock. */
struct csn_sealed {
	struct csn_ctx *ctx;
	struct csn_sealed_io source;
	struct csn_accepted a;
	struct csn_foot foot;
	uint64_t n;		/* segments */
	uint8_t *table;		/* a top a segment; NULL where tags do */
	pthread_mutex_t lock;
	struct csn_worker *spare[SPARE];
};

static int
cut_short(const struct csn_sealed *s)
{
	return csn_fail(s->ctx, CSN_E_FORM, ROOM, "the sealed file was cut "
	    "short, or is longer than its foot says");
}

/* len bytes at offset, which are within the file. */
static int
fetch(const struct csn_sealed *s, uint64_t offset, uint8_t *p, size_t len)
{
	if (offset > s->source.length || len > s->source.length - offset)
		return cut_short(s);
	return csn_io_read(s->ctx, &s->source, offset, p, len,
	    "the sealed file");
}

static int
take_front(struct csn_sealed *s, const struct csn_judge *judge)
{
	uint8_t prefix[CSN_SEALED_PREFIX], *front;
	size_t len;
	int rc;

	if ((rc = fetch(s, 0, prefix, sizeof(prefix))) != 0 ||
	    (rc = csn_front_prefix(s->ctx, prefix, &len)) != 0)
		return rc;
	len += sizeof(prefix);
	if (len > s->source.length)
		return cut_short(s);
	if ((front = csn_calloc(1, len)) == NULL)
		return csn_nomem(s->ctx, ROOM, "a sealed file");
	if ((rc = fetch(s, 0, front, len)) == 0)
		rc = csn_accept(judge, front, len, &s->a);
	free(front);
	return rc;
}

/* The foot, and that the file has all of what it speaks of and no more. */
static int
take_foot(struct csn_sealed *s)
{
	uint8_t tail[CSN_FOOT_TAIL], *foot;
	const struct csn_body *body = &s->a.body;
	const uint64_t end = s->source.length;
	uint64_t want;
	size_t len;
	int rc;

	if (end < body->at + sizeof(tail))
		return cut_short(s);
	if ((rc = fetch(s, end - sizeof(tail), tail, sizeof(tail))) != 0 ||
	    (rc = csn_foot_tail(s->ctx, tail, &len)) != 0)
		return rc;
	if (end - body->at < len + 4 + sizeof(tail))
		return cut_short(s);
	if ((foot = csn_calloc(1, len + 4)) == NULL)
		return csn_nomem(s->ctx, ROOM, "a sealed file");
	if ((rc = fetch(s, end - sizeof(tail) - len - 4, foot,
	    len + 4)) == 0)
		rc = csn_load32(foot) != len ? cut_short(s) :
		    csn_foot_open(&s->a.body, s->a.key, s->a.alias, foot + 4,
		    len, 0, &s->foot);
	free(foot);
	if (rc != 0)
		return rc;
	s->n = csn_body_count(body, s->foot.length);
	want = csn_body_offset(body, s->n - 1) + CSN_BODY_RECORD +
	    csn_body_plain(body, s->foot.length, s->n - 1) + len + 4 +
	    sizeof(tail);
	if (body->integrity == CSN_SEALED_LEAVES)
		want += s->n * CSN_HASH_SIZE;
	return want == end ? 0 : cut_short(s);
}

/* What is in the table is what the root is over. */
static int
take_table(struct csn_sealed *s)
{
	const struct csn_body *body = &s->a.body;
	uint8_t top[CSN_HASH_SIZE], root[CSN_HASH_SIZE];
	int rc;

	if (body->integrity != CSN_SEALED_LEAVES)
		return 0;
	if ((s->table = csn_calloc((size_t)s->n, CSN_HASH_SIZE)) == NULL)
		return csn_nomem(s->ctx, ROOM, "a sealed file");
	if ((rc = fetch(s, csn_body_offset(body, s->n - 1) +
	    CSN_BODY_RECORD + csn_body_plain(body, s->foot.length,
	    s->n - 1), s->table, (size_t)s->n * CSN_HASH_SIZE)) != 0 ||
	    (rc = csn_tops_fold(s->ctx, s->table, s->n, top)) != 0 ||
	    (rc = csn_body_root(body, s->foot.length, top, root)) != 0)
		return rc;
	return csn_equal(root, s->foot.root, sizeof(root)) ? 0 :
	    csn_fail(s->ctx, CSN_E_SIGNATURE, ROOM, "the file's table is not "
	    "the one that its sealer signed");
}

int
csn_sealed_new(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const struct csn_opener_options *options,
    const struct csn_sealed_io *source, struct csn_sealed **out)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	uint8_t data_key[CSN_KEY_SIZE];
	struct csn_judge judge;
	struct csn_sealed *s;
	int rc;

	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return csn_nomem(ctx, ROOM, "a sealed file");
	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	if ((rc = csn_judge_take(ctx, identity, trust, options, &judge,
	    data_key)) == 0 &&
	    (rc = csn_io_take(ctx, source, 1, &s->source)) == 0 &&
	    (s->source.flags & CSN_IO_ANYWHERE) == 0)
		rc = csn_fail(ctx, CSN_E_ARG, ROOM, "what is read here and "
		    "there has CSN_IO_ANYWHERE");
	if (rc == 0 && (rc = take_front(s, &judge)) == 0 &&
	    (rc = take_foot(s)) == 0)
		rc = take_table(s);
	csn_wipe(data_key, sizeof(data_key));
	if (rc != 0) {
		csn_sealed_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
csn_sealed_free(struct csn_sealed *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < SPARE; i++)
		if (s->spare[i] != NULL) {
			csn_worker_clear(s->spare[i]);
			free(s->spare[i]);
		}
	pthread_mutex_destroy(&s->lock);
	csn_accepted_clear(&s->a);
	free(s->table);
	csn_wipe_free(s, sizeof(*s));
}

const char *
csn_sealed_signer(const struct csn_sealed *sealed)
{
	return sealed->a.signer;
}

const char *
csn_sealed_content_type(const struct csn_sealed *sealed)
{
	return sealed->a.type;
}

int
csn_sealed_facts(const struct csn_sealed *sealed,
    struct csn_sealed_facts *facts)
{
	if (CSN_NEEDS(sealed) != 0)
		return CSN_E_ARG;

	struct csn_sealed_facts f = { .size = sizeof(f) };
	int rc;

	if ((rc = CSN_GIVE_CHECK(facts, csn_sealed_facts, content)) != 0)
		return rc;
	csn_accepted_facts(&sealed->a, &f);
	csn_foot_facts(&sealed->a.body, &sealed->foot, &f);
	f.sealed_length = sealed->source.length;
	CSN_GIVE(facts, &f, csn_sealed_facts);
	return 0;
}

/* --- one segment ------------------------------------------------------- */

/* Read and open segment i; its length. */
static int
open_segment(const struct csn_sealed *s, struct csn_worker *w, uint64_t i,
    uint8_t *content, size_t *len)
{
	const struct csn_body *body = &s->a.body;
	const int final = i == s->n - 1;
	uint8_t want[CSN_BODY_MARK_SIZE];
	size_t mark = csn_body_mark(body, i, want);
	int rc;

	*len = csn_body_plain(body, s->foot.length, i);
	csn_worker_used(w, *len + CSN_TAG_SIZE);
	if ((rc = fetch(s, csn_body_offset(body, i) - mark, w->record - mark,
	    mark + CSN_BODY_RECORD + *len)) != 0)
		return rc;
	if (!csn_equal(w->record - mark, want, mark))
		return csn_fail(s->ctx, CSN_E_FORM, ROOM, "the mark before "
		    "segment %llu is not of the run that begins there",
		    (unsigned long long)i);
	if ((rc = csn_worker_head(w, i, *len, final)) != 0)
		return rc;
	return csn_worker_open(w, i, *len, final, s->table != NULL ?
	    s->table + i * CSN_HASH_SIZE : NULL, NULL, content);
}

/* A worker of one's own, from those that wait where there is one. */
static int
borrow(struct csn_sealed *s, struct csn_worker **out)
{
	struct csn_worker *w = NULL;
	size_t i;
	int rc;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < SPARE && w == NULL; i++) {
		w = s->spare[i];
		s->spare[i] = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (w == NULL) {
		if ((w = csn_calloc(1, sizeof(*w))) == NULL)
			return csn_nomem(s->ctx, ROOM, "a sealed file");
		if ((rc = csn_worker_init(w, &s->a.body)) != 0) {
			free(w);
			return rc;
		}
	}
	*out = w;
	return 0;
}

static void
give_back(struct csn_sealed *s, struct csn_worker *w)
{
	size_t i;

	csn_wipe(w->text, w->used);
	w->used = 0;
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < SPARE && w != NULL; i++)
		if (s->spare[i] == NULL) {
			s->spare[i] = w;
			w = NULL;
		}
	pthread_mutex_unlock(&s->lock);
	if (w != NULL) {
		csn_worker_clear(w);
		free(w);
	}
}

static int
read_range(struct csn_sealed *s, struct csn_worker *w, uint64_t offset,
    uint8_t *out, size_t len)
{
	const uint32_t segment = s->a.body.segment;
	size_t plain, from, n;
	int rc;

	for (; len != 0; offset += n, out += n, len -= n) {
		if ((rc = open_segment(s, w, offset / segment, NULL,
		    &plain)) != 0)
			return rc;
		from = (size_t)(offset % segment);
		n = plain - from < len ? plain - from : len;
		memcpy(out, w->text + from, n);
	}
	return 0;
}

int
csn_sealed_read(struct csn_sealed *sealed, uint64_t offset, uint8_t *out,
    size_t len, size_t *got)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(sealed, got) != 0)
		return CSN_E_ARG;

	uint64_t there = offset < sealed->foot.length ?
	    sealed->foot.length - offset : 0;
	struct csn_worker *w;
	size_t n;
	int rc;

	if (out == NULL && len != 0)
		return csn_fail(sealed->ctx, CSN_E_ARG, ROOM,
		    "a NULL buffer was given with a length");
	n = there < len ? (size_t)there : len;
	if (n == 0) {
		*got = 0;
		return 0;
	}
	if ((rc = borrow(sealed, &w)) == 0) {
		rc = read_range(sealed, w, offset, out, n);
		give_back(sealed, w);
	}
	if (rc != 0)
		csn_wipe(out, len);
	else
		*got = n;
	return rc;
}

int
csn_sealed_resume(struct csn_sealed *sealed, const struct csn_sealed_io *have,
    uint64_t *first)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(sealed, first) != 0)
		return CSN_E_ARG;

	struct csn_sealed *s = sealed;
	const uint32_t segment = s->a.body.segment;
	struct csn_worker *w, *there = NULL;
	struct csn_sealed_io io;
	uint64_t whole;
	size_t len;
	int rc;

	if ((rc = csn_io_take(s->ctx, have, 1, &io)) != 0)
		return rc;
	whole = (io.length < s->foot.length ? io.length : s->foot.length) /
	    segment;
	if (whole == 0) {
		*first = 0;
		return 0;
	}
	if ((rc = borrow(s, &w)) != 0)
		return rc;
	if ((rc = borrow(s, &there)) == 0 &&
	    (rc = open_segment(s, w, whole - 1, NULL, &len)) == 0 &&
	    (rc = csn_io_read(s->ctx, &io, (whole - 1) * segment,
	    there->text, len, "the output")) == 0) {
		csn_worker_used(there, len);
		if (!csn_equal(w->text, there->text, len))
			rc = csn_fail(s->ctx, CSN_E_DRIFT, ROOM, "what is "
			    "there of the output is not of this file: begin "
			    "anew");
	}
	give_back(s, w);
	if (there != NULL)
		give_back(s, there);
	if (rc == 0)
		*first = whole;
	return rc;
}

/* --- all of it --------------------------------------------------------- */

/* What the threads share; next is under the turn's lock. */
struct run {
	struct csn_sealed *s;
	struct csn_sealed_io out;	/* write NULL: nowhere */
	struct csn_turn turn;
	uint64_t next;
	uint8_t *contents;		/* tops of the plaintext, or NULL */
};

static int
next(struct run *r, uint64_t *i)
{
	int more;

	pthread_mutex_lock(&r->turn.lock);
	more = r->next < r->s->n && r->turn.rc == 0;
	*i = r->next;
	r->next += (uint64_t)more;
	pthread_mutex_unlock(&r->turn.lock);
	return more;
}

static int
do_segment(struct run *r, struct csn_worker *w, uint64_t i)
{
	size_t len;
	int rc;

	/* Each thread's places in contents are its own. */
	if ((rc = open_segment(r->s, w, i, r->contents != NULL ?
	    r->contents + i * CSN_HASH_SIZE : NULL, &len)) != 0 ||
	    r->out.write == NULL)
		return rc;
	return csn_turn_write(&r->turn, &r->out, i, i * r->s->a.body.segment,
	    w->text, len);
}

static void
work(void *arg, size_t from, size_t to)
{
	struct run *r = arg;
	struct csn_worker w;
	uint64_t i;
	int rc;

	(void)from;
	(void)to;
	rc = csn_worker_init(&w, &r->s->a.body);
	if (csn_turn_fail(&r->turn, rc) != 0)
		return;
	while (next(r, &i))
		if (csn_turn_fail(&r->turn, do_segment(r, &w, i)) != 0)
			break;
	csn_worker_clear(&w);
}

static int
run(struct run *r, struct csn_pool *pool, uint64_t first)
{
	csn_turn_start(&r->turn, r->s->ctx, first);
	r->next = first;
	csn_pool_run(pool, csn_turn_threads(pool, r->s->a.body.segment,
	    r->s->n - first), 1, work, r);
	return csn_turn_end(&r->turn);
}

int
csn_sealed_run(struct csn_sealed *sealed, struct csn_pool *pool,
    uint64_t first, const struct csn_sealed_io *sink)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(sealed) != 0)
		return CSN_E_ARG;

	struct run r = { .s = sealed };
	int rc;

	if ((rc = csn_io_take(sealed->ctx, sink, 0, &r.out)) != 0)
		return rc;
	if (first > sealed->n)
		return csn_fail(sealed->ctx, CSN_E_ARG, ROOM, "the file has "
		    "%llu segments, and it is to begin at %llu",
		    (unsigned long long)sealed->n, (unsigned long long)first);
	return run(&r, pool, first);
}

static int
hash_on(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	(void)offset;
	return csn_hash_update(arg, p, len);
}

/* A flat hash takes the segments in their order, a tree in any. */
static int
hash_all(struct run *r, struct csn_pool *pool, struct csn_hash *flat,
    uint8_t content[CSN_HASH_SIZE])
{
	struct csn_sealed *s = r->s;
	uint8_t top[CSN_HASH_SIZE];
	int rc;

	r->out.arg = flat;
	r->out.write = flat != NULL ? hash_on : NULL;
	if ((rc = run(r, pool, 0)) != 0)
		return rc;
	if (flat != NULL)
		return csn_hash_final(flat, content);
	if (r->contents != NULL && (rc = csn_tops_fold(s->ctx, r->contents,
	    s->n, top)) == 0)
		rc = csn_tree_root_of(s->ctx, s->foot.length, s->a.body.leaf,
		    top, content);
	return rc;
}

int
csn_sealed_verify(struct csn_sealed *sealed, struct csn_pool *pool)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(sealed) != 0)
		return CSN_E_ARG;

	const uint32_t kind = sealed->foot.kind;
	uint8_t content[CSN_HASH_SIZE] = { 0 };
	struct run r = { .s = sealed };
	struct csn_hash *flat = NULL;
	int rc = 0;

	if (kind == CSN_CONTENT_TREE) {
		if ((r.contents = csn_calloc((size_t)sealed->n,
		    CSN_HASH_SIZE)) == NULL)
			return csn_nomem(sealed->ctx, ROOM, "a sealed file");
	} else if (kind != CSN_CONTENT_NONE &&
	    (rc = csn_hash_new(sealed->ctx, &flat)) == 0)
		rc = kind == CSN_CONTENT_SHA256 ?
		    csn_hash_start_sha256(flat) : csn_hash_start(flat);
	if (rc == 0)
		rc = hash_all(&r, pool, flat, content);
	if (rc == 0 && !csn_equal(content, sealed->foot.content,
	    sizeof(content)))
		rc = csn_fail(sealed->ctx, CSN_E_DRIFT, ROOM, "the file's "
		    "text is not the one of its content hash");
	free(r.contents);
	csn_hash_free(flat);
	return rc;
}
