/* cli/cmd_attest.c - caisson attest: its verbs. */
#include "attest.h"

/* A sentence may name what is in the evidence: nothing a terminal obeys. */
static void
say_plain(struct cli *cli, const char *text)
{
	for (; *text != '\0'; text++)
		cli_say(cli, "%c", *text >= ' ' && *text <= '~' ? *text :
		    '?');
}

void
attest_say_checks(struct cli *cli, const struct csn_result *r)
{
	static const char *const words[] = { "ok", "NO", "--" };
	const char *name, *detail;
	size_t i;
	int status;

	for (i = 0; csn_result_get(r, i, &name, &status, &detail) == 0; i++) {
		cli_say(cli, "%s  %-16s  ", words[status], name);
		say_plain(cli, detail != NULL ? detail : "");
		cli_say(cli, "\n");
	}
}

static const struct cli_verb verbs[] = {
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
