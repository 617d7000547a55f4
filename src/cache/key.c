/* SPDX-License-Identifier: Apache-2.0 */
/* cache/key.c - a call's arguments, in canonical MessagePack. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "cache/key.h"

#define ROOM "cache"

static int
write_out(void *data, const char *p, size_t len)
{
	csn_put_bytes(data, p, len);
	return 0;
}

int
csn_key_fail(struct csn_cachekit_key *key, int code, const char *sentence)
{
	if (key->rc == 0)
		key->rc = code;
	return csn_fail(key->ctx, code, ROOM, "%s", sentence);
}

static void
start(struct csn_cachekit_key *key)
{
	key->rc = 0;
	key->nitems = 0;
	key->nframes = 1;
	key->frames[0] = (struct csn_key_frame){ .kind = CSN_KEY_ARGS };
}

int
csn_cachekit_key_new(struct csn_ctx *ctx, int mode, struct csn_cachekit_key
    **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cachekit_key *key;

	if (mode != CSN_CACHEKIT_KEY_AUTO && mode != CSN_CACHEKIT_KEY_INTEROP)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "cache keys have no mode %d", mode);
	if ((key = csn_calloc(1, sizeof(*key))) == NULL)
		return csn_nomem(ctx, ROOM, "a cache key");
	key->ctx = ctx;
	key->mode = mode;
	csn_out_init(&key->out);
	csn_out_init(&key->whole);
	csn_out_init(&key->names);
	csn_out_init(&key->text);
	msgpack_packer_init(&key->packer, &key->out, write_out);
	start(key);
	*out = key;
	return 0;
}

void
csn_cachekit_key_reset(struct csn_cachekit_key *key)
{
	/* The buffer stays, for the next call's arguments. */
	csn_wipe(key->out.p, key->out.len);
	key->out.len = 0;
	key->out.bad = 0;
	csn_wipe(key->whole.p, key->whole.len);
	key->whole.len = 0;
	key->whole.bad = 0;
	start(key);
}

void
csn_cachekit_key_free(struct csn_cachekit_key *key)
{
	if (key == NULL)
		return;
	csn_out_wipe(&key->out);
	csn_out_wipe(&key->whole);
	csn_out_wipe(&key->names);
	csn_out_wipe(&key->text);
	free(key->items);
	free(key);
}

static struct csn_key_frame *
top(struct csn_cachekit_key *key)
{
	return &key->frames[key->nframes - 1];
}

static int
add_item(struct csn_cachekit_key *key)
{
	struct csn_key_item *items;
	size_t cap;

	if (key->nitems == key->items_cap) {
		cap = key->items_cap != 0 ? 2 * key->items_cap : 16;
		items = csn_realloc(key->items, cap, sizeof(*items));
		if (items == NULL)
			return csn_key_fail(key, CSN_E_NOMEM,
			    "out of memory for a cache key");
		key->items = items;
		key->items_cap = cap;
	}
	key->items[key->nitems++] =
	    (struct csn_key_item){ .at = key->out.len };
	return 0;
}

/* A value may stand here. */
static int
enter(struct csn_cachekit_key *key)
{
	struct csn_key_frame *f = top(key);

	if (key->rc != 0)
		return key->rc;
	if ((f->kind == CSN_KEY_MAP || f->kind == CSN_KEY_NAMED) && !f->named)
		return csn_key_fail(key, CSN_E_ARG, f->kind == CSN_KEY_MAP ?
		    "a map's value wants its key first" :
		    "behind arguments given by name, each wants its name");
	return f->kind == CSN_KEY_SET ? add_item(key) : 0;
}

/* The value is whole. */
static int
leave(struct csn_cachekit_key *key)
{
	struct csn_key_frame *f = top(key);

	if (!csn_out_ok(&key->out))
		return csn_key_fail(key, CSN_E_NOMEM,
		    "out of memory for a cache key");
	if (key->out.len > CSN_CACHEKIT_KEY_ARGS_MAX)
		return csn_key_fail(key, CSN_E_LIMIT, "the arguments of a "
		    "cache key have more than 64 MiB: name large ones by a "
		    "hash of theirs");
	f->count++;
	f->named = 0;
	if (f->kind == CSN_KEY_MAP || f->kind == CSN_KEY_NAMED ||
	    f->kind == CSN_KEY_SET)
		key->items[key->nitems - 1].end = key->out.len;
	return 0;
}

int
csn_cachekit_key_null(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	msgpack_pack_nil(&key->packer);
	return leave(key);
}

