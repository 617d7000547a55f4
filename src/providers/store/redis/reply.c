/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/reply.c - replies as they come over the wire (RESP2), with limits.
 *
 * A length that is promised costs little before it is kept: an array's places,
 * of which there is a limit, and AHEAD of a value. A string is made only once
 * all its bytes have come, and a large value grows with what came of it, in the
 * place where it is to be. So a server that lies costs what it really sends.
 */
#include <string.h>

#include "base/text.h"
#include "providers/store/buffer.h"
#include "providers/store/redis/reply.h"

/* Past this, a buffer is not kept for the next reply. */
#define KEEP ((size_t)1 << 20)
#define FIRST_ROOM ((size_t)32 << 10)
/* From here on a value is read straight into its place. */
#define LARGE ((size_t)8 << 10)
#define MAX_LINE ((size_t)64 << 10)
#define AHEAD ((size_t)1 << 20)		/* of a value, before it came */

struct csn_redis_reader {
	uint8_t *buf;
	size_t pos, len, cap;
	struct csn_redis_sink *sink;
	size_t searched;	/* from pos on, for the line's end */
	size_t fed;		/* bytes since the last whole reply */
	size_t items;		/* elements of arrays in this reply */
	struct csn_redis_reply *root;
	/* The arrays around what comes next, and its place in each. */
	struct csn_redis_reply *open[CSN_REDIS_MAX_DEPTH];
	size_t at[CSN_REDIS_MAX_DEPTH];
	size_t depth;
	/* A large value under way: its length, what came, what there is. */
	int filling, skips;	/* skips: it fits nowhere and is dropped */
	size_t want, have, room;	/* have is 0 otherwise */
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

	return reply->type == CSN_REDIS_ERROR && reply->len >= len &&
	    memcmp(reply->p, word, len) == 0 &&		/* public */
	    (reply->len == len || reply->p[len] == ' ');
}

struct csn_redis_reader *
csn_redis_reader_new(void)
{
	return csn_calloc(1, sizeof(struct csn_redis_reader));
}

void
csn_redis_reader_free(struct csn_redis_reader *reader)
{
	if (reader == NULL)
		return;
	csn_redis_reply_free(reader->root);
	csn_free(reader->buf);
	csn_free(reader);
}

void
csn_redis_reader_sink(struct csn_redis_reader *reader,
    struct csn_redis_sink *sink)
{
	reader->sink = sink;
}

int
csn_redis_reader_pending(const struct csn_redis_reader *reader)
{
	return reader->len > reader->pos;
}

/* Room for so much of the value; what came of it moves with it. */
static int
grow(struct csn_redis_reader *reader, size_t room)
{
	struct csn_redis_sink *sink = reader->sink;
	size_t before = sink->raw == NULL ? 0 :
	    (size_t)(sink->p - (uint8_t *)sink->raw), after;
	uint8_t *p;

	p = csn_buffer_new(sink->raw, room, &sink->raw);
	if (p == NULL)
		return CSN_E_NOMEM;
	after = (size_t)(p - (uint8_t *)sink->raw);
	if (before != after && reader->have > 0)
		memmove(p, (uint8_t *)sink->raw + before, reader->have);
	sink->p = p;
	reader->room = room;
	return 0;
}

/* Do the bytes that come now belong to a value in its place? */
static int
pours(const struct csn_redis_reader *reader)
{
	return reader->filling && !reader->skips &&
	    reader->have < reader->want;
}

uint8_t *
csn_redis_reader_room(struct csn_redis_reader *reader, size_t *len)
{
	size_t cap = reader->cap;
	uint8_t *more;

	if (pours(reader)) {
		*len = reader->room - reader->have;
		return reader->sink->p + reader->have;
	}
	/* A quarter is free, or becomes free: what is read is no trickle. */
	if (cap - reader->len < cap / 4 && reader->pos > 0) {
		reader->len -= reader->pos;
		memmove(reader->buf, reader->buf + reader->pos, reader->len);
		reader->pos = 0;
	}
	if (cap == 0 || cap - reader->len < cap / 4) {
		cap = cap == 0 ? FIRST_ROOM : 2 * cap;
		if ((more = csn_realloc(reader->buf, cap, 1)) == NULL)
			return NULL;
		reader->buf = more;
		reader->cap = cap;
	}
	*len = cap - reader->len;
	return reader->buf + reader->len;
}

/* So much more of the value is in its place. */
static int
poured(struct csn_redis_reader *reader, size_t len)
{
	size_t room;

	reader->have += len;
	if (reader->have < reader->room || reader->room == reader->want)
		return 0;
	room = reader->want - reader->room < reader->room ? reader->want :
	    2 * reader->room;
	return grow(reader, room);
}

