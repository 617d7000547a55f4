/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/look.c - caisson attest regions and snapshot. */
#include <string.h>

#include "attest.h"

#define COLUMN 24

const struct cli_opt attest_snapshot_opts[] = {
	ATTEST_OPTS_MEASURE,
	{ NULL }
};

struct listing {
	struct cli *cli;
	json_t *all;
	size_t n;
};

static int
one_region(void *arg, const struct csn_region *r)
{
	struct listing *l = arg;

	if (l->cli->json) {
		json_array_append_new(l->all, attest_region_json(r->id,
		    r->description, r->address, r->size, r->protection,
		    r->immutable != 0));
		return 0;
	}
	if (l->n++ == 0)
		cli_say(l->cli, "%-*s  %-18s  %15s  PROT  DESCRIPTION\n",
		    COLUMN, "REGION", "ADDRESS", "BYTES");
	attest_say_column(l->cli, r->id, COLUMN);
	cli_say(l->cli, "  0x%-16llx  %15llu  %-4s  ",
	    (unsigned long long)r->address, (unsigned long long)r->size,
	    csn_protection_name((int)r->protection));
	attest_say_plain(l->cli, r->description);
	cli_say(l->cli, "%s\n", r->immutable != 0 ? " (immutable)" : "");
	return cli_interrupted() ? 1 : 0;
}

int
attest_regions(struct cli *cli)
{
	struct listing l = { .cli = cli };
	struct csn_regions *regions;
	int rc;

	if ((rc = attest_regions_open(cli, cli_arg(cli, 0), &regions)) != 0)
		return rc;
	l.all = cli->json ? json_array() : NULL;
	rc = csn_regions_each(regions, one_region, &l);
	if (rc < 0)
		rc = cli_error_lib(cli, rc, NULL,
		    "cannot list the regions of %s", cli_arg(cli, 0));
	else if (cli->json)
		rc = cli_json(cli, json_pack("{s:s, s:O}", "platform",
		    csn_regions_platform(regions), "regions", l.all));
	else if (rc == 0 && l.n == 0)
		cli_note(cli, "%s has no regions.\n", cli_arg(cli, 0));
	json_decref(l.all);
	csn_regions_close(regions);
	return rc;
}

/* --- snapshot ----------------------------------------------------------- */

static void
put_hash(json_t *o, const char *name, const uint8_t *hash)
{
	char hex[2 * CSN_HASH_SIZE + 1];

	cli_hex(hash, CSN_HASH_SIZE, hex);
	json_object_set_new(o, name, json_string(hex));
}

static json_t *
snapshot_json(const struct csn_snapshot *s)
{
	json_t *o = attest_region_json(s->region, s->description, s->address,
	    s->size, s->protection, (int)s->immutable);

	json_object_set_new(o, "taken_ms",
	    json_integer((json_int_t)s->taken_ms));
	if ((s->measure & CSN_MEASURE_TREE) != 0) {
		put_hash(o, "tree", s->tree);
		json_object_set_new(o, "leaf", json_integer(s->leaf));
	}
	if ((s->measure & CSN_MEASURE_FLAT) != 0)
		put_hash(o, "flat", s->flat);
	return o;
}

static void
say_hash(struct cli *cli, const char *kind, const uint8_t *hash,
    const struct csn_snapshot *s)
{
	char hex[2 * CSN_HASH_SIZE + 1];

	cli_hex(hash, CSN_HASH_SIZE, hex);
	cli_say(cli, "%s %s  %12llu  %-2s  ", kind, hex,
	    (unsigned long long)s->size,
	    csn_protection_name((int)s->protection));
	attest_say_plain(cli, s->region);
	cli_say(cli, "\n");
}

static void
say_snapshot(struct cli *cli, const struct csn_snapshot *s)
{
	if ((s->measure & CSN_MEASURE_TREE) != 0)
		say_hash(cli, "tree", s->tree, s);
	if ((s->measure & CSN_MEASURE_FLAT) != 0)
		say_hash(cli, "flat", s->flat, s);
}

int
attest_snapshot(struct cli *cli)
{
	struct csn_snapshot snap = { .size_of = sizeof(snap) };
	struct attest_source s;
	json_t *all = NULL;
	size_t i;
	int rc;

	if ((rc = attest_source_open(cli, 0, &s)) != 0)
		return rc;
	if ((rc = attest_source_measure(cli, &s)) != 0)
		goto out;
	all = cli->json ? json_array() : NULL;
	for (i = 0; csn_attester_snapshot(s.attester, i, &snap) == 0; i++) {
		if (cli->json)
			json_array_append_new(all, snapshot_json(&snap));
		else
			say_snapshot(cli, &snap);
	}
	if (cli->json)
		rc = cli_json(cli, json_pack("{s:s, s:O}", "platform",
		    csn_regions_platform(s.regions), "regions", all));
out:
	json_decref(all);
	attest_source_close(&s);
	return rc;
}
