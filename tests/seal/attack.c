/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/attack.c - whose files are attacked, and who attacks. */
#include "identity/people.h"
#include "lib/test.h"
#include "seal/attack.h"
#include "seal/streams.h"

void
attack_setup(struct fixture *f)
{
	const struct csn_identity *to[1];

	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
	f->carol = people_quick(f->ctx, 3, "carol");
	f->mallory = people_quick(f->ctx, 4, "mallory");
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_SEALER);
	people_trust(f->ctx, f->trust, f->mallory, CSN_PURPOSE_SEALER);
	people_trust(f->ctx, f->trust, f->carol, CSN_PURPOSE_SERVER);
	f->data = streams_data(LEN);
	to[0] = f->bob;
	files_seal(f->ctx, f->alice, to, 1, "t", f->data, LEN, LEN, &f->a);
	files_seal(f->ctx, f->alice, to, 1, "t", f->data, LEN, LEN, &f->b);
}

void
attack_again(struct fixture *f)
{
	const struct csn_identity *to[1] = { f->bob };

	files_free(&f->a);
	files_seal(f->ctx, f->alice, to, 1, "t", f->data, LEN, LEN, &f->a);
}

void
attack_teardown(struct fixture *f)
{
	files_free(&f->a);
	files_free(&f->b);
	free(f->data);
	csn_trust_free(f->trust);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_identity_free(f->carol);
	csn_identity_free(f->mallory);
	csn_ctx_free(f->ctx);
}
