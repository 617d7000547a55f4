/* SPDX-License-Identifier: Apache-2.0 */
/* session/describe.c - what a session says of itself, without secrets. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/sized.h"
#include "base/text.h"
#include "session/internal.h"

/* Under lock. */
static void
fill(struct csn_session *s, struct csn_session_info *info)
{
	struct csn_epoch *e;
	int i;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->kem = s->suite;
	info->memory = sizeof(*s) + (s->tenant_name != NULL ?
	    strlen(s->tenant_name) + 1 : 0);
	if (s->slots.table != s->near_slots)
		info->memory += s->slots.cap * sizeof(struct csn_slot);
	info->memory += csn_ahead_memory(s);
	for (i = 0; i < 2; i++)
		for (e = s->heads[i]; e != NULL; e = e->older) {
			info->live_epochs++;
			info->memory += (e->taken ? 0 : sizeof(*e)) +
			    (e->writers == &e->first ? 0 :
			    e->cap * sizeof(*e->writers));
			for (uint32_t w = 0; w < e->nwriters; w++)
				if (e->writers[w].window != NULL)
					info->memory +=
					    sizeof(struct csn_window);
		}
	if ((e = s->heads[s->own_direction]) != NULL)
		info->epoch = e->number;
	info->next_sequence = s->own_sequence;
	info->entries_sealed = s->epoch_entries;
	info->bytes_sealed = s->epoch_bytes;
	info->total_entries = s->total_entries;
	info->rotations = s->rotations;
	info->live_slots = s->slots.n;
	info->created_ms = s->created_ms;
	info->expires_ms = s->expires_ms;
	info->audit_failures = s->audit_failures;
}

int
csn_session_get_info(struct csn_session *session,
    struct csn_session_info *info)
{
	struct csn_session_info whole;
	int rc;

	if ((rc = CSN_GIVE_CHECK(info, csn_session_info,
	    audit_failures)) != 0)
		return rc;
	csn_session_lock(session);
	if (!session->closed)
		csn_epoch_sweep(session);
	fill(session, &whole);
	csn_session_unlock(session);
	CSN_GIVE(info, &whole, csn_session_info);
	return 0;
}

int
csn_session_json(struct csn_session *session, char **json)
{
	if (CSN_NEEDS(session, json) != 0)
		return CSN_E_ARG;

	struct csn_session_info info = { .size = sizeof(info) };
	char id[CSN_SESSION_ID_SIZE * 2 + 1], created[CSN_TIME_TEXT_SIZE];
	char expires[CSN_TIME_TEXT_SIZE];
	json_t *j;

	csn_session_get_info(session, &info);
	csn_hex_encode(session->id, sizeof(session->id), id);
	csn_time_format(info.created_ms, created);
	csn_time_format(info.expires_ms, expires);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, "
	    "s:I, s:I, s:I, s:I, s:I}",
	    "session_id", id, "tenant_id", session->tenant_id,
	    "display_name", csn_session_tenant_name(session),
	    "kem", csn_kem_name((int)info.kem),
	    "created_at", created, "expires_at", expires,
	    "valid", csn_session_is_valid(session),
	    "epoch", (json_int_t)info.epoch,
	    "live_epochs", (json_int_t)info.live_epochs,
	    "next_sequence", (json_int_t)info.next_sequence,
	    "entries_sealed", (json_int_t)info.entries_sealed,
	    "total_entries", (json_int_t)info.total_entries,
	    "rotations", (json_int_t)info.rotations,
	    "live_slots", (json_int_t)info.live_slots,
	    "audit_failures", (json_int_t)info.audit_failures);
	*json = j == NULL ? NULL : csn_json_text(j, JSON_COMPACT);
	json_decref(j);
	return *json != NULL ? 0 : csn_nomem(session->ctx, "session",
	    "a session's description");
}
