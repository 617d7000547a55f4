/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cancel.c - a thread that is cancelled leaves no lock, no descriptor and
 * nothing half done behind, whichever call it was in.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <caisson/caisson.h>

#include "identity/people.h"
#include "lib/test.h"
#include "session/pair.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)

static struct {
	struct csn_ctx *ctx;
	struct csn_audit *log;
	struct csn_store *store;
	struct csn_keystore *memory, *folder;
	struct csn_manager *mgr;
	struct csn_kv_store *kv;
	struct csn_identity *id;
	struct csn_trust *trust;
	struct csn_session *session;
	char *path;
	char *parts[4];		/* of path: folders and a file */
	unsigned n;		/* so that names are new */
} f;

static int
append(void)
{
	struct csn_audit_record r = { .size = sizeof(r),
	    .op = CSN_AUDIT_ENCRYPT, .success = 1 };

	return csn_audit_append(f.log, &r);
}

static int
flush(void)
{
	return csn_audit_flush(f.log);
}

static int
visit_record(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *record)
{
	(void)arg;
	(void)n;
	(void)unix_ms;
	(void)record;
	return 0;
}

static int
query(void)
{
	return csn_audit_each(f.log, NULL, visit_record, NULL);
}

static int
checkpoint(void)
{
	return csn_audit_checkpoint(f.log);
}

static int
open_log(void)
{
	struct csn_audit *log;
	int rc;

	if ((rc = csn_audit_open(f.ctx, f.parts[1], NULL, &log)) == 0)
		csn_audit_close(log);
	return rc;
}

static int
store_put(void)
{
	return csn_store_put(f.store, U("acme"), U("key"), U("value"));
}

static int
store_get(void)
{
	uint8_t value[16];
	size_t len = sizeof(value);

	return csn_store_get(f.store, U("acme"), U("key"), value, &len);
}

static int
store_remove(void)
{
	int rc = csn_store_remove(f.store, U("acme"), U("key"));

	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

static int
store_drop(void)
{
	int rc = csn_store_drop(f.store, U("acme"));

	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

static int
keys_in_memory(void)
{
	char name[32];

	snprintf(name, sizeof(name), "key %u", f.n++);
	return csn_keystore_create(f.memory, name);
}

static int
keys_in_files(void)
{
	char name[32];

	snprintf(name, sizeof(name), "key %u", f.n++);
	return csn_keystore_create(f.folder, name);
}

static int
contexts(void)
{
	struct csn_ctx *ctx;
	int rc;

	if ((rc = csn_ctx_new(NULL, &ctx)) == 0)
		csn_ctx_free(ctx);
	return rc;
}

static int
tenants(void)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "new" };
	int rc;

	if ((rc = csn_manager_create(f.mgr, &t, NULL)) == 0)
		rc = csn_manager_close(f.mgr, "new");
	return rc;
}

static int
seal(void)
{
	struct text t;

	return text_seal(f.session, f.n++, "text", &t);
}

static int
rotate(void)
{
	return csn_session_rotate(f.session, 0);
}

static int
blocks(void)
{
	const struct csn_kv_slot slot = { .kind = CSN_KIND_KV_ENTRY,
	    .role = CSN_KV_KEY, .count = 1 };

	return csn_kv_store_put(f.kv, "acme", &slot, "key", 3, NULL, 0);
}

static int
identities(void)
{
	struct csn_identity *id;
	char *name;
	int rc;

	assert_true(asprintf(&name, "%s/id-%u", f.path, f.n++) > 0);
	if ((rc = csn_identity_save(f.ctx, f.id, name, NULL, 0)) == 0 &&
	    (rc = csn_identity_load(f.ctx, name, NULL, 0, &id)) == 0)
		csn_identity_free(id);
	free(name);
	return rc;
}

static int
trusted(void)
{
	struct csn_trust *trust;
	int rc;

	if ((rc = csn_trust_save(f.ctx, f.trust, f.parts[3])) == 0 &&
	    (rc = csn_trust_load(f.ctx, f.parts[3], &trust)) == 0)
		csn_trust_free(trust);
	return rc;
}

/* Those that end a cancelled thread do so before they begin. */
static const struct {
	const char *name;
	int (*call)(void);
	int ends;
} calls[] = {
	{ "csn_audit_append", append, 1 },
	{ "csn_audit_flush", flush, 0 },
	{ "csn_audit_each", query, 0 },
	{ "csn_audit_checkpoint", checkpoint, 0 },
	{ "csn_audit_open", open_log, 0 },
	{ "csn_store_put", store_put, 1 },
	{ "csn_store_get", store_get, 1 },
	{ "csn_store_remove", store_remove, 1 },
	{ "csn_store_drop", store_drop, 1 },
	{ "csn_keystore_create in memory", keys_in_memory, 0 },
	{ "csn_keystore_create in files", keys_in_files, 0 },
	{ "csn_ctx_new", contexts, 0 },
	{ "csn_manager_create", tenants, 0 },
	{ "csn_kv_seal", seal, 0 },
	{ "csn_session_rotate", rotate, 0 },
	{ "csn_kv_store_put", blocks, 0 },
	{ "csn_identity_save", identities, 0 },
	{ "csn_trust_save", trusted, 0 },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static atomic_int done;		/* 1 + what the call returned, negated */

/* A thread that is armed is cancelled where it writes: the next place that
 * heeds it ends it, in the middle of the call. */
static _Thread_local int armed;

static void
strike(void)
{
	if (!armed)
		return;
	armed = 0;
	pthread_cancel(pthread_self());
}

ssize_t
write(int fd, const void *p, size_t n)
{
	strike();
	return syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	strike();
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	strike();
	return syscall(SYS_writev, fd, v, n);
}

ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	strike();
	return syscall(SYS_getrandom, p, n, flags);
}

