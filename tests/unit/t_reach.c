/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether anything answers where a libvirt URI leads, and what it means to each of the two that ask: a listener of the test, one that is full, one that is gone; and
 * names that no server knows any more.
 */
#include "hv/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "ha/look.h"
#include "hv/libvirt/reach.h"

#define FULL 4
#define LOOKS (10 * LOOKS_MAX)
#define THREADS_BESIDE 4 /* the test's, and GLib's own */

int __real_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

static bool names_dead;

int __real_connect(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *at, socklen_t len);

static int connects;
static int room_fd = -1; /* a listener that is full until the second connection is begun */

int __wrap_connect(int fd, const struct sockaddr *at, socklen_t len)
{
	int taken;

	if (room_fd >= 0 && ++connects == 2)
		while ((taken = accept4(room_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			close(taken);
	return __real_connect(fd, at, len);
}

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	return names_dead ? EAI_AGAIN : __real_getaddrinfo(name, service, hints, ret);
}

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

/* A kernel that has no room for another connection keeps silent, as a host without power does. Return: its sockets, the listener first. */
static void silent(int fds[static FULL + 1], int *ret_port)
{
	fds[0] = listener(0, ret_port);
	for (int i = 1; i <= FULL; i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*ret_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fds[i], (struct sockaddr *)&to, sizeof to);
	}
}

static void close_all(const int fds[static FULL + 1])
{
	for (int i = 0; i <= FULL; i++)
		close(fds[i]);
}

/* ---- where a URI leads ---- */

static void test_parse(void)
{
	static const struct {
		const char *uri, *host, *port;
		bool libvirtd;
	} rows[] = {
		{ "qemu+tcp://h1/system", "h1", "16509", true },
		{ "qemu+tls://h1:17000/system", "h1", "17000", true },
		{ "qemu://[2001:db8::1]/system", "2001:db8::1", "16514", true },
		{ "QEMU+TCP://h1/system", "h1", "16509", true },
		{ "qemu+ssh://root@h1/system", "h1", "22", false },
		{ "qemu+libssh2://h1:2222/system", "h1", "2222", false },
		{ "qemu:///system", NULL, NULL, false },
		{ "qemu+unix://h1/system", NULL, NULL, false },
		{ "sim://h1", NULL, NULL, false },
		{ "no uri", NULL, NULL, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct reach_at at;

		g_test_message("%s", rows[i].uri);
		g_assert_cmpint(reach_parse(rows[i].uri, &at), ==, rows[i].host != NULL);
		g_assert_cmpstr(at.host, ==, rows[i].host);
		g_assert_cmpstr(at.port, ==, rows[i].port);
		g_assert_cmpint(at.libvirtd, ==, rows[i].libvirtd);
		reach_at_clear(&at);
	}
}

/* ---- what it says, and what that means ---- */

static void expect(const char *what, int port, enum reach want, const char *link, enum ha_sight sight)
{
	g_autofree char *uri = g_strdup_printf("qemu+tcp://127.0.0.1:%d/system", port), *why = lv_reach(uri);
	struct reach_addrs addrs;
	struct reach_at at;
	int64_t at_ms;
	int err;

	g_test_message("%s", what);
	g_assert_true(reach_parse(uri, &at));
	g_assert_null(reach_find(&at, false, &addrs));
	g_assert_cmpint(reach_try(&addrs, &err), ==, want);
	g_assert_true(link ? why && g_str_has_suffix(why, link) : !why);
	g_assert_cmpint(look_now(&at, &at_ms), ==, sight);
	if (sight == HA_DARK) /* of when it was asked */
		g_assert_cmpint(at_ms + REACH_MS, <=, clock_now_ms());
	reach_at_clear(&at);
}

static void test_answers(void)
{
	int port, fd = listener(8, &port), full[FULL + 1];

	expect("it accepts", port, REACH_ACCEPTS, NULL, HA_LIVES);
	close(fd);
	expect("it refuses", port, REACH_REFUSES, ": Connection refused", HA_LIVES);
	silent(full, &port);
	expect("it is silent", port, REACH_SILENT, ": Connection timed out", HA_DARK);
	close_all(full);
}

/* Of another transport, and of one that is here, nothing can be said before libvirt tries. */
static void test_other_transports(void)
{
	int port, fd = listener(8, &port);
	g_autofree char *ssh = g_strdup_printf("qemu+ssh://127.0.0.1:%d/system", port);

	close(fd);
	g_assert_null(lv_reach(ssh));
	g_assert_null(lv_reach("qemu+unix:///system"));
	g_assert_null(lv_reach("qemu:///system"));
	g_assert_null(lv_reach("no uri"));
}

/* The second of two addresses is the one that answers. */
static void test_two_addresses(void)
{
	int port, fd = listener(8, &port), none, gone = listener(8, &none);
	struct reach_addrs a = { .n = 2 };
	int err;

	close(gone);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(i ? port : none)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		*(struct sockaddr_in *)(void *)&a.all[i].at = at;
		a.all[i].len = sizeof at;
	}
	g_assert_cmpint(reach_try(&a, &err), ==, REACH_ACCEPTS);
	close(fd);
	g_assert_cmpint(reach_try(&a, &err), ==, REACH_REFUSES);
	g_assert_cmpint(err, ==, ECONNREFUSED);
	a.n = 0;
	g_assert_cmpint(reach_try(&a, &err), ==, REACH_SILENT);
}

/* The first packet is lost: the kernel would send the next one when the look is over. */
static void test_lost_packet(void)
{
	int err, port, full[FULL + 1];
	struct reach_addrs a = { .n = 1, .all[0].len = sizeof(struct sockaddr_in) };

	silent(full, &port);
	*(struct sockaddr_in *)(void *)&a.all[0].at =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	g_assert_cmpint(fcntl(full[0], F_SETFL, O_NONBLOCK), ==, 0);
	connects = 0;
	room_fd = full[0];
	g_assert_cmpint(reach_try(&a, &err), ==, REACH_ACCEPTS);
	g_assert_cmpint(connects, ==, 2);
	room_fd = -1;
	close_all(full);
}

/* ---- names ---- */

static void test_name(void)
{
	g_autofree char *why = lv_reach("qemu+tcp://no-such-host.invalid/system");

	g_assert_nonnull(why);
	g_assert_true(g_str_has_prefix(why, "unable to resolve address 'no-such-host.invalid' service '16509': "));
}

/* A host whose name server is one of its guests: it was known once, and can be looked at. A connection asks again, for the address may be another by now. */
static void test_names_dead(void)
{
	int port, fd = listener(8, &port);
	g_autofree char *uri = g_strdup_printf("qemu+tcp://localhost:%d/system", port), *why = lv_reach(uri), *later = NULL;
	int64_t at_ms;
	struct reach_at at, other = { (char *)"other.invalid", (char *)"16509", true };

	g_assert_null(why);
	names_dead = true;
	later = lv_reach(uri);
	g_assert_nonnull(later);
	g_assert_true(reach_parse(uri, &at));
	g_assert_cmpint(look_now(&at, &at_ms), ==, HA_LIVES);
	g_assert_cmpint(look_now(&other, &at_ms), ==, HA_BLIND);
	names_dead = false;
	reach_at_clear(&at);
	close(fd);
}

/* ---- a real link ---- */

/* Until the kernel has it: a link's state follows its carrier by up to a second. */
static void make(const char *script)
{
	if (system(script) != 0) /* NOLINT: constants alone */
		g_error("%s", script);
}

#define UNTIL(state) "until ip -o link show c0 | grep -q 'state " state "'; do :; done"

static const struct {
	const char *what, *script;
	enum ha_sight sight;
} links[] = {
	{ "nothing is at the other end", "ip link add c0 type veth peer name h0; ip addr add 192.0.2.1/24 dev c0; ip -6 addr add 2001:db8::1/64 dev c0 nodad; "
	  "ip link set c0 up; ip link set h0 up; " UNTIL("UP"), HA_DARK },
	{ "its cable is out", "ip link set h0 down; " UNTIL("[A-Z]*DOWN"), HA_BLIND },
	{ "and in again", "ip link set h0 up; " UNTIL("UP"), HA_DARK },
	{ "it is switched off", "ip link set c0 down", HA_BLIND },
};

static void look_at(const char *uri, enum ha_sight want)
{
	struct reach_at at;
	int64_t at_ms;

	g_assert_true(reach_parse(uri, &at));
	g_assert_cmpint(look_now(&at, &at_ms), ==, want);
	reach_at_clear(&at);
}

static void try_links(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		g_test_message("%s", links[i].what);
		make(links[i].script);
		look_at("qemu+tcp://192.0.2.2/system", links[i].sight);
		look_at("qemu+tcp://[2001:db8::2]/system", links[i].sight);
	}
}

