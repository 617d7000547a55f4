/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - a peer in Python, started, asked and ended. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"

void
bench_peer_start(struct bench_peer *peer, const char *python,
    const char *script)
{
	char path[4096];
	int to[2], from[2];

	bench_need(snprintf(path, sizeof(path), "%s/%s", BENCH_SOURCE,
	    script) < (int)sizeof(path), "naming the peer");
	bench_need(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0,
	    "making pipes");
	/* A peer that does not start is told by its answer, not by SIGPIPE. */
	signal(SIGPIPE, SIG_IGN);
	fflush(stdout);
	if ((peer->pid = fork()) == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(2);
		execl(python, python, path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	peer->in = fdopen(from[0], "r");
	peer->out = fdopen(to[1], "w");
	bench_need(peer->pid > 0 && peer->in != NULL && peer->out != NULL,
	    "starting Python");
}

double
bench_peer_ask(struct bench_peer *peer, const char *order, ...)
{
	double seconds;
	va_list ap;
	int n;

	va_start(ap, order);
	n = vfprintf(peer->out, order, ap);
	va_end(ap);
	if (n < 0 || fputc('\n', peer->out) == EOF ||
	    fflush(peer->out) != 0 || fscanf(peer->in, "%lf", &seconds) != 1)
		return 0;
	return seconds;
}

void
bench_peer_end(struct bench_peer *peer)
{
	(void)fclose(peer->out);
	(void)fclose(peer->in);
	(void)waitpid(peer->pid, NULL, 0);
}
