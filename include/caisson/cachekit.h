/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/cachekit.h - CacheKit's entries: keys, sealing, frames. */
#ifndef CAISSON_CACHEKIT_H
#define CAISSON_CACHEKIT_H

#include <caisson/keystore.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- master keys ------------------------------------------------------ */

/*
 * A key ring: the current master key, which seals and opens, and up to three
 * former ones, which only open, in the order that they are tried. It is kept in
 * locked memory. Immutable; any number of threads.
 */
struct csn_cachekit_ring;

#define CSN_CACHEKIT_MASTER_MIN 32	/* bytes; 16 with the flag below */
#define CSN_CACHEKIT_MASTER_MAX 1024
#define CSN_CACHEKIT_MASTER_PREVIOUS_MAX 3

/* Also take keys of 16 to 31 bytes, as CacheKit's core library does. */
#define CSN_CACHEKIT_MASTER_SHORT_OK 1u

/**
 * From bytes. CSN_E_ARG (no current key, too short or long), CSN_E_LIMIT (more
 * than three former ones), CSN_E_POLICY (a key twice, which would hide an
 * unfinished rotation), CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_new(struct csn_ctx *ctx,
    const struct csn_bytes *current,
    const struct csn_bytes *previous, size_t nprevious,
    uint32_t flags, struct csn_cachekit_ring **out);
/**
 * From hex text: the current key, and the former ones separated by commas
 * (NULL or empty: none). White space around a key is ignored. what names the
 * source in sentences ("CACHEKIT_MASTER_KEY"); no sentence holds a digit of a
 * key. As csn_cachekit_ring_new, and CSN_E_FORM where it is not hex.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_hex(struct csn_ctx *ctx,
    const char *what, const char *current, const char *previous,
    uint32_t flags, struct csn_cachekit_ring **out);
/**
 * From the environment:
 *
 *   CAISSON_MASTER_KEY            the current key
 *   CACHEKIT_MASTER_KEY           the same, where the first is not set
 *   CACHEKIT_PREVIOUS_MASTER_KEYS up to 3 former keys, separated by commas
 *   CACHEKIT_MASTER_KEY_ROTATION  the older way to rotate: this one becomes
 *                                 the current key, and CACHEKIT_MASTER_KEY
 *                                 goes on opening, before the former ones
 *
 * CSN_E_NOT_FOUND where no key is set, CSN_E_POLICY where CAISSON_MASTER_KEY
 * and CACHEKIT_MASTER_KEY differ, and the errors of csn_cachekit_ring_hex. Not
 * safe beside setenv in another thread.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_env(struct csn_ctx *ctx,
    uint32_t flags, struct csn_cachekit_ring **out);
/**
 * From a file of hex keys, one a line: the current one, then the former ones;
 * empty lines and lines that begin with # are ignored. CSN_E_POLICY where
 * others than its owner can read it, CSN_E_NOT_FOUND, CSN_E_IO, and the errors
 * of csn_cachekit_ring_hex.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_file(struct csn_ctx *ctx,
    const char *path, uint32_t flags, struct csn_cachekit_ring **out);
/**
 * From a keystore: each of the n wrapped keys (the current one first) was made
 * by csn_cachekit_ring_wrap under the same name. The errors of
 * csn_keystore_unwrap and csn_cachekit_ring_new.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_keystore(struct csn_ctx *ctx,
    struct csn_keystore *ks, const char *key_name,
    const struct csn_bytes *wrapped, size_t n,
    struct csn_cachekit_ring **out);
/** A fresh random master key, wrapped; as csn_keystore_wrap. */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_wrap(struct csn_ctx *ctx,
    struct csn_keystore *ks, const char *key_name, uint8_t *out,
    size_t *out_len);
/** Keys: 1 and the former ones. */
CSN_API size_t csn_cachekit_ring_count(const struct csn_cachekit_ring *keys);
/** 32 hex digits and a NUL that name a key of the ring and hide it. */
CSN_API CSN_MUST_CHECK int csn_cachekit_ring_fingerprint(
    const struct csn_cachekit_ring *keys, size_t index, char out[33]);
