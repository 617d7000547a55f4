/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tee.c - what a guest's manifest names, looked at from inside: the
 * suite of every provider over each kind of source, and what is special.
 */
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include "attest/child.h"
#include "attest/region_suite.h"
#include "attest/stage.h"
#include "lib/test.h"
#include "providers/region/sealed.h"

#define SIZE ((size_t)40 * 4096)

static struct stage s;
static struct child child;
static char path[300];

static void
fill(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 11 + i / 4096);
}

/* The manifest of these regions. */
static void
manifest(const char *regions)
{
	char *text;

	assert_true(asprintf(&text, "{\"version\":1,\"workload\":\"%s\","
	    "\"regions\":[%s]}", STAGE_WORKLOAD, regions) > 0);
	file_write(s.manifest, text, strlen(text));
	free(text);
}

static int
open_it(struct csn_ctx *ctx, struct csn_regions **out)
{
	char *url = stage_url(&s, "");
	int rc = csn_regions_open(ctx, url, out);

	free(url);
	return rc;
}

/* --- the suite over each kind of source --------------------------------- */

static const char *
start_with(struct region_world *w, struct csn_ctx *ctx, const char *where)
{
	char region[512];

	(void)snprintf(region, sizeof(region), "{\"id\":\"suite\","
	    "\"description\":\"for the suite\",\"protection\":\"RW\",%s}",
	    where);
	manifest(region);
	if (open_it(ctx, &w->regions) != 0)
		fail_msg("%s", csn_message());
	return NULL;
}

static const char *
process_start(struct region_world *w, struct csn_ctx *ctx)
{
	char where[200];

	stage_start(&s, strcmp(w->platform, "tdx") == 0, 0);
	w->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(w->bytes, MAP_FAILED);
	w->size = SIZE;
	fill(w->bytes, SIZE);
	child_start(&child);
	(void)snprintf(where, sizeof(where), "\"pid\":%ld,\"address\":\"%p\","
	    "\"size\":%zu", (long)child.pid, (void *)w->bytes, SIZE);
	return start_with(w, ctx, where);
}

static void
process_write(struct region_world *w, uint64_t offset, uint8_t value)
{
	child_write(&child, w->bytes + offset, value);
}

static void
process_stop(struct region_world *w)
{
	child_end(&child);
	(void)munmap(w->bytes, SIZE);
	stage_end(&s);
}

static void
file_begin(struct region_world *w)
{
	stage_start(&s, strcmp(w->platform, "tdx") == 0, 0);
	assert_non_null(w->bytes = malloc(SIZE));
	w->size = SIZE;
	fill(w->bytes, SIZE);
	(void)snprintf(path, sizeof(path), "%s/memory", s.folder);
	file_write(path, w->bytes, SIZE);
}

static const char *
file_start(struct region_world *w, struct csn_ctx *ctx)
{
	char where[400];

	file_begin(w);
	(void)snprintf(where, sizeof(where), "\"file\":\"%s\"", path);
	return start_with(w, ctx, where);
}

/* A file in the place of the device that shows physical memory. */
static const char *
physical_start(struct region_world *w, struct csn_ctx *ctx)
{
	char where[400];

	file_begin(w);
	(void)snprintf(where, sizeof(where), "\"physical\":0,\"mem\":\"%s\","
	    "\"size\":%zu", path, SIZE);
	return start_with(w, ctx, where);
}

static void
file_put(struct region_world *w, uint64_t offset, uint8_t value)
{
	FILE *f = fopen(path, "r+be");

	(void)w;
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_equal(fputc(value, f), value);
	assert_int_equal(fclose(f), 0);
}

static void
file_stop(struct region_world *w)
{
	free(w->bytes);
	stage_end(&s);
}

/* --- what is special ----------------------------------------------------- */

static void
start(void)
{
	stage_start(&s, 0, 0);
}

static void
end(void)
{
	stage_end(&s);
}

BEFORE_EACH { start(); }
AFTER_EACH { end(); }

struct seen {
	unsigned n;
	struct csn_region r[4];
	char id[4][16];
};

static int
see(void *arg, const struct csn_region *r)
{
	struct seen *seen = arg;

	assert_true(seen->n < 4);
	(void)snprintf(seen->id[seen->n], sizeof(seen->id[0]), "%s", r->id);
	seen->r[seen->n] = *r;
	seen->r[seen->n].id = seen->id[seen->n];
	seen->n++;
	return 0;
}

