/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/keystore.h - where keys are kept: the contract of a keystore. */
#ifndef CAISSON_KEYSTORE_H
#define CAISSON_KEYSTORE_H

#include <caisson/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A keystore holds key-encryption keys by name and wraps 32-byte data keys
 * under them; the key-encryption key itself never leaves it. Providers sit
 * behind struct csn_keystore_provider, are registered by name, and are
 * opened by URL. Objects are safe from many threads.
 *
 * "memory:" is gone with the process. "file:/path/of/folder" keeps one file
 * a key under a passphrase (Argon2id, RFC 9106: 64 MiB, 3 passes, 4 lanes);
 * where the folder holds no keystore yet, opening makes one and needs the
 * passphrase; where it does, opening without one gives a locked keystore.
 * Removing a key overwrites its file first, which no copy of it and no
 * medium that writes elsewhere takes notice of.
 *
 * "tpm:TCTI?folder=/path" is such a folder whose keys only this machine's TPM
 * 2.0 opens. TCTI is tpm2-tss's: "device:/dev/tpmrm0", "tabrmd:",
 * "swtpm:path=/run/tpm.sock"; empty: /dev/tpmrm0, else tabrmd. Options, which
 * count when the keystore is made and are kept in it:
 *
 *	pcr=sha256:0,7	only while these registers are as they are now
 *	auth=1		a secret is needed: CSN_E_PASSPHRASE where none is given
 *	strong=1	the secret, of 16 bytes or more, cannot be guessed: the
 *			TPM counts no wrong tries and locks nobody out
 *
 * A secret that is given when it is made becomes its authorisation value;
 * without one it opens by itself on this machine. CSN_E_POLICY: the registers
 * are others. CSN_E_LOCKED: too many wrong secrets, the message says for how
 * long. CSN_E_TAG: another TPM's, or changed. CSN_E_IO: the device may not be
 * opened. CSN_E_BUSY: its slots are taken. CSN_E_BACKEND: it is not there, or
 * is gone; the next call begins anew.
 */
#define CSN_KEYSTORE_ABI 2
#define CSN_KEYSTORE_MAX_WRAP 1024
#define CSN_KEYSTORE_MAX_NAME 64	/* bytes of UTF-8 */

struct csn_keystore;

struct csn_keystore_provider {
	uint32_t abi;		/* CSN_KEYSTORE_ABI */
	uint32_t reserved;
	const char *name;	/* the URL's scheme */
	/*
	 * Open what the URL's rest names. secret unlocks it (a passphrase, a
	 * PIN; may be NULL). 0, CSN_E_PASSPHRASE, CSN_E_BACKEND, …
	 */
	int (*open)(struct csn_ctx *ctx, const char *rest, const void *secret,
	    size_t secret_len, void **state);
	/* Make a key-encryption key. CSN_E_EXISTS. */
	int (*create)(void *state, const char *key_name);
	/* 0 or CSN_E_NOT_FOUND; a removed key's wraps are gone for good. */
	int (*remove)(void *state, const char *key_name);
	/* Wrap key with aad bound; *out_len is the cap on entry. */
	int (*wrap)(void *state, const char *key_name, const uint8_t *aad,
	    size_t aad_len, const uint8_t key[CSN_KEY_SIZE], uint8_t *out,
	    size_t *out_len);
	/*
	 * CSN_E_TAG where the bytes or aad are not what was wrapped,
	 * CSN_E_FORM where they are no wrap at all; key is zero then.
	 */
	int (*unwrap)(void *state, const char *key_name, const uint8_t *aad,
	    size_t aad_len, const uint8_t *in, size_t len,
	    uint8_t key[CSN_KEY_SIZE]);
	/* Visit names; a non-zero return stops and is returned. */
	int (*list)(void *state, int (*visit)(void *arg, const char *name),
	    void *arg);
	/* Wipe what is in memory: calls give CSN_E_LOCKED until unlock. */
	int (*lock)(void *state);
	int (*unlock)(void *state, const void *secret, size_t secret_len);
	void (*close)(void *state);

