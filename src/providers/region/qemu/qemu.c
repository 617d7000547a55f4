/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu.c - the region provider "qemu:": a guest's memory, seen from the host.
 *
 * The guest is stopped while it is looked at, and set going again where it
 * was running. Its bytes are read in its backend's file where that is known,
 * else QEMU saves them. The file is read and not mapped: should QEMU cut it
 * meanwhile, a read ends short and a mapping would end this program.
 *
 * Memory that the guest keeps private (SEV-SNP, TDX) cannot be read so.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/region/qemu/qemu.h"

#define ROOM "region"
#define DEFAULT_TIMEOUT 10000
#define MOST_TIMEOUT 600000
#define PATIENCE 10000		/* ms at least, for the guest to be set going */

static void
config_free(struct csn_guest_config *c)
{
	free(c->socket);
	free(c->manifest);
	free(c->ram);
	free(c->tmp);
	memset(c, 0, sizeof(*c));
}

static int
keep(struct csn_ctx *ctx, const char *name, const char *value, char **to)
{
	if (value[0] != '/')
		return csn_fail(ctx, CSN_E_ARG, ROOM, "the option %s=%.60s "
		    "of qemu: is a path that begins with /", name, value);
	free(*to);
	if ((*to = csn_strdup(value)) == NULL)
		return csn_nomem(ctx, ROOM, "a guest's memory");
	return 0;
}

static int
take(struct csn_ctx *ctx, const char *name, const char *value,
    struct csn_guest_config *c)
{
	if (strcmp(name, "manifest") == 0)
		return keep(ctx, name, value, &c->manifest);
	if (strcmp(name, "ram") == 0)
		return keep(ctx, name, value, &c->ram);
	if (strcmp(name, "tmp") == 0)
		return keep(ctx, name, value, &c->tmp);
	if (strcmp(name, "timeout") == 0) {
		if (csn_decimal(value, strlen(value), MOST_TIMEOUT,
		    &c->timeout_ms) == 0 && c->timeout_ms > 0)
			return 0;
		return csn_fail(ctx, CSN_E_ARG, ROOM, "the option timeout="
		    "%.60s of qemu: is 1 to %d ms", value, MOST_TIMEOUT);
	}
	return csn_fail(ctx, CSN_E_ARG, ROOM, "qemu: has no option %.40s: "
	    "there are manifest, ram, tmp and timeout", name);
}

static int
config_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_guest_config *c)
{
	const char *name, *value;
	struct csn_region_url url;
	int rc;

	memset(c, 0, sizeof(*c));
	c->timeout_ms = DEFAULT_TIMEOUT;
	if ((rc = csn_region_url_open(ctx, rest, &url)) != 0)
		return rc;
	if (url.path[0] != '/')
		rc = csn_fail(ctx, CSN_E_ARG, ROOM, "a guest is named by its "
		    "QMP socket, as in qemu:/run/vm.qmp, not %.60s",
		    url.path);
	else
		rc = keep(ctx, "socket", url.path, &c->socket);
	while (rc == 0 && (rc = csn_region_url_next(&url, &name, &value)) == 1)
		rc = take(ctx, name, value, c);
	csn_region_url_close(&url);
	if (rc != 0)
		config_free(c);
	return rc;
}

/* Where the guest's memory lies now: hotplug may have changed it. */
static int
read_layout(struct csn_guest *g)
{
	struct csn_guest_layout layout;
	json_t *arguments, *value;
	int rc;

	arguments = json_pack("{ss}", "command-line", "info mtree -f");
	if (arguments == NULL)
		return csn_nomem(g->ctx, ROOM, "a guest's memory");
	if ((rc = csn_qmp_call(g->qmp, "human-monitor-command", arguments,
	    &value)) != 0)
		return rc;
	if (!json_is_string(value))
		rc = csn_fail(g->ctx, CSN_E_FORM, ROOM,
		    "QEMU's list of the guest's memory is no text");
	else
		rc = csn_guest_layout_parse(g->ctx, json_string_value(value),
		    json_string_length(value), &layout);
	json_decref(value);
	if (rc == 0) {
		csn_guest_layout_free(&g->layout);
		g->layout = layout;
	}
	return rc;
}

