/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fork_bare.c - where no page is wiped in a child, a second look keeps
 * nonces from repeating: after fork(2), and after a bare system call, which
 * tells no handler. Linked with lib/nowipe.c.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include <caisson/seal.h>

#include "identity/people.h"
#include "lib/nowipe.h"
#include "lib/test.h"
#include "session/keys.h"
#include "session/pair.h"

#define SEGMENT 4096u

static struct csn_ctx *ctx;
static struct csn_session *session;

/* A child that no handler was told of. */
static int
in_bare_child(int (*fn)(void))
{
	int status;
	pid_t pid;

	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		syscall(SYS_exit_group, fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
seal_is_refused(void)
{
	struct text t;

	return text_seal(session, 1, "mine", &t) == CSN_E_FORK &&
	    csn_session_check_valid(session) == CSN_E_FORK &&
	    csn_session_after_fork(session) == 0 &&
	    text_seal(session, 1, "mine", &t) == 0 && t.sequence == 0 ? 0 : 1;
}

static void
start(int blind)
{
	nowipe_blind = blind;
	ctx = pair_ctx();
	session = pair_local(ctx, "acme", NULL);
}

static void
end(void)
{
	csn_session_free(session);
	csn_ctx_free(ctx);
}

static int
says(const char *what)
{
	json_t *facts;
	char *text;
	int is;

	assert_int_equal(csn_describe(ctx, &text), 0);
	assert_non_null(facts = json_loads(text, 0, NULL));
	is = json_is_true(json_object_get(json_object_get(facts, "memory"),
	    what));
	json_decref(facts);
	csn_free(text);
	return is;
}

TEST(an_emulator_that_takes_any_advice_is_seen_and_the_kernel_asked)
{
	struct text t;
	int i;

	start(1);
	assert_false(says("fork-wiped"));
	for (i = 0; i < 3; i++) {
		assert_int_equal(text_seal(session, 1, "text", &t), 0);
		assert_int_equal(in_bare_child(seal_is_refused), 0);
	}
	end();
}

TEST(the_first_of_each_block_of_nonces_asks_the_kernel)
{
	struct text t;
	unsigned i;

	start(0);
	assert_true(says("fork-wiped"));
	/* The writer's first one, and the first of its second block. */
	assert_int_equal(in_bare_child(seal_is_refused), 0);
	for (i = 0; i < CSN_FORK_BLOCK; i++)
		assert_int_equal(text_seal(session, 1, "text", &t), 0);
	assert_int_equal(in_bare_child(seal_is_refused), 0);
	end();
}

static int
child_of_fork(void *arg)
{
	(void)arg;
	if (seal_is_refused() != 0)
		return 1;
	/* Now it is known, whatever the system said at first. */
	return says("fork-wiped") ? 2 : 0;
}

TEST(a_fork_wipes_what_the_kernel_did_not)
{
	struct text t;
	int i;

	start(0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(text_seal(session, 1, "text", &t), 0);
		assert_int_equal(in_child(child_of_fork, NULL), 0);
	}
	end();
}

static struct csn_stream *stream;

static int
segment_is_refused(void)
{
	static uint8_t in[SEGMENT], out[SEGMENT + CSN_TAG_SIZE];

	return csn_stream_push(stream, in, SEGMENT, 0, out) == CSN_E_FORK ? 0 :
	    1;
}

TEST(a_stream_seals_nothing_in_a_child_that_nobody_was_told_of)
{
	static uint8_t in[SEGMENT], out[SEGMENT + CSN_TAG_SIZE];
	uint8_t header[CSN_SEAL_HEADER];

	start(1);
	assert_int_equal(csn_stream_sealer_new(session, SEGMENT, NULL, header,
	    &stream), 0);
	assert_int_equal(csn_stream_push(stream, in, SEGMENT, 0, out), 0);
	assert_int_equal(in_bare_child(segment_is_refused), 0);
	assert_int_equal(csn_stream_push(stream, in, SEGMENT, 1, out), 0);
	csn_stream_free(stream);
	end();
}

static struct csn_sealer *sealer;

static int
drop(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	return 0;
}

static int
file_is_refused(void)
{
	static const uint8_t in[2 * SEGMENT];

	return csn_sealer_update(sealer, in, sizeof(in), drop, NULL) ==
	    CSN_E_FORK ? 0 : 1;
}

TEST(a_sealed_file_goes_on_in_no_child_that_nobody_was_told_of)
{
	struct csn_sealer_options o = { .size = sizeof(o),
	    .segment = SEGMENT, .nrecipients = 1 };
	static const uint8_t in[2 * SEGMENT];
	struct csn_identity *id;
	struct csn_document *doc;
	const uint8_t *p;
	size_t len;

	start(1);
	people_now = pair_wall;
	id = people_quick(ctx, 1, "both");
	p = csn_identity_document(id, &len);
	assert_int_equal(csn_document_verify(ctx, p, len, &doc), 0);
	o.signer = id;
	o.recipients = (const struct csn_document *const *)&doc;
	assert_int_equal(csn_sealer_new(ctx, &o, &sealer), 0);
	assert_int_equal(csn_sealer_update(sealer, in, sizeof(in), drop,
	    NULL), 0);
	assert_int_equal(in_bare_child(file_is_refused), 0);
	assert_int_equal(csn_sealer_update(sealer, in, sizeof(in), drop,
	    NULL), 0);
	assert_int_equal(csn_sealer_final(sealer, drop, NULL), 0);
	csn_sealer_free(sealer);
	csn_document_free(doc);
	csn_identity_free(id);
	end();
}

static const uint8_t plain[CSN_KEY_SIZE] = { 1, 2, 3 };
static struct csn_key *theirs;

static int
rest_in_child(void *arg)
{
	(void)arg;
	return csn_key_mask(ctx, plain, theirs) == 0 ? 0 : 1;
}

static int
rest_in_bare_child(void)
{
	return rest_in_child(NULL);
}

TEST(a_child_masks_its_keys_with_a_salt_of_its_own)
{
	struct csn_key ours;
	int blind, bare;

	theirs = mmap(NULL, sizeof(*theirs), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(theirs != MAP_FAILED);
	for (blind = 0; blind < 2; blind++)
		for (bare = 0; bare <= blind; bare++) {
			start(blind);
			assert_int_equal(bare ?
			    in_bare_child(rest_in_bare_child) :
			    in_child(rest_in_child, NULL), 0);
			assert_int_equal(csn_key_mask(ctx, plain, &ours), 0);
			/* Of one id and one key, and masked apart. */
			assert_int_equal(theirs->id, ours.id);
			assert_int_not_equal(theirs->salt, ours.salt);
			assert_memory_not_equal(theirs->wrapped,
			    ours.wrapped, CSN_KEY_SIZE);
			csn_key_wipe(ctx, &ours);
			end();
		}
	munmap(theirs, sizeof(*theirs));
}

TEST(what_a_sandbox_refuses_is_called_by_its_name)
{
	struct csn_ctx *none = NULL;

	nowipe_no_protect = 1;
	assert_int_equal(csn_ctx_new(NULL, &none), CSN_E_BACKEND);
	nowipe_no_protect = 0;
	assert_null(strstr(csn_message(), "out of memory"));
	assert_non_null(strstr(csn_message(), "refuses"));
	start(0);
	assert_true(says("locked"));
	assert_true(says("undumped"));
	end();
	nowipe_no_lock = 1;
	start(0);
	assert_false(says("locked"));
	assert_true(says("undumped"));
	end();
	nowipe_no_lock = 0;
}
