/* SPDX-License-Identifier: Apache-2.0 */
/* The campus purse as the core sees it: its table, its power-up, its state, what it admits, and
 * what it says of itself. */
#include <string.h>

#include "card/campus/internal.h"

#define INS_FIRST_OF_USE 0x20u

static const uint8_t aid[] = {0x2D, 0x54, 0x45, 0x53, 0x54, 0x70};

/* ---- memory ---- */

struct campus *campus_of(struct card *card)
{
    return (struct campus *)(void *)card->second_memory;
}

const struct campus *campus_view(const struct card *card)
{
    return (const struct campus *)(const void *)card->second_memory;
}

/* Without a ledger it is fresh: all zero says so. */
static enum nvm_status campus_power_up(struct card *card)
{
    uint8_t record[CAMPUS_LEDGER_BYTES];
    uint8_t version = 0;
    size_t bytes = 0;
    struct campus *campus = campus_of(card);
    memset(campus, 0, sizeof *campus);
    campus->state = CAMPUS_INIT;
    enum nvm_status status = nvm_read(&card->nvm, OWNER_CAMPUS, CAMPUS_RECORD_LEDGER, &version,
                                      record, sizeof record, &bytes);
    if (status == NVM_ABSENT)
        return NVM_OK;
    if (status != NVM_OK)
        return status;
    if (version != CAMPUS_RECORD_VERSION || !campus_ledger_decode(record, bytes, &campus->ledger))
        return NVM_DAMAGED;
    return NVM_OK;
}

static unsigned campus_state(const struct card *card)
{
    const struct campus *campus = campus_view(card);
    return campus->ledger.stage == CAMPUS_INIT ? campus->state : campus->ledger.stage;
}

/* The bytes for which a command must leave room: what changes something must not happen and then
 * have nowhere to put its answer. What only reads (without data) is refused afterwards, by the
 * core.
 */
static size_t room_wanted(uint8_t ins)
{
    static const struct {
        uint8_t ins, lc;
        uint16_t bytes;
    } answers[] = {
#define X(name, handler, text, ins, rule, p1, lc, answer, states) {ins, lc, answer},
#include "card/campus/commands.def"
#undef X
    };
    for (size_t i = 0; i < CAMPUS_COMMANDS; i++)
        if (answers[i].ins == ins && answers[i].lc != 0)
            return answers[i].bytes;
    return 0;
}

/* As published: a blocked card refuses everything, known or not, and a personalised one no longer
 * knows how that was done. */
static enum status campus_admit(const struct card *card, const struct apdu_command *command)
{
    const struct campus_ledger *ledger = &campus_view(card)->ledger;
    if (ledger->is_blocked)
        return STATUS_NOT_ALLOWED;
    if (command->cla != 0) /* no word of this application's: the core refuses it */
        return STATUS_OK;
    if (ledger->stage == CAMPUS_INIT && command->ins < INS_FIRST_OF_USE)
        return STATUS_INSTRUCTION;
    return command->le != 0 && command->le < room_wanted(command->ins) ? STATUS_LENGTH : STATUS_OK;
}

/* ---- what it says of itself, to a terminal that it knows ---- */

static enum status read_newest(struct card *card, struct writer *answer, size_t bytes_max)
{
    uint8_t log[CAMPUS_LOG_BYTES];
    size_t bytes = 0;
    enum status status = campus_log_read(card, log, &bytes);
    if (status == STATUS_OK)
        writer_bytes(answer, log, bytes < bytes_max ? bytes : bytes_max);
    return status;
}

enum status campus_read_receipt(struct card *card, const struct apdu_command *command,
                                struct writer *answer)
{
    (void)command;
    enum status status = read_newest(card, answer, CAMPUS_ENTRY_BYTES);
    return status == STATUS_OK && answer->used == 0 ? STATUS_NOT_THERE : status;
}

enum status campus_read_signature(struct card *card, const struct apdu_command *command,
                                  struct writer *answer)
{
    (void)command;
    uint8_t *out = writer_reserve(answer, RSA_BYTES);
    return out == NULL ? STATUS_FAILED : campus_read(card, CAMPUS_RECORD_RECEIPT, out, RSA_BYTES);
}

enum status campus_read_balance(struct card *card, const struct apdu_command *command,
                                struct writer *answer)
{
    (void)command;
    writer_u32(answer, campus_view(card)->ledger.balance.minor);
    return STATUS_OK;
}

enum status campus_read_log(struct card *card, const struct apdu_command *command,
                            struct writer *answer)
{
    (void)command;
    return read_newest(card, answer, CAMPUS_LOG_BYTES);
}

/* ---- table ---- */

/* EXCHANGE METADATA answers without Le, too, because the published terminals send none. */
static const struct command_row campus_rows[CAMPUS_COMMANDS] = {
#define X(name_, handler_, text_, ins_, rule_, p1_, lc_, answer_, states_)              \
    [CAMPUS_##name_] = {.name = (text_),                                                \
                        .ins = (ins_),                                                  \
                        .p1 = (p1_),                                                    \
                        .rule = P1P2_##rule_,                                           \
                        .lc_least = (lc_),                                              \
                        .lc_most = (lc_),                                               \
                        .answers = (answer_) != 0 && CAMPUS_##name_ != CAMPUS_METADATA, \
                        .states = (states_),                                            \
                        .protection = PROTECTION_CLEAR},
#include "card/campus/commands.def"
#undef X
};

static const card_handler campus_handlers[CAMPUS_COMMANDS] = {
#define X(name, handler, text, ins, rule, p1, lc, answer_bytes, states) \
    [CAMPUS_##name] = campus_##handler,
#include "card/campus/commands.def"
#undef X
};

const struct application campus_application = {
    .owner = OWNER_CAMPUS,
    .is_optional = true,
    .aid = aid,
    .aid_bytes = sizeof aid,
    .rows = campus_rows,
    .handlers = campus_handlers,
    .commands = CAMPUS_COMMANDS,
    .power_up = campus_power_up,
    .state = campus_state,
    .admit = campus_admit,
    .has_channel = false,
};
