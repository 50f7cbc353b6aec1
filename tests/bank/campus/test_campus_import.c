/* SPDX-License-Identifier: Apache-2.0 */
/* The log files of the source's terminals: each line verified, each booked once. */
#include "field.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES 16384u

struct log {
    uint8_t bytes[FILE_BYTES];
    struct writer w;
};

static void log_begin(struct log *log)
{
    log->w = writer_of(log->bytes, sizeof log->bytes);
    writer_bytes(&log->w, (const uint8_t *)campus_log_header, strlen(campus_log_header));
}

static struct campus_log_line line_of(const struct campus_upload *upload, enum campus_usage usage)
{
    const struct campus_upload_receipt *r = &upload->is.receipt;
    struct campus_log_line line = {.time = r->receipt.time,
                                   .card = r->receipt.card,
                                   .counter = r->receipt.counter,
                                   .amount = r->receipt.amount,
                                   .terminal_usage = usage};
    memcpy(line.card_modulus, r->card.modulus, CAMPUS_RSA_BYTES);
    memcpy(line.card_certificate, r->card.signature, CAMPUS_RSA_BYTES);
    memcpy(line.receipt, r->receipt.signature, CAMPUS_RSA_BYTES);
    return line;
}

static void log_add(struct log *log, struct field *f, const struct party *terminal, uint32_t amount,
                    enum campus_usage usage)
{
    struct campus_upload upload =
        field_receipt(f, &f->card, terminal, amount, 0, CAMPUS_OUTCOME_DONE);
    struct campus_log_line line = line_of(&upload, usage);
    campus_log_line_write(&log->w, &line);
    assert_false(log->w.failed);
}

struct told {
    unsigned count, lines[16];
};

static void tell(void *context, unsigned line, const char *why)
{
    struct told *told = context;
    assert_non_null(why);
    assert_true(told->count < 16);
    told->lines[told->count++] = line;
}

static struct stiver_campus_import import(struct field *f, const struct party *terminal,
                                          const struct log *log, struct told *told)
{
    struct stiver_campus_import count;
    *told = (struct told){0};
    assert_int_equal(stiver_campus_import_log(f->w.bank, terminal->id, log->bytes, log->w.used,
                                              tell, told, &count),
                     STIVER_BANK_OK);
    assert_int_equal(told->count, count.rejected);
    return count;
}

static void lines_are_booked_once(void **state)
{
    (void)state;
    struct field f;
    struct log loads, payments;
    struct told told;
    field_open(&f);
    log_begin(&loads);
    log_add(&loads, &f, &f.reload, 1000, CAMPUS_USAGE_RELOAD);
    log_begin(&payments);
    for (uint32_t i = 1; i <= 4; i++)
        log_add(&payments, &f, &f.pos, i, CAMPUS_USAGE_POS);
    struct stiver_campus_import count = import(&f, &f.reload, &loads, &told);
    assert_int_equal(count.booked, 1);
    count = import(&f, &f.pos, &payments, &told);
    assert_true(count.booked == 4 && count.already == 0 && count.rejected == 0);
    count = import(&f, &f.pos, &payments, &told);
    assert_true(count.booked == 0 && count.already == 4);
    assert_int_equal(world_balance(&f.w, "campus merchant:7"), 10);
    assert_int_equal(world_balance(&f.w, "campus float"), 990);
    field_close(&f);
}

static void w18_duplicates_forgeries_and_nonsense_are_told_and_the_rest_booked(void **state)
{
    (void)state;
    struct field f;
    struct log log;
    struct told told;
    field_open(&f);
    log_begin(&log);
    log_add(&log, &f, &f.pos, 1, CAMPUS_USAGE_POS); /* line 2 */
    struct campus_upload good = field_receipt(&f, &f.card, &f.pos, 2, 0, CAMPUS_OUTCOME_DONE);
    struct campus_log_line line = line_of(&good, CAMPUS_USAGE_POS), bad = line;
    campus_log_line_write(&log.w, &line); /* 3 */
    campus_log_line_write(&log.w, &line); /* 4: twice */
    bad.amount++;
    campus_log_line_write(&log.w, &bad); /* 5 */
    bad = line;
    bad.terminal_usage = CAMPUS_USAGE_RELOAD; /* W3: the file's word for it */
    campus_log_line_write(&log.w, &bad);      /* 6 */
    bad = line;
    bad.card = 77;
    campus_log_line_write(&log.w, &bad); /* 7 */
    bad = line;
    bad.card_certificate[9] ^= 1;
    campus_log_line_write(&log.w, &bad);                           /* 8 */
    writer_bytes(&log.w, (const uint8_t *)"nonsense,1,2\n\n", 14); /* 9, 10 */
    log_add(&log, &f, &f.reload, 50, CAMPUS_USAGE_POS);            /* 11: another terminal's */
    log_add(&log, &f, &f.pos, 4, CAMPUS_USAGE_POS);                /* 12 */
    campus_log_line_write(&log.w, &line);                          /* 13: no LF */
    log.w.used--;
    struct stiver_campus_import count = import(&f, &f.pos, &log, &told);
    assert_int_equal(count.booked, 3);
    assert_int_equal(count.already, 1);
    static const unsigned wanted[] = {5, 6, 7, 8, 9, 10, 11, 13};
    assert_int_equal(told.count, 8);
    assert_memory_equal(told.lines, wanted, sizeof wanted);
    assert_int_equal(world_balance(&f.w, "campus merchant:7"), 7);
    field_close(&f);
}

