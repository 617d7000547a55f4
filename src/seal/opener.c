/* SPDX-License-Identifier: Apache-2.0 */
/* seal/opener.c - reading a sealed file as it comes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/little.h"
#include "base/sized.h"
#include "envelope/message.h"
#include "seal/accept.h"
#include "seal/foot.h"

#define ROOM "seal"

/* What comes next. Each is gathered whole before it is looked at. */
enum state { PREFIX, FRONT, HEAD, MARK, BODY, TABLE, FOOT_HEAD, FOOT, TAIL,
    END };

/*
 * Invariants: `to` has room for `need` bytes, of which `have` are there;
 * roots has what the segments before index have in the foot's tree; nothing
 * of a segment is written before its tag held, and nothing of the final one
 * before the foot did.
 */
struct csn_opener {
	struct csn_ctx *ctx;
	struct csn_judge judge;
	uint8_t data_key[CSN_KEY_SIZE];
	enum state state;
	uint8_t *to;
	size_t need;
	size_t have;
	uint8_t *text;		/* front, later foot */
	size_t text_len;
	struct csn_accepted a;
	struct csn_worker worker;
	struct csn_many many;
	struct csn_peaks roots;
	struct csn_peaks table;
	int open;		/* 1 once the front is believed */
	size_t plain;		/* plaintext bytes of the present segment */
	int final;
	uint64_t index;
	uint64_t blocks;
	uint64_t total;
	uint64_t sealed_length;
	struct csn_foot foot;
	int done;
	int dead;
	uint8_t small[CSN_HASH_SIZE];	/* whatever is short */
};

typedef int write_fn(void *arg, const uint8_t *p, size_t len);

static int
no_memory(const struct csn_ctx *ctx)
{
	return csn_nomem(ctx, ROOM, "a sealed file");
}

static void
expect(struct csn_opener *o, enum state state, uint8_t *to, size_t need)
{
	o->state = state;
	o->to = to;
	o->need = need;
	o->have = 0;
}

int
csn_opener_new(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const struct csn_opener_options *options,
    struct csn_opener **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_opener *o;
	int rc;

	if ((o = csn_calloc(1, sizeof(*o))) == NULL)
		return no_memory(ctx);
	if ((rc = csn_judge_take(ctx, identity, trust, options, &o->judge,
	    o->data_key)) != 0) {
		csn_opener_free(o);
		return rc;
	}
	o->ctx = ctx;
	csn_many_start(&o->many, ctx);
	expect(o, PREFIX, o->small, CSN_SEALED_PREFIX);
	*out = o;
	return 0;
}

/* Room for len bytes of front or foot, behind `before` more. */
static int
make_text(struct csn_opener *o, size_t before, size_t len)
{
	free(o->text);
	o->text_len = before + len;
	if ((o->text = csn_calloc(1, o->text_len)) == NULL)
		return no_memory(o->ctx);
	return 0;
}

static int
take_prefix(struct csn_opener *o)
{
	size_t len;
	int rc;

	if ((rc = csn_front_prefix(o->ctx, o->small, &len)) != 0 ||
	    (rc = make_text(o, CSN_SEALED_PREFIX, len)) != 0)
		return rc;
	memcpy(o->text, o->small, CSN_SEALED_PREFIX);
	expect(o, FRONT, o->text + CSN_SEALED_PREFIX, len);
	return 0;
}

static int
take_front(struct csn_opener *o)
{
	int rc;

	if ((rc = csn_accept(&o->judge, o->text, o->text_len, &o->a)) != 0 ||
	    (rc = csn_worker_init(&o->worker, &o->a.body)) != 0)
		return rc;
	csn_wipe(o->data_key, sizeof(o->data_key));
	o->open = 1;
	expect(o, HEAD, o->worker.record, CSN_BODY_HEAD);
	return 0;
}

static int
take_head(struct csn_opener *o)
{
	const uint32_t head = csn_load32(o->worker.record);
	const uint32_t segment = o->a.body.segment;

	/* Each segment begins a run once at most. */
	if (head == CSN_BODY_MARK && (o->a.body.nruns == 1 ||
	    o->a.body.runs[o->a.body.nruns - 1].first < o->index)) {
		expect(o, MARK, o->small, CSN_SEALED_ID);
		return 0;
	}
	o->final = (head & CSN_BODY_FINAL) != 0;
	o->plain = head & ~CSN_BODY_FINAL;
	if (o->plain > segment || (!o->final && o->plain != segment) ||
	    (o->final && o->plain == 0 && o->index != 0))
		return csn_fail(o->ctx, CSN_E_FORM, ROOM, "segment %llu "
		    "claims %zu bytes where the file's segments have %u",
		    (unsigned long long)o->index, o->plain, segment);
	expect(o, BODY, o->worker.text, o->plain + CSN_TAG_SIZE);
	return 0;
}

