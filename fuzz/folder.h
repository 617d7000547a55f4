/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/folder.h - a folder for the targets whose parser reads files. */
#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"

#define FUZZ_FILES 8
static char fuzz_folder[256];
static char fuzz_made[FUZZ_FILES][320];
static size_t fuzz_nmade;

static inline void
fuzz_folder_finish(void)
{
	while (fuzz_nmade > 0)
		(void)remove(fuzz_made[--fuzz_nmade]);
	(void)rmdir(fuzz_folder);
}

/* The path of a file, or of a folder, that goes with the program. */
static inline const char *
fuzz_path(const char *name)
{
	const char *tmp = getenv("TMPDIR");
	char path[320];
	size_t i;
	int n;

	if (fuzz_folder[0] == '\0') {
		/* In RAM where there is such a place: many are written. */
		if (access("/dev/shm", W_OK | X_OK) == 0)
			tmp = "/dev/shm";
		n = snprintf(fuzz_folder, sizeof(fuzz_folder),
		    "%s/caisson-fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp");
		check(n > 0 && (size_t)n < sizeof(fuzz_folder));
		check(mkdtemp(fuzz_folder) != NULL);
		check(atexit(fuzz_folder_finish) == 0);
	}
	n = snprintf(path, sizeof(path), "%s/%s", fuzz_folder, name);
	check(n > 0 && (size_t)n < sizeof(path));
	for (i = 0; i < fuzz_nmade; i++)
		if (strcmp(fuzz_made[i], path) == 0)
			return fuzz_made[i];
	check(fuzz_nmade < FUZZ_FILES);
	memcpy(fuzz_made[fuzz_nmade], path, sizeof(path));
	return fuzz_made[fuzz_nmade++];
}

/* Remove what was named after the first `kept`. */
static inline void
fuzz_forget(size_t kept)
{
	while (fuzz_nmade > kept)
		(void)remove(fuzz_made[--fuzz_nmade]);
}

static inline const char *
fuzz_file(const char *name, const void *p, size_t len)
{
	const char *path = fuzz_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0);
	check(len == 0 || write(fd, p, len) == (ssize_t)len);
	check(close(fd) == 0);
	return path;
}

#endif
