/* SPDX-License-Identifier: Apache-2.0 */
/* platform/pins.c - a vendor's pinned roots; tests put made-up ones here. */
#include "platform/vendor.h"

const struct csn_pin *
csn_pins(const struct csn_vendor *v, size_t *n)
{
	*n = v->npins;
	return v->pins;
}
