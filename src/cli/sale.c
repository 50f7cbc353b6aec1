/* SPDX-License-Identifier: Apache-2.0 */
/* stiver personalise, load, pay, balance, history, recover, block: what happens at a card. */
#include "cli/terminal_open.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/date.h"
#include "base/hex.h"
#include "scheme/sizes.h"

#define NUMBER_TEXT_BYTES (2 * CARD_NUMBER_BYTES + 1)

/* One contact: terminal, reader, session; opened together, closed together. */
struct contact {
    struct cli *cli;
    struct stiver_terminal *terminal;
    struct card_reader reader;
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    uint16_t currency;
};

static void format_money(struct stiver_terminal_money amount, char text[MONEY_TEXT_BYTES])
{
    money_format(money_of(amount.minor, amount.currency), text);
}

static bool say_recovered(void *context, const struct stiver_terminal_entry *entry)
{
    struct cli *cli = context;
    char amount[MONEY_TEXT_BYTES];
    bool finished = entry->state == STIVER_TERMINAL_FINISHED;
    format_money(entry->amount, amount);
    cli_say(cli, finished ? "recovered.finished" : "recovered.abandoned",
            json_pack("{s:I,s:o}", "number", (json_int_t)entry->number, "amount",
                      cli_json_money(money_of(entry->amount.minor, entry->amount.currency))),
            finished ? "Number %lu over %s, torn earlier, is finished: the card gave its receipt."
                     : "Number %lu over %s, torn earlier, did not happen: the card says so.",
            (unsigned long)entry->number, amount);
    return true;
}

static bool contact_terminal(struct contact *contact, struct cli *cli)
{
    struct stiver_terminal_info info = {.is_enrolled = false};
    *contact = (struct contact){.cli = cli, .terminal = terminal_open_asked(cli)};
    if (contact->terminal == NULL)
        return false;
    enum stiver_terminal_status status = stiver_terminal_info(contact->terminal, &info);
    if (status == STIVER_TERMINAL_OK && !info.is_enrolled)
        status = info.is_of_earlier_format ? STIVER_TERMINAL_PACKAGE_OLDER
                                           : STIVER_TERMINAL_NOT_ENROLLED;
    contact->currency = info.limit.currency;
    if (status == STIVER_TERMINAL_OK)
        return true;
    (void)terminal_status(cli, status, NULL);
    stiver_terminal_close(contact->terminal);
    return false;
}

static bool contact_card(struct contact *contact)
{
    if (!card_open_asked(contact->cli, &contact->reader))
        return false;
    enum stiver_terminal_status status = stiver_terminal_begin(contact->terminal, &contact->reader,
                                                               &contact->session, &contact->result);
    (void)!stiver_terminal_recovered(contact->terminal, say_recovered, contact->cli);
    return status == STIVER_TERMINAL_OK;
}

static void contact_close(struct contact *contact)
{
    unsigned apdus = 0;
    size_t bytes = 0;
    if (contact->terminal != NULL && contact->cli->trace) {
        stiver_terminal_last_count(contact->terminal, &apdus, &bytes);
        (void)fprintf(contact->cli->err, "  %u APDUs, %zu bytes both ways\n", apdus, bytes);
    }
    stiver_terminal_end(contact->session);
    if (contact->reader.ops != NULL)
        card_reader_close(&contact->reader);
    stiver_terminal_close(contact->terminal);
}

/* The refusal of a contact that could not be opened; silent if it was said already. */
static enum cli_exit contact_refused(struct contact *contact)
{
    if (contact->result.status == STIVER_TERMINAL_OK)
        return CLI_REFUSED;
    return terminal_result(contact->cli, &contact->result);
}

/* ---- pay ---- */

static bool ask_pin(void *context, unsigned tries, char digits[9])
{
    struct cli *cli = context;
    const char *descriptor = cli_value(cli, "pin-fd");
    uint32_t fd = 0;
    size_t used = 0;
    if (!cli_number(cli, "--pin-fd", descriptor, 0, 65535, &fd))
        return false;
    if (!cli->json)
        (void)fprintf(cli->err, tries == 0 ? "PIN asked for.\n" : "PIN asked for, %u tries left.\n",
                      tries);
    while (used < 8 && read((int)fd, digits + used, 1) == 1 && digits[used] != '\n')
        used++;
    digits[used] = '\0';
    return used >= 4;
}

