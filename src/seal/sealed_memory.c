/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealed_memory.c - small sealed files in memory, and their outside. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "evidence/cose.h"
#include "seal/front.h"

#define ROOM "seal"

/* What is written, in one block that is wiped as it grows. */
struct pile {
	const struct csn_ctx *ctx;
	uint8_t *p;
	size_t len;
	size_t cap;
};

static int
pile_write(void *arg, const uint8_t *p, size_t len)
{
	struct pile *pile = arg;
	uint8_t *grown;
	size_t cap;

	if (len > SIZE_MAX / 4 - pile->len)
		return csn_fail(pile->ctx, CSN_E_LIMIT, ROOM,
		    "the sealed bytes are too many for memory");
	if (pile->p == NULL || pile->len + len > pile->cap) {
		cap = 2 * (pile->len + len) + 4096;
		if ((grown = csn_calloc(1, cap)) == NULL)
			return csn_nomem(pile->ctx, ROOM, "a sealed file");
		if (pile->len != 0)
			memcpy(grown, pile->p, pile->len);
		csn_wipe_free(pile->p, pile->len);
		pile->p = grown;
		pile->cap = cap;
	}
	if (len != 0)
		memcpy(pile->p + pile->len, p, len);
	pile->len += len;
	return 0;
}

/* The pile changes hands where rc is 0, else it goes. */
static int
hand_over(struct pile *pile, int rc, uint8_t **out, size_t *out_len)
{
	if (rc == 0 && pile->p == NULL)
		rc = pile_write(pile, NULL, 0);
	if (rc != 0) {
		csn_wipe_free(pile->p, pile->len);
		return rc;
	}
	*out = pile->p;
	*out_len = pile->len;
	return 0;
}

int
csn_sealed_make(struct csn_ctx *ctx, const struct csn_identity *signer,
    const struct csn_document *const *recipients, size_t nrecipients,
    const char *content_type, const uint8_t *in, size_t len, uint8_t **out,
    size_t *out_len)
{
	if (CSN_NEEDS(out, out_len) != 0)
		return CSN_E_ARG;

	struct csn_sealer_options o = {
		.size = sizeof(o), .segment = 1u << 16, .signer = signer,
		.recipients = recipients, .nrecipients = nrecipients,
		.content_type = content_type
	};
	struct pile pile = { .ctx = ctx };
	struct csn_sealer *sealer;
	int rc;

	if ((rc = csn_sealer_new(ctx, &o, &sealer)) != 0)
		return rc;
	if ((rc = csn_sealer_update(sealer, in, len, pile_write,
	    &pile)) == 0)
		rc = csn_sealer_final(sealer, pile_write, &pile);
	csn_sealer_free(sealer);
	return hand_over(&pile, rc, out, out_len);
}

int
csn_sealed_open(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const char *content_type, const uint8_t *in,
    size_t len, uint8_t **out, size_t *out_len)
{
	if (CSN_NEEDS(out, out_len) != 0)
		return CSN_E_ARG;

	struct pile pile = { .ctx = ctx };
	struct csn_opener *opener;
	int rc;

	if ((rc = csn_opener_new(ctx, identity, trust, NULL, &opener)) != 0)
		return rc;
	if ((rc = csn_opener_update(opener, in, len, pile_write,
	    &pile)) == 0 &&
	    (rc = csn_opener_final(opener, pile_write, &pile)) == 0 &&
	    content_type != NULL &&
	    strcmp(content_type, csn_opener_content_type(opener)) != 0)
		rc = csn_fail(ctx, CSN_E_POLICY, ROOM, "the sealed bytes are "
		    "\"%s\" where \"%s\" was expected",
		    csn_opener_content_type(opener), content_type);
	csn_opener_free(opener);
	return hand_over(&pile, rc, out, out_len);
}

static json_t *
recipients_json(const struct csn_front *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n; i++)
		if (json_array_append_new(list, json_pack("{s:s%, s:s}",
		    "did", f->slots[i].alias, f->slots[i].alias_len,
		    "kem", csn_kem_name(f->slots[i].kem))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
front_json(const struct csn_cose *cose, const struct csn_front *f)
{
	char id[CSN_SEALED_ID * 2 + 1], created[CSN_TIME_TEXT_SIZE];
	char wrapped[CSN_TIME_TEXT_SIZE];
	json_t *recipients;

	if ((recipients = recipients_json(f)) == NULL)
		return NULL;
	csn_hex_encode(f->id, sizeof(f->id), id);
	csn_time_format(f->created_s * 1000, created);
	csn_time_format(f->wrapped_s * 1000, wrapped);
	return json_pack("{s:b, s:i, s:i, s:s, s:s%, s:s%, s:s, s:s, s:s, "
	    "s:I, s:s, s:s%, s:o}",
	    "verified", 0, "version", CSN_SEALED_VERSION,
	    "suite", CSN_SEALED_SUITE, "file_id", id,
	    "sealer", f->sealer, f->sealer_len,
	    "signed_by", cose->kid, cose->kid_len,
	    "signature", csn_sign_name(cose->alg), "created_at", created,
	    "recipients_at", wrapped,
	    "segment", (json_int_t)f->segment,
	    "signed_over", f->integrity == CSN_SEALED_TAGS ? "tags" :
	    "leaves",
	    "content_type", f->type != NULL ? f->type : "", f->type_len,
	    "recipients", recipients);
}

int
csn_sealed_inspect(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    char **json)
{
	if (CSN_NEEDS(json) != 0)
		return CSN_E_ARG;

	struct csn_front f;
	struct csn_cose cose;
	size_t front_len;
	json_t *j;
	int rc;

	if (p == NULL || len < CSN_SEALED_PREFIX)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "%zu bytes are too few for a sealed file", len);
	if ((rc = csn_front_prefix(ctx, p, &front_len)) != 0)
		return rc;
	if (front_len > len - CSN_SEALED_PREFIX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "front has %zu bytes, of which %zu are here", front_len,
		    len - CSN_SEALED_PREFIX);
	if ((rc = csn_cose_parse(ctx, p + CSN_SEALED_PREFIX, front_len,
	    &cose)) != 0 ||
	    (rc = csn_front_read(ctx, cose.payload, cose.payload_len,
	    &f)) != 0)
		return rc;
	if (!csn_utf8_ok(cose.kid, cose.kid_len))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the signer's name is no text");
	j = front_json(&cose, &f);
	*json = j != NULL ? csn_json_text(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return *json != NULL ? 0 : csn_nomem(ctx, ROOM, "a description");
}
