/* SPDX-License-Identifier: Apache-2.0 */
/* test_dump.c - what a core dump of a process with live sessions gives. */
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/scrub.h"
#include "crypto/arena.h"
#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"
#include "session/scan.h"

/*
 * A child makes sessions, tells its parent through a pipe which keys they
 * have, and stops. The parent looks at what a dump of it would hold, then has
 * it dumped. Child and parent share no memory that a key was in.
 */
struct truth {
	uint8_t root[CSN_KEY_SIZE];
	uint8_t chain[2][CSN_KEY_SIZE];
	uint8_t writer[CSN_KEY_SIZE];
	/* A key that rests, and its mask: what the process key gives. */
	uint64_t id, salt;
	uint8_t mask[CSN_KEY_SIZE];
	int hashed;
};

struct child {
	pid_t pid;
	char *dir;
	struct truth is;
};

static void
tell(int to, const void *p, size_t len)
{
	if (write(to, p, len) != (ssize_t)len)
		_exit(3);
}

static void
tell_key(int to, struct csn_ctx *ctx, const struct csn_key *key)
{
	uint8_t plain[CSN_KEY_SIZE];

	if (csn_key_unmask(ctx, key, plain) != 0)
		_exit(4);
	tell(to, plain, sizeof(plain));
	csn_wipe(plain, sizeof(plain));
}

/* In the order of struct truth. */
static void
live(int to, int limited)
{
	struct csn_tenant tenant = { .size = sizeof(tenant),
	    .id = "alice" };
	struct csn_session *s;
	struct csn_ctx *ctx;
	struct csn_key key;
	struct text t;
	uint8_t plain[CSN_KEY_SIZE], mask[CSN_KEY_SIZE];
	size_t i;
	int hashed;

	if (limited)
		csn_arena_limit(0);
	if (csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_session_local(ctx, &tenant, NULL, &s) != 0 ||
	    text_seal(s, 1, "something", &t) != 0 ||
	    text_open(s, &t, "something") != 0)
		_exit(5);
	tell_key(to, ctx, &s->heads[s->own_direction]->root);
	tell_key(to, ctx, csn_chain_key(s, 0));
	tell_key(to, ctx, csn_chain_key(s, 1));
	tell_key(to, ctx, &s->own_key);
	if (csn_random(ctx, plain, sizeof(plain)) != 0 ||
	    csn_key_mask(ctx, plain, &key) != 0)
		_exit(6);
	for (i = 0; i < sizeof(mask); i++)
		mask[i] = plain[i] ^ key.wrapped[i];
	hashed = strcmp(csn_keyring_mask(ctx), "AES-256") != 0;
	tell(to, &key.id, sizeof(key.id));
	tell(to, &key.salt, sizeof(key.salt));
	tell(to, mask, sizeof(mask));
	tell(to, &hashed, sizeof(hashed));
	csn_wipe(plain, sizeof(plain));
	csn_wipe(mask, sizeof(mask));
	csn_scrub();
	close(to);
	for (;;)
		pause();
}

