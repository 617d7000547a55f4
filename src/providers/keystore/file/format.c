/* SPDX-License-Identifier: Apache-2.0 */
/* file/format.c - the bytes of the file under a passphrase. */

#include <string.h>

#include "base/cursor.h"
#include "providers/keystore/file/file.h"

#define MOST_MEMORY_KIB (1u << 20)	/* 1 GiB */
#define MOST_PASSES 16u
#define MOST_LANES 16u

static const uint8_t header_magic[8] = { 'C', 'S', 'N', 'K', 'E', 'Y', 'S',
    1 };

void
csn_ksf_header_write(const struct csn_ksf_header *h,
    uint8_t out[CSN_KSF_HEADER_SIZE])
{
	struct csn_out w;

	csn_out_fixed(&w, out, CSN_KSF_HEADER_SIZE);
	csn_put_bytes(&w, header_magic, sizeof(header_magic));
	csn_put_u32(&w, h->memory_kib);
	csn_put_u32(&w, h->passes);
	csn_put_u32(&w, h->lanes);
	csn_put_bytes(&w, h->salt, sizeof(h->salt));
	csn_put_bytes(&w, h->master, sizeof(h->master));
}

int
csn_ksf_header_read(const uint8_t *p, size_t len, struct csn_ksf_header *h)
{
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, p, len);
	if ((rc = csn_ksf_magic(&r, header_magic)) != 0)
		return rc;
	h->memory_kib = csn_read_u32(&r);
	h->passes = csn_read_u32(&r);
	h->lanes = csn_read_u32(&r);
	csn_read_bytes(&r, h->salt, sizeof(h->salt));
	csn_read_bytes(&r, h->master, sizeof(h->master));
	/* RFC 9106, 3.1: at least 8 KiB a lane. */
	if (!csn_reader_done(&r) || h->lanes == 0 || h->lanes > MOST_LANES ||
	    h->passes == 0 || h->passes > MOST_PASSES ||
	    h->memory_kib < 8 * h->lanes || h->memory_kib > MOST_MEMORY_KIB)
		return CSN_E_FORM;
	return 0;
}
