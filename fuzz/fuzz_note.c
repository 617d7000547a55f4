/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_note.c - the note of a workload: what is accepted has only regions
 * that make sense, and is the same when written and read again.
 */
#include "identity.h"
#include "providers/region/process/note.h"
#include "providers/region/provider.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_note_regions got, again;
	char *text;
	size_t i;

	if (csn_note_parse(ctx, (const char *)data, len, 7, 9, &got) != 0) {
		check(got.v == NULL && got.n == 0);
		return 0;
	}
	for (i = 0; i < got.n; i++)
		check(csn_region_check(ctx, &got.v[i]) == 0);
	text = csn_note_format(7, 9, got.v, got.n);
	check(text != NULL);
	check(csn_note_parse(ctx, text, strlen(text), 7, 9, &again) == 0);
	check(again.n == got.n);
	for (i = 0; i < got.n; i++) {
		check(strcmp(got.v[i].id, again.v[i].id) == 0);
		check(got.v[i].address == again.v[i].address);
		check(got.v[i].size == again.v[i].size);
	}
	csn_free(text);
	csn_note_regions_free(&got);
	csn_note_regions_free(&again);
	return 0;
}
