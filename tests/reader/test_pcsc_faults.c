/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that libpcsclite may say, said by a stand-in that takes its place at link time: error
 * codes, lists that break their own rules, readers that come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>
#include <winscard.h>

#include "reader/pcsc.h"

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};

/* What the stand-in answers. */
static struct {
    LONG establish, list, look, connect, transmit, reconnect;
    const char *names;
    DWORD names_bytes;
    DWORD states[20];       /* of each reader, in order */
    unsigned appears_after; /* looks until states get a card */
    DWORD protocol;
    LONG sharing_violations; /* connects that are refused first */
    DWORD share, disposition;
    int contexts, cards; /* open handles */
    bool is_gone;        /* asked about, the card is gone */
} pcscd;

LONG SCardEstablishContext(DWORD scope, LPCVOID reserved1, LPCVOID reserved2,
                           LPSCARDCONTEXT context)
{
    (void)scope;
    (void)reserved1;
    (void)reserved2;
    *context = 42;
    pcscd.contexts += pcscd.establish == SCARD_S_SUCCESS;
    return pcscd.establish;
}

LONG SCardReleaseContext(SCARDCONTEXT context)
{
    assert_int_equal(context, 42);
    pcscd.contexts--;
    return SCARD_S_SUCCESS;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD bytes)
{
    assert_int_equal(context, 42);
    assert_null(groups);
    if (pcscd.list != SCARD_S_SUCCESS)
        return pcscd.list;
    size_t copied = pcscd.names_bytes < *bytes ? pcscd.names_bytes : *bytes;
    memset(names, 'x', *bytes);
    memcpy(names, pcscd.names, copied);
    *bytes = pcscd.names_bytes;
    return SCARD_S_SUCCESS;
}

LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states,
                          DWORD count)
{
    assert_int_equal(context, 42);
    if (pcscd.look != SCARD_S_SUCCESS)
        return pcscd.look;
    if (timeout > 0 && !pcscd.is_gone) {
        const struct timespec time = {.tv_nsec = (long)timeout * 1000000};
        assert_true(timeout <= 1000);
        nanosleep(&time, NULL);
        return SCARD_E_TIMEOUT;
    }
    for (DWORD i = 0; i < count; i++) {
        DWORD state = pcscd.states[i];
        if (pcscd.appears_after == 0)
            state = SCARD_STATE_PRESENT;
        states[i].dwEventState = pcscd.is_gone ? SCARD_STATE_EMPTY : state | SCARD_STATE_CHANGED;
    }
    if (pcscd.appears_after > 0)
        pcscd.appears_after--;
    return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR name, DWORD share, DWORD protocols,
                  LPSCARDHANDLE card, LPDWORD protocol)
{
    assert_int_equal(context, 42);
    assert_non_null(name);
    assert_int_equal(protocols, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1);
    pcscd.share = share;
    if (pcscd.sharing_violations > 0) {
        pcscd.sharing_violations--;
        return SCARD_E_SHARING_VIOLATION;
    }
    *card = 7;
    *protocol = pcscd.protocol;
    pcscd.cards += pcscd.connect == SCARD_S_SUCCESS;
    return pcscd.connect;
}

LONG SCardReconnect(SCARDHANDLE card, DWORD share, DWORD protocols, DWORD disposition,
                    LPDWORD protocol)
{
    (void)protocols;
    assert_int_equal(card, 7);
    assert_int_equal(share, SCARD_SHARE_EXCLUSIVE);
    assert_int_equal(disposition, SCARD_UNPOWER_CARD);
    *protocol = pcscd.protocol;
    return pcscd.reconnect;
}

LONG SCardDisconnect(SCARDHANDLE card, DWORD disposition)
{
    assert_int_equal(card, 7);
    pcscd.disposition = disposition;
    pcscd.cards--;
    return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *protocol, LPCBYTE command,
                   DWORD command_bytes, SCARD_IO_REQUEST *received, LPBYTE response, LPDWORD bytes)
{
    assert_int_equal(card, 7);
    assert_int_equal(protocol->dwProtocol, pcscd.protocol);
    assert_non_null(command);
    assert_true(command_bytes >= 4);
    assert_null(received);
    if (pcscd.transmit == SCARD_S_SUCCESS) {
        memcpy(response, "\x90\x00", 2);
        *bytes = 2;
    }
    return pcscd.transmit;
}

