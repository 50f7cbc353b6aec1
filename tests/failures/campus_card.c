/* SPDX-License-Identifier: Apache-2.0 */
#include "campus_life.h"

#include <stdio.h>
#include <string.h>

#include "port/host/card_image.h"
#include "port/host/inprocess_reader.h"

/* What moves the card's money. */
#define INS_FINISH_LOAD 0x32u
#define INS_PAY 0x42u

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
    if (command_bytes > 1 && (command[1] == INS_PAY || command[1] == INS_FINISH_LOAD))
        life.money_commands++;
    return __real_card_slot_transmit(slot, command, command_bytes, response, response_bytes);
}

/* ---- a terminal, a card in it, and what they do ---- */

struct touch {
    struct stiver_campus_terminal *terminal;
    struct card_image *image;
    struct card_slot slot;
    struct card_reader reader;
    struct stiver_campus_result result;
    const struct life_step *step;
};

static enum life_end with_card(const struct life_step *step, const struct pull_plan *pull,
                               enum stiver_terminal_status (*act)(struct touch *))
{
    static struct touch t;
    char path[LIFE_PATH_BYTES];
    memset(&t, 0, sizeof t);
    t.step = step;
    campus_keys_of(CAMPUS_MEMBERS);
    enum card_image_status opened = card_image_open(life_path("card", path), &t.image);
    if (opened != CARD_IMAGE_OK)
        return life_said(card_image_status_name(opened));
    enum stiver_terminal_status status = campus_open_terminal(step->member, &t.terminal);
    if (status == STIVER_TERMINAL_OK) {
        struct card_slot_options options = {.flash = card_image_flash(t.image),
                                            .settle = card_image_settle,
                                            .settle_context = t.image};
        if (pull != NULL)
            options.pull = *pull;
        card_slot_init(&t.slot, &options);
        if (inprocess_reader_open(&t.slot, &t.reader) == READER_OK) {
            status = act(&t);
            card_reader_close(&t.reader);
        } else {
            status = STIVER_TERMINAL_READER;
        }
    }
    stiver_campus_terminal_close(t.terminal);
    card_image_close(t.image);
    return life_terminal_said(status);
}

static enum stiver_terminal_status personalise(struct touch *t)
{
    enum stiver_terminal_status status =
        stiver_campus_personalise(t->terminal, &t->reader, &campus_to_bank, &t->result);
    return status == STIVER_TERMINAL_CARD_ISSUED ? STIVER_TERMINAL_OK : status;
}

static enum stiver_terminal_status load(struct touch *t)
{
    return stiver_campus_load(t->terminal, &t->reader, t->step->minor, &t->result);
}

static enum stiver_terminal_status pay(struct touch *t)
{
    return stiver_campus_pay(t->terminal, &t->reader, t->step->minor, &t->result);
}

/* What is shown must be true. */
static enum stiver_terminal_status read_card(struct touch *t)
{
    struct stiver_campus_purse purse;
    enum stiver_terminal_status status =
        stiver_campus_read(t->terminal, &t->reader, &purse, &t->result);
    if (status == STIVER_TERMINAL_OK &&
        (!purse.has_balance || purse.balance != life.balance || purse.count == 0)) {
        printf("# the card was shown with %u cents and %u entries\n", purse.balance, purse.count);
        life.paid = -1;
    }
    return status;
}

/* What the card holds is shown with what is open settled. OK: it turned out done. READER: it turned
 * out not done. */
static enum stiver_terminal_status find_out(struct touch *t)
{
    struct stiver_campus_purse purse;
    enum stiver_terminal_status status =
        stiver_campus_read(t->terminal, &t->reader, &purse, &t->result);
    if (status != STIVER_TERMINAL_OK || !purse.has_balance)
        return STIVER_TERMINAL_UNFINISHED;
    return purse.balance == life.balance + t->step->change ? STIVER_TERMINAL_OK
                                                           : STIVER_TERMINAL_READER;
}

/* A listed card blocks itself at the first touch, and is blocked at each later one. */
static enum stiver_terminal_status block(struct touch *t)
{
    enum stiver_terminal_status status = pay(t);
    if (status == STIVER_TERMINAL_OK)
        return STIVER_TERMINAL_INTERNAL;
    return status == STIVER_TERMINAL_CARD_BLOCKED ? STIVER_TERMINAL_OK : status;
}

enum life_end step_campus_personalise(const struct life_step *step)
{
    return with_card(step, NULL, personalise);
}
enum life_end step_campus_load(const struct life_step *step)
{
    return with_card(step, NULL, load);
}
enum life_end step_campus_pay(const struct life_step *step)
{
    return with_card(step, NULL, pay);
}
enum life_end step_campus_read(const struct life_step *step)
{
    return with_card(step, NULL, read_card);
}
enum life_end step_campus_block(const struct life_step *step)
{
    return with_card(step, NULL, block);
}
enum life_end step_campus_touch(const struct life_step *step)
{
    return with_card(step, NULL, find_out);
}

/* The card is pulled when the money has moved and it has not answered yet. The person touches again
 * and wants the same; or the next touch is there to find out. */
static enum life_end torn(const struct life_step *step, unsigned ins,
                          enum stiver_terminal_status (*act)(struct touch *),
                          enum stiver_terminal_status (*then)(struct touch *))
{
    const struct pull_plan plan = {.at = PULL_BEFORE_ANSWER, .ins = (int)ins};
    enum life_end end = with_card(step, &plan, act);
    if (end != LIFE_OPEN)
        return end;
    end = with_card(step, NULL, then);
    /* What it says now is of the second touch alone. */
    return end == LIFE_NOT_DONE && then == act ? LIFE_OPEN : end;
}

enum life_end step_campus_torn(const struct life_step *step)
{
    return torn(step, INS_PAY, pay, pay);
}
enum life_end step_campus_torn_load(const struct life_step *step)
{
    return torn(step, INS_FINISH_LOAD, load, load);
}
enum life_end step_campus_recover(const struct life_step *step)
{
    enum life_end end = torn(step, INS_PAY, pay, find_out);
    return end == LIFE_NOT_DONE && strcmp(life.said, "terminal: READER") != 0 &&
                   life.money_commands > 0
               ? LIFE_OPEN
               : end;
}
