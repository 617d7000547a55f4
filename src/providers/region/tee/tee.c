/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee.c - a confidential guest looks at its own memory: regions from the
 * workload manifest, evidence from configfs-tsm or the guest's device.
 *
 * Sources are opened anew each time the regions are listed, so a process
 * that was started again, or a file that was replaced, is seen as it is now.
 * Processes are looked at as process: does; files and memory devices are read
 * once, whatever writes to them meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "providers/region/manifest.h"
#include "providers/region/provider.h"
#include "providers/region/tee/source.h"
#include "providers/region/tee/tee.h"

#define ROOM "region"
#define MAX_ENDORSEMENTS (1u << 20)

struct csn_tee {
	struct csn_ctx *ctx;
	const struct csn_tee_kind *kind;
	struct csn_region_url url;	/* what the texts below lie in */
	const char *workload;	/* that the manifest has to be of, or NULL */
	const char *endorsements;	/* goes with evidence, or NULL */
	struct csn_tsm tsm;
	struct csn_device device;
	int by_device;		/* how evidence is had */
	struct csn_manifest manifest;
	struct csn_source *sources;	/* as many as the manifest's */
	uint64_t *sizes;	/* of each region as it was listed, or 0 */
	uint32_t seals;		/* values of immutable given so far */
	enum csn_freeze_how freeze;
	uint64_t timeout_ms;
	int looking;		/* between begin and end */
};

const struct csn_tee_io csn_tee_system = {
	&csn_tsm_system, &csn_device_system
};

static int
take_options(struct csn_tee *t)
{
	const char *name, *value;
	uint64_t level;
	int rc;

	while ((rc = csn_region_url_next(&t->url, &name, &value)) > 0) {
		if (strcmp(name, "tsm") == 0) {
			t->tsm.root = value;
		} else if (strcmp(name, "workload") == 0) {
			t->workload = value;
		} else if (strcmp(name, "endorsements") == 0) {
			t->endorsements = value;
		} else if (strcmp(name, "freeze") == 0) {
			if (csn_freeze_named(value, &t->freeze) != 0)
				return csn_fail(t->ctx, CSN_E_ARG, ROOM,
				    "freeze is none, sigstop, ptrace or "
				    "cgroup, not %.40s", value);
		} else if (strcmp(name, "timeout") == 0) {
			if (csn_decimal(value, strlen(value),
			    CSN_FREEZE_TIMEOUT_MAX, &t->timeout_ms) != 0 ||
			    t->timeout_ms == 0)
				return csn_fail(t->ctx, CSN_E_ARG, ROOM,
				    "timeout is 1 to %d ms, not %.40s",
				    CSN_FREEZE_TIMEOUT_MAX, value);
		} else if (strcmp(name, "dev") == 0 &&
		    t->kind->device != NULL) {
			t->device.path = value;
		} else if (strcmp(name, "vmpl") == 0 &&
		    t->kind->device != NULL) {
			if (csn_decimal(value, strlen(value),
			    CSN_TSM_PRIVLEVEL_MAX, &level) != 0)
				return csn_fail(t->ctx, CSN_E_ARG, ROOM,
				    "a vmpl is 0 to %d, not %.40s",
				    CSN_TSM_PRIVLEVEL_MAX, value);
			t->tsm.privlevel = (int)level;
		} else {
			return csn_fail(t->ctx, CSN_E_ARG, ROOM, "%s has no "
			    "option %.40s: there are tsm%s, workload, "
			    "endorsements, freeze and timeout",
			    t->kind->name, name,
			    t->kind->device != NULL ? ", dev, vmpl" : "");
		}
	}
	return rc;
}

/* Which way to evidence there is; without one nothing is opened. */
static int
find_way(struct csn_tee *t)
{
	char *first;
	int rc;

	rc = csn_tsm_probe(&t->tsm);
	if (rc != CSN_E_NOT_FOUND || t->kind->device == NULL)
		return csn_device_absent(t->ctx, rc);
	if ((first = csn_strdup(csn_message())) == NULL)
		return csn_nomem(t->ctx, ROOM, "evidence");
	rc = csn_device_probe(&t->device);
	if (rc == 0)
		t->by_device = 1;
	else if (rc == CSN_E_NOT_FOUND)
		rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "%s; and %s",
		    first, csn_message());
	free(first);
	return rc;
}

