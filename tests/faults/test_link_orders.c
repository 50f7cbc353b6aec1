/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchanges beside paying, every message of them under every fault (exchange.h): a payment with
 * the PIN, a change of PIN, policy, acknowledgement, refund, balance, log, a load by a kiosk that
 * the card does not know, and the package of an enrolment.
 */
#include "exchange.h"
#include "terminal/journal.h"

#define PAY_MINOR 3u
#define REFUND_MINOR 2u
#define PIN_ABOVE 2u
#define LOG_MOST 3u

static const struct stiver_bank_policy policy = {.payment_limit = 5000,
                                                 .balance_limit = 1000000,
                                                 .pin_above = PIN_ABOVE,
                                                 .online_above = UINT32_MAX};

static struct stiver_terminal_session *touch(struct member *member, const struct fault_plan *plan,
                                             struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    set_up_plan(member, plan);
    return stiver_terminal_begin(member->terminal, &world.reader.reader, &session, result) ==
                   STIVER_TERMINAL_OK
               ? session
               : NULL;
}

static void must_move_nothing(void)
{
    check_sentence();
    MUST(said.status != STIVER_TERMINAL_CARD_FAILED);
    MUST(after.balance == before.balance && after.counter == before.counter);
}

/* ---- the PIN ---- */

static void digits_of(const uint8_t pin[PIN_BYTES], char digits[PIN_BYTES + 1])
{
    size_t length = 0;
    while (length < PIN_BYTES && pin[length] != 0xFF)
        length++;
    memcpy(digits, pin, length);
    digits[length] = '\0';
}

static void run_pay_with_pin(const struct fault_plan *plan)
{
    char digits[PIN_BYTES + 1];
    digits_of(before.pin, digits);
    set_up_plan(shop(), plan);
    (void)!pay(shop(), PAY_MINOR, digits, &said);
}

static void settle_pay_with_pin(void)
{
    check_truth(PAY_MINOR, -(int32_t)PAY_MINOR, 0);
    MUST(!is_done() || said.receipt.with_pin);
    go_on(shop());
    check_ending(shop(), said.number, PAY_MINOR, after.balance != before.balance);
}

static char new_digits[PIN_BYTES + 1];

static void run_change_pin(const struct fault_plan *plan)
{
    char old_digits[PIN_BYTES + 1];
    digits_of(before.pin, old_digits);
    strcpy(new_digits, old_digits);
    new_digits[0] = (char)('0' + (old_digits[0] - '0' + 1) % 10);
    struct stiver_terminal_session *session = touch(shop(), plan, &said);
    if (session != NULL)
        (void)!stiver_terminal_change_pin(session, old_digits, new_digits, &said);
    stiver_terminal_end(session);
}

/* The PIN is the old one or the new one, never a third; and the terminal does not claim the one
 * while the card holds the other. */
static void settle_change_pin(void)
{
    char digits[PIN_BYTES + 1];
    digits_of(after.pin, digits);
    bool is_new = strcmp(digits, new_digits) == 0;
    must_move_nothing();
    MUST(is_new || memcmp(after.pin, before.pin, PIN_BYTES) == 0);
    MUST(said.status != STIVER_TERMINAL_OK || is_new);
    MUST(!is_new || said.status == STIVER_TERMINAL_OK || said.status == STIVER_TERMINAL_READER ||
         said.status == STIVER_TERMINAL_LINK_BROKEN);
    go_on(shop());
}

/* ---- orders that move no money ---- */

static struct stiver_bank_bytes order;
static uint32_t policy_number;

static struct order order_fields(void)
{
    struct stiver_bank_settings settings;
    struct order fields;
    assert_int_equal(stiver_bank_settings(world.bank, &settings), STIVER_BANK_OK);
    assert_int_equal(order_decode(order.data, order_bytes(order.data[0]), settings.scheme, &fields),
                     DOCUMENT_OK);
    return fields;
}

static void apply(const struct fault_plan *plan, struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = touch(&world.desk, plan, result);
    if (session != NULL)
        (void)!stiver_terminal_apply(session, order.data, order.length, result);
    stiver_terminal_end(session);
}

