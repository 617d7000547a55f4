/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/own_provider.c - a store of your own behind the KV store.
 *
 * The provider below keeps values in a linked list. It is slow, whole, and
 * shows what a provider has to do: it sees sealed bytes under names, and can
 * neither read them nor change them unnoticed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/caisson.h>

struct value {
	struct value *next;
	uint8_t space[CSN_STORE_MAX_SPACE];
	size_t space_len;
	uint8_t key[CSN_STORE_MAX_KEY];
	size_t key_len;
	uint8_t *p;
	size_t len;
};

struct list {
	pthread_mutex_t lock;
	struct value *first;
};

/* What an operator of the store could do: see main(). */
static struct list *opened;

static struct value **
find(struct list *list, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct value **at;

	for (at = &list->first; *at != NULL; at = &(*at)->next)
		if ((*at)->space_len == space_len &&
		    memcmp((*at)->space, space, space_len) == 0 &&
		    (*at)->key_len == key_len &&
		    memcmp((*at)->key, key, key_len) == 0)
			break;
	return at;
}

static void
unlink_value(struct value **at)
{
	struct value *v = *at;

	*at = v->next;
	free(v->p);
	free(v);
}

static int
list_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct list *list = calloc(1, sizeof(*list));

	(void)ctx;
	(void)rest;	/* what stands behind "list:" in the URL */
	if (list == NULL)
		return CSN_E_NOMEM;
	pthread_mutex_init(&list->lock, NULL);
	*state = opened = list;
	return 0;
}

static int
list_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct list *list = state;
	struct value *v = calloc(1, sizeof(*v)), **at;
	uint8_t *p = malloc(len > 0 ? len : 1);

	if (v == NULL || p == NULL) {
		free(v);
		free(p);
		return CSN_E_NOMEM;
	}
	memcpy(v->space, space, space_len);
	v->space_len = space_len;
	memcpy(v->key, key, key_len);
	v->key_len = key_len;
	memcpy(p, value, len);
	v->p = p;
	v->len = len;
	pthread_mutex_lock(&list->lock);
	at = find(list, space, space_len, key, key_len);
	if (*at != NULL)
		unlink_value(at);
	v->next = list->first;
	list->first = v;
	pthread_mutex_unlock(&list->lock);
	return 0;
}

static int
list_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	struct list *list = state;
	size_t cap = *len;
	struct value *v;
	int rc = 0;

	pthread_mutex_lock(&list->lock);
	v = *find(list, space, space_len, key, key_len);
	if (v == NULL) {
		rc = CSN_E_NOT_FOUND;
	} else {
		*len = v->len;
		if (cap < v->len)
			rc = CSN_E_BUFFER;
		else
			memcpy(value, v->p, v->len);
	}
	pthread_mutex_unlock(&list->lock);
	return rc;
}

static int
list_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct list *list = state;
	struct value **at;
	int rc = 0;

	pthread_mutex_lock(&list->lock);
	at = find(list, space, space_len, key, key_len);
	if (*at != NULL)
		unlink_value(at);
	else
		rc = CSN_E_NOT_FOUND;
	pthread_mutex_unlock(&list->lock);
	return rc;
}

static int
list_drop(void *state, const uint8_t *space, size_t space_len)
{
	struct list *list = state;
	struct value **at;

	pthread_mutex_lock(&list->lock);
	for (at = &list->first; *at != NULL;)
		if ((*at)->space_len == space_len &&
		    memcmp((*at)->space, space, space_len) == 0) {
			csn_wipe((*at)->p, (*at)->len);
			unlink_value(at);
		} else {
			at = &(*at)->next;
		}
	pthread_mutex_unlock(&list->lock);
	return 0;
}