/* The file cannot know how it ended: its terminal, and after it a person, can. */
static void a_log_does_not_end_what_its_terminal_left_open(void **state)
{
    (void)state;
    struct field f;
    struct log loads, payments;
    struct told told;
    field_open(&f);
    field_load(&f, &f.card, 1000);
    struct campus_upload load =
        field_receipt(&f, &f.card, &f.reload, 700, 0, CAMPUS_OUTCOME_UNKNOWN);
    struct campus_upload sale = field_receipt(&f, &f.card, &f.pos, 250, 0, CAMPUS_OUTCOME_NOT_DONE);
    assert_int_equal(field_upload(&f, &f.reload, &load), UPLOAD_BOOKED);
    assert_int_equal(field_upload(&f, &f.pos, &sale), UPLOAD_BOOKED);
    struct campus_log_line line = line_of(&load, CAMPUS_USAGE_RELOAD);
    log_begin(&loads);
    campus_log_line_write(&loads.w, &line);
    line = line_of(&sale, CAMPUS_USAGE_POS);
    log_begin(&payments);
    campus_log_line_write(&payments.w, &line);
    assert_int_equal(import(&f, &f.reload, &loads, &told).already, 1);
    assert_int_equal(import(&f, &f.pos, &payments, &told).already, 1);
    assert_int_equal(world_balance(&f.w, "campus in flight"), 700);
    assert_int_equal(world_balance(&f.w, "campus float"), 1000 - 250);
    assert_int_equal(field_outcome(&f, &f.reload, f.card.id, load.is.receipt.receipt.counter,
                                   CAMPUS_OUTCOME_NOT_DONE),
                     UPLOAD_BOOKED);
    assert_int_equal(import(&f, &f.reload, &loads, &told).already, 1);
    assert_int_equal(world_balance(&f.w, "campus owed to holders"), 950);
    assert_int_equal(world_balance(&f.w, "campus float"), 1000 - 250);
    assert_int_equal(world_alarms(&f.w), 0);
    field_close(&f);
}

static void what_is_no_log_books_nothing(void **state)
{
    (void)state;
    struct field f;
    struct log log;
    struct stiver_campus_import count;
    field_open(&f);
    log_begin(&log);
    log_add(&log, &f, &f.pos, 1, CAMPUS_USAGE_POS);
    struct stiver_bank *bank = f.w.bank;
    assert_int_equal(
        stiver_campus_import_log(bank, f.pos.id, log.bytes + 1, log.w.used - 1, NULL, NULL, &count),
        STIVER_BANK_MALFORMED);
    assert_int_equal(stiver_campus_import_log(bank, f.pos.id, log.bytes, 20, NULL, NULL, &count),
                     STIVER_BANK_MALFORMED);
    assert_int_equal(
        stiver_campus_import_log(bank, f.station.id, log.bytes, log.w.used, NULL, NULL, &count),
        STIVER_BANK_MALFORMED);
    assert_int_equal(stiver_campus_import_log(bank, 99, log.bytes, log.w.used, NULL, NULL, &count),
                     STIVER_BANK_UNKNOWN_TERMINAL);
    assert_int_equal(world_balance(&f.w, "campus merchant:7"), 0);
    field_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_booked_once),
        cmocka_unit_test(w18_duplicates_forgeries_and_nonsense_are_told_and_the_rest_booked),
        cmocka_unit_test(a_log_does_not_end_what_its_terminal_left_open),
        cmocka_unit_test(what_is_no_log_books_nothing),
    };
    return cmocka_run_group_tests_name("campus import", tests, NULL, NULL);
}
