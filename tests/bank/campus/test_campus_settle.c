/* SPDX-License-Identifier: Apache-2.0 */
/* What receipts of the campus purse mean for the books, each once, and what a lie gains. */
#include "field.h"

#include <stdio.h>
#include <string.h>

static int64_t held(struct field *f, const char *account)
{
    return world_balance(&f->w, account);
}

static int64_t till(struct field *f)
{
    char name[32];
    snprintf(name, sizeof name, "campus till:%u", f->reload.id);
    return held(f, name);
}

static struct campus_upload load(struct field *f, uint32_t amount, enum campus_outcome outcome)
{
    return field_receipt(f, &f->card, &f->reload, amount, 0, outcome);
}

static struct campus_upload pay(struct field *f, uint32_t amount)
{
    return field_receipt(f, &f->card, &f->pos, amount, 0, CAMPUS_OUTCOME_DONE);
}

static void a_load_and_a_payment_are_booked_once(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 2000, CAMPUS_OUTCOME_DONE), paid = pay(&f, 250);
    for (int again = 0; again < 3; again++) {
        enum upload_result wanted = again ? UPLOAD_ALREADY : UPLOAD_BOOKED;
        assert_int_equal(field_upload(&f, &f.reload, &loaded), wanted);
        assert_int_equal(field_upload(&f, &f.pos, &paid), wanted);
    }
    assert_int_equal(till(&f), -2000);
    assert_int_equal(held(&f, "campus float"), 1750);
    assert_int_equal(held(&f, "campus merchant:7"), 250);
    assert_int_equal(field_card(&f, f.card.id).shadow_minor, 1750);
    assert_int_equal(field_card(&f, f.card.id).counter, 2);
    assert_int_equal(held(&f, "float"), 0);
    assert_int_equal(world_alarms(&f.w), 0);
    field_close(&f);
}

static void a_load_of_unknown_end_waits_in_flight_for_its_terminal(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload first = load(&f, 700, CAMPUS_OUTCOME_UNKNOWN);
    struct campus_upload second = load(&f, 300, CAMPUS_OUTCOME_UNKNOWN);
    assert_int_equal(field_upload(&f, &f.reload, &first), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.reload, &second), UPLOAD_BOOKED);
    assert_int_equal(held(&f, "campus in flight"), 1000);
    assert_int_equal(held(&f, "campus float"), 0);
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, 1, CAMPUS_OUTCOME_DONE),
                     UPLOAD_BOOKED);
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, 2, CAMPUS_OUTCOME_NOT_DONE),
                     UPLOAD_BOOKED);
    assert_int_equal(held(&f, "campus in flight"), 0);
    assert_int_equal(held(&f, "campus float"), 700);
    assert_int_equal(held(&f, "campus owed to holders"), 300);
    /* Said again, also by the receipts, nothing changes. */
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, 1, CAMPUS_OUTCOME_DONE),
                     UPLOAD_ALREADY);
    assert_int_equal(field_upload(&f, &f.reload, &first), UPLOAD_ALREADY);
    assert_int_equal(field_upload(&f, &f.reload, &second), UPLOAD_ALREADY);
    assert_int_equal(till(&f), -1000);
    assert_int_equal(world_alarms(&f.w), 0);
    field_close(&f);
}

static void a_receipt_may_bring_the_end_itself(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 700, CAMPUS_OUTCOME_UNKNOWN);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    loaded.is.receipt.outcome = CAMPUS_OUTCOME_DONE;
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_ALREADY);
    assert_int_equal(held(&f, "campus float"), 700);
    field_close(&f);
}

static void a_load_that_never_came_moves_nothing(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 700, CAMPUS_OUTCOME_NOT_DONE);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_ALREADY);
    assert_int_equal(till(&f), 0);
    assert_int_equal(held(&f, "campus float"), 0);
    field_close(&f);
}

