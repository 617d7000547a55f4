/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/tell.c - what the tour says, in words and as JSON. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tour.h"

#define WIDTH 78
#define INDENT 3

void
tour_step(struct tour *t, const char *name, const char *title)
{
	t->step = json_pack("{s:s, s:s, s:b, s:[], s:{}}", "name", name,
	    "title", title, "ok", 1, "checks", "facts");
	json_array_append_new(t->steps, t->step);
	cli_say(t->cli, "\n%s%d. %s%s\n", t->bold, ++t->number, title,
	    t->plain);
}

/*
 * Lines of at most WIDTH columns, broken at spaces; the first one begins
 * behind what stands there already.
 */
static void
wrap(struct tour *t, int first, int indent, const char *text)
{
	size_t room, len, cut;

	cli_say(t->cli, "%*s", first, "");
	for (room = (size_t)(WIDTH - indent); *text != '\0';) {
		len = strlen(text);
		if (len > room) {
			for (cut = room; cut > 0 && text[cut] != ' '; cut--)
				;
			len = cut > 0 ? cut : len;
		}
		cli_say(t->cli, "%.*s\n", (int)len, text);
		text += len;
		text += *text == ' ';
		if (*text != '\0')
			cli_say(t->cli, "%*s", indent, "");
	}
}

void
tour_tell(struct tour *t, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	wrap(t, INDENT, INDENT, text);
	free(text);
}

void
tour_fact(struct tour *t, const char *name, json_t *value)
{
	json_object_set_new(json_object_get(t->step, "facts"), name, value);
}

static void
outcome(struct tour *t, int ok, const char *good_word, char *text, int rc,
    const char *why)
{
	json_t *check = json_pack("{s:s, s:b}", "what", text, "ok", ok);

	if (rc != 0)
		json_object_set_new(check, "code",
		    json_string(csn_error_name(rc)));
	if (why != NULL)
		json_object_set_new(check, "why", json_string(why));
	json_array_append_new(json_object_get(t->step, "checks"), check);
	if (!ok) {
		t->bad++;
		json_object_set_new(t->step, "ok", json_false());
	}
	cli_say(t->cli, "%*s%s%-7s%s ", INDENT, "", ok ? t->green : t->red,
	    ok ? good_word : "NOT SO", t->plain);
	wrap(t, 0, INDENT + 8, text);
	if (rc == 0 && why == NULL)
		return;
	if (asprintf(&text, "%s, \"%s\"", csn_error_name(rc),
	    why != NULL ? why : "") < 0)
		return;
	wrap(t, INDENT + 8, INDENT + 8, text);
	free(text);
}

int
tour_check(struct tour *t, int ok, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->bad++;
		return 0;
	}
	outcome(t, ok, "ok", text, 0, NULL);
	free(text);
	return ok;
}

int
tour_refused(struct tour *t, int rc, int expected, const char *fmt, ...)
{
	const char *why = rc == 0 ? "it was let in" :
	    csn_message_code() == rc ? csn_message() :
	    csn_error_text(rc);
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->bad++;
		return 0;
	}
	outcome(t, rc == expected, "refused", text, rc, why);
	free(text);
	return rc == expected;
}

int
tour_lib(struct tour *t, int rc, const char *what)
{
	if (rc == 0)
		return 0;
	return cli_error_lib(t->cli, rc, NULL, "%s", what);
}
