/* SPDX-License-Identifier: Apache-2.0 */
/* test_context.c - contexts, their clock, messages and the fork canary. */
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/context.h"
#include "base/fail.h"
#include "base/sized.h"
#include "lib/test.h"

static uint64_t
fixed_boot(void *arg)
{
	return ((uint64_t *)arg)[0];
}

static uint64_t
fixed_wall(void *arg)
{
	return ((uint64_t *)arg)[1];
}

/* Run f in a forked child; its return value. */
static int
in_child(int (*f)(void *arg), void *arg)
{
	pid_t pid;
	int status;

	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(f(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(new_takes_no_options)
{
	struct csn_ctx *ctx = NULL;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_non_null(ctx);
	csn_ctx_free(ctx);
	csn_ctx_free(NULL);
	assert_int_equal(csn_ctx_new(NULL, NULL), CSN_E_ARG);
}

TEST(structures_without_a_size_are_refused)
{
	struct csn_ctx_options options = { .size = 0 };
	struct csn_clock clock = { .size = 3 };
	struct csn_ctx *ctx = NULL;

	assert_int_equal(csn_ctx_new(&options, &ctx), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "csn_ctx_options"));
	options.size = sizeof(options);
	options.clock = &clock;
	assert_int_equal(csn_ctx_new(&options, &ctx), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "csn_clock"));
	assert_null(ctx);
}

TEST(no_byte_past_a_structures_size_is_read)
{
	struct csn_ctx_options whole = { .size = sizeof(whole) };
	struct csn_ctx *ctx = NULL;
	void *options;
	uint32_t size;

	/* Cut short on the heap, where a sanitizer sees a read too far. */
	for (size = sizeof(size); size < CSN_LEAST(csn_ctx_options,
	    aead_engine); size += 4) {
		assert_non_null(options = malloc(size));
		whole.size = size;
		memcpy(options, &whole, size);
		assert_int_equal(csn_ctx_new(options, &ctx), CSN_E_ARG);
		free(options);
	}
	assert_null(ctx);
}

TEST(a_newer_structure_is_taken_where_it_asks_for_nothing_unknown)
{
	struct {
		struct csn_ctx_options options;
		char newer[32];
	} big;
	struct csn_ctx *ctx = NULL;

	memset(&big, 0, sizeof(big));
	big.options.size = sizeof(big);
	big.options.lanes = 8;
	assert_int_equal(csn_ctx_new(&big.options, &ctx), 0);
	csn_ctx_free(ctx);
	big.newer[31] = 1;
	assert_int_equal(csn_ctx_new(&big.options, &ctx), CSN_E_ARG);
}

TEST(the_system_clock_counts_on)
{
	struct csn_ctx *ctx = NULL;
	struct timespec nap = { 0, 5000000 }, boot;
	uint64_t before, after;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	before = csn_ctx_boot_ms(ctx);
	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
	assert_in_range(before, ((uint64_t)boot.tv_sec - 1) * 1000,
	    ((uint64_t)boot.tv_sec + 1) * 1000);
	while (nanosleep(&nap, &nap) != 0 && errno == EINTR)
		;
	after = csn_ctx_boot_ms(ctx);
	assert_in_range(after, before + 4, before + 60000);
	assert_in_range(csn_ctx_wall_ms(ctx) / 1000,
	    (uint64_t)time(NULL) - 2, (uint64_t)time(NULL) + 2);
	csn_ctx_free(ctx);
}

/* What times show is at 0 the time since boot, at 1 the Unix time. */
static struct csn_ctx *
ctx_by(uint64_t times[2])
{
	struct csn_clock clock = { sizeof(clock), times, fixed_boot,
	    fixed_wall };
	struct csn_ctx_options options = { .size = sizeof(options),
	    .clock = &clock };
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(&options, &ctx), 0);
	/* The clock is copied: the caller's may go. */
	memset(&clock, 0, sizeof(clock));
	return ctx;
}

TEST(a_clock_set_back_never_shows)
{
	uint64_t times[2] = { 50, 1000000 };
	struct csn_ctx *ctx = ctx_by(times);

	assert_int_equal(csn_ctx_wall_ms(ctx), 1000000);
	times[1] = 999;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000000);
	/* Time goes on all the same. */
	times[0] = 550;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000500);
	times[1] = 1000501;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000501);
	times[1] = 0;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000500);
	assert_int_equal(csn_ctx_boot_ms(ctx), 550);
	/* Should even the time since boot go back. */
	times[0] = 49;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000000);
	csn_ctx_free(ctx);
}

TEST(a_clock_that_is_ahead_counts_only_while_it_is)
{
	uint64_t times[2] = { 50, 1000000 };
	struct csn_ctx *ctx = ctx_by(times);

	times[0] += 10;
	times[1] = UINT64_MAX;
	assert_int_equal(csn_ctx_wall_ms(ctx), UINT64_MAX);
	times[1] = 1000010;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000010);
	times[1] = 1000012;
	assert_int_equal(csn_ctx_wall_ms(ctx), 1000012);
	csn_ctx_free(ctx);
	/* One that was ahead at the birth stays ahead, and ends somewhere. */
	times[1] = UINT64_MAX - 5;
	ctx = ctx_by(times);
	times[1] = 1000012;
	times[0] += 5;
	assert_int_equal(csn_ctx_wall_ms(ctx), UINT64_MAX);
	times[0] += 1;
	assert_int_equal(csn_ctx_wall_ms(ctx), UINT64_MAX);
	csn_ctx_free(ctx);
}

static void *
no_message_here(void *arg)
{
	int *ok = arg;

	*ok = csn_message_code() == 0 && *csn_message() == '\0' &&
	    *csn_message_room() == '\0';
	csn_fail(NULL, CSN_E_TAG, "other", "another thread's");
	return NULL;
}

