/* SPDX-License-Identifier: Apache-2.0 */
/* test_stack.c - what key work leaves in registers, on stacks and at rest. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "base/pool.h"
#include "base/scrub.h"
#include "crypto/keyring.h"
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"
#include "session/scan.h"

#define KEYS 4			/* a root, two of the chains, a writer's */

struct keys {
	uint8_t plain[KEYS][CSN_KEY_SIZE];
	struct needle clear[KEYS];
	struct needle resting[KEYS];
};

__attribute__((noinline)) static void
learn(struct csn_session *s, struct keys *k)
{
	const struct csn_key *keys[KEYS] = {
		&s->heads[s->own_direction]->root, csn_chain_key(s, 0),
		csn_chain_key(s, 1), &s->own_key };
	size_t i;

	for (i = 0; i < KEYS; i++) {
		assert_int_equal(csn_key_unmask(csn_session_ctx(s), keys[i],
		    k->plain[i]), 0);
		needle_set(&k->clear[i], k->plain[i], CSN_KEY_SIZE);
		needle_set(&k->resting[i], keys[i]->wrapped, CSN_KEY_SIZE);
	}
}

static size_t
left(const struct needle *n)
{
	size_t i, count = 0;

	for (i = 0; i < KEYS; i++)
		count += needle_count(&n[i]);
	return count;
}

/* --- Registers ------------------------------------------------------------ */

#define REGISTERS (32 * 64)

#if defined(__x86_64__)
#define S5(n) "vmovdqu64 %%zmm" #n "," #n "*64(%0)\n\t"
#define S2(n) "vmovdqu %%ymm" #n "," #n "*64(%0)\n\t"
#define S1(n) "movdqu %%xmm" #n "," #n "*64(%0)\n\t"
#define LOW(S) S(0) S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) \
    S(11) S(12) S(13) S(14) S(15)
#define HIGH(S) S(16) S(17) S(18) S(19) S(20) S(21) S(22) S(23) S(24) S(25) \
    S(26) S(27) S(28) S(29) S(30) S(31)

__attribute__((noinline)) static void
read_registers(uint8_t *out)
{
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(LOW(S5) HIGH(S5) : : "r"(out) : "memory");
	else if (__builtin_cpu_supports("avx"))
		__asm__ volatile(LOW(S2) : : "r"(out) : "memory");
	else
		__asm__ volatile(LOW(S1) : : "r"(out) : "memory");
}

static int
registers_can(void)
{
	return 1;
}

#else

static void
read_registers(uint8_t *out)
{
	(void)out;
}

static int
registers_can(void)
{
	return 0;
}

#endif

/* Any eight bytes of a key, anywhere in them. */
static void
no_key_in(const uint8_t *regs, const struct keys *k, const char *after)
{
	size_t i, at;

	for (i = 0; i < KEYS; i++)
		for (at = 0; at + 8 <= CSN_KEY_SIZE; at += 8)
			if (memmem(regs, REGISTERS, k->plain[i] + at, 8) !=
			    NULL)
				fail_msg("key %zu is in a vector register "
				    "after %s", i, after);
}

