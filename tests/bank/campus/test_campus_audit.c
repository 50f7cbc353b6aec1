/* SPDX-License-Identifier: Apache-2.0 */
/* The audit names each row of the campus purse that its documents do not carry. */
#include "field.h"

#include <stdio.h>
#include <string.h>

#include "bank/store.h"
#include "base/hex.h"

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

/* A bank that has all kinds of documents. */
static void life(struct field *f)
{
    const struct stiver_bank_money cash = {3000, WORLD_EUR};
    field_open(f);
    assert_int_equal(stiver_campus_fund(f->w.bank, f->reload.id, cash, "bag"), STIVER_BANK_OK);
    static const enum campus_outcome outcomes[] = {CAMPUS_OUTCOME_DONE, CAMPUS_OUTCOME_UNKNOWN,
                                                   CAMPUS_OUTCOME_UNKNOWN, CAMPUS_OUTCOME_NOT_DONE};
    for (unsigned i = 0; i < 4; i++) {
        struct campus_upload loaded =
            field_receipt(f, &f->card, &f->reload, 1000 + i, 0, outcomes[i]);
        assert_int_equal(field_upload(f, &f->reload, &loaded), UPLOAD_BOOKED);
    }
    assert_int_equal(field_outcome(f, &f->reload, f->card.id, 2, CAMPUS_OUTCOME_DONE),
                     UPLOAD_BOOKED);
    assert_int_equal(stiver_campus_decide(f->w.bank, f->card.id, 3, false), STIVER_BANK_OK);
    struct campus_upload paid = field_receipt(f, &f->card, &f->pos, 250, 0, CAMPUS_OUTCOME_DONE);
    struct campus_upload second = paid;
    second.is.receipt.receipt.amount++;
    field_sign(&f->card, &second);
    assert_int_equal(field_upload(f, &f->pos, &paid), UPLOAD_BOOKED);
    assert_int_equal(field_upload(f, &f->pos, &second), UPLOAD_SUSPENSE);
}

static void untouched_books_agree(void **state)
{
    (void)state;
    struct field f;
    struct stiver_bank_audit audit;
    life(&f);
    assert_int_equal(stiver_bank_audit(f.w.bank, NULL, NULL, &audit), STIVER_BANK_OK);
    assert_int_equal(audit.findings, 0);
    assert_int_equal(audit.receipts, 4 + 2);
    assert_int_equal(audit.certificates, 6 + 2 + 1); /* the bank's, terminals', card's */
    assert_int_equal(audit.postings, 1 + 3 + 2 + 1);
    field_close(&f);
}

struct plant {
    const char *sql, *part;
    unsigned count;
};

static const struct plant plants[] = {
    {"INSERT INTO postings (document, from_kind, from_owner, to_kind, to_owner, card, amount, time)"
     " SELECT document, 10, 0, 12, 9, card, 99, 1 FROM postings LIMIT 1",
     "moves 99 minor units from campus float to campus merchant:9", 1},
    {"DROP TRIGGER postings_remain; DELETE FROM postings WHERE to_kind = 12",
     "moves 250 minor units from campus float to campus merchant:7, but no posting says so", 1},
    {"DROP TRIGGER postings_stay; UPDATE postings SET amount = 251 WHERE to_kind = 12",
     "from campus float to campus merchant:7", 2},
    {"UPDATE campus_cards SET shadow = shadow + 100 WHERE modulus IS NOT NULL",
     "has a shadow balance of", 1},
    {"UPDATE campus_cards SET counter = 99", "has counter 99 in the register", 1},
    {"UPDATE campus_cards SET listed = 0", "is listed or blocked otherwise", 1},
    {"UPDATE campus_cards SET blocked = 5", "is listed or blocked otherwise", 1},
    {"UPDATE campus_cards SET ends = ends + 1", "otherwise than in its certificate", 1},
    {"UPDATE campus_receipts SET state = 3 WHERE counter = 1", "receipt 1 of campus card", 1},
    {"UPDATE campus_receipts SET is_load = 1 WHERE counter = 5", "receipt 5 of campus card", 1},
    {"DELETE FROM campus_receipts WHERE counter = 4", "1 campus receipts are in the documents", 1},
    {"UPDATE campus_terminals SET role = 3 WHERE role = 2",
     "is in the register otherwise than its documents say", 1},
    {"UPDATE campus_terminals SET merchant = 8 WHERE role = 2",
     "is in the register otherwise than its documents say", 1},
    {"INSERT INTO campus_terminals VALUES (99, 3, x'00', 0, 0, 0, 0);"
     " UPDATE campus_terminals SET modulus = zeroblob(256) WHERE id = 99",
     "campus terminal 99 is in the register, but no document names it", 1},
    {"DELETE FROM campus_lists WHERE end_ms = (SELECT max(end_ms) FROM campus_lists)",
     "newest list of campus cards is not the one in the documents", 1},
    {"UPDATE campus_key SET modulus = zeroblob(256)", "key is not the one in the documents", 1},
};

