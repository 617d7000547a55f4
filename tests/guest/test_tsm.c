/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tsm.c - reports through configfs-tsm, over a mounted simulation of it
 * and over the same at the seam.
 */
#include <errno.h>
#include <fcntl.h>

#include "guest/sim/guest.h"
#include "guest/sim/tsm_front.h"
#include "lib/test.h"

struct bench {
	struct csn_ctx *ctx;
	struct sim_guest snp, tdx;
	int mounted;
	struct tsm_front front;
	struct csn_tsm tsm;
	uint8_t data[64];
	uint8_t *out, *aux;
	size_t len, aux_len;
};

static struct bench b;

static int mounted;	/* 1: behind a mount of configfs */

BEFORE_ALL
{
	size_t i;

	memset(&b, 0, sizeof(b));
	b.mounted = mounted;
	sim_snp_start(&b.snp);
	sim_tdx_start(&b.tdx);
	for (i = 0; i < sizeof(b.data); i++)
		b.data[i] = (uint8_t)(i * 3 + 1);
	assert_int_equal(csn_ctx_new(NULL, &b.ctx), 0);
}

AFTER_ALL
{
	sim_guest_end(&b.snp);
	sim_guest_end(&b.tdx);
	csn_ctx_free(b.ctx);
}

BEFORE_EACH
{
	tsm_front_start(&b.front, &b.snp.driver, b.mounted);
	b.tsm = (struct csn_tsm){ .ctx = b.ctx, .io = &b.front.io,
	    .root = b.front.root, .provider = "sev_guest", .privlevel = -1 };
}

AFTER_EACH
{
	csn_free(b.out);
	csn_free(b.aux);
	b.out = b.aux = NULL;
	tsm_front_end(&b.front);
}

#define NEED_FRONT() do {						\
	if (b.front.why != NULL)					\
		test_skip(b.front.why);					\
} while (0)

static int
ask(void)
{
	csn_free(b.out);
	csn_free(b.aux);
	return csn_tsm_report(&b.tsm, b.data, &b.out, &b.len, &b.aux,
	    &b.aux_len);
}

static void
refused(int code, const char *word)
{
	assert_int_equal(ask(), code);
	assert_int_equal(csn_message_code(), code);
	if (strstr(csn_message(), word) == NULL)
		fail_msg("no \"%s\" in: %s", word, csn_message());
	assert_null(b.out);
	assert_null(b.aux);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.aux_len, 0);
	/* Whatever happened, no folder is left. */
	assert_int_equal(tsm_model_seen(&b.front.model).folders, 0);
}

static void
trouble(struct tsm_trouble t)
{
	tsm_model_trouble(&b.front.model, &t);
}

TEST(snp_report_with_certificates)
{
	struct fake_bytes table = fake_snp_table(b.snp.snp);
	struct tsm_seen seen;

	if (b.front.why != NULL)
		free(table.p);
	NEED_FRONT();
	assert_int_equal(csn_tsm_probe(&b.tsm), 0);
	assert_int_equal(ask(), 0);
	assert_int_equal(b.len, FAKE_SNP_REPORT);
	assert_memory_equal(b.out + 0x50, b.data, 64);
	assert_int_equal(b.aux_len, table.len);
	assert_memory_equal(b.aux, table.p, table.len);
	free(table.p);
	seen = tsm_model_seen(&b.front.model);
	/* The probe's folder and the request's, each removed. */
	assert_int_equal(seen.made, 2);
	assert_int_equal(seen.folders, 0);
	assert_int_equal(seen.reports, 1);
	/* 64 bytes in one write. */
	assert_int_equal(seen.inblob_writes, 1);
}

TEST(tdx_quote_without_auxblob)
{
	size_t rest;

	NEED_FRONT();
	tsm_model_load(&b.front.model, &b.tdx.driver);
	b.tsm.provider = "tdx_guest";
	assert_int_equal(ask(), 0);
	/* Header, body, and the length of what follows them: all of it. */
	assert_true(b.len > 636);
	rest = (size_t)b.out[632] | (size_t)b.out[633] << 8;
	assert_int_equal(b.len, 636 + rest);
	assert_memory_equal(b.out + 48 + FAKE_TDX_DATA, b.data, 64);
	assert_int_equal(b.aux_len, 0);
}

TEST(each_request_has_a_folder_of_its_own)
{
	char first[64];

	NEED_FRONT();
	assert_int_equal(ask(), 0);
	(void)snprintf(first, sizeof(first), "%s",
	    tsm_model_seen(&b.front.model).last_name);
	assert_int_equal(ask(), 0);
	assert_string_not_equal(first,
	    tsm_model_seen(&b.front.model).last_name);
	assert_int_equal(strlen(first), strlen("caisson-") + 16);
}

