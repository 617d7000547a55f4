/* SPDX-License-Identifier: Apache-2.0 */
/* test_regions.c - the suite over every provider, and over a program's own. */
#include <sys/mman.h>
#include <unistd.h>

#include <caisson/advanced.h>

#include "attest/boot.h"
#include "attest/child.h"
#include "attest/region_suite.h"
#include "base/file.h"
#include "lib/test.h"

#define SIZE ((size_t)40 * 4096)

static void
fill(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 11 + i / 4096);
}

static uint8_t *
pages(void)
{
	uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	fill(p, SIZE);
	return p;
}

static struct csn_region
suite_region(const void *address)
{
	struct csn_region r = {
		.size_of = sizeof(r), .protection = CSN_PROT_RW,
		.id = "suite", .description = "for the suite",
		.address = (uintptr_t)address, .size = SIZE
	};

	return r;
}

/* --- buffer: the caller's own ------------------------------------------- */

static const char *
buffer_start(struct region_world *w, struct csn_ctx *ctx)
{
	struct csn_region r;

	w->bytes = pages();
	w->size = SIZE;
	r = suite_region(w->bytes);
	assert_int_equal(csn_regions_open(ctx, "buffer:", &w->regions), 0);
	assert_int_equal(csn_regions_add_buffer(w->regions, &r, w->bytes), 0);
	if (w->tracks)
		assert_int_equal(csn_regions_touch_buffer(w->regions, "suite",
		    0, 0), 0);
	return NULL;
}

static void
buffer_write(struct region_world *w, uint64_t offset, uint8_t value)
{
	w->bytes[offset] = value;
	if (w->tracks)
		assert_int_equal(csn_regions_touch_buffer(w->regions, "suite",
		    offset, 1), 0);
}

static void
buffer_stop(struct region_world *w)
{
	(void)munmap(w->bytes, SIZE);
}

/* --- process: a forked child, which has our memory at its start --------- */

static struct child child;
static char *folder;

/* Note what is to be noted; more options for the URL. */
static void
process_open(struct region_world *w, struct csn_ctx *ctx, int track,
    const char *more)
{
	struct child_order o = { .verb = CHILD_NOTE };
	char url[256];

	w->bytes = pages();
	w->size = SIZE;
	child_start(&child);
	folder = folder_new();
	(void)snprintf(o.text, sizeof(o.text), "%s", folder);
	assert_int_equal(child_do(&child, &o), 0);
	o.verb = CHILD_REGISTER;
	o.address = (uintptr_t)w->bytes;
	o.size = SIZE;
	o.value = CSN_PROT_RW;
	(void)snprintf(o.text, sizeof(o.text), "suite");
	assert_int_equal(child_do(&child, &o), 0);
	o.verb = CHILD_TRACK;
	if (track && child_do(&child, &o) != 0)
		return;
	(void)snprintf(url, sizeof(url), "process:%ld?note=%s%s",
	    (long)child.pid, folder, more);
	if (csn_regions_open(ctx, url, &w->regions) != 0)
		fail_msg("%s", csn_message());
}

static const char *
process_start(struct region_world *w, struct csn_ctx *ctx)
{
	process_open(w, ctx, 0, "");
	return NULL;
}

static const char *
stopped_start(struct region_world *w, struct csn_ctx *ctx)
{
	process_open(w, ctx, 0, "&freeze=sigstop");
	return NULL;
}

static const char *
tracked_start(struct region_world *w, struct csn_ctx *ctx)
{
	process_open(w, ctx, 1, "");
	return w->regions != NULL ? NULL : "this kernel or its settings have "
	    "no write tracking (userfaultfd)";
}

static void
process_write(struct region_world *w, uint64_t offset, uint8_t value)
{
	child_write(&child, w->bytes + offset, value);
}

static void
process_stop(struct region_world *w)
{
	struct child_order away = { .verb = CHILD_NOTE, .text = "/tmp" };

	(void)child_do(&child, &away);	/* takes the note along */
	child_end(&child);
	folder_remove(folder);
	(void)munmap(w->bytes, SIZE);
}

/* --- qemu: the page of a guest ------------------------------------------ */

static struct boot guest;
static int booted;

static const char *
guest_start(struct region_world *w, struct csn_ctx *ctx, int mapped)
{
	static const char manifest[] = "{\"version\": 1, \"workload\": "
	    "\"guest\", \"regions\": [{\"id\": \"suite\", \"protection\": "
	    "\"RW\", \"physical\": \"0x8000\", \"size\": 4096}, {\"id\": "
	    "\"next\", \"protection\": \"R\", \"physical\": \"0x9000\", "
	    "\"size\": 4096}]}";
	char url[512];
	size_t i;

	if (boot_missing() != NULL)
		return boot_missing();
	if (!booted)
		assert_int_equal(boot_start(&guest), 0);
	booted = 1;
	w->size = BOOT_PAGE_SIZE;
	w->bytes = malloc(BOOT_PAGE_SIZE);
	for (i = 0; i < BOOT_PAGE_SIZE; i++)
		w->bytes[i] = (uint8_t)(1 + 3 * i);
	assert_int_equal(boot_write(&guest, w->bytes[BOOT_CELL]), 0);
	assert_int_equal(csn_file_replace(ctx, guest.manifest, manifest,
	    strlen(manifest), 0600), 0);
	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=60000&manifest=%s"
	    "%s%s", guest.qmp, guest.manifest, mapped ? "&ram=" : "",
	    mapped ? guest.ram : "");
	if (csn_regions_open(ctx, url, &w->regions) != 0)
		fail_msg("%s", csn_message());
	return NULL;
}

