/* SPDX-License-Identifier: Apache-2.0 */
/* audit/folder.h - what lies in a log's folder. */
#ifndef CSN_AUDIT_FOLDER_H
#define CSN_AUDIT_FOLDER_H

#include "audit/chain.h"

/*
 *   audit-000000.jsonl …  the lines
 *   state                 the chain at some line, with its key; mode 0600
 *   first.key             the first key, until it is moved away; mode 0600
 *   lock                  held by the process that writes
 */
#define CSN_AUDIT_NAME_SIZE 32

/* "audit-000007.jsonl" */
void csn_audit_file_name(uint64_t number, char out[CSN_AUDIT_NAME_SIZE]);
/* path/name; csn_free. NULL where there is no memory. */
char *csn_audit_path(const char *path, const char *name);

/* The numbers of the files, ascending; csn_free. CSN_E_NOT_FOUND, CSN_E_IO. */
CSN_MUST_CHECK int csn_audit_files(struct csn_ctx *ctx, const char *path,
    uint64_t **numbers, size_t *n);
/*
 * The same without those below the state's oldest, which a rotation has given
 * up and could not remove. Where no state can be read they all count.
 */
CSN_MUST_CHECK int csn_audit_files_kept(struct csn_ctx *ctx,
    const char *path, uint64_t **numbers, size_t *n);
/*
 * For who holds the lock: remove what is left of files below oldest, and
 * temporary files of a killed writer, which may hold a key that is past. One
 * that cannot be removed is in nobody's way and is tried again next time.
 */
void csn_audit_clean(const char *path, uint64_t oldest);

struct csn_audit_state {
	uint8_t log[CSN_AUDIT_LOG_ID];
	struct csn_audit_chain chain;	/* after the state's last line */
	uint64_t oldest;		/* the first file that is kept */
	uint64_t file;			/* where the next line goes: */
	uint64_t offset;		/* bytes before it */
	uint64_t line;			/* lines before it in that file */
};

#define CSN_AUDIT_STATE_SIZE 160

/* CSN_E_NOT_FOUND, CSN_E_IO, CSN_E_AUDIT (damaged), CSN_E_POLICY (mode). */
CSN_MUST_CHECK int csn_audit_state_load(struct csn_ctx *ctx,
    const char *path, struct csn_audit_state *out);
/* Atomically; what the former one's file held is overwritten. */
CSN_MUST_CHECK int csn_audit_state_save(struct csn_ctx *ctx,
    const char *path, const struct csn_audit_state *state);
/* The bytes alone, for the parser's tests. 0 or CSN_E_FORM. */
int csn_audit_state_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_audit_state *out);

/*
 * Open a file of the folder for reading. CSN_E_IO for one that is no regular
 * file; none is waited for.
 */
CSN_MUST_CHECK int csn_audit_file_open(struct csn_ctx *ctx,
    const char *path, const char *name, int *fd);

/* One file, line by line. */
struct csn_audit_reader {
	struct csn_ctx *ctx;
	int fd;
	char name[CSN_AUDIT_NAME_SIZE];
	uint64_t limit;		/* bytes of the file to look at */
	uint64_t offset;	/* behind the line that was given last */
	uint64_t line;		/* its number in the file, from 1 */
	size_t torn;		/* at the end: bytes that are no lines */
	char *buf;
	size_t cap, from, to;
	uint64_t read;		/* bytes read from the file */
};

/* From offset on, which has `line` lines before it, as far as limit. */
CSN_MUST_CHECK int csn_audit_reader_open(struct csn_ctx *ctx,
    struct csn_audit_reader *r, const char *path, uint64_t number,
    uint64_t offset, uint64_t line, uint64_t limit);
/*
 * 1 and a line without its newline (valid until the next call), 0 at the
 * end, CSN_E_IO, or CSN_E_AUDIT for a line that is too long. A zero byte ends
 * what can be read: no line has one, and a file system shows them for what it
 * had not yet written when the power went.
 */
CSN_MUST_CHECK int csn_audit_reader_next(struct csn_audit_reader *r,
    const char **p, size_t *len);
void csn_audit_reader_close(struct csn_audit_reader *r);

#endif
