/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a bank, its transactions, its alarms, its keys' renewal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bank/inside.h"
#include "bank/key_file.h"
#include "base/bytes.h"

uint32_t bank_system_clock(void *context)
{
    (void)context;
    return (uint32_t)time(NULL);
}

uint32_t bank_now(const struct stiver_bank *bank)
{
    return bank->now(bank->clock_context);
}

struct certificate_authority bank_root(const struct stiver_bank *bank)
{
    struct certificate_authority root = {.id = 1, .start = 0, .end = UINT32_MAX};
    memcpy(root.key, bank->settings.root_key, sizeof root.key);
    return root;
}

void stiver_bank_close(struct stiver_bank *bank)
{
    if (!bank)
        return;
    if (bank->store)
        bank->store->verbs->close(bank->store);
    keyring_close(&bank->keys);
    bytes_wipe(bank->storage_key, sizeof bank->storage_key);
    free(bank);
}

static enum stiver_bank_status open_parts(struct stiver_bank *bank, const char *directory,
                                          struct stiver_bank_secret passphrase,
                                          const struct stiver_bank_environment *environment)
{
    enum stiver_bank_status status =
        keyring_init(&bank->keys, directory, passphrase, environment->key_cost);
    if (status != STIVER_BANK_OK)
        return status;
    status = bank_status_of_store(environment->engine->open(directory, false, &bank->store));
    if (status != STIVER_BANK_OK)
        return status;
    status = storage_key_load(directory, passphrase, bank->storage_key);
    if (status != STIVER_BANK_OK)
        return status;
    status = bank_status_of_store(STORE(bank, settings_get, &bank->settings));
    return status == STIVER_BANK_OK ? keyring_read(&bank->keys, bank->store) : status;
}

enum stiver_bank_status stiver_bank_open(const char *directory,
                                         struct stiver_bank_secret passphrase,
                                         const struct stiver_bank_environment *environment,
                                         struct stiver_bank **bank)
{
    struct stiver_bank *opened = calloc(1, sizeof *opened);
    if (!opened)
        return STIVER_BANK_MEMORY;
    opened->now = environment->now ? environment->now : bank_system_clock;
    opened->clock_context = environment->clock_context;
    enum stiver_bank_status status = open_parts(opened, directory, passphrase, environment);
    if (status != STIVER_BANK_OK) {
        stiver_bank_close(opened);
        return status;
    }
    *bank = opened;
    return STIVER_BANK_OK;
}

/* ---- transactions ---- */

struct transaction {
    struct stiver_bank *bank;
    bank_work *work;
    void *context;
    enum stiver_bank_status status;
};

static enum store_status run_work(void *context)
{
    struct transaction *t = context;
    t->bank->alarm = (struct alarm_record){0};
    t->status = t->work(t->bank, t->context);
    if (t->status == STIVER_BANK_OK)
        return STORE_OK;
    return t->status == STIVER_BANK_RETRY ? STORE_RETRY : STORE_ABORTED;
}

static enum store_status ring_now(void *context)
{
    struct stiver_bank *bank = context;
    return STORE(bank, alarm_add, &bank->alarm);
}

enum stiver_bank_status bank_transact(struct stiver_bank *bank, bank_work *work, void *context)
{
    struct transaction t = {bank, work, context, STIVER_BANK_OK};
    bank->message[0] = 0;
    enum store_status status = STORE(bank, transact, run_work, &t);
    if (status != STORE_ABORTED)
        return status == STORE_OK ? STIVER_BANK_OK
                                  : bank_say(bank, bank_status_of_store(status), NULL);
    if (bank->alarm.text[0]) {
        status = STORE(bank, transact, ring_now, bank);
        if (status != STORE_OK)
            return bank_say(bank, bank_status_of_store(status), NULL);
    }
    return bank->message[0] ? t.status : bank_say(bank, t.status, NULL);
}

static struct alarm_record alarm_of(const struct stiver_bank *bank, const uint8_t *card,
                                    const uint8_t *terminal, const char *text)
{
    struct alarm_record alarm = {.time = bank_now(bank)};
    if (card)
        memcpy(alarm.card, card, sizeof alarm.card);
    if (terminal)
        memcpy(alarm.terminal, terminal, sizeof alarm.terminal);
    snprintf(alarm.text, sizeof alarm.text, "%s", text);
    return alarm;
}

enum stiver_bank_status bank_ring(struct stiver_bank *bank, const uint8_t *card,
                                  const uint8_t *terminal, const char *text)
{
    struct alarm_record alarm = alarm_of(bank, card, terminal, text);
    return bank_status_of_store(STORE(bank, alarm_add, &alarm));
}