static void *
cancelled_within(void *arg)
{
	const size_t *i = arg;

	armed = 1;
	atomic_store(&done, 1 - calls[*i].call());
	armed = 0;
	pthread_testcancel();
	return NULL;
}

/* The cancellation waits already: the first place that heeds it ends this. */
static void *
cancelled(void *arg)
{
	const size_t *i = arg;

	pthread_cancel(pthread_self());
	atomic_store(&done, 1 - calls[*i].call());
	pthread_testcancel();
	return NULL;
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

TEST(a_cancelled_call_is_whole_or_never_began)
{
	pthread_t thread;
	int before, round;
	void *how;
	size_t i;

	for (i = 0; i < CALLS; i++) {
		/* Once as it should be: there is something to look at. */
		assert_int_equal(store_put(), 0);
		assert_int_equal(calls[i].call(), 0);
		before = descriptors();
		for (round = 0; round < 2; round++) {
			assert_int_equal(store_put(), 0);
			atomic_store(&done, 0);
			assert_int_equal(pthread_create(&thread, NULL,
			    cancelled, &i), 0);
			assert_int_equal(pthread_join(thread, &how), 0);
			assert_ptr_equal(how, PTHREAD_CANCELED);
			if (atomic_load(&done) != (calls[i].ends ? 0 : 1))
				fail_msg("%s: %d", calls[i].name,
				    atomic_load(&done));
		}
		assert_int_equal(descriptors(), before);
		/* And nobody waits for what the thread left. */
		assert_int_equal(store_put(), 0);
		assert_int_equal(calls[i].call(), 0);
	}
}

TEST(a_call_that_is_cancelled_where_it_writes_goes_on)
{
	pthread_t thread;
	int before, struck = 0;
	void *how;
	size_t i;

	for (i = 0; i < CALLS; i++) {
		assert_int_equal(store_put(), 0);
		assert_int_equal(calls[i].call(), 0);
		assert_int_equal(store_put(), 0);
		before = descriptors();
		atomic_store(&done, 0);
		assert_int_equal(pthread_create(&thread, NULL,
		    cancelled_within, &i), 0);
		assert_int_equal(pthread_join(thread, &how), 0);
		struck += how == PTHREAD_CANCELED;
		if (atomic_load(&done) != 1)
			fail_msg("%s: %d", calls[i].name,
			    atomic_load(&done));
		assert_int_equal(descriptors(), before);
		assert_int_equal(store_put(), 0);
		assert_int_equal(calls[i].call(), 0);
	}
	/* Most of them write, or ask for randomness. */
	assert_true(struck > (int)CALLS / 2);
}

static void *
cancelled_session(void *arg)
{
	pthread_cancel(pthread_self());
	atomic_store(&done, 1 - seal());
	csn_session_close(f.session);
	pthread_testcancel();
	return arg;
}

TEST(a_session_that_writes_a_log_closes_in_a_cancelled_thread)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .audit = f.log };
	struct csn_session *was = f.session;
	pthread_t thread;
	void *how;

	f.session = pair_local(f.ctx, "logged", &o);
	assert_int_equal(pthread_create(&thread, NULL, cancelled_session,
	    NULL), 0);
	assert_int_equal(pthread_join(thread, &how), 0);
	assert_ptr_equal(how, PTHREAD_CANCELED);
	assert_int_equal(atomic_load(&done), 1);
	/* Its lock and its pins are free: this ends. */
	assert_int_equal(csn_session_check_valid(f.session), CSN_E_CLOSED);
	csn_session_free(f.session);
	f.session = was;
	assert_int_equal(append(), 0);
}

BEFORE_ALL
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_audit_options signs = { .size = sizeof(signs) };
	static const char *const names[] = { "log", "log2", "store", "trust" };
	char *url;
	int i;

	f.path = folder_new();
	f.ctx = people_ctx();
	f.id = people_quick(f.ctx, 1, "signer");
	for (i = 0; i < 4; i++)
		f.parts[i] = path_in(f.path, names[i]);
	signs.signer = f.id;
	assert_int_equal(csn_audit_open(f.ctx, f.parts[0], &signs, &f.log),
	    0);
	assert_true(asprintf(&url, "file:%s", f.parts[2]) > 0);
	assert_int_equal(csn_store_open(f.ctx, url, &f.store), 0);
	free(url);
	assert_true(asprintf(&url, "file:%s/keys", f.path) > 0);
	assert_int_equal(csn_keystore_open(f.ctx, url, "pw", 2, &f.folder), 0);
	free(url);
	assert_int_equal(csn_keystore_open(f.ctx, "memory:", "pw", 2,
	    &f.memory), 0);
	assert_int_equal(csn_manager_new(f.ctx, NULL, &f.mgr), 0);
	assert_int_equal(csn_manager_create(f.mgr, &t, NULL), 0);
	assert_int_equal(csn_kv_store_new(f.mgr, f.store, NULL, &f.kv), 0);
	assert_int_equal(csn_trust_new(f.ctx, &f.trust), 0);
	people_trust(f.ctx, f.trust, f.id, CSN_PURPOSE_TENANT);
	f.session = pair_local(f.ctx, "acme", NULL);
}

AFTER_ALL
{
	int i;

	csn_session_free(f.session);
	csn_trust_free(f.trust);
	csn_kv_store_free(f.kv);
	csn_manager_free(f.mgr);
	csn_keystore_close(f.memory);
	csn_keystore_close(f.folder);
	csn_store_close(f.store);
	csn_audit_close(f.log);
	csn_identity_free(f.id);
	csn_ctx_free(f.ctx);
	for (i = 0; i < 4; i++)
		free(f.parts[i]);
	folder_remove(f.path);
}

BEFORE_ALL { alarm(120); }
