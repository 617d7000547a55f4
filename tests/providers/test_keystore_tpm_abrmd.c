/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keystore_tpm_abrmd.c - a TPM behind a resource manager on a bus of its
 * own, and eight processes at it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore_suite.h"
#include "providers/tpm_stand.h"

#define STRONG "0123456789abcdef", 16
#define AAD (const uint8_t *)"aad", 3
#define PROCESSES 8
#define ROUNDS 5
#define CHILD "CAISSON_TEST_TPM_URL"

static struct tpm_stand stand;
static pid_t bus, manager;
static struct csn_ctx *ctx;
static char *folder;
static char url[400];

static pid_t
start(const char *const *argv, int out)
{
	pid_t parent = getpid(), pid;
	int null;

	if ((pid = fork()) != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	dup2(out < 0 ? null : out, 1);
	dup2(null, 2);
	if (getppid() == parent)
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static int
possible(void)
{
	return tpm_stand_possible() && system("command -v dbus-daemon "
	    ">/dev/null && command -v tpm2-abrmd >/dev/null") == 0;
}

static int
try_open(void)
{
	struct csn_keystore *ks = NULL;
	int rc = csn_keystore_open(ctx, url, STRONG, &ks);

	csn_keystore_close(ks);
	return rc;
}

BEFORE_ALL
{
	const char *dbus[] = { "dbus-daemon", "--session", "--nofork",
	    "--nopidfile", "--print-address=1", NULL };
	const char *abrmd[] = { "tpm2-abrmd", "--session", "--allow-root",
	    "--flush-all", "--tcti", stand.tcti, NULL };
	char address[300];
	int end[2], n, rc = -1;
	ssize_t len;

	if (!possible())
		return;
	tpm_stand_start(&stand);
	assert_int_equal(pipe(end), 0);
	bus = start(dbus, end[1]);
	(void)close(end[1]);
	len = read(end[0], address, sizeof(address) - 1);
	assert_true(len > 1);
	address[len - 1] = '\0';
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	manager = start(abrmd, -1);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	folder = folder_new();
	snprintf(url, sizeof(url), "tpm:tabrmd:bus_type=session?strong=1&"
	    "pcr=sha256:0,7&folder=%s/keys", folder);
	for (n = 0; n < 500 && (rc = try_open()) == CSN_E_BACKEND; n++)
		usleep(20000);
	if (rc != 0)
		fail_msg("%s", csn_message());
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	stop(&manager);
	stop(&bus);
	if (folder != NULL)
		tpm_stand_end(&stand);
	folder_remove(folder);
}

static void
need_it(void)
{
	if (!possible())
		test_skip("tpm2-abrmd, dbus-daemon or swtpm is not installed");
}

TEST(unlocking_takes_six_commands_behind_a_resource_manager)
{
	struct csn_keystore *ks;
	uint64_t first, is;

	need_it();
	tpm_wire_tap(ctx, NULL);
	assert_int_equal(csn_keystore_open(ctx, url, STRONG, &ks), 0);
	assert_int_equal(tpm_wire_count(), 6);
	assert_int_equal(csn_keystore_generation(ks, &first), 0);
	csn_keystore_close(ks);
	tpm_wire_reset();
	assert_int_equal(csn_keystore_open(ctx, url, STRONG, &ks), 0);
	assert_int_equal(csn_keystore_generation(ks, &is), 0);
	assert_int_equal(is, first);
	assert_int_equal(tpm_wire_count(), 8);
	csn_keystore_close(ks);
}

/* GLib, under the TCTI, does not work in a forked child: a new program. */
TEST(eight_processes_unlock_at_once)
{
	uint8_t key[CSN_KEY_SIZE] = { 7 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	const char *self[] = { "/proc/self/exe", NULL };
	struct csn_keystore *ks;
	size_t len = sizeof(wrap);
	pid_t pids[PROCESSES];
	int i, status, failed = 0;

	need_it();
	assert_int_equal(csn_keystore_open(ctx, url, STRONG, &ks), 0);
	assert_int_equal(csn_keystore_create(ks, "a"), 0);
	assert_int_equal(csn_keystore_wrap(ks, "a", AAD, key, wrap, &len), 0);
	csn_keystore_close(ks);
	setenv(CHILD, url, 1);
	for (i = 0; i < PROCESSES; i++)
		pids[i] = start(self, 1);
	unsetenv(CHILD);
	for (i = 0; i < PROCESSES; i++) {
		waitpid(pids[i], &status, 0);
		failed += status != 0;
	}
	assert_int_equal(failed, 0);
}

TEST(a_resource_manager_that_is_gone_is_told)
{
	need_it();
	stop(&manager);
	assert_int_equal(try_open(), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "tabrmd"));
}

/* The work of one of the eight: 0, or 1 where something went wrong. */
static int
work(const char *name)
{
	uint8_t key[CSN_KEY_SIZE] = { 7 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	struct csn_keystore *ks;
	int n, rc;

	if (csn_ctx_new(NULL, &ctx) != 0)
		return 1;
	for (n = 0, rc = 0; n < ROUNDS && rc == 0; n++) {
		size_t len = sizeof(wrap);

		if ((rc = csn_keystore_open(ctx, name, STRONG, &ks)) != 0)
			break;
		if ((rc = csn_keystore_wrap(ks, "a", AAD, key, wrap,
		    &len)) == 0)
			rc = csn_keystore_unwrap(ks, "a", AAD, wrap, len,
			    key);
		csn_keystore_close(ks);
	}
	if (rc != 0)
		print_message("# %s\n", csn_message());
	csn_ctx_free(ctx);
	(void)fflush(stdout);
	return rc != 0;
}

int
test_main(void)
{
	const char *name = getenv(CHILD);

	if (name != NULL)
		_exit(work(name));
	return test_run(NULL);
}