void bank_ring_after(struct stiver_bank *bank, const uint8_t *card, const uint8_t *terminal,
                     const char *text)
{
    bank->alarm = alarm_of(bank, card, terminal, text);
}

enum stiver_bank_status bank_keep(struct stiver_bank *bank, enum document_type type,
                                  const uint8_t *terminal, const uint8_t *bytes, size_t length,
                                  int64_t *id)
{
    struct document_record record = {
        .type = type, .time = bank_now(bank), .bytes = bytes, .length = length};
    if (terminal)
        memcpy(record.terminal, terminal, sizeof record.terminal);
    if (!evp_sha256(bytes, length, record.hash))
        return STIVER_BANK_CRYPTO;
    enum stiver_bank_status status = bank_status_of_store(STORE(bank, document_add, &record));
    if (id)
        *id = record.id;
    return status;
}

/* ---- settings and keys ---- */

enum stiver_bank_status stiver_bank_settings(struct stiver_bank *bank,
                                             struct stiver_bank_settings *settings)
{
    enum stiver_bank_status status =
        bank_status_of_store(STORE(bank, settings_get, &bank->settings));
    if (status != STIVER_BANK_OK)
        return bank_say(bank, status, NULL);
    const struct settings_record *held = &bank->settings;
    *settings = (struct stiver_bank_settings){
        .scheme = held->scheme,
        .currency = held->currency,
        .is_test = held->is_test,
        .policy = {held->policy.payment_limit, held->policy.balance_limit, held->policy.pin_above,
                   held->policy.pin_count, held->policy.pin_total, held->policy.online_above,
                   held->policy.points_per},
        .policy_number = held->policy_number,
    };
    memcpy(settings->name, held->name, sizeof settings->name);
    memcpy(settings->root_key, held->root_key, sizeof settings->root_key);
    memcpy(settings->link_key, held->link_key, sizeof settings->link_key);
    return STIVER_BANK_OK;
}

enum stiver_bank_status stiver_bank_keys(struct stiver_bank *bank, stiver_bank_key_visit *visit,
                                         void *context)
{
    for (unsigned i = STIVER_BANK_KEY_ROOT; i < KEY_KINDS; i++) {
        const struct key_record *record = &bank->keys.current[i];
        char name[KEY_FILE_NAME_BYTES];
        key_file_name(record->key, record->generation, name);
        struct stiver_bank_key_state state = {
            .key = record->key,
            .start = record->start,
            .end = record->end,
            .generation = record->generation,
            .is_file_there = file_is_there(bank->keys.directory, name),
        };
        visit(context, &state);
    }
    return STIVER_BANK_OK;
}

struct renewal {
    enum stiver_bank_key key;
    const struct signer *root;
};

static enum stiver_bank_status renew_work(struct stiver_bank *bank, void *context)
{
    const struct renewal *renewal = context;
    struct key_order order = {
        .key = renewal->key,
        .generation = bank->keys.current[renewal->key].generation + 1,
        .now = bank_now(bank),
        .settings = &bank->settings,
    };
    enum store_status stored = STORE(bank, sequence_next, SEQUENCE_SERIAL, &order.serial);
    if (stored == STORE_OK)
        stored = STORE(bank, sequence_next, SEQUENCE_AUTHORITY, &order.id);
    if (stored != STORE_OK)
        return bank_status_of_store(stored);
    struct key_record record;
    enum stiver_bank_status status = keyring_make(&bank->keys, renewal->root, &order, &record);
    if (status != STIVER_BANK_OK)
        return status;
    status = bank_status_of_store(STORE(bank, key_add, &record));
    if (status != STIVER_BANK_OK)
        return status;
    return bank_keep(bank, RECORD_CERTIFICATE, NULL, record.certificate, record.certificate_bytes,
                     NULL);
}

enum stiver_bank_status stiver_bank_renew(struct stiver_bank *bank, enum stiver_bank_key key,
                                          struct stiver_bank_secret root_passphrase)
{
    if (key <= STIVER_BANK_KEY_ROOT || key >= STIVER_BANK_KEY_LINK)
        return bank_say(bank, STIVER_BANK_ARGUMENT, "this key is never renewed");
    struct signer root = {0};
    enum stiver_bank_status status = keyring_open_root(&bank->keys, root_passphrase, &root);
    if (status != STIVER_BANK_OK)
        return bank_say(bank, status, NULL);
    struct renewal renewal = {key, &root};
    /* Another process may have renewed meanwhile: the newest generation counts. */
    status = keyring_read(&bank->keys, bank->store);
    if (status == STIVER_BANK_OK)
        status = bank_transact(bank, renew_work, &renewal);
    signer_close(&root);
    return status == STIVER_BANK_OK ? keyring_read(&bank->keys, bank->store) : status;
}
