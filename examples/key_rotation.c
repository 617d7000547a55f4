/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/key_rotation.c - keys that move on while entries stay readable.
 *
 * A session begins a new key epoch by its policy (here: every 100 entries) or
 * by hand. The step is one-way: an epoch that was wiped cannot be computed
 * again. What is still live in an older epoch stays readable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/caisson.h>

#define ENTRIES 350
#define LEN 64
#define SEALED (LEN + CSN_SEAL_OVERHEAD)

static void
about(struct csn_kv_item *item, struct csn_session *session, unsigned i,
    uint8_t *key, uint8_t *sealed)
{
	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->session = session;
	item->slot.kind = CSN_KIND_KV_ENTRY;
	item->slot.role = CSN_KV_KEY;
	item->slot.position = i;
	item->slot.count = 1;
	item->key = key;
	item->key_len = LEN;
	item->sealed = sealed;
	item->sealed_len = SEALED;
}

static void
tell(struct csn_session *session, const char *when)
{
	struct csn_session_info info = { .size = sizeof(info) };

	csn_session_get_info(session, &info);
	printf("%-28s epoch %u, %llu rotations, %llu entries in this epoch\n",
	    when, info.epoch, (unsigned long long)info.rotations,
	    (unsigned long long)info.entries_sealed);
}

/* Every entry, whatever its epoch; how many came back as they were. */
static unsigned
read_all(struct csn_ctx *ctx, struct csn_session *session, uint8_t *sealed)
{
	uint8_t key[LEN], expected[LEN];
	struct csn_kv_item item;
	unsigned i, good = 0;

	for (i = 0; i < ENTRIES; i++) {
		memset(expected, (int)i, sizeof(expected));
		about(&item, session, i, key, sealed + i * SEALED);
		if (csn_kv_open(ctx, &item) == 0 &&
		    memcmp(key, expected, sizeof(key)) == 0)
			good++;
	}
	return good;
}

static int
show(struct csn_ctx *ctx, struct csn_session *session, uint8_t *sealed)
{
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_kv_item item;
	uint8_t key[LEN];
	unsigned i, good;
	int rc;

	tell(session, "Before the first entry:");
	for (i = 0; i < ENTRIES; i++) {
		memset(key, (int)i, sizeof(key));
		about(&item, session, i, key, sealed + i * SEALED);
		if ((rc = csn_kv_seal(ctx, &item)) != 0)
			return rc;
	}
	tell(session, "After 350 entries:");
	if ((rc = csn_session_rotate(session, CSN_ROTATE_MANUAL)) != 0)
		return rc;
	tell(session, "After a rotation by hand:");
	good = read_all(ctx, session, sealed);
	printf("%u of %u entries read back across the epochs.\n", good,
	    ENTRIES);
	csn_session_get_info(session, &info);
	/* Three by the policy (100, 200, 300) and one by hand. */
	return good == ENTRIES && info.rotations == 4 ? 0 : CSN_E_EPOCH;
}

int
main(void)
{
	struct csn_session_options options = { .size = sizeof(options) };
	struct csn_tenant tenant = { sizeof(tenant), "alice", NULL };
	struct csn_session *session = NULL;
	struct csn_ctx *ctx = NULL;
	uint8_t *sealed = malloc((size_t)ENTRIES * SEALED);
	int rc = CSN_E_NOMEM;

	options.max_entries = 100;	/* of one epoch */
	if (sealed == NULL || (rc = csn_ctx_new(NULL, &ctx)) != 0 ||
	    (rc = csn_session_local(ctx, &tenant, &options,
	    &session)) != 0 || (rc = show(ctx, session, sealed)) != 0)
		fprintf(stderr, "not as told: %s (%s)\n",
		    csn_message(), csn_error_name(rc));
	csn_session_free(session);
	csn_ctx_free(ctx);
	free(sealed);
	return rc != 0;
}
