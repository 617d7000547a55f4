/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/fake_spdm.c - a made-up GPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/fake_spdm.h"

#define CHAIN 5
#define FIRMWARE 0xf1

struct fake_spdm {
	struct fake_cert *chain[CHAIN];	/* leaf first */
};

/* SEQUENCE { INTEGER 1, SEQUENCE { OID sha384, OCTET STRING } } */
static const uint8_t dice_head[] = {
	0x30, 0x42, 0x02, 0x01, 0x01, 0x30, 0x3d, 0x06, 0x09, 0x60, 0x86,
	0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30
};

/*
 * DiceTcbInfo: vendor [0], svn [3], fwids [6] with the firmware's and one
 * more, type [9].
 */
static struct fake_bytes
dice_tcb_info(void)
{
	static const uint8_t fwid_head[] = {
		0x30, 0x3d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
		0x04, 0x02, 0x02, 0x04, 0x30
	};
	static const uint8_t head[] = {
		0x30, 0x81, 0x8f, 0x80, 0x06, 'N', 'V', 'I', 'D', 'I', 'A',
		0x83, 0x01, 0x07, 0xa6, 0x7e
	};
	static const uint8_t tail[] = { 0x89, 0x02, 0x01, 0x02 };
	struct fake_bytes b = { NULL, 0 };
	uint8_t digest[FAKE_SPDM_DIGEST];
	int i;

	fake_put(&b, head, sizeof(head));
	for (i = 0; i < 2; i++) {
		memset(digest, i == 0 ? FIRMWARE : 0x77, sizeof(digest));
		fake_put(&b, fwid_head, sizeof(fwid_head));
		fake_put(&b, digest, sizeof(digest));
	}
	fake_put(&b, tail, sizeof(tail));
	b.p[2] = (uint8_t)(b.len - 3);
	return b;
}

/* The chip's name where the pattern has its place. */
static void
name_of(char name[64], const char *pattern, const char *chip)
{
	const char *at = strstr(pattern, "%s");

	if (at == NULL)
		snprintf(name, 64, "%s", pattern);
	else
		snprintf(name, 64, "%.*s%s%s", (int)(at - pattern), pattern,
		    chip, at + 2);
}

static struct fake_spdm *
make(enum fake_spdm_kind kind, const char *leaf_until,
    const struct fake_bytes *other)
{
	/* The chip is not every certificate's first word, nor in every one. */
	static const char *const chips[] = {
		"GH100", "GB100", "LS_10", "XLS10 LSX GH"
	};
	static const char *const names[CHAIN] = {
		"%s A01 FMC", "%s A01 BROM", "NVIDIA %s Provisioner",
		"NVIDIA %s Identity", "Device Identity CA"
	};
	struct fake_bytes dice = { NULL, 0 };
	struct fake_extension ext = { "2.23.133.5.4.1" };
	struct fake_cert_options o = { .key = FAKE_P384, .ca = 1 };
	struct fake_spdm *s = calloc(1, sizeof(*s));
	uint8_t digest[FAKE_SPDM_DIGEST];
	char name[64];
	int i;

	if (s == NULL)
		abort();
	memset(digest, FIRMWARE, sizeof(digest));
	if (kind == FAKE_BLACKWELL) {
		dice = dice_tcb_info();
		ext.oid = "2.23.133.5.4.1.1";
	} else {
		fake_put(&dice, dice_head, sizeof(dice_head));
		fake_put(&dice, digest, sizeof(digest));
	}
	ext.p = other != NULL ? other->p : dice.p;
	ext.len = other != NULL ? other->len : dice.len;
	for (i = CHAIN - 1; i >= 0; i--) {
		name_of(name, names[i], kind == FAKE_SWITCH && i < 2 ?
		    "FSP" : chips[kind]);
		o.name = name;
		if (i == 0) {
			o.ca = 0;
			o.until = leaf_until;
			o.extensions = &ext;
			o.nextensions = other == NULL || other->p != NULL;
		}
		s->chain[i] = fake_cert_new(&o);
		o.issuer = s->chain[i];
	}
	free(dice.p);
	return s;
}

struct fake_spdm *
fake_spdm_new(const char *leaf_until)
{
	return make(FAKE_HOPPER, leaf_until, NULL);
}

struct fake_spdm *
fake_spdm_new_of(enum fake_spdm_kind kind, const struct fake_bytes *dice)
{
	return make(kind, NULL, dice);
}

void
fake_spdm_free(struct fake_spdm *s)
{
	int i;

	for (i = 0; s != NULL && i < CHAIN; i++)
		fake_cert_free(s->chain[i]);
	free(s);
}

