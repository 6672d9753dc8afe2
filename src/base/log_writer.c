/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_STEP_MS 5

/* Signals by which a process ends with a core: what was logged before them tells why. */
static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGQUIT };

static struct {
	GMutex lock;
	GCond more;
	GQueue queue;       /* struct log_record */
	size_t bytes;       /* of those that are not written yet */
	uint64_t lost;      /* dropped and not told yet */
	uint64_t dropped;   /* ever */
	log_dropped_f *tell;
	bool running;
	int pending;        /* atomic: something is not written yet */
	struct sigaction before[G_N_ELEMENTS(fatal)];
} w = { .queue = G_QUEUE_INIT };

/* ---- records ---- */

struct log_record *log_record_new(void)
{
	return g_new0(struct log_record, 1);
}

void log_record_field(struct log_record *r, char *key, char *value)
{
	if (!r->owned)
		r->owned = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(r->owned, key);
	g_ptr_array_add(r->owned, value);
	if (r->n_fields < LOG_FIELDS_MAX)
		r->fields[r->n_fields++] = (GLogField){ key, value, -1 };
}

static void record_free(struct log_record *r)
{
	if (r->line)
		g_string_free(r->line, TRUE);
	if (r->owned)
		g_ptr_array_unref(r->owned);
	g_free(r);
}

static size_t size_of(const struct log_record *r)
{
	size_t n = sizeof *r + (r->line ? r->line->len : 0);

	for (guint i = 0; r->owned && i < r->owned->len; i++)
		n += strlen(g_ptr_array_index(r->owned, i));
	return n;
}

/* ---- writing ---- */

/* stderr that cannot be written leaves nowhere to say so. */
static void write_line(const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, text, n);
		struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

		if (done < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1); /* then write() says what it is */
		else if (done < 0 && errno != EINTR)
			return;
		text += MAX(done, 0);
		n -= (size_t)MAX(done, 0);
	}
}

static void write_record(const struct log_record *r)
{
	if (r->line)
		write_line(r->line->str, r->line->len);
	else /* A journal that takes nothing leaves nowhere to say so. */
		(void)g_log_writer_journald(r->level, r->fields, r->n_fields, NULL);
}

/* ---- the queue; the lock is held ---- */

static void push(struct log_record *r)
{
	r->bytes = size_of(r);
	w.bytes += r->bytes;
	g_queue_push_tail(&w.queue, r);
	g_atomic_int_set(&w.pending, 1);
	g_cond_signal(&w.more);
}

static void tell_lost(void)
{
	uint64_t n = w.lost;

	w.lost = 0;
	push(w.tell(n));
}

static bool has_room(const struct log_record *r)
{
	return !w.lost && w.bytes + size_of(r) <= LOG_QUEUE_BYTES;
}

/* Return: the next one to write, with the lock; waits for it without. */
static struct log_record *next(void)
{
	for (;;) {
		if (w.queue.length == 0 && w.lost)
			tell_lost();
		if (w.queue.length)
			return g_queue_pop_head(&w.queue);
		g_atomic_int_set(&w.pending, 0);
		g_cond_wait(&w.more, &w.lock);
	}
}

static void *run(void *unused)
{
	(void)unused;
	g_mutex_lock(&w.lock);
	for (;;) {
		struct log_record *r = next();
		size_t bytes = r->bytes;

		g_mutex_unlock(&w.lock);
		write_record(r);
		record_free(r);
		g_mutex_lock(&w.lock);
		w.bytes -= bytes;
	}
	return NULL;
}

void log_writer_put(struct log_record *r)
{
	bool taken, running;

	g_mutex_lock(&w.lock);
	running = w.running;
	if (running && w.lost && w.bytes <= LOG_QUEUE_BYTES / 2)
		tell_lost();
	taken = running && has_room(r);
	if (taken) {
		push(r);
	} else if (running) {
		w.lost++;
		w.dropped++;
	}
	g_mutex_unlock(&w.lock);
	if (!running)
		write_record(r);
	if (!taken)
		record_free(r);
}

uint64_t log_writer_dropped(void)
{
	uint64_t n;

	g_mutex_lock(&w.lock);
	n = w.dropped;
	g_mutex_unlock(&w.lock);
	return n;
}

/* ---- the end ---- */

/* Without a lock or an event to wait for: it must be safe in a signal handler. */
void log_writer_drain(void)
{
	for (int ms = 0; ms < LOG_DRAIN_MS && g_atomic_int_get(&w.pending); ms += DRAIN_STEP_MS)
		(void)poll(NULL, 0, DRAIN_STEP_MS);
}

/* The signal comes again when the handler is left, and does what it did before: a sanitizer's report, a core. */
static void on_fatal(int number)
{
	int kept = errno;

	for (size_t i = 0; i < G_N_ELEMENTS(fatal); i++)
		if (fatal[i] == number)
			(void)sigaction(number, &w.before[i], NULL);
	log_writer_drain();
	if (number == SIGQUIT)
		(void)raise(number); /* that one comes from outside, and not by itself */
	errno = kept;
}

static void catch_fatal(void)
{
	struct sigaction a = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };

	for (size_t i = 0; i < G_N_ELEMENTS(fatal); i++)
		(void)sigaction(fatal[i], &a, &w.before[i]); /* fails for numbers that are no signals only */
}

/* ---- forks: the child has the memory and not the thread ---- */

static void before_fork(void)
{
	g_mutex_lock(&w.lock);
}

static void in_parent(void)
{
	g_mutex_unlock(&w.lock);
}

static void in_child(void)
{
	w.running = false;
	g_queue_init(&w.queue); /* the parent writes them */
	g_atomic_int_set(&w.pending, 0);
	g_mutex_unlock(&w.lock);
}

/* ---- the start ---- */

static GThread *thread_without_signals(void)
{
	sigset_t all, kept;
	GThread *t;

	sigfillset(&all);
	for (size_t i = 0; i < G_N_ELEMENTS(fatal); i++)
		sigdelset(&all, fatal[i]);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	t = g_thread_new("log", run, NULL);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	return t;
}

void log_writer_start(log_dropped_f *tell)
{
	g_assert(!w.tell);
	w.tell = tell;
	catch_fatal();
	(void)pthread_atfork(before_fork, in_parent, in_child); /* without memory for it the process ends at the next allocation */
	g_mutex_lock(&w.lock);
	w.running = true;
	g_mutex_unlock(&w.lock);
	g_thread_unref(thread_without_signals());
}
