/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_file.c - sealed files beside age's, in memory that is a file system:
 * whole processes of both, which take turns, on all cores. What has no command
 * (a root over tags, a part read alone) is the library's call in this process.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/advanced.h>

#include "bench.h"

#define GIB ((size_t)1 << 30)
#define ROUNDS 5
#define SMALL_ROUNDS 31
#define PARTS 64		/* parts that are read alone */

enum { AGE_SEAL, AGE_OPEN, SEAL, SEAL_NO_HASH, OPEN, SEAL_TAGS, OPEN_TAGS,
    PLAIN_LOOP, RUNS };

static char *folder;
static char recipient[128];	/* age's */
static double spent[RUNS][SMALL_ROUNDS];

/* The same memory for the same name. */
static char *
in_folder(const char *name)
{
	static struct {
		const char *name;
		char path[256];
	} known[16];
	size_t i;

	for (i = 0; known[i].name != NULL; i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].path;
	bench_need(i < 15 && snprintf(known[i].path, sizeof(known[i].path),
	    "%s/%s", folder, name) < (int)sizeof(known[i].path), "a path");
	known[i].name = name;
	return known[i].path;
}

/* Run a program, without its words, and return its exit code. */
static int
run(char *const argv[])
{
	int status = 1, null;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	bench_need(pid > 0 && waitpid(pid, &status, 0) == pid,
	    "running a program");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static double
timed(char *const argv[])
{
	double began = bench_now(BENCH_WALL);

	bench_need(run(argv) == 0, argv[0]);
	return bench_now(BENCH_WALL) - began;
}

static double
age(int open, const char *in, const char *out)
{
	char *const seals[] = { "age", "-r", recipient, "-o", (char *)out,
	    (char *)in, NULL };
	char *const opens[] = { "age", "-d", "-i", in_folder("key"), "-o",
	    (char *)out, (char *)in, NULL };

	return timed(open ? opens : seals);
}

static double
seals(const char *in, const char *out, const char *hash)
{
	char *const argv[] = { BENCH_PROGRAM, "file", "seal", (char *)in,
	    "--to", "bench", "--out", (char *)out, "--hash", (char *)hash,
	    "--force", NULL };

	return timed(argv);
}

static double
opens(const char *in, const char *out)
{
	char *const argv[] = { BENCH_PROGRAM, "file", "open", (char *)in,
	    "--out", (char *)out, "--force", NULL };

	return timed(argv);
}

/* --- the library in this process --------------------------------------- */

static int
read_file(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	ssize_t n = pread(*(int *)arg, p, len, (off_t)offset);

	*got = n < 0 ? 0 : (size_t)n;
	return n < 0 ? CSN_E_IO : 0;
}

static int
write_file(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	return pwrite(*(int *)arg, p, len, (off_t)offset) == (ssize_t)len ?
	    0 : CSN_E_IO;
}

static struct csn_sealed_io
file_of(int *fd)
{
	struct stat st;

	bench_need(fstat(*fd, &st) == 0, "looking at a file");
	return (struct csn_sealed_io){ .size = sizeof(struct csn_sealed_io),
	    .flags = CSN_IO_ANYWHERE, .arg = fd, .read = read_file,
	    .write = write_file, .length = (uint64_t)st.st_size };
}

struct own {
	struct csn_identity *id;
	struct csn_trust *trust;
	struct csn_pool *pool;
	uint8_t key[CSN_KEY_SIZE];
};

static double
seal_tags(struct own *own, const char *in, const char *out)
{
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = own->id, .data_key = own->key,
	    .integrity = CSN_SEALED_TAGS, .content_hash = CSN_CONTENT_NONE,
	    .pool = own->pool };
	int from = open(in, O_RDONLY | O_CLOEXEC);
	int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct csn_sealed_io source, sink;
	struct csn_sealer *sealer;
	double began;

	bench_need(from >= 0 && to >= 0, "opening files");
	source = file_of(&from);
	sink = file_of(&to);
	began = bench_now(BENCH_WALL);
	bench_must(csn_sealer_new(bench_ctx(), &o, &sealer), "a sealer");
	bench_must(csn_sealer_run(sealer, &source, &sink), "sealing");
	csn_sealer_free(sealer);
	began = bench_now(BENCH_WALL) - began;
	close(from);
	close(to);
	return began;
}

static struct csn_sealed *
take(struct own *own, const struct csn_sealed_io *source)
{
	const struct csn_opener_options o = { .size = sizeof(o),
	    .data_key = own->key };
	struct csn_sealed *sealed;

	bench_must(csn_sealed_new(bench_ctx(), own->id, own->trust, &o,
	    source, &sealed), "opening a sealed file");
	return sealed;
}