static int
open_ram(struct csn_guest *g)
{
	struct stat st;

	g->ram = open(g->config.ram, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (g->ram < 0)
		return csn_fail_errno(g->ctx, CSN_E_BACKEND, ROOM, errno,
		    "the guest's memory %.200s (memory-backend-file, share=on)"
		    " cannot be opened", g->config.ram);
	if (fstat(g->ram, &st) != 0 || !S_ISREG(st.st_mode))
		return csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "the guest's "
		    "memory %.200s is no regular file", g->config.ram);
	return 0;
}

static int
load_manifest(struct csn_guest *g)
{
	const struct csn_manifest *m = &g->manifest;
	int rc;

	if ((rc = csn_manifest_load(g->ctx, g->config.manifest,
	    &g->manifest)) != 0)
		return rc;
	/* A guest has one memory; its processes and files are its own. */
	if (m->nsources != 1 || m->sources[0].kind != CSN_SOURCE_PHYSICAL)
		return csn_fail(g->ctx, CSN_E_ARG, ROOM, "the manifest "
		    "%.200s: from outside a guest only regions with "
		    "\"physical\", of one memory, can be read",
		    g->config.manifest);
	return 0;
}

/* 1 where the guest runs, 0 where not. */
static int
is_running(struct csn_guest *g)
{
	json_t *value, *running;
	int rc;

	if ((rc = csn_qmp_call(g->qmp, "query-status", NULL, &value)) != 0)
		return rc;
	running = json_object_get(value, "running");
	if (!json_is_boolean(running))
		rc = csn_fail(g->ctx, CSN_E_FORM, ROOM,
		    "QEMU does not say whether the guest runs");
	else
		rc = json_is_true(running);
	json_decref(value);
	return rc;
}

/*
 * A stop that was sent counts, whatever its answer was: QEMU may carry it out
 * late. So the guest is set going over the same connection, where its cont
 * comes after the stop, and where that is of no use over a new one.
 */
static int
set_going(struct csn_guest *g)
{
	uint64_t patience = g->config.timeout_ms > PATIENCE ?
	    g->config.timeout_ms : PATIENCE;
	struct csn_qmp *other = NULL;
	int rc = CSN_E_BACKEND;

	if (!g->stopped)
		return 0;
	if (g->qmp != NULL)
		rc = csn_qmp_insist(g->qmp, "cont", patience);
	if (rc != 0 && (g->qmp == NULL || !csn_qmp_refused(g->qmp))) {
		/* QEMU serves one at a time at a socket. */
		csn_qmp_close(g->qmp);
		g->qmp = g->dump.qmp = NULL;
		g->ready = 0;
		if ((rc = csn_qmp_open_always(g->ctx, g->config.socket,
		    g->config.timeout_ms, &other)) == 0) {
			g->qmp = g->dump.qmp = other;
			rc = csn_qmp_insist(g->qmp, "cont", patience);
		}
	}
	if (rc != 0)
		return csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "the guest may "
		    "stay paused, for QEMU did not take our cont (%.200s): "
		    "say cont to its monitor", csn_message());
	g->stopped = 0;
	return 0;
}

static void
disconnect(struct csn_guest *g)
{
	csn_guest_dump_close(&g->dump);
	csn_qmp_close(g->qmp);
	g->qmp = NULL;
	if (g->ram >= 0)
		(void)close(g->ram);
	g->ram = -1;
}

static int
connect_anew(struct csn_guest *g)
{
	int rc;

	disconnect(g);
	if ((g->config.ram != NULL && (rc = open_ram(g)) != 0) ||
	    (rc = csn_qmp_open(g->ctx, g->config.socket,
	    g->config.timeout_ms, &g->qmp)) != 0)
		return rc;
	/* One that was left paused is not found so and taken for paused. */
	if ((rc = set_going(g)) != 0 || (rc = read_layout(g)) != 0)
		return rc;
	return g->config.ram != NULL ? csn_guest_check_ram(g) :
	    csn_guest_dump_open(g->ctx, g->qmp, g->config.tmp, &g->dump);
}

