/* SPDX-License-Identifier: Apache-2.0 */
/* audit/line.h - a line of the log, written and read. */
#ifndef CSN_AUDIT_LINE_H
#define CSN_AUDIT_LINE_H

#include <caisson/audit.h>

#include "base/cursor.h"
#include "base/text.h"

enum csn_audit_kind {
	CSN_AUDIT_RECORD,	/* rec says what */
	CSN_AUDIT_FILE,		/* these two are the log's own */
	CSN_AUDIT_CHECKPOINT
};

#define CSN_AUDIT_MAX_LINE 65536
#define CSN_AUDIT_MAX_COSE 24000	/* characters of base64 */
#define CSN_AUDIT_LOG_ID 16

/*
 * A line in both directions. Writing takes op, tenant and detail from rec; in
 * reading, rec's strings point into op and text.
 */
struct csn_audit_line {
	uint64_t n;
	uint64_t unix_ms;
	enum csn_audit_kind kind;
	struct csn_audit_record rec;	/* RECORD */
	char op[CSN_AUDIT_MAX_OP + 1];
	uint8_t log[CSN_AUDIT_LOG_ID];	/* FILE */
	uint64_t file;			/* FILE: its number */
	const char *cose;		/* CHECKPOINT: base64 */
	size_t cose_len;
	uint8_t prev[CSN_HASH_SIZE];
	uint8_t mac[CSN_HASH_SIZE];
	size_t body_len;		/* bytes that are hashed and MACed */
	char text[CSN_AUDIT_MAX_TENANT + CSN_AUDIT_MAX_DETAIL + 8];
};

/* The second that was formatted last: most lines share it. */
struct csn_audit_stamp {
	uint64_t second;
	char text[CSN_TIME_TEXT_SIZE];
};

/* The line as JSON without prev, mac and the closing brace. */
void csn_audit_line_write(struct csn_out *w, struct csn_audit_stamp *stamp,
    const struct csn_audit_line *line);
void csn_audit_line_prev(struct csn_out *w,
    const uint8_t prev[CSN_HASH_SIZE]);
/* The end of the line, its newline included. */
void csn_audit_line_mac(struct csn_out *w, const uint8_t mac[CSN_HASH_SIZE]);

/*
 * Read a line (without its newline), strictly: only the bytes that writing
 * its fields would give. 0, CSN_E_FORM or CSN_E_NOMEM, without a sentence.
 * cose points into p.
 */
int csn_audit_line_read(const char *p, size_t len,
    struct csn_audit_line *line);

#endif