static double
open_tags(struct own *own, const char *in, const char *out)
{
	int from = open(in, O_RDONLY | O_CLOEXEC);
	int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct csn_sealed_io source, sink;
	struct csn_sealed *sealed;
	double began;

	bench_need(from >= 0 && to >= 0, "opening files");
	source = file_of(&from);
	sink = file_of(&to);
	began = bench_now(BENCH_WALL);
	sealed = take(own, &source);
	bench_must(csn_sealed_run(sealed, own->pool, 0, &sink), "opening");
	csn_sealed_free(sealed);
	began = bench_now(BENCH_WALL) - began;
	close(from);
	close(to);
	return began;
}

/* Read, AES-256-GCM and write of the same bytes, and nothing else: a thread. */
static double
plain_loop(const char *in, const char *out)
{
	static const uint8_t key[CSN_KEY_SIZE];
	uint8_t nonce[CSN_NONCE_SIZE] = { 0 }, tag[CSN_TAG_SIZE];
	uint8_t *p = bench_memory(CSN_STREAM_SEGMENT);
	int from = open(in, O_RDONLY | O_CLOEXEC);
	int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double began = bench_now(BENCH_WALL);
	uint64_t i;
	ssize_t n;

	bench_need(from >= 0 && to >= 0, "opening files");
	for (i = 0; (n = read(from, p, CSN_STREAM_SEGMENT)) > 0; i++) {
		memcpy(nonce, &i, sizeof(i));
		bench_must(csn_aead_seal(bench_ctx(), key, nonce, NULL, 0, p,
		    (size_t)n, p, tag), "sealing");
		bench_need(write(to, p, (size_t)n) == n &&
		    write(to, tag, sizeof(tag)) == sizeof(tag), "writing");
	}
	began = bench_now(BENCH_WALL) - began;
	bench_memory_free(p, CSN_STREAM_SEGMENT);
	close(from);
	close(to);
	return began;
}

/* --- what came of it --------------------------------------------------- */

/* Of what takes bytes: GB/s of ours and of the reference, median ratio. */
static void
report(const char *name, int ours, int reference, const char *what,
    double target, const char *note)
{
	double ratio[ROUNDS], own[ROUNDS], others[ROUNDS];
	struct bench_result r = { .name = name, .unit = "GB/s",
	    .reference = what, .target = target };
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		own[i] = spent[ours][i];
		others[i] = spent[reference][i];
		ratio[i] = others[i] / own[i];
	}
	r.value = (double)GIB / 1e9 / bench_median(own, ROUNDS);
	r.reference_value = (double)GIB / 1e9 / bench_median(others, ROUNDS);
	r.ratio = bench_median(ratio, ROUNDS);
	bench_add(&r, "%s; %.2f to %.2f", note, ratio[0], ratio[ROUNDS - 1]);
}

static void
large(struct own *own)
{
	const char *in = in_folder("in"), *sealed = in_folder("sealed");
	const char *tags = in_folder("tags"), *out = in_folder("out");
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		spent[AGE_SEAL][i] = age(0, in, sealed);
		spent[AGE_OPEN][i] = age(1, sealed, out);
		unlink(sealed);
		unlink(out);
		spent[SEAL_NO_HASH][i] = seals(in, sealed, "none");
		unlink(sealed);
		spent[SEAL][i] = seals(in, sealed, "tree");
		spent[OPEN][i] = opens(sealed, out);
		unlink(sealed);
		unlink(out);
		spent[SEAL_TAGS][i] = seal_tags(own, in, tags);
		spent[OPEN_TAGS][i] = open_tags(own, tags, out);
		unlink(out);
		spent[PLAIN_LOOP][i] = plain_loop(in, out);
		unlink(out);
	}
	report("file.seal.1GiB.age", SEAL, AGE_SEAL, "age", 1.2,
	    "processes; leaves signed, tree hash of the text");
	report("file.seal-nohash.1GiB.age", SEAL_NO_HASH, AGE_SEAL, "age",
	    1.8, "processes; leaves signed, no hash of the text");
	report("file.seal-tags.1GiB.age", SEAL_TAGS, AGE_SEAL, "age", 0,
	    "library; tags signed, no hash of the text");
	report("file.seal-tags.1GiB.loop", SEAL_TAGS, PLAIN_LOOP,
	    "read, AES-GCM, write: one thread", 0.85, "tags signed");
	report("file.open.1GiB.age", OPEN, AGE_OPEN, "age -d", 1.6,
	    "processes; leaves checked");
	report("file.open-tags.1GiB.age", OPEN_TAGS, AGE_OPEN, "age -d", 2.5,
	    "library; tags alone");
}

