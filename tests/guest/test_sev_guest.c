/* SPDX-License-Identifier: Apache-2.0 */
/* test_sev_guest.c - the ioctls of /dev/sev-guest, byte for byte. */
#include <errno.h>

#include <caisson/advanced.h>
#include <caisson/crypto.h>
#include <caisson/guest.h>

#include "guest/sim/guest.h"
#include "guest/sev_guest.h"
#include "guest/snp_key.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct sim_guest guest;
static struct sim_device sim;
static struct csn_device_io io;
static struct csn_device device;
static uint8_t data[64], *out, *certs;
static size_t len, certs_len;

BEFORE_ALL
{
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(200 - i);
	sim_snp_start(&guest);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	sim_guest_end(&guest);
	csn_ctx_free(ctx);
}

BEFORE_EACH
{
	memset(&sim, 0, sizeof(sim));
	sim.guest = &guest;
	io = sim_sev_device(&sim);
	device = (struct csn_device){ .ctx = ctx, .io = &io,
	    .path = SIM_DEVICE, .what = CSN_SEV_GUEST_WHAT };
}

AFTER_EACH
{
	csn_free(out);
	csn_free(certs);
	out = certs = NULL;
	/* Whatever happened, the device was closed. */
	assert_int_equal(sim.open, 0);
}

static int
ask(uint32_t vmpl)
{
	csn_free(out);
	csn_free(certs);
	return csn_sev_guest_report(&device, data, vmpl, &out, &len, &certs,
	    &certs_len);
}

static void
refused(int code, const char *word)
{
	assert_int_equal(ask(0), code);
	if (strstr(csn_message(), word) == NULL)
		fail_msg("no \"%s\" in: %s", word, csn_message());
	assert_null(out);
	assert_null(certs);
	assert_int_equal(len + certs_len, 0);
}

/* 0 in all of the bytes. */
static void
assert_zero(const uint8_t *p, size_t n)
{
	while (n-- > 0)
		assert_int_equal(*p++, 0);
}

TEST(extended_report_bytes)
{
	struct fake_bytes table = fake_snp_table(guest.snp);

	assert_int_equal(ask(2), 0);
	assert_int_equal(sim.requests, 1);
	assert_int_equal(sim.number, 0xc0205302);
	/* msg_version 1, padding; the result was not given in advance. */
	assert_int_equal(sim.message[0], 1);
	assert_zero(sim.message + 1, 7);
	assert_zero(sim.message + 24, 8);
	/* user_data, vmpl, reserved, certs_address, certs_len. */
	assert_memory_equal(sim.request, data, 64);
	assert_int_equal(sim.request[64], 2);
	assert_zero(sim.request + 65, 31);
	assert_int_equal(sim.request[104] | sim.request[105] << 8, 8192);
	assert_zero(sim.request + 106, 6);

	assert_int_equal(len, FAKE_SNP_REPORT);
	assert_memory_equal(out + 0x50, data, 64);
	assert_int_equal(out[0x30], 2);
	/* The table ends where its last certificate does, not with a page. */
	assert_int_equal(certs_len, table.len);
	assert_memory_equal(certs, table.p, table.len);
	free(table.p);
}

TEST(certificates_that_need_more_room)
{
	sim.certs_pages = 3;
	assert_int_equal(ask(0), 0);
	assert_int_equal(sim.requests, 2);
	/* The second request is of the length that the first was told. */
	assert_int_equal(sim.request[104] | sim.request[105] << 8, 3 * 4096);
	assert_true(certs_len > 0);
	sim.certs_pages = 4;
	assert_int_equal(ask(0), 0);
	assert_int_equal(sim.request[104] | sim.request[105] << 8, 4 * 4096);
}

TEST(a_length_beyond_the_room_is_refused)
{
	sim.certs_len = 2 * 4096 + 1;
	refused(CSN_E_BACKEND, "8193 bytes in a room of 8192");
	sim.certs_len = UINT32_MAX;
	refused(CSN_E_BACKEND, "in a room of 8192");
	/* Fewer is what a driver may say. */
	sim.certs_len = 4096;
	assert_int_equal(ask(0), 0);
	assert_true(certs_len > 0 && certs_len <= 4096);
}

/* A table that points past its pages: these are all that is handed on. */
TEST(a_table_that_points_past_its_room_is_no_longer_for_it)
{
	static const uint32_t at[] = { 8191, 8192, 8193, 1u << 31,
	    UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		sim.certs_at = at[i];
		assert_int_equal(ask(0), 0);
		assert_int_equal(certs_len, 8192);
	}
}

TEST(a_report_without_certificates)
{
	/* More than the kernel takes: the report alone serves. */
	sim.certs_pages = 5;
	assert_int_equal(ask(1), 0);
	assert_int_equal(sim.number, 0xc0205300);
	assert_memory_equal(sim.request, data, 64);
	assert_int_equal(sim.request[64], 1);
	assert_zero(sim.request + 65, 31);
	assert_int_equal(len, FAKE_SNP_REPORT);
	assert_int_equal(certs_len, 0);
	/* A host that knows nothing of certificates. */
	sim.certs_pages = 0;
	sim.no_extended = 1;
	assert_int_equal(ask(0), 0);
	assert_int_equal(sim.number, 0xc0205300);
	assert_int_equal(certs_len, 0);
}

