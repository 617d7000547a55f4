/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/reply.c - hiredis's reader with objects and limits of our own.
 *
 * hiredis allocates what a length in the reply promises. Here an array is
 * counted before it is made, and a string is made only once all its bytes
 * have come, so a server that lies costs what it really sends, up to a limit.
 */
#include <stdint.h>
#include <string.h>

#include "providers/store/buffer.h"
#include "providers/store/redis/reply.h"

/* Past this, a buffer is not kept for the next reply. */
#define KEEP ((size_t)1 << 20)

#if HIREDIS_MAJOR >= 1
typedef size_t elements_count;
#else
typedef int elements_count;
#endif

struct csn_redis_reader {
	redisReader *hi;
	struct csn_redis_sink *sink;
	size_t fed;		/* bytes since the last whole reply */
	size_t items;		/* elements of arrays in this reply */
	int over;		/* a limit was passed */
	int odd;		/* a kind of RESP3's, which nothing asked for */
};

void
csn_redis_reply_free(struct csn_redis_reply *reply)
{
	size_t i;

	if (reply == NULL)
		return;
	if (reply->item != NULL)
		for (i = 0; i < reply->len; i++)
			csn_redis_reply_free(reply->item[i]);
	csn_free(reply->item);
	csn_free(reply);
}

int
csn_redis_is_error(const struct csn_redis_reply *reply, const char *word)
{
	size_t len = strlen(word);

	return reply->type == REDIS_REPLY_ERROR && reply->len >= len &&
	    memcmp(reply->p, word, len) == 0 &&		/* public */
	    (reply->len == len || reply->p[len] == ' ');
}

static void
free_object(void *reply)
{
	csn_redis_reply_free(reply);
}

/* A reply with room for len bytes behind it, in its parent's place. */
static struct csn_redis_reply *
make(const redisReadTask *task, int type, const void *p, size_t len)
{
	struct csn_redis_reply *reply, *parent;

	reply = csn_calloc(1, sizeof(*reply) + (p != NULL ? len + 1 : 0));
	if (reply == NULL)
		return NULL;
	reply->type = type;
	if (p != NULL) {
		reply->p = (uint8_t *)(reply + 1);
		memcpy(reply->p, p, len);
		reply->len = len;
	}
	if (task->parent != NULL) {
		parent = task->parent->obj;
		parent->item[task->idx] = reply;
	}
	return reply;
}

static int
pour(struct csn_redis_sink *sink, const char *p, size_t len)
{
	sink->len = len;
	if (sink->allocate) {
		sink->p = csn_buffer_new(sink->raw, len, &sink->raw);
		if (sink->p == NULL)
			return -1;
	} else if (len > sink->cap) {
		return 0;
	}
	if (len > 0)
		memcpy(sink->p, p, len);
	return 0;
}

/* Is this string the value that the sink is for? */
static int
is_value(const struct csn_redis_sink *sink, const redisReadTask *task)
{
	if (sink == NULL || task->type != REDIS_REPLY_STRING)
		return 0;
	return sink->in_array ? task->parent != NULL &&
	    task->parent->parent == NULL && task->idx == 0 :
	    task->parent == NULL;
}

static void *
create_string(const redisReadTask *task, char *p, size_t len)
{
	struct csn_redis_reader *reader = task->privdata;
	struct csn_redis_reply *reply;

	if (task->type != REDIS_REPLY_STRING &&
	    task->type != REDIS_REPLY_STATUS &&
	    task->type != REDIS_REPLY_ERROR) {
		reader->odd = 1;
		return NULL;
	}
	if (!is_value(reader->sink, task))
		return make(task, task->type, p, len);
	if ((reply = make(task, task->type, NULL, 0)) == NULL)
		return NULL;
	reply->len = len;
	if (pour(reader->sink, p, len) != 0) {
		csn_free(reply);
		return NULL;
	}
	return reply;
}

