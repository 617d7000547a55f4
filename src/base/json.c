/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.c - JSON as text of ours. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"

char *
csn_json_text(const json_t *json, size_t flags)
{
	size_t len = json_dumpb(json, NULL, 0, flags);
	char *text;

	if (len == 0 || (text = csn_calloc(len + 1, 1)) == NULL)
		return NULL;
	if (json_dumpb(json, text, len, flags) != len) {
		free(text);
		return NULL;
	}
	return text;
}