TEST(a_missing_device_is_named)
{
	struct csn_snp_key_options o = { .size = sizeof(o),
	    .device = "/nowhere/sev-guest" };
	uint8_t key[32];

	sim.missing = ENOENT;
	refused(CSN_E_NOT_FOUND, SIM_DEVICE);
	assert_non_null(strstr(csn_message(), "module sev-guest"));
	sim.missing = EACCES;
	refused(CSN_E_BACKEND, "not permitted");
	/* And on this machine, by the public function. */
	assert_int_equal(csn_snp_derived_key(ctx, &o, "x", key),
	    CSN_E_BACKEND);
	assert_int_equal(csn_message_code(), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "/nowhere/sev-guest"));
	assert_non_null(strstr(csn_message(), "module sev-guest"));
}

TEST(errors_have_their_sentences)
{
	sim.fails = ENOTTY;
	refused(CSN_E_BACKEND, "VMPCK");
	/* A disabled key is not asked a second way. */
	assert_int_equal(sim.requests, 1);
	sim.fails = EIO;
	sim.firmware = 0x16;
	refused(CSN_E_BACKEND, "firmware error 0x16");
	sim.firmware = 0;
	sim.host = 7;
	refused(CSN_E_BACKEND, "host error 0x7");
	sim.host = 0;
	sim.fails = ENODEV;
	refused(CSN_E_BACKEND, "the request failed: No such device");
	sim.fails = 0;
	sim.status = 0x27;
	refused(CSN_E_BACKEND, "status 0x27");
	sim.status = 0;
	sim.size = 4;
	refused(CSN_E_BACKEND, "a report of 4 bytes");
	sim.size = 4000;
	refused(CSN_E_BACKEND, "a report of 4000 bytes");
}

TEST(a_host_that_throttles)
{
	sim.busy = 3;
	assert_int_equal(ask(0), 0);
	assert_int_equal(sim.requests, 4);
	sim.busy = 1000;
	refused(CSN_E_BUSY, "busy");
}

TEST(derived_key_bytes)
{
	struct csn_snp_key_options o = {
		.size = sizeof(o), .root_key = CSN_SNP_ROOT_VMRK,
		.fields = CSN_SNP_MEASUREMENT | CSN_SNP_GUEST_SVN, .vmpl = 3,
		.guest_svn = 0x01020304, .tcb_version = 0x1112131415161718,
		.device = SIM_DEVICE
	};
	static const uint8_t want[32] = {
		1, 0, 0, 0, 0, 0, 0, 0, 0x18, 0, 0, 0, 0, 0, 0, 0,
		3, 0, 0, 0, 4, 3, 2, 1,
		0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11
	};
	uint8_t key[32], again[32], firmware[32], expect[32];

	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o,
	    "attester", key), 0);
	assert_int_equal(sim.number, 0xc0205301);
	assert_memory_equal(sim.request, want, 32);
	/* HKDF of what the firmware gave. */
	sim_derived_key(want, firmware);
	assert_int_equal(csn_hkdf(ctx, CSN_HKDF_SHA3_256,
	    (const uint8_t *)"caisson snp derived key", 23, firmware, 32,
	    (const uint8_t *)"attester", 8, expect, 32), 0);
	assert_memory_equal(key, expect, 32);

	/* The same again; another by another label or field. */
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o,
	    "attester", again), 0);
	assert_memory_equal(key, again, 32);
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o,
	    "attester 2", again), 0);
	assert_memory_not_equal(key, again, 32);
	o.guest_svn++;
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o,
	    "attester", again), 0);
	assert_memory_not_equal(key, again, 32);
}

TEST(an_identity_from_a_derived_key)
{
	struct csn_snp_key_options o = { .size = sizeof(o),
	    .fields = CSN_SNP_MEASUREMENT, .device = SIM_DEVICE };
	struct csn_sign_key *first, *second;
	uint8_t key[32], pk[2][1952];

	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "attester",
	    key), 0);
	assert_int_equal(csn_sign_from_seed(ctx, CSN_SIGN_ML_DSA_65, key, 32,
	    &first), 0);
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "attester",
	    key), 0);
	assert_int_equal(csn_sign_from_seed(ctx, CSN_SIGN_ML_DSA_65, key, 32,
	    &second), 0);
	assert_int_equal(csn_sign_public(ctx, first, pk[0], 1952), 0);
	assert_int_equal(csn_sign_public(ctx, second, pk[1], 1952), 0);
	assert_memory_equal(pk[0], pk[1], 1952);
	csn_sign_free(first);
	csn_sign_free(second);
}

TEST(derived_keys_refused)
{
	static const uint8_t zero[32];
	struct csn_snp_key_options o = { .size = sizeof(o),
	    .device = SIM_DEVICE };
	char label[257];
	uint8_t key[32];

	memset(label, 'x', sizeof(label) - 1);
	label[256] = '\0';
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "", key),
	    CSN_E_ARG);
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, label, key),
	    CSN_E_ARG);
	o.fields = 64;
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "x", key),
	    CSN_E_ARG);
	o.fields = 0;
	o.vmpl = 4;
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "x", key),
	    CSN_E_ARG);
	o.vmpl = 0;
	assert_int_equal(csn_snp_derived_key(ctx, NULL, "x", key),
	    CSN_E_ARG);
	assert_int_equal(sim.requests, 0);
	memset(key, 0xff, 32);
	sim.status = 0x16;
	assert_int_equal(csn_snp_derived_key_by(ctx, &io, &o, "x", key),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "status 0x16"));
	assert_memory_equal(key, zero, 32);
}
