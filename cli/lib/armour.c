/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/armour.c - armoured text as mail and editors leave it. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_FILE (2u << 20)

static const char begin[] = "-----BEGIN ";
static const char end[] = "-----END ";
static const char dashes[] = "-----";

struct text {
	const char *p;
	size_t len;
};

static const char *
find(const struct text *t, const char *from, const char *what)
{
	return memmem(from, t->len - (size_t)(from - t->p), what,
	    strlen(what));
}

/* The label that begins at p has n bytes; 0 where it is none. */
static size_t
label_at(const struct text *t, const char *p)
{
	const char *over = find(t, p, dashes);
	size_t n = over == NULL ? 0 : (size_t)(over - p);

	return n <= 64 && memchr(p, '\n', n) == NULL ? n : 0;
}

/* Text begins with what no document as bytes begins with. */
static int
is_bytes(const uint8_t *p, size_t n)
{
	return n > 0 && p[0] >= 0x80 && p[0] < 0xe0;
}

/*
 * The lines from first to last without what quoting put before them and CRLF
 * behind, and with the = that quoted-printable writes as =3D. In place.
 */
static size_t
clean(char *p, size_t n)
{
	int encoded = memmem(p, n, "=3D", 3) != NULL, at_start = 1;
	char *to = p;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\r' || (at_start && strchr("> |\t", p[i]) != NULL))
			continue;
		at_start = p[i] == '\n';
		*to++ = p[i];
		if (encoded && p[i] == '=' && n - i > 2 && p[i + 1] == '3' &&
		    p[i + 2] == 'D')
			i += 2;
	}
	return (size_t)(to - p);
}

/* The only block of label in t, or a public key's; NULL after saying why. */
static const char *
find_block(struct cli *cli, const struct text *t, const char *name,
    const char *label, size_t *len)
{
	const char *at, *found = NULL, *other = NULL, *stop;
	size_t n, other_len = 0, count = 0;
	char last[96];

	for (at = t->p; (at = find(t, at, begin)) != NULL;) {
		n = label_at(t, at + strlen(begin));
		if (n == strlen(label) && memcmp(at + strlen(begin), label,
		    n) == 0 && count++ == 0) {
			found = at;
		} else if (n > 0 && other == NULL) {
			other = at + strlen(begin);
			other_len = n;
		}
		at += strlen(begin);
	}
	if (count == 0 && other_len == 10 &&
	    memcmp(other, "PUBLIC KEY", 10) == 0) {
		found = other - strlen(begin);
		label = "PUBLIC KEY";
	} else if (count == 0 && other != NULL) {
		(void)cli_error(cli, CLI_USAGE, NULL, "%s holds a '%.*s', "
		    "what is needed is a '%s'", name, (int)other_len, other,
		    label);
		return NULL;
	} else if (count == 0) {
		(void)cli_error(cli, CLI_USAGE, NULL, "%s is text without a "
		    "line -----BEGIN %s-----", name, label);
		return NULL;
	}
	if (count > 1) {
		(void)cli_error(cli, CLI_USAGE, "Leave one of them in the "
		    "file.", "%s holds %zu blocks '%s'", name, count, label);
		return NULL;
	}
	snprintf(last, sizeof(last), "%s%s%s", end, label, dashes);
	if ((stop = find(t, found, last)) == NULL) {
		(void)cli_error(cli, CLI_USAGE, "Take all of it, to the last "
		    "line.", "%s is cut: there is no line %s", name, last);
		return NULL;
	}
	*len = (size_t)(stop - found) + strlen(last);
	return found;
}

int
cli_armour_read(struct cli *cli, const char *path, const char *label,
    uint8_t **out, size_t *len)
{
	const char *name = path != NULL && strcmp(path, "-") != 0 ? path :
	    "standard input", *block;
	struct text t;
	uint8_t *p, *bytes;
	size_t n;
	int rc;

	if ((rc = cli_read_file(cli, path, MAX_FILE, &p, &n)) != 0)
		return rc;
	if (is_bytes(p, n)) {
		*out = p;
		*len = n;
		return 0;
	}
	rc = CLI_USAGE;
	t.p = (char *)p;
	t.len = n;
	if (n == 0)
		(void)cli_error(cli, rc, NULL, "%s is empty", name);
	else if (n > 1 && ((p[0] == 0xff && p[1] == 0xfe) ||
	    (p[0] == 0xfe && p[1] == 0xff)))
		(void)cli_error(cli, rc, "Save it as UTF-8, or as plain text.",
		    "%s is text in UTF-16", name);
	else if ((block = find_block(cli, &t, name, label, &n)) != NULL) {
		memmove(p, block, n);
		n = clean((char *)p, n);
		if (n > strlen(begin) && p[strlen(begin)] == 'P') {
			*out = p;
			*len = n;
			return 0;
		}
		if ((rc = csn_dearmor(cli->ctx, label, (char *)p, n, &bytes,
		    &n)) != 0) {
			rc = cli_error_lib(cli, rc, NULL, "cannot read %s",
			    name);
		} else {
			*out = bytes;
			*len = n;
		}
	}
	free(p);
	return rc;
}

int
cli_armour_write(struct cli *cli, const char *label, const uint8_t *p,
    size_t len)
{
	char *text;
	int rc;

	if (cli_opt(cli, "raw") != NULL)
		return cli_write_file(cli, cli_opt(cli, "out"), 0644,
		    cli_force(cli), p, len);
	if ((rc = csn_armor(cli->ctx, label, p, len, &text)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot write it as text");
	rc = cli_write_file(cli, cli_opt(cli, "out"), 0644, cli_force(cli),
	    text, strlen(text));
	csn_free(text);
	return rc;
}
