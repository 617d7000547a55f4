/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/region.h - whose memory is measured: the contract of a provider. */
#ifndef CAISSON_REGION_H
#define CAISSON_REGION_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A region provider lists ranges of a workload's memory and reads their
 * bytes. It knows nothing of hashes, claims or signatures. Providers are
 * registered by name and opened by URL: "buffer:", "process:1234?…",
 * "qemu:/run/vm.qmp?…", "sev_snp:/etc/caisson/workload.json", "tdx:…".
 * An object is used by one thread at a time.
 */
#define CSN_REGION_ABI 1
#define CSN_REGION_ID_MAX 128

enum csn_protection {
	CSN_PROT_R = 1,
	CSN_PROT_RW = 2,
	CSN_PROT_RO = 3,	/* read-only to the workload for good */
	CSN_PROT_RX = 4
};

/** "R", "RW", "RO", "RX"; NULL for no such protection. 0 where unknown. */
CSN_API const char *csn_protection_name(int protection);
CSN_API int csn_protection_parse(const char *name);

struct csn_region {
	uint32_t size_of;	/* sizeof(struct csn_region) */
	uint32_t protection;	/* enum csn_protection */
	const char *id;		/* 1 to 128 bytes of UTF-8, unique */
	const char *description; /* 0 to 256 bytes of UTF-8 */
	uint64_t address;	/* in the workload's own address space */
	uint64_t size;		/* bytes, not 0 */
	uint32_t immutable;	/* not 0: the provider knows it cannot change
				   (a memfd sealed against writing); another
				   number: something else is there now */
	uint32_t reserved;
};

struct csn_range {
	uint64_t offset;	/* in the region */
	uint64_t len;
};

struct csn_region_provider {
	uint32_t abi;		/* CSN_REGION_ABI */
	uint32_t reserved;
	const char *name;	/* the URL's scheme */
	const char *platform;	/* "linux-process", "sev-snp", … */
	int (*open)(struct csn_ctx *ctx, const char *rest, void **state);
	/* Visit the regions; their strings are valid during the call. A
	 * non-zero return stops and is returned. */
	int (*list)(void *state, int (*visit)(void *arg,
	    const struct csn_region *region), void *arg);
	/* Begin and end a look at all regions at one moment (freeze, thaw).
	 * NULL where the provider cannot or need not. CSN_E_BUSY from end
	 * where what was read was not one moment: it is then tried again. */
	int (*begin)(void *state);
	int (*end)(void *state);
	/* Copy len bytes at offset of a region that list gave. */
	int (*read)(void *state, const struct csn_region *region,
	    uint64_t offset, void *out, size_t len);
	/* A direct view of the bytes instead, or NULL where there is none. */
	const void *(*map)(void *state, const struct csn_region *region);
	/*
	 * Which ranges were written since the last call (or since tracking
	 * began): at most cap, *n of them, CSN_E_BUFFER where there are more.
	 * An optimisation, never evidence. NULL, or CSN_E_BACKEND, where it
	 * is not known: then everything is read again. Whatever comes of
	 * it, the next call tells of writes since this one.
	 */
	int (*dirty)(void *state, const struct csn_region *region,
	    struct csn_range *ranges, size_t cap, size_t *n);
	/*
	 * The platform's own evidence over report_data, csn_free'd by the
	 * caller; certs (may be empty) goes with it. NULL where there is
	 * none.
	 */
	int (*evidence)(void *state, const uint8_t report_data[64],
	    uint8_t **out, size_t *len, uint8_t **certs, size_t *certs_len);
	void (*close)(void *state);
};

/** CSN_E_ARG (another abi, a function missing), CSN_E_EXISTS, CSN_E_LIMIT. */
CSN_API CSN_MUST_CHECK int csn_region_register(
    const struct csn_region_provider *provider);

/* An open provider. One thread at a time. */
struct csn_regions;

#define CSN_REGIONS_MAX 4096

/** CSN_E_UNKNOWN_BACKEND names the schemes that there are. */
CSN_API CSN_MUST_CHECK int csn_regions_open(struct csn_ctx *ctx,
    const char *url, struct csn_regions **out);
CSN_API const char *csn_regions_platform(const struct csn_regions *regions);
CSN_API void csn_regions_close(struct csn_regions *regions);

/**
 * Visit the regions that there are now, in the provider's order; their
 * strings are valid during the call. A non-zero return stops and is returned.
 * Before the first visit all of them are checked: CSN_E_REGION for a size of
 * zero, an end past the address space, two that overlap, an id twice, an id
 * or description that is no such text, a protection of no name; CSN_E_LIMIT
 * past CSN_REGIONS_MAX.
 */
CSN_API CSN_MUST_CHECK int csn_regions_each(struct csn_regions *regions,
    int (*visit)(void *arg, const struct csn_region *region), void *arg);

/** One moment for all regions, where the provider can give one. */
CSN_API CSN_MUST_CHECK int csn_regions_begin(struct csn_regions *regions);
CSN_API CSN_MUST_CHECK int csn_regions_end(struct csn_regions *regions);
/** Copy len bytes at offset. CSN_E_REGION where they are not all inside. */
CSN_API CSN_MUST_CHECK int csn_regions_read(struct csn_regions *regions,
    const struct csn_region *region, uint64_t offset, void *out, size_t len);
/** The bytes where they are, or NULL where the provider only reads. */
CSN_API const void *csn_regions_map(struct csn_regions *regions,
    const struct csn_region *region);
/**
 * What was written since the last call, as the provider's contract says:
 * CSN_E_BACKEND where it is not known, CSN_E_BUFFER past cap ranges.
 */
CSN_API CSN_MUST_CHECK int csn_regions_dirty(struct csn_regions *regions,
    const struct csn_region *region, struct csn_range *ranges, size_t cap,
    size_t *n);
/** 1 where the provider has its platform's evidence to give. */
CSN_API int csn_regions_has_evidence(const struct csn_regions *regions);
/** The provider's evidence; both buffers are csn_free's. CSN_E_BACKEND. */
CSN_API CSN_MUST_CHECK int csn_regions_evidence(struct csn_regions *regions,
    const uint8_t report_data[64], uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len);

/*
 * The provider "buffer:" holds memory of the caller's own. The bytes stay the
 * caller's, and stay valid until the region is removed. The two return
 * CSN_E_ARG for a provider of another name. A caller that knows which bytes it
 * wrote says so by csn_regions_touch_buffer() of <caisson/advanced.h>.
 */

/** CSN_E_REGION as csn_regions_each() has it; strings are copied. */
CSN_API CSN_MUST_CHECK int csn_regions_add_buffer(struct csn_regions *regions,
    const struct csn_region *region, const void *bytes);
/** CSN_E_REGION: no region of that id is registered. */
CSN_API CSN_MUST_CHECK int csn_regions_remove_buffer(
    struct csn_regions *regions, const char *id);

#ifdef __cplusplus
}
#endif

#endif
