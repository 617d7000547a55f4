/* SPDX-License-Identifier: Apache-2.0 */
/* cache/native.c - master keys and writers of Caisson's own entries. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/fail.h"
#include "base/lock.h"
#include "base/sized.h"
#include "cache/native.h"

#define ROOM "cache"
#define WRITERS 1024		/* by default */
#define VERSIONS 65536
#define MASTER_SIZE (5 + 4 + CSN_NATIVE_ID + CSN_KEY_SIZE)

static const uint8_t magic[5] = { 'C', 'S', 'N', 'M', 1 };

/* --- sealed master keys ----------------------------------------------- */

int
csn_cache_native_make_master(struct csn_ctx *ctx,
    const struct csn_identity *signer,
    const struct csn_document *const *recipients, size_t nrecipients,
    uint32_t epoch, uint8_t **out, size_t *out_len)
{
	if (CSN_NEEDS(out, out_len) != 0)
		return CSN_E_ARG;

	uint8_t plain[MASTER_SIZE];
	int rc;

	if (epoch == 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "epochs of a cache's master keys begin with 1");
	memcpy(plain, magic, sizeof(magic));
	csn_store32(plain + 5, epoch);
	if ((rc = csn_random(ctx, plain + 9, sizeof(plain) - 9)) == 0)
		rc = csn_sealed_make(ctx, signer, recipients, nrecipients,
		    CSN_CACHE_MASTER_TYPE, plain, sizeof(plain), out,
		    out_len);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

int
csn_cache_native_add(struct csn_cache_native *native,
    const struct csn_identity *identity, struct csn_trust *trust,
    const uint8_t *sealed, size_t len)
{
	if (CSN_NEEDS(native) != 0)
		return CSN_E_ARG;

	uint8_t *plain = NULL;
	size_t plain_len = 0;
	int rc;

	if ((rc = csn_sealed_open(native->ctx, identity, trust,
	    CSN_CACHE_MASTER_TYPE, sealed, len, &plain, &plain_len)) != 0)
		return rc;
	if (plain_len != MASTER_SIZE ||
	    memcmp(plain, magic, sizeof(magic)) != 0)	/* public */
		rc = csn_fail(native->ctx, CSN_E_FORM, ROOM, "the sealed "
		    "file holds no master key of a cache that this library "
		    "knows");
	else
		rc = csn_cache_native_add_key(native, csn_load32(plain + 5),
		    plain + 9, plain + 9 + CSN_NATIVE_ID);
	csn_wipe_free(plain, plain_len);
	return rc;
}

static int
derive_root(struct csn_ctx *ctx, uint32_t epoch, const uint8_t *id,
    const uint8_t key[CSN_KEY_SIZE], uint8_t root[CSN_KEY_SIZE])
{
	static const char label[] = "caisson v1 cache master";
	uint8_t salt[sizeof(label) - 1 + 4 + CSN_NATIVE_ID];

	memcpy(salt, label, sizeof(label) - 1);
	csn_store32(salt + sizeof(label) - 1, epoch);
	memcpy(salt + sizeof(label) - 1 + 4, id, CSN_NATIVE_ID);
	return csn_hkdf_extract(ctx, salt, sizeof(salt), key, CSN_KEY_SIZE,
	    root);
}

struct csn_native_master *
csn_native_master(struct csn_cache_native *native, uint32_t epoch)
{
	size_t i;

	for (i = 0; i < native->n; i++)
		if (native->masters[i].epoch == epoch)
			return &native->masters[i];
	return NULL;
}

/* Is it the one that is there? */
static int
same_root(struct csn_cache_native *native, const struct csn_native_master *m,
    const uint8_t root[CSN_KEY_SIZE])
{
	uint8_t is[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_key_unmask(native->ctx, &m->root, is)) != 0)
		return rc;
	if (!csn_equal(is, root, sizeof(is)))
		rc = csn_fail(native->ctx, CSN_E_EXISTS, ROOM, "epoch %u has "
		    "another master key already: make one of a new epoch",
		    m->epoch);
	csn_wipe(is, sizeof(is));
	return rc;
}

/* Put it before the older ones. The lock is held for writing. */
static int
insert(struct csn_cache_native *native, uint32_t epoch, const uint8_t *id,
    const uint8_t root[CSN_KEY_SIZE])
{
	struct csn_native_master *m;
	size_t at;
	int rc;

	if ((m = csn_native_master(native, epoch)) != NULL)
		return same_root(native, m, root);
	if (native->n == CSN_CACHE_NATIVE_MASTERS)
		return csn_fail(native->ctx, CSN_E_LIMIT, ROOM, "more than %d "
		    "master keys: drop the oldest, csn_cache_native_drop",
		    CSN_CACHE_NATIVE_MASTERS);
	for (at = 0; at < native->n && native->masters[at].epoch > epoch; at++)
		;
	m = &native->masters[at];
	memmove(m + 1, m, (native->n - at) * sizeof(*m));
	memset(m, 0, sizeof(*m));
	m->epoch = epoch;
	memcpy(m->id, id, CSN_NATIVE_ID);
	if ((rc = csn_key_mask(native->ctx, root, &m->root)) == 0)
		native->n++;
	else
		memmove(m, m + 1, (native->n - at) * sizeof(*m));
	return rc;
}

