/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_reply.c - the reader of Redis's replies: pieces of any
 * size, lengths that lie, values that grow, and memory that runs out.
 */
#include <malloc.h>

#include "base/crc32.h"
#include "lib/failmalloc.h"
#include "lib/test.h"
#include "providers/redis_feed.h"
#include "providers/store/buffer.h"

#define MIB ((size_t)1 << 20)
/* What the reader has in one piece, and beside it. */
#define BUFFER ((size_t)40 << 10)

enum { INTO_REPLY, INTO_MEMORY, INTO_PLACE, INTO_SMALL, WAYS };

/* What came of a stream, as text: "S5:… I7 N ! form". */
struct account {
	char text[4096];
	size_t used;
	int to;
	int in_array, got_value;
	struct csn_redis_sink sink;
	uint8_t *place;
	size_t cap;
};

static void
say(struct account *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct account *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->used += (size_t)vsnprintf(a->text + a->used,
	    sizeof(a->text) - a->used, fmt, ap);
	va_end(ap);
	assert_true(a->used < sizeof(a->text));
}

/* Strings by their length and sum, wherever they lie. */
static void
say_string(struct account *a, const struct csn_redis_reply *r)
{
	const uint8_t *p = r->p;

	if (p == NULL) {
		assert_false(a->got_value);
		a->got_value = 1;
		assert_int_equal(r->len, a->sink.len);
		if (!a->sink.allocate && a->sink.len > a->sink.cap) {
			say(a, "(dropped) S%zu ", r->len);
			return;
		}
		p = a->sink.p;
	} else {
		assert_int_equal(p[r->len], 0);
	}
	say(a, "S%zu:%08x ", r->len, (unsigned)csn_crc32(0, p, r->len));
}

static void
say_reply(struct account *a, const struct csn_redis_reply *r)
{
	size_t i;

	switch (r->type) {
	case CSN_REDIS_STRING:
		say_string(a, r);
		break;
	case CSN_REDIS_ARRAY:
		say(a, "A%zu[ ", r->len);
		for (i = 0; i < r->len; i++)
			say_reply(a, r->item[i]);
		say(a, "] ");
		break;
	case CSN_REDIS_INTEGER:
		say(a, "I%lld ", r->integer);
		break;
	case CSN_REDIS_NIL:
		say(a, "N ");
		break;
	case CSN_REDIS_STATUS:
	case CSN_REDIS_ERROR:
		assert_int_equal(r->p[r->len], 0);
		say(a, "%c%zu:%08x ", r->type == CSN_REDIS_STATUS ? '+' : '-',
		    r->len, (unsigned)csn_crc32(0, r->p, r->len));
		break;
	default:
		fail_msg("a reply of type %d", (int)r->type);
	}
}

static void
next_sink(struct account *a, struct csn_redis_reader *reader)
{
	csn_free(a->sink.raw);
	a->got_value = 0;
	a->sink = (struct csn_redis_sink){ .in_array = a->in_array };
	if (a->to == INTO_MEMORY) {
		a->sink.allocate = 1;
	} else if (a->to != INTO_REPLY) {
		memset(a->place, 0xa5, a->cap + 8);
		a->sink.p = a->place;
		a->sink.cap = a->to == INTO_PLACE ? a->cap : 3;
	}
	csn_redis_reader_sink(reader, a->to == INTO_REPLY ? NULL : &a->sink);
}

/* All that is whole by now. */
static int
take(struct account *a, struct csn_redis_reader *reader)
{
	struct csn_redis_reply *reply;
	size_t i;
	int rc;

	while ((rc = csn_redis_reader_next(reader, &reply)) == 0 &&
	    reply != NULL) {
		say_reply(a, reply);
		csn_redis_reply_free(reply);
		/* Nothing beside its place, nor what does not fit. */
		for (i = a->to == INTO_PLACE ? a->cap : 0; a->place != NULL &&
		    (a->to == INTO_PLACE || a->sink.len > a->sink.cap) &&
		    i < a->cap + 8; i++)
			assert_int_equal(a->place[i], 0xa5);
		next_sink(a, reader);
	}
	return rc;
}

