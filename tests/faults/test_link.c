/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message of every exchange of a life lost, doubled, replayed, swapped, cut, with bits turned
 * round, and answered by a forger; after each case the life goes on undisturbed and the books of
 * the real bank are compared with the card's memory. What the terminal said at the time must be
 * true: "done" means a receipt that verifies and a balance that moved once, "not done" means a
 * balance that did not move, "not finished" is found out at the next contact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "world.h"

#define PAY_MINOR 3u
#define LOAD_MINOR 10u
#define FIRST_MINOR 10000u
#define NEXT_MINOR 1u

static struct world world;
static struct held before, after;
static struct stiver_terminal_result said;
static unsigned cases, all, turn;

/* One exchange: what goes before it, it, and what must hold after it. */
struct exchange {
    const char *name;
    void (*prepare)(void);
    void (*run)(const struct fault_plan *plan);
    void (*settle)(void);
    unsigned bits;   /* of each command and answer */
    bool is_of_bank; /* the link to the bank is disturbed, not the one to the card */
    bool is_short;   /* in step after one round */
};

static const struct exchange *running;
static const struct fault_plan *striking;

static void set_up_plan(const struct member *member, const struct fault_plan *plan)
{
    fault_link_open(&world.link, &member->link);
    world_touch(&world, running->is_of_bank ? NULL : plan);
    fault_proxy_plan(&world.link.proxy, running->is_of_bank ? plan : NULL);
}

static struct fault_proxy *struck(void)
{
    return running->is_of_bank ? &world.link.proxy : &world.reader.proxy;
}

/* ---- what must hold ---- */

static void tell(void)
{
    print_message("# %s: %s at message %u, parameter %u\n", running->name,
                  fault_name(striking->fault), striking->at, (unsigned)striking->parameter);
    print_message("# the terminal said %s, number %u, after %s %04X; balance %u, then %u; "
                  "card counter %u, then %u\n",
                  stiver_terminal_status_name(said.status), (unsigned)said.number,
                  said.command != NULL ? said.command : "nothing", said.word,
                  (unsigned)before.balance, (unsigned)after.balance, (unsigned)before.counter,
                  (unsigned)after.counter);
}

