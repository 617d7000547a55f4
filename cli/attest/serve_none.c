/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve_none.c - caisson attest serve, built without HTTP. */
#include "attest.h"

int
attest_serve(struct cli *cli)
{
	return cli_error(cli, CLI_FAILED, "Build it with libmicrohttpd "
	    "(-Dserve=enabled).", "this program was built without what "
	    "serves HTTP");
}
