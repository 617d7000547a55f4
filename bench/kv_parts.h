/* SPDX-License-Identifier: Apache-2.0 */
/* kv_parts.h - the parts of bench_kv that stand in files of their own. */
#ifndef CSN_BENCH_KV_PARTS_H
#define CSN_BENCH_KV_PARTS_H

#include <caisson/caisson.h>

/* Blocks of 2 MiB on a pool of two threads, beside one thread. */
void kv_two_cores(struct csn_session *session, const char *tenant_id);

/* Entries of 4 KiB, beside a Python library of the same purpose. */
void kv_python(struct csn_session *session, const char *tenant_id);

#endif
