/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/pcsc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#include "reader/t0.h"

/* Waiting for a card is cut into slices, so that a reader plugged in meanwhile is seen. */
#define SLICE_MS 250u
/* Another program's session is a matter of moments; longer is worth a sentence. */
#define PATIENCE_MS 1000u
#define PATIENCE_SLICE_MS 20u
/* pcscd looks for removed cards every 400 ms: how long a failed exchange waits for that verdict. */
#define VERDICT_MS 1000u

#define LIST_BYTES (PCSC_READERS_MAX * PCSC_NAME_BYTES + 1u)

/* The readers at one moment. states[i].szReader points at names. */
struct survey {
    char names[LIST_BYTES];
    SCARD_READERSTATE states[PCSC_READERS_MAX];
    size_t count;
};

struct pcsc {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    char name[PCSC_NAME_BYTES];
};

static enum reader_status status_of(LONG code)
{
    static const struct {
        LONG code;
        enum reader_status status;
    } rows[] = {
        {SCARD_S_SUCCESS, READER_OK},
        {SCARD_E_NO_SERVICE, READER_NO_SERVICE},
        {SCARD_E_SERVICE_STOPPED, READER_NO_SERVICE},
        {SCARD_E_NO_READERS_AVAILABLE, READER_NO_READER},
        {SCARD_E_UNKNOWN_READER, READER_REMOVED},
        {SCARD_E_READER_UNAVAILABLE, READER_REMOVED},
        {SCARD_E_NO_SMARTCARD, READER_NO_CARD},
        {SCARD_W_REMOVED_CARD, READER_CARD_REMOVED},
        {SCARD_W_RESET_CARD, READER_CARD_RESET},
        {SCARD_W_UNRESPONSIVE_CARD, READER_CARD_MUTE},
        {SCARD_W_UNPOWERED_CARD, READER_CARD_MUTE},
        {SCARD_W_UNSUPPORTED_CARD, READER_CARD_MUTE},
        {SCARD_E_SHARING_VIOLATION, READER_IN_USE},
        {SCARD_E_TIMEOUT, READER_TIMEOUT},
        {SCARD_E_PROTO_MISMATCH, READER_PROTOCOL},
        {SCARD_E_INSUFFICIENT_BUFFER, READER_PROTOCOL},
        {SCARD_E_NOT_TRANSACTED, READER_COMMUNICATION},
        {SCARD_E_COMM_DATA_LOST, READER_COMMUNICATION},
        {SCARD_F_COMM_ERROR, READER_COMMUNICATION},
        {SCARD_W_SECURITY_VIOLATION, READER_REFUSED},
        {SCARD_E_NO_ACCESS, READER_REFUSED},
        {SCARD_E_NO_MEMORY, READER_MEMORY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].status;
    return READER_INTERNAL;
}

static uint64_t milliseconds_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Points the states at the names of a double-NUL list, of which nothing is taken for granted. */
static enum reader_status survey_parse(struct survey *survey, size_t bytes)
{
    const char *at = survey->names;
    const char *end = survey->names + bytes;
    survey->count = 0;
    while (at < end && *at != '\0') {
        const char *stop = memchr(at, '\0', (size_t)(end - at));
        if (!stop || (size_t)(stop - at) >= PCSC_NAME_BYTES)
            return READER_INTERNAL;
        if (survey->count < PCSC_READERS_MAX)
            survey->states[survey->count++] =
                (SCARD_READERSTATE){.szReader = at, .dwCurrentState = SCARD_STATE_UNAWARE};
        at = stop + 1;
    }
    if (at >= end)
        return READER_INTERNAL;
    return survey->count ? READER_OK : READER_NO_READER;
}

static enum reader_status survey_take(SCARDCONTEXT context, struct survey *survey)
{
    DWORD bytes = sizeof survey->names;
    survey->count = 0;
    enum reader_status status = status_of(SCardListReaders(context, NULL, survey->names, &bytes));
    if (status != READER_OK)
        return status;
    status = bytes <= sizeof survey->names ? survey_parse(survey, bytes) : READER_INTERNAL;
    if (status == READER_OK)
        status = status_of(SCardGetStatusChange(context, 0, survey->states, (DWORD)survey->count));
    if (status != READER_OK)
        survey->count = 0;
    return status;
}

/* Sleeps until a reader's state is no longer what the survey saw, or the time is over. */
static enum reader_status survey_wait(SCARDCONTEXT context, struct survey *survey, uint64_t ms)
{
    for (size_t i = 0; i < survey->count; i++)
        survey->states[i].dwCurrentState =
            survey->states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    enum reader_status status =
        status_of(SCardGetStatusChange(context, (DWORD)ms, survey->states, (DWORD)survey->count));
    /* A reader that went away is for the next survey to see. */
    return status == READER_TIMEOUT || status == READER_REMOVED ? READER_OK : status;
}

static bool state_has(const SCARD_READERSTATE *state, DWORD flag)
{
    return (state->dwEventState & flag) != 0;
}

enum reader_status pcsc_list(struct pcsc_list *list)
{
    list->count = 0;
    struct survey *survey = calloc(1, sizeof *survey);
    if (!survey)
        return READER_MEMORY;
    SCARDCONTEXT context = 0;
    enum reader_status status =
        status_of(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context));
    if (status == READER_OK) {
        status = survey_take(context, survey);
        SCardReleaseContext(context);
    }
    for (size_t i = 0; i < survey->count; i++) {
        const SCARD_READERSTATE *state = &survey->states[i];
        struct pcsc_entry *entry = &list->entries[list->count++];
        *entry = (struct pcsc_entry){
            .has_card = state_has(state, SCARD_STATE_PRESENT),
            .is_mute = state_has(state, SCARD_STATE_MUTE),
            .is_in_use = state_has(state, SCARD_STATE_EXCLUSIVE | SCARD_STATE_INUSE),
        };
        memcpy(entry->name, state->szReader, strlen(state->szReader) + 1);
    }
    free(survey);
    return status;
}

