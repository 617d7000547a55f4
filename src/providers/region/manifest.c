/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - which memory is the workload's: the manifest, taken strictly. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/text.h"
#include "providers/region/manifest.h"
#include "providers/region/provider.h"

#define ROOM "region"
#define MAX_WORKLOAD 128
#define MAX_SPACES 128		/* seven bits, where a file has the eighth */
#define MAX_PID 4194304		/* the kernel's PID_MAX_LIMIT */
#define DEFAULT_MEM "/dev/mem"

enum member {
	ID, DESCRIPTION, PROTECTION, ADDRESS, SIZE, PID, PID_FILE, FILE_PATH,
	PHYSICAL, OFFSET, MEM, MEMBERS
};

static const char *const names[MEMBERS] = { "id", "description",
    "protection", "address", "size", "pid", "pid_file", "file", "physical",
    "offset", "mem" };

#define BIT(m) (1u << (m))

/* The member that says where a region is, and what may and must go along. */
static const struct place {
	int kind;
	enum member by;
	unsigned may;
	unsigned must;
} places[] = {
	{ CSN_SOURCE_PROCESS, PID, BIT(ADDRESS), BIT(ADDRESS) | BIT(SIZE) },
	{ CSN_SOURCE_PROCESS, PID_FILE, BIT(ADDRESS),
	    BIT(ADDRESS) | BIT(SIZE) },
	{ CSN_SOURCE_FILE, FILE_PATH, BIT(OFFSET), 0 },
	{ CSN_SOURCE_PHYSICAL, PHYSICAL, BIT(MEM), BIT(SIZE) },
};

#define MAY_ANY (BIT(ID) | BIT(DESCRIPTION) | BIT(PROTECTION) | BIT(SIZE))
#define MUST_ANY (BIT(ID) | BIT(PROTECTION))
#define IS_TEXT (BIT(ID) | BIT(DESCRIPTION) | BIT(PROTECTION) | \
    BIT(PID_FILE) | BIT(FILE_PATH) | BIT(MEM))
#define IS_PATH (BIT(PID_FILE) | BIT(FILE_PATH) | BIT(MEM))

/* One region on its way in. */
struct incoming {
	struct csn_ctx *ctx;
	size_t n;		/* its number in the list, from 1 */
	unsigned given;		/* bits of its members */
	const char *text[MEMBERS];
	uint64_t number[MEMBERS];
};

/* Refuse a region; the sentence begins with which one it is. */
static int
bad(const struct incoming *in, int code, const char *fmt, ...)
    CSN_PRINTF(3, 4);

static int
bad(const struct incoming *in, int code, const char *fmt, ...)
{
	const char *id = in->text[ID];
	char what[384];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return csn_fail(in->ctx, code, ROOM,
	    "region %zu%s%.64s%s of the manifest: %s", in->n,
	    id != NULL ? " (" : "", id != NULL ? id : "",
	    id != NULL ? ")" : "", what);
}

/* A JSON integer, or text: decimal, or hexadecimal behind 0x. */
static int
take_number(const json_t *v, uint64_t *out)
{
	const char *s;
	uint64_t number = 0;
	unsigned base = 10, digit;

	if (json_is_integer(v)) {
		*out = (uint64_t)json_integer_value(v);
		return json_integer_value(v) < 0 ? -1 : 0;
	}
	if ((s = json_string_value(v)) == NULL)
		return -1;
	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f')
			digit = (unsigned)((*s | 0x20) - 'a') + 10;
		else
			return -1;
		if (digit >= base || number > (UINT64_MAX - digit) / base)
			return -1;
		number = number * base + digit;
	}
	*out = number;
	return 0;
}

static int
take_member(struct incoming *in, const char *key, const json_t *v)
{
	const char *s = json_string_value(v);
	unsigned m;

	for (m = 0; m < MEMBERS && strcmp(key, names[m]) != 0; m++)
		;
	if (m == MEMBERS)
		return bad(in, CSN_E_FORM, "there is no member %.32s", key);
	in->given |= BIT(m);
	if ((IS_TEXT & BIT(m)) == 0) {
		if (take_number(v, &in->number[m]) != 0)
			return bad(in, CSN_E_FORM, "%s is a number, or text "
			    "such as \"0x7f0000000000\"", names[m]);
		return 0;
	}
	if (s == NULL)
		return bad(in, CSN_E_FORM, "%s is text", names[m]);
	if ((IS_PATH & BIT(m)) != 0 && s[0] != '/')
		return bad(in, CSN_E_FORM, "%s is a path that begins with a "
		    "slash", names[m]);
	in->text[m] = s;
	return 0;
}

