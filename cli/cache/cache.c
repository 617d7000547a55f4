/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/cache.c - caisson cache: entries of a backend, one at a time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"

/* What was read, for people: JSON where it is JSON or MessagePack. */
static json_t *
view(const struct csn_cache_value *v, uint32_t format)
{
	json_t *value = NULL;
	char *text;

	if (format == CSN_CACHE_MSGPACK)
		value = cache_show(v->data.p, v->data.len);
	else if (format == CSN_CACHE_JSON)
		value = json_loadb((const char *)v->data.p, v->data.len,
		    JSON_DECODE_ANY, NULL);
	if (value != NULL || (text = malloc(v->data.len * 2 + 1)) == NULL)
		return value;
	cli_hex(v->data.p, v->data.len, text);
	value = json_pack("{s:s}", "$bytes", text);
	csn_wipe(text, v->data.len * 2);
	free(text);
	return value;
}

static int
show(struct cli *cli, const struct cache_run *run,
    const struct csn_cache_value *v)
{
	json_t *value = view(v, run->how.format);

	if (cli->json)
		return cli_json(cli, json_pack("{s:s, s:s, s:I, s:I, s:i, "
		    "s:o}", "key", run->key, "format",
		    cache_format_name(run->how.format), "bytes",
		    (json_int_t)v->data.len, "ttl_ms", (json_int_t)v->ttl_ms,
		    "master_key", (int)v->which, "value", value));
	if (!cli->quiet)
		return cli_json(cli, value);
	json_decref(value);
	return CLI_OK;
}

static int
cannot_get(struct cli *cli, struct cache_run *run, int rc)
{
	char todo[64];
	int there;

	if (rc == CSN_E_FORM && (there = cache_format_there(run)) >= 0 &&
	    (uint32_t)there != run->how.format) {
		snprintf(todo, sizeof(todo), "It says that it is %s: give "
		    "--format %s", cache_format_name((uint32_t)there),
		    cache_format_name((uint32_t)there));
		return cli_error_lib(cli, rc, todo, "cannot get %s",
		    run->key);
	}
	return cli_error_lib(cli, rc, rc == CSN_E_TAG ? "Is it the master "
	    "key, tenant, form and format that it was set with, or was it "
	    "planted? caisson cache inspect shows what it says of itself." :
	    NULL, "cannot get %s", run->key);
}

static int
get(struct cli *cli)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	const char *out = cli_opt(cli, "out");
	int text = cli_opt(cli, "text") != NULL || cli->json, rc;
	struct cache_run run;

	if ((rc = cache_begin(cli, &run, 0)) == 0 &&
	    (rc = csn_cache_get(run.cache, run.key, &run.how, &v)) != 0)
		rc = cannot_get(cli, &run, rc);
	else if (rc == 0 && text && out == NULL)
		rc = show(cli, &run, &v);
	else if (rc == 0 && !cli->quiet)
		rc = cli_write_file(cli, out, 0600, cli_opt(cli, "force") !=
		    NULL, v.data.p, v.data.len);
	csn_cache_value_free(&v);
	cache_end(&run);
	return rc;
}

/* What others will read as MessagePack or JSON is that. */
static int
check_value(struct cli *cli, const struct cache_run *run, const uint8_t *p,
    size_t len)
{
	json_error_t error = { .text = "" };
	json_t *value;

	if (run->how.format == CSN_CACHE_MSGPACK)
		value = cache_show(p, len);
	else if (run->how.format == CSN_CACHE_JSON)
		value = json_loadb((const char *)p, len, JSON_DECODE_ANY,
		    &error);
	else
		return 0;
	if (value == NULL)
		return cli_error(cli, CLI_USAGE, "Another format: --format "
		    "NAME. Bytes of any kind: --format bytes", "the value is "
		    "no %s%s%s", cache_format_name(run->how.format),
		    error.text[0] != '\0' ? ": " : "", error.text);
	json_decref(value);
	return 0;
}

