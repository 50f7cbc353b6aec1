/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the figures of docs/campus-compared.md: the same business with the campus purse and with
 * the purse, both done by this house's terminals with one card in this process. What crosses the
 * reader is counted there; public-key operations are counted where they are called (bench/meter.h).
 * script/update-docs puts them into the page, or checks that they are there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campus_fair.h"
#include "crypto/crypto.h"
#include "figure.h"
#include "meter.h"
#include "port/host/inprocess_reader.h"
#include "scheme/certificate.h"
#include "scheme/command.h"

#define MESSAGES_MOST 32u
#define PURSE_LOADED 2000u

struct message {
    char name[40];
    size_t bytes;
};

/* One business: what crossed the reader, and who calculated what. */
struct business {
    const char *name;
    unsigned count;
    struct message messages[MESSAGES_MOST];
    struct meter meter;
};

enum { PAYMENT, LOAD, BLOCK, PERSONALISATION, BUSINESSES };
static const char *const names[BUSINESSES] = {"payment", "load", "block", "personalisation"};

/* Known: to each other. A card is blocked and personalised by a stranger alone. */
static struct business campus_did[BUSINESSES], strangers_did[BUSINESSES], known_did[BUSINESSES];

static struct fair_flash flash;
static struct card_slot slot;
static struct card_reader reader;
static struct fair fair;
static struct campus_fair campus;
static struct business *current;

/* ---- what crosses the reader ---- */

static const struct {
    const char *name;
    uint8_t ins;
} campus_commands[] = {
#define X(name, handler, text, ins, rule, p1, lc, answer, states) {text, ins},
#include "card/campus/commands.def"
#undef X
};

/* The purse's commands have a class of their own; GET DATA is one instruction with many objects. */
static const char *name_of(const uint8_t *command)
{
    if (command[1] == 0xA4)
        return "SELECT";
    for (size_t i = 0; command[0] == 0 && i < sizeof campus_commands / sizeof *campus_commands; i++)
        if (campus_commands[i].ins == command[1])
            return campus_commands[i].name;
    for (size_t i = 0; command[0] != 0 && i < COMMAND_COUNT; i++)
        if (command_rows[i].ins == command[1] &&
            (command[1] != 0xCA ||
             (command_rows[i].p1 == command[2] && command_rows[i].p2 == command[3])))
            return command_rows[i].name;
    return "?";
}

static void see(void *context, enum reader_status status, const uint8_t *command,
                size_t command_bytes, const uint8_t *response, size_t response_bytes,
                uint64_t microseconds)
{
    (void)context;
    (void)response;
    (void)microseconds;
    if (current == NULL)
        return;
    figure_need(status == READER_OK && current->count < MESSAGES_MOST, "a message went astray");
    struct message *message = &current->messages[current->count++];
    (void)snprintf(message->name, sizeof message->name, "%s", name_of(command));
    message->bytes = command_bytes + response_bytes;
}

static void begin_business(struct business *business, const char *name)
{
    business->name = name;
    (void)meter_take();
    current = business;
}

static void end_business(void)
{
    current->meter = meter_take();
    current = NULL;
}

/* ---- the businesses ---- */

static void put_in(struct stiver_flash port)
{
    const struct card_slot_options options = {.flash = port};
    card_reader_close(&reader);
    card_slot_init(&slot, &options);
    figure_need(inprocess_reader_open(&slot, &reader) == READER_OK, "the card does not start");
    reader.trace = see;
}

static void do_campus(void)
{
    put_in(campus_fair_card_make(&flash, 1));
    begin_business(&campus_did[PERSONALISATION], names[PERSONALISATION]);
    const uint32_t card = campus_fair_personalise(&campus, &reader);
    end_business();
    begin_business(&campus_did[LOAD], names[LOAD]);
    campus_fair_load(&campus, &reader);
    end_business();
    begin_business(&campus_did[PAYMENT], names[PAYMENT]);
    campus_fair_pay(&campus, &reader);
    end_business();
    campus_fair_list(&campus, card);
    begin_business(&campus_did[BLOCK], names[BLOCK]);
    campus_fair_block(&campus, &reader);
    end_business();
}