TEST(a_message_is_its_threads_own)
{
	pthread_t thread;
	int ok = 0;

	assert_int_equal(csn_fail(NULL, CSN_E_QUOTA, "kv", "%s wants %d more",
	    "acme", 7), CSN_E_QUOTA);
	assert_int_equal(pthread_create(&thread, NULL, no_message_here, &ok),
	    0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(ok);
	assert_string_equal(csn_message(), "acme wants 7 more");
	assert_string_equal(csn_message_room(), "kv");
	assert_int_equal(csn_message_code(), CSN_E_QUOTA);
}

TEST(a_message_may_carry_the_one_before)
{
	char longest[4000];

	assert_int_equal(csn_fail_errno(NULL, CSN_E_IO, "base", ENOSPC,
	    "%s cannot be written", "a.key"), CSN_E_IO);
	assert_string_equal(csn_message(),
	    "a.key cannot be written: No space left on device");
	csn_fail(NULL, CSN_E_BACKEND, "kv", "put: %s", csn_message());
	assert_string_equal(csn_message(),
	    "put: a.key cannot be written: No space left on device");
	/* One that is too long is cut, and says so. */
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	csn_fail_errno(NULL, CSN_E_IO, "base", ENOENT, "%s", longest);
	assert_string_equal(csn_message() +
	    strlen(csn_message()) - 4, "x...");
}

/* What a peer chose the words of neither moves a cursor nor forges a line. */
TEST(a_message_has_no_controls)
{
	csn_fail(NULL, CSN_E_FORM, "cache", "made by '%s'",
	    "\033[31mred\nline\x7f \xc2\x9b" "2J \xc3\xa9\xc2\xa0\xe2\x80\xa6");
	assert_string_equal(csn_message(),
	    "made by '?[31mred?line? ??2J \xc3\xa9\xc2\xa0\xe2\x80\xa6'");
}

TEST(each_error_has_a_name_and_a_sentence)
{
	int code, other;

	for (code = CSN_E_CANCELLED; code <= 0; code++) {
		assert_non_null(csn_error_name(code));
		assert_int_equal(strncmp(csn_error_name(code), "CSN_", 4), 0);
		assert_true(strlen(csn_error_text(code)) > 5);
		for (other = code + 1; other <= 0; other++) {
			assert_string_not_equal(csn_error_name(code),
			    csn_error_name(other));
			assert_string_not_equal(csn_error_text(code),
			    csn_error_text(other));
		}
	}
	assert_string_equal(csn_error_name(0), "CSN_OK");
	assert_string_equal(csn_error_name(CSN_E_TAG), "CSN_E_TAG");
	assert_string_equal(csn_error_name(CSN_E_CANCELLED),
	    "CSN_E_CANCELLED");
	assert_string_equal(csn_error_name(1), "unknown");
	assert_string_equal(csn_error_name(CSN_E_CANCELLED - 1), "unknown");
	assert_string_equal(csn_error_name(INT32_MIN), "unknown");
	assert_non_null(csn_error_text(12345));
	assert_string_equal(csn_version(), "0.1.0");
}

struct fork_case {
	struct csn_ctx *ctx;
	uint64_t parents;
};

static int
grandchild(void *arg)
{
	struct fork_case *c = arg;
	uint64_t mine;

	if (csn_fork_check(c->ctx, 1) != CSN_E_FORK)
		return 21;
	if (csn_fork_check(c->ctx, c->parents) != CSN_E_FORK)
		return 22;
	mine = csn_fork_generation(c->ctx);
	if (mine == 0 || mine == 1 || mine == c->parents)
		return 23;
	return 0;
}

static int
child(void *arg)
{
	struct fork_case *c = arg;
	struct fork_case next = { c->ctx, 0 };
	uint64_t mine;

	if (csn_fork_check(c->ctx, c->parents) != CSN_E_FORK)
		return 11;
	mine = csn_fork_generation(c->ctx);
	if (mine == 0 || mine == c->parents)
		return 12;
	if (csn_fork_generation(c->ctx) != mine)
		return 13;
	if (csn_fork_check(c->ctx, mine) != 0)
		return 14;
	if (csn_fork_check(c->ctx, c->parents) != CSN_E_FORK)
		return 15;
	next.parents = mine;
	if (in_child(grandchild, &next) != 0)
		return 16;
	return csn_fork_check(c->ctx, mine) == 0 ? 0 : 17;
}

TEST(a_forked_child_is_told)
{
	struct csn_ctx *ctx = NULL;
	struct fork_case c;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	c.ctx = ctx;
	c.parents = csn_fork_generation(ctx);
	assert_int_not_equal(c.parents, 0);
	assert_int_equal(in_child(child, &c), 0);
	/* Nothing changes for the parent. */
	assert_int_equal(csn_fork_check(ctx, c.parents), 0);
	assert_int_equal(csn_fork_generation(ctx), c.parents);
	csn_ctx_free(ctx);
}

static void *
ask_generation(void *arg)
{
	return (void *)(uintptr_t)csn_fork_generation(arg);
}

static int
threads_of_a_child(void *arg)
{
	pthread_t threads[4];
	void *got[4];
	int i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, ask_generation,
		    arg) != 0)
			return 31;
	for (i = 0; i < 4; i++)
		if (pthread_join(threads[i], &got[i]) != 0)
			return 32;
	for (i = 1; i < 4; i++)
		if (got[i] != got[0] || got[i] == NULL)
			return 33;
	return 0;
}

TEST(a_childs_threads_agree_on_one_generation)
{
	struct csn_ctx *ctx = NULL;
	int i;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(in_child(threads_of_a_child, ctx), 0);
	csn_ctx_free(ctx);
}