static void each_planted_row_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++) {
        struct field f;
        struct findings findings = {.part = plants[i].part};
        struct stiver_bank_audit audit;
        life(&f);
        world_sql(&f.w, plants[i].sql);
        assert_int_equal(stiver_bank_audit(f.w.bank, note, &findings, &audit), STIVER_BANK_OK);
        if (findings.matching != plants[i].count || findings.count != plants[i].count)
            fail_msg("%s: %u findings, %u of which say: %s", plants[i].sql, findings.count,
                     findings.matching, plants[i].part);
        field_remove(&f);
    }
}

#define ZEROS 300u

/* SQL that puts zeros, with a hash that fits, into the newest document of a type; or removes it. */
static void damage(struct field *f, unsigned type, bool is_removed)
{
    static const uint8_t zeros[ZEROS];
    uint8_t hash[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1], sql[400];
    assert_true(evp_sha256(zeros, sizeof zeros, hash));
    hex_encode(hash, sizeof hash, hex);
    world_sql(&f->w, "DROP TRIGGER documents_stay; DROP TRIGGER documents_remain");
    if (is_removed)
        snprintf(sql, sizeof sql,
                 "DELETE FROM documents WHERE id = (SELECT max(id) FROM documents WHERE type = %u)",
                 type);
    else
        snprintf(sql, sizeof sql,
                 "UPDATE documents SET bytes = zeroblob(%u), hash = x'%s' WHERE id = (SELECT"
                 " max(id) FROM documents WHERE type = %u)",
                 ZEROS, hex, type);
    world_sql(&f->w, sql);
}

/* By somebody who has the records and no keys. */
static void each_changed_or_missing_document_is_noticed(void **state)
{
    (void)state;
    for (unsigned type = RECORD_CAMPUS_KEY; type <= RECORD_CAMPUS_CARD_LISTED; type++)
        for (int is_removed = 0; is_removed < 2; is_removed++) {
            struct field f;
            struct stiver_bank_audit audit;
            if (type == RECORD_CAMPUS_BLOCK) /* none in this life */
                continue;
            life(&f);
            damage(&f, type, is_removed);
            assert_int_equal(stiver_bank_audit(f.w.bank, NULL, NULL, &audit), STIVER_BANK_OK);
            /* A second receipt is evidence alone: nothing shows that one is gone. */
            bool is_silent = type == RECORD_CAMPUS_SECOND && is_removed;
            if ((audit.findings == 0) != is_silent)
                fail_msg("type %u, removed %d: %u findings", type, is_removed,
                         (unsigned)audit.findings);
            field_remove(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_books_agree),
        cmocka_unit_test(each_planted_row_is_named),
        cmocka_unit_test(each_changed_or_missing_document_is_noticed),
    };
    return cmocka_run_group_tests_name("campus audit", tests, NULL, NULL);
}
