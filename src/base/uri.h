/* SPDX-License-Identifier: Apache-2.0
 *
 * uri: libvirt URIs, "qemu+tls://h1/system", as they come from the configuration
 * and from clients. What a driver makes of one is libvirt's affair; here are
 * refused those that no libvirt could use.
 */
#ifndef URI_H
#define URI_H

#include <stdbool.h>

#include <glib.h>

/**
 * uri_check() - could it lead to a libvirtd?
 *
 * Return: false with ERR_BAD_REQUEST, whose message says what is wrong with it.
 */
bool uri_check(const char *uri, GError **err);

/**
 * uri_check_host() - uri_check(), and it is a hypervisor's: not sim or test, nor reached by ext, which starts any program.
 *
 * Return: false with ERR_BAD_REQUEST; the message names the option that allows them.
 */
bool uri_check_host(const char *uri, GError **err);

/**
 * uri_check_remote() - may a client of the API have it used?
 * @schemes: the allowed ones, NULL-terminated, as "qemu+tls"
 *
 * An administrator of the API is not root where droverd runs: only transports and parts that make libvirt's
 * client connect, and start nothing but ssh. So no parameters.
 *
 * Return: false with ERR_BAD_REQUEST, whose message says what would be right.
 */
bool uri_check_remote(const char *uri, const char *const *schemes, GError **err);

/**
 * uri_check_address() - an IP address, or a host name of letters, digits, '.', '-' and '_': fit to become part of a URI.
 *
 * Return: false with ERR_BAD_REQUEST.
 */
bool uri_check_address(const char *addr, GError **err);

/**
 * uri_same() - two URIs that lead to one libvirtd, by what they say.
 *
 * The same text; or the same address, port, path and parameters, by whichever transport. Names are not looked up.
 */
bool uri_same(const char *a, const char *b);

#endif
