/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/host/card_image.h"

#define WHOLE_BYTES (4096L + 4096L * 32L)

static char directory[64];
static char path[96];

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/stiver-image-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/card", directory);
    signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int remove_card(void **state)
{
    (void)state;
    chmod(path, 0600);
    remove(path);
    return 0;
}

static struct card_image *create(void)
{
    struct card_image *image = NULL;
    assert_int_equal(card_image_create(path, &image), CARD_IMAGE_OK);
    assert_non_null(image);
    return image;
}

static void make_card(void)
{
    card_image_close(create());
}

static void expect_open(enum card_image_status wanted)
{
    struct card_image *image = (struct card_image *)(void *)path;
    assert_int_equal(card_image_open(path, &image), wanted);
    if (wanted != CARD_IMAGE_OK)
        assert_null(image);
    card_image_close(image);
}

static void overwrite(long at, const void *bytes, size_t count)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, count, at), (ssize_t)count);
    close(file);
}

static void a_new_image_is_erased_private_and_whole(void **state)
{
    (void)state;
    uint8_t byte;
    struct stat about;
    struct card_image *image = create();
    struct stiver_flash flash = card_image_flash(image);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_size, WHOLE_BYTES);
    assert_int_equal(flash.page_bytes, 4096);
    assert_int_equal(flash.pages, 32);
    assert_int_equal(flash.unit_bytes, 16);
    for (uint32_t at = 0; at < 4096 * 32; at++) {
        assert_int_equal(flash.read(flash.context, at, &byte, 1), STIVER_FLASH_OK);
        assert_int_equal(byte, 0xFF);
    }
    card_image_close(image);
    expect_open(CARD_IMAGE_OK);
}

static void what_was_programmed_is_there_after_reopening(void **state)
{
    (void)state;
    uint8_t unit[16], found[16];
    struct card_image *image = create();
    struct stiver_flash flash = card_image_flash(image);
    memset(unit, 0x5A, sizeof unit);
    assert_int_equal(flash.program(flash.context, 4096 * 31 + 4080, unit, 16), STIVER_FLASH_OK);
    assert_int_equal(flash.program(flash.context, 0, unit, 16), STIVER_FLASH_OK);
    assert_int_equal(flash.program(flash.context, 4096, unit, 16), STIVER_FLASH_OK);
    assert_int_equal(flash.erase(flash.context, 0), STIVER_FLASH_OK);
    card_image_close(image);
    assert_int_equal(card_image_open(path, &image), CARD_IMAGE_OK);
    flash = card_image_flash(image);
    assert_int_equal(flash.read(flash.context, 4096 * 31 + 4080, found, 16), STIVER_FLASH_OK);
    assert_memory_equal(found, unit, 16);
    assert_int_equal(flash.read(flash.context, 4096, found, 16), STIVER_FLASH_OK);
    assert_memory_equal(found, unit, 16);
    memset(unit, 0xFF, sizeof unit);
    assert_int_equal(flash.read(flash.context, 0, found, 16), STIVER_FLASH_OK);
    assert_memory_equal(found, unit, 16);
    card_image_close(image);
}

static void a_unit_is_programmed_once_between_erases(void **state)
{
    (void)state;
    uint8_t unit[16] = {0};
    struct card_image *image = create();
    struct stiver_flash flash = card_image_flash(image);
    assert_int_equal(flash.program(flash.context, 32, unit, 16), STIVER_FLASH_OK);
    assert_int_equal(flash.program(flash.context, 32, unit, 16), STIVER_FLASH_RANGE);
    assert_int_equal(flash.erase(flash.context, 0), STIVER_FLASH_OK);
    assert_int_equal(flash.program(flash.context, 32, unit, 16), STIVER_FLASH_OK);
    card_image_close(image);
}

