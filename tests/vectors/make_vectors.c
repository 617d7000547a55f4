/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_vectors FOLDER - write kv.json, stream.json, session.json and
 * sealed.json: what this library seals, with the secrets that are needed to
 * open it. The randomness is real, so each run gives other vectors; the ones
 * in this folder were made once and stay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <caisson/kv.h>

#include "base/text.h"
#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "identity/document.h"
#include "identity/identity.h"
#include "seal/body.h"
#include "seal/front.h"
#include "session/handshake.h"

#define CLOCK_MS 1767225600000u	/* 2026-01-01T00:00:00Z */
#define SEGMENT 4096u

static struct csn_ctx *ctx;

static uint64_t
clock_ms(void *arg)
{
	(void)arg;
	return CLOCK_MS;
}

static void
must(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "make_vectors: %s: %s\n", csn_error_name(rc),
	    csn_message());
	exit(1);
}

static json_t *
hex(const void *p, size_t len)
{
	char *text = malloc(len * 2 + 1);
	json_t *j;

	if (text == NULL)
		exit(1);
	csn_hex_encode(p, len, text);
	j = json_string(text);
	free(text);
	return j;
}

/* hex of a buffer that the library handed out, which goes. */
static json_t *
hex_free(uint8_t *p, size_t len)
{
	json_t *j = hex(p, len);

	csn_wipe(p, len);
	csn_free(p);
	return j;
}

static void
set(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value) != 0)
		exit(1);
}

static void
write_json(const char *folder, const char *name, json_t *j)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (json_dump_file(j, path, JSON_INDENT(1)) != 0)
		exit(1);
	json_decref(j);
}

static void
fill(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
}

/* A fresh local session, and its keys before the first use. */
static struct csn_session *
session(const char *tenant_id, uint32_t kem, uint32_t replay, json_t *j)
{
	struct csn_tenant tenant = { .size = sizeof(tenant),
	    .id = tenant_id, .display_name = "a display name" };
	struct csn_session_options o = { .size = sizeof(o), .kem = kem,
	    .replay = replay };
	struct csn_session *s;
	uint8_t *p;
	size_t len;

	must(csn_session_local(ctx, &tenant, &o, &s));
	must(csn_session_export(s, &p, &len));
	set(j, "tenant", json_string(tenant_id));
	set(j, "replay", json_integer((json_int_t)replay));
	set(j, "clock_ms", json_integer((json_int_t)CLOCK_MS));
	set(j, "exported", hex_free(p, len));
	return s;
}

static json_t *
kv(struct csn_session *s, const char *name, const struct csn_kv_slot *slot,
    size_t key_len, size_t value_len)
{
	uint8_t key[256], value[256], sealed[CSN_SEAL_OVERHEAD + 512];
	struct csn_kv_item it = { .size = sizeof(it),
	    .session = s,
	    .slot = *slot,
	    .key = key,
	    .key_len = key_len,
	    .value = value,
	    .value_len = value_len,
	    .sealed = sealed,
	    .sealed_len = CSN_SEAL_OVERHEAD + key_len + value_len};
	json_t *j = json_object();

	fill(key, key_len);
	fill(value, value_len);
	value[0] ^= 0xff;
	must(csn_kv_seal(ctx, &it));
	set(j, "name", json_string(name));
	set(j, "key", hex(key, key_len));
	set(j, "value", hex(value, value_len));
	set(j, "sealed", hex(sealed, it.sealed_len));
	return j;
}

static json_t *
kv_session(const char *tenant, uint32_t kem, uint32_t replay)
{
	struct csn_kv_slot entry = { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_BOTH, .layer = 3, .count = 1, .position = 41,
	    .token_id = 50256, .flags = CSN_KV_HAS_TOKEN };
	struct csn_kv_slot block = { .kind = CSN_KIND_KV_BLOCK,
	    .role = CSN_KV_BOTH, .layer = CSN_KV_ALL_LAYERS, .count = 16,
	    .position = 1ull << 33 };
	struct csn_kv_slot keys = { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_KEY, .count = 1 };
	json_t *j = json_object(), *list = json_array();
	struct csn_session *s = session(tenant, kem, replay, j);

	fill(block.name, sizeof(block.name));
	json_array_append_new(list, kv(s, "entry", &entry, 64, 64));
	json_array_append_new(list, kv(s, "keys only", &keys, 33, 0));
	json_array_append_new(list, kv(s, "block", &block, 200, 56));
	must(csn_session_rotate(s, 0));
	entry.position++;
	json_array_append_new(list, kv(s, "epoch 1", &entry, 16, 16));
	must(csn_session_rotate(s, 0));
	entry.position++;
	json_array_append_new(list, kv(s, "epoch 2, empty", &entry, 0, 0));
	set(j, "entries", list);
	csn_session_free(s);
	return j;
}

