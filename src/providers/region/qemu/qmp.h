/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/qemu/qmp.h - a client of QEMU's machine protocol. */
#ifndef CSN_PROVIDERS_REGION_QEMU_QMP_H
#define CSN_PROVIDERS_REGION_QEMU_QMP_H

#include <sys/types.h>

#include <jansson.h>

#include <caisson/context.h>

/* A message is a line of JSON; the largest of ours is a map of memory. */
#define CSN_QMP_LINE ((size_t)4 << 20)
/* Events that may come before an answer. */
#define CSN_QMP_EVENTS 10000

enum csn_qmp_kind {
	CSN_QMP_GREETING = 1,
	CSN_QMP_RETURN,
	CSN_QMP_ERROR,
	CSN_QMP_EVENT
};

struct csn_qmp_message {
	enum csn_qmp_kind kind;
	json_t *json;		/* the whole; the rest lies in it */
	json_t *value;		/* of a return */
	const char *text;	/* an error's description */
	int64_t id;		/* of a return or an error; -1 for none */
};

/**
 * Take one message apart: CSN_E_FORM where it is none of the four kinds.
 * json_decref(out->json) afterwards; on error there is none.
 */
CSN_MUST_CHECK int csn_qmp_parse(struct csn_ctx *ctx, const char *line,
    size_t len, struct csn_qmp_message *out);

struct csn_qmp;

/**
 * Connect to the unix socket at path, read the greeting and enter command
 * mode, each answer within timeout_ms. CSN_E_BACKEND, CSN_E_FORM (what
 * answers does not speak QMP), CSN_E_ARG (the path is too long), CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_qmp_open(struct csn_ctx *ctx, const char *path,
    uint64_t timeout_ms, struct csn_qmp **out);

/* The same, whether the context is stopped or not. */
CSN_MUST_CHECK int csn_qmp_open_always(struct csn_ctx *ctx, const char *path,
    uint64_t timeout_ms, struct csn_qmp **out);

/**
 * Run a command; arguments (may be NULL) are taken over. *value is the
 * caller's reference to what it returned; value may be NULL.
 *
 * CSN_E_BACKEND where QEMU says no (with its words), does not answer in time
 * or hangs up; CSN_E_FORM where its answer makes no sense; CSN_E_CANCELLED
 * where the context is stopped. After the latter four the connection is of no
 * use any more, and says so; QEMU may carry out the command even so.
 */
CSN_MUST_CHECK int csn_qmp_call(struct csn_qmp *q, const char *command,
    json_t *arguments, json_t **value);

/**
 * Run a command without arguments that has to be run whatever came of those
 * before, also where a call has failed: what else comes meanwhile is passed
 * over, and waited for up to patience_ms, whether the context is stopped or
 * not. CSN_E_BACKEND where QEMU says no, or nothing.
 */
CSN_MUST_CHECK int csn_qmp_insist(struct csn_qmp *q, const char *command,
    uint64_t patience_ms);

/* 1 where the last command was answered, by a no. */
int csn_qmp_refused(const struct csn_qmp *q);
/* 1 where a call may still succeed. */
int csn_qmp_alive(const struct csn_qmp *q);
/* How often, as far as answers came, anybody set the guest going. */
unsigned csn_qmp_resumes(const struct csn_qmp *q);
/* The user that QEMU runs as. */
uid_t csn_qmp_uid(const struct csn_qmp *q);
void csn_qmp_close(struct csn_qmp *q);	/* NULL is fine */

#endif
