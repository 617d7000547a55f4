/* SPDX-License-Identifier: Apache-2.0 */
/* cache/native_seal.c - sealing and opening Caisson's own entries. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "cache/native.h"
#include "cache/place.h"

#define ROOM "cache"
#define AT_TAG CSN_SEAL_HEADER
#define AT_COMMITMENT CSN_SEAL_OVERHEAD

static int
forked(const struct csn_cache_native *native)
{
	return csn_fail(native->ctx, CSN_E_FORK, ROOM, "this process "
	    "was forked: it needs a native cache of its own");
}

static int
check_bind(struct csn_cache_native *native,
    const struct csn_cache_native_bind *b)
{
	size_t tenant = b->tenant != NULL ?
	    strnlen(b->tenant, CSN_TENANT_ID_MAX + 1) : 0;
	size_t format = b->format != NULL ?
	    strnlen(b->format, CSN_NATIVE_FORMAT_MAX + 1) : 0;

	if (csn_fork_check(native->ctx, native->generation) != 0)
		return forked(native);
	if (tenant == 0 || tenant > CSN_TENANT_ID_MAX ||
	    !csn_utf8_ok(b->tenant, tenant))
		return csn_fail(native->ctx, CSN_E_ARG, ROOM, "a tenant's id "
		    "has 1 to %d bytes of UTF-8", CSN_TENANT_ID_MAX);
	if (b->key == NULL || b->key_len == 0 ||
	    b->key_len > CSN_CACHE_NATIVE_KEY_MAX)
		return csn_fail(native->ctx, CSN_E_ARG, ROOM, "an entry wants "
		    "a cache key of 1 to %d bytes", CSN_CACHE_NATIVE_KEY_MAX);
	if (format == 0 || format > CSN_NATIVE_FORMAT_MAX)
		return csn_fail(native->ctx, CSN_E_ARG, ROOM, "an entry wants "
		    "a format of 1 to %d bytes", CSN_NATIVE_FORMAT_MAX);
	return 0;
}

/* The header's name of an entry: a hash of cache key and format. */
static int
hash_name(struct csn_ctx *ctx, const struct csn_cache_native_bind *b,
    uint8_t out[CSN_HASH_SIZE])
{
	static const char label[] = "caisson v1 cache entry";
	uint8_t text[sizeof(label) - 1 + 4 + CSN_CACHE_NATIVE_KEY_MAX + 4 +
	    CSN_NATIVE_FORMAT_MAX];
	size_t n = sizeof(label) - 1, format = strlen(b->format);

	memcpy(text, label, n);
	csn_store32(text + n, (uint32_t)b->key_len);
	memcpy(text + n + 4, b->key, b->key_len);
	n += 4 + b->key_len;
	csn_store32(text + n, (uint32_t)format);
	memcpy(text + n + 4, b->format, format);
	return csn_sha3_256(ctx, text, n + 4 + format, out);
}

/* --- versions --------------------------------------------------------- */

static void
raise_version(struct csn_cache_native *native, uint64_t seen)
{
	uint64_t now = atomic_load(&native->version);

	while (now < seen &&
	    !atomic_compare_exchange_weak(&native->version, &now, seen))
		;
}

/* Above every one that was made or seen here, and the clock's. */
static uint64_t
next_version(struct csn_cache_native *native)
{
	uint64_t clock = csn_ctx_wall_ms(native->ctx);
	uint64_t now = atomic_load(&native->version), next;

	do {
		next = csn_version_after(now, clock);
	} while (!atomic_compare_exchange_weak(&native->version, &now, next));
	return next;
}

static struct csn_native_versions *
versions_of(struct csn_cache_native *native, const uint8_t label[8],
    const uint8_t name[CSN_HASH_SIZE], struct csn_slot_name *slot)
{
	csn_cache_slot_name(label, name, slot);
	return &native->versions[name[0] % CSN_NATIVE_SHARDS];
}

