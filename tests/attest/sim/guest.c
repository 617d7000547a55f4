/* guest.c - made-up processors as the drivers of configfs-tsm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attest/sim/guest.h"

static int
snp_report(void *arg, const uint8_t inblob[64], unsigned privlevel,
    struct fake_bytes *out, struct fake_bytes *aux)
{
	const struct sim_guest *g = arg;
	uint8_t report[FAKE_SNP_REPORT], data[64];

	memcpy(data, inblob, sizeof(data));
	data[63] ^= (uint8_t)g->other_data;
	fake_snp_report(g->snp, 3, data, report);
	fake_le(report + 0x30, privlevel, 4);
	fake_snp_sign(g->snp, report);
	fake_put(out, report, sizeof(report));
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