static void
child_start(struct child *c, int limited)
{
	static const size_t parts[] = { offsetof(struct truth, id),
	    sizeof(uint64_t), sizeof(uint64_t), CSN_KEY_SIZE, sizeof(int) };
	struct rlimit core;
	uint8_t *at = (uint8_t *)&c->is;
	size_t i, got;
	ssize_t n;
	int fds[2];

	c->dir = folder_new();
	assert_int_equal(pipe(fds), 0);
	assert_true((c->pid = fork()) >= 0);
	if (c->pid == 0) {
		close(fds[0]);
		/* Where a case fails, nobody else ends it. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chdir(c->dir) != 0 || getrlimit(RLIMIT_CORE, &core) != 0)
			_exit(2);
		core.rlim_cur = core.rlim_max;
		(void)setrlimit(RLIMIT_CORE, &core);
		signal(SIGABRT, SIG_DFL);
		live(fds[1], limited);
	}
	close(fds[1]);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (got = 0; got < parts[i]; got += (size_t)n)
			if ((n = read(fds[0], at + got, parts[i] - got)) <= 0)
				break;
		assert_int_equal(got, parts[i]);
		at += got;
	}
	/* Told all: the pipe's end was closed after the last wipe. */
	assert_int_equal(read(fds[0], &n, 1), 0);
	close(fds[0]);
}

static void
child_end(struct child *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	folder_remove(c->dir);
}

/* --- What a reader of a dump can do --------------------------------------- */

struct found {
	size_t root, chain, writer;	/* so often in the clear */
	size_t masters;			/* keys that give the mask */
	size_t bytes;
};

static size_t
count(const uint8_t *p, size_t len, const uint8_t *what, size_t n)
{
	const uint8_t *at = p;
	size_t times = 0;

	while ((at = memmem(at, len - (size_t)(at - p), what, n)) != NULL) {
		times++;
		at++;
	}
	return times;
}

/* Does AES-256 or SHA3-256 under the 32 bytes give the mask? */
static int
gives_mask(const uint8_t key[CSN_KEY_SIZE], const struct truth *t,
    EVP_CIPHER_CTX *ecb, EVP_MD *sha3)
{
	const uint64_t block[2] = { t->salt, htobe64(t->id << 8) };
	const uint64_t counter[2] = { t->salt, htobe64(t->id) };
	uint8_t in[CSN_KEY_SIZE + sizeof(counter)], out[CSN_KEY_SIZE];

	if (t->hashed) {
		memcpy(in, key, CSN_KEY_SIZE);
		memcpy(in + CSN_KEY_SIZE, counter, sizeof(counter));
		assert_int_equal(EVP_Digest(in, sizeof(in), out, NULL, sha3,
		    NULL), 1);
	} else {
		assert_int_equal(EVP_EncryptInit_ex2(ecb, NULL, key, NULL,
		    NULL), 1);
		assert_int_equal(EVP_Cipher(ecb, out, (const uint8_t *)block,
		    sizeof(block)), sizeof(block));
	}
	return memcmp(out, t->mask, 16) == 0;
}

/* Whatever 32 bytes there are at all could be the process key, or the begin
 * of its schedule: each is tried that has no four zero bytes in a row. */
static void
search(const uint8_t *p, size_t len, const struct truth *t,
    struct found *found)
{
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER_CTX *ecb = EVP_CIPHER_CTX_new();
	EVP_MD *sha3 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
	size_t at, i;
	uint32_t word;

	assert_non_null(aes);
	assert_non_null(sha3);
	assert_int_equal(EVP_EncryptInit_ex2(ecb, aes, NULL, NULL, NULL), 1);
	found->bytes += len;
	found->root += count(p, len, t->root, CSN_KEY_SIZE);
	found->chain += count(p, len, t->chain[0], CSN_KEY_SIZE);
	found->chain += count(p, len, t->chain[1], CSN_KEY_SIZE);
	found->writer += count(p, len, t->writer, CSN_KEY_SIZE);
	for (at = 0; at + CSN_KEY_SIZE <= len; at += 4) {
		for (i = CSN_KEY_SIZE; i > 0; i -= 4) {
			memcpy(&word, p + at + i - 4, 4);
			if (word == 0)
				break;
		}
		if (i > 0) {
			at += i - 4;
			continue;
		}
		found->masters += (size_t)gives_mask(p + at, t, ecb, sha3);
	}
	EVP_MD_free(sha3);
	EVP_CIPHER_CTX_free(ecb);
	EVP_CIPHER_free(aes);
}

/* All writable memory of the child that a dump takes ("dd" in VmFlags: not
 * that). */
static void
search_process(const struct child *c, struct found *found)
{
	unsigned long from = 0, to = 0, a, b;
	char path[64], line[512], mode[8], m[8];
	int mem, writable = 0;
	uint8_t *buf;
	FILE *maps;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)c->pid);
	assert_true((mem = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)c->pid);
	assert_non_null(maps = fopen(path, "re"));
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &a, &b, m) == 3) {
			from = a;
			to = b;
			memcpy(mode, m, sizeof(mode));
			writable = mode[0] == 'r' && mode[1] == 'w';
		}
		if (!writable || strncmp(line, "VmFlags:", 8) != 0 ||
		    strstr(line, " dd ") != NULL)
			continue;
		assert_non_null(buf = malloc(to - from));
		if ((n = pread(mem, buf, to - from, (off_t)from)) > 0)
			search(buf, (size_t)n, &c->is, found);
		free(buf);
	}
	fclose(maps);
	close(mem);
}

