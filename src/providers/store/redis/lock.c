/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/lock.c - remove a value only where it is still the one meant.
 *
 * A script does it in one round. Where scripts are not allowed, WATCH makes a
 * transaction fail if anything touched the key between looking and deleting.
 */
#include <string.h>

#include "providers/store/redis/redis.h"

#define MAX_ROUNDS 4

static const char script[] =
    "if redis.call('GET',KEYS[1])==ARGV[1] then "
    "return redis.call('DEL',KEYS[1]) else return 0 end";

static int
other(struct csn_redis *r)
{
	return csn_fail(r->config.ctx, CSN_E_NOT_FOUND, "store",
	    "the key is absent, or holds another value");
}

/* One command on one connection; sink takes its value, or is NULL. */
static int
say_key(struct csn_redis_conn *conn, uint64_t deadline, const char *word,
    const uint8_t *key, size_t key_len, enum csn_redis_type type,
    struct csn_redis_sink *sink, struct csn_redis_reply **out)
{
	const char *argv[2] = { word, (const char *)key };
	const size_t lens[2] = { strlen(word), key_len };
	struct csn_redis_reply *reply = NULL;
	int rc;

	if ((rc = csn_redis_send_words(conn, argv, lens, key == NULL ? 1 : 2,
	    deadline)) != 0 ||
	    (rc = csn_redis_receive(conn, sink, deadline, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_ERROR)
		rc = csn_redis_error(conn->r, conn->node, reply);
	else if (reply->type != type && reply->type != CSN_REDIS_NIL)
		rc = csn_redis_odd(conn->r, word);
	if (rc != 0 || out == NULL)
		csn_redis_reply_free(reply);
	else
		*out = reply;
	return rc;
}

/* WATCH, GET, and MULTI, DEL, EXEC. *again where somebody interfered. */
static int
transact(struct csn_redis_conn *conn, uint64_t deadline, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len, int *again)
{
	/* What is longer than the value meant is another: it is dropped. */
	struct csn_redis_sink sink = { .cap = len };
	struct csn_redis_reply *reply = NULL;
	int rc, same;

	if (len > 0 && (sink.p = csn_calloc(1, len)) == NULL)
		return csn_nomem(conn->r->config.ctx, "store",
		    "a value of %zu bytes", len);
	if ((rc = say_key(conn, deadline, "WATCH", key, key_len,
	    CSN_REDIS_STATUS, NULL, NULL)) != 0 ||
	    (rc = say_key(conn, deadline, "GET", key, key_len,
	    CSN_REDIS_STRING, &sink, &reply)) != 0) {
		csn_free(sink.p);
		return rc;
	}
	same = reply->type == CSN_REDIS_STRING && sink.len == len &&
	    (len == 0 || csn_equal(sink.p, value, len));
	csn_redis_reply_free(reply);
	csn_free(sink.p);
	if (!same) {
		if ((rc = say_key(conn, deadline, "UNWATCH", NULL, 0,
		    CSN_REDIS_STATUS, NULL, NULL)) != 0)
			return rc;
		return other(conn->r);
	}
	if ((rc = say_key(conn, deadline, "MULTI", NULL, 0,
	    CSN_REDIS_STATUS, NULL, NULL)) != 0 ||
	    (rc = say_key(conn, deadline, "DEL", key, key_len,
	    CSN_REDIS_STATUS, NULL, NULL)) != 0 ||
	    (rc = say_key(conn, deadline, "EXEC", NULL, 0,
	    CSN_REDIS_ARRAY, NULL, &reply)) != 0)
		return rc;
	*again = reply->type == CSN_REDIS_NIL;
	csn_redis_reply_free(reply);
	return 0;
}

static int
remove_watched(struct csn_redis *r, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len)
{
	uint64_t deadline = csn_redis_deadline(r);
	struct csn_redis_call call = { .repeatable = 1,
	    .types = CSN_REDIS_INTEGER };
	struct csn_redis_net *net = csn_redis_net(r);
	struct csn_redis_reply *reply;
	struct csn_redis_conn *conn;
	struct csn_redis_node *node;
	int rc = 0, again = 1, round;

	if (net == NULL)
		return CSN_E_NOMEM;
	/* This finds out where a cluster has the key by now. */
	csn_redis_word(&call, "EXISTS");
	csn_redis_arg(&call, key, key_len);
	call.slot = csn_redis_slot(key, key_len);
	if ((rc = csn_redis_call(r, &call, &reply)) != 0)
		return rc;
	rc = reply->type == CSN_REDIS_INTEGER && reply->integer == 0 ?
	    other(r) : 0;
	csn_redis_reply_free(reply);
	if (rc != 0)
		return rc;
	for (round = 0; again && round < MAX_ROUNDS; round++) {
		again = 0;
		if ((rc = csn_redis_node_of(r, net, call.slot, deadline,
		    &node)) != 0)
			return rc;
		if ((rc = csn_redis_borrow(r, net, node, deadline,
		    &conn)) == 0) {
			rc = transact(conn, deadline, key, key_len, value,
			    len, &again);
			/* Half a transaction is nobody's to go on with. */
			csn_redis_give_back(net, conn, rc == 0 ||
			    rc == CSN_E_NOT_FOUND);
		}
		csn_redis_node_done(net, node);
		if (rc != 0)
			return rc;
	}
	return again ? other(r) : 0;
}

int
csn_redis_remove_if(struct csn_redis *r, const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len)
{
	struct csn_redis_call call = { .may_refuse = 1,
	    .types = CSN_REDIS_INTEGER };
	struct csn_redis_reply *reply;
	int rc, no;

	if (atomic_load(&r->no_scripts))
		return remove_watched(r, key, key_len, value, len);
	csn_redis_word(&call, "EVAL");
	csn_redis_arg(&call, script, sizeof(script) - 1);
	csn_redis_word(&call, "1");
	csn_redis_arg(&call, key, key_len);
	csn_redis_arg(&call, value, len);
	call.slot = csn_redis_slot(key, key_len);
	if ((rc = csn_redis_call(r, &call, &reply)) != 0)
		return rc;
	no = reply->type == CSN_REDIS_ERROR;
	if (reply->type == CSN_REDIS_INTEGER)
		rc = reply->integer > 0 ? 0 : other(r);
	else if (!no)
		rc = csn_redis_odd(r, "EVAL");
	csn_redis_reply_free(reply);
	if (!no)
		return rc;
	atomic_store(&r->no_scripts, 1);
	return remove_watched(r, key, key_len, value, len);
}
