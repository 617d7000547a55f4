/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/seal.h - streams under a session, and sealed files. */
#ifndef CAISSON_SEAL_H
#define CAISSON_SEAL_H

#include <caisson/envelope.h>
#include <caisson/pool.h>
#include <caisson/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- streams ---------------------------------------------------------- */

/*
 * A stream under a session, in segments of one size: nothing is passed on
 * before its segment's tag held, a cut or reordered stream is refused, and
 * memory is the caller's segment. Each stream has a key of its own, which
 * ends at 2^32 segments or 1 TiB (CSN_E_LIMIT). One thread at a time.
 *
 * Replay, by the session's mode: a channel opens a stream once. In a store a
 * stream's slot is its name: once a newer stream of that name is whole, the
 * older one is refused; a stream without a name (32 zero bytes) has no slot,
 * opens as often as it is read, and goes with its epoch. Opening counts from
 * the first segment that verified.
 *
 * A stream keeps a reference of its session; when the session is closed, its
 * key is wiped. A forked child gets CSN_E_FORK.
 *
 * Here and below buffers are the caller's own while a call runs: AES-GCM may
 * read ciphertext twice. A mapped file, shared memory, or what a device can
 * write to is copied first.
 */
struct csn_stream;

#define CSN_STREAM_SEGMENT (1u << 20)	/* the default: 1 MiB of plaintext */
#define CSN_STREAM_TAG 16

/**
 * Start sealing; *header gets CSN_SEAL_HEADER bytes that come first. segment
 * is 4 KiB to 64 MiB, a power of two, 0 for the default. name (32 bytes, may
 * be NULL) is authenticated. Counts as one entry of the rotation policy.
 * CSN_E_ARG, CSN_E_FORK, CSN_E_CLOSED, CSN_E_EXPIRED, CSN_E_ROTATE,
 * CSN_E_NOMEM, CSN_E_RANDOM, CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_stream_sealer_new(struct csn_session *session,
    uint32_t segment, const uint8_t *name, uint8_t header[CSN_SEAL_HEADER],
    struct csn_stream **out);
/**
 * Start opening, from the header. name NULL accepts any. Checked in the order
 * of a KV entry: CSN_E_FORM, CSN_E_VERSION, CSN_E_SUITE, CSN_E_FORK,
 * CSN_E_TENANT, CSN_E_SESSION, CSN_E_REPLAY (this side's own, sent back),
 * CSN_E_CLOSED, CSN_E_EXPIRED, CSN_E_EPOCH, CSN_E_LIMIT; CSN_E_TAG for
 * another name.
 */
CSN_API CSN_MUST_CHECK int csn_stream_opener_new(struct csn_session *session,
    const uint8_t header[CSN_SEAL_HEADER], const uint8_t *name,
    struct csn_stream **out);
/** The stream's segment size in plaintext bytes. */
CSN_API uint32_t csn_stream_segment(const struct csn_stream *stream);
/**
 * Seal the next segment: len is the segment size, or anything up to it for
 * the last one (final 1; 0 bytes where the stream ends on a boundary). out
 * gets len + CSN_STREAM_TAG bytes and may be in. CSN_E_ARG leaves the stream
 * usable; after any other error it is not, and out is zero.
 */
CSN_API CSN_MUST_CHECK int csn_stream_push(struct csn_stream *stream,
    const uint8_t *in, size_t len, int final, uint8_t *out);
/**
 * Open the next segment of len bytes (tag included) into out, len - 16
 * bytes, which may be in. CSN_E_TAG, CSN_E_REPLAY, CSN_E_FORM past the final
 * one, and others of csn_stream_opener_new. On error out is zero, and each
 * later call gives the same error.
 */
CSN_API CSN_MUST_CHECK int csn_stream_pull(struct csn_stream *stream,
    const uint8_t *in, size_t len, int final, uint8_t *out);
/** 1 once the final segment was pushed or pulled. */
CSN_API int csn_stream_done(const struct csn_stream *stream);
CSN_API void csn_stream_free(struct csn_stream *stream);	/* wipes */
/** The stream of that name is gone from the store: refuse it from now on. */
CSN_API void csn_stream_forget(struct csn_session *session,
    const uint8_t name[32]);

/* --- sealed files ------------------------------------------------------ */

/*
 * Bytes that outlive sessions: one format for files, for bodies of artifacts
 * and for releases. A random data key seals them in segments, each of which
 * opens alone. It is wrapped for each recipient (ML-KEM, HKDF, AES-256 key
 * wrap, as RFC 9629 and RFC 9936 do it), or the caller keeps it. The front,
 * with a head that never changes and the recipients, and the foot, which says
 * how long the text is and has the root of a hash tree over all that was
 * sealed, are signed with ML-DSA by the sealer. So it is written to a pipe and
 * read from one, and who has it at hand reads any part of it alone.
 *
 * The root is over the sealed bytes themselves, since whoever has the key can
 * make other bytes under the same AES-GCM tags: a recipient cannot pass on
 * other bytes under the sealer's name. Where nobody but the sealer has the
 * key, a root over the tags does, and costs nothing.
 */
