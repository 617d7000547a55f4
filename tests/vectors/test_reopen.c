/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/test_reopen.c - what was sealed once opens for ever. */
#include <jansson.h>

#include <caisson/kv.h>

#include "base/text.h"
#include "identity/document.h"
#include "identity/identity.h"
#include "lib/test.h"

struct bytes {
	uint8_t *p;
	size_t len;
};

static struct bytes
unhex(const json_t *o, const char *key)
{
	const char *text = json_string_value(key != NULL ?
	    json_object_get(o, key) : o);
	struct bytes b;

	assert_non_null(text);
	b.len = strlen(text) / 2;
	assert_non_null(b.p = malloc(b.len + 1));
	assert_int_equal(csn_hex_decode(text, b.len * 2, b.p, b.len), 0);
	return b;
}

static json_t *
load(const char *name)
{
	char *path = test_source_path(name);
	json_error_t err;
	json_t *j;

	assert_non_null(path);
	if ((j = json_load_file(path, 0, &err)) == NULL)
		fail_msg("%s: %s", name, err.text);
	free(path);
	return j;
}

static uint64_t
number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static struct csn_ctx *
ctx_at(uint64_t ms)
{
	test_ms = ms;
	return test_clock_ctx();
}

static struct csn_session *
import(struct csn_ctx *ctx, const json_t *o, const char *key,
    uint32_t replay)
{
	struct csn_session_options options = { .size = sizeof(options),
	    .replay = replay };
	struct bytes b = unhex(o, key);
	struct csn_session *s;

	assert_int_equal(csn_session_import(ctx, b.p, b.len, &options, &s),
	    0);
	free(b.p);
	return s;
}

/*
 * A session of the other side, which opens what this one sealed: local
 * sessions that keep no slots are exported as one side of two.
 */
static struct csn_session *
import_opener(struct csn_ctx *ctx, const json_t *o)
{
	uint32_t replay = (uint32_t)number(o, "replay");
	struct csn_session_options options = { .size = sizeof(options),
	    .replay = replay };
	struct bytes b = unhex(o, "exported");
	struct csn_session *s;

	b.p[6] ^= 1;	/* docs/WIRE.md: whose direction is its own */
	assert_int_equal(csn_session_import(ctx, b.p, b.len, &options, &s),
	    0);
	free(b.p);
	return s;
}

static void
open_kv(struct csn_ctx *ctx, struct csn_session *s, const json_t *entry)
{
	struct bytes key = unhex(entry, "key"), value = unhex(entry, "value");
	struct bytes sealed = unhex(entry, "sealed");
	uint8_t k[512], v[512];
	struct csn_kv_item it = { .size = sizeof(it),
	    .session = s,
	    .key = k,
	    .value = v,
	    .sealed = sealed.p,
	    .sealed_len = sealed.len};
	size_t at;

	for (at = 0; at < sealed.len; at++) {
		it.key_len = it.value_len = sizeof(k);
		sealed.p[at] ^= (uint8_t)(1u << at % 8);
		assert_true(csn_kv_open(ctx, &it) < 0);
		sealed.p[at] ^= (uint8_t)(1u << at % 8);
	}
	it.key_len = it.value_len = sizeof(k);
	assert_int_equal(csn_kv_open(ctx, &it), 0);
	assert_int_equal(it.key_len, key.len);
	assert_int_equal(it.value_len, value.len);
	assert_memory_equal(k, key.p, key.len);
	assert_memory_equal(v, value.p, value.len);
	free(key.p);
	free(value.p);
	free(sealed.p);
}

TEST(kv_entries_open)
{
	json_t *all = load("tests/vectors/kv.json"), *one, *entry;
	struct csn_session *s;
	struct csn_ctx *ctx;
	size_t i, k;

	assert_true(json_array_size(all) >= 2);
	json_array_foreach(all, i, one) {
		ctx = ctx_at(number(one, "clock_ms"));
		s = import_opener(ctx, one);
		assert_string_equal(csn_session_tenant_id(s),
		    json_string_value(json_object_get(one, "tenant")));
		json_array_foreach(json_object_get(one, "entries"), k, entry)
			open_kv(ctx, s, entry);
		assert_true(k >= 5);
		csn_session_free(s);
		csn_ctx_free(ctx);
	}
	json_decref(all);
}

