/* SPDX-License-Identifier: Apache-2.0 */
/* A model within a sealed file: read by ranges, without opening the rest. */
#include "identity/people.h"
#include "model/made.h"
#include "seal/files.h"

#include "lib/test.h"

static struct files_sealed file;
static size_t reads;		/* bytes of the sealed file */

static int
read_file(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	(void)arg;
	*got = offset >= file.len ? 0 : file.len - offset < len ?
	    (size_t)(file.len - offset) : len;
	memcpy(p, file.p + offset, *got);
	reads += *got;
	return 0;
}

static int
read_sealed(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	return csn_sealed_read(arg, offset, p, len, got);
}

TEST(one_tensor_of_a_sealed_model_opens_its_segments_alone)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_identity *alice = people_quick(ctx, 1, "alice");
	const struct csn_identity *to = alice;
	struct csn_sealed_io io = { .size = sizeof(io),
	    .flags = CSN_IO_ANYWHERE, .read = read_file };
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct csn_model_source source = { .size = sizeof(source),
	    .name = "m", .read = read_sealed };
	const struct csn_model_source *sources = &source;
	struct csn_sealed *sealed = NULL;
	struct csn_trust *trust = NULL;
	struct csn_model *m = NULL;
	struct made f = { NULL };
	uint8_t got[100];
	size_t i;

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, alice, CSN_PURPOSE_SEALER);
	made_safetensors(&f, "{\"a\":{\"dtype\":\"U8\",\"shape\":[50000],"
	    "\"data_offsets\":[0,50000]},\"b\":{\"dtype\":\"U8\",\"shape\":"
	    "[100],\"data_offsets\":[50000,50100]}}", 50100);
	files_seal(ctx, alice, &to, 1, "model", f.p, f.len, f.len, &file);
	io.length = file.len;
	assert_int_equal(csn_sealed_new(ctx, alice, trust, NULL, &io,
	    &sealed), 0);
	assert_int_equal(csn_sealed_facts(sealed, &facts), 0);
	assert_int_equal(facts.length, f.len);
	source.arg = sealed;
	source.length = facts.length;
	reads = 0;
	assert_int_equal(csn_model_read(ctx, &sources, 1, NULL, &m), 0);
	assert_int_equal(csn_model_tensor_read(m, 1, 0, got, 100), 0);
	for (i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], (uint8_t)(50000 + i + 1));
	assert_true(reads <= 4 * (FILES_SEGMENT + 4096));
	/* A segment that was changed is the source's to refuse. */
	file.p[file.at[5] + 100] ^= 1;
	assert_int_equal(csn_model_tensor_read(m, 0, 5 * FILES_SEGMENT, got,
	    100), CSN_E_SIGNATURE);
	assert_int_equal(got[0], 0);
	assert_int_equal(csn_model_tensor_read(m, 0, 0, got, 100), 0);
	assert_int_equal(got[0], 1);
	csn_model_free(m);
	csn_sealed_free(sealed);
	csn_trust_free(trust);
	csn_identity_free(alice);
	files_free(&file);
	made_free(&f);
	csn_ctx_free(ctx);
}
