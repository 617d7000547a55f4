/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/load.c - tpm2-tss, loaded when it is first needed. */

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "providers/keystore/tpm/load.h"

enum { ESYS, SYS, LDR, LIBRARIES };

static const char *const names[LIBRARIES] = {
	"libtss2-esys.so.0", "libtss2-sys.so.1", "libtss2-tctildr.so.0"
};

static const struct {
	int of;
	const char *name;
	size_t offset;
} symbols[] = {
#define IN_ESYS(name) { ESYS, #name, offsetof(struct csn_tss, name) },
#define IN_SYS(name) { SYS, #name, offsetof(struct csn_tss, name) },
#define IN_LDR(name) { LDR, #name, offsetof(struct csn_tss, name) },
	CSN_TSS_CALLS(IN_ESYS, IN_SYS, IN_LDR)
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_tss table;
static int loaded;

/* What is missing, or NULL. */
static const char *
load(void)
{
	void *from[LIBRARIES], *p;
	size_t i;

	for (i = 0; i < LIBRARIES; i++) {
		from[i] = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (from[i] == NULL)
			return names[i];
	}
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		p = dlsym(from[symbols[i].of], symbols[i].name);
		if (p == NULL)
			return symbols[i].name;
		memcpy((char *)&table + symbols[i].offset, &p, sizeof(p));
	}
	/* Read by the libraries at their first error. */
	(void)setenv("TSS2_LOG", "all+none", 0);
	return NULL;
}

int
csn_tss_load(struct csn_ctx *ctx, const struct csn_tss **out)
{
	const char *missing = NULL;

	(void)pthread_mutex_lock(&lock);
	if (!loaded && (missing = load()) == NULL)
		loaded = 1;
	(void)pthread_mutex_unlock(&lock);
	if (missing != NULL)
		return csn_fail(ctx, CSN_E_BACKEND, "keystore", "no TPM can "
		    "be reached: %s is not on this machine; install "
		    "libtss2-esys-3.0.2-0 and libtss2-tctildr0, or what your "
		    "system calls tpm2-tss", missing);
	*out = &table;
	return 0;
}