static void
open_regions(const char *text)
{
	manifest(text);
	if (open_it(s.ctx, &s.regions) != 0)
		fail_msg("%s", csn_message());
}

TEST(a_sealed_memfd_is_immutable_and_mapped)
{
	struct seen seen = { .n = 0 };
	uint8_t bytes[8192];
	const uint8_t *view;
	char text[300];
	int fd;

	fill(bytes, sizeof(bytes));
	assert_true((fd = memfd_create("weights", MFD_ALLOW_SEALING)) >= 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	(void)snprintf(text, sizeof(text), "{\"id\":\"w\",\"protection\":"
	    "\"RO\",\"offset\":4096,\"file\":\"/proc/%ld/fd/%d\"}",
	    (long)getpid(), fd);
	/* Not sealed: it may change, and be cut short while mapped. */
	open_regions(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(seen.r[0].immutable, 0);
	assert_null(csn_regions_map(s.regions, &seen.r[0]));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK),
	    0);
	seen.n = 0;
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.r[0].immutable, 1);
	assert_int_equal(seen.r[0].size, 4096);
	assert_non_null(view = csn_regions_map(s.regions, &seen.r[0]));
	assert_memory_equal(view, bytes + 4096, 4096);
	(void)close(fd);
}

/* A memfd of one page of this byte, sealed. */
static int
sealed_memfd(uint8_t byte, unsigned flags, size_t size)
{
	int fd = memfd_create("weights", MFD_ALLOW_SEALING | flags);
	uint8_t page[4096];

	if (fd < 0)
		return -1;
	memset(page, byte, sizeof(page));
	/* Into huge pages nobody writes; their size alone is given. */
	if ((flags & MFD_HUGETLB) != 0)
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	else
		assert_int_equal(write(fd, page, size), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW), 0);
	return fd;
}

TEST(another_sealed_memfd_in_its_place_is_noticed)
{
	int fd = sealed_memfd(1, 0, 4096), other = sealed_memfd(2, 0, 4096);
	struct seen seen = { .n = 0 };
	char text[300];
	uint32_t first;

	(void)snprintf(text, sizeof(text), "{\"id\":\"w\",\"protection\":"
	    "\"RO\",\"file\":\"/proc/%ld/fd/%d\"}", (long)getpid(), fd);
	open_regions(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_not_equal(first = seen.r[0].immutable, 0);
	seen.n = 0;
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(seen.r[0].immutable, first);
	assert_int_equal(dup2(other, fd), fd);
	seen.n = 0;
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_not_equal(seen.r[0].immutable, 0);
	assert_int_not_equal(seen.r[0].immutable, first);
	(void)close(other);
	(void)close(fd);
}

/* Their numbers come round again: the next one may have the same. */
TEST(a_sealed_memfd_of_huge_pages_is_hashed_each_time)
{
	int fd = sealed_memfd(0, MFD_HUGETLB, (size_t)2 << 20);

	if (fd < 0)
		test_skip("this system has no huge pages");
	assert_int_equal(csn_sealed(fd), 0);
	(void)close(fd);
	assert_true((fd = sealed_memfd(0, 0, 4096)) >= 0);
	assert_int_equal(csn_sealed(fd), 1);
	(void)close(fd);
}

/* --- one moment ---------------------------------------------------------- */

GROUP("one moment");

static uint8_t *busy;		/* two pages of the child's */

static void
open_child(const char *options)
{
	char *text;

	assert_true(asprintf(&text, "{\"id\":\"kv\",\"protection\":\"RW\","
	    "\"pid\":%ld,\"address\":\"%p\",\"size\":8192}",
	    (long)child.pid, (void *)busy) > 0);
	manifest(text);
	free(text);
	if (stage_try_open(&s, options) != 0)
		fail_msg("%s", csn_message());
}

BEFORE_EACH
{
	start();
	busy = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(busy, MAP_FAILED);
	child_start(&child);
}

AFTER_EACH
{
	child_end(&child);
	(void)munmap(busy, 8192);
	end();
}

/*
 * A byte that is moved out of the way of the reader, from behind it to before
 * it: each place is read while it holds what it ought to.
 */
TEST(a_byte_moved_past_the_reader_is_noticed)
{
	struct seen seen = { .n = 0 };
	uint8_t got[8192], good[8192] = { 0 };

	open_child("");
	child_write(&child, busy + 4096, 0xbd);
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(csn_regions_begin(s.regions), 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0, got,
	    4096), 0);
	child_write(&child, busy, 0xbd);
	child_write(&child, busy + 4096, 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 4096,
	    got + 4096, 4096), 0);
	assert_memory_equal(got, good, sizeof(good));
	assert_int_equal(csn_regions_end(s.regions), CSN_E_BUSY);
	assert_non_null(strstr(csn_message(), "region kv"));
	/* A look at what rests is good again. */
	assert_int_equal(csn_regions_begin(s.regions), 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0, got,
	    sizeof(got)), 0);
	assert_int_equal(csn_regions_end(s.regions), 0);
	assert_int_equal(got[0], 0xbd);
}