int
csn_cachekit_key_bool(struct csn_cachekit_key *key, int value)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	if (value)
		msgpack_pack_true(&key->packer);
	else
		msgpack_pack_false(&key->packer);
	return leave(key);
}

int
csn_cachekit_key_int(struct csn_cachekit_key *key, int64_t value)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	msgpack_pack_int64(&key->packer, value);
	return leave(key);
}

int
csn_cachekit_key_uint(struct csn_cachekit_key *key, uint64_t value)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	msgpack_pack_uint64(&key->packer, value);
	return leave(key);
}

/* In interop mode a whole number is an integer wherever one can hold it. */
static int
pack_interop_float(struct csn_cachekit_key *key, double value)
{
	if (isnan(value) || isinf(value))
		return csn_key_fail(key, CSN_E_POLICY, "NaN and infinities "
		    "are not allowed in interop keys");
	/* By casts alone: trunc() would be in a library of its own. */
	if (value >= 0 && value < 0x1p64 &&
	    (double)(uint64_t)value == value)
		msgpack_pack_uint64(&key->packer, (uint64_t)value);
	else if (value < 0 && value >= -0x1p63 &&
	    (double)(int64_t)value == value)
		msgpack_pack_int64(&key->packer, (int64_t)value);
	else
		msgpack_pack_double(&key->packer, value);
	return 0;
}

int
csn_cachekit_key_float(struct csn_cachekit_key *key, double value)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	if (key->mode == CSN_CACHEKIT_KEY_INTEROP) {
		if ((rc = pack_interop_float(key, value)) != 0)
			return rc;
	} else {
		/* One zero; a NaN keeps its sign and its other bits. */
		msgpack_pack_double(&key->packer, isnan(value) || value < 0 ||
		    value > 0 ? value : 0.0);
	}
	return leave(key);
}

static int
pack_text(struct csn_cachekit_key *key, const char *p, size_t len)
{
	if (len > CSN_CACHEKIT_KEY_ARGS_MAX)
		return csn_key_fail(key, CSN_E_LIMIT,
		    "a string of a cache key has more than 64 MiB");
	if (!csn_utf8_valid(p, len))
		return csn_key_fail(key, CSN_E_FORM, "a string of a cache "
		    "key is not UTF-8: give such bytes as bytes");
	msgpack_pack_str(&key->packer, len);
	msgpack_pack_str_body(&key->packer, p, len);
	return 0;
}

int
csn_cachekit_key_str(struct csn_cachekit_key *key, const char *value, size_t
    len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0 || (rc = pack_text(key, value, len)) != 0)
		return rc;
	return leave(key);
}

int
csn_cachekit_key_bytes(struct csn_cachekit_key *key, const void *value, size_t
    len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	if (len > CSN_CACHEKIT_KEY_ARGS_MAX)
		return csn_key_fail(key, CSN_E_LIMIT,
		    "bytes of a cache key have more than 64 MiB");
	msgpack_pack_bin(&key->packer, len);
	msgpack_pack_bin_body(&key->packer, value, len);
	return leave(key);
}

/* As Python's isoformat() writes a datetime that knows its zone. */
static int
pack_iso(struct csn_cachekit_key *key, int64_t unix_us, int offset_min)
{
	/* 0001-01-01 to 9999-12-31 in the zone's own time. */
	const int64_t first = -62135596800, last = 253402300799;
	int64_t local, us;
	char text[64], zone[16], fraction[16] = "";
	struct tm tm;
	time_t at;
	int n, distance;

	us = unix_us % 1000000;
	local = unix_us / 1000000;
	if (us < 0) {
		us += 1000000;
		local--;
	}
	local += (int64_t)offset_min * 60;
	at = (time_t)local;
	if (local < first || local > last || gmtime_r(&at, &tm) == NULL)
		return csn_key_fail(key, CSN_E_POLICY, "a time before the "
		    "year 1 or past 9999 has no place in an auto key");
	distance = offset_min < 0 ? -offset_min : offset_min;
	snprintf(zone, sizeof(zone), "%c%02d:%02d", offset_min < 0 ?
	    '-' : '+', distance / 60 % 24, distance % 60);
	if (us != 0)
		snprintf(fraction, sizeof(fraction), ".%06d", (int)us);
	n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%s%s",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, fraction, zone);
	return pack_text(key, text, (size_t)n);
}

