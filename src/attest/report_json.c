/* SPDX-License-Identifier: Apache-2.0 */
/* attest/report_json.c - a report as people read it; nothing is verified. */
#include <stdlib.h>

#include <jansson.h>

#include "attest/report.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"

#define ROOM "attest"
#define LONGEST_HEX (CSN_NONCE_MAX * 2 + 1)

/* Each puts one member in; 0, or -1 without memory. */
static int
put(json_t *o, const char *name, json_t *value)
{
	return json_object_set_new(o, name, value);
}

static int
put_view(json_t *o, const char *name, const struct csn_view *v)
{
	return put(o, name, json_stringn(v->p, v->len));
}

static int
put_hex(json_t *o, const char *name, const uint8_t *p, size_t len)
{
	char hex[LONGEST_HEX];

	if (p == NULL)
		return 0;
	csn_hex_encode(p, len, hex);
	return put(o, name, json_string(hex));
}

static int
put_time(json_t *o, const char *name, uint64_t ms)
{
	char when[CSN_TIME_TEXT_SIZE];

	csn_time_format(ms, when);
	return put(o, name, json_string(when));
}

/* Jansson's integers end at 2^63 - 1; what is more is decimal text. */
static int
put_size(json_t *o, const char *name, uint64_t size)
{
	char text[21];

	if (size <= INT64_MAX)
		return put(o, name, json_integer((json_int_t)size));
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	return put(o, name, json_string(text));
}

/* Addresses and sizes pass 2^53: address as hex text, size as an integer. */
static json_t *
region_json(const struct csn_report_region *g)
{
	char address[2 + 16 + 1];
	json_t *o = json_object();
	int bad;

	(void)snprintf(address, sizeof(address), "0x%llx",
	    (unsigned long long)g->address);
	bad = put_view(o, "id", &g->id) |
	    put_view(o, "description", &g->description) |
	    put(o, "address", json_string(address)) |
	    put_size(o, "size", g->size) |
	    put(o, "protection",
	    json_string(csn_protection_name((int)g->protection))) |
	    put_time(o, "taken", g->taken_ms) |
	    put(o, "immutable", json_boolean(g->immutable)) |
	    put_hex(o, "tree", g->tree, CSN_HASH_SIZE) |
	    put_hex(o, "flat", g->flat, CSN_HASH_SIZE);
	if (g->tree != NULL)
		bad |= put(o, "leaf", json_integer(g->leaf)) |
		    put(o, "leaves",
		    json_integer((json_int_t)g->nleaves));
	if (!bad)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *
regions_json(const struct csn_report *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->nregions; i++)
		if (json_array_append_new(list,
		    region_json(&r->regions[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
evidence_json(const struct csn_report *r)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < r->nevidence; i++) {
		o = json_object();
		if (put_view(o, "platform", &r->evidence[i].platform) != 0 ||
		    put(o, "bytes", json_integer(
		    (json_int_t)r->evidence[i].len)) != 0 ||
		    put(o, "certs", json_integer(
		    (json_int_t)r->evidence[i].certs_len)) != 0 ||
		    json_array_append(list, o) != 0) {
			json_decref(o);
			json_decref(list);
			return NULL;
		}
		json_decref(o);
	}
	return list;
}

static json_t *
report_json(const struct csn_report *r)
{
	json_t *o = json_object();

	if (put_view(o, "signer", &r->iss) |
	    put(o, "algorithm", json_string(csn_sign_name(r->cose.alg))) |
	    put_view(o, "workload", &r->workload) |
	    put_view(o, "platform", &r->platform) |
	    put_hex(o, "ueid", r->ueid, CSN_UEID_SIZE) |
	    put_hex(o, "nonce", r->nonce, r->nonce_len) |
	    put_time(o, "issued", r->issued_ms) |
	    put_time(o, "expires", r->expires_ms) |
	    put(o, "round", json_integer((json_int_t)r->round)) |
	    put(o, "full", json_boolean(r->full)) |
	    put(o, "regions", regions_json(r)) |
	    put(o, "evidence", evidence_json(r))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int
csn_report_json(struct csn_ctx *ctx, const uint8_t *report, size_t len,
    char **json)
{
	struct csn_report r;
	char *text = NULL;
	json_t *o;
	int rc;

	if (ctx == NULL || json == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a report's view needs a place to go");
	if ((rc = csn_report_parse(ctx, report, len, &r)) != 0)
		return rc;
	if ((o = report_json(&r)) != NULL)
		text = csn_json_text(o, JSON_COMPACT);
	json_decref(o);
	csn_report_free(&r);
	if (text == NULL)
		return csn_nomem(ctx, ROOM, "writing a report as JSON");
	*json = text;
	return 0;
}
