/* SPDX-License-Identifier: Apache-2.0 */
/* tsm_model.c - configfs-tsm, in this process. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/sim/tsm_model.h"

#define FOLDERS 16
#define HANDLES 32
#define TEXT 64

enum attribute {
	GENERATION, PROVIDER, PRIVLEVEL, PRIVLEVEL_FLOOR, INBLOB, OUTBLOB,
	AUXBLOB, ATTRIBUTES
};

static const struct {
	const char *name;
	mode_t mode;
	int of_privlevels;
} attributes[ATTRIBUTES] = {
	{ "generation", 0400, 0 }, { "provider", 0400, 0 },
	{ "privlevel", 0200, 1 }, { "privlevel_floor", 0400, 1 },
	{ "inblob", 0200, 0 }, { "outblob", 0400, 0 }, { "auxblob", 0400, 1 }
};

struct folder {
	char name[64];		/* "" where there is none */
	uint64_t serial;
	uint64_t read_generation;
	uint64_t write_generation;
	unsigned privlevel;
	uint8_t inblob[TSM_MODEL_INBLOB];
	size_t inblob_len;
	struct fake_bytes out, aux;
};

struct handle {
	int used;
	uint64_t serial;	/* of its folder */
	enum attribute attribute;
	uint8_t in[TSM_MODEL_INBLOB];	/* not yet committed */
	size_t in_len;
	struct fake_bytes shown;	/* as of the first read */
	int is_shown;
};

struct tsm_inner {
	pthread_mutex_t lock;
	const struct tsm_driver *driver;
	struct tsm_trouble trouble;
	struct tsm_seen seen;
	uint64_t serial;
	struct folder folders[FOLDERS];
	struct handle handles[HANDLES];
};

