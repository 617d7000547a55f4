/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fixture.c - the folders, files and clock that tests share. */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fixture.h"
#include "lib/test.h"

static char *
new_in(const char *base)
{
	char *path = path_in(base, "caisson-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

char *
folder_new(void)
{
	const char *base = getenv("TMPDIR");

	return new_in(base != NULL && base[0] == '/' ? base : "/tmp");
}

char *
folder_in_memory(void)
{
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		return new_in("/dev/shm");
	return folder_new();
}

void
folder_remove(char *folder)
{
	if (folder != NULL)
		tree_remove(folder);
	free(folder);
}

void
tree_remove(const char *path)
{
	struct dirent *entry;
	char *full;
	DIR *dir;

	if (unlink(path) == 0)
		return;
	(void)chmod(path, 0700);
	if ((dir = opendir(path)) != NULL) {
		while ((entry = readdir(dir)) != NULL) {
			if (strcmp(entry->d_name, ".") == 0 ||
			    strcmp(entry->d_name, "..") == 0)
				continue;
			full = path_in(path, entry->d_name);
			tree_remove(full);
			free(full);
		}
		(void)closedir(dir);
	}
	(void)rmdir(path);
}

char *
path_in(const char *folder, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

void *
file_read(const char *path, size_t *len)
{
	struct stat st;
	uint8_t *p;
	FILE *f;

	assert_non_null(f = fopen(path, "rb"));
	assert_int_equal(fstat(fileno(f), &st), 0);
	*len = (size_t)st.st_size;
	assert_non_null(p = calloc(*len + 1, 1));
	assert_int_equal(fread(p, 1, *len, f), *len);
	assert_int_equal(fclose(f), 0);
	return p;
}

void
file_write(const char *path, const void *p, size_t len)
{
	FILE *f;

	assert_non_null(f = fopen(path, "wb"));
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

_Atomic uint64_t test_ms;

static uint64_t
now(void *arg)
{
	(void)arg;
	return test_ms;
}

const struct csn_clock test_clock = { .size = sizeof(test_clock),
    .boot_ms = now, .wall_ms = now };

struct csn_ctx *
test_clock_ctx(void)
{
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &test_clock };
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	return ctx;
}

void
stop_process(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}
