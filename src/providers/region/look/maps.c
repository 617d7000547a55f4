/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.c - the text of /proc/PID/maps.
 *
 * A line: start-end perms offset major:minor inode [spaces path]. Numbers
 * are hexadecimal but for the inode. In a path the kernel writes only a
 * newline otherwise (\012), so a path ends where its line does; " (deleted)"
 * behind it is the kernel's, but for a file that is really named so.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "providers/region/look/maps.h"

#define ROOM "region"
#define DELETED " (deleted)"

struct text {
	char *p, *end;
};

static int
digit(char c, unsigned base)
{
	int v;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else
		return -1;
	return v < (int)base ? v : -1;
}

/* A number that fits 64 bits; -1 where there is none. */
static int
number(struct text *t, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	int d;

	if (t->p == t->end || digit(*t->p, base) < 0)
		return -1;
	while (t->p < t->end && (d = digit(*t->p, base)) >= 0) {
		if (v > (UINT64_MAX - (uint64_t)d) / base)
			return -1;
		v = v * base + (uint64_t)d;
		t->p++;
	}
	*out = v;
	return 0;
}

static int
literal(struct text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return -1;
	t->p++;
	return 0;
}

static int
perms(struct text *t, struct csn_map *m)
{
	static const char on[4] = { 'r', 'w', 'x', 's' };
	static const char off[4] = { '-', '-', '-', 'p' };
	size_t i;

	if (t->end - t->p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (t->p[i] == on[i])
			m->perms |= 1u << i;
		else if (t->p[i] != off[i])
			return -1;
		m->perms_text[i] = t->p[i];
	}
	t->p += 4;
	return 0;
}

/* One line, its newline a NUL; path gets a place in the line. */
static int
line(struct text *t, struct csn_map *m)
{
	uint64_t major = 0, minor = 0;
	size_t cut = sizeof(DELETED) - 1;
	char *end = t->end;

	memset(m, 0, sizeof(*m));
	if (number(t, 16, &m->start) != 0 || literal(t, '-') != 0 ||
	    number(t, 16, &m->end) != 0 || literal(t, ' ') != 0 ||
	    perms(t, m) != 0 || literal(t, ' ') != 0 ||
	    number(t, 16, &m->offset) != 0 || literal(t, ' ') != 0 ||
	    number(t, 16, &major) != 0 || literal(t, ':') != 0 ||
	    number(t, 16, &minor) != 0 || literal(t, ' ') != 0 ||
	    number(t, 10, &m->inode) != 0)
		return -1;
	if (m->start >= m->end || major > UINT32_MAX || minor > UINT32_MAX)
		return -1;
	m->major = (uint32_t)major;
	m->minor = (uint32_t)minor;
	if (t->p < t->end && *t->p != ' ')
		return -1;
	while (t->p < t->end && *t->p == ' ')
		t->p++;
	m->path = t->p;
	if (m->inode != 0 && (size_t)(end - t->p) > cut &&
	    strcmp(end - cut, DELETED) == 0) {
		m->deleted = 1;
		end[-(ptrdiff_t)cut] = '\0';
	}
	return 0;
}

static size_t
count_lines(const char *text, size_t len)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

int
csn_maps_parse(struct csn_ctx *ctx, const char *text, size_t len,
    struct csn_maps *out)
{
	uint64_t last = 0;
	struct text t;
	size_t lines, i;
	char *p, *nl;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > 0 && (text[len - 1] != '\n' ||
	    memchr(text, '\0', len) != NULL))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the list of mappings is cut short or holds a NUL");
	lines = count_lines(text, len);
	if (lines > CSN_MAPS_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "more than %u mappings", CSN_MAPS_MAX);
	out->v = csn_calloc(lines > 0 ? lines : 1, sizeof(*out->v));
	out->text = csn_memdup(text, len);
	if (out->v == NULL || out->text == NULL) {
		rc = csn_nomem(ctx, ROOM, "a process's map");
		goto err;
	}
	p = out->text;
	for (i = 0; i < lines; i++) {
		nl = memchr(p, '\n', len - (size_t)(p - out->text));
		*nl = '\0';
		t.p = p;
		t.end = nl;
		if (line(&t, &out->v[i]) != 0 || out->v[i].start < last) {
			rc = csn_fail(ctx, CSN_E_FORM, ROOM, "line %zu of the "
			    "list of mappings makes no sense", i + 1);
			goto err;
		}
		last = out->v[i].end;
		out->n++;
		p = nl + 1;
	}
	return 0;

err:
	csn_maps_free(out);
	return rc;
}

void
csn_maps_free(struct csn_maps *maps)
{
	free(maps->v);
	free(maps->text);
	memset(maps, 0, sizeof(*maps));
}

const struct csn_map *
csn_maps_find(const struct csn_maps *maps, uint64_t address)
{
	size_t lo = 0, hi = maps->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (address >= maps->v[mid].end)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == maps->n || address < maps->v[lo].start)
		return NULL;
	return &maps->v[lo];
}

int
csn_maps_cover(const struct csn_maps *maps, uint64_t address, uint64_t size)
{
	const struct csn_map *m;
	uint64_t end = address + size;

	if (size == 0 || end < address)
		return 0;
	while (address < end) {
		if ((m = csn_maps_find(maps, address)) == NULL)
			return 0;
		address = m->end;
	}
	return 1;
}
