/* SPDX-License-Identifier: Apache-2.0 */
/* cache/key.h - the builder of cache keys, as its two files share it. */
#ifndef CSN_CACHEKIT_KEY_H
#define CSN_CACHEKIT_KEY_H

#include <msgpack.h>

#include <caisson/cachekit_key.h>

#include "base/cursor.h"

enum csn_key_kind { CSN_KEY_ARGS, CSN_KEY_NAMED, CSN_KEY_LIST, CSN_KEY_MAP,
    CSN_KEY_SET };

/* A container that is being filled; its contents begin at `at`. */
struct csn_key_frame {
	enum csn_key_kind kind;
	int named;		/* a map's key waits for its value */
	size_t at;
	size_t item;		/* its first item */
	size_t count;
};

/* A member of a map or set: what is sorted. */
struct csn_key_item {
	size_t at;
	size_t end;
	size_t name;		/* the bytes that maps sort by */
	size_t name_len;
};

struct csn_cachekit_key {
	struct csn_ctx *ctx;
	int mode;
	int rc;			/* the first failure, which stays */
	msgpack_packer packer;	/* writes to `out` */
	struct csn_out out;	/* what is encoded, without open headers */
	struct csn_out whole;	/* the arguments with all their headers */
	/*
	 * The names of the last auto key as they were given, each with its
	 * NUL, and the text that they make: a function's calls have the same.
	 */
	struct csn_out names;
	struct csn_out text;
	size_t before_hash;	/* bytes of text; the others stand behind */
	int is_long;		/* with the hash, too many characters */
	struct csn_key_frame frames[2 + CSN_CACHEKIT_KEY_DEPTH];
	size_t nframes;
	struct csn_key_item *items;
	size_t nitems;
	size_t items_cap;
};

/* Fails the builder for good. */
int csn_key_fail(struct csn_cachekit_key *key, int code, const char *sentence);

#endif
