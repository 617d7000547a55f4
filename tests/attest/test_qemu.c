/* SPDX-License-Identifier: Apache-2.0 */
/* test_qemu.c - a guest's memory from outside, two ways, while it changes. */
#include <unistd.h>

#include <caisson/crypto.h>

#include "attest/boot.h"
#include "attest/look.h"
#include "base/file.h"
#include "lib/test.h"
#include "providers/region/qemu/qmp.h"

static struct csn_ctx *ctx;
static struct boot guest;
static int started;

BEFORE_ALL
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	if (boot_missing() != NULL)
		return;
	started = boot_start(&guest) == 0;
	assert_int_equal(started ? 0 : -1, 0);
}

AFTER_ALL
{
	if (started)
		boot_stop(&guest);
	csn_ctx_free(ctx);
}

#define NEEDS_QEMU() do {						\
	if (boot_missing() != NULL)					\
		test_skip(boot_missing());				\
} while (0)

static struct csn_regions *
open_guest(const char *options)
{
	struct csn_regions *r = NULL;
	char url[512];

	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=60000%s", guest.qmp,
	    options);
	if (csn_regions_open(ctx, url, &r) != 0)
		fail_msg("%s", csn_message());
	return r;
}

/* What the guest's state is, asked at its other socket. */
static int
runs(void)
{
	struct csn_qmp *q;
	json_t *value;
	int running;

	assert_int_equal(csn_qmp_open(ctx, guest.control, 60000, &q), 0);
	assert_int_equal(csn_qmp_call(q, "query-status", NULL, &value), 0);
	running = json_is_true(json_object_get(value, "running"));
	json_decref(value);
	csn_qmp_close(q);
	return running;
}

static void
tell(const char *command)
{
	struct csn_qmp *q;

	assert_int_equal(csn_qmp_open(ctx, guest.control, 60000, &q), 0);
	assert_int_equal(csn_qmp_call(q, command, NULL, NULL), 0);
	csn_qmp_close(q);
}

static void
read_all(struct csn_regions *r, const struct csn_region *region,
    uint8_t *out)
{
	uint64_t at, len;

	for (at = 0; at < region->size; at += len) {
		len = region->size - at < 65536 ? region->size - at : 65536;
		if (csn_regions_read(r, region, at, out + at,
		    (size_t)len) != 0)
			fail_msg("%s", csn_message());
	}
}

TEST(saved_and_mapped_memory_are_the_same_bytes)
{
	uint8_t *saved, *mapped;
	struct csn_regions *r;
	char options[160];
	struct look a, b;
	uint64_t i;

	NEEDS_QEMU();
	/* Stopped all the while, so that both ways see one moment. */
	tell("stop");
	(void)snprintf(options, sizeof(options), "&ram=%s", guest.ram);
	saved = malloc(BOOT_RAM);
	mapped = malloc(BOOT_RAM);
	r = open_guest("");
	assert_true(look_count(r) >= 1);
	assert_int_equal(look_at(r, 0x100000, &a), 0);
	assert_int_equal(csn_regions_begin(r), 0);
	read_all(r, &a.region, saved);
	assert_int_equal(look_at(r, BOOT_PAGE, &b), 0);
	if (b.region.address != a.region.address)
		read_all(r, &b.region, saved + a.region.size);
	assert_int_equal(csn_regions_end(r), 0);
	csn_regions_close(r);
	/* It was not running: that is how it was left. */
	assert_false(runs());
	r = open_guest(options);
	assert_int_equal(look_at(r, 0x100000, &a), 0);
	assert_true(a.region.address + a.region.size == BOOT_RAM);
	read_all(r, &a.region, mapped);
	assert_int_equal(look_at(r, BOOT_PAGE, &b), 0);
	if (b.region.address != a.region.address)
		read_all(r, &b.region, mapped + a.region.size);
	csn_regions_close(r);
	assert_memory_equal(saved, mapped, a.region.size +
	    (b.region.address != a.region.address ? b.region.size : 0));
	/* And they are the guest's doing. */
	for (i = 0; i < BOOT_PAGE_SIZE; i++) {
		uint64_t at = BOOT_PAGE - b.region.address + i +
		    (b.region.address != a.region.address ?
		    a.region.size : 0);

		if (i != BOOT_CELL)
			assert_int_equal(mapped[at], (1 + 3 * i) & 0xff);
	}
	free(saved);
	free(mapped);
	tell("cont");
}

static void
measure(const char *options, uint8_t hash[CSN_HASH_SIZE])
{
	struct csn_regions *r = open_guest(options);
	uint8_t page[BOOT_PAGE_SIZE];
	struct look l;

	assert_int_equal(look_for(r, "page", &l), 0);
	assert_int_equal(l.region.address, BOOT_PAGE);
	assert_int_equal(csn_regions_begin(r), 0);
	assert_false(runs());
	read_all(r, &l.region, page);
	assert_int_equal(csn_regions_end(r), 0);
	assert_true(runs());
	csn_regions_close(r);
	assert_int_equal(csn_sha3_256(ctx, page, sizeof(page), hash), 0);
}

