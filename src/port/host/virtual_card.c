/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/virtual_card.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "port/host/vpcd_frame.h"

/* pcscd looks for cards every 400 ms; a reader that does not ask within this has another card. */
#define NOTICE_MS 3000
#define RETRY_MS 50u

/* How one connection ended, beside the ends that the caller sees. */
enum talk {
    TALK_GOES_ON,
    TALK_ENDED, /* link.end says how */
};

struct link {
    struct card_slot *slot;
    const struct virtual_card_options *options;
    int socket;
    bool is_noticed;
    enum virtual_card_end end;
    struct vpcd_decoder decoder;
    uint8_t answer[VPCD_LENGTH_BYTES + STIVER_APDU_MAX];
};

struct end_row {
    const char *name, *text;
};

static const struct end_row end_rows[] = {
#define VIRTUAL_CARD_END_ROW(name, text) [name] = {#name, text},
    VIRTUAL_CARD_END_TABLE(VIRTUAL_CARD_END_ROW)
#undef VIRTUAL_CARD_END_ROW
};

static const struct end_row *end_row(enum virtual_card_end end)
{
    size_t rows = sizeof end_rows / sizeof end_rows[0];
    return &end_rows[(size_t)end < rows ? end : VIRTUAL_CARD_SYSTEM];
}

const char *virtual_card_end_text(enum virtual_card_end end)
{
    return end_row(end)->text;
}

const char *virtual_card_end_name(enum virtual_card_end end)
{
    return end_row(end)->name;
}

static uint64_t milliseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static enum talk link_ends(struct link *link, enum virtual_card_end end)
{
    link->end = end;
    return TALK_ENDED;
}

