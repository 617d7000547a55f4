/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/tenant_isolation.c - many tenants, and what one cannot do to
 * another.
 *
 * The manager keeps a session a tenant. An entry opens for its own tenant and
 * for nobody else, also when somebody relabels it; a closed tenant's entries
 * open for nobody.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/caisson.h>

#define LEN 256
#define SEALED (LEN + CSN_SEAL_OVERHEAD)

static int bad;

/* One line about how a call ended, which has to be as expected. */
static void
tell(const char *what, int rc, int expected)
{
	printf("%-42s %s%s%s\n", what, rc == 0 ? "done" :
	    csn_error_name(rc), rc == 0 ? "" : ": ",
	    rc == 0 ? "" : csn_message());
	if (rc != expected) {
		printf("  expected %s\n", csn_error_name(expected));
		bad = 1;
	}
}

static void
about(struct csn_kv_item *item, const char *tenant, uint8_t *key,
    uint8_t *sealed)
{
	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	item->tenant = tenant;
	item->slot.kind = CSN_KIND_KV_ENTRY;
	item->slot.role = CSN_KV_KEY;
	item->slot.layer = 3;
	item->slot.position = 7;
	item->slot.count = 1;
	item->key = key;
	item->key_len = LEN;
	item->sealed = sealed;
	item->sealed_len = SEALED;
}

static int
seal_as(struct csn_manager *mgr, const char *tenant, uint8_t *key,
    uint8_t *sealed)
{
	struct csn_kv_item item;

	about(&item, tenant, key, sealed);
	return csn_manager_seal(mgr, &item);
}

static int
open_as(struct csn_manager *mgr, const char *tenant, uint8_t *key,
    uint8_t *sealed)
{
	struct csn_kv_item item;

	about(&item, tenant, key, sealed);
	return csn_manager_open(mgr, &item);
}

static void
show(struct csn_manager *mgr)
{
	static const char *const names[] = { "alice", "bob", "carol" };
	struct csn_tenant tenant = { sizeof(tenant), NULL, NULL };
	uint8_t key[LEN], back[LEN];
	uint8_t alice[SEALED], bob[SEALED], forged[SEALED];
	size_t i;

	memset(key, 0x5a, sizeof(key));
	for (i = 0; i < 3; i++) {
		tenant.id = names[i];
		tell(names[i], csn_manager_create(mgr, &tenant, NULL),
		    0);
	}
	printf("%zu tenants, a session each\n\n", csn_manager_count(mgr));

	tell("alice seals", seal_as(mgr, "alice", key, alice), 0);
	tell("bob seals", seal_as(mgr, "bob", key, bob), 0);
	tell("alice opens hers", open_as(mgr, "alice", back, alice), 0);
	if (memcmp(key, back, sizeof(key)) != 0)
		bad = 1;

	/* Refused by its label, before AES touches a byte. */
	tell("bob opens alice's", open_as(mgr, "bob", back, alice),
	    CSN_E_TENANT);
	/* bob's header in front of alice's ciphertext: the tag says no. */
	memcpy(forged, alice, sizeof(forged));
	memcpy(forged, bob, CSN_SEAL_HEADER);
	tell("bob opens alice's under his own header",
	    open_as(mgr, "bob", back, forged), CSN_E_TAG);
	for (i = 0; i < LEN; i++)
		if (back[i] != 0)
			bad = 1;	/* a refusal leaves nothing behind */
	tell("somebody without a session opens it",
	    open_as(mgr, "mallory", back, alice), CSN_E_UNKNOWN_TENANT);

	tell("alice's session is closed, its keys wiped",
	    csn_manager_close(mgr, "alice"), 0);
	tell("alice opens hers", open_as(mgr, "alice", back, alice),
	    CSN_E_UNKNOWN_TENANT);
	tell("bob still opens his", open_as(mgr, "bob", back, bob), 0);
}

int
main(void)
{
	struct csn_manager *mgr = NULL;
	struct csn_ctx *ctx = NULL;

	if (csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_manager_new(ctx, NULL, &mgr) != 0) {
		fprintf(stderr, "cannot start: %s\n", csn_message());
		csn_ctx_free(ctx);
		return 1;
	}
	show(mgr);
	csn_manager_free(mgr);
	csn_ctx_free(ctx);
	return bad;
}
