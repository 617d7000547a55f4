/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llama_state.c - put a llama.cpp conversation away sealed, and go on with it.
 *
 *	llama_state MODEL.gguf [PROMPT]
 *
 * A prompt is run through the model; the sequence's state, together with its
 * tokens, is sealed under the tenant's session into a file, segment by
 * segment; a fresh context restores what opens from that file and goes on
 * with the same logits as the first, bit for bit. Another tenant's session
 * and a flipped bit are refused before anything is restored.
 *
 * What this does not protect:
 * - The live KV cache, the logits and the tokens in llama.cpp's own memory
 *   are plain while a context exists, and llama_free() does not wipe them.
 * - Files that llama.cpp writes itself are plain: llama_state_save_file(),
 *   llama_state_seq_save_file(), its server's slot files and its programs'
 *   --prompt-cache hold the prompt's tokens and the whole cache in clear. Do
 *   as below instead: tokens and state go through the seal together.
 * - The length of a conversation shows in the size of the sealed file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <caisson/caisson.h>
#include <llama.h>

#define SEGMENT (256u * 1024)
#define STEPS 16		/* tokens that each context goes on for */
#define MAX_TOKENS 256
#define THREADS 1		/* its threads spin while they wait */
#define CONTEXT (MAX_TOKENS + STEPS)

static const char default_prompt[] =
    "A caisson is a chamber of iron, open below, that is sunk to the bed of"
    " a river so that people can dig there in clean dry air. Those who"
    " work in it enter through a lock, where the pressure is raised slowly,"
    " and when the day is over they leave by the same lock, slowly again,"
    " because";

/* The conversation's name, bound to what is sealed. */
static const uint8_t chat_name[32] = "alice/chat-7";

struct model {
	struct llama_model *llama;
	const struct llama_vocab *vocab;
	size_t n_vocab;
};

/* What a context said after the prompt. */
struct continuation {
	llama_token tokens[STEPS];
	float *logits;		/* STEPS rows of n_vocab */
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
complain(const char *what)
{
	fprintf(stderr, "llama_state: %s\n", what);
	return -1;
}

static int
complain_csn(const struct csn_ctx *ctx, const char *what, int rc)
{
	fprintf(stderr, "llama_state: %s: %s (%s)\n", what,
	    csn_message(), csn_error_name(rc));
	return -1;
}

static void
log_errors(enum ggml_log_level level, const char *text, void *arg)
{
	(void)arg;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}

/* --- llama.cpp -------------------------------------------------------- */

static int
load_model(const char *path, struct model *m)
{
	struct llama_model_params params = llama_model_default_params();

	llama_log_set(log_errors, NULL);
	llama_backend_init();
	if ((m->llama = llama_model_load_from_file(path, params)) == NULL)
		return complain("llama.cpp cannot load the model");
	m->vocab = llama_model_get_vocab(m->llama);
	m->n_vocab = (size_t)llama_vocab_n_tokens(m->vocab);
	return 0;
}

static struct llama_context *
new_context(const struct model *m)
{
	struct llama_context_params params = llama_context_default_params();
	struct llama_context *llama;

	params.n_ctx = CONTEXT;
	params.n_batch = CONTEXT;
	params.n_seq_max = 1;
	params.n_threads = THREADS;
	params.n_threads_batch = THREADS;
	if ((llama = llama_init_from_model(m->llama, params)) == NULL)
		complain("llama.cpp cannot make a context");
	return llama;
}

static int
decode(struct llama_context *llama, llama_token *tokens, size_t count)
{
	if (llama_decode(llama,
	    llama_batch_get_one(tokens, (int32_t)count)) != 0)
		return complain("llama.cpp cannot run the model");
	return 0;
}

/* Run token and STEPS - 1 likeliest ones after it; keep all the logits. */
static int
go_on(const struct model *m, struct llama_context *llama, llama_token token,
    struct continuation *c)
{
	const float *row;
	size_t best, i, step;

