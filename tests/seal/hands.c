/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/hands.c - sources and sinks in memory, which can be made fail. */
#include "lib/test.h"
#include "seal/hands.h"

void
hands_begin(struct hands *h, const void *data, size_t len, size_t cap)
{
	memset(h, 0, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	h->cap = cap < len ? len : cap;
	assert_non_null(h->p = calloc(1, h->cap + 1));
	if (len != 0)
		memcpy(h->p, data, len);
	h->len = len;
	h->fails_at = -1;
}

void
hands_end(struct hands *h)
{
	pthread_mutex_destroy(&h->lock);
	free(h->p);
}

/* Under the lock: 0 where this call works. */
static int
call(struct hands *h, uint64_t offset)
{
	if (h->in_order && offset != h->at)
		fail_msg("%llu where %llu is next", (unsigned long long)offset,
		    (unsigned long long)h->at);
	return h->calls++ == h->fails_at ? CSN_E_QUOTA : 0;
}

static int
hands_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	struct hands *h = arg;
	int rc;

	pthread_mutex_lock(&h->lock);
	rc = call(h, offset);
	*got = offset >= h->len ? 0 : h->len - offset < len ?
	    h->len - (size_t)offset : len;
	if (rc == 0 && *got != 0)
		memcpy(p, h->p + offset, *got);
	h->at = offset + *got;
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static int
hands_write(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	struct hands *h = arg;
	int rc;

	pthread_mutex_lock(&h->lock);
	if ((rc = call(h, offset)) == 0) {
		assert_true(offset + len <= h->cap);
		if (len != 0)
			memcpy(h->p + offset, p, len);
		if (h->len < offset + len)
			h->len = (size_t)offset + len;
		h->at = offset + len;
	}
	pthread_mutex_unlock(&h->lock);
	return rc;
}

struct csn_sealed_io
hands_io(struct hands *h, int anywhere)
{
	h->in_order = !anywhere;
	h->at = 0;
	h->calls = 0;
	return (struct csn_sealed_io){ .size = sizeof(struct csn_sealed_io),
	    .flags = anywhere ? CSN_IO_ANYWHERE : 0, .arg = h,
	    .read = hands_read, .write = hands_write, .length = h->len };
}
