/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/scan.c - all keys of a space: to list, to count, to drop.
 *
 * SCAN gives a key that is there all along at least once, and may give it
 * twice; a cluster's slot that is being moved has keys on two servers, so that
 * of the space's slot comes first (keys move away from it, not to it). Names
 * are visited as they come, and a fingerprint of each is kept, so that none
 * is visited twice: of MAX_SEEN at most, for a server may never end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/crypto.h>

#include "base/cancel.h"
#include "base/context.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "providers/store/redis/redis.h"

#define COUNT "1000"
#define MAX_STEPS (1u << 20)	/* of one SCAN: a billion buckets */
#define MAX_SEEN ((size_t)4 << 20)	/* names: 64 MiB of fingerprints */
#define MAX_ROUNDS 3
#define UNKNOWN UINT64_MAX

struct entry {
	size_t at;		/* in bytes */
	size_t len;
	uint64_t value_len;
};

struct catalogue {
	struct csn_redis *r;
	struct csn_redis_net *net;
	uint8_t head[CSN_REDIS_MAX_KEY];	/* what a name begins with */
	size_t head_len;
	int drop;		/* take each away, visit none */
	int (*visit)(void *arg, const uint8_t *key, size_t key_len,
	    size_t value_len);
	void *arg;
	/* Of those visited: open addressing, 0 is a free place. */
	uint64_t *seen, seed[2];
	size_t nseen, seen_cap;
	/* One step's names. */
	uint8_t *bytes;
	size_t used, cap;
	struct entry *entry;
	size_t n, n_cap;
};

static int
no_memory(const struct catalogue *c)
{
	return csn_nomem(c->r->config.ctx, "store",
	    "the keys of a Redis store");
}

static void
catalogue_free(struct catalogue *c)
{
	csn_free(c->bytes);
	csn_free(c->entry);
	csn_free(c->seen);
}

/* Seeded, so that no server finds two names of one fingerprint. Never 0. */
static uint64_t
fingerprint(const struct catalogue *c, const uint8_t *p, size_t len)
{
	uint64_t h = csn_hash_bytes(c->seed[0], c->seed[1], p, len);

	return h != 0 ? h : 1;
}

static void
put_seen(struct catalogue *c, uint64_t fingerprint)
{
	size_t i = fingerprint & (c->seen_cap - 1);

	while (c->seen[i] != 0 && c->seen[i] != fingerprint)
		i = (i + 1) & (c->seen_cap - 1);
	c->nseen += c->seen[i] == 0;
	c->seen[i] = fingerprint;
}

static int
grow_seen(struct catalogue *c)
{
	size_t cap = c->seen_cap, i;
	uint64_t *old = c->seen;

	c->seen_cap = cap == 0 ? 1024 : 2 * cap;
	if ((c->seen = csn_calloc(c->seen_cap, sizeof(*c->seen))) == NULL) {
		c->seen = old;
		c->seen_cap = cap;
		return no_memory(c);
	}
	c->nseen = 0;
	for (i = 0; i < cap; i++)
		if (old[i] != 0)
			put_seen(c, old[i]);
	csn_free(old);
	return 0;
}

/* 1 where it was not visited before, as far as that is known. */
static int
first_time(struct catalogue *c, const uint8_t *p, size_t len)
{
	size_t before = c->nseen;
	int rc;

	if (before >= MAX_SEEN)
		return 1;
	if (2 * (before + 1) > c->seen_cap && (rc = grow_seen(c)) != 0)
		return rc;
	put_seen(c, fingerprint(c, p, len));
	return c->nseen > before;
}

static int
visit_step(struct catalogue *c)
{
	const struct entry *e;
	size_t i;
	int rc;

	for (i = 0; i < c->n; i++) {
		e = &c->entry[i];
		/* No name any more: it holds no value. */
		if (e->len == 0)
			continue;
		if ((rc = first_time(c, c->bytes + e->at, e->len)) < 0)
			return rc;
		if (rc == 1 && (rc = c->visit(c->arg, c->bytes + e->at +
		    c->head_len, e->len - c->head_len,
		    (size_t)e->value_len)) != 0)
			return rc;
	}
	return 0;
}

