/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/id.h - what the parts of caisson id share. */
#ifndef CLI_ID_H
#define CLI_ID_H

#include "../lib/sealed.h"

int id_passphrase(struct cli *cli);	/* keep.c */
int id_remove(struct cli *cli);
int id_trust(struct cli *cli);	/* trust.c */
int id_sign(struct cli *cli);	/* action.c */
int id_verify(struct cli *cli);

#endif
