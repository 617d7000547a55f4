/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/identity.h - who signs and who is trusted for what. */
#ifndef CAISSON_IDENTITY_H
#define CAISSON_IDENTITY_H

#include <caisson/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An identity is an ML-DSA key pair, an ML-KEM key pair that a document
 * signed by the ML-DSA key binds to it, a name and capabilities. Its DID is
 * computed from the ML-DSA public key and from nothing else. Immutable and
 * shareable between threads.
 */
struct csn_identity;

/* What a key may be trusted for: a set. */
enum csn_purpose {
	CSN_PURPOSE_TENANT = 1 << 0,	/* offers sessions as a tenant */
	CSN_PURPOSE_SERVER = 1 << 1,	/* accepts sessions */
	CSN_PURPOSE_ACTION = 1 << 2,	/* issues action credentials */
	CSN_PURPOSE_AUDIT = 1 << 3,	/* signs audit checkpoints */
	CSN_PURPOSE_RECIPIENT = 1 << 4,	/* files are sealed to it */
	CSN_PURPOSE_SEALER = 1 << 5,	/* signs sealed files */
	CSN_PURPOSE_REPORT = 1 << 6,	/* signs attestation reports */
	CSN_PURPOSE_MODULE = 1 << 7,	/* signs driver modules */
	CSN_PURPOSE_ARTIFACT = 1 << 8,	/* signs model artifacts */
	CSN_PURPOSE_ALL = (1 << 9) - 1
};

/** "tenant,server" to a set. CSN_E_ARG names the word it does not know. */
CSN_API CSN_MUST_CHECK int csn_purposes_parse(struct csn_ctx *ctx,
    const char *text, uint32_t *purposes);
/** A set to "tenant,server"; csn_free. */
CSN_API CSN_MUST_CHECK int csn_purposes_format(struct csn_ctx *ctx,
    uint32_t purposes, char **text);

#define CSN_DID_SIZE 4096	/* enough for any did:key here, with its NUL */
#define CSN_ALIAS_SIZE 75	/* did:pqaid:, 64 hex digits and a NUL */

/**
 * did:key of an ML-DSA key (registered multicodec, base58btc). It holds the
 * whole public key: 1,804, 2,678 or 3,552 characters; cap of CSN_DID_SIZE is
 * always enough. Computing it costs far more than the alias: keep it.
 * CSN_E_BUFFER, CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_did_key(struct csn_ctx *ctx,
    const struct csn_sign_key *key, char *out, size_t cap);
/** did:pqaid:<hex SHA3-256 of the public key>, the short alias. */
CSN_API CSN_MUST_CHECK int csn_did_alias(struct csn_ctx *ctx,
    const struct csn_sign_key *key, char *out, size_t cap);
/** 1 where did (either form) is the key's, computed from the key; else 0. */
CSN_API int csn_did_matches(struct csn_ctx *ctx, const char *did,
    const struct csn_sign_key *key);
/**
 * The public key inside a did:key. CSN_E_FORM where it is none (the alias
 * holds no key); CSN_E_ALGORITHM where it is not one of ML-DSA.
 */
CSN_API CSN_MUST_CHECK int csn_did_to_key(struct csn_ctx *ctx,
    const char *did, struct csn_sign_key **out);

/** SPKI PEM of the public half, as `openssl pkey -pubin` reads; csn_free. */
CSN_API CSN_MUST_CHECK int csn_sign_public_pem(struct csn_ctx *ctx,
    const struct csn_sign_key *key, char **pem);
CSN_API CSN_MUST_CHECK int csn_kem_public_pem(struct csn_ctx *ctx,
    const struct csn_kem_key *key, char **pem);
/** An ML-DSA public key from SPKI PEM. CSN_E_FORM, CSN_E_ALGORITHM. */
CSN_API CSN_MUST_CHECK int csn_sign_from_public_pem(struct csn_ctx *ctx,
    const char *pem, size_t len, struct csn_sign_key **out);

struct csn_identity_options {
	uint32_t size;
	uint32_t sign;		/* enum csn_sign; 0 for ML-DSA-65 */
	uint32_t kem;		/* enum csn_kem; 0 for ML-KEM-768 */
	uint32_t purposes;	/* 0 for CSN_PURPOSE_ALL */
	const char *name;	/* 1 to 128 bytes of UTF-8 */
	/*
	 * At most 64 words of 1 to 64 letters, digits and "._:/-", with
	 * commas (no spaces) between; NULL or "" for none.
	 */
	const char *capabilities;
	uint64_t lifetime_ms;	/* of the document; 0 for 400 days */
};

