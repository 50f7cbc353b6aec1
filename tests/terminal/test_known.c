/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that comes again: what its terminal verifies once while it runs, and what each time.
 * psa_verify_hash is wrapped, and counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "terminal/journal.h"
#include "town.h"

static unsigned verifications;

psa_status_t __real_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes);
psa_status_t __wrap_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes);
psa_status_t __wrap_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes)
{
    verifications++;
    return __real_psa_verify_hash(key, algorithm, hash, hash_bytes, signature, signature_bytes);
}

static struct town town;
static struct town_card card, other;
static struct town_terminal kiosk, shop;

static int set_up(void **state)
{
    (void)state;
    town_found(&town);
    town.policy_pin_above = UINT32_MAX;
    town_terminal(&town, ROLE_KIOSK, 1, NULL, &kiosk);
    town_terminal(&town, ROLE_POINT_OF_SALE, 2, NULL, &shop);
    town_card_issue(&town, &card, 1);
    town_card_issue(&town, &other, 2);
    town_load(&kiosk, &card, 2000);
    town_load(&kiosk, &other, 2000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    town_card_remove(&card);
    town_card_remove(&other);
    town_terminal_close(&kiosk);
    town_terminal_close(&shop);
    return 0;
}

/* One payment of 1.00. What it verified at both ends: cards verify nothing of a known terminal. */
static unsigned pay(struct town_card *with, unsigned expected_apdus)
{
    struct stiver_terminal_result result;
    unsigned apdus = 0, before = verifications;
    size_t bytes = 0;
    assert_int_equal(town_pay(&shop, with, 100, &result), STIVER_TERMINAL_OK);
    assert_memory_equal(result.card, with->number, CARD_NUMBER_BYTES);
    assert_memory_equal(result.receipt.card, with->number, CARD_NUMBER_BYTES);
    stiver_terminal_last_count(shop.terminal, &apdus, &bytes);
    assert_int_equal(apdus, expected_apdus);
    return verifications - before;
}

static void a_card_that_comes_again_is_spared_the_signature_of_its_certificate_alone(void **state)
{
    (void)state;
    /* The card's and the terminal's certificate, the receipt. */
    assert_int_equal(pay(&card, 6), 3);
    assert_int_equal(pay(&card, 3), 1);
    assert_int_equal(pay(&card, 3), 1);
    /* Of a card that this terminal has not met, nothing is spared. */
    assert_int_equal(pay(&other, 6), 3);
    assert_int_equal(pay(&other, 3), 1);
}

static void what_was_verified_is_forgotten_with_the_package_it_was_verified_under(void **state)
{
    static uint8_t package[64u * 1024u];
    uint8_t request[STIVER_TERMINAL_REQUEST_BYTES];
    (void)state;
    assert_int_equal(pay(&card, 6), 3);
    assert_int_equal(pay(&card, 3), 1);
    stiver_terminal_request(shop.terminal, request);
    size_t bytes = town_package(&town, ROLE_POINT_OF_SALE, 2, request, &shop.certificate, package,
                                sizeof package);
    assert_int_equal(stiver_terminal_adopt(shop.terminal, package, bytes, NULL),
                     STIVER_TERMINAL_OK);
    /* The handles are forgotten too: the short way is tried in vain. */
    assert_int_equal(pay(&card, 7), 3);
    assert_int_equal(pay(&card, 3), 1);
}

/* Who can write to the journal puts a genuine card's certificate, which verified here, in another's
 * place: the channel does not open with it, and the two meet as strangers. */
static void the_certificate_of_another_known_card_opens_nothing(void **state)
{
    (void)state;
    assert_int_equal(pay(&card, 6), 3);
    assert_int_equal(pay(&other, 6), 3);
    assert_int_equal(db_execute(shop.terminal->journal,
                                "CREATE TEMP TABLE swap AS SELECT number, certificate FROM card;"
                                "UPDATE card SET certificate = (SELECT certificate FROM swap"
                                "  WHERE swap.number <> card.number);"),
                     DB_OK);
    /* SELECT, the short way, SELECT again, and the long way. */
    assert_int_equal(pay(&card, 7), 2);
    assert_int_equal(pay(&card, 3), 1);
}

/* One that nobody signed is not believed because its card is known. */
static void a_spoilt_certificate_in_the_journal_leads_to_the_long_way(void **state)
{
    (void)state;
    assert_int_equal(pay(&card, 6), 3);
    assert_int_equal(db_execute(shop.terminal->journal,
                                "UPDATE card SET certificate = zeroblob(length(certificate));"),
                     DB_OK);
    assert_int_equal(pay(&card, 7), 2);
    assert_int_equal(pay(&card, 3), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_card_that_comes_again_is_spared_the_signature_of_its_certificate_alone),
        TEST(what_was_verified_is_forgotten_with_the_package_it_was_verified_under),
        TEST(the_certificate_of_another_known_card_opens_nothing),
        TEST(a_spoilt_certificate_in_the_journal_leads_to_the_long_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
