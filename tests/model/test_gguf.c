/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF: what is read, and each reason to refuse; among them what made other
 * readers fail: CVE-2025-53630 and CVE-2026-27940 (sums of sizes that wrap),
 * CVE-2026-33298 (products of dimensions that wrap), CVE-2026-7482 (dimensions
 * that lie), CVE-2024-21802 (counts), zero dimensions, arrays without end.
 */
#include "model/made.h"

#include "lib/test.h"

static struct csn_ctx *ctx;
static struct made f;

BEFORE_EACH { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }

AFTER_EACH
{
	made_free(&f);
	csn_ctx_free(ctx);
}

/* f is refused with that code, and the sentence has the words. */
static void
refused(int code, const char *words)
{
	int rc = made_verdict(ctx, &f);

	if (rc != code || strstr(csn_message(), words) == NULL)
		fail_msg("%d \"%s\", not %d \"%s\"", rc, csn_message(), code,
		    words);
}

static const uint64_t eight[] = { 8 }, twice[] = { 32, 2 };

/* One tensor of 8 F32, with what a test changes. */
static void
one(const char *name, uint32_t type, uint64_t offset, size_t ndims,
    const uint64_t *dims, size_t len)
{
	made_gguf(&f, 1, 0);
	made_tensor(&f, name, type, offset, ndims, dims);
	made_data(&f, 32, len);
}

static void
number(const char *key, uint32_t kind, uint64_t v, size_t len)
{
	uint8_t p[8];
	size_t i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	made_key(&f, key, kind);
	made_put(&f, p, len);
}

TEST(tensors_and_values_of_each_type_are_read)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	struct csn_model_facts facts = { .size = sizeof(facts) };
	struct csn_model_value v = { .size = sizeof(v) };
	const float single = 1.5f;
	const double real = -2.25;
	const char *name = "m.gguf";
	struct made *file = &f;
	struct csn_model *m;
	uint8_t got[3];
	char *text;
	uint64_t bits;
	uint32_t b32;
	size_t i, len;

	made_gguf(&f, 2, 15);
	made_key(&f, "general.name", 8);
	made_string(&f, "tiny");
	number("u8", 0, 200, 1);
	number("i8", 1, 0xfe, 1);
	number("u16", 2, 0xffff, 2);
	number("i16", 3, 0x8000, 2);
	number("u32", 4, 0xffffffff, 4);
	number("i32", 5, 0xffffffff, 4);
	memcpy(&b32, &single, sizeof(b32));
	number("f32", 6, b32, 4);
	number("bool", 7, 1, 1);
	number("u64", 10, UINT64_MAX, 8);
	number("i64", 11, UINT64_MAX, 8);
	memcpy(&bits, &real, sizeof(bits));
	number("f64", 12, bits, 8);
	made_key(&f, "tokens", 9);
	made_u32(&f, 8);
	made_u64(&f, 2);
	made_string(&f, "a");
	made_string(&f, "\xff");
	made_key(&f, "scores", 9);
	made_u32(&f, 6);
	made_u64(&f, 3);
	made_zeros(&f, 12);
	number("general.alignment", 4, 64, 4);
	made_tensor(&f, "q", 2, 64, 2, twice);
	made_tensor(&f, "t", 0, 0, 1, eight);
	made_data(&f, 64, 100);		/* 32, 32 of padding, 36 */
	assert_int_equal(made_read(ctx, &file, &name, 1, &m), 0);
	assert_int_equal(csn_model_facts(m, &facts), 0);
	assert_int_equal(facts.format, CSN_MODEL_GGUF);
	assert_int_equal(facts.version, 3);
	assert_int_equal(facts.alignment, 64);
	assert_int_equal(facts.metadata, 15);
	assert_int_equal(facts.data_bytes, 68);
	assert_int_equal(csn_model_find(m, "q", &t, &i), 0);
	assert_string_equal(t.dtype, "Q4_0");
	assert_int_equal(t.block, 32);
	assert_int_equal(t.length, 36);
	assert_int_equal(t.elements, 64);
	assert_int_equal(csn_model_tensor_read(m, i, 33, got, 3), 0);
	assert_memory_equal(got, "\x62\x63\x64", 3);
	assert_int_equal(csn_model_get(m, "i8", &v), 0);
	assert_int_equal(v.integer, -2);
	assert_int_equal(csn_model_get(m, "i16", &v), 0);
	assert_int_equal(v.integer, -32768);
	assert_int_equal(csn_model_get(m, "i32", &v), 0);
	assert_int_equal(v.integer, -1);
	assert_int_equal(csn_model_get(m, "i64", &v), 0);
	assert_int_equal(v.integer, -1);
	assert_int_equal(csn_model_get(m, "u64", &v), 0);
	assert_true(v.number == UINT64_MAX);
	assert_int_equal(csn_model_get(m, "u16", &v), 0);
	assert_int_equal(v.number, 0xffff);
	assert_int_equal(csn_model_get(m, "f32", &v), 0);
	assert_true(v.real == 1.5);
	assert_int_equal(csn_model_get(m, "f64", &v), 0);
	assert_true(v.real == -2.25);
	assert_int_equal(csn_model_get(m, "bool", &v), 0);
	assert_int_equal(v.type, CSN_MODEL_BOOL);
	assert_int_equal(csn_model_get(m, "tokens", &v), 0);
	assert_int_equal(v.type, CSN_MODEL_ARRAY);
	assert_int_equal(v.item, 8);
	assert_int_equal(v.count, 2);
	assert_int_equal(v.length, 18);
	assert_int_equal(csn_model_text(m, 0, 4, &text, &len), 0);
	assert_string_equal(text, "tiny");
	csn_free(text);
	assert_int_equal(csn_model_text(m, 1, 4, &text, &len), CSN_E_ARG);
	assert_int_equal(csn_model_get(m, "none", &v), CSN_E_NOT_FOUND);
	csn_model_free(m);
}

