/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that others made, with the verdict that ours should have: that of
 * safetensors 0.8.0, and stricter where two readers could differ. gguf-py
 * accepts nearly anything.
 */
#include <unistd.h>

#include "model/made.h"

#include "lib/test.h"

static const struct {
	const char *name;
	int code;
} expected[] = {
	{ "safetensors/ok.safetensors", 0 },
	{ "safetensors/ok_spaces.safetensors", 0 },
	{ "safetensors/zero_dim.safetensors", 0 },
	{ "safetensors/scalar.safetensors", 0 },
	{ "safetensors/empty_object.safetensors", 0 },
	{ "safetensors/empty_name.safetensors", 0 },
	{ "safetensors/f4_even.safetensors", 0 },
	{ "safetensors/unordered.safetensors", 0 },
	{ "safetensors/leading_space.safetensors", CSN_E_FORM },
	{ "safetensors/len_zero.safetensors", CSN_E_FORM },
	{ "safetensors/len_huge.safetensors", CSN_E_LIMIT },
	{ "safetensors/hole.safetensors", CSN_E_FORM },
	{ "safetensors/overlap.safetensors", CSN_E_FORM },
	{ "safetensors/trailing.safetensors", CSN_E_FORM },
	{ "safetensors/short.safetensors", CSN_E_FORM },
	{ "safetensors/dup_name.safetensors", CSN_E_FORM },
	{ "safetensors/dup_metadata.safetensors", CSN_E_FORM },
	{ "safetensors/meta_nonstring.safetensors", CSN_E_FORM },
	{ "safetensors/meta_nested.safetensors", CSN_E_FORM },
	{ "safetensors/overflow_to_4.safetensors", CSN_E_FORM },
	{ "safetensors/neg_shape.safetensors", CSN_E_FORM },
	{ "safetensors/big_int.safetensors", CSN_E_FORM },
	{ "safetensors/nul_name.safetensors", CSN_E_FORM },
	{ "safetensors/bad_utf8.safetensors", CSN_E_FORM },
	{ "safetensors/array_top.safetensors", CSN_E_FORM },
	{ "safetensors/trail_garbage_json.safetensors", CSN_E_FORM },
	{ "safetensors/f4_odd.safetensors", CSN_E_FORM },
	{ "safetensors/deep.safetensors", CSN_E_FORM },
	{ "gguf/ok.gguf", 0 },
	{ "gguf/dims_0.gguf", 0 },
	{ "gguf/gtype_999.gguf", 0 },	/* its bytes are kept */
	{ "gguf/name_64.gguf", 0 },	/* as the specification has it */
	{ "gguf/ok_be_version.gguf", CSN_E_VERSION },
	{ "gguf/v0.gguf", CSN_E_VERSION },
	{ "gguf/v4.gguf", CSN_E_VERSION },
	{ "gguf/bad_magic.gguf", CSN_E_LIMIT },
	{ "gguf/nkv_huge.gguf", CSN_E_LIMIT },
	{ "gguf/nt_huge.gguf", CSN_E_LIMIT },
	{ "gguf/str_len_2_63.gguf", CSN_E_FORM },
	{ "gguf/key_empty.gguf", CSN_E_FORM },
	{ "gguf/key_70000.gguf", CSN_E_FORM },
	{ "gguf/arr_len_2_63.gguf", CSN_E_FORM },
	{ "gguf/type_13.gguf", CSN_E_FORM },
	{ "gguf/bool_2.gguf", CSN_E_FORM },
	{ "gguf/align_0.gguf", CSN_E_FORM },
	{ "gguf/align_2_31.gguf", CSN_E_LIMIT },
	{ "gguf/align_i32.gguf", CSN_E_FORM },
	{ "gguf/dims_5.gguf", CSN_E_FORM },
	{ "gguf/dim_neg.gguf", CSN_E_FORM },
	{ "gguf/dims_overflow_mul.gguf", CSN_E_FORM },
	{ "gguf/row_not_block.gguf", CSN_E_FORM },
	{ "gguf/name_nul.gguf", CSN_E_FORM },
	{ "gguf/off_unaligned.gguf", CSN_E_FORM },
	{ "gguf/off_overlap.gguf", CSN_E_FORM },
	{ "gguf/off_2_63.gguf", CSN_E_FORM },
	{ "gguf/data_trailing.gguf", CSN_E_FORM },
	{ "gguf/empty.gguf", CSN_E_FORM },
	{ "gguf/only_magic.gguf", CSN_E_FORM },
};

TEST(each_file_of_others_has_its_verdict)
{
	const char *shared = getenv("CAISSON_SHARED");
	struct csn_model *m;
	struct csn_ctx *ctx;
	unsigned wrong = 0;
	char path[4096];
	size_t i;
	int rc;

	snprintf(path, sizeof(path), "%s/model-files",
	    shared != NULL ? shared : "");
	if (shared == NULL || access(path, R_OK) != 0)
		test_skip("no files of others at hand");
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		snprintf(path, sizeof(path), "%s/model-files/%s", shared,
		    expected[i].name);
		m = NULL;
		rc = csn_model_open(ctx, path, NULL, &m);
		csn_model_free(m);
		if (rc == expected[i].code)
			continue;
		print_message("%s: %s, not %s (%s)\n", expected[i].name,
		    csn_error_name(rc), csn_error_name(expected[i].code),
		    rc != 0 ? csn_message() : "");
		wrong++;
	}
	csn_ctx_free(ctx);
	assert_int_equal(wrong, 0);
}
