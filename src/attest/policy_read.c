/* SPDX-License-Identifier: Apache-2.0 */
/* attest/policy_read.c - a policy from its JSON, every member accounted for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "attest/policy.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "platform/policy.h"

#define ROOM "attest"
#define MAX_ANY 4096
#define MAX_POLICY (16u << 20)
#define MAX_AGE_S (366u * 86400)

/* Where the parser is, for its sentences: "regions[2]". */
struct place {
	struct csn_ctx *ctx;
	const char *folder;
	char where[48];
};

static int
wrong(const struct place *at, const char *member, const char *what)
{
	return csn_fail(at->ctx, CSN_E_FORM, ROOM, "policy: %s%s%s %s",
	    at->where, at->where[0] != '\0' ? "." : "", member, what);
}

/* Only members of that list (NULL at its end). */
static int
only(const struct place *at, json_t *o, const char *const *names)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(o, key, value) {
		for (i = 0; names[i] != NULL; i++)
			if (strcmp(key, names[i]) == 0)
				break;
		if (names[i] == NULL)
			return wrong(at, key, "is not known");
	}
	return 0;
}

/* A text of min to max bytes; *out NULL where it is absent. */
static int
get_text(const struct place *at, json_t *o, const char *name, size_t min,
    size_t max, const char **out)
{
	json_t *v = json_object_get(o, name);
	size_t len;

	*out = NULL;
	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return wrong(at, name, "must be a text");
	len = json_string_length(v);
	if (len < min || len > max ||
	    !csn_utf8_ok(json_string_value(v), len))
		return wrong(at, name, "is empty, too long, or has control "
		    "characters");
	*out = json_string_value(v);
	return 0;
}

static int
get_bool(const struct place *at, json_t *o, const char *name, int *out)
{
	json_t *v = json_object_get(o, name);

	if (v == NULL)
		return 0;
	if (!json_is_boolean(v))
		return wrong(at, name, "must be true or false");
	*out = json_is_true(v);
	return 0;
}

/* *out stays where it is absent. */
static int
get_number(const struct place *at, json_t *o, const char *name, uint64_t min,
    uint64_t max, uint64_t *out)
{
	json_t *v = json_object_get(o, name);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) < min ||
	    (uint64_t)json_integer_value(v) > max)
		return wrong(at, name, "must be a whole number within its "
		    "limits");
	*out = (uint64_t)json_integer_value(v);
	return 0;
}

static int
get_hash(const struct place *at, json_t *o, const char *name, int *has,
    uint8_t out[CSN_HASH_SIZE])
{
	json_t *v = json_object_get(o, name);

	if (v == NULL)
		return 0;
	if (!json_is_string(v) || csn_hex_decode(json_string_value(v),
	    json_string_length(v), out, CSN_HASH_SIZE) != 0)
		return wrong(at, name, "must be 64 hex digits");
	*has = 1;
	return 0;
}

static int
get_reference(const struct place *at, json_t *o, struct csn_reference *ref)
{
	int rc;

	if ((rc = get_hash(at, o, "tree", &ref->has_tree, ref->tree)) != 0)
		return rc;
	return get_hash(at, o, "flat", &ref->has_flat, ref->flat);
}

/* "any": alternatives, each with a tree, a flat hash or both. */
static int
get_any(const struct place *at, json_t *list, struct csn_policy_region *r)
{
	static const char *const names[] = { "tree", "flat", NULL };
	struct place here = *at;
	json_t *o;
	size_t i;
	int rc;

	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > MAX_ANY)
		return wrong(at, "any", "must be a list of 1 to 4096 states");
	r->nrefs = json_array_size(list);
	if ((r->refs = csn_calloc(r->nrefs, sizeof(*r->refs))) == NULL)
		return csn_nomem(at->ctx, ROOM, "a policy");
	json_array_foreach(list, i, o) {
		(void)snprintf(here.where, sizeof(here.where), "%.20s.any[%zu]",
		    at->where, i);
		if (!json_is_object(o))
			return wrong(&here, "", "must be an object");
		if ((rc = only(&here, o, names)) != 0 ||
		    (rc = get_reference(&here, o, &r->refs[i])) != 0)
			return rc;
		if (!r->refs[i].has_tree && !r->refs[i].has_flat)
			return wrong(&here, "tree", "or flat is needed");
	}
	return 0;
}

static char *
path_of(const struct place *at, const char *name)
{
	char *path;

	if (name[0] == '/')
		return csn_strdup(name);
	return asprintf(&path, "%s/%s", at->folder, name) < 0 ? NULL : path;
}

