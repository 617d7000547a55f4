/* SPDX-License-Identifier: Apache-2.0 */
/* look/file_id.h - which file a name or a descriptor is. */
#ifndef CSN_PROVIDERS_REGION_LOOK_FILE_ID_H
#define CSN_PROVIDERS_REGION_LOOK_FILE_ID_H

#include <stdint.h>

struct csn_file_id {
	uint64_t inode;
	uint32_t major;		/* of the file system's device */
	uint32_t minor;
	uint32_t mode;		/* S_IFMT and permissions */
};

/**
 * Tell which file path is below the folder, or which file the descriptor
 * folder is where path is "". The file's own system is not asked, so that one
 * that hangs holds nobody up. Return 0, or -1 with errno.
 */
int csn_file_id(int folder, const char *path, struct csn_file_id *out);

#endif
