/* SPDX-License-Identifier: Apache-2.0 */
/* memcached_server.c - memcached on loopback, for a test. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "providers/memcached_server.h"

int
memcached_is_here(void)
{
	static const char *const folders[] = { "/usr/bin", "/usr/local/bin" };
	char path[64];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/memcached", folders[i]);
		if (access(path, X_OK) == 0)
			return 1;
	}
	return 0;
}

static uint16_t
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		a.sin_port = 0;
	close(fd);
	return ntohs(a.sin_port);
}

static int
reach(const struct memcached_server *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, rc;

	fd = socket(s->path != NULL ? AF_UNIX : AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (s->path != NULL) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->path);
		rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in.sin_port = htons(s->port);
		rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (rc != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
memcached_start(struct memcached_server *s)
{
	char port[8], out[64];
	pid_t parent = getpid();
	int i, null;

	if (s->path == NULL && s->port == 0)
		s->port = free_port();
	snprintf(port, sizeof(port), "%u", s->port);
	if ((s->pid = fork()) < 0)
		return -1;
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		if (s->path != NULL)
			execlp("memcached", "memcached", "-u", "root", "-s",
			    s->path, "-m", "64", (char *)NULL);
		else
			execlp("memcached", "memcached", "-u", "root", "-l",
			    "127.0.0.1", "-p", port, "-U", "0", "-m", "512",
			    "-I", "20m", "-c", "512", (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 500; i++) {
		if (memcached_say(s, "version", "VERSION", out,
		    sizeof(out)) == 0)
			return 0;
		usleep(20000);
	}
	memcached_kill(s);
	return -1;
}

void
memcached_kill(struct memcached_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
	if (s->path != NULL)
		unlink(s->path);
}

int
memcached_say(const struct memcached_server *s, const char *line,
    const char *end, char *out, size_t cap)
{
	struct pollfd p = { .events = POLLIN };
	size_t n = 0;
	ssize_t k;
	int found = 0;

	out[0] = '\0';
	if ((p.fd = reach(s)) < 0)
		return -1;
	if (send(p.fd, line, strlen(line), MSG_NOSIGNAL) > 0 &&
	    send(p.fd, "\r\n", 2, MSG_NOSIGNAL) == 2) {
		while (!found && n + 1 < cap && poll(&p, 1, 5000) == 1 &&
		    (k = recv(p.fd, out + n, cap - n - 1, 0)) > 0) {
			n += (size_t)k;
			out[n] = '\0';
			found = strstr(out, end) != NULL && out[n - 1] == '\n';
		}
	}
	close(p.fd);
	return found ? 0 : -1;
}