int
csn_cache_native_add_key(struct csn_cache_native *native, uint32_t epoch,
    const uint8_t id[16], const uint8_t key[CSN_KEY_SIZE])
{
	if (CSN_NEEDS(native) != 0)
		return CSN_E_ARG;

	uint8_t root[CSN_KEY_SIZE];
	int rc;

	if (epoch == 0)
		return csn_fail(native->ctx, CSN_E_ARG, ROOM,
		    "epochs of a cache's master keys begin with 1");
	if (csn_fork_check(native->ctx, native->generation) != 0)
		return csn_fail(native->ctx, CSN_E_FORK, ROOM, "this process "
		    "was forked: it needs a native cache of its own");
	if ((rc = derive_root(native->ctx, epoch, id, key, root)) != 0)
		return rc;
	pthread_rwlock_wrlock(&native->lock);
	rc = insert(native, epoch, id, root);
	pthread_rwlock_unlock(&native->lock);
	csn_wipe(root, sizeof(root));
	return rc;
}

static int
is_of_epoch(const struct csn_held *h, const void *arg)
{
	return ((const struct csn_native_writer *)h)->epoch ==
	    *(const uint32_t *)arg;
}

int
csn_cache_native_drop(struct csn_cache_native *native, uint32_t epoch)
{
	if (CSN_NEEDS(native) != 0)
		return CSN_E_ARG;

	struct csn_native_master *m;

	pthread_rwlock_wrlock(&native->lock);
	if ((m = csn_native_master(native, epoch)) != NULL) {
		csn_key_wipe(native->ctx, &m->root);
		native->n--;
		memmove(m, m + 1, (size_t)(native->masters + native->n - m) *
		    sizeof(*m));
		csn_wipe(&native->masters[native->n], sizeof(*m));
		csn_held_drop(&native->writers, is_of_epoch, &epoch);
	}
	pthread_rwlock_unlock(&native->lock);
	return m != NULL ? 0 : csn_fail(native->ctx, CSN_E_EPOCH, ROOM,
	    "there is no master key of epoch %u", epoch);
}

uint32_t
csn_cache_native_epoch(const struct csn_cache_native *native)
{
	struct csn_cache_native *n = (struct csn_cache_native *)
	    (uintptr_t)native;
	uint32_t epoch;

	pthread_rwlock_rdlock(&n->lock);
	epoch = n->n != 0 ? n->masters[0].epoch : 0;
	pthread_rwlock_unlock(&n->lock);
	return epoch;
}

/* --- writers ---------------------------------------------------------- */

uint64_t
csn_native_hash(const struct csn_cache_native *native,
    const struct csn_native_name *name)
{
	uint8_t text[4 + 1 + CSN_NATIVE_ID + CSN_TENANT_ID_MAX] = { 0 };
	size_t n = strlen(name->tenant);

	csn_store32(text, name->epoch);
	if (name->id != NULL) {
		text[4] = 1;
		memcpy(text + 5, name->id, CSN_NATIVE_ID);
	}
	memcpy(text + 5 + CSN_NATIVE_ID, name->tenant, n);
	return csn_held_hash(&native->writers, text, 5 + CSN_NATIVE_ID + n);
}

static int
same_writer(const struct csn_held *h, const void *arg)
{
	const struct csn_native_writer *w =
	    (const struct csn_native_writer *)h;
	const struct csn_native_name *name = arg;

	return w->epoch == name->epoch && w->own == (name->id == NULL) &&
	    (w->own || memcmp(w->id, name->id,		/* public */
	    CSN_NATIVE_ID) == 0) && strcmp(w->tenant, name->tenant) == 0;
}

void
csn_native_wipe(void *arg, struct csn_held *h)
{
	struct csn_native_writer *w = (struct csn_native_writer *)h;
	struct csn_cache_native *native = arg;

	csn_key_wipe(native->ctx, &w->key);
	csn_wipe_free(w, sizeof(*w));
}

/* expand(from, label || p) */
static int
expand(struct csn_ctx *ctx, const uint8_t from[CSN_KEY_SIZE],
    const char *label, const void *p, size_t len, uint8_t out[CSN_KEY_SIZE])
{
	uint8_t info[128];
	size_t n = strlen(label);

	memcpy(info, label, n);
	if (len != 0)
		memcpy(info + n, p, len);
	return csn_hkdf_expand(ctx, from, info, n + len, out, CSN_KEY_SIZE);
}

