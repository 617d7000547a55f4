/* SPDX-License-Identifier: Apache-2.0 */
/* platform/endorsements.c - files of certificates, CRLs and collateral. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "platform/endorsements.h"
#include "platform/snp.h"

#define ROOM "platform"
#define MAX_FILE (4u << 20)

enum csn_endorsement
csn_endorsement_kind(const uint8_t *p, size_t len)
{
	size_t i;

	if (csn_snp_is_table(p, len))
		return CSN_ENDORSED_TABLE;
	for (i = 0; i < len && (p[i] == ' ' || (p[i] >= '\t' &&
	    p[i] <= '\r')); i++)
		;
	return i < len && p[i] == '{' ? CSN_ENDORSED_JSON :
	    CSN_ENDORSED_CERTS;
}

/* So that a bad file is found when it is given, and by its name. */
static int
check(struct csn_ctx *ctx, enum csn_endorsement kind, const uint8_t *p,
    size_t len)
{
	struct csn_pki *pki;
	json_error_t e;
	json_t *o;
	int rc;

	if (kind == CSN_ENDORSED_JSON) {
		o = json_loadb((const char *)p, len, JSON_REJECT_DUPLICATES,
		    &e);
		if (o == NULL)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "line %d: %s", e.line, e.text);
		json_decref(o);
		return 0;
	}
	if ((rc = csn_pki_new(ctx, &pki)) != 0)
		return rc;
	rc = kind == CSN_ENDORSED_TABLE ? csn_snp_table_read(ctx, p, len,
	    pki) : csn_pki_read(pki, p, len);
	csn_pki_free(pki);
	return rc;
}

static int
add_file(struct csn_ctx *ctx, struct csn_endorsements *e, const char *path)
{
	enum csn_endorsement kind;
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = csn_file_read(ctx, path, MAX_FILE, &p, &len)) != 0)
		return rc;
	kind = csn_endorsement_kind(p, len);
	if (e->n[kind] == CSN_ENDORSEMENTS_MAX)
		rc = csn_fail(ctx, CSN_E_LIMIT, ROOM, "%s: more than %d "
		    "files of its kind; a file may hold many certificates",
		    path, CSN_ENDORSEMENTS_MAX);
	else if ((rc = check(ctx, kind, p, len)) != 0)
		rc = csn_fail(ctx, rc, ROOM, "%s: %s", path,
		    csn_message());
	if (rc != 0) {
		csn_free(p);
		return rc;
	}
	e->blobs[kind][e->n[kind]++] = (struct csn_bytes){ p, len };
	return 0;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
add_folder(struct csn_ctx *ctx, struct csn_endorsements *e, const char *path)
{
	struct dirent **names = NULL;
	int i, n, rc = 0;
	struct stat st;
	char *file;

	if ((n = scandir(path, &names, visible, alphasort)) < 0)
		return csn_fail_errno(ctx, errno == ENOMEM ? CSN_E_NOMEM :
		    CSN_E_IO, ROOM, errno, "%s cannot be listed", path);
	for (i = 0; i < n; i++) {
		if (rc == 0 && asprintf(&file, "%s/%s", path,
		    names[i]->d_name) < 0) {
			rc = csn_nomem(ctx, ROOM, "a path");
		} else if (rc == 0) {
			if (stat(file, &st) != 0 || S_ISREG(st.st_mode))
				rc = add_file(ctx, e, file);
			free(file);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

int
csn_endorsements_load(struct csn_ctx *ctx, const char *path,
    struct csn_endorsements **out)
{
	struct csn_endorsements *e;
	struct stat st;
	int rc;

	if ((e = csn_calloc(1, sizeof(*e))) == NULL)
		return csn_nomem(ctx, ROOM, "certificates");
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rc = add_folder(ctx, e, path);
	else
		rc = add_file(ctx, e, path);
	if (rc != 0) {
		csn_endorsements_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void
csn_endorsements_free(struct csn_endorsements *e)
{
	size_t kind, i;

	if (e == NULL)
		return;
	for (kind = 0; kind < CSN_ENDORSED_KINDS; kind++)
		for (i = 0; i < e->n[kind]; i++)
			csn_free((void *)(uintptr_t)e->blobs[kind][i].p);
	free(e);
}
