/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat: receives what the guests' agents send (agent.c) and tells from it whether each guest lives, and whether only once.
 *
 * Theory of operation
 *   "serve" runs in the controller's namespace. Per guest (by name) it follows the numbers of the current boot. A number above the
 *   highest opens a hole (lost), a number that fills a hole is out of order (and no longer lost), a number that came before is a
 *   duplicate. Memory is continued by exactly one copy, so a duplicate means that two copies ran; so does a datagram of an earlier
 *   boot after a later boot was seen. Gaps are differences of the kernel's receive times, so a busy receiver does not lengthen them.
 *   Queries come over a UNIX socket: one line in, one JSON text out, end of file. "wait" is answered when the next datagram of the
 *   guest arrives; the client limits the time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
        PORT = 7007,
        WINDOW = 1 << 16,             /* how far back a number is told from a late one */
        GUESTS_MAX = 256,
        BOOTS_MAX = 16,
        CLIENTS_MAX = 32,
        GAPS_MAX = 16,
        GAP_NOTE_MS = 100,            /* gaps from here on, and of three intervals, are listed */
};

struct gap {
        int64_t at_ms;                /* real time of the last datagram before it */
        double  ms;
};

struct guest {
        char     name[64];
        char     ip[INET_ADDRSTRLEN];
        uint64_t boots[BOOTS_MAX];    /* the last one is current */
        int      boots_n;
        uint64_t reboots;
        uint64_t seq;                 /* highest of the current boot */
        uint8_t  seen[WINDOW / 8];
        uint64_t received, lost, duplicate, out_of_order, stale_boot;
        int64_t  last_ns;
        double   longest_ms, boot_gap_ms;
        int64_t  longest_at_ms;
        struct gap gaps[GAPS_MAX];
        int      gaps_n;
        unsigned interval_ms;
        uint64_t disk_seq, disk_errors;
};

struct client {
        int  fd;
        char line[128];
        size_t used;
        char waiting[64];             /* the guest it waits for */
};

static struct guest *guests[GUESTS_MAX];
static int guests_n;
static struct client clients[CLIENTS_MAX];

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        fprintf(stderr, "heartbeat: ");
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
        exit(1);
}

static int64_t real_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool seen(const struct guest *g, uint64_t seq)
{
        return g->seen[seq % WINDOW / 8] & (1 << (seq % 8));
}

static void see(struct guest *g, uint64_t seq, bool yes)
{
        if (yes)
                g->seen[seq % WINDOW / 8] |= (uint8_t)(1 << (seq % 8));
        else
                g->seen[seq % WINDOW / 8] &= (uint8_t)~(1 << (seq % 8));
}

static bool matches(const struct guest *g, const char *key)
{
        return *key == '\0' || strcmp(g->name, key) == 0 || strcmp(g->ip, key) == 0;
}

static void note_gap(struct guest *g, int64_t at_ns)
{
        double ms = (double)(at_ns - g->last_ns) / 1e6;

        if (ms > g->longest_ms) {
                g->longest_ms = ms;
                g->longest_at_ms = g->last_ns / 1000000;
        }
        if (ms >= GAP_NOTE_MS && ms >= 3.0 * g->interval_ms) {
                if (g->gaps_n == GAPS_MAX)
                        memmove(g->gaps, g->gaps + 1, sizeof(g->gaps) - sizeof(g->gaps[0]));
                else
                        g->gaps_n++;
                g->gaps[g->gaps_n - 1] = (struct gap){ .at_ms = g->last_ns / 1000000, .ms = ms };
        }
}

static void new_boot(struct guest *g, uint64_t boot, uint64_t seq, int64_t at_ns)
{
        if (g->boots_n == BOOTS_MAX)
                memmove(g->boots, g->boots + 1, sizeof(g->boots) - sizeof(g->boots[0]));
        else
                g->boots_n++;
        g->boots[g->boots_n - 1] = boot;
        if (g->last_ns != 0) {
                g->reboots++;
                g->boot_gap_ms = (double)(at_ns - g->last_ns) / 1e6;
        }
        memset(g->seen, 0, sizeof(g->seen));
        see(g, seq, true);
        g->seq = seq;
        g->last_ns = at_ns;
        g->received++;
}

