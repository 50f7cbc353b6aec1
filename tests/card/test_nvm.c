/* SPDX-License-Identifier: Apache-2.0 */
/* What each call of the tear-safe memory promises while the power stays on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "card/core/nvm.h"
#include "flash_emulator.h"

#define OWNER 7u
#define OTHER 8u

struct store {
    struct flash_emulator emulator;
    struct nvm nvm;
};

static const uint8_t SALT[NVM_SALT_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static void mount(struct store *s)
{
    flash_emulator_power_up(&s->emulator);
    assert_int_equal(nvm_mount(&s->nvm, &s->emulator.flash, SALT), NVM_OK);
}

static int setup(void **state)
{
    static struct store store;
    flash_emulator_open(&store.emulator, 2048, 8, 8, 1);
    assert_int_equal(nvm_format(&store.emulator.flash, SALT), NVM_OK);
    mount(&store);
    *state = &store;
    return 0;
}

static int teardown(void **state)
{
    struct store *s = *state;
    flash_emulator_close(&s->emulator);
    return 0;
}

static void put(struct store *s, uint8_t owner, uint8_t id, const char *text)
{
    size_t bytes = strlen(text);
    assert_int_equal(nvm_begin(&s->nvm, bytes, 1), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, owner, id, 3, (const uint8_t *)text, bytes), NVM_OK);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
}

static void expect(struct store *s, uint8_t owner, uint8_t id, const char *text)
{
    uint8_t out[64];
    uint8_t version = 0;
    size_t bytes = 1;
    enum nvm_status status = nvm_read(&s->nvm, owner, id, &version, out, sizeof out, &bytes);
    if (text == NULL) {
        assert_int_equal(status, NVM_ABSENT);
        assert_int_equal(bytes, 0);
        return;
    }
    assert_int_equal(status, NVM_OK);
    assert_int_equal(version, 3);
    assert_int_equal(bytes, strlen(text));
    assert_memory_equal(out, text, bytes);
}

static void a_formatted_store_is_empty(void **state)
{
    struct store *s = *state;
    size_t bytes;
    expect(s, OWNER, 1, NULL);
    assert_int_equal(nvm_size(&s->nvm, OWNER, 1, &bytes), NVM_ABSENT);
    assert_int_equal(nvm_free_pages(&s->nvm), 7);
}

static void a_committed_value_is_read_and_survives_power_cycles(void **state)
{
    struct store *s = *state;
    size_t bytes;
    put(s, OWNER, 1, "one");
    put(s, OWNER, 2, "two");
    put(s, OWNER, 1, "another");
    for (int i = 0; i < 3; i++) {
        expect(s, OWNER, 1, "another");
        expect(s, OWNER, 2, "two");
        expect(s, OTHER, 1, NULL);
        assert_int_equal(nvm_size(&s->nvm, OWNER, 1, &bytes), NVM_OK);
        assert_int_equal(bytes, 7);
        mount(s);
    }
}

static void a_value_is_seen_only_after_commit(void **state)
{
    struct store *s = *state;
    put(s, OWNER, 1, "old");
    assert_int_equal(nvm_begin(&s->nvm, 3, 1), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"new", 3), NVM_OK);
    expect(s, OWNER, 1, "old");
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    expect(s, OWNER, 1, "new");
}

static void an_abort_leaves_all_as_it_was_and_keeps_the_page(void **state)
{
    struct store *s = *state;
    put(s, OWNER, 1, "old");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nvm_begin(&s->nvm, 3, 1), NVM_OK);
        assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"new", 3), NVM_OK);
        nvm_abort(&s->nvm);
        expect(s, OWNER, 1, "old");
        mount(s);
        expect(s, OWNER, 1, "old");
    }
    put(s, OWNER, 1, "next");
    mount(s);
    expect(s, OWNER, 1, "next");
    for (uint32_t page = 2; page < 8; page++) {
        uint32_t erases;
        assert_int_equal(nvm_wear(&s->nvm, page, &erases), NVM_OK);
        assert_int_equal(erases, 0);
    }
}

static void no_data_clears_a_record(void **state)
{
    struct store *s = *state;
    put(s, OWNER, 1, "old");
    put(s, OWNER, 1, "");
    put(s, OWNER, 9, "");
    expect(s, OWNER, 1, NULL);
    mount(s);
    expect(s, OWNER, 1, NULL);
    expect(s, OWNER, 9, NULL);
}

static void put_twice_the_later_one_counts(void **state)
{
    struct store *s = *state;
    assert_int_equal(nvm_begin(&s->nvm, 9, 3), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"aaa", 3), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, NULL, 0), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"bbb", 3), NVM_OK);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    expect(s, OWNER, 1, "bbb");
    mount(s);
    expect(s, OWNER, 1, "bbb");
}

static void an_empty_transaction_changes_nothing(void **state)
{
    struct store *s = *state;
    put(s, OWNER, 1, "old");
    uint32_t operations = s->emulator.operations;
    assert_int_equal(nvm_begin(&s->nvm, 10, 1), NVM_OK);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    nvm_abort(&s->nvm);
    assert_int_equal(s->emulator.operations, operations);
}

static void calls_out_of_order_are_refused(void **state)
{
    struct store *s = *state;
    struct nvm unmounted;
    uint8_t out[4];
    size_t bytes;
    uint32_t erases;
    memset(&unmounted, 0, sizeof unmounted);
    assert_int_equal(nvm_begin(&unmounted, 1, 1), NVM_MISUSE);
    assert_int_equal(nvm_read(&unmounted, OWNER, 1, NULL, out, sizeof out, &bytes), NVM_MISUSE);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, out, 1), NVM_MISUSE);
    assert_int_equal(nvm_commit(&s->nvm), NVM_MISUSE);
    assert_int_equal(nvm_begin(&s->nvm, 4, 2), NVM_OK);
    assert_int_equal(nvm_begin(&s->nvm, 1, 1), NVM_MISUSE);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"12345", 5), NVM_MISUSE);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"12", 2), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 2, 3, (const uint8_t *)"34", 2), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 3, 3, NULL, 0), NVM_MISUSE);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    assert_int_equal(nvm_read(&s->nvm, OWNER, 1, NULL, out, 1, &bytes), NVM_MISUSE);
    assert_int_equal(bytes, 0);
    assert_int_equal(nvm_wear(&s->nvm, 8, &erases), NVM_MISUSE);
}

static void a_quota_holds_for_its_owner_and_before_anything_is_written(void **state)
{
    struct store *s = *state;
    static const struct nvm_quota QUOTAS[] = {{OWNER, 2, NVM_OCCUPIED(20) + NVM_OCCUPIED(3)},
                                              {OTHER, 1, NVM_OCCUPIED(4)}};
    static const uint8_t DATA[40] = {0};
    nvm_limit(&s->nvm, QUOTAS, 2);
    put(s, OWNER, 1, "one");
    assert_int_equal(nvm_begin(&s->nvm, 300, 9), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 2, 3, DATA, 20), NVM_OK);
    uint32_t operations = s->emulator.operations;
    assert_int_equal(nvm_put(&s->nvm, OWNER, 3, 3, DATA, 1), NVM_FULL);      /* records */
    assert_int_equal(nvm_put(&s->nvm, OWNER, 2, 3, DATA, 40), NVM_FULL);     /* bytes */
    assert_int_equal(nvm_put(&s->nvm, OWNER + 9u, 1, 3, DATA, 1), NVM_FULL); /* no row */
    assert_int_equal(s->emulator.operations, operations);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, NULL, 0), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 3, 3, (const uint8_t *)"abc", 3), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OTHER, 3, 3, (const uint8_t *)"abc", 3), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OTHER, 4, 3, (const uint8_t *)"abc", 3), NVM_FULL);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    expect(s, OWNER, 1, NULL);
    expect(s, OWNER, 3, "abc");
    expect(s, OTHER, 3, "abc");
    expect(s, OTHER, 4, NULL);
}