int
csn_redis_reader_took(struct csn_redis_reader *reader, size_t len)
{
	if (pours(reader))
		return poured(reader, len);
	reader->len += len;
	reader->fed += len;
	return reader->fed > CSN_REDIS_MAX_REPLY ? CSN_E_LIMIT : 0;
}

/* From the buffer what belongs to the value. 1 where it is whole. */
static int
fill(struct csn_redis_reader *reader)
{
	size_t n;
	int rc;

	while (reader->have < reader->want) {
		n = reader->len - reader->pos;
		if (n > reader->room - reader->have)
			n = reader->room - reader->have;
		if (n == 0)
			return 0;
		if (!reader->skips)
			memcpy(reader->sink->p + reader->have,
			    reader->buf + reader->pos, n);
		reader->pos += n;
		reader->fed -= n;
		if ((rc = poured(reader, n)) != 0)
			return rc;
	}
	return 1;
}

/* The line at pos, without its end. 0 where it is not all there. */
static int
line_of(struct csn_redis_reader *reader, const char **line, size_t *len)
{
	const uint8_t *p = reader->buf + reader->pos, *end;
	size_t left = reader->len - reader->pos, from = reader->searched;

	if (left == 0)
		return 0;
	/* Other protocols, and RESP3, are known by their first byte. */
	if (memchr("+-:$*", *p, 5) == NULL)
		return CSN_E_FORM;
	/* However it came in pieces: a line is too long, or it is not. */
	if (left > MAX_LINE + 2)
		left = MAX_LINE + 2;
	reader->searched = left - 1;
	if ((end = memmem(p + from, left - from, "\r\n", 2)) == NULL)
		return left < MAX_LINE + 2 ? 0 : CSN_E_FORM;
	reader->searched = 0;
	*line = (const char *)p;
	*len = (size_t)(end - p);
	return 1;
}

/* An integer of 64 bits behind the line's first character. */
static int
number_of(const char *line, size_t len, long long *out)
{
	int minus = len > 1 && line[1] == '-';
	uint64_t v;

	line += 1 + minus;
	len -= 1 + (size_t)minus;
	if (csn_decimal(line, len, (uint64_t)INT64_MAX + (uint64_t)minus,
	    &v) != 0 || (len > 1 && line[0] == '0') || (minus && v == 0))
		return CSN_E_FORM;
	*out = minus ? -(long long)(v - 1) - 1 : (long long)v;
	return 0;
}

/* A reply in its place: an array's, or the root's. NULL: no memory. */
static struct csn_redis_reply *
make(struct csn_redis_reader *reader, enum csn_redis_type type,
    const void *p, size_t len)
{
	struct csn_redis_reply *reply;
	size_t top = reader->depth - 1;

	reply = csn_calloc(1, sizeof(*reply) + (p != NULL ? len + 1 : 0));
	if (reply == NULL)
		return NULL;
	reply->type = type;
	if (p != NULL) {
		reply->p = (uint8_t *)(reply + 1);
		memcpy(reply->p, p, len);
		reply->len = len;
	}
	if (reader->depth == 0)
		reader->root = reply;
	else
		reader->open[top]->item[reader->at[top]++] = reply;
	return reply;
}

/* Is the string that comes now the value that the sink is for? */
static int
is_value(const struct csn_redis_reader *reader)
{
	if (reader->sink == NULL)
		return 0;
	return reader->sink->in_array ? reader->depth == 1 &&
	    reader->at[0] == 0 : reader->depth == 0;
}

static int
string(struct csn_redis_reader *reader, size_t head, size_t len)
{
	struct csn_redis_sink *sink = is_value(reader) ? reader->sink : NULL;
	size_t left = reader->len - reader->pos - head;
	const uint8_t *p = reader->buf + reader->pos + head;
	struct csn_redis_reply *reply;
	int rc;

	if (len > (sink == NULL ? CSN_REDIS_MAX_REPLY : CSN_REDIS_MAX_VALUE))
		return CSN_E_LIMIT;
	if (sink != NULL && len >= LARGE) {
		reader->want = reader->room = len;
		reader->skips = !sink->allocate && len > sink->cap;
		if (sink->allocate && (rc = grow(reader, len < AHEAD ? len :
		    AHEAD)) != 0)
			return rc;
		sink->touched = !reader->skips;
		reader->pos += head;
		reader->filling = 1;
		return 1;
	}
	if (left < len + 2)
		return 0;
	if (p[len] != '\r' || p[len + 1] != '\n')
		return CSN_E_FORM;
	if (sink == NULL) {
		reply = make(reader, CSN_REDIS_STRING, p, len);
	} else if ((reply = make(reader, CSN_REDIS_STRING, NULL, 0)) != NULL) {
		reply->len = sink->len = len;
		if (sink->allocate && grow(reader, len) != 0)
			return CSN_E_NOMEM;
		if (len > 0 && (sink->allocate || len <= sink->cap)) {
			memcpy(sink->p, p, len);
			sink->touched = 1;
		}
	}
	reader->pos += head + len + 2;
	return reply == NULL ? CSN_E_NOMEM : 1;
}