static void advance(struct guest *g, uint64_t seq, int64_t at_ns)
{
        if (seq - g->seq >= WINDOW)
                memset(g->seen, 0, sizeof(g->seen));
        else
                for (uint64_t s = g->seq + 1; s < seq; s++)
                        see(g, s, false);
        g->lost += seq - g->seq - 1;
        see(g, seq, true);
        g->seq = seq;
        if (g->last_ns != 0)
                note_gap(g, at_ns);
        g->last_ns = at_ns;
        g->received++;
}

static void beat(struct guest *g, uint64_t boot, uint64_t seq, int64_t at_ns)
{
        if (g->boots_n == 0 || g->boots[g->boots_n - 1] != boot) {
                for (int i = 0; i < g->boots_n; i++) {
                        if (g->boots[i] == boot) {
                                g->stale_boot++;
                                return;
                        }
                }
                new_boot(g, boot, seq, at_ns);
        } else if (seq > g->seq) {
                advance(g, seq, at_ns);
        } else if (g->seq - seq < WINDOW && !seen(g, seq)) {
                see(g, seq, true);
                g->out_of_order++;
                /* after a reset the hole may be older than the counters */
                if (g->lost > 0)
                        g->lost--;
                g->received++;
        } else {
                g->duplicate++;
        }
}

static struct guest *find(const char *name)
{
        for (int i = 0; i < guests_n; i++)
                if (strcmp(guests[i]->name, name) == 0)
                        return guests[i];
        if (guests_n == GUESTS_MAX)
                return NULL;
        struct guest *g = calloc(1, sizeof(*g));

        if (g == NULL)
                die("out of memory");
        snprintf(g->name, sizeof(g->name), "%s", name);
        return guests[guests_n++] = g;
}

/* A name or an address goes into JSON and back out of queries: no other characters. */
static bool plain(const char *s)
{
        return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")] == '\0';
}

static struct guest *parse(const char *text, int64_t at_ns)
{
        char name[64], ip[INET_ADDRSTRLEN];
        uint64_t boot, seq, disk_seq, disk_errors;
        unsigned interval_ms;
        struct guest *g;

        if (sscanf(text, "drover-lab1 %63s %15s %lx %lu %*d %u %lu %lu", name, ip, &boot, &seq, &interval_ms, &disk_seq, &disk_errors) != 7 ||
            !plain(name) || !plain(ip) || (g = find(name)) == NULL)
                return NULL;
        snprintf(g->ip, sizeof(g->ip), "%s", ip);
        g->interval_ms = interval_ms;
        g->disk_seq = disk_seq;
        g->disk_errors = disk_errors;
        beat(g, boot, seq, at_ns);
        return g;
}

static void reset(const char *key)
{
        for (int i = 0; i < guests_n; i++) {
                struct guest *g = guests[i];

                if (!matches(g, key))
                        continue;
                /* two copies have sent: the one that lives on need not be the one that booted last */
                if (g->stale_boot)
                        g->last_ns = g->boots_n = 0;
                g->received = g->lost = g->duplicate = g->out_of_order = g->stale_boot = g->reboots = 0;
                g->longest_ms = g->boot_gap_ms = 0;
                g->longest_at_ms = 0;
                g->gaps_n = 0;
        }
}