#define CSN_SEALED_ID 16

enum csn_sealed_integrity {
	CSN_SEALED_LEAVES = 1,	/* SHA3-256 of the sealed bytes */
	CSN_SEALED_TAGS = 2	/* for nobody but the sealer */
};

/* A hash of the plaintext, which the foot keeps sealed. */
enum csn_content_hash {
	CSN_CONTENT_TREE = 1,	/* csn_tree's root, with leaves of 64 KiB or
				 * of a segment where that is less */
	CSN_CONTENT_SHA3_256 = 2,
	CSN_CONTENT_SHA256 = 3,
	CSN_CONTENT_NONE = 4
};

/* What is known of a sealed file; the library fills it. */
struct csn_sealed_facts {
	uint32_t size;
	uint32_t segment;
	uint64_t length;		/* of the plaintext */
	uint64_t sealed_length;		/* of the whole file */
	uint64_t created_ms;		/* by the sealer's word */
	uint32_t integrity;		/* enum csn_sealed_integrity */
	uint32_t content_hash;		/* enum csn_content_hash */
	uint32_t recipients;
	uint32_t runs;			/* 1, and one more a resumption */
	uint8_t id[CSN_SEALED_ID];
	uint8_t head_hash[CSN_HASH_SIZE];
	uint8_t root[CSN_HASH_SIZE];
	uint8_t content[CSN_HASH_SIZE];	/* zero for CSN_CONTENT_NONE */
};

/*
 * Where whole files are read from and written to. Both return 0 or an error
 * code, which ends the work and is passed on. Without CSN_IO_ANYWHERE they
 * are called in the order of the offsets, by one thread at a time; with it
 * from any threads of the library's or the caller's at once. Each byte is read
 * or written once, but for what is read again to resume.
 */
#define CSN_IO_ANYWHERE 1u

struct csn_sealed_io {
	uint32_t size;
	uint32_t flags;
	void *arg;
	/* Up to len bytes; *got is less only at the end. NULL: no source. */
	int (*read)(void *arg, uint64_t offset, uint8_t *p, size_t len,
	    size_t *got);
	/* All of the bytes. NULL: no sink. */
	int (*write)(void *arg, uint64_t offset, const uint8_t *p,
	    size_t len);
	/* How much there is to read, where CSN_IO_ANYWHERE is set. */
	uint64_t length;
};

/* --- writing ------------------------------------------------------------ */

struct csn_sealer;	/* writes one sealed file; one thread at a time */

struct csn_sealer_options {
	uint32_t size;
	uint32_t segment;	/* as in csn_stream_sealer_new */
	const struct csn_identity *signer;	/* needed; outlives it */
	/*
	 * Recipients: verified documents, at most 64, none twice. They are
	 * for CSN_PURPOSE_RECIPIENT, or the signer's own. None where data_key
	 * is given.
	 */
	const struct csn_document *const *recipients;
	size_t nrecipients;
	const char *content_type; /* 0 to 128 bytes of UTF-8; may be NULL */
	/* Random, for this file alone, and kept by the caller; or NULL. */
	const uint8_t *data_key;
	/* 0: leaves. Tags only with the signer as sole recipient, or with
	 * data_key, which then nobody else may ever have. */
	uint32_t integrity;
	uint32_t content_hash;	/* 0: the tree */
	/* Segments are sealed side by side by csn_sealer_run(). May be NULL;
	 * outlives the sealer. */
	struct csn_pool *pool;
};

/**
 * Start sealing: the recipients' KEMs run here. CSN_E_ARG, CSN_E_POLICY (no
 * recipient by its document's purposes, or tags for others), CSN_E_EXPIRED
 * (its document), CSN_E_RANDOM, CSN_E_CRYPTO, CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_sealer_new(struct csn_ctx *ctx,
    const struct csn_sealer_options *options, struct csn_sealer **out);
/**
 * Go on with a file that was not finished: partial is its beginning, and
 * csn_sealer_run() then compares what is there to the source from its start
 * and seals the rest under another key, in a run of its own. options are those
 * of then; recipients, type and segment are the file's own. The key is
 * data_key, or the signer is a recipient. partial outlives the sealer.
 * CSN_E_FORM where not even the front is whole, CSN_E_SIGNER and
 * CSN_E_SIGNATURE for another's, CSN_E_NOT_FOUND, CSN_E_TAG, CSN_E_LIMIT
 * (too many runs).
 */
