/* SPDX-License-Identifier: Apache-2.0 */
/* test_freeze.c - one moment of a process, frozen or not. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/child.h"
#include "attest/look.h"
#include "base/alloc.h"
#include "lib/test.h"

#define PAGE csn_page_size()
#define SIZE (16 * PAGE)

static struct csn_ctx *ctx;
static struct child child;
static uint8_t *memory;
static struct csn_regions *regions;
static struct look look;

BEFORE_EACH
{
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	regions = NULL;
	assert_true(memory != MAP_FAILED);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_EACH
{
	csn_regions_close(regions);
	child_end(&child);
	(void)munmap(memory, SIZE);
	csn_ctx_free(ctx);
}

static void
open_memory(const char *options)
{
	char url[512];

	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx%s",
	    (long)child.pid, (unsigned long)(uintptr_t)memory,
	    (unsigned long)(uintptr_t)memory + SIZE, options);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &look), 0);
}

static void
hammer(int on)
{
	struct child_order o = {
		.verb = on ? CHILD_HAMMER : CHILD_CALM,
		.address = (uintptr_t)memory + 8 * PAGE
	};

	assert_int_equal(child_do(&child, &o), 0);
}

/* 1 where the child's busy byte is at work. */
static int
moves(void)
{
	uint8_t a, b;
	int i;

	for (i = 0; i < 200; i++) {
		assert_int_equal(csn_regions_read(regions, &look.region,
		    8 * PAGE, &a, 1), 0);
		(void)usleep(500);
		assert_int_equal(csn_regions_read(regions, &look.region,
		    8 * PAGE, &b, 1), 0);
		if (a != b)
			return 1;
	}
	return 0;
}

/* What holds under either freeze. */
static void
stands_still_between_begin_and_end(void)
{
	uint8_t *one = malloc(SIZE), *two = malloc(SIZE);

	assert_true(moves());
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, one,
	    SIZE), 0);
	(void)usleep(20000);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, two,
	    SIZE), 0);
	assert_memory_equal(one, two, SIZE);
	assert_int_equal(csn_regions_end(regions), 0);
	assert_true(moves());
	free(one);
	free(two);
}

TEST(sigstop_stops_every_thread_and_sets_them_going_again)
{
	child_start(&child);
	open_memory("&freeze=sigstop");
	hammer(1);
	stands_still_between_begin_and_end();
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(child_state(child.pid), 'T');
	assert_int_equal(csn_regions_end(regions), 0);
	assert_int_not_equal(child_state(child.pid), 'T');
	hammer(0);
}

TEST(what_was_stopped_before_stays_stopped)
{
	int i;

	child_start(&child);
	open_memory("&freeze=sigstop");
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	for (i = 0; i < 1000 && child_state(child.pid) != 'T'; i++)
		(void)usleep(1000);
	(void)usleep(50000);	/* its other threads, where it has some */
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_end(regions), 0);
	assert_int_equal(child_state(child.pid), 'T');
}

TEST(closing_in_the_middle_leaves_nothing_frozen)
{
	int i;

	child_start(&child);
	open_memory("&freeze=sigstop");
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(child_state(child.pid), 'T');
	csn_regions_close(regions);
	regions = NULL;
	for (i = 0; i < 1000 && child_state(child.pid) == 'T'; i++)
		(void)usleep(1000);
	assert_int_not_equal(child_state(child.pid), 'T');
}

TEST(a_stop_that_somebody_undid_is_noticed)
{
	int i;

	child_start(&child);
	open_memory("&freeze=sigstop");
	hammer(1);
	for (i = 0; i < 5; i++) {
		assert_int_equal(csn_regions_begin(regions), 0);
		assert_int_equal(kill(child.pid, SIGCONT), 0);
		(void)usleep(5000);
		/* Whether it is stopped again by then or not. */
		if (i % 2 != 0)
			assert_int_equal(kill(child.pid, SIGSTOP), 0);
		(void)usleep(5000);
		assert_int_equal(csn_regions_end(regions), CSN_E_BUSY);
		assert_non_null(strstr(csn_message(), "SIGCONT"));
	}
	/* Left alone it is one moment again. */
	stands_still_between_begin_and_end();
	hammer(0);
}

TEST(ptrace_holds_every_thread_and_sets_them_going_again)
{
	int i;

	child_start(&child);
	open_memory("&freeze=ptrace");
	hammer(1);
	for (i = 0; i < 5; i++)
		stands_still_between_begin_and_end();
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(child_state(child.pid), 't');
	assert_int_equal(csn_regions_end(regions), 0);
	assert_int_not_equal(child_state(child.pid), 't');
	hammer(0);
}

TEST(ptrace_leaves_stopped_what_was_stopped)
{
	int i;

	child_start(&child);
	open_memory("&freeze=ptrace");
	assert_int_equal(kill(child.pid, SIGSTOP), 0);
	for (i = 0; i < 1000 && child_state(child.pid) != 'T'; i++)
		(void)usleep(1000);
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_end(regions), 0);
	for (i = 0; i < 1000 && child_state(child.pid) != 'T'; i++)
		(void)usleep(1000);
	assert_int_equal(child_state(child.pid), 'T');
	assert_int_equal(kill(child.pid, SIGCONT), 0);
}

