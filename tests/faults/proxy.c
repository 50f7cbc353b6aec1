/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

/* Every byte of a message so short is struck. */
#define SHORT_BYTES 16u

static const uint16_t forged_words[] = {0x9000, 0x6201, 0x620E, 0x63C0, 0x6982, 0x6A88, 0x6F00};

const char *fault_name(enum fault fault)
{
    static const char *const names[] = {
#define X(name) #name,
        FAULTS(X)
#undef X
    };
    return fault < FAULT_COUNT ? names[fault] : "?";
}

void fault_proxy_plan(struct fault_proxy *proxy, const struct fault_plan *plan)
{
    static const struct fault_plan none = {FAULT_NONE, 0, 0};
    proxy->plan = plan != NULL ? *plan : none;
    proxy->count = 0;
    proxy->has_struck = false;
    proxy->held_bytes = proxy->last_bytes = 0;
}

/* ---- what it does to one message ---- */

static bool deliver(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                    uint8_t *answer, size_t *answer_bytes)
{
    *answer_bytes = 0;
    return proxy->deliver(proxy->context, command, bytes, answer, answer_bytes);
}

static void put(const uint8_t *from, size_t bytes, uint8_t *answer, size_t *answer_bytes)
{
    memcpy(answer, from, bytes);
    *answer_bytes = bytes;
}

static void put_word(uint32_t word, uint8_t *answer, size_t *answer_bytes)
{
    const uint8_t bytes[] = {(uint8_t)(word >> 8), (uint8_t)word};
    put(bytes, sizeof bytes, answer, answer_bytes);
}

/* The command arrives, changed as planned. */
static bool change_command(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                           uint8_t *answer, size_t *answer_bytes)
{
    static uint8_t changed[FAULT_BYTES_MAX];
    const uint32_t parameter = proxy->plan.parameter;
    memcpy(changed, command, bytes);
    if (proxy->plan.fault == FAULT_COMMAND_CUT && parameter < bytes)
        bytes = parameter;
    if (proxy->plan.fault == FAULT_COMMAND_BIT && parameter / 8 < bytes)
        changed[parameter / 8] ^= (uint8_t)(1u << parameter % 8);
    return deliver(proxy, changed, bytes, answer, answer_bytes);
}

static bool twice(struct fault_proxy *proxy, const uint8_t *command, size_t bytes, uint8_t *answer,
                  size_t *answer_bytes)
{
    static uint8_t other[FAULT_BYTES_MAX];
    size_t other_bytes = 0;
    bool came = deliver(proxy, command, bytes, answer, answer_bytes);
    bool came_again = deliver(proxy, command, bytes, other, &other_bytes);
    if (proxy->plan.fault == FAULT_DOUBLED)
        return came;
    put(other, other_bytes, answer, answer_bytes);
    return came_again;
}

/* The command arrives as it is, the answer comes back changed as planned. */
static bool change_answer(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                          uint8_t *answer, size_t *answer_bytes)
{
    const struct fault_record *older = proxy->older;
    const struct fault_plan *plan = &proxy->plan;
    if (!deliver(proxy, command, bytes, answer, answer_bytes) || plan->fault == FAULT_ANSWER_LOST)
        return false;
    if (plan->fault == FAULT_ANSWER_CUT && plan->parameter < *answer_bytes)
        *answer_bytes = plan->parameter;
    if (plan->fault == FAULT_ANSWER_BIT && plan->parameter / 8 < *answer_bytes)
        answer[plan->parameter / 8] ^= (uint8_t)(1u << plan->parameter % 8);
    if (plan->fault == FAULT_ANSWER_OLD && plan->at < older->count)
        put(older->answer[plan->at], older->answer_bytes[plan->at], answer, answer_bytes);
    if (plan->fault == FAULT_ANSWER_SWAPPED)
        put(proxy->last, proxy->last_bytes, answer, answer_bytes);
    if (plan->fault == FAULT_FORGED_AFTER)
        put_word(plan->parameter, answer, answer_bytes);
    return true;
}

