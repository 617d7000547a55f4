/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/random.c - randomness straight from the system. */
#include <errno.h>
#include <sys/random.h>

#include "base/cancel.h"
#include "base/fail.h"
#include "crypto/crypto.h"

int
csn_random(struct csn_ctx *ctx, void *out, size_t len)
{
	CSN_UNCANCELLED;
	uint8_t *p = out;
	size_t done = 0;
	ssize_t n;

	/*
	 * No state of ours stands between the kernel and the caller, so
	 * neither a fork nor a restart can give the same bytes twice. A
	 * signal may cut a long request short: getrandom(2).
	 */
	while (done < len) {
		n = getrandom(p + done, len - done, 0);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		csn_wipe(out, len);
		return csn_fail_errno(ctx, CSN_E_RANDOM, "crypto",
		    n < 0 ? errno : EIO, "the system gave no randomness");
	}
	return 0;
}
