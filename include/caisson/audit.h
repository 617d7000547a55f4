/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/audit.h - the append-only log of who did what. */
#ifndef CAISSON_AUDIT_H
#define CAISSON_AUDIT_H

#include <caisson/identity.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Records are chained by hash and MACed under a key that moves forward with
 * each record and whose past is erased, so that who takes the machine later
 * cannot rewrite what was logged before. Checkpoints signed with ML-DSA let
 * anybody with the public key verify up to them. That nothing was cut off
 * the end can be claimed only against a head kept elsewhere.
 *
 * The key of the present moment has to survive a restart, so the folder's
 * `state` file holds one. It is replaced at each checkpoint, file rotation,
 * close, and at the first append ten seconds after the last time; what was
 * logged since it was written can be rewritten by who reads it. Safe from
 * many threads; in a forked child a log in a file gives CSN_E_FORK.
 */
struct csn_audit;

/*
 * What was done. Each room, and each program, names its own operations: 1 to
 * CSN_AUDIT_MAX_OP lower-case letters, digits and '-'. These are the
 * library's. "file", "checkpoint" and "recovery" are the log's own: nobody
 * else can append them.
 */
#define CSN_AUDIT_ENCRYPT "encrypt"
#define CSN_AUDIT_DECRYPT "decrypt"
#define CSN_AUDIT_ROTATE "rotate"
#define CSN_AUDIT_ISOLATION_VIOLATION "isolation-violation"
#define CSN_AUDIT_SESSION_OPEN "session-open"
#define CSN_AUDIT_SESSION_CLOSE "session-close"
#define CSN_AUDIT_SESSION_EXPIRE "session-expire"
#define CSN_AUDIT_RECOVERY "recovery"	/* a torn last line was cut off */

#define CSN_AUDIT_MAX_OP 31		/* bytes */
#define CSN_AUDIT_MAX_TENANT 256	/* bytes */
#define CSN_AUDIT_MAX_DETAIL 1024	/* bytes; what is longer is cut */

/** 1 where name has the form of an operation's; NULL has not. */
CSN_API int csn_audit_op_valid(const char *name);

#define CSN_AUDIT_HAS_SEQUENCE 1u
#define CSN_AUDIT_HAS_SESSION 2u

struct csn_audit_record {
	uint32_t size;
	uint32_t success;	/* 1 or 0 */
	int32_t code;		/* 0 or the CSN_E_* of the failure */
	uint32_t flags;		/* CSN_AUDIT_HAS_* */
	const char *op;		/* CSN_AUDIT_ENCRYPT, or a name of your own */
	uint64_t sequence;	/* the first, where the record is a batch's */
	uint64_t count;		/* entries it stands for; 1 for one */
	uint64_t bytes;		/* plaintext bytes of those */
	const char *tenant;	/* tenant id; NULL where unknown */
	/* A few words, never a secret: which place, and why not. NULL: none. */
	const char *detail;
	uint8_t session[16];
};

/**
 * A bounded log in memory: the newest `capacity` records (0 for 65,536). It
 * is not chained: whoever could rewrite it could rewrite its chain.
 */
CSN_API CSN_MUST_CHECK int csn_audit_new_memory(struct csn_ctx *ctx,
    size_t capacity, struct csn_audit **out);

enum csn_audit_sync {
	CSN_AUDIT_SYNC_GROUP = 0, /* append returns once a group is on disk */
	CSN_AUDIT_SYNC_INTERVAL = 1, /* a thread syncs every sync_ms */
	CSN_AUDIT_SYNC_NEVER = 2  /* the kernel's own time */
};

struct csn_audit_options {
	uint32_t size;
	uint32_t sync;		/* enum csn_audit_sync */
	uint32_t sync_ms;	/* 0 for 200 */
	uint32_t keep_files;	/* closed files kept; 0 keeps all */
	uint64_t max_file_bytes; /* a new file past this; 0 for 64 MiB */
	uint64_t checkpoint_every; /* records; 0 for 4,096 */
	/* Signs checkpoints; outlives the log; NULL for none. */
	const struct csn_identity *signer;
};

/**
 * Open or create the log in folder `path`. options may be NULL.
 *
 * Creating it writes the file `first.key` (64 hex digits, mode 0600): the
 * first MAC key, from which every later one follows. Move it to another
 * machine: with it csn_audit_verify() checks each record's MAC, and whoever
 * has it can forge them.
 *
 * Opening walks from the state file's record to the end. A torn last line (a
 * crash in the middle of an append that was never acknowledged) is cut off
 * and a record says so; anything else that does not verify, and fewer
 * records than the state file knows of, is refused with CSN_E_AUDIT.
 * CSN_E_BUSY where another process has it open.
 *
 * keep_files removes the oldest closed files at each rotation (what could not
 * be removed then, at the next or at opening); verifying then starts at the
 * oldest kept file's first line, which repeats the head and number that it
 * continues, and says so as a check.
 */
CSN_API CSN_MUST_CHECK int csn_audit_open(struct csn_ctx *ctx,
    const char *path, const struct csn_audit_options *options,
    struct csn_audit **out);

/**
 * Open the log in folder `path` for csn_audit_each and csn_audit_export
 * only: no lock, also while another process writes it. CSN_E_NOT_FOUND where
 * there is none. Appending to it gives CSN_E_POLICY, and so do
 * csn_audit_head (csn_audit_verify tells it) and csn_audit_checkpoint.
 */
