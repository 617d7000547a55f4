/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsm.c - reports through configfs-tsm: a folder per request, made, written,
 * read, checked against the generation, removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caisson/crypto.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "guest/device.h"
#include "guest/tsm.h"

#define ROOM "guest"
#define NAME_PREFIX "caisson-"
#define NAME_BYTES 8
#define MAX_TEXT 64		/* of a provider's name or a generation */

/* A folder of ours below the root. */
struct request {
	const struct csn_tsm *tsm;
	char *path;		/* the folder, and room for an attribute */
	size_t len;		/* of the folder's part */
	unsigned writes;	/* each moves the generation by one */
};

/* The longest attribute's name with its slash. */
#define ATTRIBUTE_ROOM 24

static int
system_mkdir(void *arg, const char *path)
{
	(void)arg;
	return mkdir(path, 0700);
}

static int
system_rmdir(void *arg, const char *path)
{
	(void)arg;
	return rmdir(path);
}

static int
system_open(void *arg, const char *path, int flags)
{
	(void)arg;
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

static ssize_t
system_read(void *arg, int fd, void *p, size_t len)
{
	(void)arg;
	return read(fd, p, len);
}

static ssize_t
system_write(void *arg, int fd, const void *p, size_t len)
{
	(void)arg;
	return write(fd, p, len);
}

static int
system_close(void *arg, int fd)
{
	(void)arg;
	return close(fd);
}

const struct csn_tsm_io csn_tsm_system = {
	.mkdir = system_mkdir, .rmdir = system_rmdir, .open = system_open,
	.read = system_read, .write = system_write, .close = system_close
};

static int
no_memory(const struct csn_tsm *tsm)
{
	return csn_nomem(tsm->ctx, ROOM, "a report");
}

/* What an errno means at this interface. CSN_E_BUSY is worth another try. */
static int
explain(const struct csn_tsm *tsm, int errnum, const char *path)
{
	switch (errnum) {
	case ENXIO:
		return csn_fail(tsm->ctx, CSN_E_NOT_FOUND, ROOM, "%s: no "
		    "driver gives reports there: this is no confidential "
		    "guest, or its module (sev-guest, tdx-guest) is not "
		    "loaded", path);
	case EBUSY:
	case EINTR:
	case EAGAIN:
		return csn_fail(tsm->ctx, CSN_E_BUSY, ROOM, "%s: the device "
		    "is busy, or others write there too", path);
	case EINVAL:
		return csn_fail(tsm->ctx, CSN_E_BACKEND, ROOM, "%s: the "
		    "kernel did not take the 64 bytes of report data, or the "
		    "privilege level", path);
	case EFBIG:
		return csn_fail(tsm->ctx, CSN_E_BACKEND, ROOM, "%s: more "
		    "bytes than the kernel allows there", path);
	case ENOTTY:
		return csn_fail(tsm->ctx, CSN_E_BACKEND, ROOM, "%s: the key "
		    "for talking to the firmware (VMPCK) is disabled; only a "
		    "restart of the guest brings it back", path);
	case EACCES:
	case EPERM:
		return csn_fail(tsm->ctx, CSN_E_BACKEND, ROOM, "%s: not "
		    "permitted: it takes root, or another owner of that "
		    "folder", path);
	default:
		return csn_fail_errno(tsm->ctx, CSN_E_BACKEND, ROOM, errnum,
		    "%s", path);
	}
}

/* The attribute's path; valid until the next. */
static const char *
attribute(struct request *r, const char *name)
{
	(void)snprintf(r->path + r->len, ATTRIBUTE_ROOM, "/%s", name);
	return r->path;
}

static int
request_begin(const struct csn_tsm *tsm, struct request *r)
{
	uint8_t bytes[NAME_BYTES];
	char name[2 * NAME_BYTES + 1];
	int n, errnum, rc;

	memset(r, 0, sizeof(*r));
	r->tsm = tsm;
	if ((rc = csn_random(tsm->ctx, bytes, sizeof(bytes))) != 0)
		return rc;
	csn_hex_encode(bytes, sizeof(bytes), name);
	n = asprintf(&r->path, "%s/" NAME_PREFIX "%s%*s", tsm->root, name,
	    ATTRIBUTE_ROOM, "");
	if (n < 0) {
		r->path = NULL;
		return no_memory(tsm);
	}
	r->len = (size_t)n - ATTRIBUTE_ROOM;
	r->path[r->len] = '\0';
	if (tsm->io->mkdir(tsm->io->arg, r->path) == 0)
		return 0;
	errnum = errno;
	if (errnum == ENOENT)
		rc = csn_fail(tsm->ctx, CSN_E_NOT_FOUND, ROOM, "%s is not "
		    "there: it takes a Linux of 6.7 or newer with "
		    "CONFIG_TSM_REPORTS and configfs mounted, in a "
		    "confidential guest whose module (sev-guest, tdx-guest) "
		    "is loaded", tsm->root);
	else
		rc = explain(tsm, errnum, errnum == ENXIO ? tsm->root :
		    r->path);
	free(r->path);
	r->path = NULL;
	return rc;
}

static void
request_end(struct request *r)
{
	if (r->path == NULL)
		return;
	r->path[r->len] = '\0';
	/* Nothing hangs on it: the name is never used again. */
	(void)r->tsm->io->rmdir(r->tsm->io->arg, r->path);
	free(r->path);
}

/* One write is the whole value: the kernel takes it when it is closed. */
static int
put(struct request *r, const char *name, const void *p, size_t len)
{
	const struct csn_tsm_io *io = r->tsm->io;
	const char *path = attribute(r, name);
	int fd, errnum;
	ssize_t n;

	if ((fd = io->open(io->arg, path, O_WRONLY)) < 0)
		return explain(r->tsm, errno, path);
	n = io->write(io->arg, fd, p, len);
	errnum = errno;
	/* What the kernel thinks of it shows in the generation only. */
	(void)io->close(io->arg, fd);
	if (n < 0)
		return explain(r->tsm, errnum, path);
	if ((size_t)n != len)
		return csn_fail(r->tsm->ctx, CSN_E_BACKEND, ROOM,
		    "%s took %zd of %zu bytes", path, n, len);
	r->writes++;
	return 0;
}

/* All of an attribute, at most max bytes; a NUL is added. */
static int
get(struct request *r, const char *name, size_t max, uint8_t **out,
    size_t *len)
{
	const struct csn_tsm *tsm = r->tsm;
	const char *path = attribute(r, name);
	size_t cap = 4096, used = 0;
	uint8_t *buf = NULL, *more;
	int fd, rc = 0;
	ssize_t n;

	if ((fd = tsm->io->open(tsm->io->arg, path, O_RDONLY)) < 0)
		return errno == ENOENT ? csn_fail(tsm->ctx, CSN_E_NOT_FOUND,
		    ROOM, "%s is not there", path) :
		    explain(tsm, errno, path);
	for (;;) {
		if (buf == NULL || used + 1 == cap) {
			cap = buf == NULL ? cap : 2 * cap;
			if ((more = csn_realloc(buf, cap, 1)) == NULL) {
				rc = no_memory(tsm);
				break;
			}
			buf = more;
		}
		n = tsm->io->read(tsm->io->arg, fd, buf + used,
		    cap - used - 1);
		if (n < 0)
			rc = explain(tsm, errno, path);
		if (n <= 0)
			break;
		used += (size_t)n;
		if (used > max) {
			rc = csn_fail(tsm->ctx, CSN_E_LIMIT, ROOM,
			    "%s has more than %zu bytes", path, max);
			break;
		}
	}
	(void)tsm->io->close(tsm->io->arg, fd);
	if (rc != 0) {
		free(buf);
		return rc;
	}
	buf[used] = 0;
	*out = buf;
	*len = used;
	return 0;
}

/* An attribute of one line, without its end. */
static int
get_line(struct request *r, const char *name, char out[MAX_TEXT + 1])
{
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = get(r, name, MAX_TEXT, &p, &len)) != 0)
		return rc;
	(void)snprintf(out, MAX_TEXT + 1, "%.*s",
	    (int)strcspn((char *)p, "\n"), (char *)p);
	free(p);
	return 0;
}

