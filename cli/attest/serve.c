/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve.c - caisson attest serve: challenges over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "../../serve/serve.h"
#include "attest.h"
#include "turn.h"

#define WHERE "127.0.0.1:8411"
#define MAX_BODY 4096
#define CONNECTIONS 32
#define MAX_CONNECTIONS 1024
#define RATE 5			/* challenges a second */
#define DUTY 50			/* per cent of the time for measuring */
#define PATIENCE_MS 10000	/* to ask in, and to take the answer in */
#define MAX_TLS_FILE 65536

struct server {
	struct cli *cli;
	struct attest_source source;
	struct attest_turn turn;		/* at the attester */
	int incremental;
	struct serve_options options;
	unsigned round;		/* of looking after the workload */
	pthread_mutex_t lock;	/* all below */
	struct serve_rate rate;
	uint64_t answered;
	uint64_t refused;
	int code;		/* of the last measurement */
	int measured;		/* there was one */
	uint64_t since_ns;	/* that one is being made, or 0 */
	int first;		/* the code that the first one came to */
	char why[256];		/* and why, where that is not 0 */
};

/* --- answers ------------------------------------------------------------ */

/* A line for whoever runs it: when, what was asked, what was answered. */
static void
log_line(void *arg, const struct serve_request *r,
    const struct serve_reply *reply)
{
	struct server *s = arg;
	double ms = (double)(serve_now_ns() - r->start_ns) / 1e6;
	const char *error = reply->code != 0 ? csn_error_name(reply->code) :
	    NULL;
	char when[CLI_TEXT], path[32], word[9], *text;
	json_t *o;

	/* Both are the client's. */
	serve_clean(r->path, path, sizeof(path));
	serve_clean(r->method, word, sizeof(word));
	if (!s->cli->json) {
		cli_time_text(csn_ctx_wall_ms(s->cli->ctx), when);
		cli_note(s->cli, "%s  %-4s %s  %u%s%s  %.1f ms\n", when,
		    word, path, reply->status, error != NULL ? " " : "",
		    error != NULL ? error : "", ms);
		return;
	}
	o = json_pack("{s:I, s:s, s:s, s:i, s:f, s:s?}", "time_ms",
	    (json_int_t)csn_ctx_wall_ms(s->cli->ctx), "method", word,
	    "path", path, "status", (int)reply->status, "ms", ms, "error",
	    error);
	text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	if (text != NULL) {
		printf("%s\n", text);
		fflush(stdout);
	}
	free(text);
	json_decref(o);
}

/* --- a challenge -------------------------------------------------------- */

static int
take_nonce(const struct serve_request *r, uint8_t nonce[CSN_NONCE_MAX],
    size_t *len)
{
	const char *hex;
	json_t *o;
	size_t n;
	int rc = -1;

	o = json_loadb((const char *)r->body, r->len, JSON_REJECT_DUPLICATES,
	    NULL);
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
	may = serve_rate_take(&s->rate, serve_now_ns());
	if (!may)
		s->refused++;
	pthread_mutex_unlock(&s->lock);
	return may;
}

/* Memory is read after the nonce came: an older look proves nothing. */
static void
answer_nonce(struct server *s, const struct serve_request *r,
    struct job *job, struct serve_reply *reply)
{
	uint64_t ready_ns = 0, now, retry_s;
	int code;

	code = attest_turn_take(&s->turn, r->start_ns +
	    s->options.patience_ns, measure, report, job, &ready_ns);
	count(s, code);
	if (code == 0) {
		reply->status = 200;
		reply->type = CSN_REPORT_TYP;
		reply->body = job->report;
		reply->len = job->len;
		reply->free_body = csn_free;
		return;
	}
	now = serve_now_ns();
	retry_s = ready_ns > now ? (ready_ns - now) / 1000000000 + 1 : 1;
	if (code == CSN_E_BUSY) {
		serve_error(reply, 503, code, retry_s, measuring_ms(s) != 0 ?
		    "it is measuring, and not done" :
		    "it has measured enough for now");
		return;
	}
	if (!cli_interrupted())
		(void)cli_error_lib(s->cli, code, NULL,
		    "a challenge could not be answered");
	serve_error(reply, 503, code, retry_s, NULL);
}

static void
challenge(void *arg, const struct serve_request *r,
    struct serve_reply *reply)
{
	struct server *s = arg;
	uint8_t nonce[CSN_NONCE_MAX];
	struct job job = { .server = s, .nonce = nonce };

	if (take_nonce(r, nonce, &job.nonce_len) != 0)
		serve_error(reply, 400, CSN_E_FORM, 0, "a challenge is "
		    "{\"nonce\": 16 to 64 bytes in hex}");
	else if (!may_answer(s))
		serve_error(reply, 429, CSN_E_RATE, 1, NULL);
	else
		answer_nonce(s, r, &job, reply);
}

static void
health(void *arg, const struct serve_request *r, struct serve_reply *reply)
{
	struct server *s = arg;
	uint64_t answered, refused, ms = measuring_ms(s);
	const char *word;
	int good;

	(void)r;
	pthread_mutex_lock(&s->lock);
	answered = s->answered;
	refused = s->refused;
	good = s->measured && s->code == 0;
	word = !s->measured ? "measuring" : good ? "ok" :
	    csn_error_name(s->code);
	/* One that does not come back is no good news of the last. */
	if (good && ms > s->options.patience_ns / 1000000) {
		good = 0;
		word = "measuring";
	}
	pthread_mutex_unlock(&s->lock);
	serve_json(reply, good ? 200 : 503, json_pack(
	    "{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "status", word,
	    "workload", cli_opt(s->cli, "workload"), "platform",
	    csn_regions_platform(s->source.regions), "signer",
	    csn_identity_alias(s->source.identity), "answered",
	    (json_int_t)answered, "refused", (json_int_t)refused,
	    "measuring_ms", (json_int_t)ms));
}

