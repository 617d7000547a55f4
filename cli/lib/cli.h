/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/lib/cli.h - the frame that every command of the program plugs into.
 *
 * A noun is a table of verbs, a verb a table of options and a function that
 * returns the exit code. Help, completion's lists and "did you mean" are made
 * from the same tables, so a command is described in one place.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

#include <caisson/caisson.h>
#include <jansson.h>

/* Exit codes. */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1,	/* the check said no */
	CLI_USAGE = 2,		/* the command or configuration was wrong */
	CLI_FAILED = 3,		/* something needed failed */
	CLI_ABSENT = 4		/* what was asked for is not there */
};

struct cli;

/* --- tables ------------------------------------------------------------ */

#define CLI_REPEAT 1u		/* an option that may be given many times */
#define CLI_REQUIRED 2u		/* an option that must be given */

/*
 * A long option. Every verb also has those of cli_common, which are not
 * listed. A table ends with an entry whose name is NULL.
 */
struct cli_opt {
	const char *name;	/* without the dashes */
	const char *arg;	/* "FILE"; NULL for a switch */
	const char *help;	/* one line */
	unsigned flags;
};

/* --json, --quiet and --help. */
extern const struct cli_opt cli_common[];

/* For the tables of verbs that read keys which may be encrypted. */
#define CLI_OPTS_PASSPHRASE \
	{ "passphrase-file", "FILE", \
	    "read the passphrase of the key from FILE" }, \
	{ "passphrase-fd", "FD", "read it from file descriptor FD" }

struct cli_verb {
	/* "seal"; "" where the noun alone is the whole command. */
	const char *name;
	const char *args;	/* "[FILE]", or "" */
	const char *summary;	/* one line, no full stop */
	int (*run)(struct cli *cli);	/* an enum cli_exit */
	const struct cli_opt *opts;	/* NULL for none */
	int min_args;
	int max_args;		/* -1 for any number */
	const char *about;	/* paragraphs for --help, or NULL */
};

struct cli_noun {
	const char *name;
	const char *summary;
	const struct cli_verb *verbs;	/* ends with a NULL name */
	const char *formerly;	/* a name that is still taken, or NULL */
};

/* All of them, in the order of the help; ends with NULL. */
extern const struct cli_noun *const cli_nouns[];

extern const struct cli_noun cli_id, cli_session, cli_file, cli_cache,
    cli_model, cli_audit, cli_attest, cli_tour, cli_bench, cli_version;

/* --- a run ------------------------------------------------------------- */

struct cli_value {
	const struct cli_opt *opt;
	const char *value;
};

struct cli {
	const struct cli_noun *noun;
	const struct cli_verb *verb;
	struct csn_ctx *ctx;
	int json;		/* --json was given */
	int quiet;		/* --quiet was given */
	int argc;		/* arguments that are no options */
	char **argv;
	struct cli_value *values;
	size_t nvalues;
	int json_errors;	/* so are errors; known before options are */
	char *note;		/* the beginning of one, with --json */
	int stdout_broken;	/* a write failed and was reported */
	int colours;		/* cli_say() lets them through */
};

/** The option's value ("" for a switch), or NULL where it was not given. */
const char *cli_opt(const struct cli *cli, const char *name);
/** The i-th value of a CLI_REPEAT option, or NULL past the last. */
const char *cli_opt_at(const struct cli *cli, const char *name, size_t i);
/**
 * A number in decimal. *out is left alone where the option is not given.
 * 0, or CLI_USAGE after saying why.
 */
int cli_opt_u64(struct cli *cli, const char *name, uint64_t min,
    uint64_t max, uint64_t *out);
/**
 * A span of time in ms: "90s", "15m", "24h", "400d"; a bare number is
 * seconds. *out is left alone where it is not given. 0 or CLI_USAGE.
 */
int cli_opt_span(struct cli *cli, const char *name, uint64_t *out);
/**
 * A moment as Unix time in ms, of "2026-01-02T03:04:05Z", "2026-01-02" or
 * seconds since 1970. *out is left alone where it is not given. 0 or
 * CLI_USAGE.
 */
int cli_opt_date(struct cli *cli, const char *name, uint64_t *out);
/**
 * An algorithm by the name that name(1) to name(max) has for it, such as
 * csn_kem_name(). *out is left alone where it is not given. 0 or CLI_USAGE.
 */
int cli_opt_algorithm(struct cli *cli, const char *option,
    const char *(*name)(int), int max, uint32_t *out);
