/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve.c - caisson attest serve: challenges over HTTP. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "serve.h"

#define WHERE "127.0.0.1:8411"
#define MAX_BODY 4096
#define CONNECTIONS 32
#define MAX_CONNECTIONS 1024
#define RATE 5			/* challenges a second */
#define DUTY 50			/* per cent of the time for measuring */
#define PATIENCE_MS 10000	/* to ask in, and to take the answer in */
#define PER_CONNECTION 32768	/* bytes, of headers and what is sent */

/* A connection that is open, so that it can be ended. */
struct client {
	int used;
	int fd;
	int busy;		/* its report is being made */
	uint64_t since_ns;	/* that we wait for it */
};

struct server {
	struct cli *cli;
	struct attest_source source;
	struct serve_turn turn;		/* the attester, one at a time */
	int incremental;
	unsigned per_address;
	pthread_mutex_t lock;	/* all below */
	struct serve_rate rate;
	struct client *clients;
	size_t nclients;
	uint64_t patience_ns;
	uint64_t answered;
	uint64_t refused;
	int code;		/* of the last measurement */
	int measured;		/* there was one */
	uint64_t since_ns;	/* that one is being made, or 0 */
	int first;		/* the code that the first one came to */
	char why[256];		/* and why, where that is not 0 */
};

struct request {
	char body[MAX_BODY + 1];
	size_t len;
	int too_long;
	uint64_t start_ns;
};

/* --- answers ------------------------------------------------------------ */

/* A line for whoever runs it: when, what was asked, what was answered. */
static void
log_line(struct server *s, const struct request *r, const char *method,
    const char *url, unsigned status, int code)
{
	double ms = (double)(cli_now_ns() - r->start_ns) / 1e6;
	char when[CLI_TEXT], path[32], word[9], *text;
	json_t *o;

	/* Both are the client's. */
	serve_clean(url, path, sizeof(path));
	serve_clean(method, word, sizeof(word));
	if (!s->cli->json) {
		cli_time_text(csn_ctx_wall_ms(s->cli->ctx), when);
		cli_note(s->cli, "%s  %-4s %s  %u%s%s  %.1f ms\n", when,
		    word, path, status, code != 0 ? " " : "", code != 0 ?
		    csn_error_name(code) : "", ms);
		return;
	}
	o = json_pack("{s:I, s:s, s:s, s:i, s:f, s:s?}", "time_ms",
	    (json_int_t)csn_ctx_wall_ms(s->cli->ctx), "method", word,
	    "path", path, "status", (int)status, "ms", ms, "error",
	    code != 0 ? csn_error_name(code) : NULL);
	text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	if (text != NULL) {
		printf("%s\n", text);
		fflush(stdout);
	}
	free(text);
	json_decref(o);
}

/* retry_s 0: nothing is said about when to come again. */
static enum MHD_Result
send_it(struct MHD_Connection *c, unsigned status, const char *type,
    uint64_t retry_s, struct MHD_Response *response)
{
	char retry[21];
	enum MHD_Result ok;

	if (response == NULL)
		return MHD_NO;
	(void)MHD_add_response_header(response, "Content-Type", type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	(void)MHD_add_response_header(response, "Connection", "close");
	snprintf(retry, sizeof(retry), "%llu", (unsigned long long)retry_s);
	if (retry_s != 0)
		(void)MHD_add_response_header(response, "Retry-After",
		    retry);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, "Allow",
		    "GET, POST");
	ok = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return ok;
}

static enum MHD_Result
send_json(struct MHD_Connection *c, unsigned status, uint64_t retry_s,
    json_t *o)
{
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	if (text == NULL)
		return MHD_NO;
	return send_it(c, status, "application/json", retry_s,
	    MHD_create_response_from_buffer(strlen(text), text,
	    MHD_RESPMEM_MUST_FREE));
}

/* What went wrong here in detail is for the log, not for whoever asks. */
static enum MHD_Result
send_error(struct MHD_Connection *c, unsigned status, int code,
    uint64_t retry_s, const char *message)
{
	return send_json(c, status, retry_s, json_pack("{s:s, s:s}", "error",
	    csn_error_name(code), "message", message != NULL ? message :
	    csn_error_text(code)));
}

