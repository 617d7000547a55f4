/* SPDX-License-Identifier: Apache-2.0 */
/* test_small_stack.c - what the library does on a thread's small stack. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity/people.h"
#include "lib/test.h"
#include "seal/files.h"
#include "session/pair.h"
#include "session/scan.h"

#define LEAST ((size_t)64 << 10)	/* libcaisson(3) */
#define BELOW ((size_t)256 << 10)	/* of a neighbour, behind the guard */
#define PAINT 0xa5
#define ITEMS 600

/* All of it lies below the guard page of the thread that runs work. */
struct place {
	uint8_t *neighbour, *stack;
	size_t page, size;
};

static void
place_make(struct place *p, size_t size)
{
	uint8_t *at;

	p->page = (size_t)sysconf(_SC_PAGESIZE);
	p->size = size;
	at = mmap(NULL, BELOW + p->page + size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(at != MAP_FAILED);
	memset(at, PAINT, BELOW + p->page + size);
	assert_int_equal(mprotect(at + BELOW, p->page, PROT_NONE), 0);
	p->neighbour = at;
	p->stack = at + BELOW + p->page;
}

/* Bytes that are not painted any more. */
static size_t
written(const uint8_t *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += p[i] != PAINT;
	return n;
}

/* How deep the stack was used, the thread's own data at its top included. */
static size_t
used(const struct place *p)
{
	size_t i;

	for (i = 0; i < p->size && p->stack[i] == PAINT; i++)
		;
	return p->size - i;
}

static int
run(struct place *p, void *(*work)(void *arg))
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstack(&attr, p->stack, p->size) != 0 ||
	    pthread_create(&thread, &attr, work, NULL) != 0)
		return -1;
	pthread_attr_destroy(&attr);
	return pthread_join(thread, NULL);
}

/* --- Work ----------------------------------------------------------------- */

static uint8_t text[64], out[ITEMS][128 + CSN_SEAL_OVERHEAD];

static void
fill(struct csn_kv_item *items)
{
	size_t i;

	memset(items, 0, ITEMS * sizeof(*items));
	for (i = 0; i < ITEMS; i++) {
		items[i].size = sizeof(items[i]);
		items[i].tenant = i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c";
		items[i].slot.kind = CSN_KIND_KV_ENTRY;
		items[i].slot.role = CSN_KV_BOTH;
		items[i].slot.count = 1;
		items[i].slot.position = i;
		items[i].key = text;
		items[i].key_len = sizeof(text);
		items[i].value = text;
		items[i].value_len = sizeof(text);
		items[i].sealed = out[i];
		items[i].sealed_len = sizeof(out[i]);
	}
}

static void *
batches(void *arg)
{
	static struct csn_kv_item items[ITEMS];
	static const char *const ids[] = { "a", "b", "c" };
	struct csn_tenant tenant = { .size = sizeof(tenant) };
	struct csn_manager *m;
	struct csn_ctx *ctx;
	size_t i;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_manager_new(ctx, NULL, &m), 0);
	for (i = 0; i < 3; i++) {
		tenant.id = ids[i];
		assert_int_equal(csn_manager_create(m, &tenant, NULL), 0);
	}
	fill(items);
	assert_int_equal(csn_manager_seal_batch(m, NULL, items, ITEMS), 0);
	assert_int_equal(csn_manager_open_batch(m, NULL, items, ITEMS), 0);
	csn_manager_free(m);
	csn_ctx_free(ctx);
	return arg;
}

static void *
handshake(void *arg)
{
	struct csn_session *back;
	struct messages m;
	struct pair p;
	struct text t;
	uint8_t *x;
	size_t n;

	pair_start(&p, NULL);
	pair_exchange(&p, &m, NULL);
	assert_int_equal(text_seal(m.tenant, 1, "something", &t), 0);
	assert_int_equal(text_open(m.server, &t, "something"), 0);
	assert_int_equal(csn_session_rotate(m.tenant, 0), 0);
	assert_int_equal(csn_session_export(m.server, &x, &n), 0);
	assert_int_equal(csn_session_import(p.server_ctx, x, n, NULL, &back),
	    0);
	csn_session_free(back);
	csn_free(x);
	messages_free(&m);
	pair_end(&p);
	return arg;
}

static void *
sealed_file(void *arg)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_identity *alice = people_quick(ctx, 1, "alice");
	struct csn_identity *bob = people_quick(ctx, 2, "bob");
	const struct csn_identity *to[1] = { bob };
	struct csn_trust *trust;
	struct files_sealed sealed;
	struct files_opened opened;
	static uint8_t data[3 * FILES_SEGMENT];

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, alice, CSN_PURPOSE_SEALER);
	files_seal(ctx, alice, to, 1, "t", data, sizeof(data), sizeof(data),
	    &sealed);
	assert_int_equal(files_open(ctx, bob, trust, sealed.p, sealed.len,
	    sealed.len, &opened), 0);
	files_wipe(&opened);
	files_free(&sealed);
	csn_trust_free(trust);
	csn_identity_free(alice);
	csn_identity_free(bob);
	csn_ctx_free(ctx);
	return arg;
}

TEST(the_least_stack_is_enough)
{
	static const struct {
		const char *name;
		void *(*work)(void *arg);
	} works[] = {
		{ "batches of three tenants", batches },
		{ "a handshake, an export", handshake },
		{ "a sealed file", sealed_file },
	};
	struct place p;
	size_t i;

	if (!needle_can())
		test_skip("a sanitizer's frames are not the program's");
	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		place_make(&p, LEAST * 4);
		assert_int_equal(run(&p, works[i].work), 0);
		print_message("# %s: %zu KiB\n", works[i].name,
		    used(&p) / 1024);
		assert_true(used(&p) <= LEAST);
		/* And again where there is no more than that. */
		place_make(&p, LEAST);
		assert_int_equal(run(&p, works[i].work), 0);
		assert_int_equal(written(p.neighbour, BELOW), 0);
	}
}

/* Too small a stack: it works, or it ends at the guard page. */
TEST(nothing_is_written_behind_the_guard_page)
{
	const struct rlimit none = { 0, 0 };
	struct place p;
	size_t kib;
	pid_t pid;
	int status;

	if (!needle_can())
		test_skip("a sanitizer's frames are not the program's");
	for (kib = 20; kib < 64; kib += 4) {
		place_make(&p, kib << 10);
		/* The neighbour is shared, so that it can be looked at. */
		assert_true(mmap(p.neighbour, BELOW, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
		    MAP_FAILED);
		memset(p.neighbour, PAINT, BELOW);
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			(void)setrlimit(RLIMIT_CORE, &none);
			signal(SIGSEGV, SIG_DFL);
			_exit(run(&p, batches) == 0 ? 0 : 3);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true((WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGSEGV) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) != 1));
		assert_int_equal(written(p.neighbour, BELOW), 0);
	}
}
