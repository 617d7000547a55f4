/* SPDX-License-Identifier: Apache-2.0 */
/* session/export.c - halves and sessions as bytes, for programs that end. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "session/handshake.h"

/*
 * "CSX", a version and a letter: O 1 offer, P 2 pending, S 2 session. All of
 * it is secret: what these bytes hold are keys in the clear. Integers
 * little-endian. P and S carry the time of the export, so that a clock that
 * is set back before the import makes no life longer.
 */
#define MAX_EPOCHS 4096

static void
put_head(struct csn_out *w, int version, char letter)
{
	csn_put_bytes(w, "CSX", 3);
	csn_put_u8(w, (uint8_t)version);
	csn_put_u8(w, (uint8_t)letter);
}

static int
read_head(const struct csn_ctx *ctx, struct csn_reader *r, int version,
    char letter, const char *what)
{
	const uint8_t *p = csn_read_view(r, 5);

	if (p == NULL || p[4] != letter ||
	    memcmp(p, "CSX", 3) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, "session",
		    "these bytes are no exported %s", what);
	if (p[3] != version)
		return csn_fail(ctx, CSN_E_VERSION, "session", "version %u of "
		    "an exported %s is not known to this library", p[3],
		    what);
	return 0;
}

static int
put_key(struct csn_ctx *ctx, struct csn_out *w, const struct csn_key *key)
{
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_key_unmask(ctx, key, plain)) == 0)
		csn_put_bytes(w, plain, sizeof(plain));
	csn_wipe(plain, sizeof(plain));
	return rc;
}

static int
read_key(struct csn_ctx *ctx, struct csn_reader *r, struct csn_key *key)
{
	const uint8_t *plain = csn_read_view(r, CSN_KEY_SIZE);

	if (plain == NULL)
		return csn_fail(ctx, CSN_E_FORM, "session",
		    "the exported bytes are cut short");
	return csn_key_mask(ctx, plain, key);
}

/* Hand w's bytes over where rc is 0, else wipe them. */
static int
hand_over(const struct csn_ctx *ctx, struct csn_out *w, int rc,
    uint8_t **out, size_t *len)
{
	if (rc == 0 && !csn_out_ok(w))
		rc = csn_nomem(ctx, "session", "an export");
	if (rc != 0) {
		csn_out_wipe(w);
		return rc;
	}
	*out = w->p;
	*len = w->len;
	return 0;
}

int
csn_offer_export(struct csn_offer *offer, uint8_t **out, size_t *len)
{
	if (CSN_NEEDS(offer, out, len) != 0)
		return CSN_E_ARG;

	struct csn_out w;
	int rc;

	if (offer->spent)
		return csn_fail(offer->ctx, CSN_E_CLOSED, "session",
		    "the offer was answered already");
	csn_out_init(&w);
	put_head(&w, 1, 'O');
	csn_put_u8(&w, (uint8_t)offer->suite);
	csn_put_bytes16(&w, offer->server, strlen(offer->server));
	csn_put_u32(&w, (uint32_t)offer->len);
	csn_put_bytes(&w, offer->msg, offer->len);
	if ((rc = put_key(offer->ctx, &w, &offer->seed[0])) == 0)
		rc = put_key(offer->ctx, &w, &offer->seed[1]);
	return hand_over(offer->ctx, &w, rc, out, len);
}

