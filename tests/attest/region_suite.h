/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/region_suite.h - what every region provider must do. */
#ifndef CAISSON_TESTS_ATTEST_REGION_SUITE_H
#define CAISSON_TESTS_ATTEST_REGION_SUITE_H

#include <caisson/region.h>

/*
 * A workload and the provider that looks at it. Each case starts one, and
 * what it starts with is region "suite", of which bytes is what is in it.
 */
struct region_world {
	const char *name;
	const char *platform;
	/* Open it; NULL, or why the case is skipped. */
	const char *(*start)(struct region_world *w, struct csn_ctx *ctx);
	/* Have the workload itself write a byte. */
	void (*write)(struct region_world *w, uint64_t offset, uint8_t value);
	void (*stop)(struct region_world *w);
	uint64_t changeable;	/* an offset that write() can write to */
	int evidence;		/* 1: it has its platform's to give */
	/* 1: dirty() tells. 0: it says CSN_E_BACKEND. */
	int tracks;
	struct csn_ctx *ctx;
	struct csn_regions *regions;
	uint8_t *bytes;
	uint64_t size;
};

/**
 * Run every case over each world, as cmocka cases named "NAME case".
 * Returns how many failed.
 */
int region_suite(struct region_world *const *worlds, size_t n);

#endif