static const struct serve_route routes[] = {
	{ "POST", "/v1/challenge", challenge },
	{ "GET", "/v1/health", health },
	{ NULL, NULL, NULL }
};

/* --- the verb ----------------------------------------------------------- */

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

/* What cannot be measured at all is found before anybody asks. */
static void *
first(void *arg)
{
	struct server *s = arg;
	struct job job = { .server = s };
	uint64_t ready_ns;
	int code;

	code = attest_turn_take(&s->turn, UINT64_MAX, measure, NULL,
	    &job, &ready_ns);
	pthread_mutex_lock(&s->lock);
	s->first = code;
	snprintf(s->why, sizeof(s->why), "%s", code == CSN_E_NOT_FOUND ?
	    "it has no regions, there is nothing to measure" :
	    csn_message());
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* A signal, or nothing left to attest: then an exit code. */
static int
is_over(void *arg)
{
	struct server *s = arg;
	struct cli *cli = s->cli;
	char why[256];
	int code;

	if (cli_interrupted())
		return -1;
	pthread_mutex_lock(&s->lock);
	code = s->first;
	memcpy(why, s->why, sizeof(why));
	pthread_mutex_unlock(&s->lock);
	if (code != 0)
		return cli_error(cli, code == CSN_E_NOT_FOUND ? CLI_USAGE :
		    cli_exit_code(code), NULL, "cannot measure %s: %s [%s]",
		    cli_arg(cli, 0), why, csn_error_name(code));
	if (++s->round % 10 == 0 && attest_is_gone(cli))
		return cli_error(cli, CLI_FAILED, NULL, "%s has ended, "
		    "nothing is left to attest", cli_arg(cli, 0));
	return 0;
}

static int
run(struct server *s, struct serve_place *place)
{
	struct serve *serve;
	pthread_t thread;
	int rc;

	/* While nobody else uses the regions yet. */
	attest_source_say_time(s->cli, &s->source);
	if (serve_start(&s->options, place, &serve) != 0)
		return cli_error(s->cli, CLI_FAILED, s->options.cert != NULL ?
		    "Certificate and key are PEM files that belong together."
		    : NULL, "cannot start to serve at %s", place->text);
	cli_hold_signals(1);
	tell(s, place, s->options.cert != NULL);
	if ((rc = pthread_create(&thread, NULL, first, s)) != 0) {
		rc = cli_error_sys(s->cli, rc, "cannot start a thread");
	} else {
		rc = serve_run(serve, is_over, s);
		attest_turn_stop(&s->turn);
		(void)pthread_join(thread, NULL);
	}
	serve_stop(serve);
	cli_hold_signals(0);
	return rc < 0 ? CLI_OK : rc;
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
	s->options = (struct serve_options){ .routes = routes,
	    .log = log_line, .arg = s, .connections = (unsigned)connections,
	    .per_address = (unsigned)each, .patience_ns = patience * 1000000,
	    .max_body = MAX_BODY };
	return 0;
}

static int
read_text(struct cli *cli, const char *option, char **text, size_t *len)
{
	uint8_t *p;
	char *copy;
	int rc;

	if ((rc = cli_read_file(cli, cli_opt(cli, option), MAX_TLS_FILE, &p,
	    len)) != 0)
		return rc;
	if ((copy = calloc(1, *len + 1)) != NULL)
		memcpy(copy, p, *len);
	csn_wipe(p, *len);
	free(p);
	*text = copy;
	return copy != NULL ? 0 : cli_error(cli, CLI_FAILED, NULL,
	    "out of memory");
}

/* By --tls-cert and --tls-key; both stay NULL where it serves in the clear. */
static int
read_tls(struct cli *cli, char **cert, char **key, size_t *key_len)
{
	const int given = cli_opt(cli, "tls-cert") != NULL;
	size_t len;
	int rc;

	if (given != (cli_opt(cli, "tls-key") != NULL))
		return cli_error(cli, CLI_USAGE, NULL,
		    "--tls-cert and --tls-key go together");
	if (!given)
		return 0;
	if (!serve_has_tls())
		return cli_error(cli, CLI_FAILED, NULL,
		    "the libmicrohttpd of this machine has no TLS");
	if ((rc = read_text(cli, "tls-cert", cert, &len)) != 0)
		return rc;
	return read_text(cli, "tls-key", key, key_len);
}

int
attest_serve(struct cli *cli)
{
	const char *where = cli_opt(cli, "listen");
	struct serve_place place = { .fd = -1 };
	struct server s = { .cli = cli };
	char *cert = NULL, *key = NULL, why[SERVE_WHY];
	size_t key_len = 0;
	int rc;

	if (attest_turn_init(&s.turn, DUTY) != 0)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	pthread_mutex_init(&s.lock, NULL);
	if ((rc = take_options(cli, &s)) != 0 ||
	    (rc = read_tls(cli, &cert, &key, &key_len)) != 0 ||
	    (rc = attest_source_open(cli, 1, &s.source)) != 0)
		goto out;
	s.options.cert = cert;
	s.options.key = key;
	if ((rc = serve_listen(where != NULL ? where : WHERE, cert != NULL,
	    &place, why)) != 0)
		rc = cli_error(cli, cli_exit_code(rc), NULL, "--listen: %s",
		    why);
	else
		rc = run(&s, &place);
out:
	serve_unlisten(&place);
	attest_source_close(&s.source);
	if (key != NULL)
		csn_wipe(key, key_len);
	free(key);
	free(cert);
	pthread_mutex_destroy(&s.lock);
	attest_turn_destroy(&s.turn);
	return rc;
}