/* From now on nothing below version opens. */
static int
set_version(struct csn_cache_native *native, const uint8_t label[8],
    const uint8_t name[CSN_HASH_SIZE], uint64_t version, uint32_t epoch,
    uint32_t who)
{
	struct csn_slot_name slot;
	struct csn_native_versions *v = versions_of(native, label, name,
	    &slot);
	struct csn_slot was, lost;
	int rc;

	pthread_mutex_lock(&v->lock);
	rc = csn_slots_set(&v->slots, &slot, version, epoch, who, &was,
	    &lost);
	pthread_mutex_unlock(&v->lock);
	return rc < 0 ? csn_fail(native->ctx, rc, ROOM,
	    "out of memory for the versions of entries") : 0;
}

/* Is it the newest that is known? Then it is what is known from now on. */
static int
check_version(struct csn_cache_native *native, const struct csn_head *h,
    const uint8_t *name_hash, const uint8_t tag[CSN_TAG_SIZE])
{
	const uint32_t who = csn_slot_who(0, h->writer, tag);
	struct csn_slot_name name;
	struct csn_native_versions *v = versions_of(native, h->label,
	    name_hash, &name);
	struct csn_slot was, lost;
	int rc, ahead = 0;

	pthread_mutex_lock(&v->lock);
	rc = csn_slots_judge(&v->slots, csn_slots_find(&v->slots, &name),
	    h->version, h->epoch, who);
	if (rc > 0 && (ahead = csn_version_is_ahead(native->ctx, h->version)))
		rc = CSN_E_REPLAY;
	if (rc > 0)
		rc = csn_slots_set(&v->slots, &name, h->version, h->epoch,
		    who, &was, &lost);
	pthread_mutex_unlock(&v->lock);
	if (ahead)
		return csn_fail(native->ctx, rc, ROOM, "the entry's version "
		    "is more than a day ahead of the clock");
	if (rc == CSN_E_REPLAY)
		return csn_fail(native->ctx, rc, ROOM, "the entry is "
		    "authentic and older than one that was there: an old "
		    "value was put back");
	if (rc < 0)
		return csn_fail(native->ctx, rc, ROOM,
		    "out of memory for the versions of entries");
	raise_version(native, h->version);
	return 0;
}

/* --- sealing ---------------------------------------------------------- */

static int
is_that(const struct csn_held *h, const void *arg)
{
	return h == arg;
}

/* Hold our writer of the newest epoch for a tenant. */
static int
hold_own(struct csn_cache_native *native, const char *tenant,
    struct csn_native_writer **out)
{
	struct csn_native_name name = { .tenant = tenant };
	struct csn_native_writer *w = NULL;
	struct csn_held *h;
	uint64_t hash;
	int rc = 0;

	pthread_rwlock_rdlock(&native->lock);
	if (native->n == 0) {
		rc = csn_fail(native->ctx, CSN_E_EPOCH, ROOM,
		    "the cache has no master key: csn_cache_native_add");
		goto out;
	}
	name.epoch = native->masters[0].epoch;
	hash = csn_native_hash(native, &name);
	if ((h = csn_held_find(&native->writers, hash, &name)) == NULL) {
		if ((rc = csn_native_derive(native, &native->masters[0],
		    &name, &w)) != 0)
			goto out;
		h = csn_held_add(&native->writers, &w->held, hash, &name);
	}
	*out = (struct csn_native_writer *)h;
out:
	pthread_rwlock_unlock(&native->lock);
	return rc;
}

/*
 * A writer with room for one more message; *sequence is its number. One that
 * is used up goes, and the next gets a fresh id, so its key is another.
 */
