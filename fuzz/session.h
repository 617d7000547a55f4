/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/session.h - one session of fixed keys, so that what was sealed in it
 * once, and lies in the corpus, opens in it: see seeds.c.
 */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include <caisson/session.h>

#include "base/cursor.h"
#include "identity.h"

/* An exported session (docs/WIRE.md, 5) of tenant "t"; direction is whose
 * half it is. Versions begin above those of the corpus. */
static inline struct csn_session *
fuzz_session(struct csn_ctx *ctx, int direction, uint64_t versions)
{
	struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = CSN_NEVER, .max_bytes = CSN_NEVER,
	    .max_age_ms = CSN_NEVER };
	uint64_t now = fuzz_clock(NULL);
	struct csn_session *session;
	uint8_t key[CSN_KEY_SIZE];
	struct csn_out w;
	int i;

	csn_out_init(&w);
	csn_put_bytes(&w, "CSX\2S", 5);
	csn_put_u8(&w, CSN_KEM_ML_KEM_512);
	csn_put_u8(&w, (uint8_t)direction);
	csn_put_u8(&w, 1);
	csn_put_bytes(&w, "a fuzzed session", CSN_SESSION_ID_SIZE);
	csn_put_u64(&w, now);
	csn_put_u64(&w, now + 900000);
	csn_put_u64(&w, now);
	csn_put_bytes16(&w, "t", 1);
	csn_put_bytes16(&w, "", 0);
	csn_put_u64(&w, (now << 20) + versions);
	for (i = 0; i < 2; i++) {
		memset(key, 'k' + i, sizeof(key));
		csn_put_bytes(&w, key, sizeof(key));
		csn_put_u32(&w, 0);
	}
	check(csn_out_ok(&w));
	check(csn_session_import(ctx, w.p, w.len, &o, &session) == 0);
	csn_out_wipe(&w);
	return session;
}

#define FUZZ_SEEDS 4096		/* versions that the corpus may have */

/* What streams hold. */
static inline void
fuzz_plain(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
}

#endif
