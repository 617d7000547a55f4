/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_list.c - the smallest provider that keeps the contract: a linked
 * list under one lock, no functions in place, no eviction.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "providers/store_suite.h"

struct item {
	struct item *next;
	size_t space_len, key_len, len;
	uint8_t space[CSN_STORE_MAX_SPACE];
	uint8_t key[CSN_STORE_MAX_KEY];
	uint8_t *value;
};

struct state {
	pthread_mutex_t lock;
	struct item *first;
	struct csn_store_stat stat;
};

static struct item **
find(struct state *s, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct item **at;

	for (at = &s->first; *at != NULL; at = &(*at)->next) {
		if ((*at)->space_len == space_len &&
		    (*at)->key_len == key_len &&
		    memcmp((*at)->space, space, space_len) == 0 &&
		    memcmp((*at)->key, key, key_len) == 0)
			break;
	}
	return at;
}

static int
list_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct state *s;

	(void)ctx;
	(void)rest;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return CSN_E_NOMEM;
	pthread_mutex_init(&s->lock, NULL);
	*state = s;
	return 0;
}

static void
take_out(struct state *s, struct item **at)
{
	struct item *item = *at;

	*at = item->next;
	s->stat.entries--;
	s->stat.bytes -= item->len;
	csn_wipe(item->value, item->len);
	free(item->value);
	free(item);
}

static int
list_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct state *s = state;
	struct item *item, **at;

	if ((item = calloc(1, sizeof(*item))) == NULL ||
	    (item->value = malloc(len + 1)) == NULL) {
		free(item);
		return CSN_E_NOMEM;
	}
	item->space_len = space_len;
	item->key_len = key_len;
	item->len = len;
	memcpy(item->space, space, space_len);
	memcpy(item->key, key, key_len);
	if (len > 0)
		memcpy(item->value, value, len);
	pthread_mutex_lock(&s->lock);
	at = find(s, space, space_len, key, key_len);
	if (*at != NULL)
		take_out(s, at);
	item->next = s->first;
	s->first = item;
	s->stat.entries++;
	s->stat.bytes += len;
	s->stat.puts++;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int
list_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	struct state *s = state;
	struct item *item;
	size_t cap = *len;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	item = *find(s, space, space_len, key, key_len);
	if (item == NULL) {
		s->stat.misses++;
		rc = CSN_E_NOT_FOUND;
	} else {
		s->stat.hits++;
		*len = item->len;
		if (item->len > cap)
			rc = CSN_E_BUFFER;
		else if (item->len > 0)
			memcpy(value, item->value, item->len);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
list_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct state *s = state;
	struct item **at;
	int rc = CSN_E_NOT_FOUND;

	pthread_mutex_lock(&s->lock);
	at = find(s, space, space_len, key, key_len);
	if (*at != NULL) {
		take_out(s, at);
		s->stat.deletes++;
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
list_drop(void *state, const uint8_t *space, size_t space_len)
{
	struct state *s = state;
	struct item **at;

	pthread_mutex_lock(&s->lock);
	for (at = &s->first; *at != NULL;) {
		if ((*at)->space_len == space_len &&
		    memcmp((*at)->space, space, space_len) == 0)
			take_out(s, at);
		else
			at = &(*at)->next;
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int
list_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	struct state *s = state;
	struct item *item, *copies;
	size_t n = 0, i;
	int rc = 0;

	/* Copies, because visit may call remove. */
	pthread_mutex_lock(&s->lock);
	copies = calloc(s->stat.entries + 1, sizeof(*copies));
	for (item = s->first; copies != NULL && item != NULL;
	    item = item->next) {
		if (item->space_len == space_len &&
		    memcmp(item->space, space, space_len) == 0)
			copies[n++] = *item;
	}
	pthread_mutex_unlock(&s->lock);
	if (copies == NULL)
		return CSN_E_NOMEM;
	for (i = 0; i < n && rc == 0; i++)
		rc = visit(arg, copies[i].key, copies[i].key_len,
		    copies[i].len);
	free(copies);
	return rc;
}

static int
list_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	struct state *s = state;
	struct item *item;

	pthread_mutex_lock(&s->lock);
	*out = s->stat;
	if (space != NULL) {
		out->entries = out->bytes = 0;
		for (item = s->first; item != NULL; item = item->next) {
			if (item->space_len == space_len &&
			    memcmp(item->space, space, space_len) == 0) {
				out->entries++;
				out->bytes += item->len;
			}
		}
	}
	out->memory = out->bytes;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void
list_close(void *state)
{
	struct state *s = state;

	while (s->first != NULL)
		take_out(s, &s->first);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct csn_store_provider store_list = {
	.abi = CSN_STORE_ABI,
	.name = "list",
	.open = list_open,
	.put = list_put,
	.get = list_get,
	.remove = list_remove,
	.drop = list_drop,
	.list = list_list,
	.stat = list_stat,
	.close = list_close,
};