CSN_API CSN_MUST_CHECK int csn_sealer_resume(struct csn_ctx *ctx,
    const struct csn_sealer_options *options,
    const struct csn_sealed_io *partial, struct csn_sealer **out);
/**
 * Feed plaintext; write is called with sealed bytes in order and returns 0 or
 * an error code, which is passed on. A file ends at 1 TiB or 2^20 segments:
 * CSN_E_LIMIT. After an error that is not CSN_E_ARG each later call gives the
 * same one. In a forked child CSN_E_FORK.
 */
CSN_API CSN_MUST_CHECK int csn_sealer_update(struct csn_sealer *sealer,
    const uint8_t *in, size_t len, int (*write)(void *arg, const uint8_t *p,
    size_t len), void *arg);
CSN_API CSN_MUST_CHECK int csn_sealer_final(struct csn_sealer *sealer,
    int (*write)(void *arg, const uint8_t *p, size_t len), void *arg);
/**
 * Instead of update and final: seal all of a source into a sink, on all
 * threads of the pool, with reading, sealing and writing side by side and a
 * segment of memory a thread. Of a source that can be read anywhere so many
 * bytes are sealed as it had at first; CSN_E_IO where it has fewer by then.
 * CSN_E_DRIFT where the source of a resumed file is not what was sealed.
 */
CSN_API CSN_MUST_CHECK int csn_sealer_run(struct csn_sealer *sealer,
    const struct csn_sealed_io *source, const struct csn_sealed_io *sink);
/** After final or run. CSN_E_ARG before. */
CSN_API CSN_MUST_CHECK int csn_sealer_facts(const struct csn_sealer *sealer,
    struct csn_sealed_facts *facts);
CSN_API void csn_sealer_free(struct csn_sealer *sealer);

/**
 * Another front for a file, with recipients added and taken away; the body
 * that follows it stays as it is. front is the file's beginning. The signer is
 * its sealer and has the key as for csn_sealer_resume(); data_key may be NULL.
 * *old_len is the length of the front that *out (csn_free) replaces. Who was a
 * recipient may have kept the key. gone are aliases; one that is none is
 * CSN_E_NOT_FOUND, CSN_E_EXISTS where one of add is there already. Else as
 * csn_sealer_new() and csn_sealer_resume().
 */
CSN_API CSN_MUST_CHECK int csn_sealed_readdress(struct csn_ctx *ctx,
    const struct csn_identity *signer, const uint8_t *data_key,
    const uint8_t *front, size_t len,
    const struct csn_document *const *add, size_t nadd,
    const char *const *gone, size_t ngone, uint8_t **out, size_t *out_len,
    size_t *old_len);

/* --- reading ------------------------------------------------------------ */

struct csn_opener_options {
	uint32_t size;
	uint32_t reserved;
	/*
	 * Unix; a time at which somebody else vouches that the file was there,
	 * such as a countersigned audit checkpoint. Its sealer's document and
	 * entry are judged at this time. 0: at the time that the file states.
	 */
	uint64_t at_ms;
	/* A file that states to be older is CSN_E_EXPIRED; 0: any age. */
	uint64_t max_age_ms;
	/* The file's key where the caller has it; then identity may be NULL. */
	const uint8_t *data_key;
};

/*
 * What both readers below check, in this order: form (CSN_E_FORM,
 * CSN_E_VERSION), its time (CSN_E_EXPIRED: too old for max_age_ms, behind
 * at_ms, or more than a day ahead of the clock), signer (CSN_E_SIGNER: not in
 * trust for CSN_PURPOSE_SEALER, nor the identity itself), signature
 * (CSN_E_ALGORITHM, CSN_E_POLICY for one made for another purpose,
 * CSN_E_SIGNATURE), recipient (CSN_E_POLICY for a file with others than its
 * sealer that is signed over its tags, CSN_E_NOT_FOUND where there is no entry
 * for the identity), the wrapped key and the commitment (CSN_E_TAG).
 * identity and trust outlive the reader; options may be NULL.
 *
 * The signer's document and entry count as of the time that the signed front
 * states, so that a file outlives them: that time is the sealer's own word,
 * and who has a stolen key can date back. So a withdrawn entry refuses
 * whatever time a file states, and options bound it.
 */
struct csn_opener;	/* reads one as it comes; one thread at a time */

/**
 * Open what is fed from its beginning. Plaintext is passed to write only
 * behind verified tags, and csn_opener_final returns 0 only where the whole
 * file was there and both signatures held. Until then what was written is
 * provisional: a program that acts on it waits for final. The last segment is
 * written by csn_opener_final alone, so what fits in one is never provisional.
 *
 * After what is above: each segment (CSN_E_TAG), the foot (CSN_E_SIGNER,
 * CSN_E_SIGNATURE). CSN_E_FORM from csn_opener_final for a file that was cut.
 * After an error each later call gives the same one.
 */