/* Another run of the sealer's, under another key. */
static int
take_mark(struct csn_opener *o)
{
	int rc;

	if ((rc = csn_body_add_run(&o->a.body, o->index, o->small)) != 0)
		return rc;
	o->blocks = 0;
	expect(o, HEAD, o->worker.record, CSN_BODY_HEAD);
	return 0;
}

static int
take_body(struct csn_opener *o, write_fn *write, void *arg)
{
	uint64_t blocks = csn_message_blocks(o->plain, CSN_BODY_AAD);
	uint8_t top[CSN_HASH_SIZE];
	int rc;

	csn_worker_used(&o->worker, o->plain + CSN_TAG_SIZE);
	if (o->index >= CSN_BODY_SEGMENTS ||
	    blocks > CSN_KEY_MAX_BLOCKS - o->blocks)
		return csn_fail(o->ctx, CSN_E_LIMIT, ROOM,
		    "the sealed file goes on past its key's limit");
	if ((rc = csn_worker_open(&o->worker, o->index, o->plain, o->final,
	    NULL, top, NULL)) != 0 ||
	    (rc = csn_peaks_add(&o->roots, &o->many, top)) != 0)
		return rc;
	o->index++;
	o->blocks += blocks;
	o->total += o->plain;
	if (o->final) {
		if (o->a.body.integrity == CSN_SEALED_LEAVES)
			expect(o, TABLE, o->small, CSN_HASH_SIZE);
		else
			expect(o, FOOT_HEAD, o->small, 4);
		return 0;
	}
	rc = write(arg, o->worker.text, o->plain);
	csn_wipe(o->worker.text, o->plain);
	expect(o, HEAD, o->worker.record, CSN_BODY_HEAD);
	return rc;
}

/* One segment's top; the table is what one reads who reads here and there. */
static int
take_table(struct csn_opener *o)
{
	int rc;

	if ((rc = csn_peaks_add(&o->table, &o->many, o->small)) != 0)
		return rc;
	if (o->table.n == o->index)
		expect(o, FOOT_HEAD, o->small, 4);
	else
		expect(o, TABLE, o->small, CSN_HASH_SIZE);
	return 0;
}

static int
take_foot_head(struct csn_opener *o)
{
	size_t len;
	int rc;

	if ((rc = csn_foot_length(o->ctx, csn_load32(o->small), &len)) == 0 &&
	    (rc = make_text(o, 0, len)) == 0)
		expect(o, FOOT, o->text, len);
	return rc;
}

static int
check_peaks(struct csn_opener *o, const struct csn_peaks *peaks)
{
	uint8_t top[CSN_HASH_SIZE], root[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_peaks_top(peaks, &o->many, top)) != 0 ||
	    (rc = csn_body_root(&o->a.body, o->total, top, root)) != 0)
		return rc;
	return csn_equal(root, o->foot.root, sizeof(root)) ? 0 :
	    csn_fail(o->ctx, CSN_E_SIGNATURE, ROOM, "the bytes of the file "
	    "are not those that its sealer signed");
}

/* The front's signer signed what was read, all of it. */
static int
take_foot(struct csn_opener *o)
{
	int rc;

	if ((rc = csn_foot_open(&o->a.body, o->a.key, o->a.alias, o->text,
	    o->text_len, 1, &o->foot)) != 0)
		return rc;
	if (o->foot.length != o->total)
		return csn_fail(o->ctx, CSN_E_SIGNATURE, ROOM, "the file has "
		    "%llu bytes where its sealer signed %llu",
		    (unsigned long long)o->total,
		    (unsigned long long)o->foot.length);
	if ((rc = check_peaks(o, &o->roots)) != 0 ||
	    (o->a.body.integrity == CSN_SEALED_LEAVES &&
	    (rc = check_peaks(o, &o->table)) != 0))
		return rc;
	expect(o, TAIL, o->small, CSN_FOOT_TAIL);
	return 0;
}

static int
take_tail(struct csn_opener *o)
{
	size_t len;
	int rc;

	if ((rc = csn_foot_tail(o->ctx, o->small, &len)) != 0)
		return rc;
	if (len != o->text_len)
		return csn_fail(o->ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "end tells another length of its foot than its beginning");
	o->sealed_length = csn_body_offset(&o->a.body, o->index - 1) +
	    CSN_BODY_RECORD + o->plain + o->table.n * CSN_HASH_SIZE + 4 +
	    len + CSN_FOOT_TAIL;
	expect(o, END, NULL, 0);
	return 0;
}

