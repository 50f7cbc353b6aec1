/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <stiver/card.h>

#include "card/core/card.h"
#include "catch.h"

#define STACK_BYTES (64u * 1024u)
#define PAINT 0xC5u
#define LINK_BYTES (1u << 20)

static _Alignas(16) uint8_t stack[STACK_BYTES];
static ucontext_t watcher, watched;
static void (*current_job)(void *);
static void *current_argument;
static struct watch_report report;
static bool searches;
static uint8_t link_bytes[LINK_BYTES];
static size_t link_used;

void watch_start(bool is_searched)
{
    memset(&report, 0, sizeof report);
    searches = is_searched;
    link_used = 0;
    catch_start();
}

const struct watch_report *watch_report(void)
{
    return &report;
}

const uint8_t *watch_link(size_t *bytes)
{
    *bytes = link_used;
    return link_bytes;
}

/* ---- the stack ---- */

static void run_job(void)
{
    current_job(current_argument);
}

static void run_on_stack(void (*job)(void *), void *argument)
{
    memset(stack, PAINT, sizeof stack);
    current_job = job;
    current_argument = argument;
    if (getcontext(&watched) != 0)
        __builtin_trap();
    watched.uc_stack.ss_sp = stack;
    watched.uc_stack.ss_size = sizeof stack;
    watched.uc_link = &watcher;
    makecontext(&watched, run_job, 0);
    if (swapcontext(&watcher, &watched) != 0)
        __builtin_trap();
    size_t unused = 0;
    while (unused < sizeof stack && stack[unused] == PAINT)
        unused++;
    if (sizeof stack - unused > report.deepest)
        report.deepest = sizeof stack - unused;
}

/* ---- the search ---- */

static void search(const char *call, const char *place, const uint8_t *memory, size_t bytes)
{
    size_t offset;
    const char *kind = catch_find(memory, bytes, &offset);
    if (kind == NULL)
        return;
    if (report.finds++ == 0)
        snprintf(report.first, sizeof report.first, "after %s (call %zu): %s in %s, %zu of %zu",
                 call, report.calls, kind, place, offset, bytes);
}

/* While a channel is open its keys stand in it, and the secret shared with the peer waits to be
 * remembered with the next payment; both nowhere else. */
static void search_card(const char *call, const struct stiver_card *memory)
{
    struct card card;
    size_t offset;
    memcpy(&card, memory, sizeof card);
    if (card.channel.open) {
        if (catch_find((const uint8_t *)&card.channel, sizeof card.channel, &offset) != NULL)
            report.with_open_channel++;
        memset(card.channel.enc, PAINT, AES_KEY_BYTES);
        memset(card.channel.mac, PAINT, AES_KEY_BYTES);
        memset(card.channel.rmac, PAINT, AES_KEY_BYTES);
        memset(card.peer.fixed_secret, PAINT, SHARED_SECRET_BYTES);
    }
    search(call, "struct card", (const uint8_t *)&card, sizeof card);
    search(call, "the rest of struct stiver_card", memory->memory + sizeof card,
           sizeof memory->memory - sizeof card);
}

void watch_call(const char *name, void (*job)(void *), void *argument)
{
    report.calls++;
    run_on_stack(job, argument);
    if (searches)
        search(name, "the stack", stack, sizeof stack);
}

/* ---- the card's calls ---- */

struct card_call {
    struct stiver_card *card;
    const struct stiver_flash *flash;
    const struct stiver_card_factory *factory;
    const uint8_t *command;
    size_t command_bytes;
    uint8_t *response;
    size_t response_bytes;
    enum stiver_card_status status;
};

enum stiver_card_status __real_stiver_card_manufacture(const struct stiver_flash *,
                                                       const struct stiver_card_factory *);
enum stiver_card_status __wrap_stiver_card_manufacture(const struct stiver_flash *,
                                                       const struct stiver_card_factory *);
enum stiver_card_status __real_stiver_card_power_on(struct stiver_card *,
                                                    const struct stiver_flash *);
enum stiver_card_status __wrap_stiver_card_power_on(struct stiver_card *,
                                                    const struct stiver_flash *);
void __real_stiver_card_power_off(struct stiver_card *);
void __wrap_stiver_card_power_off(struct stiver_card *);
size_t __real_stiver_card_transmit(struct stiver_card *, const uint8_t *, size_t, uint8_t *);
size_t __wrap_stiver_card_transmit(struct stiver_card *, const uint8_t *, size_t, uint8_t *);

static void run_manufacture(void *p)
{
    struct card_call *call = p;
    call->status = __real_stiver_card_manufacture(call->flash, call->factory);
}

enum stiver_card_status __wrap_stiver_card_manufacture(const struct stiver_flash *flash,
                                                       const struct stiver_card_factory *factory)
{
    struct card_call call = {.flash = flash, .factory = factory};
    catch_add("transport key", factory->transport_key, sizeof factory->transport_key);
    watch_call("manufacture", run_manufacture, &call);
    return call.status;
}

static void run_power_on(void *p)
{
    struct card_call *call = p;
    call->status = __real_stiver_card_power_on(call->card, call->flash);
}

enum stiver_card_status __wrap_stiver_card_power_on(struct stiver_card *card,
                                                    const struct stiver_flash *flash)
{
    struct card_call call = {.card = card, .flash = flash};
    watch_call("power_on", run_power_on, &call);
    if (searches)
        search_card("power_on", card);
    return call.status;
}

static void run_power_off(void *p)
{
    struct card_call *call = p;
    __real_stiver_card_power_off(call->card);
}

void __wrap_stiver_card_power_off(struct stiver_card *card)
{
    struct card_call call = {.card = card};
    watch_call("power_off", run_power_off, &call);
    if (searches)
        search_card("power_off", card);
}

static void run_transmit(void *p)
{
    struct card_call *call = p;
    call->response_bytes =
        __real_stiver_card_transmit(call->card, call->command, call->command_bytes, call->response);
}

static void keep(const uint8_t *bytes, size_t length)
{
    if (length > sizeof link_bytes - link_used)
        __builtin_trap(); /* a longer life than this was made for */
    memcpy(link_bytes + link_used, bytes, length);
    link_used += length;
}

size_t __wrap_stiver_card_transmit(struct stiver_card *card, const uint8_t *command,
                                   size_t command_bytes, uint8_t *response)
{
    struct card_call call = {
        .card = card, .command = command, .command_bytes = command_bytes, .response = response};
    char name[16];
    snprintf(name, sizeof name, "command %02X", command_bytes < 2 ? 0u : command[1]);
    keep(command, command_bytes); /* it may lie in the memory of the response */
    watch_call(name, run_transmit, &call);
    keep(response, call.response_bytes);
    if (searches) {
        search_card(name, card);
        search(name, "the response buffer", response, STIVER_APDU_MAX);
    }
    return call.response_bytes;
}
