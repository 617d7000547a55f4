/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_redis.c - what a Redis server answers: replies, the map of a cluster,
 * redirections, errors; and the hosts of a URL.
 */
#include "base/crc32.h"
#include "base/text.h"
#include "identity.h"
#include "providers/store/redis/redis.h"

static void
host_is_clean(const struct csn_redis_host *h)
{
	size_t i, len = strnlen(h->name, sizeof(h->name));

	check(len > 0 && len < sizeof(h->name) && h->port > 0);
	for (i = 0; i < len; i++)
		check(h->name[i] > ' ' && (unsigned char)h->name[i] < 0x7f);
}

static void
walk(const struct csn_redis_reply *r, size_t depth, size_t *items)
{
	size_t i;

	check(r != NULL && depth < 10);
	if (r->type == CSN_REDIS_ARRAY) {
		*items += r->len;
		check(*items <= CSN_REDIS_MAX_ITEMS);
		for (i = 0; i < r->len; i++)
			walk(r->item[i], depth + 1, items);
	} else if (r->type == CSN_REDIS_STRING ||
	    r->type == CSN_REDIS_STATUS || r->type == CSN_REDIS_ERROR) {
		check(r->p != NULL && r->p[r->len] == '\0');
	} else {
		check(r->type == CSN_REDIS_INTEGER ||
		    r->type == CSN_REDIS_NIL);
	}
}

static void
use(struct csn_ctx *ctx, const struct csn_redis_reply *reply)
{
	const struct csn_redis_host asked = { .name = "asked", .port = 1 };
	struct csn_redis_node node = { .name = "asked:1" };
	struct csn_redis store = { .config.ctx = ctx };
	struct csn_redis_range *ranges;
	struct csn_redis_host to;
	size_t n = 0, i, items = 0;
	unsigned slot = 0;

	walk(reply, 0, &items);
	if (csn_redis_map_read(reply, &asked, &ranges, &n) == 0) {
		for (i = 0; i < n; i++) {
			check(ranges[i].from <= ranges[i].to &&
			    ranges[i].to < CSN_REDIS_SLOTS);
			host_is_clean(&ranges[i].master);
		}
		csn_free(ranges);
	}
	if (reply->type != CSN_REDIS_ERROR)
		return;
	if (csn_redis_redirect_read(reply, &asked, &slot, &to) == 0) {
		check(slot < CSN_REDIS_SLOTS);
		host_is_clean(&to);
	}
	store.config.cluster = reply->len % 2 == 0;
	check(csn_redis_error(&store, &node, reply) < 0);
	check(csn_utf8_valid(csn_message(),
	    strlen(csn_message())));
}

/*
 * A stream, read in pieces: as many bytes as step says, each time others. What
 * came of it is one number.
 */
struct stream {
	struct csn_ctx *ctx;
	struct csn_redis_reader *reader;
	struct csn_redis_sink sink;
	uint8_t place[12000];
	uint8_t kind;		/* of sinks */
	uint32_t sum;
};

static void
sum(struct stream *s, const void *p, size_t len)
{
	s->sum = csn_crc32(s->sum, p, len);
}

static void
next_sink(struct stream *s)
{
	csn_free(s->sink.raw);
	memset(&s->sink, 0, sizeof(s->sink));
	s->sink.in_array = s->kind >> 2 & 1;
	s->sink.allocate = (s->kind & 3) == 1;
	s->sink.p = s->sink.allocate ? NULL : s->place;
	s->sink.cap = s->sink.allocate ? 0 : (s->kind & 3) == 2 ?
	    sizeof(s->place) : 10;
	csn_redis_reader_sink(s->reader, (s->kind & 3) == 0 ? NULL :
	    &s->sink);
}

static void
sum_reply(struct stream *s, const struct csn_redis_reply *r)
{
	size_t i;

	sum(s, &r->type, sizeof(r->type));
	sum(s, &r->integer, sizeof(r->integer));
	sum(s, &r->len, sizeof(r->len));
	if (r->p != NULL)
		sum(s, r->p, r->len);
	else if (r->type == CSN_REDIS_STRING && (s->sink.allocate ||
	    r->len <= s->sink.cap))
		sum(s, s->sink.p, r->len);
	for (i = 0; r->type == CSN_REDIS_ARRAY && i < r->len; i++)
		sum_reply(s, r->item[i]);
}

/* All that is whole. */
static int
take(struct stream *s)
{
	struct csn_redis_reply *reply;
	int rc;

	while ((rc = csn_redis_reader_next(s->reader, &reply)) == 0 &&
	    reply != NULL) {
		if ((s->kind & 3) == 0)
			use(s->ctx, reply);
		sum_reply(s, reply);
		csn_redis_reply_free(reply);
		next_sink(s);
	}
	return rc;
}

static uint32_t
read_all(struct csn_ctx *ctx, const uint8_t *p, size_t len, uint8_t kind,
    size_t step)
{
	static struct stream s;
	size_t at = 0, room;
	uint8_t *to;
	int rc = 0;

	s.ctx = ctx;
	s.kind = kind;
	s.sum = 0;
	s.reader = csn_redis_reader_new();
	check(s.reader != NULL);
	next_sink(&s);
	while (rc == 0 && at < len) {
		to = csn_redis_reader_room(s.reader, &room);
		check(to != NULL && room > 0);
		if (room > step)
			room = step;
		if (room > len - at)
			room = len - at;
		memcpy(to, p + at, room);
		at += room;
		if ((rc = csn_redis_reader_took(s.reader, room)) == 0)
			rc = take(&s);
	}
	sum(&s, &rc, sizeof(rc));
	csn_redis_reader_free(s.reader);
	csn_free(s.sink.raw);
	s.sink.raw = NULL;
	return s.sum;
}

/* The same bytes in other pieces are the same replies. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_redis_host host;
	uint32_t whole;
	uint8_t kind;

	for (kind = 0; kind < 8; kind++) {
		whole = read_all(ctx, data, len, kind, len);
		if (len > 1)
			check(read_all(ctx, data, len, kind,
			    1 + data[len - 1] % 7) == whole);
	}
	if (csn_redis_host_parse((const char *)data, len, 6379, &host) == 0)
		host_is_clean(&host);
	return 0;
}
