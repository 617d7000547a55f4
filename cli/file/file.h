/* SPDX-License-Identifier: Apache-2.0 */
/* cli/file/file.h - what the parts of caisson kv share. */
#ifndef CLI_KV_H
#define CLI_KV_H

#include "../lib/sealed.h"


/* Bytes on their way from an input to an output. */
struct kv_flow {
	struct cli *cli;
	int in;
	const char *in_path;
	const char *in_name;
	uint64_t size;		/* of the input, 0 where it is not known */
	uint64_t got;		/* of it so far */
	struct cli_out out;
	struct cli_progress progress;
	int rc;			/* the exit code of a failed write */
	char *signer;		/* of a file sealed to people */
	char *label;		/* the signer's, in the trust store */
	uint64_t sealed_ms;	/* when, by the signer's word */
	char *type;
	/* For the audit log. */
	int code;		/* the library's, of what failed */
	size_t readers;
	char *tenant;		/* of the session */
	uint8_t session[CSN_SESSION_ID_SIZE];
};

/**
 * Open the verb's input and output. 0 or an exit code; kv_end and kv_free
 * are called either way.
 */
int kv_begin(struct cli *cli, struct kv_flow *flow, const char *what,
    mode_t mode);
/** As cli_in_read, with progress. */
int kv_read(struct kv_flow *flow, void *buf, size_t cap, size_t *got);
/** Commit the output where rc is 0, else drop it. The exit code. */
int kv_end(struct kv_flow *flow, int rc);
/** Keep what the audit log says of the session. 0 or an exit code. */
int kv_keep_session(struct kv_flow *flow, struct csn_session *session);
/**
 * Record what ended with rc, where a log is named. rc, or an exit code where
 * all went well until then.
 */
int kv_log(struct kv_flow *flow, const struct csn_identity *id, int op,
    int rc);
void kv_free(struct kv_flow *flow);
/** Say that the input does not open. The exit code of rc. */
int kv_refused(struct kv_flow *flow, int rc);

int kv_inspect(struct cli *cli);

#endif