static void the_index_ends_at_its_last_record(void **state)
{
    struct store *s = *state;
    for (uint8_t id = 0; id < NVM_RECORDS_MAX; id++) {
        put(s, OWNER, id, "x");
    }
    assert_int_equal(nvm_begin(&s->nvm, 3, 3), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OTHER, 0, 3, (const uint8_t *)"y", 1), NVM_FULL);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 0, 3, NULL, 0), NVM_OK);
    assert_int_equal(nvm_put(&s->nvm, OTHER, 0, 3, (const uint8_t *)"y", 1), NVM_OK);
    assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
    mount(s);
    expect(s, OWNER, 0, NULL);
    expect(s, OTHER, 0, "y");
    for (uint8_t id = 1; id < NVM_RECORDS_MAX; id++) {
        expect(s, OWNER, id, "x");
    }
}

static void a_record_may_be_long_but_not_longer_than_a_page_takes(void **state)
{
    struct store *s = *state;
    static uint8_t data[NVM_DATA_SMALL_PAGE];
    static uint8_t out[NVM_DATA_SMALL_PAGE];
    size_t bytes;
    memset(data, 0x5A, sizeof data);
    for (uint8_t i = 0; i < 20; i++) {
        data[i] = i;
        assert_int_equal(nvm_begin(&s->nvm, sizeof data, 1), NVM_OK);
        assert_int_equal(nvm_put(&s->nvm, OWNER, i % 2, 3, data, sizeof data), NVM_OK);
        assert_int_equal(nvm_commit(&s->nvm), NVM_OK);
        mount(s);
        assert_int_equal(nvm_read(&s->nvm, OWNER, i % 2, NULL, out, sizeof out, &bytes), NVM_OK);
        assert_memory_equal(out, data, sizeof data);
    }
    uint32_t operations = s->emulator.operations;
    assert_int_equal(nvm_begin(&s->nvm, 2000, 1), NVM_FULL);
    assert_int_equal(nvm_begin(&s->nvm, SIZE_MAX, 1), NVM_FULL);
    assert_int_equal(nvm_begin(&s->nvm, 1, NVM_TRANSACTION_RECORDS_MAX + 1), NVM_FULL);
    assert_int_equal(s->emulator.operations, operations);
}

