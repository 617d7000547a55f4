/* SPDX-License-Identifier: Apache-2.0 */
/* qemu/dump.c - guest memory by way of a file: QMP's pmemsave. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/region/qemu/qemu.h"

#define ROOM "region"
#define SHARED_MEMORY "/dev/shm"	/* so that it never is on a disk */

static const char *
usual_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	if (stat(SHARED_MEMORY, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(SHARED_MEMORY, W_OK | X_OK) == 0)
		return SHARED_MEMORY;
	return tmp != NULL && tmp[0] == '/' ? tmp : "/tmp";
}

int
csn_guest_dump_open(struct csn_ctx *ctx, struct csn_qmp *qmp,
    const char *folder, struct csn_guest_dump *out)
{
	struct csn_guest_dump d = { .ctx = ctx, .qmp = qmp, .fd = -1 };
	uid_t uid = csn_qmp_uid(qmp);
	int rc;

	if (folder == NULL)
		folder = usual_folder();
	if (asprintf(&d.folder, "%s/caisson-guest-XXXXXX", folder) < 0) {
		d.folder = NULL;
		rc = csn_nomem(ctx, ROOM, "a guest's dump");
		goto err;
	}
	if (mkdtemp(d.folder) == NULL) {
		rc = csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errno, "no "
		    "folder for the guest's bytes can be made in %.200s",
		    folder);
		free(d.folder);
		d.folder = NULL;
		goto err;
	}
	if (asprintf(&d.path, "%s/memory", d.folder) < 0) {
		d.path = NULL;
		rc = csn_nomem(ctx, ROOM, "a guest's dump");
		goto err;
	}
	d.fd = open(d.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	/* QEMU, which writes there, may be another user; root can give. */
	if (d.fd < 0 || (uid != geteuid() && geteuid() == 0 &&
	    (fchown(d.fd, uid, (gid_t)-1) != 0 ||
	    chown(d.folder, uid, (gid_t)-1) != 0))) {
		rc = csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errno, "no "
		    "file for the guest's bytes can be made in %.200s",
		    folder);
		goto err;
	}
	*out = d;
	return 0;

err:
	csn_guest_dump_close(&d);
	return rc;
}

int
csn_guest_dump_save(struct csn_guest_dump *d, uint64_t address,
    uint64_t size)
{
	struct stat st;
	json_t *arguments;
	int rc;

	csn_guest_dump_forget(d);
	/* JSON's numbers are signed here; so is QEMU's own. */
	if (address > INT64_MAX || size > INT64_MAX)
		return csn_fail(d->ctx, CSN_E_REGION, ROOM, "no guest has "
		    "memory at 0x%llx", (unsigned long long)address);
	arguments = json_pack("{sI sI ss}", "val", (json_int_t)address,
	    "size", (json_int_t)size, "filename", d->path);
	if (arguments == NULL)
		return csn_nomem(d->ctx, ROOM, "a guest's dump");
	if ((rc = csn_qmp_call(d->qmp, "pmemsave", arguments, NULL)) != 0)
		return rc;
	if (fstat(d->fd, &st) != 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size != size)
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "QEMU says that "
		    "it saved %llu bytes, but the file has %lld",
		    (unsigned long long)size, (long long)st.st_size);
	d->address = address;
	d->size = size;
	return 0;
}

int
csn_guest_dump_read(const struct csn_guest_dump *d, uint64_t address,
    void *out, size_t len)
{
	uint8_t *to = out;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(d->fd, to + done, len - done,
		    (off_t)(address - d->address + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return csn_fail_errno(d->ctx, CSN_E_BACKEND, ROOM,
			    n < 0 ? errno : EIO, "reading what QEMU saved");
		done += (size_t)n;
	}
	return 0;
}

void
csn_guest_dump_forget(struct csn_guest_dump *d)
{
	/* Whether it can be cut or not: nothing of it is used any more. */
	if (d->size > 0 && ftruncate(d->fd, 0) != 0)
		d->address = 0;
	d->size = 0;
}

void
csn_guest_dump_close(struct csn_guest_dump *d)
{
	if (d->fd >= 0)
		(void)close(d->fd);
	if (d->path != NULL)
		(void)unlink(d->path);
	if (d->folder != NULL)
		(void)rmdir(d->folder);
	free(d->path);
	free(d->folder);
	d->fd = -1;
	d->path = d->folder = NULL;
}
