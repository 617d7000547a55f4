/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/serve_tls.c - the certificate and key of a server. */
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "serve.h"

#define MAX_TLS_FILE 65536

static int
read_text(struct cli *cli, const char *option, char **text, size_t *len)
{
	uint8_t *p;
	char *copy;
	int rc;

	if ((rc = cli_read_file(cli, cli_opt(cli, option), MAX_TLS_FILE, &p,
	    len)) != 0)
		return rc;
	if ((copy = calloc(1, *len + 1)) != NULL)
		memcpy(copy, p, *len);
	csn_wipe(p, *len);
	free(p);
	*text = copy;
	return copy != NULL ? 0 : cli_error(cli, CLI_FAILED, NULL,
	    "out of memory");
}

int
serve_tls_read(struct cli *cli, struct serve_tls *tls)
{
	const int cert = cli_opt(cli, "tls-cert") != NULL;
	size_t len;
	int rc;

	if (cert != (cli_opt(cli, "tls-key") != NULL))
		return cli_error(cli, CLI_USAGE, NULL,
		    "--tls-cert and --tls-key go together");
	if (!cert)
		return 0;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return cli_error(cli, CLI_FAILED, NULL,
		    "the libmicrohttpd of this machine has no TLS");
	if ((rc = read_text(cli, "tls-cert", &tls->cert, &len)) != 0)
		return rc;
	return read_text(cli, "tls-key", &tls->key, &tls->key_len);
}

void
serve_tls_free(struct serve_tls *tls)
{
	if (tls->key != NULL)
		csn_wipe(tls->key, tls->key_len);
	free(tls->key);
	free(tls->cert);
}
