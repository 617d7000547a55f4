/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/attacks.c - what must not work, tried. */
#include <stdlib.h>
#include <string.h>

#include "tour.h"

/* Buffers for one entry, sealed and opened. */
struct bench {
	uint8_t *sealed[2];	/* alice's, and a later version or bob's */
	uint8_t *work;		/* what is tampered with */
	uint8_t *key, *value;
	size_t len;		/* of a sealed entry */
};

static void
free_bench(struct bench *b)
{
	free(b->sealed[0]);
	free(b->sealed[1]);
	free(b->work);
	free(b->key);
	free(b->value);
}

static int
make_bench(const struct tour *t, struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->len = 2 * (size_t)t->sample.row + CSN_SEAL_OVERHEAD;
	b->sealed[0] = malloc(b->len);
	b->sealed[1] = malloc(b->len);
	b->work = malloc(b->len);
	b->key = malloc(t->sample.row);
	b->value = malloc(t->sample.row);
	if (b->sealed[0] != NULL && b->sealed[1] != NULL && b->work != NULL &&
	    b->key != NULL && b->value != NULL)
		return 0;
	return CSN_E_NOMEM;
}

/* A slot that the store does not use, so that its versions stay as told. */
static int
seal(struct tour *t, size_t tenant, uint8_t *sealed, size_t len)
{
	struct csn_kv_item item;

	tour_entry(t, tenant, 0, 0, &item);
	item.slot.position = 1u << 20;
	item.sealed = sealed;
	item.sealed_len = len;
	return csn_manager_seal(t->manager, &item);
}

/* Open as a tenant; *clean is 1 where a refusal left only zeros behind. */
static int
open_as(struct tour *t, const char *tenant, const struct bench *b,
    uint8_t *sealed, uint32_t position, int *clean)
{
	struct csn_kv_item item;
	size_t i;
	int rc;

	tour_entry(t, 0, 0, 0, &item);
	item.tenant = tenant;
	item.slot.position = position;
	item.slot_expected = position != 0;
	item.sealed = sealed;
	item.sealed_len = b->len;
	item.key = b->key;
	item.value = b->value;
	memset(b->key, 0xaa, t->sample.row);
	memset(b->value, 0xaa, t->sample.row);
	rc = csn_manager_open(t->manager, &item);
	*clean = 1;
	for (i = 0; rc != 0 && i < t->sample.row; i++)
		if (b->key[i] != 0 || b->value[i] != 0)
			*clean = 0;
	return rc;
}

/* Every byte of a sealed entry with one bit of it turned over. */
static int
flip_each(struct tour *t, const struct bench *b, size_t *let_in,
    size_t *dirty)
{
	size_t i;
	int clean, rc, body = 0;

	*let_in = *dirty = 0;
	for (i = 0; i < b->len; i++) {
		memcpy(b->work, b->sealed[0], b->len);
		b->work[i] ^= (uint8_t)(1u << i % 8);
		rc = open_as(t, "alice", b, b->work, 0, &clean);
		if (rc == 0)
			++*let_in;
		if (!clean)
			++*dirty;
		if (i >= CSN_SEAL_OVERHEAD)
			body = rc;
	}
	return body;
}

static void
tamper(struct tour *t, const struct bench *b)
{
	size_t let_in, dirty;
	int rc;

	rc = flip_each(t, b, &let_in, &dirty);
	(void)tour_refused(t, rc, CSN_E_TAG, "one bit of alice's entry is "
	    "flipped");
	(void)tour_check(t, let_in == 0 && dirty == 0, "each of its %zu "
	    "bytes, header and tag too: %zu tries let in, %zu left "
	    "plaintext", b->len, let_in, dirty);
	tour_fact(t, "bytes_flipped", json_integer((json_int_t)b->len));
}

int
tour_attacks(struct tour *t)
{
	const uint32_t slot = 1u << 20;
	struct bench b;
	int rc, clean;

	tour_step(t, "attacks", "What must not work");
	if ((rc = make_bench(t, &b)) != 0 ||
	    (rc = seal(t, 0, b.sealed[0], b.len)) != 0 ||
	    (rc = open_as(t, "alice", &b, b.sealed[0], slot, &clean)) != 0)
		goto lib;
	(void)tour_check(t, 1, "alice opens an entry of hers");

	rc = open_as(t, "bob", &b, b.sealed[0], slot, &clean);
	(void)tour_refused(t, rc, CSN_E_TENANT, "bob opens the same entry");

	/* bob's own header in front of alice's ciphertext. */
	if ((rc = seal(t, 1, b.sealed[1], b.len)) != 0)
		goto lib;
	memcpy(b.work, b.sealed[1], CSN_SEAL_HEADER);
	memcpy(b.work + CSN_SEAL_HEADER, b.sealed[0] + CSN_SEAL_HEADER,
	    b.len - CSN_SEAL_HEADER);
	rc = open_as(t, "bob", &b, b.work, slot, &clean);
	(void)tour_refused(t, rc, CSN_E_TAG,
	    "alice's entry is relabelled as bob's");

	tamper(t, &b);

	rc = open_as(t, "alice", &b, b.sealed[0], slot + 1, &clean);
	(void)tour_refused(t, rc, CSN_E_TAG,
	    "alice's entry is put where another position's belongs");

	if ((rc = seal(t, 0, b.sealed[1], b.len)) != 0 ||
	    (rc = open_as(t, "alice", &b, b.sealed[1], slot, &clean)) != 0)
		goto lib;
	rc = open_as(t, "alice", &b, b.sealed[0], slot, &clean);
	(void)tour_refused(t, rc, CSN_E_REPLAY,
	    "the old entry is played back after a newer one");
	free_bench(&b);
	return 0;

lib:
	free_bench(&b);
	return tour_lib(t, rc, "cannot set up an attack");
}
