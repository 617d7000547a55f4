/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/context.h - the library's context: clock, key memory, messages. */
#ifndef CAISSON_CONTEXT_H
#define CAISSON_CONTEXT_H

#include <caisson/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A context owns what everything made from it shares: the clock, the locked
 * key memory, the pool of cipher contexts and the fork canary. It outlives
 * every object made from it. Any number of threads may share one.
 */
struct csn_ctx;

/* A clock of the caller's own, for tests. Both return milliseconds. */
struct csn_clock {
	uint32_t size;
	void *arg;
	/* Time since boot that counts suspend (CLOCK_BOOTTIME). */
	uint64_t (*boot_ms)(void *arg);
	/* Unix time. */
	uint64_t (*wall_ms)(void *arg);
};

struct csn_ctx_options {
	uint32_t size;
	/*
	 * How many expanded AES keys may exist at a time, 0 for 256. More
	 * tenants than this only cost a rekeying (some 300 ns) when they
	 * take turns. 16 more serve keys that are used once.
	 */
	uint32_t lanes;
	const struct csn_clock *clock;	/* NULL for the system's */
	const char *aead_engine;	/* NULL for the best available */
	/*
	 * Asked between the steps of work whose length a server, a file or a
	 * device decides, from any thread: other than 0 ends that work with
	 * CSN_E_CANCELLED. So a program's signal handler sets a flag, and this
	 * reads it. NULL: nothing is called off.
	 */
	int (*stopped)(void *arg);
	void *stopped_arg;
};

/**
 * Store in *out a new context, owned by the caller. options may be NULL.
 *
 * Returns 0, CSN_E_NOMEM, CSN_E_RANDOM, CSN_E_ALGORITHM where the
 * cryptographic library lacks what Caisson needs (OpenSSL 3.5), or
 * CSN_E_UNKNOWN_BACKEND for an engine of no known name. No message can be
 * asked for where there is no context: csn_error_text() serves.
 */
CSN_API CSN_MUST_CHECK int csn_ctx_new(const struct csn_ctx_options *options,
    struct csn_ctx **out);

/** Wipe and free; every object made from ctx is freed first. NULL is fine. */
CSN_API void csn_ctx_free(struct csn_ctx *ctx);

/** The context's clock, ms since boot. */
CSN_API uint64_t csn_ctx_boot_ms(const struct csn_ctx *ctx);

/**
 * The context's Unix time in ms: the later of the clock's and of what the
 * clock showed at the context's birth and the time since boot that has passed
 * since. So a clock that is set back extends nothing, and one that was set
 * ahead by mistake counts only while it is.
 */
CSN_API uint64_t csn_ctx_wall_ms(struct csn_ctx *ctx);

/** "0.1.0" */
CSN_API const char *csn_version(void);

/**
 * What this build is made of, as one JSON object: version, OpenSSL's
 * version, CPU features, AEAD engine; and memory: whether all secret memory
 * of this process is locked, left out of core dumps ("undumped"), and whether
 * the system wipes what a fork must not keep ("fork-wiped": where it does not,
 * the library asks for its process's id instead). The caller frees it with
 * csn_free().
 */
CSN_API CSN_MUST_CHECK int csn_describe(struct csn_ctx *ctx, char **json);

/** Frees any buffer or string that this library handed out. NULL is fine. */
CSN_API void csn_free(void *p);

/** Overwrite len bytes in a way that no compiler removes. */
CSN_API void csn_wipe(void *p, size_t len);

/** Constant-time comparison: 1 where equal, 0 where not. */
CSN_API int csn_equal(const void *a, const void *b, size_t len);

/**
 * Whether nobody but root and this process's user could have written the file
 * at path or put another one in its place: what the library asks of trust
 * stores, identities, policies, roots and keys before it believes them.
 * CSN_E_POLICY where the file, or the folder it lies in, is somebody else's,
 * may be written by all (in a folder with the sticky bit they may), or by a
 * group that has another member; the sentence says how to mend it. Other than
 * regular files are let pass. CSN_E_NOT_FOUND, CSN_E_IO.
 */
CSN_API CSN_MUST_CHECK int csn_file_check(struct csn_ctx *ctx,
    const char *path);

#ifdef __cplusplus
}
#endif

#endif