/* The stream in pieces of size bytes, the first of them of first bytes. */
static int
run(struct account *a, const char *bytes, size_t len, size_t first,
    size_t size)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	size_t at = 0, n = first;
	int rc = reader == NULL ? CSN_E_NOMEM : 0;

	a->used = 0;
	a->text[0] = '\0';
	if (rc == 0)
		next_sink(a, reader);
	for (; rc == 0 && at < len; at += n, n = size) {
		if (n > len - at)
			n = len - at;
		if ((rc = redis_feed(reader, bytes + at, n)) == 0)
			rc = take(a, reader);
	}
	if (rc != 0)
		say(a, "! %s", csn_error_name(rc));
	else if (csn_redis_reader_pending(reader))
		say(a, "...");
	csn_redis_reader_free(reader);
	csn_free(a->sink.raw);
	a->sink.raw = NULL;
	return rc;
}

static void
account_new(struct account *a, int to, int in_array, size_t cap)
{
	memset(a, 0, sizeof(*a));
	a->to = to;
	a->in_array = in_array;
	a->cap = cap;
	a->place = to == INTO_PLACE || to == INTO_SMALL ? malloc(cap + 8) :
	    NULL;
}

/* "$LEN\r\n…\r\n" with before and after around it; the caller frees it. */
static char *
value_of(const char *before, size_t len, const char *after, size_t *size)
{
	size_t cap = strlen(before) + len + strlen(after) + 40, at, i;
	char *p = malloc(cap);

	assert_non_null(p);
	at = (size_t)snprintf(p, cap, "%s$%zu\r\n", before, len);
	for (i = 0; i < len; i++)
		p[at + i] = (char)(i * 7 + (i >> 8));
	*size = at + len + (size_t)snprintf(p + at + len, cap - at - len,
	    "\r\n%s", after);
	return p;
}

static void
same_in_two(const char *bytes, size_t len, int to, int in_array,
    size_t from, size_t end)
{
	struct account whole, parts;
	size_t cut;
	int rc;

	account_new(&whole, to, in_array, len);
	account_new(&parts, to, in_array, len);
	rc = run(&whole, bytes, len, len, len);
	for (cut = from; cut < end && cut < len; cut++) {
		assert_int_equal(run(&parts, bytes, len, cut, len), rc);
		if (strcmp(parts.text, whole.text) != 0)
			fail_msg("cut at %zu of \"%.60s\": %s, not %s", cut,
			    bytes, parts.text, whole.text);
	}
	if (len < 65536) {
		assert_int_equal(run(&parts, bytes, len, 1, 1), rc);
		assert_string_equal(parts.text, whole.text);
	}
	free(whole.place);
	free(parts.place);
}

TEST(replies_are_the_same_in_whatever_pieces_they_come)
{
	static const char *const streams[] = {
		"+OK\r\n:5\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n-ERR no\r\n",
		"+\r\n-\r\n$0\r\n\r\n*0\r\n",
		"*3\r\n$2\r\nhi\r\n*2\r\n:1\r\n*0\r\n-ERR x\r\n*1\r\n:-2\r\n",
		"$4\r\n\r\n\r\n\r\n$2\r\n\r\n\r\n+a\rb\nc\r\n:1\r\n",
		"*1\r\n*1\r\n*1\r\n$3\r\nabc\r\n$3\r\nabcX",
		":9223372036854775807\r\n:-9223372036854775808\r\n:0\r\n",
		"+OK\r\n*2\r\n$3\r\nabc\r\n", "+OK\r\n$5\r\nhel",
		"+OK\r\n$5\r\nhelloXY", "+OK\r\n*2\r\n:1\r\n_\r\n",
		":1\r\n*2\r\n*262143\r\n",
	};
	size_t i;
	int to, in_array;

	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		for (to = 0; to < WAYS; to++)
			for (in_array = 0; in_array < 2; in_array++)
				same_in_two(streams[i], strlen(streams[i]), to,
				    in_array, 1, SIZE_MAX);
}

