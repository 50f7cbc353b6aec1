/* SPDX-License-Identifier: Apache-2.0 */
#include "witness.h"

#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct {
    const struct store_verbs *real;
    struct store_verbs verbs; /* the real ones, but for those below */
    struct event *events;     /* owned */
    size_t count, committed, capacity;
} witness;

static struct event *next(enum event_kind kind)
{
    if (witness.count == witness.capacity) {
        witness.capacity = witness.capacity == 0 ? 64 : 2 * witness.capacity;
        witness.events = realloc(witness.events, witness.capacity * sizeof *witness.events);
        CHECK(witness.events != NULL);
    }
    struct event *event = &witness.events[witness.count++];
    event->kind = kind;
    return event;
}

struct call {
    store_work *work;
    void *context;
};

/* May run a second time: what the first run said never was. */
static enum store_status run(void *context)
{
    const struct call *call = context;
    witness.count = witness.committed;
    return call->work(call->context);
}

static enum store_status transact(struct store *store, store_work *work, void *context)
{
    struct call call = {work, context};
    enum store_status status = witness.real->transact(store, run, &call);
    if (status == STORE_OK)
        witness.committed = witness.count;
    witness.count = witness.committed;
    return status;
}

static enum store_status document_add(struct store *store, struct document_record *record)
{
    struct event *event = next(EVENT_DOCUMENT);
    event->document.type = record->type;
    event->document.length = record->length < WITNESS_BYTES ? record->length : WITNESS_BYTES;
    memcpy(event->document.terminal, record->terminal, sizeof record->terminal);
    if (event->document.length != 0)
        memcpy(event->document.bytes, record->bytes, event->document.length);
    return witness.real->document_add(store, record);
}

static enum store_status posting_add(struct store *store, const struct posting_record *record)
{
    next(EVENT_POSTING)->posting = *record;
    return witness.real->posting_add(store, record);
}

static enum store_status alarm_add(struct store *store, const struct alarm_record *record)
{
    next(EVENT_ALARM)->alarm = *record;
    return witness.real->alarm_add(store, record);
}

static enum store_status card_add(struct store *store, const struct card_record *record)
{
    next(EVENT_CARD)->card = *record;
    return witness.real->card_add(store, record);
}

static enum store_status card_update(struct store *store, const struct card_record *record)
{
    next(EVENT_CARD)->card = *record;
    return witness.real->card_update(store, record);
}

static enum store_status open_beside(const char *directory, bool is_new, struct store **store)
{
    enum store_status status = stiver_store_sqlite.open(directory, is_new, store);
    if (status != STORE_OK)
        return status;
    witness.count = witness.committed = 0;
    witness.real = (*store)->verbs;
    witness.verbs = *witness.real;
    witness.verbs.transact = transact;
    witness.verbs.document_add = document_add;
    witness.verbs.posting_add = posting_add;
    witness.verbs.alarm_add = alarm_add;
    witness.verbs.card_add = card_add;
    witness.verbs.card_update = card_update;
    (*store)->verbs = &witness.verbs;
    return STORE_OK;
}

const struct stiver_store_engine witness_engine = {.open = open_beside};

void witness_tell(void (*visit)(void *context, const struct event *event), void *context)
{
    for (size_t i = 0; i < witness.committed; i++)
        visit(context, &witness.events[i]);
    witness.count = witness.committed = 0;
}
