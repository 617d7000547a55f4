/* SPDX-License-Identifier: Apache-2.0 */
/* platform/spdm.c - SPDM measurements, byte by byte. */
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "platform/spdm.h"

#define ROOM "platform"
#define SPDM_11 0x11
#define GET_MEASUREMENTS 0xe0
#define MEASUREMENTS 0x60
#define SIGNED 0x01		/* of the request's attributes */
#define DMTF 0x01		/* a block's measurement specification */
#define NEWEST_OPAQUE 2		/* version of NVIDIA's opaque data */

static int
malformed(struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_FORM, ROOM, "the SPDM evidence %s", what);
}

static int
read_request(struct csn_ctx *ctx, struct csn_reader *r, struct csn_spdm *m)
{
	uint8_t version = csn_read_u8(r), code = csn_read_u8(r), attributes;

	attributes = csn_read_u8(r);
	(void)csn_read_u8(r);		/* which measurements: all */
	m->nonce = csn_read_view(r, CSN_SPDM_NONCE);
	(void)csn_read_u8(r);		/* the slot of the chain */
	if (!csn_reader_ok(r))
		return malformed(ctx, "is cut off in its request");
	if (code != GET_MEASUREMENTS)
		return malformed(ctx, "does not begin with a request for "
		    "measurements");
	if (version != SPDM_11)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "the SPDM evidence has version %u.%u, 1.1 is known",
		    version >> 4, version & 15u);
	if ((attributes & SIGNED) == 0)
		return malformed(ctx, "was not asked to be signed");
	return 0;
}

/* One block: a DMTF measurement (DSP0274 10.11.1). */
static int
read_block(struct csn_reader *r, struct csn_spdm_block *b)
{
	struct csn_reader in;
	const uint8_t *p;
	size_t len;
	uint8_t specification;

	b->index = csn_read_u8(r);
	specification = csn_read_u8(r);
	if ((p = csn_read_view16(r, &len)) == NULL)
		return 0;
	csn_reader_init(&in, p, len);
	b->type = csn_read_u8(&in);
	b->value = csn_read_view16(&in, &len);
	b->len = (uint16_t)len;
	return csn_reader_done(&in) && specification == DMTF &&
	    b->index >= 1 && b->index <= CSN_SPDM_MAX_BLOCKS;
}

const struct csn_spdm_block *
csn_spdm_block(const struct csn_spdm *m, unsigned index)
{
	size_t i;

	for (i = 0; i < m->nblocks; i++)
		if (m->blocks[i].index == index)
			return &m->blocks[i];
	return NULL;
}

static int
read_blocks(struct csn_ctx *ctx, const uint8_t *p, size_t len, size_t count,
    struct csn_spdm *m)
{
	struct csn_spdm_block b;
	struct csn_reader r;

	csn_reader_init(&r, p, len);
	while (count-- > 0) {
		if (!read_block(&r, &b))
			return malformed(ctx, "has a malformed block");
		if (csn_spdm_block(m, b.index) != NULL)
			return malformed(ctx, "has a block twice");
		m->blocks[m->nblocks++] = b;
	}
	return csn_reader_done(&r) ? 0 :
	    malformed(ctx, "has more bytes of blocks than blocks");
}

/* Every field is looked at once, so that none is cut off. */
static int
read_opaque(struct csn_ctx *ctx, struct csn_spdm *m)
{
	static const uint8_t head[] = { 'N', 'V', 'D', 'A', 'O', 'D' };
	unsigned profile, major, type;
	struct csn_reader r;
	size_t at = 0, len;

	if (m->opaque_len >= sizeof(head) &&
	    memcmp(m->opaque, head, sizeof(head)) == 0) {	/* public */
		csn_reader_init(&r, m->opaque, m->opaque_len);
		(void)csn_read_view(&r, sizeof(head));
		profile = csn_read_u16(&r);
		major = csn_read_u8(&r);
		(void)csn_read_view(&r, 3);
		if (!csn_reader_ok(&r))
			return malformed(ctx, "has opaque data that is cut "
			    "off");
		if (profile != 0 || major > NEWEST_OPAQUE)
			return csn_fail(ctx, CSN_E_VERSION, ROOM, "the SPDM "
			    "evidence has opaque data of profile %u, version "
			    "%u; profile 0 up to version %d is known",
			    profile, major, NEWEST_OPAQUE);
		m->typed = 1;
		m->opaque = r.p;
		m->opaque_len = r.left;
	}
	while (csn_nvidia_next(m, &at, &type, &len) != NULL)
		;
	return at == m->opaque_len ? 0 :
	    malformed(ctx, "has opaque data with a field that is cut off");
}

