/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/attest.h - what the parts of caisson attest share. */
#ifndef CLI_ATTEST_H
#define CLI_ATTEST_H

#include "../lib/cli.h"

#define ATTEST_MAX_FILE ((size_t)CSN_REPORT_MAX)

/* --- what is said (say.c) ---------------------------------------- */

/** Text that may be anybody's, without what a terminal obeys. */
void attest_say_plain(struct cli *cli, const char *text);
/** The same in a column of width, or wider. */
void attest_say_column(struct cli *cli, const char *text, size_t width);
/** {"id", "description", "address", "size", "protection", "immutable"} */
json_t *attest_region_json(const char *id, const char *description,
    uint64_t address, uint64_t size, uint32_t protection, int immutable);

/**
 * cli_read_file() of what is to be checked: that it is too large is a reason
 * to refuse it, and no fault of the command.
 */
int attest_read(struct cli *cli, const char *path, size_t max, uint8_t **out,
    size_t *len);

/* --- whose memory (source.c) ------------------------------------- */

#define ATTEST_OPTS_MEASURE \
	{ "measure", "WORD", "tree (the default), flat or both" }, \
	{ "leaf", "BYTES", "bytes of a tree's leaf (65536)" }, \
	{ "threads", "N", "hash on N cores, 0 for all of them (1)" }

#define ATTEST_OPTS_IDENTITY \
	{ "identity", "NAME", "sign as NAME, snp: for the firmware's key, " \
	    "or keystore:URL#NAME" }, \
	{ "new-key", NULL, "make the keystore's key where there is none" }

/**
 * Who signs, by those (identity.c). 0 or an exit code after saying
 * why; csn_identity_free.
 */
int attest_identity_load(struct cli *cli, struct csn_identity **out);

struct attest_source {
	struct csn_regions *regions;
	struct csn_pool *pool;
	struct csn_identity *identity;
	struct csn_attester *attester;
	uint32_t measure;	/* as the attester has them */
	uint32_t leaf;
};

/** Open the regions of a URL. 0 or an exit code after saying why. */
int attest_regions_open(struct cli *cli, const char *url,
    struct csn_regions **out);
/**
 * The attester of the first argument's URL, by the options above, --leaves,
 * --lifetime and --workload as far as the verb has them. signs: with an
 * identity. 0 or an exit code after saying why.
 */
int attest_source_open(struct cli *cli, int signs, struct attest_source *s);
/** Measure everything; there must be something. 0 or an exit code. */
int attest_source_measure(struct cli *cli, struct attest_source *s);
/** Say how long that will take, where it is more than one waits for. */
void attest_source_say_time(struct cli *cli, struct attest_source *s);
void attest_source_close(struct attest_source *s);
/** 1 where it is a process that has ended: no try finds it again. */
int attest_is_gone(struct cli *cli);

/* --- a challenge in a file (ticket.c) ---------------------------- */

/*
 * A nonce that is remembered in a small JSON file, which is replaced
 * atomically, until one report has answered it or its time is over.
 */
struct attest_ticket {
	struct cli *cli;
	const char *path;
	int fd;			/* locked while it is claimed, or -1 */
	uint8_t nonce[CSN_NONCE_MAX];
	size_t len;
	uint64_t issued_ms;
	uint64_t expires_ms;
	int code;		/* 0, or why it is no good any more */
	char why[160];		/* the sentence, where code is not 0 */
};

/** Make one of a fresh nonce. 0 or an exit code after saying why. */
int attest_ticket_make(struct cli *cli, const char *path, uint64_t life_ms,
    int replace, struct attest_ticket *t);
/** Read the nonce alone, as an attester does. */
int attest_ticket_read(struct cli *cli, const char *path,
    struct attest_ticket *t);
/** Lock it for a verification; code says whether it is still good. */
int attest_ticket_claim(struct cli *cli, const char *path,
    struct attest_ticket *t);
/** It was answered: nobody else may answer it. */
int attest_ticket_spend(struct attest_ticket *t);
void attest_ticket_release(struct attest_ticket *t);

/** 16 to 64 bytes of hex. 0 or CLI_USAGE after saying why. */
int attest_nonce(struct cli *cli, const char *what, const char *hex,
    uint8_t nonce[CSN_NONCE_MAX], size_t *len);

/* --- a report verified (check.c) --------------------------------- */

#define ATTEST_OPTS_CHECK \
	{ "policy", "FILE", "reference values (docs/POLICY.md)" }, \
	{ "trust", "FILE", "another trust store than the home folder's" }, \
	{ "workload", "ID", "whose memory it is; else the policy's" }, \
	{ "endorsements", "PATH", "a file or folder of vendors' " \
	    "certificates and collateral" }, \
	{ "cache", "FOLDER", "keep vendors' certificates there" }, \
	{ "require", "WORDS", "fail without these: nonce,policy,platform," \
	    "collateral,crl" }, \
	{ "lenient", NULL, "report drift without failing" }

struct attest_check {
	struct csn_trust *trust;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
	struct csn_result *result;
	const char *workload;
	uint32_t require;
	unsigned flags;
	uint64_t at_ms;
};

/** By the options above and --at. 0 or an exit code after saying why. */
int attest_check_open(struct cli *cli, struct attest_check *c);
/**
 * Verify; ticket may be NULL, and is spent where its nonce was answered. say:
 * print what was checked, as tables or with --json as one object. 0, or an
 * exit code after saying why not.
 */
int attest_check_run(struct cli *cli, struct attest_check *c,
    const uint8_t *report, size_t len, struct attest_ticket *ticket,
    int say);
void attest_check_close(struct attest_check *c);

/* --- the verbs ---------------------------------------------------------- */

extern const struct cli_opt attest_snapshot_opts[], attest_report_opts[],
    attest_verify_opts[], attest_policy_opts[], attest_challenge_opts[],
    attest_serve_opts[], attest_watch_opts[], attest_evidence_opts[];

int attest_regions(struct cli *cli);	/* look.c */
int attest_snapshot(struct cli *cli);
int attest_report(struct cli *cli);	/* report.c */
int attest_verify(struct cli *cli);	/* verify.c */
int attest_policy(struct cli *cli);
int attest_challenge(struct cli *cli);	/* challenge.c */
int attest_serve(struct cli *cli);	/* serve.c */
int attest_watch(struct cli *cli);	/* watch.c */
int attest_evidence(struct cli *cli);	/* evidence.c */

#endif