static const char *
saved_start(struct region_world *w, struct csn_ctx *ctx)
{
	return guest_start(w, ctx, 0);
}

static const char *
mapped_start(struct region_world *w, struct csn_ctx *ctx)
{
	return guest_start(w, ctx, 1);
}

static void
guest_write(struct region_world *w, uint64_t offset, uint8_t value)
{
	(void)w;
	assert_int_equal(offset, BOOT_CELL);
	assert_int_equal(boot_write(&guest, value), 0);
}

static void
guest_stop(struct region_world *w)
{
	free(w->bytes);
	w->bytes = NULL;
}

/* --- a provider of the program's own: a file ---------------------------- */

struct own {
	char path[64];
	struct csn_region region;
};

static int
own_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct own *o;

	(void)ctx;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return CSN_E_NOMEM;
	(void)snprintf(o->path, sizeof(o->path), "%s", rest);
	o->region = suite_region(NULL);
	o->region.address = 0x1000;
	*state = o;
	return 0;
}

static int
own_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct own *o = state;

	return visit(arg, &o->region);
}

static int
own_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct own *o = state;
	int rc = CSN_E_IO;
	FILE *f;

	if (strcmp(region->id, o->region.id) != 0 ||
	    region->size != o->region.size)
		return CSN_E_REGION;
	if ((f = fopen(o->path, "rbe")) == NULL)
		return CSN_E_IO;
	if (fseek(f, (long)offset, SEEK_SET) == 0 &&
	    fread(out, 1, len, f) == len)
		rc = 0;
	(void)fclose(f);
	return rc;
}

static void
own_close(void *state)
{
	free(state);
}

static const struct csn_region_provider own = {
	.abi = CSN_REGION_ABI, .name = "own-file", .platform = "a file",
	.open = own_open, .list = own_list, .read = own_read,
	.close = own_close
};

static char own_path[64];

static const char *
own_start(struct region_world *w, struct csn_ctx *ctx)
{
	char url[128];
	int fd, rc;

	rc = csn_region_register(&own);
	assert_true(rc == 0 || rc == CSN_E_EXISTS);
	w->size = SIZE;
	w->bytes = malloc(SIZE);
	fill(w->bytes, SIZE);
	(void)snprintf(own_path, sizeof(own_path), "/tmp/csn-own-XXXXXX");
	assert_true((fd = mkstemp(own_path)) >= 0);
	assert_int_equal(write(fd, w->bytes, SIZE), SIZE);
	(void)close(fd);
	(void)snprintf(url, sizeof(url), "own-file:%s", own_path);
	assert_int_equal(csn_regions_open(ctx, url, &w->regions), 0);
	return NULL;
}

static void
own_write(struct region_world *w, uint64_t offset, uint8_t value)
{
	FILE *f = fopen(own_path, "r+be");

	(void)w;
	assert_non_null(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_equal(fputc(value, f), value);
	assert_int_equal(fclose(f), 0);
}

static void
own_stop(struct region_world *w)
{
	(void)unlink(own_path);
	free(w->bytes);
}

int
main(void)
{
	static struct region_world buffer = {
		.name = "buffer", .platform = "buffer",
		.start = buffer_start, .write = buffer_write,
		.stop = buffer_stop, .changeable = 5000
	};
	static struct region_world touched = {
		.name = "buffer, touched", .platform = "buffer",
		.start = buffer_start, .write = buffer_write,
		.stop = buffer_stop, .changeable = 5000, .tracks = 1
	};
	static struct region_world process = {
		.name = "process", .platform = "linux-process",
		.start = process_start, .write = process_write,
		.stop = process_stop, .changeable = 5000
	};
	static struct region_world stopped = {
		.name = "process, stopped", .platform = "linux-process",
		.start = stopped_start, .write = process_write,
		.stop = process_stop, .changeable = 5000
	};
	static struct region_world tracked = {
		.name = "process, tracked", .platform = "linux-process",
		.start = tracked_start, .write = process_write,
		.stop = process_stop, .changeable = 5000, .tracks = 1
	};
	static struct region_world saved = {
		.name = "qemu", .platform = "qemu-guest",
		.start = saved_start, .write = guest_write,
		.stop = guest_stop, .changeable = BOOT_CELL
	};
	static struct region_world mapped = {
		.name = "qemu, its file", .platform = "qemu-guest",
		.start = mapped_start, .write = guest_write,
		.stop = guest_stop, .changeable = BOOT_CELL
	};
	static struct region_world mine = {
		.name = "a program's own", .platform = "a file",
		.start = own_start, .write = own_write,
		.stop = own_stop, .changeable = 5000
	};
	struct region_world *const worlds[] = {
		&buffer, &touched, &process, &stopped, &tracked, &saved,
		&mapped, &mine
	};
	int failed;

	failed = region_suite(worlds, sizeof(worlds) / sizeof(worlds[0]));
	if (booted)
		boot_stop(&guest);
	return failed;
}
