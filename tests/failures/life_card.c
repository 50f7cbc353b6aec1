/* SPDX-License-Identifier: Apache-2.0 */
#include "life_inside.h"

#include <stdio.h>
#include <string.h>

#include "port/host/card_image.h"
#include "port/host/inprocess_reader.h"
#include "scheme/command.h"

static struct stiver_terminal_money eur(uint32_t minor)
{
    return (struct stiver_terminal_money){minor, LIFE_CURRENCY};
}

/* Every command that reaches the card comes by here. */
enum card_slot_end __real_card_slot_transmit(struct card_slot *slot, const uint8_t *command,
                                             size_t command_bytes,
                                             uint8_t response[STIVER_APDU_MAX],
                                             size_t *response_bytes);
enum card_slot_end __wrap_card_slot_transmit(struct card_slot *slot, const uint8_t *command,
                                             size_t command_bytes,
                                             uint8_t response[STIVER_APDU_MAX],
                                             size_t *response_bytes);
enum card_slot_end __wrap_card_slot_transmit(struct card_slot *slot, const uint8_t *command,
                                             size_t command_bytes,
                                             uint8_t response[STIVER_APDU_MAX],
                                             size_t *response_bytes)
{
    if (command_bytes > 1 && (command[1] == command_rows[COMMAND_PAY].ins ||
                              command[1] == command_rows[COMMAND_LOAD].ins))
        life.money_commands++;
    return __real_card_slot_transmit(slot, command, command_bytes, response, response_bytes);
}

/* ---- a terminal, a card in it, and what they do ---- */

struct touch {
    struct stiver_terminal *terminal;
    struct card_image *image;
    struct card_slot slot;
    struct card_reader reader;
    struct stiver_terminal_session *session;
    struct stiver_terminal_result result;
    const struct life_step *step;
};

static enum life_end with_card(const struct life_step *step, const struct pull_plan *pull,
                               enum stiver_terminal_status (*act)(struct touch *))
{
    static struct touch t;
    char path[LIFE_PATH_BYTES];
    memset(&t, 0, sizeof t);
    t.step = step;
    enum card_image_status opened = card_image_open(life_path("card", path), &t.image);
    if (opened != CARD_IMAGE_OK)
        return life_said(card_image_status_name(opened));
    enum stiver_terminal_status status = life_open_terminal(step->member, &t.terminal);
    if (status == STIVER_TERMINAL_OK) {
        struct card_slot_options options = {.flash = card_image_flash(t.image),
                                            .settle = card_image_settle,
                                            .settle_context = t.image};
        if (pull != NULL)
            options.pull = *pull;
        card_slot_init(&t.slot, &options);
        if (inprocess_reader_open(&t.slot, &t.reader) == READER_OK) {
            status = act(&t);
            stiver_terminal_end(t.session);
            card_reader_close(&t.reader);
        } else {
            status = STIVER_TERMINAL_READER;
        }
    }
    stiver_terminal_close(t.terminal);
    card_image_close(t.image);
    return life_terminal_said(status);
}

static enum stiver_terminal_status begin(struct touch *t)
{
    return stiver_terminal_begin(t->terminal, &t->reader, &t->session, &t->result);
}

static bool keep_pin(void *context, const uint8_t number[8], const char *pin)
{
    (void)context;
    memcpy(life.card, number, sizeof life.card);
    snprintf(life.pin, sizeof life.pin, "%s", pin);
    return true;
}

static enum stiver_terminal_status personalise(struct touch *t)
{
    const struct stiver_terminal_personalisation with = {.link = &life_to_bank,
                                                         .pin_letter = keep_pin};
    enum stiver_terminal_status status =
        stiver_terminal_personalise(t->terminal, &t->reader, &with, &t->result);
    return status == STIVER_TERMINAL_CARD_ISSUED ? STIVER_TERMINAL_OK : status;
}

static enum stiver_terminal_status load(struct touch *t)
{
    enum stiver_terminal_status status = begin(t);
    return status == STIVER_TERMINAL_OK
               ? stiver_terminal_load(t->session, eur(t->step->minor), &life_to_bank, &t->result)
               : status;
}

static bool give_pin(void *context, unsigned tries, char digits[9])
{
    (void)context;
    (void)tries;
    memcpy(digits, life.pin, sizeof life.pin);
    return true;
}

static enum stiver_terminal_status pay(struct touch *t)
{
    const struct stiver_terminal_sale sale = {.amount = eur(t->step->minor), .ask_pin = give_pin};
    enum stiver_terminal_status status = begin(t);
    return status == STIVER_TERMINAL_OK ? stiver_terminal_pay(t->session, &sale, &t->result)
                                        : status;
}

static enum stiver_terminal_status change_pin(struct touch *t)
{
    enum stiver_terminal_status status = begin(t);
    return status == STIVER_TERMINAL_OK
               ? stiver_terminal_change_pin(t->session, life.pin, life.pin, &t->result)
               : status;
}

