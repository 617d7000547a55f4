/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/basic_kv.c - seal one token's K and V, and open them again.
 *
 * A local session holds both ends in this process: the simplest way in. The
 * program ends by itself, with 0 where everything was as it says.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/caisson.h>

#define ROW 384	/* bytes of K, and of V: 3 heads of 64 halves */

/* What went wrong, in the library's own words. */
static int
fail(int rc, const char *what)
{
	fprintf(stderr, "%s: %s (%s)\n", what, csn_message(),
	    csn_error_name(rc));
	return 1;
}

int
main(void)
{
	struct csn_tenant tenant = { sizeof(tenant), "alice", "Alice" };
	struct csn_session *session = NULL;
	struct csn_ctx *ctx = NULL;
	struct csn_kv_item item;
	uint8_t key[ROW], value[ROW], key_back[ROW], value_back[ROW];
	uint8_t sealed[2 * ROW + CSN_SEAL_OVERHEAD];
	int i, rc, bad = 0;

	for (i = 0; i < ROW; i++) {
		key[i] = (uint8_t)i;
		value[i] = (uint8_t)(255 - i);
	}
	if ((rc = csn_ctx_new(NULL, &ctx)) != 0) {
		fprintf(stderr, "cannot start: %s\n", csn_error_text(rc));
		return 1;
	}
	if ((rc = csn_session_local(ctx, &tenant, NULL, &session)) != 0) {
		bad = fail(rc, "no session");
		goto out;
	}
	printf("A session for %s: ML-KEM-768 agreed on its keys.\n",
	    csn_session_tenant_name(session));

	/* Where the bytes belong is authenticated together with them. */
	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	item.session = session;
	item.slot.kind = CSN_KIND_KV_ENTRY;
	item.slot.role = CSN_KV_BOTH;
	item.slot.layer = 11;
	item.slot.position = 42;
	item.slot.count = 1;
	item.slot.token_id = 1234;
	item.slot.flags = CSN_KV_HAS_TOKEN;
	item.key = key;
	item.key_len = sizeof(key);
	item.value = value;
	item.value_len = sizeof(value);
	item.sealed = sealed;
	item.sealed_len = sizeof(sealed);
	if ((rc = csn_kv_seal(ctx, &item)) != 0) {
		bad = fail(rc, "cannot seal");
		goto out;
	}
	printf("Layer 11, position 42: %zu bytes of K and V became %zu.\n",
	    sizeof(key) + sizeof(value), sizeof(sealed));

	/* slot_expected: accept no other slot's entry in this one's place. */
	item.slot_expected = 1;
	item.key = key_back;
	item.value = value_back;
	if ((rc = csn_kv_open(ctx, &item)) != 0) {
		bad = fail(rc, "cannot open");
		goto out;
	}
	bad = memcmp(key, key_back, sizeof(key)) != 0 ||
	    memcmp(value, value_back, sizeof(value)) != 0;
	printf("Opened again: %s.\n", bad ? "NOT what was sealed" :
	    "the same, bit for bit");

	sealed[CSN_SEAL_OVERHEAD + 100] ^= 1;
	rc = csn_kv_open(ctx, &item);
	printf("With one bit flipped: %s, %s.\n", csn_error_name(rc),
	    csn_message());
	bad |= rc != CSN_E_TAG;
out:
	csn_session_free(session);	/* wipes its keys */
	csn_ctx_free(ctx);
	return bad;
}
