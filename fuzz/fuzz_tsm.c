/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tsm.c - what configfs-tsm answers. An input is four pieces, each a u16
 * length and bytes: provider, generation, outblob, auxblob; auxblob is not
 * there where it is cut off. Reads give up to as many bytes as the first byte
 * of the rest says.
 */
#include "identity.h"

#include <errno.h>

#include "base/cursor.h"
#include "guest/tsm.h"

enum { PROVIDER, GENERATION, OUTBLOB, AUXBLOB, FILES };

struct answers {
	const uint8_t *p[FILES];
	size_t len[FILES], at[FILES];
	size_t step;
	unsigned folders;
	int open;
};

static int
on_mkdir(void *arg, const char *path)
{
	struct answers *a = arg;

	(void)path;
	/* A second try would only wait and find the same. */
	errno = ENXIO;
	return a->folders++ == 0 ? 0 : -1;
}

static int
on_rmdir(void *arg, const char *path)
{
	const struct answers *a = arg;

	(void)path;
	check(a->open == 0);
	return 0;
}

static int
on_open(void *arg, const char *path, int flags)
{
	static const char *const names[FILES] = {
		"/provider", "/generation", "/outblob", "/auxblob"
	};
	struct answers *a = arg;
	const char *name = strrchr(path, '/');
	int i;

	(void)flags;
	errno = ENOENT;
	for (i = 0; i < FILES && strcmp(names[i], name) != 0; i++)
		;
	if (i == FILES && strcmp(name, "/inblob") != 0)
		return -1;
	if (i < FILES && a->p[i] == NULL)
		return -1;
	if (i < FILES)
		a->at[i] = 0;
	a->open++;
	return i;
}

static ssize_t
on_read(void *arg, int fd, void *p, size_t len)
{
	struct answers *a = arg;

	check(fd >= 0 && fd < FILES);
	if (len > a->step)
		len = a->step;
	if (len > a->len[fd] - a->at[fd])
		len = a->len[fd] - a->at[fd];
	if (len > 0)
		memcpy(p, a->p[fd] + a->at[fd], len);
	a->at[fd] += len;
	return (ssize_t)len;
}

static ssize_t
on_write(void *arg, int fd, const void *p, size_t len)
{
	(void)arg;
	(void)p;
	check(fd == FILES && len == CSN_TSM_INBLOB);
	return (ssize_t)len;
}

static int
on_close(void *arg, int fd)
{
	struct answers *a = arg;

	(void)fd;
	a->open--;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t inblob[CSN_TSM_INBLOB] = { 1, 2, 3 };
	struct answers a = { .step = 1 };
	const struct csn_tsm_io io = {
		.arg = &a, .mkdir = on_mkdir, .rmdir = on_rmdir,
		.open = on_open, .read = on_read, .write = on_write,
		.close = on_close
	};
	const struct csn_tsm tsm = {
		.ctx = fuzz_ctx(), .io = &io, .root = "/tsm",
		.provider = "sev_guest", .privlevel = -1
	};
	uint8_t *out, *aux;
	size_t out_len, aux_len;
	struct csn_reader r;
	int i, rc;

	csn_reader_init(&r, data, len);
	for (i = 0; i < FILES; i++) {
		a.len[i] = csn_read_u16(&r);
		a.p[i] = csn_read_view(&r, a.len[i]);
		if (a.p[i] == NULL)
			a.len[i] = 0;
	}
	a.step += csn_read_u8(&r);
	rc = csn_tsm_report(&tsm, inblob, &out, &out_len, &aux, &aux_len);
	check(a.open == 0);
	if (rc != 0) {
		check(rc == CSN_E_NOT_FOUND || rc == CSN_E_BACKEND ||
		    rc == CSN_E_LIMIT || rc == CSN_E_BUSY);
		check(out == NULL && aux == NULL && out_len + aux_len == 0);
		return 0;
	}
	check(out_len == a.len[OUTBLOB] && aux_len == a.len[AUXBLOB]);
	check(out_len == 0 || memcmp(out, a.p[OUTBLOB], out_len) == 0);
	check(aux_len == 0 || memcmp(aux, a.p[AUXBLOB], aux_len) == 0);
	csn_free(out);
	csn_free(aux);
	return 0;
}
