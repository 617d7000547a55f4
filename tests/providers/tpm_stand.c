/* SPDX-License-Identifier: Apache-2.0 */
/* tpm_stand.c - an emulated TPM, and a hand on its wire. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore/tpm/load.h"
#include "providers/tpm_stand.h"

/* --- the TPM --- */

int
tpm_stand_possible(void)
{
	/* It stays: dlopen(3) itself does not get over missing memory. */
	return dlopen("libtss2-tcti-swtpm.so.0", RTLD_NOW) != NULL &&
	    system("command -v swtpm >/dev/null && "
	    "command -v tpm2_pcrextend >/dev/null") == 0;
}

static int
answers(const struct tpm_stand *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, rc;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", s->folder);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return 0;
	rc = connect(fd, (const struct sockaddr *)&a, sizeof(a));
	(void)close(fd);
	return rc == 0;
}

void
tpm_stand_start(struct tpm_stand *s)
{
	char state[200], server[220], control[220];
	pid_t parent = getpid();
	int i, null;

	if (s->folder == NULL)
		s->folder = folder_new();
	snprintf(s->tcti, sizeof(s->tcti), "swtpm:path=%s/sock", s->folder);
	snprintf(state, sizeof(state), "dir=%s", s->folder);
	snprintf(server, sizeof(server), "type=unixio,path=%s/sock",
	    s->folder);
	snprintf(control, sizeof(control), "type=unixio,path=%s/sock.ctrl",
	    s->folder);
	if ((s->pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		if (getppid() == parent)
			execlp("swtpm", "swtpm", "socket", "--tpm2",
			    "--tpmstate", state, "--server", server, "--ctrl",
			    control, "--flags",
			    "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	assert_true(s->pid > 0);
	for (i = 0; i < 1000 && !answers(s); i++)
		usleep(20000);
	assert_true(i < 1000);
}

void
tpm_stand_kill(struct tpm_stand *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void
tpm_stand_end(struct tpm_stand *s)
{
	tpm_stand_kill(s);
	folder_remove(s->folder);
	s->folder = NULL;
}

void
tpm_stand_do(struct tpm_stand *s, const char *command)
{
	char line[600];

	snprintf(line, sizeof(line), "export TPM2TOOLS_TCTI=%s; { %s; } "
	    ">%s/log 2>&1", s->tcti, command, s->folder);
	assert_int_equal(system(line), 0);
}

/* --- the wire --- */

#define MOST 64

struct tap {
	TSS2_TCTI_CONTEXT_COMMON_V1 v1;
	TSS2_TCTI_CONTEXT *inner;
};

static __typeof__(&Tss2_TctiLdr_Initialize) true_initialize;
static __typeof__(&Tss2_TctiLdr_Finalize) true_finalize;
static int (*tap_hook)(uint32_t code);
static _Thread_local unsigned counted;
static _Thread_local uint32_t codes[MOST];

static TSS2_TCTI_CONTEXT_COMMON_V1 *
inner_of(TSS2_TCTI_CONTEXT *c)
{
	return (TSS2_TCTI_CONTEXT_COMMON_V1 *)((struct tap *)c)->inner;
}

static TSS2_RC
tap_transmit(TSS2_TCTI_CONTEXT *c, size_t size, const uint8_t *p)
{
	uint32_t code = (uint32_t)p[6] << 24 | (uint32_t)p[7] << 16 |
	    (uint32_t)p[8] << 8 | p[9];

	if (counted < MOST)
		codes[counted] = code;
	counted++;
	if (tap_hook != NULL && tap_hook(code) != 0)
		return TSS2_TCTI_RC_IO_ERROR;
	return inner_of(c)->transmit(((struct tap *)c)->inner, size, p);
}

static TSS2_RC
tap_receive(TSS2_TCTI_CONTEXT *c, size_t *size, uint8_t *p, int32_t timeout)
{
	return inner_of(c)->receive(((struct tap *)c)->inner, size, p,
	    timeout);
}

static TSS2_RC
tap_cancel(TSS2_TCTI_CONTEXT *c)
{
	return inner_of(c)->cancel(((struct tap *)c)->inner);
}

static TSS2_RC
tap_locality(TSS2_TCTI_CONTEXT *c, uint8_t locality)
{
	return inner_of(c)->setLocality(((struct tap *)c)->inner, locality);
}

static TSS2_RC
tap_initialize(const char *name, TSS2_TCTI_CONTEXT **out)
{
	struct tap *t = calloc(1, sizeof(*t));
	TSS2_RC rc;

	if (t == NULL)
		return TSS2_TCTI_RC_MEMORY;
	if ((rc = true_initialize(name, &t->inner)) != 0) {
		free(t);
		return rc;
	}
	t->v1.magic = 0x7461702d77697265;
	t->v1.version = 1;
	t->v1.transmit = tap_transmit;
	t->v1.receive = tap_receive;
	t->v1.cancel = tap_cancel;
	t->v1.setLocality = tap_locality;
	*out = (TSS2_TCTI_CONTEXT *)t;
	return 0;
}

static void
tap_finalize(TSS2_TCTI_CONTEXT **c)
{
	true_finalize(&((struct tap *)*c)->inner);
	free(*c);
	*c = NULL;
}

void
tpm_wire_tap(struct csn_ctx *ctx, int (*hook)(uint32_t code))
{
	const struct csn_tss *tss;
	struct csn_tss *t;

	assert_int_equal(csn_tss_load(ctx, &tss), 0);
	t = (struct csn_tss *)(uintptr_t)tss;
	if (true_initialize == NULL) {
		true_initialize = t->Tss2_TctiLdr_Initialize;
		true_finalize = t->Tss2_TctiLdr_Finalize;
		t->Tss2_TctiLdr_Initialize = tap_initialize;
		t->Tss2_TctiLdr_Finalize = tap_finalize;
	}
	tap_hook = hook;
	tpm_wire_reset();
}

unsigned
tpm_wire_count(void)
{
	return counted;
}

uint32_t
tpm_wire_code(unsigned n)
{
	return n < MOST ? codes[n] : 0;
}

void
tpm_wire_reset(void)
{
	counted = 0;
}