/* Read a file that a member names, or say which member it was. */
static int
use_file(const struct place *at, const char *member, const char *name,
    const struct csn_ref_options *o, struct csn_policy_region *r)
{
	char *path;
	int rc;

	if (at->folder == NULL)
		return wrong(at, member, "names a file, and this policy may "
		    "name none");
	if ((path = path_of(at, name)) == NULL)
		return csn_nomem(at->ctx, ROOM, "a path");
	rc = o != NULL ? csn_ref_hash_file(at->ctx, path, o, r) :
	    csn_ref_read_leaves(at->ctx, path, r);
	free(path);
	if (rc == 0)
		return 0;
	return csn_fail(at->ctx, rc, ROOM, "policy: %s.%s: %s", at->where,
	    member, csn_message());
}

static int
get_measure(const struct place *at, json_t *o, unsigned *measure)
{
	static const char *const names[] = { "tree", "flat", "both" };
	const char *text;
	size_t i;
	int rc;

	*measure = CSN_MEASURE_TREE;
	if ((rc = get_text(at, o, "measure", 1, 8, &text)) != 0 ||
	    text == NULL)
		return rc;
	for (i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*measure = (unsigned)i + CSN_MEASURE_TREE;
			return 0;
		}
	return wrong(at, "measure", "must be tree, flat or both");
}

/* What the region's bytes are compared with: of exactly one kind. */
static int
get_references(const struct place *at, json_t *o,
    struct csn_policy_region *r)
{
	struct csn_ref_options how = { .kind = CSN_REF_WHOLE };
	const char *file, *tensors, *leaves;
	int rc, hashes, kinds;

	if ((rc = get_text(at, o, "file", 1, 4096, &file)) != 0 ||
	    (rc = get_text(at, o, "safetensors", 1, 4096, &tensors)) != 0 ||
	    (rc = get_text(at, o, "leaves", 1, 4096, &leaves)) != 0 ||
	    (rc = get_measure(at, o, &how.measure)) != 0)
		return rc;
	hashes = json_object_get(o, "tree") != NULL ||
	    json_object_get(o, "flat") != NULL;
	kinds = (hashes || leaves != NULL) + (file != NULL) +
	    (tensors != NULL) + (json_object_get(o, "any") != NULL);
	if (kinds != 1)
		return wrong(at, "tree", "(with flat, with leaves), any, file "
		    "or safetensors: exactly one of these is needed");
	if (file == NULL && tensors == NULL &&
	    json_object_get(o, "measure") != NULL)
		return wrong(at, "measure", "belongs to file and safetensors");
	if (json_object_get(o, "any") != NULL)
		return get_any(at, json_object_get(o, "any"), r);
	r->nrefs = 1;
	if ((r->refs = csn_calloc(1, sizeof(*r->refs))) == NULL)
		return csn_nomem(at->ctx, ROOM, "a policy");
	how.leaf = r->leaf;
	if (tensors != NULL)
		how.kind = CSN_REF_SAFETENSORS;
	if (file != NULL || tensors != NULL)
		return use_file(at, file != NULL ? "file" : "safetensors",
		    file != NULL ? file : tensors, &how, r);
	if ((rc = get_reference(at, o, r->refs)) != 0 || leaves == NULL)
		return rc;
	if (r->size == 0)
		return wrong(at, "leaves", "needs the region's size too");
	return use_file(at, "leaves", leaves, NULL, r);
}

static int
get_leaf(const struct place *at, json_t *o, uint32_t *leaf)
{
	uint64_t v = CSN_TREE_LEAF;
	int rc;

	if ((rc = get_number(at, o, "leaf", 4096, 16u << 20, &v)) != 0)
		return rc;
	if ((v & (v - 1)) != 0)
		return wrong(at, "leaf", "must be a power of two");
	*leaf = (uint32_t)v;
	return 0;
}

static int
get_region(struct place *at, json_t *o, struct csn_policy_region *r)
{
	static const char *const names[] = {
		"id", "tree", "flat", "any", "file", "safetensors", "leaves",
		"leaf", "measure", "size", "protection", NULL
	};
	const char *id, *protection;
	int rc;

	if (!json_is_object(o))
		return wrong(at, "id", "is missing: a region is an object");
	if ((rc = only(at, o, names)) != 0 ||
	    (rc = get_text(at, o, "id", 1, CSN_REGION_ID_MAX, &id)) != 0 ||
	    (rc = get_text(at, o, "protection", 1, 2, &protection)) != 0 ||
	    (rc = get_number(at, o, "size", 1, INT64_MAX, &r->size)) != 0 ||
	    (rc = get_leaf(at, o, &r->leaf)) != 0)
		return rc;
	if (id == NULL)
		return wrong(at, "id", "is missing");
	if (protection != NULL && (r->protection =
	    (uint32_t)csn_protection_parse(protection)) == 0)
		return wrong(at, "protection", "must be R, RW, RO or RX");
	if ((r->id = csn_strdup(id)) == NULL)
		return csn_nomem(at->ctx, ROOM, "a policy");
	return get_references(at, o, r);
}

