/* SPDX-License-Identifier: Apache-2.0 */
/* key_args.c - arguments in JSON, given to a builder of keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "key_args.h"

static int
key_int(struct csn_cachekit_key *key, const char *s)
{
	char *end;

	errno = 0;
	if (s[0] == '-') {
		int64_t v = strtoll(s, &end, 10);

		return errno != 0 || *end != '\0' ? CSN_E_ARG :
		    csn_cachekit_key_int(key, v);
	}
	uint64_t u = strtoull(s, &end, 10);

	return errno != 0 || *end != '\0' ? CSN_E_ARG :
	    csn_cachekit_key_uint(key, u);
}

static int
key_time(struct csn_cachekit_key *key, const char *s)
{
	int year, month, day, hour, minute, second, n = 0, digits = 0, us = 0;
	int zone_hour, zone_minute, offset;
	char sign;
	struct tm tm = { 0 };

	if (sscanf(s, "%d-%d-%dT%d:%d:%d%n", &year, &month, &day, &hour,
	    &minute, &second, &n) != 6)
		return CSN_E_ARG;
	s += n;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, digits++)
			us = 10 * us + (*s - '0');
	for (; digits > 0 && digits < 6; digits++)
		us *= 10;
	if (sscanf(s, "%c%d:%d", &sign, &zone_hour, &zone_minute) != 3)
		return CSN_E_ARG;
	offset = (zone_hour * 60 + zone_minute) * (sign == '-' ? -1 : 1);
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	return csn_cachekit_key_time(key, ((int64_t)timegm(&tm) - 60 * offset) *
	    1000000 + us, offset);
}

static int
key_bytes(struct csn_cachekit_key *key, const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *p = malloc(len + 1);
	int rc;

	if (p == NULL)
		return CSN_E_NOMEM;
	rc = len == 0 ? 0 : csn_hex_decode(hex, 2 * len, p, len);
	if (rc == 0)
		rc = csn_cachekit_key_bytes(key, p, len);
	free(p);
	return rc;
}

static int
key_uuid(struct csn_cachekit_key *key, const char *s)
{
	char hex[33];
	uint8_t uuid[16];
	size_t n = 0;

	for (; *s != '\0' && n < 32; s++)
		if (*s != '-')
			hex[n++] = *s;
	if (csn_hex_decode(hex, n, uuid, sizeof(uuid)) != 0)
		return CSN_E_ARG;
	return csn_cachekit_key_uuid(key, uuid);
}

static int
key_set(struct csn_cachekit_key *key, const json_t *members)
{
	size_t i;
	int rc = csn_cachekit_key_set_begin(key);

	for (i = 0; rc == 0 && i < json_array_size(members); i++)
		rc = key_arg(key, json_array_get(members, i));
	return rc != 0 ? rc : csn_cachekit_key_set_end(key);
}

static int
key_object(struct csn_cachekit_key *key, const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value, *member;
	void *at = json_object_iter(object);
	const char *name = at != NULL ? json_object_iter_key(at) : "";
	int rc;

	if (name[0] == '$') {
		member = json_object_iter_value(at);
		if (strcmp(name, "$set") == 0)
			return key_set(key, member);
		if (strcmp(name, "$bytes") == 0)
			return key_bytes(key, json_string_value(member));
		if (strcmp(name, "$datetime") == 0)
			return key_time(key, json_string_value(member));
		if (strcmp(name, "$uuid") == 0)
			return key_uuid(key, json_string_value(member));
		if (strcmp(name, "$float") == 0)
			return csn_cachekit_key_float(key,
			    strtod(json_string_value(member), NULL));
		if (strcmp(name, "$int") == 0)
			return key_int(key, json_string_value(member));
		return CSN_E_ARG;
	}
	rc = csn_cachekit_key_map_begin(key);
	json_object_foreach(object, name, member) {
		if (rc == 0)
			rc = csn_cachekit_key_map_key(key, name, strlen(name));
		if (rc == 0)
			rc = key_arg(key, member);
	}
	return rc != 0 ? rc : csn_cachekit_key_map_end(key);
}

int
key_arg(struct csn_cachekit_key *key, const json_t *value)
{
	size_t i;
	int rc;

	if (json_is_null(value))
		return csn_cachekit_key_null(key);
	if (json_is_boolean(value))
		return csn_cachekit_key_bool(key, json_is_true(value));
	if (json_is_integer(value))
		return csn_cachekit_key_int(key, json_integer_value(value));
	if (json_is_real(value))
		return csn_cachekit_key_float(key, json_real_value(value));
	if (json_is_string(value))
		return csn_cachekit_key_str(key, json_string_value(value),
		    json_string_length(value));
	if (json_is_object(value))
		return key_object(key, value);
	rc = csn_cachekit_key_list_begin(key);
	for (i = 0; rc == 0 && i < json_array_size(value); i++)
		rc = key_arg(key, json_array_get(value, i));
	return rc != 0 ? rc : csn_cachekit_key_list_end(key);
}

int
key_args(struct csn_cachekit_key *key, const json_t *args, const json_t
    *kwargs)
{
	json_t *object = (json_t *)(uintptr_t)kwargs, *value;
	const char *name;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < json_array_size(args); i++)
		rc = key_arg(key, json_array_get(args, i));
	json_object_foreach(object, name, value) {
		if (rc == 0)
			rc = csn_cachekit_key_name(key, name, strlen(name));
		if (rc == 0)
			rc = key_arg(key, value);
	}
	return rc;
}
