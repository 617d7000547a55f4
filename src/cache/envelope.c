/* SPDX-License-Identifier: Apache-2.0 */
/* cache/envelope.c - the containers that auto-mode values are stored in. */
#include <lz4.h>
#include <stdatomic.h>
#include <string.h>
#include <xxhash.h>

#include "base/fail.h"
#include "cache/envelope.h"
#include "cache/mp.h"

#define ROOM "cache"
#define HEAD_MAX (1 + 5)		/* array, and a bin's longest header */
#define SHORT 65536
#define SPARE 16	/* tables that are kept; a power of two */
#define TAIL_MAX (1 + 2 * CSN_CHECKSUM_SIZE + 5 + 1 + CSN_ENVELOPE_FORMAT_MAX)

void
csn_checksum(const uint8_t *p, size_t len, uint8_t out[CSN_CHECKSUM_SIZE])
{
	XXH64_canonical_t c;

	XXH64_canonicalFromHash(&c, XXH3_64bits(p, len));
	memcpy(out, c.digest, CSN_CHECKSUM_SIZE);
}

size_t
csn_envelope_bound(size_t len)
{
	/* LZ4's own bound, in 64 bits: it is an int there. */
	return HEAD_MAX + len + len / 255 + 16 + TAIL_MAX;
}

/*
 * Of 64 bytes, evenly spread, noise has some 57 different ones, base64 41 and
 * text fewer. Where nothing repeats, LZ4 looks eight times less closely: a
 * quarter of what packing 1 KiB of noise would take.
 */
#define SAMPLE 64u
#define NOISE 50u		/* different ones */
#define NOISE_STEP 8

static int
acceleration(const uint8_t *p, size_t len)
{
	uint64_t seen[4] = { 0 }, bit;
	size_t i, step = len / SAMPLE;
	unsigned different = 0;

	if (step < 4)
		return 1;
	for (i = 0; i < SAMPLE; i++, p += step) {
		bit = UINT64_C(1) << (*p & 63);
		different += (seen[*p >> 6] & bit) == 0;
		seen[*p >> 6] |= bit;
	}
	return different >= NOISE ? NOISE_STEP : 1;
}

/*
 * Short values through a table that is kept: setting up 16 KiB of it for each
 * costs as much as compressing it. It holds places in the input, none of its
 * bytes. A few threads find their own each time; in thread-local memory it
 * would take a part of every stack of the program.
 */
static int
compress(const char *in, char *out, int len)
{
	static _Atomic(LZ4_stream_t *) spare[SPARE];
	static atomic_uint threads;
	static _Thread_local unsigned mine;
	LZ4_stream_t *table;
	int n;

	if (mine == 0)
		mine = 1 + (atomic_fetch_add(&threads, 1) & (SPARE - 1));
	if (len >= SHORT ||
	    ((table = atomic_exchange(&spare[mine - 1], NULL)) == NULL &&
	    (table = LZ4_createStream()) == NULL))
		return LZ4_compress_default(in, out, len,
		    LZ4_compressBound(len));
	LZ4_resetStream_fast(table);
	n = LZ4_compress_fast_continue(table, in, out, len,
	    LZ4_compressBound(len), acceleration((const uint8_t *)in,
	    (size_t)len));
	(void)LZ4_freeStream(atomic_exchange(&spare[mine - 1], table));
	return n;
}

static size_t
put_bin_header(uint8_t *p, size_t len)
{
	if (len < 256) {
		p[0] = 0xc4;
		p[1] = (uint8_t)len;
		return 2;
	}
	if (len < 65536) {
		p[0] = 0xc5;
		p[1] = (uint8_t)(len >> 8);
		p[2] = (uint8_t)len;
		return 3;
	}
	p[0] = 0xc6;
	p[1] = (uint8_t)(len >> 24);
	p[2] = (uint8_t)(len >> 16);
	p[3] = (uint8_t)(len >> 8);
	p[4] = (uint8_t)len;
	return 5;
}

/* An unsigned integer in its shortest form; its length. */
static size_t
put_uint(uint8_t *p, uint32_t v)
{
	if (v < 128) {
		p[0] = (uint8_t)v;
		return 1;
	}
	if (v < 256) {
		p[0] = 0xcc;
		p[1] = (uint8_t)v;
		return 2;
	}
	if (v < 65536) {
		p[0] = 0xcd;
		p[1] = (uint8_t)(v >> 8);
		p[2] = (uint8_t)v;
		return 3;
	}
	p[0] = 0xce;
	p[1] = (uint8_t)(v >> 24);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 8);
	p[4] = (uint8_t)v;
	return 5;
}