/* visit may call remove, so it is called with the lock open. */
static int
list_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	struct list *list = state;
	struct value *copies = NULL, *v;
	size_t n = 0, i;
	int rc = 0;

	pthread_mutex_lock(&list->lock);
	for (v = list->first; v != NULL; v = v->next)
		n++;
	if (n > 0 && (copies = calloc(n, sizeof(*copies))) == NULL) {
		pthread_mutex_unlock(&list->lock);
		return CSN_E_NOMEM;
	}
	for (n = 0, v = list->first; v != NULL; v = v->next)
		if (v->space_len == space_len &&
		    memcmp(v->space, space, space_len) == 0)
			copies[n++] = *v;
	pthread_mutex_unlock(&list->lock);
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
	struct list *list = state;
	uint32_t size = out->size;
	struct value *v;

	memset(out, 0, sizeof(*out));
	out->size = size;
	pthread_mutex_lock(&list->lock);
	for (v = list->first; v != NULL; v = v->next)
		if (space == NULL || (v->space_len == space_len &&
		    memcmp(v->space, space, space_len) == 0)) {
			out->entries++;
			out->bytes += v->len;
			out->memory += v->len + sizeof(*v);
		}
	pthread_mutex_unlock(&list->lock);
	return 0;
}

static void
list_close(void *state)
{
	struct list *list = state;

	while (list->first != NULL)
		unlink_value(&list->first);
	pthread_mutex_destroy(&list->lock);
	free(list);
}

static const struct csn_store_provider provider = {
	.abi = CSN_STORE_ABI,
	.name = "list",
	.open = list_open,
	.put = list_put,
	.get = list_get,
	.remove = list_remove,
	.drop = list_drop,
	.list = list_list,
	.stat = list_stat,
	.close = list_close
};

/* Whether the store's operator can find the words in what it holds. */
static int
finds(const char *words)
{
	struct value *v;

	for (v = opened->first; v != NULL; v = v->next)
		if (memmem(v->p, v->len, words, strlen(words)) != NULL)
			return 1;
	return 0;
}

static int
use(struct csn_kv_store *kv)
{
	static const char secret[] = "what the model remembers of a prompt";
	struct csn_kv_slot slot;
	char back[sizeof(secret)];
	size_t len = sizeof(back), none = 0;
	int rc;

	memset(&slot, 0, sizeof(slot));
	slot.kind = CSN_KIND_KV_ENTRY;
	slot.role = CSN_KV_KEY;
	slot.count = 1;
	if ((rc = csn_kv_store_put(kv, "alice", &slot, secret, sizeof(secret),
	    NULL, 0)) != 0)
		return rc;
	printf("alice's KV went into a store that we wrote ourselves.\n");
	printf("Its operator looks for the words: %s.\n",
	    finds("remembers") ? "FOUND" : "nothing, only ciphertext");
	if ((rc = csn_kv_store_get(kv, "alice", &slot, back, &len, NULL,
	    &none)) != 0)
		return rc;
	printf("alice reads it back: \"%s\".\n", back);
	if (finds("remembers") || memcmp(back, secret, sizeof(secret)) != 0)
		return CSN_E_BACKEND;

	opened->first->p[opened->first->len - 1] ^= 1;
	len = sizeof(back);
	rc = csn_kv_store_get(kv, "alice", &slot, back, &len, NULL, &none);
	printf("The operator flips a bit: %s, %s.\n", csn_error_name(rc),
	    csn_message());
	return rc == CSN_E_TAG ? 0 : CSN_E_BACKEND;
}

int
main(void)
{
	struct csn_tenant tenant = { sizeof(tenant), "alice", NULL };
	struct csn_manager *mgr = NULL;
	struct csn_store *store = NULL;
	struct csn_kv_store *kv = NULL;
	struct csn_ctx *ctx = NULL;
	int rc;

	if ((rc = csn_ctx_new(NULL, &ctx)) != 0 ||
	    (rc = csn_store_register(&provider)) != 0 ||
	    (rc = csn_store_open(ctx, "list:", &store)) != 0 ||
	    (rc = csn_manager_new(ctx, NULL, &mgr)) != 0 ||
	    (rc = csn_manager_create(mgr, &tenant, NULL)) != 0 ||
	    (rc = csn_kv_store_new(mgr, store, NULL, &kv)) != 0 ||
	    (rc = use(kv)) != 0)
		fprintf(stderr, "not as told: %s (%s)\n",
		    csn_message(), csn_error_name(rc));
	csn_kv_store_free(kv);
	csn_manager_free(mgr);
	csn_store_close(store);
	csn_ctx_free(ctx);
	return rc != 0;
}