TEST(a_process_is_frozen_while_it_is_looked_at)
{
	static const char *const how[] = {
		"&freeze=sigstop", "&freeze=ptrace&timeout=9000"
	};
	struct child_order o = { .verb = CHILD_HAMMER,
	    .address = (uintptr_t)busy };
	uint8_t one[8192], two[8192];
	struct seen seen;
	size_t i;

	assert_int_equal(child_do(&child, &o), 0);
	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		open_child(how[i]);
		seen.n = 0;
		assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
		if (csn_regions_begin(s.regions) != 0)
			fail_msg("%s", csn_message());
		assert_non_null(strchr("Tt", child_state(child.pid)));
		assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0,
		    one, sizeof(one)), 0);
		(void)usleep(5000);
		assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0,
		    two, sizeof(two)), 0);
		assert_memory_equal(one, two, sizeof(one));
		if (csn_regions_end(s.regions) != 0)
			fail_msg("%s", csn_message());
		assert_null(strchr("Tt", child_state(child.pid)));
		/* What was begun and not ended is let go as well. */
		assert_int_equal(csn_regions_begin(s.regions), 0);
		csn_regions_close(s.regions);
		s.regions = NULL;
		assert_null(strchr("Tt", child_state(child.pid)));
	}
	o.verb = CHILD_CALM;
	assert_int_equal(child_do(&child, &o), 0);
}

/* --- sources ------------------------------------------------------------- */

GROUP("sources");

TEST(how_to_freeze_is_checked)
{
	assert_int_equal(stage_try_open(&s, "&freeze=ice"), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "not ice"));
	assert_int_equal(stage_try_open(&s, "&timeout=0"), CSN_E_ARG);
	assert_int_equal(stage_try_open(&s, "&timeout=600001"), CSN_E_ARG);
	assert_int_equal(stage_try_open(&s, "&cold=1"), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "freeze"));
}

/* Processes and files do not share addresses: each has its own part. */
TEST(sources_have_addresses_of_their_own)
{
	struct seen seen = { .n = 0 };
	uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t got[16];
	char *text;

	assert_ptr_not_equal(p, MAP_FAILED);
	fill(p, 4096);
	assert_true(asprintf(&text, "{\"id\":\"a\",\"protection\":\"RO\","
	    "\"file\":\"%s\",\"offset\":8,\"size\":100},"
	    "{\"id\":\"b\",\"protection\":\"RW\",\"pid\":%ld,\"address\":"
	    "\"%p\",\"size\":4096},{\"id\":\"c\",\"protection\":\"R\","
	    "\"physical\":16,\"mem\":\"%s\",\"size\":32}", s.weights,
	    (long)getpid(), (void *)p, s.weights) > 0);
	open_regions(text);
	free(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.r[0].address, (UINT64_C(1) << 63) + 8);
	assert_int_equal(seen.r[1].address, (uintptr_t)p);
	assert_int_equal(seen.r[2].address, (UINT64_C(1) << 56) + 16);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[1], 100, got,
	    sizeof(got)), 0);
	assert_memory_equal(got, p + 100, sizeof(got));
	assert_int_equal(csn_regions_read(s.regions, &seen.r[2], 0, got,
	    sizeof(got)), 0);
	assert_int_equal(got[0], (uint8_t)(16 * 31));
	(void)munmap(p, 4096);
}

