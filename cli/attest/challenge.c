/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/challenge.c - caisson attest challenge. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest.h"

#define TIMEOUT_MS 600000	/* for a server to measure and answer */
#define FIRST_WORD_S 3		/* that it is waited for, and then each */
#define NEXT_WORD_S 30
#define LIFE_MS 600000		/* a person carries it there and back */

const struct cli_opt attest_challenge_opts[] = {
	ATTEST_OPTS_CHECK,
	{ "out", "FILE", "keep the attester's report in FILE" },
	{ "force", NULL, "replace a file that is there" },
	{ "timeout", "SPAN", "for an attester to measure and answer (10m)" },
	{ "lifetime", "SPAN", "until a challenge in a file ends (10m)" },
	{ NULL }
};

static int
is_server(const char *target)
{
	return strncmp(target, "http://", 7) == 0 ||
	    strncmp(target, "https://", 8) == 0 ||
	    strncmp(target, "unix:", 5) == 0;
}

/* --- in a file ---------------------------------------------------------- */

static int
make(struct cli *cli, const char *path)
{
	static const char *const others[] = { "policy", "trust", "workload",
	    "require", "lenient", "out", "endorsements", "cache",
	    "timeout" };
	char hex[2 * CSN_NONCE_MAX + 1], until[CLI_TEXT];
	uint64_t life = LIFE_MS;
	struct attest_ticket t;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (cli_opt(cli, others[i]) != NULL)
			return cli_error(cli, CLI_USAGE, "An attester's URL "
			    "begins with http://, https:// or unix:.",
			    "--%s is for asking an attester, and %s is a "
			    "file", others[i], path);
	if ((rc = cli_opt_span(cli, "lifetime", &life)) != 0 ||
	    (rc = attest_ticket_make(cli, path, life, cli_force(cli),
	    &t)) != 0)
		return rc;
	cli_hex(t.nonce, t.len, hex);
	cli_time_text(t.expires_ms, until);
	if (cli->json)
		return cli_json(cli, json_pack("{s:o, s:s, s:I}", "file",
		    cli_name(path), "nonce", hex, "expires_ms",
		    (json_int_t)t.expires_ms));
	cli_say(cli, "%s\n", hex);
	cli_note(cli, "Good for one report until %s. On the attester: "
	    "caisson attest report URL --workload ID --nonce %s --out REPORT\n"
	    "Then here: caisson attest verify REPORT --workload ID "
	    "--challenge %s\n", until, hex, path);
	return CLI_OK;
}

/* --- put to an attester ------------------------------------------------- */

static int
keep(struct cli *cli, const uint8_t *report, size_t len)
{
	const char *path = cli_opt(cli, "out");

	if (path == NULL)
		return 0;
	return cli_write_file(cli, path, 0644, cli_force(cli), report, len);
}

/*
 * An attester measures before it answers, and says nothing meanwhile: so
 * somebody says that it is waited for.
 */
struct waiting {
	struct cli *cli;
	const char *url;
	uint64_t timeout_ms;
	pthread_mutex_t lock;
	pthread_cond_t change;
	int over;
};

static void *
tell(void *arg)
{
	struct waiting *w = arg;
	struct timespec then;
	uint64_t s = FIRST_WORD_S;

	(void)clock_gettime(CLOCK_REALTIME, &then);
	then.tv_sec += FIRST_WORD_S;
	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		if (pthread_cond_timedwait(&w->change, &w->lock, &then) !=
		    ETIMEDOUT || w->over)
			continue;
		cli_note(w->cli, "%s has been measuring for %llu s; it is "
		    "waited for up to %llu s (--timeout).\n", w->url,
		    (unsigned long long)s,
		    (unsigned long long)w->timeout_ms / 1000);
		then.tv_sec += NEXT_WORD_S;
		s += NEXT_WORD_S;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int
wait_for(struct cli *cli, const char *url, const uint8_t nonce[32],
    uint8_t **report, size_t *len)
{
	struct waiting w = { .cli = cli, .url = url,
	    .timeout_ms = TIMEOUT_MS, .lock = PTHREAD_MUTEX_INITIALIZER,
	    .change = PTHREAD_COND_INITIALIZER };
	pthread_t thread;
	char *whole;
	int rc, told;

	if ((rc = cli_opt_span(cli, "timeout", &w.timeout_ms)) != 0)
		return rc;
	/* The URL's own word comes behind it and counts. */
	if (asprintf(&whole, "%.*s#timeout=%llu%s%s",
	    (int)strcspn(url, "#"), url, (unsigned long long)w.timeout_ms,
	    strchr(url, '#') != NULL ? "&" : "", strchr(url, '#') != NULL ?
	    strchr(url, '#') + 1 : "") < 0)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	told = !cli->json && pthread_create(&thread, NULL, tell, &w) == 0;
	rc = csn_report_ask(cli->ctx, whole, nonce, 32, report, len);
	if (told) {
		pthread_mutex_lock(&w.lock);
		w.over = 1;
		pthread_cond_signal(&w.change);
		pthread_mutex_unlock(&w.lock);
		(void)pthread_join(thread, NULL);
	}
	free(whole);
	return rc;
}

static int
ask(struct cli *cli, const char *url)
{
	struct attest_check c;
	uint8_t nonce[32], *report = NULL;
	size_t len = 0;
	int rc, also;

	if (cli_opt(cli, "lifetime") != NULL)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--lifetime is for a challenge in a file");
	if ((rc = attest_check_open(cli, &c)) != 0)
		return rc;
	if ((rc = csn_verifier_challenge(c.verifier, nonce)) != 0 ||
	    (rc = wait_for(cli, url, nonce, &report, &len)) < 0) {
		/* Nothing was checked, so nothing was refused. */
		rc = cli_error_as(cli, cli_exit_code(rc) == CLI_REFUSED ?
		    CLI_FAILED : cli_exit_code(rc), rc, NULL,
		    "no report came from %s", url);
		goto out;
	}
	if (rc > 0)
		goto out;
	rc = attest_check_run(cli, &c, report, len, NULL, 1);
	if ((also = keep(cli, report, len)) != 0)
		rc = also;
out:
	csn_free(report);
	attest_check_close(&c);
	return rc;
}

int
attest_challenge(struct cli *cli)
{
	const char *target = cli_arg(cli, 0);

	if (is_server(target))
		return ask(cli, target);
	if (target[0] != '\0' && strncmp(target + strspn(target,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789+-."), "://", 3) == 0 && target[0] != '.')
		return cli_error(cli, CLI_USAGE, "A file whose name looks "
		    "like that is ./NAME.", "%s is neither a file nor where "
		    "an attester answers: that is http://, https:// or "
		    "unix:PATH", target);
	return make(cli, target);
}