static enum cli_exit say_paid(struct contact *contact)
{
    char amount[MONEY_TEXT_BYTES], balance[MONEY_TEXT_BYTES];
    const struct stiver_terminal_receipt *receipt = &contact->result.receipt;
    bool earlier = contact->result.status == STIVER_TERMINAL_FINISHED_EARLIER;
    format_money(receipt->amount, amount);
    format_money(receipt->balance_after, balance);
    cli_say(contact->cli, earlier ? "paid.earlier" : "paid", terminal_json(&contact->result),
            earlier ? "Paid: %s, begun at an earlier touch (number %lu); %s left on the card."
                    : "Paid: %s (number %lu); %s left on the card.",
            amount, (unsigned long)receipt->number, balance);
    return CLI_DONE;
}

static enum cli_exit pay(struct contact *contact)
{
    struct money amount;
    struct cli *cli = contact->cli;
    if (!cli_amount(cli, cli->arguments[0], contact->currency, &amount))
        return CLI_USAGE;
    if (!contact_card(contact))
        return contact_refused(contact);
    bool can_ask = cli_value(cli, "pin-fd") != NULL;
    const struct stiver_terminal_sale sale = {.amount = {amount.minor, amount.currency},
                                              .ask_pin = can_ask ? ask_pin : NULL,
                                              .pin_context = cli,
                                              .is_new = cli_flag(cli, "new")};
    enum stiver_terminal_status status =
        stiver_terminal_pay(contact->session, &sale, &contact->result);
    if (status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER)
        return say_paid(contact);
    if (status == STIVER_TERMINAL_PIN_REQUIRED && !can_ask)
        return cli_refuse(cli, stiver_terminal_status_name(status), terminal_json(&contact->result),
                          "This payment needs the holder's PIN: give it with --pin-fd.");
    return terminal_result(cli, &contact->result);
}

