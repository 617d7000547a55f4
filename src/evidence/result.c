/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/result.c - what verifying something found, check by check. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "evidence/result.h"

#define ROOM "evidence"

struct check {
	char *name;
	char *detail;		/* or NULL */
	int status;
	int code;		/* 0 unless it failed */
};

struct csn_result {
	struct csn_ctx *ctx;
	struct check *checks;
	size_t n;
	size_t cap;
};

int
csn_result_new(struct csn_ctx *ctx, struct csn_result **out)
{
	struct csn_result *r;

	if (out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A result needs a place to go.");
	if ((r = csn_calloc(1, sizeof(*r))) == NULL)
		return csn_nomem(ctx, ROOM, "a result");
	r->ctx = ctx;
	*out = r;
	return 0;
}

static int
make_room(struct csn_result *r)
{
	struct check *more;
	size_t cap;

	if (r->n < r->cap)
		return 0;
	cap = r->cap == 0 ? 16 : r->cap * 2;
	if ((more = csn_realloc(r->checks, cap, sizeof(*more))) == NULL)
		return CSN_E_NOMEM;
	r->checks = more;
	r->cap = cap;
	return 0;
}

int
csn_result_add(struct csn_result *r, const char *name, int status, int code,
    const char *detail)
{
	struct check c = { .status = status, .code = code };
	int rc;

	if ((rc = CSN_NEEDS(r)) != 0)
		return rc;
	/* A failure without a code would read as good later on. */
	if (name == NULL || name[0] == '\0' || status < CSN_CHECK_PASSED ||
	    status > CSN_CHECK_SKIPPED ||
	    (status == CSN_CHECK_FAILED) != (code < 0) || code > 0)
		return csn_fail(r->ctx, CSN_E_ARG, ROOM,
		    "A check needs a name, and a code where it failed.");
	if (make_room(r) != 0 || (c.name = csn_strdup(name)) == NULL)
		goto nomem;
	if (detail != NULL && (c.detail = csn_strdup(detail)) == NULL)
		goto nomem;
	r->checks[r->n++] = c;
	return 0;

nomem:
	free(c.name);
	return csn_nomem(r->ctx, ROOM, "another check");
}

int
csn_result_note(struct csn_result *r, int code, const char *detail,
    const char *fmt, ...)
{
	char name[96];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return csn_result_add(r, name,
	    code == 0 ? CSN_CHECK_PASSED : CSN_CHECK_FAILED, code, detail);
}

size_t
csn_result_count(const struct csn_result *r)
{
	return r == NULL ? 0 : r->n;
}

int
csn_result_item(const struct csn_result *r, size_t i, const char **name,
    int *status, int *code, const char **detail)
{
	if (r == NULL || i >= r->n)
		return CSN_E_NOT_FOUND;
	*name = r->checks[i].name;
	*status = r->checks[i].status;
	*code = r->checks[i].code;
	*detail = r->checks[i].detail;
	return 0;
}

int
csn_result_get(const struct csn_result *r, size_t i, const char **name,
    int *status, const char **detail)
{
	const char *n, *d;
	int s, c, rc;

	if ((rc = csn_result_item(r, i, &n, &s, &c, &d)) != 0)
		return rc;
	if (name != NULL)
		*name = n;
	if (status != NULL)
		*status = s;
	if (detail != NULL)
		*detail = d;
	return 0;
}

int
csn_result_code(const struct csn_result *r)
{
	size_t i;

	for (i = 0; r != NULL && i < r->n; i++) {
		if (r->checks[i].status == CSN_CHECK_FAILED)
			return r->checks[i].code;
	}
	return 0;
}

static json_t *
check_json(const struct check *c)
{
	static const char *const words[] = { "passed", "failed", "skipped" };
	json_t *o;

	if ((o = json_object()) == NULL)
		return NULL;
	if (json_object_set_new(o, "name", json_string(c->name)) != 0 ||
	    json_object_set_new(o, "status",
	    json_string(words[c->status])) != 0)
		goto err;
	if (c->status == CSN_CHECK_FAILED &&
	    json_object_set_new(o, "code",
	    json_string(csn_error_name(c->code))) != 0)
		goto err;
	if (c->detail != NULL &&
	    json_object_set_new(o, "detail", json_string(c->detail)) != 0)
		goto err;
	return o;

err:
	json_decref(o);
	return NULL;
}

/* The names of what was skipped: a good result is worth what it checked. */
static json_t *
skipped_json(const struct csn_result *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->checks[i].status == CSN_CHECK_SKIPPED &&
		    json_array_append_new(list,
		    json_string(r->checks[i].name)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

int
csn_result_json(struct csn_ctx *ctx, const struct csn_result *r, char **json)
{
	json_t *root = NULL, *list;
	char *text = NULL;
	size_t i;

	if (r == NULL || json == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A result and a place for its text are needed.");
	if ((root = json_object()) == NULL ||
	    json_object_set_new(root, "valid", json_boolean(r->n > 0 &&
	    csn_result_code(r) == 0)) != 0 ||
	    (list = json_array()) == NULL)
		goto out;
	if (json_object_set_new(root, "checks", list) != 0)
		goto out;
	for (i = 0; i < r->n; i++) {
		if (json_array_append_new(list, check_json(&r->checks[i])) != 0)
			goto out;
	}
	if (json_object_set_new(root, "not_checked", skipped_json(r)) != 0)
		goto out;
	text = csn_json_text(root, JSON_COMPACT);
out:
	json_decref(root);
	if (text == NULL)
		return csn_nomem(ctx, ROOM, "writing a result as JSON");
	*json = text;
	return 0;
}

void
csn_result_free(struct csn_result *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++) {
		free(r->checks[i].name);
		free(r->checks[i].detail);
	}
	free(r->checks);
	free(r);
}

int
csn_result_conclude(struct csn_ctx *ctx, const struct csn_result *r,
    size_t first, const char *room, const char *what)
{
	const char *name, *detail;
	int code, status;
	size_t i;

	for (i = first; csn_result_item(r, i, &name, &status, &code,
	    &detail) == 0; i++)
		if (status == CSN_CHECK_FAILED)
			return csn_fail(ctx, code, room,
			    "%s fails at \"%s\": %s", what, name,
			    detail != NULL ? detail : csn_error_text(code));
	return 0;
}