static int
take_writer(struct csn_cache_native *native, const char *tenant,
    uint64_t blocks, struct csn_native_writer **out, uint64_t *sequence)
{
	struct csn_native_writer *w = NULL;
	int rc;

	for (;;) {
		if ((rc = hold_own(native, tenant, &w)) != 0)
			return rc;
		*sequence = atomic_fetch_add(&w->messages, 1);
		if (*sequence < CSN_KEY_MAX_MESSAGES && blocks +
		    atomic_fetch_add(&w->blocks, blocks) <= CSN_KEY_MAX_BLOCKS)
			break;
		csn_held_drop(&native->writers, is_that, w);
		csn_held_release(&native->writers, &w->held);
	}
	*out = w;
	if (csn_fork_check_at(native->ctx, native->generation, *sequence,
	    1) != 0)
		return forked(native);
	return 0;
}

static int
run(struct csn_cache_native *native, const struct csn_native_writer *w,
    const char *tenant, const uint8_t header[CSN_SEAL_HEADER],
    uint64_t sequence, const uint8_t *in, uint8_t *out, size_t len,
    uint8_t tag[CSN_TAG_SIZE], int sealing)
{
	uint8_t aad[CSN_AAD_MAX];
	struct csn_aead_part part = { .in = in, .out = out, .len = len };
	struct csn_message msg = { .aad = aad, .number = sequence,
	    .parts = &part, .nparts = 1, .tag = tag };
	struct csn_lane *lane;
	int rc;

	memcpy(aad, header, CSN_SEAL_HEADER);
	msg.aad_len = CSN_SEAL_HEADER + csn_aad_tail(aad + CSN_SEAL_HEADER,
	    tenant, 0, 1);
	if ((rc = csn_lane_acquire(native->ctx, &w->key, &lane)) != 0)
		return rc;
	rc = sealing ? csn_message_seal(lane, &msg) :
	    csn_message_open(lane, &msg);
	csn_lane_release(lane);
	return rc;
}

int
csn_cache_native_seal(struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind, uint64_t expires_ms,
    const uint8_t *in, size_t len, uint8_t *out)
{
	if (CSN_NEEDS(native, bind) != 0)
		return CSN_E_ARG;

	struct csn_head h = { .suite = CSN_NATIVE_SUITE,
	    .replay = CSN_REPLAY_STORE };
	struct csn_native_writer *w = NULL;
	uint8_t header[CSN_SEAL_HEADER], tag[CSN_TAG_SIZE];
	uint8_t name[CSN_HASH_SIZE];
	int rc;

	if (len > CSN_SEAL_MAX)
		return csn_fail(native->ctx, CSN_E_LIMIT, ROOM,
		    "an entry has less than 4 GiB, not %zu bytes", len);
	if ((rc = check_bind(native, bind)) != 0 ||
	    (rc = hash_name(native->ctx, bind, name)) != 0 ||
	    (rc = take_writer(native, bind->tenant, (len + 15) / 16 + 16, &w,
	    &h.sequence)) != 0)
		goto err;
	h.epoch = w->epoch;
	memcpy(h.label, w->label, sizeof(h.label));
	memcpy(h.session, w->master, sizeof(h.session));
	memcpy(h.writer, w->id, sizeof(h.writer));
	h.version = next_version(native);
	csn_head_begin(&h, header);
	csn_head_finish(header, CSN_KIND_CACHE, (uint32_t)len, h.sequence,
	    h.version);
	csn_cache_place_write(expires_ms, name, header);
	if ((rc = run(native, w, bind->tenant, header, h.sequence, in,
	    out + CSN_CACHE_NATIVE_OVERHEAD, len, tag, 1)) != 0 ||
	    (rc = set_version(native, h.label, name, h.version, h.epoch,
	    csn_slot_who(0, h.writer, tag))) != 0)
		goto err;
	memcpy(out, header, sizeof(header));
	memcpy(out + AT_TAG, tag, sizeof(tag));
	memcpy(out + AT_COMMITMENT, w->commitment, CSN_HASH_SIZE);
	csn_held_release(&native->writers, &w->held);
	return 0;

err:
	csn_wipe(out, len + CSN_CACHE_NATIVE_OVERHEAD);
	if (w != NULL)
		csn_held_release(&native->writers, &w->held);
	return rc;
}

