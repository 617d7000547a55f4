/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: what is read, and each reason to refuse. */
#include "model/made.h"

#include "lib/test.h"

static struct csn_ctx *ctx;
static struct made file;
static struct csn_model *model;

BEFORE_EACH { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }

AFTER_EACH
{
	csn_model_free(model);
	model = NULL;
	made_free(&file);
	csn_ctx_free(ctx);
}

static int
read_it(const char *header, size_t len)
{
	struct made *f = &file;
	const char *name = "m.safetensors";

	made_free(&file);
	csn_model_free(model);
	model = NULL;
	made_safetensors(&file, header, len);
	return made_read(ctx, &f, &name, 1, &model);
}

/* It is refused with that code, and the sentence has the words. */
static void
refused(const char *header, size_t len, int code, const char *words)
{
	int rc = read_it(header, len);

	if (rc != code || strstr(csn_message(), words) == NULL)
		fail_msg("%s: %d \"%s\", not %d \"%s\"", header, rc,
		    csn_message(), code, words);
	assert_null(model);
}

TEST(names_shapes_ranges_and_metadata_are_read)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	struct csn_model_facts f = { .size = sizeof(f) };
	struct csn_model_value v = { .size = sizeof(v) };
	uint8_t got[4];
	size_t i, len;
	char *text;

	assert_int_equal(read_it("{\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],"
	    "\"data_offsets\":[4,12]},\"__metadata__\":{\"format\":\"pt\","
	    "\"a\\u00e4\":\"x\\n\\ud83d\\ude00\\u0000y\"},\"a\":{\"shape\":[2,"
	    "2],\"more\":[1,{\"x\":null}],\"dtype\":\"U8\",\"data_offsets\":"
	    "[0,4]}}  ", 12), 0);
	assert_int_equal(csn_model_facts(model, &f), 0);
	assert_int_equal(f.format, CSN_MODEL_SAFETENSORS);
	assert_int_equal(f.tensors, 2);
	assert_int_equal(f.data_bytes, 12);
	assert_int_equal(f.elements, 6);
	assert_int_equal(csn_model_find(model, "a", &t, &i), 0);
	assert_int_equal(i, 1);
	assert_int_equal(t.ndims, 2);
	assert_int_equal(t.dims[1], 2);
	assert_string_equal(t.dtype, "U8");
	assert_int_equal(csn_model_tensor_read(model, i, 1, got, 3), 0);
	assert_memory_equal(got, "\2\3\4", 3);
	assert_int_equal(csn_model_tensor_read(model, i, 2, got, 3),
	    CSN_E_ARG);
	assert_int_equal(got[0], 0);
	assert_int_equal(csn_model_find(model, "c", &t, NULL),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_model_get(model, "a\xc3\xa4", &v), 0);
	assert_int_equal(v.type, CSN_MODEL_STRING);
	assert_int_equal(csn_model_text(model, 1, 100, &text, &len), 0);
	assert_int_equal(len, v.count);
	assert_memory_equal(text, "x\n\xf0\x9f\x98\x80\0y", 9);
	csn_free(text);
	assert_int_equal(csn_model_text(model, 1, 7, &text, &len),
	    CSN_E_LIMIT);
}

/* The rest of a large file is not read for one tensor of it. */
TEST(one_tensor_is_read_without_the_rest)
{
	uint8_t got[16];

	assert_int_equal(read_it("{\"big\":{\"dtype\":\"U8\",\"shape\":"
	    "[1000000],\"data_offsets\":[0,1000000]},\"t\":{\"dtype\":\"U8\","
	    "\"shape\":[16],\"data_offsets\":[1000000,1000016]}}", 1000016), 0);
	assert_int_equal(csn_model_tensor_read(model, 1, 0, got, 16), 0);
	assert_int_equal(got[0], (1000001) & 0xff);
	assert_true(file.reads < 512);
}

