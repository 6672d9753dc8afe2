/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: starts a host of the lab, and is its process 1 afterwards.
 *
 * Theory of operation
 *   "init start" enters the host's network namespace, makes new mount, UTS and PID namespaces and forks. The child is process 1 of
 *   the host: it runs the set-up command once, tells the parent the command's exit status, and then reaps children. The parent
 *   writes the child's process id to a file and exits with that status, so that the caller waits for exactly the end of the set-up.
 *   Reaping must be prompt: libvirt waits for the zombie of each QEMU, which otherwise adds seconds to every migration. SIGCHLD
 *   is blocked and taken with sigwaitinfo(), so no wake-up can be lost between two calls.
 *   kill -9 of process 1 ends every process of the host, as the loss of power would.
 *
 *   "init kill" ends processes through pidfds and returns when they are gone, which a shell cannot wait for unless they are
 *   its children.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct start {
        const char *netns;
        const char *hostname;
        const char *pidfile;
        const char *log;
        int         timeout_ms;
        char      **command;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
        va_list args;
        int saved = errno;

        va_start(args, format);
        fprintf(stderr, "lab-init: ");
        vfprintf(stderr, format, args);
        if (saved != 0)
                fprintf(stderr, ": %s", strerror(saved));
        fputc('\n', stderr);
        va_end(args);
        exit(1);
}

static int64_t now_ms(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Everything below a host's first process writes to its log; standard input is empty. */
static void redirect(const char *log)
{
        int in = open("/dev/null", O_RDONLY);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
                die("cannot open %s", log);
        if (in > 2)
                close(in);
        if (out > 2)
                close(out);
}

/* Process 1 of the host. @fd: where the exit status of the set-up command goes. */
static void __attribute__((noreturn)) run_host(const struct start *s, int fd)
{
        sigset_t chld, old;
        pid_t setup;

        if (setsid() < 0 || sethostname(s->hostname, strlen(s->hostname)) < 0)
                die("cannot set the host name");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                die("cannot make the mounts private");
        if (chdir("/") < 0)
                die("cannot enter /");
        redirect(s->log);
        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        sigprocmask(SIG_BLOCK, &chld, &old);

        setup = fork();
        if (setup < 0)
                die("cannot fork");
        if (setup == 0) {
                sigprocmask(SIG_SETMASK, &old, NULL);
                execvp(s->command[0], s->command);
                die("cannot run %s", s->command[0]);
        }
        for (;;) {
                int status;
                pid_t pid;

                while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                        if (pid == setup) {
                                char code = WIFEXITED(status) ? (char)WEXITSTATUS(status) : 1;

                                /* a parent that has gone no longer wants to know */
                                (void)!write(fd, &code, 1);
                                close(fd);
                        }
                }
                sigwaitinfo(&chld, NULL);
        }
}

static void write_pid(const char *path, pid_t pid)
{
        FILE *f = fopen(path, "we");

        if (f == NULL || fprintf(f, "%d\n", pid) < 0 || fclose(f) != 0)
                die("cannot write %s", path);
}

static int start(const struct start *s)
{
        int netns = open(s->netns, O_RDONLY | O_CLOEXEC);
        int fds[2];
        struct pollfd p;
        char code = 1;
        pid_t pid;

        if (netns < 0 || setns(netns, CLONE_NEWNET) < 0)
                die("cannot enter %s", s->netns);
        if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID) < 0)
                die("cannot make namespaces");
        if (pipe2(fds, O_CLOEXEC) < 0)
                die("pipe");
        pid = fork();
        if (pid < 0)
                die("cannot fork");
        if (pid == 0) {
                close(fds[0]);
                close(netns);
                /* a write to a parent that gave up must not end the host */
                signal(SIGPIPE, SIG_IGN);
                run_host(s, fds[1]);
        }
        close(fds[1]);
        write_pid(s->pidfile, pid);
        p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
        errno = 0;
        if (poll(&p, 1, s->timeout_ms) <= 0) {
                kill(pid, SIGKILL);
                die("%s did not get ready in %d ms", s->hostname, s->timeout_ms);
        }
        if (read(fds[0], &code, 1) != 1 || code != 0) {
                kill(pid, SIGKILL);
                return code != 0 ? code : 1;
        }
        return 0;
}

static int start_main(int argc, char **argv)
{
        static const struct option options[] = {
                { "netns",      required_argument, NULL, 'n' },
                { "hostname",   required_argument, NULL, 'h' },
                { "pidfile",    required_argument, NULL, 'p' },
                { "log",        required_argument, NULL, 'l' },
                { "timeout-ms", required_argument, NULL, 't' },
                { NULL, 0, NULL, 0 },
        };
        struct start s = { .timeout_ms = 60000 };
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
                switch (c) {
                case 'n': s.netns = optarg; break;
                case 'h': s.hostname = optarg; break;
                case 'p': s.pidfile = optarg; break;
                case 'l': s.log = optarg; break;
                case 't': s.timeout_ms = atoi(optarg); break;
                default: return 2;
                }
        }
        s.command = argv + optind;
        errno = 0;
        if (s.netns == NULL || s.hostname == NULL || s.pidfile == NULL || s.log == NULL || *s.command == NULL)
                die("usage: init start --netns FILE --hostname NAME --pidfile FILE --log FILE [--timeout-ms N] COMMAND...");
        return start(&s);
}

/* Sends SIGKILL to each process and waits until all have ended, 10 s at most. */
static int kill_main(int argc, char **argv)
{
        int64_t end = now_ms() + 10000;
        int fds[argc];

        for (int i = 1; i < argc; i++) {
                fds[i] = (int)syscall(SYS_pidfd_open, atoi(argv[i]), 0);
                if (fds[i] < 0 && errno != ESRCH)
                        die("cannot open process %s", argv[i]);
                if (fds[i] >= 0 && syscall(SYS_pidfd_send_signal, fds[i], SIGKILL, NULL, 0) < 0 && errno != ESRCH)
                        die("cannot kill process %s", argv[i]);
        }
        for (int i = 1; i < argc; i++) {
                struct pollfd p = { .fd = fds[i], .events = POLLIN };
                int64_t left = end - now_ms();

                errno = 0;
                if (fds[i] >= 0 && poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
                        die("process %s does not end", argv[i]);
        }
        return 0;
}

int main(int argc, char **argv)
{
        if (argc >= 2 && strcmp(argv[1], "start") == 0)
                return start_main(argc - 1, argv + 1);
        if (argc >= 2 && strcmp(argv[1], "kill") == 0)
                return kill_main(argc - 1, argv + 1);
        fprintf(stderr, "usage: init start|kill ...\n");
        return 2;
}
