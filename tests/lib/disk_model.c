/* SPDX-License-Identifier: Apache-2.0 */
/* disk_model.c - what a disk holds after a power cut, by what was synced. */

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/disk_model.h"
#include "lib/fixture.h"

enum { WRITE, CUT, SYNC, NAME, PROMISE };

/* Past so many names that are not synced not all of their subsets are. */
#define ALL_SUBSETS 5
#define MOST 4096

struct disk_node {
	dev_t dev;
	ino_t ino;
	int folder;
	mode_t mode;
	uint8_t *p;		/* when the watch began */
	size_t len;
};

struct entry {
	struct disk_node *dir;
	char *name;
	struct disk_node *node;
};

struct op {
	int kind;
	struct disk_node *node;
	off_t offset;
	uint8_t *p;
	size_t len;
	struct disk_node *from_dir, *to_dir;
	char *from, *to;
	int promise;
};

static struct disk_node *nodes[MOST], *root;
static struct entry base[MOST];
static struct op ops[MOST];
static size_t nnodes, nbase, nops;

/* A state that is being built. */
static struct entry names[MOST];
static size_t nnames;

static void
enough(int is)
{
	if (is)
		return;
	fprintf(stderr, "the disk of the test is full\n");
	abort();
}

static void *
copy_of(const void *p, size_t len)
{
	char *out = malloc(len + 1);

	enough(out != NULL);
	if (len > 0)
		memcpy(out, p, len);
	out[len] = '\0';
	return out;
}

struct disk_node *
disk_node_of(const struct stat *st)
{
	size_t i;

	/* The newest first: a number is used again once its file is gone. */
	for (i = nnodes; i-- > 0;) {
		if (nodes[i]->ino == st->st_ino && nodes[i]->dev == st->st_dev)
			return nodes[i];
	}
	return NULL;
}

struct disk_node *
disk_node_new(const struct stat *st)
{
	struct disk_node *node = calloc(1, sizeof(*node));

	enough(node != NULL && nnodes < MOST);
	node->dev = st->st_dev;
	node->ino = st->st_ino;
	node->folder = S_ISDIR(st->st_mode);
	node->mode = st->st_mode & 07777;
	nodes[nnodes++] = node;
	return node;
}

int
disk_is_folder(const struct disk_node *node)
{
	return node->folder;
}

static struct op *
record(int kind, struct disk_node *node)
{
	struct op *op = &ops[nops];

	enough(nops < MOST);
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->node = node;
	nops++;
	return op;
}

void
disk_record_write(struct disk_node *node, off_t offset, const void *p,
    size_t len)
{
	struct op *op = record(WRITE, node);

	op->offset = offset;
	op->p = copy_of(p, len);
	op->len = len;
}

void
disk_record_cut(struct disk_node *node, off_t len)
{
	record(CUT, node)->offset = len;
}

void
disk_record_sync(struct disk_node *node)
{
	(void)record(SYNC, node);
}

void
disk_record_mode(struct disk_node *node, mode_t mode)
{
	node->mode = mode & 07777;
}

void
disk_record_promise(int n)
{
	record(PROMISE, NULL)->promise = n;
}

void
disk_record_name(enum disk_op what, struct disk_node *from_dir,
    const char *from, struct disk_node *to_dir, const char *to,
    struct disk_node *node)
{
	struct op *op = record(NAME, node);

	(void)what;
	op->from_dir = from_dir;
	op->from = from == NULL ? NULL : copy_of(from, strlen(from));
	op->to_dir = to_dir;
	op->to = to == NULL ? NULL : copy_of(to, strlen(to));
}

static void
load(struct disk_node *node, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	enough(fd >= 0 && fstat(fd, &st) == 0);
	node->len = (size_t)st.st_size;
	node->p = malloc(node->len + 1);
	enough(node->p != NULL &&
	    read(fd, node->p, node->len) == (ssize_t)node->len);
	(void)close(fd);
}

static struct disk_node *
scan(const char *path)
{
	struct disk_node *node, *child;
	struct dirent *e;
	struct stat st;
	char *full;
	DIR *dir;

	enough(lstat(path, &st) == 0);
	node = disk_node_new(&st);
	if (!node->folder) {
		if (S_ISREG(st.st_mode))
			load(node, path);
		return node;
	}
	enough((dir = opendir(path)) != NULL);
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		enough(asprintf(&full, "%s/%s", path, e->d_name) > 0);
		child = scan(full);
		enough(nbase < MOST);
		base[nbase++] = (struct entry){ node,
		    copy_of(e->d_name, strlen(e->d_name)), child };
		free(full);
	}
	(void)closedir(dir);
	return node;
}