static void calls_outside_the_geometry_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t address;
        size_t bytes;
    } programs[] = {{8, 16},         {0, 8},           {0, 0},    {4080, 32},
                    {4096 * 32, 16}, {UINT32_MAX, 16}, {0, 8192}, {4294967280u, 16}};
    uint8_t data[8192] = {0};
    struct card_image *image = create();
    struct stiver_flash flash = card_image_flash(image);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        assert_int_equal(flash.program(flash.context, programs[i].address, data, programs[i].bytes),
                         STIVER_FLASH_RANGE);
    assert_int_equal(flash.erase(flash.context, 32), STIVER_FLASH_RANGE);
    assert_int_equal(flash.read(flash.context, 4096 * 32 - 1, data, 2), STIVER_FLASH_RANGE);
    assert_int_equal(flash.read(flash.context, UINT32_MAX, data, 2), STIVER_FLASH_RANGE);
    assert_int_equal(flash.read(flash.context, 4096 * 32 - 1, data, 1), STIVER_FLASH_OK);
    card_image_close(image);
}

static void creating_never_touches_a_file_that_is_there(void **state)
{
    (void)state;
    char found[8] = {0};
    struct card_image *image = NULL;
    overwrite(0, "mine", 4);
    assert_int_equal(card_image_create(path, &image), CARD_IMAGE_EXISTS);
    assert_null(image);
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, found, sizeof found), 4);
    assert_memory_equal(found, "mine", 4);
    close(file);
}

static void a_missing_file_and_a_missing_directory_are_not_found(void **state)
{
    (void)state;
    struct card_image *image = NULL;
    expect_open(CARD_IMAGE_NOT_FOUND);
    assert_int_equal(card_image_create("/nonexistent/card", &image), CARD_IMAGE_NOT_FOUND);
    assert_null(image);
}

static void other_files_are_foreign(void **state)
{
    (void)state;
    struct card_image *image = NULL;
    uint8_t zeros[5000] = {0};
    overwrite(0, "short", 5);
    expect_open(CARD_IMAGE_FOREIGN);
    overwrite(0, zeros, sizeof zeros);
    expect_open(CARD_IMAGE_FOREIGN);
    remove(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_open(CARD_IMAGE_FOREIGN);
    assert_int_equal(card_image_open(directory, &image), CARD_IMAGE_FOREIGN);
    assert_int_equal(card_image_open("/dev/null", &image), CARD_IMAGE_FOREIGN);
}

static void newer_and_older_formats_are_told_apart(void **state)
{
    (void)state;
    make_card();
    overwrite(18, "format 2\n", 9);
    expect_open(CARD_IMAGE_NEWER);
    overwrite(18, "format 0\n", 9);
    expect_open(CARD_IMAGE_OLDER);
    overwrite(18, "format 1\n", 9);
    expect_open(CARD_IMAGE_OK);
}

static void damage_is_named(void **state)
{
    (void)state;
    static const char *const lines[] = {"format x\n", "formula 1", "format 1 "};
    make_card();
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        overwrite(18, lines[i], 9);
        expect_open(CARD_IMAGE_DAMAGED);
    }
    overwrite(18, "format 1\n", 9);
    overwrite(4095, "x", 1);
    expect_open(CARD_IMAGE_DAMAGED);
    overwrite(4095, "", 1);
    expect_open(CARD_IMAGE_OK);
    overwrite(WHOLE_BYTES, "x", 1);
    expect_open(CARD_IMAGE_DAMAGED);
    static const long cuts[] = {WHOLE_BYTES - 1, 4096, 4095, 30, 18, 0};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        assert_int_equal(truncate(path, cuts[i]), 0);
        expect_open(CARD_IMAGE_DAMAGED);
    }
}

static void the_second_opener_is_told_that_it_is_in_use(void **state)
{
    (void)state;
    struct card_image *first = create();
    expect_open(CARD_IMAGE_IN_USE);
    card_image_close(first);
    assert_int_equal(card_image_open(path, &first), CARD_IMAGE_OK);
    expect_open(CARD_IMAGE_IN_USE);
    pid_t child = fork();
    if (child == 0) {
        struct card_image *image = NULL;
        _exit((int)card_image_open(path, &image));
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CARD_IMAGE_IN_USE);
    card_image_close(first);
    expect_open(CARD_IMAGE_OK);
}