	for (step = 0; step < STEPS; step++) {
		if (decode(llama, &token, 1) != 0)
			return -1;
		if ((row = llama_get_logits_ith(llama, -1)) == NULL)
			return complain("llama.cpp gives no logits");
		memcpy(c->logits + step * m->n_vocab, row,
		    m->n_vocab * sizeof(*row));
		for (best = 0, i = 1; i < m->n_vocab; i++)
			if (row[i] > row[best])
				best = i;
		token = c->tokens[step] = (llama_token)best;
	}
	return 0;
}

static void
print_tokens(const struct model *m, const llama_token *tokens, size_t count)
{
	char piece[256];
	int32_t len;
	size_t i;

	for (i = 0; i < count; i++) {
		len = llama_token_to_piece(m->vocab, tokens[i], piece,
		    (int32_t)sizeof(piece), 0, true);
		if (len > 0)
			fwrite(piece, 1, (size_t)len, stdout);
	}
	putchar('\n');
}

/* --- what is sealed: the count of tokens, the tokens, the state ------- */

struct saved {
	uint8_t *data;		/* plain: wiped before it is freed */
	size_t len;
	size_t capacity;
};

static void
saved_free(struct saved *s)
{
	if (s->data != NULL)
		csn_wipe(s->data, s->capacity);
	free(s->data);
	*s = (struct saved){0};
}

static int
saved_new(struct saved *s, size_t capacity)
{
	if ((s->data = malloc(capacity)) == NULL)
		return complain("out of memory");
	s->len = 0;
	s->capacity = capacity;
	return 0;
}

static int
save(struct llama_context *llama, const llama_token *tokens, uint32_t count,
    struct saved *s)
{
	const size_t head = sizeof(count) + count * sizeof(*tokens);
	const size_t len = llama_state_seq_get_size(llama, 0);

	if (len == 0)
		return complain("llama.cpp cannot tell its state's size");
	if (saved_new(s, head + len) != 0)
		return -1;
	memcpy(s->data, &count, sizeof(count));
	memcpy(s->data + sizeof(count), tokens, count * sizeof(*tokens));
	if (llama_state_seq_get_data(llama, s->data + head, len, 0) != len)
		return complain("llama.cpp cannot give its state");
	s->len = head + len;
	return 0;
}

/* Into a fresh context; *last gets the token that the state lacks. */
static int
restore(struct llama_context *llama, const struct saved *s, llama_token *last)
{
	uint32_t count;
	size_t head, len;

	if (s->len < sizeof(count))
		return complain("what was sealed is too short");
	memcpy(&count, s->data, sizeof(count));
	if (count == 0 || count > MAX_TOKENS)
		return complain("what was sealed has no tokens, or too many");
	head = sizeof(count) + count * sizeof(*last);
	if (s->len <= head)
		return complain("what was sealed has no state");
	memcpy(last, s->data + head - sizeof(*last), sizeof(*last));
	len = s->len - head;
	if (llama_state_seq_set_data(llama, s->data + head, len, 0) != len)
		return complain("llama.cpp does not take the state");
	return 0;
}

/* --- Caisson ---------------------------------------------------------- */

/* Seal s into file; *ms gets the time spent in Caisson. */
static int
seal(struct csn_ctx *ctx, struct csn_session *session, const struct saved *s,
    FILE *file, double *ms)
{
	uint8_t header[CSN_SEAL_HEADER];
	uint8_t out[SEGMENT + CSN_STREAM_TAG];
	struct csn_stream *stream = NULL;
	size_t at, len;
	double start;
	int rc, result = -1;

	start = now_ms();
	if ((rc = csn_stream_sealer_new(session, SEGMENT, chat_name, header,
	    &stream)) != 0) {
		complain_csn(ctx, "the stream cannot be started", rc);
		goto out;
	}
	*ms = now_ms() - start;
	if (fwrite(header, sizeof(header), 1, file) != 1)
		goto io;
	for (at = 0; !csn_stream_done(stream); at += len) {
		len = s->len - at < SEGMENT ? s->len - at : SEGMENT;
		start = now_ms();
		if ((rc = csn_stream_push(stream, s->data + at, len,
		    at + len == s->len, out)) != 0) {
			complain_csn(ctx, "a segment cannot be sealed", rc);
			goto out;
		}
		*ms += now_ms() - start;
		if (fwrite(out, len + CSN_STREAM_TAG, 1, file) != 1)
			goto io;
	}
	if (fflush(file) != 0)
		goto io;
	result = 0;
	goto out;

io:
	complain(strerror(errno));
out:
	csn_stream_free(stream);
	return result;
}

/*
 * Open file into s, which has room for as many bytes as the file. Returns 0
 * or Caisson's error, for the caller to say something about.
 */
static int
open_sealed(struct csn_session *session, FILE *file, struct saved *s,
    double *ms)
{
	uint8_t header[CSN_SEAL_HEADER];
	uint8_t in[SEGMENT + CSN_STREAM_TAG];
	struct csn_stream *stream = NULL;
	double start;
	size_t len;
	int final, next, rc;

	rewind(file);
	s->len = 0;
	if (fread(header, sizeof(header), 1, file) != 1)
		return CSN_E_IO;
	start = now_ms();
	if ((rc = csn_stream_opener_new(session, header, chat_name, &stream)) !=
	    0)
		goto out;
	*ms = now_ms() - start;
	do {
		len = fread(in, 1, sizeof(in), file);
		next = getc(file);
		final = next == EOF;
		if (!final)
			ungetc(next, file);
		rc = CSN_E_IO;
		if (ferror(file) || len < CSN_STREAM_TAG ||
		    len - CSN_STREAM_TAG > s->capacity - s->len)
			goto out;
		start = now_ms();
		/* A cut file fails here: its last segment isn't final. */
		if ((rc = csn_stream_pull(stream, in, len, final,
		    s->data + s->len)) != 0)
			goto out;
		*ms += now_ms() - start;
		s->len += len - CSN_STREAM_TAG;
	} while (!final);

out:
	csn_stream_free(stream);
	return rc;
}

static int
new_session(struct csn_ctx *ctx, const char *tenant,
    struct csn_session **session)
{
	struct csn_tenant t = { .size = sizeof(t), .id = tenant };
	int rc;

