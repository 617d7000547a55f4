/* SPDX-License-Identifier: Apache-2.0 */
/* seal/body.c - one segment of a sealed file, and what it takes. */
#include <stdlib.h>
#include <string.h>

#include <caisson/aead.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/fail.h"
#include "base/little.h"
#include "envelope/message.h"
#include "seal/body.h"

#define ROOM "seal"

#define LABEL_RUN "caisson v2 sealed run"
#define AAD CSN_BODY_AAD
#define ALIGN 64

static int
no_memory(const struct csn_ctx *ctx)
{
	return csn_nomem(ctx, ROOM, "a sealed file");
}

int
csn_body_init(struct csn_ctx *ctx, struct csn_body *body, uint32_t segment,
    uint32_t integrity, const uint8_t head_hash[CSN_HASH_SIZE],
    const uint8_t id[CSN_SEALED_ID], const uint8_t prk[CSN_HASH_SIZE])
{
	memset(body, 0, sizeof(*body));
	body->ctx = ctx;
	body->segment = segment;
	body->leaf = segment < CSN_BODY_LEAF ? segment : CSN_BODY_LEAF;
	body->integrity = integrity;
	memcpy(body->head_hash, head_hash, CSN_HASH_SIZE);
	if ((body->prk = csn_secret_alloc(CSN_HASH_SIZE, NULL)) == NULL)
		return csn_fail_memory(ctx, ROOM, "a sealed file's key");
	memcpy(body->prk, prk, CSN_HASH_SIZE);
	return csn_body_add_run(body, 0, id);
}

void
csn_body_clear(struct csn_body *body)
{
	if (body->prk != NULL)
		csn_secret_free(body->prk, CSN_HASH_SIZE);
	free(body->runs);
	body->prk = NULL;
	body->runs = NULL;
	body->nruns = 0;
}

int
csn_body_add_run(struct csn_body *body, uint64_t first,
    const uint8_t id[CSN_SEALED_ID])
{
	struct csn_run *grown;

	if (body->nruns == CSN_BODY_RUNS)
		return csn_fail(body->ctx, CSN_E_LIMIT, ROOM, "a sealed file "
		    "is written in at most %d runs: begin another",
		    CSN_BODY_RUNS);
	if ((grown = csn_realloc(body->runs, body->nruns + 1,
	    sizeof(*grown))) == NULL)
		return no_memory(body->ctx);
	body->runs = grown;
	grown[body->nruns].first = first;
	memcpy(grown[body->nruns++].id, id, CSN_SEALED_ID);
	return 0;
}

void
csn_body_cut_runs(struct csn_body *body, uint64_t end)
{
	while (body->nruns > 1 && body->runs[body->nruns - 1].first >= end)
		body->nruns--;
}

int
csn_body_key(const struct csn_body *body, const char *label,
    const struct csn_run *run, uint8_t key[CSN_KEY_SIZE])
{
	uint8_t info[64];
	struct csn_out w;

	csn_out_fixed(&w, info, sizeof(info));
	csn_put_bytes(&w, label, strlen(label));
	csn_put_bytes(&w, run->id, CSN_SEALED_ID);
	return csn_hkdf_expand(body->ctx, body->prk, info, w.len, key,
	    CSN_KEY_SIZE);
}

/* The run of segment i: the last that began before it or there. */
static size_t
run_of(const struct csn_body *body, uint64_t i)
{
	size_t low = 0, high = body->nruns, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (body->runs[middle].first <= i)
			low = middle;
		else
			high = middle;
	}
	return low;
}

size_t
csn_body_mark(const struct csn_body *body, uint64_t i,
    uint8_t mark[CSN_BODY_MARK_SIZE])
{
	size_t run = run_of(body, i);

	if (run == 0 || body->runs[run].first != i)
		return 0;
	csn_store32(mark, CSN_BODY_MARK);
	memcpy(mark + CSN_BODY_HEAD, body->runs[run].id, CSN_SEALED_ID);
	return CSN_BODY_MARK_SIZE;
}

uint64_t
csn_body_offset(const struct csn_body *body, uint64_t i)
{
	return body->at + i * (body->segment + CSN_BODY_RECORD) +
	    run_of(body, i) * CSN_BODY_MARK_SIZE;
}

uint64_t
csn_body_count(const struct csn_body *body, uint64_t length)
{
	return length == 0 ? 1 : length / body->segment +
	    (length % body->segment != 0);
}

size_t
csn_body_plain(const struct csn_body *body, uint64_t length, uint64_t i)
{
	uint64_t left = length - i * body->segment;

	return left < body->segment ? (size_t)left : body->segment;
}

int
csn_worker_init(struct csn_worker *w, const struct csn_body *body)
{
	const size_t size = ALIGN + body->segment + CSN_TAG_SIZE;

	memset(w, 0, sizeof(*w));
	w->body = body;
	csn_many_start(&w->many, body->ctx);
	w->nodes = csn_calloc(body->segment / body->leaf, CSN_HASH_SIZE);
	/* Aligned memory that calloc would only touch in vain. */
	w->memory = aligned_alloc(ALIGN, (size + ALIGN - 1) & ~(size_t)(ALIGN -
	    1));
	if (w->nodes == NULL || w->memory == NULL) {
		csn_worker_clear(w);
		return no_memory(body->ctx);
	}
	w->text = w->memory + ALIGN;
	w->record = w->text - CSN_BODY_HEAD;
	return 0;
}

void
csn_worker_clear(struct csn_worker *w)
{
	csn_aead_free(w->aead);
	csn_many_end(&w->many);
	free(w->nodes);
	if (w->memory != NULL)
		csn_wipe_free(w->memory, ALIGN + w->used);
	w->aead = NULL;
	w->nodes = w->memory = NULL;
}

