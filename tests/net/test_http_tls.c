/* SPDX-License-Identifier: Apache-2.0 */
/* https: certificates are verified, always, and by nothing that is asked. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "net/http.h"

static struct csn_ctx *ctx;
static char *folder;
static const char *openssl;

/* Run openssl with these words; its output goes to out, or nowhere. */
static pid_t
run(const char *const *args, int out)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(folder) != 0 || (out >= 0 && dup2(out, 1) < 0) ||
	    freopen("/dev/null", "r", stdin) == NULL ||
	    freopen("/dev/null", "w", stderr) == NULL)
		_exit(126);
	(void)execvp(openssl, (char *const *)(uintptr_t)args);
	_exit(127);
}

static int
make_certificate(const char *name, const char *subject)
{
	char key[64], cert[64], san[80];
	const char *args[] = { "openssl", "req", "-x509", "-config",
	    "request.conf", "-newkey", "ec",
	    "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
	    "-subj", "/CN=test", "-addext", san, "-keyout", key, "-out", cert,
	    NULL };
	int status;
	pid_t pid;

	(void)snprintf(key, sizeof(key), "%s.key", name);
	(void)snprintf(cert, sizeof(cert), "%s.crt", name);
	(void)snprintf(san, sizeof(san), "subjectAltName=%s", subject);
	if ((pid = run(args, -1)) < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* A TLS server with that certificate; its port, or 0. */
static unsigned
serve(const char *name, const char *version, pid_t *pid)
{
	char key[64], cert[64], line[256];
	const char *args[] = { "openssl", "s_server", "-accept",
	    "127.0.0.1:0", "-key", key, "-cert", cert, "-www", version, NULL };
	unsigned port = 0;
	int fds[2];
	FILE *f;

	(void)snprintf(key, sizeof(key), "%s.key", name);
	(void)snprintf(cert, sizeof(cert), "%s.crt", name);
	if (pipe(fds) != 0)
		return 0;
	*pid = run(args, fds[1]);
	(void)close(fds[1]);
	f = fdopen(fds[0], "r");
	while (f != NULL && port == 0 && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
	/* The pipe stays open: the server writes on. */
	return port;
}

static int
ask(unsigned port, const char *ca)
{
	struct csn_http_options opt = { .allow_private = 1, .ca_file = ca,
	    .timeout_ms = 5000 };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1 << 20 };
	struct csn_http_response res;
	struct csn_http *http;
	char url[64];
	int rc;

	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", port);
	assert_int_equal(csn_http_new(ctx, url, &opt, &http), 0);
	rc = csn_http_send(http, &req, &res);
	if (rc == 0)
		assert_int_equal(res.status, 200);
	csn_http_response_free(&res);
	csn_http_free(http);
	return rc;
}

TEST(certificates_are_verified)
{
	char ca[160], other[160];
	pid_t right, wrong, old;
	unsigned port;

	if (make_certificate("right", "IP:127.0.0.1") != 0 ||
	    make_certificate("wrong", "DNS:other.example") != 0)
		test_skip("this openssl makes no certificates");
	(void)snprintf(ca, sizeof(ca), "%s/right.crt", folder);
	(void)snprintf(other, sizeof(other), "%s/wrong.crt", folder);

	port = serve("right", "-tls1_3", &right);
	if (port == 0)
		test_skip("this openssl has no s_server");
	/* Nobody whom the system trusts has signed it. */
	assert_int_equal(ask(port, NULL), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "TLS failed"));
	assert_int_equal(ask(port, other), CSN_E_BACKEND);
	assert_int_equal(ask(port, "/nonexistent"), CSN_E_BACKEND);
	assert_int_equal(ask(port, ca), 0);
	(void)kill(right, SIGKILL);

	/* Its signer is trusted, its name is another's. */
	port = serve("wrong", "-tls1_3", &wrong);
	assert_int_not_equal(port, 0);
	assert_int_equal(ask(port, other), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "TLS failed"));
	(void)kill(wrong, SIGKILL);

	port = serve("right", "-tls1_2", &old);
	assert_int_not_equal(port, 0);
	assert_int_equal(ask(port, ca), 0);
	(void)kill(old, SIGKILL);
}

BEFORE_ALL
{
	char path[160];
	FILE *f;

	openssl = getenv("CAISSON_OPENSSL");
	if (openssl == NULL || openssl[0] == '\0')
		openssl = "openssl";
	folder = folder_new();
	/* Our own openssl has no configuration file. */
	(void)snprintf(path, sizeof(path), "%s/request.conf", folder);
	assert_false((f = fopen(path, "w")) == NULL ||
	    fputs("[req]\ndistinguished_name = name\n[name]\n", f) < 0 ||
	    fclose(f) != 0);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	folder_remove(folder);
}
