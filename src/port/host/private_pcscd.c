/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/private_pcscd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reader/pcsc.h"

/* Where the package says which driver it installed. */
#define DRIVER_CONFIG "/etc/reader.conf.d/vpcd"
#define CONFIG_FOLDER "reader.conf.d"
#define CONFIG_FILE CONFIG_FOLDER "/vpcd"
#define SOCKET_FILE "pcscd.comm"
#define LISTEN_FD 3 /* where sd_listen_fds(3) begins */

/* Free ports are sought below those that the kernel hands out by itself. */
#define PORT_FIRST 20000u
#define PORT_COUNT 10000u
#define PORT_ATTEMPTS 16u

#define START_MS 10000u
#define STOP_MS 5000u
#define STEP_MS 10u
/* How long one question to pcscd may take. */
#define PROBE_SECONDS 3u

const char *private_pcscd_status_text(enum private_pcscd_status status)
{
    static const char *const texts[] = {
#define PRIVATE_PCSCD_STATUS_ROW(name, text) [name] = (text),
        PRIVATE_PCSCD_STATUS_TABLE(PRIVATE_PCSCD_STATUS_ROW)
#undef PRIVATE_PCSCD_STATUS_ROW
    };
    size_t rows = sizeof texts / sizeof texts[0];
    return texts[(size_t)status < rows ? status : PRIVATE_PCSCD_SYSTEM];
}

static void sleep_ms(unsigned ms)
{
    const struct timespec time = {.tv_sec = ms / 1000u, .tv_nsec = (long)(ms % 1000u) * 1000000};
    nanosleep(&time, NULL);
}

/* An ordinary user's PATH does not lead to where daemons are. */
static const char *pcscd_program(void)
{
    static const char *const places[] = {"/usr/sbin/pcscd", "/usr/local/sbin/pcscd", "/sbin/pcscd"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* The value of LIBPATH in the packaged configuration. */
static bool driver_find(char *path, size_t capacity)
{
    char line[512], value[256];
    bool is_found = false;
    FILE *config = fopen(DRIVER_CONFIG, "re");
    if (!config)
        return false;
    while (!is_found && fgets(line, sizeof line, config))
        is_found = sscanf(line, " LIBPATH %255s", value) == 1;
    fclose(config);
    if (!is_found || strlen(value) >= capacity || access(value, R_OK) != 0)
        return false;
    memcpy(path, value, strlen(value) + 1);
    return true;
}

/* base/name, or false if that is too long. */
static bool path_join(char *out, size_t capacity, const char *base, const char *name)
{
    int written = snprintf(out, capacity, "%s/%s", base, name);
    return written > 0 && (size_t)written < capacity;
}

static bool directory_make(struct private_pcscd *pcscd)
{
    const char *const places[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};
    char folder[PRIVATE_PCSCD_PATH_BYTES];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!places[i] || places[i][0] != '/' ||
            !path_join(pcscd->directory, sizeof pcscd->directory, places[i],
                       "stiver-pcscd-XXXXXX") ||
            !mkdtemp(pcscd->directory))
            continue;
        if (path_join(pcscd->socket_path, sizeof pcscd->socket_path, pcscd->directory,
                      SOCKET_FILE) &&
            path_join(folder, sizeof folder, pcscd->directory, CONFIG_FOLDER) &&
            mkdir(folder, 0700) == 0)
            return true;
        rmdir(pcscd->directory);
    }
    pcscd->directory[0] = '\0';
    return false;
}