	/*
	 * Both ends in one process. Where the tenant is elsewhere, its
	 * session comes from csn_session_offer and csn_session_accept.
	 */
	if ((rc = csn_session_local(ctx, &t, NULL, session)) != 0)
		return complain_csn(ctx, "no session", rc);
	return 0;
}

/* The right error must come out: expected, or the example has failed. */
static int
expect_refusal(const char *what, int rc, int expected)
{
	printf("%s: %s\n", what, rc == 0 ? "OPENED" : csn_error_name(rc));
	return rc == expected ? 0 : complain("that is not what should happen");
}

static int
flip_bit(FILE *file, long at)
{
	int byte;

	if (fseek(file, at, SEEK_SET) != 0 || (byte = getc(file)) == EOF ||
	    fseek(file, at, SEEK_SET) != 0 || putc(byte ^ 1, file) == EOF ||
	    fflush(file) != 0)
		return complain("the sealed file cannot be changed");
	return 0;
}

/* Another tenant, then a flipped bit; the file is whole again afterwards. */
static int
show_refusals(struct csn_ctx *ctx, struct csn_session *alice, FILE *file,
    struct saved *s)
{
	struct csn_session *bob = NULL;
	const long middle = CSN_SEAL_HEADER + 1000;
	double ms;
	int result = -1;

	if (new_session(ctx, "bob", &bob) != 0)
		goto out;
	if (expect_refusal("another tenant's session",
	    open_sealed(bob, file, s, &ms), CSN_E_TENANT) != 0)
		goto out;
	if (flip_bit(file, middle) != 0)
		goto out;
	if (expect_refusal("one bit flipped in the file",
	    open_sealed(alice, file, s, &ms), CSN_E_TAG) != 0)
		goto out;
	result = flip_bit(file, middle);

out:
	csn_session_free(bob);
	return result;
}

/* --- the example ------------------------------------------------------ */

/* First context: prompt, state sealed into file, and how it goes on. */
static int
first_half(struct csn_ctx *ctx, const struct model *m,
    struct csn_session *session, const char *prompt, FILE *file,
    struct continuation *c)
{
	struct llama_context *llama = NULL;
	struct saved s = {0};
	llama_token tokens[MAX_TOKENS];
	int32_t count;
	double ms;
	int result = -1;

