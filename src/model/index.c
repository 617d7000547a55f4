/* SPDX-License-Identifier: Apache-2.0 */
/* model/index.c - model.safetensors.index.json: which file has a tensor. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "model/text.h"

int
csn_index_name_ok(const struct csn_part *index, const char *name, size_t len,
    uint64_t at)
{
	const char *why = NULL;

	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		why = "is no name of a file";
	else if (len > 255)
		why = "is longer than the name of a file";
	else if (strchr(name, '/') != NULL || strchr(name, '\\') != NULL)
		why = "leaves the folder";
	else if (!csn_utf8_ok(name, len))
		why = "has control characters";
	if (why == NULL)
		return 0;
	return csn_fail(NULL, CSN_E_FORM, ROOM, "%s, byte %llu: \"%.64s\" %s",
	    index->source.name, (unsigned long long)at, name, why);
}

static int
read_map(struct csn_text *t, const struct csn_index_visit *visit)
{
	uint64_t n = 0, at;
	char *tensor;
	size_t len;
	int rc;

	if (csn_text_expect(t, '{', "the object of the map") != 0)
		return t->w.rc;
	while ((rc = csn_text_key(t, CSN_MODEL_NAME_MAX, &n)) == 1) {
		if (n > CSN_MODEL_TENSORS_MAX)
			return csn_window_bad(&t->w, CSN_E_LIMIT, t->w.at,
			    "more than %u tensors", CSN_MODEL_TENSORS_MAX);
		at = t->at;
		len = t->len;
		if ((tensor = csn_memdup(t->p, len)) == NULL)
			return csn_nomem(t->w.m->ctx, ROOM, "a name");
		if ((rc = csn_text_string(t, 4096, 0)) == 0 &&
		    (rc = csn_index_name_ok(t->w.part, t->p, t->len,
		    t->at)) == 0)
			rc = visit->entry(visit->arg, tensor, len, t->p,
			    t->len, at);
		free(tensor);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int
csn_index_read(struct csn_model *m, const struct csn_part *index,
    const struct csn_index_visit *visit)
{
	struct csn_text t = { .p = NULL };
	int c, map = 0, metadata = 0, rc;
	uint64_t n = 0;

	if (index->source.length > CSN_MODEL_HEADER_MAX)
		return csn_fail(m->ctx, CSN_E_LIMIT, ROOM, "%s, byte 0: an "
		    "index of %llu bytes is longer than the %u that are "
		    "allowed", index->source.name,
		    (unsigned long long)index->source.length,
		    CSN_MODEL_HEADER_MAX);
	if ((rc = csn_window_init(&t.w, m, index, 0,
	    index->source.length)) != 0)
		goto out;
	rc = csn_text_expect(&t, '{', "the object of an index");
	while (rc == 0 && (rc = csn_text_key(&t, CSN_MODEL_NAME_MAX,
	    &n)) == 1) {
		if ((strcmp(t.p, "weight_map") == 0 && map++ > 0) ||
		    (strcmp(t.p, "metadata") == 0 && metadata++ > 0)) {
			rc = csn_window_bad(&t.w, CSN_E_FORM, t.at,
			    "%s is there twice", t.p);
			goto out;
		}
		/* total_size in metadata is a hint: the files say it. */
		rc = strcmp(t.p, "weight_map") == 0 ? read_map(&t, visit) :
		    csn_text_skip_value(&t);
		if (rc != 0)
			goto out;
	}
	if (rc != 0)
		goto out;
	if ((c = csn_text_peek(&t)) >= 0)
		rc = csn_window_bad(&t.w, CSN_E_FORM, t.w.at,
		    "more follows the object of the index");
	else if ((rc = t.w.rc) == 0 && !map)
		rc = csn_window_bad(&t.w, CSN_E_FORM, t.w.at,
		    "an index without a weight_map");
out:
	csn_text_free(&t);
	return rc;
}
