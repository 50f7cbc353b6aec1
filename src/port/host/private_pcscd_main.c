/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcscd-private: runs a private pcscd with a virtual reader of two slots.
 *
 * Alone it stays in the foreground until SIGTERM, SIGINT or SIGHUP; with a command it lives as long
 * as that; with --background it returns when the reader answers. Exit status: the command's, or 0
 * done, 1 failed, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/host/private_pcscd.h"

#define EXIT_USAGE 2

struct settings {
    struct private_pcscd_options pcscd;
    bool is_background;
    char **command; /* NULL: none */
};

static const char usage[] =
    "Usage: pcscd-private [--port PORT] [--log FILE] [--background | -- COMMAND [ARGUMENT...]]\n"
    "Runs a pcscd of its own with a virtual reader of two slots, in a private directory.\n"
    "\n"
    "It prints, for a shell to evaluate, PCSCLITE_CSOCK_NAME (by which programs find this pcscd),\n"
    "STIVER_READER_PORT (where the card of the first slot connects; the second slot has the next\n"
    "port) and STIVER_READER_PID (SIGTERM to it ends everything and removes the directory).\n"
    "\n"
    "  --port PORT    TCP port of the first slot (default: free ones)\n"
    "  --log FILE     append what pcscd says to FILE\n"
    "  --background   return as soon as the reader answers:\n"
    "                 eval \"$(pcscd-private --background)\" ... kill $STIVER_READER_PID\n"
    "  -- COMMAND     run COMMAND with these variables set, and end with it\n"
    "  --help         print this\n"
    "\n"
    "The virtual reader listens on every network address of this machine.\n";

static bool port_parse(const char *text, uint16_t *port)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value == 0 ||
        value >= UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* -1: go on; else the exit status. */
static int settings_read(struct settings *settings, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char *option = arguments[i];
        bool has_value = i + 1 < count;
        if (strcmp(option, "--help") == 0) {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        } else if (strcmp(option, "--port") == 0 && has_value &&
                   port_parse(arguments[i + 1], &settings->pcscd.port)) {
            i++;
        } else if (strcmp(option, "--log") == 0 && has_value) {
            settings->pcscd.log = arguments[++i];
        } else if (strcmp(option, "--background") == 0) {
            settings->is_background = true;
        } else if (strcmp(option, "--") == 0 && has_value) {
            settings->command = arguments + i + 1;
            break;
        } else {
            fprintf(stderr, "pcscd-private: not understood: %s\n%s", option, usage);
            return EXIT_USAGE;
        }
    }
    if (settings->is_background && settings->command) {
        fputs("pcscd-private: --background and a command exclude each other.\n", stderr);
        return EXIT_USAGE;
    }
    return -1;
}

static void variables_print(const struct private_pcscd *pcscd)
{
    printf("%s='%s'; export %s\n", PRIVATE_PCSCD_SOCKET_VARIABLE, pcscd->socket_path,
           PRIVATE_PCSCD_SOCKET_VARIABLE);
    printf("STIVER_READER_PORT=%u; export STIVER_READER_PORT\n", (unsigned)pcscd->port);
    printf("STIVER_READER_PID=%ld; export STIVER_READER_PID\n", (long)getpid());
    fflush(stdout);
}

/* In the child: becomes the command. Does not return. */
static void command_exec(char **command, const struct private_pcscd *pcscd, const sigset_t *before)
{
    char port[8], pid[24];
    snprintf(port, sizeof port, "%u", (unsigned)pcscd->port);
    snprintf(pid, sizeof pid, "%ld", (long)getppid());
    sigprocmask(SIG_SETMASK, before, NULL);
    if (setenv("STIVER_READER_PORT", port, 1) == 0 && setenv("STIVER_READER_PID", pid, 1) == 0)
        execvp(command[0], command);
    fprintf(stderr, "pcscd-private: %s: %s\n", command[0], strerror(errno));
    _exit(127);
}

static int exit_status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/* Waits for a signal to end, the end of pcscd, or the end of the command, which gets the signals
 * too. Every signal of the set is blocked. */
static int supervise(struct private_pcscd *pcscd, pid_t command, const sigset_t *signals)
{
    for (;;) {
        int wait_status, number = 0;
        sigwait(signals, &number);
        if (number != SIGCHLD) {
            if (command <= 0)
                return EXIT_SUCCESS;
            kill(command, number);
            continue;
        }
        if (command > 0 && waitpid(command, &wait_status, WNOHANG) == command)
            return exit_status_of(wait_status);
        if (waitpid(pcscd->pid, NULL, WNOHANG) == pcscd->pid) {
            pcscd->pid = 0;
            fputs("pcscd-private: pcscd has ended.\n", stderr);
            if (command <= 0)
                return EXIT_FAILURE;
        }
    }
}

/* Leaves the terminal and its pipes, so that $(...) around us comes to its end. */
static void output_leave(void)
{
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; nowhere >= 0 && fd < 3; fd++)
        dup2(nowhere, fd);
    if (nowhere > 2)
        close(nowhere);
}

/* ready: where to tell a waiting parent that the reader answers; -1: nobody waits. */
static int run(const struct settings *settings, int ready)
{
    struct private_pcscd pcscd;
    sigset_t signals, before;
    pid_t command = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &before);
    enum private_pcscd_status status = private_pcscd_start(&settings->pcscd, &pcscd);
    if (status != PRIVATE_PCSCD_OK) {
        fprintf(stderr, "pcscd-private: %s\n", private_pcscd_status_text(status));
        return EXIT_FAILURE;
    }
    int result = EXIT_FAILURE;
    if (!settings->command) {
        variables_print(&pcscd);
    } else {
        command = fork();
        if (command == 0)
            command_exec(settings->command, &pcscd, &before);
    }
    if (ready >= 0) {
        output_leave();
        /* A parent that is gone has nothing to be told. */
        signal(SIGPIPE, SIG_IGN);
        if (write(ready, "", 1) < 0)
            errno = 0;
        close(ready);
    }
    if (command >= 0)
        result = supervise(&pcscd, command, &signals);
    else
        fputs("pcscd-private: no process for the command.\n", stderr);
    private_pcscd_stop(&pcscd);
    return result;
}

static int run_in_background(const struct settings *settings)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        return EXIT_FAILURE;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        setsid();
        _exit(run(settings, ends[1]));
    }
    close(ends[1]);
    return child > 0 && read(ends[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    struct settings settings = {0};
    int status = settings_read(&settings, count, arguments);
    if (status >= 0)
        return status;
    return settings.is_background ? run_in_background(&settings) : run(&settings, -1);
}