/* As gguf-py 0.19.0 has them, but for Q8_1: ggml-common.h has 36. */
TEST(every_type_has_its_blocks)
{
	static const struct { uint32_t type, block, bytes; } types[] = {
	    { 0, 1, 4 }, { 1, 1, 2 }, { 2, 32, 18 }, { 3, 32, 20 },
	    { 6, 32, 22 }, { 7, 32, 24 }, { 8, 32, 34 }, { 9, 32, 36 },
	    { 10, 256, 84 }, { 11, 256, 110 }, { 12, 256, 144 },
	    { 13, 256, 176 }, { 14, 256, 210 }, { 15, 256, 292 },
	    { 16, 256, 66 }, { 17, 256, 74 }, { 18, 256, 98 },
	    { 19, 256, 50 }, { 20, 32, 18 }, { 21, 256, 110 },
	    { 22, 256, 82 }, { 23, 256, 136 }, { 24, 1, 1 }, { 25, 1, 2 },
	    { 26, 1, 4 }, { 27, 1, 8 }, { 28, 1, 8 }, { 29, 256, 56 },
	    { 30, 1, 2 }, { 34, 256, 54 }, { 35, 256, 66 }, { 39, 32, 17 } };
	static const uint32_t removed[] = { 4, 5, 31, 32, 33, 36, 37, 38 };
	uint64_t dims[2] = { 0, 3 };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		dims[0] = 2 * types[i].block;
		one("t", types[i].type, 0, 2, dims, 6 * types[i].bytes);
		assert_int_equal(made_verdict(ctx, &f), 0);
		one("t", types[i].type, 0, 2, dims, 6 * types[i].bytes - 1);
		refused(CSN_E_FORM, "behind the end");
		/* Past the padding that may follow. */
		one("t", types[i].type, 0, 2, dims,
		    6 * types[i].bytes + 33);
		refused(CSN_E_FORM, "belong to no tensor");
	}
	for (i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
		one("t", removed[i], 0, 1, eight, 64);
		refused(CSN_E_FORM, "was removed");
	}
}