/* Let the kernel dump the child. 0 where it writes no file of its own here. */
static int
search_core(struct child *c, struct found *found)
{
	struct dirent *e;
	struct stat st;
	char path[300];
	uint8_t *p;
	int fd, files = 0;
	DIR *dir;

	kill(c->pid, SIGABRT);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	c->pid = 0;
	assert_non_null(dir = opendir(c->dir));
	while ((e = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", c->dir, e->d_name);
		if (e->d_name[0] == '.' ||
		    (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			continue;
		assert_int_equal(fstat(fd, &st), 0);
		assert_non_null(p = malloc((size_t)st.st_size + 1));
		assert_int_equal(read(fd, p, (size_t)st.st_size), st.st_size);
		search(p, (size_t)st.st_size, &c->is, found);
		free(p);
		close(fd);
		files++;
	}
	closedir(dir);
	return files;
}

/* Does this system leave out of dumps what is asked to be? Emulators don't. */
static int
dumps_leave_out(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *here = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long start = 0, end = 0, at = (unsigned long)here;
	char line[512];
	int out = 0;
	FILE *f;

	assert_true(here != MAP_FAILED);
	assert_int_equal(madvise(here, page, MADV_DONTDUMP), 0);
	assert_non_null(f = fopen("/proc/self/smaps", "r"));
	while (!out && fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "%lx-%lx ", &start, &end);
		out = start <= at && at < end &&
		    strncmp(line, "VmFlags:", 8) == 0 &&
		    strstr(line, " dd ") != NULL;
	}
	fclose(f);
	assert_int_equal(munmap(here, page), 0);
	return out;
}

#define NEEDS_DUMPS() do {						\
	if (!needle_can())						\
		test_skip("a sanitizer's memory is not the program's");	\
	if (!dumps_leave_out())						\
		test_skip("this system or emulator leaves nothing out of " \
		    "dumps");						\
} while (0)

/* --- The cases ------------------------------------------------------------ */

static void
nothing_unmasks(const struct found *f)
{
	print_message("# %zu bytes: root %zu, chain %zu, writer %zu, "
	    "process key %zu\n", f->bytes, f->root, f->chain, f->writer,
	    f->masters);
	assert_true(f->bytes > 100000);
	assert_int_equal(f->root, 0);
	assert_int_equal(f->chain, 0);
	assert_int_equal(f->masters, 0);
}

TEST(memory_that_dumps_take_holds_no_key)
{
	struct found f = { 0 };
	struct child c;

	NEEDS_DUMPS();
	child_start(&c, 0);
	search_process(&c, &f);
	nothing_unmasks(&f);
	/* With a system's libcrypto the lanes lie on its heap. */
	if (!c.is.hashed)
		assert_int_equal(f.writer, 0);
	child_end(&c);
}

TEST(a_core_dump_holds_no_key)
{
	struct found f = { 0 };
	struct child c;
	int files;

	NEEDS_DUMPS();
	child_start(&c, 0);
	files = search_core(&c, &f);
	child_end(&c);
	if (files == 0)
		test_skip("this system writes no core file here "
		    "(core_pattern, ulimit -c)");
	nothing_unmasks(&f);
	if (!c.is.hashed)
		assert_int_equal(f.writer, 0);
}

/* As with a system's libcrypto: the search also shows that it finds keys. */
TEST(lanes_outside_are_found_and_no_masked_key)
{
	struct found f = { 0 };
	struct child c;

	NEEDS_DUMPS();
	child_start(&c, 1);
	search_process(&c, &f);
	assert_int_equal(c.is.hashed, 1);
	nothing_unmasks(&f);
	assert_true(f.writer > 0);
	child_end(&c);
}

/* Key work that the test does itself shows that the search finds masters. */
TEST(the_search_finds_a_process_key)
{
	uint8_t dump[4096] = { 0 }, key[CSN_KEY_SIZE];
	struct truth t = { .id = 7, .salt = 9 };
	const uint64_t block[2] = { t.salt, htobe64(t.id << 8) };
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER_CTX *ecb = EVP_CIPHER_CTX_new();
	struct found f = { 0 };
	size_t i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * i + 3);
	assert_int_equal(EVP_EncryptInit_ex2(ecb, aes, key, NULL, NULL), 1);
	assert_int_equal(EVP_Cipher(ecb, t.mask, (const uint8_t *)block,
	    sizeof(block)), sizeof(block));
	memcpy(dump + 1044, key, sizeof(key));
	search(dump, sizeof(dump), &t, &f);
	assert_int_equal(f.masters, 1);
	EVP_CIPHER_CTX_free(ecb);
	EVP_CIPHER_free(aes);
}

BEFORE_ALL { csn_arena_start(); }