static void a_person_decides_on_a_load(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    uint32_t card = f.card.id;
    static const enum campus_outcome outcomes[] = {CAMPUS_OUTCOME_UNKNOWN, CAMPUS_OUTCOME_UNKNOWN,
                                                   CAMPUS_OUTCOME_NOT_DONE, CAMPUS_OUTCOME_DONE};
    for (unsigned i = 0; i < 4; i++) {
        struct campus_upload loaded = load(&f, 100u << i, outcomes[i]);
        assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    }
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 1, true), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 1, true), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 1, false), STIVER_BANK_CONFLICT);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 2, false), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 2, true), STIVER_BANK_CONFLICT);
    /* Its terminal's word that it never came was wrong: its till pays after all. */
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 3, false), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 3, true), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 4, false), STIVER_BANK_CONFLICT);
    assert_int_equal(stiver_campus_decide(f.w.bank, card, 5, true), STIVER_BANK_UNKNOWN_RECEIPT);
    /* No word of the terminal changes what a person decided. */
    assert_int_equal(field_outcome(&f, &f.reload, card, 1, CAMPUS_OUTCOME_NOT_DONE),
                     UPLOAD_ALREADY);
    assert_int_equal(held(&f, "campus float"), 100 + 400 + 800);
    assert_int_equal(held(&f, "campus owed to holders"), 200);
    assert_int_equal(till(&f), -1500);
    field_close(&f);
}

static void a_payment_is_not_decided_and_has_no_unknown_end(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload paid = pay(&f, 5);
    paid.is.receipt.outcome = CAMPUS_OUTCOME_UNKNOWN;
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_REJECTED);
    paid.is.receipt.outcome = CAMPUS_OUTCOME_DONE;
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_BOOKED);
    assert_int_equal(stiver_campus_decide(f.w.bank, f.card.id, 1, true),
                     STIVER_BANK_UNKNOWN_RECEIPT);
    field_close(&f);
}

static void a_sale_that_was_given_up_is_owed_to_the_holder(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    field_load(&f, &f.card, 500);
    struct campus_upload paid = pay(&f, 120);
    paid.is.receipt.outcome = CAMPUS_OUTCOME_NOT_DONE;
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_ALREADY);
    assert_int_equal(held(&f, "campus owed to holders"), 120);
    assert_int_equal(held(&f, "campus merchant:7"), 0);
    assert_int_equal(held(&f, "campus float"), 380);
    field_close(&f);
}

/* ---- lies ---- */

static void w3_a_load_s_receipt_is_no_payment_and_no_payment_s_a_load(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 900, CAMPUS_OUTCOME_DONE), paid = pay(&f, 900);
    /* The other terminal brings it: the receipt names its terminal. */
    assert_int_equal(field_upload(&f, &f.pos, &loaded), UPLOAD_REJECTED);
    assert_int_equal(field_upload(&f, &f.reload, &paid), UPLOAD_REJECTED);
    assert_int_equal(field_upload(&f, &f.station, &paid), UPLOAD_REJECTED);
    assert_int_equal(held(&f, "campus merchant:7"), 0);
    assert_int_equal(held(&f, "campus float"), 0);
    field_close(&f);
}

static void a_load_that_is_denied_shows_when_it_is_spent(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload denied = load(&f, 700, CAMPUS_OUTCOME_NOT_DONE), paid = pay(&f, 700);
    assert_int_equal(field_upload(&f, &f.reload, &denied), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_BOOKED);
    assert_int_equal(field_card(&f, f.card.id).shadow_minor, -700);
    assert_int_equal(world_alarms(&f.w), 1);
    /* A person looks, and the till pays. */
    assert_int_equal(stiver_campus_decide(f.w.bank, f.card.id, 1, true), STIVER_BANK_OK);
    assert_int_equal(till(&f), -700);
    assert_int_equal(field_card(&f, f.card.id).shadow_minor, 0);
    field_close(&f);
}

static void a_terminal_cannot_take_back_what_it_said(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 700, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, 1, CAMPUS_OUTCOME_NOT_DONE),
                     UPLOAD_SUSPENSE);
    loaded.is.receipt.outcome = CAMPUS_OUTCOME_NOT_DONE;
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_SUSPENSE);
    assert_int_equal(till(&f), -700);
    assert_int_equal(held(&f, "campus float"), 700);
    assert_int_equal(world_alarms(&f.w), 2);
    field_close(&f);
}

static void a_terminal_cannot_speak_for_another(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload loaded = load(&f, 700, CAMPUS_OUTCOME_UNKNOWN);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    assert_int_equal(field_outcome(&f, &f.pos, f.card.id, 1, CAMPUS_OUTCOME_DONE), UPLOAD_REJECTED);
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, 9, CAMPUS_OUTCOME_DONE),
                     UPLOAD_REJECTED);
    assert_int_equal(held(&f, "campus in flight"), 700);
    assert_int_equal(world_alarms(&f.w), 1);
    field_close(&f);
}

