/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - run a fuzz target once over every file of its corpus, so that
 * each input that ever mattered is an ordinary test under every compiler
 * and sanitizer.
 *
 * replay CORPUS-FOLDER NAME
 */

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/*
 * Run the file at path through the target from a heap block of exactly its
 * size, so that a sanitizer sees a read past its end.  Return 0, or -1 with
 * the reason on standard output.
 */
static int
replay_file(const char *path)
{
	struct stat st;
	uint8_t *buf = NULL;
	FILE *f = NULL;
	size_t len;
	int rc = -1;

	if ((f = fopen(path, "rb")) == NULL || fstat(fileno(f), &st) != 0)
		goto out;
	len = (size_t)st.st_size;
	if ((buf = malloc(len > 0 ? len : 1)) == NULL)
		goto out;
	if (fread(buf, 1, len, f) != len)
		goto out;
	(void)LLVMFuzzerTestOneInput(buf, len);
	rc = 0;
out:
	if (rc != 0)
		printf("# %s: %s\n", path, strerror(errno));
	if (f != NULL)
		(void)fclose(f);
	free(buf);
	return rc;
}

static int
replay_folder(const char *folder, size_t *count)
{
	struct dirent **entries = NULL;
	char *path = NULL;
	int i, n, rc = 0;

	if ((n = scandir(folder, &entries, NULL, alphasort)) < 0) {
		printf("# %s: %s\n", folder, strerror(errno));
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (rc == 0 && entries[i]->d_name[0] != '.') {
			if (asprintf(&path, "%s/%s", folder,
			    entries[i]->d_name) < 0) {
				rc = -1;
			} else {
				rc = replay_file(path);
				free(path);
				*count += 1;
			}
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int
main(int argc, char **argv)
{
	uint8_t *empty;
	size_t count = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: replay CORPUS-FOLDER NAME\n");
		return 2;
	}
	if ((empty = calloc(1, 1)) == NULL)
		return 1;
	(void)LLVMFuzzerTestOneInput(empty, 0);
	free(empty);
	if (replay_folder(argv[1], &count) != 0 || count == 0) {
		printf("not ok %s_corpus\n", argv[2]);
		return 1;
	}
	printf("ok %s_corpus\n", argv[2]);
	return 0;
}