int
csn_offer_import(struct csn_ctx *ctx, const uint8_t *in, size_t len,
    struct csn_offer **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	uint8_t seed[CSN_KEM_SEED_MAX];
	struct csn_offer_msg m;
	struct csn_offer *o;
	struct csn_reader r;
	const uint8_t *server, *msg;
	size_t server_len, n;
	int rc;

	csn_reader_init(&r, in, len);
	if ((rc = read_head(ctx, &r, 1, 'O', "offer")) != 0)
		return rc;
	if ((o = csn_calloc(1, sizeof(*o))) == NULL)
		return csn_nomem(ctx, "session", "an offer");
	o->ctx = ctx;
	o->suite = csn_read_u8(&r);
	server = csn_read_view16(&r, &server_len);
	n = csn_read_u32(&r);
	msg = csn_read_view(&r, n);
	csn_read_bytes(&r, seed, sizeof(seed));
	if (!csn_reader_done(&r) || server_len > CSN_ALIAS_MAX ||
	    memchr(server, 0, server_len) != NULL ||
	    csn_kem_name(o->suite) == NULL) {
		rc = csn_fail(ctx, CSN_E_FORM, "session", "the exported offer "
		    "is cut short, too long or damaged");
		goto err;
	}
	memcpy(o->server, server, server_len);
	o->seed_len = o->suite == CSN_KEM_X_WING ? 32 : 64;
	if ((rc = csn_offer_read(ctx, msg, n, &m)) != 0 ||
	    (rc = m.suite == o->suite ? 0 : csn_fail(ctx, CSN_E_FORM,
	    "session", "the exported offer's suite is not its "
	    "message's")) != 0 ||
	    (rc = csn_kem_from_seed(ctx, o->suite, seed, o->seed_len,
	    &o->kem)) != 0 ||
	    (rc = csn_key_mask(ctx, seed, &o->seed[0])) != 0 ||
	    (rc = csn_key_mask(ctx, seed + 32, &o->seed[1])) != 0)
		goto err;
	if ((o->msg = csn_memdup(msg, n)) == NULL) {
		rc = csn_nomem(ctx, "session", "an offer");
		goto err;
	}
	o->len = n;
	o->is_signed = (m.flags & CSN_HANDSHAKE_SIGNED) != 0;
	csn_wipe(seed, sizeof(seed));
	*out = o;
	return 0;

err:
	csn_wipe(seed, sizeof(seed));
	csn_offer_free(o);
	return rc;
}

int
csn_pending_export(struct csn_pending *pending, uint8_t **out, size_t *len)
{
	if (CSN_NEEDS(pending, out, len) != 0)
		return CSN_E_ARG;

	struct csn_out w;
	int i, rc = 0;

	if (pending->spent)
		return csn_fail(pending->ctx, CSN_E_CLOSED, "session",
		    "the session was confirmed already");
	csn_out_init(&w);
	put_head(&w, 2, 'P');
	csn_put_u8(&w, (uint8_t)pending->suite);
	csn_put_bytes(&w, pending->session, sizeof(pending->session));
	csn_put_bytes(&w, pending->transcript, sizeof(pending->transcript));
	csn_put_u64(&w, pending->created_ms);
	csn_put_u64(&w, pending->expires_ms);
	csn_put_u64(&w, csn_life_reached(pending->ctx, pending->expires_ms,
	    pending->expires_boot));
	csn_put_bytes16(&w, pending->tenant_id, strlen(pending->tenant_id));
	csn_put_bytes16(&w, pending->tenant_name,
	    strlen(pending->tenant_name));
	for (i = 0; i < 3 && rc == 0; i++)
		rc = put_key(pending->ctx, &w, &pending->keys[i]);
	return hand_over(pending->ctx, &w, rc, out, len);
}

/* A b16 text of min to max bytes, terminated; 0 where it is not that. */
static int
read_text(struct csn_reader *r, char *out, size_t min, size_t max)
{
	size_t n;
	const uint8_t *p = csn_read_view16(r, &n);

	if (p == NULL || n < min || n > max || memchr(p, 0, n) != NULL ||
	    !csn_utf8_ok((const char *)p, n))
		return 0;
	memcpy(out, p, n);
	out[n] = '\0';
	return 1;
}

