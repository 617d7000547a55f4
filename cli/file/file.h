/* SPDX-License-Identifier: Apache-2.0 */
/* cli/file/file.h - what the parts of caisson file share. */
#ifndef CLI_KV_H
#define CLI_KV_H

#include "../lib/sealed.h"


/* Bytes on their way from an input to an output. */
struct file_flow {
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
	struct csn_sealed_facts facts;	/* size 0: none */
	/* For the audit log. */
	int code;		/* the library's, of what failed */
	size_t readers;
	char *tenant;		/* of the session */
	uint8_t session[CSN_SESSION_ID_SIZE];
};

/**
 * Open the verb's input and output. 0 or an exit code; file_end and file_free
 * are called either way.
 */
int file_begin(struct cli *cli, struct file_flow *flow, const char *what,
    mode_t mode);
/** The same without an output. */
int file_start(struct cli *cli, struct file_flow *flow, const char *what);
/** As cli_in_read, with progress. */
int file_read(struct file_flow *flow, void *buf, size_t cap, size_t *got);
/**
 * Read the input in pieces of cap bytes, and give each to take(), which may
 * change it and the room bytes behind it. The last one is less than cap, if
 * only by all of it; with ahead 1 it is the one behind which nothing comes,
 * and none is empty but that of no input. An exit code, take()'s where it is
 * not 0.
 */
int file_pump(struct file_flow *flow, size_t cap, size_t room, int ahead,
    int (*take)(void *arg, uint8_t *p, size_t len, int last), void *arg);
/** Commit the output where rc is 0, else drop it. The exit code. */
int file_end(struct file_flow *flow, int rc);
/** Keep what the audit log says of the session. 0 or an exit code. */
int file_keep_session(struct file_flow *flow, struct csn_session *session);
/**
 * Record what ended with rc, where a log is named. rc, or an exit code where
 * all went well until then.
 */
int file_log(struct file_flow *flow, const struct csn_identity *id,
    const char *op, int rc);
void file_free(struct file_flow *flow);
/** Say that the input cannot be sealed. The exit code of rc. */
int file_unsealed(struct file_flow *flow, int rc);
/** Say that the input does not open. The exit code of rc. */
int file_refused(struct file_flow *flow, int rc);

/* Files sealed to people (people.c, share.c). Exit codes. */
int file_seal_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow);
int file_open_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow);
int file_verify_people(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow);
int file_share(struct cli *cli, const struct csn_identity *id,
    struct file_flow *flow);
/** What flow->facts say: null without them. */
json_t *file_facts_json(const struct file_flow *flow);
/** Say what was verified. */
int file_verified(struct cli *cli, const struct file_flow *flow);

int file_inspect(struct cli *cli);

#endif