static void a_clone_s_second_receipt_is_evidence_and_lists_the_card(void **state)
{
    (void)state;
    struct field f;
    struct stiver_campus_settings before, after;
    field_open(&f);
    field_load(&f, &f.card, 1000);
    struct campus_upload paid = pay(&f, 100), second = paid;
    second.is.receipt.receipt.amount = 200;
    field_sign(&f.card, &second);
    assert_int_equal(stiver_campus_settings(f.w.bank, &before), STIVER_BANK_OK);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &second), UPLOAD_SUSPENSE);
    assert_int_equal(field_upload(&f, &f.pos, &second), UPLOAD_ALREADY);
    assert_int_equal(held(&f, "campus merchant:7"), 100);
    assert_true(field_card(&f, f.card.id).is_listed);
    assert_int_equal(stiver_campus_settings(f.w.bank, &after), STIVER_BANK_OK);
    assert_int_equal(after.list_count, 1);
    assert_true(after.list_end_ms > before.list_end_ms);
    assert_int_equal(world_alarms(&f.w), 1);
    field_close(&f);
}

static void forged_and_changed_receipts_are_rejected(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload good = pay(&f, 100);
    for (unsigned i = 0; i < 7; i++) {
        struct campus_upload bad = good;
        struct campus_upload_receipt *r = &bad.is.receipt;
        switch (i) {
        case 0:
            r->receipt.amount++;
            break;
        case 1:
            r->receipt.counter++;
            break;
        case 2:
            r->receipt.time++;
            break;
        case 3:
            r->receipt.signature[255] ^= 1;
            break;
        case 4:
            r->card.signature[0] ^= 1;
            break;
        case 5:
            r->card.end++;
            break;
        default:
            r->card.modulus[100] ^= 1;
        }
        assert_int_equal(field_upload(&f, &f.pos, &bad), UPLOAD_REJECTED);
    }
    assert_int_equal(field_card(&f, f.card.id).counter, 0);
    assert_int_equal(field_upload(&f, &f.pos, &good), UPLOAD_BOOKED);
    field_close(&f);
}

/* ---- suspense ---- */

static void times_outside_their_terms_go_to_suspense(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    uint32_t now = f.w.now;
    field_load(&f, &f.card, 1000);
    const struct {
        uint32_t time;
        enum upload_result result;
    } cases[] = {{f.pos.end, UPLOAD_BOOKED},
                 {f.pos.end + 1, UPLOAD_SUSPENSE},
                 {now - WORLD_DAY, UPLOAD_BOOKED}, /* the terminal's clock is behind */
                 {now - WORLD_DAY - 1, UPLOAD_SUSPENSE},
                 {f.card.end + 1, UPLOAD_SUSPENSE}};
    for (unsigned i = 0; i < 5; i++) {
        struct campus_upload paid =
            field_receipt(&f, &f.card, &f.pos, 1u << i, cases[i].time, CAMPUS_OUTCOME_DONE);
        assert_int_equal(field_upload(&f, &f.pos, &paid), cases[i].result);
        assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_ALREADY);
    }
    assert_int_equal(held(&f, "campus merchant:7"), 1 + 4);
    assert_int_equal(held(&f, "campus suspense"), 2 + 8 + 16);
    assert_int_equal(held(&f, "campus float"), 1000 - 31);
    field_close(&f);
}

static void a_listed_terminal_s_receipts_go_to_suspense(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    field_load(&f, &f.card, 1000);
    assert_int_equal(stiver_campus_list_terminal(f.w.bank, f.pos.id), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_list_terminal(f.w.bank, f.pos.id), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_campus_list_terminal(f.w.bank, f.reload.id), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_list_terminal(f.w.bank, 99), STIVER_BANK_UNKNOWN_TERMINAL);
    struct campus_upload paid = pay(&f, 100), loaded = load(&f, 50, CAMPUS_OUTCOME_DONE);
    struct campus_upload open = load(&f, 30, CAMPUS_OUTCOME_UNKNOWN);
    struct campus_upload denied = load(&f, 20, CAMPUS_OUTCOME_NOT_DONE);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_SUSPENSE);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_SUSPENSE);
    assert_int_equal(field_upload(&f, &f.reload, &open), UPLOAD_SUSPENSE);
    assert_int_equal(field_upload(&f, &f.reload, &denied), UPLOAD_SUSPENSE);
    /* What the card has is in the float; who pays for it is open, and not the till. */
    assert_int_equal(held(&f, "campus float"), 1000 - 100 + 50);
    assert_int_equal(held(&f, "campus suspense"), 100 - 50 - 30);
    assert_int_equal(till(&f), -1000);
    assert_int_equal(stiver_campus_decide(f.w.bank, f.card.id, 4, true), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_decide(f.w.bank, f.card.id, 5, true), STIVER_BANK_OK);
    assert_int_equal(held(&f, "campus suspense"), 100 - 50 - 30 - 20);
    assert_int_equal(world_alarms(&f.w), 3);
    field_close(&f);
}