/* What comes of the text: a code, or what is left of it waits. */
static void
comes_to(const char *text, size_t len, int want)
{
	struct account a;
	int rc;

	for (a.to = 0; a.to < WAYS; a.to++) {
		account_new(&a, a.to, 0, 4096);
		rc = run(&a, text, len, len, len);
		free(a.place);
		if (rc != want)
			fail_msg("\"%.60s\": %d, not %d", text, rc, want);
	}
}

/* Those that are read straight into their place, from a length on. */
TEST(so_are_values_large_and_small)
{
	static const size_t lens[] = { 8191, 8192, 8193, 32750, 40000 };
	size_t i, size;
	char *p;
	int to;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (to = 0; to < WAYS; to++) {
			p = value_of("+OK\r\n", lens[i], ":7\r\n", &size);
			same_in_two(p, size, to, 0, 1, 30);
			same_in_two(p, size, to, 0, size - 12, size);
			same_in_two(p, size, to, 0, 32760, 32775);
			free(p);
			p = value_of("*2\r\n", lens[i], ":7\r\n+OK\r\n",
			    &size);
			same_in_two(p, size, to, 1, 1, 30);
			same_in_two(p, size, to, 1, size - 17, size);
			free(p);
			/* Its end is not where it was said to be. */
			p = value_of("", lens[i], "", &size);
			p[size - 1] = '\r';
			same_in_two(p, size, to, 0, size - 4, size);
			comes_to(p, size, CSN_E_FORM);
			(void)memcpy(p + size - 2, "\n\n", 2);
			comes_to(p, size, CSN_E_FORM);
			free(p);
		}
}

TEST(a_length_that_lies_is_refused)
{
	static const char *const form[] = {
		"$-2\r\n", "$-0\r\n", "$+5\r\n", "$05\r\n", "$00\r\n",
		"$ 5\r\n", "$5 \r\n", "$\r\n", "$-\r\n", "$--1\r\n",
		"$-01\r\n", "$0x1\r\n", "$1e3\r\n", "$5\nhello\r\n",
		"$9223372036854775808\r\n", "$18446744073709551621\r\n",
		"$99999999999999999999999999\r\n", "*-2\r\n", "*+1\r\n",
		"*01\r\n", "*\r\n", "*1 \r\n", "*9223372036854775808\r\n",
		":\r\n", ":-\r\n", ":+1\r\n", ":01\r\n", ":-0\r\n", ": 1\r\n",
		":1.0\r\n", ":9223372036854775808\r\n",
		":-9223372036854775809\r\n", ":18446744073709551617\r\n",
		"$5\r\nhelloXX", "$5\r\nhello\rX", "$5\r\nhello\n\r",
		"$0\r\nX\r\n", "*1\r\n$1\r\nabc\r\n", "\r\n", "\n", "x",
	};
	static const char *const limit[] = {
		"$9223372036854775807\r\n", "$536870913\r\n", "*262145\r\n",
		"*2147483648\r\n", "*9223372036854775807\r\n",
		"*2\r\n*262143\r\n", "*3\r\n*131072\r\n:1\r\n*131072\r\n",
		"*1\r\n$9223372036854775807\r\n", "*1\r\n$67108865\r\n",
	};
	static const char zero[] = "$5\0\r\nhello\r\n";
	char deep[64];
	size_t i;

	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++)
		comes_to(form[i], strlen(form[i]), CSN_E_FORM);
	comes_to(zero, sizeof(zero) - 1, CSN_E_FORM);
	for (i = 0; i < sizeof(limit) / sizeof(limit[0]); i++)
		comes_to(limit[i], strlen(limit[i]), CSN_E_LIMIT);
	for (i = 0; i < CSN_REDIS_MAX_DEPTH + 1; i++)
		memcpy(deep + 4 * i, "*1\r\n", 4);
	comes_to(deep, 4 * i, CSN_E_FORM);
	memcpy(deep + 4 * (CSN_REDIS_MAX_DEPTH - 1), ":1\r\n", 4);
	comes_to(deep, 4 * CSN_REDIS_MAX_DEPTH, 0);
	comes_to("$67108864\r\n", 11, 0);
	comes_to("*262144\r\n", 9, 0);
}