static void run_apply(const struct fault_plan *plan)
{
    apply(plan, &said);
}

/* Once more, undisturbed: taken now, or known. */
static void apply_again(struct held *now)
{
    struct stiver_terminal_result result;
    apply(NULL, &result);
    MUST(result.status == STIVER_TERMINAL_OK || result.status == STIVER_TERMINAL_ORDER);
    world_look(&world, now);
    stiver_bank_bytes_free(&order);
}

static void prepare_policy(void)
{
    struct stiver_bank_policy next = policy;
    next.points_per = 1000 + turn++;
    assert_int_equal(stiver_bank_set_policy(world.bank, &next), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_policy_order(world.bank, world.card.number, &order),
                     STIVER_BANK_OK);
    policy_number = order_fields().number;
}

static void settle_policy(void)
{
    struct held now;
    must_move_nothing();
    MUST(before.policy_number < policy_number);
    MUST(after.policy_number == before.policy_number || after.policy_number == policy_number);
    MUST(said.status != STIVER_TERMINAL_OK || after.policy_number == policy_number);
    apply_again(&now);
    MUST(now.policy_number == policy_number);
    go_on(shop());
}

/* The kiosk brings home, so that no shop carries the acknowledgement before. */
static void prepare_acknowledgement(void)
{
    struct stiver_terminal_result result;
    world_touch(&world, NULL);
    assert_int_equal(pay(shop(), NEXT_MINOR, NULL, &result), STIVER_TERMINAL_OK);
    world_bring_home(shop());
    assert_int_equal(stiver_bank_acknowledgement(world.bank, world.card.number, &order),
                     STIVER_BANK_OK);
}

static void settle_acknowledgement(void)
{
    struct held now;
    must_move_nothing();
    MUST(before.acknowledged < before.counter);
    MUST(after.acknowledged == before.acknowledged || after.acknowledged == before.counter);
    MUST(said.status != STIVER_TERMINAL_OK || after.acknowledged == before.counter);
    apply_again(&now);
    MUST(now.acknowledged == before.counter);
    world_check_books(&world, others + after.balance);
}

/* ---- refund: the desk's part is written here, the terminal has no call for it yet ---- */

static void prepare_refund(void)
{
    struct stiver_terminal_result result;
    struct held paid;
    world_touch(&world, NULL);
    assert_int_equal(pay(shop(), NEXT_MINOR + 1, NULL, &result), STIVER_TERMINAL_OK);
    world_bring_home(shop());
    world_look(&world, &paid);
    assert_int_equal(
        stiver_bank_refund(world.bank, world.card.number, paid.refund_counter + 1, paid.counter,
                           (struct stiver_bank_money){REFUND_MINOR, FIXTURE_CURRENCY}, &order),
        STIVER_BANK_OK);
}

static terminal_status refund(struct stiver_terminal_session *session)
{
    uint8_t data[SALE_BYTES + ORDER_MESSAGE_BYTES_MAX], document[RECEIPT_BYTES] = {0};
    struct writer w = writer_of(data, sizeof data);
    struct reply reply;
    struct order fields;
    const size_t length = order_bytes(order.data[0]);
    assert_int_equal(
        order_decode(order.data, length, session->terminal->identity.anchors.scheme, &fields),
        DOCUMENT_OK);
    struct intent intent = {.order_number = fields.number, .order_counter = fields.counter};
    terminal_status status = intent_begin(session, DOCUMENT_REFUND_RECEIPT, fields.amount, &intent);
    if (status != STIVER_TERMINAL_OK)
        return status;
    const struct sale sale = intent_sale(&intent);
    sale_encode(&sale, &w);
    writer_bytes(&w, order.data, order.length);
    status = request_secure(session, COMMAND_REFUND, 0, data, w.used, &reply);
    if (status != STIVER_TERMINAL_OK || !reply.is_known || reply.status != STATUS_OK)
        return intent_refused(session, &intent, status, &reply);
    if (reply.bytes == sizeof document)
        memcpy(document, reply.data, sizeof document);
    return intent_matches(session, &intent, document, true) &&
                   intent_finish(session, &intent, document, false) == STIVER_TERMINAL_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_UNFINISHED;
}