/* The value has been read into its place: what follows it? */
static int
filled(struct csn_redis_reader *reader)
{
	struct csn_redis_reply *reply;
	const uint8_t *p;
	int rc;

	if ((rc = fill(reader)) != 1)
		return rc;
	p = reader->buf + reader->pos;
	if (reader->len - reader->pos < 2)
		return 0;
	if (p[0] != '\r' || p[1] != '\n')
		return CSN_E_FORM;
	reader->pos += 2;
	reader->filling = 0;
	reader->have = 0;
	if ((reply = make(reader, CSN_REDIS_STRING, NULL, 0)) == NULL)
		return CSN_E_NOMEM;
	reply->len = reader->sink->len = reader->want;
	return 1;
}

static int
array(struct csn_redis_reader *reader, size_t n)
{
	struct csn_redis_reply *reply;
	struct csn_redis_reply **item = NULL;

	if (reader->depth == CSN_REDIS_MAX_DEPTH)
		return CSN_E_FORM;
	if (n > CSN_REDIS_MAX_ITEMS - reader->items)
		return CSN_E_LIMIT;
	reader->items += n;
	if (n > 0 && (item = csn_calloc(n, sizeof(*item))) == NULL)
		return CSN_E_NOMEM;
	if ((reply = make(reader, CSN_REDIS_ARRAY, NULL, 0)) == NULL) {
		csn_free(item);
		return CSN_E_NOMEM;
	}
	reply->item = item;
	reply->len = n;
	if (n > 0) {
		reader->at[reader->depth] = 0;
		reader->open[reader->depth++] = reply;
	}
	return 1;
}

/* One step: 1, 0 where bytes are missing, or an error. */
static int
step(struct csn_redis_reader *reader)
{
	struct csn_redis_reply *reply;
	long long v = 0;
	const char *line;
	size_t len;
	int rc;

	if (reader->filling)
		return filled(reader);
	if ((rc = line_of(reader, &line, &len)) != 1)
		return rc;
	switch (line[0]) {
	case '+':
	case '-':
		reply = make(reader, line[0] == '+' ? CSN_REDIS_STATUS :
		    CSN_REDIS_ERROR, line + 1, len - 1);
		break;
	case ':':
		if (number_of(line, len, &v) != 0)
			return CSN_E_FORM;
		if ((reply = make(reader, CSN_REDIS_INTEGER, NULL,
		    0)) != NULL)
			reply->integer = v;
		break;
	case '$':
	case '*':
		if (number_of(line, len, &v) != 0 || v < -1)
			return CSN_E_FORM;
		if (v >= 0 && line[0] == '$')
			return string(reader, len + 2, (size_t)v);
		if (v >= 0) {
			reader->pos += len + 2;
			return array(reader, (size_t)v);
		}
		reply = make(reader, CSN_REDIS_NIL, NULL, 0);
		break;
	default:
		return CSN_E_FORM;
	}
	reader->pos += len + 2;
	return reply == NULL ? CSN_E_NOMEM : 1;
}

int
csn_redis_reader_next(struct csn_redis_reader *reader,
    struct csn_redis_reply **out)
{
	size_t top;
	int rc;

	*out = NULL;
	do {
		if ((rc = step(reader)) != 1)
			return rc;
		/* What is whole now is its array's last, perhaps. */
		while (reader->depth > 0 && (top = reader->depth - 1,
		    reader->at[top] == reader->open[top]->len))
			reader->depth--;
	} while (reader->depth > 0 || reader->root == NULL);
	*out = reader->root;
	reader->root = NULL;
	/* What is left is the next reply's. */
	reader->fed = reader->len - reader->pos;
	reader->items = 0;
	reader->sink = NULL;
	if (reader->fed == 0) {
		reader->pos = reader->len = 0;
		if (reader->cap > KEEP) {
			csn_free(reader->buf);
			reader->buf = NULL;
			reader->cap = 0;
		}
	}
	return 0;
}
