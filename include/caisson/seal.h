/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/seal.h - streams under a session, and sealed files. */
#ifndef CAISSON_SEAL_H
#define CAISSON_SEAL_H

#include <caisson/envelope.h>
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

/* --- sealed to identities --------------------------------------------- */

/*
 * Bytes that outlive sessions, sealed to the ML-KEM keys of recipients and
 * signed by the sealer: a random data key, wrapped for each recipient
 * (ML-KEM, HKDF, AES-256 key wrap, as RFC 9629 and RFC 9936 do it), a
 * commitment to the key, a header signed with ML-DSA over all of it, then
 * segments, then a second signature over a hash of all the bytes before it,
 * so that a recipient cannot pass on other bytes under the sealer's name.
 * One thread at a time.
 */
struct csn_sealer;	/* writes one sealed file */
struct csn_opener;	/* reads one */

struct csn_sealer_options {
	uint32_t size;
	uint32_t segment;	/* as in csn_stream_sealer_new */
	const struct csn_identity *signer;	/* needed; outlives it */
	/*
	 * Recipients: verified documents, at least 1, at most 64, none twice.
	 * They are for CSN_PURPOSE_RECIPIENT, or the signer's own.
	 */
	const struct csn_document *const *recipients;
	size_t nrecipients;
	const char *content_type; /* 0 to 128 bytes of UTF-8; may be NULL */
};

/**
 * Start sealing: the recipients' KEMs run here. CSN_E_ARG, CSN_E_POLICY (no
 * recipient by its document's purposes), CSN_E_EXPIRED (its document),
 * CSN_E_RANDOM, CSN_E_CRYPTO, CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_sealer_new(struct csn_ctx *ctx,
    const struct csn_sealer_options *options, struct csn_sealer **out);
/**
 * Feed plaintext; write is called with sealed bytes in order and returns 0 or
 * an error code, which is passed on. A file ends at 1 TiB: CSN_E_LIMIT. After
 * an error that is not CSN_E_ARG each later call gives the same one. In a
 * forked child CSN_E_FORK.
 */
CSN_API CSN_MUST_CHECK int csn_sealer_update(struct csn_sealer *sealer,
    const uint8_t *in, size_t len, int (*write)(void *arg, const uint8_t *p,
    size_t len), void *arg);
CSN_API CSN_MUST_CHECK int csn_sealer_final(struct csn_sealer *sealer,
    int (*write)(void *arg, const uint8_t *p, size_t len), void *arg);
CSN_API void csn_sealer_free(struct csn_sealer *sealer);

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
};

/**
 * Open with the identity's key; the signer must be in trust for
 * CSN_PURPOSE_SEALER, or be the identity itself. Both outlive the opener.
 * options may be NULL. The signer's document and entry count as of the time
 * that the signed header states, so that a file outlives them: that time is
 * the sealer's own word, and who has a stolen key can date back. So a
 * withdrawn entry refuses whatever time a file states, and options bound it.
 *
 * Plaintext is passed to write only behind verified tags, and
 * csn_opener_final returns 0 only where the whole file was there and both
 * signatures held. Until then what was written is provisional: a program that
 * acts on it waits for final. The last segment is written by csn_opener_final
 * alone, so what fits in one is never provisional.
 *
 * Checked in this order: form (CSN_E_FORM, CSN_E_VERSION), its time
 * (CSN_E_EXPIRED: too old for max_age_ms, behind at_ms, or more than a day
 * ahead of the clock), signer (CSN_E_SIGNER), signature (CSN_E_ALGORITHM,
 * CSN_E_POLICY for one made for another purpose, CSN_E_SIGNATURE), recipient
 * (CSN_E_NOT_FOUND where there is no entry for the identity), the wrapped key
 * and the commitment (CSN_E_TAG), each segment (CSN_E_TAG), the trailer
 * (CSN_E_SIGNER, CSN_E_SIGNATURE). CSN_E_FORM from csn_opener_final for a
 * file that was cut. After an error each later call gives the same one.
 */
CSN_API CSN_MUST_CHECK int csn_opener_new(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const struct csn_opener_options *options, struct csn_opener **out);
CSN_API CSN_MUST_CHECK int csn_opener_update(struct csn_opener *opener,
    const uint8_t *in, size_t len, int (*write)(void *arg, const uint8_t *p,
    size_t len), void *arg);
CSN_API CSN_MUST_CHECK int csn_opener_final(struct csn_opener *opener,
    int (*write)(void *arg, const uint8_t *p, size_t len), void *arg);
/** The verified signer's DID, once the header was read; else NULL. */
CSN_API const char *csn_opener_signer(const struct csn_opener *opener);
/** When it was sealed, by the signer's word, Unix ms; 0 as above. */
CSN_API uint64_t csn_opener_created_ms(const struct csn_opener *opener);
/** As the signer gave it, "" for none; NULL before the header was read. */
CSN_API const char *csn_opener_content_type(const struct csn_opener *opener);
CSN_API void csn_opener_free(struct csn_opener *opener);

/**
 * The same for bytes in memory: *out (csn_wipe, then csn_free, where it is
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
 * What a sealed file's header says, unverified, as JSON; csn_free. p holds
 * the file's beginning at least.
 */
CSN_API CSN_MUST_CHECK int csn_sealed_inspect(struct csn_ctx *ctx,
    const uint8_t *p, size_t len, char **json);

#ifdef __cplusplus
}
#endif

#endif
