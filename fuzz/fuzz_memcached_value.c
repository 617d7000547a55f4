/*
 * fuzz_memcached_value.c - what a memcached says to the store's operations:
 * the first byte says which one, the rest is the answer.
 */
#include <caisson/store.h>

#include "server.h"

#define ROOM 4096

static void
got(int rc, size_t len, size_t cap)
{
	if (rc == 0)
		check(len <= cap);
	else
		check(rc == CSN_E_NOT_FOUND || rc == CSN_E_BACKEND ||
		    rc == CSN_E_FORM || rc == CSN_E_BUFFER ||
		    rc == CSN_E_LIMIT || rc == CSN_E_QUOTA ||
		    rc == CSN_E_EXISTS || rc == CSN_E_BUSY);
}

static void
ask(struct csn_store *s, uint8_t what)
{
	static const uint8_t key[] = { 'k' }, value[] = { 'v', 'a', 'l' };
	static uint8_t out[ROOM];
	const uint8_t *space = what & 128 ? key : NULL;
	size_t space_len = what & 128 ? 1 : 0, len = sizeof(out);
	uint64_t ms;

	switch (what % 8) {
	case 0:
		got(csn_store_get(s, space, space_len, key, 1, out, &len),
		    len, sizeof(out));
		break;
	case 1:
		got(csn_store_get_for(s, space, space_len, key, 1, out, &len,
		    &ms), len, sizeof(out));
		break;
	case 2:
		got(csn_store_ttl(s, space, space_len, key, 1, &ms), 0, 0);
		break;
	case 3:
		got(csn_store_put(s, space, space_len, key, 1, value,
		    sizeof(value)), 0, 0);
		break;
	case 4:
		got(csn_store_put_for(s, space, space_len, key, 1, value,
		    sizeof(value), 5000), 0, 0);
		break;
	case 5:
		got(csn_store_add_for(s, space, space_len, key, 1, value,
		    sizeof(value), 5000), 0, 0);
		break;
	case 6:
		got(csn_store_remove(s, space, space_len, key, 1), 0, 0);
		break;
	default:
		got(csn_store_remove_if(s, space, space_len, key, 1, value,
		    sizeof(value)), 0, 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_store *store;
	char url[400];
	int n;

	if (len == 0 || len > ROOM)
		return 0;
	n = snprintf(url, sizeof(url), "memcached:%s?timeout=20000",
	    fuzz_server(data + 1, len - 1));
	check(n > 0 && (size_t)n < sizeof(url));
	check(csn_store_open(fuzz_ctx(), url, &store) == 0);
	ask(store, data[0]);
	csn_store_close(store);
	fuzz_server_quiet();
	return 0;
}
