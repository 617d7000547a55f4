/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c - the HTTP server: its routes, and what clients may take. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../serve/serve.h"
#include "lib/test.h"

#define SECOND ((uint64_t)1000000000)

struct fixture {
	char *folder, socket[80];
	struct serve_place place;
	struct serve *serve;
	pthread_t thread;
	atomic_int over;
	atomic_int held;	/* handlers that wait for letting go */
	atomic_int let_go;
	atomic_int logged;
	atomic_int looks;	/* at the clock, by serve_run() */
	pthread_mutex_t keeping;
	char path[32];		/* of what was logged last */
	int ended;		/* what serve_run() came to */
};

static void
echo(void *arg, const struct serve_request *r, struct serve_reply *reply)
{
	(void)arg;
	serve_json(reply, 200, json_pack("{s:s%}", "body", (const char *)
	    r->body, r->len));
}

static void
hold(void *arg, const struct serve_request *r, struct serve_reply *reply)
{
	struct fixture *f = arg;

	(void)r;
	f->held++;
	while (!f->let_go)
		(void)poll(NULL, 0, 5);
	serve_error(reply, 503, CSN_E_BUSY, 7, NULL);
}

static const struct serve_route routes[] = {
	{ "POST", "/echo", echo },
	{ "PUT", "/echo", echo },
	{ "GET", "/hold", hold },
	{ NULL, NULL, NULL }
};

static void
keep(void *arg, const struct serve_request *r,
    const struct serve_reply *reply)
{
	struct fixture *f = arg;

	(void)reply;
	pthread_mutex_lock(&f->keeping);
	serve_clean(r->path, f->path, sizeof(f->path));
	pthread_mutex_unlock(&f->keeping);
	f->logged++;
}

static int
is_over(void *arg)
{
	struct fixture *f = arg;

	f->looks++;
	return f->over;
}

static void *
attend(void *arg)
{
	struct fixture *f = arg;

	f->ended = serve_run(f->serve, is_over, f);
	return NULL;
}

/* A server with room for 3 clients, who each have that long. */
static void
begin(struct fixture *f, uint64_t patience_ns)
{
	struct serve_options o = { .routes = routes, .log = keep, .arg = f,
	    .connections = 3, .per_address = 3, .patience_ns = patience_ns,
	    .max_body = 100 };
	char why[SERVE_WHY] = "", where[96];

	memset(f, 0, sizeof(*f));
	(void)pthread_mutex_init(&f->keeping, NULL);
	f->folder = folder_new();
	(void)snprintf(f->socket, sizeof(f->socket), "%s/s", f->folder);
	(void)snprintf(where, sizeof(where), "unix:%s", f->socket);
	assert_int_equal(serve_listen(where, 0, &f->place, why), 0);
	assert_int_equal(serve_start(&o, &f->place, &f->serve), 0);
	assert_int_equal(f->place.fd, -1);
	assert_int_equal(pthread_create(&f->thread, NULL, attend, f), 0);
}

static void
end(struct fixture *f)
{
	f->let_go = 1;
	f->over = 42;
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	assert_int_equal(f->ended, 42);
	serve_stop(f->serve);
	serve_unlisten(&f->place);
	assert_int_not_equal(access(f->socket, F_OK), 0);
	assert_int_equal(rmdir(f->folder), 0);
	free(f->folder);
}

static int
dial(const struct fixture *f, const char *request)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, f->socket, strlen(f->socket) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at,
	    sizeof(at)), 0);
	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	return fd;
}

/* All that comes until the server ends it. */
static const char *
hang_up(int fd)
{
	static char text[4096];
	size_t at = 0;
	ssize_t n;

	while (at < sizeof(text) - 1 && (n = recv(fd, text + at,
	    sizeof(text) - 1 - at, 0)) > 0)
		at += (size_t)n;
	text[at] = '\0';
	close(fd);
	return text;
}

#define HEAD " HTTP/1.1\r\nHost: x\r\nContent-Length: "

