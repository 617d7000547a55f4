/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/cache.h - what the parts of caisson cache share. */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "../lib/cli.h"

#define CACHE_MAX_VALUE ((size_t)512 << 20)

/* Options that say what entries look like, and where the key is. */
#define CACHE_OPTS_ENTRY \
	{ "tenant", "ID", "the tenant; \"default\" where not given" }, \
	{ "form", "WORD", "auto (framed, as decorated Python functions) or " \
	    "interop" }, \
	{ "format", "WORD", "msgpack, json, arrow or bytes" }, \
	{ "scoped", NULL, "keys are t:TENANT:KEY on the backend, as the " \
	    "Python SDK has them" }, \
	{ "space", "NAME", "keys are in this space of the store" }, \
	{ "no-integrity", NULL, "auto form without checksum (\":0s\" keys)" }
#define CACHE_OPTS_PERSON \
	{ "identity", "NAME", "the identity to act as; needed where there " \
	    "are several" }, \
	{ "trust", "FILE", "another trust store than the home folder's" }, \
	CLI_OPTS_PASSPHRASE
#define CACHE_OPTS_KEY \
	{ "key-file", "FILE", "read the master keys from FILE: hex, one a " \
	    "line, the current one first" }, \
	{ "key-fd", "FD", "read them from file descriptor FD" }, \
	{ "keystore", "URL#NAME", "the keys in --key-file are wrapped " \
	    "under the key NAME of this keystore" }, \
	{ "new-key", NULL, "make the keystore's key and FILE where FILE is " \
	    "not there" }, \
	{ "native", "FILE", "Caisson's own entries, under the sealed key " \
	    "in FILE", CLI_REPEAT }, \
	CACHE_OPTS_PERSON, \
	{ "plain", NULL, "the entries are not sealed at all" }

struct cache_run {
	struct cli *cli;
	struct csn_store *store;
	struct csn_cachekit_ring *keys;
	struct csn_cache_native *native;	/* --native: these instead */
	struct csn_cache *cache;
	struct csn_cache_call_options how;
	const char *url;
	const char *key;
	uint32_t form;
};

/**
 * The store of the first argument, the keys and the cache over them. With
 * optional 1 a key that is nowhere given leaves run->cache NULL. 0 or an exit
 * code after saying why; cache_end() is called either way.
 */
int cache_begin(struct cli *cli, struct cache_run *run, int optional);
void cache_end(struct cache_run *run);
/* A cache of another form or format with the same keys; NULL: said why. */
/**
 * Open the verb's store; make 0: nothing is made where there is none. 0 or
 * an exit code after saying why.
 */
int cache_store_open(struct cli *cli, int make, struct csn_store **out);
struct csn_cache *cache_of(struct cache_run *run, uint32_t form,
    uint32_t format);
const char *cache_format_name(uint32_t format);
/* look.c: what the entry's frame says; -1 where it says nothing. */
int cache_format_there(struct cache_run *run);
/* keystore.c: --keystore, with --key-file. 0 or an exit code. */
int cache_keys_keystore(struct cli *cli, struct csn_cachekit_ring **out);
/* native.c: --native. 0 or an exit code. */
int cache_keys_native(struct cli *cli, struct csn_cache_native **out);

/** MessagePack as a JSON value for people; NULL where it is none. */
json_t *cache_show(const uint8_t *p, size_t len);

int cache_key(struct cli *cli);
int cache_master(struct cli *cli);
int cache_inspect(struct cli *cli);

#endif