void
disk_model_start(const char *folder)
{
	while (nnodes > 0) {
		free(nodes[--nnodes]->p);
		free(nodes[nnodes]);
	}
	while (nbase > 0)
		free(base[--nbase].name);
	while (nops > 0) {
		free(ops[--nops].p);
		free(ops[nops].from);
		free(ops[nops].to);
	}
	root = scan(folder);
}

/* --- states ------------------------------------------------------------- */

/* Whether ops[i] was certainly on the disk after the first k. */
static int
is_synced(size_t i, size_t k)
{
	const struct op *op = &ops[i];

	for (i++; i < k; i++) {
		if (ops[i].kind != SYNC)
			continue;
		if (op->kind == NAME ? ops[i].node == op->from_dir ||
		    ops[i].node == op->to_dir : ops[i].node == op->node)
			return 1;
	}
	return 0;
}

static void
forget(const struct disk_node *dir, const char *name)
{
	size_t i;

	for (i = 0; i < nnames; i++) {
		if (names[i].dir == dir && strcmp(names[i].name, name) == 0) {
			names[i] = names[--nnames];
			return;
		}
	}
}

static void
apply_name(const struct op *op)
{
	if (op->from_dir != NULL)
		forget(op->from_dir, op->from);
	if (op->to_dir == NULL)
		return;
	forget(op->to_dir, op->to);
	enough(nnames < MOST);
	names[nnames++] = (struct entry){ op->to_dir, op->to, op->node };
}

/* What becomes of a write that was not synced. */
enum fate { LOST, DONE, FIRST_HALF, SECOND_HALF, ZEROES };

static void
apply_bytes(const struct op *op, enum fate fate, uint8_t **p, size_t *len)
{
	size_t end = (size_t)op->offset + op->len, from = 0, to = op->len;

	if (fate == LOST)
		return;
	if (op->kind == CUT)
		end = (size_t)op->offset;
	else if (fate == FIRST_HALF)
		end = (size_t)op->offset + (to = op->len / 2);
	else if (fate == SECOND_HALF)
		from = op->len / 2;
	else if (fate == ZEROES)
		from = to;
	if (end > *len) {
		*p = realloc(*p, end + 1);
		enough(*p != NULL);
		memset(*p + *len, 0, end - *len);
	}
	if (end > *len || op->kind == CUT)
		*len = end;
	if (op->kind == WRITE && to > from)
		memcpy(*p + op->offset + from, op->p + from, to - from);
}

/* The bytes of a file after the first k, by the fates of what is pending. */
static uint8_t *
bytes_of(const struct disk_node *node, size_t k, const uint8_t *fates,
    size_t *len)
{
	uint8_t *p = copy_of(node->p, node->len);
	size_t i;

	*len = node->len;
	for (i = 0; i < k; i++) {
		if (ops[i].node == node &&
		    (ops[i].kind == WRITE || ops[i].kind == CUT))
			apply_bytes(&ops[i], (enum fate)fates[i], &p, len);
	}
	return p;
}

static uint64_t
hash(uint64_t h, const void *p, size_t len)
{
	const uint8_t *at = p;

	while (len-- > 0)
		h = (h ^ *at++) * 0x100000001b3u;
	return h;
}

/* A number for what lies below dir; and (path not NULL) make it there. */
static uint64_t
tree(const struct disk_node *dir, size_t k, const uint8_t *fates,
    const char *path, uint64_t seed)
{
	uint64_t sum = 0, h;
	uint8_t *p;
	size_t i, len;
	char *full;
	int fd;

	for (i = 0; i < nnames; i++) {
		if (names[i].dir != dir)
			continue;
		full = NULL;
		if (path != NULL)
			enough(asprintf(&full, "%s/%s", path,
			    names[i].name) > 0);
		h = hash(seed, names[i].name, strlen(names[i].name) + 1);
		if (names[i].node->folder) {
			if (full != NULL)
				enough(mkdir(full, 0700) == 0);
			sum += tree(names[i].node, k, fates, full, h * 31 + 7);
			sum += h;
			free(full);
			continue;
		}
		p = bytes_of(names[i].node, k, fates, &len);
		sum += hash(h, p, len) * (2 * len + 1);
		if (full != NULL) {
			fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0600);
			enough(fd >= 0 &&
			    write(fd, p, len) == (ssize_t)len &&
			    fchmod(fd, names[i].node->mode) == 0);
			(void)close(fd);
		}
		free(p);
		free(full);
	}
	return sum;
}

struct cuts {
	const char *scratch;
	void (*look)(void *arg, const char *folder, int promised);
	void *arg;
	uint64_t *seen;
	size_t nseen, cap;
};

