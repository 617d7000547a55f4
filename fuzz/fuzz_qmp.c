/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_qmp.c - what QEMU answers: one message, and its list of the guest's
 * memory.
 */
#include "identity.h"
#include "providers/region/qemu/layout.h"
#include "providers/region/qemu/qmp.h"

static void
message(struct csn_ctx *ctx, const char *p, size_t len)
{
	struct csn_qmp_message m;

	if (csn_qmp_parse(ctx, p, len, &m) != 0) {
		check(m.json == NULL);
		return;
	}
	check(m.kind >= CSN_QMP_GREETING && m.kind <= CSN_QMP_EVENT);
	check((m.kind == CSN_QMP_RETURN) == (m.value != NULL));
	check(m.kind != CSN_QMP_ERROR || m.text != NULL);
	check(m.id >= -1);
	json_decref(m.json);
}

static void
layout(struct csn_ctx *ctx, const char *p, size_t len)
{
	const struct csn_guest_range *r;
	struct csn_guest_layout l;
	uint64_t last = 0;
	size_t i;

	if (csn_guest_layout_parse(ctx, p, len, &l) != 0) {
		check(l.v == NULL && l.n == 0);
		return;
	}
	check(l.n > 0 && l.v[0].address == 0 && l.v[0].main);
	for (i = 0; i < l.n; i++) {
		r = &l.v[i];
		check(r->size > 0 && (i == 0 || r->address > last));
		check(r->size <= UINT64_MAX - r->offset);
		check(csn_guest_layout_find(&l, r->address, r->size) == r);
		last = r->address + (r->size - 1);
		check(last >= r->address);
	}
	csn_guest_layout_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();

	message(ctx, (const char *)data, len);
	layout(ctx, (const char *)data, len);
	return 0;
}
