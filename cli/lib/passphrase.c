/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/lib/passphrase.c - secrets come from a file, a descriptor, the
 * environment or the terminal, never from an argument.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"

void
cli_secret_wipe(struct cli_secret *secret)
{
	csn_wipe(secret, sizeof(*secret));
	(void)munlock(secret, sizeof(*secret));
}

static int
set(struct cli *cli, struct cli_secret *out, const char *where)
{
	/* One line end belongs to the file, not to the passphrase. */
	if (out->len > 0 && out->text[out->len - 1] == '\n')
		out->len--;
	if (out->len > 0 && out->text[out->len - 1] == '\r')
		out->len--;
	out->text[out->len] = '\0';
	if (out->len == 0)
		return cli_error(cli, CLI_USAGE, NULL,
		    "the passphrase from %s is empty", where);
	if (strlen(out->text) != out->len)
		return cli_error(cli, CLI_USAGE, NULL,
		    "the passphrase from %s has a NUL byte in it", where);
	out->given = 1;
	return 0;
}

static int
from_fd(struct cli *cli, int fd, const char *where, struct cli_secret *out)
{
	/* One byte more than fits, to tell a longer one from a whole one. */
	char *p = out->text;
	ssize_t n;

	while (out->len < sizeof(out->text)) {
		n = read(fd, p + out->len, sizeof(out->text) - out->len);
		if (n < 0 && errno == EINTR && !cli_interrupted())
			continue;
		if (n < 0)
			return cli_error_sys(cli, errno,
			    "cannot read the passphrase from %s", where);
		if (n == 0)
			return set(cli, out, where);
		out->len += (size_t)n;
	}
	return cli_error(cli, CLI_USAGE, NULL,
	    "the passphrase from %s is longer than %d bytes", where,
	    CLI_PASSPHRASE_MAX);
}

/* From the options of a file and of a descriptor; given is 0 for neither. */
static int
from_options(struct cli *cli, const char *file, const char *number,
    struct cli_secret *out)
{
	const char *path = cli_opt(cli, file);
	uint64_t n = UINT64_MAX;
	int fd, rc;

	memset(out, 0, sizeof(*out));
	/* As good as it gets here: a low limit on locked memory is no error. */
	(void)mlock(out, sizeof(*out));
	if (path != NULL) {
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			return cli_error_sys(cli, errno,
			    "cannot open the passphrase file %s", path);
		rc = from_fd(cli, fd, path, out);
		close(fd);
		return rc;
	}
	if ((rc = cli_opt_u64(cli, number, 0, 1 << 20, &n)) != 0 ||
	    n == UINT64_MAX)
		return rc;
	/* All that the program itself opens is closed by exec. */
	fd = fcntl((int)n, F_GETFD);
	if (fd < 0 || (fd & FD_CLOEXEC) != 0)
		return cli_error_sys(cli, EBADF, "cannot read the passphrase "
		    "from descriptor %d", (int)n);
	return from_fd(cli, (int)n, number, out);
}

int
cli_passphrase_given(struct cli *cli, struct cli_secret *out)
{
	const char *env;
	int rc;

	if ((rc = from_options(cli, "passphrase-file", "passphrase-fd",
	    out)) != 0 || out->given ||
	    (env = getenv("CAISSON_PASSPHRASE")) == NULL)
		return rc;
	out->len = strlen(env);
	if (out->len > CLI_PASSPHRASE_MAX)
		return cli_error(cli, CLI_USAGE, NULL,
		    "CAISSON_PASSPHRASE is longer than %d bytes",
		    CLI_PASSPHRASE_MAX);
	memcpy(out->text, env, out->len);
	return set(cli, out, "CAISSON_PASSPHRASE");
}

int
cli_passphrase_new(struct cli *cli, struct cli_secret *out)
{
	return from_options(cli, "new-passphrase-file", "new-passphrase-fd",
	    out);
}