static int
open_stream(struct csn_session *s, const json_t *stream, size_t flip)
{
	struct bytes header = unhex(stream, "header"), part;
	struct bytes text = unhex(stream, "text");
	json_t *parts = json_object_get(stream, "segments");
	size_t n = json_array_size(parts), i, at = 0;
	struct csn_stream *st;
	int rc;

	assert_int_equal(csn_stream_opener_new(s, header.p, NULL, &st), 0);
	for (i = 0, rc = 0; i < n && rc == 0; i++) {
		part = unhex(json_array_get(parts, i), NULL);
		if (flip == i)
			part.p[part.len - 1] ^= 1;
		rc = csn_stream_pull(st, part.p, part.len, i + 1 == n,
		    part.p);
		if (rc == 0)
			assert_memory_equal(part.p, text.p + at,
			    part.len - CSN_STREAM_TAG);
		at += part.len - CSN_STREAM_TAG;
		free(part.p);
	}
	if (rc == 0) {
		assert_int_equal(at, text.len);
		assert_true(csn_stream_done(st));
	}
	csn_stream_free(st);
	free(header.p);
	free(text.p);
	return rc;
}

TEST(streams_open)
{
	json_t *all = load("tests/vectors/stream.json"), *one, *stream;
	struct csn_session *s;
	struct csn_ctx *ctx;
	size_t i, k;

	assert_true(json_array_size(all) >= 2);
	json_array_foreach(all, i, one) {
		ctx = ctx_at(number(one, "clock_ms"));
		s = import_opener(ctx, one);
		json_array_foreach(json_object_get(one, "streams"), k,
		    stream) {
			assert_int_equal(open_stream(s, stream, 0),
			    CSN_E_TAG);
			assert_int_equal(open_stream(s, stream, SIZE_MAX), 0);
			if (number(one, "replay") == CSN_REPLAY_CHANNEL)
				assert_int_equal(open_stream(s, stream,
				    SIZE_MAX), CSN_E_REPLAY);
		}
		assert_true(k >= 3);
		csn_session_free(s);
		csn_ctx_free(ctx);
	}
	json_decref(all);
}

static struct csn_sign_key *
public_key(struct csn_ctx *ctx, const json_t *who)
{
	struct bytes b = unhex(who, "public");
	struct csn_sign_key *key;

	assert_int_equal(csn_sign_from_public(ctx,
	    (int)number(who, "sign"), b.p, b.len, &key), 0);
	free(b.p);
	return key;
}

static struct csn_trust *
trust_in(struct csn_ctx *ctx, const json_t *who, uint32_t purposes)
{
	struct csn_sign_key *key = public_key(ctx, who);
	struct csn_trust_entry e = { .size = sizeof(e), .label = "vector",
	    .purposes = purposes, .key = key };
	struct csn_trust *trust;

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
	csn_sign_free(key);
	return trust;
}

/* The recorded halves go on to the end, as they did then. */
static void
go_on(struct csn_ctx *ctx, struct csn_trust *trust, const json_t *one)
{
	struct bytes o = unhex(one, "offer_exported");
	struct bytes p = unhex(one, "pending_exported");
	struct bytes reply = unhex(one, "reply");
	struct bytes confirm = unhex(one, "confirm"), made;
	struct csn_session *ts, *ss, *imported;
	struct csn_pending *pending;
	struct csn_offer *offer;

	assert_int_equal(csn_offer_import(ctx, o.p, o.len, &offer), 0);
	assert_int_equal(csn_pending_import(ctx, p.p, p.len, &pending), 0);
	reply.p[reply.len / 2] ^= 1;
	assert_true(csn_session_finish(offer, trust, reply.p, reply.len,
	    NULL, &ts, &made.p, &made.len) < 0);
	reply.p[reply.len / 2] ^= 1;
	assert_int_equal(csn_session_finish(offer, trust, reply.p, reply.len,
	    NULL, &ts, &made.p, &made.len), 0);
	assert_int_equal(made.len, confirm.len);
	assert_memory_equal(made.p, confirm.p, made.len);
	confirm.p[confirm.len - 1] ^= 1;
	assert_int_equal(csn_session_confirm(pending, confirm.p, confirm.len,
	    NULL, &ss), CSN_E_TAG);
	assert_int_equal(csn_session_confirm(pending, made.p, made.len, NULL,
	    &ss), 0);
	open_kv(ctx, ts, json_object_get(one, "from_server"));
	open_kv(ctx, ss, json_object_get(one, "from_tenant"));
	imported = import(ctx, one, "tenant_exported", 0);
	open_kv(ctx, imported, json_object_get(one, "from_server"));
	csn_session_free(imported);
	csn_session_free(ts);
	csn_session_free(ss);
	csn_offer_free(offer);
	csn_pending_free(pending);
	csn_free(made.p);
	free(o.p);
	free(p.p);
	free(reply.p);
	free(confirm.p);
}

