/* SPDX-License-Identifier: Apache-2.0 */
/* Several files that are one model: an index and its shards, split GGUF. */
#include <unistd.h>

#include "model/made.h"

#include "lib/test.h"

static struct csn_ctx *ctx;
static struct csn_model *model;
static struct made f[4];
static struct made *const files[4] = { &f[0], &f[1], &f[2], &f[3] };
static char *folder;

BEFORE_EACH
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	folder = folder_new();
}

static void
clear(void)
{
	size_t i;

	csn_model_free(model);
	model = NULL;
	for (i = 0; i < 4; i++)
		made_free(&f[i]);
}

AFTER_EACH
{
	clear();
	folder_remove(folder);
	csn_ctx_free(ctx);
}

static void
said(int rc, int code, const char *words)
{
	if (rc != code || strstr(csn_message(), words) == NULL)
		fail_msg("%d \"%s\", not %d \"%s\"", rc, csn_message(), code,
		    words);
	clear();
}

#define TENSOR(name) "{\"" name "\":{\"dtype\":\"U8\",\"shape\":[4]," \
	"\"data_offsets\":[0,4]}}"

static void
index_of(const char *map)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"metadata\":{\"total_size\":8.0},"
	    "\"weight_map\":{%s}}\n", map);
	made_put(&f[0], text, strlen(text));
}

static int
indexed(const char *map, const char *a, const char *b)
{
	const char *const names[] = { "model.safetensors.index.json", a, b };

	index_of(map);
	made_safetensors(&f[1], TENSOR("x"), 4);
	made_safetensors(&f[2], TENSOR("y"), 4);
	return made_read(ctx, files, names, 3, &model);
}

static const char good[] = "\"x\":\"a.st\",\"y\":\"b.st\"";

TEST(an_index_makes_one_model_of_its_shards)
{
	struct csn_model_tensor t = { .size = sizeof(t) };
	struct csn_model_facts facts = { .size = sizeof(facts) };
	struct csn_model_file file = { .size = sizeof(file) };

	assert_int_equal(indexed(good, "a.st", "b.st"), 0);
	assert_int_equal(csn_model_facts(model, &facts), 0);
	assert_int_equal(facts.files, 2);
	assert_int_equal(facts.tensors, 2);
	assert_int_equal(csn_model_find(model, "y", &t, NULL), 0);
	assert_int_equal(csn_model_file(model, t.file, &file), 0);
	assert_string_equal(file.name, "b.st");
	assert_int_equal(csn_model_file(model, 2, &file), CSN_E_NOT_FOUND);
}

TEST(an_index_that_differs_from_its_shards_is_refused)
{
	said(indexed("\"x\":\"a.st\",\"y\":\"a.st\"", "a.st", "b.st"),
	    CSN_E_FORM, "lacks it");
	said(indexed("\"x\":\"a.st\",\"z\":\"b.st\"", "a.st", "b.st"),
	    CSN_E_FORM, "lacks it");
	said(indexed("\"x\":\"a.st\"", "a.st", "b.st"), CSN_E_FORM,
	    "does not name the tensor y");
	said(indexed("\"x\":\"a.st\",\"y\":\"c.st\"", "a.st", "b.st"),
	    CSN_E_NOT_FOUND, "c.st, which is missing");
	said(indexed("\"x\":\"a.st\",\"y\":\"b.st\",\"x\":\"a.st\"", "a.st",
	    "b.st"), CSN_E_FORM, "said before");
	said(indexed("\"x\":\"s.st\",\"y\":\"S.st\"", "s.st", "S.st"),
	    CSN_E_FORM, "case does not count");
	said(indexed("\"x\":\"a.st\",\"y\":4", "a.st", "b.st"), CSN_E_FORM,
	    "a string");
}

TEST(an_index_names_files_of_its_folder_alone)
{
	static const char *const wrong[] = { "../a.st", "/a.st", "d/a.st",
	    "..", ".", "", "d\\\\a.st", "a\\n.st" };
	char map[64];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(map, sizeof(map), "\"x\":\"%s\"", wrong[i]);
		said(indexed(map, "a.st", "b.st"), CSN_E_FORM, "index.json, ");
	}
}

TEST(a_tensor_in_two_shards_is_refused)
{
	const char *const names[] = { "i.json", "a.st", "b.st" };

	index_of("\"x\":\"a.st\"");
	made_safetensors(&f[1], TENSOR("x"), 4);
	made_safetensors(&f[2], TENSOR("x"), 4);
	said(made_read(ctx, files, names, 3, &model), CSN_E_FORM,
	    "x is there twice");
}

