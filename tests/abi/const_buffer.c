/* SPDX-License-Identifier: Apache-2.0 */
/* const_buffer.c - C11 and C++ alike: seal bytes that are const. */
#include <string.h>

#include <caisson/advanced.h>
#include <caisson/caisson.h>

int
main(void)
{
	static const uint8_t k[32] = { 1, 2, 3 }, v[16] = { 4, 5, 6 };
	uint8_t sealed[sizeof(k) + sizeof(v) + CSN_SEAL_OVERHEAD];
	uint8_t k2[sizeof(k)], v2[sizeof(v)];
	struct csn_session *session = NULL;
	struct csn_ctx *ctx = NULL;
	struct csn_kv_item item;
	struct csn_tenant t;

	memset(&t, 0, sizeof(t));
	t.size = sizeof(t);
	t.id = "acme";
	if (csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_session_local(ctx, &t, NULL, &session) != 0)
		return 1;
	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	item.session = session;
	item.slot.kind = CSN_KIND_KV_ENTRY;
	item.slot.role = CSN_KV_BOTH;
	item.slot.count = 1;
	item.const_key = k;
	item.key_len = sizeof(k);
	item.const_value = v;
	item.value_len = sizeof(v);
	item.sealed = sealed;
	item.sealed_len = sizeof(sealed);
	if (csn_kv_seal(ctx, &item) != 0)
		return 2;
	item.key = k2;
	item.value = v2;
	item.const_sealed = sealed;
	if (csn_kv_open(ctx, &item) != 0 || memcmp(k, k2, sizeof(k)) != 0 ||
	    memcmp(v, v2, sizeof(v)) != 0)
		return 3;
	csn_session_free(session);
	csn_ctx_free(ctx);
	return 0;
}