CSN_API CSN_MUST_CHECK int csn_opener_new(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const struct csn_opener_options *options, struct csn_opener **out);
CSN_API CSN_MUST_CHECK int csn_opener_update(struct csn_opener *opener,
    const uint8_t *in, size_t len, int (*write)(void *arg, const uint8_t *p,
    size_t len), void *arg);
CSN_API CSN_MUST_CHECK int csn_opener_final(struct csn_opener *opener,
    int (*write)(void *arg, const uint8_t *p, size_t len), void *arg);
/** The verified signer's DID, once the front was read; else NULL. */
CSN_API const char *csn_opener_signer(const struct csn_opener *opener);
/** When it was sealed, by the signer's word, Unix ms; 0 as above. */
CSN_API uint64_t csn_opener_created_ms(const struct csn_opener *opener);
/** As the signer gave it, "" for none; NULL before the front was read. */
CSN_API const char *csn_opener_content_type(const struct csn_opener *opener);
/** After final. CSN_E_ARG before. */
CSN_API CSN_MUST_CHECK int csn_opener_facts(const struct csn_opener *opener,
    struct csn_sealed_facts *facts);
CSN_API void csn_opener_free(struct csn_opener *opener);

/*
 * Reads any part of one that is at hand, front and foot first: nothing that it
 * gives out is provisional. Any number of threads may read at once.
 */
struct csn_sealed;

/**
 * source is read with CSN_IO_ANYWHERE and outlives the reader. After what is
 * above the foot (CSN_E_SIGNER, CSN_E_SIGNATURE), and that all is there that
 * it speaks of (CSN_E_FORM). Memory is 32 bytes a segment.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_new(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const struct csn_opener_options *options,
    const struct csn_sealed_io *source, struct csn_sealed **out);
/** The signer's DID, and the content type ("" for none). */
CSN_API const char *csn_sealed_signer(const struct csn_sealed *sealed);
CSN_API const char *csn_sealed_content_type(const struct csn_sealed *sealed);
CSN_API CSN_MUST_CHECK int csn_sealed_facts(const struct csn_sealed *sealed,
    struct csn_sealed_facts *facts);
/**
 * len bytes of the plaintext from offset on, or what there is of them: *got.
 * Only the segments that hold them are read, each whole, and checked against
 * the root before AES runs (CSN_E_SIGNATURE) and by its tag (CSN_E_TAG). out
 * is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_read(struct csn_sealed *sealed,
    uint64_t offset, uint8_t *out, size_t len, size_t *got);
/**
 * All of the plaintext from segment `first` on into the sink, whose offsets
 * are those of the plaintext, on all threads of the pool (may be NULL).
 */
CSN_API CSN_MUST_CHECK int csn_sealed_run(struct csn_sealed *sealed,
    struct csn_pool *pool, uint64_t first, const struct csn_sealed_io *sink);
/**
 * To go on with an output that was not finished: which segment csn_sealed_run()
 * begins with. have is its beginning; its last whole segment is opened again
 * and compared. CSN_E_DRIFT where it is another's.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_resume(struct csn_sealed *sealed,
    const struct csn_sealed_io *have, uint64_t *first);
/**
 * Open everything, and compare the content hash to the plaintext:
 * CSN_E_DRIFT. Where there is none, segments and root alone are checked.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_verify(struct csn_sealed *sealed,
    struct csn_pool *pool);
CSN_API void csn_sealed_free(struct csn_sealed *sealed);

/* --- in memory ---------------------------------------------------------- */

/**
 * Seal and open bytes in memory: *out (csn_wipe, then csn_free, where it is
 * plaintext) appears only where everything held. content_type, where not
 * NULL, is what csn_sealed_open insists on (CSN_E_POLICY).
 */
CSN_API CSN_MUST_CHECK int csn_sealed_make(struct csn_ctx *ctx,
    const struct csn_identity *signer,
    const struct csn_document *const *recipients, size_t nrecipients,
    const char *content_type, const uint8_t *in, size_t len, uint8_t **out,
    size_t *out_len);
CSN_API CSN_MUST_CHECK int csn_sealed_open(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const char *content_type, const uint8_t *in, size_t len, uint8_t **out,
    size_t *out_len);

/**
 * What a sealed file's front says, unverified, as JSON; csn_free. p holds
 * the file's beginning at least.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_inspect(struct csn_ctx *ctx,
    const uint8_t *p, size_t len, char **json);

#ifdef __cplusplus
}
#endif

#endif