/* The controller's own interface loses its carrier, in a network namespace of a child's. */
static void test_carrier(void)
{
	int status;
	pid_t child;

	if (geteuid() != 0) {
		g_test_skip("a network namespace needs root");
		return;
	}
	child = fork();
	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			g_error("unshare: %s", g_strerror(errno));
		try_links();
		_exit(0);
	}
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_assert_cmpint(status, ==, 0);
}

/* ---- many at once ---- */

static guint threads(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/task", 0, NULL);
	guint n = 0;

	while (g_dir_read_name(dir))
		n++;
	return n;
}

static void looked(enum ha_sight sight, int64_t at_ms, void *user)
{
	g_assert_cmpint(at_ms, >, 0);
	g_assert_cmpint(sight, ==, HA_DARK);
	*(guint *)user = threads();
	loop_quit();
}

/* Looks at silent hosts take a bounded number of threads; those that are cancelled before their turn take no time. */
static void test_many(void)
{
	struct look *all[LOOKS];
	int port, full[FULL + 1];
	g_autofree char *uri = NULL;
	guint most = 0;

	silent(full, &port);
	uri = g_strdup_printf("qemu+tcp://127.0.0.1:%d/system", port);
	loop_init();
	for (int i = 0; i < LOOKS; i++)
		all[i] = look_begin(uri, looked, &most);
	for (int i = 1; i < LOOKS; i++)
		look_cancel(&all[i]);
	loop_run();
	g_test_message("%u threads", most);
	g_assert_cmpuint(most, <=, LOOKS_MAX + THREADS_BESIDE);
	close_all(full);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reach/parse", test_parse);
	g_test_add_func("/reach/answers", test_answers);
	g_test_add_func("/reach/other-transports", test_other_transports);
	g_test_add_func("/reach/two-addresses", test_two_addresses);
	g_test_add_func("/reach/lost-packet", test_lost_packet);
	g_test_add_func("/reach/name", test_name);
	g_test_add_func("/reach/names-dead", test_names_dead);
	g_test_add_func("/reach/carrier", test_carrier);
	g_test_add_func("/reach/many", test_many);
	return g_test_run();
}