static void purse_need(enum stiver_terminal_status status, enum stiver_terminal_status wanted,
                       const struct stiver_terminal_result *result)
{
    char text[256];
    if (status == wanted)
        return;
    stiver_terminal_sentence(result, text, sizeof text);
    figure_need(0, text);
}

static void purse_personalise(uint8_t number)
{
    const struct stiver_terminal_personalisation with = {.link = &fair.link};
    struct stiver_terminal_result result;
    uint8_t serial[STIVER_SERIAL_BYTES], key[STIVER_TRANSPORT_KEY_BYTES];
    memset(serial, number, sizeof serial);
    memset(key, FAIR_TRANSPORT_KEY_BYTE, sizeof key);
    figure_need(stiver_bank_stock(fair.bank, serial, key, CARD_HARDWARE) == STIVER_BANK_OK,
                "the bank does not take the card into stock");
    purse_need(stiver_terminal_personalise(fair.station, &reader, &with, &result),
               STIVER_TERMINAL_OK, &result);
}

static void purse_load(void)
{
    const struct stiver_terminal_money amount = {PURSE_LOADED, FAIR_CURRENCY};
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    fair_touch(&reader);
    purse_need(stiver_terminal_begin(fair.kiosk, &reader, &session, &result), STIVER_TERMINAL_OK,
               &result);
    purse_need(stiver_terminal_load(session, amount, &fair.link, &result), STIVER_TERMINAL_OK,
               &result);
    stiver_terminal_end(session);
}

static void purse_pay(uint8_t card[8])
{
    struct stiver_terminal_result result;
    fair_touch(&reader);
    fair_pay(&fair, &reader, &result);
    memcpy(card, result.card, sizeof result.card);
}

/* Lists the card and has a terminal that never met it block it. */
static void purse_block(struct business *business, const uint8_t card[8])
{
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_result result;
    struct stiver_terminal_sync sync;
    char detail[STIVER_TERMINAL_DETAIL_BYTES];
    figure_need(stiver_bank_list_card(fair.bank, card, STIVER_BANK_LOST) == STIVER_BANK_OK &&
                    stiver_terminal_synchronise(fair.station, &fair.link, &sync, detail) ==
                        STIVER_TERMINAL_OK,
                "the card could not be listed");
    fair_touch(&reader);
    begin_business(business, names[BLOCK]);
    purse_need(stiver_terminal_begin(fair.station, &reader, &session, &result),
               STIVER_TERMINAL_CARD_BLOCKED, &result);
    end_business();
}

static void do_purse(void)
{
    uint8_t card[8];
    put_in(fair_card_make(&flash, 2));
    begin_business(&strangers_did[PERSONALISATION], names[PERSONALISATION]);
    purse_personalise(2);
    end_business();
    for (int i = 0; i < 2; i++) {
        struct business *load = i == 0 ? &strangers_did[LOAD] : &known_did[LOAD];
        struct business *payment = i == 0 ? &strangers_did[PAYMENT] : &known_did[PAYMENT];
        begin_business(load, names[LOAD]);
        purse_load();
        end_business();
        begin_business(payment, names[PAYMENT]);
        purse_pay(card);
        end_business();
    }
    purse_block(&strangers_did[BLOCK], card);
}

/* ---- tables ---- */

static void print_grouped(size_t number)
{
    if (number >= 1000)
        (void)printf("%zu,%03zu", number / 1000, number % 1000);
    else
        (void)printf("%zu", number);
}

static void print_size(const struct business *business)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < business->count; i++)
        bytes += business->messages[i].bytes;
    if (business->count == 0) {
        (void)printf(" – |");
        return;
    }
    (void)printf(" %u APDUs, ", business->count);
    print_grouped(bytes);
    (void)printf(" bytes |");
}

