/* SPDX-License-Identifier: Apache-2.0 */
/* identity/identity_file.c - an identity in a folder of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "identity/document.h"
#include "identity/identity.h"

#define ROOM "identity"

#define MAX_PEM 65536

/*
 * In the order in which they are written: the document comes last. While they
 * are, MARK lies beside them: keys without a document are no identity then,
 * and the next save begins anew. Without MARK they are somebody's keys.
 */
enum { SIGN, KEM, DOCUMENT, NFILES, MARK = NFILES, NPATHS };
static const char *const names[NPATHS] = {
	"sign.pem", "kem.pem", "identity.cose", ".caisson-unfinished"
};

/* folder/name for each, malloc'ed; the caller frees them in any case. */
static int
paths(struct csn_ctx *ctx, const char *folder, char *path[NPATHS])
{
	size_t i, n;

	for (i = 0; i < NPATHS; i++) {
		n = strlen(folder) + strlen(names[i]) + 2;
		if ((path[i] = csn_calloc(n, 1)) == NULL)
			return csn_nomem(ctx, ROOM, "a path");
		(void)snprintf(path[i], n, "%s/%s", folder, names[i]);
	}
	return 0;
}

static void
free_paths(char *path[NPATHS])
{
	size_t i;

	for (i = 0; i < NPATHS; i++)
		free(path[i]);
}

/* A PEM that may hold a private key in the clear. */
static void
free_pem(char *pem)
{
	if (pem != NULL)
		csn_wipe_free(pem, strlen(pem));
}

/* Undone on the disk too, before the mark that says so is gone. */
static void
undo(char *path[NPATHS], size_t made)
{
	while (made-- > 0)
		(void)unlink(path[made]);
	if (csn_fsync_parent(path[MARK]) == 0)
		(void)unlink(path[MARK]);
}

static int
write_locked(struct csn_ctx *ctx, char *path[NPATHS], const void *const data[],
    const size_t len[], const char *folder)
{
	int rc, unfinished = access(path[MARK], F_OK) == 0;
	size_t i, there = 0;

	for (i = 0; i < NFILES; i++)
		there += access(path[i], F_OK) == 0;
	if (there == NFILES || (there > 0 && !unfinished))
		return csn_fail(ctx, CSN_E_EXISTS, ROOM,
		    "%s holds an identity already.", folder);
	for (i = 0; there > 0 && i < NFILES; i++)
		(void)unlink(path[i]);
	if (!unfinished && (rc = csn_file_create(ctx, path[MARK], "", 0,
	    0600)) != 0)
		return rc;
	for (i = 0; i < NFILES; i++) {
		if ((rc = csn_file_create(ctx, path[i], data[i], len[i],
		    0600)) != 0) {
			/* What was made here goes, also what was named only. */
			undo(path, rc == CSN_E_EXISTS ? i : i + 1);
			return rc;
		}
	}
	(void)unlink(path[MARK]);
	return 0;
}

/*
 * While one is at it the folder is locked: what another has just written is
 * not what was left behind unfinished.
 */
static int
write_new(struct csn_ctx *ctx, char *path[NPATHS], const void *const data[],
    const size_t len[], const char *folder)
{
	int fd, rc;

	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
		    "the folder %s cannot be opened", folder);
	/* A file system without locks has none to wait for. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		rc = csn_fail(ctx, CSN_E_BUSY, ROOM, "Somebody else writes "
		    "an identity into %s just now.", folder);
	else
		rc = write_locked(ctx, path, data, len, folder);
	/* A child that was forked meanwhile has it open as well. */
	(void)flock(fd, LOCK_UN);
	(void)close(fd);
	return rc;
}

