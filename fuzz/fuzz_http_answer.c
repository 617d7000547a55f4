/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http_answer.c - what a server of blobs answers: headers, pages of
 * keys, statistics. What is accepted is what the wire page allows.
 */
#include "identity.h"
#include "providers/store/http/http.h"

/* The bytes as an answer's headers. */
static void
headers(char *data, size_t len)
{
	struct csn_http_response res = { .headers = data,
	    .headers_len = len };
	char etag[CSN_BLOB_MAX_ETAG + 1];
	const char *why = NULL, *v;
	int64_t length;
	uint64_t ms;
	size_t n;

	if (csn_http_headers_check(data, len, &length) == NULL)
		check(length >= -1 && length < 1000000000000000000);
	if ((v = csn_http_header(&res, "etag", &n)) != NULL)
		check(v >= data && v + n <= data + len &&
		    memchr(v, '\n', n) == NULL);
	if (csn_blob_etag_parse(&res, etag, &why) == 0)
		check(strlen(etag) >= 2 && etag[0] == '"' &&
		    strchr(etag + 1, '"') == etag + strlen(etag) - 1 &&
		    strpbrk(etag, " \r\n") == NULL);
	else
		check(why != NULL);
	if (csn_blob_ttl_parse(&res, &ms, &why) == 0)
		check(ms < 1000000000000000000);
	check(csn_blob_retry_after(&res) <= 86400000);
}

static void
page(const uint8_t *data, size_t len)
{
	struct csn_blob_page keys = { 0 };
	char again[CSN_STORE_MAX_KEY * 4 / 3 + 3];
	struct csn_blob_key key, back;
	const char *why = NULL;
	size_t i, size;

	if (csn_blob_page_parse(data, len, &keys, &why) != 0) {
		check(why != NULL && keys.json == NULL);
		return;
	}
	check(keys.n > 0 || !keys.more);
	for (i = 0; i < keys.n; i++) {
		if (csn_blob_page_key(&keys, i, &key, &size, &why) != 0) {
			check(why != NULL);
			continue;
		}
		check(key.len >= 1 && key.len <= CSN_STORE_MAX_KEY);
		csn_blob_encode(key.bytes, key.len, again);
		check(csn_blob_decode(again, strlen(again), back.bytes,
		    sizeof(back.bytes), &back.len) == 0);
		check(back.len == key.len &&
		    memcmp(back.bytes, key.bytes, key.len) == 0);
	}
	csn_blob_page_end(&keys);
}

static void
name(const uint8_t *data, size_t len)
{
	char again[CSN_STORE_MAX_KEY * 4 / 3 + 3];
	uint8_t out[CSN_STORE_MAX_KEY];
	size_t n;

	if (csn_blob_decode((const char *)data, len, out, sizeof(out),
	    &n) != 0)
		return;
	/* There is one way to write it, and this was it. */
	csn_blob_encode(out, n, again);
	check(strlen(again) == len && memcmp(again, data, len) == 0);
}

/* The first byte says what the rest is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	const char *why = NULL;
	char *text;

	if (len == 0)
		return 0;
	switch (data[0]) {
	case 'p':
		page(data + 1, len - 1);
		break;
	case 's':
		if (csn_blob_stat_parse(data + 1, len - 1, &st, &why) != 0)
			check(why != NULL);
		break;
	case 'n':
		name(data + 1, len - 1);
		break;
	default:
		if ((text = malloc(len)) == NULL)
			break;
		memcpy(text, data + 1, len - 1);
		headers(text, len - 1);
		free(text);
		break;
	}
	return 0;
}
