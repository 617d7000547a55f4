/* SPDX-License-Identifier: Apache-2.0 */
/* platform/der.c - the little DER (X.690) that vendors' extensions hold. */
#include "platform/der.h"

static void
spoil(struct csn_reader *r)
{
	r->bad = 1;
	r->left = 0;
}

/* X.690 10.1: the shortest form; more than two bytes nobody needs here. */
static size_t
read_length(struct csn_reader *r)
{
	size_t len = csn_read_u8(r);

	if (len < 0x80)
		return len;
	if (len == 0x81 && (len = csn_read_u8(r)) >= 0x80)
		return len;
	if (len == 0x82) {
		len = (size_t)csn_read_u8(r) << 8;
		len |= csn_read_u8(r);
		if (len >= 0x100)
			return len;
	}
	spoil(r);
	return 0;
}

uint8_t
csn_der_next(struct csn_reader *r, struct csn_reader *in)
{
	const uint8_t *p;
	uint8_t tag = csn_read_u8(r);
	size_t len = read_length(r);

	p = csn_read_view(r, len);
	if (p == NULL || (tag & 0x1f) == 0x1f) {
		spoil(r);
		csn_reader_init(in, NULL, 0);
		return 0;
	}
	csn_reader_init(in, p, len);
	return tag;
}

const uint8_t *
csn_der_value(struct csn_reader *r, uint8_t tag, size_t *len)
{
	struct csn_reader in;

	if (csn_der_next(r, &in) != tag) {
		spoil(r);
		return NULL;
	}
	*len = in.left;
	return in.p;
}

uint32_t
csn_der_uint(struct csn_reader *r)
{
	struct csn_reader in;
	uint8_t tag = csn_der_next(r, &in);
	uint64_t v = 0;
	size_t i;

	/* A leading zero keeps a number positive; there is no other use. */
	if ((tag != CSN_DER_INTEGER && tag != CSN_DER_ENUM) || in.left == 0 ||
	    in.left > 5 || in.p[0] >= 0x80 ||
	    (in.left > 1 && in.p[0] == 0 && in.p[1] < 0x80)) {
		spoil(r);
		return 0;
	}
	for (i = 0; i < in.left; i++)
		v = v << 8 | in.p[i];
	if (v > UINT32_MAX)
		spoil(r);
	return v > UINT32_MAX ? 0 : (uint32_t)v;
}