TEST(a_process_that_ends_is_an_error_until_it_is_there_again)
{
	struct seen seen = { .n = 0 };
	static uint8_t bytes[4096];
	char pid[32], got[8], *text;

	fill(bytes, sizeof(bytes));
	(void)snprintf(path, sizeof(path), "%s/llm.pid", s.folder);
	assert_true(asprintf(&text, "{\"id\":\"kv\",\"protection\":\"RW\","
	    "\"pid_file\":\"%s\",\"address\":\"%p\",\"size\":4096}", path,
	    (void *)bytes) > 0);
	open_regions(text);
	free(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen),
	    CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(), "llm.pid"));
	file_write(path, "many\n", 5);
	assert_int_equal(csn_regions_each(s.regions, see, &seen),
	    CSN_E_FORM);
	child_start(&child);
	(void)snprintf(pid, sizeof(pid), "%ld\n", (long)child.pid);
	file_write(path, pid, strlen(pid));
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0, got,
	    sizeof(got)), 0);
	child_end(&child);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0, got,
	    sizeof(got)), CSN_E_BACKEND);
	seen.n = 0;
	assert_int_equal(csn_regions_each(s.regions, see, &seen),
	    CSN_E_BACKEND);
	/* Started again, its file says so. */
	child_start(&child);
	(void)snprintf(pid, sizeof(pid), "%ld\n", (long)child.pid);
	file_write(path, pid, strlen(pid));
	seen.n = 0;
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 0, got,
	    sizeof(got)), 0);
	child_end(&child);
}

TEST(files_that_are_not_what_was_said)
{
	struct seen seen = { .n = 0 };
	uint8_t got[64];
	char *text;

	assert_true(asprintf(&text, "{\"id\":\"w\",\"protection\":\"RO\","
	    "\"file\":\"%s\",\"offset\":199999,\"size\":2}", s.weights) > 0);
	open_regions(text);
	free(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen),
	    CSN_E_REGION);
	assert_non_null(strstr(csn_message(), "200000"));
	csn_regions_close(s.regions);
	s.regions = NULL;
	/* Cut short between listing and reading. */
	assert_true(asprintf(&text, "{\"id\":\"w\",\"protection\":\"RO\","
	    "\"file\":\"%s\"}", s.weights) > 0);
	open_regions(text);
	free(text);
	assert_int_equal(csn_regions_each(s.regions, see, &seen), 0);
	assert_int_equal(truncate(s.weights, 100), 0);
	assert_int_equal(csn_regions_read(s.regions, &seen.r[0], 90, got,
	    sizeof(got)), CSN_E_BACKEND);
	csn_regions_close(s.regions);
	s.regions = NULL;
	/* A device or folder is no file. */
	open_regions("{\"id\":\"w\",\"protection\":\"RO\",\"file\":"
	    "\"/dev/null\"}");
	assert_int_equal(csn_regions_each(s.regions, see, &seen), CSN_E_IO);
	csn_regions_close(s.regions);
	s.regions = NULL;
	open_regions("{\"id\":\"w\",\"protection\":\"RO\",\"file\":"
	    "\"/nowhere/weights\"}");
	assert_int_equal(csn_regions_each(s.regions, see, &seen),
	    CSN_E_NOT_FOUND);
}

TEST(manifests_that_cannot_be_opened)
{
	manifest("{\"id\":\"w\"}");
	assert_int_equal(open_it(s.ctx, &s.regions), CSN_E_FORM);
	assert_int_equal(unlink(s.manifest), 0);
	assert_int_equal(open_it(s.ctx, &s.regions), CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(), s.manifest));
	assert_int_equal(csn_regions_open(s.ctx, "sev_snp:workload.json",
	    &s.regions), CSN_E_ARG);
	assert_int_equal(csn_regions_open(s.ctx, "tdx:", &s.regions),
	    CSN_E_ARG);
	assert_null(s.regions);
}

int
test_main(void)
{
	static struct region_world process = {
		.name = "sev_snp, a process", .platform = "sev-snp",
		.start = process_start, .write = process_write,
		.stop = process_stop, .changeable = 5000, .evidence = 1
	};
	static struct region_world file = {
		.name = "sev_snp, a file", .platform = "sev-snp",
		.start = file_start, .write = file_put,
		.stop = file_stop, .changeable = 5000, .evidence = 1
	};
	static struct region_world physical = {
		.name = "sev_snp, physical memory", .platform = "sev-snp",
		.start = physical_start, .write = file_put,
		.stop = file_stop, .changeable = 5000, .evidence = 1
	};
	static struct region_world td = {
		.name = "tdx, a process", .platform = "tdx",
		.start = process_start, .write = process_write,
		.stop = process_stop, .changeable = 5000, .evidence = 1
	};
	static struct region_world td_file = {
		.name = "tdx, a file", .platform = "tdx",
		.start = file_start, .write = file_put,
		.stop = file_stop, .changeable = 5000, .evidence = 1
	};
	struct region_world *const worlds[] = {
		&process, &file, &physical, &td, &td_file
	};
	int failed;

	failed = region_suite(worlds, sizeof(worlds) / sizeof(worlds[0]));
	return failed + test_run(NULL);
}
