/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_swtpm.c - quotes of a TPM that is emulated in full. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/scene.h"
#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_tpm.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define PCR_16 "\"pcrs\":{\"sha256:16\":\"" ZERO "\"},"

/* One emulator for all tests of this file; pid 0 where there is none. */
static char *folder;
static pid_t pid;

/* A command in the folder; its exit status. */
static int
sh(const char *fmt, ...)
{
	char line[1024], all[1280];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(all, sizeof(all), "cd %s && { %s; } >>log 2>&1", folder,
	    line);
	return system(all);
}

static struct fake_bytes
file(const char *name)
{
	struct fake_bytes b = { NULL, 0 };
	char path[128];
	uint8_t bytes[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if ((f = fopen(path, "rb")) == NULL)
		fail_msg("no %s", path);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	fake_put(&b, bytes, n);
	return b;
}

static void
must(int rc)
{
	struct fake_bytes log;

	if (rc == 0)
		return;
	log = file("log");
	print_error("%s", (const char *)log.p);
	free(log.p);
	fail_msg("a command of the TPM's failed");
}

static void
emulate(void)
{
	char state[64], server[80], control[80];
	pid_t parent = getpid();
	int null;

	snprintf(state, sizeof(state), "dir=%s", folder);
	snprintf(server, sizeof(server), "type=unixio,path=%s/sock", folder);
	snprintf(control, sizeof(control), "type=unixio,path=%s/sock.ctrl",
	    folder);
	if ((pid = fork()) != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	if (getppid() == parent)
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate",
		    state, "--server", server, "--ctrl", control, "--flags",
		    "not-need-init,startup-clear", (char *)NULL);
	_exit(127);
}

BEFORE_ALL
{
	char tcti[80];
	int i;

	if (system("command -v swtpm >/dev/null && "
	    "command -v tpm2_quote >/dev/null") != 0)
		return;
	folder = folder_new();
	snprintf(tcti, sizeof(tcti), "swtpm:path=%s/sock", folder);
	setenv("TPM2TOOLS_TCTI", tcti, 1);
	emulate();
	for (i = 0; pid > 0 && i < 200; i++) {
		if (sh("tpm2_getcap pcrs >/dev/null && tpm2_createek -Q "
		    "-c ek -G ecc -u ek.pub && tpm2_flushcontext -t") == 0)
			return;
		usleep(50000);
	}
	fail_msg("%s", "the emulator does not start");
}

AFTER_ALL
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	folder_remove(folder);
}

static void
need_a_tpm(void)
{
	if (pid > 0)
		return;
	print_message("skipped: swtpm and tpm2-tools are not installed\n");
	skip();
}

static void
make_key(const char *name, const char *kind, const char *scheme,
    const char *hash)
{
	must(sh("tpm2_createak -Q -C ek -c %s -G %s -s %s -g %s -u %s.pem "
	    "-f pem && tpm2_flushcontext -t", name, kind, scheme, hash,
	    name));
}

