/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/sealed.h - a sealed file in memory, read front and foot first. */
#ifndef CAISSON_FUZZ_SEALED_H
#define CAISSON_FUZZ_SEALED_H

#include <caisson/seal.h>

#include "base/cursor.h"
#include "identity.h"

static inline int
fuzz_bytes_read(void *arg, uint64_t offset, uint8_t *p, size_t len,
    size_t *got)
{
	const struct csn_reader *r = arg;

	check(offset <= r->left && len <= r->left - offset);
	if (len != 0)
		memcpy(p, r->p + offset, len);
	*got = len;
	return 0;
}

static inline int
fuzz_bytes_same(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	const struct csn_reader *r = arg;

	check(r->p == NULL || (offset <= r->left &&
	    len <= r->left - offset && (len == 0 ||
	    memcmp(p, r->p + offset, len) == 0)));
	return 0;
}

/* What comes out is a beginning of `plain`, or anything where that is NULL. */
static inline int
fuzz_at_hand(struct csn_ctx *ctx, const struct csn_identity *id,
    struct csn_trust *trust, const uint8_t *p, size_t len,
    const uint8_t *plain, size_t plain_len)
{
	struct csn_reader bytes = { .p = p, .left = len };
	struct csn_reader text = { .p = plain, .left = plain_len };
	const struct csn_sealed_io source = { .size = sizeof(source),
	    .flags = CSN_IO_ANYWHERE, .arg = &bytes,
	    .read = fuzz_bytes_read, .length = len };
	const struct csn_sealed_io sink = { .size = sizeof(sink),
	    .arg = &text, .write = fuzz_bytes_same };
	struct csn_sealed *sealed = NULL;
	int rc;

	if ((rc = csn_sealed_new(ctx, id, trust, NULL, &source,
	    &sealed)) == 0)
		rc = csn_sealed_run(sealed, NULL, 0, &sink);
	csn_sealed_free(sealed);
	return rc;
}

#endif