/* The attester: it begins to look, says so, and never comes to its end. */
static void
hold_for_ever(int say)
{
	struct csn_regions *mine;
	struct csn_ctx *own;
	char url[512];

	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx"
	    "&freeze=ptrace", (long)child.pid,
	    (unsigned long)(uintptr_t)memory,
	    (unsigned long)(uintptr_t)memory + SIZE);
	if (csn_ctx_new(NULL, &own) == 0 &&
	    csn_regions_open(own, url, &mine) == 0 &&
	    csn_regions_begin(mine) == 0 && write(say, "x", 1) == 1)
		for (;;)
			(void)pause();
	_exit(1);
}

TEST(a_killed_attester_leaves_nothing_stopped)
{
	int said[2], status, i;
	char byte;
	pid_t pid;

	child_start(&child);
	open_memory("");
	hammer(1);
	assert_int_equal(pipe(said), 0);
	if ((pid = fork()) == 0)
		hold_for_ever(said[1]);
	(void)close(said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	(void)close(said[0]);
	assert_int_equal(child_state(child.pid), 't');
	assert_false(moves());
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i < 1000 && child_state(child.pid) == 't'; i++)
		(void)usleep(1000);
	assert_true(moves());
	hammer(0);
}

TEST(a_process_does_not_stop_itself)
{
	char url[128];

	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx"
	    "&freeze=sigstop", (long)getpid(),
	    (unsigned long)(uintptr_t)memory,
	    (unsigned long)(uintptr_t)memory + SIZE);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(csn_regions_begin(regions), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "itself"));
}

static int
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	(void)close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Where cgroup2 is mounted, or NULL. */
static char *
cgroup_mount(void)
{
	char line[1024], *point = NULL, *save, *word;
	FILE *f = fopen("/proc/self/mounts", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		(void)strtok_r(line, " ", &save);
		point = strtok_r(NULL, " ", &save);
		word = strtok_r(NULL, " ", &save);
		if (word != NULL && strcmp(word, "cgroup2") == 0)
			break;
		point = NULL;
	}
	if (point != NULL)
		point = strdup(point);
	if (f != NULL)
		(void)fclose(f);
	return point;
}

TEST(a_control_group_freezes_as_a_whole)
{
	char group[512], path[600], number[32];
	char *mount = cgroup_mount();

	child_start(&child);
	if (mount == NULL)
		test_skip("no cgroup2 file system is mounted");
	(void)snprintf(group, sizeof(group), "%s/caisson-test-%ld", mount,
	    (long)getpid());
	free(mount);
	if (mkdir(group, 0755) != 0)
		test_skip("no control group can be made here");
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	(void)snprintf(number, sizeof(number), "%ld", (long)child.pid);
	if (write_text(path, number) != 0) {
		(void)rmdir(group);
		test_skip("no process can be put into a control group here");
	}
	open_memory("&freeze=cgroup");
	hammer(1);
	stands_still_between_begin_and_end();
	hammer(0);
	/* It is not stopped by a signal, and its parent hears nothing. */
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_not_equal(child_state(child.pid), 'T');
	assert_int_equal(csn_regions_end(regions), 0);
	child_end(&child);
	assert_int_equal(rmdir(group), 0);
}

TEST(the_group_that_holds_us_is_not_frozen)
{
	child_start(&child);
	open_memory("&freeze=cgroup");
	/* The child was born into our own group. */
	assert_int_equal(csn_regions_begin(regions), CSN_E_BACKEND);
	assert_int_not_equal(child_state(child.pid), 'T');
}

TEST(without_a_freeze_quiet_memory_is_one_moment)
{
	uint8_t *out = malloc(SIZE);

	child_start(&child);
	open_memory("");
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, out,
	    SIZE), 0);
	assert_int_equal(csn_regions_end(regions), 0);
	/* What changes afterwards is the next look's. */
	child_write(&child, memory, 7);
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_end(regions), 0);
	free(out);
}

TEST(without_a_freeze_a_write_meanwhile_is_noticed)
{
	uint8_t *out = malloc(SIZE);

	child_start(&child);
	open_memory("");
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, out,
	    SIZE), 0);
	child_write(&child, memory + SIZE - 1, 0x42);
	assert_int_equal(csn_regions_end(regions), CSN_E_BUSY);
	assert_non_null(strstr(csn_message(), "freeze=ptrace"));
	/* The next try finds it quiet. */
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, out,
	    SIZE), 0);
	assert_int_equal(csn_regions_end(regions), 0);
	assert_int_equal(out[SIZE - 1], 0x42);
	free(out);
}

TEST(without_a_freeze_a_mapping_that_changes_is_noticed)
{
	struct child_order o = {
		.verb = CHILD_PROTECT, .address = (uintptr_t)memory,
		.size = PAGE, .value = PROT_READ
	};
	uint8_t *out = malloc(SIZE);

	child_start(&child);
	open_memory("");
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &look.region, 0, out,
	    SIZE), 0);
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_equal(csn_regions_end(regions), CSN_E_BUSY);
	assert_non_null(strstr(csn_message(), "mappings"));
	free(out);
}
