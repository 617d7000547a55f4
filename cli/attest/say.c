/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/say.c - how the verbs of caisson attest read and speak. */
#include <string.h>

#include "attest.h"

void
attest_say_plain(struct cli *cli, const char *text)
{
	for (; *text != '\0'; text++)
		cli_say(cli, "%c", *text >= ' ' && *text <= '~' ? *text :
		    '?');
}

void
attest_say_column(struct cli *cli, const char *text, size_t width)
{
	size_t n = strlen(text);

	attest_say_plain(cli, text);
	for (; n < width; n++)
		cli_say(cli, " ");
}

int
attest_read(struct cli *cli, const char *path, size_t max, uint8_t **out,
    size_t *len)
{
	int rc = cli_read_file(cli, path, max, out, len);

	return rc == CLI_USAGE ? CLI_REFUSED : rc;
}

json_t *
attest_region_json(const char *id, const char *description,
    uint64_t address, uint64_t size, uint32_t protection, int immutable)
{
	char at[2 + 16 + 1];

	/* Addresses pass 2^53, which JSON's readers may not. */
	snprintf(at, sizeof(at), "0x%llx", (unsigned long long)address);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:b}", "id", id,
	    "description", description, "address", at, "size",
	    (json_int_t)size, "protection",
	    csn_protection_name((int)protection), "immutable", immutable);
}