static int
set(struct cli *cli)
{
	struct cache_run run;
	uint8_t *value = NULL;
	size_t len = 0;
	int rc;

	if ((rc = cache_begin(cli, &run, 0)) != 0 ||
	    (rc = cli_opt_span(cli, "ttl", &run.how.ttl_ms)) != 0 ||
	    (rc = cli_read_file(cli, cli_arg(cli, 2), CACHE_MAX_VALUE, &value,
	    &len)) != 0 || (rc = check_value(cli, &run, value, len)) != 0)
		goto out;
	if ((rc = csn_cache_set(run.cache, run.key, &run.how, value,
	    len)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot set %s", run.key);
	else if (cli->json)
		rc = cli_json(cli, json_pack("{s:s, s:I, s:I}", "key",
		    run.key, "bytes", (json_int_t)len, "ttl_ms",
		    (json_int_t)run.how.ttl_ms));

out:
	if (value != NULL)
		csn_wipe(value, len);
	free(value);
	cache_end(&run);
	return rc;
}

static int
delete(struct cli *cli)
{
	struct cache_run run;
	int rc;

	/* Deleting needs no key: what is there is not looked at. */
	if ((rc = cache_begin(cli, &run, 1)) == 0 && run.cache == NULL &&
	    (run.cache = cache_of(&run, run.form, run.how.format)) == NULL)
		rc = CLI_USAGE;
	if (rc == 0 && (rc = csn_cache_delete(run.cache, run.key,
	    &run.how)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot delete %s",
		    run.key);
	else if (rc == 0 && cli->json)
		rc = cli_json(cli, json_pack("{s:s}", "deleted", run.key));
	cache_end(&run);
	return rc;
}

struct tally {
	const char *name_space;
	json_int_t entries;
	json_int_t bytes;
	json_t *by;		/* namespace: {entries, bytes} */
};

#define NAME_MOST 1000	/* the protocol: 250 characters */
#define NAME_SIZE (4 * NAME_MOST + 1)

/*
 * A name for people: anybody may name a key so that it moves a terminal's
 * cursor, and bytes that are no text are shown in hex.
 */
static void
name_for_people(const char *p, size_t len, char out[NAME_SIZE])
{
	json_t *text = json_stringn(p, len);
	size_t i, at = 0;
	uint8_t b;

	for (i = 0; i < len; i++) {
		b = (uint8_t)p[i];
		if (b < ' ' || b == 0x7f) {
			out[at++] = '?';
		} else if (b >= 0x80 && text == NULL) {
			at += (size_t)snprintf(out + at, 5, "\\x%02x", b);
		} else if (b == 0xc2 && ((uint8_t)p[i + 1] & 0xe0) == 0x80) {
			out[at++] = '?';
			i++;
		} else {
			out[at++] = p[i];
		}
	}
	out[at] = '\0';
	json_decref(text);
}

#define MOST_NAMES 1000
#define MORE "(further ones)"

/* "ns:users:…" and "users:…" are of the namespace users. */
static int
count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct tally *t = arg;
	const char *p = (const char *)key, *end, *colon;
	json_t *row;
	char name[NAME_SIZE];

	end = p + key_len;
	if (key_len > 2 && memcmp(p, "t:", 2) == 0 &&
	    (colon = memchr(p + 2, ':', key_len - 2)) != NULL)
		p = colon + 1;
	if (end - p > 3 && memcmp(p, "ns:", 3) == 0)
		p += 3;
	colon = memchr(p, ':', (size_t)(end - p));
	if (colon == NULL || colon - p > NAME_MOST)
		colon = p;	/* no namespace's name */
	name_for_people(p, (size_t)(colon - p), name);
	if (t->name_space != NULL && strcmp(name, t->name_space) != 0)
		return 0;
	t->entries++;
	t->bytes += (json_int_t)value_len;
	/* Names come from the backend: it may have as many as it likes. */
	if ((row = json_object_get(t->by, name)) == NULL &&
	    json_object_size(t->by) >= MOST_NAMES) {
		memcpy(name, MORE, sizeof(MORE));
		row = json_object_get(t->by, name);
	}
	if (row == NULL) {
		row = json_pack("{s:I, s:I}", "entries", (json_int_t)0,
		    "bytes", (json_int_t)0);
		if (json_object_set_new(t->by, name, row) != 0)
			return 0;
	}
	json_object_set_new(row, "entries", json_integer(1 +
	    json_integer_value(json_object_get(row, "entries"))));
	json_object_set_new(row, "bytes", json_integer(
	    (json_int_t)value_len + json_integer_value(json_object_get(row,
	    "bytes"))));
	return 0;
}

static int
stat(struct cli *cli)
{
	const char *space = cli_opt(cli, "space"), *name;
	struct tally t = { .name_space = cli_arg(cli, 1),
	    .by = json_object() };
	struct csn_store *store = NULL;
	json_t *row;
	int rc;

	if ((rc = cache_store_open(cli, 0, &store)) == 0 &&
	    (rc = csn_store_each(store, (const uint8_t *)space, space !=
	    NULL ? strlen(space) : 0, count, &t)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot list the keys");
	csn_store_close(store);
	if (rc == 0 && cli->json) {
		rc = cli_json(cli, json_pack("{s:I, s:I, s:O}", "entries",
		    t.entries, "bytes", t.bytes, "namespaces", t.by));
	} else if (rc == 0) {
		cli_say(cli, "%-32s %12s %16s\n", "namespace", "entries",
		    "bytes");
		json_object_foreach(t.by, name, row)
			cli_say(cli, "%-32s %12lld %16lld\n",
			    name[0] != '\0' ? name : "(none)",
			    (long long)json_integer_value(json_object_get(row,
			    "entries")), (long long)json_integer_value(
			    json_object_get(row, "bytes")));
		cli_say(cli, "%-32s %12lld %16lld\n", "all",
		    (long long)t.entries, (long long)t.bytes);
	}
	json_decref(t.by);
	return rc;
}

static int
on_progress(void *arg, const struct csn_cache_reseal *r)
{
	struct cli_progress *p = arg;

	p->total = r->total;
	cli_progress_add(p, 1);
	return cli_interrupted();
}

static int
reseal(struct cli *cli)
{
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct cli_progress progress;
	struct cache_run run;
	const char *form = cli_opt(cli, "form");
	int rc, stopped = 0;

	if ((rc = cache_begin(cli, &run, 0)) != 0) {
		cache_end(&run);
		return rc;
	}
	if (run.keys == NULL && run.native == NULL) {
		cache_end(&run);
		return cli_error(cli, CLI_USAGE, NULL,
		    "entries that are not sealed cannot be sealed anew");
	}
	/* The argument is a namespace here, and says nothing of the form. */
	if (form == NULL && run.form != CSN_CACHE_AUTO) {
		csn_cache_free(run.cache);
		run.cache = cache_of(&run, CSN_CACHE_AUTO, run.how.format);
	}
	cli_progress_start(cli, &progress, "resealing", 0);
	if (run.cache == NULL)
		rc = CLI_USAGE;
	else if ((rc = csn_cache_reseal(run.cache, run.key, &run.how,
	    on_progress, &progress, &r)) > 0)
		stopped = 1;
	cli_progress_end(&progress);
	cache_end(&run);
	if (rc < 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot reseal");
	if (cli->json && (rc == 0 || stopped))
		rc = cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
		    "total", (json_int_t)r.total, "seen", (json_int_t)r.seen,
		    "moved", (json_int_t)r.moved, "current",
		    (json_int_t)r.current, "skipped", (json_int_t)r.skipped,
		    "refused", (json_int_t)r.refused));
	else if (rc == 0 || stopped)
		cli_say(cli, "%llu of %llu entries moved to the current key, "
		    "%llu were under it, %llu changed meanwhile, %llu "
		    "refused\n", (unsigned long long)r.moved,
		    (unsigned long long)r.total,
		    (unsigned long long)r.current,
		    (unsigned long long)r.skipped,
		    (unsigned long long)r.refused);
	if (stopped)
		return CLI_FAILED;
	/* Without the rest's keys the former ones cannot go yet. */
	return rc == 0 && r.refused > 0 ? CLI_REFUSED : rc;
}

static const struct cli_opt get_opts[] = {
	{ "out", "FILE", "write the value to FILE, not standard output" },
	{ "force", NULL, "replace FILE if it is there" },
	{ "text", NULL, "show MessagePack and JSON for people" },
	CACHE_OPTS_ENTRY, CACHE_OPTS_KEY, { NULL }
};

static const struct cli_opt set_opts[] = {
	{ "ttl", "SPAN", "the value ends after SPAN, such as 90s or 24h" },
	CACHE_OPTS_ENTRY, CACHE_OPTS_KEY, { NULL }
};

static const struct cli_opt entry_opts[] = {
	CACHE_OPTS_ENTRY, CACHE_OPTS_KEY, { NULL }
};

static const struct cli_opt stat_opts[] = {
	{ "space", "NAME", "keys are in this space of the store" }, { NULL }
};

static const struct cli_opt key_opts[] = {
	{ "args", "JSON", "the arguments as a JSON array" },
	{ "args-file", "FILE", "read them from FILE" },
	{ "serializer", "WORD", "auto form: default, auto, orjson, arrow" },
	{ "no-integrity", NULL, "auto form without checksum (\":0s\" keys)" },
	{ NULL }
};

static const struct cli_opt master_opts[] = {
	{ "to", "WHO", "seal it to this DID or label of the trust store, too",
	    CLI_REPEAT },
	{ "epoch", "N", "the key's epoch; 1 where not given, and one more "
	    "for each later key" },
	{ "force", NULL, "replace FILE if it is there" },
	CACHE_OPTS_PERSON, { NULL }
};

static const struct cli_verb verbs[] = {
	{ "get", "URL KEY", "Get a value, opened and verified", get,
	    get_opts, 2, 2,
	    "URL names the backend: redis://HOST, lmdb:PATH, file:PATH,\n"
	    "http://HOST/PATH, memcached://HOST and others. The master keys "
	    "come from\nCACHEKIT_MASTER_KEY or CAISSON_MASTER_KEY (and "
	    "CACHEKIT_PREVIOUS_MASTER_KEYS),\n--key-file (wrapped, with "
	    "--keystore) or --key-fd. Exit code 1: what is there\nwas "
	    "refused; 3: nothing is there, or the "
	    "backend failed." },
	{ "set", "URL KEY [FILE]", "Seal a file or standard input and set it",
	    set, set_opts, 2, 3, NULL },
	{ "delete", "URL KEY", "Delete an entry", delete, entry_opts, 2, 2,
	    NULL },
	{ "stat", "URL [NAMESPACE]", "Count entries and bytes by namespace",
	    stat, stat_opts, 1, 2, NULL },
	{ "reseal", "URL NAMESPACE", "Move entries to the current master key",
	    reseal, entry_opts, 2, 2,
	    "The former master keys must be in the ring: see "
	    "CACHEKIT_PREVIOUS_MASTER_KEYS.\nExit code 1: some entries are "
	    "under none of them." },
	{ "key", "NAMESPACE OPERATION | NAMESPACE MODULE QUALNAME",
	    "Build the key of a call", cache_key, key_opts, 2, 3,
	    "Two arguments give the interop key, three the auto key of a "
	    "Python function.\n{\"$set\": […]}, {\"$bytes\": \"hex\"}, "
	    "{\"$uuid\": \"hex\"} and {\"$time\": microseconds}\nstand for "
	    "what JSON lacks." },
	{ "master", "FILE", "Make a sealed master key for Caisson's own "
	    "entries", cache_master, master_opts, 1, 1,
	    "FILE can lie anywhere: it opens with the ML-KEM keys of its "
	    "readers alone, the\nidentity's and those of everybody named with "
	    "--to. get, set, reseal and others\ntake it with --native. A "
	    "reader needs the maker in its trust store, as a sealer." },
	{ "inspect", "URL KEY", "Show what an entry says of itself, and "
	    "whether it opens", cache_inspect, entry_opts, 2, 2,
	    "Without a master key it shows what anybody with access to the "
	    "backend sees." },
	{ NULL }
};

const struct cli_noun cli_cache = {
	"cache", "Read and write entries that CacheKit's SDKs share", verbs
};