static bool text_contains(const char *text, const char *part)
{
    size_t part_bytes = strlen(part);
    for (; *text; text++) {
        size_t same = 0;
        while (same < part_bytes && text[same] &&
               tolower((unsigned char)text[same]) == tolower((unsigned char)part[same]))
            same++;
        if (same == part_bytes)
            return true;
    }
    return false;
}

/* The reader of that name: exactly, else the only one that has it in its own. */
static enum reader_status survey_find(const struct survey *survey, const char *name, size_t *found)
{
    size_t matches = 0;
    for (size_t i = 0; i < survey->count; i++) {
        if (strcmp(survey->states[i].szReader, name) == 0) {
            *found = i;
            return READER_OK;
        }
        if (text_contains(survey->states[i].szReader, name)) {
            *found = i;
            matches++;
        }
    }
    if (matches == 0)
        return READER_UNKNOWN;
    return matches == 1 ? READER_OK : READER_AMBIGUOUS;
}

/* The first reader with a card that answers, else the first with a card, else none. */
static enum reader_status survey_first(const struct survey *survey, size_t *found)
{
    enum reader_status status = READER_NO_CARD;
    for (size_t i = survey->count; i-- > 0;) {
        if (!state_has(&survey->states[i], SCARD_STATE_PRESENT))
            continue;
        bool is_mute = state_has(&survey->states[i], SCARD_STATE_MUTE);
        if (is_mute && status == READER_OK)
            continue;
        status = is_mute ? READER_CARD_MUTE : READER_OK;
        *found = i;
    }
    return status;
}

static enum reader_status pcsc_connect(struct pcsc *pcsc, const struct survey *survey,
                                       const char *name)
{
    size_t found = 0;
    enum reader_status status =
        name ? survey_find(survey, name, &found) : survey_first(survey, &found);
    if (status != READER_OK)
        return status;
    const SCARD_READERSTATE *state = &survey->states[found];
    memcpy(pcsc->name, state->szReader, strlen(state->szReader) + 1);
    if (!state_has(state, SCARD_STATE_PRESENT))
        return READER_NO_CARD;
    status = status_of(SCardConnect(pcsc->context, pcsc->name, SCARD_SHARE_EXCLUSIVE,
                                    SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &pcsc->card,
                                    &pcsc->protocol));
    /* It was there a moment ago: gone again is the same as not there. */
    return status == READER_CARD_REMOVED ? READER_NO_CARD : status;
}

