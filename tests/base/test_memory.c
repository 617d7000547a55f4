/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - ordinary memory, secret pages, wiping, comparing. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/test.h"

/* Whether the kernel has the two-letter flag for the mapping of p. */
static int
mapped_with(const void *p, const char *flag)
{
	unsigned long from, to;
	char line[512], want[8];
	int here = 0, found = 0;
	FILE *f;

	assert_non_null(f = fopen("/proc/self/smaps", "r"));
	snprintf(want, sizeof(want), " %s", flag);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, want) != NULL;
	}
	fclose(f);
	return found;
}

/* Sanitizers take mlock's place and do nothing. */
static int
mlock_is_real(void)
{
	const char *sanitized = getenv("CAISSON_SANITIZE");

	return sanitized == NULL || strcmp(sanitized, "1") != 0;
}

TEST(products_that_overflow_give_null)
{
	char *p;

	assert_null(csn_calloc(SIZE_MAX / 2, 3));
	assert_null(csn_calloc(SIZE_MAX, 1));
	assert_non_null(p = csn_calloc(3, 5));
	assert_int_equal(p[14], 0);
	memcpy(p, "kept", 5);
	assert_null(csn_realloc(p, SIZE_MAX / 4, 8));
	assert_string_equal(p, "kept");
	assert_non_null(p = csn_realloc(p, 100, 100));
	assert_string_equal(p, "kept");
	csn_wipe_free(p, 10000);
	csn_wipe_free(NULL, 5);
	csn_free(NULL);
}

TEST(nothing_is_something)
{
	void *p;

	assert_non_null(p = csn_calloc(0, 8));
	assert_non_null(p = csn_realloc(p, 0, 8));
	csn_free(p);
	assert_non_null(p = csn_memdup(NULL, 0));
	assert_int_equal(*(char *)p, 0);
	csn_free(p);
	assert_null(csn_memdup("x", SIZE_MAX));
}

TEST(copies_end_in_a_nul)
{
	char *p;

	assert_non_null(p = csn_memdup("abcdef", 3));
	assert_string_equal(p, "abc");
	csn_free(p);
	assert_non_null(p = csn_strdup("abcdef"));
	assert_string_equal(p, "abcdef");
	csn_free(p);
}

TEST(secrets_are_zero_locked_and_not_dumped)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len, i;
	const size_t lens[] = { 0, 1, 32, 64, 65, page - 1, page, page + 1,
	    5 * page };
	int locked;
	uint8_t *p;
	size_t j;

	for (j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
		len = lens[j];
		locked = -1;
		assert_non_null(p = csn_secret_alloc(len, &locked));
		assert_int_equal((uintptr_t)p % 64, 0);
		for (i = 0; i < len; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xa5, len);
		assert_true(locked == 0 || locked == 1);
		if (mlock_is_real())
			assert_int_equal(mapped_with(p, "lo"), locked);
		assert_true(mapped_with(p, "dd"));
		csn_secret_free(p, len);
	}
	assert_non_null(p = csn_secret_alloc(32, NULL));
	csn_secret_free(p, 32);
	csn_secret_free(NULL, 32);
	assert_null(csn_secret_alloc(SIZE_MAX, NULL));
	assert_null(csn_secret_alloc(PTRDIFF_MAX, NULL));
}

/* Whether a child that touches p there survives. */
static int
survives(volatile uint8_t *p)
{
	pid_t pid;
	int status;

	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		/* Neither cmocka nor a sanitizer is to catch the fault. */
		signal(SIGSEGV, SIG_DFL);
		*p = 1;
		_exit(77);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 77) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	return WIFEXITED(status);
}

TEST(guard_pages_stand_on_both_sides)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p;

	assert_non_null(p = csn_secret_alloc(128, NULL));
	assert_true(survives(p));
	assert_true(survives(p + 127));
	assert_false(survives(p + 128));
	assert_true(survives(p + 128 - page));
	assert_false(survives(p + 127 - page));
	csn_secret_free(p, 128);
}

TEST(a_limit_on_locking_is_told_not_fatal)
{
	struct rlimit none = { 0, 0 };
	pid_t pid;
	int status, locked = -1;

	if (!mlock_is_real())
		test_skip("a sanitizer stands in for mlock");
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		/* Root locks past any limit. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (geteuid() == 0 && setuid(65534) != 0))
			_exit(2);
		if (csn_secret_alloc(32, &locked) == NULL)
			_exit(3);
		_exit(locked == 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

TEST(a_canary_is_wiped_by_a_fork)
{
	volatile uint64_t *p;
	pid_t pid;
	int status;

	assert_non_null(p = csn_canary_page());
	assert_int_equal(*p, 0);
	*p = 42;
	assert_true(mapped_with((const void *)p, "wf"));
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(*p == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(*p, 42);
	csn_canary_free((void *)p);
	csn_canary_free(NULL);
}

TEST(wiping_wipes_exactly)
{
	uint8_t buf[8];

	memset(buf, 7, sizeof(buf));
	csn_wipe(buf + 1, 6);
	assert_int_equal(buf[0], 7);
	assert_int_equal(buf[1] | buf[2] | buf[3] | buf[4] | buf[5] | buf[6],
	    0);
	assert_int_equal(buf[7], 7);
	csn_wipe(NULL, 0);
}

TEST(comparing_sees_each_bit)
{
	uint8_t a[33], b[33];
	size_t i;
	int bit;

	for (i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 37);
	memcpy(b, a, sizeof(b));
	assert_int_equal(csn_equal(a, b, sizeof(a)), 1);
	assert_int_equal(csn_equal(a, b, 0), 1);
	assert_int_equal(csn_equal(NULL, NULL, 0), 1);
	for (i = 0; i < sizeof(a); i++)
		for (bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(csn_equal(a, b, sizeof(a)), 0);
			b[i] ^= (uint8_t)(1 << bit);
		}
	b[32] ^= 1;
	assert_int_equal(csn_equal(a, b, 32), 1);
}