int
csn_cachekit_key_time(struct csn_cachekit_key *key, int64_t unix_us, int
    offset_min)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	if (offset_min <= -1440 || offset_min >= 1440)
		return csn_key_fail(key, CSN_E_ARG,
		    "a time zone is less than a day from UTC");
	/* The protocol: one IEEE 754 division, the same in each language. */
	rc = key->mode == CSN_CACHEKIT_KEY_INTEROP ?
	    pack_interop_float(key, (double)unix_us / 1000000.0) :
	    pack_iso(key, unix_us, offset_min);
	return rc != 0 ? rc : leave(key);
}

int
csn_cachekit_key_uuid(struct csn_cachekit_key *key, const uint8_t uuid[16])
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	char hex[33], text[37];

	csn_hex_encode(uuid, 16, hex);
	snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
	    hex + 8, hex + 12, hex + 16, hex + 20);
	return csn_cachekit_key_str(key, text, 36);
}

/* --- containers ------------------------------------------------------- */

static int
begin(struct csn_cachekit_key *key, enum csn_key_kind kind)
{
	int rc;

	if ((rc = enter(key)) != 0)
		return rc;
	if (key->nframes == sizeof(key->frames) / sizeof(key->frames[0]))
		return csn_key_fail(key, CSN_E_LIMIT,
		    "the arguments of a cache key nest deeper than 64");
	key->frames[key->nframes++] = (struct csn_key_frame){ .kind = kind,
	    .at = key->out.len, .item = key->nitems };
	return 0;
}

struct order {
	const uint8_t *p;
	enum csn_key_kind kind;
};

/* Maps by their keys' bytes, sets by their members' encoding. */
static int
compare(const void *left, const void *right, void *arg)
{
	const struct csn_key_item *a = left, *b = right;
	const struct order *o = arg;
	size_t a_len, b_len;
	int by_name = o->kind != CSN_KEY_SET, c;

	a_len = by_name ? a->name_len : a->end - a->at;
	b_len = by_name ? b->name_len : b->end - b->at;
	c = memcmp(o->p + (by_name ? a->name : a->at),	/* public */
	    o->p + (by_name ? b->name : b->at),
	    a_len < b_len ? a_len : b_len);
	if (c != 0)
		return c;
	return a_len < b_len ? -1 : a_len > b_len;
}

/*
 * Sort the frame's items and append them to w, where it is given; equal
 * members of a set once. Returns how many there are.
 */
static int
sorted(struct csn_cachekit_key *key, const struct csn_key_frame *f,
    struct csn_out *w, size_t *count)
{
	struct order order = { key->out.p, f->kind };
	size_t i, n = key->nitems - f->item;
	struct csn_key_item *items;

	*count = 0;
	if (n == 0)
		return 0;
	items = key->items + f->item;
	if (n > 1)
		qsort_r(items, n, sizeof(*items), compare, &order);
	for (i = 0; i < n; i++) {
		if (i > 0 && compare(&items[i - 1], &items[i], &order) == 0) {
			if (f->kind == CSN_KEY_SET)
				continue;
			return csn_key_fail(key, CSN_E_POLICY, f->kind ==
			    CSN_KEY_MAP ? "a map of a cache key has one key "
			    "twice" : "an argument was given by name twice");
		}
		csn_put_bytes(w, key->out.p + items[i].at,
		    items[i].end - items[i].at);
		(*count)++;
	}
	return 0;
}

static void
put_header(struct csn_out *w, enum csn_key_kind kind, size_t count)
{
	msgpack_packer p;

	msgpack_packer_init(&p, w, write_out);
	if (kind == CSN_KEY_MAP || kind == CSN_KEY_NAMED)
		msgpack_pack_map(&p, count);
	else
		msgpack_pack_array(&p, count);
}

static int
end(struct csn_cachekit_key *key, enum csn_key_kind kind)
{
	struct csn_key_frame *f = top(key);
	struct csn_out body, header;
	uint8_t small[8];
	size_t count = f->count, at = f->at;
	int rc;

	if (key->rc != 0)
		return key->rc;
	if (f->kind != kind || f->named)
		return csn_key_fail(key, CSN_E_ARG, f->named ?
		    "a map ends behind a key that has no value" :
		    "a container of a cache key is ended that was not begun");
	csn_out_init(&body);
	if (kind == CSN_KEY_LIST && count != 0) {
		csn_put_bytes(&body, key->out.p + at, key->out.len - at);
	} else if (kind != CSN_KEY_LIST &&
	    (rc = sorted(key, f, &body, &count)) != 0) {
		csn_out_wipe(&body);
		return rc;
	}
	if (!csn_out_ok(&body)) {
		csn_out_wipe(&body);
		return csn_key_fail(key, CSN_E_NOMEM,
		    "out of memory for a cache key");
	}
	csn_out_fixed(&header, small, sizeof(small));
	put_header(&header, kind, count);
	key->nitems = f->item;
	key->nframes--;
	key->out.len = at;
	csn_put_bytes(&key->out, small, header.len);
	csn_put_bytes(&key->out, body.p, body.len);
	csn_out_wipe(&body);
	return leave(key);
}