#define NAMES(text) pcscd.names = text, pcscd.names_bytes = sizeof(text)

static struct card_reader card_reader;

static int one_reader_with_a_card(void **state)
{
    (void)state;
    memset(&pcscd, 0, sizeof pcscd);
    memset(&card_reader, 0, sizeof card_reader);
    NAMES("Reader A\0");
    pcscd.states[0] = SCARD_STATE_PRESENT;
    pcscd.appears_after = 1000000;
    pcscd.protocol = SCARD_PROTOCOL_T1;
    return 0;
}

static int nothing_left_open(void **state)
{
    (void)state;
    card_reader_close(&card_reader);
    assert_int_equal(pcscd.cards, 0);
    assert_int_equal(pcscd.contexts, 0);
    return 0;
}

static enum reader_status open_default(void)
{
    return pcsc_open(NULL, 0, &card_reader);
}

static const struct {
    LONG code;
    enum reader_status status;
} codes[] = {
    {SCARD_E_NO_SERVICE, READER_NO_SERVICE},
    {SCARD_E_SERVICE_STOPPED, READER_NO_SERVICE},
    {SCARD_E_NO_READERS_AVAILABLE, READER_NO_READER},
    {SCARD_E_READER_UNAVAILABLE, READER_REMOVED},
    {SCARD_W_REMOVED_CARD, READER_CARD_REMOVED},
    {SCARD_W_RESET_CARD, READER_CARD_RESET},
    {SCARD_W_UNRESPONSIVE_CARD, READER_CARD_MUTE},
    {SCARD_E_SHARING_VIOLATION, READER_IN_USE},
    {SCARD_E_TIMEOUT, READER_TIMEOUT},
    {SCARD_E_PROTO_MISMATCH, READER_PROTOCOL},
    {SCARD_E_INSUFFICIENT_BUFFER, READER_PROTOCOL},
    {SCARD_E_NOT_TRANSACTED, READER_COMMUNICATION},
    {SCARD_F_COMM_ERROR, READER_COMMUNICATION},
    {SCARD_W_SECURITY_VIOLATION, READER_REFUSED},
    {SCARD_E_NO_MEMORY, READER_MEMORY},
    {SCARD_F_INTERNAL_ERROR, READER_INTERNAL},
    {(LONG)0x12345678, READER_INTERNAL},
};

static void every_code_of_an_exchange_has_its_status(void **state)
{
    (void)state;
    static const uint8_t command[] = {0, 0xA4, 4, 0};
    uint8_t response[16];
    size_t bytes = 9;
    assert_int_equal(open_default(), READER_OK);
    assert_int_equal(pcscd.share, SCARD_SHARE_EXCLUSIVE);
    assert_string_equal(pcsc_name(&card_reader), "Reader A");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        pcscd.transmit = codes[i].code;
        assert_int_equal(card_reader_transmit(&card_reader, command, 4, response, 16, &bytes),
                         codes[i].status);
        assert_int_equal(bytes, 0);
        pcscd.reconnect = codes[i].code;
        assert_int_equal(card_reader_reset(&card_reader), codes[i].status);
    }
    pcscd.transmit = pcscd.reconnect = SCARD_S_SUCCESS;
    assert_int_equal(card_reader_reset(&card_reader), READER_OK);
    assert_int_equal(card_reader_transmit(&card_reader, command, 4, response, 16, &bytes),
                     READER_OK);
    assert_int_equal(bytes, 2);
    card_reader_close(&card_reader);
    assert_int_equal(pcscd.disposition, SCARD_UNPOWER_CARD);
}