static void a_listed_card_s_later_receipts_go_to_suspense(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    field_load(&f, &f.card, 1000);
    assert_int_equal(stiver_campus_list_card(f.w.bank, f.card.id), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_list_card(f.w.bank, f.card.id), STIVER_BANK_ALREADY);
    f.w.now += 60;
    struct campus_upload before =
        field_receipt(&f, &f.card, &f.pos, 10, f.w.now - 60, CAMPUS_OUTCOME_DONE);
    struct campus_upload after = pay(&f, 20);
    assert_int_equal(field_upload(&f, &f.pos, &before), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &after), UPLOAD_SUSPENSE);
    field_close(&f);
}

static struct campus_upload block_of(struct field *f, const struct party *terminal,
                                     uint32_t counter)
{
    struct campus_upload upload = {.kind = CAMPUS_UPLOAD_BLOCK};
    struct campus_upload_block *block = &upload.is.block;
    uint8_t text[CAMPUS_TEXT_BYTES];
    block->terminal_counter = counter;
    block->terminal_end = terminal->end;
    block->card = (struct campus_certificate){
        .id = f->card.id, .end = f->card.end, .usage = CAMPUS_USAGE_CARD};
    memcpy(block->card.modulus, f->card.modulus, CAMPUS_RSA_BYTES);
    memcpy(block->card.signature, f->card.certificate, CAMPUS_RSA_BYTES);
    campus_text(terminal->id, counter, terminal->end, text);
    party_sign(&f->card, RSA_SHA1, text, sizeof text, block->proof);
    return upload;
}

static void a_block_is_kept_and_who_goes_on_is_a_clone(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    field_load(&f, &f.card, 1000);
    assert_int_equal(stiver_campus_list_card(f.w.bank, f.card.id), STIVER_BANK_OK);
    struct campus_upload block = block_of(&f, &f.pos, 77);
    assert_int_equal(field_upload(&f, &f.reload, &block), UPLOAD_REJECTED);
    assert_int_equal(field_upload(&f, &f.pos, &block), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &block), UPLOAD_ALREADY);
    assert_true(field_card(&f, f.card.id).is_blocked);
    assert_int_equal(world_alarms(&f.w), 0);
    f.w.now += 60;
    struct campus_upload after = pay(&f, 20);
    assert_int_equal(field_upload(&f, &f.pos, &after), UPLOAD_SUSPENSE);
    assert_int_equal(world_alarms(&f.w), 1);
    field_close(&f);
}

static void w3_an_answer_to_an_authentication_is_no_proof_of_a_block(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    struct campus_upload block = block_of(&f, &f.pos, 77);
    uint8_t text[CAMPUS_TEXT_BYTES];
    campus_text(f.pos.id, f.pos.end, 77, text); /* S2 */
    party_sign(&f.card, RSA_SHA1, text, sizeof text, block.is.block.proof);
    assert_int_equal(field_upload(&f, &f.pos, &block), UPLOAD_REJECTED);
    block.is.block.terminal_counter = f.pos.end; /* the terminal calls each the other */
    block.is.block.terminal_end = 77;
    assert_int_equal(field_upload(&f, &f.pos, &block), UPLOAD_REJECTED);
    assert_false(field_card(&f, f.card.id).is_blocked);
    field_close(&f);
}