static void *
create_array(const redisReadTask *task, elements_count n)
{
	struct csn_redis_reader *reader = task->privdata;
	const redisReadTask *above;
	struct csn_redis_reply *reply;
	struct csn_redis_reply **item = NULL;
	size_t depth = 1;

	/* hiredis 1 goes as deep as a server wants; freeing is recursive. */
	for (above = task; above->parent != NULL; above = above->parent)
		depth++;
	if (task->type != REDIS_REPLY_ARRAY || depth > CSN_REDIS_MAX_DEPTH) {
		reader->odd = 1;
		return NULL;
	}
	if ((size_t)n > CSN_REDIS_MAX_ITEMS - reader->items) {
		reader->over = 1;
		return NULL;
	}
	reader->items += (size_t)n;
	if (n > 0 && (item = csn_calloc((size_t)n, sizeof(*item))) == NULL)
		return NULL;
	if ((reply = make(task, REDIS_REPLY_ARRAY, NULL, 0)) == NULL) {
		csn_free(item);
		return NULL;
	}
	reply->len = (size_t)n;
	reply->item = item;
	return reply;
}

static void *
create_integer(const redisReadTask *task, long long v)
{
	struct csn_redis_reply *reply;

	reply = make(task, REDIS_REPLY_INTEGER, NULL, 0);
	if (reply != NULL)
		reply->integer = v;
	return reply;
}

static void *
create_nil(const redisReadTask *task)
{
	return make(task, REDIS_REPLY_NIL, NULL, 0);
}

#if HIREDIS_MAJOR >= 1
/* Without these two, the reader would hand out a number as an object. */
static void *
create_double(const redisReadTask *task, double v, char *p, size_t len)
{
	struct csn_redis_reader *reader = task->privdata;

	(void)v;
	(void)p;
	(void)len;
	reader->odd = 1;
	return NULL;
}

static void *
create_bool(const redisReadTask *task, int v)
{
	struct csn_redis_reader *reader = task->privdata;

	(void)v;
	reader->odd = 1;
	return NULL;
}
#endif

/* hiredis wants it without const. */
static redisReplyObjectFunctions objects = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = create_double,
	.createBool = create_bool,
#endif
	.freeObject = free_object,
};

static redisReader *
make_hi(struct csn_redis_reader *reader)
{
	redisReader *hi = redisReaderCreateWithFunctions(&objects);

	if (hi == NULL)
		return NULL;
	hi->privdata = reader;
	/*
	 * Its own trimming of a large buffer asserts that memory is to be
	 * had; ours, in csn_redis_reader_next, does not.
	 */
	hi->maxbuf = 0;
	return hi;
}

struct csn_redis_reader *
csn_redis_reader_new(void)
{
	struct csn_redis_reader *reader = csn_calloc(1, sizeof(*reader));

	if (reader != NULL && (reader->hi = make_hi(reader)) == NULL) {
		csn_free(reader);
		reader = NULL;
	}
	return reader;
}

void
csn_redis_reader_free(struct csn_redis_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->hi != NULL)
		redisReaderFree(reader->hi);
	csn_free(reader);
}

void
csn_redis_reader_sink(struct csn_redis_reader *reader,
    struct csn_redis_sink *sink)
{
	reader->sink = sink;
}

int
csn_redis_reader_feed(struct csn_redis_reader *reader, const void *p,
    size_t len)
{
	if (len > CSN_REDIS_MAX_REPLY - reader->fed)
		return CSN_E_LIMIT;
	reader->fed += len;
	return redisReaderFeed(reader->hi, p, len) == REDIS_OK ? 0 :
	    CSN_E_NOMEM;
}

int
csn_redis_reader_next(struct csn_redis_reader *reader,
    struct csn_redis_reply **out)
{
	redisReader *fresh;
	void *reply = NULL;

	*out = NULL;
	if (redisReaderGetReply(reader->hi, &reply) != REDIS_OK) {
		if (reader->over)
			return CSN_E_LIMIT;
		return reader->hi->err == REDIS_ERR_OOM && !reader->odd ?
		    CSN_E_NOMEM : CSN_E_FORM;
	}
	if (reply == NULL)
		return 0;
	/* What is left is the next reply's. */
	if (reader->fed > KEEP && !csn_redis_reader_pending(reader) &&
	    (fresh = make_hi(reader)) != NULL) {
		redisReaderFree(reader->hi);
		reader->hi = fresh;
	}
	reader->fed = reader->hi->len - reader->hi->pos;
	reader->items = 0;
	reader->sink = NULL;
	*out = reply;
	return 0;
}

int
csn_redis_reader_pending(const struct csn_redis_reader *reader)
{
	return reader->hi->len > reader->hi->pos;
}
