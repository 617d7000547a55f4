/* SPDX-License-Identifier: Apache-2.0 */
/* examples/blob_name.h - the blob server's names, and pages of them. */
#ifndef BLOB_NAME_H
#define BLOB_NAME_H

#include <caisson/store.h>

struct blob_name {
	uint8_t space[CSN_STORE_MAX_SPACE];
	size_t space_len;	/* 0 for keys outside any */
	uint8_t key[CSN_STORE_MAX_KEY];
	size_t key_len;		/* 0 where the space itself is meant */
};

/* "SPACE" or "SPACE/KEY", base64url each. 0 or -1. */
int blob_name_parse(const char *path, struct blob_name *out);

/* Digits alone. 0 or -1. */
int blob_number(const char *s, uint64_t *out);

/*
 * The JSON of up to limit keys behind after (base64url; NULL for the first),
 * in the order of their bytes; the caller frees it. 0 or a CSN_E_*.
 */
int blob_page(struct csn_store *store, const struct blob_name *space,
    const char *after, size_t limit, char **json);

#endif