/* --- a challenge -------------------------------------------------------- */

static int
take_nonce(const struct request *r, uint8_t nonce[CSN_NONCE_MAX],
    size_t *len)
{
	const char *hex;
	json_t *o;
	size_t n;
	int rc = -1;

	o = json_loadb(r->body, r->len, JSON_REJECT_DUPLICATES, NULL);
	if (json_unpack(o, "{s:s !}", "nonce", &hex) == 0) {
		n = strlen(hex) / 2;
		if (n >= CSN_NONCE_MIN && n <= CSN_NONCE_MAX &&
		    cli_unhex(hex, nonce, n) == 0) {
			*len = n;
			rc = 0;
		}
	}
	json_decref(o);
	return rc;
}

/* One challenge that is being answered. */
struct job {
	struct server *server;
	const uint8_t *nonce;
	size_t nonce_len;
	uint8_t *report;
	size_t len;
};

/* Health tells of it while it is made, however long that takes. */
static int
measure(void *arg)
{
	const struct job *job = arg;
	struct server *s = job->server;
	int code;

	pthread_mutex_lock(&s->lock);
	s->since_ns = cli_now_ns();
	pthread_mutex_unlock(&s->lock);
	code = csn_attester_measure(s->source.attester, s->incremental);
	if (code == 0 && csn_attester_count(s->source.attester) == 0)
		code = CSN_E_NOT_FOUND;
	pthread_mutex_lock(&s->lock);
	s->since_ns = 0;
	s->measured = 1;
	s->code = code;
	pthread_mutex_unlock(&s->lock);
	return code;
}

/* For how long one has been under way; 0 where none is. */
static uint64_t
measuring_ms(struct server *s)
{
	uint64_t since;

	pthread_mutex_lock(&s->lock);
	since = s->since_ns;
	pthread_mutex_unlock(&s->lock);
	return since == 0 ? 0 : (cli_now_ns() - since) / 1000000 + 1;
}

static int
report(void *arg)
{
	struct job *job = arg;

	return csn_attester_report(job->server->source.attester, job->nonce,
	    job->nonce_len, &job->report, &job->len);
}