static json_t *
stream(struct csn_session *s, const uint8_t *name, size_t len)
{
	uint8_t header[CSN_SEAL_HEADER], text[SEGMENT * 3];
	uint8_t out[SEGMENT + CSN_STREAM_TAG];
	json_t *j = json_object(), *list = json_array();
	struct csn_stream *st;
	size_t at = 0, n;
	int final;

	fill(text, len);
	must(csn_stream_sealer_new(s, SEGMENT, name, header, &st));
	do {
		n = len - at < SEGMENT ? len - at : SEGMENT;
		final = n < SEGMENT;
		must(csn_stream_push(st, text + at, n, final, out));
		json_array_append_new(list, hex(out, n + CSN_STREAM_TAG));
		at += n;
	} while (!final);
	csn_stream_free(st);
	set(j, "header", hex(header, sizeof(header)));
	set(j, "text", hex(text, len));
	set(j, "segments", list);
	return j;
}

static json_t *
stream_session(uint32_t replay)
{
	static const uint8_t name[32] = "weights of a small model";
	json_t *j = json_object(), *list = json_array();
	struct csn_session *s = session("acme", CSN_KEM_ML_KEM_768, replay,
	    j);

	json_array_append_new(list, stream(s, NULL, 0));
	json_array_append_new(list, stream(s, NULL, SEGMENT));
	must(csn_session_rotate(s, 0));
	json_array_append_new(list, stream(s, name, 2 * SEGMENT + 5));
	set(j, "streams", list);
	csn_session_free(s);
	return j;
}

/* Random seeds of an identity's two keys, kept in j where it is given. */
static struct csn_identity *
identity(const char *name, int sign, int kem, json_t *j)
{
	struct csn_document_facts facts = { .name = name,
	    .purposes = CSN_PURPOSE_ALL, .created_ms = CLOCK_MS,
	    .expires_ms = CLOCK_MS + CSN_DOCUMENT_LIFETIME_MS };
	size_t kem_len = kem == CSN_KEM_X_WING ? 32 : 64, len;
	uint8_t sign_seed[32], kem_seed[64], *doc;
	struct csn_sign_key *sk;
	struct csn_kem_key *kk;
	struct csn_identity *id;

	must(csn_random(ctx, sign_seed, sizeof(sign_seed)));
	must(csn_random(ctx, kem_seed, kem_len));
	must(csn_sign_from_seed(ctx, sign, sign_seed, 32, &sk));
	must(csn_kem_from_seed(ctx, kem, kem_seed, kem_len, &kk));
	must(csn_document_make(ctx, sk, kk, &facts, &doc, &len));
	must(csn_identity_assemble(ctx, sk, kk, doc, len, &id));
	set(j, "name", json_string(name));
	set(j, "alias", json_string(csn_identity_alias(id)));
	set(j, "sign", json_integer(sign));
	set(j, "sign_seed", hex(sign_seed, sizeof(sign_seed)));
	set(j, "kem", json_integer(kem));
	set(j, "kem_seed", hex(kem_seed, kem_len));
	return id;
}

static json_t *
public_of(const struct csn_identity *id)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC];
	const struct csn_sign_key *key = csn_identity_sign_key(id);

	must(csn_sign_public(ctx, key, pk, sizeof(pk)));
	return hex(pk, csn_sign_public_size(csn_sign_of(key)));
}