int
csn_pending_import(struct csn_ctx *ctx, const uint8_t *in, size_t len,
    struct csn_pending **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_pending *p;
	struct csn_reader r;
	int rc, i, ok;

	csn_reader_init(&r, in, len);
	if ((rc = read_head(ctx, &r, 2, 'P', "session")) != 0)
		return rc;
	if ((p = csn_calloc(1, sizeof(*p))) == NULL)
		return csn_nomem(ctx, "session", "a session");
	p->ctx = ctx;
	p->suite = csn_read_u8(&r);
	csn_read_bytes(&r, p->session, sizeof(p->session));
	csn_read_bytes(&r, p->transcript, sizeof(p->transcript));
	p->created_ms = csn_read_u64(&r);
	p->expires_ms = csn_read_u64(&r);
	p->expires_boot = csn_add_ms(csn_ctx_boot_ms(ctx), csn_life_left(ctx,
	    p->created_ms, p->expires_ms, csn_read_u64(&r)));
	ok = read_text(&r, p->tenant_id, 1, CSN_TENANT_ID_MAX) &&
	    read_text(&r, p->tenant_name, 0, CSN_TENANT_NAME_MAX);
	for (i = 0; i < 3 && rc == 0; i++)
		rc = read_key(ctx, &r, &p->keys[i]);
	if (rc == 0 && (!ok || !csn_reader_done(&r) ||
	    csn_kem_name(p->suite) == NULL))
		rc = csn_fail(ctx, CSN_E_FORM, "session", "the exported "
		    "session is cut short, too long or damaged");
	if (rc != 0) {
		csn_pending_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

/* Under lock: one direction's chain key and epochs, oldest first. */
static int
put_chain(struct csn_session *s, struct csn_out *w, int direction)
{
	struct csn_epoch *e;
	uint32_t n = 0, i, k;
	int rc;

	for (e = s->heads[direction]; e != NULL; e = e->older)
		n++;
	if (n > MAX_EPOCHS)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session",
		    "the session has %u live epochs: at most %d can be "
		    "exported", n, MAX_EPOCHS);
	if ((rc = put_key(s->ctx, w, csn_chain_key(s, direction))) != 0)
		return rc;
	csn_put_u32(w, n);
	for (i = n; i > 0 && rc == 0; i--) {
		e = s->heads[direction];
		for (k = 1; k < i; k++)
			e = e->older;
		csn_put_u32(w, e->number);
		rc = put_key(s->ctx, w, &e->root);
	}
	return rc;
}

int
csn_session_export(struct csn_session *session, uint8_t **out, size_t *len)
{
	if (CSN_NEEDS(session, out, len) != 0)
		return CSN_E_ARG;

	struct csn_session *s = session;
	struct csn_out w;
	int rc;

	csn_out_init(&w);
	csn_session_lock(s);
	if ((rc = csn_session_alive(s)) == 0) {
		put_head(&w, 2, 'S');
		csn_put_u8(&w, (uint8_t)s->suite);
		csn_put_u8(&w, (uint8_t)s->own_direction);
		csn_put_u8(&w, (uint8_t)(s->open_own &&
		    s->replay != CSN_REPLAY_STORE));
		csn_put_bytes(&w, s->id, sizeof(s->id));
		csn_put_u64(&w, s->created_ms);
		csn_put_u64(&w, s->expires_ms);
		csn_put_u64(&w, csn_life_reached(s->ctx, s->expires_ms,
		    s->expires_boot));
		csn_put_bytes16(&w, s->tenant_id, strlen(s->tenant_id));
		csn_put_bytes16(&w, csn_session_tenant_name(s),
		    strlen(csn_session_tenant_name(s)));
		csn_put_u64(&w, s->slots.counter);
		/* Whoever imports it seals in the newest epoch as well. */
		csn_epoch_share_own(s, 0);
		if ((rc = put_chain(s, &w, CSN_DIR_SERVER)) == 0)
			rc = put_chain(s, &w, CSN_DIR_TENANT);
	}
	csn_session_unlock(s);
	return hand_over(s->ctx, &w, rc, out, len);
}

/* One direction's epochs into a session that is not shared yet. */
static int
read_epochs(struct csn_session *s, struct csn_reader *r, int direction,
    uint32_t n)
{
	struct csn_epoch *_Atomic *head = &s->heads[direction];
	const struct csn_key chain = *csn_chain_key(s, direction);
	struct csn_epoch *e;
	uint32_t i, number;
	int rc;

	for (i = 0; i < n; i++) {
		number = csn_read_u32(r);
		if (r->bad || (*head != NULL &&
		    number <= (*head)->number))
			return csn_fail(s->ctx, CSN_E_FORM, "session",
			    "the exported session's epochs are damaged");
		if ((e = csn_epoch_new(s)) == NULL)
			return csn_nomem(s->ctx, "session", "a key epoch");
		if ((rc = read_key(s->ctx, r, &e->root)) != 0) {
			csn_epoch_free(s, e);
			return rc;
		}
		e->number = number;
		if (*head != NULL)
			(*head)->retired_ms =
			    csn_ctx_boot_ms(s->ctx) + 1;
		e->older = *head;
		*head = e;
		csn_epoch_share(s, direction, e);
	}
	/* It goes where the one behind the last epoch belongs. */
	csn_wipe(s->next[direction], sizeof(s->next[direction]));
	*csn_chain_key(s, direction) = chain;
	return 0;
}

int
csn_session_import(struct csn_ctx *ctx, const uint8_t *in, size_t len,
    const struct csn_session_options *options, struct csn_session **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	char id[CSN_TENANT_ID_MAX + 1], name[CSN_TENANT_NAME_MAX + 1];
	const uint8_t *keys, *epochs[2];
	struct csn_session_seed seed;
	struct csn_session *s = NULL;
	struct csn_reader r, sub;
	uint64_t counter;
	uint32_t n[2];
	int rc, i, ok;

	csn_reader_init(&r, in, len);
	if ((rc = read_head(ctx, &r, 2, 'S', "session")) != 0)
		return rc;
	memset(&seed, 0, sizeof(seed));
	seed.suite = csn_read_u8(&r);
	seed.own_direction = csn_read_u8(&r);
	seed.open_own = csn_read_u8(&r);
	csn_read_bytes(&r, seed.id, sizeof(seed.id));
	seed.created_ms = csn_read_u64(&r);
	seed.expires_ms = csn_read_u64(&r);
	seed.as_of_ms = csn_read_u64(&r);
	ok = read_text(&r, id, 1, CSN_TENANT_ID_MAX) &&
	    read_text(&r, name, 0, CSN_TENANT_NAME_MAX);
	counter = csn_read_u64(&r);
	for (i = 0; i < 2; i++) {
		if ((keys = csn_read_view(&r, CSN_KEY_SIZE)) != NULL)
			memcpy(seed.chain[i], keys, CSN_KEY_SIZE);
		n[i] = csn_read_u32(&r);
		if (n[i] > MAX_EPOCHS)
			ok = 0;
		epochs[i] = ok ? csn_read_view(&r, (size_t)n[i] *
		    (4 + CSN_KEY_SIZE)) : NULL;
	}
	if (!ok || !csn_reader_done(&r) || seed.own_direction > 1 ||
	    seed.open_own > 1 || csn_kem_name((int)seed.suite) == NULL) {
		rc = csn_fail(ctx, CSN_E_FORM, "session", "the exported "
		    "session is cut short, too long or damaged");
		goto out;
	}
	seed.tenant_id = id;
	seed.tenant_name = name;
	if ((rc = csn_session_make(ctx, &seed, options, &s)) != 0)
		goto out;
	s->slots.counter = counter;
	s->shared = 1;
	for (i = 0; i < 2 && rc == 0; i++) {
		csn_reader_init(&sub, epochs[i], (size_t)n[i] *
		    (4 + CSN_KEY_SIZE));
		rc = read_epochs(s, &sub, i, n[i]);
	}
	if (rc == 0) {
		*out = s;
		s = NULL;
	}
out:
	csn_session_free(s);
	csn_wipe(&seed, sizeof(seed));
	return rc;
}