TEST(no_call_leaves_a_key_in_vector_registers)
{
	static uint8_t big[16384], out[sizeof(big) + CSN_SEAL_OVERHEAD];
	uint8_t regs[REGISTERS] = { 0 }, *p;
	struct csn_kv_item it = { .size = sizeof(it),
	    .slot = {.kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_KEY, .count = 1},
	    .key = big,
	    .sealed = out };
	const size_t lens[] = { 64, 128, 700, sizeof(big) };
	struct csn_session *s, *back;
	struct csn_ctx *ctx;
	struct keys k;
	size_t i, len;
	int rc;

	if (!registers_can())
		test_skip("this processor's registers are not read here");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	it.session = s;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		it.key_len = lens[i];
		it.sealed_len = lens[i] + CSN_SEAL_OVERHEAD;
		assert_int_equal(csn_kv_seal(ctx, &it), 0);
		learn(s, &k);
		/* Again, for the lane has the key now; then a fresh lane. */
		it.key_len = lens[i];
		it.sealed_len = lens[i] + CSN_SEAL_OVERHEAD;
		rc = csn_kv_seal(ctx, &it);
		read_registers(regs);
		assert_int_equal(rc, 0);
		no_key_in(regs, &k, "sealing");
		rc = csn_kv_open(ctx, &it);
		read_registers(regs);
		assert_int_equal(rc, 0);
		no_key_in(regs, &k, "opening");
		out[CSN_SEAL_HEADER] ^= 1;
		rc = csn_kv_open(ctx, &it);
		read_registers(regs);
		assert_int_equal(rc, CSN_E_TAG);
		no_key_in(regs, &k, "a refusal");
	}
	rc = csn_session_export(s, &p, &len);
	read_registers(regs);
	assert_int_equal(rc, 0);
	no_key_in(regs, &k, "an export");
	rc = csn_session_import(ctx, p, len, NULL, &back);
	read_registers(regs);
	assert_int_equal(rc, 0);
	no_key_in(regs, &k, "an import");
	rc = csn_session_rotate(s, 0);
	read_registers(regs);
	assert_int_equal(rc, 0);
	no_key_in(regs, &k, "a rotation");
	csn_session_close(s);
	read_registers(regs);
	no_key_in(regs, &k, "closing");
	csn_wipe(p, len);
	csn_free(p);
	csn_session_free(back);
	csn_session_free(s);
	csn_ctx_free(ctx);
}

/* The test above would see it: as many as there are, with a key in each. */
TEST(clearing_clears_every_vector_register)
{
	uint8_t regs[REGISTERS];
	size_t i;

	if (!registers_can())
		test_skip("this processor's registers are not read here");
#if defined(__x86_64__)
	memset(regs, 0xa5, sizeof(regs));
#define L5(n) "vmovdqu64 " #n "*64(%0),%%zmm" #n "\n\t"
#define L2(n) "vmovdqu " #n "*64(%0),%%ymm" #n "\n\t"
#define L1(n) "movdqu " #n "*64(%0),%%xmm" #n "\n\t"
#define REGS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(LOW(L5) HIGH(L5) : : "r"(regs) :
		    "memory", REGS);
	else if (__builtin_cpu_supports("avx"))
		__asm__ volatile(LOW(L2) : : "r"(regs) : "memory", REGS);
	else
		__asm__ volatile(LOW(L1) : : "r"(regs) : "memory", REGS);
	csn_clear_vectors();
#endif
	read_registers(regs);
#if defined(__x86_64__)
	/* What this processor lacks was not read. */
	if (!__builtin_cpu_supports("avx512f"))
		for (i = 0; i < 32; i++)
			memset(regs + i * 64 + (i < 16 ? 32 : 0), 0,
			    i < 16 ? 32 : 64);
	if (!__builtin_cpu_supports("avx"))
		for (i = 0; i < 16; i++)
			memset(regs + i * 64 + 16, 0, 16);
#endif
	for (i = 0; i < sizeof(regs); i++)
		assert_int_equal(regs[i], 0);
}

/* --- Stacks --------------------------------------------------------------- */

static void
random_needle(struct csn_ctx *ctx, struct needle *n)
{
	uint8_t p[CSN_KEY_SIZE];

	assert_int_equal(csn_random(ctx, p, sizeof(p)), 0);
	needle_set(n, p, sizeof(p));
	csn_wipe(p, sizeof(p));
}

struct planted {
	struct csn_ctx *ctx;
	struct csn_session *session;
	struct csn_key key;
	struct needle needle;
};

static void
plant_only(void *arg)
{
	needle_plant(&((struct planted *)arg)->needle);
}

static void
plant_and_close(void *arg)
{
	struct planted *p = arg;

	needle_plant(&p->needle);
	csn_session_close(p->session);
}

static void
plant_and_forget(void *arg)
{
	struct planted *p = arg;

	needle_plant(&p->needle);
	csn_key_wipe(p->ctx, &p->key);
}

TEST(closing_and_forgetting_overwrite_the_stack_below)
{
	struct planted p;
	uint8_t plain[CSN_KEY_SIZE] = { 1 };

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	p.ctx = pair_ctx();
	p.session = pair_local(p.ctx, "acme", NULL);
	random_needle(p.ctx, &p.needle);
	/* It would be seen where nothing overwrites it. */
	needle_deep(plant_only, &p);
	assert_true(needle_count(&p.needle) > 100);
	needle_deep(plant_and_close, &p);
	assert_int_equal(needle_count(&p.needle), 0);
	assert_int_equal(csn_key_mask(p.ctx, plain, &p.key), 0);
	needle_deep(plant_and_forget, &p);
	assert_int_equal(needle_count(&p.needle), 0);
	csn_session_free(p.session);
	csn_ctx_free(p.ctx);
}

