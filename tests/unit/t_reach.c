/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether anything accepts connections where a libvirt URI leads: a listener of the test, one that is full, one that is gone.
 */
#include "hv/libvirt/reach.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

/* A listener on loopback. Return: its socket. */
static int listener(int backlog, int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof at), ==, 0);
	g_assert_cmpint(listen(fd, backlog), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &len), ==, 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* @want: the end of what is wrong; NULL: nothing */
static void expect(const char *scheme, int port, const char *want)
{
	g_autofree char *uri = g_strdup_printf("%s://127.0.0.1:%d/system", scheme, port), *why = lv_reach(uri);

	g_assert_true(want ? why && g_str_has_suffix(why, want) : !why);
}

static void test_accepts(void)
{
	int port, fd = listener(8, &port);

	expect("qemu+tcp", port, NULL);
	expect("qemu+tls", port, NULL);
	expect("qemu", port, NULL);
	close(fd);
	expect("qemu+tcp", port, ": Connection refused");
	/* of another transport, and of one that is here, nothing can be said */
	expect("qemu+ssh", port, NULL);
	expect("qemu+unix", port, NULL);
	g_assert_null(lv_reach("qemu:///system"));
	g_assert_null(lv_reach("no uri"));
}

/* A kernel that has no room for another connection keeps silent, as a host without power does. */
static void test_silent(void)
{
	int port, fd = listener(0, &port), full[4];

	for (size_t i = 0; i < G_N_ELEMENTS(full); i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(full[i], (struct sockaddr *)&to, sizeof to);
	}
	expect("qemu+tcp", port, ": Connection timed out");
	for (size_t i = 0; i < G_N_ELEMENTS(full); i++)
		close(full[i]);
	close(fd);
}

static void test_name(void)
{
	g_autofree char *why = lv_reach("qemu+tcp://no-such-host.invalid/system");

	g_assert_nonnull(why);
	g_assert_true(g_str_has_prefix(why, "unable to resolve address 'no-such-host.invalid' service '16509': "));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reach/accepts", test_accepts);
	g_test_add_func("/reach/silent", test_silent);
	g_test_add_func("/reach/name", test_name);
	return g_test_run();
}
