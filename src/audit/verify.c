/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - a log verified from outside, as a list of checks. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/checkpoint.h"
#include "audit/folder.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"

/* Of so many keys one is found in about an hour. */
#define MOST_KEYS ((uint64_t)1 << 32)
#define NAMED 3		/* records whose time runs backwards */

struct verify {
	struct csn_ctx *ctx;
	const char *path;
	struct csn_audit_verify_options o;
	struct csn_result *result;
	struct csn_hash *hash;
	struct csn_audit_chain chain;
	struct csn_audit_line line;
	struct csn_audit_state state;
	int has_state;		/* 1, 0 for none, -1 damaged */
	int state_met;		/* the chain was at the state's line: */
	int state_same;		/* with the state's head */
	int started;
	int stopped;		/* by a record that is wrong */
	uint8_t log[CSN_AUDIT_LOG_ID];
	uint8_t expect[CSN_HASH_SIZE];
	uint64_t expect_at;	/* lines up to the expected head */
	int expect_met;
	uint64_t checkpoints, checked;
	uint64_t covered;	/* lines under the last good checkpoint */
	uint64_t skipped;	/* files below the state's oldest */
	uint64_t newest_ms;	/* of the records so far */
	uint64_t backwards;	/* records before that */
	char back_text[NAMED * 100];
	size_t torn;
	char torn_in[CSN_AUDIT_NAME_SIZE];
	uint64_t torn_line;
	int code;		/* of the first check that failed */
	char sentence[400];
	char reason[300];	/* why no state could be read */
};

