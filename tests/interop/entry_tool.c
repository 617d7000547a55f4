/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_tool.c - CacheKit's keys and entries at a shell: what the tests
 * against the real SDKs drive.
 *
 *   entry_tool pack|unpack|reseal SHAPE KEY [TENANT] <in >out
 *   entry_tool key auto NAMESPACE MODULE QUALNAME 1|0 SERIALIZER ARGS KWARGS
 *   entry_tool key interop NAMESPACE OPERATION ARGS
 *
 * SHAPE is default, default-bare, orjson, orjson-bare, arrow or interop. ARGS
 * and KWARGS are JSON. Master keys come from the environment; without any,
 * entries are plain. Exit: 0; 1 refused, with the sentence; 2 wrong use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/cachekit.h>

#include "cache/key_args.h"

static const struct {
	const char *name;
	uint32_t shape;
	uint32_t flags;
} shapes[] = {
	{ "default", CSN_CACHEKIT_AUTO_MSGPACK, 0 },
	{ "default-bare", CSN_CACHEKIT_AUTO_MSGPACK,
	    CSN_CACHEKIT_NO_INTEGRITY },
	{ "orjson", CSN_CACHEKIT_AUTO_ORJSON, 0 },
	{ "orjson-bare", CSN_CACHEKIT_AUTO_ORJSON,
	    CSN_CACHEKIT_NO_INTEGRITY },
	{ "arrow", CSN_CACHEKIT_AUTO_ARROW, CSN_CACHEKIT_COMPRESSED },
	{ "interop", CSN_CACHEKIT_INTEROP, 0 },
};

static struct csn_ctx *ctx;

static int
usage(void)
{
	fputs("usage: see entry_tool.c\n", stderr);
	return 2;
}

static int
refused(void)
{
	fprintf(stderr, "%s\n", csn_message());
	return 1;
}

/* All of standard input. */
static uint8_t *
slurp(size_t *len)
{
	uint8_t *p = NULL, *more;
	size_t cap = 0, n;

	*len = 0;
	do {
		if (*len == cap) {
			cap = cap != 0 ? 2 * cap : 65536;
			if ((more = realloc(p, cap)) == NULL) {
				free(p);
				return NULL;
			}
			p = more;
		}
		n = fread(p + *len, 1, cap - *len, stdin);
		*len += n;
	} while (n != 0);
	return p;
}

static int
run_entry(const char *verb, const struct csn_cachekit_entry *entry)
{
	struct csn_cache_buffer out = { 0 };
	struct csn_cachekit_ring *keys = NULL;
	struct csn_cachekit *kit = NULL;
	size_t len, which = 0;
	uint8_t *in;
	int rc;

	if ((in = slurp(&len)) == NULL)
		return 2;
	rc = csn_cachekit_ring_env(ctx, 0, &keys);
	if (rc == CSN_E_NOT_FOUND)
		rc = 0;
	else if (rc == 0)
		rc = csn_cachekit_new(ctx, keys, NULL, &kit);
	if (rc == 0 && strcmp(verb, "pack") == 0)
		rc = csn_cachekit_pack(ctx, kit, entry, in, len, &out);
	else if (rc == 0 && strcmp(verb, "unpack") == 0)
		rc = csn_cachekit_unpack(ctx, kit, entry, in, len, &out,
		    &which);
	else if (rc == 0)
		rc = csn_cachekit_reseal(ctx, kit, entry, in, len, &out,
		    &which);
	if (rc == 0 && fwrite(out.p, 1, out.len, stdout) != out.len)
		rc = CSN_E_IO;
	csn_cache_buffer_free(&out);
	csn_cachekit_free(kit);
	csn_cachekit_ring_free(keys);
	free(in);
	return rc == 0 ? 0 : refused();
}

static int
run_key(char **argv, int argc)
{
	int automatic = strcmp(argv[0], "auto") == 0;
	char text[CSN_CACHEKIT_KEY_SIZE];
	struct csn_cachekit_key *key;
	json_t *args, *kwargs;
	int rc;

	if (argc != (automatic ? 8 : 4))
		return usage();
	args = json_loads(argv[automatic ? 6 : 3], 0, NULL);
	kwargs = automatic ? json_loads(argv[7], 0, NULL) : NULL;
	rc = csn_cachekit_key_new(ctx, automatic ? CSN_CACHEKIT_KEY_AUTO :
	    CSN_CACHEKIT_KEY_INTEROP, &key);
	if (rc == 0)
		rc = key_args(key, args, kwargs);
	if (rc == 0 && automatic)
		rc = csn_cachekit_key_auto(key, argv[1], argv[2], argv[3],
		    argv[4][0] == '1', argv[5], text);
	else if (rc == 0)
		rc = csn_cachekit_key_interop(key, argv[1], argv[2], text);
	if (rc == 0)
		puts(text);
	csn_cachekit_key_free(key);
	json_decref(args);
	json_decref(kwargs);
	return rc == 0 ? 0 : refused();
}

int
main(int argc, char **argv)
{
	struct csn_cachekit_entry entry = { .size = sizeof(entry) };
	size_t i;
	int status = 2;

	if (argc < 4)
		return usage();
	if (csn_ctx_new(NULL, &ctx) != 0)
		return 2;
	if (strcmp(argv[1], "key") == 0) {
		status = run_key(argv + 2, argc - 2);
	} else {
		for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
			if (strcmp(argv[2], shapes[i].name) == 0) {
				entry.shape = shapes[i].shape;
				entry.flags = shapes[i].flags;
			}
		entry.key = argv[3];
		entry.key_len = strlen(argv[3]);
		entry.tenant = argc > 4 ? argv[4] : NULL;
		entry.tenant_len = argc > 4 ? strlen(argv[4]) : 0;
		status = entry.shape != 0 ? run_entry(argv[1], &entry) :
		    usage();
	}
	csn_ctx_free(ctx);
	return status;
}
