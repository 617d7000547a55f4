/* SPDX-License-Identifier: Apache-2.0 */
/* cli/bench/bench.c - caisson bench: a short table of speeds. */
#include <stdlib.h>
#include <string.h>

#include "../lib/measure.h"

#define ROUND_MS 350

static void
add(json_t *list, const char *name, double value, const char *unit)
{
	json_array_append_new(list, json_pack("{s:s, s:f, s:s}", "name", name,
	    "value", value, "unit", unit));
}

struct copy {
	uint8_t *from, *to;
	size_t len;
};

static int
copy(void *arg)
{
	struct copy *c = arg;

	memcpy(c->to, c->from, c->len);
	/* The compiler may not think that nobody reads it. */
	__asm__ volatile("" : : "r"(c->to) : "memory");
	return 0;
}

/* Plain copying of as many bytes, to compare with. */
static int
copies(struct measure_kv *m, double *rate)
{
	struct copy c = { m->plain, m->opened, m->n * m->len };

	return measure(copy, &c, ROUND_MS / 2, rate);
}

static int
sizes(struct cli *cli, json_t *list)
{
	static const struct {
		const char *name;
		size_t n, len;
	} rows[] = {
		{ "128B", 4096, 128 }, { "4KiB", 256, 4096 },
		{ "64KiB", 16, 65536 }, { "2MiB", 1, 2u << 20 }
	};
	static const uint8_t data[] = "a caisson keeps the water out";
	struct measure_kv m;
	double seal, open, plain, all;
	char name[64];
	size_t i;
	int rc;

	cli_say(cli, "  %-10s %12s %12s %12s   messages/s sealed\n", "size",
	    "seal", "open", "memcpy");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = measure_kv_new(cli->ctx, data, sizeof(data), rows[i].n,
		    rows[i].len, &m);
		if (rc != 0)
			return cli_error_lib(cli, rc, NULL, "cannot measure");
		if ((rc = measure(measure_kv_seal, &m, ROUND_MS,
		    &seal)) == 0 && (rc = measure(measure_kv_open, &m,
		    ROUND_MS, &open)) == 0)
			rc = copies(&m, &plain);
		if (rc == 0 && !measure_kv_same(&m))
			rc = cli_error(cli, CLI_REFUSED, NULL, "what was "
			    "opened is not what was sealed");
		else if (rc != 0)
			rc = cli_error_lib(cli, rc, NULL, "cannot measure");
		measure_kv_free(&m);
		if (rc != 0)
			return rc;
		all = (double)rows[i].n * (double)rows[i].len / 1e9;
		cli_say(cli, "  %-10s %7.2f GB/s %7.2f GB/s %7.2f GB/s   "
		    "%.0f\n", rows[i].name, seal * all, open * all,
		    plain * all, seal * (double)rows[i].n);
		snprintf(name, sizeof(name), "kv.seal.%s.1core",
		    rows[i].name);
		add(list, name, seal * all, "GB/s");
		snprintf(name, sizeof(name), "kv.open.%s.1core",
		    rows[i].name);
		add(list, name, open * all, "GB/s");
		snprintf(name, sizeof(name), "memcpy.%s.1core", rows[i].name);
		add(list, name, plain * all, "GB/s");
		if (cli_interrupted())
			return cli_error(cli, CLI_FAILED, NULL,
			    "stopped by a signal");
	}
	return 0;
}

static int
local(void *arg)
{
	struct csn_tenant tenant = { .size = sizeof(tenant) };
	struct csn_session *session;
	int rc;

	tenant.id = "measured";
	rc = csn_session_local(arg, &tenant, NULL, &session);
	if (rc == 0)
		csn_session_free(session);
	return rc;
}

/* Both ends of a handshake. */
struct ends {
	struct csn_ctx *ctx;
	struct csn_identity *tenant, *server;
	struct csn_trust *tenant_trust, *server_trust;
	struct csn_acceptor *acceptor;
};