int
csn_cachekit_key_list_begin(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return begin(key, CSN_KEY_LIST);
}

int
csn_cachekit_key_list_end(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return end(key, CSN_KEY_LIST);
}

int
csn_cachekit_key_map_begin(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return begin(key, CSN_KEY_MAP);
}

/* The name of the value that comes next in the frame at the top. */
static int
put_name(struct csn_cachekit_key *key, const char *name, size_t len)
{
	struct csn_key_item *item;
	int rc;

	if (top(key)->named)
		return csn_key_fail(key, CSN_E_ARG,
		    "two keys of a map follow each other without a value");
	if ((rc = add_item(key)) != 0 || (rc = pack_text(key, name, len)) != 0)
		return rc;
	item = &key->items[key->nitems - 1];
	item->name = key->out.len - len;
	item->name_len = len;
	top(key)->named = 1;
	return 0;
}

int
csn_cachekit_key_map_key(struct csn_cachekit_key *key, const char *name, size_t
    len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	if (key->rc != 0)
		return key->rc;
	if (top(key)->kind != CSN_KEY_MAP)
		return csn_key_fail(key, CSN_E_ARG,
		    "a map's key stands outside a map");
	return put_name(key, name, len);
}

int
csn_cachekit_key_map_end(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return end(key, CSN_KEY_MAP);
}

int
csn_cachekit_key_set_begin(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	if (key->rc == 0 && key->mode == CSN_CACHEKIT_KEY_AUTO)
		return csn_key_fail(key, CSN_E_POLICY, "auto keys have no "
		    "sets: give a sorted list, or use interop keys");
	return begin(key, CSN_KEY_SET);
}

int
csn_cachekit_key_set_end(struct csn_cachekit_key *key)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return end(key, CSN_KEY_SET);
}

int
csn_cachekit_key_name(struct csn_cachekit_key *key, const char *name, size_t
    len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	if (key->rc != 0)
		return key->rc;
	if (key->mode == CSN_CACHEKIT_KEY_INTEROP)
		return csn_key_fail(key, CSN_E_POLICY, "interop keys have no "
		    "arguments by name: give them in the declared order");
	if (top(key)->kind == CSN_KEY_ARGS)
		key->frames[key->nframes++] = (struct csn_key_frame){
		    .kind = CSN_KEY_NAMED, .at = key->out.len,
		    .item = key->nitems };
	if (top(key)->kind != CSN_KEY_NAMED)
		return csn_key_fail(key, CSN_E_ARG,
		    "an argument's name stands inside a container");
	return put_name(key, name, len);
}

/* --- the whole -------------------------------------------------------- */

int
csn_cachekit_key_args(struct csn_cachekit_key *key, const uint8_t **p, size_t
    *len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const struct csn_key_frame *f = top(key);
	struct csn_out *w = &key->whole, named;
	size_t positional, count = 0;
	int rc = 0;

	if (key->rc != 0)
		return key->rc;
	if (key->nframes > 2 || (f->kind != CSN_KEY_ARGS &&
	    f->kind != CSN_KEY_NAMED) || f->named)
		return csn_key_fail(key, CSN_E_ARG, "a list, map or set of a "
		    "cache key was not ended, or a name has no value");
	positional = f->kind == CSN_KEY_NAMED ? f->at : key->out.len;
	w->len = 0;
	csn_out_init(&named);
	if (key->mode == CSN_CACHEKIT_KEY_AUTO)
		put_header(w, CSN_KEY_LIST, 2);
	put_header(w, CSN_KEY_LIST, key->frames[0].count);
	csn_put_bytes(w, key->out.p, positional);
	if (f->kind == CSN_KEY_NAMED &&
	    (rc = sorted(key, f, &named, &count)) != 0)
		goto out;
	if (key->mode == CSN_CACHEKIT_KEY_AUTO) {
		put_header(w, CSN_KEY_NAMED, count);
		csn_put_bytes(w, named.p, named.len);
	}
	if (!csn_out_ok(w) || !csn_out_ok(&named)) {
		rc = csn_key_fail(key, CSN_E_NOMEM,
		    "out of memory for a cache key");
		goto out;
	}
	*p = w->p;
	*len = w->len;
out:
	csn_out_wipe(&named);
	return rc;
}
