/* SPDX-License-Identifier: Apache-2.0 */
/* blob_server.c - the example server, run by a test. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/path.h"
#include "providers/blob_server.h"

#define MAX_ARGS 16

int
blob_server_there(void)
{
	char *path = test_build_path("examples/blob_server");
	int there = path != NULL && access(path, X_OK) == 0;

	free(path);
	return there;
}

static void
run(const char *path, unsigned port, const char *const *more, int out)
{
	char listen[32];
	const char *args[MAX_ARGS] = { path, "--listen", listen };
	size_t n = 3;

	(void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
	while (more != NULL && *more != NULL && n + 1 < MAX_ARGS)
		args[n++] = *more++;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(out, STDOUT_FILENO) >= 0)
		(void)execv(path, (char *const *)(uintptr_t)args);
	_exit(127);
}

int
blob_server_start(struct blob_server *s, unsigned port,
    const char *const *more)
{
	char *path = test_build_path("examples/blob_server");
	int fds[2], rc = -1;
	FILE *f = NULL;

	s->pid = 0;
	if (path == NULL || pipe(fds) != 0) {
		free(path);
		return -1;
	}
	if ((s->pid = fork()) == 0)
		run(path, port, more, fds[1]);
	(void)close(fds[1]);
	free(path);
	if (s->pid > 0 && (f = fdopen(fds[0], "r")) != NULL &&
	    fscanf(f, "http://127.0.0.1:%u", &s->port) == 1)
		rc = 0;
	if (f != NULL)
		(void)fclose(f);
	else
		(void)close(fds[0]);
	if (rc != 0)
		blob_server_kill(s);
	return rc;
}

void
blob_server_kill(struct blob_server *s)
{
	if (s->pid <= 0)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

char *
blob_server_url(const struct blob_server *s, const char *options)
{
	char *url;

	return asprintf(&url, "http://127.0.0.1:%u?allow-private=1%s",
	    s->port, options) < 0 ? NULL : url;
}
