/* SPDX-License-Identifier: Apache-2.0 */
/* test_pagemap.c - which pages were written, as the kernel tells it. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attest/child.h"
#include "attest/look.h"
#include "base/alloc.h"
#include "lib/test.h"
#include "providers/region/look/pagemap.h"

#define PAGE csn_page_size()
#define PAGES ((size_t)1024)
#define SIZE (PAGES * PAGE)

static struct csn_ctx *ctx;
static struct child child;
static uint8_t *memory;		/* the child's own copy, at this place */
static uint8_t *shared;		/* one memfd, in both processes */
static uint8_t *alias;		/* the same memfd once more */
static struct csn_regions *regions;
static char *folder;

static int
count(void *arg, uint64_t start, uint64_t end)
{
	*(size_t *)arg += (size_t)((end - start) / PAGE);
	return 0;
}

/* 0 where the kernel here can do it at all. */
static int
can_track(void)
{
	size_t n = 0;
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int uffd, rc;

	p[0] = 1;
	rc = csn_pagemap_track(ctx, (uintptr_t)p, (uintptr_t)p + PAGE, &uffd);
	if (rc == 0) {
		p[0] = 2;
		rc = csn_pagemap_scan(ctx, fd, (uintptr_t)p,
		    (uintptr_t)p + PAGE, 1, count, &n);
		(void)close(uffd);
	}
	(void)close(fd);
	(void)munmap(p, PAGE);
	return rc != 0 ? rc : n == 1 ? 0 : CSN_E_BACKEND;
}

static void
order(uint32_t verb, const void *address, size_t size, const char *text)
{
	struct child_order o = {
		.verb = verb, .address = (uintptr_t)address, .size = size,
		.value = CSN_PROT_RW
	};

	(void)snprintf(o.text, sizeof(o.text), "%s", text);
	assert_int_equal(child_do(&child, &o), 0);
}

BEFORE_EACH
{
	char url[128];
	int fd;

	regions = NULL;
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	folder = folder_new();
	fd = memfd_create("shared", 0);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)SIZE), 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	alias = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	memset(memory, 1, SIZE);
	memset(shared, 1, SIZE);
	if (can_track() != 0)
		return;
	child_start(&child);
	order(CHILD_NOTE, NULL, 0, folder);
	order(CHILD_REGISTER, memory, SIZE, "tracked");
	order(CHILD_REGISTER, shared, SIZE, "shared");
	order(CHILD_TRACK, NULL, 0, "tracked");
	order(CHILD_TRACK, NULL, 0, "shared");
	(void)snprintf(url, sizeof(url), "process:%ld?note=%s",
	    (long)child.pid, folder);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
}

AFTER_EACH
{
	struct child_order leave = { .verb = CHILD_NOTE, .text = "/tmp" };

	csn_regions_close(regions);
	if (child.pid > 0)
		(void)child_do(&child, &leave);	/* removes the first */
	child_end(&child);
	folder_remove(folder);
	(void)munmap(memory, SIZE);
	(void)munmap(shared, SIZE);
	(void)munmap(alias, SIZE);
	csn_ctx_free(ctx);
}

#define NEEDS_TRACKING() do {						\
	if (regions == NULL)						\
		test_skip("this kernel or its settings have no "	\
		    "PAGEMAP_SCAN with userfaultfd");			\
} while (0)

TEST(dirty_ranges_are_the_pages_that_were_written)
{
	struct csn_range r[8];
	struct look l;
	size_t n = 9;

	NEEDS_TRACKING();
	assert_int_equal(look_for(regions, "tracked", &l), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 0);
	child_write(&child, memory + 3 * PAGE + 17, 9);
	child_write(&child, memory + 4 * PAGE, 9);
	child_write(&child, memory + SIZE - 1, 9);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(r[0].offset, 3 * PAGE);
	assert_int_equal(r[0].len, 2 * PAGE);
	assert_int_equal(r[1].offset, SIZE - PAGE);
	assert_int_equal(r[1].len, PAGE);
	/* It was told once. */
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 0);
	/* Written again it is told again. */
	child_write(&child, memory + 3 * PAGE, 9);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 1);
}

