/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/test.c - the cases of a program, and how they are run. */
#include <errno.h>

#include "lib/test.h"

static struct test_part *parts;		/* in the order of their files */
static const struct test_part *group;	/* the first of the one that runs */
static void *shared;			/* what its SHARED_FIXTURE made */
static int left_out;
static const char *pattern;		/* of the cases to run; NULL: all */

/* A file's parts lie together, by line; a new file comes last. */
void
test_add(struct test_part *part)
{
	struct test_part **at = &parts;

	while (*at != NULL && strcmp((*at)->file, part->file) != 0)
		at = &(*at)->next;
	while (*at != NULL && strcmp((*at)->file, part->file) == 0 &&
	    (*at)->line < part->line)
		at = &(*at)->next;
	part->next = *at;
	*at = part;
}

/* The part of the group behind p, NULL at its end. */
static struct test_part *
following(const struct test_part *p)
{
	struct test_part *next = p->next;

	return next == NULL || next->kind == TEST_GROUP ||
	    strcmp(next->file, p->file) != 0 ? NULL : next;
}

static const struct test_part *
find_in(const struct test_part *first, enum test_kind kind)
{
	const struct test_part *p;

	for (p = first; p != NULL && p->kind != kind; p = following(p))
		;
	return p;
}

/* The first of that kind which holds for the group: its own, or the file's. */
static const struct test_part *
find(enum test_kind kind)
{
	const struct test_part *p = find_in(group, kind), *top = parts;

	if (p != NULL || kind == TEST_BEFORE_ALL || kind == TEST_AFTER_ALL ||
	    kind == TEST_SHARED_FIXTURE)
		return p;
	while (strcmp(top->file, group->file) != 0)
		top = top->next;
	return top->kind == TEST_GROUP ? NULL : find_in(top, kind);
}

static void
run_hooks(enum test_kind kind)
{
	const struct test_part *p;

	for (p = find(kind); p != NULL; p = following(p)) {
		if (p->kind == kind)
			p->run();
	}
}

static void *
make(enum test_kind kind)
{
	const struct test_part *f = find(kind);
	void *made = NULL;

	if (f != NULL) {
		assert_non_null(made = calloc(1, f->size));
		f->with(made);
	}
	return made;
}

static void
unmake(enum test_kind kind, void *made)
{
	if (made != NULL)
		find(kind)->end(made);
	free(made);
}

static int
group_setup(void **state)
{
	(void)state;
	run_hooks(TEST_BEFORE_ALL);
	shared = make(TEST_SHARED_FIXTURE);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	unmake(TEST_SHARED_FIXTURE, shared);
	shared = NULL;
	run_hooks(TEST_AFTER_ALL);
	return 0;
}

/* What *state points at while a case runs. */
struct running {
	struct test_part *part;
	void *made;
};

static int
case_setup(void **state)
{
	struct running *r = *state;

	run_hooks(TEST_BEFORE_EACH);
	r->made = make(TEST_FIXTURE);
	return 0;
}

static void
case_run(void **state)
{
	struct running *r = *state;

	r->part->ran = 1;
	r->part->with(shared != NULL ? shared : r->made);
}

static int
case_teardown(void **state)
{
	struct running *r = *state;

	unmake(TEST_FIXTURE, r->made);
	r->made = NULL;
	run_hooks(TEST_AFTER_EACH);
	return 0;
}

static int
run_group(struct test_part *first, const char *name)
{
	struct CMUnitTest *tests;
	struct running *running;
	struct test_part *p;
	size_t n = 0, i = 0;
	int failed;

	for (p = first; p != NULL; p = following(p))
		n += p->kind == TEST_CASE;
	if (n == 0)
		return 0;
	tests = calloc(n, sizeof(*tests));
	running = calloc(n, sizeof(*running));
	if (tests == NULL || running == NULL)
		return 1;
	for (p = first; p != NULL; p = following(p)) {
		if (p->kind != TEST_CASE)
			continue;
		running[i].part = p;
		tests[i] = (struct CMUnitTest){ p->name, case_run, case_setup,
		    case_teardown, &running[i] };
		i++;
	}
	group = first;
	failed = _cmocka_run_group_tests(name, tests, n, group_setup,
	    group_teardown);
	free(tests);
	free(running);
	return failed;
}

/* Those with that label; every group where label is any. */
static const char any[] = "any";

static int
run_groups(const char *label, const char *name)
{
	struct test_part *p, *last;
	const char *own;
	int failed = 0;

	if (parts == NULL) {
		print_error("no case is registered\n");
		return 1;
	}
	for (p = parts; p != NULL; p = last->next) {
		for (last = p; following(last) != NULL; )
			last = following(last);
		own = p->kind == TEST_GROUP ? p->name : NULL;
		if (label != any && (label == NULL ? own != NULL :
		    own == NULL || strcmp(label, own) != 0))
			continue;
		failed += run_group(p, name != NULL ? name : own != NULL ?
		    own : program_invocation_short_name);
	}
	return failed;
}

int
test_run(const char *name)
{
	return run_groups(any, name);
}

int
test_run_group(const char *label)
{
	return run_groups(label, label);
}

void
test_leave_out(void)
{
	left_out = 1;
}

/* 1 where a case was to run and none did. */
static int
forgotten(void)
{
	const struct test_part *p;
	int cases = 0, ran = 0;

	for (p = parts; p != NULL; p = p->next) {
		cases += p->kind == TEST_CASE;
		ran += p->ran;
	}
	if (left_out || ran == cases || (pattern != NULL && ran > 0))
		return 0;
	print_error("%d of %d cases never ran\n", cases - ran, cases);
	return 1;
}

int
main(int argc, char **argv)
{
	int failed;

	if (argc > 2) {
		fprintf(stderr, "usage: %s [PATTERN]\nPATTERN is of the names "
		    "of cases; it may have * and ?\n", argv[0]);
		return 2;
	}
	if ((pattern = argv[1]) != NULL)
		cmocka_set_test_filter(pattern);
	failed = test_main();
	return failed != 0 || forgotten();
}