static int
full(void *arg)
{
	struct ends *e = arg;
	struct csn_offer_options ask = { .size = sizeof(ask) };
	struct csn_session *a = NULL, *b = NULL;
	struct csn_offer *offer = NULL;
	struct csn_pending *pending = NULL;
	uint8_t *m1 = NULL, *m2 = NULL, *m3 = NULL;
	size_t n1, n2, n3;
	int rc;

	ask.identity = e->tenant;
	ask.server_did = csn_identity_did(e->server);
	if ((rc = csn_session_offer(e->ctx, &ask, &offer, &m1, &n1)) != 0 ||
	    (rc = csn_session_accept(e->acceptor, m1, n1, NULL, &pending,
	    &m2, &n2)) != 0 ||
	    (rc = csn_session_finish(offer, e->tenant_trust, m2, n2, NULL, &a,
	    &m3, &n3)) != 0 ||
	    (rc = csn_session_confirm(pending, m3, n3, NULL, &b)) != 0)
		goto out;
out:
	csn_free(m1);
	csn_free(m2);
	csn_free(m3);
	csn_offer_free(offer);
	csn_pending_free(pending);
	csn_session_free(a);
	csn_session_free(b);
	return rc;
}

static int
know(struct csn_ctx *ctx, const struct csn_identity *id, uint32_t purposes,
    const char *tenant_id, struct csn_trust **out)
{
	struct csn_trust_entry entry = { .size = sizeof(entry) };
	int rc;

	if ((rc = csn_trust_new(ctx, out)) != 0)
		return rc;
	entry.purposes = purposes;
	entry.key = csn_identity_sign_key(id);
	entry.label = csn_identity_name(id);
	entry.tenant_id = tenant_id;
	return csn_trust_add(ctx, *out, &entry);
}

static int
ends_new(struct ends *e)
{
	struct csn_identity_options options = { .size = sizeof(options) };
	struct csn_acceptor_options limits = { .size = sizeof(limits) };
	int rc;

	/* One sender at full speed is what is to be measured. */
	limits.rate = limits.burst = limits.tenant_rate = 1000000;
	options.name = "tenant";
	if ((rc = csn_identity_new(e->ctx, &options, &e->tenant)) != 0)
		return rc;
	options.name = "server";
	if ((rc = csn_identity_new(e->ctx, &options, &e->server)) != 0 ||
	    (rc = know(e->ctx, e->server, CSN_PURPOSE_SERVER, NULL,
	    &e->tenant_trust)) != 0 ||
	    (rc = know(e->ctx, e->tenant, CSN_PURPOSE_TENANT, "measured",
	    &e->server_trust)) != 0)
		return rc;
	return csn_acceptor_new(e->ctx, e->server, e->server_trust, &limits,
	    &e->acceptor);
}

static int
sessions(struct cli *cli, json_t *list)
{
	struct ends e;
	double local_rate, full_rate;
	int rc;

	memset(&e, 0, sizeof(e));
	e.ctx = cli->ctx;
	if ((rc = measure(local, cli->ctx, ROUND_MS, &local_rate)) != 0 ||
	    (rc = ends_new(&e)) != 0 ||
	    (rc = measure(full, &e, 2 * ROUND_MS, &full_rate)) != 0) {
		rc = cli_error_lib(cli, rc, NULL, "cannot measure sessions");
		goto out;
	}
	cli_say(cli, "\n  sessions, local                %8.0f /s\n"
	    "  sessions, by signed messages   %8.0f /s (both ends)\n",
	    local_rate, full_rate);
	add(list, "session.local.1core", local_rate, "1/s");
	add(list, "session.full.1core", full_rate, "1/s");
out:
	csn_acceptor_free(e.acceptor);
	csn_trust_free(e.tenant_trust);
	csn_trust_free(e.server_trust);
	csn_identity_free(e.tenant);
	csn_identity_free(e.server);
	return rc;
}

static int
bench(struct cli *cli)
{
	json_t *list = json_array();
	int rc;

	cli_say(cli, "One core, engine %s; replay protection on, audit off; "
	    "small sizes in batches.\nThe full set, beside raw OpenSSL: make "
	    "bench\n\n", csn_aead_engine_name(cli->ctx));
	if ((rc = sizes(cli, list)) == 0 && (rc = sessions(cli, list)) == 0 &&
	    cli->json)
		return cli_json(cli, list);
	json_decref(list);
	return rc;
}

static const struct cli_verb verbs[] = {
	{ "", "", "Measure sealing, opening and handshakes in a few seconds",
	    bench, NULL, 0, 0,
	    "A short look at this machine: medians of five rounds on one "
	    "core. A GB is\n10^9 bytes of plaintext." },
	{ NULL }
};

const struct cli_noun cli_bench = {
	"bench", "See how fast it is on this machine", verbs
};