/* In a child: root would be let in, so the child becomes another user where it can. */
static void no_permission_is_named(void **state)
{
    (void)state;
    make_card();
    assert_int_equal(chmod(path, 0400), 0);
    pid_t child = fork();
    if (child == 0) {
        struct card_image *image = NULL;
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(99);
        _exit((int)card_image_open(path, &image));
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), CARD_IMAGE_PERMISSION);
}

/* A limit on the size of files stands for a full disk: the write fails in its middle. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_leaves_no_half_made_card(void **state)
{
    (void)state;
    struct card_image *image = NULL;
    limit_files(50000);
    enum card_image_status status = card_image_create(path, &image);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, CARD_IMAGE_DISK_FULL);
    assert_null(image);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_write_that_fails_is_the_end_of_the_power(void **state)
{
    (void)state;
    uint8_t unit[16] = {0}, found[16];
    struct card_image *image = create();
    struct stiver_flash flash = card_image_flash(image);
    limit_files(8192);
    assert_int_equal(flash.program(flash.context, 0, unit, 16), STIVER_FLASH_OK);
    enum stiver_flash_status status = flash.program(flash.context, 8192, unit, 16);
    limit_files(RLIM_INFINITY);
    assert_int_equal(status, STIVER_FLASH_POWER_LOST);
    assert_int_equal(card_image_error(image), CARD_IMAGE_DISK_FULL);
    assert_int_equal(card_image_sync(image), CARD_IMAGE_DISK_FULL);
    assert_int_equal(flash.program(flash.context, 16, unit, 16), STIVER_FLASH_POWER_LOST);
    assert_int_equal(flash.erase(flash.context, 0), STIVER_FLASH_POWER_LOST);
    assert_int_equal(flash.read(flash.context, 0, found, 16), STIVER_FLASH_POWER_LOST);
    card_image_close(image);
    expect_open(CARD_IMAGE_OK);
}

static void every_status_has_its_sentence(void **state)
{
    (void)state;
    for (int status = CARD_IMAGE_OK; status <= CARD_IMAGE_IO; status++) {
        const char *text = card_image_status_text((enum card_image_status)status);
        assert_true(strlen(text) > 4 && text[strlen(text) - 1] == '.');
        assert_memory_equal(card_image_status_name((enum card_image_status)status), "CARD_", 5);
    }
    assert_string_equal(card_image_status_name((enum card_image_status)9999), "CARD_IMAGE_IO");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_image_is_erased_private_and_whole, remove_card),
        cmocka_unit_test_teardown(what_was_programmed_is_there_after_reopening, remove_card),
        cmocka_unit_test_teardown(a_unit_is_programmed_once_between_erases, remove_card),
        cmocka_unit_test_teardown(calls_outside_the_geometry_are_refused, remove_card),
        cmocka_unit_test_teardown(creating_never_touches_a_file_that_is_there, remove_card),
        cmocka_unit_test_teardown(a_missing_file_and_a_missing_directory_are_not_found,
                                  remove_card),
        cmocka_unit_test_teardown(other_files_are_foreign, remove_card),
        cmocka_unit_test_teardown(newer_and_older_formats_are_told_apart, remove_card),
        cmocka_unit_test_teardown(damage_is_named, remove_card),
        cmocka_unit_test_teardown(the_second_opener_is_told_that_it_is_in_use, remove_card),
        cmocka_unit_test_teardown(no_permission_is_named, remove_card),
        cmocka_unit_test_teardown(a_full_disk_leaves_no_half_made_card, remove_card),
        cmocka_unit_test_teardown(a_write_that_fails_is_the_end_of_the_power, remove_card),
        cmocka_unit_test_teardown(every_status_has_its_sentence, remove_card),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
