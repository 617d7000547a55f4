/* SPDX-License-Identifier: Apache-2.0 */
/* region/look/freeze.h - a process held still while it is looked at. */
#ifndef CSN_PROVIDERS_REGION_LOOK_FREEZE_H
#define CSN_PROVIDERS_REGION_LOOK_FREEZE_H

#include "providers/region/look/freeze_trace.h"

enum csn_freeze_how {
	CSN_FREEZE_NONE = 0,
	CSN_FREEZE_SIGSTOP,
	CSN_FREEZE_CGROUP,
	CSN_FREEZE_PTRACE
};

#define CSN_FREEZE_TIMEOUT 5000		/* ms, where none is given */
#define CSN_FREEZE_TIMEOUT_MAX 600000

struct csn_freeze {
	enum csn_freeze_how how;
	uint64_t timeout_ms;
	int held;		/* frozen by us, to be thawed by us */
	int cgroup;		/* its folder while frozen, or -1 */
	struct csn_trace *trace; /* that holds it, or NULL */
};

/* "none", "sigstop", "ptrace" or "cgroup"; -1 for another word. */
CSN_MUST_CHECK int csn_freeze_named(const char *word,
    enum csn_freeze_how *out);

/**
 * Freeze the process and come back once it stands still; one that stood
 * still before is left so at the thaw.
 *
 * SIGSTOP: its threads alone; its parent is told, as by any stop. cgroup:
 * everything in its control group (version 2), none of which is told. ptrace:
 * its threads, nobody is told, and it runs on where we are killed meanwhile.
 * CSN_E_BACKEND: not possible or not permitted, or the time ran out (then it
 * runs again).
 */
CSN_MUST_CHECK int csn_freeze(struct csn_freeze *f,
    const struct csn_target *t);
/* CSN_E_BACKEND where it cannot be set going again. */
int csn_thaw(struct csn_freeze *f, const struct csn_target *t);

#endif