TEST(a_request_is_answered_by_its_handler)
{
	struct fixture f;
	const char *text;

	begin(&f, 10 * SECOND);
	text = hang_up(dial(&f, "POST /echo" HEAD "5\r\n\r\nhello"));
	assert_non_null(strstr(text, "HTTP/1.1 200 "));
	assert_non_null(strstr(text, "{\"body\":\"hello\"}"));
	assert_non_null(strstr(text, "Cache-Control: no-store"));
	assert_int_equal(f.logged, 1);
	assert_string_equal(f.path, "/echo");
	end(&f);
}

TEST(what_no_route_answers_is_refused_by_name)
{
	struct fixture f;
	const char *text;

	begin(&f, 10 * SECOND);
	text = hang_up(dial(&f, "GET /nothing" HEAD "0\r\n\r\n"));
	assert_non_null(strstr(text, "HTTP/1.1 404 "));
	assert_non_null(strstr(text, "POST /echo, PUT /echo, GET /hold"));
	text = hang_up(dial(&f, "GET /echo" HEAD "0\r\n\r\n"));
	assert_non_null(strstr(text, "HTTP/1.1 405 "));
	assert_non_null(strstr(text, "Allow: POST, PUT\r\n"));
	text = hang_up(dial(&f, "\x1b[31m /echo" HEAD "0\r\n\r\n"));
	assert_null(strstr(text, "HTTP/1.1 200 "));
	end(&f);
}

TEST(what_is_too_long_is_not_read)
{
	char long_one[300];
	struct fixture f;
	const char *text;

	begin(&f, 10 * SECOND);
	/* Its bytes never come: who waits for them waits for nothing. */
	text = hang_up(dial(&f, "POST /echo" HEAD "101\r\n\r\n"));
	assert_non_null(strstr(text, "HTTP/1.1 413 "));
	/* Nor where its length is not said before. */
	(void)snprintf(long_one, sizeof(long_one), "POST /echo HTTP/1.1\r\n"
	    "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n%0101d\r\n"
	    "0\r\n\r\n", 0);
	text = hang_up(dial(&f, long_one));
	assert_non_null(strstr(text, "HTTP/1.1 413 "));
	text = hang_up(dial(&f, "POST /echo" HEAD "0\r\n\r\n"));
	assert_non_null(strstr(text, "HTTP/1.1 200 "));
	end(&f);
}

/* Until serve_run() has looked twice for who is too slow. */
static void
wait_for_looks(struct fixture *f)
{
	int before = f->looks;

	while (f->looks < before + 3)
		(void)poll(NULL, 0, 5);
}

TEST(who_has_time_is_left_alone)
{
	char body[101], text[200];
	struct fixture f;
	int fd;

	begin(&f, 600 * SECOND);
	memset(body, 'x', 100);
	body[100] = '\0';
	/* As long as it may be, and not in one piece. */
	fd = dial(&f, "POST /echo" HEAD "100\r\n\r\n");
	wait_for_looks(&f);
	assert_int_equal(send(fd, body, 50, MSG_NOSIGNAL), 50);
	wait_for_looks(&f);
	assert_int_equal(send(fd, body, 50, MSG_NOSIGNAL), 50);
	(void)snprintf(text, sizeof(text), "{\"body\":\"%s\"}", body);
	assert_non_null(strstr(hang_up(fd), text));
	end(&f);
}

TEST(a_client_that_says_nothing_or_little_is_ended)
{
	struct fixture f;
	int silent, slow, i;

	begin(&f, SECOND / 5);
	/* Those who went before have left their places. */
	for (i = 0; i < 5; i++)
		assert_non_null(strstr(hang_up(dial(&f, "POST /echo" HEAD
		    "0\r\n\r\n")), " 200 "));
	f.logged = 0;
	silent = dial(&f, "");
	slow = dial(&f, "POST /echo" HEAD "100\r\n\r\n");
	/* A byte now and then gives nobody more time. */
	for (i = 0; i < 90 && send(slow, "x", 1, MSG_NOSIGNAL) == 1; i++)
		(void)poll(NULL, 0, 100);
	assert_true(i < 90);
	close(slow);
	assert_string_equal(hang_up(silent), "");
	assert_int_equal(f.logged, 0);
	end(&f);
}

