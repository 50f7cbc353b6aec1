/* SPDX-License-Identifier: Apache-2.0 */
/* One command to the card and its answer. Nothing here says that a card tells the truth. */
#include <stdio.h>
#include <string.h>

#include "base/apdu.h"
#include "terminal/campus/internal.h"

#define INS_SELECT 0xA4u
#define SELECT_BY_AID 0x04u
#define LE_256 256u

static const uint8_t aid[] = {0x2D, 0x54, 0x45, 0x53, 0x54, 0x70};

static void trace(const struct campus_talk *talk, const char *name, const uint8_t *command,
                  size_t bytes, size_t answered)
{
    const struct stiver_terminal_environment *environment = &talk->terminal->environment;
    if (environment->trace == NULL)
        return;
    const struct stiver_terminal_exchange exchange = {
        .command = name,
        .plain_command = command,
        .sent_command = command,
        .plain_command_bytes = bytes,
        .sent_command_bytes = bytes,
        .plain_response = talk->answer,
        .received_response = talk->answer,
        .plain_response_bytes = answered,
        .received_response_bytes = answered,
    };
    environment->trace(environment->trace_context, &exchange);
}

static terminal_status transmit(struct campus_talk *talk, const char *name, const uint8_t *command,
                                size_t bytes, uint16_t *word)
{
    size_t answered = 0;
    *word = 0;
    talk->answer_bytes = 0;
    talk->result->command = name;
    talk->result->word = 0;
    enum reader_status status = card_reader_transmit(talk->reader, command, bytes, talk->answer,
                                                     sizeof talk->answer, &answered);
    trace(talk, name, command, bytes, status == READER_OK ? answered : 0);
    if (status != READER_OK) {
        talk->result->reader = (int)status;
        snprintf(talk->result->detail, sizeof talk->result->detail, "%s",
                 reader_status_text(status));
        return STIVER_TERMINAL_READER;
    }
    talk->answer_bytes = answered - APDU_SW_BYTES;
    struct reader r = reader_of(talk->answer + talk->answer_bytes, APDU_SW_BYTES);
    *word = reader_u16(&r);
    talk->result->word = *word;
    return STIVER_TERMINAL_OK;
}

terminal_status campus_request(struct campus_talk *talk, const char *name, uint8_t ins, uint8_t p1,
                               uint8_t p2, struct piece data, bool has_answer, uint16_t *word)
{
    uint8_t command[APDU_HEADER_BYTES + 1 + RSA_BYTES + 1];
    const struct apdu_command plain = {.ins = ins,
                                       .p1 = p1,
                                       .p2 = p2,
                                       .data = data.data,
                                       .lc = data.bytes,
                                       .le = has_answer ? LE_256 : 0};
    size_t bytes = apdu_encode(&plain, command, sizeof command);
    return bytes == 0 ? STIVER_TERMINAL_INTERNAL : transmit(talk, name, command, bytes, word);
}

terminal_status campus_request_value(struct campus_talk *talk, const char *name, uint8_t ins,
                                     uint8_t p2, const uint8_t value[RSA_BYTES], bool has_answer,
                                     uint16_t *word)
{
    return campus_request(talk, name, ins, value[0], p2, (struct piece){value + 1, RSA_BYTES - 1},
                          has_answer, word);
}

/* Only power gone and back clears the state of a card of this kind. */
terminal_status campus_request_select(struct campus_talk *talk)
{
    uint16_t word = 0;
    talk->result->command = "reset";
    enum reader_status reset = card_reader_reset(talk->reader);
    if (reset != READER_OK) {
        talk->result->reader = (int)reset;
        snprintf(talk->result->detail, sizeof talk->result->detail, "%s",
                 reader_status_text(reset));
        return STIVER_TERMINAL_READER;
    }
    terminal_status status = campus_request(talk, "SELECT", INS_SELECT, SELECT_BY_AID, 0,
                                            (struct piece){aid, sizeof aid}, false, &word);
    if (status != STIVER_TERMINAL_OK)
        return status;
    /* Other cards answer 9000 to a name that they do not know; this one answers nothing else. */
    return word == WORD_OK && talk->answer_bytes == 0 ? STIVER_TERMINAL_OK
                                                      : STIVER_TERMINAL_NOT_THIS_KIND;
}

bool campus_word_refuses(uint16_t word)
{
    static const uint16_t words[] = {WORD_STATE, WORD_SECURITY, WORD_BLOCKED, WORD_NO_COMMAND,
                                     0x6700,     0x6A86,        0x6E00};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i] == word)
            return true;
    return false;
}
