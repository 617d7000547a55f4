/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/message.c - one message under a key, its AAD and its number. */
#include "envelope/message.h"

static void
take(const struct csn_message *m, struct csn_aead_msg *msg)
{
	csn_nonce(msg->nonce, m->number);
	msg->aad = m->aad;
	msg->aad_len = m->aad_len;
	msg->parts = m->parts;
	msg->nparts = m->nparts;
	msg->tag = m->tag;
	msg->shared = m->shared;
}

int
csn_message_seal(struct csn_lane *lane, const struct csn_message *m)
{
	struct csn_aead_msg msg;

	take(m, &msg);
	return csn_lane_seal(lane, &msg);
}

int
csn_message_open(struct csn_lane *lane, const struct csn_message *m)
{
	struct csn_aead_msg msg;

	take(m, &msg);
	return csn_lane_open(lane, &msg);
}