TEST(the_time_of_a_handler_is_not_its_clients)
{
	struct fixture f;
	const char *text;
	int fd, i;

	begin(&f, SECOND / 5);
	fd = dial(&f, "GET /hold" HEAD "0\r\n\r\n");
	while (f.held == 0)
		(void)poll(NULL, 0, 5);
	/* One that is ended meanwhile shows that time went by. */
	for (i = 0; i < 3; i++)
		assert_string_equal(hang_up(dial(&f, "")), "");
	f.let_go = 1;
	text = hang_up(fd);
	assert_non_null(strstr(text, "HTTP/1.1 503 "));
	assert_non_null(strstr(text, "Retry-After: 7\r\n"));
	assert_non_null(strstr(text, "CSN_E_BUSY"));
	end(&f);
}

TEST(no_more_clients_than_there_is_room_for)
{
	struct fixture f;
	int fd[3], i;

	begin(&f, 600 * SECOND);
	for (i = 0; i < 3; i++)
		fd[i] = dial(&f, "GET /hold" HEAD "0\r\n\r\n");
	while (f.held < 3)
		(void)poll(NULL, 0, 5);
	/* A fourth hears nothing, or is ended, until one of them is gone. */
	i = dial(&f, "POST /echo" HEAD "0\r\n\r\n");
	wait_for_looks(&f);
	assert_int_equal(f.held, 3);
	assert_int_equal(f.logged, 0);
	f.let_go = 1;
	assert_non_null(strstr(hang_up(fd[0]), " 503 "));
	assert_non_null(strstr(hang_up(fd[1]), " 503 "));
	assert_non_null(strstr(hang_up(fd[2]), " 503 "));
	(void)hang_up(i);
	assert_true(f.logged >= 3);
	end(&f);
}

TEST(a_path_is_compared_as_it_was_written)
{
	static const char *const others[] = { "/echo%00", "/echo%00x",
	    "/%65cho", "/echo%0a", "/echo/", "//echo", "/echo%", "/ECHO",
	    "/x/../echo" };
	struct fixture f;
	char text[128];
	size_t i;

	begin(&f, 10 * SECOND);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)snprintf(text, sizeof(text), "POST %s" HEAD
		    "0\r\n\r\n", others[i]);
		assert_non_null(strstr(hang_up(dial(&f, text)), " 404 "));
		assert_string_equal(f.path, others[i]);
	}
	end(&f);
}

TEST(headers_without_end_are_refused_and_held_nowhere)
{
	char *text = malloc(200000);
	struct fixture f;
	size_t at, i;

	assert_non_null(text);
	begin(&f, 10 * SECOND);
	at = (size_t)snprintf(text, 200000, "POST /echo HTTP/1.1\r\n");
	for (i = 0; at < 199000; i++)
		at += (size_t)snprintf(text + at, 200000 - at,
		    "X-%zu: %0100d\r\n", i, 0);
	(void)snprintf(text + at, 200000 - at, "Content-Length: 0\r\n\r\n");
	for (i = 0; i < 5; i++)
		assert_null(strstr(hang_up(dial(&f, text)), " 200 "));
	assert_int_equal(f.logged, 0);
	assert_non_null(strstr(hang_up(dial(&f, "POST /echo" HEAD
	    "2\r\n\r\nhi")), " 200 "));
	end(&f);
	free(text);
}

static void *
let_go_soon(void *arg)
{
	struct fixture *f = arg;

	(void)poll(NULL, 0, 50);
	f->let_go = 1;
	return NULL;
}

