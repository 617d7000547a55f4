/* SPDX-License-Identifier: Apache-2.0 */
/* model/set.c - the files that are one model together. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/little.h"
#include "base/sized.h"
#include "model/model.h"

#include <caisson/crypto.h>

int
csn_model_sniff(struct csn_model *m, const struct csn_part *part,
    uint32_t *format)
{
	uint8_t p[8] = { 0 };
	size_t n = part->source.length < sizeof(p) ?
	    (size_t)part->source.length : sizeof(p);
	int rc;

	if ((rc = csn_part_read(m, part, 0, p, n)) != 0)
		return rc;
	/* A length of safetensors ends with zeros; no text has such. */
	if (n >= 4 && csn_load32(p) == 0x46554747u)
		*format = CSN_MODEL_GGUF;
	else if (n > 0 && (p[0] == '{' || p[0] == ' ' || p[0] == '\n' ||
	    p[0] == '\r' || p[0] == '\t') && (n < 8 || p[7] != 0))
		*format = CSN_MODEL_INDEX;
	else
		*format = CSN_MODEL_SAFETENSORS;
	return 0;
}

int
csn_model_new(struct csn_ctx *ctx, const struct csn_model_options *options,
    size_t nparts, struct csn_model **out)
{
	struct csn_model *m = csn_calloc(1, sizeof(*m));
	size_t i;
	int rc;

	if (m == NULL)
		return csn_nomem(ctx, ROOM, "a model");
	m->ctx = ctx;
	m->max_memory = options->max_memory != 0 ? options->max_memory :
	    CSN_MODEL_MEMORY;
	m->tensor_names.of_tensors = 1;
	if ((m->parts = csn_calloc(nparts, sizeof(*m->parts))) == NULL) {
		rc = csn_nomem(ctx, ROOM, "the files of a model");
		goto fail;
	}
	m->nparts = nparts;
	for (i = 0; i < nparts; i++)
		m->parts[i].fd = -1;
	if ((rc = csn_random(ctx, m->seed, sizeof(m->seed))) != 0)
		goto fail;
	*out = m;
	return 0;
fail:
	csn_model_free(m);
	return rc;
}

/* --- an index ------------------------------------------------------------ */

struct check {
	struct csn_model *m;
	const struct csn_part *index;
	uint8_t *named;		/* which files were */
};

static int
has_file(const struct csn_model *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->nparts; i++)
		if (strcmp(m->parts[i].source.name, name) == 0)
			return 1;
	return 0;
}

static int
check_entry(void *arg, const char *name, size_t len, const char *file,
    size_t file_len, uint64_t at)
{
	struct check *c = arg;
	struct csn_tensor *t = csn_model_tensor_named(c->m, name, len);
	const char *why;

	(void)file_len;
	/* The tensor knows its file: no search for each of many names. */
	if (t != NULL && strcmp(c->m->parts[t->file].source.name, file) == 0) {
		if (!t->mapped) {
			t->mapped = 1;
			c->named[t->file] = 1;
			return 0;
		}
		why = "which was said before";
	} else if (has_file(c->m, file)) {
		why = "which lacks it";
	} else {
		return csn_fail(c->m->ctx, CSN_E_NOT_FOUND, ROOM, "%s names "
		    "the file %.255s, which is missing",
		    c->index->source.name, file);
	}
	return csn_fail(c->m->ctx, CSN_E_FORM, ROOM, "%s, byte %llu: the "
	    "tensor %.64s lies in %.128s, %s", c->index->source.name,
	    (unsigned long long)at, name, file, why);
}

/* a and b are one name where a file system does not tell case apart. */
static int
same_folded(const char *a, const char *b)
{
	unsigned char x, y;

	for (;; a++, b++) {
		x = (unsigned char)(*a >= 'A' && *a <= 'Z' ? *a | 32 : *a);
		y = (unsigned char)(*b >= 'A' && *b <= 'Z' ? *b | 32 : *b);
		if (x != y)
			return 0;
		if (x == '\0')
			return 1;
	}
}

static int
check_folded(const struct csn_model *m, const struct csn_part *index)
{
	size_t i, j;

	for (i = 0; i < m->nparts; i++)
		for (j = 0; j < i; j++)
			if (same_folded(m->parts[i].source.name,
			    m->parts[j].source.name))
				return csn_fail(m->ctx, CSN_E_FORM, ROOM,
				    "%s: the files %.128s and %.128s are one "
				    "where case does not count",
				    index->source.name,
				    m->parts[j].source.name,
				    m->parts[i].source.name);
	return 0;
}

static int
check_index(struct csn_model *m, const struct csn_part *index)
{
	struct check c = { .m = m, .index = index };
	const struct csn_index_visit visit = { check_entry, &c };
	size_t i;
	int rc;

	if ((rc = check_folded(m, index)) != 0)
		return rc;
	if ((c.named = csn_calloc(m->nparts, 1)) == NULL)
		return csn_nomem(m->ctx, ROOM, "the files of a model");
	if ((rc = csn_index_read(m, index, &visit)) != 0)
		goto out;
	for (i = 0; i < m->ntensors && m->tensors[i].mapped; i++)
		;
	if (i < m->ntensors) {
		rc = csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s does not name the "
		    "tensor %.64s of %s", index->source.name,
		    m->tensors[i].name,
		    m->parts[m->tensors[i].file].source.name);
		goto out;
	}
	for (i = 0; i < m->nparts && c.named[i]; i++)
		;
	if (i < m->nparts)
		rc = csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s does not name the "
		    "file %s", index->source.name, m->parts[i].source.name);
out:
	free(c.named);
	return rc;
}

/* --- split GGUF ---------------------------------------------------------- */

