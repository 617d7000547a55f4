/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_snp_cache.c - AMD's certificates on disk: an input is a report and
 * certificates, as for fuzz_snp, each of which is put where the cache would
 * have it, and the last piece's edits made to them there. What is taken is
 * what its name says.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/text.h"
#include "edit.h"
#include "evidence.h"
#include "folder.h"
#include "platform/snp_cache.h"
#include "platform/vendor.h"

#define ROOM 8192

static void
keep(const char *name, const uint8_t *der, size_t len, struct csn_reader *r)
{
	static uint8_t room[ROOM];

	if (len > sizeof(room) / 2)
		return;
	memcpy(room, der, len);
	(void)fuzz_edit(r, room, &len, sizeof(room));
	(void)fuzz_file(name, room, len);
}

/* Under all the names that it may have. */
static void
put(struct csn_ctx *ctx, const struct csn_snp_report *report,
    const struct csn_cert *cert, struct csn_reader *r)
{
	char print[2 * CSN_SHA256_SIZE + 1], tcb[17], chip[129], name[300];
	uint8_t spki[CSN_SHA256_SIZE], *der;
	size_t len;

	check(csn_cert_fingerprint(ctx, cert, spki) == 0);
	check(csn_cert_der(ctx, cert, &der, &len) == 0);
	csn_hex_encode(spki, sizeof(spki), print);
	csn_hex_encode(report->reported_tcb, 8, tcb);
	csn_hex_encode(report->chip_id, 64, chip);
	if (csn_cert_is_ca(cert))
		(void)snprintf(name, sizeof(name), "ca/%s.der", print);
	else if (csn_snp_signer(report) == CSN_SNP_VLEK)
		(void)snprintf(name, sizeof(name), "vlek/%s-%.16s.der", tcb,
		    print);
	else
		(void)snprintf(name, sizeof(name), "vcek/%s-%s.der", chip,
		    tcb);
	keep(name, der, len, r);
	csn_free(der);
}

static void
look(struct csn_ctx *ctx, const struct csn_snp_report *report)
{
	struct csn_appraisal a = { .ctx = ctx,
	    .vendor = &csn_vendor_snp, .at_ms = fuzz_clock(NULL) };
	const char *name;
	size_t i;
	int status;

	a.o.cache = fuzz_folder;
	check(csn_result_new(ctx, &a.result) == 0);
	check(csn_pki_new(ctx, &a.pki) == 0);
	csn_snp_cache_read(&a, report, csn_snp_signer(report));
	check(a.broken == 0 && a.first == 0);
	for (i = 0; csn_result_get(a.result, i, &name, &status, NULL) == 0;
	    i++)
		check(strcmp(name, "cache") == 0 &&
		    status != CSN_CHECK_FAILED);
	csn_pki_free(a.pki);
	csn_result_free(a.result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const folders[] = { "ca", "vlek", "vcek" };
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_bytes evidence, certs, edits;
	struct csn_snp_report report;
	struct csn_reader r, e;
	struct csn_pki *pki;
	size_t i;

	csn_reader_init(&r, data, len);
	evidence = fuzz_piece(&r);
	certs = fuzz_piece(&r);
	edits = fuzz_piece(&r);
	if (evidence.p == NULL || csn_snp_parse(ctx, evidence.p,
	    evidence.len, &report) != 0)
		return 0;
	csn_reader_init(&e, edits.p, edits.len);
	for (i = 0; i < 3; i++)
		(void)mkdir(fuzz_path(folders[i]), 0700);
	check(csn_pki_new(ctx, &pki) == 0);
	if (certs.len > 0 && (csn_snp_is_table(certs.p, certs.len) ?
	    csn_snp_table_read(ctx, certs.p, certs.len, pki) :
	    csn_pki_read(pki, certs.p, certs.len)) == 0)
		for (i = 0; i < csn_pki_count(pki) && i < 4; i++)
			put(ctx, &report, csn_pki_cert(pki, i), &e);
	look(ctx, &report);
	csn_pki_free(pki);
	fuzz_forget(3);
	return 0;
}