/* The secrets that the recorded messages lead to. */
static void
put_agreed(json_t *j, const struct csn_offer *offer, const uint8_t *reply,
    size_t len)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	struct csn_reply_msg m;
	struct csn_agreed a;

	must(csn_reply_read(ctx, reply, len, &m));
	must(csn_kem_decapsulate(ctx, offer->kem, m.ct, m.ct_len, secret));
	must(csn_transcript(ctx, offer->msg, offer->len, reply, m.body_len,
	    a.transcript));
	must(csn_agree(ctx, &a, secret));
	set(j, "secret", hex(secret, sizeof(secret)));
	set(j, "transcript", hex(a.transcript, sizeof(a.transcript)));
	set(j, "keys", hex(a.keys, sizeof(a.keys)));
	csn_wipe(&a, sizeof(a));
}

static json_t *
handshake(const struct csn_identity *server, const struct csn_identity *tenant,
    struct csn_trust *trust, uint32_t kem)
{
	struct csn_kv_slot slot = { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_BOTH, .layer = 1, .count = 1, .position = 2 };
	struct csn_acceptor_options ao = { .size = sizeof(ao), .kems = 0x1e,
	    .allow_transport = 1 };
	struct csn_offer_options oo = { .size = sizeof(oo), .kem = kem,
	    .identity = tenant, .server_did = csn_identity_alias(server) };
	struct csn_tenant by = { .size = sizeof(by), .id = "acme",
	    .display_name = "Acme, by a transport" };
	uint8_t *msg, *reply, *confirm, *p;
	size_t msg_len, reply_len, confirm_len, len;
	struct csn_session *ts, *ss;
	json_t *j = json_object();
	struct csn_acceptor *a;
	struct csn_pending *pending;
	struct csn_offer *offer;

	must(csn_acceptor_new(ctx, server, trust, &ao, &a));
	must(csn_session_offer(ctx, &oo, &offer, &msg, &msg_len));
	set(j, "suite", json_integer((json_int_t)kem));
	must(csn_offer_export(offer, &p, &len));
	set(j, "offer_exported", hex_free(p, len));
	must(csn_session_accept(a, msg, msg_len, tenant != NULL ? NULL : &by,
	    &pending, &reply, &reply_len));
	must(csn_pending_export(pending, &p, &len));
	set(j, "pending_exported", hex_free(p, len));
	put_agreed(j, offer, reply, reply_len);
	must(csn_session_finish(offer, trust, reply, reply_len, NULL, &ts,
	    &confirm, &confirm_len));
	must(csn_session_confirm(pending, confirm, confirm_len, NULL, &ss));
	set(j, "offer", hex_free(msg, msg_len));
	set(j, "reply", hex_free(reply, reply_len));
	set(j, "confirm", hex_free(confirm, confirm_len));
	must(csn_session_export(ss, &p, &len));
	set(j, "server_exported", hex_free(p, len));
	must(csn_session_export(ts, &p, &len));
	set(j, "tenant_exported", hex_free(p, len));
	set(j, "from_server", kv(ss, "from server", &slot, 8, 8));
	set(j, "from_tenant", kv(ts, "from tenant", &slot, 8, 8));
	csn_session_free(ss);
	csn_session_free(ts);
	csn_offer_free(offer);
	csn_pending_free(pending);
	csn_acceptor_free(a);
	return j;
}

static json_t *
sessions(void)
{
	struct csn_trust_entry e = { .size = sizeof(e), .label = "someone" };
	json_t *j = json_object(), *list = json_array();
	json_t *server_j = json_object(), *tenant_j = json_object();
	struct csn_identity *server, *tenant;
	struct csn_trust *trust;
	uint32_t kem;

	server = identity("server", CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_512,
	    server_j);
	tenant = identity("tenant", CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_512,
	    tenant_j);
	set(server_j, "public", public_of(server));
	set(tenant_j, "public", public_of(tenant));
	must(csn_trust_new(ctx, &trust));
	e.purposes = CSN_PURPOSE_SERVER;
	e.key = csn_identity_sign_key(server);
	must(csn_trust_add(ctx, trust, &e));
	e.purposes = CSN_PURPOSE_TENANT;
	e.tenant_id = "acme";
	e.key = csn_identity_sign_key(tenant);
	must(csn_trust_add(ctx, trust, &e));
	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++)
		json_array_append_new(list, handshake(server, kem ==
		    CSN_KEM_ML_KEM_512 ? NULL : tenant, trust, kem));
	set(j, "clock_ms", json_integer((json_int_t)CLOCK_MS));
	set(j, "server", server_j);
	set(j, "tenant", tenant_j);
	set(j, "handshakes", list);
	csn_trust_free(trust);
	csn_identity_free(server);
	csn_identity_free(tenant);
	return j;
}