TEST(what_is_odd_but_sound_is_read)
{
	static const char longest[65] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	    "nnnnnnnnnnnnnnnnnnnnnnnnnnn";

	one("t", 0, 0, 0, NULL, 4);	/* a scalar */
	assert_int_equal(made_verdict(ctx, &f), 0);
	one(longest, 0, 0, 1, eight, 32);
	assert_int_equal(made_verdict(ctx, &f), 0);
	/* Nothing at all, with and without the padding. */
	made_gguf(&f, 0, 0);
	assert_int_equal(made_verdict(ctx, &f), 0);
	made_gguf(&f, 0, 0);
	made_zeros(&f, 8);
	assert_int_equal(made_verdict(ctx, &f), 0);
	/* The last one is padded, too. */
	one("t", 0, 0, 0, NULL, 4);
	made_zeros(&f, 28);
	assert_int_equal(made_verdict(ctx, &f), 0);
	one("t", 0, 0, 1, eight, 32);
	f.p[4] = 2;
	assert_int_equal(made_verdict(ctx, &f), 0);
}

TEST(a_type_that_is_not_known_keeps_its_bytes)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	const char *name = "m.gguf";
	struct made *file = &f;
	struct csn_model *m;

	made_gguf(&f, 3, 0);
	made_tensor(&f, "a", 999, 0, 1, eight);
	made_tensor(&f, "b", 0, 96, 1, eight);
	made_tensor(&f, "c", 41, 128, 1, eight);
	made_data(&f, 32, 150);
	assert_int_equal(made_read(ctx, &file, &name, 1, &m), 0);
	assert_int_equal(csn_model_tensor(m, 0, &t), 0);
	assert_int_equal(t.length, 96);
	assert_int_equal(t.flags, CSN_MODEL_UNKNOWN);
	assert_string_equal(t.dtype, "unknown");
	assert_int_equal(t.type, 999);
	assert_int_equal(csn_model_tensor(m, 2, &t), 0);
	assert_int_equal(t.length, 22);
	csn_model_free(m);
	made_free(&f);
	one("a", 999, 0, 1, eight, 0);
	refused(CSN_E_FORM, "has no bytes");
}

TEST(another_version_or_byte_order_is_told)
{
	static const uint32_t versions[] = { 0, 1, 4, 0x03000000, UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		made_put(&f, "GGUF", 4);
		made_u32(&f, versions[i]);
		made_zeros(&f, 16);
		refused(CSN_E_VERSION, i == 3 ? "big-endian" : "version");
	}
}

TEST(counts_that_lie_are_refused_before_memory_is_taken)
{
	made_gguf(&f, UINT64_MAX, 0);
	refused(CSN_E_LIMIT, "are allowed");
	made_gguf(&f, 0, UINT64_C(1) << 63);
	refused(CSN_E_LIMIT, "are allowed");
	made_gguf(&f, (1 << 20) + 1, 0);
	refused(CSN_E_LIMIT, "are allowed");
	made_gguf(&f, 1 << 20, 1 << 16);
	refused(CSN_E_FORM, "do not fit");
	/* One key more than there are. */
	made_gguf(&f, 0, 2);
	number("a", 4, 1, 4);
	made_zeros(&f, 20);
	refused(CSN_E_FORM, "1 to 65535");
}

TEST(strings_and_arrays_that_reach_past_the_end_are_refused)
{
	made_gguf(&f, 0, 1);
	made_key(&f, "k", 8);
	made_u64(&f, UINT64_C(1) << 63);
	refused(CSN_E_FORM, "are left");
	made_gguf(&f, 0, 1);
	made_key(&f, "k", 9);
	made_u32(&f, 8);
	made_u64(&f, UINT64_C(1) << 63);
	refused(CSN_E_FORM, "are left");
	made_gguf(&f, 0, 1);
	made_key(&f, "k", 9);
	made_u32(&f, 12);
	made_u64(&f, UINT64_C(0x2000000000000001));	/* 8 times it is 8 */
	made_zeros(&f, 8);
	refused(CSN_E_FORM, "are left");
	made_gguf(&f, 0, 1);
	made_key(&f, "k", 9);
	made_u32(&f, 8);
	made_u64(&f, 1);
	made_u64(&f, 2);
	made_put(&f, "x", 1);
	refused(CSN_E_FORM, "are left");
	made_gguf(&f, 0, 1);
	made_u64(&f, UINT64_MAX);
	made_zeros(&f, 8);
	refused(CSN_E_FORM, "are left");
}