int
csn_identity_save(struct csn_ctx *ctx, const struct csn_identity *id,
    const char *folder, const char *pass, size_t pass_len)
{
	CSN_UNCANCELLED;
	char *path[NPATHS] = { 0 }, *sign = NULL, *kem = NULL;
	int rc;

	if (id == NULL || folder == NULL || folder[0] == '\0')
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Saving needs an identity and a folder.");
	if ((rc = csn_sign_to_pem(ctx, id->sign, 1, pass, pass_len,
	    &sign)) != 0 ||
	    (rc = csn_kem_to_pem(ctx, id->kem, 1, pass, pass_len,
	    &kem)) != 0 ||
	    (rc = paths(ctx, folder, path)) != 0 ||
	    (rc = csn_mkdirs(ctx, folder, 0700)) != 0)
		goto out;
	rc = write_new(ctx, path,
	    (const void *const []){ sign, kem, id->bytes },
	    (const size_t []){ strlen(sign), strlen(kem), id->len }, folder);
out:
	free_pem(sign);
	free_pem(kem);
	free_paths(path);
	return rc;
}

int
csn_identity_load(struct csn_ctx *ctx, const char *folder, const char *pass,
    size_t pass_len, struct csn_identity **out)
{
	CSN_UNCANCELLED;
	uint8_t *sign_pem = NULL, *kem_pem = NULL, *bytes = NULL;
	size_t sign_len = 0, kem_len = 0, len;
	struct csn_sign_key *sign = NULL;
	struct csn_kem_key *kem = NULL;
	char *path[NPATHS] = { 0 };
	int rc;

	if (folder == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Loading needs a folder and a place for the identity.");
	if ((rc = paths(ctx, folder, path)) != 0 ||
	    (rc = csn_file_read_kept(ctx, path[SIGN], MAX_PEM, &sign_pem,
	    &sign_len)) != 0 ||
	    (rc = csn_file_read_kept(ctx, path[KEM], MAX_PEM, &kem_pem,
	    &kem_len)) != 0 ||
	    (rc = csn_file_read_trusted(ctx, path[DOCUMENT], CSN_DOCUMENT_MAX,
	    &bytes, &len)) != 0 ||
	    (rc = csn_sign_from_pem(ctx, (char *)sign_pem, sign_len, pass,
	    pass_len, &sign)) != 0 ||
	    (rc = csn_kem_from_pem(ctx, (char *)kem_pem, kem_len, pass,
	    pass_len, &kem)) != 0)
		goto out;
	if (!csn_sign_is_private(sign) || !csn_kem_is_private(kem)) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "%s holds a public key where the private one belongs.",
		    csn_sign_is_private(sign) ? path[KEM] : path[SIGN]);
		goto out;
	}
	rc = csn_identity_assemble(ctx, sign, kem, bytes, len, out);
	sign = NULL;
	kem = NULL;
	bytes = NULL;
out:
	csn_sign_free(sign);
	csn_kem_free(kem);
	free(bytes);
	csn_wipe_free(sign_pem, sign_len);
	csn_wipe_free(kem_pem, kem_len);
	free_paths(path);
	return rc;
}

int
csn_identity_renew(struct csn_ctx *ctx, const char *folder, const char *pass,
    size_t pass_len, uint64_t lifetime_ms)
{
	CSN_UNCANCELLED;
	struct csn_document_facts facts = { 0 };
	struct csn_identity *id = NULL;
	char *path[NPATHS] = { 0 };
	uint8_t *bytes = NULL;
	size_t len;
	int rc;

	if ((rc = csn_identity_load(ctx, folder, pass, pass_len, &id)) != 0 ||
	    (rc = paths(ctx, folder, path)) != 0)
		goto out;
	if (lifetime_ms == 0)
		lifetime_ms = CSN_DOCUMENT_LIFETIME_MS;
	facts.name = csn_identity_name(id);
	facts.capabilities = csn_identity_capabilities(id);
	facts.purposes = csn_identity_purposes(id);
	facts.created_ms = csn_identity_created_ms(id);
	if (__builtin_add_overflow(csn_ctx_wall_ms(ctx), lifetime_ms,
	    &facts.expires_ms))
		facts.expires_ms = UINT64_MAX;
	if ((rc = csn_document_make(ctx, id->sign, id->kem, &facts, &bytes,
	    &len)) != 0)
		goto out;
	rc = csn_file_replace(ctx, path[DOCUMENT], bytes, len, 0600);
out:
	free(bytes);
	free_paths(path);
	csn_identity_free(id);
	return rc;
}
