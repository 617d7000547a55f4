/* SPDX-License-Identifier: Apache-2.0 */
/* tests/abi/sized.h - each public structure, and each function it goes to. */
#ifndef CAISSON_TESTS_ABI_SIZED_H
#define CAISSON_TESTS_ABI_SIZED_H

#include <caisson/caisson.h>

/* What the rows' functions are called with. */
struct world {
	struct csn_ctx *ctx;
	struct csn_audit *log;
	struct csn_identity *identity;
	struct csn_document *document;
	struct csn_trust *trust;
	struct csn_acceptor *acceptor;
	struct csn_session *session;
	struct csn_manager *manager;
	struct csn_store *store;
	struct csn_kv_store *kv;
	struct csn_regions *regions;
	struct csn_note *note;
	struct csn_attester *attester;
	struct csn_result *result;
	char *folder;
};
extern struct world w;

/*
 * A structure and a function that takes it or fills it. least is the size of
 * release 0.1.0 where pointers have 8 bytes: a number, so that it cannot move
 * with the structure.
 */
struct row {
	const char *name;
	uint32_t least;
	uint32_t today;
	const void *whole;	/* as it is taken, but for its size */
	int (*call)(void *s);	/* undoes what it did where it worked */
	const char *function;
	int want;		/* what it returns where the size is right */
};

#define ROW(tag, least, function, want, ...)				\
{									\
	#tag, least, sizeof(struct tag), &(const struct tag){ __VA_ARGS__ },\
	    function, #function, want					\
}

/* Those of a model, in sized_model.c. */
int model_bytes(void *arg, uint64_t offset, uint8_t *p, size_t len,
    size_t *got);
int model_read(void *s);
int model_options(void *s);
int model_facts(void *s);
int model_file(void *s);
int model_tensor(void *s);
int model_find(void *s);
int model_value(void *s);
int model_get(void *s);

extern const struct row rows[];
extern const size_t nrows;
/* Those of the cache, in sized_cache.c; none where it is not built. */
extern const struct row cache_rows[];
extern const size_t ncache_rows;
void cache_world_start(void);
void cache_world_end(void);

#endif
