/* SPDX-License-Identifier: Apache-2.0 */
/* test_maps.c - the list of mappings: as the kernel writes it, or refused. */
#include <inttypes.h>

#include "base/file.h"
#include "lib/test.h"
#include "providers/region/look/maps.h"

static const char sample[] =
    "55a4c0e00000-55a4c0e28000 r--p 00000000 fe:00 131 /usr/bin/true\n"
    "55a4c0e28000-55a4c0e29000 rw-p 00028000 fe:00 131                "
    "        /usr/bin/a name (deleted)\n"
    "7f0000000000-7f0000001000 rw-s 00001000 00:01 9 /memfd:w (deleted)\n"
    "7f0000002000-7f0000003000 ---p 00000000 00:00 0 \n"
    "7f0000003000-7f0000004000 r-xp 00000000 00:00 0\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0"
    "                  [vsyscall]\n";

TEST(reads_each_field)
{
	struct csn_maps m;

	assert_int_equal(csn_maps_parse(NULL, sample, strlen(sample), &m), 0);
	assert_int_equal(m.n, 6);
	assert_true(m.v[0].start == 0x55a4c0e00000);
	assert_true(m.v[0].end == 0x55a4c0e28000);
	assert_int_equal(m.v[0].perms, CSN_MAP_READ);
	assert_string_equal(m.v[0].perms_text, "r--p");
	assert_int_equal(m.v[0].major, 0xfe);
	assert_int_equal(m.v[0].inode, 131);
	assert_string_equal(m.v[0].path, "/usr/bin/true");
	assert_int_equal(m.v[1].offset, 0x28000);
	assert_string_equal(m.v[1].path, "/usr/bin/a name");
	assert_int_equal(m.v[1].deleted, 1);
	assert_int_equal(m.v[0].deleted, 0);
	assert_string_equal(m.v[2].path, "/memfd:w");
	assert_int_equal(m.v[2].perms,
	    CSN_MAP_READ | CSN_MAP_WRITE | CSN_MAP_SHARED);
	assert_int_equal(m.v[3].perms, 0);
	assert_string_equal(m.v[3].path, "");
	assert_string_equal(m.v[4].path, "");
	assert_int_equal(m.v[4].perms, CSN_MAP_READ | CSN_MAP_EXEC);
	assert_string_equal(m.v[5].path, "[vsyscall]");
	csn_maps_free(&m);
	csn_maps_free(&m);
}

TEST(finds_addresses_and_gaps)
{
	struct csn_maps m;

	assert_int_equal(csn_maps_parse(NULL, sample, strlen(sample), &m), 0);
	assert_null(csn_maps_find(&m, 0));
	assert_ptr_equal(csn_maps_find(&m, 0x55a4c0e00000), &m.v[0]);
	assert_ptr_equal(csn_maps_find(&m, 0x55a4c0e28000), &m.v[1]);
	assert_null(csn_maps_find(&m, 0x55a4c0e29000));
	assert_ptr_equal(csn_maps_find(&m, 0xffffffffff600fff), &m.v[5]);
	assert_null(csn_maps_find(&m, UINT64_MAX));
	assert_true(csn_maps_cover(&m, 0x55a4c0e00000, 0x29000));
	assert_false(csn_maps_cover(&m, 0x55a4c0e00000, 0x29001));
	assert_false(csn_maps_cover(&m, 0x7f0000000fff, 2));
	assert_false(csn_maps_cover(&m, 0x7f0000000000, 0));
	assert_false(csn_maps_cover(&m, UINT64_MAX, 2));
	csn_maps_free(&m);
}

TEST(refuses_what_no_kernel_writes)
{
	static const char *const bad[] = {
		"1000-2000 r--p 0 0:0 0",		/* no newline */
		"2000-1000 r--p 0 0:0 0\n",		/* backwards */
		"1000-1000 r--p 0 0:0 0\n",		/* empty */
		"1000 2000 r--p 0 0:0 0\n",
		"1000-2000 r--q 0 0:0 0\n",
		"1000-2000 r-- 0 0:0 0\n",
		"1000-2000 r--p 0 0:0\n",
		"1000-2000 r--p 0 0:0 0/x\n",
		"1000-2000 r--p 0 100000000:0 0\n",
		"1000-10000000000000000 r--p 0 0:0 0\n", /* past 64 bits */
		"1000-2000 r--p 0 0:0 99999999999999999999\n",
		"G000-2000 r--p 0 0:0 0\n",
		"\n",
		/* Out of order, and overlapping. */
		"2000-3000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n",
		"1000-3000 r--p 0 0:0 0\n2000-4000 r--p 0 0:0 0\n",
	};
	struct csn_maps m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_maps_parse(NULL, bad[i], strlen(bad[i]),
		    &m), CSN_E_FORM);
		assert_int_equal(m.n, 0);
		assert_null(m.v);
	}
	assert_int_equal(csn_maps_parse(NULL, "1000-2000 r--p 0 0:0 0 a\0b\n",
	    27, &m), CSN_E_FORM);
	assert_int_equal(csn_maps_parse(NULL, "", 0, &m), 0);
	assert_int_equal(m.n, 0);
	csn_maps_free(&m);
}

TEST(reads_this_process_and_finds_it)
{
	static const char constant[] = "a constant";
	struct csn_maps m;
	const struct csn_map *found;
	uint8_t *text;
	size_t len;
	int here = 0;

	assert_int_equal(csn_file_read(NULL, "/proc/self/maps", 1 << 20,
	    &text, &len), 0);
	assert_int_equal(csn_maps_parse(NULL, (char *)text, len, &m), 0);
	found = csn_maps_find(&m, (uint64_t)(uintptr_t)constant);
	assert_non_null(found);
	assert_int_equal(found->perms & CSN_MAP_WRITE, 0);
	assert_non_null(strstr(found->path, "test_attest_maps"));
	found = csn_maps_find(&m, (uint64_t)(uintptr_t)&here);
	assert_non_null(found);
	assert_string_equal(found->perms_text, "rw-p");
	csn_maps_free(&m);
	free(text);
}