CSN_API CSN_MUST_CHECK int csn_audit_open_reader(struct csn_ctx *ctx,
    const char *path, struct csn_audit **out);

/**
 * Append one record, stamped with the context's time. On CSN_E_IO (a full
 * or read-only disk) nothing of the record is in the log, and the log stays
 * usable: the next append tries again. CSN_E_ARG for an op that is no name or
 * a tenant past CSN_AUDIT_MAX_TENANT.
 */
CSN_API CSN_MUST_CHECK int csn_audit_append(struct csn_audit *audit,
    const struct csn_audit_record *record);

/**
 * Append n records as one group, all of the first one's size, which is also
 * how far apart they are (CSN_E_ARG): one write, one sync. All or nothing, but
 * for a crash in the middle of the write, which may leave the first few of a
 * group that was never acknowledged.
 */
CSN_API CSN_MUST_CHECK int csn_audit_append_many(struct csn_audit *audit,
    const struct csn_audit_record *records, size_t n);

/** Everything appended so far is on disk when it returns 0. */
CSN_API CSN_MUST_CHECK int csn_audit_flush(struct csn_audit *audit);

/** Sign a checkpoint now. CSN_E_SIGNER where no signer was given. */
CSN_API CSN_MUST_CHECK int csn_audit_checkpoint(struct csn_audit *audit);

struct csn_audit_filter {
	uint32_t size;
	uint32_t reserved;
	const char *op;		/* NULL for any */
	uint64_t limit;		/* the newest so many; 0 for all */
	const char *tenant;	/* NULL for any */
	uint64_t from_ms;	/* Unix, inclusive; 0 for any */
	uint64_t to_ms;		/* Unix, exclusive; 0 for any */
	/* Asked again and again; not 0: the call ends with CSN_E_CANCELLED. */
	int (*cancelled)(void *arg);
	void *cancelled_arg;
};

/**
 * Visit matching records in order, oldest first. unix_ms is its time, n its
 * number (from 0; the file's own lines count too). The record and its
 * strings last as long as the call. A non-zero return of visit stops and is
 * returned. filter may be NULL. Records are not verified here. With a limit
 * a log in a folder is read from its end, as far as it takes.
 */
CSN_API CSN_MUST_CHECK int csn_audit_each(struct csn_audit *audit,
    const struct csn_audit_filter *filter,
    int (*visit)(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *record), void *arg);

/** Matching records as a JSON array; csn_free. */
CSN_API CSN_MUST_CHECK int csn_audit_export(struct csn_audit *audit,
    const struct csn_audit_filter *filter, char **json);

/**
 * The same array, handed to write piece by piece as the records are read: it
 * is never whole in memory. A non-zero return of write stops and is returned.
 */
CSN_API CSN_MUST_CHECK int csn_audit_export_to(struct csn_audit *audit,
    const struct csn_audit_filter *filter,
    int (*write)(void *arg, const void *p, size_t len), void *arg);

/**
 * The chain's head and the number of lines behind it (records, checkpoints
 * and the first line of each file alike); keep it elsewhere. A log in memory
 * has no chain: its head is zero.
 */
CSN_API CSN_MUST_CHECK int csn_audit_head(struct csn_audit *audit,
    uint8_t head[CSN_HASH_SIZE], uint64_t *records);

/**
 * Sign a last checkpoint, wipe the key, free. What it writes may fail
 * unseen (call csn_audit_flush first); opening makes up for it. In a forked
 * child it only frees. NULL is fine.
 */
CSN_API void csn_audit_close(struct csn_audit *audit);

struct csn_audit_verify_options {
	uint32_t size;
	/*
	 * The head that was kept elsewhere, 64 hex digits, or NULL. It may
	 * be of any record: the log may have grown since.
	 */
	const char *expect_head;
	/* For checkpoints: signers trusted for CSN_PURPOSE_AUDIT, or NULL. */
	struct csn_trust *trust;
	/* The first MAC key, exported when the log was made, or NULL. */
	const uint8_t *first_key;	/* 32 bytes */
	/* Asked again and again; not 0: the call ends with CSN_E_CANCELLED. */
	int (*cancelled)(void *arg);
	void *cancelled_arg;
};

/**
 * Verify a log folder from outside, also while it is written: each line's
 * form, number, chain, MAC (where first_key is given), checkpoints, files in
 * order. result lists the checks ("files", "start", "records", "mac",
 * "time", "tail", "end", "checkpoints", "head"); the sentence and a check's
 * detail name the file and line of the first bad record, a torn last line, a
 * cut tail, a missing file. A torn last line alone is no failure: it is
 * listed as not checked, and so are records older than one before them.
 * Files before the state's oldest are skipped, and "files" says so. options
 * and result may be NULL. 0, CSN_E_AUDIT, CSN_E_IO (also for what is no
 * regular file), CSN_E_NOT_FOUND, CSN_E_SIGNER, CSN_E_CANCELLED.
 */
CSN_API CSN_MUST_CHECK int csn_audit_verify(struct csn_ctx *ctx,
    const char *path, const struct csn_audit_verify_options *options,
    struct csn_result *result);

#ifdef __cplusplus
}
#endif

#endif
