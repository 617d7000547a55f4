/* SPDX-License-Identifier: Apache-2.0 */
/* file/read.c - a value's file, opened, read and checked. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32.h"
#include "providers/store/file/file.h"

static int
fail_damaged(struct csn_file_store *s, int code, const char *path,
    const char *why)
{
	return csn_fail(s->ctx, code, "store", "the file store: %s/%s is "
	    "damaged: %s; put the value again, or remove it", s->path, path,
	    why);
}

/* pread(2) until all is there: 0, an errno number, or EPIPE at the end. */
static int
read_at(int fd, uint8_t *p, size_t len, uint64_t at, size_t *got)
{
	ssize_t n;

	for (*got = 0; *got < len;) {
		n = pread(fd, p + *got, len - *got, (off_t)(at + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EPIPE;
		*got += (size_t)n;
	}
	return 0;
}

int
csn_file_value_open(struct csn_file_store *s, int at, const char *path,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, struct csn_file_value *v)
{
	struct csn_file_head *h = &v->head;
	const char *why;
	struct stat st;
	size_t want;
	int rc;

	v->fd = csn_file_open(at, path, O_RDONLY | O_NONBLOCK, 0);
	if (v->fd < 0)
		return errno == ENOENT ? CSN_E_NOT_FOUND :
		    csn_file_fail(s, errno, path, "opened");
	if (fstat(v->fd, &st) != 0) {
		rc = csn_file_fail(s, errno, path, "looked at");
		goto err;
	}
	want = (uint64_t)st.st_size < sizeof(v->block) ? (size_t)st.st_size :
	    sizeof(v->block);
	rc = read_at(v->fd, v->block, want, 0, &v->have);
	if (rc != 0 && rc != EPIPE) {
		rc = csn_file_fail(s, rc, path, "read");
		goto err;
	}
	if ((rc = csn_file_head_read(v->block, v->have,
	    (uint64_t)st.st_size, h, &why)) != 0) {
		rc = fail_damaged(s, rc, path, why);
		goto err;
	}
	if (key != NULL && (h->space_len != space_len ||
	    h->key_len != key_len ||
	    memcmp(h->space, space, space_len) != 0 || /* public */
	    memcmp(h->key, key, key_len) != 0)) { /* public */
		rc = fail_damaged(s, CSN_E_FORM, path,
		    "it holds another key's value");
		goto err;
	}
	return 0;

err:
	csn_file_value_close(v);
	return rc;
}

int
csn_file_value_read(struct csn_file_store *s, struct csn_file_value *v,
    const char *path, uint8_t *out)
{
	const struct csn_file_head *h = &v->head;
	size_t have = v->have - h->size, got;
	uint32_t crc;
	int rc = 0;

	if (have > h->len)
		have = h->len;
	if (have > 0)
		memcpy(out, v->block + h->size, have);
	if (h->len > have)
		rc = read_at(v->fd, out + have, h->len - have,
		    h->size + have, &got);
	if (rc == EPIPE) {
		rc = fail_damaged(s, CSN_E_FORM, path, "it was cut off");
	} else if (rc != 0) {
		rc = csn_file_fail(s, rc, path, "read");
	} else {
		crc = csn_file_head_crc(v->block, h->size);
		if (csn_crc32(crc, out, h->len) != h->crc)
			rc = fail_damaged(s, CSN_E_FORM, path,
			    "its checksum does not match");
	}
	if (rc != 0)
		csn_wipe(out, h->len);
	return rc;
}

void
csn_file_value_close(struct csn_file_value *v)
{
	if (v->fd >= 0)
		(void)close(v->fd);
	v->fd = -1;
}

int
csn_file_has_ended(struct csn_file_store *s, const struct csn_file_head *h)
{
	return h->ends_ms != 0 && csn_ctx_wall_ms(s->ctx) >= h->ends_ms;
}

void
csn_file_reclaim(struct csn_file_store *s, const char *fan, const char *leaf)
{
	struct csn_file_value v;
	int fd;

	/* Whoever holds the lock is about to change it anyway. */
	if ((fd = csn_file_fan_try(s->root, fan)) < 0)
		return;
	if (csn_file_value_open(s, fd, leaf, NULL, 0, NULL, 0, &v) == 0) {
		if (csn_file_has_ended(s, &v.head))
			(void)unlinkat(fd, leaf, 0);
		csn_file_value_close(&v);
	}
	csn_file_fan_unlock(fd);
}