/* One line without echo; what the terminal was is restored. */
static int
prompt(struct cli *cli, FILE *tty, const char *ask, const char *what,
    struct cli_secret *out)
{
	struct termios before, quiet;
	int fd = fileno(tty), rc;
	ssize_t n;

	out->len = 0;
	if (tcgetattr(fd, &before) != 0)
		return cli_error_sys(cli, errno, "cannot use the terminal");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	/* Silence first: who answers the prompt at once is not shown. */
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return cli_error_sys(cli, errno, "cannot use the terminal");
	cli_print(tty, "%s %s: ", ask, what);
	fflush(tty);
	/* A terminal gives a line a read. */
	n = read(fd, out->text, sizeof(out->text));
	tcsetattr(fd, TCSAFLUSH, &before);
	fputs("\n", tty);
	if (n < 0)
		return cli_error_sys(cli, errno, "no passphrase was read");
	if (n == (ssize_t)sizeof(out->text))
		return cli_error(cli, CLI_USAGE, NULL,
		    "a passphrase has at most %d bytes", CLI_PASSPHRASE_MAX);
	out->len = (size_t)n;
	rc = set(cli, out, "the terminal");
	return rc;
}

int
cli_passphrase_ask(struct cli *cli, const char *what, int confirm,
    struct cli_secret *out)
{
	struct cli_secret again;
	FILE *tty = fopen("/dev/tty", "r+e");
	int rc;

	memset(out, 0, sizeof(*out));
	memset(&again, 0, sizeof(again));
	(void)mlock(out, sizeof(*out));
	(void)mlock(&again, sizeof(again));
	if (tty == NULL) {
		rc = cli_error(cli, CLI_USAGE,
		    "Give it with --passphrase-file, --passphrase-fd or "
		    "CAISSON_PASSPHRASE.", "%s needs a passphrase and there "
		    "is no terminal to ask at", what);
		goto out;
	}
	if ((rc = prompt(cli, tty, "Passphrase of", what, out)) != 0 ||
	    !confirm)
		goto out;
	rc = prompt(cli, tty, "The same again, for", what, &again);
	if (rc == 0 && (again.len != out->len ||
	    !csn_equal(again.text, out->text, out->len)))
		rc = cli_error(cli, CLI_USAGE, "Nothing was changed.",
		    "the two passphrases differ");
out:
	cli_secret_wipe(&again);
	if (rc != 0)
		cli_secret_wipe(out);
	if (tty != NULL)
		fclose(tty);
	return rc;
}

static int
never(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 1;
}

/* Without a secret: 0 where none is needed, CSN_E_PASSPHRASE where one is. */
static int
open_alone(struct cli *cli, const char *url, struct csn_keystore **out)
{
	int rc;

	if ((rc = csn_keystore_open(cli->ctx, url, NULL, 0, out)) != 0 ||
	    csn_keystore_each(*out, never, NULL) != CSN_E_LOCKED)
		return rc;
	csn_keystore_close(*out);
	*out = NULL;
	return CSN_E_PASSPHRASE;
}

int
cli_keystore_open(struct cli *cli, const char *url,
    struct csn_keystore **out)
{
	struct cli_secret secret = { .len = 0 };
	int rc, found = CSN_E_PASSPHRASE;

	*out = NULL;
	rc = cli_passphrase_given(cli, &secret);
	if (rc == 0 && !secret.given &&
	    (found = open_alone(cli, url, out)) == CSN_E_PASSPHRASE)
		rc = cli_passphrase_ask(cli, url, 0, &secret);
	if (rc == 0 && (secret.given || found != CSN_E_PASSPHRASE)) {
		if (secret.given)
			found = csn_keystore_open(cli->ctx, url, secret.text,
			    secret.len, out);
		if (found != 0)
			rc = cli_error_given(cli, found,
			    "cannot open the keystore %s", url);
	}
	cli_secret_wipe(&secret);
	return rc;
}