static void
put_le(struct fake_bytes *b, uint64_t v, size_t bytes)
{
	uint8_t p[8];

	fake_le(p, v, bytes);
	fake_put(b, p, bytes);
}

static void
put_block(struct fake_bytes *b, int index)
{
	uint8_t digest[FAKE_SPDM_DIGEST];

	memset(digest, index, sizeof(digest));
	put_le(b, (uint64_t)index, 1);
	put_le(b, 1, 1);		/* DMTF's form */
	put_le(b, 3 + sizeof(digest), 2);
	put_le(b, 1, 1);
	put_le(b, sizeof(digest), 2);
	fake_put(b, digest, sizeof(digest));
}

static void
put_field(struct fake_bytes *b, int typed, unsigned type, const void *p,
    size_t len)
{
	put_le(b, type, 2);
	if (typed)
		put_le(b, type == 3 ? 0x86 : 0x80, 2);
	put_le(b, len, 2);
	fake_put(b, p, len);
}

static struct fake_bytes
opaque_data(const struct fake_spdm_options *o)
{
	static const uint8_t vbios[8] = { 0x00, 0x5e, 0x00, 0x96, 0x01 };
	const char *driver = o->driver != NULL ? o->driver : "550.1";
	struct fake_bytes b = { NULL, 0 };
	uint8_t firmware[FAKE_SPDM_DIGEST];
	unsigned type;

	if (o->head) {
		fake_put(&b, "NVDAOD", 6);
		put_le(&b, (uint64_t)o->profile, 2);
		put_le(&b, o->major != 0 ? (uint64_t)o->major : 2, 4);
	}
	put_field(&b, o->head, 6, vbios, sizeof(vbios));
	for (type = 22; o->is_switch && type <= 27; type++)
		put_field(&b, o->head, type, vbios, sizeof(vbios));
	if (o->field != 0)
		put_field(&b, o->head, (unsigned)o->field, vbios, 8);
	if (!o->is_switch && !o->no_fields && o->field == 0)
		put_field(&b, o->head, 3, driver, strlen(driver) + 1);
	if (o->unknown)
		put_field(&b, o->head, 999, vbios, sizeof(vbios));
	memset(firmware, o->wrong_firmware ? 0 : FIRMWARE, sizeof(firmware));
	if (!o->no_firmware)
		put_field(&b, o->head, 20, firmware, sizeof(firmware) -
		    (size_t)o->part_of_firmware);
	b.len -= (size_t)o->cut;
	return b;
}

struct fake_bytes
fake_spdm_evidence(const struct fake_spdm *s,
    const uint8_t nonce[FAKE_SPDM_NONCE],
    const struct fake_spdm_options *options)
{
	static const uint8_t zero[FAKE_SPDM_NONCE];
	struct fake_bytes b = { NULL, 0 }, blocks = { NULL, 0 };
	struct fake_spdm_options o = { 0 };
	struct fake_bytes opaque;
	uint8_t signature[96];
	int i, n;

	if (options != NULL)
		o = *options;
	n = o.blocks != 0 ? o.blocks : 4;
	for (i = 1; i <= n; i++)
		put_block(&blocks, o.block_twice && i == n ? 1 : i);
	opaque = opaque_data(&o);

	fake_put(&b, "\x11\xe0\x01\xff", 4);
	fake_put(&b, nonce != NULL ? nonce : zero, FAKE_SPDM_NONCE);
	put_le(&b, 0, 1);
	fake_put(&b, "\x11\x60\x00\x00", 4);
	put_le(&b, (uint64_t)n, 1);
	put_le(&b, blocks.len, 3);
	fake_put(&b, blocks.p, blocks.len);
	fake_put(&b, zero, FAKE_SPDM_NONCE);
	put_le(&b, opaque.len, 2);
	fake_put(&b, opaque.p, opaque.len);
	fake_ecdsa(s->chain[0], b.p, b.len, signature);
	fake_put(&b, signature, sizeof(signature));
	free(blocks.p);
	free(opaque.p);
	return b;
}

struct fake_bytes
fake_spdm_chain(const struct fake_spdm *s)
{
	struct fake_bytes b = { NULL, 0 };
	int i;

	for (i = 0; i < CHAIN; i++)
		fake_put_pem(&b, s->chain[i]);
	return b;
}

struct fake_bytes
fake_spdm_root(const struct fake_spdm *s)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_pem(&b, s->chain[CHAIN - 1]);
	return b;
}

struct fake_bytes
fake_spdm_crl(const struct fake_spdm *s, int i, int revoked)
{
	struct fake_bytes b = { NULL, 0 };

	fake_put_crl(&b, s->chain[i + 1], revoked ? s->chain[i] : NULL, NULL,
	    NULL);
	return b;
}