int
csn_spdm_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_spdm *m)
{
	struct csn_reader r;
	const uint8_t *record;
	uint8_t version, code, count, behind = 0;
	size_t record_len;
	int rc;

	memset(m, 0, sizeof(*m));
	m->bytes = p;
	csn_reader_init(&r, p, len);
	if ((rc = read_request(ctx, &r, m)) != 0)
		return rc;
	version = csn_read_u8(&r);
	code = csn_read_u8(&r);
	(void)csn_read_u16(&r);
	count = csn_read_u8(&r);
	record_len = csn_read_u16(&r);
	record_len |= (size_t)csn_read_u8(&r) << 16;
	record = csn_read_view(&r, record_len);
	(void)csn_read_view(&r, CSN_SPDM_NONCE);	/* the responder's */
	m->opaque = csn_read_view16(&r, &m->opaque_len);
	m->signed_len = len - r.left;
	m->signature = csn_read_view(&r, CSN_SPDM_SIGNATURE);
	if (version != SPDM_11 || code != MEASUREMENTS)
		return malformed(ctx, "does not answer its request");
	while (csn_reader_ok(&r) && r.left > 0)
		behind |= csn_read_u8(&r);
	if (!csn_reader_done(&r) || behind != 0)
		return malformed(ctx, "is not as long as it says");
	if ((rc = read_blocks(ctx, record, record_len, count, m)) != 0)
		return rc;
	return read_opaque(ctx, m);
}

/* --- NVIDIA's opaque data ------------------------------------------- */

const uint8_t *
csn_nvidia_next(const struct csn_spdm *m, size_t *at, unsigned *type,
    size_t *len)
{
	struct csn_reader r;
	const uint8_t *p;

	if (*at >= m->opaque_len)
		return NULL;
	csn_reader_init(&r, m->opaque + *at, m->opaque_len - *at);
	*type = csn_read_u16(&r);
	if (m->typed)
		(void)csn_read_u16(&r);
	if ((p = csn_read_view16(&r, len)) != NULL)
		*at = m->opaque_len - r.left;
	return p;
}

const uint8_t *
csn_nvidia_field(const struct csn_spdm *m, unsigned type, size_t *len)
{
	const uint8_t *p;
	size_t at = 0;
	unsigned t;

	while ((p = csn_nvidia_next(m, &at, &t, len)) != NULL)
		if (t == type)
			return p;
	return NULL;
}

void
csn_nvidia_vbios(const struct csn_spdm *m, char out[16])
{
	const uint8_t *p;
	size_t len;

	out[0] = '\0';
	p = csn_nvidia_field(m, CSN_NV_VBIOS_VERSION, &len);
	if (p != NULL && len == 8)
		(void)snprintf(out, 16, "%02X.%02X.%02X.%02X.%02X", p[3],
		    p[2], p[1], p[0], p[4]);
}

void
csn_nvidia_driver(const struct csn_spdm *m, char out[32])
{
	const uint8_t *p;
	size_t len = 0;

	out[0] = '\0';
	p = csn_nvidia_field(m, CSN_NV_DRIVER_VERSION, &len);
	while (p != NULL && len > 0 && p[len - 1] == '\0')
		len--;
	if (p != NULL && len < 32 && csn_utf8_ok((const char *)p, len)) {
		memcpy(out, p, len);
		out[len] = '\0';
	}
}

static json_t *
block_json(const struct csn_spdm_block *b)
{
	json_t *o = json_object();

	if (csn_json_uint(o, "index", b->index) != 0 ||
	    csn_json_uint(o, "type", b->type) != 0 ||
	    csn_json_hex(o, "value", b->value, b->len) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* All fields, those too that nobody here knows. */
static json_t *
opaque_json(const struct csn_spdm *m)
{
	json_t *o = json_object();
	const uint8_t *p;
	unsigned type;
	char name[8];
	size_t at = 0, len;

	while ((p = csn_nvidia_next(m, &at, &type, &len)) != NULL) {
		(void)snprintf(name, sizeof(name), "%u", type & 0xffffu);
		if (json_object_get(o, name) == NULL &&
		    csn_json_hex(o, name, p, len) != 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

int
csn_nvidia_json(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    json_t **out)
{
	struct csn_spdm m;
	char driver[32], vbios[16];
	json_t *o, *list;
	size_t i;
	int rc, bad;

	if ((rc = csn_spdm_parse(ctx, p, len, &m)) != 0)
		return rc;
	csn_nvidia_driver(&m, driver);
	csn_nvidia_vbios(&m, vbios);
	o = json_object();
	list = json_array();
	bad = json_object_set_new(o, "platform", json_string("nvidia")) |
	    csn_json_hex(o, "nonce", m.nonce, CSN_SPDM_NONCE) |
	    json_object_set_new(o, "driver_version", json_string(driver)) |
	    json_object_set_new(o, "vbios_version", json_string(vbios)) |
	    json_object_set_new(o, "opaque", opaque_json(&m)) |
	    json_object_set_new(o, "blocks", list);
	for (i = 0; i < m.nblocks; i++)
		bad |= json_array_append_new(list, block_json(&m.blocks[i]));
	if (bad != 0) {
		json_decref(o);
		return csn_nomem(ctx, ROOM, "showing measurements");
	}
	*out = o;
	return 0;
}
