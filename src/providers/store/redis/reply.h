/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/redis/reply.h - what a Redis server says (RESP2). */
#ifndef CSN_PROVIDERS_STORE_REDIS_REPLY_H
#define CSN_PROVIDERS_STORE_REDIS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include <caisson/export.h>

/* Redis's largest value, which only a sink takes. */
#define CSN_REDIS_MAX_VALUE ((size_t)512 << 20)
/* One reply is at most this, but for what its sink takes. */
#define CSN_REDIS_MAX_REPLY ((size_t)64 << 20)
/* Arrays in one reply have at most this many elements, all told. */
#define CSN_REDIS_MAX_ITEMS ((size_t)1 << 18)
/* And are this deep at most, one in another. */
#define CSN_REDIS_MAX_DEPTH 7

enum csn_redis_type {		/* a bit each */
	CSN_REDIS_STRING = 1,
	CSN_REDIS_ARRAY = 2,
	CSN_REDIS_INTEGER = 4,
	CSN_REDIS_NIL = 8,
	CSN_REDIS_STATUS = 16,
	CSN_REDIS_ERROR = 32,
};

struct csn_redis_reply {
	enum csn_redis_type type;
	long long integer;
	size_t len;		/* bytes of p, or elements of item */
	uint8_t *p;		/* with a NUL behind it; NULL: in the sink */
	struct csn_redis_reply **item;
};

void csn_redis_reply_free(struct csn_redis_reply *reply);
/* Is it an error whose first word is word? */
int csn_redis_is_error(const struct csn_redis_reply *reply,
    const char *word);

/*
 * Where a value goes without a copy between: into cap bytes at p, or nowhere
 * where it is longer; or, where allocate is set, into memory of its own: p
 * becomes a 64-byte aligned place in raw, which the caller frees. len is the
 * value's.
 */
struct csn_redis_sink {
	uint8_t *p;
	size_t cap, len;
	int allocate;
	int in_array;		/* the value is an array's first element */
	int touched;		/* p was written to, perhaps half */
	void *raw;
};

/* A stream of replies from a server that may lie. One thread at a time. */
struct csn_redis_reader;
struct csn_redis_reader *csn_redis_reader_new(void);	/* NULL: no memory */
void csn_redis_reader_free(struct csn_redis_reader *reader);
/* Where the next reply's value goes; NULL for into the reply. */
void csn_redis_reader_sink(struct csn_redis_reader *reader,
    struct csn_redis_sink *sink);
/*
 * Where the next bytes from the wire belong: room for *len at what is
 * returned, and csn_redis_reader_took() says how many came. NULL: no memory.
 */
uint8_t *csn_redis_reader_room(struct csn_redis_reader *reader, size_t *len);
/**
 * CSN_E_LIMIT (a reply past the limits), CSN_E_NOMEM; without a sentence, and
 * the reader is of no use any more.
 */
CSN_MUST_CHECK int csn_redis_reader_took(struct csn_redis_reader *reader,
    size_t len);
/** *out is NULL where the reply is not all there. CSN_E_FORM, too. */
CSN_MUST_CHECK int csn_redis_reader_next(struct csn_redis_reader *reader,
    struct csn_redis_reply **out);
/* 1 where bytes are left that belong to no reply asked for. */
int csn_redis_reader_pending(const struct csn_redis_reader *reader);

#endif