	count = llama_tokenize(m->vocab, prompt, (int32_t)strlen(prompt),
	    tokens, MAX_TOKENS, true, false);
	if (count < 2) {
		complain("the prompt has fewer than 2 tokens, or too many");
		goto out;
	}
	if ((llama = new_context(m)) == NULL)
		goto out;
	/* A state holds no logits: the last token is run after it. */
	if (decode(llama, tokens, (size_t)count - 1) != 0 ||
	    save(llama, tokens, (uint32_t)count, &s) != 0 ||
	    seal(ctx, session, &s, file, &ms) != 0)
		goto out;
	printf("sealed %zu bytes (%d tokens and their state) in %.2f ms,"
	    " %.2f GB/s\n", s.len, (int)count, ms, (double)s.len / ms / 1e6);
	if (go_on(m, llama, tokens[count - 1], c) != 0)
		goto out;
	result = 0;

out:
	csn_wipe(tokens, sizeof(tokens));
	saved_free(&s);
	llama_free(llama);
	return result;
}

/* Second context: what opens from file, and how it goes on. */
static int
second_half(struct csn_ctx *ctx, const struct model *m,
    struct csn_session *session, FILE *file, struct continuation *c)
{
	struct llama_context *llama = NULL;
	struct saved s = {0};
	llama_token last;
	double ms;
	long size;
	int rc, result = -1;

	if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		complain(strerror(errno));
		goto out;
	}
	printf("the file has %ld bytes\n", size);
	if (saved_new(&s, (size_t)size) != 0 ||
	    show_refusals(ctx, session, file, &s) != 0)
		goto out;
	if ((rc = open_sealed(session, file, &s, &ms)) != 0) {
		complain_csn(ctx, "the file does not open", rc);
		goto out;
	}
	printf("opened %zu bytes in %.2f ms, %.2f GB/s\n", s.len, ms,
	    (double)s.len / ms / 1e6);
	if ((llama = new_context(m)) == NULL ||
	    restore(llama, &s, &last) != 0)
		goto out;
	saved_free(&s);
	if (go_on(m, llama, last, c) != 0)
		goto out;
	result = 0;

out:
	saved_free(&s);
	llama_free(llama);
	return result;
}

static void
print_not_protected(void)
{
	puts("Not protected: the live cache in llama.cpp's own memory, and the"
	    " files that\nllama.cpp writes itself (llama_state_save_file,"
	    " llama_state_seq_save_file,\n--prompt-cache, slot files): those"
	    " hold the prompt's tokens and the cache in clear.");
}

int
main(int argc, char **argv)
{
	struct continuation before = {0}, after = {0};
	struct csn_session *session = NULL;
	struct csn_ctx *ctx = NULL;
	struct model m = {0};
	FILE *file = NULL;
	size_t size;
	int rc, status = 3;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: llama_state MODEL.gguf [PROMPT]\n");
		return 2;
	}
	if ((rc = csn_ctx_new(NULL, &ctx)) != 0) {
		complain(csn_error_text(rc));
		goto out;
	}
	if (load_model(argv[1], &m) != 0 ||
	    new_session(ctx, "alice", &session) != 0)
		goto out;
	size = STEPS * m.n_vocab * sizeof(float);
	if ((before.logits = malloc(size)) == NULL ||
	    (after.logits = malloc(size)) == NULL ||
	    (file = tmpfile()) == NULL) {
		complain(strerror(errno));
		goto out;
	}
	if (first_half(ctx, &m, session,
	    argc > 2 ? argv[2] : default_prompt, file, &before) != 0 ||
	    second_half(ctx, &m, session, file, &after) != 0)
		goto out;

	printf("the first context went on:");
	print_tokens(&m, before.tokens, STEPS);
	printf("the restored one went on:");
	print_tokens(&m, after.tokens, STEPS);
	if (memcmp(before.logits, after.logits, size) == 0) {
		printf("all %zu logits of %d steps are the same, bit for"
		    " bit\n", STEPS * m.n_vocab, STEPS);
		status = 0;
	} else {
		complain("the restored context gives other logits");
		status = 1;
	}
	print_not_protected();

out:
	if (file != NULL)
		fclose(file);
	free(before.logits);
	free(after.logits);
	csn_session_free(session);
	csn_ctx_free(ctx);
	llama_model_free(m.llama);
	llama_backend_free();
	return status;
}
