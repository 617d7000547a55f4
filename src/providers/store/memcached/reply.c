/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/reply.c - one line of an answer (memcached's protocol.txt). */

#include <string.h>

#include "providers/store/memcached/memcached.h"

/* Digits up to a blank or the end: how many characters, 0 for none. */
static size_t
digits(const char *p, uint64_t *out)
{
	size_t n = strspn(p, "0123456789");

	return (p[n] == ' ' || p[n] == '\0') &&
	    csn_decimal(p, n, UINT64_MAX, out) == 0 ? n : 0;
}

/* " t-1 c12 s5": those that we asked for; others are passed over. */
static int
flags(const char *p, struct csn_mc_reply *out)
{
	uint64_t v = 0;

	while (*p != '\0') {
		if (*p++ != ' ')
			return CSN_E_FORM;
		if (strcmp(p, "t-1") == 0 || strncmp(p, "t-1 ", 4) == 0) {
			out->ttl_s = -1;
		} else if (*p == 't') {
			if (digits(p + 1, &v) == 0 || v > INT64_MAX / 1000)
				return CSN_E_FORM;
			out->ttl_s = (int64_t)v;
		} else if (*p == 'c') {
			if (digits(p + 1, &out->cas) == 0)
				return CSN_E_FORM;
		}
		p += strcspn(p, " ");
	}
	return 0;
}

int
csn_mc_reply_read(const char *line, struct csn_mc_reply *out)
{
	static const struct {
		char name[3];
		enum csn_mc_kind kind;
	} kinds[] = {
		{ "HD", CSN_MC_DONE }, { "EN", CSN_MC_MISS },
		{ "NS", CSN_MC_NOT_STORED }, { "EX", CSN_MC_CHANGED },
		{ "NF", CSN_MC_NOT_FOUND },
	};
	uint64_t size;
	size_t i, n;

	memset(out, 0, sizeof(*out));
	out->ttl_s = -2;
	if (strncmp(line, "VA ", 3) == 0) {
		if ((n = digits(line + 3, &size)) == 0 ||
		    size > CSN_MC_MAX_VALUE)
			return CSN_E_FORM;
		out->kind = CSN_MC_VALUE;
		out->size = (size_t)size;
		return flags(line + 3 + n, out);
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(line, kinds[i].name, 2) == 0 &&
		    (line[2] == '\0' || line[2] == ' ')) {
			out->kind = kinds[i].kind;
			return flags(line + 2, out);
		}
	}
	if (strcmp(line, "END") == 0) {
		out->kind = CSN_MC_END;
		return 0;
	}
	if (strncmp(line, "STAT ", 5) == 0) {
		out->kind = CSN_MC_STAT;
		out->text = line + 5;
		return 0;
	}
	if (strcmp(line, "ERROR") == 0 ||
	    strncmp(line, "CLIENT_ERROR ", 13) == 0 ||
	    strncmp(line, "SERVER_ERROR ", 13) == 0) {
		out->kind = CSN_MC_ERROR;
		out->text = line;
		return 0;
	}
	return CSN_E_FORM;
}