/* No client of RESP2 is sent these; who is takes them for none of its own. */
TEST(what_only_resp3_has_is_refused)
{
	static const char *const types[] = {
		"_\r\n", "#t\r\n", ",1.5\r\n", ",inf\r\n", "(12345\r\n",
		"!5\r\nERR x\r\n", "=7\r\ntxt:abc\r\n", "%1\r\n+a\r\n:1\r\n",
		"~1\r\n+a\r\n", ">1\r\n+message\r\n", "|1\r\n+a\r\n:1\r\n",
		"$?\r\n;3\r\nabc\r\n;0\r\n", "*?\r\n:1\r\n.\r\n", ".\r\n",
		";3\r\nabc\r\n",
	};
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		comes_to(types[i], strlen(types[i]), CSN_E_FORM);
		/* By its first byte, or with its line. */
		(void)snprintf(text, sizeof(text), "*2\r\n:1\r\n%s", types[i]);
		comes_to(text, strlen(text), CSN_E_FORM);
		(void)snprintf(text, sizeof(text), "+OK\r\n%s", types[i]);
		comes_to(text, strlen(text), CSN_E_FORM);
	}
}

TEST(a_line_is_so_long_and_no_longer)
{
	const size_t most = (size_t)64 << 10;
	char *p = malloc(most + 64);
	struct account a;
	size_t more, size;

	assert_non_null(p);
	for (more = 0; more < 2; more++)
		for (size = 1; size <= most + 64; size = size < 8 ? size + 6 :
		    size < 5000 ? 5000 : size < 65535 ? 65535 : size + 1) {
			account_new(&a, INTO_REPLY, 0, 0);
			memset(p, '+', most + more);
			memcpy(p + most + more, "\r\n:1\r\n", 6);
			assert_int_equal(run(&a, p, most + more + 6, size,
			    size), more ? CSN_E_FORM : 0);
			if (more)
				assert_int_equal(a.text[0], '!');
			else
				assert_non_null(strstr(a.text, "I1"));
		}
	free(p);
}

TEST(a_value_grows_with_what_comes_of_it)
{
	size_t size, piece;
	struct account a;
	char *p = value_of("", 5 * MIB + 3, "+OK\r\n", &size);
	char want[64];

	(void)snprintf(want, sizeof(want), "S%zu:%08x +2:%08x ", 5 * MIB + 3,
	    (unsigned)csn_crc32(0, p + strlen("$5242883\r\n"), 5 * MIB + 3),
	    (unsigned)csn_crc32(0, "OK", 2));
	for (a.to = 0; a.to < INTO_SMALL; a.to++)
		for (piece = 1000; piece < 9 * MIB; piece *= 23) {
			account_new(&a, a.to, 0, size);
			assert_int_equal(run(&a, p, size, 5, piece), 0);
			assert_string_equal(a.text, want);
			free(a.place);
		}
	free(p);
}

TEST(a_value_in_memory_is_aligned_and_the_callers)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_sink sink = { .allocate = 1 };
	struct csn_redis_reply *reply;
	size_t size;
	char *p = value_of("", 3 * MIB, "", &size);

	assert_non_null(reader);
	csn_redis_reader_sink(reader, &sink);
	assert_int_equal(redis_feed(reader, p, 2000), 0);
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_null(reply);
	assert_int_equal(redis_feed(reader, p + 2000, size - 2000), 0);
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_non_null(reply);
	csn_redis_reader_free(reader);
	assert_int_equal((uintptr_t)sink.p % CSN_STORE_ALIGN, 0);
	assert_int_equal(sink.len, 3 * MIB);
	assert_memory_equal(sink.p, p + strlen("$3145728\r\n"), 3 * MIB);
	csn_redis_reply_free(reply);
	csn_free(sink.raw);
	free(p);
}

TEST(numbers_have_64_bits)
{
	static const char text[] = ":9223372036854775807\r\n"
	    ":-9223372036854775808\r\n:0\r\n:-1\r\n";
	struct account a;

	account_new(&a, INTO_REPLY, 0, 0);
	assert_int_equal(run(&a, text, sizeof(text) - 1, 3, 5), 0);
	assert_string_equal(a.text, "I9223372036854775807 "
	    "I-9223372036854775808 I0 I-1 ");
}