static void a_lost_power_is_answered_by_every_call_until_the_next_mount(void **state)
{
    struct store *s = *state;
    uint8_t out[8];
    size_t bytes;
    uint32_t erases;
    put(s, OWNER, 1, "old");
    assert_int_equal(nvm_begin(&s->nvm, 3, 1), NVM_OK);
    flash_emulator_cut(&s->emulator, 1, TEAR_AFTER);
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, (const uint8_t *)"new", 3), NVM_POWER_LOST);
    flash_emulator_power_up(&s->emulator); /* the power alone does not help */
    assert_int_equal(nvm_put(&s->nvm, OWNER, 1, 3, out, 0), NVM_POWER_LOST);
    assert_int_equal(nvm_commit(&s->nvm), NVM_POWER_LOST);
    nvm_abort(&s->nvm);
    assert_int_equal(nvm_begin(&s->nvm, 3, 1), NVM_POWER_LOST);
    assert_int_equal(nvm_size(&s->nvm, OWNER, 1, &bytes), NVM_POWER_LOST);
    assert_int_equal(nvm_read(&s->nvm, OWNER, 1, NULL, out, sizeof out, &bytes), NVM_POWER_LOST);
    assert_int_equal(nvm_wear(&s->nvm, 0, &erases), NVM_POWER_LOST);
    mount(s);
    expect(s, OWNER, 1, "old");
}

static void impossible_geometries_are_refused(void **state)
{
    struct store *s = *state;
    struct nvm nvm;
    struct stiver_flash flash = s->emulator.flash;
    static const uint32_t SHAPES[][3] = {{1024, 8, 8}, {65536, 8, 8},  {3000, 8, 8},
                                         {2048, 3, 8}, {2048, 256, 8}, {2048, 8, 0},
                                         {2048, 8, 3}, {2048, 8, 32}};
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        flash.page_bytes = SHAPES[i][0];
        flash.pages = SHAPES[i][1];
        flash.unit_bytes = SHAPES[i][2];
        assert_int_equal(nvm_format(&flash, SALT), NVM_GEOMETRY);
        assert_int_equal(nvm_mount(&nvm, &flash, SALT), NVM_GEOMETRY);
    }
    flash = s->emulator.flash;
    flash.pages = 4;
    assert_int_equal(nvm_mount(&nvm, &flash, SALT), NVM_GEOMETRY);
}

static enum nvm_status search(struct store *s, uint8_t first, uint8_t last, size_t offset,
                              const char *text)
{
    return nvm_search(&s->nvm, OWNER, first, last, offset, (const uint8_t *)text, strlen(text));
}

static void a_search_sees_what_lives_in_its_range_alone(void **state)
{
    struct store *s = *state;
    assert_int_equal(search(s, 0, 255, 0, "one"), NVM_ABSENT);
    put(s, OWNER, 10, "ten is one");
    put(s, OWNER, 11, "eleven");
    put(s, OTHER, 12, "twelve");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(search(s, 10, 11, 7, "one"), NVM_OK);
        assert_int_equal(search(s, 10, 10, 0, "ten"), NVM_OK);
        assert_int_equal(search(s, 11, 11, 0, "eleven"), NVM_OK);
        assert_int_equal(search(s, 10, 11, 6, "one"), NVM_ABSENT);
        assert_int_equal(search(s, 11, 20, 7, "one"), NVM_ABSENT);
        assert_int_equal(search(s, 0, 9, 0, "ten"), NVM_ABSENT);
        assert_int_equal(search(s, 0, 255, 0, "twelve"), NVM_ABSENT);
        assert_int_equal(search(s, 0, 255, NVM_DATA_MAX, "one"), NVM_ABSENT);
        mount(s);
    }
    put(s, OWNER, 10, "ten is two");
    assert_int_equal(search(s, 10, 11, 7, "one"), NVM_ABSENT);
    put(s, OWNER, 11, "");
    assert_int_equal(search(s, 10, 11, 0, "eleven"), NVM_ABSENT);
    assert_int_equal(search(s, 10, 11, NVM_DATA_MAX + 1, "one"), NVM_MISUSE);
    assert_int_equal(search(s, 10, 11, 0, "seventeen letters"), NVM_MISUSE);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_formatted_store_is_empty),
        EACH(a_committed_value_is_read_and_survives_power_cycles),
        EACH(a_value_is_seen_only_after_commit),
        EACH(an_abort_leaves_all_as_it_was_and_keeps_the_page),
        EACH(no_data_clears_a_record),
        EACH(a_search_sees_what_lives_in_its_range_alone),
        EACH(put_twice_the_later_one_counts),
        EACH(an_empty_transaction_changes_nothing),
        EACH(calls_out_of_order_are_refused),
        EACH(a_quota_holds_for_its_owner_and_before_anything_is_written),
        EACH(the_index_ends_at_its_last_record),
        EACH(a_record_may_be_long_but_not_longer_than_a_page_takes),
        EACH(a_lost_power_is_answered_by_every_call_until_the_next_mount),
        EACH(impossible_geometries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
