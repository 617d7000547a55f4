/* base/hex.c - bytes as hexadecimal text. */
#include "base/text.h"

/* Without a table or a branch: what is shown may be a secret. */
static char
digit(unsigned v)
{
	/* Past 9 the subtraction borrows, and the mask adds 'a' - ':'. */
	return (char)('0' + v + (((9u - v) >> 8) & ('a' - '0' - 10u)));
}

void
csn_hex_encode(const uint8_t *p, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digit(p[i] >> 4);
		*out++ = digit(p[i] & 15u);
	}
	*out = '\0';
}

/* The digit's value, or 16. */
static unsigned
value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

int
csn_hex_decode(const char *s, size_t len, uint8_t *out, size_t out_len)
{
	unsigned high, low;
	size_t i;

	if (len % 2 != 0 || len / 2 != out_len)
		return CSN_E_FORM;
	for (i = 0; i < out_len; i++) {
		high = value(s[2 * i]);
		low = value(s[2 * i + 1]);
		if (high > 15 || low > 15)
			return CSN_E_FORM;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
