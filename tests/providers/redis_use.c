/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "providers/redis_use.h"

struct redis_server server;
struct csn_ctx *ctx;

struct csn_store *
open_store(const char *options)
{
	struct csn_store *store = NULL;
	char url[256];

	snprintf(url, sizeof(url), "redis://127.0.0.1:%u%s", server.port,
	    options);
	if (csn_store_open(ctx, url, &store) != 0)
		fail_msg("%s: %s", url, csn_message());
	return store;
}

void
say(const char *command, const char *want)
{
	char answer[512];

	assert_int_equal(redis_say(server.port, command, answer,
	    sizeof(answer)), 0);
	if (strncmp(answer, want, strlen(want)) != 0)
		fail_msg("%s: %s", command, answer);
}

int
get(struct csn_store *s, const char *space, const char *key, char *out,
    size_t cap)
{
	size_t len = cap - 1;
	int rc;

	rc = csn_store_get(s, U(space), U(key), (uint8_t *)out, &len);
	if (rc == 0)
		out[len] = '\0';
	return rc;
}

int
put(struct csn_store *s, const char *key, const char *value)
{
	return csn_store_put(s, U("acme"), U(key), U(value));
}

int
count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	size_t *n = arg;

	(void)key;
	(void)key_len;
	(void)value_len;
	(*n)++;
	return 0;
}

void
context_start(void)
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

void
context_end(void)
{
	csn_ctx_free(ctx);
}

static void
absent(void **state)
{
	(void)state;
	test_skip("this server is not on this machine");
}

int
redis_run(const char *name, int (*run)(const char *program))
{
	const struct CMUnitTest without[] = {
		{ name, absent, NULL, NULL, NULL },
	};

	if (program_is_here(name))
		return run(name);
	test_leave_out();
	return cmocka_run_group_tests_name(name, without, NULL, NULL);
}
