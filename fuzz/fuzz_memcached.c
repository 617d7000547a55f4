/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_memcached.c - what memcached answers: lines and values, in any order. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "identity.h"
#include "providers/store/memcached/memcached.h"

/* Nobody writes more than fits into a socket at once. */
#define MOST 60000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_mc_host host = { .name = "fuzz:1", .port = 1 };
	struct csn_mc m = { .ctx = ctx };
	struct csn_mc_conn c = { .host = &host };
	static uint8_t value[MOST];
	struct csn_mc_reply r;
	int fds[2], rc;

	if (len > MOST ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return 0;
	c.net.fd = fds[0];
	c.net.in = malloc(CSN_NET_LINE);
	check(c.net.in != NULL);
	c.deadline = csn_net_deadline(60000);
	check(len == 0 || write(fds[1], data, len) == (ssize_t)len);
	check(shutdown(fds[1], SHUT_WR) == 0);
	/* It ends: each answer uses some of what there is. */
	while ((rc = csn_mc_receive(&m, &c, 5, &r)) != CSN_E_BACKEND) {
		check(rc == 0 || rc == CSN_E_LIMIT || rc == CSN_E_QUOTA);
		if (rc != 0)
			continue;
		check(r.kind != CSN_MC_ERROR);
		check(r.ttl_s >= -2);
		check(r.size <= CSN_MC_MAX_VALUE);
		check(r.kind == CSN_MC_VALUE || r.size == 0);
		if (r.kind == CSN_MC_VALUE) {
			rc = csn_mc_bytes(&m, &c,
			    r.size <= sizeof(value) ? value : NULL, r.size);
			check(rc == 0 || rc == CSN_E_BACKEND);
			check(rc != 0 || r.size <= len);
			rc = csn_mc_value_end(&m, &c);
			check(rc == 0 || rc == CSN_E_BACKEND);
		}
	}
	csn_net_close(&c.net);
	close(fds[1]);
	return 0;
}
