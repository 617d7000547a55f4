/* SPDX-License-Identifier: Apache-2.0 */
/* cache/entry.c - whole entries, as CacheKit's SDKs store them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/envelope.h"
#include "cache/frame.h"
#include "cache/kit.h"
#include "cache/mp.h"

#define ROOM "cache"

static const struct shape {
	const char *serializer;
	const char *format;
	const char *type;
} shapes[] = {
	[CSN_CACHEKIT_AUTO_MSGPACK] = { "default", "msgpack", "msgpack" },
	[CSN_CACHEKIT_AUTO_ORJSON] = { "orjson", "orjson", "orjson" },
	[CSN_CACHEKIT_AUTO_ARROW] = { "arrow", "arrow", "arrow" },
	[CSN_CACHEKIT_INTEROP] = { "", "msgpack", "" },
};

enum container { PLAIN, ENVELOPE, CHECKSUM };

/* What a call works with. */
struct job {
	struct csn_ctx *ctx;
	struct csn_cachekit *kit;
	struct csn_cachekit_entry entry;
	const struct shape *shape;
	enum container container;
	int interop;
	struct csn_cachekit_bind bind;
	struct csn_kit_tenant *tenant;		/* held; NULL: plain */
};

void
csn_cache_buffer_free(struct csn_cache_buffer *buffer)
{
	if (buffer == NULL)
		return;
	csn_wipe_free(buffer->p, buffer->cap);
	csn_wipe_free(buffer->spare, buffer->spare_cap);
	memset(buffer, 0, sizeof(*buffer));
}

/* Room for len bytes; what was there is gone. */
static int
room(struct csn_ctx *ctx, uint8_t **p, size_t *cap, size_t len)
{
	uint8_t *fresh;

	if (*p != NULL && *cap >= len)
		return 0;
	/* Some more, so that values of like sizes share it. */
	len += len / 8 + 64;
	if ((fresh = csn_calloc(1, len)) == NULL)
		return csn_nomem(ctx, ROOM, "an entry of %zu bytes", len);
	csn_wipe_free(*p, *cap);
	*p = fresh;
	*cap = len;
	return 0;
}

static int
begin(struct job *j, struct csn_ctx *ctx, struct csn_cachekit *kit,
    const struct csn_cachekit_entry *given)
{
	struct csn_cachekit_entry *entry = &j->entry;
	uint32_t shape;
	int rc;

	memset(j, 0, sizeof(*j));
	if (given == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "no entry is given");
	if ((rc = CSN_TAKE(entry, given, csn_cachekit_entry, key_len)) != 0)
		return rc;
	shape = entry->shape;
	if (shape < CSN_CACHEKIT_AUTO_MSGPACK || shape > CSN_CACHEKIT_INTEROP)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "an entry has no shape %u", shape);
	if (kit == NULL && (entry->key == NULL || entry->key_len == 0))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "an entry wants a cache key");
	j->ctx = ctx;
	j->kit = kit;
	j->shape = &shapes[shape];
	j->interop = shape == CSN_CACHEKIT_INTEROP;
	if (j->interop)
		j->container = PLAIN;
	else if (shape == CSN_CACHEKIT_AUTO_ARROW)
		j->container = CHECKSUM;
	else if (entry->flags & CSN_CACHEKIT_NO_INTEGRITY)
		j->container = PLAIN;
	else
		j->container = shape == CSN_CACHEKIT_AUTO_MSGPACK ?
		    ENVELOPE : CHECKSUM;
	j->bind = (struct csn_cachekit_bind){ .tenant = "default",
	    .tenant_len = 7, .key = entry->key, .key_len = entry->key_len,
	    .format = j->shape->format, .type = j->shape->type };
	if (entry->tenant != NULL) {
		j->bind.tenant = entry->tenant;
		j->bind.tenant_len = entry->tenant_len;
	}
	j->bind.compressed = j->container == ENVELOPE ||
	    (shape == CSN_CACHEKIT_AUTO_ARROW &&
	    (entry->flags & CSN_CACHEKIT_COMPRESSED) != 0);
	return kit == NULL ? 0 : csn_kit_hold(kit, j->bind.tenant,
	    j->bind.tenant_len, &j->tenant);
}

/* The result's length, or on error nothing at all. */
static int
end(struct job *j, struct csn_cache_buffer *out, size_t len, int rc)
{
	if (j->tenant != NULL)
		csn_kit_release(j->kit, j->tenant);
	if (rc != 0 && out->p != NULL)
		csn_wipe(out->p, out->cap);
	if (rc != 0 && out->spare != NULL)
		csn_wipe(out->spare, out->spare_cap);
	out->len = rc == 0 ? len : 0;
	return rc;
}

/* --- packing ---------------------------------------------------------- */

