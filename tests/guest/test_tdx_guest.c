/* SPDX-License-Identifier: Apache-2.0 */
/* test_tdx_guest.c - TD reports and run-time measurement registers. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <caisson/guest.h>

#include "guest/sim/guest.h"
#include "base/file.h"
#include "guest/tdx_guest.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct sim_device sim;
static struct csn_device_io io;
static struct csn_device device;

BEFORE_EACH
{
	memset(&sim, 0, sizeof(sim));
	io = sim_tdx_device(&sim);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	device = (struct csn_device){ .ctx = ctx, .io = &io,
	    .path = SIM_DEVICE, .what = CSN_TDX_GUEST_WHAT };
}

AFTER_EACH
{
	csn_ctx_free(ctx);
	assert_int_equal(sim.open, 0);
}

TEST(report_bytes)
{
	uint8_t data[64], report[CSN_TDX_TDREPORT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i + 7);
	assert_int_equal(csn_tdx_guest_report(&device, data, report), 0);
	assert_int_equal(sim.number, 0xc4405401);
	assert_memory_equal(sim.request, data, 64);
	/* What the device wrote behind the 64 bytes, from its first on. */
	assert_int_equal(report[0], 0x81);
	assert_memory_equal(report + 128, data, 64);
	assert_int_equal(report[224], 0xa5);
}

TEST(errors_have_their_sentences)
{
	uint8_t data[64] = { 0 }, report[CSN_TDX_TDREPORT_SIZE];

	sim.fails = EIO;
	assert_int_equal(csn_tdx_guest_report(&device, data, report),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), SIM_DEVICE));
	sim.missing = ENOENT;
	assert_int_equal(csn_tdx_guest_report(&device, data, report),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_tdx_report(ctx, "/nowhere/tdx-guest", data,
	    report), CSN_E_BACKEND);
	assert_int_equal(csn_message_code(), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "/nowhere/tdx-guest"));
	assert_non_null(strstr(csn_message(), "module tdx-guest"));
	assert_int_equal(csn_tdx_report(ctx, NULL, NULL, report), CSN_E_ARG);
}

TEST(registers_are_extended_by_one_write)
{
	char *folder = folder_new(), path[80];
	struct rlimit part = { 20, RLIM_INFINITY };
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint8_t digest[CSN_TDX_RTMR_SIZE], *written;
	size_t i, len;

	for (i = 0; i < sizeof(digest); i++)
		digest[i] = (uint8_t)(i ^ 0x5a);
	(void)snprintf(path, sizeof(path), "%s/rtmr3:sha384", folder);
	assert_int_equal(csn_tdx_extend(ctx, folder, 3, digest),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), path));
	assert_non_null(strstr(csn_message(), "6.16"));
	assert_int_equal(csn_file_replace(ctx, path, "", 0, 0600), 0);
	assert_int_equal(csn_tdx_extend(ctx, folder, 3, digest), 0);
	assert_int_equal(csn_file_read(ctx, path, 1000, &written, &len), 0);
	assert_int_equal(len, sizeof(digest));
	assert_memory_equal(written, digest, sizeof(digest));
	csn_free(written);
	/* What took a part of it is not extended by it. */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &part), 0);
	assert_int_equal(csn_tdx_extend(ctx, folder, 3, digest),
	    CSN_E_BACKEND);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_non_null(strstr(csn_message(), "took 20 of 48 bytes"));
	assert_int_equal(csn_tdx_extend(ctx, folder, 4, digest), CSN_E_ARG);
	assert_int_equal(csn_tdx_extend(ctx, NULL, 0, NULL), CSN_E_ARG);
	folder_remove(folder);
}