/* That what was written here is what we wrote, and all of it. */
static int
check_generation(struct request *r)
{
	char text[MAX_TEXT + 1], want[MAX_TEXT + 1];
	int rc;

	if ((rc = get_line(r, "generation", text)) != 0)
		return rc;
	(void)snprintf(want, sizeof(want), "%u", r->writes);
	if (strcmp(text, want) != 0)
		return csn_fail(r->tsm->ctx, CSN_E_BUSY, ROOM, "%.*s: its "
		    "generation is %s where %s was to be: others write "
		    "there, or the kernel dropped what we wrote",
		    (int)r->len, r->path, text, want);
	return 0;
}

static int
check_provider(struct request *r)
{
	const struct csn_tsm *tsm = r->tsm;
	char text[MAX_TEXT + 1];
	int rc;

	if ((rc = get_line(r, "provider", text)) != 0)
		return rc;
	if (strcmp(text, tsm->provider) != 0)
		return csn_fail(tsm->ctx, CSN_E_NOT_FOUND, ROOM, "%s gives "
		    "reports of %s, not of %s: this is another kind of "
		    "guest", tsm->root, text, tsm->provider);
	return 0;
}

static int
ask(struct request *r, const uint8_t inblob[CSN_TSM_INBLOB], uint8_t **out,
    size_t *len, uint8_t **aux, size_t *aux_len)
{
	char level[12];
	int n, rc;

	if ((rc = check_provider(r)) != 0)
		return rc;
	if (r->tsm->privlevel >= 0) {
		n = snprintf(level, sizeof(level), "%d", r->tsm->privlevel);
		if ((rc = put(r, "privlevel", level, (size_t)n)) != 0)
			return rc;
	}
	if ((rc = put(r, "inblob", inblob, CSN_TSM_INBLOB)) != 0 ||
	    (rc = check_generation(r)) != 0 ||
	    (rc = get(r, "outblob", CSN_TSM_MAX, out, len)) != 0)
		return rc;
	/* Only some kinds of guest have it. */
	rc = get(r, "auxblob", CSN_TSM_MAX, aux, aux_len);
	if (rc != 0 && rc != CSN_E_NOT_FOUND)
		return rc;
	return check_generation(r);
}

int
csn_tsm_probe(const struct csn_tsm *tsm)
{
	struct request r;
	int rc;

	if ((rc = request_begin(tsm, &r)) != 0)
		return rc;
	rc = check_provider(&r);
	request_end(&r);
	return rc;
}

int
csn_tsm_report(const struct csn_tsm *tsm,
    const uint8_t inblob[CSN_TSM_INBLOB], uint8_t **out, size_t *len,
    uint8_t **aux, size_t *aux_len)
{
	struct request r;
	unsigned attempt;
	int rc = CSN_E_BUSY;

	for (attempt = 0; attempt < CSN_DEVICE_TRIES && rc == CSN_E_BUSY;
	    attempt++) {
		if (attempt > 0)
			csn_device_wait(attempt);
		*out = *aux = NULL;
		*len = *aux_len = 0;
		if ((rc = request_begin(tsm, &r)) != 0)
			continue;
		rc = ask(&r, inblob, out, len, aux, aux_len);
		request_end(&r);
		if (rc != 0) {
			free(*out);
			free(*aux);
			*out = *aux = NULL;
			*len = *aux_len = 0;
		}
	}
	return rc;
}
