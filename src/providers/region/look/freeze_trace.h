/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/look/freeze_trace.h - a process held still by ptrace(2). */
#ifndef CSN_PROVIDERS_REGION_LOOK_FREEZE_TRACE_H
#define CSN_PROVIDERS_REGION_LOOK_FREEZE_TRACE_H

#include "providers/region/look/target.h"

/*
 * Every thread of it is traced and interrupted by a thread of ours that lives
 * as long as the hold does. The kernel lets go of what a thread traces when
 * that thread ends, so that the process runs on whatever becomes of us, by
 * SIGKILL too. Nobody is told of the stop.
 */
struct csn_trace;

/**
 * Come back once all of it stands still. CSN_E_BACKEND: not permitted, traced
 * by somebody else, or not within timeout_ms (then it runs on); CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_trace_hold(const struct csn_target *t,
    uint64_t timeout_ms, struct csn_trace **out);
/* Set it going again, with the signals that came meanwhile. NULL is fine. */
void csn_trace_release(struct csn_trace *trace);

#endif