static void
clear(struct fake_bytes *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

/* An event that is still to happen so often. */
static int
strikes(unsigned *times)
{
	if (*times == 0)
		return 0;
	(*times)--;
	return 1;
}

void
tsm_model_start(struct tsm_model *m, const struct tsm_driver *driver)
{
	if ((m->inner = calloc(1, sizeof(*m->inner))) == NULL)
		abort();
	(void)pthread_mutex_init(&m->inner->lock, NULL);
	m->inner->driver = driver;
}

static void
folder_clear(struct folder *f)
{
	clear(&f->out);
	clear(&f->aux);
	memset(f, 0, sizeof(*f));
}

void
tsm_model_end(struct tsm_model *m)
{
	size_t i;

	for (i = 0; i < FOLDERS; i++)
		folder_clear(&m->inner->folders[i]);
	for (i = 0; i < HANDLES; i++)
		clear(&m->inner->handles[i].shown);
	(void)pthread_mutex_destroy(&m->inner->lock);
	free(m->inner);
	m->inner = NULL;
}

static struct tsm_inner *
hold(struct tsm_model *m)
{
	(void)pthread_mutex_lock(&m->inner->lock);
	return m->inner;
}

static int
let(struct tsm_model *m, int rc)
{
	(void)pthread_mutex_unlock(&m->inner->lock);
	return rc;
}

/* The folder of "/NAME" or "/NAME/…"; *rest is what follows NAME. */
static struct folder *
find(struct tsm_inner *in, const char *path, const char **rest)
{
	size_t len, i;

	if (path[0] != '/')
		return NULL;
	len = strcspn(++path, "/");
	*rest = path + len;
	for (i = 0; i < FOLDERS; i++)
		if (len > 0 && strlen(in->folders[i].name) == len &&
		    memcmp(in->folders[i].name, path, len) == 0)
			return &in->folders[i];
	return NULL;
}

static struct folder *
find_serial(struct tsm_inner *in, uint64_t serial)
{
	size_t i;

	for (i = 0; i < FOLDERS; i++)
		if (in->folders[i].name[0] != '\0' &&
		    in->folders[i].serial == serial)
			return &in->folders[i];
	return NULL;
}

/* The attribute of that name that the driver shows, or ATTRIBUTES. */
static enum attribute
find_attribute(const struct tsm_inner *in, const char *name)
{
	unsigned i;

	for (i = 0; i < ATTRIBUTES; i++)
		if (strcmp(attributes[i].name, name) == 0 &&
		    (!attributes[i].of_privlevels || (in->driver != NULL &&
		    in->driver->privlevels)))
			return (enum attribute)i;
	return ATTRIBUTES;
}

void
tsm_model_load(struct tsm_model *m, const struct tsm_driver *driver)
{
	hold(m)->driver = driver;
	(void)let(m, 0);
}

void
tsm_model_trouble(struct tsm_model *m, const struct tsm_trouble *t)
{
	hold(m)->trouble = *t;
	(void)let(m, 0);
}

struct tsm_seen
tsm_model_seen(const struct tsm_model *m)
{
	struct tsm_seen seen;

	(void)pthread_mutex_lock(&m->inner->lock);
	seen = m->inner->seen;
	(void)pthread_mutex_unlock(&m->inner->lock);
	return seen;
}

int
tsm_model_mkdir(struct tsm_model *m, const char *path)
{
	struct tsm_inner *in = hold(m);
	struct folder *f;
	const char *rest = "";
	size_t i;

	if (find(in, path, &rest) != NULL)
		return let(m, rest[0] == '\0' ? -EEXIST : -EPERM);
	if (rest[0] != '\0')
		return let(m, -ENOENT);
	if (in->driver == NULL)
		return let(m, -ENXIO);
	if (strlen(path + 1) >= sizeof(f->name))
		return let(m, -ENAMETOOLONG);
	for (i = 0; i < FOLDERS && in->folders[i].name[0] != '\0'; i++)
		;
	if (i == FOLDERS)
		return let(m, -ENOMEM);
	f = &in->folders[i];
	(void)snprintf(f->name, sizeof(f->name), "%s", path + 1);
	(void)snprintf(in->seen.last_name, sizeof(in->seen.last_name), "%s",
	    f->name);
	f->serial = ++in->serial;
	f->privlevel = in->driver->floor;
	/* One more write, and it would be the generation that was read. */
	if (strikes(&in->trouble.wrapped))
		f->read_generation = 1;
	in->seen.made++;
	in->seen.folders++;
	return let(m, 0);
}

int
tsm_model_rmdir(struct tsm_model *m, const char *path)
{
	struct tsm_inner *in = hold(m);
	const char *rest = "";
	struct folder *f;

	if ((f = find(in, path, &rest)) == NULL)
		return let(m, -ENOENT);
	if (rest[0] != '\0')
		return let(m, -ENOTDIR);
	folder_clear(f);
	in->seen.folders--;
	return let(m, 0);
}

int
tsm_model_mode(struct tsm_model *m, const char *path, mode_t *mode)
{
	struct tsm_inner *in = hold(m);
	const char *rest = "";
	enum attribute a;

	*mode = S_IFDIR | 0755;
	if (path[0] == '\0' || strcmp(path, "/") == 0)
		return let(m, 0);
	if (find(in, path, &rest) == NULL)
		return let(m, -ENOENT);
	if (rest[0] == '\0')
		return let(m, 0);
	if ((a = find_attribute(in, rest + 1)) == ATTRIBUTES)
		return let(m, -ENOENT);
	*mode = S_IFREG | attributes[a].mode;
	return let(m, 0);
}

int
tsm_model_name(struct tsm_model *m, const char *path, unsigned i,
    char name[64])
{
	struct tsm_inner *in = hold(m);
	const char *rest = "", *found = NULL;
	unsigned k;

	if (path[0] == '\0' || strcmp(path, "/") == 0) {
		for (k = 0; k < FOLDERS && found == NULL; k++)
			if (in->folders[k].name[0] != '\0' && i-- == 0)
				found = in->folders[k].name;
	} else if (find(in, path, &rest) != NULL) {
		for (k = 0; k < ATTRIBUTES && found == NULL; k++)
			if (find_attribute(in, attributes[k].name) !=
			    ATTRIBUTES && i-- == 0)
				found = attributes[k].name;
	}
	if (found == NULL)
		return let(m, -ENOENT);
	(void)snprintf(name, 64, "%s", found);
	return let(m, 0);
}

int
tsm_model_open(struct tsm_model *m, const char *path, int flags)
{
	struct tsm_inner *in = hold(m);
	const char *rest = "";
	struct folder *f;
	enum attribute a;
	mode_t need;
	int i;

	if ((f = find(in, path, &rest)) == NULL)
		return let(m, -ENOENT);
	if (rest[0] == '\0')
		return let(m, -EISDIR);
	if ((a = find_attribute(in, rest + 1)) == ATTRIBUTES)
		return let(m, -ENOENT);
	need = (flags & O_ACCMODE) == O_RDONLY ? 0400 :
	    (flags & O_ACCMODE) == O_WRONLY ? 0200 : 0600;
	if ((attributes[a].mode & need) != need)
		return let(m, -EACCES);
	for (i = 0; i < HANDLES && in->handles[i].used; i++)
		;
	if (i == HANDLES)
		return let(m, -EMFILE);
	memset(&in->handles[i], 0, sizeof(in->handles[i]));
	in->handles[i].used = 1;
	in->handles[i].serial = f->serial;
	in->handles[i].attribute = a;
	in->seen.handles++;
	return let(m, i);
}

/* Each write of an option or an inblob is a generation of its own. */
static int
advance(struct folder *f)
{
	if (f->write_generation == f->read_generation - 1)
		return -EBUSY;
	f->write_generation++;
	return 0;
}

/* The report, made where what was asked has changed since the last. */
static int
refresh(struct tsm_inner *in, struct folder *f)
{
	int rc;

	if (in->driver == NULL)
		return -ENXIO;
	if (f->inblob_len == 0)
		return -EINVAL;
	if (f->out.p != NULL && f->read_generation == f->write_generation)
		return 0;
	clear(&f->out);
	clear(&f->aux);
	if (strikes(&in->trouble.busy))
		return -EBUSY;
	if (in->trouble.fails != 0)
		return -in->trouble.fails;
	if (f->inblob_len != TSM_MODEL_INBLOB)
		return -EINVAL;
	rc = in->driver->report(in->driver->arg, f->inblob, f->privlevel,
	    &f->out, &f->aux);
	if (rc != 0)
		return -rc;
	if (in->trouble.empty)
		f->out.len = 1;
	in->seen.reports++;
	f->read_generation = f->write_generation;
	if (strikes(&in->trouble.late))
		f->write_generation++;
	return 0;
}

static int
show(struct tsm_inner *in, struct folder *f, struct handle *h)
{
	int rc;

	switch (h->attribute) {
	case GENERATION:
		fake_put_text(&h->shown, "%llu\n",
		    (unsigned long long)f->write_generation);
		return 0;
	case PROVIDER:
		if (in->driver == NULL)
			return -ENXIO;
		fake_put_text(&h->shown, "%s\n", in->driver->provider);
		return 0;
	case PRIVLEVEL_FLOOR:
		fake_put_text(&h->shown, "%u\n", in->driver->floor);
		return 0;
	case OUTBLOB:
	case AUXBLOB:
		if ((rc = refresh(in, f)) != 0)
			return rc;
		if (h->attribute == OUTBLOB)
			fake_put(&h->shown, f->out.p, f->out.len);
		else
			fake_put(&h->shown, f->aux.p, f->aux.len);
		return h->shown.len > TSM_MODEL_MAX ? -EFBIG : 0;
	default:
		return -EACCES;
	}
}

ssize_t
tsm_model_read(struct tsm_model *m, int handle, void *p, size_t len,
    size_t offset)
{
	struct tsm_inner *in = hold(m);
	struct handle *h = &in->handles[handle];
	struct folder *f = find_serial(in, h->serial);
	int rc;

	if (f == NULL)
		return let(m, -ENODEV);
	if (!h->is_shown) {
		if ((rc = show(in, f, h)) != 0) {
			clear(&h->shown);
			return let(m, rc);
		}
		h->is_shown = 1;
	}
	if (offset >= h->shown.len)
		return let(m, 0);
	if (len > h->shown.len - offset)
		len = h->shown.len - offset;
	memcpy(p, h->shown.p + offset, len);
	return let(m, (int)len);
}

static int
store_privlevel(const struct tsm_inner *in, struct folder *f,
    const char *p, size_t len)
{
	char text[TEXT], *end;
	unsigned long v;
	int rc;

	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, p, len);
	text[len] = '\0';
	v = strtoul(text, &end, 10);
	if (end == text || (*end != '\0' && strcmp(end, "\n") != 0) ||
	    v < in->driver->floor || v > 3)
		return -EINVAL;
	if ((rc = advance(f)) != 0)
		return rc;
	f->privlevel = (unsigned)v;
	return (int)len;
}

