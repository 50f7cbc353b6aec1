/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image asks of the disk, and in which order: pwrite and fdatasync are wrapped at link
 * time, noted, and made to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "port/host/card_image.h"

ssize_t __real_pwrite64(int file, const void *data, size_t bytes, off_t at);
ssize_t __wrap_pwrite64(int file, const void *data, size_t bytes, off_t at);
int __real_fdatasync(int file);
int __wrap_fdatasync(int file);

/* A letter a call: the page's digit for a write (the header is page 0 of the file), s for a sync.
 */
static char calls[64];
static size_t call_count;
static int write_error, sync_error, interrupts;
static size_t largest_write;

static void note(char letter)
{
    assert_true(call_count + 1 < sizeof calls);
    calls[call_count++] = letter;
    calls[call_count] = '\0';
}

ssize_t __wrap_pwrite64(int file, const void *data, size_t bytes, off_t at)
{
    if (interrupts > 0) {
        interrupts--;
        errno = EINTR;
        return -1;
    }
    if (write_error) {
        errno = write_error;
        return -1;
    }
    note((char)('0' + at / 4096));
    return __real_pwrite64(file, data, bytes < largest_write ? bytes : largest_write, at);
}

int __wrap_fdatasync(int file)
{
    note('s');
    errno = sync_error;
    return sync_error ? -1 : __real_fdatasync(file);
}

static char path[64];
static struct card_image *image;
static struct stiver_flash flash;
static const uint8_t unit[16] = {1, 2, 3};

static int fresh_image(void **state)
{
    (void)state;
    write_error = sync_error = interrupts = 0;
    largest_write = SIZE_MAX;
    strcpy(path, "/tmp/stiver-sync-XXXXXX");
    close(mkstemp(path));
    remove(path);
    call_count = 0;
    if (card_image_create(path, &image) != CARD_IMAGE_OK)
        return -1;
    flash = card_image_flash(image);
    call_count = 0;
    return 0;
}

static int closed_image(void **state)
{
    (void)state;
    card_image_close(image);
    remove(path);
    return 0;
}

static enum stiver_flash_status program(uint32_t page, uint32_t number)
{
    return flash.program(flash.context, page * 4096 + number * 16, unit, 16);
}

static void an_answer_waits_for_the_disk_only_if_something_was_written(void **state)
{
    (void)state;
    assert_true(card_image_settle(image));
    assert_int_equal(call_count, 0);
    assert_int_equal(program(2, 0), STIVER_FLASH_OK);
    assert_true(card_image_settle(image));
    assert_true(card_image_settle(image));
    assert_string_equal(calls, "3s");
}

static void one_page_reaches_the_disk_before_the_next_is_written(void **state)
{
    (void)state;
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    assert_int_equal(program(0, 1), STIVER_FLASH_OK);
    assert_int_equal(program(4, 0), STIVER_FLASH_OK);
    assert_int_equal(flash.erase(flash.context, 0), STIVER_FLASH_OK);
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    assert_true(card_image_settle(image));
    assert_string_equal(calls, "11s5s11s");
}

static void a_volatile_image_leaves_it_to_the_system(void **state)
{
    (void)state;
    card_image_set_volatile(image, true);
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    assert_int_equal(program(1, 0), STIVER_FLASH_OK);
    assert_true(card_image_settle(image));
    assert_string_equal(calls, "12");
}

static void what_did_not_reach_the_disk_is_not_answered(void **state)
{
    (void)state;
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    sync_error = EIO;
    assert_false(card_image_settle(image));
    assert_int_equal(card_image_error(image), CARD_IMAGE_IO);
    /* A later sync that succeeds does not bring back what an earlier one lost. */
    sync_error = 0;
    assert_false(card_image_settle(image));
    assert_int_equal(program(0, 1), STIVER_FLASH_POWER_LOST);
}

static void a_sync_between_pages_that_fails_ends_the_power(void **state)
{
    (void)state;
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    sync_error = ENOSPC;
    assert_int_equal(program(1, 0), STIVER_FLASH_POWER_LOST);
    assert_string_equal(calls, "1s");
    assert_int_equal(card_image_error(image), CARD_IMAGE_DISK_FULL);
}

static void each_error_of_a_write_has_its_status(void **state)
{
    static const struct {
        int error;
        enum card_image_status status;
    } rows[] = {{ENOSPC, CARD_IMAGE_DISK_FULL}, {EDQUOT, CARD_IMAGE_DISK_FULL},
                {EIO, CARD_IMAGE_IO},           {EROFS, CARD_IMAGE_PERMISSION},
                {ENOMEM, CARD_IMAGE_MEMORY},    {EBADF, CARD_IMAGE_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_error = rows[i].error;
        assert_int_equal(program(0, 0), STIVER_FLASH_POWER_LOST);
        assert_int_equal(card_image_error(image), rows[i].status);
        closed_image(state);
        assert_int_equal(fresh_image(state), 0);
    }
}

static void creation_that_fails_leaves_no_file(void **state)
{
    struct card_image *other = NULL;
    closed_image(state);
    write_error = EIO;
    assert_int_equal(card_image_create(path, &other), CARD_IMAGE_IO);
    assert_null(other);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(fresh_image(state), 0);
}

static void interrupted_and_partial_writes_are_carried_to_their_end(void **state)
{
    (void)state;
    uint8_t found[16];
    interrupts = 3;
    largest_write = 5;
    assert_int_equal(program(0, 0), STIVER_FLASH_OK);
    assert_string_equal(calls, "1111");
    card_image_close(image);
    assert_int_equal(card_image_open(path, &image), CARD_IMAGE_OK);
    flash = card_image_flash(image);
    assert_int_equal(flash.read(flash.context, 0, found, 16), STIVER_FLASH_OK);
    assert_memory_equal(found, unit, 16);
}

#define SYNC_TEST(name) cmocka_unit_test_setup_teardown(name, fresh_image, closed_image)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SYNC_TEST(an_answer_waits_for_the_disk_only_if_something_was_written),
        SYNC_TEST(one_page_reaches_the_disk_before_the_next_is_written),
        SYNC_TEST(a_volatile_image_leaves_it_to_the_system),
        SYNC_TEST(what_did_not_reach_the_disk_is_not_answered),
        SYNC_TEST(a_sync_between_pages_that_fails_ends_the_power),
        SYNC_TEST(each_error_of_a_write_has_its_status),
        SYNC_TEST(creation_that_fails_leaves_no_file),
        SYNC_TEST(interrupted_and_partial_writes_are_carried_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