#define FRAME_MAX (CSN_FRAME_PREFIX + CSN_FRAME_HEADER_MAX)

static size_t
write_frame(const struct job *j, uint8_t out[FRAME_MAX])
{
	struct csn_frame_head f = { .serializer = j->shape->serializer,
	    .format = j->bind.format, .type = j->bind.type,
	    .compressed = j->bind.compressed };
	struct csn_out w;

	if (j->tenant != NULL) {
		f.fingerprint = j->tenant->fingerprints[0];
		f.tenant = j->bind.tenant;
		f.tenant_len = j->bind.tenant_len;
	}
	csn_out_fixed(&w, out, FRAME_MAX);
	csn_frame_write(&w, &f);
	return csn_out_ok(&w) ? w.len : 0;
}

/* Keep a frame for the tenant's next entries, where there is memory. */
static void
keep_frame(struct csn_kit_frame *_Atomic *at, const uint8_t *p, size_t len)
{
	struct csn_kit_frame *fresh, *none = NULL;

	if ((fresh = csn_calloc(1, sizeof(*fresh) + len)) == NULL)
		return;
	fresh->len = len;
	memcpy(fresh->p, p, len);
	if (!atomic_compare_exchange_strong(at, &none, fresh))
		free(fresh);
}

/*
 * The frame before the payload; interop entries have none. It lies in buffer,
 * or with the tenant.
 */
static const uint8_t *
get_frame(const struct job *j, uint8_t buffer[FRAME_MAX], size_t *len)
{
	struct csn_kit_frame *_Atomic *at;
	struct csn_kit_frame *kept;

	*len = 0;
	if (j->interop)
		return buffer;
	if (j->tenant == NULL || j->bind.type != j->shape->type) {
		*len = write_frame(j, buffer);
		return buffer;
	}
	at = &j->tenant->frames[2 * (j->shape - shapes) +
	    (j->bind.compressed != 0)];
	if ((kept = atomic_load_explicit(at, memory_order_acquire)) != NULL) {
		*len = kept->len;
		return kept->p;
	}
	*len = write_frame(j, buffer);
	keep_frame(at, buffer, *len);
	return buffer;
}

/* The container around a value, behind the frame; *n is the entry's length. */
static int
put_payload(struct job *j, const uint8_t *value, size_t len, uint8_t *p,
    size_t *n)
{
	uint8_t sum[CSN_CHECKSUM_SIZE];
	uint8_t *body = p + (j->tenant != NULL ? CSN_NONCE_SIZE : 0);
	size_t head = j->container == CHECKSUM ? sizeof(sum) : 0;
	int rc;

	if (head != 0)
		csn_checksum(value, len, sum);
	if (j->container == ENVELOPE) {
		if ((rc = csn_envelope_write(j->ctx, j->bind.format, value,
		    len, body, &len)) != 0)
			return rc;
		value = body;
	}
	if (j->tenant != NULL) {
		*n = head + len + CSN_CACHEKIT_OVERHEAD;
		return csn_kit_seal(j->kit, j->tenant, &j->bind, sum, head,
		    value, len, p);
	}
	*n = head + len;
	memcpy(p, sum, head);
	if (value != body && len != 0)
		memcpy(p + head, value, len);
	return 0;
}

int
csn_cachekit_pack(struct csn_ctx *ctx, struct csn_cachekit *kit,
    const struct csn_cachekit_entry *entry, const uint8_t *value, size_t len,
    struct csn_cache_buffer *out)
{
	uint8_t buffer[FRAME_MAX];
	const uint8_t *frame;
	size_t frame_len, n = 0;
	struct job j;
	int rc;

	if (len > CSN_CACHEKIT_VALUE_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "a value of %zu bytes "
		    "is more than the format's 512 MiB", len);
	if ((rc = begin(&j, ctx, kit, entry)) != 0)
		return rc;
	frame = get_frame(&j, buffer, &frame_len);
	if ((j.interop && (rc = csn_mp_check(ctx, value, len, 1)) != 0) ||
	    (rc = room(ctx, &out->p, &out->cap, frame_len +
	    CSN_CACHEKIT_OVERHEAD + csn_envelope_bound(len))) != 0)
		return end(&j, out, 0, rc);
	memcpy(out->p, frame, frame_len);
	rc = put_payload(&j, value, len, out->p + frame_len, &n);
	return end(&j, out, frame_len + n, rc);
}

/* --- unpacking -------------------------------------------------------- */

/* What an entry's payload is, once the frame was looked at. */
struct payload {
	const uint8_t *p;
	size_t len;
	const uint8_t *fingerprint;	/* NULL: not named */
	struct csn_frame frame;	/* where it was parsed */
	int parsed;
};