ssize_t
tsm_model_write(struct tsm_model *m, int handle, const void *p, size_t len)
{
	struct tsm_inner *in = hold(m);
	struct handle *h = &in->handles[handle];
	struct folder *f = find_serial(in, h->serial);

	if (f == NULL)
		return let(m, -ENODEV);
	if (h->attribute == PRIVLEVEL)
		return let(m, store_privlevel(in, f, p, len));
	in->seen.inblob_writes++;
	if (len > sizeof(h->in) - h->in_len)
		return let(m, -EFBIG);
	if (len > 10 && strikes(&in->trouble.short_writes))
		len = 10;
	memcpy(h->in + h->in_len, p, len);
	h->in_len += len;
	return let(m, (int)len);
}

void
tsm_model_commit(struct tsm_model *m, int handle)
{
	struct tsm_inner *in = hold(m);
	struct handle *h = &in->handles[handle];
	struct folder *f = find_serial(in, h->serial);

	/* An error here is what the kernel keeps to itself. */
	if (f != NULL && h->in_len > 0 && advance(f) == 0) {
		memcpy(f->inblob, h->in, h->in_len);
		f->inblob_len = h->in_len;
		if (strikes(&in->trouble.meddled)) {
			f->inblob[0] ^= 1;
			f->write_generation++;
		}
	}
	h->in_len = 0;
	(void)let(m, 0);
}

void
tsm_model_release(struct tsm_model *m, int handle)
{
	struct tsm_inner *in = hold(m);

	clear(&in->handles[handle].shown);
	memset(&in->handles[handle], 0, sizeof(in->handles[handle]));
	in->seen.handles--;
	(void)let(m, 0);
}