static bool look_at_receipt(void *context, const struct stiver_terminal_receipt *receipt)
{
    (void)context;
    return receipt->card_counter > 0;
}

static enum stiver_terminal_status look(struct touch *t)
{
    struct stiver_terminal_purse purse;
    enum stiver_terminal_status status = begin(t);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_read(t->session, &purse, &t->result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_log(t->session, 4, look_at_receipt, NULL, &t->result);
    return status;
}

static enum stiver_terminal_status apply_policy(struct touch *t)
{
    struct stiver_bank *bank = NULL;
    struct stiver_bank_bytes order = {NULL, 0};
    enum stiver_terminal_status status = begin(t);
    if (status != STIVER_TERMINAL_OK)
        return status;
    if (life_open_bank(&bank) != STIVER_BANK_OK)
        return STIVER_TERMINAL_NO_LINK;
    if (stiver_bank_policy_order(bank, life.card, &order) == STIVER_BANK_OK)
        status = stiver_terminal_apply(t->session, order.data, order.length, &t->result);
    else
        status = STIVER_TERMINAL_NO_LINK;
    stiver_bank_bytes_free(&order);
    stiver_bank_close(bank);
    return status;
}

struct entries {
    unsigned seen, finished;
};

static bool see_entry(void *context, const struct stiver_terminal_entry *entry)
{
    struct entries *entries = context;
    entries->seen++;
    entries->finished += entry->state == STIVER_TERMINAL_FINISHED;
    return true;
}

/* OK: it turned out done. READER: it turned out not done. */
static enum stiver_terminal_status recover(struct touch *t)
{
    struct entries entries = {0, 0};
    enum stiver_terminal_status status =
        stiver_terminal_recover(t->terminal, &t->reader, see_entry, &entries, &t->result);
    if (status != STIVER_TERMINAL_OK || entries.seen == 0)
        return STIVER_TERMINAL_UNFINISHED;
    return entries.finished > 0 ? STIVER_TERMINAL_OK : STIVER_TERMINAL_READER;
}

/* A listed card blocks itself at the first touch, and is blocked at each later one. */
static enum stiver_terminal_status block(struct touch *t)
{
    struct stiver_terminal_info info;
    enum stiver_terminal_status status = begin(t);
    if (status != STIVER_TERMINAL_CARD_BLOCKED)
        return status == STIVER_TERMINAL_OK ? STIVER_TERMINAL_INTERNAL : status;
    status = stiver_terminal_info(t->terminal, &info);
    if (status != STIVER_TERMINAL_OK)
        return status;
    return info.open_intents == 0 ? STIVER_TERMINAL_OK : STIVER_TERMINAL_UNFINISHED;
}

enum life_end step_personalise(const struct life_step *step)
{
    return with_card(step, NULL, personalise);
}
enum life_end step_load(const struct life_step *step)
{
    return with_card(step, NULL, load);
}
enum life_end step_pay(const struct life_step *step)
{
    return with_card(step, NULL, pay);
}
enum life_end step_change_pin(const struct life_step *step)
{
    return with_card(step, NULL, change_pin);
}
enum life_end step_look(const struct life_step *step)
{
    return with_card(step, NULL, look);
}
enum life_end step_policy(const struct life_step *step)
{
    return with_card(step, NULL, apply_policy);
}
enum life_end step_block(const struct life_step *step)
{
    return with_card(step, NULL, block);
}

/* The card is pulled when it has paid and not answered yet. The person touches again and wants the
 * same; or the next touch is there to find out. */
static enum life_end torn(const struct life_step *step, enum command command,
                          enum stiver_terminal_status (*act)(struct touch *),
                          enum stiver_terminal_status (*then)(struct touch *))
{
    const struct pull_plan plan = {.at = PULL_BEFORE_ANSWER, .ins = command_rows[command].ins};
    enum life_end end = with_card(step, &plan, act);
    if (end != LIFE_OPEN)
        return end;
    end = with_card(step, NULL, then);
    /* What it says now is of the second touch alone. */
    return end == LIFE_NOT_DONE && then == act ? LIFE_OPEN : end;
}

enum life_end step_torn(const struct life_step *step)
{
    return torn(step, COMMAND_PAY, pay, pay);
}
enum life_end step_torn_load(const struct life_step *step)
{
    return torn(step, COMMAND_LOAD, load, load);
}
enum life_end step_recover(const struct life_step *step)
{
    enum life_end end = torn(step, COMMAND_PAY, pay, recover);
    return end == LIFE_NOT_DONE && strncmp(life.said, "terminal: READER", 16) != 0 &&
                   life.money_commands > 0
               ? LIFE_OPEN
               : end;
}

enum life_end step_touch(const struct life_step *step)
{
    return with_card(step, NULL, begin);
}
