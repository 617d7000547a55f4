/* SPDX-License-Identifier: Apache-2.0 */
/* test_process.c - another process's memory, picked, read and named. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attest/child.h"
#include "attest/look.h"
#include "base/alloc.h"
#include "lib/test.h"

#define PAGE csn_page_size()
#define SIZE (16 * PAGE)

static struct csn_ctx *ctx;
static struct child child;
static uint8_t *memory;		/* the same place in the child */
static struct csn_regions *regions;
static char url[512];

BEFORE_EACH
{
	size_t i;

	memory = mmap(NULL, SIZE + 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_false(memory == MAP_FAILED || csn_ctx_new(NULL, &ctx) != 0);
	/* A gap before and behind. */
	(void)munmap(memory, PAGE);
	memory += PAGE;
	(void)munmap(memory + SIZE, PAGE);
	for (i = 0; i < SIZE; i++)
		memory[i] = (uint8_t)(i * 7 + i / PAGE);
	regions = NULL;
}

AFTER_EACH
{
	csn_regions_close(regions);
	child_end(&child);
	(void)munmap(memory, SIZE);
	csn_ctx_free(ctx);
}

/* Open what the child holds in memory, with more options. */
static int
open_memory(const char *options)
{
	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx%s",
	    (long)child.pid, (unsigned long)(uintptr_t)memory,
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

TEST(an_address_range_is_read_as_it_is)
{
	static uint8_t out[16 * 65536];
	struct look l;

	child_start(&child);
	assert_int_equal(open_memory(""), 0);
	assert_string_equal(csn_regions_platform(regions), "linux-process");
	assert_int_equal(look_count(regions), 1);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(l.region.size, SIZE);
	assert_int_equal(l.region.protection, CSN_PROT_RW);
	assert_int_equal(l.region.immutable, 0);
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, SIZE),
	    0);
	assert_memory_equal(out, memory, SIZE);
	child_write(&child, memory + 5000, 0xaa);
	assert_int_equal(csn_regions_read(regions, &l.region, 5000, out, 1),
	    0);
	assert_int_equal(out[0], 0xaa);
	/* It was the child's own page, not ours. */
	assert_int_not_equal(memory[5000], 0xaa);
}

TEST(mappings_are_picked_by_path_and_permission)
{
	char id[CSN_REGION_ID_MAX + 1];
	uint8_t *out;
	struct look l;

	child_start(&child);
	(void)snprintf(url, sizeof(url),
	    "process:%ld?path=*/test_attest_process&perms=r-xp",
	    (long)child.pid);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_count(regions), 1);
	assert_int_equal(look_at(regions,
	    (uint64_t)(uintptr_t)&says, &l), 0);
	assert_int_equal(l.region.protection, CSN_PROT_RX);
	assert_non_null(strstr(l.id, "test_attest_process+0x"));
	assert_non_null(strstr(l.description, "r-xp"));
	/* Our own text is the same, for we are its parent. */
	out = malloc(l.region.size);
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out,
	    l.region.size), 0);
	assert_memory_equal(out, (void *)(uintptr_t)l.region.address,
	    l.region.size);
	free(out);
	(void)snprintf(id, sizeof(id), "%s", l.id);
	csn_regions_close(regions);
	/* Another process of the program has it under the same id. */
	child_end(&child);
	child_start(&child);
	(void)snprintf(url, sizeof(url),
	    "process:%ld?path=/nowhere*&path=*test_attest%%5Fprocess"
	    "&perms=...s&perms=r-x.", (long)child.pid);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_for(regions, id, &l), 0);
	assert_int_equal(look_count(regions), 1);
}

static void *
rest(void *arg)
{
	atomic_store((_Atomic pid_t *)arg, (pid_t)syscall(SYS_gettid));
	for (;;)
		(void)pause();
	return NULL;
}

