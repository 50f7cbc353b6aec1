/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table refuses, handlers only act. Every command walks the rows of the selected application
 * and is refused by the first rule that it breaks, in this order: class, instruction, P1 and P2,
 * protection, length, state, and inside a channel role and command class.
 *
 * Inside a channel refusals are MACed like answers: whoever sits between terminal and card cannot
 * make up one. A command that breaks the channel's own rules gets a bare 6982 and closes it.
 */
#include "card/core/dispatch.h"

#include <string.h>

#include "card/core/peer.h"

/* Room for data in a response: before the status word, and before padding and MAC inside a channel
 * (a whole number of blocks, at least one byte of it padding). */
#define CLEAR_DATA_MAX (STIVER_APDU_MAX - APDU_SW_BYTES)
#define CHANNEL_DATA_MAX \
    ((CLEAR_DATA_MAX - SECURE_MAC_BYTES) / SECURE_BLOCK_BYTES * SECURE_BLOCK_BYTES - 1u)

/* Finds the row that the header names. Several rows of one instruction tell objects apart by P1 and
 * P2 (GET DATA): an unknown object is "not found", as ISO/IEC 7816-4 has it. */
static enum status find_row(const struct application *application,
                            const struct apdu_command *command, size_t *row)
{
    size_t of_class = 0, of_instruction = 0;
    for (size_t i = 0; i < application->commands; i++) {
        const struct command_row *candidate = &application->rows[i];
        if (candidate->cla != apdu_plain_class(command->cla))
            continue;
        of_class++;
        if (candidate->ins != command->ins)
            continue;
        of_instruction++;
        *row = i;
        if (command_matches(candidate, command->cla, command->ins, command->p1, command->p2))
            return STATUS_OK;
    }
    if (of_class == 0)
        return STATUS_CLASS;
    if (of_instruction == 0)
        return STATUS_INSTRUCTION;
    return of_instruction == 1 ? STATUS_P1P2 : STATUS_REFERENCE;
}

static enum status check_peer(const struct terminal_peer *peer, const struct command_row *row)
{
    if ((row->roles & 1u << peer->role) == 0 || (row->command_class & ~peer->classes) != 0)
        return STATUS_ROLE;
    return STATUS_OK;
}

static enum status check_row(const struct card *card, const struct command_row *row,
                             const struct apdu_command *command, bool in_channel)
{
    bool wants_channel = row->protection == PROTECTION_CHANNEL;
    if (wants_channel != in_channel)
        return wants_channel ? STATUS_SECURITY : STATUS_CLASS;
    if (command->lc < row->lc_least || command->lc > row->lc_most ||
        (row->answers && command->le == 0))
        return STATUS_LENGTH;
    if ((row->states & 1u << card->selected->state(card)) == 0)
        return STATUS_STATE;
    return in_channel ? check_peer(&card->peer, row) : STATUS_OK;
}

/* A refusal takes back what the handler began and answers no data. */
static enum status act(struct card *card, size_t row, const struct apdu_command *command,
                       struct writer *answer)
{
    enum status status = card->selected->handlers[row](card, command, answer);
    card_abort(card);
    if (status == STATUS_OK && answer->failed)
        status = STATUS_FAILED; /* our own mistake: an answer longer than an APDU */
    return status;
}

static enum status run(struct card *card, const struct apdu_command *command, bool in_channel,
                       struct writer *answer)
{
    size_t row = 0;
    enum status status = find_row(card->selected, command, &row);
    if (status == STATUS_OK)
        status = check_row(card, &card->selected->rows[row], command, in_channel);
    if (status == STATUS_OK)
        status = act(card, row, command, answer);
    if (status != STATUS_OK) {
        bytes_wipe(answer->start, answer->used);
        answer->used = 0;
    }
    return status;
}

/* The one buffer holds the command at its start, and behind it what the handler says: while a
 * handler runs, nothing covers its command. A table's longest data leave room for their answer. */
