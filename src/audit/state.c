/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the file that holds the chain's present key. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/folder.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"

char *
csn_audit_path(const char *path, const char *name)
{
	char *out;

	return asprintf(&out, "%s/%s", path, name) < 0 ? NULL : out;
}

static const uint8_t magic[8] = { 'C', 'S', 'N', 'A', 'U', 'D', 'S', 1 };

/* magic, log id, n, head, key, oldest, file, offset, line, SHA3-256 of it */
_Static_assert(8 + CSN_AUDIT_LOG_ID + 8 + 32 + 32 + 4 * 8 + 32 ==
    CSN_AUDIT_STATE_SIZE, "the state file's size");

int
csn_audit_state_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_audit_state *out)
{
	uint8_t sum[CSN_HASH_SIZE], is[CSN_HASH_SIZE];
	uint8_t head[sizeof(magic)];
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, p, len);
	csn_read_bytes(&r, head, sizeof(head));
	csn_read_bytes(&r, out->log, sizeof(out->log));
	out->chain.n = csn_read_u64(&r);
	csn_read_bytes(&r, out->chain.head, sizeof(out->chain.head));
	csn_read_bytes(&r, out->chain.key, sizeof(out->chain.key));
	out->oldest = csn_read_u64(&r);
	out->file = csn_read_u64(&r);
	out->offset = csn_read_u64(&r);
	out->line = csn_read_u64(&r);
	csn_read_bytes(&r, sum, sizeof(sum));
	rc = !csn_reader_done(&r) ? CSN_E_FORM :
	    csn_sha3_256(ctx, p, len - sizeof(sum), is);
	if (rc == 0 && (memcmp(head, magic, sizeof(magic)) != 0 || /* public */
	    memcmp(sum, is, sizeof(sum)) != 0 || out->oldest > out->file))
		rc = CSN_E_FORM;
	if (rc != 0)
		csn_wipe(out, sizeof(*out));
	return rc;
}

int
csn_audit_state_load(struct csn_ctx *ctx, const char *path,
    struct csn_audit_state *out)
{
	uint8_t *p = NULL;
	size_t len = 0;
	char *full;
	int rc;

	if ((full = csn_audit_path(path, "state")) == NULL)
		return csn_nomem(ctx, "audit", "reading %s/state", path);
	rc = csn_file_read_kept(ctx, full, 4096, &p, &len);
	if (rc == 0 && (rc = csn_audit_state_parse(ctx, p, len, out)) ==
	    CSN_E_FORM)
		rc = csn_fail(ctx, CSN_E_AUDIT, "audit", "%s is damaged: "
		    "without it nothing can be appended to this log", full);
	csn_wipe_free(p, len);
	csn_free(full);
	return rc;
}

/* Best effort: where the medium writes in place, the former key is gone. */
static void
overwrite(int fd)
{
	static const uint8_t zero[CSN_AUDIT_STATE_SIZE];

	if (fd < 0)
		return;
	if (pwrite(fd, zero, sizeof(zero), 0) == (ssize_t)sizeof(zero))
		(void)fdatasync(fd);
	(void)close(fd);
}

int
csn_audit_state_save(struct csn_ctx *ctx, const char *path,
    const struct csn_audit_state *state)
{
	uint8_t bytes[CSN_AUDIT_STATE_SIZE], sum[CSN_HASH_SIZE];
	struct csn_out w;
	char *full;
	int rc, former;

	if ((full = csn_audit_path(path, "state")) == NULL)
		return csn_nomem(ctx, "audit", "writing %s/state", path);
	csn_out_fixed(&w, bytes, sizeof(bytes));
	csn_put_bytes(&w, magic, sizeof(magic));
	csn_put_bytes(&w, state->log, sizeof(state->log));
	csn_put_u64(&w, state->chain.n);
	csn_put_bytes(&w, state->chain.head, sizeof(state->chain.head));
	csn_put_bytes(&w, state->chain.key, sizeof(state->chain.key));
	csn_put_u64(&w, state->oldest);
	csn_put_u64(&w, state->file);
	csn_put_u64(&w, state->offset);
	csn_put_u64(&w, state->line);
	if ((rc = csn_sha3_256(ctx, bytes, w.len, sum)) == 0) {
		csn_put_bytes(&w, sum, sizeof(sum));
		former = open(full, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		rc = csn_file_replace(ctx, full, bytes, sizeof(bytes), 0600);
		if (rc == 0)
			overwrite(former);
		else if (former >= 0)
			(void)close(former);
	}
	csn_wipe(bytes, sizeof(bytes));
	csn_free(full);
	return rc;
}
