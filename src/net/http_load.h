/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_load.h - libcurl, loaded when it is first needed. */
#ifndef CSN_NET_HTTP_LOAD_H
#define CSN_NET_HTTP_LOAD_H

/* The checked macros need names that are linked, and none is here. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <caisson/context.h>

/*
 * libcurl brings some thirty libraries along (Kerberos, LDAP, another
 * OpenSSL), which a process that speaks no HTTP shall not carry.
 */
struct csn_curl {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) init;
	__typeof__(&curl_easy_reset) reset;
	__typeof__(&curl_easy_setopt) setopt;
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_getinfo) getinfo;
	__typeof__(&curl_easy_cleanup) cleanup;
	__typeof__(&curl_easy_strerror) strerror;
	__typeof__(&curl_url) url;
	__typeof__(&curl_url_set) url_set;
	__typeof__(&curl_url_get) url_get;
	__typeof__(&curl_url_cleanup) url_cleanup;
	__typeof__(&curl_free) free;
};

/*
 * The table, the same for the life of the process. CSN_E_UNKNOWN_BACKEND
 * where the library is not on this machine or is too old.
 */
CSN_MUST_CHECK int csn_curl_load(struct csn_ctx *ctx,
    const struct csn_curl **out);

#endif
