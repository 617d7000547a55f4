/* SPDX-License-Identifier: Apache-2.0 */
/* providers/registry.h - which providers there are. */
#ifndef CSN_PROVIDERS_REGISTRY_H
#define CSN_PROVIDERS_REGISTRY_H

#include <caisson/keystore.h>
#include <caisson/region.h>
#include <caisson/store.h>

/*
 * The provider of a URL's scheme, and in *rest what follows the colon.
 * CSN_E_ARG (no scheme) or CSN_E_UNKNOWN_BACKEND, naming those there are.
 */
CSN_MUST_CHECK int csn_store_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_store_provider **out, const char **rest);
CSN_MUST_CHECK int csn_keystore_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_keystore_provider **out, const char **rest);
CSN_MUST_CHECK int csn_region_lookup(struct csn_ctx *ctx, const char *url,
    const struct csn_region_provider **out, const char **rest);

#endif
