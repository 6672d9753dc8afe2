/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent: the only program of a guest of the lab. Shows from outside whether the guest lives, once, with its memory and disk intact.
 *
 * Theory of operation
 *   Kernel command line: lab.name=NAME lab.ip=A lab.ctl=A lab.ctlmac=MAC lab.interval=MS lab.dirty=MB_PER_S[:SET_MB] lab.disk=1
 *   Each interval one UDP datagram goes to the controller's port 7007:
 *     drover-lab1 NAME IP BOOT SEQ MONOTONIC_NS INTERVAL_MS DISK_SEQ DISK_ERRORS
 *   BOOT is random per boot and SEQ counts datagrams that left, so SEQ is memory that must survive a migration: a number seen twice
 *   means two copies of the guest ran.
 *   The disk thread writes a record of 4 KiB each second to one of 64 slots, past every cache, and first reads back all slots
 *   against what it wrote: a write that a storage migration lost shows as DISK_ERRORS. After a boot it goes on from the highest
 *   number on the disk.
 *   The dirty thread touches one word in each page of its working set, which dirties the page for a migration at little CPU cost.
 *   Datagrams to port 7007 of the guest are commands: "dirty MB_PER_S[:SET_MB]", "interval MS"; the answer is "ok" or "bad". That
 *   to "dirty" comes when the working set is there.
 *   The power button (ACPI) powers off.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
        PORT = 7007,
        PAGE = 4096,
        DISK_SLOTS = 64,
        DIRTY_TICK_MS = 10,
        DIRTY_MAX_MB = 1 << 20,       /* a rate that no machine reaches: as fast as it goes */
};

static char cmdline[4096];
static char name[64] = "guest";
static char ip[INET_ADDRSTRLEN] = "";
static uint64_t boot_id;
static atomic_uint_fast64_t disk_seq, disk_errors;
static atomic_uint dirty_mb_s, dirty_set_mb;
static sem_t dirty_comes; /* posted by each command: a guest that dirties nothing sleeps, as a processor that is emulated costs a real one */
static atomic_uint dirty_asked, dirty_done; /* how many commands have come, and which of them the dirty thread carries out */
static atomic_bool dirty_refused;           /* the last one: there is no memory for its set */

static int64_t now_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Copies the value of KEY= on the kernel command line to @buf. Return: false if it is not there. */
static bool option(const char *key, char *buf, size_t size)
{
        size_t n = strlen(key);

        for (const char *p = cmdline; (p = strstr(p, key)) != NULL; p += n) {
                if ((p == cmdline || p[-1] == ' ') && p[n] == '=') {
                        size_t len = strcspn(p + n + 1, " \n");

                        if (len >= size)
                                return false;
                        memcpy(buf, p + n + 1, len);
                        buf[len] = '\0';
                        return true;
                }
        }
        return false;
}

static void read_cmdline(void)
{
        int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, cmdline, sizeof(cmdline) - 1);

        cmdline[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                close(fd);
}

/* Unique, not secret: the generator may not be seeded this early, so the clocks go in too. */
static uint64_t make_boot_id(void)
{
        uint64_t id = 0;
        struct timespec ts;

        (void)!getrandom(&id, sizeof(id), GRND_INSECURE);
        clock_gettime(CLOCK_REALTIME, &ts);
        return id ^ ((uint64_t)ts.tv_sec << 32) ^ (uint64_t)ts.tv_nsec ^ ((uint64_t)now_ns() << 20);
}

static void set_addr(struct sockaddr *sa, const char *text)
{
        struct sockaddr_in in = { .sin_family = AF_INET };

        inet_pton(AF_INET, text, &in.sin_addr);
        memcpy(sa, &in, sizeof(in));
}

