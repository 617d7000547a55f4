/* cli/attest.h - what the parts of caisson attest share. */
#ifndef CLI_ATTEST_H
#define CLI_ATTEST_H

#include "cli.h"

/** A line for each check: ok, NO, or -- where it was not made. */
void attest_say_checks(struct cli *cli, const struct csn_result *r);

/* cmd_attest_evidence.c */
extern const struct cli_opt attest_evidence_opts[];
int attest_evidence(struct cli *cli);

#endif
