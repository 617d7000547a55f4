/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/store.h - a store's operations, of which an input's byte picks one. */
#ifndef FUZZ_STORE_H
#define FUZZ_STORE_H

#include <caisson/store.h>

#include "server.h"

#define FUZZ_VALUE 4096		/* bytes that there is room for */

static inline void
fuzz_got(int rc, size_t len, size_t cap)
{
	if (rc == 0)
		check(len <= cap);
	else
		check(rc == CSN_E_NOT_FOUND || rc == CSN_E_BACKEND ||
		    rc == CSN_E_FORM || rc == CSN_E_BUFFER ||
		    rc == CSN_E_LIMIT || rc == CSN_E_QUOTA ||
		    rc == CSN_E_EXISTS || rc == CSN_E_BUSY ||
		    rc == CSN_E_POLICY);
}

static inline void
fuzz_ask(struct csn_store *s, uint8_t what)
{
	static const uint8_t key[] = { 'k' }, value[] = { 'v', 'a', 'l' };
	static uint8_t out[FUZZ_VALUE];
	const uint8_t *space = what & 128 ? key : NULL;
	size_t space_len = what & 128 ? 1 : 0, len = sizeof(out);
	uint64_t ms;

	switch (what % 8) {
	case 0:
		fuzz_got(csn_store_get(s, space, space_len, key, 1, out, &len),
		    len, sizeof(out));
		break;
	case 1:
		fuzz_got(csn_store_get_for(s, space, space_len, key, 1, out,
		    &len, &ms), len, sizeof(out));
		break;
	case 2:
		fuzz_got(csn_store_ttl(s, space, space_len, key, 1, &ms), 0, 0);
		break;
	case 3:
		fuzz_got(csn_store_put(s, space, space_len, key, 1, value,
		    sizeof(value)), 0, 0);
		break;
	case 4:
		fuzz_got(csn_store_put_for(s, space, space_len, key, 1, value,
		    sizeof(value), 5000), 0, 0);
		break;
	case 5:
		fuzz_got(csn_store_add_for(s, space, space_len, key, 1, value,
		    sizeof(value), 5000), 0, 0);
		break;
	case 6:
		fuzz_got(csn_store_remove(s, space, space_len, key, 1), 0, 0);
		break;
	default:
		fuzz_got(csn_store_remove_if(s, space, space_len, key, 1, value,
		    sizeof(value)), 0, 0);
		break;
	}
}

/* The first byte says what is asked of the store at url. */
static inline int
fuzz_value(const char *url, const uint8_t *data)
{
	struct csn_store *store;

	check(csn_store_open(fuzz_ctx(), url, &store) == 0);
	fuzz_ask(store, data[0]);
	csn_store_close(store);
	fuzz_server_quiet();
	return 0;
}

#endif
