/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_master_keys.c - master keys as text: the current one and, behind a
 * newline, the former ones; and the whole as a file of them. No sentence
 * holds a key.
 */
#include <caisson/cachekit.h>

#include "folder.h"

static void
ring(int rc, struct csn_cachekit_ring *keys)
{
	char print[33];
	size_t i;

	if (rc != 0) {
		check(rc == CSN_E_FORM || rc == CSN_E_ARG ||
		    rc == CSN_E_LIMIT || rc == CSN_E_POLICY ||
		    rc == CSN_E_NOT_FOUND);
		check(keys == NULL);
		/* The corpus's keys are made of these. */
		check(strstr(csn_message(), "deadbeef") == NULL);
		return;
	}
	check(csn_cachekit_ring_count(keys) >= 1);
	check(csn_cachekit_ring_count(keys) <= 1 +
	    CSN_CACHEKIT_MASTER_PREVIOUS_MAX);
	for (i = 0; i < csn_cachekit_ring_count(keys); i++) {
		check(csn_cachekit_ring_fingerprint(keys, i, print) == 0);
		check(strlen(print) == 32);
	}
	csn_cachekit_ring_free(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_cachekit_ring *keys = NULL;
	struct csn_ctx *ctx = fuzz_ctx();
	char *text, *former;
	uint32_t flags;
	int rc;

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	flags = data[0] & 1 ? CSN_CACHEKIT_MASTER_SHORT_OK : 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	if (data[0] & 2) {
		rc = csn_cachekit_ring_file(ctx, fuzz_file("keys", data + 1,
		    len - 1), flags, &keys);
	} else {
		if ((former = strchr(text, '\n')) != NULL)
			*former++ = '\0';
		rc = csn_cachekit_ring_hex(ctx, "FUZZ", text, former, flags,
		    &keys);
	}
	ring(rc, keys);
	free(text);
	return 0;
}