/* And the reply after it is the reader's again. */
TEST(a_value_fits_where_it_just_fits)
{
	static const size_t lens[] = { 5, 8191, 8192, 40000 };
	struct csn_redis_reader *reader;
	struct csn_redis_reply *reply;
	struct csn_redis_sink sink;
	size_t i, less, size;
	uint8_t place[40000];
	char *p;

	for (i = 0; i < 8; i++) {
		less = i % 2;
		sink = (struct csn_redis_sink){ .p = place,
		    .cap = lens[i / 2] - less };
		memset(place, 0xa5, sizeof(place));
		p = value_of("", lens[i / 2], "$2\r\nhi\r\n", &size);
		reader = csn_redis_reader_new();
		assert_non_null(reader);
		csn_redis_reader_sink(reader, &sink);
		assert_int_equal(redis_feed(reader, p, size), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_null(reply->p);
		csn_redis_reply_free(reply);
		assert_int_equal(sink.len, lens[i / 2]);
		assert_int_equal(sink.touched, !less);
		if (less)
			assert_int_equal(place[0], 0xa5);
		else
			assert_memory_equal(place, strchr(p, '\n') + 1,
			    sink.len);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_non_null(reply->p);
		assert_memory_equal(reply->p, "hi", 3);
		csn_redis_reply_free(reply);
		csn_redis_reader_free(reader);
		free(p);
	}
}

/* Bytes that are allocated; without a sanitizer, which has its own. */
static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* How much memory is held once all of the text has come, and was taken. */
static size_t
held(const char *text, size_t len, struct csn_redis_sink *sink, int want)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply = NULL;
	size_t before = in_use(), most = 0, at, n, now;
	int rc = 0;

	assert_non_null(reader);
	csn_redis_reader_sink(reader, sink);
	for (at = 0; rc == 0 && at < len; at += n) {
		n = len - at < 4096 ? len - at : 4096;
		if ((rc = redis_feed(reader, text + at, n)) == 0)
			rc = csn_redis_reader_next(reader, &reply);
		now = in_use();
		if (now > before && now - before > most)
			most = now - before;
	}
	assert_int_equal(rc, want);
	csn_redis_reply_free(reply);
	/* A large buffer is not kept for the next reply. */
	if (reply != NULL && sink == NULL)
		assert_true(in_use() < before + 2 * BUFFER);
	csn_redis_reader_free(reader);
	if (sink != NULL)
		csn_free(sink->raw);
	return most;
}

TEST(a_server_takes_no_more_memory_than_what_it_sends)
{
	struct csn_redis_sink sink;
	char small[64], *p;
	size_t size, i;

	/* What does not fit into the caller's place is not kept at all. */
	p = value_of("", 8 * MIB, "", &size);
	sink = (struct csn_redis_sink){ .p = (uint8_t *)small, .cap = 64 };
	assert_true(held(p, size, &sink, 0) < 2 * BUFFER);
	assert_int_equal(sink.len, 8 * MIB);
	sink = (struct csn_redis_sink){ .p = (uint8_t *)small, .cap = 64 };
	assert_true(held("$536870912\r\nabc", 15, &sink, 0) < BUFFER);
	/* In memory of its own: some ahead, then twice what came. */
	for (i = 100; i < size; i *= 20) {
		sink = (struct csn_redis_sink){ .allocate = 1 };
		memcpy(p, "$5000000\r\n", 10);
		assert_true(held(p, i, &sink, 0) <
		    MIB + 2 * i + 2 * BUFFER);
	}
	free(p);
	/* Into a reply: the buffer, and the reply. */
	p = value_of("", 3 * MIB, "", &size);
	assert_true(held(p, size, NULL, 0) < 4 * size + BUFFER);
	assert_true(held("$67108864\r\nabc", 14, NULL, 0) < BUFFER);
	free(p);
	assert_true(held("*262144\r\n:1\r\n", 13, NULL, 0) <
	    (2 * MIB) + 2 * BUFFER);
	/* The smallest elements that there are, and all that may be. */
	p = malloc(9 + CSN_REDIS_MAX_ITEMS * 4);
	assert_non_null(p);
	memcpy(p, "*262144\r\n", 9);
	for (i = 0; i < CSN_REDIS_MAX_ITEMS; i++)
		memcpy(p + 9 + 4 * i, "*0\r\n", 4);
	assert_true(held(p, 9 + 4 * i, NULL, 0) <
	    CSN_REDIS_MAX_ITEMS * 80 + 4 * MIB);
	free(p);
}

