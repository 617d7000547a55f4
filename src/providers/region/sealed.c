/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.c - a memfd whose bytes never change again. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "providers/region/sealed.h"

/*
 * The kernel counts memfds with 64 bits from Linux 5.9 on. Before, and those
 * of huge pages still, it counts with 32: whoever makes enough of them has
 * another one of the same number, sealed as well and with other bytes.
 */
static int
numbered_once(int fd)
{
	unsigned version, level;
	struct utsname u;
	struct statfs fs;

	return sizeof(long) == 8 && fstatfs(fd, &fs) == 0 &&
	    fs.f_type == TMPFS_MAGIC && uname(&u) == 0 &&
	    sscanf(u.release, "%u.%u", &version, &level) == 2 &&
	    (version > 5 || (version == 5 && level >= 9));
}

int
csn_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	/*
	 * F_SEAL_FUTURE_WRITE leaves older writable mappings as they are,
	 * and without F_SEAL_SHRINK the file can be cut and grown again,
	 * which makes it zero.
	 */
	return seals >= 0 && (seals & F_SEAL_WRITE) != 0 &&
	    (seals & F_SEAL_SHRINK) != 0 && numbered_once(fd);
}
