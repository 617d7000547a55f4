/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/format.c - the bytes of the file that a TPM opens. */

#include <string.h>

#include "base/cursor.h"
#include "providers/keystore/tpm/tpm.h"

static const uint8_t magic[8] = { 'C', 'S', 'N', 'T', 'P', 'M', 'S', 1 };

size_t
csn_tpm_head_write(const struct csn_tpm_head *h, uint8_t out[CSN_TPM_HEAD_MAX])
{
	struct csn_out w;

	csn_out_fixed(&w, out, CSN_TPM_HEAD_MAX);
	csn_put_bytes(&w, magic, sizeof(magic));
	csn_put_u8(&w, h->flags);
	csn_put_u16(&w, h->pcr_hash);
	csn_put_bytes(&w, h->pcrs, sizeof(h->pcrs));
	csn_put_bytes(&w, h->salt, sizeof(h->salt));
	csn_put_u32(&w, h->counter);
	csn_put_bytes(&w, h->primary, sizeof(h->primary));
	csn_put_bytes(&w, h->policy, sizeof(h->policy));
	csn_put_bytes(&w, h->unique, sizeof(h->unique));
	csn_put_bytes16(&w, h->private, h->private_len);
	csn_put_bytes(&w, h->check, sizeof(h->check));
	return w.len;
}

static int
known_hash(uint16_t hash)
{
	return hash == CSN_TPM_SHA1 || hash == CSN_TPM_SHA256 ||
	    hash == CSN_TPM_SHA384 || hash == CSN_TPM_SHA512;
}

static int
all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	return len == 0;
}

/* What no writer of ours writes. */
static int
is_sound(const struct csn_tpm_head *h)
{
	if ((h->flags & ~(CSN_TPM_AUTH | CSN_TPM_PCR | CSN_TPM_STRONG)) != 0)
		return 0;
	if ((h->flags & CSN_TPM_PCR) != 0 ? !known_hash(h->pcr_hash) ||
	    all_zero(h->pcrs, sizeof(h->pcrs)) ||
	    all_zero(h->policy, sizeof(h->policy)) : h->pcr_hash != 0 ||
	    !all_zero(h->pcrs, sizeof(h->pcrs)) ||
	    !all_zero(h->policy, sizeof(h->policy)))
		return 0;
	if (h->primary[0] != 0 || h->primary[1] != CSN_TPM_SHA256)
		return 0;
	return h->counter == 0 || (h->counter >= CSN_TPM_NV_FIRST &&
	    h->counter <= CSN_TPM_NV_LAST);
}

int
csn_tpm_head_read(const uint8_t *p, size_t len, struct csn_tpm_head *h)
{
	const uint8_t *private;
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, p, len);
	if ((rc = csn_ksf_magic(&r, magic)) != 0)
		return rc;
	h->flags = csn_read_u8(&r);
	h->pcr_hash = csn_read_u16(&r);
	csn_read_bytes(&r, h->pcrs, sizeof(h->pcrs));
	csn_read_bytes(&r, h->salt, sizeof(h->salt));
	h->counter = csn_read_u32(&r);
	csn_read_bytes(&r, h->primary, sizeof(h->primary));
	csn_read_bytes(&r, h->policy, sizeof(h->policy));
	csn_read_bytes(&r, h->unique, sizeof(h->unique));
	private = csn_read_view16(&r, &h->private_len);
	csn_read_bytes(&r, h->check, sizeof(h->check));
	if (!csn_reader_done(&r) || h->private_len < CSN_TPM_PRIVATE_MIN ||
	    h->private_len > CSN_TPM_PRIVATE_MAX || !is_sound(h))
		return CSN_E_FORM;
	memset(h->private, 0, sizeof(h->private));
	memcpy(h->private, private, h->private_len);
	return 0;
}
