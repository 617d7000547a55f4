/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_load.c - libcurl, loaded when it is first needed. */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/fail.h"
#include "net/http_load.h"

/*
 * The flavours in the order of liking: GnuTLS's keeps its cryptography apart
 * from ours. The ABI is one and the same.
 */
static const char *const names[] = {
	"libcurl-gnutls.so.4", "libcurl.so.4", "libcurl-nss.so.4"
};

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "curl_global_init", offsetof(struct csn_curl, global_init) },
	{ "curl_easy_init", offsetof(struct csn_curl, init) },
	{ "curl_easy_reset", offsetof(struct csn_curl, reset) },
	{ "curl_easy_setopt", offsetof(struct csn_curl, setopt) },
	{ "curl_easy_perform", offsetof(struct csn_curl, perform) },
	{ "curl_easy_getinfo", offsetof(struct csn_curl, getinfo) },
	{ "curl_easy_cleanup", offsetof(struct csn_curl, cleanup) },
	{ "curl_easy_strerror", offsetof(struct csn_curl, strerror) },
	{ "curl_url", offsetof(struct csn_curl, url) },
	{ "curl_url_set", offsetof(struct csn_curl, url_set) },
	{ "curl_url_get", offsetof(struct csn_curl, url_get) },
	{ "curl_url_cleanup", offsetof(struct csn_curl, url_cleanup) },
	{ "curl_free", offsetof(struct csn_curl, free) },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct csn_curl table;
static const char *problem = "libcurl was not loaded";

/* 1 where the running library is one that knows what we ask of it. */
static int
new_enough(void *library)
{
	__typeof__(&curl_version_info) info;
	void *p;

	if ((p = dlsym(library, "curl_version_info")) == NULL)
		return 0;
	memcpy(&info, &p, sizeof(info));
	/* 7.87.0: CURLOPT_QUICK_EXIT. */
	return info(CURLVERSION_NOW)->version_num >= 0x075700;
}

static void
load(void)
{
	void *library = NULL, *p;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (library != NULL)
			break;
	}
	if (library == NULL) {
		problem = "libcurl is not on this machine: install "
		    "libcurl3-gnutls, or what your system calls it";
		return;
	}
	if (!new_enough(library)) {
		problem = "this machine's libcurl is older than 7.87";
		return;
	}
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if ((p = dlsym(library, symbols[i].name)) == NULL) {
			problem = "this machine's libcurl lacks functions";
			return;
		}
		memcpy((char *)&table + symbols[i].offset, &p, sizeof(p));
	}
	if (table.global_init(CURL_GLOBAL_DEFAULT) != 0) {
		problem = "libcurl could not start";
		return;
	}
	problem = NULL;
}

int
csn_curl_load(struct csn_ctx *ctx, const struct csn_curl **out)
{
	(void)pthread_once(&once, load);
	if (problem != NULL)
		return csn_fail(ctx, CSN_E_UNKNOWN_BACKEND, "net",
		    "HTTP cannot be spoken: %s", problem);
	*out = &table;
	return 0;
}