static void
set_busy(struct server *s, struct MHD_Connection *c, int busy)
{
	const union MHD_ConnectionInfo *info;
	struct client *client;

	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	client = info != NULL ? info->socket_context : NULL;
	if (client == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	client->busy = busy;
	client->since_ns = cli_now_ns();
	pthread_mutex_unlock(&s->lock);
}

static void
count(struct server *s, int code)
{
	pthread_mutex_lock(&s->lock);
	if (code == 0)
		s->answered++;
	else
		s->refused++;
	pthread_mutex_unlock(&s->lock);
}

static int
may_answer(struct server *s)
{
	int may;

	pthread_mutex_lock(&s->lock);
	may = serve_rate_take(&s->rate, cli_now_ns());
	if (!may)
		s->refused++;
	pthread_mutex_unlock(&s->lock);
	return may;
}

/* Memory is read after the nonce came: an older look proves nothing. */
static enum MHD_Result
answer_nonce(struct server *s, struct MHD_Connection *c,
    const struct request *r, struct job *job, unsigned *status, int *code)
{
	uint64_t ready_ns = 0, now, retry_s;

	set_busy(s, c, 1);
	*code = serve_turn_take(&s->turn, r->start_ns + s->patience_ns,
	    measure, report, job, &ready_ns);
	set_busy(s, c, 0);
	count(s, *code);
	if (*code == 0) {
		*status = MHD_HTTP_OK;
		return send_it(c, *status, CSN_REPORT_TYP, 0,
		    MHD_create_response_from_buffer_with_free_callback(
		    job->len, job->report, csn_free));
	}
	now = cli_now_ns();
	retry_s = ready_ns > now ? (ready_ns - now) / 1000000000 + 1 : 1;
	*status = MHD_HTTP_SERVICE_UNAVAILABLE;
	if (*code == CSN_E_BUSY)
		return send_error(c, *status, *code, retry_s,
		    measuring_ms(s) != 0 ? "it is measuring, and not done" :
		    "it has measured enough for now");
	if (!cli_interrupted())
		(void)cli_error_lib(s->cli, *code, NULL,
		    "a challenge could not be answered");
	return send_error(c, *status, *code, retry_s, NULL);
}

static enum MHD_Result
challenge(struct server *s, struct MHD_Connection *c,
    const struct request *r, unsigned *status, int *code)
{
	uint8_t nonce[CSN_NONCE_MAX];
	struct job job = { .server = s, .nonce = nonce };

	if (take_nonce(r, nonce, &job.nonce_len) != 0) {
		*status = MHD_HTTP_BAD_REQUEST;
		*code = CSN_E_FORM;
		return send_error(c, *status, *code, 0, "a challenge is "
		    "{\"nonce\": 16 to 64 bytes in hex}");
	}
	if (!may_answer(s)) {
		*status = MHD_HTTP_TOO_MANY_REQUESTS;
		*code = CSN_E_RATE;
		return send_error(c, *status, *code, 1, NULL);
	}
	return answer_nonce(s, c, r, &job, status, code);
}

static enum MHD_Result
health(struct server *s, struct MHD_Connection *c, unsigned *status)
{
	uint64_t answered, refused, ms = measuring_ms(s);
	const char *word;
	int good;

	pthread_mutex_lock(&s->lock);
	answered = s->answered;
	refused = s->refused;
	good = s->measured && s->code == 0;
	word = !s->measured ? "measuring" : good ? "ok" :
	    csn_error_name(s->code);
	/* One that does not come back is no good news of the last. */
	if (good && ms > s->patience_ns / 1000000) {
		good = 0;
		word = "measuring";
	}
	pthread_mutex_unlock(&s->lock);
	*status = good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
	return send_json(c, *status, 0, json_pack(
	    "{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "status", word,
	    "workload", cli_opt(s->cli, "workload"), "platform",
	    csn_regions_platform(s->source.regions), "signer",
	    csn_identity_alias(s->source.identity), "answered",
	    (json_int_t)answered, "refused", (json_int_t)refused,
	    "measuring_ms", (json_int_t)ms));
}

/* --- requests ----------------------------------------------------------- */

static enum MHD_Result
answer(struct server *s, struct MHD_Connection *c, const char *url,
    const char *method, const struct request *r)
{
	unsigned status = MHD_HTTP_NOT_FOUND;
	enum MHD_Result ok;
	int code = CSN_E_NOT_FOUND, post = strcmp(method, "POST") == 0;

	if (r->too_long) {
		status = MHD_HTTP_CONTENT_TOO_LARGE;
		code = CSN_E_LIMIT;
		ok = send_error(c, status, code, 0,
		    "a challenge is far shorter than that");
	} else if (strcmp(url, "/v1/challenge") == 0 && post) {
		ok = challenge(s, c, r, &status, &code);
	} else if (strcmp(url, "/v1/health") == 0 &&
	    strcmp(method, "GET") == 0) {
		code = 0;
		ok = health(s, c, &status);
	} else if (strcmp(url, "/v1/challenge") == 0 ||
	    strcmp(url, "/v1/health") == 0) {
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
		code = CSN_E_ARG;
		ok = send_error(c, status, code, 0,
		    "there are POST /v1/challenge and GET /v1/health");
	} else {
		ok = send_error(c, status, code, 0,
		    "there are POST /v1/challenge and GET /v1/health");
	}
	log_line(s, r, method, url, status, code);
	return ok;
}

static int
says_too_long(struct MHD_Connection *c)
{
	const char *text = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Content-Length");

	return text != NULL && strtoull(text, NULL, 10) > MAX_BODY;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state)
{
	struct request *r = *state;

	(void)version;
	if (r == NULL) {
		if ((r = calloc(1, sizeof(*r))) == NULL)
			return MHD_NO;
		*state = r;
		r->start_ns = cli_now_ns();
		r->too_long = says_too_long(c);
		/* What is too long is not even read. */
		return r->too_long ? answer(arg, c, url, method, r) : MHD_YES;
	}
	if (*upload_len == 0)
		return answer(arg, c, url, method, r);
	if (*upload_len > MAX_BODY - r->len) {
		r->too_long = 1;
	} else {
		memcpy(r->body + r->len, upload, *upload_len);
		r->len += *upload_len;
	}
	*upload_len = 0;
	return MHD_YES;
}

static void
done(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)c;
	(void)why;
	free(*state);
	*state = NULL;
}

