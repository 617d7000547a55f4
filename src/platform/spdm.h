/* SPDX-License-Identifier: Apache-2.0 */
/* platform/spdm.h - SPDM 1.1 measurements (DSP0274), as NVIDIA's GPUs send. */
#ifndef CSN_PLATFORM_SPDM_H
#define CSN_PLATFORM_SPDM_H

#include "platform/appraisal.h"

#define CSN_SPDM_NONCE 32
#define CSN_SPDM_SIGNATURE 96
#define CSN_SPDM_MAX_BLOCKS 254

struct csn_spdm_block {
	uint8_t index;		/* 1 to 254, each once */
	uint8_t type;		/* of the value, DSP0274 table 54 */
	uint16_t len;
	const uint8_t *value;
};

/* GET_MEASUREMENTS and its MEASUREMENTS, one behind the other; views. */
struct csn_spdm {
	const uint8_t *bytes;
	size_t signed_len;		/* all but the signature */
	const uint8_t *nonce;		/* the requester's */
	struct csn_spdm_block blocks[CSN_SPDM_MAX_BLOCKS];
	size_t nblocks;
	const uint8_t *opaque;		/* its fields, behind any head */
	size_t opaque_len;
	int typed;			/* a field says its value's type */
	const uint8_t *signature;
};

/*
 * CSN_E_FORM or CSN_E_VERSION. Behind the message there may be zeros: tools
 * hand over the buffer that it came in.
 */
CSN_MUST_CHECK int csn_spdm_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_spdm *out);
/* The block of that index, or NULL. */
const struct csn_spdm_block *csn_spdm_block(const struct csn_spdm *m,
    unsigned index);

/*
 * Fields of NVIDIA's opaque data: type u16, length u16, value. Drivers from
 * CUDA 13.5 on put a head before them, "NVDAOD", profile u16 (0), version
 * (major up to 2, minor, patch), a byte; and a u16 for the type of the value
 * between a field's type and length.
 */
#define CSN_NV_DRIVER_VERSION 3
#define CSN_NV_VBIOS_VERSION 6
#define CSN_NV_FWID 20
#define CSN_NV_SWITCH_FIRST 24	/* position, lock, its GPUs, its ports: what */
#define CSN_NV_SWITCH_LAST 27	/* a switch alone has */
/* The field at offset *at, which moves behind it: a view; NULL at the end. */
const uint8_t *csn_nvidia_next(const struct csn_spdm *m, size_t *at,
    unsigned *type, size_t *len);
/* A view of the field's value, or NULL. */
const uint8_t *csn_nvidia_field(const struct csn_spdm *m, unsigned type,
    size_t *len);
/* As NVIDIA writes it, "96.00.5E.00.01"; "" where there is none. */
void csn_nvidia_vbios(const struct csn_spdm *m, char out[16]);
/* Printable, or "". */
void csn_nvidia_driver(const struct csn_spdm *m, char out[32]);

/* The unverified view. CSN_E_NOMEM, or as parsing. */
CSN_MUST_CHECK int csn_nvidia_json(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct json_t **out);

#endif
