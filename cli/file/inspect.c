/* SPDX-License-Identifier: Apache-2.0 */
/* cli/file/inspect.c - caisson file inspect: what a header says. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* Enough for the header of a file with every recipient it may have. */
#define MAX_LOOK (1u << 20)

static const char *
kind_name(uint32_t kind)
{
	switch (kind) {
	case CSN_KIND_KV_ENTRY:
		return "KV entry";
	case CSN_KIND_KV_BLOCK:
		return "KV block";
	case CSN_KIND_STREAM:
		return "stream";
	default:
		return "unknown";
	}
}

static const char *
replay_name(uint32_t replay)
{
	switch (replay) {
	case CSN_REPLAY_STORE:
		return "store";
	case CSN_REPLAY_CHANNEL:
		return "channel";
	case CSN_REPLAY_OFF:
		return "off";
	default:
		return "unknown";
	}
}

static json_t *
hex(const uint8_t *p, size_t len)
{
	char text[65];

	cli_hex(p, len, text);
	return json_string(text);
}

static int
add(json_t *to, const char *name, json_int_t value)
{
	return json_object_set_new(to, name, json_integer(value));
}

static json_t *
describe(const struct csn_header *h)
{
	json_t *to = json_object();

	json_object_set_new(to, "kind", json_string(kind_name(h->kind)));
	json_object_set_new(to, "sealed_by", json_string(
	    (h->flags & CSN_HEADER_TENANT_SENT) != 0 ? "tenant" : "server"));
	json_object_set_new(to, "replay", json_string(
	    replay_name(h->replay)));
	add(to, "suite", h->suite);
	json_object_set_new(to, "tenant_label", hex(h->tenant_label,
	    sizeof(h->tenant_label)));
	json_object_set_new(to, "session", hex(h->session,
	    sizeof(h->session)));
	json_object_set_new(to, "writer", hex(h->writer, sizeof(h->writer)));
	add(to, "epoch", h->epoch);
	add(to, "sequence", (json_int_t)h->sequence);
	json_object_set_new(to, "name", hex(h->name, sizeof(h->name)));
	add(to, "version", (json_int_t)h->version);
	if (h->kind == CSN_KIND_STREAM) {
		add(to, "segment_bytes", h->len);
		return to;
	}
	add(to, "position", (json_int_t)h->position);
	add(to, "positions", h->count);
	json_object_set_new(to, "layer", h->layer == CSN_KV_ALL_LAYERS ?
	    json_string("all") : json_integer(h->layer));
	if ((h->flags & CSN_HEADER_HAS_TOKEN) != 0)
		add(to, "token_id", h->token_id);
	add(to, "role", h->role);
	add(to, "key_bytes", h->key_len);
	add(to, "bytes", h->len);
	return to;
}

static void
show(struct cli *cli, const json_t *value, int depth)
{
	const json_t *item;
	const char *name;
	char *text;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
			if (json_is_object(item) || json_is_array(item)) {
				cli_say(cli, "%*s%zu:\n", depth, "", i + 1);
				show(cli, item, depth + 2);
			} else {
				text = json_dumps(item, JSON_ENCODE_ANY);
				cli_say(cli, "%*s%s\n", depth, "", text);
				free(text);
			}
		return;
	}
	json_object_foreach((json_t *)value, name, item) {
		if (json_is_object(item) || json_is_array(item)) {
			cli_say(cli, "%*s%s:\n", depth, "", name);
			show(cli, item, depth + 2);
		} else if (json_is_string(item)) {
			cli_say(cli, "%*s%-14s %s\n", depth, "", name,
			    json_string_value(item));
		} else {
			text = json_dumps(item, JSON_ENCODE_ANY);
			cli_say(cli, "%*s%-14s %s\n", depth, "", name, text);
			free(text);
		}
	}
}

/* A file as a whole, without reading more of it than is looked at; of a pipe
 * what a header can need. */
struct look {
	uint8_t *p;
	size_t len;
	int mapped;
};

static int
look_at(struct cli *cli, const char *path, struct look *look)
{
	struct stat st;
	int fd, rc = 0;

	memset(look, 0, sizeof(*look));
	if ((fd = cli_in_open(cli, path)) < 0)
		return CLI_FAILED;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		look->len = (size_t)st.st_size;
		look->p = mmap(NULL, look->len, PROT_READ, MAP_PRIVATE, fd,
		    0);
		look->mapped = look->p != MAP_FAILED;
		if (!look->mapped)
			look->p = NULL;
	}
	if (!look->mapped) {
		if ((look->p = malloc(MAX_LOOK)) == NULL)
			rc = cli_error(cli, CLI_FAILED, NULL,
			    "out of memory");
		else
			rc = cli_in_read(cli, fd, path, look->p, MAX_LOOK,
			    &look->len);
	}
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

static void
look_away(struct look *look)
{
	if (look->mapped)
		munmap(look->p, look->len);
	else
		free(look->p);
}

int
file_inspect(struct cli *cli)
{
	const char *path = cli_arg(cli, 0);
	struct csn_header header = { .size = sizeof(header) };
	struct look look;
	json_t *facts = NULL;
	char *text = NULL;
	int rc;

	if ((rc = look_at(cli, path, &look)) != 0)
		goto out;
	if (csn_header_read(cli->ctx, look.p, look.len, &header) == 0)
		facts = describe(&header);
	else if ((rc = csn_sealed_inspect(cli->ctx, look.p, look.len,
	    &text)) == 0)
		facts = json_loads(text, 0, NULL);
	csn_free(text);
	if (rc != 0) {
		rc = cli_error_lib(cli, rc, NULL, "%s is nothing whole that "
		    "Caisson sealed", path != NULL ? path : "standard input");
		goto out;
	}
	if (cli->json) {
		rc = cli_json(cli, json_pack("{s:b, s:o}", "verified", 0,
		    "header", facts));
		goto out;
	}
	cli_say(cli, "What the header says. Not verified: only opening it "
	    "shows whether it is true.\n");
	show(cli, facts, 2);
	json_decref(facts);
out:
	look_away(&look);
	return rc;
}