/* Note a check; the first that fails gives the code and the sentence. */
static int CSN_PRINTF(5, 6)
check(struct verify *v, const char *name, int status, int code,
    const char *fmt, ...)
{
	char detail[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (status == CSN_CHECK_FAILED && v->code == 0) {
		v->code = code;
		memcpy(v->sentence, detail, sizeof(v->sentence));
	}
	return v->result == NULL ? 0 :
	    csn_result_add(v->result, name, status, code, detail);
}

/* The chain has come to a new head: is it one that somebody knows? */
static void
meet(struct verify *v)
{
	if (v->has_state == 1 && v->chain.n == v->state.chain.n) {
		v->state_met = 1;
		v->state_same = memcmp(v->chain.head, v->state.chain.head,
		    CSN_HASH_SIZE) == 0; /* public */
	}
	if (v->o.expect_head != NULL && !v->expect_met &&
	    memcmp(v->chain.head, v->expect, CSN_HASH_SIZE) == 0) { /* public */
		v->expect_met = 1;
		v->expect_at = v->chain.n;
	}
}

static int
go_on(struct verify *v)
{
	if (v->o.cancelled == NULL ||
	    v->o.cancelled(v->o.cancelled_arg) == 0)
		return 0;
	return csn_fail(v->ctx, CSN_E_CANCELLED, "audit",
	    "verifying %s was called off", v->path);
}

/* From the first key to that of line chain.n, which a file's bytes tell. */
static int
skip_keys(struct verify *v)
{
	uint64_t left = v->chain.n, some;
	int rc = 0;

	if (left > MOST_KEYS) {
		v->stopped = 1;
		return check(v, "mac", CSN_CHECK_FAILED, CSN_E_AUDIT, "the "
		    "first record that is here says that it is number %llu: "
		    "too far from the first key to be believed",
		    (unsigned long long)left);
	}
	for (; left > 0 && rc == 0; left -= some) {
		some = left < 4096 ? left : 4096;
		if ((rc = go_on(v)) == 0)
			rc = csn_audit_chain_skip(v->ctx, &v->chain, some);
	}
	return rc;
}

/* The very first line that there is: where the chain begins. */
static int
start(struct verify *v, uint64_t file)
{
	int rc;

	v->started = 1;
	memcpy(v->log, v->line.log, sizeof(v->log));
	if (file == 0) {
		rc = csn_audit_chain_start(v->ctx, v->log, v->chain.head);
		if (rc != 0 || (rc = check(v, "start", CSN_CHECK_PASSED, 0,
		    "from the log's first record")) != 0)
			return rc;
	} else {
		v->chain.n = v->line.n;
		memcpy(v->chain.head, v->line.prev, CSN_HASH_SIZE);
		rc = check(v, "start", CSN_CHECK_SKIPPED, 0, "begins at "
		    "record %llu, the first of file %llu: what was before it "
		    "is not here", (unsigned long long)v->line.n,
		    (unsigned long long)file);
		if (rc != 0)
			return rc;
	}
	if (v->o.first_key != NULL) {
		memcpy(v->chain.key, v->o.first_key, CSN_HASH_SIZE);
		if ((rc = skip_keys(v)) != 0)
			return rc;
	}
	meet(v);
	return 0;
}

static int
bad_line(struct verify *v, const struct csn_audit_reader *r,
    const char *name, const char *what)
{
	v->stopped = 1;
	return check(v, name, CSN_CHECK_FAILED, CSN_E_AUDIT, "%s:%llu %s",
	    r->name, (unsigned long long)r->line, what);
}

/* A checkpoint vouches for the chain as it is just before its own line. */
static int
check_checkpoint(struct verify *v, const struct csn_audit_reader *r,
    uint64_t n, const uint8_t head[CSN_HASH_SIZE])
{
	uint8_t log[CSN_AUDIT_LOG_ID], signed_head[CSN_HASH_SIZE];
	uint64_t lines;
	char why[200];
	int rc;

	v->checkpoints++;
	if (v->o.trust == NULL)
		return 0;
	rc = csn_audit_checkpoint_verify(v->ctx, v->o.trust, v->line.cose,
	    v->line.cose_len, log, &lines, signed_head);
	if (rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO)
		return rc;
	if (rc != 0) {
		(void)snprintf(why, sizeof(why), "%s",
		    csn_message());
		v->stopped = rc != CSN_E_SIGNER;
		return check(v, "checkpoints", CSN_CHECK_FAILED,
		    rc == CSN_E_SIGNER ? CSN_E_SIGNER : CSN_E_AUDIT,
		    "%s:%llu is a checkpoint that does not verify: %s",
		    r->name, (unsigned long long)r->line, why);
	}
	if (lines != n || memcmp(log, v->log, sizeof(log)) != 0 || /* public */
	    memcmp(signed_head, head, sizeof(signed_head)) != 0) {
		v->stopped = 1;
		return check(v, "checkpoints", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "%s:%llu is a checkpoint of other records", r->name,
		    (unsigned long long)r->line);
	}
	v->checked++;
	v->covered = n;
	return 0;
}

/* A record that is older than one before it: a clock was set back. */
static void
note_time(struct verify *v, const struct csn_audit_reader *r)
{
	size_t at = strlen(v->back_text);

	if (v->line.unix_ms >= v->newest_ms) {
		v->newest_ms = v->line.unix_ms;
		return;
	}
	if (v->backwards++ < NAMED)
		(void)snprintf(v->back_text + at, sizeof(v->back_text) - at,
		    "%s%s:%llu by %llu ms", at > 0 ? ", " : "", r->name,
		    (unsigned long long)r->line, (unsigned long long)
		    (v->newest_ms - v->line.unix_ms));
}

static int
check_line(struct verify *v, const struct csn_audit_reader *r, uint64_t file,
    const char *p, size_t len)
{
	uint8_t before[CSN_HASH_SIZE];
	int rc;

	rc = csn_audit_line_read(p, len, &v->line);
	if (rc == CSN_E_NOMEM)
		return csn_fail(v->ctx, rc, "audit", "no memory to read %s",
		    r->name);
	if (rc != 0)
		return bad_line(v, r, "records", "is no record");
	if ((r->line == 1) != (v->line.kind == CSN_AUDIT_FILE) ||
	    (r->line == 1 && v->line.file != file))
		return bad_line(v, r, "records",
		    "is not the first line of this file");
	if (!v->started && ((rc = start(v, file)) != 0 || v->stopped))
		return rc;
	/* public */
	if (r->line == 1 && memcmp(v->line.log, v->log, sizeof(v->log)) != 0)
		return bad_line(v, r, "records", "begins another log's file");
	memcpy(before, v->chain.head, sizeof(before));
	rc = csn_audit_chain_check(v->ctx, v->hash, &v->chain,
	    v->o.first_key != NULL, &v->line, p);
	switch (rc) {
	case CSN_AUDIT_LINE_GOOD:
		break;
	case CSN_AUDIT_LINE_NUMBER:
		return bad_line(v, r, "records",
		    "does not have the next number: a record is missing, "
		    "added or moved");
	case CSN_AUDIT_LINE_PREV:
		return bad_line(v, r, "records", "does not follow from the "
		    "record before it: that one or this one was changed");
	case CSN_AUDIT_LINE_MAC:
		return bad_line(v, r, "mac", "has a wrong MAC: it or a "
		    "record before it was rewritten");
	default:
		return rc;
	}
	meet(v);
	note_time(v, r);
	if (v->line.kind == CSN_AUDIT_CHECKPOINT)
		return check_checkpoint(v, r, v->line.n, before);
	return 0;
}

/*
 * A last file that the state does not know, with one line that does not
 * follow: a rotation that failed leaves it, and opening begins it anew.
 */
static int
given_up(struct verify *v, struct csn_audit_reader *r, uint64_t file,
    const char *p, size_t len)
{
	if (r->line != 1 || v->has_state != 1 || file <= v->state.file ||
	    !v->started || csn_audit_line_read(p, len, &v->line) != 0 ||
	    v->line.kind != CSN_AUDIT_FILE ||
	    (v->line.n == v->chain.n && memcmp(v->line.prev, v->chain.head,
	    CSN_HASH_SIZE) == 0)) /* public */
		return 0;
	if (csn_audit_reader_next(r, &p, &len) != 0)
		return 0;
	r->torn += r->offset;
	r->line = 0;
	return 1;
}

static int
walk(struct verify *v, uint64_t file, int last)
{
	struct csn_audit_reader r;
	const char *p;
	size_t len;
	int rc;

	if ((rc = csn_audit_reader_open(v->ctx, &r, v->path, file, 0, 0,
	    UINT64_MAX)) != 0)
		return rc;
	while (!v->stopped && (rc = csn_audit_reader_next(&r, &p,
	    &len)) > 0) {
		if (last && given_up(v, &r, file, p, len))
			break;
		if ((rc = check_line(v, &r, file, p, len)) != 0 ||
		    (rc = go_on(v)) != 0)
			break;
	}
	if (rc == CSN_E_AUDIT) {
		r.line++;
		rc = bad_line(v, &r, "records", "is longer than any record");
	}
	if (rc >= 0) {
		v->torn = r.torn;
		v->torn_line = r.line + 1;
		memcpy(v->torn_in, r.name, sizeof(v->torn_in));
	}
	csn_audit_reader_close(&r);
	return rc < 0 ? rc : 0;
}

/* Which files there are, and whether one is missing. */
static int
check_files(struct verify *v, const uint64_t *files, size_t n, size_t *use)
{
	char name[CSN_AUDIT_NAME_SIZE];
	uint64_t first, missing;
	size_t i;

	first = v->has_state == 1 ? v->state.oldest : files[0];
	missing = files[0] > first ? first : UINT64_MAX;
	*use = n;
	for (i = 1; i < n && missing == UINT64_MAX; i++) {
		if (files[i] != files[i - 1] + 1) {
			missing = files[i - 1] + 1;
			*use = i;
		}
	}
	if (missing == UINT64_MAX && v->has_state == 1 &&
	    files[n - 1] < v->state.file)
		missing = files[n - 1] + 1;
	if (missing == UINT64_MAX && v->skipped > 0)
		return check(v, "files", CSN_CHECK_PASSED, 0, "%zu, none "
		    "missing in between; %llu before %llu skipped, which a "
		    "rotation gave up and did not remove: opening the log "
		    "does", n, (unsigned long long)v->skipped,
		    (unsigned long long)files[0]);
	if (missing == UINT64_MAX)
		return check(v, "files", CSN_CHECK_PASSED, 0,
		    "%zu, none missing in between", n);
	csn_audit_file_name(missing, name);
	return check(v, "files", CSN_CHECK_FAILED, CSN_E_AUDIT,
	    "%s is missing", name);
}

static int
check_tail(struct verify *v)
{
	if (v->has_state == 0)
		return check(v, "tail", CSN_CHECK_SKIPPED, 0,
		    "no state file to compare with: %s", v->reason);
	if (v->has_state < 0)
		return check(v, "tail", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the state file is damaged");
	if (memcmp(v->state.log, v->log, sizeof(v->log)) != 0) /* public */
		return check(v, "tail", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the state file is another log's");
	if (v->chain.n < v->state.chain.n)
		return check(v, "tail", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the end was cut off: the log has %llu records and had "
		    "%llu", (unsigned long long)v->chain.n,
		    (unsigned long long)v->state.chain.n);
	if (!v->state_met || !v->state_same)
		return check(v, "tail", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the first %llu records are not those that the state "
		    "file knows: the log was rewritten",
		    (unsigned long long)v->state.chain.n);
	return check(v, "tail", CSN_CHECK_PASSED, 0, "%llu records, of which "
	    "the state file knows %llu", (unsigned long long)v->chain.n,
	    (unsigned long long)v->state.chain.n);
}

static int
check_end(struct verify *v)
{
	if (v->torn == 0)
		return check(v, "end", CSN_CHECK_PASSED, 0,
		    "the last line is whole");
	return check(v, "end", CSN_CHECK_SKIPPED, 0, "%s:%llu is torn, %zu "
	    "bytes without a newline: an append that was interrupted and "
	    "never acknowledged, or a cut; opening the log removes it",
	    v->torn_in, (unsigned long long)v->torn_line, v->torn);
}

static int
check_head(struct verify *v)
{
	char now[2 * CSN_HASH_SIZE + 1];

	csn_hex_encode(v->chain.head, CSN_HASH_SIZE, now);
	if (v->o.expect_head == NULL)
		return check(v, "head", CSN_CHECK_SKIPPED, 0, "no head that "
		    "was kept elsewhere is given; it is %s now", now);
	if (!v->expect_met)
		return check(v, "head", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the expected head is nowhere in this log: its end was "
		    "cut off, or it was rewritten; its head is %s", now);
	return check(v, "head", CSN_CHECK_PASSED, 0, "as expected after %llu "
	    "of %llu records; it is %s now",
	    (unsigned long long)v->expect_at, (unsigned long long)v->chain.n,
	    now);
}

/* No failure: a clock may be set right. But whoever judges has to know. */
static int
check_time(struct verify *v)
{
	if (v->backwards == 0)
		return check(v, "time", CSN_CHECK_PASSED, 0,
		    "no record is older than one before it");
	return check(v, "time", CSN_CHECK_SKIPPED, 0, "%llu %s than one "
	    "before it, the clock was set back or was wrong: %s%s",
	    (unsigned long long)v->backwards, v->backwards == 1 ?
	    "record is older" : "records are older", v->back_text,
	    v->backwards > NAMED ? ", ..." : "");
}

static int
check_rest(struct verify *v)
{
	int rc;

	if ((rc = check(v, "records", CSN_CHECK_PASSED, 0, "%llu records "
	    "follow from each other", (unsigned long long)v->chain.n)) != 0)
		return rc;
	if (v->o.first_key != NULL)
		rc = check(v, "mac", CSN_CHECK_PASSED, 0,
		    "every record's MAC is right");
	else
		rc = check(v, "mac", CSN_CHECK_SKIPPED, 0,
		    "the log's first key is not given");
	if (rc != 0 || (rc = check_time(v)) != 0 ||
	    (rc = check_tail(v)) != 0 || (rc = check_end(v)) != 0)
		return rc;
	if (v->o.trust == NULL || v->checkpoints == 0)
		rc = check(v, "checkpoints", CSN_CHECK_SKIPPED, 0, "%llu, "
		    "%s", (unsigned long long)v->checkpoints,
		    v->checkpoints == 0 ? "so nobody vouches for a head" :
		    "but no trust store is given");
	else if (v->checked == v->checkpoints)
		rc = check(v, "checkpoints", CSN_CHECK_PASSED, 0,
		    "%llu, the last over %llu records",
		    (unsigned long long)v->checked,
		    (unsigned long long)v->covered);
	return rc != 0 ? rc : check_head(v);
}

static int
run(struct verify *v)
{
	uint64_t *files = NULL;
	size_t n = 0, use = 0, i;
	int rc, tries;

	if ((rc = csn_audit_files(v->ctx, v->path, &files, &n)) != 0)
		return rc;
	if (n == 0) {
		csn_free(files);
		return csn_fail(v->ctx, CSN_E_NOT_FOUND, "audit",
		    "there is no log in %s", v->path);
	}
	/* Who writes it now may just be replacing the state. */
	for (tries = 0; tries < 3; tries++) {
		rc = csn_audit_state_load(v->ctx, v->path, &v->state);
		if (rc != CSN_E_AUDIT)
			break;
	}
	v->has_state = rc == 0 ? 1 : rc == CSN_E_AUDIT ? -1 : 0;
	if (rc != 0)
		(void)snprintf(v->reason, sizeof(v->reason), "%s",
		    csn_message());
	csn_wipe(v->state.chain.key, sizeof(v->state.chain.key));
	/* What the state has given up is not the log's any more. */
	while (v->has_state == 1 && v->skipped < n - 1 &&
	    files[v->skipped] < v->state.oldest)
		v->skipped++;
	n -= v->skipped;
	memmove(files, files + v->skipped, n * sizeof(*files));
	rc = check_files(v, files, n, &use);
	for (i = 0; i < use && rc == 0 && !v->stopped; i++) {
		rc = walk(v, files[i], i + 1 == n);
		if (rc == 0 && v->torn > 0 && i + 1 < n && !v->stopped) {
			v->stopped = 1;
			rc = check(v, "records", CSN_CHECK_FAILED,
			    CSN_E_AUDIT, "%s:%llu is torn in a file that is "
			    "not the last", v->torn_in,
			    (unsigned long long)v->torn_line);
		}
	}
	csn_free(files);
	/* What is behind a gap or a bad record cannot be judged. */
	if (rc != 0 || v->stopped || use < n)
		return rc;
	if (!v->started)
		return check(v, "records", CSN_CHECK_FAILED, CSN_E_AUDIT,
		    "the log has no record, not even its first");
	return check_rest(v);
}

int
csn_audit_verify(struct csn_ctx *ctx, const char *path,
    const struct csn_audit_verify_options *options, struct csn_result *result)
{
	CSN_UNCANCELLED;
	struct csn_audit_verify_options o;
	struct verify *v;
	int rc;

	if (ctx == NULL || path == NULL)
		return csn_fail(ctx, CSN_E_ARG, "audit",
		    "verifying needs a context and a folder");
	if ((rc = CSN_TAKE(&o, options, csn_audit_verify_options,
	    first_key)) != 0)
		return rc;
	if ((v = csn_calloc(1, sizeof(*v))) == NULL)
		return csn_nomem(ctx, "audit", "verifying a log");
	v->ctx = ctx;
	v->path = path;
	v->result = result;
	v->o = o;
	if (v->o.expect_head != NULL && csn_hex_decode(v->o.expect_head,
	    strlen(v->o.expect_head), v->expect, sizeof(v->expect)) != 0)
		rc = csn_fail(ctx, CSN_E_ARG, "audit",
		    "a log's head is written as 64 hex digits");
	else if ((rc = csn_hash_new(ctx, &v->hash)) == 0)
		rc = run(v);
	if (rc == 0 && v->code != 0)
		rc = csn_fail(ctx, v->code, "audit", "%s: %s", path,
		    v->sentence);
	csn_hash_free(v->hash);
	csn_wipe_free(v, sizeof(*v));
	return rc;
}