/** 1 where --force was given. */
int cli_force(const struct cli *cli);
/** 0, or CLI_USAGE where --json would mix with what standard output carries. */
int cli_check_json(struct cli *cli);
/** A word of an option that takes several, and what it stands for. */
struct cli_word {
	const char *word;
	uint32_t bit;
};
/**
 * Some of n words, with commas between them: their bits are added to *out.
 * 0, or CLI_USAGE after saying which word is none of them.
 */
int cli_opt_words(struct cli *cli, const char *name,
    const struct cli_word *words, size_t n, uint32_t *out);
/** The i-th argument, or NULL. */
const char *cli_arg(const struct cli *cli, int i);

/* options.c: fill in cli from what follows noun and verb. 0 or CLI_USAGE. */
int cli_parse(struct cli *cli, int argc, char **argv);
/* What a mistyped word may have meant: start with the word alone. */
struct cli_guess {
	const char *word;
	const char *best;	/* of the names so far, or NULL */
	size_t distance;	/* edits between the two */
};
void cli_guess(struct cli_guess *g, const char *name);

/* ../help.c: to standard output. Either may be NULL. */
void cli_help(const struct cli *cli, const struct cli_noun *noun,
    const struct cli_verb *verb);
/* The tables as JSON: what checks of manual and completion read. */
json_t *cli_table(void);

/* The first signal asks to clean up and return, the second ends. */
void cli_watch_signals(void);
/* 1 where a signal came that ends programs: clean up and return. */
int cli_interrupted(void);
/*
 * hold 1: the program lets go of what it holds before it ends, however many
 * signals come, for two seconds from the first; one after that ends it by
 * itself. 0: the next but one does.
 */
void cli_hold_signals(int hold);

/* What the program ends with after code: a signal's own where one came. */
int cli_final_code(int code);

/* --- what is said (output.c) ------------------------------------------- */

/** Standard output: facts for people; nothing with --quiet or --json. */
void cli_say(struct cli *cli, const char *fmt, ...) CSN_PRINTF(2, 3);
/**
 * Standard error: a remark on the way; nothing with --quiet. With --json each
 * line is an object {"note": "..."}.
 */
void cli_note(struct cli *cli, const char *fmt, ...) CSN_PRINTF(2, 3);
/**
 * "caisson: what, why" and a line with what to do (NULL for none), on
 * standard error. Returns code, so that a command can return cli_error().
 * With --json it is one line there, as each of these says it:
 * {"error": {"code": "CSN_E_..." or null, "message": "what: why",
 * "hint": "what to do" or null, "exit": what the program ends with}}.
 */
int cli_error(struct cli *cli, int code, const char *todo,
    const char *fmt, ...) CSN_PRINTF(4, 5);
/**
 * As cli_error, with the library's sentence and the code's name behind what
 * could not be done. rc is a CSN_E_*; returns cli_exit_code(rc).
 */
int cli_error_lib(struct cli *cli, int rc, const char *todo,
    const char *fmt, ...) CSN_PRINTF(4, 5);
/** The same, ending with code where that is not cli_exit_code(rc). */
int cli_error_as(struct cli *cli, int code, int rc, const char *todo,
    const char *fmt, ...) CSN_PRINTF(5, 6);
/**
 * The same where what the user gave to work with is no good: a key, a trust
 * store, a policy. That is CLI_USAGE where cli_exit_code() says CLI_REFUSED,
 * which is for what was checked with them.
 */
int cli_error_given(struct cli *cli, int rc, const char *fmt, ...)
    CSN_PRINTF(3, 4);
/* --- shown.c: text of others as a terminal may have it ------------------ */

enum cli_shown {
	CLI_SHOWN_PLAIN = 0,
	CLI_SHOWN_COLOURS = 1,	/* ESC [ 31 m and the like stay */
	CLI_SHOWN_JSON = 2,	/* it is JSON, and stays that */
	CLI_SHOWN_NAME = 4	/* one line: newline and tab are written out */
};

/**
 * A copy of len bytes of text in which control characters (but newline and
 * tab), bidirectional and invisible ones and bytes that are no UTF-8 are
 * written out, such as \u009b. free(); NULL without memory.
 */