TEST(files_that_are_no_set_are_refused)
{
	const char *const names[] = { "a", "b" };

	made_safetensors(&f[0], TENSOR("x"), 4);
	made_safetensors(&f[1], TENSOR("y"), 4);
	said(made_read(ctx, files, names, 2, &model), CSN_E_ARG, "index");
	made_gguf(&f[0], 0, 0);
	made_gguf(&f[1], 0, 0);
	said(made_read(ctx, files, names, 2, &model), CSN_E_FORM, "one set");
	made_gguf(&f[0], 0, 0);
	made_safetensors(&f[1], TENSOR("y"), 4);
	said(made_read(ctx, files, names, 2, &model), CSN_E_FORM,
	    "another format");
	index_of("\"x\":\"a.st\"");
	said(made_read(ctx, files, names, 1, &model), CSN_E_NOT_FOUND,
	    "none of its files");
	made_put(&f[0], "{\"weight_map\":{},\"weight_map\":{}}", 34);
	made_safetensors(&f[1], "{}", 0);
	said(made_read(ctx, files, names, 2, &model), CSN_E_FORM, "twice");
	made_put(&f[0], "{\"metadata\":{}}", 15);
	made_safetensors(&f[1], "{}", 0);
	said(made_read(ctx, files, names, 2, &model), CSN_E_FORM,
	    "without a weight_map");
	made_put(&f[0], "{\"weight_map\":{}} x", 19);
	made_safetensors(&f[1], "{}", 0);
	said(made_read(ctx, files, names, 2, &model), CSN_E_FORM,
	    "more follows");
}

static void
split(struct made *file, unsigned no, unsigned count, unsigned tensors)
{
	static const uint64_t eight[] = { 8 };
	char name[2] = { (char)('a' + no), '\0' };

	made_gguf(file, 1, 3);
	made_key(file, "split.no", 2);
	made_put(file, (const uint8_t[]){ (uint8_t)no, 0 }, 2);
	made_key(file, "split.count", 2);
	made_put(file, (const uint8_t[]){ (uint8_t)count, 0 }, 2);
	made_key(file, "split.tensors.count", 5);
	made_u32(file, tensors);
	made_tensor(file, name, 24, 0, 1, eight);
	made_data(file, 32, 8);
}

static int
splits(unsigned a, unsigned b, unsigned c, unsigned n, unsigned tensors)
{
	const char *const names[] = { "one", "two", "three" };

	split(&f[0], a, 3, tensors);
	split(&f[1], b, 3, tensors);
	split(&f[2], c, 3, tensors);
	return made_read(ctx, files, names, n, &model);
}

TEST(split_files_are_whole_and_in_their_order)
{
	struct csn_model_tensor t = { .size = sizeof(t) };

	assert_int_equal(splits(0, 1, 2, 3, 3), 0);
	assert_int_equal(csn_model_find(model, "c", &t, NULL), 0);
	assert_int_equal(t.file, 2);
	clear();
	said(splits(0, 1, 2, 2, 3), CSN_E_NOT_FOUND, "file 3 of the 3");
	said(splits(0, 2, 1, 2, 3), CSN_E_NOT_FOUND, "file 2 of the 3");
	said(splits(1, 2, 0, 2, 3), CSN_E_NOT_FOUND, "file 1 of the 3");
	said(splits(0, 2, 1, 3, 3), CSN_E_FORM, "says that it is file 3");
	said(splits(0, 1, 2, 3, 4), CSN_E_FORM, "there are 4 tensors");
	said(splits(0, 3, 2, 3, 3), CSN_E_FORM, "split.no is 3 of 3");
	split(&f[0], 0, 3, 3);
	split(&f[1], 1, 4, 3);
	said(made_read(ctx, files, (const char *const[]){ "a", "b" }, 2,
	    &model), CSN_E_FORM, "one set");
}

/* Two that say the same number have other tensors, or they were refused. */
TEST(a_split_file_that_is_there_twice_is_refused)
{
	size_t i;

	split(&f[0], 0, 3, 3);
	split(&f[1], 1, 3, 3);
	split(&f[2], 2, 3, 3);
	for (i = 0; i + 8 < f[2].len; i++)
		if (memcmp(f[2].p + i, "split.no", 8) == 0)
			f[2].p[i + 12] = 1;
	said(made_read(ctx, files, (const char *const[]){ "1", "2", "3" }, 3,
	    &model), CSN_E_FORM, "both say that they are file 2");
	said(splits(0, 1, 1, 3, 3), CSN_E_FORM, "there twice");
}