/* The run's key, expanded. Neighbours mostly have the same. */
static int
take_key(struct csn_worker *w, uint64_t i)
{
	size_t run = run_of(w->body, i);
	uint8_t key[CSN_KEY_SIZE];
	int rc;

	if (w->aead != NULL && w->run == run)
		return 0;
	csn_aead_free(w->aead);
	w->aead = NULL;
	if ((rc = csn_body_key(w->body, LABEL_RUN, &w->body->runs[run],
	    key)) == 0 &&
	    (rc = csn_aead_new(w->body->ctx, key, &w->aead)) == 0)
		w->run = run;
	csn_wipe(key, sizeof(key));
	return rc;
}

struct call {
	uint8_t aad[AAD];
	struct csn_aead_part part;
	struct csn_aead_msg msg;
};

static void
begin(const struct csn_worker *w, uint64_t i, size_t len, int final,
    struct call *c)
{
	memcpy(c->aad, w->body->head_hash, CSN_HASH_SIZE);
	csn_store64(c->aad + CSN_HASH_SIZE, i);
	c->aad[CSN_HASH_SIZE + 8] = final != 0;
	c->part = (struct csn_aead_part){ .in = w->text, .out = w->text,
	    .len = len };
	c->msg = (struct csn_aead_msg){ .aad = c->aad, .aad_len = AAD,
	    .parts = &c->part, .nparts = 1, .tag = w->text + len };
	csn_nonce(c->msg.nonce, i);
}

/* What the foot's tree has of the sealed text: its top, or its tag's leaf. */
static int
top_of(struct csn_worker *w, size_t len, uint8_t top[CSN_HASH_SIZE])
{
	const uint8_t *in[1] = { w->text + len };
	uint8_t *out[1] = { top };

	if (w->body->integrity == CSN_SEALED_TAGS)
		return csn_many_hash(&w->many, in, 1, CSN_TAG_SIZE, 0, out);
	return csn_tree_top(&w->many, w->text, len, w->body->leaf, w->nodes,
	    top);
}

int
csn_worker_seal(struct csn_worker *w, uint64_t i, size_t len, int final,
    uint8_t root[CSN_HASH_SIZE], uint8_t *content)
{
	struct call c;
	int rc;

	if ((rc = take_key(w, i)) != 0 || (content != NULL &&
	    (rc = csn_tree_top(&w->many, w->text, len, w->body->leaf,
	    w->nodes, content)) != 0))
		return rc;
	csn_worker_used(w, len + CSN_TAG_SIZE);
	begin(w, i, len, final, &c);
	csn_store32(w->record, (uint32_t)len | (final ? CSN_BODY_FINAL : 0));
	if ((rc = csn_aead_seal_msg(w->aead, &c.msg)) == 0)
		rc = top_of(w, len, root);
	return rc;
}

int
csn_worker_head(const struct csn_worker *w, uint64_t i, size_t len, int final)
{
	if (csn_load32(w->record) == ((uint32_t)len | (final ?
	    CSN_BODY_FINAL : 0)))
		return 0;
	return csn_fail(w->body->ctx, CSN_E_FORM, ROOM, "segment %llu claims "
	    "to be another than its place and the file's length say",
	    (unsigned long long)i);
}

int
csn_worker_open(struct csn_worker *w, uint64_t i, size_t len, int final,
    const uint8_t *want, uint8_t *root, uint8_t *content)
{
	uint8_t top[CSN_HASH_SIZE];
	struct call c;
	int rc;

	csn_worker_used(w, len + CSN_TAG_SIZE);
	if ((rc = take_key(w, i)) != 0)
		goto err;
	if (want != NULL || root != NULL) {
		if ((rc = top_of(w, len, top)) != 0)
			goto err;
		if (want != NULL && !csn_equal(want, top, sizeof(top))) {
			rc = csn_fail(w->body->ctx, CSN_E_SIGNATURE, ROOM,
			    "segment %llu of the file is not the one that "
			    "its sealer signed", (unsigned long long)i);
			goto err;
		}
		if (root != NULL)
			memcpy(root, top, sizeof(top));
	}
	begin(w, i, len, final, &c);
	if ((rc = csn_aead_open_msg(w->aead, &c.msg)) != 0 ||
	    (content != NULL && (rc = csn_tree_top(&w->many, w->text, len,
	    w->body->leaf, w->nodes, content)) != 0))
		goto err;
	return 0;

err:
	csn_wipe(w->text, len);
	return rc;
}

int
csn_body_root(const struct csn_body *body, uint64_t length,
    const uint8_t top[CSN_HASH_SIZE], uint8_t root[CSN_HASH_SIZE])
{
	if (body->integrity == CSN_SEALED_TAGS)
		return csn_tree_root_of(body->ctx, csn_body_count(body,
		    length) * CSN_TAG_SIZE, CSN_TAG_SIZE, top, root);
	return csn_tree_root_of(body->ctx, length, body->leaf, top, root);
}

int
csn_tops_fold(struct csn_ctx *ctx, const uint8_t *tops, uint64_t n,
    uint8_t top[CSN_HASH_SIZE])
{
	struct csn_peaks peaks = { 0 };
	struct csn_many many;
	uint64_t i;
	int rc = 0;

	csn_many_start(&many, ctx);
	for (i = 0; i < n && rc == 0; i++)
		rc = csn_peaks_add(&peaks, &many, tops + i * CSN_HASH_SIZE);
	if (rc == 0)
		rc = csn_peaks_top(&peaks, &many, top);
	csn_many_end(&many);
	return rc;
}
