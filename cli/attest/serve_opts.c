/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve_opts.c - the options of caisson attest serve. */
#include "attest.h"

const struct cli_opt attest_serve_opts[] = {
	{ "workload", "ID", "whose memory it is", CLI_REQUIRED },
	ATTEST_OPTS_IDENTITY,
	{ "listen", "WHERE", "HOST:PORT or unix:PATH (127.0.0.1:8411)" },
	{ "rate", "N", "challenges answered in a second (5)" },
	{ "duty", "PERCENT", "of the time at most for measuring (50)" },
	{ "connections", "N", "at a time (32)" },
	{ "per-address", "N", "of them for one address (half of them)" },
	{ "timeout", "SPAN", "for a client to ask, and to take (10s)" },
	{ "tls-cert", "FILE", "serve https with this certificate, PEM" },
	{ "tls-key", "FILE", "and its private key" },
	{ "incremental", NULL, "read only what was written, mostly" },
	{ "lifetime", "SPAN", "until a report expires (5m)" },
	{ "leaves", NULL, "carry leaf hashes: drift names bytes" },
	ATTEST_OPTS_MEASURE,
	CLI_OPTS_PASSPHRASE,
	{ NULL }
};
