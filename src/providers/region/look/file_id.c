/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_id.c - statx(2), which musl has as a function since 1.2.5 only.
 *
 * linux/stat.h and a libc's sys/stat.h say the same things twice: this file
 * includes the first alone.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "providers/region/look/file_id.h"

int
csn_file_id(int folder, const char *path, struct csn_file_id *out)
{
	int flags = AT_STATX_DONT_SYNC | (path[0] == '\0' ? AT_EMPTY_PATH : 0);
	struct statx st;

	if (syscall(SYS_statx, folder, path, flags, STATX_TYPE | STATX_INO,
	    &st) != 0)
		return -1;
	out->inode = st.stx_ino;
	out->major = st.stx_dev_major;
	out->minor = st.stx_dev_minor;
	out->mode = st.stx_mode;
	return 0;
}
