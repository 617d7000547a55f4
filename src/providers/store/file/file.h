/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/file/file.h - the parts of the store in files. */
#ifndef CSN_PROVIDERS_STORE_FILE_FILE_H
#define CSN_PROVIDERS_STORE_FILE_FILE_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "providers/store/provider.h"

enum csn_file_sync { CSN_FILE_SYNC_NONE = 0, CSN_FILE_SYNC_FILE,
    CSN_FILE_SYNC_FULL };

/* Where a sweep for ended values stands: one step for each put. */
struct csn_file_sweep {
	pthread_mutex_t lock;
	DIR *spaces, *fans, *files;
};

struct csn_file_store {
	struct csn_ctx *ctx;
	char *path;
	int root;			/* the folder's descriptor */
	int sync;
	uint64_t timeout_ms;		/* for another's lock */
	struct csn_file_sweep sweep;
	_Atomic uint64_t hits, misses, puts, deletes;
};

/* --- file/head.c: what a value's file begins with ----------------------- */

/*
 * docs/wire/store.md: 32 bytes, the length of a key that is too long for one
 * of them, then the names of space and key.
 */
#define CSN_FILE_HEAD 32u
#define CSN_FILE_SHORT_KEY 250u
#define CSN_FILE_MOST_HEAD \
    (CSN_FILE_HEAD + 2 + CSN_STORE_MAX_SPACE + CSN_STORE_MAX_KEY)

struct csn_file_head {
	const uint8_t *space, *key;
	uint8_t space_len;
	uint16_t key_len;
	uint32_t crc;		/* of all of the file but these four bytes */
	uint64_t ends_ms;	/* Unix time; 0: never */
	uint64_t len;		/* of the value */
	size_t size;		/* of the head with its names */
};

/*
 * Read the head in the first len bytes of a file of file_len. *out points
 * into p. CSN_E_FORM or CSN_E_VERSION, and in *why what was wrong.
 */
CSN_MUST_CHECK int csn_file_head_read(const uint8_t *p, size_t len,
    uint64_t file_len, struct csn_file_head *out, const char **why);
/* Write it but for the checksum, which is of the head alone so far. */
size_t csn_file_head_write(const struct csn_file_head *h,
    uint8_t out[CSN_FILE_MOST_HEAD], uint32_t *crc);
void csn_file_head_seal(uint8_t *head, uint32_t crc);
/* The checksum's part of a head that was read. */
uint32_t csn_file_head_crc(const uint8_t *p, size_t size);

/* --- file/name.c: where a value's file is ------------------------------- */

#define CSN_FILE_SPACE_NAME (1 + 3 * CSN_STORE_MAX_SPACE + 1)
#define CSN_FILE_LEAF_NAME 208
#define CSN_FILE_TEMP "tmp"

struct csn_file_name {
	char space[CSN_FILE_SPACE_NAME];		/* "s..." or "o" */
	char fan[CSN_FILE_SPACE_NAME + 3];		/* space/xx */
	char leaf[CSN_FILE_LEAF_NAME];			/* "k..." or "h..." */
	char path[CSN_FILE_SPACE_NAME + 3 + CSN_FILE_LEAF_NAME + 1];
};

void csn_file_space_name(const uint8_t *space, size_t len,
    char out[CSN_FILE_SPACE_NAME]);
CSN_MUST_CHECK int csn_file_name(struct csn_ctx *ctx, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    struct csn_file_name *out);

/* --- file/disk.c: folders, locks, temporary files ----------------------- */

/* A sentence that names the store's folder and a path in it. */
int csn_file_fail(struct csn_file_store *s, int errnum, const char *path,
    const char *what);
/*
 * As openat(2), close-on-exec, but what is not below at is not reached and no
 * part of the path may be a symbolic link: ELOOP. -1 with errno.
 */
int csn_file_open(int at, const char *path, int flags, mode_t mode);
/*
 * The fan's folder, made where make and it is missing, and locked against
 * every other writer. CSN_E_NOT_FOUND without a sentence where it is missing,
 * CSN_E_BUSY after the store's timeout.
 */
CSN_MUST_CHECK int csn_file_fan_lock(struct csn_file_store *s,
    const struct csn_file_name *name, int make, int *fan);
/* The same at once or not at all: the descriptor, or -1. */
int csn_file_fan_try(int parent, const char *path);
void csn_file_fan_unlock(int fan);

/* A temporary file, locked while its writer lives. */
struct csn_file_temp {
	int fd;
	char name[sizeof(CSN_FILE_TEMP) + 1 + 32];
};

CSN_MUST_CHECK int csn_file_temp_write(struct csn_file_store *s,
    struct csn_file_head *h, const uint8_t *value, struct csn_file_temp *out);
/* Its place is taken: 0 or an errno number. */
CSN_MUST_CHECK int csn_file_temp_publish(struct csn_file_store *s,
    struct csn_file_temp *t, int fan, const char *leaf);
void csn_file_temp_drop(struct csn_file_store *s, struct csn_file_temp *t);
/* Remove what killed writers and unfinished drops left behind. */
void csn_file_clean(struct csn_file_store *s);
/* Move a space's folder out of sight and remove it. */
CSN_MUST_CHECK int csn_file_drop(struct csn_file_store *s,
    const char *space_name);

/* --- file/read.c: values ------------------------------------------------ */

#define CSN_FILE_BLOCK 4096u

struct csn_file_value {
	int fd;
	struct csn_file_head head;
	size_t have;		/* bytes of the file in block */
	uint8_t block[CSN_FILE_BLOCK];
};

/*
 * Open a value's file and read its head: whether it has ended is the
 * caller's to see. CSN_E_NOT_FOUND without a sentence; CSN_E_FORM for one
 * that is damaged or holds another key (name NULL: any). at is a folder's
 * descriptor, path below it.
 */
CSN_MUST_CHECK int csn_file_value_open(struct csn_file_store *s, int at,
    const char *path, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_file_value *out);
/* All of it, into head.len bytes, checked. */
CSN_MUST_CHECK int csn_file_value_read(struct csn_file_store *s,
    struct csn_file_value *v, const char *path, uint8_t *out);
void csn_file_value_close(struct csn_file_value *v);
int csn_file_has_ended(struct csn_file_store *s,
    const struct csn_file_head *h);
/* Remove a file that has ended, unless it was replaced meanwhile. */
void csn_file_reclaim(struct csn_file_store *s, const char *fan,
    const char *leaf);

/* --- file/walk.c: all values -------------------------------------------- */

typedef int (*csn_file_visit)(void *arg, const struct csn_file_head *head,
    uint64_t blocks);

/*
 * Every live value of a space's folder, or (NULL) of all; what has ended is
 * removed, what is damaged passed over.
 */
CSN_MUST_CHECK int csn_file_walk(struct csn_file_store *s,
    const char *space_name, csn_file_visit visit, void *arg);
/* Look at a few files further on, and remove those that have ended. */
void csn_file_sweep(struct csn_file_store *s);
void csn_file_sweep_end(struct csn_file_store *s);

#endif