TEST(who_stops_the_server_waits_for_its_answers)
{
	struct fixture f;
	pthread_t thread;
	int held, idle, half;

	begin(&f, 600 * SECOND);
	held = dial(&f, "GET /hold" HEAD "0\r\n\r\n");
	idle = dial(&f, "");
	half = dial(&f, "POST /echo" HEAD "50\r\n\r\nhel");
	while (f.held == 0)
		(void)poll(NULL, 0, 5);
	f.over = 42;
	assert_int_equal(pthread_join(f.thread, NULL), 0);
	assert_int_equal(f.logged, 0);
	assert_int_equal(pthread_create(&thread, NULL, let_go_soon, &f), 0);
	serve_stop(f.serve);
	/* Its handler is through, and nobody is waited for any more. */
	assert_int_equal(f.logged, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)hang_up(held);
	assert_string_equal(hang_up(idle), "");
	assert_string_equal(hang_up(half), "");
	serve_unlisten(&f.place);
	assert_int_equal(rmdir(f.folder), 0);
	free(f.folder);
}

TEST(a_place_that_is_taken_is_left_to_who_has_it)
{
	struct serve_place place;
	char why[SERVE_WHY] = "", where[96];
	struct fixture f;

	begin(&f, SECOND);
	(void)snprintf(where, sizeof(where), "unix:%s", f.socket);
	assert_int_equal(serve_listen(where, 0, &place, why), CSN_E_IO);
	assert_non_null(strstr(why, f.socket));
	assert_int_equal(access(f.socket, F_OK), 0);
	assert_non_null(strstr(hang_up(dial(&f, "POST /echo" HEAD
	    "2\r\n\r\nhi")), " 200 "));
	end(&f);
}

TEST(a_place_is_what_it_says_and_its_owners)
{
	static const char *const wrong[] = { "here", "unix:", "127.0.0.1:",
	    ":80", "127.0.0.1:65536", "127.0.0.1:8x", "[::1]80" };
	struct serve_place place;
	char why[SERVE_WHY];
	struct stat st;
	struct fixture f;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why[0] = '\0';
		assert_int_equal(serve_listen(wrong[i], 0, &place, why),
		    CSN_E_ARG);
		assert_string_not_equal(why, "");
		assert_int_equal(place.fd, -1);
	}
	assert_int_equal(serve_listen("127.0.0.1:0", 1, &place, why), 0);
	assert_int_equal(strncmp(place.text, "https://127.0.0.1:", 18), 0);
	assert_string_not_equal(place.text + 18, "0");
	assert_int_equal(place.loopback, 1);
	serve_unlisten(&place);
	assert_int_equal(serve_listen("0.0.0.0:0", 0, &place, why), 0);
	assert_int_equal(place.loopback, 0);
	serve_unlisten(&place);
	begin(&f, SECOND);
	assert_int_equal(stat(f.socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	end(&f);
}

TEST(a_rate_fills_up_again_and_no_further)
{
	struct serve_rate r = { .rate = 3 };
	uint64_t now = 5 * SECOND;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(serve_rate_take(&r, now), 1);
	assert_int_equal(serve_rate_take(&r, now), 0);
	/* A moment before gives nothing back. */
	assert_int_equal(serve_rate_take(&r, now - 1), 0);
	assert_int_equal(serve_rate_take(&r, now), 0);
	assert_int_equal(serve_rate_take(&r, now + SECOND / 3 + 1000000), 1);
	assert_int_equal(serve_rate_take(&r, now + SECOND / 3 + 1000000), 0);
	now += 1000 * SECOND;
	for (i = 0; i < 3; i++)
		assert_int_equal(serve_rate_take(&r, now), 1);
	assert_int_equal(serve_rate_take(&r, now), 0);
	/* However much time passes, what is left is not kept on top. */
	now += 1000 * SECOND;
	assert_int_equal(serve_rate_take(&r, now), 1);
	now += 1000 * SECOND;
	for (i = 0; i < 3; i++)
		assert_int_equal(serve_rate_take(&r, now), 1);
	assert_int_equal(serve_rate_take(&r, now), 0);
}

TEST(what_clients_wrote_is_shown_in_plain)
{
	char out[8];

	serve_clean(" a\x7f\x80\n~!\x1b[31m", out, sizeof(out));
	assert_string_equal(out, "?a???~!");
}
