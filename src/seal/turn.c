/* SPDX-License-Identifier: Apache-2.0 */
/* seal/turn.c - threads that work side by side and write in order. */
#include <stdio.h>

#include "base/fail.h"
#include "base/sized.h"
#include "seal/turn.h"

#define ROOM "seal"

#define MOST_THREADS 32
#define MOST_MEMORY ((uint64_t)256 << 20)	/* of all threads */

void
csn_turn_start(struct csn_turn *t, struct csn_ctx *ctx, uint64_t first)
{
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->moved, NULL);
	t->ctx = ctx;
	t->next = first;
	t->rc = 0;
	t->why[0] = '\0';
}

int
csn_turn_end(struct csn_turn *t)
{
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->moved);
	if (t->rc == 0)
		return 0;
	/* The sentence was another thread's. */
	return csn_fail(t->ctx, t->rc, ROOM, "%s", t->why[0] != '\0' ?
	    t->why : csn_error_text(t->rc));
}

int
csn_turn_fail(struct csn_turn *t, int rc)
{
	if (rc == 0)
		return 0;
	pthread_mutex_lock(&t->lock);
	if (t->rc == 0) {
		t->rc = rc;
		if (csn_message_code() == rc)
			(void)snprintf(t->why, sizeof(t->why), "%s",
			    csn_message());
		pthread_cond_broadcast(&t->moved);
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
csn_turn_write(struct csn_turn *t, const struct csn_sealed_io *sink,
    uint64_t i, uint64_t offset, const uint8_t *p, size_t len)
{
	int rc;

	if ((sink->flags & CSN_IO_ANYWHERE) != 0)
		return sink->write(sink->arg, offset, p, len);
	pthread_mutex_lock(&t->lock);
	while (t->next != i && t->rc == 0)
		pthread_cond_wait(&t->moved, &t->lock);
	rc = t->rc != 0 ? CSN_E_CANCELLED : 0;
	pthread_mutex_unlock(&t->lock);
	/* It stays this thread's turn until it says that it is not. */
	if (rc != 0 || (rc = sink->write(sink->arg, offset, p, len)) != 0)
		return rc;
	pthread_mutex_lock(&t->lock);
	t->next++;
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int
csn_io_read(struct csn_ctx *ctx, const struct csn_sealed_io *io,
    uint64_t offset, uint8_t *p, size_t len, const char *what)
{
	size_t got = 0;
	int rc;

	if ((rc = io->read(io->arg, offset, p, len, &got)) != 0)
		return rc;
	return got == len ? 0 : csn_fail(ctx, CSN_E_IO, ROOM,
	    "%s has only %zu of %zu bytes at %llu: it became shorter", what,
	    got, len, (unsigned long long)offset);
}

size_t
csn_turn_threads(struct csn_pool *pool, uint32_t segment, uint64_t n)
{
	uint64_t most = MOST_MEMORY / segment;
	uint64_t threads = csn_pool_threads(pool);

	if (most > MOST_THREADS)
		most = MOST_THREADS;
	if (most > n)
		most = n;
	if (threads > most)
		threads = most;
	return threads == 0 ? 1 : (size_t)threads;
}

int
csn_io_take(struct csn_ctx *ctx, const struct csn_sealed_io *given, int reads,
    struct csn_sealed_io *io)
{
	int rc;

	if (given == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a source or a sink is NULL");
	if ((rc = CSN_TAKE(io, given, csn_sealed_io, length)) != 0)
		return rc;
	if ((reads ? io->read == NULL : io->write == NULL) ||
	    (io->flags & ~CSN_IO_ANYWHERE) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a source that does not "
		    "read, a sink that does not write, or a flag that is not "
		    "known");
	return 0;
}