static void print_guest(FILE *f, const struct guest *g)
{
        int64_t ago_ms = (real_ns() - g->last_ns) / 1000000;

        fprintf(f, "{\"name\": \"%s\", \"ip\": \"%s\", \"boot\": \"%016lx\", \"reboots\": %lu, \"seq\": %lu, \"received\": %lu, \"lost\": %lu, "
                "\"duplicate\": %lu, \"out_of_order\": %lu, \"stale_boot\": %lu, \"two_copies\": %s, ",
                g->name, g->ip, g->boots[g->boots_n - 1], g->reboots, g->seq, g->received, g->lost, g->duplicate, g->out_of_order,
                g->stale_boot, g->duplicate + g->stale_boot > 0 ? "true" : "false");
        fprintf(f, "\"longest_gap_ms\": %.1f, \"longest_gap_at_ms\": %ld, \"boot_gap_ms\": %.1f, \"last_seen_ms\": %ld, \"interval_ms\": %u, "
                "\"disk_seq\": %lu, \"disk_errors\": %lu, \"gaps\": [",
                g->longest_ms, g->longest_at_ms, g->boot_gap_ms, ago_ms > 0 ? ago_ms : 0, g->interval_ms, g->disk_seq, g->disk_errors);
        for (int i = 0; i < g->gaps_n; i++)
                fprintf(f, "%s{\"at_ms\": %ld, \"ms\": %.1f}", i > 0 ? ", " : "", g->gaps[i].at_ms, g->gaps[i].ms);
        fprintf(f, "]}");
}

static void print(FILE *f, const char *key)
{
        bool first = true;

        fprintf(f, "{\"at_ms\": %ld, \"guests\": [", real_ns() / 1000000);
        for (int i = 0; i < guests_n; i++) {
                /* a boot-less guest has sent nothing yet */
                if (!matches(guests[i], key) || guests[i]->boots_n == 0)
                        continue;
                fprintf(f, "%s\n  ", first ? "" : ",");
                print_guest(f, guests[i]);
                first = false;
        }
        fprintf(f, "\n]}\n");
}

static void write_summary(const char *path)
{
        char *tmp;
        FILE *f;

        if (asprintf(&tmp, "%s.new", path) < 0 || (f = fopen(tmp, "we")) == NULL)
                die("cannot write %s: %m", path);
        print(f, "");
        if (fclose(f) != 0 || rename(tmp, path) < 0)
                die("cannot write %s: %m", path);
        free(tmp);
}

static void client_close(struct client *c)
{
        close(c->fd);
        *c = (struct client){ .fd = -1 };
}

static void client_answer(struct client *c, const char *key)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        if (f == NULL)
                die("out of memory");
        print(f, key);
        fclose(f);
        /* a client that does not read loses its answer */
        (void)!send(c->fd, text, size, MSG_NOSIGNAL);
        free(text);
        client_close(c);
}

static void client_command(struct client *c)
{
        char verb[16] = "", key[64] = "";

        sscanf(c->line, "%15s %63s", verb, key);
        if (strcmp(verb, "show") == 0) {
                client_answer(c, key);
        } else if (strcmp(verb, "reset") == 0) {
                reset(key);
                client_answer(c, key);
        } else if (strcmp(verb, "wait") == 0 && *key != '\0') {
                snprintf(c->waiting, sizeof(c->waiting), "%s", key);
        } else {
                client_close(c);
        }
}

static void client_read(struct client *c)
{
        ssize_t n = recv(c->fd, c->line + c->used, sizeof(c->line) - 1 - c->used, 0);

        if (n <= 0 || c->waiting[0] != '\0') {
                client_close(c);
                return;
        }
        c->used += (size_t)n;
        c->line[c->used] = '\0';
        if (strchr(c->line, '\n') != NULL)
                client_command(c);
        else if (c->used == sizeof(c->line) - 1)
                client_close(c);
}

static void client_accept(int listener)
{
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        for (int i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
                if (clients[i].fd < 0) {
                        clients[i].fd = fd;
                        return;
                }
        }
        if (fd >= 0)
                close(fd);
}

static void datagrams(int fd)
{
        for (;;) {
                char text[512], control[256];
                struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) - 1 };
                struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
                ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
                int64_t at_ns = real_ns();
                struct guest *g;

                if (n < 0)
                        return;
                text[n] = '\0';
                for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
                        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
                                struct timespec ts;

                                memcpy(&ts, CMSG_DATA(c), sizeof(ts));
                                at_ns = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
                        }
                }
                if ((g = parse(text, at_ns)) == NULL)
                        continue;
                for (int i = 0; i < CLIENTS_MAX; i++)
                        if (clients[i].fd >= 0 && clients[i].waiting[0] != '\0' && matches(g, clients[i].waiting))
                                client_answer(&clients[i], clients[i].waiting);
        }
}

