/* SPDX-License-Identifier: Apache-2.0
 *
 * credentials: admin-openrc and clouds.yaml in state_path; private to identity/.
 *
 * So the first command after the first start is "openstack --os-cloud drover ..." or ". admin-openrc". They name no
 * microversion: clients refuse one that is newer than themselves, and "2.latest" is the newest that both sides know.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stdbool.h>

#include "base/conf.h"

/** credentials_write() - both files. */
bool credentials_write(const struct conf *conf, const char *url, const char *password, GError **err);
/** credentials_password() - the one in admin-openrc. Return: owned; NULL: there is none */
char *credentials_password(const struct conf *conf);
/** credentials_update() - the same with the password that is in admin-openrc, if it is there and has another URL. */
bool credentials_update(const struct conf *conf, const char *url, GError **err);

#endif