TEST(privilege_level)
{
	struct tsm_driver strict = b.snp.driver;

	NEED_FRONT();
	b.tsm.privlevel = 2;
	assert_int_equal(ask(), 0);
	assert_int_equal(b.out[0x30], 2);
	/* Below what the guest may ask for. */
	strict.floor = 1;
	tsm_model_load(&b.front.model, &strict);
	b.tsm.privlevel = 0;
	assert_int_equal(ask(), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "privlevel"));
	b.tsm.privlevel = 1;
	assert_int_equal(ask(), 0);
	assert_int_equal(b.out[0x30], 1);
	tsm_model_load(&b.front.model, &b.snp.driver);
}

TEST(no_root_is_named)
{
	NEED_FRONT();
	b.tsm.root = "/nowhere/tsm/report";
	refused(CSN_E_NOT_FOUND, "/nowhere/tsm/report is not there");
	assert_non_null(strstr(csn_message(), "CONFIG_TSM_REPORTS"));
	assert_non_null(strstr(csn_message(), "6.7"));
	assert_int_equal(csn_tsm_probe(&b.tsm), CSN_E_NOT_FOUND);
}

TEST(no_driver_is_named)
{
	NEED_FRONT();
	tsm_model_load(&b.front.model, NULL);
	refused(CSN_E_NOT_FOUND, "no driver");
	assert_int_equal(csn_tsm_probe(&b.tsm), CSN_E_NOT_FOUND);
}

TEST(another_kind_of_guest_is_named)
{
	NEED_FRONT();
	tsm_model_load(&b.front.model, &b.tdx.driver);
	refused(CSN_E_NOT_FOUND, "tdx_guest, not of sev_guest");
	assert_int_equal(csn_tsm_probe(&b.tsm), CSN_E_NOT_FOUND);
}

TEST(a_dropped_inblob_is_tried_again)
{
	NEED_FRONT();
	/* The kernel keeps EBUSY of a commit to itself. */
	trouble((struct tsm_trouble){ .wrapped = 2 });
	assert_int_equal(ask(), 0);
	assert_memory_equal(b.out + 0x50, b.data, 64);
	assert_int_equal(tsm_model_seen(&b.front.model).made, 3);
}

TEST(a_generation_that_is_all_used_is_busy)
{
	NEED_FRONT();
	/* An option is stored at once, and its EBUSY is told. */
	b.tsm.privlevel = 0;
	trouble((struct tsm_trouble){ .wrapped = 1 });
	assert_int_equal(ask(), 0);
	assert_int_equal(tsm_model_seen(&b.front.model).made, 2);
}

TEST(a_stranger_before_the_report_is_seen)
{
	NEED_FRONT();
	trouble((struct tsm_trouble){ .meddled = 1 });
	assert_int_equal(ask(), 0);
	assert_memory_equal(b.out + 0x50, b.data, 64);
	assert_int_equal(tsm_model_seen(&b.front.model).made, 2);
	/* The first folder's was not even asked for. */
	assert_int_equal(tsm_model_seen(&b.front.model).reports, 1);
}

TEST(a_stranger_during_the_report_is_seen)
{
	NEED_FRONT();
	trouble((struct tsm_trouble){ .late = 1 });
	assert_int_equal(ask(), 0);
	assert_int_equal(tsm_model_seen(&b.front.model).made, 2);
}

TEST(a_stranger_who_stays_is_an_error)
{
	NEED_FRONT();
	trouble((struct tsm_trouble){ .meddled = 1000 });
	refused(CSN_E_BUSY, "others write there");
}

TEST(a_busy_device_is_asked_again)
{
	NEED_FRONT();
	trouble((struct tsm_trouble){ .busy = 2 });
	assert_int_equal(ask(), 0);
	assert_int_equal(tsm_model_seen(&b.front.model).made, 3);
	trouble((struct tsm_trouble){ .busy = 1000 });
	refused(CSN_E_BUSY, "busy");
}

TEST(errors_have_their_sentences)
{
	NEED_FRONT();
	trouble((struct tsm_trouble){ .fails = EIO });
	refused(CSN_E_BACKEND, "outblob");
	trouble((struct tsm_trouble){ .fails = ENOTTY });
	refused(CSN_E_BACKEND, "VMPCK");
	trouble((struct tsm_trouble){ .fails = EACCES });
	refused(CSN_E_BACKEND, "not permitted");
	trouble((struct tsm_trouble){ .fails = ENXIO });
	refused(CSN_E_NOT_FOUND, "no driver");
	trouble((struct tsm_trouble){ .short_writes = 1 });
	refused(CSN_E_BACKEND, "took 10 of 64 bytes");
}

