/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealer_run.c - a whole source sealed, by many threads at once. */
#include "base/cancel.h"
#include "base/fail.h"
#include "base/pool.h"
#include "seal/sealer.h"
#include "seal/turn.h"

#define ROOM "seal"

/*
 * What the threads share. Who reads holds `reading`, so that a source which
 * makes one wait keeps nobody from writing; what the sealer counts is under
 * the turn's lock.
 */
struct run {
	struct csn_sealer *s;
	struct csn_sealed_io in;
	struct csn_sealed_io out;
	struct csn_turn turn;
	pthread_mutex_t reading;
	uint64_t at;		/* how far a source without places was read */
	int carried;		/* a byte of the next segment, or -1 */
	int ended;		/* the final segment is somebody's */
};

/* A segment on its way. */
struct piece {
	uint64_t i;
	size_t len;
	int final;
	int read;		/* its text is there */
};

static int
read_at(struct run *r, struct csn_worker *w, const struct piece *p)
{
	return csn_io_read(r->s->ctx, &r->in, p->i * r->s->body.segment,
	    w->text, p->len, "what is sealed");
}

/*
 * The next segment of a source that only goes forward: one byte more shows
 * whether it is the last. Where the tag will be is room for it.
 */
static int
read_next(struct run *r, struct csn_worker *w, struct piece *p)
{
	const size_t segment = r->s->body.segment;
	size_t have = 0, got = 0;
	int rc;

	if (r->carried >= 0)
		w->text[have++] = (uint8_t)r->carried;
	r->carried = -1;
	csn_worker_used(w, segment + 1);
	if ((rc = r->in.read(r->in.arg, r->at, w->text + have,
	    segment + 1 - have, &got)) != 0)
		return rc;
	r->at += got;
	have += got;
	p->final = have <= segment;
	p->len = p->final ? have : segment;
	p->read = 1;
	if (!p->final)
		r->carried = w->text[segment];
	return 0;
}

/* The number and the limits, with room for what the trees keep. */
static int
take_index(struct run *r, struct piece *p)
{
	struct csn_sealer *s = r->s;
	int rc;

	pthread_mutex_lock(&r->turn.lock);
	/* What stays was another key's. */
	if (s->partial != NULL && s->index == s->kept)
		s->blocks = 0;
	rc = r->turn.rc != 0 ? CSN_E_CANCELLED :
	    csn_sealer_take(s, p->len, &p->i);
	pthread_mutex_unlock(&r->turn.lock);
	return rc;
}

/* While nobody else reads: who, how long, and what is read in order. */
static int
take_next(struct run *r, struct csn_worker *w, struct piece *p)
{
	struct csn_sealer *s = r->s;
	const int anywhere = (r->in.flags & CSN_IO_ANYWHERE) != 0;
	int rc;

	p->read = 0;
	if (anywhere) {
		p->len = csn_body_plain(&s->body, r->in.length, s->index);
		p->final = s->index + 1 == csn_body_count(&s->body,
		    r->in.length);
	} else if ((rc = read_next(r, w, p)) != 0)
		return rc;
	if ((rc = take_index(r, p)) != 0)
		return rc;
	csn_worker_used(w, p->len);
	if (s->flat != NULL) {
		if (anywhere && (rc = read_at(r, w, p)) != 0)
			return rc;
		p->read = 1;
		if ((rc = csn_hash_update(s->flat, w->text, p->len)) != 0)
			return rc;
	}
	r->ended = p->final;
	return 0;
}

/* 1 where there is a segment to seal. */
static int
next(struct run *r, struct csn_worker *w, struct piece *p)
{
	int rc = 0, more;

	pthread_mutex_lock(&r->reading);
	if ((more = !r->ended) != 0) {
		rc = take_next(r, w, p);
		/* After a failure nobody reads any more. */
		r->ended |= rc != 0;
	}
	pthread_mutex_unlock(&r->reading);
	if (more && rc == 0 && !p->read)
		rc = read_at(r, w, p);
	return more && csn_turn_fail(&r->turn, rc) == 0;
}

