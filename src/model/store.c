/* SPDX-License-Identifier: Apache-2.0 */
/* model/store.c - the tables of a model, and the memory that they take. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/hash.h"
#include "model/model.h"

#define CHUNK 16384u

/* Names and shapes lie here one behind the other. */
struct csn_arena {
	struct csn_arena *next;
	size_t used, cap;
	uint64_t bytes[];	/* so aligned for any of them */
};

int
csn_model_charge(struct csn_model *m, uint64_t bytes)
{
	if (bytes > m->max_memory - m->memory)
		return csn_fail(m->ctx, CSN_E_LIMIT, ROOM, "the headers of "
		    "this model take more than the %llu bytes of memory that "
		    "are allowed", (unsigned long long)m->max_memory);
	m->memory += bytes;
	return 0;
}

void *
csn_model_take(struct csn_model *m, size_t size, int *rc)
{
	struct csn_arena *a = m->arena;
	size_t cap;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (a == NULL || size > a->cap - a->used) {
		cap = size > CHUNK ? size : CHUNK;
		if ((*rc = csn_model_charge(m, sizeof(*a) + cap)) != 0)
			return NULL;
		if ((a = csn_calloc(1, sizeof(*a) + cap)) == NULL) {
			*rc = csn_nomem(m->ctx, ROOM, "names of tensors");
			return NULL;
		}
		a->cap = cap;
		a->next = m->arena;
		m->arena = a;
	}
	p = (uint8_t *)a->bytes + a->used;
	a->used += size;
	*rc = 0;
	return p;
}

void
csn_model_arena_free(struct csn_model *m)
{
	struct csn_arena *a;

	while ((a = m->arena) != NULL) {
		m->arena = a->next;
		free(a);
	}
	free(m->tensor_names.slots);
	free(m->value_keys.slots);
	free(m->tensors);
	free(m->values);
}

/* Double a table that is full. The memory of the old one is given back. */
static int
grow(struct csn_model *m, void **table, size_t *cap, size_t size)
{
	size_t more = *cap > 0 ? 2 * *cap : 16;
	void *p;
	int rc;

	if ((rc = csn_model_charge(m, (more - *cap) * size)) != 0)
		return rc;
	if ((p = csn_realloc(*table, more, size)) == NULL)
		return csn_nomem(m->ctx, ROOM, "tables of a model");
	*table = p;
	*cap = more;
	return 0;
}

/* --- keys ---------------------------------------------------------------- */

static uint64_t
hash_of(const struct csn_model *m, uint32_t file, const char *key, size_t len)
{
	return csn_hash_bytes(m->seed[0] ^ file, m->seed[1], key, len);
}

/* What both tables have: the file counts for values alone. */
static const char *
key_at(const struct csn_model *m, const struct csn_names *names, uint32_t i,
    uint32_t *file)
{
	if (names->of_tensors) {
		*file = 0;
		return m->tensors[i].name;
	}
	*file = m->values[i].file;
	return m->values[i].key;
}

/* The slot of key, or the empty one where it belongs. */
static uint32_t *
slot_of(const struct csn_model *m, const struct csn_names *names,
    uint32_t file, const char *key, size_t len)
{
	size_t i = (size_t)hash_of(m, file, key, len) & (names->nslots - 1);
	uint32_t other_file;
	const char *other;

	/* At least half of the slots are empty, so this ends. */
	for (;; i = (i + 1) & (names->nslots - 1)) {
		if (names->slots[i] == 0)
			return &names->slots[i];
		other = key_at(m, names, names->slots[i] - 1, &other_file);
		if (other_file == file && strlen(other) == len &&
		    memcmp(other, key, len) == 0)	/* public */
			return &names->slots[i];
	}
}

