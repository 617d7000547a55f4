/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/store.c - into the store, out of it, and through a rotation. */
#include <stdlib.h>
#include <string.h>

#include "tour.h"

static int
put(struct tour *t, const struct csn_kv_item *item)
{
	return csn_kv_store_put(t->kv, item->tenant, &item->slot, item->key,
	    item->key_len, item->value, item->value_len);
}

/* One slot out of the store: *same is 1 where it is what went in. */
static int
compare(struct tour *t, const struct csn_kv_item *item, uint8_t *key,
    uint8_t *value, size_t room, int *same)
{
	size_t key_len = room, value_len = room;
	int rc;

	rc = csn_kv_store_get(t->kv, item->tenant, &item->slot, key, &key_len,
	    value, &value_len);
	*same = rc == 0 && key_len == item->key_len &&
	    value_len == item->value_len &&
	    memcmp(key, item->key, key_len) == 0 &&
	    memcmp(value, item->value, value_len) == 0;
	return rc;
}

int
tour_compare(struct tour *t, size_t tenant, size_t *same, size_t *total)
{
	const size_t room = (size_t)t->sample.tokens * t->sample.row;
	struct csn_kv_item item;
	uint8_t *key = malloc(room), *value = malloc(room);
	uint32_t layer, position;
	int rc = CSN_E_NOMEM, one;

	*same = *total = 0;
	if (key == NULL || value == NULL)
		goto out;
	for (layer = 0; layer < t->sample.layers; layer++) {
		for (position = 0; position < t->sample.tokens; position++) {
			tour_entry(t, tenant, layer, position, &item);
			if ((rc = compare(t, &item, key, value, room,
			    &one)) != 0)
				goto out;
			*same += (size_t)one;
			++*total;
		}
		if ((rc = tour_block(t, tenant, layer, &item)) != 0 ||
		    (rc = compare(t, &item, key, value, room, &one)) != 0)
			goto out;
		*same += (size_t)one;
		++*total;
	}
out:
	if (key != NULL)
		csn_wipe(key, room);
	if (value != NULL)
		csn_wipe(value, room);
	free(key);
	free(value);
	return rc;
}

static int
put_layer(struct tour *t, size_t tenant, uint32_t layer)
{
	struct csn_kv_item item;
	uint32_t position;
	int rc;

	for (position = 0; position < t->sample.tokens; position++) {
		tour_entry(t, tenant, layer, position, &item);
		if ((rc = put(t, &item)) != 0)
			return rc;
	}
	if ((rc = tour_block(t, tenant, layer, &item)) != 0)
		return rc;
	return put(t, &item);
}

int
tour_store(struct tour *t)
{
	struct csn_store_stat stat = { .size = sizeof(stat) };
	char bytes[CLI_TEXT], memory[CLI_TEXT];
	size_t i, same, total;
	uint32_t layer;
	int rc;

	tour_step(t, "store", "The KV cache goes into the store, sealed");
	tour_tell(t, "What SmolLM2-135M held after reading a prompt of each "
	    "tenant: %u layers x %u tokens, keys and values. Once as an "
	    "entry for each layer and token, once as a block for each layer. "
	    "The store sees ciphertext only.",
	    t->sample.layers, t->sample.tokens);
	for (i = 0; i < TOUR_TENANTS; i++)
		for (layer = 0; layer < t->sample.layers; layer++)
			if ((rc = put_layer(t, i, layer)) != 0)
				return tour_lib(t, rc,
				    "cannot put KV into the store");
	if ((rc = csn_store_stat(t->store, NULL, 0, &stat)) != 0)
		return tour_lib(t, rc, "cannot ask the store");
	cli_bytes_text((double)stat.bytes, bytes);
	cli_bytes_text((double)stat.memory, memory);
	tour_tell(t, "The store holds %llu sealed values, %s, in %s of "
	    "memory.", (unsigned long long)stat.entries, bytes, memory);
	tour_fact(t, "values", json_integer((json_int_t)stat.entries));
	tour_fact(t, "bytes", json_integer((json_int_t)stat.bytes));
	tour_fact(t, "memory", json_integer((json_int_t)stat.memory));
	for (i = 0; i < TOUR_TENANTS; i++) {
		if ((rc = tour_compare(t, i, &same, &total)) != 0)
			return tour_lib(t, rc,
			    "cannot read KV from the store");
		(void)tour_check(t, same == total, "%s: %zu of %zu read back "
		    "and the same, bit for bit", t->tenants[i].id, same,
		    total);
	}
	return 0;
}

static void
epochs(struct tour *t, struct csn_session *session, const char *when,
    struct csn_session_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	csn_session_get_info(session, info);
	tour_tell(t, "%s: epoch %u, %llu rotations, %u epochs alive in both "
	    "directions.", when, info->epoch,
	    (unsigned long long)info->rotations, info->live_epochs);
}

/* Write alice's cache again, with a new epoch at a third and two thirds. */
static int
write_rotating(struct tour *t, struct csn_session *session)
{
	const uint32_t third = t->sample.layers / 3;
	uint32_t layer;
	int rc;

	for (layer = 0; layer < t->sample.layers; layer++) {
		if (third > 0 && (layer == third || layer == 2 * third) &&
		    (rc = csn_session_rotate(session,
		    CSN_ROTATE_MANUAL)) != 0)
			return rc;
		if ((rc = put_layer(t, 0, layer)) != 0)
			return rc;
	}
	return 0;
}

int
tour_rotation(struct tour *t)
{
	struct csn_session_info before, after;
	struct csn_session *session;
	size_t same, total, moved = 0;
	int rc;

	tour_step(t, "rotation", "Keys rotate in mid-stream, nothing is lost");
	tour_tell(t, "alice's cache is written again, and her keys move on "
	    "twice while it is. A new epoch comes from a one-way step; what "
	    "older epochs sealed stays readable for as long as the store "
	    "holds it.");
	if ((rc = csn_manager_session(t->manager, "alice", &session)) != 0)
		return tour_lib(t, rc, "cannot find alice's session");
	epochs(t, session, "Before", &before);
	if ((rc = write_rotating(t, session)) != 0 ||
	    (rc = tour_compare(t, 0, &same, &total)) != 0)
		goto lib;
	epochs(t, session, "After", &after);
	(void)tour_check(t, after.epoch == before.epoch + 2 &&
	    after.rotations == before.rotations + 2,
	    "the keys moved on two epochs");
	(void)tour_check(t, same == total,
	    "%zu of %zu read back across the epochs, bit for bit", same,
	    total);
	if ((rc = csn_kv_store_reseal(t->kv, "alice", 0, &moved)) != 0 ||
	    (rc = tour_compare(t, 0, &same, &total)) != 0)
		goto lib;
	(void)tour_check(t, moved > 0 && same == total, "%zu values of old "
	    "epochs resealed under the newest, all %zu still the same",
	    moved, total);
	tour_fact(t, "epoch", json_integer(after.epoch));
	tour_fact(t, "resealed", json_integer((json_int_t)moved));
	csn_session_free(session);
	return 0;

lib:
	csn_session_free(session);
	return tour_lib(t, rc, "cannot rotate alice's keys");
}