/* A segment that stays: what it holds is what the source still has. */
static int
compare(struct run *r, struct csn_worker *w, struct csn_worker *there,
    const struct piece *p, uint8_t root[CSN_HASH_SIZE], uint8_t *content)
{
	struct csn_sealer *s = r->s;
	int rc;

	if (!p->final && ((rc = csn_io_read(s->ctx, s->partial,
	    csn_body_offset(&s->body, p->i), there->record,
	    CSN_BODY_RECORD + p->len, "the sealed file")) != 0 ||
	    (rc = csn_worker_head(there, p->i, p->len, 0)) != 0 ||
	    (rc = csn_worker_open(there, p->i, p->len, 0, NULL, root,
	    content)) != 0))
		return rc;
	if (p->final || !csn_equal(w->text, there->text, p->len))
		return csn_fail(s->ctx, CSN_E_DRIFT, ROOM, "segment %llu of "
		    "the source is not what was sealed before: seal it anew",
		    (unsigned long long)p->i);
	return 0;
}

/* The record, behind the mark of the run that it begins. */
static int
write_out(struct run *r, struct csn_worker *w, const struct piece *p)
{
	const struct csn_body *body = &r->s->body;
	size_t mark = csn_body_mark(body, p->i, w->record -
	    CSN_BODY_MARK_SIZE);

	return csn_turn_write(&r->turn, &r->out, p->i, csn_body_offset(body,
	    p->i) - mark, w->record - mark, mark + CSN_BODY_RECORD + p->len);
}

static int
do_piece(struct run *r, struct csn_worker *w, struct csn_worker *there,
    const struct piece *p)
{
	uint8_t root[CSN_HASH_SIZE], content[CSN_HASH_SIZE] = { 0 };
	uint8_t *tree = csn_sealer_content(r->s, content);
	int rc;

	if (p->i < r->s->kept) {
		rc = compare(r, w, there, p, root, tree);
	} else if ((rc = csn_worker_seal(w, p->i, p->len, p->final, root,
	    tree)) == 0)
		rc = write_out(r, w, p);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&r->turn.lock);
	csn_sealer_keep(r->s, p->i, root, content);
	pthread_mutex_unlock(&r->turn.lock);
	return 0;
}

static void
work(void *arg, size_t from, size_t to)
{
	struct run *r = arg;
	struct csn_worker w = { 0 }, there = { 0 };
	struct piece p;
	int rc;

	(void)from;
	(void)to;
	if ((rc = csn_worker_init(&w, &r->s->body)) == 0 &&
	    r->s->kept != 0)
		rc = csn_worker_init(&there, &r->s->body);
	if (csn_turn_fail(&r->turn, rc) == 0)
		while (next(r, &w, &p))
			if (csn_turn_fail(&r->turn, do_piece(r, &w, &there,
			    &p)) != 0)
				break;
	csn_worker_clear(&w);
	if (there.body != NULL)
		csn_worker_clear(&there);
}

static int
run(struct run *r)
{
	struct csn_sealer *s = r->s;
	uint64_t n = CSN_BODY_SEGMENTS;
	uint8_t *end = NULL;
	size_t len;
	int rc;

	if ((r->in.flags & CSN_IO_ANYWHERE) != 0)
		n = csn_body_count(&s->body, r->in.length);
	if (s->partial == NULL && (rc = r->out.write(r->out.arg, 0, s->front,
	    s->front_len)) != 0)
		return rc;
	pthread_mutex_init(&r->reading, NULL);
	csn_turn_start(&r->turn, s->ctx, s->kept);
	csn_pool_run(s->pool, csn_turn_threads(s->pool, s->body.segment, n), 1,
	    work, r);
	pthread_mutex_destroy(&r->reading);
	if ((rc = csn_turn_end(&r->turn)) == 0 &&
	    (rc = csn_sealer_end(s, &end, &len)) == 0)
		rc = r->out.write(r->out.arg, s->sealed_length - len, end,
		    len);
	csn_free(end);
	return rc;
}

int
csn_sealer_run(struct csn_sealer *sealer, const struct csn_sealed_io *source,
    const struct csn_sealed_io *sink)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(sealer) != 0)
		return CSN_E_ARG;

	struct csn_sealer *s = sealer;
	struct run r = { .s = s, .carried = -1 };
	int rc;

	if ((rc = csn_sealer_usable(s)) != 0 ||
	    (rc = csn_io_take(s->ctx, source, 1, &r.in)) != 0 ||
	    (rc = csn_io_take(s->ctx, sink, 0, &r.out)) != 0)
		return rc;
	if (s->started)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM, "some of the file "
		    "was fed to csn_sealer_update() already");
	s->started = 1;
	s->dead = run(&r);
	s->done = s->dead == 0;
	return s->dead;
}
