/* SPDX-License-Identifier: Apache-2.0 */
/* http/answer.c - what a server of blobs says, believed word by word. */
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/json.h"
#include "providers/store/http/http.h"

#define LARGEST 999999999999999999u	/* of a number: 18 digits */

static json_t *
load(const uint8_t *p, size_t len, int *rc, const char **why)
{
	json_error_t error = { .text = "" };
	json_t *json;

	json = json_loadb((const char *)p, p == NULL ? 0 : len,
	    JSON_REJECT_DUPLICATES, &error);
	if (json == NULL) {
		*rc = csn_json_no_memory(&error) ? CSN_E_NOMEM : CSN_E_FORM;
		*why = "sent something that is not JSON";
	}
	return json;
}

int
csn_blob_page_parse(const uint8_t *p, size_t len, struct csn_blob_page *out,
    const char **why)
{
	json_t *json, *keys, *more;
	int rc = 0;

	if ((json = load(p, len, &rc, why)) == NULL)
		return rc;
	keys = json_object_get(json, "keys");
	more = json_object_get(json, "more");
	if (!json_is_array(keys) || !json_is_boolean(more)) {
		*why = "sent a list without \"keys\" and \"more\"";
		goto bad;
	}
	out->n = json_array_size(keys);
	out->more = json_is_true(more);
	if (out->more && out->n == 0) {
		*why = "says that there are more keys and sends none";
		goto bad;
	}
	out->json = json;
	return 0;

bad:
	json_decref(json);
	return CSN_E_FORM;
}

int
csn_blob_page_key(const struct csn_blob_page *page, size_t i,
    struct csn_blob_key *out, size_t *value_len, const char **why)
{
	json_t *item, *key, *size;

	item = json_array_get(json_object_get(page->json, "keys"), i);
	key = json_object_get(item, "key");
	size = json_object_get(item, "size");
	if (!json_is_string(key) || !json_is_integer(size) ||
	    json_integer_value(size) < 0) {
		*why = "sent a list with an item that has no \"key\" or "
		    "\"size\"";
		return CSN_E_FORM;
	}
	if (csn_blob_decode(json_string_value(key), json_string_length(key),
	    out->bytes, sizeof(out->bytes), &out->len) != 0 ||
	    out->len == 0) {
		*why = "sent a list with a key that is not base64url of 1 to "
		    "2048 bytes";
		return CSN_E_FORM;
	}
	*value_len = (size_t)json_integer_value(size);
	return 0;
}

void
csn_blob_page_end(struct csn_blob_page *page)
{
	json_decref(page->json);
	page->json = NULL;
}

int
csn_blob_stat_parse(const uint8_t *p, size_t len, struct csn_store_stat *out,
    const char **why)
{
	const struct {
		const char *name;
		uint64_t *value;
		int needed;
	} members[] = {
		{ "entries", &out->entries, 1 },
		{ "bytes", &out->bytes, 1 },
		{ "memory", &out->memory, 0 },
		{ "limit", &out->limit, 0 },
		{ "evictions", &out->evictions, 0 },
	};
	json_t *json, *v;
	int rc = 0;
	size_t i;

	if ((json = load(p, len, &rc, why)) == NULL)
		return rc;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		v = json_object_get(json, members[i].name);
		if (v == NULL && !members[i].needed)
			continue;
		if (!json_is_integer(v) || json_integer_value(v) < 0) {
			*why = "sent statistics without numbers in them";
			rc = CSN_E_FORM;
			break;
		}
		*members[i].value = (uint64_t)json_integer_value(v);
	}
	json_decref(json);
	return rc;
}

int
csn_blob_ttl_parse(const struct csn_http_response *res, uint64_t *ms,
    const char **why)
{
	const char *v;
	size_t len;

	*ms = 0;
	if ((v = csn_http_header(res, "Caisson-TTL", &len)) == NULL)
		return 0;
	if (csn_decimal(v, len, LARGEST, ms) != 0 || *ms == 0) {
		*why = "sent a Caisson-TTL that is no number of milliseconds";
		return CSN_E_FORM;
	}
	return 0;
}

int
csn_blob_etag_parse(const struct csn_http_response *res,
    char out[CSN_BLOB_MAX_ETAG + 1], const char **why)
{
	const char *v;
	size_t i, len;

	*why = "sent no strong ETag with a value, and nothing can be removed "
	    "on a condition without";
	v = csn_http_header(res, "ETag", &len);
	if (v == NULL || len < 2 || len > CSN_BLOB_MAX_ETAG || v[0] != '"' ||
	    v[len - 1] != '"')
		return CSN_E_FORM;
	/* RFC 9110, 8.8.3, less what is not ASCII. */
	for (i = 1; i + 1 < len; i++) {
		if (v[i] <= ' ' || v[i] == '"' || v[i] > '~')
			return CSN_E_FORM;
	}
	memcpy(out, v, len);
	out[len] = '\0';
	return 0;
}

uint64_t
csn_blob_retry_after(const struct csn_http_response *res)
{
	uint64_t seconds;
	const char *v;
	size_t len;

	v = csn_http_header(res, "Retry-After", &len);
	/* A date instead needs clocks that agree: our own pause will do. */
	if (v == NULL || csn_decimal(v, len, LARGEST, &seconds) != 0)
		return 0;
	return seconds > 86400 ? 86400000 : seconds * 1000;
}
