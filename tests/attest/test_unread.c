/* SPDX-License-Identifier: Apache-2.0 */
/* test_unread.c - pages that others have to provide, and do not. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/child.h"
#include "attest/look.h"
#include "base/alloc.h"
#include "lib/test.h"

#define PAGE csn_page_size()
#define SIZE (4 * PAGE)
#define FOREVER "600000"	/* ms; a test that waits for it fails */

static struct csn_ctx *ctx;
static struct csn_regions *regions;
static uint8_t *memory;		/* the same place in the child */
static pid_t pid;
static int stop_after;		/* looks whether to go on; 0: never */

static int
stopped(void *arg)
{
	(void)arg;
	return stop_after > 0 && --stop_after == 0;
}

BEFORE_EACH
{
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .stopped = stopped };

	stop_after = 0;
	memory = NULL;
	regions = NULL;
	pid = 0;
	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
}

AFTER_EACH
{
	csn_regions_close(regions);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	if (memory != NULL)
		(void)munmap(memory, SIZE);
	csn_ctx_free(ctx);
}

/* From here on nobody provides the pages that are not there. */
static int
provide_no_more(void *p, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uint64_t)(uintptr_t)p, size },
		.mode = UFFDIO_REGISTER_MODE_MISSING
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	return fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &reg) != 0 ? -1 : 0;
}

/*
 * A process that has memory, [from, to) of it under a userfaultfd and
 * without pages. 0 where this kernel or our rights have none.
 */
static int
begin(size_t from, size_t to)
{
	char answer = 'n';
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (provide_no_more(memory + from, to - from) == 0)
			answer = 'y';
		(void)madvise(memory + from, to - from, MADV_DONTNEED);
		if (write(ends[1], &answer, 1) == 1)
			(void)pause();
		_exit(0);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &answer, 1), 1);
	(void)close(ends[0]);
	return answer == 'y';
}

static int
open_memory(const char *options)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx%s",
	    (long)pid, (unsigned long)(uintptr_t)memory,
	    (unsigned long)(uintptr_t)memory + SIZE, options);
	return csn_regions_open(ctx, url, &regions);
}

static void
says(const char *words)
{
	if (strstr(csn_message(), words) == NULL)
		fail_msg("not said: %s\nbut: %s", words,
		    csn_message());
}

static void
make_anonymous(void)
{
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
}

/* A file of a file system, as far as anybody can tell. */
static void
make_file(void)
{
	char path[] = "/dev/shm/csn-unread-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0) {
		print_message("/dev/shm has no room for files\n");
		skip();
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(fd, (off_t)SIZE), 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	(void)close(fd);
}

static void
need(int have)
{
	if (!have) {
		print_message("this kernel gives us no userfaultfd\n");
		skip();
	}
}

TEST(a_page_under_a_userfaultfd_is_an_error_at_once_and_named)
{
	static const char *const ways[] = { "none", "sigstop", "ptrace" };
	char options[64], where[64];
	uint8_t *out;
	struct look l;
	size_t i;

	make_anonymous();
	memset(memory, 7, SIZE);
	need(begin(PAGE, 2 * PAGE));
	out = malloc(SIZE);
	assert_non_null(out);
	(void)snprintf(where, sizeof(where), "0x%lx",
	    (unsigned long)(uintptr_t)memory + PAGE);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)snprintf(options, sizeof(options),
		    "&freeze=%s&timeout=" FOREVER, ways[i]);
		assert_int_equal(open_memory(options), 0);
		assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
		assert_int_equal(csn_regions_begin(regions), 0);
		assert_int_equal(csn_regions_read(regions, &l.region, 0, out,
		    SIZE), CSN_E_BACKEND);
		says(where);
		says("userfaultfd");
		says(l.id);
		/* Neither side of it is kept from anybody. */
		assert_int_equal(csn_regions_read(regions, &l.region, 0, out,
		    PAGE), 0);
		assert_int_equal(out[PAGE - 1], 7);
		assert_int_equal(csn_regions_read(regions, &l.region,
		    2 * PAGE, out, PAGE), 0);
		assert_int_equal(csn_regions_end(regions), 0);
		csn_regions_close(regions);
		regions = NULL;
		assert_int_not_equal(child_state(pid), 'T');
	}
	free(out);
}

TEST(a_page_of_a_file_that_does_not_come_is_not_waited_for)
{
	uint8_t *out;
	struct look l;

	make_file();
	need(begin(0, SIZE));
	out = malloc(PAGE);
	assert_non_null(out);
	assert_int_equal(open_memory("&freeze=ptrace&timeout=50"), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, PAGE),
	    CSN_E_BACKEND);
	says("did not come within 50 ms");
	says("file system");
	/* And once more: what was left does not stand in the way. */
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, PAGE),
	    CSN_E_BACKEND);
	says("did not come within 50 ms");
	assert_int_equal(csn_regions_end(regions), 0);
	/* Not stopped: it may be on its way back to where it waits. */
	assert_null(strchr("Tt", child_state(pid)));
	free(out);
}

TEST(who_is_called_off_leaves_a_page_that_does_not_come)
{
	uint8_t *out;
	struct look l;

	make_file();
	need(begin(0, SIZE));
	out = malloc(PAGE);
	assert_non_null(out);
	assert_int_equal(open_memory("&freeze=ptrace&timeout=" FOREVER), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(csn_regions_begin(regions), 0);
	stop_after = 2;
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, PAGE),
	    CSN_E_CANCELLED);
	assert_int_equal(csn_regions_end(regions), 0);
	/* Not stopped: it may be on its way back to where it waits. */
	assert_null(strchr("Tt", child_state(pid)));
	free(out);
}

TEST(nobody_else_hears_of_the_process_that_reads)
{
	uint8_t *out;
	struct look l;
	int status;

	make_anonymous();
	need(begin(0, PAGE));
	out = malloc(PAGE);
	assert_non_null(out);
	assert_int_equal(open_memory(""), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, PAGE, out,
	    PAGE), 0);
	/* The workload is the only child that this program has made. */
	assert_int_equal(waitpid(-1, &status, WNOHANG), 0);
	csn_regions_close(regions);
	regions = NULL;
	assert_int_equal(waitpid(-1, &status, WNOHANG), 0);
	free(out);
}
