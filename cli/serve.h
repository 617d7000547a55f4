/* cli/serve.h - what the parts of caisson attest serve share. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <pthread.h>

#include "attest.h"

/* Where it listens: serve_listen.c. */
struct serve_place {
	int fd;			/* listening, or -1 */
	char *path;		/* of a unix socket, removed at the end */
	char *text;		/* "http://127.0.0.1:8411", "unix:/run/a" */
	int loopback;		/* nobody else can connect */
};

/**
 * Listen at "HOST:PORT", "[::1]:PORT" or "unix:PATH"; port 0 is any that is
 * free. tls says how the URL begins. 0 or an exit code after saying why.
 */
int serve_listen(struct cli *cli, const char *where, int tls,
    struct serve_place *out);
void serve_unlisten(struct serve_place *place);

/* How often challenges are answered: a bucket of `rate` that refills. */
struct serve_rate {
	uint64_t rate;		/* a second */
	uint64_t level_ms;	/* what is in it, in thousandths */
	uint64_t at_ns;
};
/** 1 where one more may be answered now. Not thread-safe. */
int serve_rate_take(struct serve_rate *r, uint64_t now_ns);

#endif
