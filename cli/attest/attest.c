/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/attest.c - caisson attest: its verbs, and how they speak. */
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

void
attest_say_check(struct cli *cli, const char *name, int status,
    const char *detail)
{
	static const char *const words[] = { "ok", "NO", "--" };
	const int more = detail != NULL && detail[0] != '\0';

	cli_say(cli, more ? "%s  %-16s  " : "%s  %s", words[status], name);
	if (more)
		attest_say_plain(cli, detail);
	cli_say(cli, "\n");
}

void
attest_say_checks(struct cli *cli, const struct csn_result *r)
{
	const char *name, *detail;
	size_t i;
	int status;

	for (i = 0; csn_result_get(r, i, &name, &status, &detail) == 0; i++)
		attest_say_check(cli, name, status, detail);
}

static int
comes_first(const char *check)
{
	return strcmp(check, "nonce") == 0;
}

void
attest_say_verdict(struct cli *cli, const char *what,
    const struct csn_result *r)
{
	const char *name, *detail, *between = "; not checked: ";
	size_t i, regions = 0;
	int status, first;

	cli_note(cli, "%s", what);
	/* Those come first that matter whatever was verified. */
	for (first = 1; first >= 0; first--)
		for (i = 0; csn_result_get(r, i, &name, &status,
		    &detail) == 0; i++) {
			if (status != CSN_CHECK_SKIPPED ||
			    comes_first(name) != first)
				continue;
			/* Regions may be thousands. */
			if (strncmp(name, "region ", 7) == 0) {
				regions++;
				continue;
			}
			cli_note(cli, "%s%s", between, name);
			between = ", ";
		}
	if (regions > 0)
		cli_note(cli, "%s%zu region%s", between, regions,
		    regions > 1 ? "s" : "");
	cli_note(cli, ".\n");
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

static const struct cli_verb verbs[] = {
	{ "regions", "URL", "List the regions of memory that there are",
	    attest_regions, NULL, 1, 1,
	    "A URL says whose memory: process:PID?note=1, "
	    "process:PID?path=GLOB,\nqemu:SOCKET, sev_snp:MANIFEST, "
	    "tdx:MANIFEST (docs/REGIONS.md)." },
	{ "snapshot", "URL", "Hash the regions as they are now",
	    attest_snapshot, attest_snapshot_opts, 1, 1,
	    "A line for each hash: its kind, 64 hex digits, bytes, "
	    "protection, region.\nNothing is signed: see report." },
	{ "report", "URL", "Measure and sign a report",
	    attest_report, attest_report_opts, 1, 1,
	    "Where the platform gives evidence of its own (SEV-SNP, TDX), it "
	    "is fetched and\ncarried inside, bound to this report. A report "
	    "that answers nobody's nonce\nproves nothing about when." },
	{ "verify", "REPORT", "Verify a report against trust and policy",
	    attest_verify, attest_verify_opts, 1, 1,
	    "Each check is listed: ok, NO, or -- where what it needs was not "
	    "given, which\nfails only where --require says so. Keys come "
	    "from the trust store, hashes from\nthe policy, nothing from the "
	    "report. A challenge is used up by the first report\nwith a "
	    "good signature that answers it.\n\n"
	    "  caisson attest verify answer.report --challenge ask.json \\\n"
	    "      --policy llm.json --require nonce,policy" },
	{ "policy", "REPORT", "Make a policy of a report that one trusts",
	    attest_policy, attest_policy_opts, 1, 1,
	    "The policy asks for exactly what the report says. Its signature "
	    "has to verify;\nthat this state is the good one is yours to "
	    "know." },
	{ "challenge", "TARGET", "Make a challenge, or put one to an attester",
	    attest_challenge, attest_challenge_opts, 1, 1,
	    "TARGET is a file: a fresh nonce is remembered there, for report "
	    "and then verify.\nOr it is where an attester listens, such as "
	    "http://127.0.0.1:8411 or\nunix:/run/attest.sock: it is asked, "
	    "and its report verified." },
	{ "serve", "URL", "Answer challenges over HTTP",
	    attest_serve, attest_serve_opts, 1, 1,
	    "Runs until it is interrupted. Whoever can connect can make it "
	    "measure and see\nhashes of the memory, so it listens on "
	    "loopback unless told otherwise\n(docs/wire/challenge.md)." },
	{ "watch", "URL", "Watch regions change", attest_watch,
	    attest_watch_opts, 1, 1,
	    "Measures again and again, only what was written where that is "
	    "known, everything\nin each tenth round. On a terminal a table, "
	    "elsewhere a line a round. With\n--output each round is signed "
	    "and delivered." },
	{ "evidence", "verify|show", "Verify what confidential hardware "
	    "signed, offline", attest_evidence, attest_evidence_opts, 1, 1,
	    "verify checks signatures, certificates, TCB, nonce and policy; "
	    "show prints what\nthe evidence says, verified or not. Each "
	    "check is listed: ok, NO, or -- where\nwhat it needs was not "
	    "given. FILE is raw, hex or base64; nothing is fetched." },
	{ NULL }
};

const struct cli_noun cli_attest = {
	"attest", "Attest memory, and verify attestations", verbs
};