TEST(keys_and_values_that_make_no_sense_are_refused)
{
	made_gguf(&f, 0, 1);
	number("", 4, 1, 4);
	made_zeros(&f, 8);
	refused(CSN_E_FORM, "1 to 65535");
	made_gguf(&f, 0, 2);
	number("a", 4, 1, 4);
	number("a", 4, 1, 4);
	refused(CSN_E_FORM, "twice");
	made_gguf(&f, 0, 1);
	number("a b", 4, 1, 4);
	refused(CSN_E_FORM, "printable");
	made_gguf(&f, 0, 1);
	number("a\xc3\xa4", 4, 1, 4);
	refused(CSN_E_FORM, "printable");
	made_gguf(&f, 0, 1);
	number("a", 13, 1, 4);
	refused(CSN_E_FORM, "no known type (13)");
	made_gguf(&f, 0, 1);
	number("a", 7, 2, 1);
	refused(CSN_E_FORM, "neither 0 nor 1");
	made_gguf(&f, 0, 1);
	made_key(&f, "a", 9);
	made_u32(&f, 7);
	made_u64(&f, 3);
	made_put(&f, "\0\1\2", 3);
	refused(CSN_E_FORM, "neither 0 nor 1");
	made_gguf(&f, 0, 1);
	made_key(&f, "a", 9);
	made_u32(&f, 9);
	made_u64(&f, 1);
	made_zeros(&f, 12);
	refused(CSN_E_FORM, "array of arrays");
	made_gguf(&f, 0, 1);
	made_key(&f, "a", 9);
	made_u32(&f, 13);
	made_u64(&f, 1);
	made_zeros(&f, 12);
	refused(CSN_E_FORM, "no known type");
	made_gguf(&f, 0, 1);
	made_key(&f, "a", 8);
	made_string(&f, "\xff");
	refused(CSN_E_FORM, "not UTF-8");
	made_gguf(&f, 0, 1);
	made_key(&f, "a", 8);
	made_string(&f, "\xe2\x82");
	refused(CSN_E_FORM, "within a character");
}

TEST(an_alignment_that_makes_no_sense_is_refused)
{
	static const struct { uint32_t kind, v; int code; } wrong[] = {
	    { 4, 0, CSN_E_FORM }, { 4, 33, CSN_E_FORM },
	    { 4, 4, CSN_E_LIMIT }, { 4, 1u << 21, CSN_E_LIMIT },
	    { 4, 1u << 31, CSN_E_LIMIT }, { 5, 32, CSN_E_FORM } };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		made_gguf(&f, 0, 1);
		number("general.alignment", wrong[i].kind, wrong[i].v, 4);
		refused(wrong[i].code, "general.alignment");
	}
}