TEST(what_is_no_process_of_its_own_is_called_what_it_is)
{
	_Atomic pid_t tid = 0;
	char stat[64];
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, rest, &tid), 0);
	while (atomic_load(&tid) == 0)
		(void)sched_yield();
	(void)snprintf(url, sizeof(url), "process:%ld?perms=....",
	    (long)atomic_load(&tid));
	assert_int_equal(csn_regions_open(ctx, url, &regions), CSN_E_BACKEND);
	(void)snprintf(stat, sizeof(stat), "is a thread of process %ld",
	    (long)getpid());
	says(stat);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	child_start(&child);
	assert_int_equal(open_memory(""), 0);
	(void)kill(child.pid, SIGKILL);
	while (child_state(child.pid) != 'Z')
		(void)sched_yield();
	assert_int_equal(csn_regions_begin(regions), CSN_E_BACKEND);
	says("killed by signal 9");
	/* In a container there may be none to see. */
	if (access("/proc/2/status", F_OK) != 0 ||
	    access("/proc/2/exe", F_OK) == 0)
		return;
	csn_regions_close(regions);
	regions = NULL;
	if (csn_regions_open(ctx, "process:2?perms=....", &regions) == 0)
		return;
	says("2 is a thread of the kernel");
}

TEST(what_the_program_may_not_read_itself_is_measured_too)
{
	static const struct {
		int prot;
		uint32_t protection;
		const char *said;
	} kinds[] = {
		{ PROT_EXEC, CSN_PROT_RX, "--xp" },
		{ PROT_WRITE, CSN_PROT_RW, "-w-p" },
		{ PROT_WRITE | PROT_EXEC, CSN_PROT_RW, "-wxp" },
	};
	struct child_order o = {
		.verb = CHILD_PROTECT, .address = (uintptr_t)memory,
		.size = SIZE
	};
	uint8_t *out = malloc(SIZE);
	struct look l;
	size_t i;

	assert_non_null(out);
	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?perms=....",
	    (long)child.pid);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		o.value = (uint32_t)kinds[i].prot;
		assert_int_equal(child_do(&child, &o), 0);
		assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
		assert_int_equal(l.region.size, SIZE);
		assert_int_equal(l.region.protection, kinds[i].protection);
		assert_non_null(strstr(l.description, kinds[i].said));
		memset(out, 0, SIZE);
		assert_int_equal(csn_regions_read(regions, &l.region, 0, out,
		    SIZE), 0);
		assert_memory_equal(out, memory, SIZE);
	}
	/* What it cannot use at all is nowhere. */
	o.value = PROT_NONE;
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_not_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	free(out);
}

TEST(every_readable_mapping_can_be_listed_and_read)
{
	uint8_t *out = malloc(1 << 20);
	struct look l;
	int n;

	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?perms=r...",
	    (long)child.pid);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	n = look_count(regions);
	assert_in_range(n, 5, 2000);
	/* The stack and the heap of a process have no file. */
	assert_int_equal(look_for(regions, "[stack]", &l), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, l.region.size -
	    16, out, 16), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(strncmp(l.id, "anon@0x", 7), 0);
	free(out);
}

TEST(what_is_not_mapped_is_not_read)
{
	struct child_order unmap = {
		.verb = CHILD_UNMAP, .size = PAGE,
		.address = (uintptr_t)memory + 4 * PAGE
	};
	struct csn_region other;
	static uint8_t out[16 * 65536];
	struct look l;

	child_start(&child);
	assert_int_equal(open_memory(""), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	/* A region of one's own making is not registered. */
	other = l.region;
	other.address -= PAGE;
	assert_int_equal(csn_regions_read(regions, &other, 0, out, 1),
	    CSN_E_REGION);
	other = l.region;
	other.size += PAGE;
	assert_int_equal(csn_regions_read(regions, &other, SIZE, out, 1),
	    CSN_E_REGION);
	assert_int_equal(csn_regions_read(regions, &l.region, SIZE, out, 1),
	    CSN_E_REGION);
	assert_int_equal(child_do(&child, &unmap), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, SIZE),
	    CSN_E_BACKEND);
	says("no memory to read");
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out,
	    4 * PAGE), 0);
	assert_int_equal(look_count(regions), CSN_E_REGION);
	says("mapped");
}

