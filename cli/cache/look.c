/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/look.c - caisson cache inspect: what an entry shows, and to
 * whom. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define MAX_ENTRY (CACHE_MAX_VALUE + ((size_t)16 << 20))

/* The key on the backend: "t:TENANT:KEY", the tenant percent-encoded. */
static char *
stored_key(const struct cache_run *run)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	const char *tenant = cli_opt(run->cli, "tenant");
	size_t cap, at = 0;
	char *name;

	if (tenant == NULL)
		tenant = "default";
	cap = 3 * strlen(tenant) + strlen(run->key) + 4;
	if ((name = malloc(cap)) == NULL)
		return NULL;
	if (cli_opt(run->cli, "scoped") != NULL) {
		at = (size_t)snprintf(name, cap, "t:");
		for (; *tenant != '\0'; tenant++)
			at += (size_t)snprintf(name + at, cap - at,
			    strchr(plain, *tenant) != NULL ? "%c" : "%%%02X",
			    (unsigned char)*tenant);
		name[at++] = ':';
	}
	snprintf(name + at, cap - at, "%s", run->key);
	return name;
}

/* What the store has, as it is. */
static int
fetch(struct cache_run *run, uint8_t **out, size_t *len)
{
	struct cli *cli = run->cli;
	const char *space = cli_opt(cli, "space");
	struct csn_store_buf buf = { 0 };
	char *name;
	int rc;

	if ((name = stored_key(run)) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	rc = csn_store_borrow(run->store, (const uint8_t *)space, space !=
	    NULL ? strlen(space) : 0, (const uint8_t *)name, strlen(name),
	    &buf);
	free(name);
	if (rc != 0)
		return cli_error_lib(cli, rc, NULL, "cannot read %s",
		    run->key);
	*len = buf.len;
	if (buf.len > MAX_ENTRY || (*out = malloc(buf.len + 1)) == NULL)
		rc = cli_error(cli, CLI_FAILED, NULL,
		    "%zu bytes are too many for an entry", buf.len);
	else
		memcpy(*out, buf.p, buf.len);
	csn_store_release(run->store, &buf);
	return rc;
}

/* Shannon's entropy of the bytes: close to 8 bits a byte for noise. */
static double
entropy(const uint8_t *p, size_t len)
{
	size_t counts[256] = { 0 }, i;
	double bits = 0, share;

	for (i = 0; i < len; i++)
		counts[p[i]]++;
	for (i = 0; i < 256; i++)
		if (counts[i] > 0) {
			share = (double)counts[i] / (double)len;
			bits -= share * log2(share);
		}
	return bits;
}

/* The format that a frame says it has; -1 where it is none of ours. */
static int
format_of(const json_t *facts)
{
	const char *name = json_string_value(json_object_get(facts,
	    "serializer"));

	if (name == NULL)
		return -1;
	if (strcmp(name, "orjson") == 0)
		return CSN_CACHE_JSON;
	if (strcmp(name, "arrow") == 0)
		return CSN_CACHE_ARROW;
	return CSN_CACHE_MSGPACK;
}

int
cache_format_there(struct cache_run *run)
{
	json_t *says = NULL;
	uint8_t *stored = NULL;
	char *text = NULL;
	size_t len = 0;
	int format = -1;

	if (fetch(run, &stored, &len) == 0 &&
	    csn_cachekit_is_frame(stored, len) &&
	    csn_cachekit_inspect(run->cli->ctx, stored, len, &text) == 0) {
		says = json_loads(text, 0, NULL);
		format = format_of(says);
	}
	json_decref(says);
	csn_free(text);
	free(stored);
	return format;
}

enum shape { NO_FRAME, FRAME, OWN };

static const char *const shapes[] = { "interop or bytes", "auto", "native" };

/* What the header of an entry of Caisson's own says. */
static json_t *
own_says(const struct csn_header *h)
{
	json_t *says = json_pack("{s:I, s:I, s:I}", "epoch",
	    (json_int_t)h->epoch, "value_bytes", (json_int_t)h->len,
	    "version", (json_int_t)h->version);

	if (h->expires_ms != 0)
		json_object_set_new(says, "expires_ms",
		    json_integer((json_int_t)h->expires_ms));
	return says;
}

/* What the bytes seem to be, and what they say of themselves in *says. */
static enum shape
shape_of(struct cli *cli, const uint8_t *p, size_t len, json_t **says)
{
	struct csn_header h = { .size = sizeof(h) };
	char *text = NULL;

	*says = NULL;
	if (csn_header_read(cli->ctx, p, len, &h) == 0 &&
	    h.kind == CSN_KIND_CACHE) {
		*says = own_says(&h);
		return OWN;
	}
	if (!csn_cachekit_is_frame(p, len))
		return NO_FRAME;
	if (csn_cachekit_inspect(cli->ctx, p, len, &text) == 0)
		*says = json_loads(text, 0, NULL);
	csn_free(text);
	return FRAME;
}

/*
 * The formats that it may have, in turn; returns how many. An entry of ours
 * binds its format without saying it.
 */
static int
formats_of(enum shape shape, const json_t *facts, uint32_t formats[4])
{
	const int guess = format_of(json_object_get(facts, "says"));

	formats[0] = CSN_CACHE_MSGPACK;
	formats[1] = CSN_CACHE_BYTES;
	formats[2] = CSN_CACHE_JSON;
	formats[3] = CSN_CACHE_ARROW;
	if (shape == FRAME && guess >= 0)
		formats[0] = (uint32_t)guess;
	return shape == OWN ? 4 : shape == FRAME ? 1 : 2;
}

/* Try to open it as what it seems to be; facts gets what came of it. */
static int
try_open(struct cache_run *run, enum shape shape, json_t *facts)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	uint32_t form, format, formats[4];
	struct csn_cache *cache;
	int rc = CSN_E_TAG, n = formats_of(shape, facts, formats), i;

	for (i = 0; i < n && rc != 0; i++) {
		form = shape == NO_FRAME ? CSN_CACHE_INTEROP : CSN_CACHE_AUTO;
		format = formats[i];
		if ((cache = cache_of(run, form, format)) == NULL)
			break;
		run->how.format = format;
		rc = csn_cache_get(cache, run->key, &run->how, &v);
		csn_cache_free(cache);
	}
	json_object_set_new(facts, "opens", json_boolean(rc == 0));
	if (rc != 0) {
		json_object_set_new(facts, "refused",
		    json_string(csn_error_name(rc)));
		json_object_set_new(facts, "why", json_string(csn_message_code()
		    == rc ? csn_message() : csn_error_text(rc)));
	} else {
		json_object_set_new(facts, "format", json_string(
		    cache_format_name(run->how.format)));
		json_object_set_new(facts, "value_bytes",
		    json_integer((json_int_t)v.data.len));
		json_object_set_new(facts, "master_key",
		    json_integer(v.which));
	}
	csn_cache_value_free(&v);
	return rc == 0 ? CLI_OK : CLI_REFUSED;
}