static int
load(struct csn_tee *t)
{
	int rc;

	if (t->url.path[0] != '/')
		return csn_fail(t->ctx, CSN_E_ARG, ROOM, "%s is opened with "
		    "the path of a workload manifest, %s:/etc/caisson/"
		    "workload.json, not %.60s", t->kind->name, t->kind->name,
		    t->url.path);
	if ((rc = csn_manifest_load(t->ctx, t->url.path, &t->manifest)) != 0)
		return rc;
	if (t->workload != NULL && strcmp(t->workload, t->manifest.workload)
	    != 0)
		return csn_fail(t->ctx, CSN_E_POLICY, ROOM, "%s is the "
		    "manifest of the workload %s, not of %.128s", t->url.path,
		    t->manifest.workload, t->workload);
	t->sources = csn_calloc(t->manifest.nsources, sizeof(*t->sources));
	t->sizes = csn_calloc(t->manifest.nregions, sizeof(*t->sizes));
	if (t->sources == NULL || t->sizes == NULL)
		return csn_nomem(t->ctx, ROOM, "evidence");
	return 0;
}

int
csn_tee_open(struct csn_ctx *ctx, const struct csn_tee_kind *kind,
    const struct csn_tee_io *io, const char *rest, void **state)
{
	struct csn_tee *t;
	int rc;

	if ((t = csn_calloc(1, sizeof(*t))) == NULL)
		return csn_nomem(ctx, ROOM, "evidence");
	t->ctx = ctx;
	t->kind = kind;
	t->timeout_ms = CSN_FREEZE_TIMEOUT;
	t->tsm = (struct csn_tsm){ .ctx = ctx, .io = io->tsm,
	    .root = CSN_TSM_ROOT, .provider = kind->driver, .privlevel = -1 };
	t->device = (struct csn_device){ .ctx = ctx, .io = io->device,
	    .path = kind->device, .what = kind->what };
	if ((rc = csn_region_url_open(ctx, rest, &t->url)) != 0 ||
	    (rc = take_options(t)) != 0 || (rc = load(t)) != 0 ||
	    (rc = find_way(t)) != 0) {
		csn_tee_close(t);
		return rc;
	}
	*state = t;
	return 0;
}

void
csn_tee_close(void *state)
{
	struct csn_tee *t = state;
	size_t i;

	for (i = 0; t->sources != NULL && i < t->manifest.nsources; i++)
		csn_source_close(&t->sources[i]);
	free(t->sources);
	free(t->sizes);
	csn_manifest_free(&t->manifest);
	csn_region_url_close(&t->url);
	free(t);
}

/* One source as it is now; while it is looked at it stays what it was. */
static int
renew(struct csn_tee *t, size_t i)
{
	struct csn_source *s = &t->sources[i];
	uint32_t immutable = s->immutable;
	dev_t dev = s->dev;
	ino_t inode = s->inode;
	int rc;

	if (t->looking && s->open)
		return 0;
	csn_source_close(s);
	rc = csn_source_open(t->ctx, &t->manifest.sources[i], s);
	if (rc != 0)
		return rc;
	s->process.freeze.how = t->freeze;
	s->process.freeze.timeout_ms = t->timeout_ms;
	/* Another one, as well sealed, is not what was hashed. */
	if (s->immutable && immutable && dev == s->dev && inode == s->inode)
		s->immutable = immutable;
	else if (s->immutable)
		s->immutable = ++t->seals;
	return 0;
}

int
csn_tee_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct csn_tee *t = state;
	struct csn_region r = { .size_of = sizeof(r) };
	const struct csn_manifest_region *from;
	struct csn_source *s;
	size_t i;
	int rc;

	memset(t->sizes, 0, t->manifest.nregions * sizeof(*t->sizes));
	for (i = 0; i < t->manifest.nsources; i++)
		if ((rc = renew(t, i)) != 0)
			return rc;
	for (i = 0; i < t->manifest.nregions; i++) {
		from = &t->manifest.regions[i];
		s = &t->sources[from->source];
		r.id = from->id;
		r.description = from->description;
		r.protection = from->protection;
		r.address = s->from->base + from->address;
		r.size = from->size;
		r.immutable = s->immutable;
		if (s->from->kind == CSN_SOURCE_FILE) {
			if (from->address >= s->size ||
			    from->size > s->size - from->address)
				return csn_fail(t->ctx, CSN_E_REGION, ROOM,
				    "region %s ends behind %s, which has %llu "
				    "bytes", from->id, s->from->path,
				    (unsigned long long)s->size);
			if (from->size == 0)
				r.size = s->size - from->address;
			if (from->address + r.size > CSN_MANIFEST_FILE_SPACE)
				return csn_fail(t->ctx, CSN_E_REGION, ROOM,
				    "region %s ends past 0x%llx, which a file "
				    "cannot", from->id, (unsigned long long)
				    CSN_MANIFEST_FILE_SPACE);
		}
		t->sizes[i] = r.size;
		if (!t->looking &&
		    (rc = csn_source_region(s, &r, from->address)) != 0)
			return rc;
		if ((rc = visit(arg, &r)) != 0)
			return rc;
	}
	return 0;
}

