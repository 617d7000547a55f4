/* SPDX-License-Identifier: Apache-2.0 */
/* sized_model.c - the functions that structures of model.h go to. */
#include <string.h>

#include "abi/sized.h"

static const char file[] = "\x50\0\0\0\0\0\0\0{\"__metadata__\":{\"k\":\"v\"},"
    "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}  x";

int
model_bytes(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	(void)arg;
	memcpy(p, file + offset, len);
	*got = len;
	return 0;
}

static const struct csn_model_source source = { .size = sizeof(source),
    .length = sizeof(file) - 1, .read = model_bytes };

static int
made(const struct csn_model_source *from, const struct csn_model_options *o,
    struct csn_model **m)
{
	return csn_model_read(w.ctx, &from, 1, o, m);
}

static int
gone(int rc, struct csn_model *m)
{
	csn_model_free(m);
	return rc;
}

int
model_read(void *s)
{
	struct csn_model_source *from = s;
	struct csn_model *m = NULL;
	int rc;

	/* A row's lengths are those of a structure, not of a file. */
	from->length = sizeof(file) - 1;
	rc = made(from, NULL, &m);
	return gone(rc, m);
}

int
model_options(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, s, &m);

	return gone(rc, m);
}

int
model_facts(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_facts(m, s), m);
}

int
model_file(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_file(m, 0, s), m);
}

int
model_tensor(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_tensor(m, 0, s), m);
}

int
model_find(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_find(m, "t", s, NULL), m);
}

int
model_value(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_value(m, 0, s), m);
}

int
model_get(void *s)
{
	struct csn_model *m = NULL;
	int rc = made(&source, NULL, &m);

	return gone(rc != 0 ? rc : csn_model_get(m, "k", s), m);
}