/** Fresh keys and their document. CSN_E_ARG, CSN_E_RANDOM, CSN_E_CRYPTO. */
CSN_API CSN_MUST_CHECK int csn_identity_new(struct csn_ctx *ctx,
    const struct csn_identity_options *options, struct csn_identity **out);
/**
 * The same around key pairs that exist: PKCS#8 PEM of an ML-DSA key, and of
 * an ML-KEM key or NULL for a fresh one. options' sign, and kem where a PEM
 * is given, are 0 or what the PEM holds (CSN_E_ALGORITHM). CSN_E_FORM,
 * CSN_E_PASSPHRASE.
 */
CSN_API CSN_MUST_CHECK int csn_identity_import(struct csn_ctx *ctx,
    const struct csn_identity_options *options, const char *sign_pem,
    size_t sign_len, const char *kem_pem, size_t kem_len, const char *pass,
    size_t pass_len, struct csn_identity **out);
CSN_API const char *csn_identity_name(const struct csn_identity *id);
CSN_API const char *csn_identity_did(const struct csn_identity *id);
CSN_API const char *csn_identity_alias(const struct csn_identity *id);
CSN_API const char *csn_identity_capabilities(const struct csn_identity *id);
CSN_API uint32_t csn_identity_purposes(const struct csn_identity *id);
CSN_API uint64_t csn_identity_created_ms(const struct csn_identity *id);
/** Of its document; whole seconds, as all times in documents are. */
CSN_API uint64_t csn_identity_expires_ms(const struct csn_identity *id);
/** The identity's own keys, valid as long as it is. */
CSN_API const struct csn_sign_key *csn_identity_sign_key(
    const struct csn_identity *id);
CSN_API const struct csn_kem_key *csn_identity_kem_key(
    const struct csn_identity *id);
/** The signed document (COSE_Sign1), the identity's own bytes. */
CSN_API const uint8_t *csn_identity_document(const struct csn_identity *id,
    size_t *len);
/** Public description without secrets, JSON; csn_free. */
CSN_API CSN_MUST_CHECK int csn_identity_json(struct csn_ctx *ctx,
    const struct csn_identity *id, char **json);
/**
 * Save to / load from a folder of its own: sign.pem, kem.pem (PKCS#8, mode
 * 0600, encrypted where a passphrase is given) and identity.cose. The folder
 * is made with mode 0700 where it is not there. Saving is atomic file by
 * file; CSN_E_EXISTS where the folder holds an identity, CSN_E_BUSY where
 * somebody else saves one there just now, CSN_E_ALGORITHM for an X-Wing key,
 * which has no PKCS#8 form. Loading checks that the three
 * belong together (CSN_E_SIGNER) and refuses key files that others can read,
 * and whatever others can write (CSN_E_POLICY, csn_file_check()); one whose
 * document has expired still loads, so that it can be renewed.
 * CSN_E_PASSPHRASE, CSN_E_FORM, CSN_E_NOT_FOUND.
 */
CSN_API CSN_MUST_CHECK int csn_identity_save(struct csn_ctx *ctx,
    const struct csn_identity *id, const char *folder, const char *pass,
    size_t pass_len);
CSN_API CSN_MUST_CHECK int csn_identity_load(struct csn_ctx *ctx,
    const char *folder, const char *pass, size_t pass_len,
    struct csn_identity **out);
/**
 * Sign a new document for the identity in folder, which expires lifetime_ms
 * (0 for 400 days) from now, and put it in the former one's place. Keys,
 * name, capabilities, purposes and creation time stay.
 */
CSN_API CSN_MUST_CHECK int csn_identity_renew(struct csn_ctx *ctx,
    const char *folder, const char *pass, size_t pass_len,
    uint64_t lifetime_ms);
CSN_API void csn_identity_free(struct csn_identity *id);

/* A document of someone else's, verified: its ML-KEM key counts only here. */
struct csn_document;
/**
 * Verify a document under the ML-DSA key in it, whose DID it must name, and
 * check its expiry. That proves only who it says it is about: whether that
 * DID is trusted is the trust store's to say. CSN_E_FORM, CSN_E_VERSION,
 * CSN_E_ALGORITHM, CSN_E_POLICY (signed for another purpose), CSN_E_SIGNER
 * (DID and key differ), CSN_E_SIGNATURE, CSN_E_EXPIRED.
 */