static void print_sizes(void)
{
    (void)printf("| | campus purse | purse, strangers | purse, known to each other |\n"
                 "|---|---|---|---|\n");
    for (int i = 0; i < BUSINESSES; i++) {
        (void)printf("| %s |", names[i]);
        print_size(&campus_did[i]);
        print_size(&strangers_did[i]);
        print_size(&known_did[i]);
        (void)printf("\n");
    }
}

static void print_operations_of(const struct business *business, enum meter_side side)
{
    static const struct {
        enum meter_operation operation;
        const char *name;
    } shown[] = {{METER_GENERATE, "generate"},
                 {METER_AGREE, "agree"},
                 {METER_SIGN, "sign"},
                 {METER_VERIFY, "verify"}};
    const char *comma = " ";
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const unsigned count = business->meter.count[side][shown[i].operation];
        if (count == 0)
            continue;
        (void)printf("%s%u %s", comma, count, shown[i].name);
        comma = ", ";
    }
    (void)printf(comma[0] == ' ' ? " – |" : " |");
}

static void print_operations(void)
{
    (void)printf(
        "| | campus card | campus terminal | card, strangers | terminal, strangers | card, "
        "known | terminal, known |\n|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < BUSINESSES; i++) {
        const struct business *const did[] = {&campus_did[i], &strangers_did[i], &known_did[i]};
        (void)printf("| %s |", names[i]);
        for (size_t n = 0; n < sizeof did / sizeof *did; n++) {
            print_operations_of(did[n], METER_CARD);
            print_operations_of(did[n], METER_TERMINAL);
        }
        (void)printf("\n");
    }
}

static void print_message(const struct business *business, unsigned at)
{
    if (at < business->count)
        (void)printf(" %s, %zu |", business->messages[at].name, business->messages[at].bytes);
    else
        (void)printf(" |");
}

static void print_messages(int of)
{
    (void)printf("| | campus purse | purse, strangers | purse, known to each other |\n"
                 "|---|---|---|---|\n");
    for (unsigned at = 0; at < campus_did[of].count || at < strangers_did[of].count; at++) {
        (void)printf("| %u |", at + 1);
        print_message(&campus_did[of], at);
        print_message(&strangers_did[of], at);
        print_message(&known_did[of], at);
        (void)printf("\n");
    }
}

static void print_all(void)
{
    (void)printf("APDUs and bytes, commands and responses with their status words:\n\n");
    print_sizes();
    (void)printf(
        "\nPublic-key operations, RSA-2048 in the campus purse and P-256 in the purse:\n\n");
    print_operations();
    (void)printf("\nA payment, message by message, with the bytes of command and response:\n\n");
    print_messages(PAYMENT);
    (void)printf("\nA load:\n\n");
    print_messages(LOAD);
}

/* What they take here and now: not for the page, it is another time each time. */
static void tell_times(void)
{
    (void)fprintf(stderr,
                  "Public-key operations of a payment: campus %.0f us, strangers %.0f us, known "
                  "%.0f us.\n",
                  (double)campus_did[PAYMENT].meter.nanoseconds / 1000,
                  (double)strangers_did[PAYMENT].meter.nanoseconds / 1000,
                  (double)known_did[PAYMENT].meter.nanoseconds / 1000);
}

/* The fair is held below the working directory: in a place of its own. */
static void leave_for(char folder[64])
{
    const char *below = getenv("TMPDIR");
    (void)snprintf(folder, 64, "%s/compared-XXXXXX", below == NULL ? "/tmp" : below);
    figure_need(mkdtemp(folder) != NULL && chdir(folder) == 0, "no directory could be made");
}

int main(void)
{
    char folder[64];
    leave_for(folder);
    figure_need(crypto_start() == CRYPTO_OK, "the crypto library does not start");
    fair_open(&fair, false);
    campus_fair_open(&campus, &fair);
    do_campus();
    do_purse();
    card_reader_close(&reader);
    campus_fair_close(&campus);
    fair_close(&fair);
    (void)rmdir(folder);
    print_all();
    tell_times();
    return fflush(stdout) == 0 ? 0 : 1;
}
