/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kv/message.c - one sealed entry or block, and what was in it. */
#include "crypto/aead_internal.h"
#include "kv/message.h"
#include "lib/test.h"
#include "session/keys.h"

struct csn_kv_slot
slot_entry(uint32_t layer, uint64_t position)
{
	struct csn_kv_slot slot;

	memset(&slot, 0, sizeof(slot));
	slot.kind = CSN_KIND_KV_ENTRY;
	slot.role = CSN_KV_BOTH;
	slot.layer = layer;
	slot.position = position;
	slot.count = 1;
	return slot;
}

struct csn_kv_slot
slot_block(uint8_t name, uint64_t position, uint32_t count)
{
	struct csn_kv_slot slot = slot_entry(CSN_KV_ALL_LAYERS, position);

	slot.kind = CSN_KIND_KV_BLOCK;
	slot.count = count;
	memset(slot.name, name, sizeof(slot.name));
	return slot;
}

static uint8_t *
bytes(size_t len, unsigned seed)
{
	uint8_t *p = malloc(len != 0 ? len : 1);
	uint32_t x = seed * 2654435761u + 12345;
	size_t i;

	assert_non_null(p);
	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24);
	}
	return p;
}

void
message_fill(struct message *p, const struct csn_kv_slot *slot, size_t key_len,
    size_t value_len, unsigned seed)
{
	memset(p, 0, sizeof(*p));
	p->slot = *slot;
	p->key_len = key_len;
	p->value_len = value_len;
	p->key = bytes(key_len, seed);
	p->value = bytes(value_len, seed + 1);
	p->len = key_len + value_len + CSN_SEAL_OVERHEAD;
	p->sealed = bytes(p->len, seed + 2);
}

void
message_free(struct message *p)
{
	free(p->key);
	free(p->value);
	free(p->sealed);
	memset(p, 0, sizeof(*p));
}

void
message_item(struct message *p, struct csn_session *s, struct csn_kv_item *item)
{
	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->session = s;
	item->slot = p->slot;
	item->key = p->key;
	item->key_len = p->key_len;
	item->value = p->value;
	item->value_len = p->value_len;
	item->sealed = p->sealed;
	item->sealed_len = p->len;
}

int
message_seal(struct message *p, struct csn_session *s)
{
	struct csn_kv_item item;
	int rc;

	message_item(p, s, &item);
	rc = csn_kv_seal(csn_session_ctx(s), &item);
	assert_int_equal(item.rc, rc);
	if (rc != 0)
		assert_true(all_zero(p->sealed, p->len));
	p->sequence = item.sequence;
	p->version = item.version;
	return rc;
}

void
message_make(struct message *p, struct csn_session *s,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed)
{
	message_fill(p, slot, key_len, value_len, seed);
	assert_int_equal(message_seal(p, s), 0);
}

int
all_zero(const void *p, size_t len)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		if (b[i] != 0)
			return 0;
	return 1;
}

/* fn opens the item; expected NULL for any slot. */
static int
open_with(const struct message *p, struct csn_kv_item *item,
    int (*fn)(void *arg, struct csn_kv_item *item), void *arg)
{
	size_t room = p->len;
	uint8_t *key = malloc(room), *value = malloc(room);
	uint8_t *copy = malloc(p->len);
	int rc;

	assert_non_null(key);
	assert_non_null(value);
	assert_non_null(copy);
	memset(key, 0xee, room);
	memset(value, 0xee, room);
	memcpy(copy, p->sealed, p->len);
	item->key = key;
	item->key_len = room;
	item->value = value;
	item->value_len = room;
	item->sealed = copy;
	item->sealed_len = p->len;
	rc = fn(arg, item);
	assert_int_equal(item->rc, rc);
	assert_memory_equal(copy, p->sealed, p->len);
	if (rc == 0) {
		assert_int_equal(item->key_len, p->key_len);
		assert_int_equal(item->value_len, p->value_len);
		assert_memory_equal(key, p->key, p->key_len);
		assert_memory_equal(value, p->value, p->value_len);
		assert_int_equal(key[p->key_len], 0xee);
		assert_int_equal(value[p->value_len], 0xee);
		assert_memory_equal(&item->slot, &p->slot, sizeof(p->slot));
		assert_int_equal(item->sequence, p->sequence);
		assert_int_equal(item->version, p->version);
	} else {
		/* Wherever the message might have put it. */
		assert_true(all_zero(key, room));
		assert_true(all_zero(value, room));
		/* So that the same item can be tried again. */
		assert_int_equal(item->key_len, room);
		assert_int_equal(item->value_len, room);
		assert_int_equal(csn_message_code(), rc);
	}
	free(key);
	free(value);
	free(copy);
	return rc;
}

static int
by_session(void *arg, struct csn_kv_item *item)
{
	return csn_kv_open(arg, item);
}

static int
by_manager(void *arg, struct csn_kv_item *item)
{
	return csn_manager_open(arg, item);
}

int
message_open(const struct message *p, struct csn_session *s)
{
	struct csn_kv_item item = { .size = sizeof(item), .session = s };

	return open_with(p, &item, by_session,
	    csn_session_ctx(s));
}

int
message_open_by(const struct message *p, struct csn_manager *mgr,
    struct csn_ctx *ctx, const char *tenant)
{
	struct csn_kv_item item = { .size = sizeof(item), .tenant = tenant };
	int rc;

	(void)ctx;
	rc = open_with(p, &item, by_manager, mgr);
	assert_null(item.session);
	return rc;
}

int
message_open_at(const struct message *p, struct csn_session *s,
    const struct csn_kv_slot *slot)
{
	struct csn_kv_item item = { .size = sizeof(item),
	    .session = s,
	    .slot = *slot,
	    .slot_expected = 1 };

	return open_with(p, &item, by_session,
	    csn_session_ctx(s));
}

unsigned long counted_opens;
unsigned long counted_seals;
int counting_fails;
void (*counting_hook)(const struct csn_aead_msg *msg);

static int
count_seal(void *state, const struct csn_aead_msg *msg)
{
	counted_seals++;
	if (counting_hook != NULL)
		counting_hook(msg);
	return counting_fails != 0 ? counting_fails :
	    csn_aead_openssl.seal(state, msg);
}

static int
count_open(void *state, const struct csn_aead_msg *msg)
{
	counted_opens++;
	if (counting_hook != NULL)
		counting_hook(msg);
	return csn_aead_openssl.open(state, msg);
}

void
counting_register(void)
{
	static struct csn_aead_engine engine;

	engine = csn_aead_openssl;
	engine.name = "counting";
	engine.preference = 0;
	engine.seal = count_seal;
	engine.open = count_open;
	assert_int_equal(csn_aead_register(&engine), 0);
}
