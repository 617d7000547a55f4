/* SPDX-License-Identifier: Apache-2.0 */
/* test_note.c - the note that a workload leaves. */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/note.h>

#include "base/file.h"
#include "lib/test.h"
#include "providers/region/process/note.h"

static struct csn_ctx *ctx;
static char *folder;

BEFORE_ALL
{
	folder = folder_new();
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

static struct csn_region
region(const char *id, uint64_t address, uint64_t size)
{
	struct csn_region r = {
		.size_of = sizeof(r), .id = id,
		.description = "d\xc3\xa9j\xc3\xa0", .address = address,
		.size = size, .protection = CSN_PROT_RW
	};

	return r;
}

/* The note as a reader would find it. */
static int
read_back(const struct csn_note *note, struct csn_note_regions *out)
{
	const char *name = strrchr(csn_note_path(note), '/') + 1;
	unsigned long long start = 0;
	uint8_t *text;
	long pid = 0;
	size_t len;
	int rc;

	assert_int_equal(sscanf(name, "%ld-%llu.json", &pid, &start), 2);
	assert_int_equal(pid, getpid());
	if ((rc = csn_file_read(ctx, csn_note_path(note), 1 << 20, &text,
	    &len)) != 0)
		return rc;
	rc = csn_note_parse(ctx, (char *)text, len, (pid_t)pid, start, out);
	free(text);
	return rc;
}

TEST(a_note_lists_what_is_registered_and_goes_with_its_object)
{
	struct csn_region a = region("weights", 0x7f0000001000, 4096);
	struct csn_region b = region("kv", 0x7f0000003000, 12345);
	struct csn_note_regions got;
	struct csn_note *note;
	struct stat st;
	char *path;

	assert_int_equal(csn_note_new(ctx, folder, &note), 0);
	assert_int_equal(read_back(note, &got), CSN_E_NOT_FOUND);
	assert_int_equal(csn_note_add(note, &a), 0);
	assert_int_equal(csn_note_add(note, &b), 0);
	assert_int_equal(stat(csn_note_path(note), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(read_back(note, &got), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.v[0].id, "weights");
	assert_string_equal(got.v[0].description, a.description);
	assert_true(got.v[0].address == a.address);
	assert_int_equal(got.v[1].size, 12345);
	assert_int_equal(got.v[1].protection, CSN_PROT_RW);
	csn_note_regions_free(&got);
	assert_int_equal(csn_note_remove(note, "weights"), 0);
	assert_int_equal(csn_note_remove(note, "weights"),
	    CSN_E_NOT_FOUND);
	assert_int_equal(read_back(note, &got), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.v[0].id, "kv");
	csn_note_regions_free(&got);
	path = strdup(csn_note_path(note));
	csn_note_free(note);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
	csn_note_free(NULL);
}

TEST(what_makes_no_sense_is_not_registered)
{
	struct csn_region a = region("a", 0x10000, 0x1000);
	struct csn_region bad[] = {
		region("a", 0x20000, 0x1000),		/* the id twice */
		region("b", 0x10fff, 1),		/* overlap */
		region("", 0x20000, 1),
		region("zero", 0x20000, 0),
		region("past", UINT64_MAX, 2),
		region("c\n", 0x20000, 1),
	};
	struct csn_note_regions got;
	struct csn_note *note;
	size_t i;

	assert_int_equal(csn_note_new(ctx, folder, &note), 0);
	assert_int_equal(csn_note_add(note, &a), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_note_add(note, &bad[i]),
		    CSN_E_REGION);
	assert_int_equal(csn_note_track(note, "nobody"), CSN_E_NOT_FOUND);
	a = region("odd", 0x30001, 0x1000);
	assert_int_equal(csn_note_add(note, &a), 0);
	assert_int_equal(csn_note_track(note, "odd"), CSN_E_REGION);
	assert_int_equal(read_back(note, &got), 0);
	assert_int_equal(got.n, 2);
	csn_note_regions_free(&got);
	csn_note_free(note);
}

TEST(a_forked_child_leaves_its_parents_note_alone)
{
	struct csn_region a = region("a", 0x10000, 0x1000);
	struct csn_region b = region("b", 0x20000, 0x1000);
	struct csn_note *note;
	int status;
	pid_t pid;

	assert_int_equal(csn_note_new(ctx, folder, &note), 0);
	assert_int_equal(csn_note_add(note, &a), 0);
	if ((pid = fork()) == 0) {
		int rc = csn_note_add(note, &b);

		csn_note_free(note);
		_exit(rc == CSN_E_FORK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(csn_note_path(note), F_OK), 0);
	csn_note_free(note);
}

TEST(no_half_note_is_ever_seen)
{
	struct csn_note_regions got;
	struct csn_note *note;
	char id[16];
	struct csn_region r = region(id, 0, 0x1000);
	int i, ready[2], status;
	uint8_t byte = 0;
	pid_t pid;

	assert_int_equal(csn_note_new(ctx, folder, &note), 0);
	assert_int_equal(pipe(ready), 0);
	(void)snprintf(id, sizeof(id), "first");
	assert_int_equal(csn_note_add(note, &r), 0);
	/* The reader goes by the parent's number, as any reader would. */
	if ((pid = fork()) == 0) {
		const char *name = strrchr(csn_note_path(note), '/') + 1;
		unsigned long long start = 0;
		long number = 0;
		size_t len, last = 0;
		uint8_t *text;

		if (sscanf(name, "%ld-%llu.json", &number, &start) != 2)
			_exit(1);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		do {
			if (csn_file_read(ctx, csn_note_path(note), 1 << 20,
			    &text, &len) != 0 || csn_note_parse(ctx,
			    (char *)text, len, (pid_t)number, start,
			    &got) != 0 || got.n < last)
				_exit(2);
			last = got.n;
			csn_note_regions_free(&got);
			free(text);
		} while (last < 60);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	for (i = 1; i < 60; i++) {
		(void)snprintf(id, sizeof(id), "r%d", i);
		r.address = (uint64_t)i << 16;
		assert_int_equal(csn_note_add(note, &r), 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	csn_note_free(note);
}

#define HEAD "{\"caisson_note\":1,\"pid\":7,\"start\":9,\"regions\":"
#define ONE "{\"id\":\"a\",\"description\":\"\",\"address\":\"0x1000\"," \
    "\"size\":4096,\"protection\":\"RW\"}"

static int
parse(const char *text)
{
	struct csn_note_regions got;
	int rc = csn_note_parse(ctx, text, strlen(text), 7, 9, &got);

	if (rc != 0) {
		assert_int_equal(got.n, 0);
		assert_null(got.v);
	}
	csn_note_regions_free(&got);
	return rc;
}

TEST(the_reader_is_strict)
{
	static const char *const bad[] = {
		"", "[]", "{}", HEAD "[" ONE "]", HEAD "{}}",
		HEAD "[" ONE "],\"more\":1}",
		HEAD "[" ONE "],\"pid\":7}",
		"{\"caisson_note\":2,\"pid\":7,\"start\":9,\"regions\":[]}",
		"{\"caisson_note\":1,\"pid\":8,\"start\":9,\"regions\":[]}",
		"{\"caisson_note\":1,\"pid\":7,\"start\":8,\"regions\":[]}",
		"{\"caisson_note\":1,\"pid\":7,\"start\":-9,\"regions\":[]}",
		"{\"caisson_note\":1,\"pid\":7.0,\"start\":9,\"regions\":[]}",
		"{\"caisson_note\":\"1\",\"pid\":7,\"start\":9,"
		    "\"regions\":[]}",
		HEAD "[1]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":"
		    "\"0x1000\",\"size\":4096}]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":4096,"
		    "\"size\":4096,\"protection\":\"RW\"}]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":"
		    "\"0x01000\",\"size\":4096,\"protection\":\"RW\"}]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":"
		    "\"0x11112222333344445\",\"size\":1,"
		    "\"protection\":\"RW\"}]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":"
		    "\"0xA000\",\"size\":4096,\"protection\":\"RW\"}]}",
		HEAD "[{\"id\":\"a\",\"description\":\"\",\"address\":"
		    "\"0x1000\",\"size\":-1,\"protection\":\"RW\"}]}",
		HEAD "[{\"id\":\"a\\u0000b\",\"description\":\"\","
		    "\"address\":\"0x1000\",\"size\":1,"
		    "\"protection\":\"RW\"}]}",
	};
	size_t i;

	assert_int_equal(parse(HEAD "[" ONE "]}"), 0);
	assert_int_equal(parse(HEAD "[]}"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i]), CSN_E_FORM);
	assert_int_equal(parse(HEAD "[{\"id\":\"a\",\"description\":\"\","
	    "\"address\":\"0x1000\",\"size\":0,\"protection\":\"RW\"}]}"),
	    CSN_E_REGION);
	assert_int_equal(parse(HEAD "[{\"id\":\"a\",\"description\":\"\","
	    "\"address\":\"0x1000\",\"size\":1,\"protection\":\"RWX\"}]}"),
	    CSN_E_REGION);
}
