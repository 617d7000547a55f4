/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c - made-up processors as the drivers of configfs-tsm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/sim/guest.h"

void
sim_snp_report(const struct sim_guest *g, const uint8_t data[64],
    unsigned privlevel, uint8_t out[FAKE_SNP_REPORT])
{
	uint8_t other[64];

	memcpy(other, data, sizeof(other));
	other[63] ^= (uint8_t)g->other_data;
	fake_snp_report(g->snp, 3, other, out);
	fake_le(out + 0x30, privlevel, 4);
	if (g->debug)
		out[0x0a] |= 1 << 3;	/* bit 19 of the guest's policy */
	if (g->masked)
		memset(out + 0x1a0, 0, 64);
	fake_snp_sign(g->snp, out);
}

static int
snp_report(void *arg, const uint8_t inblob[64], unsigned privlevel,
    struct fake_bytes *out, struct fake_bytes *aux)
{
	const struct sim_guest *g = arg;
	uint8_t report[FAKE_SNP_REPORT];

	sim_snp_report(g, inblob, privlevel, report);
	fake_put(out, report, sizeof(report));
	if (!g->no_certs)
		*aux = fake_snp_table(g->snp);
	return 0;
}

static int
tdx_report(void *arg, const uint8_t inblob[64], unsigned privlevel,
    struct fake_bytes *out, struct fake_bytes *aux)
{
	const struct sim_guest *g = arg;
	struct fake_tdx_quote q;
	uint8_t data[64];

	(void)privlevel;
	(void)aux;
	memcpy(data, inblob, sizeof(data));
	data[0] ^= (uint8_t)g->other_data;
	fake_tdx_defaults(&q, g->tdx_version, data);
	if (g->debug)
		q.body[FAKE_TDX_ATTRIBUTES] |= 1;
	*out = fake_tdx_quote(g->tdx, &q);
	return 0;
}

void
sim_snp_start(struct sim_guest *g)
{
	memset(g, 0, sizeof(*g));
	g->snp = fake_snp_new(NULL);
	g->driver = (struct tsm_driver){ .provider = "sev_guest",
	    .privlevels = 1, .report = snp_report, .arg = g };
}

void
sim_tdx_start(struct sim_guest *g)
{
	memset(g, 0, sizeof(*g));
	g->tdx = fake_tdx_new();
	g->tdx_version = 4;
	g->driver = (struct tsm_driver){ .provider = "tdx_guest",
	    .report = tdx_report, .arg = g };
}

void
sim_guest_end(struct sim_guest *g)
{
	if (g->snp != NULL)
		fake_snp_free(g->snp);
	if (g->tdx != NULL)
		fake_tdx_free(g->tdx);
	memset(g, 0, sizeof(*g));
}
