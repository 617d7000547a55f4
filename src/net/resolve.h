/* SPDX-License-Identifier: Apache-2.0 */
/* net/resolve.h - names to addresses before a deadline. */
#ifndef CSN_NET_RESOLVE_H
#define CSN_NET_RESOLVE_H

#include <sys/socket.h>

#include <caisson/export.h>

#define CSN_NET_ADDRESSES 8

struct csn_net_address {
	struct sockaddr_storage at;
	socklen_t len;
};

/**
 * Up to CSN_NET_ADDRESSES addresses of host for TCP. 0 or an errno number:
 * EHOSTUNREACH where the name is not known, ETIMEDOUT, ENOMEM.
 */
CSN_MUST_CHECK int csn_net_resolve(const char *host, uint16_t port,
    uint64_t deadline, struct csn_net_address *out, size_t *count);

#endif