static int
derive_keys(struct csn_ctx *ctx, const struct csn_native_master *master,
    struct csn_native_writer *w)
{
	uint8_t key[CSN_KEY_SIZE], writer[CSN_KEY_SIZE];
	uint8_t about[8 + 2 * CSN_NATIVE_ID + 4];
	int rc;

	/* The header's bytes 8 to 52, which are the writer's in each entry. */
	memcpy(about, w->label, 8);
	memcpy(about + 8, w->master, CSN_NATIVE_ID);
	memcpy(about + 24, w->id, CSN_NATIVE_ID);
	csn_store32(about + 40, w->epoch);
	if ((rc = csn_key_unmask(ctx, &master->root, key)) == 0 &&
	    (rc = expand(ctx, key, "caisson v1 cache tenant", w->tenant,
	    strlen(w->tenant), writer)) == 0 &&
	    (rc = expand(ctx, writer, "caisson v1 cache writer", w->id,
	    CSN_NATIVE_ID, writer)) == 0 &&
	    (rc = expand(ctx, writer, "caisson v1 cache commitment", about,
	    sizeof(about), w->commitment)) == 0 &&
	    (rc = expand(ctx, writer, "caisson v1 cache key", NULL, 0,
	    key)) == 0)
		rc = csn_key_mask(ctx, key, &w->key);
	csn_wipe(key, sizeof(key));
	csn_wipe(writer, sizeof(writer));
	return rc;
}

int
csn_native_derive(struct csn_cache_native *native,
    const struct csn_native_master *master,
    const struct csn_native_name *name, struct csn_native_writer **out)
{
	struct csn_native_writer *w;
	int rc = 0;

	if ((w = csn_calloc(1, sizeof(*w))) == NULL)
		return csn_nomem(native->ctx, ROOM, "a writer's keys");
	w->epoch = name->epoch;
	w->own = name->id == NULL;
	memcpy(w->tenant, name->tenant, strlen(name->tenant));
	memcpy(w->master, master->id, CSN_NATIVE_ID);
	if (w->own)
		rc = csn_random(native->ctx, w->id, CSN_NATIVE_ID);
	else
		memcpy(w->id, name->id, CSN_NATIVE_ID);
	if (rc != 0 ||
	    (rc = csn_tenant_label(native->ctx, w->tenant, w->label)) != 0 ||
	    (rc = derive_keys(native->ctx, master, w)) != 0) {
		csn_native_wipe(native, &w->held);
		return rc;
	}
	*out = w;
	return 0;
}

/* --- the whole -------------------------------------------------------- */

static int
init_versions(struct csn_cache_native *native, uint32_t all)
{
	struct csn_native_versions *v;
	uint64_t seed[4];
	int rc;

	if ((rc = csn_random(native->ctx, seed, sizeof(seed))) != 0)
		return rc;
	for (; native->nversions < CSN_NATIVE_SHARDS; native->nversions++) {
		v = &native->versions[native->nversions];
		if (pthread_mutex_init(&v->lock, NULL) != 0)
			return csn_nomem(native->ctx, ROOM,
			    "the locks of a cache");
		csn_slots_init(&v->slots, all / CSN_NATIVE_SHARDS + 1, seed,
		    NULL);
	}
	return 0;
}

int
csn_cache_native_new(struct csn_ctx *ctx,
    const struct csn_cache_native_options *options,
    struct csn_cache_native **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_cache_native_options o;
	struct csn_cache_native *native;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_cache_native_options,
	    versions)) != 0)
		return rc;
	if ((native = csn_calloc(1, sizeof(*native))) == NULL)
		return csn_nomem(ctx, ROOM, "a native cache");
	native->ctx = ctx;
	native->generation = csn_fork_generation(ctx);
	if (csn_rwlock_init(&native->lock) != 0) {
		free(native);
		return csn_nomem(ctx, ROOM, "the locks of a cache");
	}
	native->writers.same = same_writer;
	native->writers.wipe = csn_native_wipe;
	native->writers.arg = native;
	if ((rc = csn_held_init(ctx, &native->writers, o.writers != 0 ?
	    o.writers : WRITERS)) != 0 ||
	    (rc = init_versions(native, o.versions != 0 ? o.versions :
	    VERSIONS)) != 0) {
		csn_cache_native_free(native);
		return rc;
	}
	*out = native;
	return 0;
}

void
csn_cache_native_free(struct csn_cache_native *native)
{
	size_t i;

	if (native == NULL)
		return;
	csn_held_free(&native->writers);
	for (i = 0; i < native->n; i++)
		csn_key_wipe(native->ctx, &native->masters[i].root);
	for (i = 0; i < native->nversions; i++) {
		csn_slots_free(&native->versions[i].slots);
		pthread_mutex_destroy(&native->versions[i].lock);
	}
	pthread_rwlock_destroy(&native->lock);
	csn_wipe_free(native, sizeof(*native));
}
