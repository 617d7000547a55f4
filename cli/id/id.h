/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/id.h - what the parts of caisson id share. */
#ifndef CLI_ID_H
#define CLI_ID_H

#include "../lib/cli.h"

#define ID_MAX_FILE (2u << 20)

/** 1 where --force was given. */
int id_force(const struct cli *cli);
/**
 * Read a file ("-": standard input) that is armoured with label, or those
 * bytes as they are; a PEM of a public key comes as text. What mail puts
 * around a block (other text, quoting, CRLF, a BOM) is left out. free(). 0 or
 * an exit code after saying why. (lib/armour.c)
 */
int id_read(struct cli *cli, const char *path, const char *label,
    uint8_t **out, size_t *len);
/**
 * Write bytes to --out or standard output, armoured with label unless --raw
 * was given. An exit code.
 */
int id_write(struct cli *cli, const char *label, const uint8_t *p,
    size_t len);
/** CLI_USAGE where --json would mix with what goes to standard output. */
int id_check_json(struct cli *cli);
/** A Unix time in ms of "2026-01-02T03:04:05Z", "2026-01-02" or seconds. */
int id_opt_time(struct cli *cli, const char *option, uint64_t *out);
/**
 * The DID that who means: itself, or that of the document in the file who;
 * free(). as_key 1: an alias is looked up in the trust store, so that it is a
 * did:key. 0 or an exit code after saying why.
 */
int id_did_of(struct cli *cli, const char *who, int as_key, char **out);

int id_passphrase(struct cli *cli);	/* keep.c */
int id_remove(struct cli *cli);
int id_trust(struct cli *cli);	/* trust.c */
int id_sign(struct cli *cli);	/* action.c */
int id_verify(struct cli *cli);

#endif