/* A connection that was lost is made again at the next look. */
static int
connected(struct csn_guest *g)
{
	int rc;

	if (g->ready && g->qmp != NULL && csn_qmp_alive(g->qmp))
		return 0;
	g->ready = 0;
	if ((rc = connect_anew(g)) == 0)
		g->ready = 1;
	return rc;
}

static void
guest_close(void *state)
{
	struct csn_guest *g = state;

	/* What was begun and not ended must not stay stopped. */
	if (set_going(g) != 0)
		g->stopped = 0;
	disconnect(g);
	csn_manifest_free(&g->manifest);
	csn_guest_layout_free(&g->layout);
	config_free(&g->config);
	free(g);
}

static int
guest_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_guest *g;
	int rc;

	if ((g = csn_calloc(1, sizeof(*g))) == NULL)
		return csn_nomem(ctx, ROOM, "a guest's regions");
	g->ctx = ctx;
	g->ram = g->dump.fd = -1;
	if ((rc = config_parse(ctx, rest, &g->config)) != 0 ||
	    (g->config.manifest != NULL && (rc = load_manifest(g)) != 0) ||
	    (rc = connected(g)) != 0)
		goto err;
	*state = g;
	return 0;

err:
	guest_close(g);
	return rc;
}

/* Is all of it memory, and where we can read it? */
static int
check_place(struct csn_guest *g, const struct csn_region *r)
{
	const struct csn_guest_range *range;
	struct stat st;

	range = csn_guest_layout_find(&g->layout, r->address, r->size);
	if (range == NULL)
		return csn_fail(g->ctx, CSN_E_REGION, ROOM, "region %s: the "
		    "guest has not all of 0x%" PRIx64 " and %" PRIu64 " bytes "
		    "as memory", r->id, r->address, r->size);
	if (g->ram < 0)
		return 0;
	if (!range->main)
		return csn_fail(g->ctx, CSN_E_REGION, ROOM, "region %s is "
		    "not in the guest's main memory, which %.200s is: leave "
		    "ram= out", r->id, g->config.ram);
	if (fstat(g->ram, &st) != 0 || st.st_size < 0 ||
	    range->offset + range->size > (uint64_t)st.st_size)
		return csn_fail(g->ctx, CSN_E_BACKEND, ROOM, "%.200s is too "
		    "small to be the guest's main memory", g->config.ram);
	return 0;
}

static int
list_manifest(struct csn_guest *g, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	const struct csn_manifest_region *m;
	struct csn_region r;
	size_t i;
	int rc;

	for (i = 0; i < g->manifest.nregions; i++) {
		m = &g->manifest.regions[i];
		memset(&r, 0, sizeof(r));
		r.size_of = sizeof(r);
		r.id = m->id;
		r.description = m->description;
		r.protection = m->protection;
		r.address = m->address;
		r.size = m->size;
		if ((rc = check_place(g, &r)) != 0 ||
		    (rc = visit(arg, &r)) != 0)
			return rc;
	}
	return 0;
}

static int
list_layout(struct csn_guest *g, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	char id[CSN_REGION_ID_MAX + 1];
	struct csn_region r;
	size_t i;
	int rc;

	for (i = 0; i < g->layout.n; i++) {
		if (!g->layout.v[i].main)
			continue;
		(void)snprintf(id, sizeof(id), "ram@0x%" PRIx64,
		    g->layout.v[i].address);
		memset(&r, 0, sizeof(r));
		r.size_of = sizeof(r);
		r.id = id;
		r.description = "a range of the guest's main memory";
		r.protection = CSN_PROT_RW;
		r.address = g->layout.v[i].address;
		r.size = g->layout.v[i].size;
		if ((rc = check_place(g, &r)) != 0 ||
		    (rc = visit(arg, &r)) != 0)
			return rc;
	}
	return 0;
}

static int
guest_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct csn_guest *g = state;
	int rc;

	if ((rc = connected(g)) != 0 || (rc = read_layout(g)) != 0)
		return rc;
	return g->config.manifest != NULL ? list_manifest(g, visit, arg) :
	    list_layout(g, visit, arg);
}