/* A card that took the order already is not asked again: its receipt was read when it was met. */
static void refund_at_desk(const struct fault_plan *plan, struct stiver_terminal_result *result)
{
    struct stiver_terminal_purse held;
    const uint32_t counter = order_fields().counter;
    struct stiver_terminal_session *session = touch(&world.desk, plan, result);
    if (session != NULL && stiver_terminal_read(session, &held, result) == STIVER_TERMINAL_OK &&
        held.refund_counter < counter)
        (void)!result_end(result, refund(session));
    stiver_terminal_end(session);
}

static void run_refund(const struct fault_plan *plan)
{
    refund_at_desk(plan, &said);
}

/* The same order again credits once, whatever the first try came to. */
static void settle_refund(void)
{
    struct stiver_terminal_result result;
    struct held now;
    check_truth(REFUND_MINOR, REFUND_MINOR, 0);
    refund_at_desk(NULL, &result);
    world_look(&world, &now);
    MUST(now.balance == before.balance + REFUND_MINOR && now.counter == before.counter + 1);
    check_ending(&world.desk, said.number, REFUND_MINOR, after.balance != before.balance);
    world_bring_home(&world.desk);
    world_check_books(&world, others + now.balance);
    stiver_bank_bytes_free(&order);
}

/* ---- reading ---- */

static struct stiver_terminal_purse purse;
static unsigned entries;
static uint32_t last_entry;

static void run_read(const struct fault_plan *plan)
{
    struct stiver_terminal_session *session = touch(shop(), plan, &said);
    if (session != NULL)
        (void)!stiver_terminal_read(session, &purse, &said);
    stiver_terminal_end(session);
}

static void settle_read(void)
{
    must_move_nothing();
    if (said.status == STIVER_TERMINAL_OK)
        MUST(purse.balance.minor == after.balance && purse.card_counter == after.counter);
    go_on(shop());
}

static bool note(void *context, const struct stiver_terminal_receipt *receipt)
{
    (void)context;
    entries++;
    MUST(document_verify(&crypto_primitives, receipt->document, RECEIPT_BYTES,
                         before.receipt_key) == DOCUMENT_OK);
    MUST(last_entry == 0 ? receipt->card_counter == before.counter
                         : receipt->card_counter == last_entry - 1);
    last_entry = receipt->card_counter;
    return true;
}

static void run_log(const struct fault_plan *plan)
{
    entries = 0;
    last_entry = 0;
    struct stiver_terminal_session *session = touch(&world.bank_desk, plan, &said);
    if (session != NULL)
        (void)!stiver_terminal_log(session, LOG_MOST, note, NULL, &said);
    stiver_terminal_end(session);
}

/* What was shown is the card's, none left out; OK is all of it. */
static void settle_log(void)
{
    must_move_nothing();
    MUST(said.status != STIVER_TERMINAL_OK || entries == LOG_MOST);
    MUST(entries <= LOG_MOST);
}

/* ---- a kiosk and a card that never met ---- */

static void prepare_new_card(void)
{
    struct held left;
    world_look(&world, &left);
    others += left.balance;
    world_card_issue(&world);
}

/* ---- the life ---- */

static void first_card(void **state)
{
    assert_int_equal(stiver_bank_set_policy(world.bank, &policy), STIVER_BANK_OK);
    first_load(state);
}

PART(a_payment_with_the_pin_is_made_once_and_costs_no_try, "pay, PIN", prepare_nothing,
     run_pay_with_pin, settle_pay_with_pin, 8, false, true)
PART(a_pin_is_the_old_one_or_the_new_one, "change of PIN", prepare_nothing, run_change_pin,
     settle_change_pin, 12, false, true)
PART(a_policy_is_taken_or_not, "policy", prepare_policy, run_apply, settle_policy, 8, false, true)
PART(an_acknowledgement_is_taken_or_not, "acknowledgement", prepare_acknowledgement, run_apply,
     settle_acknowledgement, 8, false, true)
