/* cli/output.c - what the program says, and the code it ends with. */
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

void
cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->quiet)
		return;
	va_start(ap, fmt);
	cli_put(stderr, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
}

static void
put(FILE *to, const char *fmt, ...) CSN_PRINTF(2, 3);

static void
put(FILE *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_put(to, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
}

static void
end_line(const char *todo)
{
	fputs("\n", stderr);
	if (todo != NULL)
		put(stderr, "  %s\n", todo);
}

int
cli_error(struct cli *cli, int code, const char *todo, const char *fmt, ...)
{
	va_list ap;

	(void)cli;
	fflush(stdout);
	fputs("caisson: ", stderr);
	va_start(ap, fmt);
	cli_put(stderr, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
	end_line(todo);
	return code;
}

static int
error_lib(struct cli *cli, int rc, const char *todo, const char *fmt,
    va_list ap)
{
	const char *why = "";

	fflush(stdout);
	/* The thread's last sentence is about rc only where the codes agree. */
	if (csn_ctx_code(cli->ctx) == rc)
		why = csn_ctx_message(cli->ctx);
	if (why[0] == '\0')
		why = csn_error_text(rc);
	fputs("caisson: ", stderr);
	cli_put(stderr, CLI_SHOWN_PLAIN, fmt, ap);
	put(stderr, ": %s [%s]", why, csn_error_name(rc));
	end_line(todo);
	return cli_exit_code(rc);
}

int
cli_error_lib(struct cli *cli, int rc, const char *todo, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rc = error_lib(cli, rc, todo, fmt, ap);
	va_end(ap);
	return rc;
}

int
cli_error_given(struct cli *cli, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rc = error_lib(cli, rc, NULL, fmt, ap);
	va_end(ap);
	/* It is not what was asked for, but needed for that. */
	return rc == CLI_REFUSED ? CLI_USAGE :
	    rc == CLI_ABSENT ? CLI_FAILED : rc;
}

int
cli_error_sys(struct cli *cli, int errnum, const char *fmt, ...)
{
	va_list ap;

	(void)cli;
	fflush(stdout);
	fputs("caisson: ", stderr);
	va_start(ap, fmt);
	cli_put(stderr, CLI_SHOWN_PLAIN, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s", strerror(errnum));
	end_line(NULL);
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
