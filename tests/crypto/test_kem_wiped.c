/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange of X-Wing was made of is nowhere afterwards. */
#include <stdatomic.h>

#include "lib/test.h"
#include "vectors.h"

#include <caisson/crypto.h>

#include "base/scrub.h"
#include "crypto/crypto.h"
#include "crypto/internal.h"
#include "session/scan.h"

/* Both secrets side by side, as the hash takes them in, are wiped so often. */
static struct needle joined;		/* masked by 0xa5, as in scan.c */
static atomic_int wiped;
void __explicit_bzero_chk(void *p, size_t len, size_t room);

static void
wipe_seen(void *p, size_t len)
{
	volatile uint8_t *at = p;
	size_t i;

	/* The stack below is wiped, too, of which much was never set. */
	for (i = 0; len < 4096 && i < joined.len && i < len; i++)
		if ((uint8_t)(at[i] ^ 0xa5u) != joined.masked[i])
			break;
	wiped += joined.len != 0 && i == joined.len;
	for (i = 0; i < len; i++)
		at[i] = 0;
}

/* In place of glibc's two, the second of which fortified calls are. */
#undef explicit_bzero
void
(explicit_bzero)(void *p, size_t len)
{
	wipe_seen(p, len);
}

void
__explicit_bzero_chk(void *p, size_t len, size_t room)
{
	(void)room;
	wipe_seen(p, len);
}

struct exchange {
	struct csn_kem_key *pair;
	uint8_t entropy[64], ct[1120], a[CSN_KEM_SECRET_SIZE];
	uint8_t b[CSN_KEM_SECRET_SIZE];
};

static void
encapsulate(void *arg)
{
	struct exchange *x = arg;

	assert_int_equal(csn_kem_encapsulate_with(test_ctx, x->pair,
	    x->entropy, x->ct, sizeof(x->ct), x->a), 0);
}

static void
decapsulate(void *arg)
{
	struct exchange *x = arg;

	assert_int_equal(csn_kem_decapsulate(test_ctx, x->pair, x->ct,
	    sizeof(x->ct), x->b), 0);
}

/* The two secrets that such an exchange is made of. */
static void
halves(const struct exchange *x, struct needle *m, struct needle *e)
{
	uint8_t ct[1088], ss[CSN_KEM_SECRET_SIZE];
	EVP_PKEY *sk;
	EVP_PKEY_CTX *c;
	size_t n = sizeof(ss);

	assert_int_equal(csn_ml_kem_encap(test_ctx, x->pair->ml_kem,
	    x->entropy, ct, sizeof(ct), ss), 0);
	needle_set(m, ss, sizeof(ss));
	assert_non_null(sk = EVP_PKEY_new_raw_private_key_ex(
	    csn_crypto_lib(test_ctx), "X25519", NULL, x->entropy + 32, 32));
	assert_non_null(c = EVP_PKEY_CTX_new_from_pkey(
	    csn_crypto_lib(test_ctx), sk, NULL));
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer_ex(c, x->pair->x25519, 0),
	    1);
	assert_int_equal(EVP_PKEY_derive(c, ss, &n), 1);
	needle_set(e, ss, sizeof(ss));
	memcpy(joined.masked, m->masked, sizeof(ss));
	memcpy(joined.masked + sizeof(ss), e->masked, sizeof(ss));
	joined.len = 2 * sizeof(ss);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(sk);
	csn_wipe(ss, sizeof(ss));
	csn_scrub();
}

TEST(test_x_wing_leaves_neither_half)
{
	struct exchange x;
	struct needle m, e;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_X_WING, &x.pair),
	    0);
	assert_int_equal(csn_random(test_ctx, x.entropy, sizeof(x.entropy)),
	    0);
	halves(&x, &m, &e);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	needle_deep(encapsulate, &x);
	assert_int_equal(wiped, 1);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	needle_deep(decapsulate, &x);
	assert_int_equal(wiped, 2);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	assert_memory_equal(x.a, x.b, sizeof(x.a));
	joined.len = 0;
	csn_kem_free(x.pair);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
