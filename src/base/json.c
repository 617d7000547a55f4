/* SPDX-License-Identifier: Apache-2.0 */
/* base/json.c - JSON as text of ours. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

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

int
csn_json_hex(json_t *object, const char *name, const uint8_t *p, size_t len)
{
	char *text = csn_calloc(2 * len + 1, 1);
	int rc;

	if (text == NULL)
		return -1;
	csn_hex_encode(p, len, text);
	rc = json_object_set_new(object, name, json_string(text));
	free(text);
	return rc;
}

int
csn_json_uint(json_t *object, const char *name, uint64_t v)
{
	return json_object_set_new(object, name, json_integer((json_int_t)v));
}