static void
say(struct cli *cli, const json_t *facts)
{
	const json_t *says = json_object_get(facts, "says"), *value;
	const char *name;
	char *text;
	long long which;

	cli_say(cli, "%-14s %s\n", "form", json_string_value(
	    json_object_get(facts, "form")));
	cli_say(cli, "%-14s %lld\n", "bytes", (long long)json_integer_value(
	    json_object_get(facts, "bytes")));
	cli_say(cli, "%-14s %.2f bits a byte\n", "entropy", json_real_value(
	    json_object_get(facts, "entropy")));
	value = json_object_get(facts, "ttl_ms");
	if (value != NULL)
		cli_say(cli, "%-14s %.1f s\n", "ends in",
		    (double)json_integer_value(value) / 1e3);
	json_object_foreach((json_t *)(uintptr_t)says, name, value) {
		if ((text = json_dumps(value, JSON_ENCODE_ANY |
		    JSON_COMPACT)) != NULL)
			cli_say(cli, "says %-9s %s\n", name, text);
		free(text);
	}
	if ((value = json_object_get(facts, "opens")) == NULL)
		cli_say(cli, "%-14s no master key is given\n", "opens");
	else if (json_is_true(value)) {
		which = (long long)json_integer_value(json_object_get(facts,
		    "master_key"));
		cli_say(cli, "%-14s yes: %lld bytes of %s, master key %lld "
		    "(%s)\n", "opens", (long long)json_integer_value(
		    json_object_get(facts, "value_bytes")),
		    json_string_value(json_object_get(facts, "format")),
		    which, which == 0 ? "the current one" : "a former one");
	} else
		cli_say(cli, "%-14s no: %s: %s\n", "opens",
		    json_string_value(json_object_get(facts, "refused")),
		    json_string_value(json_object_get(facts, "why")));
}

int
cache_inspect(struct cli *cli)
{
	struct cache_run run;
	json_t *facts = NULL;
	uint8_t *stored = NULL;
	json_t *says = NULL;
	size_t len = 0;
	uint64_t ttl;
	enum shape shape;
	int rc;

	if ((rc = cache_begin(cli, &run, 1)) != 0 ||
	    (rc = fetch(&run, &stored, &len)) != 0)
		goto out;
	shape = shape_of(cli, stored, len, &says);
	facts = json_pack("{s:s, s:s, s:I, s:f, s:o*}", "key", run.key,
	    "form", shapes[shape], "bytes", (json_int_t)len,
	    "entropy", entropy(stored, len), "says", says);
	/* With no cache over it the store tells the time that is left. */
	if (run.cache != NULL && csn_cache_exists(run.cache, run.key,
	    &run.how, &ttl) == 0 && ttl != 0)
		json_object_set_new(facts, "ttl_ms",
		    json_integer((json_int_t)ttl));
	if (run.cache != NULL)
		rc = try_open(&run, shape, facts);
	if (cli->json) {
		if (cli_json(cli, json_incref(facts)) != CLI_OK)
			rc = CLI_FAILED;
	} else {
		say(cli, facts);
	}

out:
	json_decref(facts);
	free(stored);
	cache_end(&run);
	return rc;
}
