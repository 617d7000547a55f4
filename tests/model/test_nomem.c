/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out anywhere leaves nothing behind. */
#include "model/made.h"

#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct made f[3];

static int
read_all(void)
{
	struct made *const files[] = { &f[0], &f[1] };
	const char *const names[] = { "i.json", "a.st" };
	struct csn_model *m = NULL;
	char *json = NULL, *text = NULL;
	size_t len;
	int rc;

	if ((rc = made_read(ctx, files, names, 2, &m)) != 0)
		return rc;
	if ((rc = csn_model_json(m, &json)) == 0)
		rc = csn_model_text(m, 0, 100, &text, &len);
	csn_free(text);
	csn_free(json);
	csn_model_free(m);
	return rc;
}

static int
read_gguf(void)
{
	struct made *const files[] = { &f[2] };
	const char *const names[] = { "a.gguf" };
	struct csn_model *m = NULL;
	int rc = made_read(ctx, files, names, 1, &m);

	csn_model_free(m);
	return rc;
}

TEST(each_allocation_may_fail)
{
	static const char index[] = "{\"weight_map\":{\"x\":\"a.st\"}}";
	static const uint64_t eight[] = { 8 };
	size_t i;

	if (!failmalloc_works())
		test_skip("a sanitizer has its own malloc");
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	made_put(&f[0], index, sizeof(index) - 1);
	made_safetensors(&f[1], "{\"__metadata__\":{\"k\":\"v\"},\"x\":{"
	    "\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4);
	made_gguf(&f[2], 1, 1);
	made_key(&f[2], "k", 8);
	made_string(&f[2], "v");
	made_tensor(&f[2], "t", 24, 0, 1, eight);
	made_data(&f[2], 32, 8);
	nomem_each("index", read_all, 0);
	nomem_each("gguf", read_gguf, 0);
	for (i = 0; i < 3; i++)
		made_free(&f[i]);
	csn_ctx_free(ctx);
}