static bool disturb(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                    uint8_t *answer, size_t *answer_bytes)
{
    const struct fault_record *older = proxy->older;
    const unsigned at = proxy->plan.at;
    switch (proxy->plan.fault) {
    case FAULT_NONE:
        return deliver(proxy, command, bytes, answer, answer_bytes);
    case FAULT_COMMAND_LOST:
        return false;
    case FAULT_DOUBLED:
    case FAULT_DOUBLED_SECOND:
        return twice(proxy, command, bytes, answer, answer_bytes);
    case FAULT_COMMAND_OLD:
        return deliver(proxy, older->command[at], older->command_bytes[at], answer, answer_bytes);
    case FAULT_COMMAND_SWAPPED:
        memcpy(proxy->held, command, bytes);
        proxy->held_bytes = bytes;
        put_word(0x9000, answer, answer_bytes);
        return true;
    case FAULT_COMMAND_CUT:
    case FAULT_COMMAND_BIT:
        return change_command(proxy, command, bytes, answer, answer_bytes);
    case FAULT_FORGED:
        put_word(proxy->plan.parameter, answer, answer_bytes);
        return true;
    case FAULT_ANSWER_LOST:
    case FAULT_ANSWER_OLD:
    case FAULT_ANSWER_SWAPPED:
    case FAULT_ANSWER_CUT:
    case FAULT_ANSWER_BIT:
    case FAULT_FORGED_AFTER:
    case FAULT_COUNT:
        break;
    }
    return change_answer(proxy, command, bytes, answer, answer_bytes);
}

static void keep(struct fault_record *record, unsigned at, const uint8_t *command, size_t bytes,
                 const uint8_t *answer, size_t answer_bytes)
{
    if (record == NULL || at >= FAULT_MESSAGES_MAX)
        return;
    memcpy(record->command[at], command, bytes);
    memcpy(record->answer[at], answer, answer_bytes);
    record->command_bytes[at] = bytes;
    record->answer_bytes[at] = answer_bytes;
    record->count = at + 1;
}

bool fault_carry(struct fault_proxy *proxy, const uint8_t *command, size_t bytes,
                 uint8_t answer[FAULT_BYTES_MAX], size_t *answer_bytes)
{
    static uint8_t unheard[FAULT_BYTES_MAX];
    size_t unheard_bytes = 0;
    if (bytes > FAULT_BYTES_MAX)
        abort();
    unsigned at = proxy->count++;
    if (proxy->plan.fault != FAULT_NONE && at == proxy->plan.at) {
        proxy->has_struck = true;
        return disturb(proxy, command, bytes, answer, answer_bytes);
    }
    bool came = deliver(proxy, command, bytes, answer, answer_bytes);
    if (proxy->held_bytes != 0)
        (void)deliver(proxy, proxy->held, proxy->held_bytes, unheard, &unheard_bytes);
    proxy->held_bytes = 0;
    put(answer, *answer_bytes, proxy->last, &proxy->last_bytes);
    if (came)
        keep(proxy->record, at, command, bytes, answer, *answer_bytes);
    return came;
}

/* ---- before a card ---- */

static bool to_reader(void *context, const uint8_t *command, size_t bytes,
                      uint8_t answer[FAULT_BYTES_MAX], size_t *answer_bytes)
{
    struct fault_reader *reader = context;
    /* A command cut below its header reaches the card as it is: not through the checked call. */
    return reader->inner->ops != NULL &&
           reader->inner->ops->transmit(reader->inner->context, command, bytes, answer,
                                        FAULT_BYTES_MAX, answer_bytes) == READER_OK;
}

static enum reader_status reader_transmit(void *context, const uint8_t *command,
                                          size_t command_bytes, uint8_t *response, size_t capacity,
                                          size_t *response_bytes)
{
    struct fault_reader *reader = context;
    static uint8_t answer[FAULT_BYTES_MAX];
    size_t bytes = 0;
    if (!fault_carry(&reader->proxy, command, command_bytes, answer, &bytes))
        return READER_TIMEOUT;
    if (bytes > capacity)
        return READER_PROTOCOL;
    memcpy(response, answer, bytes);
    *response_bytes = bytes;
    return READER_OK;
}

static enum reader_status reader_reset(void *context)
{
    return card_reader_reset(((struct fault_reader *)context)->inner);
}

static void reader_close(void *context)
{
    card_reader_close(((struct fault_reader *)context)->inner);
}