TEST(a_byte_changed_from_inside_is_drift)
{
	uint8_t before[CSN_HASH_SIZE], after[CSN_HASH_SIZE];
	uint8_t again[CSN_HASH_SIZE];
	char saved[160], mapped[300];

	NEEDS_QEMU();
	(void)snprintf(saved, sizeof(saved), "&manifest=%s", guest.manifest);
	(void)snprintf(mapped, sizeof(mapped), "&manifest=%s&ram=%s",
	    guest.manifest, guest.ram);
	assert_int_equal(boot_write(&guest, 0x11), 0);
	measure(saved, before);
	measure(mapped, after);
	assert_memory_equal(before, after, CSN_HASH_SIZE);
	/* The guest runs on, and changes one byte. */
	assert_int_equal(boot_write(&guest, 0x12), 0);
	measure(mapped, after);
	assert_memory_not_equal(before, after, CSN_HASH_SIZE);
	measure(saved, again);
	assert_memory_equal(again, after, CSN_HASH_SIZE);
	/* Back to what it was. */
	assert_int_equal(boot_write(&guest, 0x11), 0);
	measure(mapped, after);
	assert_memory_equal(before, after, CSN_HASH_SIZE);
}

TEST(closing_in_the_middle_sets_the_guest_going)
{
	struct csn_regions *r;

	NEEDS_QEMU();
	r = open_guest("");
	assert_int_equal(csn_regions_begin(r), 0);
	assert_false(runs());
	csn_regions_close(r);
	assert_true(runs());
}

/* Open with a manifest of one region; the code of list or open. */
static int
try_manifest(const char *region, const char *more)
{
	struct csn_regions *r = NULL;
	char path[128], text[512], url[512];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/manifest.json", guest.folder);
	(void)snprintf(text, sizeof(text), "{\"version\": 1, \"workload\": "
	    "\"w\", \"regions\": [{\"id\": \"r\", \"protection\": \"RW\", "
	    "%s}]}", region);
	assert_int_equal(csn_file_replace(ctx, path, text, strlen(text),
	    0600), 0);
	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=60000&manifest=%s%s",
	    guest.qmp, path, more);
	if ((rc = csn_regions_open(ctx, url, &r)) != 0)
		return rc;
	rc = look_count(r);
	csn_regions_close(r);
	return rc;
}

TEST(what_is_not_the_guests_memory_is_no_region)
{
	char ram[160], small[160];

	NEEDS_QEMU();
	(void)snprintf(ram, sizeof(ram), "&ram=%s", guest.ram);
	(void)snprintf(small, sizeof(small), "&ram=%s/disk", guest.folder);
	assert_int_equal(try_manifest("\"physical\": \"0x8000\", "
	    "\"size\": 1", ""), 1);
	assert_int_equal(try_manifest("\"physical\": \"0x1000000\", "
	    "\"size\": 1", ""), CSN_E_REGION);
	assert_int_equal(try_manifest("\"physical\": \"0xffffff\", "
	    "\"size\": 2", ""), CSN_E_REGION);
	/* The firmware is memory that QEMU can save, but not main memory. */
	assert_int_equal(try_manifest("\"physical\": \"0xfffffff0\", "
	    "\"size\": 16", ""), 1);
	assert_int_equal(try_manifest("\"physical\": \"0xfffffff0\", "
	    "\"size\": 16", ram), CSN_E_REGION);
	/* Another file than the guest's memory. */
	assert_int_equal(try_manifest("\"physical\": \"0x8000\", "
	    "\"size\": 1", small), CSN_E_BACKEND);
	/* What only the guest itself can name. */
	assert_int_equal(try_manifest("\"file\": \"/etc/passwd\"", ""),
	    CSN_E_ARG);
	assert_int_equal(try_manifest("\"pid\": 1, \"address\": 4096, "
	    "\"size\": 4096", ""), CSN_E_ARG);
}

TEST(a_ram_file_that_the_guest_does_not_write_is_refused)
{
	struct csn_regions *r;
	struct boot other;
	uint8_t byte;
	struct look l;
	char url[512];

	NEEDS_QEMU();
	assert_int_equal(boot_start_private(&other), 0);
	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=60000&ram=%s",
	    other.qmp, other.ram);
	assert_int_equal(csn_regions_open(ctx, url, &r), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "share=on"));
	/* QEMU itself says what is there. */
	*strstr(url, "&ram=") = '\0';
	assert_int_equal(boot_write(&other, 0x66), 0);
	assert_int_equal(csn_regions_open(ctx, url, &r), 0);
	assert_int_equal(look_at(r, BOOT_PAGE, &l), 0);
	assert_int_equal(csn_regions_read(r, &l.region, BOOT_PAGE +
	    BOOT_CELL - l.region.address, &byte, 1), 0);
	assert_int_equal(byte, 0x66);
	csn_regions_close(r);
	/* The file of a guest that shares it is another one's all the same. */
	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=60000&ram=%s",
	    guest.qmp, other.ram);
	assert_int_equal(csn_regions_open(ctx, url, &r), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), guest.ram));
	boot_stop(&other);
}

TEST(a_guest_that_is_gone_is_missed)
{
	uint8_t out[16];
	struct csn_regions *r;
	struct look l;

	NEEDS_QEMU();
	r = open_guest("");
	assert_int_equal(look_at(r, BOOT_PAGE, &l), 0);
	boot_stop(&guest);
	started = 0;
	assert_int_equal(csn_regions_begin(r), CSN_E_BACKEND);
	assert_int_equal(csn_regions_read(r, &l.region, 0, out, 16),
	    CSN_E_BACKEND);
	csn_regions_close(r);
}