TEST(a_process_that_exits_is_missed)
{
	struct child_order quit = { .verb = CHILD_EXIT };
	uint8_t out[16];
	siginfo_t info;
	struct look l;
	int status;

	child_start(&child);
	assert_int_equal(open_memory(""), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(child_do(&child, &quit), 0);
	/* With all of its threads: the first may be a zombie before them. */
	assert_int_equal(waitid(P_PID, (id_t)child.pid, &info,
	    WEXITED | WNOWAIT), 0);
	/* First a zombie, then nothing. */
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, 16),
	    CSN_E_BACKEND);
	says("has exited");
	assert_int_equal(csn_regions_begin(regions), CSN_E_BACKEND);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_int_equal(csn_regions_read(regions, &l.region, 0, out, 16),
	    CSN_E_BACKEND);
	says("has exited");
	assert_int_equal(look_count(regions), CSN_E_BACKEND);
	csn_regions_close(regions);
	regions = NULL;
	assert_int_equal(csn_regions_open(ctx, url, &regions),
	    CSN_E_BACKEND);
	says("there is no process");
	(void)close(child.fd);
	child.pid = 0;
}

TEST(a_process_that_becomes_another_program_is_noticed)
{
	struct child_order exec = { .verb = CHILD_EXEC };
	uint8_t out[16];
	struct look l;
	int i, rc = 0;

	child_start(&child);
	assert_int_equal(open_memory(""), 0);
	assert_int_equal(look_at(regions, (uintptr_t)memory, &l), 0);
	assert_int_equal(child_do(&child, &exec), 0);
	for (i = 0; i < 1000 && rc == 0; i++) {
		rc = csn_regions_read(regions, &l.region, 0, out, 16);
		(void)usleep(1000);
	}
	assert_int_equal(rc, CSN_E_BACKEND);
	says("another program");
	assert_int_equal(csn_regions_begin(regions), CSN_E_BACKEND);
	assert_int_equal(look_count(regions), CSN_E_BACKEND);
	says("another program");
}