TEST(every_type_has_its_bits)
{
	static const struct { const char *name; unsigned bits; } types[] = {
	    { "BOOL", 8 }, { "U8", 8 }, { "I8", 8 }, { "F8_E5M2", 8 },
	    { "F8_E4M3", 8 }, { "F8_E8M0", 8 }, { "F8_E4M3FNUZ", 8 },
	    { "F8_E5M2FNUZ", 8 }, { "I16", 16 }, { "U16", 16 },
	    { "F16", 16 }, { "BF16", 16 }, { "I32", 32 }, { "U32", 32 },
	    { "F32", 32 }, { "I64", 64 }, { "U64", 64 }, { "F64", 64 },
	    { "C64", 64 }, { "F4", 4 }, { "F6_E2M3", 6 }, { "F6_E3M2", 6 } };
	struct csn_model_tensor t = { .size = sizeof(t) };
	char header[256];
	size_t i;

	assert_int_equal(sizeof(types) / sizeof(types[0]), 22);
	for (i = 0; i < 22; i++) {
		snprintf(header, sizeof(header), "{\"t\":{\"dtype\":\"%s\","
		    "\"shape\":[4,2],\"data_offsets\":[0,%u]}}",
		    types[i].name, types[i].bits);
		assert_int_equal(read_it(header, types[i].bits), 0);
		assert_int_equal(csn_model_tensor(model, 0, &t), 0);
		assert_string_equal(t.dtype, types[i].name);
		refused(header, types[i].bits - 1, CSN_E_FORM, "ends behind");
	}
}

#define T(name, dtype, shape, from, to) \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape \
	"],\"data_offsets\":[" #from "," #to "]}"

TEST(what_is_odd_but_sound_is_read)
{
	struct csn_model_tensor t = { .size = sizeof(t) };

	assert_int_equal(read_it("{}", 0), 0);
	assert_int_equal(read_it("{\"__metadata__\":{}}", 0), 0);
	assert_int_equal(read_it("{" T("", "F32", "", 0, 4) "}", 4), 0);
	assert_int_equal(csn_model_find(model, "", &t, NULL), 0);
	assert_int_equal(t.ndims, 0);
	assert_int_equal(t.elements, 1);
	assert_int_equal(read_it("{" T("z", "F32", "0,7", 2, 2) ","
	    T("a", "U8", "2", 0, 2) "," T("b", "U8", "1", 2, 3) "}", 3), 0);
	/* Exact above 2^53, where a double is not. */
	assert_int_equal(read_it("{" T("z", "U8", "9007199254740993,0", 0, 0)
	    "}", 0), 0);
	assert_int_equal(csn_model_tensor(model, 0, &t), 0);
	assert_true(t.dims[0] == UINT64_C(9007199254740993));
}

TEST(a_tensor_that_is_not_aligned_says_so)
{
	struct csn_model_tensor t = { .size = sizeof(t) };

	assert_int_equal(read_it("{" T("a", "F32", "1", 0, 4) "}  ", 4), 0);
	assert_int_equal(csn_model_tensor(model, 0, &t), 0);
	assert_int_equal(t.flags, (file.len - 4) % 4 != 0 ?
	    CSN_MODEL_UNALIGNED : 0);
	assert_int_equal(read_it("{" T("a", "F32", "1", 0, 4) "}   ", 4), 0);
	assert_int_equal(csn_model_tensor(model, 0, &t), 0);
	assert_int_equal(t.flags, (file.len - 4) % 4 != 0 ?
	    CSN_MODEL_UNALIGNED : 0);
}

TEST(ranges_that_lie_are_refused)
{
	refused("{" T("a", "U8", "4", 0, 4) "," T("b", "U8", "4", 5, 9) "}", 9,
	    CSN_E_FORM, "hole");
	refused("{" T("a", "U8", "4", 1, 5) "}", 5, CSN_E_FORM, "hole");
	refused("{" T("a", "U8", "4", 0, 4) "," T("b", "U8", "4", 3, 7) "}", 7,
	    CSN_E_FORM, "lies over");
	refused("{" T("a", "U8", "4", 0, 4) "," T("b", "U8", "4", 0, 4) "}", 4,
	    CSN_E_FORM, "lies over");
	refused("{" T("a", "U8", "4", 0, 4) "}", 5, CSN_E_FORM,
	    "belong to no tensor");
	refused("{}", 1, CSN_E_FORM, "belong to no tensor");
	refused("{" T("a", "U8", "4", 0, 4) "}", 3, CSN_E_FORM, "ends behind");
	refused("{" T("a", "U8", "4", 4, 0) "}", 4, CSN_E_FORM,
	    "before it begins");
	refused("{" T("a", "U8", "4", 0, 18446744073709551615) "}", 4,
	    CSN_E_FORM, "ends behind");
	refused("{" T("a", "U8", "3", 0, 4) "}", 4, CSN_E_FORM, "3 bytes by");
	refused("{" T("a", "F4", "3", 0, 1) "}", 1, CSN_E_FORM,
	    "not whole bytes");
}