	/* Optional: another secret from now on. CSN_E_PASSPHRASE. */
	int (*change_secret)(void *state, const void *old, size_t old_len,
	    const void *next, size_t next_len);
	/* Optional: as open, for a URL that names no place of its own. */
	int (*open_in)(struct csn_ctx *ctx, const char *rest,
	    const char *folder, const void *secret, size_t secret_len,
	    void **state);
	/* Optional, both or none: a counter that only goes up. */
	int (*generation)(void *state, uint64_t *out);
	int (*advance)(void *state, uint64_t generation);
};

/** CSN_E_ARG (another abi, a NULL function), CSN_E_EXISTS, CSN_E_LIMIT. */
CSN_API CSN_MUST_CHECK int csn_keystore_register(
    const struct csn_keystore_provider *provider);

/** CSN_E_UNKNOWN_BACKEND names the schemes that there are. */
CSN_API CSN_MUST_CHECK int csn_keystore_open(struct csn_ctx *ctx,
    const char *url, const void *secret, size_t secret_len,
    struct csn_keystore **out);
/**
 * The same with a folder for its files, where the URL names none: "file:" and
 * "tpm:" are enough then. Providers without files take no notice of it.
 */
CSN_API CSN_MUST_CHECK int csn_keystore_open_in(struct csn_ctx *ctx,
    const char *url, const char *folder, const void *secret,
    size_t secret_len, struct csn_keystore **out);
/** key_name: 1 to CSN_KEYSTORE_MAX_NAME bytes of UTF-8, no controls. */
CSN_API CSN_MUST_CHECK int csn_keystore_create(struct csn_keystore *ks,
    const char *key_name);
CSN_API CSN_MUST_CHECK int csn_keystore_remove(struct csn_keystore *ks,
    const char *key_name);
/** *out_len: the cap on entry, the length on return (CSN_E_BUFFER too). */
CSN_API CSN_MUST_CHECK int csn_keystore_wrap(struct csn_keystore *ks,
    const char *key_name, const uint8_t *aad, size_t aad_len,
    const uint8_t key[CSN_KEY_SIZE], uint8_t *out, size_t *out_len);
CSN_API CSN_MUST_CHECK int csn_keystore_unwrap(struct csn_keystore *ks,
    const char *key_name, const uint8_t *aad, size_t aad_len,
    const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE]);
CSN_API CSN_MUST_CHECK int csn_keystore_each(struct csn_keystore *ks,
    int (*visit)(void *arg, const char *name), void *arg);
CSN_API CSN_MUST_CHECK int csn_keystore_lock(struct csn_keystore *ks);
CSN_API CSN_MUST_CHECK int csn_keystore_unlock(struct csn_keystore *ks,
    const void *secret, size_t secret_len);
/**
 * Have the keystore unlocked by another secret from now on; locked or not,
 * it stays as it is. CSN_E_PASSPHRASE where old is wrong, CSN_E_BACKEND
 * where the provider cannot.
 */
CSN_API CSN_MUST_CHECK int csn_keystore_change_secret(
    struct csn_keystore *ks, const void *old, size_t old_len,
    const void *next, size_t next_len);
/**
 * A counter of the keystore's that nobody sets back, for what is kept outside
 * of it: an index holds a generation. To change it, write it with the
 * counter's value + 1 first, then advance to that. After a crash, or at
 * opening, advance to the generation found: it counts up where the index is
 * one ahead, and does nothing where they are equal.
 *
 * CSN_E_REPLAY: the index is older than the counter, an old copy was put back.
 * CSN_E_DRIFT: it is more than one ahead, the counter is another one.
 * CSN_E_BACKEND: the provider has no counter. CSN_E_LOCKED.
 */
CSN_API CSN_MUST_CHECK int csn_keystore_generation(struct csn_keystore *ks,
    uint64_t *out);
CSN_API CSN_MUST_CHECK int csn_keystore_advance(struct csn_keystore *ks,
    uint64_t generation);
/** NULL is fine. */
CSN_API void csn_keystore_close(struct csn_keystore *ks);

#ifdef __cplusplus
}
#endif

#endif