/* What recipient i's KEM gives, and the data key that its slot holds. */
static void
put_secrets(json_t *j, const struct csn_identity *id, const uint8_t *p,
    size_t i, uint8_t data[CSN_KEY_SIZE])
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], head_hash[CSN_HASH_SIZE];
	struct csn_front f;
	struct csn_cose cose;
	size_t len;

	must(csn_front_prefix(ctx, p, &len));
	must(csn_cose_parse(ctx, p + CSN_SEALED_PREFIX, len, &cose));
	must(csn_front_read(ctx, cose.payload, cose.payload_len, &f));
	must(csn_sha3_256(ctx, f.head, f.head_len, head_hash));
	must(csn_kem_decapsulate(ctx, csn_identity_kem_key(id),
	    f.slots[i].ct, f.slots[i].ct_len, secret));
	must(csn_slot_open(ctx, csn_identity_kem_key(id), &f.slots[i],
	    head_hash, data));
	set(j, "secret", hex(secret, sizeof(secret)));
}

struct pile {
	uint8_t p[65536];
	size_t len;
};

static int
pile_write(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	struct pile *pile = arg;

	if (len > sizeof(pile->p) - offset)
		return CSN_E_LIMIT;
	memcpy(pile->p + offset, p, len);
	pile->len = (size_t)offset + len;
	return 0;
}

static int
pile_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct pile *pile = arg;

	*got = pile->len - offset < len ? pile->len - offset : len;
	memcpy(p, pile->p + offset, *got);
	return 0;
}

static struct csn_sealed_io
io_of(struct pile *pile)
{
	return (struct csn_sealed_io){ .size = sizeof(struct csn_sealed_io),
	    .flags = CSN_IO_ANYWHERE, .arg = pile, .read = pile_read,
	    .write = pile_write, .length = pile->len };
}

struct wish {
	const int *kems;
	size_t n;
	const char *type;
	size_t len;
	uint32_t hash;
	uint32_t integrity;
	int resumed;
};

/* As if the power had gone within the second segment: another run. */
static void
resume(const struct csn_sealer_options *options, struct pile *text,
    struct pile *pile, uint8_t data[CSN_KEY_SIZE])
{
	struct csn_sealer_options o = *options;
	struct csn_sealed_io in = io_of(text), out;
	struct csn_sealer *sealer;
	size_t front;

	must(csn_front_prefix(ctx, pile->p, &front));
	pile->len = CSN_SEALED_PREFIX + front + SEGMENT + CSN_BODY_RECORD +
	    100;
	out = io_of(pile);
	o.nrecipients = 0;
	o.recipients = NULL;
	o.data_key = data;
	must(csn_sealer_resume(ctx, &o, &out, &sealer));
	must(csn_sealer_run(sealer, &in, &out));
	csn_sealer_free(sealer);
}

static void
put_facts(json_t *j, const struct csn_sealer *sealer)
{
	struct csn_sealed_facts f = { .size = sizeof(f) };

	must(csn_sealer_facts(sealer, &f));
	set(j, "content_hash_kind", json_integer(f.content_hash));
	set(j, "content_hash", hex(f.content, sizeof(f.content)));
	set(j, "root", hex(f.root, sizeof(f.root)));
}