static struct needle pooled;
static atomic_int planted;

static void
plant_in_pool(void *arg, size_t from, size_t to)
{
	(void)arg;
	(void)from;
	(void)to;
	/* So that each thread gets one: nobody takes two. */
	atomic_fetch_add(&planted, 1);
	while (atomic_load(&planted) < 3)
		sched_yield();
	needle_plant(&pooled);
}

TEST(an_idle_pool_thread_has_overwritten_its_stack)
{
	struct csn_ctx *ctx;
	struct csn_pool *pool;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	random_needle(ctx, &pooled);
	assert_int_equal(csn_pool_new(ctx, 3, &pool), 0);
	csn_pool_run(pool, 3, 1, plant_in_pool, NULL);
	/* This thread's own part of it. */
	csn_scrub();
	/* The others do it before they sleep; the test's limit ends this. */
	while (needle_count(&pooled) != 0)
		sched_yield();
	csn_pool_free(pool);
	csn_ctx_free(ctx);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* The kernel saves the registers of a thread that AES runs in on its stack. */
TEST(signals_during_aes_leave_no_key_after_close)
{
	static uint8_t big[16384], out[sizeof(big) + CSN_SEAL_OVERHEAD];
	const struct itimerval often = { { 0, 20 }, { 0, 20 } },
	    never = { { 0, 0 }, { 0, 0 } };
	struct csn_kv_item it = { .size = sizeof(it),
	    .slot = {.kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_KEY, .count = 1},
	    .key = big,
	    .key_len = sizeof(big),
	    .sealed = out,
	    .sealed_len = sizeof(out) };
	struct csn_ctx *ctx;
	struct keys k;
	int i, j;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	signal(SIGALRM, on_alarm);
	for (i = 0; i < 40; i++) {
		it.session = pair_local(ctx, "acme", NULL);
		assert_int_equal(csn_kv_seal(ctx, &it), 0);
		learn(it.session, &k);
		csn_wipe(k.plain, sizeof(k.plain));
		setitimer(ITIMER_REAL, &often, NULL);
		for (j = 0; j < 200; j++)
			assert_int_equal(csn_kv_seal(ctx, &it), 0);
		setitimer(ITIMER_REAL, &never, NULL);
		csn_session_free(it.session);
		assert_int_equal(left(k.clear), 0);
	}
	signal(SIGALRM, SIG_DFL);
	csn_ctx_free(ctx);
}

/* --- At rest -------------------------------------------------------------- */

/* Masked keys are wiped too: a mask may become known later. */
TEST(closing_wipes_what_is_at_rest)
{
	struct csn_session *s;
	struct csn_ctx *ctx;
	struct keys k, older;
	struct text t;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	ctx = pair_ctx();
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(text_seal(s, 1, "something", &t), 0);
	learn(s, &older);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 2, "something", &t), 0);
	assert_int_equal(text_open(s, &t, "something"), 0);
	learn(s, &k);
	csn_wipe(k.plain, sizeof(k.plain));
	csn_wipe(older.plain, sizeof(older.plain));
	assert_true(needle_count(&k.resting[0]) > 0);
	assert_true(needle_count(&older.resting[0]) > 0);
	/* The chain went on: the key that it had before is gone. */
	assert_int_equal(needle_count(&older.resting[1 + 0]) +
	    needle_count(&older.resting[1 + 1]), 1);
	csn_session_ref(s);
	csn_session_close(s);
	assert_int_equal(left(k.resting), 0);
	assert_int_equal(left(older.resting), 0);
	assert_int_equal(left(k.clear), 0);
	assert_int_equal(left(older.clear), 0);
	assert_int_equal(s->next[0][0].id | s->next[0][1].id, 0);
	assert_int_equal(s->next[1][0].id | s->next[1][1].id, 0);
	assert_int_equal(s->own_key.id, 0);
	assert_null(s->heads[0]);
	assert_null(s->heads[1]);
	csn_session_free(s);
	csn_session_free(s);
	csn_ctx_free(ctx);
}
