/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_cache FILE - write cache.json: a cache's entries in Caisson's own
 * envelope, with the master keys that open them. Its vectors are made once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <caisson/cache_native.h>

#include "base/text.h"

#define CLOCK_MS 1767225600000u	/* 2026-01-01T00:00:00Z */

static struct csn_ctx *ctx;

static uint64_t
clock_ms(void *arg)
{
	(void)arg;
	return CLOCK_MS;
}

static void
must(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "make_cache: %s: %s\n", csn_error_name(rc),
	    csn_message());
	exit(1);
}

static json_t *
hex(const void *p, size_t len)
{
	char *text = malloc(2 * len + 1);
	json_t *j;

	if (text == NULL)
		exit(1);
	csn_hex_encode(p, len, text);
	j = json_string(text);
	free(text);
	return j;
}

static json_t *
seal(struct csn_cache_native *native, const char *tenant, const char *key,
    const char *format, uint64_t expires_ms, const void *value, size_t len)
{
	struct csn_cache_native_bind bind = { .tenant = tenant, .key = key,
	    .key_len = strlen(key), .format = format };
	uint8_t *sealed = malloc(len + CSN_CACHE_NATIVE_OVERHEAD);
	json_t *j;

	if (sealed == NULL)
		exit(1);
	must(csn_cache_native_seal(native, &bind, expires_ms, value, len,
	    sealed));
	j = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "tenant", tenant,
	    "key", key, "format", format, "expires_ms",
	    (json_int_t)expires_ms, "value", hex(value, len), "sealed",
	    hex(sealed, len + CSN_CACHE_NATIVE_OVERHEAD));
	free(sealed);
	return j;
}

int
main(int argc, char **argv)
{
	static const struct csn_clock clock = { .size = sizeof(clock),
	    .boot_ms = clock_ms, .wall_ms = clock_ms };
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &clock };
	json_t *masters = json_array(), *entries = json_array(), *top;
	struct csn_cache_native *native;
	uint8_t id[16], key[CSN_KEY_SIZE], long_value[300];
	uint32_t epoch;

	if (argc != 2 || masters == NULL || entries == NULL)
		return 2;
	must(csn_ctx_new(&o, &ctx));
	must(csn_cache_native_new(ctx, NULL, &native));
	memset(long_value, 'x', sizeof(long_value));
	for (epoch = 1; epoch <= 2; epoch++) {
		must(csn_random(ctx, id, sizeof(id)));
		must(csn_random(ctx, key, sizeof(key)));
		must(csn_cache_native_add_key(native, epoch, id, key));
		json_array_append_new(masters, json_pack("{s:i, s:o, s:o}",
		    "epoch", (int)epoch, "id", hex(id, sizeof(id)), "key",
		    hex(key, sizeof(key))));
		json_array_append_new(entries, seal(native, "acme",
		    "users:get:1", "msgpack", 0, "\x81\xa1" "a\x01", 4));
		json_array_append_new(entries, seal(native, "acme",
		    "users:get:1", "msgpack", 0, "\x81\xa1" "a\x02", 4));
		json_array_append_new(entries, seal(native, "caf\xc3\xa9",
		    "k", "json", CLOCK_MS + 1000, "", 0));
		json_array_append_new(entries, seal(native, "default",
		    "ns:test:func:m.f:args:0:1s", "bytes", 0, long_value,
		    sizeof(long_value)));
	}
	top = json_pack("{s:I, s:o, s:o}", "clock_ms", (json_int_t)CLOCK_MS,
	    "masters", masters, "entries", entries);
	if (top == NULL || json_dump_file(top, argv[1], JSON_INDENT(1)) != 0)
		return 1;
	json_decref(top);
	csn_cache_native_free(native);
	csn_ctx_free(ctx);
	return 0;
}
