/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/redis_feed.h - bytes into a reader, as if from the wire. */
#ifndef CAISSON_TESTS_REDIS_FEED_H
#define CAISSON_TESTS_REDIS_FEED_H

#include <caisson/error.h>
#include <string.h>

#include "providers/store/redis/reply.h"

static inline int
redis_feed(struct csn_redis_reader *reader, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t room;
	uint8_t *to;
	int rc = 0;

	for (; rc == 0 && len > 0; p += room, len -= room) {
		if ((to = csn_redis_reader_room(reader, &room)) == NULL)
			return CSN_E_NOMEM;
		if (room > len)
			room = len;
		memcpy(to, p, room);
		rc = csn_redis_reader_took(reader, room);
	}
	return rc;
}

#endif
