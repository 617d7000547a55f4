/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_workload.c - a live process that holds a model in memory
 * and says where, so that it can be attested from outside.
 *
 *   attest_workload MODEL-FILE NOTE-FOLDER [SECONDS]
 *
 * It ends when its input does, or after the seconds (60).
 *
 * The model lies in ordinary memory here, which a debugger can write to. Its
 * safest home is a memfd sealed with F_SEAL_WRITE and F_SEAL_SHRINK and
 * mapped shared: the provider recognises that as immutable.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <caisson/caisson.h>

/* Read the whole file into whole pages of memory. NULL where it fails. */
static uint8_t *
load(const char *path, size_t *size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), done = 0, all;
	struct stat st;
	uint8_t *p;
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || st.st_size <= 0) {
		(void)close(fd);
		return NULL;
	}
	*size = (size_t)st.st_size;
	all = (*size + page - 1) / page * page;
	p = mmap(NULL, all, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (p != MAP_FAILED && done < *size) {
		n = read(fd, p + done, *size - done);
		if (n <= 0) {
			(void)munmap(p, all);
			p = MAP_FAILED;
		} else {
			done += (size_t)n;
		}
	}
	(void)close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* Serve until the input ends or the time is over. */
static void
work(int seconds)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	time_t end = time(NULL) + seconds;
	char byte;

	while (time(NULL) < end) {
		if (poll(&p, 1, 200) == 1 &&
		    read(STDIN_FILENO, &byte, 1) <= 0)
			break;
	}
}

int
main(int argc, char **argv)
{
	struct csn_region region = {
		.size_of = sizeof(region), .id = "model",
		.description = "the weights", .protection = CSN_PROT_RW
	};
	struct csn_note *note = NULL;
	struct csn_ctx *ctx = NULL;
	uint8_t *model;
	size_t size;
	int rc;

	if (argc < 3) {
		fprintf(stderr, "usage: attest_workload MODEL-FILE "
		    "NOTE-FOLDER [SECONDS]\n");
		return 2;
	}
	if ((model = load(argv[1], &size)) == NULL) {
		perror(argv[1]);
		return 3;
	}
	/* Where Yama guards processes, this one lets its user's look in. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	region.address = (uint64_t)(uintptr_t)model;
	region.size = size;
	if ((rc = csn_ctx_new(NULL, &ctx)) != 0 ||
	    (rc = csn_note_new(ctx, argv[2], &note)) != 0 ||
	    (rc = csn_note_add(note, &region)) != 0) {
		fprintf(stderr, "attest_workload: %s\n",
		    ctx == NULL ? csn_error_text(rc) : csn_message());
		csn_ctx_free(ctx);
		return 3;
	}
	/* So that only what was written is read again; not all kernels can. */
	rc = csn_note_track(note, "model");
	printf("ready: process %ld holds %zu bytes of model at %p%s\n",
	    (long)getpid(), size, (void *)model,
	    rc == 0 ? ", writes tracked" : "");
	(void)fflush(stdout);
	work(argc > 3 ? (int)strtol(argv[3], NULL, 10) : 60);
	csn_note_free(note);	/* takes the file away */
	csn_ctx_free(ctx);
	return 0;
}
