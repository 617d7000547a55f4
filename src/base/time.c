/* SPDX-License-Identifier: Apache-2.0 */
/* base/time.c - times as text (RFC 3339). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* 9999-12-31T23:59:59.999Z, the last that four digits of a year can say. */
#define LAST_MS UINT64_C(253402300799999)

void
csn_time_format(uint64_t unix_ms, char out[CSN_TIME_TEXT_SIZE])
{
	struct tm tm;
	time_t seconds;

	if (unix_ms > LAST_MS)
		unix_ms = LAST_MS;
	seconds = (time_t)(unix_ms / 1000);
	gmtime_r(&seconds, &tm);
	/* The casts and remainders tell the compiler that it fits. */
	snprintf(out, CSN_TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100, (unsigned)(unix_ms % 1000));
}

struct text {
	const char *p;
	size_t left;
	int bad;
};

/* Exactly n digits. */
static int
number(struct text *t, size_t n)
{
	int v = 0;

	for (; n > 0; n--, t->p++, t->left--) {
		if (t->left == 0 || *t->p < '0' || *t->p > '9') {
			t->bad = 1;
			t->left = 0;
			return 0;
		}
		v = v * 10 + (*t->p - '0');
	}
	return v;
}

/* One of the characters of set, which is returned. */
static char
mark(struct text *t, const char *set)
{
	if (t->left == 0 || *t->p == '\0' || strchr(set, *t->p) == NULL) {
		t->bad = 1;
		t->left = 0;
		return '\0';
	}
	t->left--;
	return *t->p++;
}

/* ".123456": milliseconds, what is finer cut off. */
static unsigned
fraction(struct text *t)
{
	unsigned ms = 0, scale = 100;

	if (t->left == 0 || *t->p != '.')
		return 0;
	t->p++;
	t->left--;
	do {
		ms += scale * (unsigned)number(t, 1);
		scale /= 10;
	} while (t->left > 0 && *t->p >= '0' && *t->p <= '9');
	return ms;
}

static int
days_in_month(int year, int month)
{
	static const char days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	int leap;

	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

int
csn_time_parse(const char *s, size_t len, uint64_t *unix_ms)
{
	struct text t = { s, len, 0 };
	struct tm tm = { 0 }, utc;
	int year, month, sign = 0, hours, minutes, leap_second;
	unsigned ms;
	time_t seconds;
	char zone;

	year = number(&t, 4);
	mark(&t, "-");
	month = number(&t, 2);
	mark(&t, "-");
	tm.tm_mday = number(&t, 2);
	mark(&t, "Tt");
	tm.tm_hour = number(&t, 2);
	mark(&t, ":");
	tm.tm_min = number(&t, 2);
	mark(&t, ":");
	tm.tm_sec = number(&t, 2);
	ms = fraction(&t);
	zone = mark(&t, "Zz+-");
	hours = minutes = 0;
	if (zone == '+' || zone == '-') {
		sign = zone == '+' ? 1 : -1;
		hours = number(&t, 2);
		mark(&t, ":");
		minutes = number(&t, 2);
	}
	if (t.bad || t.left != 0)
		return CSN_E_FORM;
	if (month < 1 || month > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > days_in_month(year, month) || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60 || hours > 23 || minutes > 59)
		return CSN_E_FORM;
	leap_second = tm.tm_sec == 60;
	tm.tm_sec -= leap_second;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	seconds = timegm(&tm) - sign * (hours * 3600 + minutes * 60);
	if (seconds < 0 || (uint64_t)seconds > LAST_MS / 1000)
		return CSN_E_FORM;
	if (leap_second) {
		/* Appendix D: they end June or December, in UTC. */
		gmtime_r(&seconds, &utc);
		if (utc.tm_hour != 23 || utc.tm_min != 59 ||
		    !((utc.tm_mon == 5 && utc.tm_mday == 30) ||
		    (utc.tm_mon == 11 && utc.tm_mday == 31)))
			return CSN_E_FORM;
		/* Unix time has no such second: it stays in the one before. */
		ms = 999;
	}
	*unix_ms = (uint64_t)seconds * 1000 + ms;
	return 0;
}
