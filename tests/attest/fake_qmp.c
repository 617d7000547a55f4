/* SPDX-License-Identifier: Apache-2.0 */
/* fake_qmp.c - a scripted server in a thread. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attest/fake_qmp.h"
#include "lib/test.h"

static void
say(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

/* One command into f->seen; its length, or 0 where the other hung up. */
static size_t
hear(struct fake_qmp *f, int fd)
{
	char *out = f->seen[f->commands];
	size_t n = 0;

	while (n + 1 < sizeof(f->seen[0])) {
		if (recv(fd, out + n, 1, 0) != 1)
			return 0;
		if (out[n] == '\n')
			break;
		n++;
	}
	out[n] = '\0';
	f->commands++;
	return n;
}

/* Send n times what, many at a time. */
static void
many(int fd, const char *what, long n)
{
	size_t len = strlen(what), used = 0;
	char text[8192];

	while (n-- > 0) {
		memcpy(text + used, what, len);
		used += len;
		if (n == 0 || used + len > sizeof(text)) {
			say(fd, text, used);
			used = 0;
		}
	}
}

static void
save(const char *command, long n)
{
	const char *name = strstr(command, "\"filename\":\"");
	char path[256];
	FILE *f;

	if (name == NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s", name + 12);
	path[strcspn(path, "\"")] = '\0';
	if ((f = fopen(path, "wb")) == NULL)
		return;
	while (n-- > 0)
		(void)fputc(0xa5, f);
	(void)fclose(f);
}

/* 0 where the script is to end. */
static int
act(struct fake_qmp *f, int fd, const char *step)
{
	const char *last = f->commands > 0 ? f->seen[f->commands - 1] : "";
	const char *id = strstr(last, "\"id\":");
	char text[1024], byte;

	if (strncmp(step, "@ID", 3) == 0) {
		(void)snprintf(text, sizeof(text), "%.*s, \"id\": %ld}\r\n",
		    (int)strlen(step) - 4, step + 3,
		    id == NULL ? -1 : strtol(id + 5, NULL, 10));
		say(fd, text, strlen(text));
	} else if (strncmp(step, "@SAVE ", 6) == 0) {
		save(last, strtol(step + 6, NULL, 10));
	} else if (strncmp(step, "@LONG ", 6) == 0) {
		many(fd, "aaaaaaaaaaaaaaaa", strtol(step + 6, NULL, 10) / 16);
	} else if (strncmp(step, "@EVENT ", 7) == 0) {
		many(fd, "{\"event\": \"RESUME\"}\r\n",
		    strtol(step + 7, NULL, 10));
	} else if (strcmp(step, "@WAIT") == 0) {
		while (recv(fd, &byte, 1, 0) == 1)
			;
	} else if (strcmp(step, "@CLOSE") == 0) {
		return 0;
	} else {
		say(fd, step, strlen(step));
	}
	return 1;
}

static void *
serve(void *arg)
{
	struct fake_qmp *f = arg;
	size_t i;
	int fd;

	if ((fd = accept(f->listener, NULL, NULL)) < 0)
		return NULL;
	for (i = 0; f->script[i] != NULL; i++) {
		if (strcmp(f->script[i], "@AGAIN") == 0) {
			(void)close(fd);
			if ((fd = accept(f->listener, NULL, NULL)) < 0)
				return NULL;
		} else if (strcmp(f->script[i], "<") == 0) {
			if (hear(f, fd) == 0)
				break;
		} else if (!act(f, fd, f->script[i])) {
			break;
		}
	}
	(void)close(fd);
	return NULL;
}

void
fake_qmp_start(struct fake_qmp *f, const char *const *script)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memset(f, 0, sizeof(*f));
	f->script = script;
	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/csn-qmp-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->path, sizeof(f->path), "%s/qmp", f->folder);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sun,
	    sizeof(sun)), 0);
	assert_int_equal(listen(f->listener, 1), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

void
fake_qmp_stop(struct fake_qmp *f)
{
	(void)shutdown(f->listener, SHUT_RDWR);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	(void)unlink(f->path);
	(void)rmdir(f->folder);
}
