/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/output.c - what the program says, and the code it ends with. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

int
cli_exit_code(int rc)
{
	switch (rc) {
	case CSN_OK:
		return CLI_OK;
	/* What was checked does not hold, or is refused. */
	case CSN_E_FORM:
	case CSN_E_VERSION:
	case CSN_E_SUITE:
	case CSN_E_TENANT:
	case CSN_E_SESSION:
	case CSN_E_EPOCH:
	case CSN_E_EXPIRED:
	case CSN_E_TAG:
	case CSN_E_REPLAY:
	case CSN_E_ROTATE:
	case CSN_E_UNKNOWN_TENANT:
	case CSN_E_POLICY:
	case CSN_E_DRIFT:
	case CSN_E_SIGNER:
	case CSN_E_SIGNATURE:
	case CSN_E_QUOTA:
	case CSN_E_RATE:
	case CSN_E_CLOSED:
	case CSN_E_CANCELLED:
	case CSN_E_SCOPE:
	case CSN_E_AUDIT:
		return CLI_REFUSED;
	/* The user can mend it in the command or the configuration. */
	case CSN_E_ARG:
	case CSN_E_UNKNOWN_BACKEND:
	case CSN_E_REGION:
	case CSN_E_LIMIT:
	case CSN_E_EXISTS:
	case CSN_E_PASSPHRASE:
		return CLI_USAGE;
	case CSN_E_NOT_FOUND:
		return CLI_ABSENT;
	default:
		return CLI_FAILED;
	}
}

void
cli_say(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->quiet || cli->json)
		return;
	va_start(ap, fmt);
	cli_put(stdout, cli->colours ? CLI_SHOWN_COLOURS : CLI_SHOWN_PLAIN,
	    fmt, ap);
	va_end(ap);
}

/* Text as JSON may have it, whatever bytes it is made of. */
static json_t *
text_of(const char *text, size_t len, int kind)
{
	json_t *value;
	char *shown;
	size_t n;

	if ((shown = cli_shown(text, len, kind, &n)) == NULL)
		return NULL;
	value = json_stringn(shown, n);
	free(shown);
	return value;
}

/* {"error": ...} or {"note": ...}: one object a line, on standard error. */
static void
put_object(const char *name, json_t *value)
{
	json_t *object = json_pack("{s:o}", name, value);
	char *text = NULL, *shown = NULL;
	size_t len;

	if (object != NULL &&
	    (text = json_dumps(object, JSON_COMPACT)) != NULL &&
	    (shown = cli_shown(text, strlen(text), CLI_SHOWN_JSON, &len)) !=
	    NULL)
		fprintf(stderr, "%s\n", shown);
	free(shown);
	free(text);
	json_decref(object);
}

/* A sentence may come in pieces: it is an object once its line ends. */
static void
note_object(struct cli *cli, const char *fmt, va_list ap)
{
	char *piece, *whole;
	size_t len;

	if (vasprintf(&piece, fmt, ap) < 0)
		return;
	whole = piece;
	if (cli->note != NULL && asprintf(&whole, "%s%s", cli->note,
	    piece) < 0)
		whole = NULL;
	if (whole != piece) {
		free(piece);
		free(cli->note);
		cli->note = NULL;
	}
	len = whole != NULL ? strlen(whole) : 0;
	if (len > 0 && whole[len - 1] == '\n')
		put_object("note", text_of(whole, len - 1,
		    CLI_SHOWN_PLAIN));
	else
		cli->note = whole;
	if (cli->note != whole)
		free(whole);
}

void
cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	if (cli->json)
		note_object(cli, fmt, ap);
	else
		cli_put(stderr, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
}