TEST(one_of_a_set_is_read_alone_where_that_is_asked)
{
	const struct csn_model_options o = { .size = sizeof(o),
	    .flags = CSN_MODEL_PART };
	const struct csn_model_source *source = &f[1].source;

	assert_int_equal(splits(0, 1, 2, 3, 3), 0);
	csn_model_free(model);
	model = NULL;
	assert_int_equal(csn_model_read(ctx, &source, 1, &o, &model), 0);
}

/* --- in a folder -------------------------------------------------------- */

static void
keep(const char *name, struct made *file)
{
	char *path = path_in(folder, name);

	file_write(path, file->p, file->len);
	free(path);
	made_free(file);
}

static int
open_it(const char *name)
{
	char *path = path_in(folder, name);
	int rc = csn_model_open(ctx, path, NULL, &model);

	free(path);
	return rc;
}

TEST(any_file_of_a_split_set_finds_the_others)
{
	struct csn_model_facts facts = { .size = sizeof(facts) };
	char *path;

	split(&f[0], 0, 2, 2);
	split(&f[1], 1, 2, 2);
	keep("m-00001-of-00002.gguf", &f[0]);
	keep("m-00002-of-00002.gguf", &f[1]);
	assert_int_equal(open_it("m-00002-of-00002.gguf"), 0);
	assert_int_equal(csn_model_facts(model, &facts), 0);
	assert_int_equal(facts.files, 2);
	assert_int_equal(facts.split_no, 0);
	clear();
	path = path_in(folder, "m-00001-of-00002.gguf");
	assert_int_equal(unlink(path), 0);
	free(path);
	said(open_it("m-00002-of-00002.gguf"), CSN_E_NOT_FOUND,
	    "m-00001-of-00002.gguf");
	split(&f[0], 0, 2, 2);
	keep("m.gguf", &f[0]);
	said(open_it("m.gguf"), CSN_E_FORM, "should end with "
	    "-00001-of-00002.gguf");
	said(open_it("nothing.gguf"), CSN_E_NOT_FOUND, "nothing.gguf");
	said(open_it("."), CSN_E_IO, "no regular file");
}

TEST(an_index_finds_its_shards_and_no_link_leaves_the_folder)
{
	char *outside, *link = path_in(folder, "b.st"), *other;
	uint8_t got[4];

	index_of(good);
	made_safetensors(&f[1], TENSOR("x"), 4);
	made_safetensors(&f[2], TENSOR("y"), 4);
	keep("i.json", &f[0]);
	keep("a.st", &f[1]);
	keep("real.st", &f[2]);
	said(open_it("i.json"), CSN_E_NOT_FOUND, "b.st");
	other = path_in(folder, "real.st");
	outside = folder_new();
	assert_int_equal(symlink(other, link), 0);
	said(open_it("i.json"), CSN_E_FORM, "symbolic link out of");
	assert_int_equal(unlink(link), 0);
	/* A link within it is one of its files, where the kernel can tell. */
	assert_int_equal(symlink("real.st", link), 0);
	if (open_it("i.json") == 0) {
		assert_int_equal(csn_model_tensor_read(model, 1, 0, got, 4),
		    0);
		assert_memory_equal(got, "\1\2\3\4", 4);
	} else {
		assert_int_equal(csn_message_code(), CSN_E_FORM);
	}
	folder_remove(outside);
	free(other);
	free(link);
}

TEST(json_has_all_of_it)
{
	char *json;

	assert_int_equal(splits(0, 1, 2, 3, 3), 0);
	assert_int_equal(csn_model_json(model, &json), 0);
	assert_non_null(strstr(json, "{\"format\": \"gguf\", \"version\": 3, "
	    "\"alignment\": 32, \"split_no\": 0, \"split_count\": 3, "));
	assert_non_null(strstr(json, "\"split.tensors.count\": 3}"));
	assert_non_null(strstr(json, "{\"name\": \"c\", \"dtype\": \"I8\", "
	    "\"type\": 24, \"shape\": [8], \"file\": 2, \"offset\": "));
	csn_free(json);
	clear();
	made_safetensors(&f[0], "{\"__metadata__\":{\"k\\\"\":\"a\\\\\\n\"},"
	    "\"z\":{\"dtype\":\"U8\",\"shape\":[18446744073709551615,0],"
	    "\"data_offsets\":[0,0]}}", 0);
	assert_int_equal(made_read(ctx, files, (const char *const[]){ "n" },
	    1, &model), 0);
	assert_int_equal(csn_model_json(model, &json), 0);
	assert_non_null(strstr(json, "{\"k\\u0022\": \"a\\u005c\\u000a\"}"));
	assert_non_null(strstr(json, "[\"18446744073709551615\", 0]"));
	csn_free(json);
}