TEST(shapes_that_wrap_are_refused)
{
	refused("{" T("a", "U8", "4294967297,4294967296,4", 0, 4) "}", 4,
	    CSN_E_FORM, "64 bits");
	refused("{" T("a", "F32", "4611686018427387905", 0, 4) "}", 4,
	    CSN_E_FORM, "64 bits");
	refused("{" T("a", "U8", "9223372036854775808,4,0", 0, 0) "}", 0,
	    CSN_E_FORM, "64 bits");
}

TEST(numbers_that_are_none_are_refused)
{
	refused("{" T("a", "U8", "-1", 0, 4) "}", 4, CSN_E_FORM, "no integer");
	refused("{" T("a", "U8", "4.0", 0, 4) "}", 4, CSN_E_FORM,
	    "no integer");
	refused("{" T("a", "U8", "4e0", 0, 4) "}", 4, CSN_E_FORM,
	    "no integer");
	refused("{" T("a", "U8", "04", 0, 4) "}", 4, CSN_E_FORM, "a zero");
	refused("{" T("a", "U8", "18446744073709551616", 0, 4) "}", 4,
	    CSN_E_FORM, "2^64");
	refused("{" T("a", "U8", "\"4\"", 0, 4) "}", 4, CSN_E_FORM,
	    "no integer");
}

TEST(an_entry_has_its_three_fields_once)
{
	refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":"
	    "[0,4,4]}}", 4, CSN_E_FORM, "two offsets");
	refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":"
	    "[0]}}", 4, CSN_E_FORM, "two offsets");
	refused("{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
	    CSN_E_FORM, "lacks its dtype");
	refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4,
	    CSN_E_FORM, "lacks its shape");
	refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, CSN_E_FORM,
	    "lacks its data_offsets");
	refused("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],"
	    "\"data_offsets\":[0,4]}}", 4, CSN_E_FORM, "dtype is there twice");
	refused("{" T("a", "F33", "1", 0, 4) "}", 4, CSN_E_FORM,
	    "no type F33");
	refused("{\"a\":4}", 4, CSN_E_FORM, "object of a tensor");
}

TEST(what_two_readers_could_see_in_two_ways_is_refused)
{
	refused("{" T("a", "U8", "4", 0, 4) "," T("a", "U8", "4", 0, 4) "}", 4,
	    CSN_E_FORM, "tensor a is there twice");
	refused("{" T("a", "U8", "4", 0, 4) "," T("\\u0061", "U8", "4", 4, 8)
	    "}", 8, CSN_E_FORM, "tensor a is there twice");
	refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, CSN_E_FORM,
	    "key k is there twice");
	refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, CSN_E_FORM,
	    "__metadata__ is there twice");
	refused("{" T("a\\u0000b", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "a NUL");
	refused(" {}", 0, CSN_E_FORM, "begin with {");
	refused("{}\n", 0, CSN_E_FORM, "more than spaces");
	refused("{}{}", 0, CSN_E_FORM, "more than spaces");
	refused("[]", 0, CSN_E_FORM, "begin with {");
	refused("{\"__metadata__\":{\"k\":1}}", 0, CSN_E_FORM, "a string");
	refused("{\"__metadata__\":{\"k\":{\"a\":\"b\"}}}", 0, CSN_E_FORM,
	    "a string");
}