static int open_udp(const char *address)
{
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, size = 4 << 20;

        if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
                die("%s is no address", address);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
                die("cannot bind %s: %m", address);
        return fd;
}

static struct sockaddr_un un_address(const char *path)
{
        struct sockaddr_un un = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(un.sun_path))
                die("the path of the socket is too long: %s", path);
        strcpy(un.sun_path, path);
        return un;
}

static int open_listener(const char *path)
{
        struct sockaddr_un un = un_address(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        unlink(path);
        if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, CLIENTS_MAX) < 0)
                die("cannot listen on %s: %m", path);
        return fd;
}

/* The parent leaves when the sockets are open, so the caller need not wait for anything else. */
static void detach(const char *pidfile)
{
        FILE *f;
        pid_t pid = fork();
        int null;

        if (pid < 0)
                die("cannot fork: %m");
        if (pid > 0) {
                if ((f = fopen(pidfile, "we")) == NULL || fprintf(f, "%d\n", pid) < 0 || fclose(f) != 0)
                        die("cannot write %s: %m", pidfile);
                exit(0);
        }
        setsid();
        null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        if (null > 2)
                close(null);
        (void)!chdir("/");
}

/* Return: true when it is time to end. */
static bool signalled(int fd, const char *summary)
{
        struct signalfd_siginfo si;

        if (read(fd, &si, sizeof(si)) != sizeof(si))
                return false;
        write_summary(summary);
        return si.ssi_signo != SIGUSR1;
}

static int serve(const char *address, const char *path, const char *summary, const char *pidfile)
{
        int udp = open_udp(address), listener = open_listener(path), sig;
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        detach(pidfile);
        sig = signalfd(-1, &set, SFD_CLOEXEC);
        for (int i = 0; i < CLIENTS_MAX; i++)
                clients[i].fd = -1;
        for (;;) {
                struct pollfd p[3 + CLIENTS_MAX] = {
                        { .fd = udp, .events = POLLIN }, { .fd = listener, .events = POLLIN }, { .fd = sig, .events = POLLIN },
                };

                for (int i = 0; i < CLIENTS_MAX; i++)
                        p[3 + i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
                if (poll(p, 3 + CLIENTS_MAX, -1) < 0)
                        continue;
                for (int i = 0; i < CLIENTS_MAX; i++)
                        if (p[3 + i].fd >= 0 && p[3 + i].revents != 0)
                                client_read(&clients[i]);
                if (p[0].revents != 0)
                        datagrams(udp);
                if (p[1].revents != 0)
                        client_accept(listener);
                if (p[2].revents != 0 && signalled(sig, summary))
                        return 0;
        }
}

/* @limit_ms: -1 for none. Return: the exit status, 3 if there was no answer in time. */
static int ask(const char *path, const char *verb, const char *key, int limit_ms)
{
        struct sockaddr_un un = un_address(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char buf[65536];
        ssize_t n;

        if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
                die("no receiver at %s: %m", path);
        dprintf(fd, "%s %s\n", verb, key);
        if (poll(&p, 1, limit_ms) <= 0)
                return 3;
        while ((n = read(fd, buf, sizeof(buf))) > 0)
                fwrite(buf, 1, (size_t)n, stdout);
        return 0;
}

int main(int argc, char **argv)
{
        const char *verb = argc > 1 ? argv[1] : "";

        if (strcmp(verb, "serve") == 0 && argc == 6)
                return serve(argv[2], argv[3], argv[4], argv[5]);
        if ((strcmp(verb, "show") == 0 || strcmp(verb, "reset") == 0) && (argc == 3 || argc == 4))
                return ask(argv[2], verb, argc == 4 ? argv[3] : "", -1);
        if (strcmp(verb, "wait") == 0 && argc == 5)
                return ask(argv[2], verb, argv[3], atoi(argv[4]));
        fprintf(stderr, "usage: heartbeat serve ADDRESS SOCKET SUMMARY_FILE PIDFILE\n"
                        "       heartbeat show|reset SOCKET [GUEST]\n"
                        "       heartbeat wait SOCKET GUEST LIMIT_MS\n");
        return 2;
}