TEST(a_debuggers_write_is_seen)
{
	struct look l;
	struct csn_range r[8];
	uint8_t byte = 0xee;
	char path[64];
	size_t n;
	int fd;

	NEEDS_TRACKING();
	assert_int_equal(look_for(regions, "tracked", &l), 0);
	(void)snprintf(path, sizeof(path), "/proc/%ld/mem", (long)child.pid);
	if ((fd = open(path, O_RDWR)) < 0)
		test_skip("this system forbids writing to another process");
	assert_int_equal(pwrite(fd, &byte, 1,
	    (off_t)(uintptr_t)memory + 100), 1);
	(void)close(fd);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].offset, 0);
}

TEST(too_many_ranges_say_so_and_are_told_only_once)
{
	struct csn_range r[8];
	struct look l;
	size_t n, i;

	NEEDS_TRACKING();
	assert_int_equal(look_for(regions, "tracked", &l), 0);
	/* More than one call of the kernel's returns, too. */
	for (i = 0; i < PAGES; i += 2)
		child_write(&child, memory + i * PAGE, 5);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n),
	    CSN_E_BUFFER);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 0);
}

TEST(memory_that_nobody_tracks_does_not_look_clean)
{
	struct csn_range r[8];
	struct look l;
	size_t n;

	NEEDS_TRACKING();
	order(CHILD_REGISTER, alias, SIZE, "untracked");
	assert_int_equal(look_for(regions, "untracked", &l), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "not tracked"));
}

TEST(a_region_that_shares_a_page_is_not_tracked)
{
	uint8_t *odd;
	struct csn_range r[8];
	struct look l;
	char url[256];
	size_t n;

	NEEDS_TRACKING();
	odd = memory + 2 * PAGE + 5;
	csn_regions_close(regions);
	(void)snprintf(url, sizeof(url), "process:%ld?address=0x%lx-0x%lx",
	    (long)child.pid, (unsigned long)(uintptr_t)odd,
	    (unsigned long)(uintptr_t)odd + PAGE);
	assert_int_equal(csn_regions_open(ctx, url, &regions), 0);
	assert_int_equal(look_at(regions, (uintptr_t)odd, &l), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n),
	    CSN_E_BACKEND);
}

TEST(a_write_through_a_second_mapping_is_not_seen)
{
	struct csn_range r[8];
	uint8_t out = 0;
	struct look l;
	size_t n;

	NEEDS_TRACKING();
	assert_int_equal(look_for(regions, "shared", &l), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	child_write(&child, shared + PAGE, 0x11);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 1);
	/*
	 * The limit that makes this an optimisation and never evidence: the
	 * byte is another one, and nothing was said. Only reading it all
	 * again finds it.
	 */
	alias[5 * PAGE] = 0x77;
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(csn_regions_read(regions, &l.region, 5 * PAGE, &out,
	    1), 0);
	assert_int_equal(out, 0x77);
}

TEST(tracking_spares_the_second_reading_and_still_notices)
{
	struct csn_range r[8];
	uint8_t out[64];
	struct look l;
	size_t n;

	NEEDS_TRACKING();
	assert_int_equal(look_for(regions, "tracked", &l), 0);
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, PAGE, out, 64),
	    0);
	assert_int_equal(csn_regions_end(regions), 0);
	assert_int_equal(csn_regions_begin(regions), 0);
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(csn_regions_read(regions, &l.region, PAGE, out, 64),
	    0);
	child_write(&child, memory + PAGE, 0x42);
	assert_int_equal(csn_regions_end(regions), CSN_E_BUSY);
	/* Looking did not make it forget. */
	assert_int_equal(csn_regions_dirty(regions, &l.region, r, 8, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(r[0].offset, PAGE);
}
