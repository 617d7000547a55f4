/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/lib/test.h - what a test program includes: cmocka, and cases that
 * register themselves.
 *
 *	#include "lib/test.h"
 *
 *	static struct csn_ctx *ctx;
 *
 *	BEFORE_EACH { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
 *	AFTER_EACH { csn_ctx_free(ctx); }
 *
 *	TEST(a_new_context_has_no_error)
 *	{
 *		assert_int_equal(csn_message_code(), 0);
 *	}
 *
 * The program's main is in lib/main.c. It runs the cases in the order of the
 * file and fails where there is none.
 */
#ifndef CAISSON_TESTS_LIB_TEST_H
#define CAISSON_TESTS_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fixture.h"
#include "lib/path.h"

/**
 * TEST(name) { ... } is a case. TEST(name, struct thing *t) { ... } is one
 * that is given what the FIXTURE of its group made.
 */
#define TEST(...) TEST_PICK(__VA_ARGS__, TEST_WITH, TEST_ALONE, )(__VA_ARGS__)

/**
 * BEFORE_EACH { ... } runs before each case of the group, AFTER_EACH { ... }
 * after it; BEFORE_ALL and AFTER_ALL run once a group. They may stand
 * anywhere in it and may assert.
 */
#define BEFORE_ALL TEST_HOOK(TEST_BEFORE_ALL)
#define AFTER_ALL TEST_HOOK(TEST_AFTER_ALL)
#define BEFORE_EACH TEST_HOOK(TEST_BEFORE_EACH)
#define AFTER_EACH TEST_HOOK(TEST_AFTER_EACH)

/**
 * FIXTURE(struct thing, start, end); gives each case of the group a struct
 * thing: zeroed, start(t) before the case, end(t) after it, then freed.
 */
#define FIXTURE(type, start, end)					\
	TEST_MADE(TEST_FIXTURE, type, start, end)
/** The same, but one for all cases of the group. */
#define SHARED_FIXTURE(type, start, end)				\
	TEST_MADE(TEST_SHARED_FIXTURE, type, start, end)

/**
 * GROUP("name"); begins another group: the cases, hooks and fixture below it,
 * up to the next. A file without one is a single group. A group that has no
 * BEFORE_EACH, AFTER_EACH or FIXTURE of its own has the one that stands above
 * the first GROUP.
 */
#define GROUP(label)							\
	TEST_PART(TEST_NAME(test_group_), .kind = TEST_GROUP, .name = (label))

/**
 * A program that does more than run its cases once defines this; it returns
 * the number of cases that failed.
 */
int test_main(void);

/**
 * Run every group, under that name or its own where name is NULL, and return
 * the number of cases that failed. It may be called again. A case that never
 * ran is an error of the program.
 */
int test_run(const char *name);
/** The same for the groups of that label; NULL: what is above any GROUP. */
int test_run_group(const char *label);

/** This machine lacks what the cases need: none has to run. */
void test_leave_out(void);

/** End the current case as skipped; the summary of `make test` has reason. */
#define test_skip(reason) do {						\
	print_message("# skipped because: %s\n", (reason));		\
	skip();								\
} while (0)

/* --- how it is done ------------------------------------------------------ */

enum test_kind {
	TEST_GROUP, TEST_CASE, TEST_FIXTURE, TEST_SHARED_FIXTURE,
	TEST_BEFORE_ALL, TEST_AFTER_ALL, TEST_BEFORE_EACH, TEST_AFTER_EACH
};

struct test_part {
	const char *file, *name;
	int line;		/* a compiler may order constructors anyhow */
	enum test_kind kind;
	void (*run)(void);		/* a hook */
	void (*with)(void *);		/* a case; a fixture's start */
	void (*end)(void *);
	size_t size;
	int ran;
	struct test_part *next;
};

void test_add(struct test_part *part);

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST_NAME(prefix) TEST_JOIN(prefix, __LINE__)
#define TEST_PICK(one, two, which, ...) which

#define TEST_PART(id, ...)						\
	__attribute__((constructor)) static void			\
	TEST_JOIN(id, _add)(void)					\
	{								\
		static struct test_part part = { .file = __FILE__,	\
		    .line = __LINE__, __VA_ARGS__ };			\
									\
		test_add(&part);					\
	}								\
	struct test_part

#define TEST_ALONE(id)							\
	static void id(void);						\
	static void TEST_JOIN(test_case_, id)(void *held_)		\
	{								\
		(void)held_;						\
		id();							\
	}								\
	TEST_PART(TEST_JOIN(test_part_, id), .kind = TEST_CASE,		\
	    .name = #id, .with = TEST_JOIN(test_case_, id));		\
	static void id(void)

#define TEST_WITH(id, parameter)					\
	static void id(parameter);					\
	static void TEST_JOIN(test_case_, id)(void *held_) { id(held_); } \
	TEST_PART(TEST_JOIN(test_part_, id), .kind = TEST_CASE,		\
	    .name = #id, .with = TEST_JOIN(test_case_, id));		\
	static void id(parameter)

#define TEST_MADE(what, type, start, finish)				\
	static void TEST_NAME(test_start_)(void *held_) { start(held_); }\
	static void TEST_NAME(test_end_)(void *held_) { finish(held_); }\
	TEST_PART(TEST_NAME(test_fixture_), .kind = (what),		\
	    .size = sizeof(type), .with = TEST_NAME(test_start_),	\
	    .end = TEST_NAME(test_end_))

#define TEST_HOOK(what)							\
	static void TEST_NAME(test_hook_)(void);			\
	TEST_PART(TEST_NAME(test_part_), .kind = (what),		\
	    .run = TEST_NAME(test_hook_));				\
	static void TEST_NAME(test_hook_)(void)

#endif
