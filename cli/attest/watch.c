/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/watch.c - caisson attest watch: regions, as they change. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attest.h"

#define INTERVAL_MS 2000
#define FAILURES 3
#define REDRAW_MS 500
#define COLUMN 28
#define HASH_SHOWN 16

const struct cli_opt attest_watch_opts[] = {
	{ "interval", "SPAN", "between two looks (2s); 100ms is one too" },
	{ "jitter", "PERCENT", "of the interval, added at random (0)" },
	{ "rounds", "N", "end after N looks; else when interrupted" },
	{ "failures", "N", "end after N failures in a row (3)" },
	{ "output", "URL", "deliver a signed report each round: file:, "
	    "unix:, http:" },
	{ "workload", "ID", "whose memory it is, for --output" },
	ATTEST_OPTS_IDENTITY,
	{ "lifetime", "SPAN", "until a report expires (5m)" },
	{ "leaves", NULL, "carry leaf hashes: drift names bytes" },
	ATTEST_OPTS_MEASURE,
	CLI_OPTS_PASSPHRASE,
	{ NULL }
};

/* A region as it was seen last, and when it last was another. */
struct row {
	char *id;
	uint64_t size;
	uint32_t protection;
	uint8_t hash[CSN_HASH_SIZE];
	uint64_t changed_ns;	/* 0: not since we look */
	uint64_t changes;
	uint64_t round;		/* in which it was seen last */
};

struct watch {
	struct cli *cli;
	struct attest_source source;
	struct csn_watch *loop;
	pthread_mutex_t lock;	/* all below */
	struct row *rows;
	size_t n;
	uint64_t round;
	uint64_t hashed;
	uint64_t total;
	uint64_t missed;
	int full;
	int over;		/* the loop has returned */
	int rc;
	char why[256];		/* the last failure, while there is one */
	int drawn;		/* lines on the terminal */
	int live;
};

/* --- what was seen ------------------------------------------------------ */

static struct row *
row_of(struct watch *w, const char *id)
{
	struct row *more;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->rows[i].id, id) == 0)
			return &w->rows[i];
	if ((more = realloc(w->rows, (w->n + 1) * sizeof(*more))) == NULL)
		return NULL;
	w->rows = more;
	memset(&more[w->n], 0, sizeof(*more));
	if ((more[w->n].id = strdup(id)) == NULL)
		return NULL;
	return &more[w->n++];
}

/* One region after a round. 1 where it is another than it was. */
static int
take_row(struct watch *w, const struct csn_snapshot *s)
{
	const uint8_t *hash = (s->measure & CSN_MEASURE_TREE) != 0 ?
	    s->tree : s->flat;
	struct row *r = row_of(w, s->region);
	int changed;

	if (r == NULL)
		return 0;
	changed = r->round != 0 && (r->size != s->size ||
	    memcmp(r->hash, hash, sizeof(r->hash)) != 0);
	if (changed) {
		r->changed_ns = cli_now_ns();
		r->changes++;
	}
	r->size = s->size;
	r->protection = s->protection;
	memcpy(r->hash, hash, sizeof(r->hash));
	r->round = w->round;
	return changed;
}

/* --- a line a round ----------------------------------------------------- */

static void
say_changed(struct watch *w)
{
	uint64_t now = cli_now_ns();
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->rows[i].changed_ns == 0 ||
		    w->rows[i].round != w->round ||
		    now - w->rows[i].changed_ns > 1000000000)
			continue;
		cli_say(w->cli, " ");
		attest_say_plain(w->cli, w->rows[i].id);
	}
}

static void
say_round(struct watch *w, uint64_t nchanged)
{
	char when[CLI_TEXT], hashed[CLI_TEXT], total[CLI_TEXT];
	char missed[CLI_TEXT] = "";
	struct cli *cli = w->cli;

	if (w->missed > 0)
		snprintf(missed, sizeof(missed), "  %llu missed",
		    (unsigned long long)w->missed);
	cli_time_text(csn_ctx_wall_ms(cli->ctx), when);
	cli_say(cli, "%s  round %llu%s", when, (unsigned long long)w->round,
	    w->why[0] != '\0' ? missed : "");
	if (w->why[0] != '\0') {
		cli_say(cli, "  failed: ");
		attest_say_plain(cli, w->why);
	}
	/* Of what was not measured there is nothing more to say. */
	if (w->total > 0 || w->why[0] == '\0') {
		cli_bytes_text((double)w->hashed, hashed);
		cli_bytes_text((double)w->total, total);
		cli_say(cli, "  %zu region%s  %s of %s read%s%s  %llu "
		    "changed", w->n, w->n == 1 ? "" : "s", hashed, total,
		    w->full ? " (full)" : "", w->why[0] != '\0' ? "" :
		    missed, (unsigned long long)nchanged);
		if (nchanged > 0)
			say_changed(w);
	}
	cli_say(cli, "\n");
}

