/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that are not ours: another scheme's, another kind's, and readers that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "terminal/internal.h"
#include "town.h"

static struct town town;
static struct town_terminal shop;

static int set_up(void **state)
{
    (void)state;
    town_found(&town);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_terminal_close(&shop);
    return 0;
}

static enum stiver_terminal_status begin(struct card_reader *reader,
                                         struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    enum stiver_terminal_status status =
        stiver_terminal_begin(shop.terminal, reader, &session, result);
    stiver_terminal_end(session);
    return status;
}

/* ---- a card of another scheme ---- */

static enum reader_status harness_transmit(void *context, const uint8_t *command,
                                           size_t command_bytes, uint8_t *response, size_t capacity,
                                           size_t *response_bytes)
{
    struct card_harness *h = context;
    assert_true(capacity >= STIVER_APDU_MAX);
    *response_bytes = stiver_card_transmit(&h->card, command, command_bytes, response);
    return READER_OK;
}

static void a_card_of_another_scheme_is_named_so(void **state)
{
    static const struct card_reader_ops ops = {.transmit = harness_transmit};
    static struct card_harness foreign;
    struct card_reader reader = {.ops = &ops, .context = &foreign};
    struct stiver_terminal_result result;
    char text[256];
    (void)state;
    card_harness_blank(&foreign);
    card_harness_personalise(&foreign);
    card_harness_issue(&foreign);
    uint32_t changes = foreign.flash.changes;
    assert_int_equal(begin(&reader, &result), STIVER_TERMINAL_OTHER_SCHEME);
    assert_false(result.has_card);
    assert_int_equal(foreign.flash.changes, changes);
    stiver_terminal_sentence(&result, text, sizeof text);
    assert_string_equal(text, "The card belongs to another scheme: take one of this scheme.");
}

static void a_card_of_another_bank_that_took_our_schemes_number_proves_nothing(void **state)
{
    static struct town elsewhere;
    static struct town_card foreign;
    struct stiver_terminal_result result;
    (void)state;
    town_found(&elsewhere);
    town_card_issue(&elsewhere, &foreign, 9);
    town_card_insert(&foreign);
    assert_int_equal(begin(&foreign.reader, &result), STIVER_TERMINAL_TERMINAL_REFUSED);
    assert_false(result.has_card);
    town_card_remove(&foreign);
}

/* ---- an ordinary card ---- */

struct script {
    const uint8_t *response;
    size_t bytes;
    enum reader_status status;
    unsigned commands;
};

static enum reader_status script_transmit(void *context, const uint8_t *command,
                                          size_t command_bytes, uint8_t *response, size_t capacity,
                                          size_t *response_bytes)
{
    struct script *script = context;
    (void)command;
    (void)command_bytes;
    assert_true(capacity >= script->bytes);
    script->commands++;
    memcpy(response, script->response, script->bytes);
    *response_bytes = script->bytes;
    return script->status;
}

static const struct card_reader_ops script_ops = {.transmit = script_transmit};

static void an_ordinary_card_gets_one_select_and_is_left_alone(void **state)
{
    static const uint8_t not_found[] = {0x6A, 0x82}, unknown_class[] = {0x6E, 0x00},
                         bare_ok[] = {0x90, 0x00}, more[] = {0x61, 0x1C},
                         other_fci[] = {0x6F, 0x05, 0x84, 0x03, 0xA0, 0x00, 0x00, 0x90, 0x00},
                         longer_fci[] = {0x6F, 0x84, 0x08, 0xF0, 0x90, 0x00};
    const struct {
        const uint8_t *bytes;
        size_t count;
    } answers[] = {
        {not_found, sizeof not_found}, {unknown_class, sizeof unknown_class},
        {bare_ok, sizeof bare_ok},     {more, sizeof more},
        {other_fci, sizeof other_fci}, {longer_fci, sizeof longer_fci},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct script script = {answers[i].bytes, answers[i].count, READER_OK, 0};
        struct card_reader reader = {.ops = &script_ops, .context = &script};
        struct stiver_terminal_result result;
        assert_int_equal(begin(&reader, &result), STIVER_TERMINAL_NOT_THIS_KIND);
        assert_int_equal(script.commands, 1);
    }
}

static void each_failure_of_the_reader_is_its_own_sentence(void **state)
{
    (void)state;
    for (unsigned status = READER_NO_SERVICE; status <= READER_INTERNAL; status++) {
        struct script script = {(const uint8_t *)"", 0, (enum reader_status)status, 0};
        struct card_reader reader = {.ops = &script_ops, .context = &script};
        struct stiver_terminal_result result;
        char text[256];
        assert_int_equal(begin(&reader, &result), STIVER_TERMINAL_READER);
        assert_int_equal(result.reader, status);
        stiver_terminal_sentence(&result, text, sizeof text);
        assert_string_equal(text, reader_status_text((enum reader_status)status));
    }
}

/* ---- sentences ---- */

static void every_sentence_is_whole_and_holds_no_status_word(void **state)
{
    (void)state;
    for (unsigned status = 0; status < STIVER_TERMINAL_STATUS_COUNT; status++) {
        struct stiver_terminal_result result = {.status = (enum stiver_terminal_status)status,
                                                .word = 0x6985,
                                                .number = 7,
                                                .amount = TOWN_EUR(250),
                                                .balance = TOWN_EUR(120),
                                                .has_balance = true,
                                                .limit = TOWN_EUR(5000),
                                                .tries = 2,
                                                .time = FIXTURE_NOW,
                                                .detail = "the reason."};
        char text[256], cut[8];
        result.receipt.kind = STIVER_TERMINAL_PAYMENT;
        stiver_terminal_sentence(&result, text, sizeof text);
        size_t length = strlen(text);
        assert_true(length > 4 && length < 120);
        assert_true(text[length - 1] == '.' || text[length - 1] == '?');
        assert_null(strchr(text, '{'));
        assert_null(strstr(text, "6985"));
        stiver_terminal_sentence(&result, cut, sizeof cut);
        assert_memory_equal(cut, text, length < 7 ? length : 7);
        assert_true(strlen(cut) <= 7);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_card_of_another_scheme_is_named_so),
        TEST(a_card_of_another_bank_that_took_our_schemes_number_proves_nothing),
        TEST(an_ordinary_card_gets_one_select_and_is_left_alone),
        TEST(each_failure_of_the_reader_is_its_own_sentence),
        TEST(every_sentence_is_whole_and_holds_no_status_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
