/* SPDX-License-Identifier: Apache-2.0 */
/* stiver campus personalise, load, pay, read: what happens at a card. Each is one talk, and a card
 * holds one talk a power-up. */
#include "base/date.h"
#include "cli/campus_open.h"

/* What was found of earlier business with this card. */
static void say_earlier(struct campus_contact *contact)
{
    if (contact->result.detail[0] != '\0')
        cli_say(contact->cli, "campus.earlier", NULL, "%s", contact->result.detail);
}

static enum cli_exit say_moved(struct campus_contact *contact, const char *what, const char *event)
{
    const struct stiver_campus_result *result = &contact->result;
    const bool earlier = result->status == STIVER_TERMINAL_FINISHED_EARLIER;
    char amount[CAMPUS_MONEY_BYTES], balance[CAMPUS_MONEY_BYTES], left[64] = "";
    char name[32];
    say_earlier(contact);
    campus_format(result->amount, amount);
    campus_format(result->balance, balance);
    if (result->has_balance)
        (void)snprintf(left, sizeof left, "; %s on the card now", balance);
    (void)snprintf(name, sizeof name, "%s%s", event, earlier ? ".earlier" : "");
    cli_say(contact->cli, name, campus_json(result), "%s: %s (card %lu, counter %lu)%s%s.", what,
            amount, (unsigned long)result->card, (unsigned long)result->counter,
            earlier ? ", begun at an earlier touch" : "", left);
    return CLI_DONE;
}

/* The amount before the terminal, the terminal before the card: what is wrong here needs no card.
 */
static enum cli_exit run_money(struct cli *cli, const char *what, const char *event,
                               enum stiver_terminal_status (*move)(struct stiver_campus_terminal *,
                                                                   struct card_reader *, uint32_t,
                                                                   struct stiver_campus_result *))
{
    uint32_t cents = 0;
    struct campus_contact contact;
    if (!campus_cents(cli, cli->arguments[0], &cents))
        return CLI_USAGE;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (campus_contact_card(&contact)) {
        enum stiver_terminal_status status =
            move(contact.terminal, &contact.reader, cents, &contact.result);
        result = status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER
                     ? say_moved(&contact, what, event)
                     : campus_result(cli, &contact.result);
    }
    campus_contact_close(&contact);
    return result;
}

static enum cli_exit run_pay(struct cli *cli)
{
    return run_money(cli, "Paid", "campus.paid", stiver_campus_pay);
}

static enum cli_exit run_load(struct cli *cli)
{
    return run_money(cli, "Loaded", "campus.loaded", stiver_campus_load);
}

/* ---- personalise ---- */

static enum cli_exit personalise(struct campus_contact *contact, const struct near_campus *near)
{
    struct cli *cli = contact->cli;
    if (!campus_contact_card(contact))
        return CLI_REFUSED;
    if (stiver_campus_personalise(contact->terminal, &contact->reader, &near->link,
                                  &contact->result) != STIVER_TERMINAL_OK)
        return near_campus_result(near, &contact->result);
    cli_say(cli, "campus.personalised", campus_json(&contact->result),
            "Campus card %lu is personalised.", (unsigned long)contact->result.card);
    return CLI_DONE;
}

static enum cli_exit run_personalise(struct cli *cli)
{
    struct campus_contact contact;
    struct near_campus near;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = CLI_REFUSED;
    if (near_campus_open(cli, &near)) {
        result = personalise(&contact, &near);
        near_bank_close(&near.bank);
    }
    campus_contact_close(&contact);
    return result;
}

/* ---- read ---- */

static void say_log(struct cli *cli, const struct stiver_campus_purse *purse)
{
    char time[DATE_TEXT_BYTES], amount[CAMPUS_MONEY_BYTES], balance[CAMPUS_MONEY_BYTES];
    for (unsigned i = 0; i < purse->count; i++) {
        const char *kind = purse->log[i].is_load ? "load" : "payment";
        date_format(purse->log[i].time, time);
        campus_format(purse->log[i].amount, amount);
        campus_format(purse->log[i].balance, balance);
        cli_say(cli, "campus.log",
                json_pack("{s:s,s:b,s:I,s:I,s:I,s:s,s:I}", "kind", kind, "done",
                          purse->log[i].is_done, "terminal", (json_int_t)purse->log[i].terminal,
                          "card_counter", (json_int_t)purse->log[i].counter, "cents",
                          (json_int_t)purse->log[i].amount, "time", time, "balance_cents",
                          (json_int_t)purse->log[i].balance),
                "%10lu  %s  terminal %10lu  %-8s %10s  %10s after%s",
                (unsigned long)purse->log[i].counter, time, (unsigned long)purse->log[i].terminal,
                kind, amount, balance, purse->log[i].is_done ? "" : ", never finished");
    }
}

static enum cli_exit read_card(struct campus_contact *contact)
{
    struct stiver_campus_purse purse = {.count = 0};
    struct cli *cli = contact->cli;
    char balance[CAMPUS_MONEY_BYTES], end[DATE_TEXT_BYTES];
    if (!campus_contact_card(contact))
        return CLI_REFUSED;
    if (stiver_campus_read(contact->terminal, &contact->reader, &purse, &contact->result) !=
        STIVER_TERMINAL_OK)
        return campus_result(cli, &contact->result);
    say_earlier(contact);
    campus_format(purse.balance, balance);
    date_format(purse.card_end, end);
    json_t *fields = json_pack("{s:I,s:s,s:I}", "card", (json_int_t)purse.card, "end", end,
                               "card_counter", (json_int_t)purse.counter);
    if (purse.has_balance)
        (void)json_object_set_new(fields, "balance_cents", json_integer((json_int_t)purse.balance));
    cli_say(cli, "campus.balance", fields, "Campus card %lu, good until %s: %s%s.",
            (unsigned long)purse.card, end, purse.has_balance ? "balance " : "",
            purse.has_balance ? balance : "it does not tell its balance");
    say_log(cli, &purse);
    return CLI_DONE;
}

static enum cli_exit run_read(struct cli *cli)
{
    struct campus_contact contact;
    if (!campus_contact_open(&contact, cli))
        return CLI_REFUSED;
    enum cli_exit result = read_card(&contact);
    campus_contact_close(&contact);
    return result;
}

/* ---- table ---- */

static const struct cli_option card_options[] = {
    CLI_OPTION_TERMINAL,
    CLI_OPTION_READER,
    CLI_OPTION_WAIT,
    CLI_OPTION_END,
};

static const struct cli_option personalise_options[] = {
    CLI_OPTION_TERMINAL, CLI_OPTION_BANK,          CLI_OPTION_READER,
    CLI_OPTION_WAIT,     CLI_OPTION_PASSPHRASE_FD, CLI_OPTION_END,
};

static const struct cli_argument amount_argument[] = {{"AMOUNT", "such as 2.50", false},
                                                      {NULL, NULL, false}};

const struct cli_command cli_campus_sale_commands[] = {
    {"campus personalise", "give a card its campus purse: ID, keys, certificate",
     "The key is made on the card. Torn anywhere, the same command goes on.", personalise_options,
     NULL, run_personalise},
    {"campus load", "put money on the card, at a reload terminal",
     "The cash must be in hand. If it is torn, touch the card again.", card_options,
     amount_argument, run_load},
    {"campus pay", "take money from the card, at a point of sale",
     "If the card is pulled too early, touch it again with the same command: what was begun is\n"
     "finished, and nothing is paid twice.",
     card_options, amount_argument, run_pay},
    {"campus read", "show what is on the card, and its log; finishes what was torn",
     "Cards of the source tell neither.", card_options, NULL, run_read},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