static void
json_round(struct watch *w, json_t *changed)
{
	json_t *o;
	char *text;

	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:o, s:s?}",
	    "round", (json_int_t)w->round, "time_ms",
	    (json_int_t)csn_ctx_wall_ms(w->cli->ctx), "regions",
	    (json_int_t)w->n, "hashed", (json_int_t)w->hashed, "total",
	    (json_int_t)w->total, "full", w->full, "missed",
	    (json_int_t)w->missed, "changed", changed, "error",
	    w->why[0] != '\0' ? w->why : NULL);
	text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	if (text != NULL)
		printf("%s\n", text);
	free(text);
	json_decref(o);
}

/* --- on a terminal ------------------------------------------------------ */

static void
ago(uint64_t ns, char out[CLI_TEXT])
{
	unsigned long long s = ns / 1000000000;

	if (s < 120)
		snprintf(out, CLI_TEXT, "%llu s ago", s);
	else if (s < 7200)
		snprintf(out, CLI_TEXT, "%llu min ago", s / 60);
	else
		snprintf(out, CLI_TEXT, "%llu h ago", s / 3600);
}

/* End of a line: what a longer one left is erased. */
static void
line_end(struct watch *w)
{
	printf("\033[K\n");
	w->drawn++;
}

static void
draw_row(struct watch *w, const struct row *r, uint64_t now)
{
	char hex[2 * CSN_HASH_SIZE + 1], size[CLI_TEXT], when[CLI_TEXT] = "-";
	int hot = r->changed_ns != 0 && now - r->changed_ns < 5000000000u;

	cli_hex(r->hash, sizeof(r->hash), hex);
	cli_bytes_text((double)r->size, size);
	if (r->changed_ns != 0)
		ago(now - r->changed_ns, when);
	if (hot && cli_colour())
		printf("\033[1;33m");
	attest_say_column(w->cli, r->id, COLUMN);
	printf("  %10s  %-4s  %.*s  %-12s", size,
	    csn_protection_name((int)r->protection), HASH_SHOWN, hex,
	    r->round == w->round ? when : "gone");
	if (r->changes != 0)
		printf("  %llu", (unsigned long long)r->changes);
	if (hot && cli_colour())
		printf("\033[0m");
	line_end(w);
}

static void
draw(struct watch *w)
{
	char hashed[CLI_TEXT], total[CLI_TEXT];
	struct winsize size = { .ws_row = 24 };
	uint64_t now = cli_now_ns();
	size_t i, most;

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	most = size.ws_row > 8 ? size.ws_row - 5u : 3;
	if (w->drawn > 0)
		printf("\033[%dA", w->drawn);
	w->drawn = 0;
	cli_bytes_text((double)w->hashed, hashed);
	cli_bytes_text((double)w->total, total);
	printf("round %llu, %s of %s read%s, %llu missed",
	    (unsigned long long)w->round, hashed, total,
	    w->full ? " (full)" : "", (unsigned long long)w->missed);
	line_end(w);
	printf("%-*s  %10s  PROT  %-*s  %-12s  CHANGES", COLUMN, "REGION",
	    "SIZE", HASH_SHOWN, "HASH", "LAST CHANGE");
	line_end(w);
	for (i = 0; i < w->n && i < most; i++)
		draw_row(w, &w->rows[i], now);
	if (i < w->n) {
		printf("... and %zu more", w->n - i);
		line_end(w);
	}
	if (w->why[0] != '\0') {
		attest_say_plain(w->cli, w->why);
		line_end(w);
	}
	printf("\033[J");
	fflush(stdout);
}

/* --- rounds ------------------------------------------------------------- */

static int
beat(void *arg, const struct csn_beat *b)
{
	struct csn_snapshot s = { .size_of = sizeof(s) };
	json_t *changed = json_array();
	struct watch *w = arg;
	uint64_t n = 0;
	size_t i;

	/* Called off by a signal: that is the end, and no failure. */
	if (b->code == CSN_E_CANCELLED && cli_interrupted()) {
		json_decref(changed);
		return b->code;
	}
	pthread_mutex_lock(&w->lock);
	w->round = b->round;
	w->missed = b->missed;
	w->why[0] = '\0';
	if (b->code != 0)
		snprintf(w->why, sizeof(w->why), "%s [%s]",
		    csn_message(), csn_error_name(b->code));
	/* A report that was not delivered is of a measurement all the same. */
	w->hashed = b->hashed;
	w->total = b->total;
	w->full = b->full;
	for (i = 0; i < csn_attester_count(w->source.attester) &&
	    csn_attester_snapshot(w->source.attester, i, &s) == 0; i++)
		if (take_row(w, &s)) {
			n++;
			json_array_append_new(changed, json_string(s.region));
		}
	if (w->cli->json)
		json_round(w, json_incref(changed));
	else if (!w->live)
		say_round(w, n);
	fflush(stdout);
	pthread_mutex_unlock(&w->lock);
	json_decref(changed);
	return b->code != 0 && attest_is_gone(w->cli) ? b->code : 0;
}