static int
guest_begin(void *state)
{
	struct csn_guest *g = state;
	int rc, going;

	if ((rc = connected(g)) != 0 || (rc = is_running(g)) < 0)
		return rc;
	if (rc == 1) {
		g->stopped = 1;
		rc = csn_qmp_call(g->qmp, "stop", NULL, NULL);
		if (rc != 0) {
			going = set_going(g);
			return going != 0 ? going : rc;
		}
	}
	csn_guest_dump_forget(&g->dump);
	g->resumes = csn_qmp_resumes(g->qmp);
	g->looking = 1;
	return 0;
}

/* Another monitor's "cont" sets it going too, and QEMU tells of it. */
static int
stood_still(struct csn_guest *g)
{
	int rc;

	if ((rc = is_running(g)) < 0)
		return rc;
	if (rc == 0 && csn_qmp_resumes(g->qmp) == g->resumes)
		return 0;
	return csn_fail(g->ctx, CSN_E_BUSY, ROOM, "somebody set the guest "
	    "going while it was read: what was read is no one moment");
}

static int
guest_end(void *state)
{
	struct csn_guest *g = state;
	int rc, going;

	rc = g->looking ? stood_still(g) : 0;
	g->looking = 0;
	csn_guest_dump_forget(&g->dump);
	going = set_going(g);
	return rc != 0 ? rc : going;
}

/* Is it a region that list would give? Its place is what decides. */
static int
check_listed(struct csn_guest *g, const struct csn_region *region)
{
	const struct csn_manifest_region *m;
	size_t i;

	for (i = 0; g->config.manifest != NULL; i++) {
		if (i == g->manifest.nregions)
			return csn_fail(g->ctx, CSN_E_REGION, ROOM, "the "
			    "guest has no region %.128s of that place and "
			    "size", region->id);
		m = &g->manifest.regions[i];
		if (strcmp(m->id, region->id) == 0 &&
		    m->address == region->address && m->size == region->size)
			break;
	}
	return check_place(g, region);
}

static int
read_ram(struct csn_guest *g, uint64_t address, uint8_t *out, size_t len)
{
	const struct csn_guest_range *range;
	size_t done = 0;
	ssize_t n;

	range = csn_guest_layout_find(&g->layout, address, len);
	while (range != NULL && done < len) {
		n = pread(g->ram, out + done, len - done,
		    (off_t)(range->offset + (address - range->address) + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return csn_fail_errno(g->ctx, CSN_E_BACKEND, ROOM,
			    n < 0 ? errno : EIO, "reading %.200s",
			    g->config.ram);
		done += (size_t)n;
	}
	return 0;
}

static int
read_dump(struct csn_guest *g, const struct csn_region *region,
    uint64_t offset, uint8_t *out, size_t len)
{
	struct csn_guest_dump *d = &g->dump;
	uint64_t at, left, size;
	size_t take_now;
	int rc;

	for (; len > 0; offset += take_now, out += take_now, len -= take_now) {
		at = region->address + offset;
		/* While the guest stands still, what was saved stays true. */
		if (!g->looking || d->size == 0 || at < d->address ||
		    at - d->address >= d->size) {
			left = region->size - offset;
			size = g->looking ? CSN_GUEST_WINDOW : len;
			if (size > CSN_GUEST_WINDOW)
				size = CSN_GUEST_WINDOW;
			if (size > left)
				size = left;
			if ((rc = csn_guest_dump_save(d, at, size)) != 0)
				return rc;
		}
		left = d->size - (at - d->address);
		take_now = left < len ? (size_t)left : len;
		if ((rc = csn_guest_dump_read(d, at, out, take_now)) != 0)
			return rc;
	}
	return 0;
}

static int
guest_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct csn_guest *g = state;
	int rc;

	if ((!g->looking && (rc = connected(g)) != 0) ||
	    (rc = check_listed(g, region)) != 0)
		return rc;
	if (g->ram >= 0)
		return read_ram(g, region->address + offset, out, len);
	return read_dump(g, region, offset, out, len);
}

const struct csn_region_provider csn_region_qemu = {
	.abi = CSN_REGION_ABI,
	.name = "qemu",
	.platform = "qemu-guest",
	.open = guest_open,
	.list = guest_list,
	.begin = guest_begin,
	.end = guest_end,
	.read = guest_read,
	.close = guest_close,
};
