/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/path.h"

static char *
join(const char *variable, const char *fallback, const char *rel)
{
	const char *root;
	char *path;

	if ((root = getenv(variable)) == NULL || root[0] == '\0')
		root = fallback;
	if (asprintf(&path, "%s/%s", root, rel) < 0)
		return NULL;
	return path;
}

char *
test_shared_path(const char *rel)
{
	char *path = join("CAISSON_SHARED", "../shared/vectors", rel);

	if (path != NULL && access(path, R_OK) != 0) {
		free(path);
		path = NULL;
	}
	return path;
}

char *
test_source_path(const char *rel)
{
	return join("CAISSON_SOURCE_ROOT", ".", rel);
}

char *
test_build_path(const char *rel)
{
	return join("CAISSON_BUILD_ROOT", "build", rel);
}
