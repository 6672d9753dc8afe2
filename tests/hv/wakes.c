/* SPDX-License-Identifier: Apache-2.0
 *
 * wakes: ends the program when libvirt's client wakes a loop in which another thread waits.
 *
 * libvirt 9.0.0 then leaves a watch in the loop that points into a stack (CVE-2024-4418); whether that crashes is luck, that
 * it happened is not. It stands in for g_main_loop_run() and g_main_loop_quit(): linked into the tests of this folder, and a module
 * to preload into droverd.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define LOOPS_MAX 4096

/* Loops of libvirt's that run now. */
static struct {
	GMainLoop *loop;
	pthread_t thread;
} loops[LOOPS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef void loop_fn(GMainLoop *loop);

static loop_fn *real(const char *name)
{
	return (loop_fn *)(uintptr_t)dlsym(RTLD_NEXT, name);
}

static bool is_libvirt(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) && info.dli_fname && strstr(info.dli_fname, "libvirt.so");
}

static void set(const GMainLoop *was, GMainLoop *loop)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < LOOPS_MAX; i++) {
		if (loops[i].loop != was)
			continue;
		loops[i].loop = loop;
		loops[i].thread = pthread_self();
		break;
	}
	pthread_mutex_unlock(&lock);
}

static bool waits_elsewhere(const GMainLoop *loop)
{
	bool elsewhere = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < LOOPS_MAX; i++)
		elsewhere |= loops[i].loop == loop && !pthread_equal(loops[i].thread, pthread_self());
	pthread_mutex_unlock(&lock);
	return elsewhere;
}

void g_main_loop_run(GMainLoop *loop)
{
	bool libvirt = is_libvirt(__builtin_return_address(0));

	if (libvirt)
		set(NULL, loop);
	real("g_main_loop_run")(loop);
	if (libvirt)
		set(loop, NULL);
}

void g_main_loop_quit(GMainLoop *loop)
{
	if (waits_elsewhere(loop)) {
		(void)fprintf(stderr, "wakes: libvirt's client woke another thread's loop\n");
		abort();
	}
	real("g_main_loop_quit")(loop);
}
