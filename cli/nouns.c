/* SPDX-License-Identifier: Apache-2.0 */
/* cli/nouns.c - the nouns that there are, in the order of the help. */
#include "lib/cli.h"

const struct cli_noun *const cli_nouns[] = {
	&cli_id,
	&cli_session,
	&cli_file,
#ifdef CLI_CACHE
	&cli_cache,
#endif
	&cli_model,
	&cli_audit,
	&cli_attest,
	&cli_tour,
	&cli_bench,
	&cli_version,
	NULL
};
