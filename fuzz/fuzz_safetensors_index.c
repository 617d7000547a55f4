/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_safetensors_index.c - an index that is anything, over two shards that
 * have the tensors x, y and z. What is accepted names each where it is.
 */
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ENTRY(name, from, to) "\"" name "\":{\"dtype\":\"U8\",\"shape\":[1]," \
	"\"data_offsets\":[" from "," to "]}"

static const char one[] = "\x69\0\0\0\0\0\0\0{" ENTRY("x", "0", "1") ","
    ENTRY("y", "1", "2") "}ab";
static const char two[] = "\x35\0\0\0\0\0\0\0{" ENTRY("z", "0", "1") "}c";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_file index = { data, len, "i.json" },
	    a = { (const uint8_t *)one, sizeof(one) - 1, "a.st" },
	    b = { (const uint8_t *)two, sizeof(two) - 1, "b.st" };
	struct fuzz_file *files[] = { &index, &a, &b }, *alone[] = { &a };
	struct csn_model_facts f = { .size = sizeof(f) };
	struct csn_model *m = NULL;
	static int begun;

	if (!begun) {
		/* The shards are true ones. */
		begun = 1;
		if (fuzz_model_read(alone, 1, &m) != 0)
			abort();
		csn_model_free(m);
		alone[0] = &b;
		if (fuzz_model_read(alone, 1, &m) != 0)
			abort();
		csn_model_free(m);
		m = NULL;
	}
	if (fuzz_model_read(files, 3, &m) != 0) {
		if (m != NULL)
			abort();
		return 0;
	}
	if (csn_model_facts(m, &f) != 0 || f.files != 2 || f.tensors != 3)
		abort();
	fuzz_model_holds(m);
	csn_model_free(m);
	return 0;
}