TEST(what_is_not_permitted_says_what_would_permit_it)
{
	pid_t pid;
	int status;

	/* As root we may read anything: give that up in a child. */
	if ((pid = fork()) == 0) {
		int rc;

		if (getuid() == 0 && (setgid(65534) != 0 ||
		    setuid(65534) != 0))
			_exit(2);
		rc = csn_regions_open(ctx, "process:1?perms=r-xp", &regions);
		_exit(rc == CSN_E_BACKEND && strstr(csn_message(),
		    "CAP_SYS_PTRACE") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(urls_are_checked)
{
	static const char *const bad[] = {
		"process:", "process:x?note=1", "process:0?note=1",
		"process:1", "process:1?", "process:1?path=",
		"process:1?perms=rwx", "process:1?perms=rwxq",
		"process:1?address=1-2", "process:1?address=0x2-0x1",
		"process:1?address=0x1-0x2z", "process:1?address=0x-0x2",
		"process:1?address=0x1-0x11112222333344445",
		"process:1?note=here", "process:1?note=1&freeze=maybe",
		"process:1?note=1&timeout=0", "process:1?note=1&compare=2",
		"process:1?note=1&colour=red", "process:1?note",
		"process:1?path=%zz", "process:1?path=%00",
		"process:99999999999999999999?note=1",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (csn_regions_open(ctx, bad[i], &regions) != CSN_E_ARG)
			fail_msg("%s: %s", bad[i], csn_message());
	}
	/* The last was a number; it is told what is wrong with it. */
	says("past 4194304");
	assert_int_equal(csn_regions_open(ctx, "process:99999999?note=1",
	    &regions), CSN_E_ARG);
	says("process:99999999 is past 4194304");
	assert_int_equal(csn_regions_open(ctx, "process:000?note=1",
	    &regions), CSN_E_ARG);
	says("a process is named by its number");
	assert_int_equal(csn_regions_open(ctx, "1234", &regions), CSN_E_ARG);
	says("such as process:1234?note=1, not 1234");
}

TEST(a_note_names_regions_and_is_held_to_what_is_mapped)
{
	char *folder = folder_new();
	struct child_order o = { .verb = CHILD_NOTE };
	uint8_t out[100];
	struct look l;
	char path[256];

	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?note=%s",
	    (long)child.pid, folder);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_count(regions), CSN_E_BACKEND);
	says("has left no note");
	(void)snprintf(o.text, sizeof(o.text), "%s", folder);
	assert_int_equal(child_do(&child, &o), 0);
	o.verb = CHILD_REGISTER;
	o.address = (uintptr_t)memory + 100;
	o.size = 5000;
	o.value = CSN_PROT_RW;
	(void)snprintf(o.text, sizeof(o.text), "weights");
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_equal(look_count(regions), 1);
	assert_int_equal(look_for(regions, "weights", &l), 0);
	assert_string_equal(l.description, "registered by the child");
	assert_int_equal(csn_regions_read(regions, &l.region, 4900, out,
	    100), 0);
	assert_memory_equal(out, memory + 5000, 100);
	/* The note may not call read-only what can be written. */
	o.address += 5000;
	o.value = CSN_PROT_RO;
	(void)snprintf(o.text, sizeof(o.text), "constants");
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_equal(look_count(regions), CSN_E_REGION);
	says("can write to it");
	/* Read-only for the moment is less than for good. */
	o.verb = CHILD_PROTECT;
	o.address = (uintptr_t)memory;
	o.size = SIZE;
	o.value = PROT_READ;
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_equal(look_for(regions, "constants", &l), 0);
	assert_int_equal(l.region.protection, CSN_PROT_R);
	/* A note that others could have written is not believed. */
	(void)snprintf(path, sizeof(path), "chmod g+w %s/*.json", folder);
	assert_int_equal(system(path), 0);
	assert_int_equal(look_count(regions), CSN_E_BACKEND);
	says("others");
	folder_remove(folder);
}

/*
 * A memfd of one page with those seals, mapped read-only. Its descriptor
 * stays open, for who may not look into map_files.
 */
static uint8_t *
sealed_memfd(const char *name, int seals, int flags, int *out)
{
	char path[64];
	uint8_t *p;
	int fd, ro;

	fd = *out = memfd_create(name, MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
	assert_int_equal(pwrite(fd, "model", 5, 0), 5);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	assert_true(ro >= 0);
	p = mmap(NULL, PAGE, PROT_READ, flags, ro, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	(void)close(ro);
	return p;
}

TEST(a_memfd_is_immutable_only_when_it_is_sealed_for_good)
{
	const int write = F_SEAL_WRITE, shrink = F_SEAL_SHRINK;
	struct child_order o = { .verb = CHILD_REMAP, .size = PAGE };
	uint8_t *good, *future, *cut, *copy, *other;
	uint32_t first;
	int fds[5], i;
	struct look l;
	struct csn_range r;
	size_t n = 9;

	good = sealed_memfd("good", write | shrink | F_SEAL_GROW, MAP_SHARED,
	    &fds[0]);
	future = sealed_memfd("future", F_SEAL_FUTURE_WRITE | shrink,
	    MAP_SHARED, &fds[1]);
	cut = sealed_memfd("cut", write, MAP_SHARED, &fds[2]);
	copy = sealed_memfd("copy", write | shrink, MAP_PRIVATE, &fds[3]);
	/* Of the same name, unmapped: it will take the first one's place. */
	other = sealed_memfd("good", write | shrink, MAP_SHARED, &fds[4]);
	assert_int_equal(munmap(other, PAGE), 0);
	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?path=/memfd:*",
	    (long)child.pid);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_count(regions), 4);
	assert_int_equal(look_for(regions, "memfd:good+0x0", &l), 0);
	assert_int_not_equal(l.region.immutable, 0);
	assert_int_equal(l.region.protection, CSN_PROT_RO);
	first = l.region.immutable;
	assert_int_equal(csn_regions_dirty(regions, &l.region, &r, 1, &n), 0);
	assert_int_equal(n, 0);
	/* Older writable mappings stay writable. */
	assert_int_equal(look_for(regions, "memfd:future+0x0", &l), 0);
	assert_int_equal(l.region.immutable, 0);
	/* Cut and grown again it would be zero. */
	assert_int_equal(look_for(regions, "memfd:cut+0x0", &l), 0);
	assert_int_equal(l.region.immutable, 0);
	/* A debugger's write makes a copy of a private page. */
	assert_int_equal(look_for(regions, "memfd:copy+0x0", &l), 0);
	assert_int_equal(l.region.immutable, 0);
	assert_int_equal(l.region.protection, CSN_PROT_R);
	/* It is the same still; another sealed one in its place is not. */
	assert_int_equal(look_for(regions, "memfd:good+0x0", &l), 0);
	assert_int_equal(l.region.immutable, first);
	o.address = (uintptr_t)good;
	o.value = (uint32_t)fds[4];
	assert_int_equal(child_do(&child, &o), 0);
	assert_int_equal(look_for(regions, "memfd:good+0x0", &l), 0);
	assert_true(l.region.address == (uintptr_t)good);
	assert_int_not_equal(l.region.immutable, 0);
	assert_int_not_equal(l.region.immutable, first);
	(void)munmap(good, PAGE);
	(void)munmap(future, PAGE);
	(void)munmap(cut, PAGE);
	(void)munmap(copy, PAGE);
	for (i = 0; i < 5; i++)
		(void)close(fds[i]);
}

/* A region that goes on behind what is sealed can be written there. */
TEST(a_region_that_is_sealed_in_part_is_not_immutable)
{
	uint8_t *sealed, *area;
	struct look l;
	int fd;

	sealed = sealed_memfd("part", F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW, MAP_SHARED, &fd);
	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	area[PAGE] = 1;
	assert_ptr_equal(mremap(sealed, PAGE, PAGE, MREMAP_MAYMOVE |
	    MREMAP_FIXED, area), area);
	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx",
	    (long)child.pid, (unsigned long)(uintptr_t)area,
	    (unsigned long)(uintptr_t)area + 2 * PAGE);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_at(regions, (uintptr_t)area, &l), 0);
	assert_int_equal(l.region.size, 2 * PAGE);
	assert_int_equal(l.region.immutable, 0);
	(void)munmap(area, 2 * PAGE);
	(void)close(fd);
}