PART(a_refund_credits_once, "refund", prepare_refund, run_refund, settle_refund, 8, false, true)
PART(a_balance_that_is_told_is_the_cards, "read", prepare_nothing, run_read, settle_read, 12, false,
     true)
PART(a_log_that_is_told_is_the_cards, "log", prepare_nothing, run_log, settle_log, 12, false, false)

static void the_audit_finds_nothing(void **state)
{
    struct held held;
    (void)state;
    world_look(&world, &held);
    world_audit(&world, others + held.balance);
}

PART(a_load_of_strangers_moves_once, "load, strangers", prepare_new_card, run_load, settle_load, 4,
     false, true)

/* ---- enrolment ---- */

/* A package travels by hand: cut, and with bits turned round, it is not taken; twice, it is the
 * same; and none that was made before the newest one puts an older list back. */
static void a_package_is_taken_whole_and_never_an_older_one(void **state)
{
    struct stiver_bank_bytes older, newer;
    struct stiver_terminal_info was, is;
    struct member *member = shop();
    (void)state;
    assert_int_equal(stiver_bank_recertify(world.bank, member->number, 7, &older), STIVER_BANK_OK);
    assert_int_equal(stiver_bank_list_card(world.bank, world.card.number, STIVER_BANK_LOST),
                     STIVER_BANK_OK);
    assert_int_equal(stiver_bank_recertify(world.bank, member->number, 7, &newer), STIVER_BANK_OK);
    assert_int_equal(stiver_terminal_info(member->terminal, &was), STIVER_TERMINAL_OK);
    for (size_t cut = 0; cut < newer.length; cut++) {
        assert_int_equal(stiver_terminal_adopt(member->terminal, newer.data, cut, NULL),
                         STIVER_TERMINAL_PACKAGE);
        newer.data[cut] ^= (uint8_t)(1u << cut % 8);
        assert_int_not_equal(
            stiver_terminal_adopt(member->terminal, newer.data, newer.length, NULL),
            STIVER_TERMINAL_OK);
        newer.data[cut] ^= (uint8_t)(1u << cut % 8);
    }
    assert_int_equal(stiver_terminal_info(member->terminal, &is), STIVER_TERMINAL_OK);
    assert_memory_equal(&was, &is, sizeof is);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(stiver_terminal_adopt(member->terminal, newer.data, newer.length, NULL),
                         STIVER_TERMINAL_OK);
        assert_int_equal(stiver_terminal_info(member->terminal, &is), STIVER_TERMINAL_OK);
        assert_int_equal(is.list_sequence, was.list_sequence + 1);
    }
    assert_int_equal(stiver_terminal_adopt(member->terminal, older.data, older.length, NULL),
                     STIVER_TERMINAL_PACKAGE);
    assert_int_equal(stiver_terminal_adopt(world.shops[(turn + 1) % WORLD_SHOPS].terminal,
                                           newer.data, newer.length, NULL),
                     STIVER_TERMINAL_PACKAGE);
    print_message("# link, orders: %u cases; packages: %u\n", all, (unsigned)(2 * newer.length));
    stiver_bank_bytes_free(&older);
    stiver_bank_bytes_free(&newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_card),
        cmocka_unit_test(a_payment_with_the_pin_is_made_once_and_costs_no_try),
        cmocka_unit_test(a_pin_is_the_old_one_or_the_new_one),
        cmocka_unit_test(a_policy_is_taken_or_not),
        cmocka_unit_test(an_acknowledgement_is_taken_or_not),
        cmocka_unit_test(a_refund_credits_once),
        cmocka_unit_test(a_balance_that_is_told_is_the_cards),
        cmocka_unit_test(a_log_that_is_told_is_the_cards),
        cmocka_unit_test(the_audit_finds_nothing),
        cmocka_unit_test(a_load_of_strangers_moves_once),
        cmocka_unit_test(a_package_is_taken_whole_and_never_an_older_one),
    };
    return cmocka_run_group_tests(tests, exchange_set_up, exchange_tear_down);
}