static void every_code_of_opening_has_its_status_and_leaves_nothing_open(void **state)
{
    (void)state;
    struct pcsc_list list;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        LONG *const places[] = {&pcscd.establish, &pcscd.list, &pcscd.look, &pcscd.connect};
        for (size_t j = 0; j < sizeof places / sizeof places[0]; j++) {
            enum reader_status wanted = codes[i].status;
            /* Gone between the look and the connect: there is no card. */
            if (places[j] == &pcscd.connect && wanted == READER_CARD_REMOVED)
                wanted = READER_NO_CARD;
            *places[j] = codes[i].code;
            assert_int_equal(open_default(), wanted);
            if (places[j] != &pcscd.connect) {
                assert_int_equal(pcsc_list(&list), wanted);
                assert_int_equal(list.count, 0);
            }
            *places[j] = SCARD_S_SUCCESS;
            assert_int_equal(pcscd.contexts, 0);
            assert_int_equal(pcscd.cards, 0);
        }
    }
}

static void a_failed_exchange_asks_whether_the_card_is_gone(void **state)
{
    (void)state;
    static const uint8_t command[] = {0, 0xA4, 4, 0};
    uint8_t response[16];
    size_t bytes = 9;
    assert_int_equal(open_default(), READER_OK);
    pcscd.transmit = SCARD_E_NOT_TRANSACTED;
    pcscd.is_gone = true;
    assert_int_equal(card_reader_transmit(&card_reader, command, 4, response, 16, &bytes),
                     READER_CARD_REMOVED);
}

/* Lists as a broken or hostile service might hand them out. */
static void lists_that_break_their_rules_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        DWORD count;
        enum reader_status status;
    } lists[] = {
        {"", 0, READER_INTERNAL},           /* not even its end */
        {"", 1, READER_NO_READER},          /* empty */
        {"Reader A", 8, READER_INTERNAL},   /* a name without end */
        {"Reader A\0", 9, READER_INTERNAL}, /* a list without end */
        {"Reader A\0B", 10, READER_INTERNAL},
        {"Reader A\0", 99999, READER_INTERNAL}, /* longer than the memory given */
    };
    struct pcsc_list list;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        pcscd.names = lists[i].bytes;
        pcscd.names_bytes = lists[i].count;
        if (lists[i].count == 99999) {
            static const char zeros[99999];
            pcscd.names = zeros;
        }
        assert_int_equal(pcsc_list(&list), lists[i].status);
        assert_int_equal(list.count, 0);
        assert_int_equal(open_default(), lists[i].status);
    }
}

static void a_name_too_long_is_refused_and_more_readers_are_left_out(void **state)
{
    (void)state;
    char names[300];
    struct pcsc_list list;
    memset(names, 'n', sizeof names);
    names[129] = names[130] = '\0';
    pcscd.names = names;
    pcscd.names_bytes = 131;
    assert_int_equal(pcsc_list(&list), READER_INTERNAL);
    names[128] = names[129] = '\0';
    pcscd.names_bytes = 130;
    assert_int_equal(pcsc_list(&list), READER_OK);
    assert_int_equal(strlen(list.entries[0].name), 128);
    for (size_t i = 0; i < 40; i += 2)
        memcpy(names + i, "r", 2);
    names[40] = '\0';
    pcscd.names_bytes = 41;
    assert_int_equal(pcsc_list(&list), READER_OK);
    assert_int_equal(list.count, PCSC_READERS_MAX);
}

static void what_is_in_each_reader_is_listed(void **state)
{
    (void)state;
    struct pcsc_list list;
    NAMES("empty\0with card\0mute\0taken\0");
    pcscd.states[0] = SCARD_STATE_EMPTY;
    pcscd.states[1] = SCARD_STATE_PRESENT;
    pcscd.states[2] = SCARD_STATE_PRESENT | SCARD_STATE_MUTE;
    pcscd.states[3] = SCARD_STATE_PRESENT | SCARD_STATE_EXCLUSIVE;
    assert_int_equal(pcsc_list(&list), READER_OK);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.entries[1].name, "with card");
    assert_false(list.entries[0].has_card);
    assert_true(list.entries[1].has_card && !list.entries[1].is_mute);
    assert_true(list.entries[2].has_card && list.entries[2].is_mute);
    assert_true(list.entries[3].is_in_use && !list.entries[1].is_in_use);
}

