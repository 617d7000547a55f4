/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/describe.c - what this build is made of. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <caisson/aead.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "crypto/arena.h"
#include "crypto/internal.h"
#include "crypto/keyring.h"

const char *
csn_crypto_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

static json_t *
cpu_list(void)
{
	json_t *list = json_array();
	char text[256], *p, *rest = text;

	csn_cpu_features(text, sizeof(text));
	while ((p = strsep(&rest, " ")) != NULL) {
		if (*p != '\0' &&
		    json_array_append_new(list, json_string(p)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* How the process's secrets are kept, as far as the system allowed it. */
static json_t *
memory(struct csn_ctx *ctx)
{
	int lock, undumped;

	csn_secret_refused(&lock, &undumped);
	return json_pack("{s:b, s:b, s:b}", "locked", !lock, "undumped",
	    !undumped, "fork-wiped", !atomic_load(&ctx->canary_doubted));
}

/* Where expanded keys lie; sizes in bytes. */
static json_t *
key_memory(const struct csn_ctx *ctx)
{
	struct csn_arena_stat is;

	csn_arena_stat(&is);
	return json_pack("{s:I, s:I, s:I, s:I, s:s}",
	    "size", (json_int_t)is.size,
	    "used", (json_int_t)is.used,
	    "locked", (json_int_t)is.locked,
	    "outside", (json_int_t)is.outside,
	    "mask", csn_keyring_mask(ctx));
}

int
csn_describe(struct csn_ctx *ctx, char **json)
{
	if (CSN_NEEDS(json) != 0)
		return CSN_E_ARG;

	json_t *object;
	char *text = NULL;

	object = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}",
	    "version", csn_version(),
	    "openssl", csn_crypto_library(),
	    "aead", csn_aead_engine_name(ctx),
	    "cpu", cpu_list(),
	    "memory", memory(ctx),
	    "key_memory", key_memory(ctx));
	if (object != NULL)
		text = csn_json_text(object, JSON_COMPACT |
		    JSON_PRESERVE_ORDER);
	json_decref(object);
	if (text == NULL)
		return csn_nomem(ctx, "crypto", "the description");
	*json = text;
	return 0;
}