TEST(tensors_that_make_no_sense_are_refused)
{
	static const uint64_t five[] = { 1, 1, 1, 1, 1 }, zero[] = { 8, 0 },
	    negative[] = { UINT64_MAX }, odd[] = { 33 };

	one("t", 0, 0, 5, five, 4);
	refused(CSN_E_FORM, "5 dimensions");
	one("t", 0, 0, 2, zero, 4);
	refused(CSN_E_FORM, "is zero");
	one("t", 0, 0, 1, negative, 4);
	refused(CSN_E_FORM, "2^63 or more");
	one("t", 2, 0, 1, odd, 36);
	refused(CSN_E_FORM, "whole blocks of Q4_0");
	one("t", 12, 0, 0, NULL, 144);
	refused(CSN_E_FORM, "whole blocks of Q4_K");
	one("t", 4, 0, 1, eight, 32);
	refused(CSN_E_FORM, "was removed");
	one("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	    "nnnnnnnnnnnnnnnnnnnnnnnnn", 0, 0, 1, eight, 32);
	refused(CSN_E_FORM, "0 to 64");
	one("\xff", 0, 0, 1, eight, 32);
	refused(CSN_E_FORM, "not UTF-8");
	one("\xc3", 0, 0, 1, eight, 32);
	refused(CSN_E_FORM, "not UTF-8");
	one("t", 0, 0, 1, eight, 32);
	f.p[32] = 0;
	refused(CSN_E_FORM, "has a NUL");
	made_gguf(&f, 2, 0);
	made_tensor(&f, "t", 0, 0, 1, eight);
	made_tensor(&f, "t", 0, 32, 1, eight);
	made_data(&f, 32, 64);
	refused(CSN_E_FORM, "twice");
}

TEST(sizes_that_wrap_are_refused)
{
	static const uint64_t product[] = { UINT64_C(1) << 32,
	    UINT64_C(1) << 32 }, bytes[] = { UINT64_C(1) << 62 },
	    blocks[] = { INT64_MAX - 31, 2 }, four[] = { 1u << 31, 1u << 31,
	    4, 1 };

	one("t", 0, 0, 2, product, 4);
	refused(CSN_E_FORM, "64 bits");
	one("t", 0, 0, 1, bytes, 4);
	refused(CSN_E_FORM, "64 bits");
	one("t", 2, 0, 2, blocks, 4);
	refused(CSN_E_FORM, "64 bits");
	one("t", 24, 0, 4, four, 4);
	refused(CSN_E_FORM, "64 bits");
	/* The last one whose bits still fit. */
	one("t", 24, 0, 1, (const uint64_t[]){ (UINT64_C(1) << 61) - 1 }, 4);
	refused(CSN_E_FORM, "end of the file");
	/* Offset and size wrap together. */
	one("t", 0, UINT64_C(1) << 63, 1, eight, 32);
	refused(CSN_E_FORM, "end of the file");
	one("t", 0, UINT64_MAX - 31, 1, eight, 32);
	refused(CSN_E_FORM, "end of the file");
}

TEST(ranges_that_lie_are_refused)
{
	static const struct {
		uint64_t a, b;
		size_t len;
		const char *why;
	} wrong[] = {
		{ 0, 0, 64, "lies over" }, { 0, 64, 96, "hole" },
		{ 32, 64, 96, "hole" }, { 0, 32, 65, "belong to no tensor" },
		{ 0, 32, 63, "behind the end" }, { 0, 16, 64, "no multiple" },
		{ 0, 32, 128, "belong to no tensor" },
		{ 0, 32, 16, "behind the end" }
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		made_gguf(&f, 2, 0);
		made_tensor(&f, "a", 0, wrong[i].a, 1, eight);
		made_tensor(&f, "b", 0, wrong[i].b, 1, eight);
		made_data(&f, 32, wrong[i].len);
		refused(CSN_E_FORM, wrong[i].why);
	}
	/* In any order. */
	made_gguf(&f, 2, 0);
	made_tensor(&f, "a", 0, 32, 1, eight);
	made_tensor(&f, "b", 0, 0, 1, eight);
	made_data(&f, 32, 64);
	assert_int_equal(made_verdict(ctx, &f), 0);
	/* A header without its data. */
	made_gguf(&f, 1, 0);
	made_tensor(&f, "a", 0, 0, 1, eight);
	refused(CSN_E_FORM, "before its data");
}

TEST(a_file_that_is_cut_anywhere_is_refused)
{
	struct made whole = { NULL };
	size_t i;

	made_gguf(&f, 1, 4);
	made_key(&f, "s", 8);
	made_string(&f, "text");
	number("n", 4, 1, 4);
	number("b", 7, 1, 1);
	made_key(&f, "a", 9);
	made_u32(&f, 8);
	made_u64(&f, 2);
	made_string(&f, "x");
	made_string(&f, "y");
	made_tensor(&f, "t", 0, 0, 1, eight);
	made_data(&f, 32, 32);
	whole = f;
	memset(&f, 0, sizeof(f));
	for (i = 4; i < whole.len; i++) {
		made_put(&f, whole.p, i);
		assert_int_equal(made_verdict(ctx, &f), CSN_E_FORM);
	}
	assert_int_equal(made_verdict(ctx, &whole), 0);
}
