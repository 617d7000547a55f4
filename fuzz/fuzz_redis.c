/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_redis.c - what a Redis server answers: replies, the map of a cluster,
 * redirections, errors; and the hosts of a URL.
 */
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

/* The same bytes in two pieces are the same replies. */
static size_t
replies(struct csn_ctx *ctx, const uint8_t *p, size_t len, size_t cut)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply;
	size_t n = 0, at = 0, end;

	check(reader != NULL);
	for (end = cut; at < len; end = len) {
		if (csn_redis_reader_feed(reader, p + at, end - at) != 0)
			break;
		at = end;
		for (;;) {
			if (csn_redis_reader_next(reader, &reply) != 0)
				goto out;
			if (reply == NULL)
				break;
			n++;
			use(ctx, reply);
			csn_redis_reply_free(reply);
		}
	}
out:
	csn_redis_reader_free(reader);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_redis_host host;
	size_t whole;

	whole = replies(ctx, data, len, len);
	if (len > 1)
		check(replies(ctx, data, len, 1 + data[0] % (len - 1)) ==
		    whole);
	if (csn_redis_host_parse((const char *)data, len, 6379, &host) == 0)
		host_is_clean(&host);
	return 0;
}