int
csn_cache_native_forget(struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind)
{
	if (CSN_NEEDS(native, bind) != 0)
		return CSN_E_ARG;

	uint8_t label[8], name[CSN_HASH_SIZE];
	int rc;

	if ((rc = check_bind(native, bind)) != 0 ||
	    (rc = csn_tenant_label(native->ctx, bind->tenant, label)) != 0 ||
	    (rc = hash_name(native->ctx, bind, name)) != 0)
		return rc;
	return set_version(native, label, name, next_version(native), 0, 0);
}

/* --- opening ---------------------------------------------------------- */

/*
 * The tenant's label, which the entry's writer has where it is known: a find
 * in a table takes less than a hash.
 */
static int
label_of(struct csn_cache_native *native, const char *tenant,
    const struct csn_head *h, uint8_t label[8])
{
	const struct csn_native_name name = { .epoch = h->epoch,
	    .id = h->writer, .tenant = tenant };
	struct csn_native_writer *w;

	w = (struct csn_native_writer *)csn_held_find(&native->writers,
	    csn_native_hash(native, &name), &name);
	if (w == NULL)
		return csn_tenant_label(native->ctx, tenant, label);
	memcpy(label, w->label, sizeof(w->label));
	csn_held_release(&native->writers, &w->held);
	return 0;
}

/* Form, and that it is of this tenant, key and format. */
static int
check_header(struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind, const uint8_t *in, size_t len,
    struct csn_head *h)
{
	uint8_t label[8], name[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_head_decode(native->ctx, &csn_cache_kind, in, len,
	    h)) != 0)
		return rc;
	if (h->suite != CSN_NATIVE_SUITE)
		return csn_fail(native->ctx, CSN_E_SUITE, ROOM,
		    "a cache's entry has no suite %u", h->suite);
	if ((rc = check_bind(native, bind)) != 0 ||
	    (rc = label_of(native, bind->tenant, h, label)) != 0 ||
	    (rc = hash_name(native->ctx, bind, name)) != 0)
		return rc;
	if (!csn_equal(label, h->label, sizeof(label)))
		return csn_fail(native->ctx, CSN_E_TENANT, ROOM,
		    "the entry is another tenant's");
	if (!csn_equal(name, in + CSN_H_CACHE_NAME, sizeof(name)))
		return csn_fail(native->ctx, CSN_E_TAG, ROOM,
		    "the entry is of another cache key or format");
	return 0;
}

/*
 * Hold the writer of an entry. One that is not known is only kept once a tag
 * has verified under it: *fresh then.
 */
static int
hold_writer(struct csn_cache_native *native, const struct csn_head *h,
    const struct csn_native_name *name, uint64_t hash,
    struct csn_native_writer **out, int *fresh)
{
	struct csn_native_master *m;
	int rc = 0;

	*fresh = 0;
	*out = (struct csn_native_writer *)csn_held_find(&native->writers,
	    hash, name);
	if (*out == NULL) {
		*fresh = 1;
		pthread_rwlock_rdlock(&native->lock);
		m = csn_native_master(native, name->epoch);
		rc = m == NULL ? CSN_E_EPOCH :
		    csn_native_derive(native, m, name, out);
		pthread_rwlock_unlock(&native->lock);
	}
	/* Ids are public: whose key it is shows in the commitment. */
	if (rc == CSN_E_EPOCH || (rc == 0 && memcmp((*out)->master,
	    h->session, CSN_NATIVE_ID) != 0))	/* public */
		return csn_fail(native->ctx, CSN_E_EPOCH, ROOM, "the master "
		    "key of epoch %u that the entry is sealed under is not "
		    "here", h->epoch);
	return rc;
}

/* Keep a writer whose tag verified, unless its epoch was dropped meanwhile, or
 * has another master key by now. */
