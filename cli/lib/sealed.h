/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/sealed.h - files of the program's own, sealed to an identity. */
#ifndef CLI_SEALED_H
#define CLI_SEALED_H

#include "cli.h"

#define TYPE_OFFER "application/caisson-offer"
#define TYPE_PENDING "application/caisson-pending"
#define TYPE_SESSION "application/caisson-session"

/**
 * Seal len secret bytes to id's own key and signed by it, and write them to
 * path, mode 0600. 0 or an exit code after saying why.
 */
int cli_own_write(struct cli *cli, const struct csn_identity *id,
    const char *path, int replace, const char *type, const uint8_t *p,
    size_t len);
/**
 * Read what cli_own_write wrote for the same id and type. *out is for
 * csn_wipe and free. 0 or an exit code after saying why.
 */
int cli_own_read(struct cli *cli, const struct csn_identity *id,
    const char *path, const char *type, uint8_t **out, size_t *len);

/** Load a session file; options may be NULL. csn_session_free. */
int cli_session_load(struct cli *cli, const struct csn_identity *id,
    const char *path, struct csn_session **out);

#define CLI_OPT_AUDIT { "audit", "FOLDER", "write what is done to this audit " \
	"log (else CAISSON_AUDIT)" }

/**
 * Whether the log of --audit or CAISSON_AUDIT, which is made where it is not
 * there, can be written: before anything is done. 0, also where none is
 * named, or an exit code after saying why.
 */
int cli_audit_check(struct cli *cli);
/**
 * Write one record to that log, with a checkpoint that id signs where it may
 * sign logs; r has op, code, bytes and whose it is. 0 or an exit code.
 */
int cli_record(struct cli *cli, const struct csn_identity *id,
    struct csn_audit_record *r, const char *detail);

/**
 * The did:key that who means: a did:key, or the alias or the label of one in
 * the trust store; free(). 0 or an exit code after saying why.
 */
int cli_did_of(struct cli *cli, struct csn_trust *trust, const char *who,
    char **out);

/**
 * The entry that who, a DID or a label, names in the trust store and that is
 * trusted for purposes; csn_trust_release. 0 or an exit code.
 */
int cli_trust_lookup(struct cli *cli, struct csn_trust *trust,
    const char *who, uint32_t purposes, const struct csn_trust_entry **out);

/**
 * Let the store, in memory only, trust id's signature under what is sealed.
 * 0 or the library's code: CSN_E_EXISTS where it has an entry of id.
 */
int cli_trust_self(struct cli *cli, const struct csn_identity *id,
    struct csn_trust *trust);

/** id's own document, verified; csn_document_free. 0 or the library's code. */
int cli_own_document(struct cli *cli, const struct csn_identity *id,
    struct csn_document **out);

#define CLI_MAX_RECIPIENTS 64

/**
 * The documents of everybody named with --to or in a file of --recipients,
 * from the trust store, and id's own; the caller frees *n of them, also where
 * it fails. 0 or an exit code.
 */
int cli_recipients(struct cli *cli, const struct csn_identity *id,
    struct csn_document **docs, size_t *n);

#endif