static json_t *
sealed_file(const struct csn_identity *signer, const struct wish *wish)
{
	static struct pile pile, text;
	struct csn_identity *ids[4];
	struct csn_document *docs[4];
	uint8_t data[CSN_KEY_SIZE];
	struct csn_sealer_options o = { .size = sizeof(o),
	    .segment = SEGMENT, .signer = signer, .nrecipients = wish->n,
	    .recipients = (const struct csn_document *const *)docs,
	    .content_type = wish->type, .content_hash = wish->hash,
	    .integrity = wish->integrity };
	json_t *j = json_object(), *list = json_array(), *one[4];
	struct csn_sealed_io in, out;
	struct csn_sealer *sealer;
	const uint8_t *doc;
	size_t i, doc_len;

	for (i = 0; i < wish->n; i++) {
		ids[i] = identity("recipient", CSN_SIGN_ML_DSA_44,
		    wish->kems[i], one[i] = json_object());
		doc = csn_identity_document(ids[i], &doc_len);
		must(csn_document_verify(ctx, doc, doc_len, &docs[i]));
	}
	if (wish->n == 0) {
		must(csn_random(ctx, data, sizeof(data)));
		o.data_key = data;
	}
	fill(text.p, text.len = wish->len);
	pile.len = 0;
	in = io_of(&text);
	out = io_of(&pile);
	must(csn_sealer_new(ctx, &o, &sealer));
	must(csn_sealer_run(sealer, &in, &out));
	put_facts(j, sealer);
	csn_sealer_free(sealer);
	for (i = 0; i < wish->n; i++)
		put_secrets(one[i], ids[i], pile.p, i, data);
	if (wish->resumed)
		resume(&o, &text, &pile, data);
	for (i = 0; i < wish->n; i++) {
		json_array_append_new(list, one[i]);
		csn_document_free(docs[i]);
		csn_identity_free(ids[i]);
	}
	/* The root is the last run's, of a file that went on. */
	if (wish->resumed)
		json_object_del(j, "root");
	set(j, "data_key", hex(data, sizeof(data)));
	set(j, "text", hex(text.p, text.len));
	set(j, "content_type", json_string(wish->type != NULL ? wish->type :
	    ""));
	set(j, "recipients", list);
	set(j, "file", hex(pile.p, pile.len));
	return j;
}

static json_t *
sealed_files(void)
{
	static const int kems[] = { CSN_KEM_ML_KEM_512, CSN_KEM_ML_KEM_768,
	    CSN_KEM_ML_KEM_1024, CSN_KEM_X_WING };
	static const struct wish wishes[] = {
		{ kems, 4, "text/plain", 2 * SEGMENT + 10, 0, 0, 0 },
		{ kems + 1, 1, NULL, SEGMENT, CSN_CONTENT_SHA3_256, 0, 0 },
		{ kems + 1, 1, NULL, 0, CSN_CONTENT_NONE, 0, 0 },
		/* Went on in another run behind its first segment. */
		{ kems, 1, NULL, 3 * SEGMENT, CSN_CONTENT_SHA256, 0, 1 },
		/* To nobody, whoever has its key, and over its tags. */
		{ kems, 0, "a/b", 2 * SEGMENT + 1, 0, CSN_SEALED_TAGS, 0 },
	};
	json_t *j = json_object(), *signer_j = json_object();
	json_t *list = json_array();
	struct csn_identity *signer;
	size_t i;

	signer = identity("signer", CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_512,
	    signer_j);
	set(signer_j, "public", public_of(signer));
	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		json_array_append_new(list, sealed_file(signer, &wishes[i]));
	set(j, "clock_ms", json_integer((json_int_t)CLOCK_MS));
	set(j, "signer", signer_j);
	set(j, "files", list);
	csn_identity_free(signer);
	return j;
}

int
main(int argc, char **argv)
{
	static const struct csn_clock clock = { .size = sizeof(clock),
	    .boot_ms = clock_ms, .wall_ms = clock_ms };
	static const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &clock };
	json_t *list;

	if (argc != 2) {
		fprintf(stderr, "usage: make_vectors FOLDER\n");
		return 2;
	}
	must(csn_ctx_new(&o, &ctx));
	list = json_array();
	json_array_append_new(list, kv_session("tenant-\xc3\xa4",
	    CSN_KEM_ML_KEM_768, CSN_REPLAY_STORE));
	json_array_append_new(list, kv_session("acme", CSN_KEM_X_WING,
	    CSN_REPLAY_OFF));
	write_json(argv[1], "kv.json", list);
	list = json_array();
	json_array_append_new(list, stream_session(CSN_REPLAY_STORE));
	json_array_append_new(list, stream_session(CSN_REPLAY_CHANNEL));
	write_json(argv[1], "stream.json", list);
	write_json(argv[1], "session.json", sessions());
	write_json(argv[1], "sealed.json", sealed_files());
	csn_ctx_free(ctx);
	return 0;
}