static int
large_report(void *arg, const uint8_t inblob[64], unsigned privlevel,
    struct fake_bytes *out, struct fake_bytes *aux)
{
	static const uint8_t zeros[1024];
	size_t i;

	(void)privlevel;
	(void)aux;
	fake_put(out, inblob, 64);
	for (i = 0; i < *(size_t *)arg; i++)
		fake_put(out, zeros, sizeof(zeros));
	return 0;
}

TEST(large_reports)
{
	size_t kib = 31;
	struct tsm_driver driver = { .provider = "sev_guest",
	    .report = large_report, .arg = &kib };

	NEED_FRONT();
	tsm_model_load(&b.front.model, &driver);
	assert_int_equal(ask(), 0);
	assert_int_equal(b.len, 64 + 31 * 1024);
	kib = 32;
	refused(CSN_E_BACKEND, "more bytes than the kernel allows");
	tsm_model_load(&b.front.model, &b.snp.driver);
}

/* What the simulation owes to the kernel's documentation. */

static ssize_t
read_of(const char *folder, const char *name, void *p, size_t len)
{
	const struct csn_tsm_io *io = &b.front.io;
	char path[256];
	ssize_t n;
	int fd, errnum;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", b.front.root, folder,
	    name);
	if ((fd = io->open(io->arg, path, O_RDONLY)) < 0)
		return -errno;
	n = io->read(io->arg, fd, p, len);
	errnum = errno;
	(void)io->close(io->arg, fd);
	return n < 0 ? -errnum : n;
}

static ssize_t
write_of(const char *folder, const char *name, const void *p, size_t len)
{
	const struct csn_tsm_io *io = &b.front.io;
	char path[256];
	ssize_t n;
	int fd, errnum;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", b.front.root, folder,
	    name);
	if ((fd = io->open(io->arg, path, O_WRONLY)) < 0)
		return -errno;
	n = io->write(io->arg, fd, p, len);
	errnum = errno;
	(void)io->close(io->arg, fd);
	return n < 0 ? -errnum : n;
}

TEST(the_simulation_is_as_documented)
{
	const struct csn_tsm_io *io = &b.front.io;
	uint8_t long_blob[65] = { 0 };
	char folder[128], text[32] = "";
	uint8_t blob[2048];

	NEED_FRONT();
	(void)snprintf(folder, sizeof(folder), "%s/r0", b.front.root);
	assert_int_equal(io->mkdir(io->arg, folder), 0);
	assert_int_equal(io->mkdir(io->arg, folder), -1);
	assert_int_equal(errno, EEXIST);

	assert_int_equal(read_of("r0", "generation", text, 31), 2);
	assert_string_equal(text, "0\n");
	assert_int_equal(read_of("r0", "provider", text, 31), 10);
	assert_string_equal(text, "sev_guest\n");
	assert_int_equal(read_of("r0", "inblob", blob, 64), -EACCES);
	assert_int_equal(write_of("r0", "outblob", blob, 64), -EACCES);
	assert_int_equal(read_of("r0", "nothing", blob, 64), -ENOENT);
	/* Never written; of another length; too long. */
	assert_int_equal(read_of("r0", "outblob", blob, 64), -EINVAL);
	assert_int_equal(write_of("r0", "inblob", b.data, 63), 63);
	assert_int_equal(read_of("r0", "outblob", blob, 64), -EINVAL);
	assert_int_equal(write_of("r0", "inblob", long_blob, 65), -EFBIG);
	assert_int_equal(write_of("r0", "inblob", b.data, 64), 64);
	assert_int_equal(read_of("r0", "outblob", blob, 2048),
	    FAKE_SNP_REPORT);
	memset(text, 0, sizeof(text));
	assert_int_equal(read_of("r0", "generation", text, 31), 2);
	assert_string_equal(text, "2\n");
	assert_int_equal(write_of("r0", "privlevel", "4", 1), -EINVAL);
	assert_int_equal(write_of("r0", "privlevel", "x", 1), -EINVAL);
	assert_int_equal(write_of("r0", "privlevel", "3\n", 2), 2);
	assert_int_equal(read_of("r0", "outblob", blob, 2048),
	    FAKE_SNP_REPORT);
	assert_int_equal(blob[0x30], 3);

	assert_int_equal(io->rmdir(io->arg, folder), 0);
	assert_int_equal(io->rmdir(io->arg, folder), -1);
	assert_int_equal(errno, ENOENT);
	tsm_model_load(&b.front.model, NULL);
	assert_int_equal(io->mkdir(io->arg, folder), -1);
	assert_int_equal(errno, ENXIO);
}

int
test_main(void)
{
	int failed = test_run("seam");

	mounted = 1;
	return failed + test_run("mounted");
}