static int
same_serializer(const struct job *j, const char *name)
{
	if (strcmp(j->shape->serializer, name) == 0)
		return 1;
	/* What older writers called the default. */
	return strcmp(j->shape->serializer, "default") == 0 &&
	    (strcmp(name, "std") == 0 || strcmp(name, "standard") == 0);
}

/* Is the frame one of what was asked for? */
static int
check_frame(const struct job *j, const struct csn_frame *f)
{
	if (!same_serializer(j, f->serializer) ||
	    strcmp(f->format, j->shape->format) != 0)
		return csn_fail(j->ctx, CSN_E_FORM, ROOM, "the entry was made "
		    "by the serializer '%s' (%s), not '%s'", f->serializer,
		    f->format, j->shape->serializer);
	if (j->entry.shape == CSN_CACHEKIT_AUTO_MSGPACK &&
	    f->compressed != (j->container == ENVELOPE))
		return csn_fail(j->ctx, CSN_E_FORM, ROOM, "the entry was made "
		    "%s integrity checking, and is read %s it",
		    f->compressed ? "with" : "without",
		    f->compressed ? "without" : "with");
	if (j->tenant == NULL) {
		if (f->encrypted)
			return csn_fail(j->ctx, CSN_E_POLICY, ROOM, "the "
			    "entry is sealed and this cache is plain: read it "
			    "through a secure one");
		return 0;
	}
	if (!f->encrypted)
		return csn_fail(j->ctx, CSN_E_POLICY, ROOM, "the entry says "
		    "that it is not encrypted; a secure cache takes no such "
		    "entry: somebody may have planted it");
	if (strcmp(f->algorithm, CSN_FRAME_ALGORITHM) != 0)
		return csn_fail(j->ctx, CSN_E_ALGORITHM, ROOM, "the entry is "
		    "sealed with '%s', not " CSN_FRAME_ALGORITHM,
		    f->algorithm);
	if (f->tenant_len != j->bind.tenant_len ||
	    !csn_equal(f->tenant, j->bind.tenant, f->tenant_len))
		return csn_fail(j->ctx, CSN_E_TENANT, ROOM,
		    "the entry is another tenant's");
	return 0;
}

static int
find_payload(struct job *j, const uint8_t *stored, size_t len,
    struct payload *pay)
{
	uint8_t buffer[FRAME_MAX];
	struct csn_frame *f = &pay->frame;
	const uint8_t *frame;
	size_t n;
	int rc;

	pay->parsed = 0;
	pay->fingerprint = NULL;
	pay->p = stored;
	pay->len = len;
	if (j->interop) {
		if (len >= 2 && stored[0] == 'C' && stored[1] == 'K' &&
		    j->tenant == NULL)
			return csn_fail(j->ctx, CSN_E_FORM, ROOM, "the entry "
			    "is an auto-mode one: an auto-mode writer and an "
			    "interop reader share a key");
		return 0;
	}
	/* Most entries are our own, and say what we would. */
	frame = get_frame(j, buffer, &n);
	if (len >= n && memcmp(stored, frame, n) == 0) {	/* public */
		pay->p += n;
		pay->len -= n;
		pay->fingerprint = j->tenant != NULL ?
		    j->tenant->fingerprints[0] : NULL;
		return 0;
	}
	if ((rc = csn_frame_read(j->ctx, stored, len, f)) != 0)
		return rc;
	pay->parsed = 1;
	if ((rc = check_frame(j, f)) != 0)
		return rc;
	pay->p = f->payload;
	pay->len = f->payload_len;
	pay->fingerprint = f->has_fingerprint ? f->fingerprint : NULL;
	j->bind.compressed = f->compressed;
	j->bind.type = f->type;
	return 0;
}

/*
 * The payload without its seal: in out->spare, or, where nothing is around
 * the value but a checksum, that in sum and the value in out->p.
 */
static int
unseal(struct job *j, const struct payload *pay, struct csn_cache_buffer *out,
    uint8_t sum[CSN_CHECKSUM_SIZE], size_t *len, size_t *which)
{
	size_t over = j->tenant != NULL ? CSN_CACHEKIT_OVERHEAD : 0;
	size_t head = j->container == CHECKSUM ? CSN_CHECKSUM_SIZE : 0;
	int spare = j->container == ENVELOPE, rc;
	uint8_t *to;

	if (pay->len < over + head)
		/* In this form nothing else tells a sealed entry. */
		return csn_fail(j->ctx, CSN_E_FORM, ROOM, "the entry's %zu "
		    "bytes are too few%s", pay->len, j->interop && over > 0 ?
		    " for a sealed one: it is plain (somebody may have "
		    "planted it), or was cut" : ": it was cut");
	if (pay->len > CSN_CACHEKIT_SEAL_MAX + 2 * CSN_CACHEKIT_VALUE_MAX)
		return csn_fail(j->ctx, CSN_E_LIMIT, ROOM,
		    "the entry has %zu bytes, more than the format's limits",
		    pay->len);
	*len = pay->len - over - head;
	if ((rc = spare ? room(j->ctx, &out->spare, &out->spare_cap, *len) :
	    room(j->ctx, &out->p, &out->cap, *len)) != 0)
		return rc;
	to = spare ? out->spare : out->p;
	if (j->tenant != NULL)
		return csn_kit_open(j->kit, j->tenant, &j->bind,
		    pay->fingerprint, pay->p, pay->len, sum, head, to, which);
	memcpy(sum, pay->p, head);
	if (*len != 0)
		memcpy(to, pay->p + head, *len);
	if (which != NULL)
		*which = 0;
	return 0;
}

