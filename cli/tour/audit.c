/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/audit.c - the log is verified, then tampered with and caught. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tour.h"

#define MAX_LOG (64u << 20)

/* The log's largest file, the one with the records; free(). */
static char *
record_file(const struct tour *t)
{
	DIR *dir = opendir(t->log);
	char *best = NULL, *path;
	struct dirent *entry;
	off_t size = -1;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (asprintf(&path, "%s/%s", t->log, entry->d_name) < 0)
			continue;
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_size > size) {
			free(best);
			best = path;
			size = st.st_size;
		} else {
			free(path);
		}
	}
	if (dir != NULL)
		closedir(dir);
	return best;
}

/* The first MAC key leaves the folder, as it should: t->first_key. */
static int
take_first_key(struct tour *t)
{
	char *path, text[2 * CSN_KEY_SIZE + 1];
	uint8_t *p = NULL;
	size_t len = 0;
	int rc;

	if (asprintf(&path, "%s/first.key", t->log) < 0)
		return cli_error(t->cli, CLI_FAILED, NULL, "out of memory");
	if ((rc = cli_read_file(t->cli, path, 4096, &p, &len)) != 0)
		goto out;
	snprintf(text, sizeof(text), "%.*s", (int)len, (char *)p);
	if (len < 2 * CSN_KEY_SIZE ||
	    cli_unhex(text, t->first_key, CSN_KEY_SIZE) != 0)
		rc = cli_error(t->cli, CLI_FAILED, NULL,
		    "the log's first key is not what it should be");
	else if (unlink(path) != 0)
		rc = cli_error_sys(t->cli, errno, "cannot remove %s", path);
	csn_wipe(text, sizeof(text));
	csn_wipe(p, len);
out:
	free(p);
	free(path);
	return rc;
}

static int
verify(struct tour *t, const char *head)
{
	struct csn_audit_verify_options options = { .size = sizeof(options) };
	struct csn_result *result;
	int rc;

	options.expect_head = head;
	options.trust = t->trust;
	options.first_key = t->first_key;
	if ((rc = csn_result_new(t->ctx, &result)) != 0)
		return rc;
	rc = csn_audit_verify(t->ctx, t->log, &options, result);
	csn_result_free(result);
	return rc;
}

/* Make one record of alice's, in the middle, into one of carol's. */
static int
forge(uint8_t *p, size_t len)
{
	uint8_t *at;

	at = memmem(p + len / 2, len - len / 2, "\"alice\"", 7);
	if (at == NULL)
		return 0;
	memcpy(at, "\"carol\"", 7);
	return 1;
}

/* Where the last `lines` lines begin. */
static size_t
cut(const uint8_t *p, size_t len, unsigned lines)
{
	while (len > 0 && lines > 0)
		if (p[--len] == '\n')
			lines--;
	return len == 0 ? 0 : len + 1;
}

static int
attack(struct tour *t, const char *path, const char *head)
{
	uint8_t *whole = NULL, *forged = NULL;
	size_t len;
	int rc;

	rc = cli_read_file(t->cli, path, MAX_LOG, &whole, &len);
	if (rc != 0)
		return rc;
	if ((forged = malloc(len + 1)) == NULL) {
		rc = tour_lib(t, CSN_E_NOMEM, "cannot copy the log");
		goto out;
	}
	memcpy(forged, whole, len);
	if (!tour_check(t, forge(forged, len),
	    "a record in the middle is changed: alice becomes carol") ||
	    (rc = cli_write_file(t->cli, path, 0600, 1, forged, len)) != 0)
		goto out;
	(void)tour_refused(t, verify(t, head), CSN_E_AUDIT,
	    "the changed log");
	/* Whole lines go, so that no line looks torn. */
	if ((rc = cli_write_file(t->cli, path, 0600, 1, whole,
	    cut(whole, len, 20))) != 0)
		goto out;
	(void)tour_refused(t, verify(t, head), CSN_E_AUDIT,
	    "the log with its last 20 lines cut off");
	if ((rc = cli_write_file(t->cli, path, 0600, 1, whole, len)) != 0)
		goto out;
	(void)tour_check(t, verify(t, head) == 0,
	    "put back as it was, it verifies again");
out:
	free(whole);
	free(forged);
	return rc;
}

/* Everything that writes to the log ends before the log does. */
static int
end_writers(struct tour *t)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < TOUR_TENANTS; i++)
		rc = csn_kv_store_close_tenant(t->kv, t->tenants[i].id);
	csn_kv_store_free(t->kv);
	t->kv = NULL;
	csn_store_close(t->store);
	t->store = NULL;
	csn_manager_free(t->manager);
	t->manager = NULL;
	return rc;
}

static int
close_log(struct tour *t, char hex[2 * CSN_HASH_SIZE + 1], uint64_t *records)
{
	uint8_t head[CSN_HASH_SIZE];
	int rc;

	if ((rc = end_writers(t)) != 0 ||
	    (rc = csn_audit_checkpoint(t->audit)) != 0 ||
	    (rc = csn_audit_flush(t->audit)) != 0 ||
	    (rc = csn_audit_head(t->audit, head, records)) != 0)
		return rc;
	csn_audit_close(t->audit);
	t->audit = NULL;
	cli_hex(head, sizeof(head), hex);
	return 0;
}

int
tour_audit(struct tour *t)
{
	char hex[2 * CSN_HASH_SIZE + 1], *path;
	uint64_t records = 0;
	int rc;

	tour_step(t, "audit", "The audit log, verified and tampered with");
	tour_tell(t, "Every seal, open, rotation and refusal above is in an "
	    "append-only log: chained, MACed under a key that is erased "
	    "forward, with checkpoints that the server signed.");
	if ((rc = close_log(t, hex, &records)) != 0)
		return tour_lib(t, rc, "cannot close the audit log");
	tour_tell(t, "%llu lines; the head, to keep elsewhere, is %.16s...",
	    (unsigned long long)records, hex);
	tour_fact(t, "lines", json_integer((json_int_t)records));
	tour_fact(t, "head", json_string(hex));
	if ((rc = take_first_key(t)) != 0)
		return rc;
	rc = verify(t, hex);
	if (!tour_check(t, rc == 0, "the log verifies: chain, MACs, "
	    "signatures, and the head"))
		return tour_lib(t, rc, "the audit log");
	if ((path = record_file(t)) == NULL)
		return cli_error_sys(t->cli, errno, "cannot find the log in "
		    "%s", t->log);
	rc = attack(t, path, hex);
	free(path);
	return rc;
}
