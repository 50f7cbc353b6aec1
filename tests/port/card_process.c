/* SPDX-License-Identifier: Apache-2.0 */
#include "card_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "echo_card.h"
#include "port/host/card_image.h"
#include "ram_flash.h"

static int stop_pipe[2];

static void on_terminate(int number)
{
    (void)number;
    int saved = errno;
    if (write(stop_pipe[1], "", 1) < 0)
        _exit(98);
    errno = saved;
}

/* In the child. */
static int card_run(const struct card_process *process)
{
    static struct ram_flash memory;
    static struct card_slot slot;
    struct card_image *image = NULL;
    struct card_slot_options options = {.pull = process->pull};
    if (process->path) {
        if (card_image_open(process->path, &image) != CARD_IMAGE_OK)
            return 97;
        options.flash = card_image_flash(image);
        options.settle = card_image_settle;
        options.settle_context = image;
    } else {
        options.flash = ram_flash_new(&memory);
    }
    echo_card_is_t0 = process->is_t0;
    echo_card_is_senseless = process->is_senseless;
    card_slot_init(&slot, &options);
    const struct virtual_card_options where = {.port = process->port,
                                               .connect_ms = process->connect_ms,
                                               .reconnect_ms = process->reconnect_ms,
                                               .stop_fd = stop_pipe[0]};
    enum virtual_card_end end = virtual_card_run(&slot, &where);
    card_image_close(image);
    return (int)end;
}

void card_process_start(struct card_process *process)
{
    pid_t parent = getpid();
    process->pid = fork();
    if (process->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The test's own sockets must close when the test closes them. */
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    struct sigaction action = {.sa_handler = on_terminate};
    if (getppid() != parent || pipe(stop_pipe) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        _exit(96);
    _exit(card_run(process));
}

int card_process_wait(struct card_process *process)
{
    const struct timespec step = {.tv_nsec = 5000000};
    int status = 0;
    for (int i = 0; i < 2000; i++) {
        if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
            process->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
        }
        nanosleep(&step, NULL);
    }
    kill(process->pid, SIGKILL);
    waitpid(process->pid, &status, 0);
    process->pid = 0;
    return -1;
}

int card_process_stop(struct card_process *process)
{
    kill(process->pid, SIGTERM);
    return card_process_wait(process);
}