static struct csn_held *
keep_writer(struct csn_cache_native *native, struct csn_native_writer *w,
    const struct csn_native_name *name, uint64_t hash)
{
	const struct csn_native_master *m;
	struct csn_held *h = NULL;

	pthread_rwlock_rdlock(&native->lock);
	m = csn_native_master(native, name->epoch);
	if (m != NULL && memcmp(m->id, w->master,	/* public */
	    CSN_NATIVE_ID) == 0)
		h = csn_held_add(&native->writers, &w->held, hash, name);
	pthread_rwlock_unlock(&native->lock);
	if (h == NULL)
		csn_native_wipe(native, &w->held);
	return h;
}

/* Under the entry's writer; who keeps it, where it verified, is known here. */
static int
open_entry(struct csn_cache_native *native, const char *tenant,
    const struct csn_head *h, const uint8_t *in, size_t len, uint8_t *out)
{
	struct csn_native_name name = { .epoch = h->epoch, .id = h->writer,
	    .tenant = tenant };
	uint64_t hash = csn_native_hash(native, &name);
	struct csn_native_writer *w = NULL;
	uint8_t tag[CSN_TAG_SIZE];
	struct csn_held *kept;
	int fresh, rc;

	rc = hold_writer(native, h, &name, hash, &w, &fresh);
	if (rc == 0 && !csn_equal(in + AT_COMMITMENT, w->commitment,
	    CSN_HASH_SIZE))
		rc = csn_fail(native->ctx, CSN_E_TAG, ROOM, "the entry does "
		    "not commit to this cache's key: it was changed, or "
		    "sealed under another");
	if (rc == 0) {
		memcpy(tag, in + AT_TAG, sizeof(tag));
		rc = run(native, w, tenant, in, h->sequence,
		    in + CSN_CACHE_NATIVE_OVERHEAD, out,
		    len - CSN_CACHE_NATIVE_OVERHEAD, tag, 0);
	}
	kept = w != NULL ? &w->held : NULL;
	if (kept != NULL && fresh && rc == 0) {
		kept = keep_writer(native, w, &name, hash);
	} else if (kept != NULL && fresh) {
		csn_native_wipe(native, kept);
		kept = NULL;
	}
	if (kept != NULL)
		csn_held_release(&native->writers, kept);
	return rc;
}

int
csn_cache_native_open(struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind, const uint8_t *in, size_t len,
    uint8_t *out, int *old)
{
	if (CSN_NEEDS(native, bind) != 0)
		return CSN_E_ARG;

	struct csn_head h;
	uint64_t expires_ms;
	int rc;

	if (len < CSN_CACHE_NATIVE_OVERHEAD)
		return csn_fail(native->ctx, CSN_E_FORM, ROOM, "%zu bytes are "
		    "too few for a cache's entry", len);
	if ((rc = check_header(native, bind, in, len, &h)) != 0 ||
	    (rc = open_entry(native, bind->tenant, &h, in, len, out)) != 0)
		goto err;
	expires_ms = csn_load64(in + CSN_H_CACHE_EXPIRES);
	if (expires_ms != 0 && csn_ctx_wall_ms(native->ctx) >= expires_ms) {
		rc = csn_fail(native->ctx, CSN_E_EXPIRED, ROOM,
		    "the entry is authentic and past its expiry");
		goto err;
	}
	if ((rc = check_version(native, &h, in + CSN_H_CACHE_NAME,
	    in + AT_TAG)) != 0)
		goto err;
	if (old != NULL)
		*old = h.epoch < csn_cache_native_epoch(native);
	return 0;

err:
	csn_wipe(out, len - CSN_CACHE_NATIVE_OVERHEAD);
	return rc;
}

uint64_t
csn_cache_native_end(const uint8_t *in, size_t len)
{
	struct csn_head h;

	return csn_head_decode(NULL, &csn_cache_kind, in, len, &h) == 0 ?
	    csn_load64(in + CSN_H_CACHE_EXPIRES) : 0;
}