char *cli_shown(const char *text, size_t len, int kind, size_t *out_len);
/** A JSON text of a file's name, which need not be UTF-8: shown so then. */
json_t *cli_name(const char *name);
/** fmt filled in, shown so. */
void cli_print(FILE *to, const char *fmt, ...) CSN_PRINTF(2, 3);
/**
 * As vfprintf(), shown so; newlines and tabs stay where they are fmt's own. All
 * that cli_say() and its like print goes here.
 */
void cli_put(FILE *to, int kind, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/** As cli_error with strerror(errnum) behind; returns CLI_FAILED. */
int cli_error_sys(struct cli *cli, int errnum, const char *fmt, ...)
    CSN_PRINTF(3, 4);

/** The exit code that a CSN_E_* stands for. */
int cli_exit_code(int rc);

/** Print value, indented, and give up the reference. An exit code. */
int cli_json(struct cli *cli, json_t *value);
/** Print JSON text that the library made, and csn_free it. An exit code. */
int cli_json_text(struct cli *cli, char *text);
/** 1 where standard output is a terminal that takes colours. */
int cli_colour(void);
/* "1.5 MB", "2.4 GB/s" and the like: decimal multiples. */
#define CLI_TEXT 32
void cli_bytes_text(double bytes, char out[CLI_TEXT]);
void cli_time_text(uint64_t unix_ms, char out[CLI_TEXT]);
void cli_hex(const uint8_t *p, size_t len, char *out);	/* 2 * len + 1 */
/* 0, or -1 where text is not exactly len bytes in hex. */
int cli_unhex(const char *text, uint8_t *out, size_t len);

/* --- results (result.c) ------------------------------------------------- */

/** A line for one check: ok, NO, or -- where it was not made. */
void cli_say_check(struct cli *cli, const char *name, int status,
    const char *detail);
/**
 * A line for each check, or all of them as one JSON object. An exit code.
 */
int cli_say_result(struct cli *cli, const struct csn_result *r);
/**
 * "WHAT; not checked: nonce, policy, 2 regions.": a good result is worth what
 * it was checked for.
 */
void cli_say_verdict(struct cli *cli, const char *what,
    const struct csn_result *r);

/* --- armoured text (armour.c) ------------------------------------------- */

/**
 * Read a file ("-": standard input) that is armoured with label, or those
 * bytes as they are; a PEM of a public key comes as text. What mail puts
 * around a block (other text, quoting, CRLF, a BOM) is left out. free(). 0 or
 * an exit code after saying why.
 */
int cli_armour_read(struct cli *cli, const char *path, const char *label,
    uint8_t **out, size_t *len);
/**
 * Write bytes to --out or standard output, armoured with label unless --raw
 * was given. An exit code.
 */
int cli_armour_write(struct cli *cli, const char *label, const uint8_t *p,
    size_t len);

/* --- home, identities, trust (home.c) ---------------------------------- */

/**
 * CAISSON_HOME, else XDG_DATA_HOME/caisson, else ~/.local/share/caisson, and
 * rest behind it (NULL for the folder itself); free(). The folder is made,
 * mode 0700, where make is 1. 0 or an exit code after saying why.
 */
int cli_home(struct cli *cli, const char *rest, int make, char **out);
/**
 * Whether there is something at path: 1 or 0 in *there. 0, or CLI_FAILED
 * after saying why that cannot be known.
 */
int cli_there(struct cli *cli, const char *path, int *there);
/** 0, or CLI_USAGE after saying what a name may be made of. */
int cli_check_name(struct cli *cli, const char *what, const char *name);
/**
 * The folder of an identity: HOME/identities/name, or name itself where it
 * has a slash in it. free(). 0 or an exit code after saying why.
 */
int cli_identity_path(struct cli *cli, const char *name, char **out);
/**
 * Load the identity that the option `option` names (needed where it was not
 * given: CAISSON_IDENTITY, else the only one there is), asking for a
 * passphrase where its keys are encrypted. 0 or an exit code after saying
 * why; csn_identity_free.
 */
int cli_identity_load(struct cli *cli, const char *option,
    struct csn_identity **out);
/** The same for the folder path, which is called name. */
int cli_identity_open(struct cli *cli, const char *name, const char *path,
    struct csn_identity **out);
/** HOME/trust.json, or the file that option --trust names; free(). */
int cli_trust_path(struct cli *cli, char **out);
int cli_trust_load(struct cli *cli, struct csn_trust **out);

/* --- passphrases (passphrase.c) ---------------------------------------- */

#define CLI_PASSPHRASE_MAX 1023

struct cli_secret {
	char text[CLI_PASSPHRASE_MAX + 1];
	size_t len;
	int given;
};

/**
 * The passphrase that was given: --passphrase-file, --passphrase-fd, then
 * CAISSON_PASSPHRASE. given is 0 where there is none: nothing is asked.
 * 0 or an exit code after saying why.
 */
int cli_passphrase_given(struct cli *cli, struct cli_secret *out);
/**
 * One to encrypt with from now on: --new-passphrase-file or
 * --new-passphrase-fd. given is 0 where there is none. 0 or an exit code.
 */
int cli_passphrase_new(struct cli *cli, struct cli_secret *out);
/**
 * Ask on the terminal, echo off; twice where confirm is 1. CLI_USAGE where
 * there is no terminal, after saying how to give one.
 */
int cli_passphrase_ask(struct cli *cli, const char *what, int confirm,
    struct cli_secret *out);
void cli_secret_wipe(struct cli_secret *secret);
/**
 * A keystore by its URL, with the passphrase that was given or is asked for.
 * 0 or an exit code after saying why.
 */
int cli_keystore_open(struct cli *cli, const char *url,
    struct csn_keystore **out);

/* --- progress on a terminal (progress.c) -------------------------------- */

struct cli_progress {
	const char *what;
	uint64_t done;
	uint64_t total;		/* 0 where it is not known */
	uint64_t start_ns;
	uint64_t shown_ns;
	int on;
};

/** Shows nothing where standard error is no terminal, or with --quiet. */
void cli_progress_start(struct cli *cli, struct cli_progress *p,
    const char *what, uint64_t total);
void cli_progress_add(struct cli_progress *p, uint64_t bytes);
void cli_progress_end(struct cli_progress *p);	/* clears the line */
uint64_t cli_now_ns(void);			/* monotonic */

/* --- files (file.c) ----------------------------------------------------- */

/**
 * 0 where nobody else could have written the file at path (csn_file_check;
 * "-" is fine, and one that is not there is the reader's to tell).
 */
int cli_file_check(struct cli *cli, const char *path);

/**
 * Read a whole file ("-" or NULL: standard input) of at most max bytes.
 * free() after csn_wipe where it is secret. 0 or an exit code after saying
 * why.
 */
int cli_read_file(struct cli *cli, const char *path, size_t max,
    uint8_t **out, size_t *len);

#define CLI_TEMP_SIZE 26

/*
 * An output that appears under its name only when it is whole: a file without
 * a name (or with a temporary one, where the file system has no such), synced
 * and named. Standard output ("-" or NULL), descriptors that are open
 * (/dev/stdout, /dev/fd/N, links to them), devices and pipes are written as
 * they come; in_place says so. A link's target is replaced, not the link.
 */
struct cli_out {
	struct cli *cli;
	const char *path;	/* the caller's */
	char *name;		/* in folder */
	int folder;
	char temp[CLI_TEMP_SIZE]; /* "" for none */
	mode_t mode;
	int fd;
	int in_place;
	int replace;
	uint64_t written;	/* bytes so far */
};

/**
 * mode is that of the file. replace 0 refuses a file that is there, with
 * CLI_USAGE. 0 or an exit code after saying why.
 */
int cli_out_open(struct cli *cli, const char *path, mode_t mode, int replace,
    struct cli_out *out);
int cli_out_write(struct cli_out *out, const void *p, size_t len);
/** Whole: sync, give it its name, close. 0 or an exit code. */
int cli_out_commit(struct cli_out *out);
/** Never mind: nothing appears. Fine after a commit, and twice. */
void cli_out_abort(struct cli_out *out);
/** Open, write, commit. */
int cli_write_file(struct cli *cli, const char *path, mode_t mode,
    int replace, const void *p, size_t len);

/** An input: "-" or NULL is standard input. -1 after saying why. */
int cli_in_open(struct cli *cli, const char *path);
/**
 * Fill buf as far as the input goes: *got is cap, or less at its end. 0 or
 * an exit code after saying why (also where a signal asked to stop).
 */
int cli_in_read(struct cli *cli, int fd, const char *path, void *buf,
    size_t cap, size_t *got);
/** The bytes that a file still has to give; 0 where that is not known. */
uint64_t cli_in_size(int fd);
/** At its end: 0, or CLI_FAILED where it gave fewer than the size it had. */
int cli_in_whole(struct cli *cli, const char *path, uint64_t size,
    uint64_t got);

#endif
