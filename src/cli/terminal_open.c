/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal_open.h"

#include <stdlib.h>
#include <string.h>

#include "cli/trace.h"
#include "crypto/crypto.h"
#include "reader/pcsc.h"

static json_t *json_money(struct stiver_terminal_money amount)
{
    return cli_json_money(money_of(amount.minor, amount.currency));
}

json_t *terminal_json(const struct stiver_terminal_result *result)
{
    json_t *fields = json_object();
    if (result->has_card)
        (void)json_object_set_new(fields, "card", cli_json_hex(result->card, 8));
    if (result->number != 0)
        (void)json_object_set_new(fields, "number", json_integer((json_int_t)result->number));
    if (result->amount.currency != 0)
        (void)json_object_set_new(fields, "amount", json_money(result->amount));
    if (result->has_balance)
        (void)json_object_set_new(fields, "balance", json_money(result->balance));
    if (result->has_receipt) {
        (void)json_object_set_new(fields, "card_counter",
                                  json_integer((json_int_t)result->receipt.card_counter));
        (void)json_object_set_new(
            fields, "receipt",
            cli_json_hex(result->receipt.document, STIVER_TERMINAL_RECEIPT_BYTES));
    }
    if (result->word != 0) {
        char word[5];
        (void)snprintf(word, sizeof word, "%04X", result->word);
        (void)json_object_set_new(fields, "status_word", json_string(word));
        (void)json_object_set_new(fields, "status_word_proven",
                                  json_boolean(result->word_is_proven));
    }
    return fields;
}

enum cli_exit terminal_result(struct cli *cli, const struct stiver_terminal_result *result)
{
    char text[256];
    if (result->status == STIVER_TERMINAL_OK)
        return CLI_DONE;
    stiver_terminal_sentence(result, text, sizeof text);
    (void)cli_refuse(cli, stiver_terminal_status_name(result->status), terminal_json(result), "%s",
                     text);
    return result->status == STIVER_TERMINAL_UNFINISHED ? CLI_UNFINISHED : CLI_REFUSED;
}

enum cli_exit terminal_status(struct cli *cli, enum stiver_terminal_status status,
                              const char *detail)
{
    struct stiver_terminal_result result = {.status = status};
    if (detail != NULL)
        (void)snprintf(result.detail, sizeof result.detail, "%s", detail);
    return terminal_result(cli, &result);
}

struct stiver_terminal *terminal_open_asked(struct cli *cli)
{
    struct stiver_terminal *terminal = NULL;
    const char *directory = cli_value(cli, "terminal");
    struct stiver_terminal_environment environment = {.now = NULL};
    if (cli->trace) {
        environment.trace = trace_exchange;
        environment.trace_context = cli->err;
    }
    if (crypto_start() != CRYPTO_OK) {
        (void)cli_refuse(cli, "CRYPTO", NULL, "the crypto library does not start");
        return NULL;
    }
    enum stiver_terminal_status status = stiver_terminal_open(directory, &environment, &terminal);
    if (status == STIVER_TERMINAL_OK)
        return terminal;
    char text[256];
    struct stiver_terminal_result result = {.status = status};
    stiver_terminal_sentence(&result, text, sizeof text);
    (void)cli_refuse(cli, stiver_terminal_status_name(status), NULL, "%s: %s", directory, text);
    return NULL;
}

bool card_open_asked(struct cli *cli, struct card_reader *reader)
{
    uint32_t seconds = 10;
    const char *wait = cli_value(cli, "wait");
    if (wait != NULL && !cli_number(cli, "--wait", wait, 0, 3600, &seconds))
        return false;
    *reader = (struct card_reader){.ops = NULL};
    enum reader_status status = pcsc_open(cli_value(cli, "reader"), seconds * 1000u, reader);
    if (status == READER_OK)
        return true;
    (void)cli_refuse(cli, reader_status_name(status), NULL, "%s", reader_status_text(status));
    return false;
}

/* ---- the bank in this process ---- */

static bool near_answer(void *context, const uint8_t *request, size_t request_bytes,
                        uint8_t **answer, size_t *answer_bytes)
{
    struct near_bank *near = context;
    struct stiver_bank_bytes bytes = {NULL, 0};
    enum stiver_bank_status status = stiver_bank_link(near->bank, request, request_bytes, &bytes);
    if (status != STIVER_BANK_OK) {
        (void)bank_refuse(near->cli, near->bank, status);
        return false;
    }
    *answer = bytes.data;
    *answer_bytes = bytes.length;
    return true;
}

static void near_release(void *context, uint8_t *answer)
{
    (void)context;
    struct stiver_bank_bytes bytes = {answer, 0};
    stiver_bank_bytes_free(&bytes);
}

bool near_bank_open(struct cli *cli, struct near_bank *near)
{
    *near = (struct near_bank){.cli = cli};
    if (!bank_open_asked(cli, &near->bank, &near->settings))
        return false;
    near->link = (struct stiver_terminal_link){near, near_answer, near_release};
    return true;
}

void near_bank_close(struct near_bank *near)
{
    stiver_bank_close(near->bank);
}
