/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/tour.c - caisson tour: the main job, done and shown. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/measure.h"
#include "tour.h"

static int
remove_one(const char *path, const struct stat *st, int kind,
    struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int
make_folder(struct tour *t)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL || tmp[0] == '\0')
		tmp = "/tmp";
	if (asprintf(&t->folder, "%s/caisson-tour.XXXXXX", tmp) < 0) {
		t->folder = NULL;
		return cli_error(t->cli, CLI_FAILED, NULL, "out of memory");
	}
	if (mkdtemp(t->folder) == NULL) {
		(void)cli_error_sys(t->cli, errno,
		    "cannot make a temporary folder %s", t->folder);
		free(t->folder);
		t->folder = NULL;
		return CLI_FAILED;
	}
	if (asprintf(&t->log, "%s/audit", t->folder) < 0) {
		t->log = NULL;
		return cli_error(t->cli, CLI_FAILED, NULL, "out of memory");
	}
	return 0;
}

/* The log, the manager and the store that the steps use. */
static int
set_up(struct tour *t)
{
	struct csn_audit_options log = { .size = sizeof(log) };
	struct csn_manager_options options = { .size = sizeof(options) };
	int rc;

	/* The disk's own pace would be most of what the tour takes. */
	log.sync = CSN_AUDIT_SYNC_INTERVAL;
	log.signer = t->server;
	if ((rc = csn_audit_open(t->ctx, t->log, &log, &t->audit)) != 0)
		return tour_lib(t, rc, "cannot open the audit log");
	options.audit = t->audit;
	if ((rc = csn_manager_new(t->ctx, &options, &t->manager)) != 0 ||
	    (rc = csn_store_open(t->ctx, "memory:", &t->store)) != 0 ||
	    (rc = csn_kv_store_new(t->manager, t->store, NULL, &t->kv)) != 0)
		return tour_lib(t, rc, "cannot open the store");
	return 0;
}

static int
walk(struct tour *t)
{
	static int (*const steps[])(struct tour *t) = {
		tour_identities, set_up, tour_sessions, tour_store,
		tour_rotation, tour_attacks, tour_audit, tour_speed
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if ((rc = steps[i](t)) != 0)
			return rc;
		if (cli_interrupted())
			return cli_error(t->cli, CLI_FAILED, NULL,
			    "stopped by a signal");
	}
	return 0;
}

static void
clean_up(struct tour *t)
{
	size_t i;

	csn_kv_store_free(t->kv);
	csn_store_close(t->store);
	csn_manager_free(t->manager);
	for (i = 0; i < TOUR_TENANTS; i++) {
		csn_session_free(t->tenants[i].session);
		csn_trust_free(t->tenants[i].trust);
		csn_identity_free(t->tenants[i].identity);
	}
	csn_audit_close(t->audit);
	csn_wipe(t->first_key, sizeof(t->first_key));
	csn_trust_free(t->trust);
	csn_identity_free(t->server);
	if (t->sample.p != NULL)
		csn_wipe(t->sample.p, t->sample.len);
	free(t->sample.p);
	if (t->folder != NULL)
		nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(t->folder);
	free(t->log);
}

static int
sum_up(struct tour *t)
{
	double seconds = (double)(cli_now_ns() - t->began_ns) / 1e9;
	uint64_t peak = measure_peak_memory();
	char memory[CLI_TEXT];

	if (t->cli->json) {
		int bad = t->bad;
		int rc = cli_json(t->cli, json_pack("{s:b, s:O, s:f, s:I}",
		    "ok", bad == 0, "steps", t->steps, "seconds", seconds,
		    "peak_memory_bytes", (json_int_t)peak));

		return rc != 0 ? rc : bad > 0 ? CLI_REFUSED : CLI_OK;
	}
	cli_bytes_text((double)peak, memory);
	cli_say(t->cli, "\n%sAll of it%s took %.1f s and at most %s of "
	    "memory.\n", t->bold, t->plain, seconds, memory);
	if (t->bad > 0)
		return cli_error(t->cli, CLI_REFUSED, "See NOT SO above.",
		    "%d checks were not as told", t->bad);
	cli_say(t->cli, "Everything was as told.\n\n"
	    "Where to go next:\n"
	    "  caisson id new me       make an identity of your own\n"
	    "  caisson file seal --help  seal files and pipes\n"
	    "  caisson bench           a table of speeds on this machine\n"
	    "  examples/basic_kv.c     the same from C, with libcaisson\n"
	    "  docs/THREATS.md         what this protects, and what it does "
	    "not\n"
	    "  man caisson             the manual\n");
	return CLI_OK;
}

static int
tour(struct cli *cli)
{
	struct tour t;
	int rc;

	memset(&t, 0, sizeof(t));
	t.cli = cli;
	t.ctx = cli->ctx;
	t.began_ns = cli_now_ns();
	t.steps = json_array();
	t.green = t.red = t.bold = t.plain = "";
	if (cli_colour()) {
		cli->colours = 1;
		t.green = "\033[32m";
		t.red = "\033[31;1m";
		t.bold = "\033[1m";
		t.plain = "\033[0m";
	}
	if ((rc = tour_sample_load(&t)) != 0 || (rc = make_folder(&t)) != 0)
		goto out;
	cli_say(cli, "%sCaisson %s: the main job, on a real KV cache%s\n",
	    t.bold, csn_version(), t.plain);
	if ((rc = walk(&t)) == 0)
		rc = sum_up(&t);
out:
	clean_up(&t);
	json_decref(t.steps);
	return rc;
}

static const struct cli_opt opts[] = {
	{ "sample", "FILE", "another KV sample than the one that came with "
	    "the program" },
	{ NULL }
};

static const struct cli_verb verbs[] = {
	{ "", "", "Show the main job on a real KV cache, attacks and all",
	    tour, opts, 0, 0,
	    "Two tenants establish sessions, their KV goes into a store and "
	    "comes back,\nattacks are refused, keys rotate, the audit log is "
	    "verified and tampered with.\nEnds by itself within 20 seconds "
	    "and leaves nothing behind." },
	{ NULL }
};

const struct cli_noun cli_tour = {
	"tour", "See the main job done in a few seconds", verbs
};
