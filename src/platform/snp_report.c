/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp_report.c - the SEV-SNP attestation report, byte by byte. */
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/fail.h"
#include "base/json.h"
#include "platform/snp.h"

#define ROOM "platform"
#define OLDEST 2
#define NEWEST 5
#define SIGNATURE_END (CSN_SNP_SIGNED_SIZE + 144)	/* r and s */

const char *const csn_snp_part_names[CSN_SNP_PARTS] = {
	"fmc", "bootloader", "tee", "snp", "microcode"
};

/* Firmware ABI specification, PLATFORM_INFO. */
const char *const csn_snp_info_names[] = {
	"smt", "tsme", "ecc", "rapl_disabled", "ciphertext_hiding",
	"alias_check", "", "tio", NULL
};

static const char *const product_names[] = {
	"unknown", "Milan", "Genoa", "Turin"
};

const char *
csn_snp_product_name(int product)
{
	return product_names[product];
}

int
csn_snp_is_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	while (len-- > 0)
		any |= p[len];
	return any == 0;
}

int
csn_snp_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_snp_report *r)
{
	struct csn_reader in;

	memset(r, 0, sizeof(*r));
	if (len < CSN_SNP_REPORT_SIZE)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "an SEV-SNP report has %d bytes, these are %zu",
		    CSN_SNP_REPORT_SIZE, len);
	csn_reader_init(&in, p, CSN_SNP_REPORT_SIZE);
	r->bytes = p;
	r->version = csn_read_u32(&in);
	if (r->version < OLDEST || r->version > NEWEST)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "the SEV-SNP report has version %u, versions %d to %d "
		    "are known", r->version, OLDEST, NEWEST);
	r->guest_svn = csn_read_u32(&in);
	r->policy = csn_read_u64(&in);
	r->family_id = csn_read_view(&in, 16);
	r->image_id = csn_read_view(&in, 16);
	r->vmpl = csn_read_u32(&in);
	r->algorithm = csn_read_u32(&in);
	r->current_tcb = csn_read_view(&in, 8);
	r->platform_info = csn_read_u64(&in);
	r->key_info = csn_read_u32(&in);
	(void)csn_read_u32(&in);
	r->report_data = csn_read_view(&in, 64);
	r->measurement = csn_read_view(&in, 48);
	r->host_data = csn_read_view(&in, 32);
	r->id_key_digest = csn_read_view(&in, 48);
	r->author_key_digest = csn_read_view(&in, 48);
	r->report_id = csn_read_view(&in, 32);
	(void)csn_read_view(&in, 32);		/* the migration agent's */
	r->reported_tcb = csn_read_view(&in, 8);
	if (r->version >= 3) {
		r->family = csn_read_u8(&in);
		r->model = csn_read_u8(&in);
		r->stepping = csn_read_u8(&in);
		(void)csn_read_view(&in, 21);
	} else {
		(void)csn_read_view(&in, 24);
	}
	r->chip_id = csn_read_view(&in, 64);
	r->committed_tcb = csn_read_view(&in, 8);
	(void)csn_read_u64(&in);		/* firmware builds */
	r->launch_tcb = csn_read_view(&in, 8);
	if (r->version >= 5) {
		r->launch_mitigations = csn_read_u64(&in);
		r->current_mitigations = csn_read_u64(&in);
	}
	/* Nobody vouches for it: it is there for nothing. */
	return csn_snp_is_zero(p + SIGNATURE_END, CSN_SNP_REPORT_SIZE -
	    SIGNATURE_END) ? 0 : csn_fail(ctx, CSN_E_FORM, ROOM, "bytes of "
	    "the SEV-SNP report that no signature covers are not zero");
}

int
csn_snp_report_product(const struct csn_snp_report *r)
{
	if (r->family == 0x1a)
		return CSN_SNP_TURIN;
	if (r->family != 0x19)
		return CSN_SNP_UNKNOWN;
	return r->model < 0x10 ? CSN_SNP_MILAN : CSN_SNP_GENOA;
}

unsigned
csn_snp_signer(const struct csn_snp_report *r)
{
	return r->key_info >> 2 & 7;
}