CSN_API CSN_MUST_CHECK int csn_document_verify(struct csn_ctx *ctx,
    const uint8_t *doc, size_t len, struct csn_document **out);
/**
 * The same, but an expired document is no error: for showing it, never for
 * trusting it.
 */
CSN_API CSN_MUST_CHECK int csn_document_inspect(struct csn_ctx *ctx,
    const uint8_t *doc, size_t len, struct csn_document **out);
CSN_API const char *csn_document_did(const struct csn_document *doc);
CSN_API const char *csn_document_alias(const struct csn_document *doc);
CSN_API const char *csn_document_name(const struct csn_document *doc);
CSN_API const char *csn_document_capabilities(
    const struct csn_document *doc);
CSN_API uint32_t csn_document_purposes(const struct csn_document *doc);
CSN_API uint64_t csn_document_created_ms(const struct csn_document *doc);
CSN_API uint64_t csn_document_expires_ms(const struct csn_document *doc);
CSN_API const struct csn_sign_key *csn_document_sign_key(
    const struct csn_document *doc);
CSN_API const struct csn_kem_key *csn_document_kem_key(
    const struct csn_document *doc);
/** As csn_identity_json(); csn_free. */
CSN_API CSN_MUST_CHECK int csn_document_json(struct csn_ctx *ctx,
    const struct csn_document *doc, char **json);
CSN_API void csn_document_free(struct csn_document *doc);

/*
 * The trust store: DIDs with their public keys, each with a label, the
 * purposes it is trusted for and an expiry; a tenant's entry also says which
 * tenant id the key speaks for. An entry with a document is good for no more
 * than the document is: for the purposes that both name, until the earlier
 * expiry; only with a document has it an ML-KEM key. Safe from many threads.
 */
struct csn_trust;

struct csn_trust_entry {
	uint32_t size;
	uint32_t purposes;	/* one at least */
	const char *did;	/* did:key form */
	const char *label;	/* 0 to 128 bytes of UTF-8 */
	const char *tenant_id;	/* 1 to 64 bytes of UTF-8 where purposes has
				   CSN_PURPOSE_TENANT, otherwise NULL */
	uint64_t expires_ms;	/* Unix; 0 for never */
	const struct csn_sign_key *key;
	const struct csn_kem_key *kem;	/* from its document, or NULL */
	const uint8_t *document;	/* or NULL */
	size_t document_len;
	const char *alias;	/* did:pqaid form; csn_trust_add ignores it */
	/*
	 * Unix; the key was lost or stolen then, and is trusted for nothing
	 * any more: who has it can give any time. 0: it was not.
	 */
	uint64_t withdrawn_ms;
};

CSN_API CSN_MUST_CHECK int csn_trust_new(struct csn_ctx *ctx,
    struct csn_trust **out);
/**
 * Read a store's JSON file (docs/wire/identity.md). A missing file gives an
 * empty store. CSN_E_FORM, and the other errors of csn_trust_add(), name the
 * bad entry; an expired document is no error here. CSN_E_POLICY where
 * somebody else could have written it (csn_file_check()).
 */
CSN_API CSN_MUST_CHECK int csn_trust_load(struct csn_ctx *ctx,
    const char *path, struct csn_trust **out);
/** Atomically, mode 0600. */
CSN_API CSN_MUST_CHECK int csn_trust_save(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *path);
/**
 * Copy an entry in. Any of did, key and document may be NULL as long as one
 * of a did:key, a key and a document says the key; they must all mean the
 * same one (CSN_E_SIGNER). kem is ignored: it comes from the document, which
 * is verified (the errors of csn_document_verify()). CSN_E_EXISTS for a DID
 * twice, CSN_E_ARG.
 */
CSN_API CSN_MUST_CHECK int csn_trust_add(struct csn_ctx *ctx,
    struct csn_trust *trust, const struct csn_trust_entry *entry);
/**
 * As csn_trust_add(), in the place of the entry of the same key: a renewed
 * document, other purposes, or withdrawn_ms. CSN_E_NOT_FOUND where there is
 * none; CSN_E_POLICY for a document older than the entry's, or an entry that
 * was withdrawn and would not be any more: remove it first.
 */
