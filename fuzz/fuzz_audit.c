/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_audit.c - lines of the log: whatever is read is JSON, has one
 * spelling, and can be exported again; and the state file.
 */
#include <jansson.h>

#include "audit/chain.h"
#include "audit/folder.h"
#include "identity.h"

static struct csn_audit_line line;

static void
one_line(struct csn_ctx *ctx, struct csn_hash *hash,
    struct csn_audit_chain *chain, const char *p, size_t len)
{
	struct csn_audit_chain before = *chain;
	json_t *json;
	int rc;

	rc = csn_audit_line_read(p, len, &line);
	check(rc == 0 || rc == CSN_E_FORM);
	if (rc != 0)
		return;
	check(line.body_len < len && p[line.body_len - 1] == '"');
	/* Numbers past 2^63 are JSON, but not jansson's. */
	json = json_loadb(p, len, JSON_DECODE_INT_AS_REAL, NULL);
	check(json_is_object(json) &&
	    json_is_string(json_object_get(json, "mac")));
	json_decref(json);
	rc = csn_audit_chain_check(ctx, hash, chain, 1, &line, p);
	check(rc >= 0);
	if (rc == CSN_AUDIT_LINE_GOOD)
		check(chain->n == before.n + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_audit_chain chain = { 0 };
	struct csn_audit_state state;
	const char *p = (const char *)data, *end;
	struct csn_hash *hash;
	size_t left, i;
	int rc;

	rc = csn_audit_state_parse(ctx, data, len, &state);
	check(rc == 0 || rc == CSN_E_FORM);
	if (rc == 0)
		check(len == CSN_AUDIT_STATE_SIZE &&
		    state.oldest <= state.file);
	check(csn_hash_new(ctx, &hash) == 0);
	/* The corpus's log has this id and this first key. */
	for (i = 0; i < sizeof(state.log); i++)
		state.log[i] = (uint8_t)i;
	for (i = 0; i < sizeof(chain.key); i++)
		chain.key[i] = (uint8_t)(100 + i);
	check(csn_audit_chain_start(ctx, state.log, chain.head) == 0);
	for (left = len; left > 0; left -= i) {
		end = memchr(p, '\n', left);
		i = end == NULL ? left : (size_t)(end - p) + 1;
		one_line(ctx, hash, &chain, p, end == NULL ? i : i - 1);
		p += i;
	}
	csn_hash_free(hash);
	return 0;
}