static void a_reader_is_chosen_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum reader_status status;
        const char *opened;
    } rows[] = {
        {"Alpha", READER_OK, "Alpha"},           /* exact, though Alpha Two has it too */
        {"two", READER_OK, "Alpha Two"},         /* part of one */
        {"Alph", READER_AMBIGUOUS, NULL},        /* part of both */
        {"Beta", READER_UNKNOWN, NULL},          /* none */
        {"Alpha Twofold", READER_UNKNOWN, NULL}, /* longer than all */
        {"", READER_AMBIGUOUS, NULL},
    };
    NAMES("Alpha\0Alpha Two\0");
    pcscd.states[0] = pcscd.states[1] = SCARD_STATE_PRESENT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(pcsc_open(rows[i].name, 0, &card_reader), rows[i].status);
        if (rows[i].status != READER_OK)
            continue;
        assert_string_equal(pcsc_name(&card_reader), rows[i].opened);
        card_reader_close(&card_reader);
    }
}

static void without_a_name_the_first_reader_with_a_card_serves(void **state)
{
    (void)state;
    NAMES("empty\0mute\0good\0good too\0");
    pcscd.states[0] = SCARD_STATE_EMPTY;
    pcscd.states[1] = SCARD_STATE_PRESENT | SCARD_STATE_MUTE;
    pcscd.states[2] = pcscd.states[3] = SCARD_STATE_PRESENT;
    assert_int_equal(open_default(), READER_OK);
    assert_string_equal(pcsc_name(&card_reader), "good");
    card_reader_close(&card_reader);
    pcscd.states[2] = pcscd.states[3] = SCARD_STATE_EMPTY;
    assert_int_equal(open_default(), READER_CARD_MUTE);
    pcscd.states[1] = SCARD_STATE_EMPTY;
    assert_int_equal(open_default(), READER_NO_CARD);
}

static uint64_t milliseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void waiting_for_a_card_ends_in_time(void **state)
{
    (void)state;
    uint64_t start = milliseconds_now();
    pcscd.states[0] = SCARD_STATE_EMPTY;
    assert_int_equal(pcsc_open(NULL, 600, &card_reader), READER_NO_CARD);
    uint64_t spent = milliseconds_now() - start;
    assert_in_range(spent, 590, 5000);
}

static void a_card_that_comes_during_the_wait_is_opened(void **state)
{
    (void)state;
    pcscd.states[0] = SCARD_STATE_EMPTY;
    pcscd.appears_after = 2;
    assert_int_equal(pcsc_open("Reader A", 10000, &card_reader), READER_OK);
}

static void another_programs_session_is_waited_for_a_moment_only(void **state)
{
    (void)state;
    pcscd.sharing_violations = 3;
    assert_int_equal(pcsc_open(NULL, 10000, &card_reader), READER_OK);
    card_reader_close(&card_reader);
    pcscd.sharing_violations = 1000000;
    uint64_t start = milliseconds_now();
    assert_int_equal(pcsc_open(NULL, 30000, &card_reader), READER_IN_USE);
    assert_in_range(milliseconds_now() - start, 900, 8000);
}

#define FAULT_TEST(name) \
    cmocka_unit_test_setup_teardown(name, one_reader_with_a_card, nothing_left_open)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(every_code_of_an_exchange_has_its_status),
        FAULT_TEST(every_code_of_opening_has_its_status_and_leaves_nothing_open),
        FAULT_TEST(a_failed_exchange_asks_whether_the_card_is_gone),
        FAULT_TEST(lists_that_break_their_rules_are_refused),
        FAULT_TEST(a_name_too_long_is_refused_and_more_readers_are_left_out),
        FAULT_TEST(what_is_in_each_reader_is_listed),
        FAULT_TEST(a_reader_is_chosen_by_name),
        FAULT_TEST(without_a_name_the_first_reader_with_a_card_serves),
        FAULT_TEST(waiting_for_a_card_ends_in_time),
        FAULT_TEST(a_card_that_comes_during_the_wait_is_opened),
        FAULT_TEST(another_programs_session_is_waited_for_a_moment_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
