/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/scan.c - looking for secrets in this process's memory. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/test.h"
#include "session/scan.h"

#define MASK 0xa5u
#define WINDOW ((size_t)1 << 20)

void
needle_set(struct needle *n, const void *p, size_t len)
{
	const volatile uint8_t *from = p;
	size_t i;

	assert_in_range(len, 8, sizeof(n->masked));
	for (i = 0; i < len; i++)
		n->masked[i] = (uint8_t)(from[i] ^ MASK);
	n->len = len;
}

int
needle_can(void)
{
	const char *sanitized = getenv("CAISSON_SANITIZE");

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0;
#endif
	return sanitized == NULL || strcmp(sanitized, "1") != 0;
}

static int
is_here(const struct needle *n, const uint8_t *p)
{
	size_t i;

	for (i = 0; i < n->len; i++)
		if ((uint8_t)(p[i] ^ MASK) != n->masked[i])
			return 0;
	return 1;
}

/* [from, to) by way of buf, which holds WINDOW + 64 bytes. */
static size_t
count_in(const struct needle *n, int mem, uintptr_t from, uintptr_t to,
    uint8_t *buf)
{
	size_t kept = 0, got, count = 0;
	const uint8_t *p, *end;
	ssize_t r;

	while (from < to) {
		got = to - from < WINDOW ? to - from : WINDOW;
		r = pread(mem, buf + kept, got, (off_t)from);
		if (r <= 0)
			return count;	/* the kernel's own, or gone */
		from += (size_t)r;
		end = buf + kept + (size_t)r;
		for (p = buf; (size_t)(end - p) >= n->len &&
		    (p = memchr(p, (uint8_t)(n->masked[0] ^ MASK),
		    (size_t)(end - p) - n->len + 1)) != NULL; p++)
			count += (size_t)is_here(n, p);
		kept = n->len - 1;
		if ((size_t)(end - buf) < kept)
			kept = (size_t)(end - buf);
		memmove(buf, end - kept, kept);
	}
	return count;
}

size_t
needle_count(const struct needle *n)
{
	size_t size = WINDOW + sizeof(n->masked), count = 0;
	unsigned long from, to;
	char line[512], mode[8];
	uint8_t *buf;
	FILE *maps;
	int mem;

	buf = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(buf != MAP_FAILED);
	assert_true((mem = open("/proc/self/mem", O_RDONLY)) >= 0);
	assert_non_null(maps = fopen("/proc/self/maps", "r"));
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[0] != 'r' || mode[1] != 'w')
			continue;
		/* Around the window itself, wherever the kernel put it. */
		if (from <= (uintptr_t)buf && (uintptr_t)buf < to) {
			count += count_in(n, mem, from, (uintptr_t)buf, buf);
			from = (uintptr_t)buf + size;
		}
		count += count_in(n, mem, from, to, buf);
	}
	fclose(maps);
	close(mem);
	munmap(buf, size);
	return count;
}

__attribute__((noinline)) void
needle_deep(void (*fn)(void *arg), void *arg)
{
	volatile uint8_t above[24 << 10];

	above[0] = 0;
	fn(arg);
	above[0] = (uint8_t)(above[0] + 1);
}

__attribute__((noinline)) void
needle_plant(const struct needle *n)
{
	volatile uint8_t below[14 << 10];
	size_t i;

	for (i = 0; i < sizeof(below); i++)
		below[i] = (uint8_t)(n->masked[i % n->len] ^ MASK);
}