TEST(a_mapping_of_a_file_is_compared_with_it)
{
	char path[] = "/tmp/csn-mapped-XXXXXX", mem[64];
	uint8_t *p, byte = 0xff;
	struct look l;
	int fd, i;

	assert_true((fd = mkstemp(path)) >= 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(write(fd, memory, PAGE), PAGE);
	/* An end in the middle of a page: the rest is zero. */
	assert_int_equal(write(fd, memory, 100), 100);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	(void)close(fd);
	child_start(&child);
	(void)snprintf(url, sizeof(url), "process:%ld?path=%s&compare=1",
	    (long)child.pid, path);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_at(regions, (uintptr_t)p, &l), 0);
	assert_non_null(strstr(l.description, "as in its file"));
	/* A debugger writes to the process's copy; the file stays. */
	(void)snprintf(mem, sizeof(mem), "/proc/%ld/mem", (long)child.pid);
	if ((fd = open(mem, O_RDWR)) < 0)
		test_skip("this system forbids writing to another process");
	if (pwrite(fd, &byte, 1, (off_t)(uintptr_t)p + 5000) != 1) {
		(void)close(fd);
		(void)unlink(path);
		test_skip("this kernel forbids writing through read-only "
		    "mappings");
	}
	(void)close(fd);
	assert_int_equal(look_at(regions, (uintptr_t)p, &l), 0);
	assert_non_null(strstr(l.description, "differs from its file in 1 "
	    "pages, first at 0x1000"));
	(void)unlink(path);
	assert_int_equal(look_at(regions, (uintptr_t)p, &l), 0);
	assert_non_null(strstr(l.description, "deleted"));
	(void)munmap(p, 4 * PAGE);
}