static enum cli_exit run_pay(struct cli *cli)
{
    struct contact contact;
    if (!contact_terminal(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = pay(&contact);
    contact_close(&contact);
    return result;
}

/* ---- load ---- */

static enum cli_exit say_loaded(struct contact *contact)
{
    char amount[MONEY_TEXT_BYTES], balance[MONEY_TEXT_BYTES];
    const struct stiver_terminal_receipt *receipt = &contact->result.receipt;
    bool earlier = contact->result.status == STIVER_TERMINAL_FINISHED_EARLIER;
    format_money(receipt->amount, amount);
    format_money(receipt->balance_after, balance);
    cli_say(contact->cli, earlier ? "loaded.earlier" : "loaded", terminal_json(&contact->result),
            earlier ? "Loaded: %s, begun at an earlier touch (number %lu); %s on the card now."
                    : "Loaded: %s (number %lu); %s on the card now.",
            amount, (unsigned long)receipt->number, balance);
    return CLI_DONE;
}

static enum cli_exit load_with(struct contact *contact, const struct near_bank *near)
{
    struct money amount;
    struct cli *cli = contact->cli;
    if (!cli_amount(cli, cli->arguments[0], near->settings.currency, &amount))
        return CLI_USAGE;
    if (!contact_card(contact))
        return contact_refused(contact);
    const struct stiver_terminal_money wanted = {amount.minor, amount.currency};
    enum stiver_terminal_status status =
        stiver_terminal_load(contact->session, wanted, &near->link, &contact->result);
    if (status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER)
        return say_loaded(contact);
    return terminal_result(cli, &contact->result);
}

/* A contact with the bank at hand. */
static enum cli_exit run_with_bank(struct cli *cli,
                                   enum cli_exit (*act)(struct contact *, const struct near_bank *))
{
    struct contact contact;
    struct near_bank near;
    if (!contact_terminal(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (near_bank_open(cli, &near)) {
        result = act(&contact, &near);
        near_bank_close(&near);
    }
    contact_close(&contact);
    return result;
}

static enum cli_exit run_load(struct cli *cli)
{
    return run_with_bank(cli, load_with);
}

/* ---- personalise ---- */

/* The PIN goes into a file of its own, or onto the screen: never both, never into --json. */
static bool pin_letter(void *context, const uint8_t card[CARD_NUMBER_BYTES], const char *pin)
{
    struct cli *cli = context;
    char number[NUMBER_TEXT_BYTES], letter[128];
    const char *path = cli_value(cli, "pin-letter");
    hex_encode(card, CARD_NUMBER_BYTES, number);
    int length = snprintf(letter, sizeof letter, "Card %s\nPIN  %s\n", number, pin);
    bool told = path == NULL || cli_write_file(cli, path, (const uint8_t *)letter, (size_t)length,
                                               true, strlen("Card \n") + 2 * CARD_NUMBER_BYTES);
    bytes_wipe(letter, sizeof letter);
    if (path == NULL)
        (void)fprintf(cli->err, "PIN of card %s: %s (give it to the holder alone)\n", number, pin);
    return told;
}

static void say_step(void *context, const char *step)
{
    struct cli *cli = context;
    if (cli->json)
        cli_say(cli, "personalise.step", json_pack("{s:s}", "step", step), "%s", step);
}

static enum cli_exit personalise_with(struct contact *contact, const struct near_bank *near)
{
    char number[NUMBER_TEXT_BYTES];
    struct cli *cli = contact->cli;
    if (!card_open_asked(cli, &contact->reader))
        return CLI_REFUSED;
    const struct stiver_terminal_personalisation with = {.link = &near->link,
                                                         .pin_letter = pin_letter,
                                                         .pin_context = cli,
                                                         .step = say_step,
                                                         .step_context = cli};
    if (stiver_terminal_personalise(contact->terminal, &contact->reader, &with, &contact->result) !=
        STIVER_TERMINAL_OK)
        return terminal_result(cli, &contact->result);
    hex_encode(contact->result.card, CARD_NUMBER_BYTES, number);
    cli_say(cli, "personalised", json_pack("{s:s}", "card", number),
            "Card %s is personalised and issued.", number);
    return CLI_DONE;
}

static enum cli_exit run_personalise(struct cli *cli)
{
    return run_with_bank(cli, personalise_with);
}

/* ---- balance, history ---- */

static enum cli_exit balance(struct contact *contact)
{
    struct stiver_terminal_purse purse;
    char text[MONEY_TEXT_BYTES];
    if (!contact_card(contact))
        return contact_refused(contact);
    if (stiver_terminal_read(contact->session, &purse, &contact->result) != STIVER_TERMINAL_OK)
        return terminal_result(contact->cli, &contact->result);
    struct money held = money_of(purse.balance.minor, purse.balance.currency);
    money_format(held, text);
    cli_say(contact->cli, "balance",
            json_pack("{s:o,s:o,s:I,s:I,s:i}", "card",
                      cli_json_hex(contact->result.card, CARD_NUMBER_BYTES), "balance",
                      cli_json_money(held), "points", (json_int_t)purse.points, "card_counter",
                      (json_int_t)purse.card_counter, "free_slots", (int)purse.free_slots),
            "Balance: %s, %lu points; the last receipt was number %lu.", text,
            (unsigned long)purse.points, (unsigned long)purse.card_counter);
    return CLI_DONE;
}

static enum cli_exit run_balance(struct cli *cli)
{
    struct contact contact;
    if (!contact_terminal(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = balance(&contact);
    contact_close(&contact);
    return result;
}

static bool say_log_entry(void *context, const struct stiver_terminal_receipt *receipt)
{
    static const char *const names[] = {"?", "payment", "load", "refund", "unload", "block"};
    char time[DATE_TEXT_BYTES], amount[MONEY_TEXT_BYTES], left[MONEY_TEXT_BYTES];
    date_format(receipt->time, time);
    format_money(receipt->amount, amount);
    format_money(receipt->balance_after, left);
    cli_say(context, "history",
            json_pack("{s:I,s:s,s:s,s:o,s:o}", "card_counter", (json_int_t)receipt->card_counter,
                      "kind", names[receipt->kind], "time", time, "amount",
                      cli_json_money(money_of(receipt->amount.minor, receipt->amount.currency)),
                      "balance_after",
                      cli_json_money(
                          money_of(receipt->balance_after.minor, receipt->balance_after.currency))),
            "%6lu  %s  %-8s %12s  %12s after", (unsigned long)receipt->card_counter, time,
            names[receipt->kind], amount, left);
    return true;
}

static enum cli_exit history(struct contact *contact)
{
    if (!contact_card(contact))
        return contact_refused(contact);
    (void)!stiver_terminal_log(contact->session, 64, say_log_entry, contact->cli, &contact->result);
    return terminal_result(contact->cli, &contact->result);
}

static enum cli_exit run_history(struct cli *cli)
{
    struct contact contact;
    if (!contact_terminal(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = history(&contact);
    contact_close(&contact);
    return result;
}

/* ---- recover, block ---- */

static enum cli_exit touch(struct contact *contact, bool want_block)
{
    struct cli *cli = contact->cli;
    bool begun = contact_card(contact);
    char number[NUMBER_TEXT_BYTES];
    struct stiver_terminal_purse purse;
    hex_encode(contact->result.card, CARD_NUMBER_BYTES, number);
    /* To the bank's own terminal a blocked card still speaks: it is asked what it is. */
    if (want_block && begun)
        (void)!stiver_terminal_read(contact->session, &purse, &contact->result);
    if (want_block && contact->result.status == STIVER_TERMINAL_CARD_BLOCKED) {
        cli_say(cli, "blocked", terminal_json(&contact->result),
                "Card %s is blocked; its block receipt is in the journal.", number);
        return CLI_DONE;
    }
    if (!begun)
        return contact_refused(contact);
    if (want_block)
        return cli_refuse(cli, "NOT_LISTED", terminal_json(&contact->result),
                          "Card %s is not on the terminal's list: synchronise the terminal, or "
                          "leave the card alone.",
                          number);
    cli_say(cli, "settled", terminal_json(&contact->result),
            "Card %s has no open business here any more.", number);
    return CLI_DONE;
}

static enum cli_exit run_touch(struct cli *cli, bool want_block)
{
    struct contact contact;
    if (!contact_terminal(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = touch(&contact, want_block);
    contact_close(&contact);
    return result;
}

static enum cli_exit run_recover(struct cli *cli)
{
    return run_touch(cli, false);
}

static enum cli_exit run_block(struct cli *cli)
{
    return run_touch(cli, true);
}

/* ---- table ---- */

static const struct cli_option plain_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_READER,
    CLI_OPTION_WAIT,
    CLI_OPTION_END,
};

static const struct cli_option pay_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_READER,
    CLI_OPTION_WAIT,
    {"new", NULL, "a new payment, even if an equal one, torn earlier, turns out paid", false},
    {"pin-fd", "N", "read the holder's PIN from this file descriptor when the card asks", false},
    CLI_OPTION_END,
};

static const struct cli_option load_options[] = {
    CLI_OPTION_TERMINAL, CLI_OPTION_BANK,          CLI_OPTION_READER,
    CLI_OPTION_WAIT,     CLI_OPTION_PASSPHRASE_FD, CLI_OPTION_END,
};

static const struct cli_option personalise_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_BANK,
    CLI_OPTION_READER,
    CLI_OPTION_WAIT,
    {"pin-letter", "FILE", "where the PIN goes (default: standard error)", false},
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

static const struct cli_argument amount_argument[] = {{"AMOUNT", "such as 2.50", false},
                                                      {NULL, NULL, false}};

const struct cli_command cli_sale_commands[] = {
    {"personalise", "make a blank card from stock somebody's purse",
     "Keys are made on the card. Torn anywhere, the same command goes on.", personalise_options,
     NULL, run_personalise},
    {"load", "put money on the card, with an order that the bank signs", NULL, load_options,
     amount_argument, run_load},
    {"pay", "take money from the card; the bank is not needed",
     "If the card is pulled too early, touch it again with the same command: what was begun is\n"
     "finished, and nothing is paid twice.",
     pay_options, amount_argument, run_pay},
    {"balance", "show what is on the card", NULL, plain_options, NULL, run_balance},
    {"history", "show the card's own log (a desk's or the bank's right)", NULL, plain_options, NULL,
     run_history},
    {"recover", "finish what was torn with this card", NULL, plain_options, NULL, run_recover},
    {"block", "have a listed card block itself", NULL, plain_options, NULL, run_block},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