static void directory_remove(struct private_pcscd *pcscd)
{
    static const char *const files[] = {SOCKET_FILE, CONFIG_FILE, CONFIG_FOLDER};
    char path[PRIVATE_PCSCD_PATH_BYTES + sizeof CONFIG_FILE];
    if (pcscd->directory[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (path_join(path, sizeof path, pcscd->directory, files[i]))
            remove(path);
    rmdir(pcscd->directory);
    pcscd->directory[0] = '\0';
}

/* True if nobody listens there: the driver binds to every address, so this asks for the same. */
static bool port_is_free(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_ANY)}};
    const int on = 1;
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    if (probe < 0)
        return false;
    setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_free = bind(probe, (const struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(probe, 0) == 0;
    close(probe);
    return is_free;
}

static bool port_pair_is_free(uint16_t port)
{
    return port_is_free(port) && port_is_free((uint16_t)(port + 1));
}

/* Two free ports, different ones in each process and each attempt; 0 if there are none. */
static uint16_t port_choose(unsigned attempt)
{
    unsigned start = (unsigned)getpid() * PRIVATE_PCSCD_SLOTS + attempt * 1000u;
    for (unsigned i = 0; i < 500u; i++) {
        unsigned offset = (start + i * PRIVATE_PCSCD_SLOTS) % PORT_COUNT;
        uint16_t port = (uint16_t)(PORT_FIRST + offset);
        if (port_pair_is_free(port))
            return port;
    }
    return 0;
}

static bool config_write(const struct private_pcscd *pcscd, const char *driver)
{
    char path[PRIVATE_PCSCD_PATH_BYTES + sizeof CONFIG_FILE];
    if (!path_join(path, sizeof path, pcscd->directory, CONFIG_FILE))
        return false;
    FILE *config = fopen(path, "we");
    if (!config)
        return false;
    int written = fprintf(config,
                          "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:%u\nLIBPATH %s\n"
                          "CHANNELID %u\n",
                          (unsigned)pcscd->port, driver, (unsigned)pcscd->port);
    return fclose(config) == 0 && written > 0;
}

/* A listening socket above the numbers that the child rearranges, closed by exec; -1 if refused. */
static int socket_listen(const struct private_pcscd *pcscd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _Static_assert(sizeof address.sun_path >= sizeof pcscd->socket_path, "a path fits");
    memcpy(address.sun_path, pcscd->socket_path, strlen(pcscd->socket_path) + 1);
    int plain = socket(AF_UNIX, SOCK_STREAM, 0);
    if (plain < 0)
        return -1;
    int listener = fcntl(plain, F_DUPFD_CLOEXEC, LISTEN_FD + 1);
    close(plain);
    if (listener < 0)
        return -1;
    unlink(pcscd->socket_path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(listener, 16) == 0)
        return listener;
    close(listener);
    return -1;
}

/* In the child: becomes pcscd. Does not return. */
static void pcscd_exec(const struct private_pcscd *pcscd, const char *program, const char *log,
                       int listener, pid_t starter)
{
    char config[PRIVATE_PCSCD_PATH_BYTES + sizeof CONFIG_FOLDER], own_pid[24];
    char *arguments[] = {"pcscd", "--foreground", log ? "--info" : "--critical",
                         "-c",    config,         NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != starter)
        _exit(127);
    /* Ctrl-C at the terminal is for the starter to act upon. */
    setpgid(0, 0);
    int nowhere = open("/dev/null", O_RDWR);
    int output = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : nowhere;
    snprintf(own_pid, sizeof own_pid, "%ld", (long)getpid());
    if (nowhere < 0 || output < 0 || dup2(nowhere, 0) < 0 || dup2(output, 1) < 0 ||
        dup2(output, 2) < 0 || dup2(listener, LISTEN_FD) < 0 ||
        !path_join(config, sizeof config, pcscd->directory, CONFIG_FOLDER) ||
        setenv("LISTEN_FDS", "1", 1) != 0 || setenv("LISTEN_PID", own_pid, 1) != 0)
        _exit(127);
    execv(program, arguments);
    _exit(127);
}

static enum private_pcscd_status pcscd_spawn(struct private_pcscd *pcscd, const char *program,
                                             const char *log)
{
    int listener = socket_listen(pcscd);
    if (listener < 0)
        return PRIVATE_PCSCD_SYSTEM;
    pid_t starter = getpid();
    pcscd->pid = fork();
    if (pcscd->pid == 0)
        pcscd_exec(pcscd, program, log, listener, starter);
    /* From here on the socket lives and dies with pcscd: who asks a dead one is told at once. */
    close(listener);
    if (pcscd->pid < 0) {
        pcscd->pid = 0;
        return PRIVATE_PCSCD_SYSTEM;
    }
    return PRIVATE_PCSCD_OK;
}

enum probe { PROBE_READY, PROBE_NO_READER, PROBE_NOT_YET, PROBE_HANGS };

/* Asks pcscd for its readers, in a process of its own that an alarm ends: a pcscd that took the
 * question and never answers would hold this one for ever, since libpcsclite knows no time limit.
 */
static enum probe pcscd_probe(void)
{
    struct pcsc_list list;
    int wait_status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(PROBE_SECONDS);
        enum reader_status status = pcsc_list(&list);
        bool is_ready = status == READER_OK && list.count >= PRIVATE_PCSCD_SLOTS;
        _exit(is_ready                     ? PROBE_READY
              : status == READER_NO_READER ? PROBE_NO_READER
                                           : PROBE_NOT_YET);
    }
    if (child < 0)
        return PROBE_NOT_YET;
    while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(wait_status) ? (enum probe)WEXITSTATUS(wait_status) : PROBE_HANGS;
}