void fault_reader_open(struct fault_reader *reader, struct card_reader *inner)
{
    static const struct card_reader_ops ops = {reader_transmit, reader_reset, reader_close};
    reader->inner = inner;
    reader->proxy.deliver = to_reader;
    reader->proxy.context = reader;
    reader->reader = (struct card_reader){.ops = &ops, .context = reader};
}

/* ---- before a bank ---- */

static bool to_link(void *context, const uint8_t *command, size_t bytes,
                    uint8_t answer[FAULT_BYTES_MAX], size_t *answer_bytes)
{
    const struct stiver_terminal_link *inner = ((struct fault_link *)context)->inner;
    uint8_t *given = NULL;
    if (!inner->answer(inner->context, command, bytes, &given, answer_bytes))
        return false;
    if (*answer_bytes > FAULT_BYTES_MAX)
        abort();
    memcpy(answer, given, *answer_bytes);
    inner->release(inner->context, given);
    return true;
}

static bool link_answer(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                        size_t *answer_bytes)
{
    static uint8_t came[FAULT_BYTES_MAX];
    if (!fault_carry(&((struct fault_link *)context)->proxy, request, bytes, came, answer_bytes))
        return false;
    *answer = malloc(*answer_bytes + 1);
    if (*answer == NULL)
        abort();
    memcpy(*answer, came, *answer_bytes);
    return true;
}

static void link_release(void *context, uint8_t *answer)
{
    (void)context;
    free(answer);
}

void fault_link_open(struct fault_link *link, const struct stiver_terminal_link *inner)
{
    link->inner = inner;
    link->proxy.deliver = to_link;
    link->proxy.context = link;
    link->link = (struct stiver_terminal_link){link, link_answer, link_release};
}

/* ---- every case ---- */

static void each_cut(enum fault fault, unsigned at, size_t bytes, fault_visit *visit, void *context)
{
    const size_t cuts[] = {0, 1, 2, 4, 5, bytes / 2, bytes - 2, bytes - 1};
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        const struct fault_plan plan = {fault, at, (uint32_t)cuts[i]};
        /* In ascending order, and none twice. */
        if (cuts[i] >= bytes || (last != SIZE_MAX && cuts[i] <= last))
            continue;
        last = cuts[i];
        visit(context, &plan);
    }
}

static void each_bit(enum fault fault, unsigned at, size_t bytes, unsigned bits, fault_visit *visit,
                     void *context)
{
    size_t count = bytes <= SHORT_BYTES || bytes < bits ? bytes : bits;
    for (size_t i = 0; i < count; i++) {
        size_t byte = count == bytes ? i : i * (bytes - 1) / (count - 1);
        const struct fault_plan plan = {fault, at, (uint32_t)(byte * 8 + (byte + at) % 8)};
        visit(context, &plan);
    }
}

static void each_of_message(const struct fault_record *record, unsigned at, unsigned bits,
                            bool words, fault_visit *visit, void *context)
{
    static const enum fault plain[] = {FAULT_COMMAND_LOST,    FAULT_ANSWER_LOST,   FAULT_DOUBLED,
                                       FAULT_DOUBLED_SECOND,  FAULT_COMMAND_OLD,   FAULT_ANSWER_OLD,
                                       FAULT_COMMAND_SWAPPED, FAULT_ANSWER_SWAPPED};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const struct fault_plan plan = {plain[i], at, 0};
        visit(context, &plan);
    }
    each_cut(FAULT_COMMAND_CUT, at, record->command_bytes[at], visit, context);
    each_cut(FAULT_ANSWER_CUT, at, record->answer_bytes[at], visit, context);
    each_bit(FAULT_COMMAND_BIT, at, record->command_bytes[at], bits, visit, context);
    each_bit(FAULT_ANSWER_BIT, at, record->answer_bytes[at], bits, visit, context);
    for (size_t i = 0; words && i < sizeof forged_words / sizeof forged_words[0]; i++) {
        const struct fault_plan before = {FAULT_FORGED, at, forged_words[i]};
        const struct fault_plan after = {FAULT_FORGED_AFTER, at, forged_words[i]};
        visit(context, &before);
        visit(context, &after);
    }
}

void fault_each(const struct fault_record *record, unsigned bits, bool words, fault_visit *visit,
                void *context)
{
    for (unsigned at = 0; at < record->count; at++)
        each_of_message(record, at, bits, words, visit, context);
}