static struct writer answer_behind(size_t command_bytes, size_t most,
                                   uint8_t response[STIVER_APDU_MAX])
{
    size_t left = STIVER_APDU_MAX - command_bytes;
    return writer_of(response + command_bytes, left < most ? left : most);
}

static size_t respond_bare(uint8_t *response, enum status status)
{
    struct writer w = writer_of(response, APDU_SW_BYTES);
    writer_u16(&w, status_word(status, false));
    return w.used;
}

/* ---- in the clear ---- */

/* An answer is not cut to what the terminal expects: it is refused, and the terminal asks again
 * with a larger Le. */
static enum status check_expected(struct card *card, const struct apdu_command *command,
                                  struct writer *answer)
{
    /* Without Le, what has data to say is a row that answers unasked. */
    if (answer->used <= command->le || command->le == 0)
        return STATUS_OK;
    peer_leave(card); /* a channel that the terminal cannot learn of */
    bytes_wipe(answer->start, answer->used);
    answer->used = 0;
    return STATUS_LENGTH;
}

static size_t dispatch_clear(struct card *card, const struct apdu_command *command,
                             size_t command_bytes, uint8_t response[STIVER_APDU_MAX])
{
    struct writer answer = answer_behind(command_bytes, CLEAR_DATA_MAX, response);
    if (card->channel.open) {
        peer_leave(card);
        return respond_bare(response, STATUS_SECURITY);
    }
    enum status status = run(card, command, false, &answer);
    if (status == STATUS_OK)
        status = check_expected(card, command, &answer);
    memmove(response, answer.start, answer.used);
    return answer.used + respond_bare(response + answer.used, status);
}

/* ---- inside a channel ---- */

static size_t break_channel(struct card *card, uint8_t *response, enum status status)
{
    peer_leave(card);
    return respond_bare(response, status);
}

static enum status unwrap(struct card *card, struct apdu_command *command,
                          uint8_t response[STIVER_APDU_MAX])
{
    /* The plain data take the place of the encrypted ones. */
    size_t offset = command->lc == 0 ? 0 : (size_t)(command->data - response);
    switch (secure_unwrap_command(&card->channel, command, response + offset)) {
    case CHANNEL_OK:
        return STATUS_OK;
    case CHANNEL_FAILED:
        return STATUS_FAILED;
    case CHANNEL_CLOSED:
    case CHANNEL_REJECTED:
    case CHANNEL_BARE:
    case CHANNEL_MALFORMED:
    case CHANNEL_SIZE:
        break;
    }
    return STATUS_SECURITY;
}

static size_t dispatch_secure(struct card *card, struct apdu_command *command, size_t command_bytes,
                              uint8_t response[STIVER_APDU_MAX])
{
    struct writer answer = answer_behind(command_bytes, CHANNEL_DATA_MAX, response);
    size_t bytes = 0;
    enum status status = unwrap(card, command, response);
    if (status != STATUS_OK)
        return break_channel(card, response, status);
    status = run(card, command, true, &answer);
    if (status == STATUS_SECURITY)
        return break_channel(card, response, status);
    memmove(response, answer.start, answer.used);
    if (secure_wrap_response(&card->channel, response, answer.used, STIVER_APDU_MAX,
                             status_word(status, true), &bytes) == CHANNEL_OK)
        return bytes;
    bytes_wipe(response, answer.used);
    return break_channel(card, response, STATUS_FAILED);
}

size_t dispatch(struct card *card, struct apdu_command *command, size_t command_bytes,
                uint8_t response[STIVER_APDU_MAX])
{
    const struct application *selected = card->selected;
    enum status status = STATUS_OK;
    if (selected->admit != NULL)
        status = selected->admit(card, command);
    if (status == STATUS_OK && !selected->has_channel && apdu_is_secure(command->cla))
        status = STATUS_CLASS;
    if (status != STATUS_OK)
        return respond_bare(response, status);
    if (apdu_is_secure(command->cla))
        return dispatch_secure(card, command, command_bytes, response);
    return dispatch_clear(card, command, command_bytes, response);
}
