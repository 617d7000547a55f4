/* SPDX-License-Identifier: Apache-2.0 */
/* test_endpoint.c - the options behind the '#' of a server's URL. */
#include <sys/stat.h>

#include "lib/test.h"
#include "net/endpoint.h"

static struct csn_ctx *ctx;
static char *folder, *token;

BEFORE_ALL
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	folder = folder_new();
	token = path_in(folder, "token");
	file_write(token, "s3cret\n", 7);
	assert_int_equal(chmod(token, 0600), 0);
}

AFTER_ALL
{
	free(token);
	folder_remove(folder);
	csn_ctx_free(ctx);
}

/* Options, in which @ stands for the file of a token. */
static int
open_with(const char *options)
{
	struct csn_endpoint e = { 0 };
	char url[1024];
	size_t n;
	int rc;

	n = (size_t)snprintf(url, sizeof(url), "http://127.0.0.1:1/#");
	for (; *options != '\0'; options++)
		n += (size_t)snprintf(url + n, sizeof(url) - n, "%s",
		    *options == '@' ? token : (char[2]){ *options });
	rc = csn_endpoint_open(ctx, url, 1000, 3, &e);
	csn_endpoint_close(&e);
	return rc;
}

TEST(each_option_is_given_once_and_makes_sense)
{
	int rc = open_with("timeout=10&tries=2&token-file=@");

	if (rc == CSN_E_UNKNOWN_BACKEND)
		test_skip("no libcurl here");
	assert_int_equal(rc, 0);
	assert_int_equal(open_with("token-file=@&token-file=@"), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "twice"));
	assert_int_equal(open_with("timeout=0"), CSN_E_ARG);
	assert_int_equal(open_with("timeout=86400001"), CSN_E_ARG);
	assert_int_equal(open_with("timeout=1s"), CSN_E_ARG);
	assert_int_equal(open_with("tries=11"), CSN_E_ARG);
	assert_int_equal(open_with("tries="), CSN_E_ARG);
	assert_int_equal(open_with("tries"), CSN_E_ARG);
	assert_int_equal(open_with("retries=1"), CSN_E_ARG);
	assert_int_equal(open_with("token-file=/nowhere/token"),
	    CSN_E_NOT_FOUND);
}
