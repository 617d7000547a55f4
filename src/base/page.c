/* SPDX-License-Identifier: Apache-2.0 */
/* base/page.c - how large this kernel's pages are. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

#define HUGE_SIZE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

size_t
csn_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t
read_huge(void)
{
	const size_t page = csn_page_size();
	unsigned long long told = 0;
	char text[32];
	ssize_t n = -1;
	int fd;

	if ((fd = open(HUGE_SIZE, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	if (n > 0) {
		text[n] = '\0';
		told = strtoull(text, NULL, 10);
	}
	/* Else as much as one page of page table entries maps. */
	if (told < page || told > SIZE_MAX / 4 || (told & (told - 1)) != 0)
		return page / 8 * page;
	return (size_t)told;
}

size_t
csn_huge_page_size(void)
{
	static _Atomic size_t size;
	size_t is = atomic_load_explicit(&size, memory_order_relaxed);

	if (is == 0) {
		is = read_huge();
		atomic_store_explicit(&size, is, memory_order_relaxed);
	}
	return is;
}