/* Where a region that was listed is; *own is what the source calls it. */
static struct csn_source *
find_source(const struct csn_tee *t, const struct csn_region *region,
    uint64_t *own)
{
	const struct csn_manifest_region *r;
	struct csn_source *s;
	size_t i;

	for (i = 0; i < t->manifest.nregions; i++) {
		r = &t->manifest.regions[i];
		s = &t->sources[r->source];
		if (!s->open || s->from->base + r->address !=
		    region->address || t->sizes[i] != region->size ||
		    strcmp(r->id, region->id) != 0)
			continue;
		*own = r->address;
		return s;
	}
	return NULL;
}

/* All processes stand still before a byte of any is read. */
int
csn_tee_begin(void *state)
{
	struct csn_tee *t = state;
	size_t i;
	int rc = 0;

	for (i = 0; i < t->manifest.nsources; i++)
		if ((rc = csn_source_begin(&t->sources[i])) != 0)
			break;
	if (i == t->manifest.nsources) {
		t->looking = 1;
		return 0;
	}
	while (i-- > 0)
		csn_source_leave(&t->sources[i]);
	return rc;
}

int
csn_tee_end(void *state)
{
	struct csn_tee *t = state;
	size_t i = t->manifest.nsources;
	int rc = 0;

	t->looking = 0;
	while (i-- > 0) {
		if (rc == 0)
			rc = csn_source_end(&t->sources[i]);
		else
			csn_source_leave(&t->sources[i]);
	}
	return rc;
}

int
csn_tee_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct csn_tee *t = state;
	struct csn_source *s;
	uint64_t own = 0;

	if ((s = find_source(t, region, &own)) == NULL)
		return csn_fail(t->ctx, CSN_E_REGION, ROOM, "region %s is "
		    "none of those that were listed", region->id);
	return csn_source_read(s, own + offset, out, len);
}

const void *
csn_tee_map(void *state, const struct csn_region *region)
{
	const struct csn_source *s;
	uint64_t own = 0;

	if ((s = find_source(state, region, &own)) == NULL ||
	    s->view == NULL || own > s->size || region->size > s->size - own)
		return NULL;
	return s->view + own;
}

/* What the platform gives along, else what the owner of the guest gives. */
static int
endorse(const struct csn_tee *t, uint8_t **certs, size_t *certs_len)
{
	if (*certs_len > 0 || t->endorsements == NULL)
		return 0;
	csn_free(*certs);
	*certs = NULL;
	/* Anew each time: collateral is renewed while the guest runs. */
	return csn_device_absent(t->ctx, csn_file_read(t->ctx,
	    t->endorsements, MAX_ENDORSEMENTS, certs, certs_len));
}

int
csn_tee_evidence(void *state, const uint8_t report_data[64], uint8_t **out,
    size_t *len, uint8_t **certs, size_t *certs_len)
{
	struct csn_tee *t = state;
	const uint8_t *held;
	int rc;

	if (t->by_device)
		rc = t->kind->ask(&t->device, report_data,
		    t->tsm.privlevel < 0 ? 0 : (uint32_t)t->tsm.privlevel,
		    out, len, certs, certs_len);
	else
		rc = csn_tsm_report(&t->tsm, report_data, out, len, certs,
		    certs_len);
	if (rc != 0)
		return csn_device_absent(t->ctx, rc);
	held = t->kind->report_data(*out, *len);
	if (held != NULL && csn_equal(held, report_data, 64))
		rc = endorse(t, certs, certs_len);
	else
		rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "what %s gave is "
		    "no evidence over the report data that was asked for",
		    t->by_device ? t->device.path : t->tsm.root);
	if (rc == 0)
		return 0;
	csn_free(*out);
	csn_free(*certs);
	*out = *certs = NULL;
	*len = *certs_len = 0;
	return rc;
}