static int
names_grow(struct csn_model *m, struct csn_names *names)
{
	struct csn_names more = { .nslots = names->nslots > 0 ?
	    2 * names->nslots : 64, .used = names->used,
	    .of_tensors = names->of_tensors };
	const char *key;
	uint32_t file;
	size_t i;
	int rc;

	/* Both are there at once. */
	if ((rc = csn_model_charge(m, more.nslots *
	    sizeof(*more.slots))) != 0)
		return rc;
	if ((more.slots = csn_calloc(more.nslots, sizeof(*more.slots))) ==
	    NULL)
		return csn_nomem(m->ctx, ROOM, "names of tensors");
	for (i = 0; i < names->nslots; i++)
		if (names->slots[i] != 0) {
			key = key_at(m, names, names->slots[i] - 1, &file);
			*slot_of(m, &more, file, key, strlen(key)) =
			    names->slots[i];
		}
	m->memory -= names->nslots * sizeof(*names->slots);
	free(names->slots);
	*names = more;
	return 0;
}

/* Give the entry behind the last of a table its key. */
static int
add_key(struct csn_model *m, struct csn_names *names, uint32_t number,
    uint32_t file, const char *key, size_t len, const char **out)
{
	uint32_t *slot;
	char *copy;
	int rc;

	if (2 * (names->used + 1) > names->nslots &&
	    (rc = names_grow(m, names)) != 0)
		return rc;
	slot = slot_of(m, names, file, key, len);
	if (*slot != 0)
		return CSN_E_EXISTS;
	if ((copy = csn_model_take(m, len + 1, &rc)) == NULL)
		return rc;
	memcpy(copy, key, len);
	copy[len] = '\0';
	*out = copy;
	*slot = number + 1;
	names->used++;
	return 0;
}

int
csn_model_add_tensor(struct csn_model *m, uint32_t file, const char *name,
    size_t len, struct csn_tensor **out)
{
	struct csn_tensor *t;
	void *table = m->tensors;
	int rc;

	if (m->ntensors == CSN_MODEL_TENSORS_MAX)
		return csn_fail(m->ctx, CSN_E_LIMIT, ROOM, "%s has more than "
		    "the %u tensors that are allowed",
		    m->parts[file].source.name, CSN_MODEL_TENSORS_MAX);
	if (m->ntensors == m->tensors_cap) {
		rc = grow(m, &table, &m->tensors_cap, sizeof(*t));
		m->tensors = table;
		if (rc != 0)
			return rc;
	}
	t = &m->tensors[m->ntensors];
	memset(t, 0, sizeof(*t));
	t->file = file;
	if ((rc = add_key(m, &m->tensor_names, (uint32_t)m->ntensors, 0, name,
	    len, &t->name)) != 0)
		return rc;
	m->ntensors++;
	*out = t;
	return 0;
}

int
csn_model_add_value(struct csn_model *m, uint32_t file, const char *key,
    size_t len, struct csn_value **out)
{
	struct csn_value *v;
	void *table = m->values;
	int rc;

	if (m->nvalues == m->values_cap) {
		rc = grow(m, &table, &m->values_cap, sizeof(*v));
		m->values = table;
		if (rc != 0)
			return rc;
	}
	v = &m->values[m->nvalues];
	memset(v, 0, sizeof(*v));
	v->file = file;
	if ((rc = add_key(m, &m->value_keys, (uint32_t)m->nvalues, file, key,
	    len, &v->key)) != 0)
		return rc;
	m->nvalues++;
	*out = v;
	return 0;
}

struct csn_tensor *
csn_model_tensor_named(const struct csn_model *m, const char *name, size_t len)
{
	uint32_t slot;

	if (m->tensor_names.nslots == 0)
		return NULL;
	slot = *slot_of(m, &m->tensor_names, 0, name, len);
	return slot != 0 ? &m->tensors[slot - 1] : NULL;
}

struct csn_value *
csn_model_value_named(const struct csn_model *m, uint32_t file,
    const char *key)
{
	uint32_t slot;

	if (m->value_keys.nslots == 0)
		return NULL;
	slot = *slot_of(m, &m->value_keys, file, key, strlen(key));
	return slot != 0 ? &m->values[slot - 1] : NULL;
}
