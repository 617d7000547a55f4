/* SPDX-License-Identifier: Apache-2.0 */
/* process/url.c - the options of "process:PID?…". */
#include <stdlib.h>
#include <string.h>

#include "providers/region/process/process.h"

#define ROOM "region"
#define MOST_PID 4194304	/* PID_MAX_LIMIT */

static int
bad(struct csn_ctx *ctx, const char *name, const char *value,
    const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, ROOM,
	    "the option %.20s=%.60s of process: %s", name, value, what);
}

static int
too_many(struct csn_ctx *ctx, const char *name)
{
	return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the option %s is given more "
	    "than %d times", name, CSN_PROCESS_SELECTORS);
}

static int
add_path(struct csn_ctx *ctx, const char *v, struct csn_process_config *c)
{
	if (*v == '\0')
		return bad(ctx, "path", v, "gives no path");
	if (c->npaths == CSN_PROCESS_SELECTORS)
		return too_many(ctx, "path");
	if ((c->paths[c->npaths] = csn_strdup(v)) == NULL)
		return csn_nomem(ctx, ROOM, "a URL");
	c->npaths++;
	return 0;
}

static int
add_perms(struct csn_ctx *ctx, const char *v, struct csn_process_config *c)
{
	static const char on[] = "rwxs", off[] = "---p";
	size_t i;

	if (c->nperms == CSN_PROCESS_SELECTORS)
		return too_many(ctx, "perms");
	if (strlen(v) != 4)
		return bad(ctx, "perms", v, "has not four letters");
	for (i = 0; i < 4; i++)
		if (v[i] != on[i] && v[i] != off[i] && v[i] != '.')
			return bad(ctx, "perms", v,
			    "is written like r-xp, with . for any");
	memcpy(c->perms[c->nperms++], v, 5);
	return 0;
}

/* "0x" and digits; *end is what follows. */
static int
hex_number(const char *s, const char **end, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = 0;
	char c;

	if (s[0] != '0' || s[1] != 'x')
		return -1;
	for (s += 2;; s++, n++) {
		c = *s;
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint64_t)(c - 'A' + 10);
		else
			break;
	}
	*end = s;
	*out = v;
	return n >= 1 && n <= 16 ? 0 : -1;
}

static int
add_range(struct csn_ctx *ctx, const char *v, struct csn_process_config *c)
{
	uint64_t from, to;
	const char *end;

	if (c->nranges == CSN_PROCESS_SELECTORS)
		return too_many(ctx, "address");
	if (hex_number(v, &end, &from) != 0 || *end != '-' ||
	    hex_number(end + 1, &end, &to) != 0 || *end != '\0' || from >= to)
		return bad(ctx, "address", v, "is written 0xSTART-0xEND");
	c->ranges[c->nranges].start = from;
	c->ranges[c->nranges++].end = to;
	return 0;
}

static int
set_note(struct csn_ctx *ctx, const char *v, struct csn_process_config *c)
{
	free(c->note_folder);
	c->note_folder = NULL;
	c->note = strcmp(v, "0") != 0;
	if (!c->note || strcmp(v, "1") == 0)
		return 0;
	if (*v != '/')
		return bad(ctx, "note", v, "is 1 or the note's folder, a path "
		    "that begins with /");
	if ((c->note_folder = csn_strdup(v)) == NULL)
		return csn_nomem(ctx, ROOM, "a URL");
	return 0;
}

static int
take(struct csn_ctx *ctx, const char *name, const char *v,
    struct csn_process_config *c)
{
	uint64_t number;

	if (strcmp(name, "path") == 0)
		return add_path(ctx, v, c);
	if (strcmp(name, "perms") == 0)
		return add_perms(ctx, v, c);
	if (strcmp(name, "address") == 0)
		return add_range(ctx, v, c);
	if (strcmp(name, "note") == 0)
		return set_note(ctx, v, c);
	if (strcmp(name, "freeze") == 0)
		return csn_freeze_named(v, &c->freeze) == 0 ? 0 : bad(ctx,
		    name, v, "is none, sigstop, ptrace or cgroup");
	if (strcmp(name, "timeout") == 0) {
		if (csn_decimal(v, strlen(v), CSN_FREEZE_TIMEOUT_MAX,
		    &c->timeout_ms) != 0 || c->timeout_ms == 0)
			return bad(ctx, name, v, "is 1 to 600000 ms");
		return 0;
	}
	if (strcmp(name, "compare") == 0) {
		if (csn_decimal(v, strlen(v), 1, &number) != 0)
			return bad(ctx, name, v, "is 0 or 1");
		c->compare = (int)number;
		return 0;
	}
	return csn_fail(ctx, CSN_E_ARG, ROOM, "process: has no option %.40s: "
	    "there are path, perms, address, note, freeze, timeout and "
	    "compare", name);
}

static int
take_pid(struct csn_ctx *ctx, const char *text, uint64_t *pid)
{
	const char *digits = text + strspn(text, "0");

	if (csn_decimal(text, strlen(text), MOST_PID, pid) == 0 && *pid != 0)
		return 0;
	if (*digits != '\0' && digits[strspn(digits, "0123456789")] == '\0')
		return csn_fail(ctx, CSN_E_ARG, ROOM, "process:%.40s is past "
		    "%d, the most that the number of a process can be", text,
		    MOST_PID);
	return csn_fail(ctx, CSN_E_ARG, ROOM, "a process is named by its "
	    "number, as in process:1234?note=1, not %.40s", text);
}

int
csn_process_config_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_process_config *out)
{
	struct csn_region_url url;
	const char *name, *value;
	uint64_t pid;
	int rc;

	memset(out, 0, sizeof(*out));
	out->timeout_ms = CSN_FREEZE_TIMEOUT;
	if ((rc = csn_region_url_open(ctx, rest, &url)) != 0)
		return rc;
	if ((rc = take_pid(ctx, url.path, &pid)) != 0)
		goto out;
	out->pid = (pid_t)pid;
	while ((rc = csn_region_url_next(&url, &name, &value)) == 1) {
		if ((rc = take(ctx, name, value, out)) != 0)
			goto out;
	}
	if (rc == 0 && out->npaths == 0 && out->nperms == 0 &&
	    out->nranges == 0 && !out->note)
		rc = csn_fail(ctx, CSN_E_ARG, ROOM, "process:%llu picks no "
		    "memory: give path=, perms=, address= or note=1",
		    (unsigned long long)pid);
out:
	csn_region_url_close(&url);
	if (rc != 0)
		csn_process_config_free(out);
	return rc;
}

void
csn_process_config_free(struct csn_process_config *c)
{
	size_t i;

	for (i = 0; i < c->npaths; i++)
		free(c->paths[i]);
	free(c->note_folder);
	memset(c, 0, sizeof(*c));
}
