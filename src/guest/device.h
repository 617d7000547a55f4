/* SPDX-License-Identifier: Apache-2.0 */
/* guest/device.h - a character device that is asked by ioctl. */
#ifndef CSN_GUEST_DEVICE_H
#define CSN_GUEST_DEVICE_H

#include <caisson/context.h>

/* The system calls that are made, so that something else can stand there. */
struct csn_device_io {
	void *arg;
	/* As the calls of these names: -1 and errno on error. */
	int (*open)(void *arg, const char *path);
	int (*ioctl)(void *arg, int fd, unsigned long request, void *p);
	int (*close)(void *arg, int fd);
};
extern const struct csn_device_io csn_device_system;

struct csn_device {
	struct csn_ctx *ctx;
	const struct csn_device_io *io;
	const char *path;
	const char *what;	/* provides it, for the sentence */
};

/**
 * The descriptor in *fd. CSN_E_NOT_FOUND where the device is not there, with
 * a sentence that says what provides it; CSN_E_BACKEND.
 */
CSN_MUST_CHECK int csn_device_open(const struct csn_device *d, int *fd);
void csn_device_close(const struct csn_device *d, int fd);

/* The errors of csn_device_open(): can it be opened? */
CSN_MUST_CHECK int csn_device_probe(const struct csn_device *d);

/*
 * CSN_E_NOT_FOUND is for us, who look elsewhere then: for the user of the
 * library it is CSN_E_BACKEND with the same sentence. Returns another rc as
 * it is.
 */
int csn_device_absent(struct csn_ctx *ctx, int rc);

/* How often a busy device is asked, half a second in all, before giving up. */
#define CSN_DEVICE_TRIES 8
/* Sleep before the attempt of that number, from 1: 4 ms, 8 ms, … 256 ms. */
void csn_device_wait(unsigned attempt);

#endif
