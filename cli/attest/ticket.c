/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/ticket.c - a challenge that is remembered in a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest.h"

#define VERSION 1
#define FRESH 32		/* bytes of a nonce that is made here */
#define MAX_FILE 4096

int
attest_nonce(struct cli *cli, const char *what, const char *hex,
    uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	size_t n = strlen(hex);

	if (n % 2 == 0 && n / 2 >= CSN_NONCE_MIN && n / 2 <= CSN_NONCE_MAX &&
	    cli_unhex(hex, nonce, n / 2) == 0) {
		*len = n / 2;
		return 0;
	}
	return cli_error(cli, CLI_USAGE, NULL,
	    "%s is not %d to %d bytes in hex", what, CSN_NONCE_MIN,
	    CSN_NONCE_MAX);
}

static int
put(struct cli *cli, const struct attest_ticket *t, int used, int replace)
{
	char hex[2 * CSN_NONCE_MAX + 1], *text;
	json_t *o;
	size_t n;
	int rc;

	cli_hex(t->nonce, t->len, hex);
	o = json_pack("{s:i, s:s, s:I, s:I, s:b}", "version", VERSION,
	    "nonce", hex, "issued_ms", (json_int_t)t->issued_ms,
	    "expires_ms", (json_int_t)t->expires_ms, "used", used);
	text = o != NULL ? json_dumps(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	if (text == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	/* Its NUL makes room for the line's end. */
	n = strlen(text);
	text[n] = '\n';
	rc = cli_write_file(cli, t->path, 0644, replace, text, n + 1);
	free(text);
	return rc;
}

int
attest_ticket_make(struct cli *cli, const char *path, uint64_t life_ms,
    int replace, struct attest_ticket *t)
{
	memset(t, 0, sizeof(*t));
	t->cli = cli;
	t->path = path;
	t->fd = -1;
	t->len = FRESH;
	if (getrandom(t->nonce, FRESH, 0) != FRESH)
		return cli_error_sys(cli, errno, "no randomness for a nonce");
	t->issued_ms = csn_ctx_wall_ms(cli->ctx);
	t->expires_ms = t->issued_ms + life_ms;
	return put(cli, t, 0, replace);
}

/* What is in the file. 0 or an exit code after saying why. */
static int
take(struct cli *cli, const char *text, size_t len, struct attest_ticket *t)
{
	json_int_t issued, expires;
	const char *hex;
	json_t *o;
	int version, used, rc;

	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(o, "{s:i, s:s, s:I, s:I, s:b !}", "version",
	    &version, "nonce", &hex, "issued_ms", &issued, "expires_ms",
	    &expires, "used", &used) != 0 || version != VERSION ||
	    issued <= 0 || expires <= issued) {
		rc = cli_error(cli, CLI_USAGE,
		    "Make one: caisson attest challenge FILE",
		    "%s holds no challenge", t->path);
	} else {
		rc = attest_nonce(cli, "the challenge's nonce", hex,
		    t->nonce, &t->len);
		t->issued_ms = (uint64_t)issued;
		t->expires_ms = (uint64_t)expires;
		if (used) {
			t->code = CSN_E_REPLAY;
			snprintf(t->why, sizeof(t->why),
			    "this challenge was answered before");
		}
	}
	json_decref(o);
	return rc;
}

int
attest_ticket_read(struct cli *cli, const char *path,
    struct attest_ticket *t)
{
	uint8_t *text;
	size_t len;
	int rc;

	memset(t, 0, sizeof(*t));
	t->cli = cli;
	t->path = path;
	t->fd = -1;
	if ((rc = cli_read_file(cli, path, MAX_FILE, &text, &len)) != 0)
		return rc;
	rc = take(cli, (const char *)text, len, t);
	free(text);
	return rc;
}

/*
 * Lock what is at path now: who waited for the lock of a file that was
 * replaced meanwhile looks again. -1 after saying why.
 */
static int
lock(struct cli *cli, const char *path)
{
	struct stat held, named;
	int fd;

	for (;;) {
		/* O_NONBLOCK: a FIFO that nobody writes holds nobody up. */
		if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		    O_NOFOLLOW)) < 0) {
			(void)cli_error_sys(cli, errno, "cannot open %s",
			    path);
			return -1;
		}
		if (fstat(fd, &held) != 0)
			goto err;
		if (!S_ISREG(held.st_mode)) {
			(void)cli_error(cli, CLI_FAILED, NULL,
			    "%s is no regular file, and a challenge is one",
			    path);
			close(fd);
			return -1;
		}
		while (flock(fd, LOCK_EX) != 0)
			if (errno != EINTR || cli_interrupted())
				goto err;
		if (stat(path, &named) == 0 && held.st_ino == named.st_ino &&
		    held.st_dev == named.st_dev)
			return fd;
		close(fd);
	}
err:
	(void)cli_error_sys(cli, errno, "cannot lock %s", path);
	close(fd);
	return -1;
}

/* A clock that was set back lengthens no challenge. */
static void
judge(struct attest_ticket *t)
{
	uint64_t now = csn_ctx_wall_ms(t->cli->ctx);
	char when[CLI_TEXT];

	if (t->code != 0 || (now >= t->issued_ms && now < t->expires_ms))
		return;
	t->code = CSN_E_EXPIRED;
	cli_time_text(now < t->issued_ms ? t->issued_ms : t->expires_ms,
	    when);
	snprintf(t->why, sizeof(t->why), now < t->issued_ms ?
	    "this challenge is from the future, %s" :
	    "this challenge ended at %s", when);
}

int
attest_ticket_claim(struct cli *cli, const char *path,
    struct attest_ticket *t)
{
	int fd, rc;

	if ((fd = lock(cli, path)) < 0) {
		memset(t, 0, sizeof(*t));
		t->fd = -1;
		return CLI_FAILED;
	}
	rc = attest_ticket_read(cli, path, t);
	t->fd = fd;
	if (rc == 0)
		judge(t);
	return rc;
}

int
attest_ticket_spend(struct attest_ticket *t)
{
	return put(t->cli, t, 1, 1);
}

void
attest_ticket_release(struct attest_ticket *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