/* The address, the link, and a fixed neighbour entry for the controller, so that no heartbeat waits for ARP. */
static void net_up(const char *ctl)
{
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq ifr = { .ifr_name = "eth0" };
        struct arpreq arp = { .arp_flags = ATF_COM | ATF_PERM, .arp_dev = "eth0" };
        char mac[32];

        set_addr(&ifr.ifr_addr, ip);
        if (ioctl(fd, SIOCSIFADDR, &ifr) < 0)
                perror("agent: cannot set the address");
        set_addr(&ifr.ifr_netmask, "255.255.255.0");
        ioctl(fd, SIOCSIFNETMASK, &ifr);
        ioctl(fd, SIOCGIFFLAGS, &ifr);
        ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
        ioctl(fd, SIOCSIFFLAGS, &ifr);
        if (option("lab.ctlmac", mac, sizeof(mac)) && ether_aton_r(mac, (struct ether_addr *)arp.arp_ha.sa_data) != NULL) {
                set_addr(&arp.arp_pa, ctl);
                arp.arp_ha.sa_family = ARPHRD_ETHER;
                if (ioctl(fd, SIOCSARP, &arp) < 0)
                        perror("agent: cannot set the neighbour");
        }
        close(fd);
}

/* "RATE[:SET]" in MB/s and MB; "max" is as fast as it goes. */
static bool set_dirty(const char *text)
{
        char rate[16] = "";
        unsigned set = 64, mb;

        if (sscanf(text, "%15[^:]:%u", rate, &set) < 1 || set == 0)
                return false;
        if (strcmp(rate, "max") == 0)
                mb = DIRTY_MAX_MB;
        else if (sscanf(rate, "%u", &mb) != 1)
                return false;
        atomic_store(&dirty_set_mb, set);
        atomic_store(&dirty_mb_s, mb);
        atomic_fetch_add(&dirty_asked, 1);
        sem_post(&dirty_comes);
        return true;
}

/* Fills new pages with noise, so that they neither compress nor count as zero. */
static uint8_t *dirty_grow(uint8_t *set, size_t old_bytes, size_t bytes)
{
        static uint64_t x = 88172645463325252u;
        void *p = set == NULL ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                              : mremap(set, old_bytes, bytes, MREMAP_MAYMOVE);

        if (p == MAP_FAILED)
                return NULL;
        for (uint64_t *w = (uint64_t *)((uint8_t *)p + old_bytes); w < (uint64_t *)((uint8_t *)p + bytes); w++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                *w = x;
        }
        return p;
}

static void *dirty_thread(void *arg)
{
        size_t have = 0, at = 0;
        uint8_t *set = NULL;

        (void)arg;
        for (;;) {
                unsigned asked = atomic_load(&dirty_asked);
                size_t rate = atomic_load(&dirty_mb_s), want = (size_t)atomic_load(&dirty_set_mb) << 20;
                size_t pages = rate * 1000000 / 1000 * DIRTY_TICK_MS / PAGE;
                int64_t end = now_ns() + DIRTY_TICK_MS * 1000000;

                if (rate == 0) {
                        atomic_store(&dirty_done, asked);
                        sem_wait(&dirty_comes);
                        continue;
                }
                if (want > have) {
                        uint8_t *p = dirty_grow(set, have, want);

                        if (p == NULL) {
                                fprintf(stderr, "agent: no memory for a set of %zu MB\n", want >> 20);
                                atomic_store(&dirty_mb_s, 0);
                                atomic_store(&dirty_refused, true);
                                continue;
                        }
                        set = p;
                        have = want;
                }
                atomic_store(&dirty_done, asked);
                for (size_t i = 0; i < pages && ((i & 255) != 0 || now_ns() < end); i++) {
                        at = at + PAGE < want ? at + PAGE : 0;
                        (*(volatile uint64_t *)(set + at))++;
                }
                int64_t left = end - now_ns();

                if (left > 0)
                        nanosleep(&(struct timespec){ .tv_nsec = left }, NULL);
        }
        return NULL;
}

static uint32_t crc32(const char *p, size_t n)
{
        uint32_t crc = ~0u;

        while (n-- > 0) {
                crc ^= (uint8_t)*p++;
                for (int k = 0; k < 8; k++)
                        crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
        }
        return ~crc;
}

