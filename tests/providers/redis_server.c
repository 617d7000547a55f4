/* SPDX-License-Identifier: Apache-2.0 */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "providers/redis_server.h"

#define READY_MS 20000
#define MAX_ARGS 64

uint64_t
test_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int
program_is_here(const char *name)
{
	char *path, *at, *folder, file[512];
	int found = 0;

	if ((path = strdup(getenv("PATH") == NULL ? "/usr/bin" :
	    getenv("PATH"))) == NULL)
		return 0;
	for (at = path; !found && (folder = strsep(&at, ":")) != NULL;) {
		snprintf(file, sizeof(file), "%s/%s", folder, name);
		found = access(file, X_OK) == 0;
	}
	free(path);
	return found;
}

/*
 * Below those that outgoing connections get, so that a server which is killed
 * and started again finds its port as it left it.
 */
uint16_t
free_port(void)
{
	static unsigned at;
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint16_t port;
	int fd, i, ok;

	if (at == 0)
		at = (unsigned)getpid() * 7919u + (unsigned)test_now_ms();
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < 1000; i++) {
		at = at * 1103515245u + 12345u;
		port = (uint16_t)(10000 + (at >> 8) % 20000);
		to.sin_port = htons(port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return 0;
		ok = bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
		(void)close(fd);
		if (ok)
			return port;
	}
	return 0;
}

int
redis_say(uint16_t port, const char *command, char *out, size_t cap)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct pollfd p = { .events = POLLIN };
	size_t n = 0;
	ssize_t k;
	int fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	out[0] = '\0';
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	p.fd = fd;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(fd, command, strlen(command), MSG_NOSIGNAL) > 0 &&
	    send(fd, "\r\n", 2, MSG_NOSIGNAL) == 2) {
		while (strchr(out, '\n') == NULL && n + 1 < cap &&
		    poll(&p, 1, 5000) == 1 &&
		    (k = recv(fd, out + n, cap - n - 1, 0)) > 0) {
			n += (size_t)k;
			out[n] = '\0';
		}
	}
	(void)close(fd);
	return n > 0 ? 0 : -1;
}

static void
child(const struct redis_server *s, pid_t parent)
{
	char port[8], bus[8];
	const char *argv[MAX_ARGS] = { s->program, "--port", port, "--bind",
	    "127.0.0.1", "--dir", s->dir, "--save", "", "--appendonly", "no",
	    "--daemonize", "no", "--logfile", "log", "--enable-debug-command",
	    "yes", "--protected-mode", "no" };
	size_t n = 19, i;

	snprintf(port, sizeof(port), "%u", s->port);
	snprintf(bus, sizeof(bus), "%u", s->bus);
	if (s->cluster) {
		const char *const more[] = { "--cluster-enabled", "yes",
		    "--cluster-port", bus, "--cluster-node-timeout", "1000",
		    "--cluster-config-file", "nodes.conf",
		    "--repl-diskless-sync-delay", "0",
		    "--cluster-replica-validity-factor", "0" };

		for (i = 0; i < sizeof(more) / sizeof(more[0]); i++)
			argv[n++] = more[i];
	}
	for (i = 0; s->more != NULL && s->more[i] != NULL &&
	    n + 1 < MAX_ARGS; i++)
		argv[n++] = s->more[i];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* Its complaints go to its log, in a folder that is removed. */
	(void)close(STDIN_FILENO);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int
redis_server_start(struct redis_server *s)
{
	uint64_t until = test_now_ms() + READY_MS;
	pid_t parent = getpid();
	char answer[128];

	if (s->program == NULL)
		s->program = "redis-server";
	if (s->port == 0)
		s->port = free_port();
	if (s->cluster && s->bus == 0)
		s->bus = free_port();
	if (s->dir[0] == '\0') {
		snprintf(s->dir, sizeof(s->dir), "/tmp/caisson-redis-XXXXXX");
		if (mkdtemp(s->dir) == NULL)
			return -1;
	}
	if ((s->pid = fork()) == 0)
		child(s, parent);
	if (s->pid < 0)
		return -1;
	while (test_now_ms() < until) {
		if (waitpid(s->pid, NULL, WNOHANG) != 0) {
			s->pid = 0;
			return -1;
		}
		if (redis_say(s->port, "PING", answer, sizeof(answer)) == 0 &&
		    strncmp(answer, "-LOADING", 8) != 0)
			return 0;
		(void)poll(NULL, 0, 20);
	}
	redis_server_stop(s);
	return -1;
}

void
redis_server_kill(struct redis_server *s)
{
	if (s->pid <= 0)
		return;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void
redis_server_stop(struct redis_server *s)
{
	static const char *const files[] = { "log", "nodes.conf", "dump.rdb",
	    "users.acl", "" };
	char path[128];
	size_t i;

	redis_server_kill(s);
	if (s->dir[0] == '\0')
		return;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, files[i]);
		(void)remove(path);
	}
	s->dir[0] = '\0';
}