static int
check_split(const struct csn_model *m)
{
	const struct csn_part *p = m->parts;
	const struct csn_value *total;
	uint32_t count = p[0].split_count, i;

	for (i = 0; i < m->nparts; i++)
		if (p[i].split_count != count || (count <= 1 &&
		    m->nparts > 1))
			return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s is one "
			    "of %u files and %s one of %u: they are not of "
			    "one set", p[0].source.name, count,
			    p[i].source.name, p[i].split_count);
	if (count <= 1)
		return 0;
	for (i = 0; i < m->nparts; i++) {
		if (p[i].split_no == i)
			continue;
		if (i > 0 && p[i].split_no == p[i - 1].split_no)
			return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s and %s "
			    "both say that they are file %u of %u",
			    p[i - 1].source.name, p[i].source.name,
			    p[i].split_no + 1, count);
		if (p[i].split_no > i && m->nparts < count)
			break;
		return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s stands where "
		    "file %u of %u should and says that it is file %u",
		    p[i].source.name, i + 1, count, p[i].split_no + 1);
	}
	if (m->nparts < count)
		return csn_fail(m->ctx, CSN_E_NOT_FOUND, ROOM, "file %u of "
		    "the %u of this model is missing", i + 1, count);
	total = csn_model_value_named(m, 0, "split.tensors.count");
	if (total != NULL && (total->type == CSN_MODEL_UINT ||
	    total->type == CSN_MODEL_INT) && total->number != m->ntensors)
		return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s says that there "
		    "are %llu tensors, and its files have %zu",
		    p[0].source.name, (unsigned long long)total->number,
		    m->ntensors);
	return 0;
}

int
csn_model_fill(struct csn_model *m, const struct csn_part *index, int alone)
{
	uint32_t i, format;
	int rc;

	for (i = 0; i < m->nparts; i++) {
		if ((rc = csn_model_sniff(m, &m->parts[i], &format)) != 0)
			return rc;
		if (format == CSN_MODEL_INDEX ||
		    (i > 0 && format != m->parts[0].format))
			return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s, byte "
			    "0: this is %s",
			    m->parts[i].source.name, format == CSN_MODEL_INDEX ?
			    "text, not a file of tensors" :
			    "of another format than the first file");
		m->parts[i].format = format;
		if ((rc = format == CSN_MODEL_GGUF ? csn_gguf_read(m, i) :
		    csn_safetensors_read(m, i)) != 0)
			return rc;
	}
	if (index != NULL)
		return check_index(m, index);
	if (m->parts[0].format == CSN_MODEL_GGUF)
		return alone ? 0 : check_split(m);
	if (m->nparts > 1)
		return csn_fail(m->ctx, CSN_E_ARG, ROOM, "%zu safetensors "
		    "files without the index that names them", m->nparts);
	return 0;
}

/* --- from sources -------------------------------------------------------- */

/* A file without a name is called so in sentences. */
static int
take_source(struct csn_model *m, struct csn_part *part,
    const struct csn_model_source *source)
{
	int rc;

	if (source == NULL)
		return csn_fail(m->ctx, CSN_E_ARG, ROOM, "a source is NULL");
	if ((rc = CSN_TAKE(&part->source, source, csn_model_source,
	    read)) != 0) {
		part->source.name = NULL;
		return rc;
	}
	part->source.name = csn_strdup(source->name != NULL ? source->name :
	    "the file");
	if (part->source.name == NULL)
		return csn_nomem(m->ctx, ROOM, "a file's name");
	if (part->source.read == NULL || part->source.length > INT64_MAX)
		return csn_fail(m->ctx, CSN_E_ARG, ROOM,
		    "a source has no read, or more than 2^63 - 1 bytes");
	return 0;
}

int
csn_model_read(struct csn_ctx *ctx,
    const struct csn_model_source *const *sources, size_t n,
    const struct csn_model_options *options, struct csn_model **out)
{
	struct csn_model_options o;
	struct csn_part index = { .fd = -1 };
	struct csn_model *m = NULL;
	uint32_t format = 0;
	size_t i;
	int found = 0, rc;
	CSN_UNCANCELLED;

	if ((rc = CSN_NEEDS(sources, out)) != 0 || (rc = CSN_TAKE(&o, options,
	    csn_model_options, max_memory)) != 0)
		return rc;
	if (n == 0 || n > CSN_MODEL_FILES_MAX + 1 ||
	    (o.flags & ~CSN_MODEL_PART) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "%zu files, or flags "
		    "that there are not", n);
	if ((rc = csn_model_new(ctx, &o, n, &m)) != 0)
		return rc;
	for (i = 0; i < n; i++)
		if ((rc = take_source(m, &m->parts[i], sources[i])) != 0)
			goto out;
	for (i = 0; i < m->nparts && !found && rc == 0; i++) {
		rc = csn_model_sniff(m, &m->parts[i], &format);
		found = rc == 0 && format == CSN_MODEL_INDEX;
	}
	if (rc != 0)
		goto out;
	if (found) {
		index = m->parts[i - 1];
		memmove(&m->parts[i - 1], &m->parts[i],
		    (m->nparts - i) * sizeof(*m->parts));
		m->nparts--;
		if (m->nparts == 0) {
			rc = csn_fail(ctx, CSN_E_NOT_FOUND, ROOM, "%s is an "
			    "index, and none of its files is there",
			    index.source.name);
			goto out;
		}
	}
	rc = csn_model_fill(m, found ? &index : NULL,
	    (o.flags & CSN_MODEL_PART) != 0);
out:
	free((char *)index.source.name);
	if (rc != 0)
		csn_model_free(m);
	else
		*out = m;
	return rc;
}
