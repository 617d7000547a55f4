/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cbor.c - what csn_cbor_check() accepts reads back whole and is
 * written again as the same bytes; what it refuses does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void again(struct csn_reader *r, struct csn_out *w);

static void
map_again(struct csn_reader *r, struct csn_out *w)
{
	struct csn_cbor_map m;
	const uint8_t **pairs, *p;
	size_t n, i, *lens;

	n = csn_cbor_get_map(r);
	pairs = calloc(n + 1, sizeof(*pairs));
	lens = calloc(n + 1, sizeof(*lens));
	if (pairs == NULL || lens == NULL)
		abort();
	for (i = 0; i < n; i++) {
		csn_cbor_skip(r, &pairs[i], &lens[i]);
		csn_cbor_skip(r, NULL, NULL);
	}
	/* Backwards, so that the writer has something to sort. */
	csn_cbor_map_begin(w, &m);
	for (i = n; i > 0; i--) {
		struct csn_reader pair;

		p = pairs[i - 1];
		csn_reader_init(&pair, p, (size_t)(r->p - p));
		again(&pair, w);
		again(&pair, w);
		m.n++;
	}
	csn_cbor_map_end(&m);
	free(pairs);
	free(lens);
}

static void
string_again(struct csn_reader *r, struct csn_out *w)
{
	const void *p;
	size_t len;

	if (csn_cbor_peek(r) == CSN_CBOR_TEXT) {
		p = csn_cbor_get_text(r, &len);
		csn_cbor_textn(w, p, len);
	} else {
		p = csn_cbor_get_bytes(r, &len);
		csn_cbor_bytes(w, p, len);
	}
}

/* A negative number may lie below what an int64_t holds. */
static void
negative_again(struct csn_reader *r, struct csn_out *w)
{
	struct csn_reader ahead = *r;
	const uint8_t *p;
	int64_t v;
	size_t len;

	v = csn_cbor_get_int(&ahead);
	csn_cbor_skip(r, &p, &len);
	if (csn_reader_ok(&ahead))
		csn_cbor_int(w, v);
	else
		csn_put_bytes(w, p, len);
}

static void
again(struct csn_reader *r, struct csn_out *w)
{
	struct csn_reader ahead;
	size_t n;
	int yes;

	switch (csn_cbor_peek(r)) {
	case CSN_CBOR_UINT:
		csn_cbor_uint(w, csn_cbor_get_uint(r));
		break;
	case CSN_CBOR_NINT:
		negative_again(r, w);
		break;
	case CSN_CBOR_BYTES:
	case CSN_CBOR_TEXT:
		string_again(r, w);
		break;
	case CSN_CBOR_ARRAY:
		n = csn_cbor_get_array(r);
		for (csn_cbor_array(w, n); n > 0; n--)
			again(r, w);
		break;
	case CSN_CBOR_MAP:
		map_again(r, w);
		break;
	case CSN_CBOR_TAG:
		csn_cbor_tag(w, csn_cbor_get_tag(r));
		again(r, w);
		break;
	case CSN_CBOR_SIMPLE:
		ahead = *r;
		yes = csn_cbor_get_bool(&ahead);
		csn_cbor_skip(r, NULL, NULL);
		if (csn_reader_ok(&ahead))
			csn_cbor_bool(w, yes);
		else
			csn_put_u8(w, 0xf6);	/* null */
		break;
	default:
		abort();
	}
}

/* Readers on bytes that nobody checked, a type a byte of choice. */
static void
read_anyhow(const uint8_t *data, size_t len)
{
	struct csn_reader r;
	size_t i, n;

	csn_reader_init(&r, data, len);
	for (i = 0; i < len && csn_reader_ok(&r); i++)
		switch (data[len - 1 - i] % 9) {
		case 0: (void)csn_cbor_get_uint(&r); break;
		case 1: (void)csn_cbor_get_int(&r); break;
		case 2: (void)csn_cbor_get_bytes(&r, &n); break;
		case 3: (void)csn_cbor_get_text(&r, &n); break;
		case 4: (void)csn_cbor_get_array(&r); break;
		case 5: (void)csn_cbor_get_map(&r); break;
		case 6: (void)csn_cbor_get_tag(&r); break;
		case 7: (void)csn_cbor_get_bool(&r); break;
		default: csn_cbor_skip(&r, NULL, NULL); break;
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_reader r;
	struct csn_out w;

	read_anyhow(data, len);
	if (csn_cbor_check(NULL, data, len) != 0)
		return 0;

	csn_reader_init(&r, data, len);
	csn_cbor_skip(&r, NULL, NULL);
	if (!csn_reader_done(&r))
		abort();

	csn_reader_init(&r, data, len);
	csn_out_init(&w);
	again(&r, &w);
	if (!csn_reader_done(&r) || !csn_out_ok(&w) || w.len != len ||
	    memcmp(w.p, data, len) != 0)
		abort();
	csn_out_wipe(&w);
	return 0;
}