void
cli_print(FILE *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_put(to, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
}

/*
 * Every error goes through here: what could not be done, and why where that
 * is known apart; name is that of the library's code, todo what to do.
 */
static int
say_error(const struct cli *cli, int code, const char *name,
    const char *why, const char *todo, const char *fmt, va_list ap)
{
	const char *between = why != NULL ? ": " : "";
	char *what, *message;

	fflush(stdout);
	if (vasprintf(&what, fmt, ap) < 0)
		return code;
	if (asprintf(&message, "%s%s%s", what, between,
	    why != NULL ? why : "") < 0)
		message = NULL;
	if (message != NULL && cli->json_errors)
		put_object("error", json_pack("{s:s?, s:o, s:o, s:i}", "code",
		    name, "message", text_of(message, strlen(message),
		    CLI_SHOWN_NAME), "hint", todo == NULL ? json_null() :
		    text_of(todo, strlen(todo), CLI_SHOWN_PLAIN), "exit",
		    cli_final_code(code)));
	else if (message != NULL)
		cli_print(stderr, name != NULL ? "caisson: %s [%s]\n" :
		    "caisson: %s\n", message, name);
	if (todo != NULL && !cli->json_errors)
		cli_print(stderr, "  %s\n", todo);
	free(message);
	free(what);
	return code;
}

int
cli_error(struct cli *cli, int code, const char *todo, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)say_error(cli, code, NULL, NULL, todo, fmt, ap);
	va_end(ap);
	return code;
}

static int
error_lib(struct cli *cli, int code, int rc, const char *todo,
    const char *fmt, va_list ap)
{
	const char *why = "";

	/* The thread's last sentence is about rc only where the codes agree. */
	if (csn_message_code() == rc)
		why = csn_message();
	if (why[0] == '\0')
		why = csn_error_text(rc);
	return say_error(cli, code, csn_error_name(rc), why, todo, fmt, ap);
}

int
cli_error_lib(struct cli *cli, int rc, const char *todo, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rc = error_lib(cli, cli_exit_code(rc), rc, todo, fmt, ap);
	va_end(ap);
	return rc;
}

int
cli_error_as(struct cli *cli, int code, int rc, const char *todo,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)error_lib(cli, code, rc, todo, fmt, ap);
	va_end(ap);
	return code;
}

int
cli_error_given(struct cli *cli, int rc, const char *fmt, ...)
{
	int code = cli_exit_code(rc);
	va_list ap;

	va_start(ap, fmt);
	/* It is not what was asked for, but needed for that. */
	if (code == CLI_REFUSED)
		code = CLI_USAGE;
	else if (code == CLI_ABSENT)
		code = CLI_FAILED;
	(void)error_lib(cli, code, rc, NULL, fmt, ap);
	va_end(ap);
	return code;
}

int
cli_error_sys(struct cli *cli, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)say_error(cli, CLI_FAILED, NULL, strerror(errnum), NULL, fmt,
	    ap);
	va_end(ap);
	return CLI_FAILED;
}

int
cli_json(struct cli *cli, json_t *value)
{
	char *text = NULL, *shown = NULL;
	size_t len = 0;
	int rc;

	if (value != NULL &&
	    (text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY)) !=
	    NULL)
		shown = cli_shown(text, strlen(text), CLI_SHOWN_JSON, &len);
	json_decref(value);
	free(text);
	if (shown == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	rc = fwrite(shown, 1, len, stdout) != len;
	free(shown);
	if (rc != 0 || putchar('\n') == EOF) {
		cli->stdout_broken = 1;
		return cli_error_sys(cli, errno,
		    "cannot write standard output");
	}
	return CLI_OK;
}

int
cli_json_text(struct cli *cli, char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	csn_free(text);
	return cli_json(cli, value);
}

int
cli_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

void
cli_bytes_text(double bytes, char out[CLI_TEXT])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	while (bytes >= 999.5 && i < 4) {
		bytes /= 1000;
		i++;
	}
	snprintf(out, CLI_TEXT, i == 0 || bytes >= 99.95 ? "%.0f %s" :
	    bytes >= 9.995 ? "%.1f %s" : "%.2f %s", bytes, units[i]);
}

void
cli_time_text(uint64_t unix_ms, char out[CLI_TEXT])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, CLI_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, CLI_TEXT, "%llu ms",
		    (unsigned long long)unix_ms);
}

void
cli_hex(const uint8_t *p, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

int
cli_unhex(const char *text, uint8_t *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;
	size_t i;

	if (strlen(text) != 2 * len)
		return -1;
	for (i = 0; i < len; i++) {
		high = strchr(digits, text[2 * i] | 0x20);
		low = strchr(digits, text[2 * i + 1] | 0x20);
		if (high == NULL || low == NULL)
			return -1;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return 0;
}