/* Said of this case, so that a failure can be repeated. */
#define MUST(holds)                 \
    do {                            \
        if (!(holds)) {             \
            tell();                 \
            fail_msg("%s", #holds); \
        }                           \
    } while (0)

static bool is_done(void)
{
    return said.status == STIVER_TERMINAL_OK || said.status == STIVER_TERMINAL_FINISHED_EARLIER;
}

static void check_sentence(void)
{
    char text[256];
    MUST(said.status < STIVER_TERMINAL_STATUS_COUNT);
    MUST(said.status != STIVER_TERMINAL_INTERNAL && said.status != STIVER_TERMINAL_CRYPTO);
    stiver_terminal_sentence(&said, text, sizeof text);
    MUST(text[0] != '\0' && strchr(text, '{') == NULL);
}

/* The receipt that a terminal shows is the card's, of this amount, and leaves this balance. */
static void check_receipt(const struct stiver_terminal_receipt *shown, uint32_t minor,
                          uint32_t balance)
{
    struct receipt receipt;
    struct stiver_bank_settings settings;
    MUST(stiver_bank_settings(world.bank, &settings) == STIVER_BANK_OK);
    MUST(receipt_decode(shown->document, RECEIPT_BYTES, settings.scheme, &receipt) == DOCUMENT_OK);
    MUST(document_verify(&crypto_primitives, shown->document, RECEIPT_BYTES, after.receipt_key) ==
         DOCUMENT_OK);
    MUST(receipt.amount.minor == minor && shown->amount.minor == minor);
    MUST(receipt.balance_after == balance && shown->balance_after.minor == balance);
}

/* moved: what the balance does if the business is done. zeros: receipts of no amount that the card
 * may have given besides. */
static void check_truth(uint32_t minor, int32_t moved, uint32_t zeros)
{
    int64_t change = (int64_t)after.balance - before.balance;
    check_sentence();
    MUST(change == 0 || change == moved);
    MUST(after.counter - before.counter - (change == 0 ? 0u : 1u) <= zeros);
    if (is_done()) {
        MUST(change == moved);
        MUST(said.has_receipt);
        check_receipt(&said.receipt, minor, after.balance);
    } else if (said.status != STIVER_TERMINAL_UNFINISHED) {
        MUST(change == 0);
    }
}

struct ending {
    uint32_t number;
    bool was_seen;
    struct stiver_terminal_entry entry;
};

static bool see(void *context, const struct stiver_terminal_entry *entry)
{
    struct ending *ending = context;
    ending->was_seen = entry->number == ending->number;
    if (ending->was_seen)
        ending->entry = *entry;
    return !ending->was_seen;
}

/* After the next contact the journal says of that number what the card's memory says. */
static void check_ending(struct member *member, uint32_t number, uint32_t minor, bool is_paid)
{
    struct ending ending = {.number = number};
    if (number == 0) {
        MUST(!is_paid);
        return;
    }
    MUST(stiver_terminal_entries(member->terminal, number, see, &ending) == STIVER_TERMINAL_OK);
    MUST(ending.was_seen);
    MUST((ending.entry.state == STIVER_TERMINAL_FINISHED) == is_paid);
    MUST(ending.entry.state != STIVER_TERMINAL_OPEN);
    if (is_paid)
        check_receipt(&ending.entry.receipt, minor, after.balance);
}

/* ---- payments ---- */

static struct member *shop(void)
{
    return &world.shops[turn % WORLD_SHOPS];
}

static enum stiver_terminal_status pay(struct member *member, uint32_t minor,
                                       struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    const struct stiver_terminal_sale sale = {.amount = TOWN_EUR(minor), .is_new = true};
    enum stiver_terminal_status status =
        stiver_terminal_begin(member->terminal, &world.reader.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

static void run_pay(const struct fault_plan *plan)
{
    set_up_plan(shop(), plan);
    (void)!pay(shop(), PAY_MINOR, &said);
}

/* The next contact, undisturbed: it finds out, and pays. */
static void go_on(struct member *member)
{
    struct stiver_terminal_result result;
    world_touch(&world, NULL);
    MUST(pay(member, NEXT_MINOR, &result) == STIVER_TERMINAL_OK);
    MUST(result.receipt.balance_after.minor == after.balance - NEXT_MINOR);
    world_bring_home(member);
    world_check_books(&world, after.balance - NEXT_MINOR);
}

static void settle_pay(void)
{
    check_truth(PAY_MINOR, -(int32_t)PAY_MINOR, 0);
    go_on(shop());
    check_ending(shop(), said.number, PAY_MINOR, after.balance != before.balance);
}

static void settle_pay_and_turn(void)
{
    settle_pay();
    turn++;
}

static void prepare_nothing(void)
{
}

/* ---- recovery ---- */

static struct held torn;
static uint32_t torn_number;

static void tear_payment(enum pull at)
{
    struct stiver_terminal_result result;
    world_look(&world, &torn);
    town_card_touch(&world.card, at, COMMAND_PAY);
    fault_reader_open(&world.reader, &world.card.reader);
    fault_proxy_plan(&world.reader.proxy, NULL);
    assert_int_equal(pay(shop(), PAY_MINOR, &result), STIVER_TERMINAL_UNFINISHED);
    torn_number = result.number;
}

static void prepare_paid(void)
{
    tear_payment(PULL_BEFORE_ANSWER);
}

static void prepare_unpaid(void)
{
    tear_payment(PULL_BEFORE_COMMIT);
}

static void run_recover(const struct fault_plan *plan)
{
    struct stiver_terminal_session *session = NULL;
    set_up_plan(shop(), plan);
    if (stiver_terminal_begin(shop()->terminal, &world.reader.reader, &session, &said) ==
        STIVER_TERMINAL_OK)
        stiver_terminal_end(session);
}

/* A recovery that was disturbed moves nothing, and says of the number nothing but the truth. */
static void settle_recover(void)
{
    struct ending ending = {.number = torn_number};
    bool is_paid = before.balance != torn.balance;
    check_sentence();
    MUST(after.balance == before.balance && after.counter == before.counter);
    MUST(stiver_terminal_entries(shop()->terminal, torn_number, see, &ending) ==
         STIVER_TERMINAL_OK);
    MUST(ending.was_seen);
    MUST(ending.entry.state == STIVER_TERMINAL_OPEN ||
         (ending.entry.state == STIVER_TERMINAL_FINISHED) == is_paid);
    go_on(shop());
    check_ending(shop(), torn_number, PAY_MINOR, is_paid);
}

/* ---- loads ---- */

static enum stiver_terminal_status load(const struct stiver_terminal_link *link, uint32_t minor,
                                        struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    enum stiver_terminal_status status =
        stiver_terminal_begin(world.kiosk.terminal, &world.reader.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_load(session, TOWN_EUR(minor), link, result);
    stiver_terminal_end(session);
    return status;
}

static void run_load(const struct fault_plan *plan)
{
    set_up_plan(&world.kiosk, plan);
    (void)!load(&world.link.link, LOAD_MINOR, &said);
}

static void settle_load(void)
{
    struct stiver_terminal_result result;
    uint32_t balance = after.balance;
    /* An order that the card did not take is taken back by one of no amount. */
    check_truth(LOAD_MINOR, LOAD_MINOR, 1);
    world_touch(&world, NULL);
    enum stiver_terminal_status status = load(&world.kiosk.link, LOAD_MINOR, &result);
    MUST(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER);
    if (status == STIVER_TERMINAL_OK)
        balance += LOAD_MINOR;
    else
        MUST(after.balance != before.balance && said.status == STIVER_TERMINAL_UNFINISHED);
    MUST(result.receipt.balance_after.minor == balance);
    check_ending(&world.kiosk, said.number, LOAD_MINOR, after.balance != before.balance);
    world_bring_home(&world.kiosk);
    world_check_books(&world, balance);
}

/* ---- synchronisation ---- */

static uint64_t receipts;

static void prepare_upload(void)
{
    struct stiver_terminal_result result;
    receipts = world_receipts(&world);
    world_touch(&world, NULL);
    assert_int_equal(pay(shop(), PAY_MINOR, &result), STIVER_TERMINAL_OK);
}

static void run_upload(const struct fault_plan *plan)
{
    struct stiver_terminal_sync sync;
    set_up_plan(shop(), plan);
    memset(&said, 0, sizeof said);
    said.status =
        stiver_terminal_synchronise(shop()->terminal, &world.link.link, &sync, said.detail);
    if (said.status == STIVER_TERMINAL_OK)
        MUST(sync.booked + sync.already == 1 && sync.left == 0);
}

static void settle_upload(void)
{
    uint64_t booked = world_receipts(&world) - receipts;
    check_sentence();
    MUST(booked <= 1 && (said.status != STIVER_TERMINAL_OK || booked == 1));
    world_bring_home(shop());
    MUST(world_receipts(&world) - receipts == 1);
    world_check_books(&world, after.balance);
}

/* ---- blocking ---- */

static uint32_t others; /* what the cards hold that are not in the reader */

static void prepare_block(void)
{
    world_card_issue(&world);
    assert_int_equal(stiver_bank_list_card(world.bank, world.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    world_bring_home(shop());
}

static void settle_block(void)
{
    struct stiver_terminal_result result;
    struct stiver_terminal_session *session = NULL;
    check_sentence();
    MUST(said.status != STIVER_TERMINAL_OK);
    MUST(after.state == PURSE_ISSUED || after.state == PURSE_BLOCKED);
    MUST(after.counter == before.counter + (after.state == PURSE_BLOCKED));
    world_touch(&world, NULL);
    MUST(stiver_terminal_begin(shop()->terminal, &world.reader.reader, &session, &result) ==
         STIVER_TERMINAL_CARD_BLOCKED);
    world_look(&world, &after);
    MUST(after.state == PURSE_BLOCKED && after.counter == before.counter + 1);
    uint64_t booked = world_receipts(&world);
    world_bring_home(shop());
    MUST(world_receipts(&world) == booked + 1);
    world_check_books(&world, others);
}

/* ---- personalising ---- */

static char letter[9];

static bool write_letter(void *context, const uint8_t card[8], const char *pin)
{
    (void)context;
    (void)card;
    snprintf(letter, sizeof letter, "%s", pin);
    return true;
}

static void run_personalise(const struct fault_plan *plan)
{
    const struct stiver_terminal_personalisation with = {.link = &world.link.link,
                                                         .pin_letter = write_letter};
    set_up_plan(&world.station, plan);
    letter[0] = '\0';
    (void)!stiver_terminal_personalise(world.station.terminal, &world.reader.reader, &with, &said);
}

/* A letter that left the station holds the card's PIN, whatever happened on the way. */
static void check_letter(void)
{
    struct held held;
    world_look(&world, &held);
    if (letter[0] != '\0')
        MUST(memcmp(letter, held.pin, strlen(letter)) == 0 && held.pin[strlen(letter)] == 0xFF);
}

static void settle_personalise(void)
{
    struct stiver_terminal_result result;
    const struct stiver_terminal_personalisation with = {.link = &world.station.link,
                                                         .pin_letter = write_letter};
    check_sentence();
    check_letter();
    MUST(!is_done() || (after.state == PURSE_ISSUED && letter[0] != '\0'));
    MUST(after.balance == 0 && after.counter == 0);
    /* Issued, and the last answer was lost: then its letter is written already. */
    bool is_issued = after.state == PURSE_ISSUED;
    MUST(!is_issued || letter[0] != '\0');
    world_touch(&world, NULL);
    enum stiver_terminal_status status =
        stiver_terminal_personalise(world.station.terminal, &world.reader.reader, &with, &result);
    MUST(status == (is_issued ? STIVER_TERMINAL_CARD_ISSUED : STIVER_TERMINAL_OK));
    check_letter();
    world_look(&world, &after);
    MUST(after.state == PURSE_ISSUED);
    world_check_books(&world, others);
}

/* ---- the driver ---- */

static void blank_card(void)
{
    world_card_blank(&world);
}

/* context: the struct fault_record to write, or NULL. */
static void one_case(void *context, const struct fault_plan *plan)
{
    striking = plan;
    running->prepare();
    world_look(&world, &before);
    memset(&said, 0, sizeof said);
    struck()->record = context;
    running->run(plan);
    struck()->record = NULL;
    MUST(plan->fault == FAULT_NONE || struck()->has_struck);
    world_look(&world, &after);
    running->settle();
    cases++;
}

/* Undisturbed first: to be in step, then for the older session, then for the messages there are. */
static void all_cases(const struct exchange *exchange)
{
    static struct fault_record older, record;
    static const struct fault_plan none = {FAULT_NONE, 0, 0};
    const unsigned rounds = WORLD_SHOPS + 2;
    running = exchange;
    older.count = record.count = 0;
    for (unsigned i = exchange->is_short ? rounds - 3 : 0; i < rounds; i++) {
        struct fault_record *to = i == rounds - 1 ? &record : &older;
        one_case(i < rounds - 2 ? NULL : to, &none);
    }
    struck()->older = &older;
    assert_int_not_equal(record.count, 0);
    assert_int_equal(record.count, older.count);
    cases = 0;
    fault_each(&record, exchange->bits, !exchange->is_of_bank, one_case, NULL);
    print_message("# %s: %u messages, %u cases\n", exchange->name, record.count, cases);
    all += cases;
}

/* ---- the life, in its order; each part goes on where the one before it ended ---- */

static void first_load(void **state)
{
    struct stiver_terminal_result result;
    static const struct exchange exchange = {.name = "first load"};
    static const struct fault_plan none = {FAULT_NONE, 0, 0};
    (void)state;
    running = &exchange;
    striking = &none;
    world_card_issue(&world);
    world_touch(&world, NULL);
    assert_int_equal(load(&world.kiosk.link, FIRST_MINOR, &result), STIVER_TERMINAL_OK);
    world_bring_home(&world.kiosk);
    world_check_books(&world, FIRST_MINOR);
}

#define PART(name, ...)                                        \
    static void name(void **state)                             \
    {                                                          \
        static const struct exchange exchange = {__VA_ARGS__}; \
        (void)state;                                           \
        all_cases(&exchange);                                  \
    }

PART(loads_move_once_whatever_the_card_link_does, "load", prepare_nothing, run_load, settle_load,
     12, false, true)
PART(loads_move_once_whatever_the_bank_link_does, "load, bank", prepare_nothing, run_load,
     settle_load, 24, true, true)
PART(a_known_terminal_is_paid_once, "pay, known", prepare_nothing, run_pay, settle_pay, 16, false,
     true)
PART(recovery_of_a_paid_sale_finds_it_paid, "recover, paid", prepare_paid, run_recover,
     settle_recover, 8, false, true)
PART(recovery_of_an_unpaid_sale_finds_it_unpaid, "recover, unpaid", prepare_unpaid, run_recover,
     settle_recover, 8, false, true)
PART(a_stranger_is_paid_once, "pay, strangers", prepare_nothing, run_pay, settle_pay_and_turn, 8,
     false, false)
PART(what_is_brought_to_the_bank_is_booked_once, "synchronise", prepare_upload, run_upload,
     settle_upload, 64, true, true)

static void the_audit_finds_nothing(void **state)
{
    (void)state;
    world_look(&world, &after);
    others = after.balance;
    world_audit(&world, others);
}

PART(a_card_is_personalised_whole_whatever_its_link_does, "personalise", blank_card,
     run_personalise, settle_personalise, 2, false, true)
PART(a_card_is_personalised_whole_whatever_the_bank_link_does, "personalise, bank", blank_card,
     run_personalise, settle_personalise, 12, true, true)
PART(a_listed_card_blocks_once, "block", prepare_block, run_recover, settle_block, 4, false, true)

static void the_audit_still_finds_nothing(void **state)
{
    (void)state;
    world_audit(&world, others);
    print_message("# link: %u cases\n", all);
}

static int set_up(void **state)
{
    (void)state;
    world_found(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_load),
        cmocka_unit_test(loads_move_once_whatever_the_card_link_does),
        cmocka_unit_test(loads_move_once_whatever_the_bank_link_does),
        cmocka_unit_test(a_known_terminal_is_paid_once),
        cmocka_unit_test(recovery_of_a_paid_sale_finds_it_paid),
        cmocka_unit_test(recovery_of_an_unpaid_sale_finds_it_unpaid),
        cmocka_unit_test(a_stranger_is_paid_once),
        cmocka_unit_test(what_is_brought_to_the_bank_is_booked_once),
        cmocka_unit_test(the_audit_finds_nothing),
        cmocka_unit_test(a_card_is_personalised_whole_whatever_its_link_does),
        cmocka_unit_test(a_card_is_personalised_whole_whatever_the_bank_link_does),
        cmocka_unit_test(a_listed_card_blocks_once),
        cmocka_unit_test(the_audit_still_finds_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
