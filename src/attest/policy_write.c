/* SPDX-License-Identifier: Apache-2.0 */
/* attest/policy_write.c - a report's content as the policy that it fulfils. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "attest/report.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/file.h"
#include "base/text.h"

#define ROOM "attest"
#define NAME_SIZE (3 * CSN_REGION_ID_MAX + sizeof(".leaves"))

static int
put_hex(json_t *o, const char *name, const uint8_t *hash)
{
	char hex[2 * CSN_HASH_SIZE + 1];

	if (hash == NULL)
		return 0;
	csn_hex_encode(hash, CSN_HASH_SIZE, hex);
	return json_object_set_new(o, name, json_string(hex));
}

/* A region's id as a file's name: what might lead elsewhere is %XX. */
static void
leaves_name(const struct csn_view *id, char out[NAME_SIZE])
{
	size_t i, at = 0;
	unsigned char c;

	for (i = 0; i < id->len && i < CSN_REGION_ID_MAX; i++) {
		c = (unsigned char)id->p[i];
		if ((c < 0x80 && isalnum(c)) || c == '-' || c == '_' ||
		    (c == '.' && i > 0))
			out[at++] = (char)c;
		else
			at += (size_t)snprintf(out + at, NAME_SIZE - at,
			    "%%%02X", c);
	}
	(void)snprintf(out + at, NAME_SIZE - at, ".leaves");
}

static int
put_leaves(struct csn_ctx *ctx, json_t *o, const struct csn_report_region *g,
    const char *folder)
{
	const char *slash = strrchr(folder, '/');
	char name[NAME_SIZE], *path;
	int rc;

	leaves_name(&g->id, name);
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return CSN_E_NOMEM;
	rc = csn_file_replace(ctx, path, g->leaves,
	    g->nleaves * CSN_HASH_SIZE, 0644);
	/* The policy lies beside the folder. */
	if (rc == 0 && (json_object_set_new(o, "leaves", json_string(path +
	    (slash == NULL ? 0 : slash + 1 - folder))) != 0 ||
	    json_object_set_new(o, "leaf", json_integer(g->leaf)) != 0))
		rc = CSN_E_NOMEM;
	free(path);
	return rc;
}

/* A flat hash has no place beside leaves: the tree says as much. */
static int
region_json(struct csn_ctx *ctx, const struct csn_report_region *g,
    const char *folder, json_t *o)
{
	if (json_object_set_new(o, "id", json_stringn(g->id.p,
	    g->id.len)) != 0 ||
	    /* What JSON's integers cannot say is left to the hash. */
	    (g->size <= INT64_MAX && json_object_set_new(o, "size",
	    json_integer((json_int_t)g->size)) != 0) ||
	    json_object_set_new(o, "protection", json_string(
	    csn_protection_name((int)g->protection))) != 0 ||
	    put_hex(o, "tree", g->tree) != 0)
		return CSN_E_NOMEM;
	if (folder != NULL && g->leaves != NULL)
		return put_leaves(ctx, o, g, folder);
	return put_hex(o, "flat", g->flat) == 0 ? 0 : CSN_E_NOMEM;
}

static int
policy_json(struct csn_ctx *ctx, const struct csn_report *r,
    const char *folder, json_t *top)
{
	json_t *list = json_array(), *o;
	size_t i;
	int rc = 0;

	/* The list is the policy's from here on, or gone. */
	if (json_object_set_new(top, "regions", list) != 0 ||
	    json_object_set_new(top, "version", json_integer(1)) != 0 ||
	    json_object_set_new(top, "workload", json_stringn(r->workload.p,
	    r->workload.len)) != 0 ||
	    json_object_set_new(top, "complete", json_true()) != 0)
		return CSN_E_NOMEM;
	for (i = 0; i < r->nregions && rc == 0; i++) {
		if (json_array_append_new(list, o = json_object()) != 0)
			return CSN_E_NOMEM;
		rc = region_json(ctx, &r->regions[i], folder, o);
	}
	return rc;
}

int
csn_policy_from_report(struct csn_ctx *ctx, const uint8_t *report,
    size_t len, const char *folder, char **json)
{
	struct csn_report r;
	char *text = NULL;
	json_t *top;
	int rc;

	if (ctx == NULL || json == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a policy needs a place to go");
	if ((rc = csn_report_parse(ctx, report, len, &r)) != 0)
		return rc;
	top = json_object();
	rc = policy_json(ctx, &r, folder, top);
	if (rc == 0 && (text = csn_json_text(top, JSON_INDENT(2))) == NULL)
		rc = CSN_E_NOMEM;
	json_decref(top);
	csn_report_free(&r);
	if (rc == CSN_E_NOMEM)
		return csn_fail(ctx, rc, ROOM, "no memory for a policy");
	if (rc == 0)
		*json = text;
	return rc;
}
