/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/aead.h - the contract of an AES-256-GCM engine. */
#ifndef CAISSON_AEAD_H
#define CAISSON_AEAD_H

#include <caisson/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An engine turns an AES-256 key into a state (the expanded key) and seals
 * and opens messages with it. The pool of lanes keeps a bounded number of
 * states and rekeys them; a state is used by one thread at a time. Nothing is
 * fetched or allocated for a message.
 *
 * A message is gathered from up to two inputs (K and V of an entry) into one
 * run of ciphertext, and scattered the same way. Every engine gives the same
 * bytes: the suite in tests/crypto runs over each of them beside OpenSSL.
 *
 * OpenSSL's GCM reads ciphertext twice on some processors, once for the tag
 * and once for the plaintext, and when it seals it reads back what it wrote.
 * Whoever writes to it in between has a wrong plaintext accepted, or a valid
 * tag made over what was never sealed. So all buffers are the caller's own
 * while a call runs, unless shared says that the sealed side is not.
 */
#define CSN_AEAD_ABI 2

struct csn_aead_part {
	const uint8_t *in;
	uint8_t *out;		/* may be in; otherwise they do not overlap */
	size_t len;
};

struct csn_aead_msg {
	uint8_t nonce[CSN_NONCE_SIZE];
	const uint8_t *aad;
	size_t aad_len;
	const struct csn_aead_part *parts;
	size_t nparts;		/* 0, 1 or 2 */
	uint8_t *tag;		/* CSN_TAG_SIZE: seal writes, open reads */
	/*
	 * 1: somebody else may write to the parts' sealed side (out when
	 * sealing, in when opening) meanwhile. The engine writes each byte
	 * of it once and reads none back, or reads each once. The tag is
	 * the caller's own in any case.
	 */
	int shared;
};

struct csn_aead_engine {
	uint32_t abi;		/* CSN_AEAD_ABI */
	uint32_t preference;	/* the highest available one is chosen */
	const char *name;
	/* 1 where this machine can run it. */
	int (*available)(void);
	/* A state without a key; NULL where memory or the library fails. */
	void *(*state_new)(struct csn_ctx *ctx);
	/* Overwrites the former key. 0 or CSN_E_CRYPTO. */
	int (*state_key)(void *state, const uint8_t key[CSN_KEY_SIZE]);
	/* 0 or CSN_E_CRYPTO; outputs are undefined on error. */
	int (*seal)(void *state, const struct csn_aead_msg *msg);
	/* 0, CSN_E_TAG or CSN_E_CRYPTO; the caller wipes outputs on error. */
	int (*open)(void *state, const struct csn_aead_msg *msg);
	/* Wipes and frees. */
	void (*state_free)(void *state);
};

/**
 * Register an engine for contexts made after this call. The structure stays
 * valid for the life of the process. 0, CSN_E_ARG for another abi,
 * CSN_E_EXISTS for a name that is taken, CSN_E_LIMIT.
 */
CSN_API CSN_MUST_CHECK int csn_aead_register(
    const struct csn_aead_engine *engine);

/** The engine that ctx chose; never NULL. */
CSN_API const char *csn_aead_engine_name(const struct csn_ctx *ctx);

#ifdef __cplusplus
}
#endif

#endif
