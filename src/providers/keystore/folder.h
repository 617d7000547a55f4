/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/keystore/folder.h - keys in a folder, under one master key.
 *
 * The file `keystore` holds the random master key under what the backend
 * has: a passphrase, a TPM. The master key wraps each key-encryption key in a
 * file of its own, so that another secret means one file written anew. While
 * the keystore is unlocked the master key rests in memory masked; the others
 * are read when they are used.
 */
#ifndef CSN_PROVIDERS_KEYSTORE_FOLDER_H
#define CSN_PROVIDERS_KEYSTORE_FOLDER_H

#include <pthread.h>

#include "base/cursor.h"
#include "providers/keystore/provider.h"

#define CSN_KSF_HEAD_MAX 1024	/* the file `keystore` */

struct csn_folder;

/* How the file `keystore` holds the master key. */
struct csn_folder_how {
	/*
	 * The file's bytes that hold master for whom secret is. *len is the
	 * cap on entry. CSN_E_PASSPHRASE where a secret is missing.
	 */
	int (*make)(struct csn_folder *f, const uint8_t master[CSN_KEY_SIZE],
	    const void *secret, size_t secret_len, uint8_t *out, size_t *len);
	/* The master key of such bytes. */
	int (*open)(struct csn_folder *f, const uint8_t *p, size_t len,
	    const void *secret, size_t secret_len,
	    uint8_t master[CSN_KEY_SIZE]);
	/* May be NULL: 1 where such bytes open without a secret. */
	int (*alone)(const uint8_t *p, size_t len);
	/* May be NULL: free f->own. */
	void (*close)(struct csn_folder *f);
};

struct csn_folder {
	struct csn_ctx *ctx;
	char *path;
	pthread_mutex_t lock;
	struct csn_forkguard guard;
	struct csn_key master;		/* id 0: locked */
	const struct csn_folder_how *how;
	void *own;			/* the backend's */
};

/*
 * A keystore in the folder, which is made where there is none. own is the
 * backend's from here on, whatever is returned.
 */
CSN_MUST_CHECK int csn_folder_open(struct csn_ctx *ctx, const char *path,
    const struct csn_folder_how *how, void *own, const void *secret,
    size_t secret_len, void **state);
int csn_folder_fail_form(struct csn_folder *f, int rc, const char *name);
/* The bytes of `keystore`; csn_free. */
CSN_MUST_CHECK int csn_folder_head(struct csn_folder *f, uint8_t **p,
    size_t *len);
/* A copy of the master key at rest, or CSN_E_LOCKED. */
CSN_MUST_CHECK int csn_folder_master(struct csn_folder *f,
    struct csn_key *out);

/* Functions of the vtable; their state is a struct csn_folder. */
int csn_folder_create(void *state, const char *key_name);
int csn_folder_remove(void *state, const char *key_name);
int csn_folder_wrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t key[CSN_KEY_SIZE], uint8_t *out,
    size_t *out_len);
int csn_folder_unwrap(void *state, const char *key_name, const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE]);
int csn_folder_list(void *state, int (*visit)(void *arg, const char *name),
    void *arg);
int csn_folder_lock(void *state);
int csn_folder_unlock(void *state, const void *secret, size_t len);
void csn_folder_close(void *state);
int csn_folder_change(void *state, const void *old, size_t old_len,
    const void *next, size_t next_len);

/* --- the bytes of its files --- */

/* The last byte of a magic is the version. 0, CSN_E_FORM, CSN_E_VERSION. */
int csn_ksf_magic(struct csn_reader *r, const uint8_t magic[8]);

#define CSN_KSF_KEY_MAX (8 + 2 + CSN_KEYSTORE_MAX_NAME + CSN_KS_WRAP_SIZE)
/* A key's file: magic, its name, its wrap under the master key. */
size_t csn_ksf_key_write(const char *name,
    const uint8_t wrap[CSN_KS_WRAP_SIZE], uint8_t out[CSN_KSF_KEY_MAX]);
int csn_ksf_key_read(const uint8_t *p, size_t len, const char *name,
    uint8_t wrap[CSN_KS_WRAP_SIZE]);	/* 0, CSN_E_FORM, CSN_E_VERSION */

/*
 * The name of a key's file: letters, digits, '-' and '_' as they are, other
 * bytes as %XX, ".key" behind. Reading gives 0, or -1 for other files.
 */
#define CSN_KSF_FILE_NAME (3 * CSN_KEYSTORE_MAX_NAME + 5)
void csn_ksf_name_write(const char *name, char out[CSN_KSF_FILE_NAME]);
int csn_ksf_name_read(const char *file,
    char name[CSN_KEYSTORE_MAX_NAME + 1]);

#endif