/* Return: the record's number, 0 if the slot was never written, -1 if it is damaged. */
static int64_t record_check(const char *rec)
{
        uint32_t crc;
        uint64_t seq;
        int len = 0;

        if (rec[0] == '\0')
                return 0;
        if (strnlen(rec, PAGE) == PAGE || sscanf(rec, "drover-lab1 disk %lu %*s %*x%n crc %x", &seq, &len, &crc) != 2)
                return -1;
        return crc32(rec, (size_t)len) == crc ? (int64_t)seq : -1;
}

static void record_write(char *rec, uint64_t seq)
{
        int len;

        memset(rec, 0, PAGE);
        len = snprintf(rec, PAGE, "drover-lab1 disk %lu %s %016lx", seq, name, boot_id);
        snprintf(rec + len, PAGE - (size_t)len, " crc %08x\n", crc32(rec, (size_t)len));
}

/* Reads all slots. Return: the highest number. @shadow: what they must hold, NULL at boot. */
static uint64_t disk_scan(int fd, char *slots, const char *shadow)
{
        uint64_t max = 0;

        if (pread(fd, slots, DISK_SLOTS * PAGE, 0) != DISK_SLOTS * PAGE) {
                atomic_fetch_add(&disk_errors, 1);
                return 0;
        }
        for (int i = 0; i < DISK_SLOTS; i++) {
                int64_t seq = record_check(slots + i * PAGE);

                if (seq < 0 || (shadow != NULL && memcmp(slots + i * PAGE, shadow + i * PAGE, PAGE) != 0))
                        atomic_fetch_add(&disk_errors, 1);
                else if ((uint64_t)seq > max)
                        max = (uint64_t)seq;
        }
        return max;
}