/* What tpm2_quote writes, each behind its length. */
static struct fake_bytes
quote(const char *key, const char *scheme, const char *hash,
    const uint8_t nonce[32])
{
	static const char *const parts[] = { "msg", "sig", "pcrs" };
	struct fake_bytes b = { NULL, 0 }, hex = { NULL, 0 }, part;
	uint8_t size[2];
	size_t i;

	fake_put_hex(&hex, nonce, 32);
	must(sh("tpm2_quote -Q -c %s --scheme=%s -g %s -l sha256:0,7,16 "
	    "-q %s -m msg -s sig -o pcrs -F values && tpm2_flushcontext -t",
	    key, scheme, hash, (const char *)hex.p));
	free(hex.p);
	for (i = 0; i < 3; i++) {
		part = file(parts[i]);
		size[0] = (uint8_t)(part.len >> 8);
		size[1] = (uint8_t)part.len;
		fake_put(&b, size, 2);
		fake_put(&b, part.p, part.len);
		free(part.p);
	}
	return b;
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(each_kind_of_key_verifies)
{
	static const char *const kinds[][3] = {
		{ "rsa", "rsassa", "sha256" }, { "rsa", "rsapss", "sha256" },
		{ "rsa", "rsassa", "sha384" }, { "ecc", "ecdsa", "sha256" },
		{ "ecc384", "ecdsa", "sha384" },
	};
	const uint8_t nonce[32] = { 1, 2, 3 }, other[32] = { 1, 2, 4 };
	struct fake_bytes policy;
	struct trial t;
	size_t i;

	need_a_tpm();
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make_key("ak", kinds[i][0], kinds[i][1], kinds[i][2]);
		trial_start(&t, CSN_PLATFORM_TPM2);
		t.evidence = quote("ak", kinds[i][1], kinds[i][2], nonce);
		policy = fake_tpm_policy("key", file("ak.pem"), PCR_16);
		t.policy = (const char *)policy.p;
		t.nonce = nonce;
		t.nonce_len = 32;
		trial_good(&t);
		trial_expect(&t, "signature", "passed");
		trial_expect(&t, "nonce", "passed");
		trial_expect(&t, "pcr_digest", "passed");
		trial_expect(&t, "pcrs sha256:16", "passed");
		t.nonce = other;
		trial_refused(&t, CSN_E_REPLAY, "nonce");
		t.nonce = nonce;
		/* The last bytes are PCR 16. */
		t.evidence.p[t.evidence.len - 1] ^= 1;
		trial_refused(&t, CSN_E_SIGNATURE, "pcr_digest");
		t.evidence.p[t.evidence.len - 1] ^= 1;
		t.evidence.p[60] ^= 1;
		trial_refused(&t, CSN_E_SIGNATURE, "signature");
		free(policy.p);
		trial_end(&t);
	}
}

TEST(another_tpms_key_is_refused)
{
	const uint8_t nonce[32] = { 5 };
	struct fake_bytes policy;
	struct trial t;

	need_a_tpm();
	make_key("ak", "ecc", "ecdsa", "sha256");
	make_key("ak2", "ecc", "ecdsa", "sha256");
	trial_start(&t, CSN_PLATFORM_TPM2);
	t.evidence = quote("ak2", "ecdsa", "sha256", nonce);
	policy = fake_tpm_policy("key", file("ak.pem"), "");
	t.policy = (const char *)policy.p;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	free(policy.p);
	trial_end(&t);
}

/* --- a report that carries it -------------------------------------------- */

static int
quote_it(void *arg, const uint8_t report_data[64], uint8_t **out,
    size_t *len, uint8_t **certs, size_t *certs_len)
{
	struct fake_bytes b = quote(arg, "ecdsa", "sha256", report_data);

	*out = b.p;
	*len = b.len;
	*certs = NULL;
	*certs_len = 0;
	return 0;
}

/* The scene's policy as of now, and the TPM's. */
static void
ask(struct scene *s)
{
	struct fake_bytes part = fake_tpm_policy("key", file("ak.pem"),
	    PCR_16);
	struct fake_bytes members = { NULL, 0 };
	char *json;

	/* Without its outer braces it is a member. */
	fake_put_text(&members, "%.*s,", (int)part.len - 2, part.p + 1);
	json = scene_policy_now(s, (const char *)members.p);
	scene_policy(s, json);
	free(json);
	free(members.p);
	free(part.p);
}

TEST(a_report_is_bound_to_the_machine_and_its_boot, struct scene *s)
{
	uint8_t *report;
	size_t len;

	need_a_tpm();
	make_key("ak", "ecc", "ecdsa", "sha256");
	make_key("ak2", "ecc", "ecdsa", "sha256");
	ask(s);
	assert_int_equal(csn_attester_add_evidence(s->attester, "tpm2",
	    quote_it, (void *)(uintptr_t)"ak"), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	assert_check(s, "platform tpm2 nonce", CSN_CHECK_PASSED);
	assert_check(s, "platform tpm2 signature", CSN_CHECK_PASSED);
	assert_check(s, "platform tpm2 pcrs sha256:16", CSN_CHECK_PASSED);
	csn_free(report);
	/* Something else has been started since. */
	must(sh("tpm2_pcrextend 16:sha256=" ZERO));
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "platform tpm2 signature", CSN_CHECK_PASSED);
	assert_check(s, "platform tpm2 pcrs sha256:16", CSN_CHECK_FAILED);
	csn_free(report);
	must(sh("tpm2_pcrreset 16"));
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
}