void
csn_snp_tcb(const uint8_t *p, int product, struct csn_snp_tcb *tcb)
{
	memset(tcb, 0, sizeof(*tcb));
	if (product == CSN_SNP_TURIN) {
		tcb->part[CSN_SNP_FMC] = p[0];
		tcb->part[CSN_SNP_BOOTLOADER] = p[1];
		tcb->part[CSN_SNP_TEE] = p[2];
		tcb->part[CSN_SNP_SNP] = p[3];
	} else {
		tcb->part[CSN_SNP_BOOTLOADER] = p[0];
		tcb->part[CSN_SNP_TEE] = p[1];
		tcb->part[CSN_SNP_SNP] = p[6];
	}
	tcb->part[CSN_SNP_MICROCODE] = p[7];
}

static int
set_bits(json_t *o, const char *name, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v);
	return json_object_set_new(o, name, json_string(text));
}

/* Those of the bits that have a name. */
static int
set_names(json_t *o, const char *name, uint64_t v)
{
	json_t *list = json_array();
	int bad = 0, i;

	for (i = 0; csn_snp_info_names[i] != NULL; i++)
		if ((v >> i & 1) != 0 && csn_snp_info_names[i][0] != '\0')
			bad |= json_array_append_new(list,
			    json_string(csn_snp_info_names[i]));
	return json_object_set_new(o, name, list) | bad;
}

static int
set_tcb(json_t *o, const char *name, const uint8_t *p, int product)
{
	json_t *parts = json_object();
	struct csn_snp_tcb tcb;
	int i, bad = 0;

	csn_snp_tcb(p, product, &tcb);
	for (i = 0; i < CSN_SNP_PARTS; i++)
		if (i != CSN_SNP_FMC || product == CSN_SNP_TURIN)
			bad |= csn_json_uint(parts, csn_snp_part_names[i],
			    tcb.part[i]);
	return json_object_set_new(o, name, parts) | bad;
}

static int
set_identity(json_t *o, const struct csn_snp_report *r)
{
	return csn_json_hex(o, "family_id", r->family_id, 16) |
	    csn_json_hex(o, "image_id", r->image_id, 16) |
	    csn_json_hex(o, "report_data", r->report_data, 64) |
	    csn_json_hex(o, "measurement", r->measurement, 48) |
	    csn_json_hex(o, "host_data", r->host_data, 32) |
	    csn_json_hex(o, "id_key_digest", r->id_key_digest, 48) |
	    csn_json_hex(o, "author_key_digest", r->author_key_digest, 48) |
	    csn_json_hex(o, "report_id", r->report_id, 32) |
	    csn_json_hex(o, "chip_id", r->chip_id, 64);
}

int
csn_snp_json(struct csn_ctx *ctx, const uint8_t *p, size_t len, json_t **out)
{
	struct csn_snp_report r;
	unsigned signer;
	json_t *o;
	int product, rc, bad;

	if ((rc = csn_snp_parse(ctx, p, len, &r)) != 0)
		return rc;
	product = csn_snp_report_product(&r);
	signer = csn_snp_signer(&r);
	o = json_object();
	bad = json_object_set_new(o, "platform", json_string("sev-snp")) |
	    csn_json_uint(o, "version", r.version) |
	    json_object_set_new(o, "product",
	    json_string(csn_snp_product_name(product))) |
	    json_object_set_new(o, "signer", json_string(
	    signer == CSN_SNP_VCEK ? "vcek" :
	    signer == CSN_SNP_VLEK ? "vlek" : "none")) |
	    csn_json_uint(o, "guest_svn", r.guest_svn) |
	    set_bits(o, "policy", r.policy) |
	    csn_json_uint(o, "vmpl", r.vmpl) |
	    set_bits(o, "platform_info", r.platform_info) |
	    set_names(o, "platform_info_bits", r.platform_info) |
	    set_identity(o, &r) |
	    set_tcb(o, "current_tcb", r.current_tcb, product) |
	    set_tcb(o, "reported_tcb", r.reported_tcb, product) |
	    set_tcb(o, "committed_tcb", r.committed_tcb, product) |
	    set_tcb(o, "launch_tcb", r.launch_tcb, product);
	if (r.version >= 5)
		bad |= set_bits(o, "launch_mitigations",
		    r.launch_mitigations) |
		    set_bits(o, "current_mitigations", r.current_mitigations);
	if (bad != 0) {
		json_decref(o);
		return csn_nomem(ctx, ROOM, "showing a report");
	}
	*out = o;
	return 0;
}
