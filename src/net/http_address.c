/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http_address.c - addresses that a URL from outside has no business
 * with: what IANA's special-purpose registries list as not globally
 * reachable, and where clouds keep their metadata.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http.h"

struct range4 {
	uint32_t net;
	unsigned bits;
	const char *kind;
};

/* RFC 6890 and its registry. Longest match is not needed: none overlaps. */
static const struct range4 ranges4[] = {
	{ 0x00000000, 8, "unspecified" },
	{ 0x0a000000, 8, "private (RFC 1918)" },
	{ 0x64400000, 10, "carrier-grade NAT" },
	{ 0x7f000000, 8, "loopback" },
	{ 0xa9fe0000, 16, "link-local" },
	{ 0xac100000, 12, "private (RFC 1918)" },
	{ 0xc0000000, 24, "reserved" },
	{ 0xc0000200, 24, "reserved for documentation" },
	{ 0xc0586300, 24, "a 6to4 relay" },
	{ 0xc0a80000, 16, "private (RFC 1918)" },
	{ 0xc6120000, 15, "reserved for benchmarks" },
	{ 0xc6336400, 24, "reserved for documentation" },
	{ 0xcb007100, 24, "reserved for documentation" },
	{ 0xe0000000, 4, "multicast" },
	{ 0xf0000000, 4, "reserved" },
	/* Azure's host answers a guest here, from a public range. */
	{ 0xa83f8110, 32, "a cloud's metadata" },
};

struct range6 {
	uint8_t net[6];
	unsigned bits;
	const char *kind;
};

static const struct range6 ranges6[] = {
	{ { 0x01, 0x00, 0, 0, 0, 0 }, 48, "discard-only" },
	/* Teredo, benchmarks, ORCHID: all of IETF's protocol assignments. */
	{ { 0x20, 0x01, 0x00 }, 23, "reserved" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, "reserved for documentation" },
	{ { 0x3f, 0xff, 0x00 }, 20, "reserved for documentation" },
	{ { 0x5f, 0x00 }, 16, "reserved" },
	/* Local-use NAT64 (RFC 8215). */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, "reserved" },
	{ { 0xfc }, 7, "unique local" },
	{ { 0xfe, 0x80 }, 10, "link-local" },
	{ { 0xfe, 0xc0 }, 10, "site-local" },
	{ { 0xff }, 8, "multicast" },
};

static const char *
kind4(uint32_t addr)
{
	size_t i;

	for (i = 0; i < sizeof(ranges4) / sizeof(ranges4[0]); i++) {
		if ((addr ^ ranges4[i].net) >> (32 - ranges4[i].bits) == 0)
			return ranges4[i].kind;
	}
	return NULL;
}

static int
prefix_is(const uint8_t *addr, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(addr, net, whole) != 0)	/* public */
		return 0;
	return rest == 0 || (addr[whole] ^ net[whole]) >> (8 - rest) == 0;
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* 1, and the IPv4 address, where one is what the packets will reach. */
static int
inner4(const uint8_t *a, uint32_t *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const uint8_t translated[12] = { [8] = 0xff, [9] = 0xff };

	if (prefix_is(a, mapped, 96) || prefix_is(a, nat64, 96) ||
	    prefix_is(a, translated, 96))
		*out = big_endian(a + 12);
	else if (a[0] == 0x20 && a[1] == 0x02)	/* 6to4, RFC 3056 */
		*out = big_endian(a + 2);
	else
		return 0;
	return 1;
}

static const char *
kind6(const uint8_t *a)
{
	static const uint8_t zero[16];
	uint32_t inner;
	size_t i;

	if (inner4(a, &inner))
		return kind4(inner);
	if (memcmp(a, zero, 15) == 0 && a[15] == 1)	/* public */
		return "loopback";
	/* ::/96: unspecified, and the IPv4-compatible form (RFC 4291). */
	if (memcmp(a, zero, 12) == 0)	/* public */
		return "unspecified";
	for (i = 0; i < sizeof(ranges6) / sizeof(ranges6[0]); i++) {
		if (prefix_is(a, ranges6[i].net, ranges6[i].bits))
			return ranges6[i].kind;
	}
	return NULL;
}

const char *
csn_http_address_private(const struct sockaddr *addr)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (addr->sa_family == AF_INET) {
		memcpy(&in, addr, sizeof(in));
		return kind4(ntohl(in.sin_addr.s_addr));
	}
	if (addr->sa_family == AF_INET6) {
		memcpy(&in6, addr, sizeof(in6));
		return kind6(in6.sin6_addr.s6_addr);
	}
	return "not IP";
}

int
csn_http_address_loopback(const struct sockaddr *addr)
{
	const char *kind = csn_http_address_private(addr);

	return kind != NULL && strcmp(kind, "loopback") == 0;
}
