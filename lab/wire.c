/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: a cable with a delay, for kernels without netem.
 *
 * Theory of operation
 *   PORT is the hub's end of a host's cable, taken out of the bridge; TAP is a new interface that takes its place there. Each frame
 *   that arrives at one leaves at the other DELAY later, so each direction has the delay. Frames carry their offload header
 *   (virtio_net_hdr) from one to the other, so large segments and missing checksums pass as they do through a plain veth. A direction
 *   holds at most QUEUE_BYTES; beyond that frames are dropped, as a real queue would. The rate is not limited here but by the
 *   queueing disciplines at the cable's two ends.
 *   A port that is down (lab cut) refuses frames, which are then lost; the wire goes on when it is up again.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        FRAME_MAX = sizeof(struct virtio_net_hdr) + 65536 + 64,
        QUEUE_BYTES = 64 << 20,
        BATCH = 64,                   /* frames taken from one side before the other has its turn */
};

struct frame {
        struct frame *next;
        int64_t due_ns;
        size_t  len;
        uint8_t data[];
};

struct queue {
        struct frame *head, **tail;
        size_t bytes;
};

static int64_t delay_ns;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        fprintf(stderr, "wire: ");
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
        exit(1);
}

static int64_t now_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int open_port(const char *port)
{
        struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(port) };
        struct packet_mreq promiscuous = { .mr_ifindex = ll.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, size = 16 << 20;

        if (ll.sll_ifindex == 0 || fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
            setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
            setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0 ||
            bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0)
                die("cannot open %s: %m", port);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        return fd;
}

static int open_tap(const char *tap)
{
        struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

        snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", tap);
        if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0)
                die("cannot make %s: %m", tap);
        return fd;
}

/* Return: false if nothing was there. */
static bool take(int fd, struct queue *q)
{
        static uint8_t buf[FRAME_MAX];
        ssize_t n = read(fd, buf, sizeof(buf));
        struct frame *f;

        /* a port that is down has nothing; the error goes when it is up */
        if (n <= 0)
                return false;
        if (q->bytes + (size_t)n > QUEUE_BYTES)
                return true;
        f = malloc(sizeof(*f) + (size_t)n);
        if (f == NULL)
                die("out of memory");
        *f = (struct frame){ .due_ns = now_ns() + delay_ns, .len = (size_t)n };
        memcpy(f->data, buf, (size_t)n);
        *q->tail = f;
        q->tail = &f->next;
        q->bytes += f->len;
        return true;
}

/* Sends what is due. Return: when the next frame is, -1 for none. */
static int64_t give(int fd, struct queue *q)
{
        int64_t now = now_ns();
        struct frame *f;

        while ((f = q->head) != NULL && f->due_ns <= now) {
                /* what the other side does not take is lost, as on a full or broken cable */
                (void)!write(fd, f->data, f->len);
                q->head = f->next;
                q->bytes -= f->len;
                if (q->head == NULL)
                        q->tail = &q->head;
                free(f);
        }
        return f != NULL ? f->due_ns : -1;
}

static int64_t sooner(int64_t a, int64_t b)
{
        return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void __attribute__((noreturn)) carry(int port, int tap)
{
        struct queue in = { .tail = &in.head }, out = { .tail = &out.head };

        for (;;) {
                int64_t due = sooner(give(tap, &in), give(port, &out)), left = due - now_ns();
                struct timespec ts = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
                struct pollfd p[] = { { .fd = port, .events = POLLIN }, { .fd = tap, .events = POLLIN } };

                if (left < 0)
                        ts = (struct timespec){ 0 };
                if (ppoll(p, 2, due < 0 ? NULL : &ts, NULL) <= 0)
                        continue;
                for (int i = 0; i < BATCH && p[0].revents != 0 && take(port, &in); i++)
                        ;
                for (int i = 0; i < BATCH && p[1].revents != 0 && take(tap, &out); i++)
                        ;
        }
}

/* The parent leaves when both ends are open. */
static void detach(const char *pidfile)
{
        pid_t pid = fork();
        FILE *f;
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

int main(int argc, char **argv)
{
        int port, tap;

        if (argc != 5) {
                fprintf(stderr, "usage: wire PORT TAP DELAY_US PIDFILE\n");
                return 2;
        }
        delay_ns = (int64_t)atoll(argv[3]) * 1000;
        if (delay_ns <= 0)
                die("%s is no delay", argv[3]);
        port = open_port(argv[1]);
        tap = open_tap(argv[2]);
        detach(argv[4]);
        carry(port, tap);
}
