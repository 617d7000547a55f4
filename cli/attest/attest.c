/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/attest.c - caisson attest: its verbs. */
#include "attest.h"

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