/* Waits for events on the socket; a stop goes first. timeout_ms -1: for ever. */
static enum talk link_wait(struct link *link, short events, int timeout_ms,
                           enum virtual_card_end on_timeout)
{
    struct pollfd fds[] = {{.fd = link->socket, .events = events},
                           {.fd = link->options->stop_fd, .events = POLLIN}};
    int ready;
    do
        ready = poll(fds, 2, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return link_ends(link, VIRTUAL_CARD_SYSTEM);
    if (fds[1].revents)
        return link_ends(link, VIRTUAL_CARD_STOPPED);
    return ready == 0 ? link_ends(link, on_timeout) : TALK_GOES_ON;
}

/* vpcd sends length and body apart, and the body waits for our acknowledgement of the length; the
 * kernel would delay that by 40 ms, and forgets this setting after a while. */
static void link_acknowledge_at_once(const struct link *link)
{
    const int on = 1;
    setsockopt(link->socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static enum talk link_receive(struct link *link)
{
    size_t capacity = 0;
    uint8_t *room = vpcd_decoder_room(&link->decoder, &capacity);
    enum talk talk =
        link_wait(link, POLLIN, link->is_noticed ? -1 : NOTICE_MS, VIRTUAL_CARD_SLOT_TAKEN);
    if (talk != TALK_GOES_ON)
        return talk;
    ssize_t got = recv(link->socket, room, capacity, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return TALK_GOES_ON;
    if (got <= 0)
        return link_ends(link, VIRTUAL_CARD_READER_GONE);
    link_acknowledge_at_once(link);
    vpcd_decoder_arrived(&link->decoder, (size_t)got);
    if (!link->is_noticed && link->options->inserted)
        link->options->inserted(link->options->inserted_context);
    link->is_noticed = true;
    return TALK_GOES_ON;
}

/* Sends link->answer, whose body of count bytes is in place, in one write. */
static enum talk link_send(struct link *link, size_t count)
{
    const uint8_t *at = link->answer;
    size_t left = VPCD_LENGTH_BYTES + count;
    vpcd_frame_length(link->answer, count);
    while (left > 0) {
        ssize_t sent = send(link->socket, at, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            at += sent;
            left -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            enum talk talk = link_wait(link, POLLOUT, -1, VIRTUAL_CARD_SYSTEM);
            if (talk != TALK_GOES_ON)
                return talk;
        } else if (errno != EINTR) {
            return link_ends(link, VIRTUAL_CARD_READER_GONE);
        }
    }
    return TALK_GOES_ON;
}

static enum talk link_send_atr(struct link *link)
{
    size_t count = 0;
    const uint8_t *atr = stiver_card_atr(&count);
    if (count > STIVER_APDU_MAX)
        return link_ends(link, VIRTUAL_CARD_DEAD);
    memcpy(link->answer + VPCD_LENGTH_BYTES, atr, count);
    return link_send(link, count);
}

static enum talk link_power_on(struct link *link)
{
    enum stiver_card_status status = card_slot_power_on(link->slot);
    bool is_alive = status == STIVER_CARD_OK || status == STIVER_CARD_WORN;
    return is_alive ? TALK_GOES_ON : link_ends(link, VIRTUAL_CARD_DEAD);
}

static enum talk link_command(struct link *link, const struct vpcd_message *message)
{
    size_t count = 0;
    enum card_slot_end end = card_slot_transmit(link->slot, message->bytes, message->count,
                                                link->answer + VPCD_LENGTH_BYTES, &count);
    if (end == CARD_SLOT_ANSWERED)
        return link_send(link, count);
    return link_ends(link, end == CARD_SLOT_PULLED ? VIRTUAL_CARD_PULLED : VIRTUAL_CARD_DEAD);
}

static enum talk link_handle(struct link *link, const struct vpcd_message *message)
{
    switch (message->kind) {
    case VPCD_POWER_OFF:
        card_slot_power_off(link->slot);
        return TALK_GOES_ON;
    case VPCD_POWER_ON:
    case VPCD_RESET:
        return link_power_on(link);
    case VPCD_ATR:
        return link_send_atr(link);
    case VPCD_COMMAND:
        return link_command(link, message);
    case VPCD_NOTHING:
        break;
    }
    return TALK_GOES_ON;
}

/* A port that nobody listens at may be given to our own end of the connection, and TCP then
 * connects a socket to itself. Our own echo is no reader. */
static bool socket_meets_itself(int socket)
{
    struct sockaddr_in own = {0}, other = {0};
    socklen_t own_bytes = sizeof own, other_bytes = sizeof other;
    return getsockname(socket, (struct sockaddr *)&own, &own_bytes) != 0 ||
           getpeername(socket, (struct sockaddr *)&other, &other_bytes) != 0 ||
           own.sin_port == other.sin_port;
}

/* One attempt: connected, refused (GOES_ON with the socket closed), or ended. */
static enum talk link_try_connect(struct link *link, uint64_t left_ms)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(link->options->port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int on = 1;
    int error = 0;
    socklen_t error_bytes = sizeof error;
    link->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (link->socket < 0 || fcntl(link->socket, F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(link->socket, F_SETFL, O_NONBLOCK) < 0)
        return link_ends(link, VIRTUAL_CARD_SYSTEM);
    setsockopt(link->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool is_connected =
        connect(link->socket, (const struct sockaddr *)&address, sizeof address) == 0;
    if (!is_connected && errno != EINPROGRESS && errno != ECONNREFUSED && errno != EINTR)
        return link_ends(link, VIRTUAL_CARD_SYSTEM);
    if (!is_connected && errno == EINPROGRESS) {
        /* On one machine a connection that hangs is one that stands in line behind another. */
        int wait_ms = left_ms < NOTICE_MS ? NOTICE_MS : (int)left_ms;
        enum talk talk = link_wait(link, POLLOUT, wait_ms, VIRTUAL_CARD_SLOT_TAKEN);
        if (talk != TALK_GOES_ON)
            return talk;
        is_connected =
            getsockopt(link->socket, SOL_SOCKET, SO_ERROR, &error, &error_bytes) == 0 && error == 0;
    }
    if (is_connected && !socket_meets_itself(link->socket))
        return TALK_GOES_ON;
    close(link->socket);
    link->socket = -1;
    return TALK_GOES_ON;
}

/* Connects within limit_ms, or ends with on_timeout. */
static enum talk link_connect(struct link *link, unsigned limit_ms,
                              enum virtual_card_end on_timeout)
{
    uint64_t start = milliseconds_now();
    for (;;) {
        uint64_t spent_ms = milliseconds_now() - start;
        uint64_t left_ms = spent_ms < limit_ms ? limit_ms - spent_ms : 0;
        enum talk talk = link_try_connect(link, left_ms);
        if (talk != TALK_GOES_ON)
            return talk;
        if (link->socket >= 0)
            return TALK_GOES_ON;
        if (left_ms == 0)
            return link_ends(link, on_timeout);
        /* A refused connection: the wait is on the stop alone. */
        talk = link_wait(link, 0, left_ms < RETRY_MS ? (int)left_ms : (int)RETRY_MS, on_timeout);
        if (talk != TALK_GOES_ON && link->end != on_timeout)
            return talk;
    }
}

static void link_close(struct link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    link->socket = -1;
    link->is_noticed = false;
    link->decoder.start = link->decoder.end = 0;
    card_slot_power_off(link->slot);
}

/* One connection, from connect to its end. */
static void link_talk(struct link *link, unsigned limit_ms, enum virtual_card_end on_timeout)
{
    struct vpcd_message message;
    enum talk talk = link_connect(link, limit_ms, on_timeout);
    while (talk == TALK_GOES_ON) {
        if (vpcd_decoder_next(&link->decoder, &message))
            talk = link_handle(link, &message);
        else
            talk = link_receive(link);
    }
    link_close(link);
}

enum virtual_card_end virtual_card_run(struct card_slot *slot,
                                       const struct virtual_card_options *options)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return VIRTUAL_CARD_MEMORY;
    link->slot = slot;
    link->options = options;
    link->socket = -1;
    /* A card that cannot start is better not put in: the person hears it here, not at a terminal.
     */
    if (link_power_on(link) == TALK_GOES_ON) {
        link_talk(link, options->connect_ms, VIRTUAL_CARD_NO_READER);
        while (link->end == VIRTUAL_CARD_READER_GONE && options->reconnect_ms > 0)
            link_talk(link, options->reconnect_ms, VIRTUAL_CARD_NO_READER);
    }
    enum virtual_card_end end = link->end;
    card_slot_power_off(slot);
    free(link);
    return end;
}
