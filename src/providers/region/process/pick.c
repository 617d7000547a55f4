/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process/pick.c - which of a process's mappings are regions, and their
 * names.
 *
 * A name has to be the same each time the workload starts, so it is made of
 * the file and the offset in it; anonymous memory has only its address.
 */

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "providers/region/process/process.h"

#define ROOM "region"

static int
matches(const struct csn_process_config *c, const struct csn_map *m)
{
	size_t i, k;

	for (i = 0; i < c->npaths; i++)
		if (fnmatch(c->paths[i], m->path, 0) == 0)
			break;
	if (c->npaths > 0 && i == c->npaths)
		return 0;
	for (i = 0; i < c->nperms; i++) {
		for (k = 0; k < 4; k++)
			if (c->perms[i][k] != '.' &&
			    c->perms[i][k] != m->perms_text[k])
				break;
		if (k == 4)
			return 1;
	}
	return c->nperms == 0;
}

/*
 * The program cannot use what it may neither read, write nor execute; some
 * pages are the kernel's and change by themselves. All else is measured, also
 * what the program itself may not read: code is executed without that.
 */
static int
counts(const struct csn_map *m)
{
	return (m->perms & (CSN_MAP_READ | CSN_MAP_WRITE |
	    CSN_MAP_EXEC)) != 0 && strncmp(m->path, "[vvar", 5) != 0 &&
	    strcmp(m->path, "[vsyscall]") != 0;
}

static uint32_t
protection(const struct csn_map *m)
{
	if ((m->perms & CSN_MAP_WRITE) != 0)
		return CSN_PROT_RW;
	return (m->perms & CSN_MAP_EXEC) != 0 ? CSN_PROT_RX : CSN_PROT_R;
}

/* The path as it is, or a hash of it where an id could not hold it. */
static int
name_of(const struct csn_process *p, const struct csn_map *m, char *out,
    size_t size)
{
	const char *path = m->path;
	size_t len = strlen(path);
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	/* A memfd has a name and no place. */
	if (strncmp(path, "/memfd:", 7) == 0) {
		path++;
		len--;
	}
	if (len + 40 < size && csn_utf8_ok(path, len)) {
		memcpy(out, path, len);
		out[len] = '\0';
		return 0;
	}
	if ((rc = csn_sha3_256(p->look.ctx, path, len, hash)) != 0)
		return rc;
	memcpy(out, "path-", 5);
	csn_hex_encode(hash, 16, out + 5);
	return 0;
}

/* The second of two mappings of one name gets "#2". */
static void
number_it(const struct csn_process *p, struct csn_picked *one)
{
	size_t len = strlen(one->id), i;
	unsigned copies = 1;

	for (i = 0; i + 1 < p->look.n; i++) {
		if (strncmp(p->look.picked[i].id, one->id, len) == 0 &&
		    (p->look.picked[i].id[len] == '\0' ||
		    p->look.picked[i].id[len] == '#'))
			copies++;
	}
	if (copies > 1)
		(void)snprintf(one->id + len, sizeof(one->id) - len, "#%u",
		    copies);
}

/*
 * What was sealed cannot change, but something else that is sealed can take
 * its place: then the region gets a number that it never had.
 */
static void
number_seals(struct csn_process *p, const struct csn_picked *old, size_t n)
{
	struct csn_picked *one;
	size_t i, k;

	for (i = 0; i < p->look.n; i++) {
		one = &p->look.picked[i];
		if (!one->region.immutable)
			continue;
		for (k = 0; k < n; k++)
			if (old[k].region.immutable &&
			    old[k].inode == one->inode &&
			    old[k].offset == one->offset &&
			    strcmp(old[k].id, one->id) == 0)
				break;
		one->region.immutable = k < n ? old[k].region.immutable :
		    ++p->seals;
	}
}

static int
pick_map(struct csn_process *p, const struct csn_map *m)
{
	char name[CSN_REGION_ID_MAX + 1], words[96] = "";
	struct csn_picked *one;
	int rc;

	if ((one = csn_look_add(&p->look)) == NULL)
		return csn_message_code();
	one->region.address = m->start;
	one->region.size = m->end - m->start;
	one->region.protection = protection(m);
	csn_process_seal(p, one);
	if (p->config.compare)
		csn_process_compare(p, m, words, sizeof(words));
	if (m->path[0] == '\0') {
		(void)snprintf(one->id, sizeof(one->id), "anon@0x%" PRIx64,
		    m->start);
		memcpy(name, "anonymous", sizeof("anonymous"));
	} else {
		if ((rc = name_of(p, m, name, sizeof(name))) != 0)
			return rc;
		if (m->inode != 0)
			(void)snprintf(one->id, sizeof(one->id),
			    "%.100s+0x%" PRIx64, name, m->offset);
		else
			memcpy(one->id, name, strlen(name) + 1);
		number_it(p, one);
	}
	(void)snprintf(one->description, sizeof(one->description),
	    "%s %.130s%s%s", m->perms_text, name,
	    m->deleted ? ", deleted" : "", words);
	return 0;
}

static int
pick_range(struct csn_process *p, uint64_t start, uint64_t end)
{
	const struct csn_map *m;
	struct csn_picked *one;

	if (!csn_maps_cover(&p->look.maps, start, end - start))
		return csn_fail(p->look.ctx, CSN_E_REGION, ROOM, "process %ld "
		    "has not all of 0x%" PRIx64 "-0x%" PRIx64 " mapped",
		    (long)p->look.target.pid, start, end);
	if ((one = csn_look_add(&p->look)) == NULL)
		return csn_message_code();
	one->region.address = start;
	one->region.size = end - start;
	m = csn_maps_find(&p->look.maps, start);
	one->region.protection = protection(m);
	/* Where one byte of it is writable, the region is. */
	while (m->end < end) {
		m = csn_maps_find(&p->look.maps, m->end);
		if ((m->perms & CSN_MAP_WRITE) != 0)
			one->region.protection = CSN_PROT_RW;
	}
	csn_process_seal(p, one);
	(void)snprintf(one->id, sizeof(one->id),
	    "0x%" PRIx64 "-0x%" PRIx64, start, end);
	return 0;
}

static int
pick_all(struct csn_process *p)
{
	const struct csn_process_config *c = &p->config;
	const struct csn_maps *maps = &p->look.maps;
	size_t i;
	int rc;

	for (i = 0; (c->npaths > 0 || c->nperms > 0) && i < maps->n; i++) {
		if (!counts(&maps->v[i]) || !matches(c, &maps->v[i]))
			continue;
		if ((rc = pick_map(p, &maps->v[i])) != 0)
			return rc;
	}
	for (i = 0; i < c->nranges; i++) {
		rc = pick_range(p, c->ranges[i].start, c->ranges[i].end);
		if (rc != 0)
			return rc;
	}
	return c->note ? csn_process_pick_note(p) : 0;
}

int
csn_process_pick(struct csn_process *p)
{
	struct csn_picked *old = p->look.picked;
	struct csn_maps maps;
	size_t n = p->look.n;
	int rc;

	if ((rc = csn_target_maps(&p->look.target, &maps)) != 0)
		return rc;
	csn_maps_free(&p->look.maps);
	p->look.maps = maps;
	p->look.picked = NULL;
	p->look.n = p->look.cap = 0;
	rc = pick_all(p);
	number_seals(p, old, n);
	free(old);
	return rc;
}