CSN_API void csn_cachekit_ring_free(struct csn_cachekit_ring *keys);

/* --- sealing ---------------------------------------------------------- */

/*
 * A kit seals and opens CacheKit's entries under a ring of master keys. Each
 * tenant has keys of its own (HKDF-SHA256), derived when the tenant is first
 * seen and kept in a bounded table; no derivation and no allocation is made
 * for a message after that. Nothing in the format tells an older value of a
 * key from the newest: a backend can put an old one back. The native mode
 * (<caisson/cache_native.h>) refuses that.
 *
 * Any number of threads. A forked child gets CSN_E_FORK until it calls
 * csn_cachekit_after_fork, with no other thread in the kit.
 */
struct csn_cachekit;

#define CSN_CACHEKIT_TENANT_MAX 1024	/* bytes, 1 at least */
#define CSN_CACHEKIT_KEY_MAX 4096	/* bytes of a cache key, 1 at least */
#define CSN_CACHEKIT_OVERHEAD 28	/* nonce and tag */
#define CSN_CACHEKIT_VALUE_MAX (512u << 20)
/* Bytes to seal: a value that did not compress, in its container. */
#define CSN_CACHEKIT_SEAL_MAX (CSN_CACHEKIT_VALUE_MAX + (4u << 20))

struct csn_cachekit_options {
	uint32_t size;
	uint32_t tenants;	/* kept at a time; 0 for 1,024 */
};

/** keys may be freed after it. options may be NULL. */
CSN_API CSN_MUST_CHECK int csn_cachekit_new(struct csn_ctx *ctx,
    const struct csn_cachekit_ring *keys,
    const struct csn_cachekit_options *options, struct csn_cachekit **out);
/** In a forked child: take a nonce prefix of its own. CSN_E_RANDOM. */
CSN_API CSN_MUST_CHECK int csn_cachekit_after_fork(struct csn_cachekit *kit);
CSN_API void csn_cachekit_free(struct csn_cachekit *kit);	/* wipes */

/* What the sealed bytes are bound to: AAD version 3. */
struct csn_cachekit_bind {
	const char *tenant;	/* 1 to CSN_CACHEKIT_TENANT_MAX bytes */
	size_t tenant_len;
	const char *key;	/* the key as the backend has it */
	size_t key_len;
	const char *format;	/* "msgpack", "orjson", "arrow": to 32 bytes */
	int compressed;
	const char *type;	/* "original type"; NULL or empty: not set */
};

/**
 * Seal len bytes into out: nonce, ciphertext, tag; len + CSN_CACHEKIT_OVERHEAD
 * bytes. in may be out + 12. CSN_E_ARG, CSN_E_FORK, CSN_E_LIMIT (2^32 messages
 * or 1 TiB under one tenant's key: rotate), CSN_E_RANDOM, CSN_E_NOMEM,
 * CSN_E_CRYPTO; out is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_seal(struct csn_cachekit *kit,
    const struct csn_cachekit_bind *bind, const uint8_t *in, size_t len,
    uint8_t *out);
/**
 * Open what a kit with one of these keys sealed: len - CSN_CACHEKIT_OVERHEAD
 * bytes into out, which does not overlap in. fingerprint (16 bytes) may name
 * the key: then that one alone is tried; NULL, or one that is nobody's: all,
 * in order, as the format demands. *which, where given, is the key's index: 0
 * for the current one. CSN_E_FORM (too short), CSN_E_TAG, CSN_E_ARG,
 * CSN_E_FORK, CSN_E_NOMEM, CSN_E_CRYPTO; out is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_open(struct csn_cachekit *kit,
    const struct csn_cachekit_bind *bind, const uint8_t fingerprint[16],
    const uint8_t *in, size_t len, uint8_t *out, size_t *which);
/** The fingerprint of a tenant's encryption key, of a key of the ring. */
CSN_API CSN_MUST_CHECK int csn_cachekit_fingerprint(struct csn_cachekit *kit,
    const char *tenant, size_t tenant_len, size_t index, uint8_t out[16]);

/* --- whole entries ---------------------------------------------------- */