static int
get_regions(struct place *at, json_t *list, struct csn_policy *p)
{
	json_t *o;
	size_t i, k;
	int rc;

	if (list == NULL)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CSN_REGIONS_MAX)
		return wrong(at, "regions", "must be a list of at most 4096 "
		    "regions");
	if ((p->regions = csn_calloc(json_array_size(list),
	    sizeof(*p->regions))) == NULL)
		return csn_nomem(at->ctx, ROOM, "a policy");
	json_array_foreach(list, i, o) {
		(void)snprintf(at->where, sizeof(at->where), "regions[%zu]",
		    i);
		p->n++;
		if ((rc = get_region(at, o, &p->regions[i])) != 0)
			return rc;
		for (k = 0; k < i; k++)
			if (strcmp(p->regions[k].id, p->regions[i].id) == 0)
				return wrong(at, "id", "is there twice");
	}
	at->where[0] = '\0';
	return 0;
}

/* Rules for platforms, as the verification of their evidence takes them. */
static int
get_platform(const struct place *at, json_t *policy, struct csn_policy *p)
{
	int rc;

	if ((rc = csn_platform_policy_check(at->ctx, policy)) != 0)
		return csn_fail(at->ctx, rc, ROOM, "policy: %s",
		    csn_message());
	p->platform = json_incref(json_object_get(policy, "platform"));
	return 0;
}

static int
get_drift(const struct place *at, json_t *o, int *lenient)
{
	const char *text;
	int rc;

	if ((rc = get_text(at, o, "drift", 1, 16, &text)) != 0 ||
	    text == NULL)
		return rc;
	*lenient = strcmp(text, "lenient") == 0;
	if (!*lenient && strcmp(text, "strict") != 0)
		return wrong(at, "drift", "must be strict or lenient");
	return 0;
}

static int
get_policy(struct place *at, json_t *o, struct csn_policy *p)
{
	static const char *const names[] = {
		"version", "workload", "complete", "drift", "full", "max_age",
		"regions", "platform", NULL
	};
	uint64_t version = 0, age = 0;
	const char *workload;
	int rc;

	if (!json_is_object(o))
		return csn_fail(at->ctx, CSN_E_FORM, ROOM,
		    "policy: it must be a JSON object");
	if ((rc = get_number(at, o, "version", 0, INT64_MAX,
	    &version)) != 0)
		return rc;
	if (version != 1)
		return csn_fail(at->ctx, version == 0 ? CSN_E_FORM :
		    CSN_E_VERSION, ROOM, "policy: version must be 1");
	if ((rc = only(at, o, names)) != 0 ||
	    (rc = get_text(at, o, "workload", 1, CSN_WORKLOAD_MAX,
	    &workload)) != 0 ||
	    (rc = get_bool(at, o, "complete", &p->complete)) != 0 ||
	    (rc = get_bool(at, o, "full", &p->full)) != 0 ||
	    (rc = get_drift(at, o, &p->lenient)) != 0 ||
	    (rc = get_number(at, o, "max_age", 1, MAX_AGE_S, &age)) != 0 ||
	    (rc = get_platform(at, o, p)) != 0)
		return rc;
	if (workload == NULL)
		return wrong(at, "workload", "is missing");
	p->max_age_ms = age * 1000;
	if ((p->workload = csn_strdup(workload)) == NULL)
		return csn_nomem(at->ctx, ROOM, "a policy");
	return get_regions(at, json_object_get(o, "regions"), p);
}

int
csn_policy_parse(struct csn_ctx *ctx, const char *json, size_t len,
    const char *folder, struct csn_policy **out)
{
	struct place at = { .ctx = ctx, .folder = folder };
	struct csn_policy *p;
	json_error_t error;
	json_t *o;
	int rc;

	if (ctx == NULL || json == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a policy needs its text and a place to go");
	if ((o = json_loadb(json, len, JSON_REJECT_DUPLICATES,
	    &error)) == NULL)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "policy: line %d, column %d: %s", error.line,
		    error.column, error.text);
	if ((p = csn_calloc(1, sizeof(*p))) == NULL)
		rc = csn_nomem(ctx, ROOM, "a policy");
	else
		rc = get_policy(&at, o, p);
	json_decref(o);
	if (rc != 0) {
		csn_policy_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int
csn_policy_load(struct csn_ctx *ctx, const char *path,
    struct csn_policy **out)
{
	CSN_UNCANCELLED;
	const char *slash;
	char *folder = NULL;
	uint8_t *text;
	size_t len;
	int rc;

	if (ctx == NULL || path == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a policy needs a path and a place to go");
	if ((rc = csn_file_read_trusted(ctx, path, MAX_POLICY, &text,
	    &len)) != 0)
		return rc;
	slash = strrchr(path, '/');
	folder = slash == NULL ? csn_strdup(".") :
	    csn_memdup(path, (size_t)(slash - path) + 1);
	if (folder == NULL)
		rc = csn_nomem(ctx, ROOM, "a policy");
	else
		rc = csn_policy_parse(ctx, (const char *)text, len, folder,
		    out);
	free(folder);
	free(text);
	return rc;
}