/* A part of 64 KiB of the 1 GiB, each of a file that was just opened. */
static void
parts(struct own *own)
{
	int fd = open(in_folder("tags"), O_RDONLY | O_CLOEXEC);
	uint8_t *p = bench_memory(65536);
	struct bench_result r = { .name = "file.read.64KiB", .unit = "ms" };
	struct csn_sealed_io source;
	struct csn_sealed *sealed;
	double ms[PARTS], began;
	uint64_t seed = 1;
	size_t i, got;

	bench_need(fd >= 0, "opening a file");
	source = file_of(&fd);
	for (i = 0; i < PARTS; i++) {
		began = bench_now(BENCH_WALL);
		sealed = take(own, &source);
		bench_must(csn_sealed_read(sealed, bench_random(&seed) %
		    (GIB - 65536), p, 65536, &got), "reading a part");
		csn_sealed_free(sealed);
		ms[i] = (bench_now(BENCH_WALL) - began) * 1e3;
	}
	r.value = bench_median(ms, PARTS);
	bench_add(&r, "of 1 GiB, with the opening; slowest %.2f ms",
	    ms[PARTS - 1]);
	bench_memory_free(p, 65536);
	close(fd);
}

static void
small(void)
{
	struct bench_result r = { .name = "file.seal.4KiB", .unit = "ms",
	    .reference = "age", .target = 0.5 };
	double ratio[SMALL_ROUNDS], *ours = spent[SEAL];
	double *others = spent[AGE_SEAL];
	const char *in = in_folder("small"), *sealed = in_folder("sealed");
	size_t i;

	for (i = 0; i < SMALL_ROUNDS; i++) {
		others[i] = age(0, in, sealed) * 1e3;
		ours[i] = seals(in, sealed, "tree") * 1e3;
		ratio[i] = others[i] / ours[i];
	}
	r.value = bench_median(ours, SMALL_ROUNDS);
	r.reference_value = bench_median(others, SMALL_ROUNDS);
	r.ratio = bench_median(ratio, SMALL_ROUNDS);
	bench_add(&r, "the whole process");
}

/* --- what it takes ----------------------------------------------------- */

static void
make_input(const char *path, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint64_t seed = 7, *p = bench_memory(1u << 20);
	size_t i, done, n;

	bench_need(fd >= 0, "making an input");
	for (done = 0; done < len; done += n) {
		for (i = 0; i < (1u << 20) / sizeof(*p); i++)
			p[i] = bench_random(&seed);
		n = len - done < 1u << 20 ? len - done : 1u << 20;
		bench_need(write(fd, p, n) == (ssize_t)n, "writing an input");
	}
	close(fd);
	bench_memory_free(p, 1u << 20);
}

/* age's key, whose public half stands in its comment. */
static int
make_age_key(void)
{
	char *const argv[] = { "age-keygen", "-o", in_folder("key"), NULL };
	char line[256];
	FILE *f;

	if (run(argv) != 0 || (f = fopen(in_folder("key"), "re")) == NULL)
		return 0;
	while (recipient[0] == '\0' && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "# public key: %127[a-z0-9]", recipient);
	(void)fclose(f);
	return recipient[0] != '\0';
}

static void
make_own(struct own *own)
{
	struct csn_identity_options o = { .size = sizeof(o),
	    .name = "bench" };
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_SEALER, .label = "bench" };

	bench_must(csn_identity_new(bench_ctx(), &o, &own->id),
	    "an identity");
	bench_must(csn_trust_new(bench_ctx(), &own->trust), "a trust store");
	e.key = csn_identity_sign_key(own->id);
	bench_must(csn_trust_add(bench_ctx(), own->trust, &e), "an entry");
	bench_must(csn_pool_new(bench_ctx(), 0, &own->pool), "a pool");
	bench_must(csn_random(bench_ctx(), own->key, sizeof(own->key)),
	    "a key");
}

static int
room(void)
{
	struct statvfs fs;

	return statvfs("/dev/shm", &fs) == 0 &&
	    fs.f_bavail * fs.f_frsize > 4 * GIB;
}

int
main(int argc, char **argv)
{
	char path[] = "/dev/shm/caisson-bench-XXXXXX";
	struct own own = { NULL, NULL, NULL, { 0 } };

	bench_begin(argc, argv);
	if (!room()) {
		printf("file.*                         skipped: no 4 GiB in "
		    "/dev/shm\n");
		return bench_end();
	}
	bench_need((folder = mkdtemp(path)) != NULL, "making a folder");
	if (!make_age_key()) {
		printf("file.*                         skipped: there is no "
		    "age\n");
	} else {
		char *const new_id[] = { BENCH_PROGRAM, "id", "new", "bench",
		    NULL };

		bench_need(setenv("CAISSON_HOME", in_folder("home"), 1) == 0 &&
		    run(new_id) == 0, "making an identity");
		make_own(&own);
		make_input(in_folder("in"), GIB);
		make_input(in_folder("small"), 4096);
		large(&own);
		parts(&own);
		small();
		csn_pool_free(own.pool);
		csn_trust_free(own.trust);
		csn_identity_free(own.id);
	}
	{
		char *const rm[] = { "rm", "-r", folder, NULL };

		bench_need(run(rm) == 0, "removing the folder");
	}
	return bench_end();
}
