/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h - whole files, replaced atomically. */
#ifndef CSN_BASE_FILE_H
#define CSN_BASE_FILE_H

#include <caisson/context.h>

/**
 * Read a whole file of at most max bytes into *out (csn_free, a NUL is added
 * behind it). CSN_E_NOT_FOUND, CSN_E_IO, CSN_E_LIMIT or CSN_E_NOMEM, with
 * the path in the sentence.
 */
CSN_MUST_CHECK int csn_file_read(struct csn_ctx *ctx, const char *path,
    size_t max, uint8_t **out, size_t *len);

/*
 * As csn_file_read, for what is believed: CSN_E_POLICY where others than root
 * and the process's user could have written it (base/file_owner.h).
 */
CSN_MUST_CHECK int csn_file_read_trusted(struct csn_ctx *ctx,
    const char *path, size_t max, uint8_t **out, size_t *len);

/* The same, and CSN_E_POLICY where others than the owner can read it. */
CSN_MUST_CHECK int csn_file_read_secret(struct csn_ctx *ctx,
    const char *path, size_t max, uint8_t **out, size_t *len);

/*
 * As csn_file_read_secret, for a file that this library put into a folder of
 * its own: CSN_E_IO for what is no regular file, and nothing is waited for.
 */
CSN_MUST_CHECK int csn_file_read_kept(struct csn_ctx *ctx,
    const char *path, size_t max, uint8_t **out, size_t *len);

/**
 * Replace path by len bytes with the given mode: a file without a name (or
 * with a temporary one, where the file system has no such), fsync, rename,
 * fsync of the folder. On error the old file is untouched (but where only the
 * folder's fsync failed, and the sentence says so) and no temporary file is
 * left; a process killed just before the rename may leave ".caisson-" and 16
 * digits, mode 0600 or as given. The mode is as given, whatever the umask; a
 * symbolic link is replaced, not followed. CSN_E_IO or CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_file_replace(struct csn_ctx *ctx, const char *path,
    const void *p, size_t len, unsigned mode);

/* 1 where name is one that csn_file_replace gives a temporary file. */
int csn_file_is_temp(const char *name);

/* As csn_file_replace, but CSN_E_EXISTS where path is there. */
CSN_MUST_CHECK int csn_file_create(struct csn_ctx *ctx, const char *path,
    const void *p, size_t len, unsigned mode);

/* write(2) until all is written; EINTR handled. 0 or -1 with errno. */
int csn_write_all(int fd, const void *p, size_t len);

/*
 * mkdir -p with mode (less the umask) for what is new, whose names are on the
 * disk afterwards. CSN_E_IO or _NOMEM.
 */
CSN_MUST_CHECK int csn_mkdirs(struct csn_ctx *ctx, const char *path,
    unsigned mode);

/* fsync the folder that holds path. 0 or -1 with errno. */
int csn_fsync_parent(const char *path);

#endif
