/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people type and keep: numbers, hexadecimal, amounts; the days of certificates; the stock
 * record of a blank card, as the program reads it from a file. What was read and written again is
 * the same, and a stock record that is taken is one.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/date.h"
#include "base/hex.h"
#include "cli/stock_record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct cli_command command = {.name = "fuzz"};
static char path[] = "/tmp/stiver-fuzz-XXXXXX";
static int file = -1;
static FILE *nowhere;

static void need(bool holds)
{
    if (!holds)
        abort();
}

static void clean_up(void)
{
    (void)unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    file = mkstemp(path);
    nowhere = fopen("/dev/null", "w");
    need(file >= 0 && nowhere != NULL && atexit(clean_up) == 0);
    return 0;
}

static void amounts(struct cli *cli, const char *text)
{
    static const uint16_t currencies[] = {978, 392, 414, 999};
    for (size_t i = 0; i < sizeof currencies / sizeof currencies[0]; i++) {
        struct money amount = {0}, again = {0};
        char formatted[MONEY_TEXT_BYTES];
        if (!cli_money(cli, text, currencies[i], &amount))
            continue;
        money_format(amount, formatted);
        need(amount.currency == currencies[i]);
        if (currency_letters(currencies[i]) != NULL)
            need(cli_money(cli, formatted, currencies[i], &again) && again.minor == amount.minor);
        struct money moved;
        need(cli_amount(cli, text, currencies[i], &moved) == (amount.minor != 0));
    }
}

static void numbers(struct cli *cli, const char *text)
{
    uint32_t value = 0;
    uint8_t data[8];
    char written[2 * sizeof data + 1];
    if (cli_number(cli, "NUMBER", text, 3, 4000000000u, &value)) {
        char *end = NULL;
        need(value >= 3 && value <= 4000000000u && strtoull(text, &end, 10) == value);
        need(*end == '\0');
    }
    if (cli_hex(cli, "a number", text, data, sizeof data)) {
        hex_encode(data, sizeof data, written);
        need(strcasecmp(written, text) == 0);
    }
}

static void days(const uint8_t *data, size_t bytes)
{
    struct civil_date date, back;
    uint8_t again[4];
    uint32_t seconds = 0;
    if (bytes < 4 || !date_from_bcd(data, &date))
        return;
    date_to_bcd(date, again);
    need(memcmp(again, data, sizeof again) == 0);
    if (!date_to_time(date, &seconds))
        return;
    back = date_of_time(seconds);
    need(back.year == date.year && back.month == date.month && back.day == date.day);
}

static void stock_record(struct cli *cli, const uint8_t *data, size_t bytes)
{
    struct stiver_card_factory factory = {.serial = {0}};
    need(ftruncate(file, 0) == 0 && pwrite(file, data, bytes, 0) == (ssize_t)bytes);
    if (stock_record_read(cli, path, &factory))
        need(factory.is_hardware <= 1 && bytes > 2 * sizeof factory.serial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct cli cli = {.command = &command, .out = nowhere, .err = nowhere};
    char *text = malloc(bytes + 1);
    need(text != NULL);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    amounts(&cli, text);
    numbers(&cli, text);
    free(text);
    days(data, bytes);
    stock_record(&cli, data, bytes);
    return 0;
}