/* What says where the region is: one of its members does, and only one. */
static const struct place *
find_place(const struct incoming *in)
{
	const struct place *found = NULL;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if ((in->given & BIT(places[i].by)) == 0)
			continue;
		if (found != NULL) {
			(void)bad(in, CSN_E_FORM, "%s and %s do not go "
			    "together", names[found->by],
			    names[places[i].by]);
			return NULL;
		}
		found = &places[i];
	}
	if (found == NULL)
		(void)bad(in, CSN_E_FORM, "it needs one of pid, pid_file, "
		    "file and physical");
	return found;
}

static int
check_members(const struct incoming *in, const struct place *place)
{
	unsigned may = MAY_ANY | place->may | BIT(place->by);
	unsigned must = MUST_ANY | place->must;
	unsigned m;

	for (m = 0; m < MEMBERS; m++) {
		if ((in->given & BIT(m) & ~may) != 0)
			return bad(in, CSN_E_FORM, "%s does not go with %s",
			    names[m], names[place->by]);
		if ((must & BIT(m) & ~in->given) != 0)
			return bad(in, CSN_E_FORM, "%s is missing", names[m]);
	}
	if ((in->given & BIT(PID)) != 0 &&
	    (in->number[PID] == 0 || in->number[PID] > MAX_PID))
		return bad(in, CSN_E_FORM, "there is no process of the "
		    "number %llu", (unsigned long long)in->number[PID]);
	return 0;
}

/* The index of the source in *out; it is added where it is new. */
static int
take_source(const struct incoming *in, struct csn_manifest *m, int kind,
    const char *path, uint32_t *out)
{
	struct csn_manifest_source *s;
	uint64_t spaces = 0, files = 0;
	size_t i;

	for (i = 0; i < m->nsources; i++) {
		s = &m->sources[i];
		if (s->kind == kind && (path == NULL ? s->path == NULL &&
		    s->pid == (int32_t)in->number[PID] :
		    s->path != NULL && strcmp(s->path, path) == 0)) {
			*out = (uint32_t)i;
			return 0;
		}
		if (s->kind == CSN_SOURCE_FILE)
			files++;
		else
			spaces++;
	}
	if (kind != CSN_SOURCE_FILE && spaces == MAX_SPACES)
		return bad(in, CSN_E_LIMIT, "there are more than %d "
		    "processes and memory devices", MAX_SPACES);
	/* There is room: no more sources than regions. */
	s = &m->sources[m->nsources];
	s->kind = kind;
	s->pid = path == NULL ? (int32_t)in->number[PID] : 0;
	s->path = path;
	s->base = kind == CSN_SOURCE_FILE ?
	    ((uint64_t)1 << 63) + files * CSN_MANIFEST_FILE_SPACE :
	    spaces * CSN_MANIFEST_SPACE;
	*out = (uint32_t)m->nsources++;
	return 0;
}

static int
take_region(struct csn_ctx *ctx, struct csn_manifest *m, json_t *v, size_t n)
{
	struct incoming in = { .ctx = ctx, .n = n };
	struct csn_region check = { .size_of = sizeof(check) };
	struct csn_manifest_region *r = &m->regions[m->nregions];
	const struct place *place;
	const char *key;
	json_t *member;
	uint64_t space;
	int rc;

	if (!json_is_object(v))
		return bad(&in, CSN_E_FORM, "it is no object");
	/* The id first: the sentences are for whoever gave it. */
	member = json_object_get(v, "id");
	if (json_is_string(member) && csn_utf8_ok(json_string_value(member),
	    json_string_length(member)))
		in.text[ID] = json_string_value(member);
	json_object_foreach(v, key, member) {
		if ((rc = take_member(&in, key, member)) != 0)
			return rc;
	}
	if ((place = find_place(&in)) == NULL)
		return CSN_E_FORM;
	if ((rc = check_members(&in, place)) != 0)
		return rc;

	r->id = in.text[ID];
	r->description = in.text[DESCRIPTION] == NULL ? "" :
	    in.text[DESCRIPTION];
	r->protection = (uint32_t)csn_protection_parse(in.text[PROTECTION]);
	r->address = place->kind == CSN_SOURCE_PROCESS ? in.number[ADDRESS] :
	    place->kind == CSN_SOURCE_FILE ? in.number[OFFSET] :
	    in.number[PHYSICAL];
	r->size = in.number[SIZE];
	check.id = r->id;
	check.description = r->description;
	check.protection = r->protection;
	check.address = r->address;
	check.size = (in.given & BIT(SIZE)) != 0 ? r->size : 1;
	if ((rc = csn_region_check(ctx, &check)) != 0)
		return rc;
	space = place->kind == CSN_SOURCE_FILE ? CSN_MANIFEST_FILE_SPACE :
	    CSN_MANIFEST_SPACE;
	if (check.address + (check.size - 1) >= space)
		return bad(&in, CSN_E_REGION, "it ends past 0x%llx, which %s "
		    "cannot", (unsigned long long)space, names[place->by]);
	if ((rc = take_source(&in, m, place->kind,
	    place->kind == CSN_SOURCE_FILE ? in.text[FILE_PATH] :
	    place->kind == CSN_SOURCE_PROCESS ? in.text[PID_FILE] :
	    in.text[MEM] != NULL ? in.text[MEM] : DEFAULT_MEM,
	    &r->source)) != 0)
		return rc;
	m->nregions++;
	return 0;
}

