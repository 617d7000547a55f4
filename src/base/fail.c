/* SPDX-License-Identifier: Apache-2.0 */
/* base/fail.c - the thread's last failure. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

#define MESSAGE_SIZE 1024

static _Thread_local struct {
	char message[MESSAGE_SIZE];
	const char *room;
	int code;
} last;

/*
 * Sentences quote what came from outside: nothing in them moves a terminal's
 * cursor or begins a line of a log. C1 controls are two bytes in UTF-8.
 */
static void
tame(char *s)
{
	unsigned char *p = (unsigned char *)s;

	for (; *p != '\0'; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

static void
keep(int code, const char *room, const char *sentence, const char *reason)
{
	int n;

	n = snprintf(last.message, sizeof(last.message), "%s%s%s", sentence,
	    reason != NULL ? ": " : "", reason != NULL ? reason : "");
	if (n < 0)
		last.message[0] = '\0';
	else if ((size_t)n >= sizeof(last.message))
		memcpy(last.message + sizeof(last.message) - 4, "...", 4);
	tame(last.message);
	last.room = room;
	last.code = code;
}

int
csn_fail(const struct csn_ctx *ctx, int code, const char *room,
    const char *fmt, ...)
{
	/* Not straight into last: an argument may be the last message. */
	char sentence[MESSAGE_SIZE];
	va_list ap;

	(void)ctx;
	va_start(ap, fmt);
	if (vsnprintf(sentence, sizeof(sentence), fmt, ap) < 0)
		sentence[0] = '\0';
	va_end(ap);
	keep(code, room, sentence, NULL);
	return code;
}

/* The sentence of an error number, in buf or a constant of the C library. */
static const char *
reason_of(int errnum, char *buf, size_t size)
{
#ifdef __GLIBC__
	return strerror_r(errnum, buf, size);
#else
	return strerror_r(errnum, buf, size) == 0 ? buf : "unknown error";
#endif
}

int
csn_fail_errno(const struct csn_ctx *ctx, int code, const char *room,
    int errnum, const char *fmt, ...)
{
	char sentence[MESSAGE_SIZE], reason[128];
	va_list ap;

	(void)ctx;
	va_start(ap, fmt);
	if (vsnprintf(sentence, sizeof(sentence), fmt, ap) < 0)
		sentence[0] = '\0';
	va_end(ap);
	keep(code, room, sentence, reason_of(errnum, reason, sizeof(reason)));
	return code;
}

int
csn_nomem(const struct csn_ctx *ctx, const char *room, const char *fmt, ...)
{
	char what[MESSAGE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(what, sizeof(what), fmt, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	return csn_fail(ctx, CSN_E_NOMEM, room, "out of memory for %s", what);
}

int
csn_fail_memory(const struct csn_ctx *ctx, const char *room,
    const char *what)
{
	int refusal = errno;

	if (refusal == 0 || refusal == ENOMEM || refusal == EAGAIN)
		return csn_nomem(ctx, room, "%s", what);
	return csn_fail_errno(ctx, CSN_E_BACKEND, room, refusal, "the system "
	    "refuses %s: does a sandbox forbid mmap, mprotect or madvise?",
	    what);
}

const char *
csn_message(void)
{
	return last.message;
}

int
csn_message_code(void)
{
	return last.code;
}

const char *
csn_message_room(void)
{
	return last.room != NULL ? last.room : "";
}

int
csn_needs(const char *function, const char *names,
    const void *const *arguments, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (arguments[i] == NULL)
			return csn_fail(NULL, CSN_E_ARG, "base", "%s() needs "
			    "its argument '%.*s', which is NULL", function,
			    (int)strcspn(names, ","), names);
		names += strcspn(names, ",");
		names += strspn(names, ", ");
	}
	return 0;
}