/* Is it one of the space's, or, where none is meant, of no space? */
static int
wanted(const struct catalogue *c, const struct csn_redis_reply *name)
{
	if (name->type != CSN_REDIS_STRING || name->len <= c->head_len ||
	    name->len - c->head_len > CSN_STORE_MAX_KEY)
		return 0;
	if (c->head_len == 0)
		return csn_redis_key_space(&c->r->config, name->p,
		    name->len) == 0;
	return memcmp(name->p, c->head, c->head_len) == 0;	/* public */
}

static int
keep(struct catalogue *c, const uint8_t *name, size_t len)
{
	size_t cap;
	void *p;

	if (c->used + len > c->cap) {
		cap = c->cap == 0 ? 65536 : 2 * c->cap;
		if ((p = csn_realloc(c->bytes, cap, 1)) == NULL)
			return no_memory(c);
		c->bytes = p;
		c->cap = cap;
	}
	if (c->n == c->n_cap) {
		cap = c->n_cap == 0 ? 1024 : 2 * c->n_cap;
		if ((p = csn_realloc(c->entry, cap, sizeof(*c->entry))) ==
		    NULL)
			return no_memory(c);
		c->entry = p;
		c->n_cap = cap;
	}
	memcpy(c->bytes + c->used, name, len);
	c->entry[c->n].at = c->used;
	c->entry[c->n].len = len;
	c->entry[c->n++].value_len = UNKNOWN;
	c->used += len;
	return 0;
}

static void
put_command(struct csn_out *out, const char *word, const uint8_t *key,
    size_t len)
{
	char head[64];
	int n;

	n = snprintf(head, sizeof(head), "*2\r\n$%zu\r\n%s\r\n$%zu\r\n",
	    strlen(word), word, len);
	csn_put_bytes(out, head, (size_t)n);
	csn_put_bytes(out, key, len);
	csn_put_bytes(out, "\r\n", 2);
}

/*
 * One reply of a pipeline: *v is UNKNOWN where it is an error, and *foreign is
 * set where the key holds another type than a string.
 */