TEST(handshakes_go_on)
{
	json_t *all = load("tests/vectors/session.json"), *one;
	struct csn_ctx *ctx = ctx_at(number(all, "clock_ms"));
	struct csn_trust *trust = trust_in(ctx, json_object_get(all,
	    "server"), CSN_PURPOSE_SERVER);
	size_t i;

	json_array_foreach(json_object_get(all, "handshakes"), i, one)
		go_on(ctx, trust, one);
	assert_int_equal(i, 4);
	csn_trust_free(trust);
	csn_ctx_free(ctx);
	json_decref(all);
}

static struct csn_identity *
identity(struct csn_ctx *ctx, const json_t *who)
{
	struct csn_document_facts facts = { .name = "vector",
	    .purposes = CSN_PURPOSE_ALL, .created_ms = test_ms,
	    .expires_ms = test_ms + CSN_DOCUMENT_LIFETIME_MS };
	struct bytes sign = unhex(who, "sign_seed");
	struct bytes kem = unhex(who, "kem_seed");
	struct csn_sign_key *sk;
	struct csn_kem_key *kk;
	struct csn_identity *id;
	uint8_t *doc;
	size_t len;

	assert_int_equal(csn_sign_from_seed(ctx, (int)number(who, "sign"),
	    sign.p, sign.len, &sk), 0);
	assert_int_equal(csn_kem_from_seed(ctx, (int)number(who, "kem"),
	    kem.p, kem.len, &kk), 0);
	assert_int_equal(csn_document_make(ctx, sk, kk, &facts, &doc, &len),
	    0);
	assert_int_equal(csn_identity_assemble(ctx, sk, kk, doc, len, &id),
	    0);
	assert_string_equal(csn_identity_alias(id),
	    json_string_value(json_object_get(who, "alias")));
	free(sign.p);
	free(kem.p);
	return id;
}

static int
count(void *arg, const uint8_t *p, size_t len)
{
	struct bytes *text = arg;

	assert_true(len <= text->len);
	if (len != 0)
		assert_memory_equal(p, text->p, len);
	text->p += len;
	text->len -= len;
	return 0;
}

/* What is sealed to nobody opens with its key. */
static void
opens_with_its_key(struct csn_ctx *ctx, struct csn_trust *trust, json_t *one,
    const struct bytes *file, struct bytes text)
{
	struct bytes key = unhex(one, "data_key");
	struct csn_opener_options o = { .size = sizeof(o),
	    .data_key = key.p };
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct csn_opener *opener;

	assert_int_equal(csn_opener_new(ctx, NULL, trust, &o, &opener), 0);
	assert_int_equal(csn_opener_update(opener, file->p, file->len, count,
	    &text), 0);
	assert_int_equal(csn_opener_final(opener, count, &text), 0);
	assert_int_equal(text.len, 0);
	assert_int_equal(csn_opener_facts(opener, &facts), 0);
	assert_int_equal(facts.integrity, CSN_SEALED_TAGS);
	assert_int_equal(facts.sealed_length, file->len);
	csn_opener_free(opener);
	free(key.p);
}

TEST(sealed_files_open)
{
	json_t *all = load("tests/vectors/sealed.json"), *one, *who;
	struct csn_ctx *ctx = ctx_at(number(all, "clock_ms"));
	struct csn_trust *trust = trust_in(ctx, json_object_get(all,
	    "signer"), CSN_PURPOSE_SEALER);
	struct bytes file, text;
	struct csn_identity *id;
	uint8_t *out;
	size_t i, k, at, len;

	json_array_foreach(json_object_get(all, "files"), i, one) {
		file = unhex(one, "file");
		text = unhex(one, "text");
		json_array_foreach(json_object_get(one, "recipients"), k,
		    who) {
			id = identity(ctx, who);
			assert_int_equal(csn_sealed_open(ctx, id, trust,
			    json_string_value(json_object_get(one,
			    "content_type")), file.p, file.len, &out, &len),
			    0);
			assert_int_equal(len, text.len);
			assert_memory_equal(out, text.p, len);
			csn_free(out);
			for (at = k; at < file.len; at += 211) {
				file.p[at] ^= 4;
				assert_true(csn_sealed_open(ctx, id, trust,
				    NULL, file.p, file.len, &out, &len) < 0);
				file.p[at] ^= 4;
			}
			csn_identity_free(id);
		}
		if (k == 0)
			opens_with_its_key(ctx, trust, one, &file, text);
		free(file.p);
		free(text.p);
	}
	assert_true(i >= 5);
	csn_trust_free(trust);
	csn_ctx_free(ctx);
	json_decref(all);
}