/* --- connections -------------------------------------------------------- */

static void
connection(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct server *s = arg;
	struct client *client = *context;
	size_t i;

	pthread_mutex_lock(&s->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED && client != NULL) {
		client->used = 0;
	} else if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c,
		    MHD_CONNECTION_INFO_CONNECTION_FD);
		for (i = 0; info != NULL && i < s->nclients; i++) {
			if (s->clients[i].used)
				continue;
			s->clients[i].used = 1;
			s->clients[i].busy = 0;
			s->clients[i].fd = info->connect_fd;
			s->clients[i].since_ns = cli_now_ns();
			*context = &s->clients[i];
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

/* A byte now and then keeps no connection: each has its time as a whole. */
static void
end_slow_ones(struct server *s)
{
	uint64_t now = cli_now_ns();
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->nclients; i++)
		if (s->clients[i].used && !s->clients[i].busy &&
		    now - s->clients[i].since_ns > s->patience_ns)
			(void)shutdown(s->clients[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

/* --- the verb ----------------------------------------------------------- */

static struct MHD_Daemon *
start(struct server *s, const struct serve_place *place,
    const struct serve_tls *tls)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
	    MHD_USE_THREAD_PER_CONNECTION;
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key },
		{ MHD_OPTION_END, 0, NULL }
	};
	struct MHD_Daemon *daemon;
	sigset_t set, before;

	if (tls->cert != NULL)
		flags |= MHD_USE_TLS;
	else
		secure[0].option = MHD_OPTION_END;
	/* Signals are the first thread's. */
	sigfillset(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, &before);
	daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, s,
	    MHD_OPTION_LISTEN_SOCKET, place->fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->nclients,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)(s->patience_ns / 1000000000) + 1,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PER_CONNECTION,
	    MHD_OPTION_NOTIFY_COMPLETED, done, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, connection, s,
	    MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

static void
tell(struct server *s, const struct serve_place *place, int tls)
{
	struct cli *cli = s->cli;
	const char *who = csn_identity_alias(s->source.identity);

	if (cli->json)
		printf("{\"listening\":\"%s\",\"signer\":\"%s\"}\n",
		    place->text, who);
	else
		cli_say(cli, "Answering challenges at %s as %s\n",
		    place->text, who);
	fflush(stdout);
	if (!place->loopback)
		cli_note(cli, "Whoever reaches this address can make it "
		    "measure and see hashes of the memory%s.\n", tls ? "" :
		    ", in the clear");
}

static int
no_report(void *arg)
{
	(void)arg;
	return 0;
}