TEST(text_that_is_no_text_is_refused)
{
	refused("{" T("\xff", "U8", "4", 0, 4) "}", 4, CSN_E_FORM, "UTF-8");
	refused("{" T("\xc0\x80", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "UTF-8");
	refused("{" T("\xed\xa0\x80", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "UTF-8");
	refused("{" T("\xc3", "U8", "4", 0, 4) "}", 4, CSN_E_FORM, "UTF-8");
	refused("{" T("\\ud800", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "surrogate");
	refused("{" T("\\udc00", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "surrogate");
	refused("{" T("\\ud800\\u0041", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "surrogate");
	refused("{" T("\\q", "U8", "4", 0, 4) "}", 4, CSN_E_FORM, "escape");
	refused("{" T("\\u00g0", "U8", "4", 0, 4) "}", 4, CSN_E_FORM,
	    "hex digits");
	refused("{" T("a\n", "U8", "4", 0, 4) "}", 4, CSN_E_FORM, "control");
	refused("{" T("a", "U8", "4", 0, 4) "," "}", 4, CSN_E_FORM,
	    "a string");
	refused("{" T("a", "U8", "4", 0, 4) " " T("b", "U8", "0", 0, 4) "}",
	    4, CSN_E_FORM, "a comma");
}

TEST(values_that_lie_too_deep_are_refused)
{
	char header[1024] = "{\"a\":{\"x\":";
	size_t i, at = strlen(header);

	for (i = 0; i < 300; i++)
		header[at + i] = '[';
	refused(header, 0, CSN_E_FORM, "deep");
}

TEST(lengths_that_lie_are_refused_before_memory_is_taken)
{
	static const struct { uint64_t n; int code; } lengths[] = {
	    { 0, CSN_E_FORM }, { 3, CSN_E_FORM }, { 100000000, CSN_E_FORM },
	    { 100000001, CSN_E_LIMIT }, { UINT64_C(1) << 63, CSN_E_LIMIT },
	    { UINT64_MAX, CSN_E_LIMIT }, { UINT64_MAX - 7, CSN_E_LIMIT } };
	struct made f = { NULL };
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		made_u64(&f, lengths[i].n);
		made_put(&f, "{}", 2);
		assert_int_equal(made_verdict(ctx, &f), lengths[i].code);
	}
	assert_int_equal(made_verdict(ctx, &f), CSN_E_FORM);
}

TEST(a_file_that_is_cut_anywhere_is_refused)
{
	const char *header = "{\"__metadata__\":{\"k\":\"v\"},"
	    T("a", "F16", "2", 0, 4) "," T("b", "U8", "4", 4, 8) "}";
	struct made whole = { NULL }, f = { NULL };
	size_t i;

	made_safetensors(&whole, header, 8);
	for (i = 0; i < whole.len; i++) {
		made_put(&f, whole.p, i);
		assert_int_equal(made_verdict(ctx, &f), CSN_E_FORM);
		/* And with the length told so that it fits. */
		if (i < 9 || i >= 8 + strlen(header))
			continue;
		made_u64(&f, i - 8);
		made_put(&f, whole.p + 8, i - 8);
		assert_int_equal(made_verdict(ctx, &f), CSN_E_FORM);
	}
	assert_int_equal(made_verdict(ctx, &whole), 0);
}

TEST(a_source_that_fails_or_shrinks_is_told)
{
	struct made f = { .fails = CSN_E_TAG };

	made_safetensors(&f, "{}", 0);
	assert_int_equal(made_verdict(ctx, &f), CSN_E_TAG);
	f.lies = 1;
	made_safetensors(&f, "{}", 0);
	assert_int_equal(made_verdict(ctx, &f), CSN_E_IO);
}

TEST(memory_has_a_limit_that_the_caller_sets)
{
	const struct csn_model_options o = { .size = sizeof(o),
	    .max_memory = 65536 };
	const struct csn_model_source *source = &file.source;
	struct made *f = &file;
	const char *name = "m";
	char entry[128];
	size_t i;

	made_u64(&file, 0);
	made_put(&file, "{", 1);
	for (i = 0; i < 3000; i++) {
		snprintf(entry, sizeof(entry), "%s\"t%zu\":{\"dtype\":\"U8\","
		    "\"shape\":[0],\"data_offsets\":[0,0]}", i > 0 ? "," : "",
		    i);
		made_put(&file, entry, strlen(entry));
	}
	made_put(&file, "}", 1);
	file.p[0] = (uint8_t)(file.len - 8);
	file.p[1] = (uint8_t)((file.len - 8) >> 8);
	file.p[2] = (uint8_t)((file.len - 8) >> 16);
	assert_int_equal(made_read(ctx, &f, &name, 1, &model), 0);
	csn_model_free(model);
	model = NULL;
	assert_int_equal(csn_model_read(ctx, &source, 1, &o, &model),
	    CSN_E_LIMIT);
	assert_non_null(strstr(csn_message(), "65536 bytes of memory"));
}

TEST(a_shape_or_name_without_end_meets_a_limit)
{
	size_t i;
	struct made f = { NULL };

	made_u64(&f, 0x10100);
	made_put(&f, "{\"", 2);
	for (i = 0; i < 0x100fe; i++)
		made_put(&f, "n", 1);
	assert_int_equal(made_verdict(ctx, &f), CSN_E_LIMIT);
	refused("{" T("a", "U8", "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
	    "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
	    "0,0,0,0,0,0,0,0,0,0,0", 0, 0) "}", 0, CSN_E_LIMIT, "dimensions");
}
