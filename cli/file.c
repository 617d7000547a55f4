/* cli/file.c - inputs, and outputs that appear only when they are whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static int
is_standard(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

static const char *
in_name(const char *path)
{
	return is_standard(path) ? "standard input" : path;
}

int
cli_in_open(struct cli *cli, const char *path)
{
	struct stat st;
	int fd;

	if (is_standard(path))
		return STDIN_FILENO;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		(void)cli_error_sys(cli, errno, "cannot open %s", path);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)cli_error_sys(cli, EISDIR, "cannot read %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

int
cli_in_read(struct cli *cli, int fd, const char *path, void *buf, size_t cap,
    size_t *got)
{
	uint8_t *p = buf;
	ssize_t n;

	*got = 0;
	while (*got < cap) {
		if (cli_interrupted())
			return cli_error(cli, CLI_FAILED, NULL,
			    "stopped by a signal");
		n = read(fd, p + *got, cap - *got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cli_error_sys(cli, errno, "cannot read %s",
			    in_name(path));
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int
cli_read_file(struct cli *cli, const char *path, size_t max, uint8_t **out,
    size_t *len)
{
	size_t cap = 65536, n;
	uint8_t *p = NULL, *grown;
	int fd, rc = CLI_FAILED;

	*out = NULL;
	*len = 0;
	if ((fd = cli_in_open(cli, path)) < 0)
		return CLI_FAILED;
	for (;;) {
		/* Not realloc: what it leaves behind cannot be wiped. */
		if ((grown = malloc(cap)) == NULL) {
			rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
			goto err;
		}
		if (*len > 0) {
			memcpy(grown, p, *len);
			csn_wipe(p, *len);
		}
		free(p);
		p = grown;
		if ((rc = cli_in_read(cli, fd, path, p + *len, cap - *len,
		    &n)) != 0)
			goto err;
		*len += n;
		if (*len > max) {
			rc = cli_error(cli, CLI_USAGE, NULL,
			    "%s is larger than %zu bytes, too large for what "
			    "it should be", in_name(path), max);
			goto err;
		}
		if (*len < cap)
			break;
		cap *= 2;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	*out = p;
	return 0;

err:
	if (p != NULL)
		csn_wipe(p, *len);
	free(p);
	*len = 0;
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

static const char *
out_name(const struct cli_out *out)
{
	return is_standard(out->path) ? "standard output" : out->path;
}

static int
make_temp(struct cli *cli, struct cli_out *out, mode_t mode)
{
	size_t n = strlen(out->path) + sizeof(".XXXXXX");

	if ((out->temp = malloc(n)) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	snprintf(out->temp, n, "%s.XXXXXX", out->path);
	/* mkostemp makes it 0600; it is widened only when it is whole. */
	if ((out->fd = mkostemp(out->temp, O_CLOEXEC)) < 0) {
		free(out->temp);
		out->temp = NULL;
		return cli_error_sys(cli, errno, "cannot write %s",
		    out->path);
	}
	if (mode != 0600 && fchmod(out->fd, mode) != 0) {
		cli_out_abort(out);
		return cli_error_sys(cli, errno, "cannot write %s",
		    out->path);
	}
	return 0;
}

int
cli_out_open(struct cli *cli, const char *path, mode_t mode, int replace,
    struct cli_out *out)
{
	struct stat st;
	mode_t mask;

	memset(out, 0, sizeof(*out));
	out->cli = cli;
	out->path = path;
	out->replace = replace;
	if (is_standard(path)) {
		out->fd = STDOUT_FILENO;
		out->in_place = 1;
		return 0;
	}
	out->fd = -1;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out->in_place = 1;
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		if (out->fd < 0)
			return cli_error_sys(cli, errno, "cannot write %s",
			    path);
		return 0;
	}
	if (!replace && lstat(path, &st) == 0)
		return cli_error(cli, CLI_USAGE,
		    "Choose another name, or say --force to replace it.",
		    "%s is there already, it was left alone", path);
	mask = umask(0);
	umask(mask);
	return make_temp(cli, out, mode & ~mask);
}

int
cli_out_write(struct cli_out *out, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		if (cli_interrupted())
			return cli_error(out->cli, CLI_FAILED, NULL,
			    "stopped by a signal");
		n = write(out->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cli_error_sys(out->cli, errno,
			    "cannot write %s", out_name(out));
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A name lasts through a power cut once its folder is on the disk. */
static void
sync_folder(const char *path)
{
	char *copy = strdup(path), *slash;
	int fd;

	if (copy == NULL)
		return;
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy] = '\0';
	fd = open(slash != NULL ? copy : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		/* Some file systems cannot; the data itself is synced. */
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

static int
give_name(struct cli_out *out)
{
	if (out->replace)
		return rename(out->temp, out->path);
	/* link() refuses a name that someone took in the meantime. */
	if (link(out->temp, out->path) == 0)
		return unlink(out->temp);
	if (errno == EEXIST)
		return -1;
	return rename(out->temp, out->path);
}

int
cli_out_commit(struct cli_out *out)
{
	int rc = 0;

	if (out->in_place) {
		if (out->fd > STDERR_FILENO && close(out->fd) != 0)
			rc = cli_error_sys(out->cli, errno,
			    "cannot write %s", out_name(out));
		out->fd = -1;
		return rc;
	}
	if (fsync(out->fd) != 0 || give_name(out) != 0) {
		rc = cli_error_sys(out->cli, errno, "cannot write %s",
		    out->path);
		cli_out_abort(out);
		return rc;
	}
	close(out->fd);
	out->fd = -1;
	sync_folder(out->path);
	free(out->temp);
	out->temp = NULL;
	return 0;
}

void
cli_out_abort(struct cli_out *out)
{
	if (out->temp != NULL)
		unlink(out->temp);
	free(out->temp);
	out->temp = NULL;
	if (out->fd > STDERR_FILENO)
		close(out->fd);
	out->fd = -1;
}

int
cli_write_file(struct cli *cli, const char *path, mode_t mode, int replace,
    const void *p, size_t len)
{
	struct cli_out out;
	int rc;

	if ((rc = cli_out_open(cli, path, mode, replace, &out)) != 0)
		return rc;
	if ((rc = cli_out_write(&out, p, len)) != 0) {
		cli_out_abort(&out);
		return rc;
	}
	return cli_out_commit(&out);
}