/* What cannot be measured at all is found before anybody asks. */
static void *
first(void *arg)
{
	struct server *s = arg;
	struct job job = { .server = s };
	uint64_t ready_ns;
	int code;

	code = serve_turn_take(&s->turn, UINT64_MAX, measure, no_report,
	    &job, &ready_ns);
	serve_turn_rested(&s->turn);
	pthread_mutex_lock(&s->lock);
	s->first = code;
	snprintf(s->why, sizeof(s->why), "%s", code == CSN_E_NOT_FOUND ?
	    "it has no regions, there is nothing to measure" :
	    csn_ctx_message(s->cli->ctx));
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Until a signal comes, or there is nothing left to attest. */
static int
attend(struct server *s)
{
	struct cli *cli = s->cli;
	unsigned round = 0;
	char why[256];
	int code;

	while (!cli_interrupted()) {
		(void)poll(NULL, 0, 100);
		end_slow_ones(s);
		pthread_mutex_lock(&s->lock);
		code = s->first;
		memcpy(why, s->why, sizeof(why));
		pthread_mutex_unlock(&s->lock);
		if (code != 0 && !cli_interrupted())
			return cli_error(cli, code == CSN_E_NOT_FOUND ?
			    CLI_USAGE : cli_exit_code(code), NULL,
			    "cannot measure %s: %s [%s]", cli_arg(cli, 0),
			    why, csn_error_name(code));
		if (++round % 10 == 0 && attest_is_gone(cli))
			return cli_error(cli, CLI_FAILED, NULL, "%s has "
			    "ended, nothing is left to attest",
			    cli_arg(cli, 0));
	}
	return CLI_OK;
}

static int
run(struct server *s, struct serve_place *place, const struct serve_tls *tls)
{
	struct MHD_Daemon *daemon;
	pthread_t thread;
	int rc;

	/* While nobody else uses the regions yet. */
	attest_source_say_time(s->cli, &s->source);
	if ((daemon = start(s, place, tls)) == NULL)
		return cli_error(s->cli, CLI_FAILED, tls->cert != NULL ?
		    "Certificate and key are PEM files that belong together."
		    : NULL, "cannot start to serve at %s", place->text);
	/* The daemon closes it from here on. */
	place->fd = -1;
	cli_hold_signals(1);
	tell(s, place, tls->cert != NULL);
	if ((rc = pthread_create(&thread, NULL, first, s)) != 0) {
		rc = cli_error_sys(s->cli, rc, "cannot start a thread");
	} else {
		rc = attend(s);
		serve_turn_stop(&s->turn);
		(void)pthread_join(thread, NULL);
	}
	MHD_stop_daemon(daemon);
	cli_hold_signals(0);
	return rc;
}

static int
take_options(struct cli *cli, struct server *s)
{
	uint64_t connections = CONNECTIONS, rate = RATE, duty = DUTY;
	uint64_t patience = PATIENCE_MS, each;
	int rc;

	if ((rc = cli_opt_u64(cli, "connections", 1, MAX_CONNECTIONS,
	    &connections)) != 0)
		return rc;
	/* Nobody keeps all others out by connecting and saying nothing. */
	each = (connections + 1) / 2;
	if ((rc = cli_opt_u64(cli, "per-address", 1, MAX_CONNECTIONS,
	    &each)) != 0 ||
	    (rc = cli_opt_u64(cli, "rate", 1, 100000, &rate)) != 0 ||
	    (rc = cli_opt_u64(cli, "duty", 1, 100, &duty)) != 0 ||
	    (rc = cli_opt_span(cli, "timeout", &patience)) != 0)
		return rc;
	s->incremental = cli_opt(cli, "incremental") != NULL;
	s->rate.rate = rate;
	s->turn.duty = (unsigned)duty;
	s->per_address = (unsigned)each;
	s->patience_ns = patience * 1000000;
	s->nclients = (size_t)connections;
	s->clients = calloc(s->nclients, sizeof(*s->clients));
	return s->clients != NULL ? 0 : cli_error(cli, CLI_FAILED, NULL,
	    "out of memory");
}

int
attest_serve(struct cli *cli)
{
	const char *where = cli_opt(cli, "listen");
	struct serve_place place = { .fd = -1 };
	struct server s = { .cli = cli };
	struct serve_tls tls = { 0 };
	int rc;

	if (serve_turn_init(&s.turn, DUTY) != 0)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	pthread_mutex_init(&s.lock, NULL);
	if ((rc = take_options(cli, &s)) != 0 ||
	    (rc = serve_tls_read(cli, &tls)) != 0 ||
	    (rc = attest_source_open(cli, 1, &s.source)) != 0 ||
	    (rc = serve_listen(cli, where != NULL ? where : WHERE,
	    tls.cert != NULL, &place)) != 0)
		goto out;
	rc = run(&s, &place, &tls);
out:
	serve_unlisten(&place);
	attest_source_close(&s.source);
	serve_tls_free(&tls);
	free(s.clients);
	pthread_mutex_destroy(&s.lock);
	serve_turn_destroy(&s.turn);
	return rc;
}
