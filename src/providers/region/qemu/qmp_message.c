/* SPDX-License-Identifier: Apache-2.0 */
/* qemu/qmp_message.c - one line of QEMU's machine protocol, strictly. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "providers/region/qemu/qmp.h"

#define ROOM "region"

static const char *
text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_string(v) ? json_string_value(v) : NULL;
}

/* A number that we gave, or -1 where there is no id. */
static int
read_id(const json_t *id, int64_t *out)
{
	*out = -1;
	if (id == NULL)
		return 0;
	if (!json_is_integer(id) || json_integer_value(id) < 0)
		return -1;
	*out = json_integer_value(id);
	return 0;
}

static int
classify(json_t *json, struct csn_qmp_message *m)
{
	json_t *value = json_object_get(json, "return");
	json_t *error = json_object_get(json, "error");
	json_t *id = json_object_get(json, "id");
	size_t with_id = id != NULL;

	if (json_is_object(json_object_get(json, "QMP"))) {
		m->kind = CSN_QMP_GREETING;
		return json_object_size(json) == 1 ? 0 : -1;
	}
	if (text_of(json, "event") != NULL) {
		m->kind = CSN_QMP_EVENT;
		m->text = text_of(json, "event");
		return value == NULL && error == NULL && id == NULL ? 0 : -1;
	}
	if (json_object_size(json) != 1 + with_id ||
	    read_id(id, &m->id) != 0)
		return -1;
	if (value != NULL) {
		m->kind = CSN_QMP_RETURN;
		m->value = value;
		return 0;
	}
	m->kind = CSN_QMP_ERROR;
	m->text = text_of(error, "desc");
	return m->text != NULL && csn_utf8_ok(m->text, strlen(m->text)) ?
	    0 : -1;
}

int
csn_qmp_parse(struct csn_ctx *ctx, const char *line, size_t len,
    struct csn_qmp_message *out)
{
	json_error_t error;

	memset(out, 0, sizeof(*out));
	out->id = -1;
	out->json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(out->json) && classify(out->json, out) == 0)
		return 0;
	json_decref(out->json);
	memset(out, 0, sizeof(*out));
	return csn_fail(ctx, CSN_E_FORM, ROOM, "what answers is not QEMU's "
	    "machine protocol, a message to a line (pretty=off)");
}