/*
 * An entry as the SDKs store it. In auto mode: the frame "CK" 3 with a JSON
 * header, around the value in the serializer's container (MessagePack: LZ4
 * and a checksum; JSON and Arrow: a checksum before it), sealed or not. In
 * interop mode: MessagePack, sealed or not, and nothing around it.
 */
enum csn_cachekit_shape {
	CSN_CACHEKIT_AUTO_MSGPACK = 1,	/* "default": the SDK's own default */
	CSN_CACHEKIT_AUTO_ORJSON = 2,	/* "orjson": JSON text */
	CSN_CACHEKIT_AUTO_ARROW = 3,	/* "arrow": Arrow IPC bytes */
	CSN_CACHEKIT_INTEROP = 4
};
/* Auto mode: without checksum and compression (":0s" keys). Arrow always has
 * its checksum. */
#define CSN_CACHEKIT_NO_INTEGRITY 1u
/* Arrow: the IPC's bodies are compressed, which is bound too; the Python SDK's
 * default. */
#define CSN_CACHEKIT_COMPRESSED 2u

struct csn_cachekit_entry {
	uint32_t size;
	uint32_t shape;		/* enum csn_cachekit_shape */
	uint32_t flags;		/* CSN_CACHEKIT_* */
	const char *tenant;	/* NULL: "default" */
	size_t tenant_len;
	const char *key;	/* the key as the backend has it */
	size_t key_len;
};

/*
 * Bytes that a call fills and the next one reuses, so that a thread which
 * keeps one allocates nothing. Zeroed at first; p and len are the result.
 * What it held stays in it until it is freed.
 */
struct csn_cache_buffer {
	uint8_t *p;
	size_t len;
	size_t cap;
	uint8_t *spare;		/* the library's own */
	size_t spare_cap;
};

CSN_API void csn_cache_buffer_free(struct csn_cache_buffer *buffer);
				/* wipes; zeroed again */

/**
 * Make an entry of a value. kit NULL makes a plain one, which must be meant.
 * The value is what the serializer made: MessagePack, JSON or Arrow IPC; it is
 * checked for interop mode alone (one document of the data model; CSN_E_FORM).
 * CSN_E_LIMIT (more than 512 MiB), and the errors of csn_cachekit_seal.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_pack(struct csn_ctx *ctx,
    struct csn_cachekit *kit, const struct csn_cachekit_entry *entry,
    const uint8_t *value, size_t len, struct csn_cache_buffer *out);
/**
 * The value of an entry. With a kit the entry must be sealed (CSN_E_POLICY
 * where it says that it is not), for the tenant asked for (CSN_E_TENANT) and
 * this key; the serializer must be the one asked for (CSN_E_FORM). *which as
 * csn_cachekit_open. Both frames and both encodings of the container are
 * read. CSN_E_FORM for what is no entry or has a wrong checksum, CSN_E_LIMIT
 * for what would unpack to more than the protocol's limits, CSN_E_TAG.
 * On error *out holds nothing.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_unpack(struct csn_ctx *ctx,
    struct csn_cachekit *kit, const struct csn_cachekit_entry *entry,
    const uint8_t *stored, size_t len, struct csn_cache_buffer *out,
    size_t *which);
/**
 * The same entry under the current key and a fresh nonce, its container
 * untouched and unread. *which says which key it was under. Where entry names
 * no tenant it is "default". The errors of _unpack and _seal.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_reseal(struct csn_ctx *ctx,
    struct csn_cachekit *kit, const struct csn_cachekit_entry *entry,
    const uint8_t *stored, size_t len, struct csn_cache_buffer *out,
    size_t *which);
/** 1 where the bytes are an auto-mode entry (new or old frame). */
CSN_API int csn_cachekit_is_frame(const uint8_t *stored, size_t len);
/**
 * What a stored entry says of itself, unverified, as JSON; csn_free. It needs
 * no key and shows none of the value. CSN_E_FORM for a broken frame.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_inspect(struct csn_ctx *ctx,
    const uint8_t *stored, size_t len, char **json);

#ifdef __cplusplus
}
#endif

#endif
