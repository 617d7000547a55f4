/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/pair.c - a tenant and a server, each with its own context. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity/people.h"
#include "lib/test.h"
#include "session/pair.h"
#include "session/keys.h"

#define START_BOOT 1000000u

uint64_t pair_boot;
uint64_t pair_wall;

static uint64_t
show(void *arg)
{
	return __atomic_load_n((uint64_t *)arg, __ATOMIC_RELAXED);
}

static uint64_t
show_wall(void *arg)
{
	(void)arg;
	return show(&pair_wall);
}

struct csn_ctx *
pair_ctx_with(const char *engine, uint32_t lanes)
{
	const struct csn_clock clock = { .size = sizeof(clock),
	    .arg = &pair_boot, .boot_ms = show, .wall_ms = show_wall };
	const struct csn_ctx_options options = { .size = sizeof(options),
	    .clock = &clock, .aead_engine = engine, .lanes = lanes };
	struct csn_ctx *ctx;

	pair_boot = START_BOOT;
	pair_wall = PEOPLE_START;
	people_now = PEOPLE_START;
	assert_int_equal(csn_ctx_new(&options, &ctx), 0);
	return ctx;
}

struct csn_ctx *
pair_ctx(void)
{
	return pair_ctx_with(NULL, 0);
}

struct csn_session *
pair_local(struct csn_ctx *ctx, const char *tenant,
    const struct csn_session_options *options)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = tenant };
	struct csn_session *s;

	assert_int_equal(csn_session_local(ctx, &t, options, &s), 0);
	return s;
}

struct csn_session *
pair_twin(struct csn_session *s, const struct csn_session_options *options)
{
	struct csn_session *twin;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_int_equal(csn_session_import(csn_session_ctx(s), bytes, len,
	    options, &twin), 0);
	csn_wipe(bytes, len);
	csn_free(bytes);
	return twin;
}

struct csn_session_info
pair_info(struct csn_session *s)
{
	struct csn_session_info info = { .size = sizeof(info) };

	assert_int_equal(csn_session_get_info(s, &info), 0);
	return info;
}

void
pair_start(struct pair *p, const struct csn_acceptor_options *acceptor)
{
	const struct csn_acceptor_options all = { .size = sizeof(all),
	    .kems = ~0u, .allow_transport = 1, .rate = 100000,
	    .tenant_rate = 1000000 };

	memset(p, 0, sizeof(*p));
	p->server_ctx = pair_ctx();
	p->tenant_ctx = pair_ctx();
	p->server = people_quick(p->server_ctx, 1, "server");
	p->tenant = people_quick(p->tenant_ctx, 2, "acme");
	p->stranger = people_quick(p->tenant_ctx, 3, "stranger");
	assert_int_equal(csn_trust_new(p->server_ctx, &p->server_trusts), 0);
	assert_int_equal(csn_trust_new(p->tenant_ctx, &p->tenant_trusts), 0);
	people_trust(p->server_ctx, p->server_trusts, p->tenant,
	    CSN_PURPOSE_TENANT);
	people_trust(p->tenant_ctx, p->tenant_trusts, p->server,
	    CSN_PURPOSE_SERVER);
	assert_int_equal(csn_acceptor_new(p->server_ctx, p->server,
	    p->server_trusts, acceptor != NULL ? acceptor : &all,
	    &p->acceptor), 0);
}

void
pair_end(struct pair *p)
{
	csn_acceptor_free(p->acceptor);
	csn_trust_free(p->server_trusts);
	csn_trust_free(p->tenant_trusts);
	csn_identity_free(p->server);
	csn_identity_free(p->tenant);
	csn_identity_free(p->stranger);
	csn_ctx_free(p->server_ctx);
	csn_ctx_free(p->tenant_ctx);
}

void
pair_offer(struct pair *p, struct messages *m,
    const struct csn_identity *signer, int kem, uint64_t ttl_ms)
{
	const struct csn_offer_options o = { .size = sizeof(o),
	    .kem = (uint32_t)kem, .ttl_ms = ttl_ms, .identity = signer,
	    .server_did = csn_identity_did(p->server) };

	memset(m, 0, sizeof(*m));
	assert_int_equal(csn_session_offer(p->tenant_ctx, &o, &m->state,
	    &m->offer, &m->offer_len), 0);
}