static int
receive_number(struct csn_redis_conn *conn, uint64_t deadline, uint64_t *v,
    int *foreign)
{
	struct csn_redis_reply *reply;
	int rc;

	*v = UNKNOWN;
	if ((rc = csn_redis_receive(conn, NULL, deadline, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_INTEGER && reply->integer >= 0)
		*v = (uint64_t)reply->integer;
	else if (reply->type != CSN_REDIS_ERROR)
		rc = csn_redis_odd(conn->r, "STRLEN");
	else if (csn_redis_is_error(reply, "WRONGTYPE"))
		*foreign = 1;
	csn_redis_reply_free(reply);
	return rc;
}

/*
 * Ask for the lengths of a step's names, or take them away, all in one go.
 * EXISTS tells an empty value from one that has just ended.
 */
static int
batch(struct catalogue *c, struct csn_redis_conn *conn, uint64_t deadline)
{
	struct csn_out out;
	uint64_t len, there = 1;
	int rc, foreign;
	size_t i;

	csn_out_init(&out);
	for (i = 0; i < c->n; i++) {
		put_command(&out, c->drop ? "UNLINK" : "STRLEN",
		    c->bytes + c->entry[i].at, c->entry[i].len);
		if (!c->drop)
			put_command(&out, "EXISTS",
			    c->bytes + c->entry[i].at, c->entry[i].len);
	}
	rc = csn_out_ok(&out) ? csn_redis_send(conn, out.p, out.len,
	    deadline) : no_memory(c);
	csn_out_wipe(&out);
	for (i = 0; rc == 0 && i < c->n; i++) {
		foreign = 0;
		if ((rc = receive_number(conn, deadline, &len,
		    &foreign)) != 0 || (!c->drop && (rc = receive_number(
		    conn, deadline, &there, &foreign)) != 0))
			break;
		c->entry[i].value_len = len;
		if (foreign || (len == 0 && there == 0))
			c->entry[i].len = 0;
	}
	return rc;
}

static int
ask_number(struct catalogue *c, const char *word, const struct entry *e,
    uint64_t *v)
{
	struct csn_redis_call call = { .repeatable = 1,
	    .types = CSN_REDIS_INTEGER };
	struct csn_redis_reply *reply;
	int rc;

	csn_redis_word(&call, word);
	csn_redis_arg(&call, c->bytes + e->at, e->len);
	call.slot = csn_redis_slot(c->bytes + e->at, e->len);
	if ((rc = csn_redis_call(c->r, &call, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_INTEGER && reply->integer >= 0)
		*v = (uint64_t)reply->integer;
	else
		rc = csn_redis_odd(c->r, word);
	csn_redis_reply_free(reply);
	return rc;
}

/* What a batch could not settle: a key that another server has by now. */
static int
settle(struct catalogue *c)
{
	struct entry *e;
	uint64_t there;
	size_t i;
	int rc;

	for (i = 0; i < c->n; i++) {
		e = &c->entry[i];
		if (e->len == 0 || e->value_len != UNKNOWN)
			continue;
		if ((rc = ask_number(c, c->drop ? "UNLINK" : "STRLEN", e,
		    &e->value_len)) != 0)
			return rc;
		there = 1;
		if (!c->drop && e->value_len == 0 &&
		    (rc = ask_number(c, "EXISTS", e, &there)) != 0)
			return rc;
		if (there == 0)
			e->len = 0;
	}
	return 0;
}

/* One step of SCAN: cursor is the next one's, "0" at the end. */
static int
step_on(struct catalogue *c, struct csn_redis_conn *conn, uint64_t deadline,
    char cursor[24])
{
	char pattern[CSN_REDIS_MAX_KEY + 1];
	struct csn_redis_reply *reply = NULL, *names;
	const char *argv[6] = { "SCAN", cursor, "COUNT", COUNT, "MATCH",
	    pattern };
	size_t lens[6] = { 4, strlen(cursor), 5, sizeof(COUNT) - 1, 5,
	    c->head_len + 1 };
	size_t i;
	int rc;

	memcpy(pattern, c->head, c->head_len);
	pattern[c->head_len] = '*';
	rc = csn_redis_send_words(conn, argv, lens, 6, deadline);
	if (rc != 0 || (rc = csn_redis_receive(conn, NULL, deadline,
	    &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_ERROR) {
		rc = csn_redis_error(c->r, conn->node, reply);
	} else if (reply->type != CSN_REDIS_ARRAY || reply->len != 2 ||
	    reply->item[0]->type != CSN_REDIS_STRING ||
	    reply->item[0]->len == 0 || reply->item[0]->len > 20 ||
	    strspn((char *)reply->item[0]->p, "0123456789") !=
	    reply->item[0]->len ||
	    reply->item[1]->type != CSN_REDIS_ARRAY) {
		rc = csn_redis_odd(c->r, "SCAN");
	} else {
		memcpy(cursor, reply->item[0]->p, reply->item[0]->len + 1);
		names = reply->item[1];
		for (i = 0; i < names->len && rc == 0; i++) {
			if (wanted(c, names->item[i]))
				rc = keep(c, names->item[i]->p,
				    names->item[i]->len);
		}
	}
	csn_redis_reply_free(reply);
	if (rc == 0 && c->n > 0)
		rc = batch(c, conn, deadline);
	return rc;
}

/* The same once more where the connection broke: SCAN keeps no state. */
static int
step(struct catalogue *c, struct csn_redis_node *node, char cursor[24])
{
	uint64_t deadline = csn_redis_deadline(c->r);
	struct csn_redis_conn *conn;
	char next[24];
	int rc, tries = 0;

	if ((rc = csn_stop_check(c->r->config.ctx, "store")) != 0)
		return rc;
	do {
		c->n = c->used = 0;
		memcpy(next, cursor, sizeof(next));
		if ((rc = csn_redis_borrow(c->r, c->net, node, deadline,
		    &conn)) != 0)
			return rc;
		rc = step_on(c, conn, deadline, next);
		csn_redis_give_back(c->net, conn, rc == 0);
	} while (rc == CSN_E_BACKEND && tries++ == 0);
	if (rc != 0)
		return rc;
	memcpy(cursor, next, sizeof(next));
	if ((rc = settle(c)) != 0 || c->drop)
		return rc;
	return visit_step(c);
}

static int
scan_node(struct catalogue *c, struct csn_redis_node *node)
{
	char cursor[24] = "0", before[24];
	unsigned steps;
	int rc;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		memcpy(before, cursor, sizeof(before));
		if ((rc = step(c, node, cursor)) != 0)
			return rc;
		if (strcmp(cursor, "0") == 0)
			return 0;
		if (strcmp(cursor, before) == 0)
			break;
	}
	return csn_fail(c->r->config.ctx, CSN_E_BACKEND, "store",
	    "%s never comes to the end of its keys", node->name);
}

static int
scan_all(struct catalogue *c, unsigned slot)
{
	struct csn_redis_node **nodes, *owner = NULL, *now = NULL;
	uint64_t deadline = csn_redis_deadline(c->r);
	size_t n = 0, i;
	unsigned round;
	int rc;

	for (round = 0; round < MAX_ROUNDS; round++) {
		if ((rc = csn_redis_masters(c->r, c->net, slot, deadline,
		    &nodes, &n)) != 0)
			return rc;
		owner = nodes[0];
		for (i = 0; i < n; i++) {
			if (rc == 0)
				rc = scan_node(c, nodes[i]);
			if (i > 0)
				csn_redis_node_done(c->net, nodes[i]);
		}
		csn_free(nodes);
		/* Did the slot get another owner meanwhile? Once more. */
		if (rc == 0 && c->r->config.cluster &&
		    slot < CSN_REDIS_SLOTS) {
			csn_redis_moved(c->net, CSN_REDIS_ANY, NULL);
			deadline = csn_redis_deadline(c->r);
			rc = csn_redis_node_of(c->r, c->net, slot, deadline,
			    &now);
			if (rc == 0)
				csn_redis_node_done(c->net, now);
		}
		csn_redis_node_done(c->net, owner);
		if (rc != 0 || now == NULL || now == owner)
			return rc;
	}
	return 0;
}

static int
scan(struct catalogue *c, struct csn_redis *r, const uint8_t *space,
    size_t space_len)
{
	unsigned slot = CSN_REDIS_ANY;
	int rc;

	c->r = r;
	if ((rc = csn_random(r->config.ctx, (uint8_t *)c->seed,
	    sizeof(c->seed))) != 0)
		return rc;
	if ((c->net = csn_redis_net(r)) == NULL)
		return CSN_E_NOMEM;
	c->head_len = csn_redis_key(&r->config, space, space_len, NULL, 0,
	    c->head);
	if (space_len > 0)
		slot = csn_redis_slot(c->head, c->head_len);
	return scan_all(c, slot);
}

int
csn_redis_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	CSN_UNCANCELLED;
	struct catalogue c = { .visit = visit, .arg = arg };
	int rc = scan(&c, state, space, space_len);

	catalogue_free(&c);
	return rc;
}

int
csn_redis_drop(void *state, const uint8_t *space, size_t space_len)
{
	CSN_UNCANCELLED;
	struct catalogue c = { .drop = 1 };
	int rc = scan(&c, state, space, space_len);

	catalogue_free(&c);
	return rc;
}