/* What is around the value goes; its length. */
static int
open_container(struct job *j, struct csn_cache_buffer *out,
    const uint8_t sum[CSN_CHECKSUM_SIZE], size_t *len)
{
	uint8_t is[CSN_CHECKSUM_SIZE], *data;
	struct csn_envelope e;
	int rc;

	if (j->interop)
		return csn_mp_check(j->ctx, out->p, *len, 0);
	if (j->container == PLAIN)
		return 0;
	if (j->container == CHECKSUM) {
		csn_checksum(out->p, *len, is);
		if (memcmp(is, sum, sizeof(is)) != 0)	/* public */
			return csn_fail(j->ctx, CSN_E_FORM, ROOM, "the value "
			    "does not have the checksum stored with it");
		return 0;
	}
	if ((rc = csn_envelope_read(j->ctx, out->spare, *len, &e)) != 0 ||
	    (rc = room(j->ctx, &out->p, &out->cap, e.original)) != 0)
		return rc;
	/* A spelled block is gathered where it stands: it only shrinks. */
	data = out->spare + (e.data - out->spare);
	*len = e.original;
	return csn_envelope_unpack(j->ctx, &e, data, out->p);
}

int
csn_cachekit_unpack(struct csn_ctx *ctx, struct csn_cachekit *kit,
    const struct csn_cachekit_entry *entry, const uint8_t *stored, size_t len,
    struct csn_cache_buffer *out, size_t *which)
{
	uint8_t sum[CSN_CHECKSUM_SIZE];
	struct payload pay;
	struct job j;
	size_t n = 0;
	int rc;

	if ((rc = begin(&j, ctx, kit, entry)) != 0)
		return rc;
	if ((rc = find_payload(&j, stored, len, &pay)) == 0 &&
	    (rc = unseal(&j, &pay, out, sum, &n, which)) == 0)
		rc = open_container(&j, out, sum, &n);
	if (pay.parsed)
		csn_frame_free(&pay.frame);
	return end(&j, out, n, rc);
}

/* The container in out's spare room, sealed anew behind its frame. Not inlined:
 * its header and a parsed one would make one large frame. */
__attribute__((noinline)) static int
seal_again(struct job *j, struct csn_cachekit *kit,
    struct csn_cache_buffer *out, size_t *len)
{
	uint8_t buffer[FRAME_MAX];
	const uint8_t *frame;
	size_t frame_len, n = *len;
	int rc;

	frame = get_frame(j, buffer, &frame_len);
	if ((rc = room(j->ctx, &out->p, &out->cap, frame_len + n +
	    CSN_CACHEKIT_OVERHEAD)) != 0)
		return rc;
	memcpy(out->p, frame, frame_len);
	*len = n + frame_len + CSN_CACHEKIT_OVERHEAD;
	return csn_kit_seal(kit, j->tenant, &j->bind, NULL, 0, out->spare, n,
	    out->p + frame_len);
}

int
csn_cachekit_reseal(struct csn_ctx *ctx, struct csn_cachekit *kit,
    const struct csn_cachekit_entry *entry, const uint8_t *stored, size_t len,
    struct csn_cache_buffer *out, size_t *which)
{
	uint8_t none[CSN_CHECKSUM_SIZE];
	struct payload pay;
	size_t n = 0;
	struct job j;
	int rc;

	if (kit == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "resealing an entry wants master keys");
	if ((rc = begin(&j, ctx, kit, entry)) != 0)
		return rc;
	/* The container is moved as it is: all of it, into the spare room. */
	if ((rc = find_payload(&j, stored, len, &pay)) != 0)
		goto out;
	j.container = ENVELOPE;
	if ((rc = unseal(&j, &pay, out, none, &n, which)) == 0)
		rc = seal_again(&j, kit, out, &n);
out:
	if (pay.parsed)
		csn_frame_free(&pay.frame);
	return end(&j, out, n, rc);
}