void
pair_accept(struct pair *p, struct messages *m)
{
	assert_int_equal(csn_session_accept(p->acceptor, m->offer,
	    m->offer_len, NULL, &m->pending, &m->reply, &m->reply_len), 0);
}

void
pair_finish(struct pair *p, struct messages *m,
    const struct csn_session_options *options)
{
	assert_int_equal(csn_session_finish(m->state, p->tenant_trusts,
	    m->reply, m->reply_len, options, &m->tenant, &m->confirm,
	    &m->confirm_len), 0);
}

void
pair_confirm(struct pair *p, struct messages *m,
    const struct csn_session_options *options)
{
	(void)p;
	assert_int_equal(csn_session_confirm(m->pending, m->confirm,
	    m->confirm_len, options, &m->server), 0);
}

void
pair_exchange(struct pair *p, struct messages *m,
    const struct csn_session_options *options)
{
	pair_offer(p, m, p->tenant, 0, 0);
	pair_accept(p, m);
	pair_finish(p, m, options);
	pair_confirm(p, m, options);
}

void
messages_free(struct messages *m)
{
	csn_session_free(m->tenant);
	csn_session_free(m->server);
	csn_offer_free(m->state);
	csn_pending_free(m->pending);
	csn_free(m->offer);
	csn_free(m->reply);
	csn_free(m->confirm);
	memset(m, 0, sizeof(*m));
}

int
text_seal(struct csn_session *s, uint64_t position, const char *text,
    struct text *out)
{
	struct csn_kv_item item;
	int rc;

	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	item.session = s;
	item.slot.kind = CSN_KIND_KV_ENTRY;
	item.slot.role = CSN_KV_KEY;
	item.slot.count = 1;
	item.slot.position = position;
	item.key = (uint8_t *)(uintptr_t)text;
	item.key_len = strlen(text);
	item.sealed = out->sealed;
	item.sealed_len = sizeof(out->sealed);
	memset(out, 0x5a, sizeof(*out));
	rc = csn_kv_seal(csn_session_ctx(s), &item);
	assert_int_equal(item.rc, rc);
	out->len = item.key_len + CSN_SEAL_OVERHEAD;
	out->sequence = item.sequence;
	out->version = item.version;
	return rc;
}

int
text_open(struct csn_session *s, const struct text *in, const char *text)
{
	struct csn_kv_item item;
	uint8_t key[TEXT_MAX], copy[TEXT_SEALED];
	size_t i;
	int rc;

	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	memset(key, 0xa5, sizeof(key));
	memcpy(copy, in->sealed, in->len);
	item.session = s;
	item.key = key;
	item.key_len = in->len - CSN_SEAL_OVERHEAD;
	item.sealed = copy;
	item.sealed_len = in->len;
	rc = csn_kv_open(csn_session_ctx(s), &item);
	assert_int_equal(item.rc, rc);
	assert_memory_equal(copy, in->sealed, in->len);
	for (i = in->len - CSN_SEAL_OVERHEAD; i < sizeof(key); i++)
		assert_int_equal(key[i], 0xa5);
	if (rc != 0) {
		for (i = 0; i < in->len - CSN_SEAL_OVERHEAD; i++)
			assert_int_equal(key[i], 0);
		assert_int_equal(item.key_len,
		    in->len - CSN_SEAL_OVERHEAD);
		assert_int_equal(csn_message_code(), rc);
		assert_true(csn_message()[0] != '\0');
		return rc;
	}
	assert_int_equal(item.key_len, strlen(text));
	assert_memory_equal(key, text, item.key_len);
	assert_int_equal(item.sequence, in->sequence);
	return 0;
}

uint32_t
text_epoch(const struct text *in)
{
	struct csn_header h = { .size = sizeof(h) };

	assert_int_equal(csn_header_read(NULL, in->sealed, in->len, &h), 0);
	return h.epoch;
}

int
in_child(int (*fn)(void *arg), void *arg)
{
	int status, tries;
	pid_t pid, got = 0;

	fflush(NULL);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		_exit(fn(arg));
	}
	for (tries = 0; tries < 3000 && got == 0; tries++) {
		if ((got = waitpid(pid, &status, WNOHANG)) == 0)
			usleep(10000);
	}
	if (got == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
