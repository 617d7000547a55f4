/* SPDX-License-Identifier: Apache-2.0 */
/* base/context.c - the context: its clock, its life, its fork canary. */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/sized.h"

#ifndef CSN_VERSION_STRING
#error "the build defines CSN_VERSION_STRING"
#endif

#define WALL_EVERY_MS 1000	/* between two readings for csn_ctx_wall_at */

/*
 * What lies on the canary page. The lock is there too, so that no child is
 * ever born with it held.
 */
struct canary {
	_Atomic uint64_t value;
	atomic_flag adopting;
};

/* All contexts, for the handlers of a fork. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_ctx *all;
static int watched;

static struct canary *
canary_of(struct csn_ctx *ctx)
{
	return (struct canary *)(void *)ctx->canary;
}

static void
before_fork(void)
{
	pthread_mutex_lock(&all_lock);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&all_lock);
}

/* Where the kernel did what it was told, there is nothing left to do. */
static void
after_fork_in_child(void)
{
	struct csn_ctx *ctx;

	for (ctx = all; ctx != NULL; ctx = ctx->next) {
		if (atomic_exchange(&canary_of(ctx)->value, 0) != 0)
			atomic_store(&ctx->canary_doubted, 1);
		atomic_flag_clear(&canary_of(ctx)->adopting);
	}
	pthread_mutex_unlock(&all_lock);
}

static void
watch_forks(void)
{
	watched = pthread_atfork(before_fork, after_fork,
	    after_fork_in_child) == 0;
}

static void
link_ctx(struct csn_ctx *ctx)
{
	pthread_once(&once, watch_forks);
	atomic_store(&ctx->canary_doubted, !watched || !csn_canary_works());
	pthread_mutex_lock(&all_lock);
	ctx->next = all;
	ctx->at = &all;
	if (ctx->next != NULL)
		ctx->next->at = &ctx->next;
	all = ctx;
	pthread_mutex_unlock(&all_lock);
}

static void
unlink_ctx(struct csn_ctx *ctx)
{
	pthread_mutex_lock(&all_lock);
	*ctx->at = ctx->next;
	if (ctx->next != NULL)
		ctx->next->at = ctx->at;
	pthread_mutex_unlock(&all_lock);
}

static uint64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0 || ts.tv_sec < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t
system_boot_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_BOOTTIME);
}

static uint64_t
system_wall_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_REALTIME);
}

static int
take_clock(struct csn_clock *clock, const struct csn_clock *given)
{
	int rc;

	if ((rc = CSN_TAKE(clock, given, csn_clock, wall_ms)) != 0)
		return rc;
	if (clock->boot_ms == NULL)
		clock->boot_ms = system_boot_ms;
	if (clock->wall_ms == NULL)
		clock->wall_ms = system_wall_ms;
	return 0;
}

int
csn_ctx_base_new(const struct csn_ctx_options *options,
    void (*adopt)(struct csn_ctx *ctx), struct csn_ctx **out)
{
	struct csn_ctx *ctx;
	struct canary *canary;
	int rc;

	if ((ctx = csn_calloc(1, sizeof(*ctx))) == NULL)
		return csn_nomem(NULL, "base", "a context");
	if ((rc = take_clock(&ctx->clock, options->clock)) != 0)
		goto err;
	ctx->birth_boot = csn_ctx_boot_ms(ctx);
	ctx->birth_wall = ctx->clock.wall_ms(ctx->clock.arg);
	if ((canary = csn_canary_page()) == NULL) {
		rc = csn_fail_memory(NULL, "base", "no page that a fork "
		    "wipes (MADV_WIPEONFORK, since Linux 4.14)");
		goto err;
	}
	ctx->canary = &canary->value;
	ctx->stopped = options->stopped;
	ctx->stopped_arg = options->stopped_arg;
	ctx->adopt = adopt;
	atomic_flag_clear(&canary->adopting);
	atomic_store(&ctx->canary_value, 1);
	atomic_store(ctx->canary, 1);
	atomic_store(&ctx->pid, getpid());
	link_ctx(ctx);
	*out = ctx;
	return 0;

err:
	csn_wipe_free(ctx, sizeof(*ctx));
	return rc;
}

void
csn_ctx_base_free(struct csn_ctx *ctx)
{
	unlink_ctx(ctx);
	csn_canary_free(ctx->canary);
	csn_wipe_free(ctx, sizeof(*ctx));
}

uint64_t
csn_fork_generation(struct csn_ctx *ctx)
{
	struct canary *canary = canary_of(ctx);
	uint64_t value;

	if ((value = atomic_load(&canary->value)) != 0)
		return value;
	while (atomic_flag_test_and_set(&canary->adopting))
		sched_yield();
	if ((value = atomic_load(&canary->value)) == 0) {
		ctx->adopt(ctx);
		/*
		 * One more than any ancestor's. It lives outside the page, or
		 * a child could not know what its ancestors had.
		 */
		value = atomic_fetch_add(&ctx->canary_value, 1) + 1;
		atomic_store(&ctx->pid, getpid());
		atomic_store(&canary->value, value);
	}
	atomic_flag_clear(&canary->adopting);
	return value;
}

void
csn_fork_look(struct csn_ctx *ctx)
{
	uint64_t value = atomic_load(ctx->canary);

	/* Another thread may have adopted the context in between. */
	if (value != 0 && atomic_load(&ctx->pid) != getpid())
		(void)atomic_compare_exchange_strong(ctx->canary, &value, 0);
}

int
csn_stop_check(const struct csn_ctx *ctx, const char *room)
{
	if (ctx->stopped == NULL || ctx->stopped(ctx->stopped_arg) == 0)
		return 0;
	return csn_fail(ctx, CSN_E_CANCELLED, room,
	    "called off before it was done");
}

uint64_t
csn_ctx_boot_ms(const struct csn_ctx *ctx)
{
	return ctx->clock.boot_ms(ctx->clock.arg);
}

uint64_t
csn_ctx_wall_ms(struct csn_ctx *ctx)
{
	uint64_t wall, boot, since, least;

	wall = ctx->clock.wall_ms(ctx->clock.arg);
	boot = csn_ctx_boot_ms(ctx);
	since = boot > ctx->birth_boot ? boot - ctx->birth_boot : 0;
	if (__builtin_add_overflow(ctx->birth_wall, since, &least))
		least = UINT64_MAX;
	if (least > atomic_load_explicit(&ctx->wall_least,
	    memory_order_relaxed))
		atomic_store_explicit(&ctx->wall_least, least,
		    memory_order_relaxed);
	return wall > least ? wall : least;
}

uint64_t
csn_ctx_wall_at(struct csn_ctx *ctx, uint64_t boot_ms)
{
	uint64_t read, ahead;

	read = atomic_load_explicit(&ctx->wall_read, memory_order_acquire);
	ahead = atomic_load_explicit(&ctx->wall_ahead, memory_order_relaxed);
	/* Also where the time given is before the last reading. */
	if (read == 0 || boot_ms - read >= WALL_EVERY_MS) {
		ahead = csn_ctx_wall_ms(ctx) - boot_ms;
		atomic_store_explicit(&ctx->wall_ahead, ahead,
		    memory_order_relaxed);
		atomic_store_explicit(&ctx->wall_read, boot_ms,
		    memory_order_release);
	}
	return boot_ms + ahead;
}

const char *
csn_version(void)
{
	return CSN_VERSION_STRING;
}
