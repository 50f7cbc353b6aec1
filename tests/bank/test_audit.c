/* SPDX-License-Identifier: Apache-2.0 */
/* The audit names each row that the signed documents do not carry. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

struct town {
    struct world w;
    struct terminal station, kiosk, shop;
    struct card card;
};

static void town_open(struct town *t)
{
    uint8_t receipt[RECEIPT_BYTES];
    world_open(&t->w);
    terminal_enrol(&t->w, &t->station, ROLE_STATION, 0, 0);
    terminal_enrol(&t->w, &t->kiosk, ROLE_KIOSK, 1, 5000);
    terminal_enrol(&t->w, &t->shop, ROLE_POINT_OF_SALE, 7, 0);
    card_make(&t->w, &t->station, &t->card);
    card_load(&t->w, &t->kiosk, &t->card, 2000);
    card_pay(&t->card, &t->shop, 250, receipt);
    assert_int_equal(upload_one(&t->w, &t->shop, receipt, &t->card), UPLOAD_BOOKED);
}

static void town_remove(struct town *t)
{
    world_remove(&t->w);
    terminal_free(&t->station);
    terminal_free(&t->kiosk);
    terminal_free(&t->shop);
    card_free(&t->card);
}

struct findings {
    unsigned count, matching;
    const char *part;
};

static void note(void *context, const char *text)
{
    struct findings *findings = context;
    findings->count++;
    if (strstr(text, findings->part))
        findings->matching++;
    else
        print_message("# also: %s\n", text);
}

/* Exactly this many findings, all of which say this. */
static void expect_findings(struct town *t, unsigned count, const char *part)
{
    struct findings findings = {.part = part};
    struct stiver_bank_audit audit;
    assert_int_equal(stiver_bank_audit(t->w.bank, note, &findings, &audit), STIVER_BANK_OK);
    assert_int_equal(findings.count, count);
    assert_int_equal(findings.matching, count);
    assert_int_equal(audit.findings, count);
}

static void untouched_books_agree(void **state)
{
    (void)state;
    struct town t;
    struct stiver_bank_audit audit;
    town_open(&t);
    assert_int_equal(stiver_bank_audit(t.w.bank, NULL, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
    assert_int_equal(audit.receipts, 2);
    assert_int_equal(audit.orders, 1);
    assert_int_equal(audit.postings, 3);
    assert_int_equal(audit.certificates, 6 + 3 + 1); /* the bank's, terminals', card's */
    town_remove(&t);
}

static void planted_posting_is_named(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w,
              "INSERT INTO postings (document, from_kind, from_owner, to_kind, to_owner, card,"
              " amount, time) SELECT document, 1, 0, 3, 9, card, 99, 1 FROM postings LIMIT 1");
    expect_findings(&t, 1, "moves 99 minor units from float to merchant:9");
    struct stiver_bank_books books;
    assert_int_equal(stiver_bank_books(t.w.bank, NULL, NULL, &books), STIVER_BANK_OK);
    assert_false(books.balanced);
    town_remove(&t);
}

static void removed_posting_is_named(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w, "DROP TRIGGER postings_remain; DELETE FROM postings WHERE to_kind = 3");
    expect_findings(&t, 1,
                    "moves 250 minor units from float to merchant:7, but no posting says so");
    town_remove(&t);
}

static void changed_posting_is_named_twice(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w,
              "DROP TRIGGER postings_stay; UPDATE postings SET amount = 251 WHERE to_kind = 3");
    expect_findings(&t, 2, "from float to merchant:7"); /* one too many, one missing */
    town_remove(&t);
}

static void changed_document_is_named(void **state)
{
    (void)state;
    struct town t;
    struct findings findings = {.part = "its bytes are not those of its hash"};
    struct stiver_bank_audit audit;
    town_open(&t);
    world_sql(&t.w, "DROP TRIGGER documents_stay; UPDATE documents SET bytes = zeroblob(161)"
                    " WHERE id = (SELECT max(id) FROM documents WHERE type = 3)");
    assert_int_equal(stiver_bank_audit(t.w.bank, note, &findings, &audit), STIVER_BANK_OK);
    assert_int_equal(findings.matching, 1);
    town_remove(&t);
}

static void changed_shadow_balance_is_named(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w, "UPDATE cards SET balance = balance + 100");
    expect_findings(&t, 1, "has a shadow balance of 1850 minor units, its receipts say 1750");
    town_remove(&t);
}

static void changed_receipt_state_is_named(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w, "UPDATE receipts SET state = 3 WHERE kind = 1");
    expect_findings(&t, 1, "is in the register otherwise than its documents say");
    town_remove(&t);
}

static void removed_receipt_is_named(void **state)
{
    (void)state;
    struct town t;
    town_open(&t);
    world_sql(&t.w, "DELETE FROM receipts WHERE kind = 1");
    expect_findings(&t, 1, "1 receipts are in the documents, but not in the register");
    town_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_books_agree),
        cmocka_unit_test(planted_posting_is_named),
        cmocka_unit_test(removed_posting_is_named),
        cmocka_unit_test(changed_posting_is_named_twice),
        cmocka_unit_test(changed_document_is_named),
        cmocka_unit_test(changed_shadow_balance_is_named),
        cmocka_unit_test(changed_receipt_state_is_named),
        cmocka_unit_test(removed_receipt_is_named),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