static void
show(struct cuts *c, size_t k, const uint8_t *fates, int promised)
{
	uint64_t is = tree(root, k, fates, NULL, 0xcbf29ce484222325u) +
	    (uint64_t)promised * 0x9e3779b97f4a7c15u;
	size_t i;

	for (i = 0; i < c->nseen; i++) {
		if (c->seen[i] == is)
			return;
	}
	if (c->nseen == c->cap) {
		c->cap = c->cap * 2 + 64;
		c->seen = realloc(c->seen, c->cap * sizeof(*c->seen));
		enough(c->seen != NULL);
	}
	c->seen[c->nseen++] = is;
	tree_remove(c->scratch);
	enough(mkdir(c->scratch, 0700) == 0);
	(void)tree(root, k, fates, c->scratch, 0);
	c->look(c->arg, c->scratch, promised);
}

/* Every fate of the bytes that are pending, for the names as they are. */
static void
each_fate(struct cuts *c, size_t k, const size_t *pending, size_t n,
    uint8_t *fates, int promised)
{
	static const uint8_t ends[] = { FIRST_HALF, SECOND_HALF, ZEROES };
	size_t i, j;

	/* As if written in order, the last of them whole or not... */
	for (i = 0; i <= n; i++) {
		for (j = 0; j < n; j++)
			fates[pending[j]] = j < i ? DONE : LOST;
		show(c, k, fates, promised);
		for (j = 0; i > 0 && j < sizeof(ends); j++) {
			fates[pending[i - 1]] = ends[j];
			show(c, k, fates, promised);
		}
	}
	/* ...or one before the others; or their sizes without a byte. */
	for (i = 0; n > 1 && i < n; i++) {
		for (j = 0; j < n; j++)
			fates[pending[j]] = j == i ? LOST : DONE;
		show(c, k, fates, promised);
		for (j = 0; j < n; j++)
			fates[pending[j]] = j == i ? DONE : LOST;
		show(c, k, fates, promised);
	}
	for (j = 0; j < n; j++)
		fates[pending[j]] = ZEROES;
	show(c, k, fates, promised);
}

/* The names of a state: base, what is synced, and some of the pending. */
static void
set_names(size_t k, const size_t *pending, size_t n, uint64_t mask)
{
	size_t i, j = 0;

	memcpy(names, base, nbase * sizeof(*base));
	nnames = nbase;
	for (i = 0; i < k; i++) {
		if (ops[i].kind != NAME)
			continue;
		if (j < n && pending[j] == i) {
			if (mask >> j++ & 1)
				apply_name(&ops[i]);
		} else {
			apply_name(&ops[i]);
		}
	}
}

static void
cut_after(struct cuts *c, size_t k, int promised)
{
	size_t bytes[MOST], links[64], nbytes = 0, nlinks = 0, i;
	uint8_t *fates = calloc(k + 1, 1);
	uint64_t mask, all;

	enough(fates != NULL);
	for (i = 0; i < k; i++) {
		if (ops[i].kind == NAME && !is_synced(i, k)) {
			enough(nlinks < 64);
			links[nlinks++] = i;
		} else if (ops[i].kind == WRITE || ops[i].kind == CUT) {
			if (is_synced(i, k))
				fates[i] = DONE;
			else
				bytes[nbytes++] = i;
		}
	}
	all = nlinks == 0 ? 0 : ~(uint64_t)0 >> (64 - nlinks);
	if (nlinks <= ALL_SUBSETS) {
		for (mask = 0; mask <= all; mask++) {
			set_names(k, links, nlinks, mask);
			each_fate(c, k, bytes, nbytes, fates, promised);
		}
	} else {
		for (i = 0; i <= nlinks; i++) {
			set_names(k, links, nlinks, i == 0 ? 0 :
			    all >> (nlinks - i));
			each_fate(c, k, bytes, nbytes, fates, promised);
			set_names(k, links, nlinks, i == nlinks ? all :
			    all & ~((uint64_t)1 << i));
			each_fate(c, k, bytes, nbytes, fates, promised);
		}
	}
	free(fates);
}

size_t
disk_power_cuts(const char *scratch,
    void (*look)(void *arg, const char *folder, int promised), void *arg)
{
	struct cuts c = { .scratch = scratch, .look = look, .arg = arg };
	int promised = 0;
	size_t k;

	disk_unwatch();
	for (k = 0; k <= nops; k++) {
		if (k > 0 && ops[k - 1].kind == PROMISE)
			promised = ops[k - 1].promise;
		cut_after(&c, k, promised);
	}
	tree_remove(scratch);
	free(c.seen);
	return c.nseen;
}