/* Element after element, each of which is within its limit. */
TEST(a_reply_is_so_long_and_no_longer)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply;
	size_t size, n = 0;
	char *p = value_of("", MIB, "", &size);
	int rc;

	assert_non_null(reader);
	rc = redis_feed(reader, "*200\r\n", 6);
	while (rc == 0 && n < 200 &&
	    (rc = redis_feed(reader, p, size)) == 0) {
		n++;
		rc = csn_redis_reader_next(reader, &reply);
		assert_null(reply);
	}
	assert_int_equal(rc, CSN_E_LIMIT);
	assert_int_equal(n, CSN_REDIS_MAX_REPLY / size);
	csn_redis_reader_free(reader);
	free(p);
}

TEST(what_a_sink_takes_is_none_of_the_replys_limit)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply = NULL;
	struct csn_redis_sink sink = { .cap = 5 };
	char *p = calloc(1, MIB);
	size_t i;

	assert_non_null(reader);
	assert_non_null(p);
	csn_redis_reader_sink(reader, &sink);
	assert_int_equal(redis_feed(reader, "$69206016\r\n", 11), 0);
	for (i = 0; i < 66; i++) {
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_null(reply);
		assert_int_equal(redis_feed(reader, p, MIB), 0);
	}
	assert_int_equal(redis_feed(reader, "\r\n", 2), 0);
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_int_equal(reply->len, 66 * MIB);
	csn_redis_reply_free(reply);
	csn_redis_reader_free(reader);
	free(p);
}

/* Nothing is counted twice: replies without end, on one connection. */
TEST(a_stream_has_no_end)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_sink sink;
	struct csn_redis_reply *reply;
	size_t size, i;
	char *p = value_of("", MIB, "", &size);

	assert_non_null(reader);
	for (i = 0; i < 2 * CSN_REDIS_MAX_REPLY / MIB; i++) {
		sink = (struct csn_redis_sink){ .cap = 5 };
		csn_redis_reader_sink(reader, i % 2 == 0 ? NULL : &sink);
		assert_int_equal(redis_feed(reader, p, size - 1), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_null(reply);
		assert_int_equal(redis_feed(reader, "\n", 1), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_int_equal(reply->len, MIB);
		csn_redis_reply_free(reply);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(redis_feed(reader, "*262144\r\n", 9), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		if (i > 0)
			break;
		for (size = 0; size < CSN_REDIS_MAX_ITEMS; size++)
			assert_int_equal(redis_feed(reader, ":1\r\n", 4), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
		assert_non_null(reply);
		csn_redis_reply_free(reply);
	}
	csn_redis_reader_free(reader);
	free(p);
}

TEST(each_allocation_may_fail)
{
	struct account good, a;
	size_t size;
	char *p = value_of("*3\r\n", MIB + MIB / 2, "$4\r\nabcd\r\n*2\r\n:1\r\n"
	    "+OK\r\n$-1\r\n-ERR\r\n*0\r\n", &size);
	long n, blocks;
	int rc, failed;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	for (a.to = 0; a.to < WAYS; a.to++) {
		account_new(&good, a.to, 1, size);
		account_new(&a, a.to, 1, size);
		assert_int_equal(run(&good, p, size, 40, 30000), 0);
		for (n = 0, failed = 1; failed; n++) {
			blocks = failmalloc_blocks();
			failmalloc_at(n);
			rc = run(&a, p, size, 40, 30000);
			failed = failmalloc_done();
			assert_int_equal(rc, failed ? CSN_E_NOMEM : 0);
			assert_int_equal(failmalloc_blocks(), blocks);
		}
		assert_true(n > 10);
		assert_string_equal(a.text, good.text);
		free(good.place);
		free(a.place);
	}
	free(p);
}