static void *
loop(void *arg)
{
	struct watch *w = arg;
	int rc = csn_watch_run(w->loop);

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->over = 1;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Draw, and end the loop when a signal asks for it. */
static void
attend(struct watch *w)
{
	uint64_t drawn_ns = 0;
	int over = 0;

	while (!over) {
		if (cli_interrupted())
			csn_watch_stop(w->loop);
		pthread_mutex_lock(&w->lock);
		over = w->over;
		if (w->live && w->round > 0 && (over ||
		    cli_now_ns() - drawn_ns > REDRAW_MS * 1000000ull)) {
			draw(w);
			drawn_ns = cli_now_ns();
		}
		pthread_mutex_unlock(&w->lock);
		if (!over)
			(void)poll(NULL, 0, 50);
	}
}

static int
run(struct watch *w, const struct csn_watch_options *o)
{
	struct cli *cli = w->cli;
	pthread_t thread;
	int rc;

	if ((rc = csn_watch_new(cli->ctx, w->source.attester, o,
	    &w->loop)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot watch %s",
		    cli_arg(cli, 0));
	attest_source_say_time(cli, &w->source);
	cli_hold_signals(1);
	if ((rc = pthread_create(&thread, NULL, loop, w)) != 0)
		return cli_error_sys(cli, rc, "cannot start a thread");
	attend(w);
	(void)pthread_join(thread, NULL);
	cli_hold_signals(0);
	if (w->rc == 0 || (w->rc == CSN_E_CANCELLED && cli_interrupted()))
		return CLI_OK;
	(void)cli_error(cli, CLI_FAILED, NULL, "%s can be watched no more%s: "
	    "%s", cli_arg(cli, 0), attest_is_gone(cli) ?
	    ", the process is gone" : "", w->why);
	return cli_exit_code(w->rc);
}

/* What is wrong in any case is said before anything is measured. */
static int
check_output(struct cli *cli, const char *url)
{
	static const char *const schemes[] = { "file:", "unix:", "http://",
	    "https://" };
	size_t i, n;

	if (url == NULL)
		return 0;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i]);
		if (strncmp(url, schemes[i], n) == 0 && url[n] != '\0')
			return 0;
	}
	return cli_error(cli, CLI_USAGE, NULL, "--output is '%s', reports go "
	    "to file:PATH, unix:PATH or an http or https URL", url);
}

static int
take_options(struct cli *cli, struct csn_watch_options *o)
{
	uint64_t failures = FAILURES, jitter = 0;
	int rc;

	o->size = sizeof(*o);
	o->interval_ms = INTERVAL_MS;
	o->output = cli_opt(cli, "output");
	if ((rc = check_output(cli, o->output)) != 0 ||
	    (rc = cli_opt_span(cli, "interval", &o->interval_ms)) != 0 ||
	    (rc = cli_opt_u64(cli, "jitter", 0, 100, &jitter)) != 0 ||
	    (rc = cli_opt_u64(cli, "rounds", 1, UINT64_MAX,
	    &o->rounds)) != 0 ||
	    (rc = cli_opt_u64(cli, "failures", 1, 1000000, &failures)) != 0)
		return rc;
	o->max_failures = (uint32_t)failures;
	o->jitter_percent = (uint32_t)jitter;
	if ((o->output == NULL) == (cli_opt(cli, "workload") == NULL))
		return 0;
	return cli_error(cli, CLI_USAGE, NULL, o->output != NULL ?
	    "--output needs --workload: whose memory is it?" :
	    "--workload is for the reports that --output delivers");
}

int
attest_watch(struct cli *cli)
{
	struct csn_watch_options o = { .beat = beat };
	struct watch w = { .cli = cli };
	size_t i;
	int rc;

	o.arg = &w;
	w.live = isatty(STDOUT_FILENO) && !cli->json && !cli->quiet &&
	    getenv("TERM") != NULL && strcmp(getenv("TERM"), "dumb") != 0;
	pthread_mutex_init(&w.lock, NULL);
	if ((rc = take_options(cli, &o)) == 0 &&
	    (rc = attest_source_open(cli, o.output != NULL,
	    &w.source)) == 0)
		rc = run(&w, &o);
	csn_watch_free(w.loop);
	attest_source_close(&w.source);
	for (i = 0; i < w.n; i++)
		free(w.rows[i].id);
	free(w.rows);
	pthread_mutex_destroy(&w.lock);
	return rc;
}