static void a_till_beyond_its_credit_rings_once(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    const struct stiver_bank_money cash = {3000, WORLD_EUR}, foreign = {3000, 840};
    assert_int_equal(stiver_campus_fund(f.w.bank, f.reload.id, cash, "bag 1"), STIVER_BANK_OK);
    assert_int_equal(stiver_campus_fund(f.w.bank, f.reload.id, cash, "bag 1"), STIVER_BANK_ALREADY);
    assert_int_equal(stiver_campus_fund(f.w.bank, f.pos.id, cash, "bag 2"),
                     STIVER_BANK_UNKNOWN_TERMINAL);
    assert_int_equal(stiver_campus_fund(f.w.bank, f.reload.id, foreign, "bag 3"),
                     STIVER_BANK_CURRENCY);
    field_load(&f, &f.card, 3000 + FIELD_CREDIT);
    assert_int_equal(world_alarms(&f.w), 0);
    field_load(&f, &f.card, 1);
    field_load(&f, &f.card, 1);
    assert_int_equal(world_alarms(&f.w), 1);
    assert_int_equal(till(&f), -(int64_t)FIELD_CREDIT - 2);
    assert_int_equal(held(&f, "campus cash"), -3000);
    field_close(&f);
}

static void largest_amounts_and_clocks_beyond_2038_hold(void **state)
{
    (void)state;
    struct field f;
    field_open(&f);
    f.w.now = 0xF0000000u; /* 2097 */
    f.pos.id = 0;
    EVP_PKEY_free(f.pos.pair);
    f.pos = party_of(TEST_KEY_SECOND_CARD);
    field_enrol(&f, &f.pos, CAMPUS_ROLE_POS);
    assert_true(f.pos.end > f.w.now);
    struct party card = party_of(TEST_KEY_THIRD_CARD);
    EVP_PKEY_free(f.station.pair);
    f.station = party_of(TEST_KEY_OTHER_BACK_END);
    field_enrol(&f, &f.station, CAMPUS_ROLE_STATION);
    field_personalise(&f, &card);
    assert_true(card.end > f.w.now);
    struct campus_upload paid =
        field_receipt(&f, &card, &f.pos, CAMPUS_AMOUNT_MAX, 0, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_BOOKED);
    paid = field_receipt(&f, &card, &f.pos, UINT32_MAX, 0, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_SUSPENSE); /* no card signs that */
    card.counter = CAMPUS_COUNTER_MAX;
    paid = field_receipt(&f, &card, &f.pos, 1, 0, CAMPUS_OUTCOME_DONE);
    assert_int_equal(field_upload(&f, &f.pos, &paid), UPLOAD_SUSPENSE); /* nor that */
    assert_true(field_card(&f, card.id).shadow_minor ==
                -(int64_t)CAMPUS_AMOUNT_MAX - (int64_t)UINT32_MAX - 1);
    EVP_PKEY_free(card.pair);
    field_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_and_a_payment_are_booked_once),
        cmocka_unit_test(a_load_of_unknown_end_waits_in_flight_for_its_terminal),
        cmocka_unit_test(a_receipt_may_bring_the_end_itself),
        cmocka_unit_test(a_load_that_never_came_moves_nothing),
        cmocka_unit_test(a_person_decides_on_a_load),
        cmocka_unit_test(a_payment_is_not_decided_and_has_no_unknown_end),
        cmocka_unit_test(a_sale_that_was_given_up_is_owed_to_the_holder),
        cmocka_unit_test(w3_a_load_s_receipt_is_no_payment_and_no_payment_s_a_load),
        cmocka_unit_test(a_load_that_is_denied_shows_when_it_is_spent),
        cmocka_unit_test(a_terminal_cannot_take_back_what_it_said),
        cmocka_unit_test(a_terminal_cannot_speak_for_another),
        cmocka_unit_test(a_clone_s_second_receipt_is_evidence_and_lists_the_card),
        cmocka_unit_test(forged_and_changed_receipts_are_rejected),
        cmocka_unit_test(times_outside_their_terms_go_to_suspense),
        cmocka_unit_test(a_listed_terminal_s_receipts_go_to_suspense),
        cmocka_unit_test(a_listed_card_s_later_receipts_go_to_suspense),
        cmocka_unit_test(a_block_is_kept_and_who_goes_on_is_a_clone),
        cmocka_unit_test(w3_an_answer_to_an_authentication_is_no_proof_of_a_block),
        cmocka_unit_test(a_till_beyond_its_credit_rings_once),
        cmocka_unit_test(largest_amounts_and_clocks_beyond_2038_hold),
    };
    return cmocka_run_group_tests_name("campus settlement", tests, NULL, NULL);
}