/* PORT: pcscd runs, but another program took a port first, so that it has no reader. */
static enum private_pcscd_status pcscd_await(struct private_pcscd *pcscd)
{
    for (unsigned spent_ms = 0; spent_ms < START_MS; spent_ms += STEP_MS) {
        enum probe probe = pcscd_probe();
        if (probe == PROBE_READY)
            return PRIVATE_PCSCD_OK;
        if (probe == PROBE_NO_READER)
            return PRIVATE_PCSCD_PORT;
        if (probe == PROBE_HANGS)
            return PRIVATE_PCSCD_TIMEOUT;
        if (waitpid(pcscd->pid, NULL, WNOHANG) == pcscd->pid) {
            pcscd->pid = 0;
            return PRIVATE_PCSCD_DIED;
        }
        sleep_ms(STEP_MS);
    }
    return PRIVATE_PCSCD_TIMEOUT;
}

static void pcscd_end(struct private_pcscd *pcscd)
{
    if (pcscd->pid <= 0)
        return;
    kill(pcscd->pid, SIGTERM);
    for (unsigned spent_ms = 0; spent_ms < STOP_MS; spent_ms += STEP_MS) {
        pid_t ended = waitpid(pcscd->pid, NULL, WNOHANG);
        if (ended == pcscd->pid || (ended < 0 && errno == ECHILD)) {
            pcscd->pid = 0;
            return;
        }
        sleep_ms(STEP_MS);
    }
    kill(pcscd->pid, SIGKILL);
    waitpid(pcscd->pid, NULL, 0);
    pcscd->pid = 0;
}

static enum private_pcscd_status pcscd_attempt(const struct private_pcscd_options *options,
                                               struct private_pcscd *pcscd, const char *program,
                                               const char *driver, unsigned attempt)
{
    pcscd->port = options->port ? options->port : port_choose(attempt);
    if (pcscd->port == 0 || pcscd->port == UINT16_MAX || !port_pair_is_free(pcscd->port))
        return PRIVATE_PCSCD_PORT;
    if (!config_write(pcscd, driver))
        return PRIVATE_PCSCD_DIRECTORY;
    enum private_pcscd_status status = pcscd_spawn(pcscd, program, options->log);
    if (status == PRIVATE_PCSCD_OK)
        status = pcscd_await(pcscd);
    if (status != PRIVATE_PCSCD_OK)
        pcscd_end(pcscd);
    return status;
}

enum private_pcscd_status private_pcscd_start(const struct private_pcscd_options *options,
                                              struct private_pcscd *pcscd)
{
    char driver[256];
    *pcscd = (struct private_pcscd){0};
    const char *program = pcscd_program();
    if (!program)
        return PRIVATE_PCSCD_NO_PCSCD;
    if (!driver_find(driver, sizeof driver))
        return PRIVATE_PCSCD_NO_DRIVER;
    if (!directory_make(pcscd))
        return PRIVATE_PCSCD_DIRECTORY;
    enum private_pcscd_status status = PRIVATE_PCSCD_SYSTEM;
    if (setenv(PRIVATE_PCSCD_SOCKET_VARIABLE, pcscd->socket_path, 1) == 0) {
        unsigned attempts = options->port ? 1 : PORT_ATTEMPTS;
        status = PRIVATE_PCSCD_PORT;
        /* One that hangs at its start is ended and started anew, a few times. */
        for (unsigned i = 0; i < attempts && (status == PRIVATE_PCSCD_PORT ||
                                              (status == PRIVATE_PCSCD_TIMEOUT && i < 3));
             i++)
            status = pcscd_attempt(options, pcscd, program, driver, i);
    }
    if (status != PRIVATE_PCSCD_OK)
        directory_remove(pcscd);
    return status;
}

void private_pcscd_stop(struct private_pcscd *pcscd)
{
    pcscd_end(pcscd);
    directory_remove(pcscd);
}
