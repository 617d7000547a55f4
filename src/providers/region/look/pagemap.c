/* SPDX-License-Identifier: Apache-2.0 */
/* pagemap.c - write tracking by asynchronous write protection. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "providers/region/look/pagemap.h"

#define ROOM "region"

/* include/uapi/linux/fs.h of Linux 6.7 */
struct scan_range {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

_Static_assert(sizeof(struct scan_arg) == 96, "the size in the call's number");

#define SCAN _IOWR('f', 16, struct scan_arg)
#define SCAN_WP_MATCHING 1u
#define SCAN_CHECK_WPASYNC 2u
#define PAGE_WRITTEN 2u

/* include/uapi/linux/userfaultfd.h of Linux 6.7 */
#define WP_HUGETLBFS_SHMEM ((uint64_t)1 << 12)
#define WP_UNPOPULATED ((uint64_t)1 << 13)
#define WP_ASYNC ((uint64_t)1 << 15)
#define USER_MODE_ONLY 1	/* all that an unprivileged process gets */

#define RANGES 256

/* What is visited, with adjacent ranges joined. */
struct walk {
	csn_pagemap_written visit;
	void *arg;
	uint64_t start, end;	/* not yet visited; empty where equal */
	int rc;
};

static void
flush(struct walk *w)
{
	if (w->start != w->end && w->rc == 0)
		w->rc = w->visit(w->arg, w->start, w->end);
	w->start = w->end = 0;
}

static void
take(struct walk *w, const struct scan_range *r)
{
	if (w->start != w->end && r->start == w->end) {
		w->end = r->end;
		return;
	}
	flush(w);
	w->start = r->start;
	w->end = r->end;
}

int
csn_pagemap_scan(struct csn_ctx *ctx, int fd, uint64_t start, uint64_t end,
    int rearm, csn_pagemap_written visit, void *arg)
{
	struct walk w = { .visit = visit, .arg = arg };
	struct scan_range ranges[RANGES];
	struct scan_arg a;
	uint64_t at = start;
	long n, i;

	while (at < end) {
		memset(&a, 0, sizeof(a));
		a.size = sizeof(a);
		/*
		 * Without CHECK_WPASYNC memory that nobody tracks would look
		 * as if nothing had been written to it.
		 */
		a.flags = SCAN_CHECK_WPASYNC |
		    (rearm ? SCAN_WP_MATCHING : 0);
		a.start = at;
		a.end = end;
		a.vec = (uint64_t)(uintptr_t)ranges;
		a.vec_len = RANGES;
		a.category_mask = PAGE_WRITTEN;
		a.return_mask = PAGE_WRITTEN;
		n = ioctl(fd, SCAN, &a);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPERM)
			return csn_fail(ctx, CSN_E_BACKEND, ROOM, "the memory "
			    "at 0x%llx is not tracked: the workload registers "
			    "it with csn_note_track()",
			    (unsigned long long)at);
		if (n < 0)
			return csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errno,
			    "PAGEMAP_SCAN, which Linux has from 6.7 on");
		for (i = 0; i < n; i++)
			take(&w, &ranges[i]);
		if (a.walk_end <= at)
			return csn_fail(ctx, CSN_E_BACKEND, ROOM,
			    "PAGEMAP_SCAN came to a halt at 0x%llx",
			    (unsigned long long)at);
		at = a.walk_end;
	}
	flush(&w);
	return w.rc;
}

int
csn_pagemap_track(struct csn_ctx *ctx, uint64_t start, uint64_t end,
    int *uffd)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = WP_ASYNC | WP_UNPOPULATED | WP_HUGETLBFS_SHMEM
	};
	struct uffdio_register reg = {
		.range = { .start = start, .len = end - start },
		.mode = UFFDIO_REGISTER_MODE_WP
	};
	struct uffdio_writeprotect wp = {
		.range = { .start = start, .len = end - start },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP
	};
	const char *what;
	int fd;

	fd = (int)syscall(SYS_userfaultfd,
	    O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
	if (fd < 0)
		return csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errno,
		    "userfaultfd(2) is not to be had");
	what = "asynchronous write protection, which Linux has from 6.7 on";
	if (ioctl(fd, UFFDIO_API, &api) != 0)
		goto err;
	what = "registering the memory for write tracking";
	if (ioctl(fd, UFFDIO_REGISTER, &reg) != 0)
		goto err;
	what = "protecting the memory for write tracking";
	if (ioctl(fd, UFFDIO_WRITEPROTECT, &wp) != 0)
		goto err;
	*uffd = fd;
	return 0;

err:
	(void)csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errno, "%s", what);
	(void)close(fd);
	return CSN_E_BACKEND;
}
