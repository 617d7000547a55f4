/* SPDX-License-Identifier: Apache-2.0 */
/* identity/purposes.c - sets of purposes as words. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "identity/purposes.h"
#include "identity/words.h"

#define ROOM "identity"

/* In the order of the bits. */
static const char *const words[] = {
	"tenant", "server", "action", "audit", "recipient", "sealer",
	"report", "module", "artifact"
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

_Static_assert((1 << NWORDS) - 1 == CSN_PURPOSE_ALL,
    "each purpose has its word");

uint32_t
csn_purpose_of(const char *word, size_t len)
{
	unsigned i;

	for (i = 0; i < NWORDS; i++) {
		if (csn_same(words[i], strlen(words[i]), word, len))
			return 1u << i;
	}
	return 0;
}

const char *
csn_purpose_word(unsigned i)
{
	return i < NWORDS ? words[i] : NULL;
}

int
csn_purposes_parse(struct csn_ctx *ctx, const char *text, uint32_t *purposes)
{
	const char *end;
	uint32_t set = 0, bit;
	size_t len;

	if (text == NULL || purposes == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Purposes need a text and a place to go.");
	for (;; text = end + 1) {
		end = strchr(text, ',');
		len = end != NULL ? (size_t)(end - text) : strlen(text);
		if ((bit = csn_purpose_of(text, len)) == 0)
			return csn_fail(ctx, CSN_E_ARG, ROOM,
			    "There is no purpose \"%.*s\": they are tenant, "
			    "server, action, audit, recipient, sealer, "
			    "report, module and artifact.",
			    (int)(len < 64 ? len : 64), text);
		set |= bit;
		if (end == NULL)
			break;
	}
	*purposes = set;
	return 0;
}

int
csn_purposes_format(struct csn_ctx *ctx, uint32_t purposes, char **text)
{
	char buf[128] = "";
	size_t n = 0;
	unsigned i;

	if (text == NULL || (purposes & ~(uint32_t)CSN_PURPOSE_ALL) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "0x%x is no set of purposes.", purposes);
	for (i = 0; i < NWORDS; i++) {
		if ((purposes & 1u << i) == 0)
			continue;
		/* All the words together are shorter than buf. */
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s",
		    n > 0 ? "," : "", words[i]);
	}
	if ((*text = csn_strdup(buf)) == NULL)
		return csn_nomem(ctx, ROOM, "a list of purposes");
	return 0;
}

json_t *
csn_purposes_json(uint32_t purposes)
{
	json_t *list;
	unsigned i;

	if ((list = json_array()) == NULL)
		return NULL;
	for (i = 0; i < NWORDS; i++) {
		if ((purposes & 1u << i) != 0 && json_array_append_new(list,
		    json_string(words[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