int
csn_envelope_write(struct csn_ctx *ctx, const char *format,
    const uint8_t *in, size_t len, uint8_t *out, size_t *written)
{
	static const uint8_t nothing[1];
	uint8_t checksum[CSN_CHECKSUM_SIZE];
	size_t format_len = strlen(format), guess, head, n, i;
	int size;

	if (len > CSN_ENVELOPE_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "a value of %zu bytes "
		    "is more than the format's 512 MiB", len);
	/*
	 * The bin's header is as long as the block's length wants, which is
	 * known afterwards: guess, and move the block where that was wrong.
	 */
	guess = len < 200 ? 2 : len < 65000 ? 3 : 5;
	size = compress((const char *)(len != 0 ? in : nothing),
	    (char *)out + 1 + guess, (int)len);
	if (size <= 0)
		return csn_fail(ctx, CSN_E_NOMEM, ROOM,
		    "LZ4 could not compress the value");
	n = (size_t)size;
	if (n > CSN_ENVELOPE_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the value does not "
		    "compress below the format's 512 MiB");
	head = n < 256 ? 2 : n < 65536 ? 3 : 5;
	if (head != guess)
		memmove(out + 1 + head, out + 1 + guess, n);
	out[0] = 0x94;
	n += 1 + put_bin_header(out + 1, n);
	csn_checksum(in, len, checksum);
	out[n++] = 0x98;
	for (i = 0; i < CSN_CHECKSUM_SIZE; i++)
		n += put_uint(out + n, checksum[i]);
	n += put_uint(out + n, (uint32_t)len);
	out[n++] = (uint8_t)(0xa0 | format_len);
	memcpy(out + n, format, format_len);
	*written = n + format_len;
	return 0;
}

/* The array of integers that older writers spell the block with. */
static int
read_spelled(struct csn_reader *r, struct csn_envelope *e)
{
	size_t i, before;

	e->data_len = csn_mp_array(r);
	/* A byte at least stands for each, so no count is believed. */
	if (!csn_reader_ok(r) || e->data_len > r->left)
		return 0;
	e->data = r->p;
	before = r->left;
	for (i = 0; i < e->data_len; i++)
		if (csn_mp_uint(r) > 255)
			return 0;
	e->spelled = before - r->left;
	return csn_reader_ok(r);
}

static int
check_limits(const struct csn_ctx *ctx, const struct csn_envelope *e,
    uint64_t original)
{
	if (e->data_len > CSN_ENVELOPE_MAX || original > CSN_ENVELOPE_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "an entry of %zu "
		    "bytes that says it unpacks to %llu: 512 MiB is the most",
		    e->data_len, (unsigned long long)original);
	if (e->data_len == 0 && original != 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "an entry without data "
		    "says it unpacks to %llu bytes",
		    (unsigned long long)original);
	/* Both are below 2^30, so that the product fits 64 bits. */
	if (original > (uint64_t)e->data_len * CSN_ENVELOPE_RATIO)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "an entry of %zu "
		    "bytes says it unpacks to %llu, more than %d times as "
		    "much", e->data_len, (unsigned long long)original,
		    CSN_ENVELOPE_RATIO);
	return 0;
}

int
csn_envelope_read(const struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_envelope *out)
{
	struct csn_envelope e;
	struct csn_reader r;
	uint64_t original;
	size_t i;
	int rc;

	memset(&e, 0, sizeof(e));
	csn_reader_init(&r, p, len);
	if (csn_mp_array(&r) != 4)
		goto bad;
	if (csn_mp_is_bin(&r))
		e.data = csn_mp_bin(&r, &e.data_len);
	else if (!read_spelled(&r, &e))
		goto bad;
	if (csn_mp_array(&r) != CSN_CHECKSUM_SIZE)
		goto bad;
	for (i = 0; i < CSN_CHECKSUM_SIZE; i++) {
		original = csn_mp_uint(&r);
		if (original > 255)
			goto bad;
		e.checksum[i] = (uint8_t)original;
	}
	original = csn_mp_uint(&r);
	e.format = csn_mp_str(&r, &e.format_len);
	if (!csn_reader_done(&r))
		goto bad;
	if ((rc = check_limits(ctx, &e, original)) != 0)
		return rc;
	e.original = (size_t)original;
	*out = e;
	return 0;

bad:
	return csn_fail(ctx, CSN_E_FORM, ROOM, "the value's container is not "
	    "ByteStorage's array of data, checksum, size and format");
}

int
csn_envelope_unpack(const struct csn_ctx *ctx, const struct csn_envelope *e,
    uint8_t *room, uint8_t *out)
{
	uint8_t is[CSN_CHECKSUM_SIZE];
	const uint8_t *data = e->data;
	struct csn_reader r;
	size_t i;
	int n = 0;

	if (e->spelled != 0) {
		csn_reader_init(&r, e->data, e->spelled);
		for (i = 0; i < e->data_len; i++)
			room[i] = (uint8_t)csn_mp_uint(&r);
		data = room;
	}
	/* LZ4 asks for a byte of room even where there is nothing. */
	if (e->data_len != 0)
		n = LZ4_decompress_safe((const char *)data, (char *)out,
		    (int)e->data_len, (int)e->original);
	if (n < 0 || (size_t)n != e->original) {
		csn_wipe(out, e->original);
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the value's LZ4 block "
		    "is broken, or not of the size that it says");
	}
	csn_checksum(out, e->original, is);
	if (memcmp(is, e->checksum, sizeof(is)) != 0) {	/* public */
		csn_wipe(out, e->original);
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the value does not "
		    "have the checksum that was stored with it");
	}
	return 0;
}