static void *disk_thread(void *arg)
{
        int fd = open("/dev/vda", O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
        char *slots = aligned_alloc(PAGE, DISK_SLOTS * PAGE), *shadow = aligned_alloc(PAGE, DISK_SLOTS * PAGE);

        (void)arg;
        if (fd < 0 || slots == NULL || shadow == NULL) {
                atomic_fetch_add(&disk_errors, 1);
                perror("agent: cannot open the disk");
                return NULL;
        }
        uint64_t seq = disk_scan(fd, slots, NULL);

        atomic_store(&disk_seq, seq);
        memcpy(shadow, slots, DISK_SLOTS * PAGE);
        for (;;) {
                char *rec = shadow + (++seq % DISK_SLOTS) * PAGE;

                record_write(rec, seq);
                if (pwrite(fd, rec, PAGE, (off_t)(seq % DISK_SLOTS) * PAGE) != PAGE)
                        atomic_fetch_add(&disk_errors, 1);
                else
                        atomic_store(&disk_seq, seq);
                sleep(1);
                disk_scan(fd, slots, shadow);
        }
        return NULL;
}

static int open_button(void)
{
        for (int i = 0; i < 8; i++) {
                char path[32], label[64] = "";
                int fd;

                snprintf(path, sizeof(path), "/dev/input/event%d", i);
                fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
                if (fd >= 0 && ioctl(fd, EVIOCGNAME(sizeof(label)), label) > 0 && strstr(label, "Power Button") != NULL)
                        return fd;
                if (fd >= 0)
                        close(fd);
        }
        return -1;
}

static void power_off(void)
{
        sync();
        reboot(RB_POWER_OFF);
}

static void button(int fd)
{
        struct input_event ev;

        while (read(fd, &ev, sizeof(ev)) == sizeof(ev))
                if (ev.type == EV_KEY && ev.code == KEY_POWER && ev.value == 1)
                        power_off();
}

static void set_interval(int timer, unsigned ms)
{
        struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
        struct itimerspec its = { .it_interval = ts, .it_value = ts };

        timerfd_settime(timer, 0, &its, NULL);
}

static void answer(int fd, const struct sockaddr_in *to, bool ok)
{
        sendto(fd, ok ? "ok" : "bad", ok ? 2 : 3, 0, (const struct sockaddr *)to, sizeof(*to));
}

/* @dirtier: where to answer when its request is done; none: port 0. */
static void command(int fd, int timer, unsigned *interval_ms, struct sockaddr_in *dirtier)
{
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        char buf[64];
        ssize_t n = recvfrom(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        unsigned ms;
        bool ok = false;

        if (n < 0)
                return;
        buf[n] = '\0';
        if (strncmp(buf, "dirty ", 6) == 0) {
                atomic_store(&dirty_refused, false);
                if (set_dirty(buf + 6)) {
                        *dirtier = from;
                        return;
                }
        } else if (sscanf(buf, "interval %u", &ms) == 1 && ms > 0) {
                set_interval(timer, ms);
                *interval_ms = ms;
                ok = true;
        }
        answer(fd, &from, ok);
}

static void answer_dirtier(int fd, struct sockaddr_in *dirtier)
{
        if (dirtier->sin_port == 0 || atomic_load(&dirty_done) != atomic_load(&dirty_asked))
                return;
        answer(fd, dirtier, !atomic_load(&dirty_refused));
        dirtier->sin_port = 0;
}

static void beat(int fd, const struct sockaddr_in *to, unsigned interval_ms)
{
        static uint64_t seq = 1;
        char buf[256];
        int n = snprintf(buf, sizeof(buf), "drover-lab1 %s %s %016lx %lu %ld %u %lu %lu", name, ip, boot_id, seq, now_ns(), interval_ms,
                         atomic_load(&disk_seq), atomic_load(&disk_errors));

        /* a number that did not leave is used again, so that every gap at the receiver is the network's */
        if (sendto(fd, buf, (size_t)n, 0, (const struct sockaddr *)to, sizeof(*to)) == n)
                seq++;
}

static void serve(const char *ctl, unsigned interval_ms)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) }, any = to, dirtier = { .sin_port = 0 };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
        struct pollfd p[] = {
                { .fd = timer, .events = POLLIN },
                { .fd = fd, .events = POLLIN },
                { .fd = open_button(), .events = POLLIN },
        };

        inet_pton(AF_INET, ctl, &to.sin_addr);
        bind(fd, (struct sockaddr *)&any, sizeof(any));
        set_interval(timer, interval_ms);
        for (;;) {
                uint64_t ticks;

                if (poll(p, 3, -1) < 0)
                        continue;
                if ((p[0].revents & POLLIN) && read(timer, &ticks, sizeof(ticks)) == sizeof(ticks))
                        beat(fd, &to, interval_ms);
                if (p[1].revents & POLLIN)
                        command(fd, timer, &interval_ms, &dirtier);
                if (p[2].revents & POLLIN)
                        button(p[2].fd);
                answer_dirtier(fd, &dirtier); /* at the next heartbeat, if nothing else comes */
        }
}

static void spawn(void *(*run)(void *))
{
        pthread_t thread;

        if (pthread_create(&thread, NULL, run, NULL) != 0)
                fprintf(stderr, "agent: cannot start a thread\n");
}

int main(void)
{
        char ctl[INET_ADDRSTRLEN] = "", text[64];
        unsigned interval_ms = 10;

        signal(SIGCHLD, SIG_IGN);
        sem_init(&dirty_comes, 0, 0);
        read_cmdline();
        boot_id = make_boot_id();
        option("lab.name", name, sizeof(name));
        printf("lab-guest-up %s %016lx\n", name, boot_id);
        fflush(stdout);
        if (option("lab.probe", text, sizeof(text)))
                power_off();
        if (option("lab.interval", text, sizeof(text)) && atoi(text) > 0)
                interval_ms = (unsigned)atoi(text);
        if (option("lab.ip", ip, sizeof(ip)) && option("lab.ctl", ctl, sizeof(ctl)))
                net_up(ctl);
        if (option("lab.dirty", text, sizeof(text)) && !set_dirty(text))
                fprintf(stderr, "agent: bad lab.dirty\n");
        spawn(dirty_thread);
        if (option("lab.disk", text, sizeof(text)))
                spawn(disk_thread);
        /* the heartbeat goes before the work of the other threads on a guest with one CPU */
        sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 10 });
        serve(ctl, interval_ms);
        return 0;
}
