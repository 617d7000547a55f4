/* kv_python.c - beside a Python library that serves the same purpose. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv_parts.h"
#include "set.h"

#define LEN 4096
#define MESSAGES 1024
#define ROUNDS 21
#define PEER_ENTRIES 50
/* Entries of 4 KiB a second that such a library sealed on a server core. */
#define RECORDED 11000.0

struct peer {
	FILE *in;
	FILE *out;
	pid_t pid;
};

static void
peer_start(struct peer *p)
{
	int to[2], from[2];

	bench_need(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0,
	    "making pipes");
	/* A peer that does not start is told by its answer, not by SIGPIPE. */
	signal(SIGPIPE, SIG_IGN);
	fflush(stdout);
	if ((p->pid = fork()) == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(2);
		execl(BENCH_PYTHON, BENCH_PYTHON, BENCH_SOURCE
		    "/python_peer.py", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	p->in = fdopen(from[0], "r");
	p->out = fdopen(to[1], "w");
	bench_need(p->pid > 0 && p->in != NULL && p->out != NULL,
	    "starting Python");
}

/* Seconds an entry; 0 where the peer is not there. */
static double
peer_seal(struct peer *p)
{
	double seconds;

	if (fprintf(p->out, "%d\n", PEER_ENTRIES) < 0 ||
	    fflush(p->out) != 0 || fscanf(p->in, "%lf", &seconds) != 1)
		return 0;
	return seconds / PEER_ENTRIES;
}

static void
peer_end(struct peer *p)
{
	(void)fclose(p->out);
	(void)fclose(p->in);
	(void)waitpid(p->pid, NULL, 0);
}

static double
ours_seal(struct bench_set *set)
{
	double began = bench_now(BENCH_CPU);

	set_seal(set);
	return (bench_now(BENCH_CPU) - began) / (double)set->n;
}

void
kv_python(struct csn_session *session, const char *tenant_id)
{
	struct bench_result r = { .unit = "entries/s" };
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS];
	struct bench_set set;
	struct peer peer;
	int i, live;

	set_init(&set, LEN, MESSAGES, tenant_id);
	set_session(&set, session);
	peer_start(&peer);
	live = peer_seal(&peer) > 0;
	(void)ours_seal(&set);
	for (i = 0; i < ROUNDS; i++) {
		ours[i] = ours_seal(&set);
		theirs[i] = live ? peer_seal(&peer) : 0;
		ratio[i] = theirs[i] / ours[i];
	}
	r.name = "kv.seal.4KiB.python";
	r.value = 1 / bench_median(ours, ROUNDS);
	r.reference = "a Python library, recorded";
	r.reference_value = RECORDED;
	r.ratio = r.value / RECORDED;
	r.target = 40;
	bench_add(&r, "replay store, audit off; the reference is a recorded "
	    "figure of another server core");
	if (live) {
		r.name = "kv.seal.4KiB.python_live";
		r.reference = "AESGCM a call, JSON and hex, in Python";
		r.reference_value = 1 / bench_median(theirs, ROUNDS);
		r.ratio = bench_median(ratio, ROUNDS);
		r.target = 0;
		bench_add(&r, "replay store, audit off; python_peer.py in "
		    "the same rounds");
	} else
		printf("kv.seal.4KiB.python_live       skipped: %s has no "
		    "'cryptography' package\n", BENCH_PYTHON);
	peer_end(&peer);
	set_free(&set);
}
