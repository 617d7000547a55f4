/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/caisson.h - everything that this build has. */
#ifndef CAISSON_CAISSON_H
#define CAISSON_CAISSON_H

#include <caisson/aead.h>
#include <caisson/attest.h>
#include <caisson/attest_key.h>
#include <caisson/note.h>
#include <caisson/audit.h>
#include <caisson/context.h>
#include <caisson/crypto.h>
#include <caisson/envelope.h>
#include <caisson/error.h>
#include <caisson/evidence.h>
#include <caisson/features.h>
#include <caisson/guest.h>
#include <caisson/identity.h>
#include <caisson/keystore.h>
#include <caisson/kv.h>
#include <caisson/model.h>
#include <caisson/tree.h>
#include <caisson/platform.h>
#include <caisson/pool.h>
#include <caisson/region.h>
#include <caisson/seal.h>
#include <caisson/session.h>
#include <caisson/store.h>
#include <caisson/tenant.h>

#if CAISSON_HAVE_CACHE
#include <caisson/cache.h>
#endif

#endif