static int
take_regions(struct csn_ctx *ctx, struct csn_manifest *m, const json_t *v)
{
	size_t n, i;
	json_t *item;
	int rc;

	n = json_array_size(v);
	if (n == 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the manifest's "
		    "regions are a list of at least one");
	if (n > CSN_REGIONS_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the manifest has "
		    "%zu regions, more than %d", n, CSN_REGIONS_MAX);
	m->regions = csn_calloc(n, sizeof(*m->regions));
	m->sources = csn_calloc(n, sizeof(*m->sources));
	if (m->regions == NULL || m->sources == NULL)
		return csn_nomem(ctx, ROOM, "a manifest");
	json_array_foreach(v, i, item) {
		if ((rc = take_region(ctx, m, item, i + 1)) != 0)
			return rc;
	}
	return 0;
}

static int
take_manifest(struct csn_ctx *ctx, struct csn_manifest *m)
{
	const json_t *version = json_object_get(m->json, "version");
	const json_t *workload = json_object_get(m->json, "workload");
	const json_t *regions = json_object_get(m->json, "regions");
	const char *key;
	json_t *v;
	size_t len;

	if (!json_is_object(m->json) || !json_is_integer(version))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a manifest is a JSON "
		    "object with version, workload and regions");
	if (json_integer_value(version) != CSN_MANIFEST_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM, "the manifest is of "
		    "version %lld, this library reads %d",
		    (long long)json_integer_value(version),
		    CSN_MANIFEST_VERSION);
	json_object_foreach(m->json, key, v) {
		if (v != version && v != workload && v != regions)
			return csn_fail(ctx, CSN_E_FORM, ROOM, "a manifest "
			    "has no member %.32s", key);
	}
	m->workload = json_string_value(workload);
	len = json_string_length(workload);
	if (m->workload == NULL || len == 0 || len > MAX_WORKLOAD ||
	    !csn_utf8_ok(m->workload, len))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the manifest's "
		    "workload has 1 to %d bytes of UTF-8 without control "
		    "characters", MAX_WORKLOAD);
	return take_regions(ctx, m, regions);
}

int
csn_manifest_parse(struct csn_ctx *ctx, const char *text, size_t len,
    struct csn_manifest *out)
{
	json_error_t error;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > CSN_MANIFEST_BYTES)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the manifest has %zu "
		    "bytes, more than %zu", len, CSN_MANIFEST_BYTES);
	if ((out->json = json_loadb(text, len, JSON_REJECT_DUPLICATES,
	    &error)) == NULL)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the manifest is no "
		    "JSON: %.120s, line %d", error.text, error.line);
	if ((rc = take_manifest(ctx, out)) != 0)
		csn_manifest_free(out);
	return rc;
}

int
csn_manifest_load(struct csn_ctx *ctx, const char *path,
    struct csn_manifest *out)
{
	uint8_t *text;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_file_read(ctx, path, CSN_MANIFEST_BYTES, &text,
	    &len)) != 0)
		return rc;
	rc = csn_manifest_parse(ctx, (const char *)text, len, out);
	csn_free(text);
	return rc;
}

void
csn_manifest_free(struct csn_manifest *m)
{
	if (m == NULL)
		return;
	free(m->sources);
	free(m->regions);
	json_decref(m->json);
	memset(m, 0, sizeof(*m));
}
