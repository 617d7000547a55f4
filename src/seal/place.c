/* SPDX-License-Identifier: Apache-2.0 */
/* seal/place.c - the place of a stream in its header. */
#include "base/fail.h"
#include "seal/place.h"

void
csn_stream_place_write(const uint8_t *name, uint8_t header[CSN_SEAL_HEADER])
{
	header[CSN_H_PLACE0] = 0;
	memset(header + CSN_H_PLACE, 0, CSN_PLACE_SIZE);
	if (name != NULL)
		memcpy(header + CSN_H_STREAM_NAME, name, 32);
}

static int
check(const struct csn_ctx *ctx, const struct csn_head *h,
    const uint8_t header[CSN_SEAL_HEADER])
{
	const size_t end = CSN_H_STREAM_NAME + 32;

	if (!csn_segment_ok(h->len) || h->sequence != 0 ||
	    (h->version != 0) != (h->replay == CSN_REPLAY_STORE) ||
	    header[CSN_H_PLACE0] != 0 ||
	    !csn_head_zero(header + CSN_H_PLACE,
	    CSN_H_STREAM_NAME - CSN_H_PLACE) ||
	    !csn_head_zero(header + end, CSN_SEAL_HEADER - end))
		return csn_fail(ctx, CSN_E_FORM, "seal", "the stream's header "
		    "has a segment size, version or field that no stream has");
	return 0;
}

static void
describe(const uint8_t header[CSN_SEAL_HEADER], struct csn_header *out)
{
	memcpy(out->name, header + CSN_H_STREAM_NAME, sizeof(out->name));
}

const struct csn_envelope_kind csn_stream_kind = {
	.what = "a stream",
	.kinds = 1u << CSN_KIND_STREAM,
	.check = check,
	.describe = describe,
};