static int
take(struct csn_opener *o, write_fn *write, void *arg)
{
	switch (o->state) {
	case PREFIX:
		return take_prefix(o);
	case FRONT:
		return take_front(o);
	case HEAD:
		return take_head(o);
	case MARK:
		return take_mark(o);
	case BODY:
		return take_body(o, write, arg);
	case TABLE:
		return take_table(o);
	case FOOT_HEAD:
		return take_foot_head(o);
	case FOOT:
		return take_foot(o);
	case TAIL:
		return take_tail(o);
	case END:
		break;
	}
	return csn_fail(o->ctx, CSN_E_FORM, ROOM,
	    "there are bytes behind the sealed file's end");
}

static int
usable(const struct csn_opener *o, const void *write)
{
	if (o->dead != 0)
		return csn_fail(o->ctx, o->dead, ROOM, "the sealed file was "
		    "refused before (%s)", csn_error_name(o->dead));
	if (write == NULL || o->done)
		return csn_fail(o->ctx, CSN_E_ARG, ROOM,
		    "the file was opened already, or write is NULL");
	return 0;
}

/* After a failure nothing is left to hand out. */
static int
settle(struct csn_opener *o, int rc)
{
	if (rc == 0)
		return 0;
	o->dead = rc;
	if (o->open)
		csn_worker_clear(&o->worker);
	csn_body_clear(&o->a.body);
	return rc;
}

int
csn_opener_update(struct csn_opener *opener, const uint8_t *in, size_t len,
    write_fn *write, void *arg)
{
	if (CSN_NEEDS(opener) != 0)
		return CSN_E_ARG;

	struct csn_opener *o = opener;
	size_t n;
	int rc;

	if ((rc = usable(o, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if (in == NULL && len != 0)
		return csn_fail(o->ctx, CSN_E_ARG, ROOM,
		    "a NULL buffer was given with a length");
	while (rc == 0 && len != 0) {
		n = o->need - o->have < len ? o->need - o->have : len;
		if (n != 0)
			memcpy(o->to + o->have, in, n);
		o->have += n;
		in += n;
		len -= n;
		if (o->have == o->need)
			rc = take(o, write, arg);
	}
	return settle(o, rc);
}

int
csn_opener_final(struct csn_opener *opener, write_fn *write, void *arg)
{
	if (CSN_NEEDS(opener) != 0)
		return CSN_E_ARG;

	struct csn_opener *o = opener;
	int rc;

	if ((rc = usable(o, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if (o->state != END)
		rc = csn_fail(o->ctx, CSN_E_FORM, ROOM,
		    "the sealed file was cut short");
	else if (o->plain != 0) {
		rc = write(arg, o->worker.text, o->plain);
		csn_wipe(o->worker.text, o->plain);
	}
	o->done = rc == 0;
	return settle(o, rc);
}

const char *
csn_opener_signer(const struct csn_opener *opener)
{
	return opener->open ? opener->a.signer : NULL;
}

uint64_t
csn_opener_created_ms(const struct csn_opener *opener)
{
	/* Until its signature was checked it is nobody's word. */
	return opener->a.created_ms;
}

const char *
csn_opener_content_type(const struct csn_opener *opener)
{
	return opener->open ? opener->a.type : NULL;
}

int
csn_opener_facts(const struct csn_opener *opener,
    struct csn_sealed_facts *facts)
{
	if (CSN_NEEDS(opener) != 0)
		return CSN_E_ARG;

	struct csn_sealed_facts f = { .size = sizeof(f) };
	int rc;

	if ((rc = CSN_GIVE_CHECK(facts, csn_sealed_facts, content)) != 0)
		return rc;
	if (!opener->done)
		return csn_fail(opener->ctx, CSN_E_ARG, ROOM,
		    "the sealed file was not read to its end");
	csn_accepted_facts(&opener->a, &f);
	csn_foot_facts(&opener->a.body, &opener->foot, &f);
	f.sealed_length = opener->sealed_length;
	CSN_GIVE(facts, &f, csn_sealed_facts);
	return 0;
}

void
csn_opener_free(struct csn_opener *opener)
{
	if (opener == NULL)
		return;
	if (opener->open)
		csn_worker_clear(&opener->worker);
	csn_many_end(&opener->many);
	csn_accepted_clear(&opener->a);
	free(opener->text);
	csn_wipe_free(opener, sizeof(*opener));
}