/* Surveys, chooses and connects until it succeeds, fails for good, or the time is over. */
static enum reader_status pcsc_open_card(struct pcsc *pcsc, struct survey *survey, const char *name,
                                         unsigned timeout_ms)
{
    uint64_t start = milliseconds_now();
    for (;;) {
        enum reader_status status = survey_take(pcsc->context, survey);
        if (status == READER_OK)
            status = pcsc_connect(pcsc, survey, name);
        uint64_t limit_ms = timeout_ms, slice_ms = SLICE_MS;
        /* A program may let go, and a card that was just inserted may answer at the next attempt.
         */
        if (status == READER_IN_USE || status == READER_CARD_MUTE) {
            limit_ms = timeout_ms < PATIENCE_MS ? timeout_ms : PATIENCE_MS;
            slice_ms = PATIENCE_SLICE_MS;
        } else if (status != READER_NO_CARD) {
            return status;
        }
        uint64_t spent_ms = milliseconds_now() - start;
        if (spent_ms >= limit_ms)
            return status;
        uint64_t left_ms = limit_ms - spent_ms;
        status = survey_wait(pcsc->context, survey, left_ms < slice_ms ? left_ms : slice_ms);
        if (status != READER_OK)
            return status;
    }
}

/* A failed exchange says little; whether the card is still there says what to tell the person. */
static enum reader_status pcsc_verdict(struct pcsc *pcsc, enum reader_status status)
{
    SCARD_READERSTATE state = {.szReader = pcsc->name, .dwCurrentState = SCARD_STATE_UNAWARE};
    uint64_t start = milliseconds_now(), spent_ms = 0;
    while (spent_ms < VERDICT_MS) {
        enum reader_status look = status_of(
            SCardGetStatusChange(pcsc->context, (DWORD)(VERDICT_MS - spent_ms), &state, 1));
        if (look == READER_OK && state_has(&state, SCARD_STATE_EMPTY))
            return READER_CARD_REMOVED;
        if (look != READER_OK)
            return look == READER_TIMEOUT ? status : look;
        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        spent_ms = milliseconds_now() - start;
    }
    return status;
}

static enum reader_status pcsc_exchange(void *context, const uint8_t *command, size_t command_bytes,
                                        uint8_t *response, size_t capacity, size_t *response_bytes)
{
    struct pcsc *pcsc = context;
    DWORD got = (DWORD)capacity;
    const SCARD_IO_REQUEST *protocol =
        pcsc->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    enum reader_status status = status_of(
        SCardTransmit(pcsc->card, protocol, command, (DWORD)command_bytes, NULL, response, &got));
    /* The virtual reader calls it a success when a card was pulled in the middle of a command. */
    if (status == READER_OK && got == 0)
        status = READER_COMMUNICATION;
    if (status == READER_OK)
        *response_bytes = got;
    return status == READER_COMMUNICATION ? pcsc_verdict(pcsc, status) : status;
}

static enum reader_status pcsc_transmit(void *context, const uint8_t *command, size_t command_bytes,
                                        uint8_t *response, size_t capacity, size_t *response_bytes)
{
    struct pcsc *pcsc = context;
    if (pcsc->protocol == SCARD_PROTOCOL_T0)
        return t0_transmit(pcsc_exchange, pcsc, command, command_bytes, response, capacity,
                           response_bytes);
    return pcsc_exchange(pcsc, command, command_bytes, response, capacity, response_bytes);
}

static enum reader_status pcsc_reset(void *context)
{
    struct pcsc *pcsc = context;
    enum reader_status status = status_of(SCardReconnect(pcsc->card, SCARD_SHARE_EXCLUSIVE,
                                                         SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                                         SCARD_UNPOWER_CARD, &pcsc->protocol));
    return status == READER_NO_CARD ? READER_CARD_REMOVED : status;
}

static void pcsc_close(void *context)
{
    struct pcsc *pcsc = context;
    SCardDisconnect(pcsc->card, SCARD_UNPOWER_CARD);
    SCardReleaseContext(pcsc->context);
    free(pcsc);
}

static const struct card_reader_ops pcsc_ops = {
    .transmit = pcsc_transmit,
    .reset = pcsc_reset,
    .close = pcsc_close,
};

enum reader_status pcsc_open(const char *name, unsigned timeout_ms, struct card_reader *reader)
{
    struct survey *survey = calloc(1, sizeof *survey);
    struct pcsc *pcsc = calloc(1, sizeof *pcsc);
    enum reader_status status = survey && pcsc ? READER_OK : READER_MEMORY;
    if (status == READER_OK)
        status = status_of(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &pcsc->context));
    if (status == READER_OK) {
        status = pcsc_open_card(pcsc, survey, name, timeout_ms);
        if (status == READER_OK) {
            reader->ops = &pcsc_ops;
            reader->context = pcsc;
            pcsc = NULL;
        } else {
            SCardReleaseContext(pcsc->context);
        }
    }
    free(survey);
    free(pcsc);
    return status;
}

const char *pcsc_name(const struct card_reader *reader)
{
    const struct pcsc *pcsc = reader->context;
    return pcsc->name;
}