CSN_API CSN_MUST_CHECK int csn_trust_replace(struct csn_ctx *ctx,
    struct csn_trust *trust, const struct csn_trust_entry *entry);
/** did in either form. CSN_E_NOT_FOUND. */
CSN_API CSN_MUST_CHECK int csn_trust_remove(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *did);
/**
 * Find the entry of did (either form) that is trusted for every purpose
 * asked for, today. CSN_E_SIGNER where there is none, with the reason:
 * unknown, withdrawn, not for this purpose, expired. The entry stays valid
 * until csn_trust_release, even if it is removed meanwhile.
 */
CSN_API CSN_MUST_CHECK int csn_trust_find(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *did, size_t did_len,
    uint32_t purposes, const struct csn_trust_entry **out);
CSN_API void csn_trust_release(struct csn_trust *trust,
    const struct csn_trust_entry *entry);
CSN_API size_t csn_trust_count(struct csn_trust *trust);
/**
 * Call visit for each entry there is now, oldest first, expired ones too; a
 * non-zero return stops and is returned. visit may change the store.
 */
CSN_API int csn_trust_each(struct csn_trust *trust,
    int (*visit)(void *arg, const struct csn_trust_entry *entry), void *arg);
CSN_API void csn_trust_free(struct csn_trust *trust);

/*
 * Signed action credentials: an issuer says that a subject may do things in
 * a scope until a time; the subject may pass a part of it on. A chain is the
 * credentials from the trusted root's to the last subject's.
 */
struct csn_action {
	uint32_t size;
	const char *subject;	/* DID of who may act, in did:key form */
	const char *scope;	/* 1 to 64 words, as of capabilities, with
				   commas between: "kv:open,kv:seal"; "kv:*"
				   covers every "kv:…", "*" every word */
	const char *audience;	/* whom it is for (1 to 256 bytes of UTF-8),
				   or NULL for anybody */
	uint64_t not_before_ms;	/* Unix; 0 for now, or the parent's */
	uint64_t expires_ms;	/* Unix; needed */
	uint32_t may_delegate;	/* how many further links: 0 to 7 */
	uint32_t reserved;
};

#define CSN_ACTION_MAX_LINKS 8

/**
 * Issue a credential signed by issuer; parent (a chain whose last subject is
 * the issuer) may be NULL for a root. *out is the whole chain, deterministic
 * CBOR, csn_free. Times are kept in whole seconds, rounded so that nothing
 * is wider than asked. CSN_E_SCOPE where it would be wider than the parent
 * in scope, time, audience or links; CSN_E_SIGNER where issuer is not the
 * parent's last subject; CSN_E_EXPIRED where it ends before it begins;
 * CSN_E_ARG, CSN_E_FORM. The parent's signatures are the verifier's to check.
 */
CSN_API CSN_MUST_CHECK int csn_action_issue(struct csn_ctx *ctx,
    const struct csn_identity *issuer, const struct csn_action *action,
    const uint8_t *parent, size_t parent_len, uint8_t **out, size_t *out_len);

/**
 * Verify a chain for one scope word at ctx's time (or at_ms where not 0):
 * the root's signer in the trust store for CSN_PURPOSE_ACTION, each
 * signature, each link's issuer being the former's subject, scope only
 * narrowing, times, audience, links left, subject. result, which may be
 * NULL, gets each check: "chain", then for each link "link 1 form",
 * "issuer", "signature", "parent", "scope", "time", "audience",
 * "delegation" and "subject", then "scope", "subject" and "audience" for
 * what was asked. A check that needs what an earlier one failed to establish
 * is listed as skipped. Returns 0 where none failed, else the first failure's
 * code. subject (either form) and audience may be NULL: then they are listed
 * as not checked. A credential without an audience is for anybody.
 */
CSN_API CSN_MUST_CHECK int csn_action_verify(struct csn_ctx *ctx,
    struct csn_trust *trust, const uint8_t *chain, size_t len,
    const char *scope, const char *subject, const char *audience,
    uint64_t at_ms, struct csn_result *result);

/** A view for people of a chain that has not been verified; csn_free. */
CSN_API CSN_MUST_CHECK int csn_action_json(struct csn_ctx *ctx,
    const uint8_t *chain, size_t len, char **json);

#ifdef __cplusplus
}
#endif

#endif
