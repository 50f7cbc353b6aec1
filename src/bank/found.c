/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Founding: everything is made in a sibling directory with a name of its own, synced, and renamed
 * at the end; what a power cut leaves never counts as a bank.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bank/inside.h"
#include "bank/key_file.h"
#include "base/bytes.h"

#define PATH_BYTES 4096

static bool name_is_fit(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    if (length == 0 || length >= STIVER_BANK_NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    return true;
}

static enum stiver_bank_status settings_of(const struct stiver_bank_founding *f,
                                           struct settings_record *s)
{
    const struct stiver_bank_policy *p = &f->policy;
    bool fit = name_is_fit(f->name) && f->currency != 0 && f->largest != 0 && f->passphrase.bytes &&
               f->passphrase.length && p->payment_limit != 0 && p->balance_limit != 0 &&
               (!f->root_passphrase.bytes || f->root_passphrase.length);
    if (!fit)
        return STIVER_BANK_ARGUMENT;
    *s = (struct settings_record){
        .scheme = f->scheme,
        .currency = f->currency,
        .is_test = f->is_test,
        .largest = f->largest,
        .policy = {f->currency, p->payment_limit, p->balance_limit, p->pin_above, p->pin_count,
                   p->pin_total, p->online_above, p->points_per},
        .policy_number = 1,
    };
    snprintf(s->name, sizeof s->name, "%s", f->name);
    uint8_t random[4];
    while (s->scheme == 0) {
        if (!evp_random(random, sizeof random))
            return STIVER_BANK_CRYPTO;
        struct reader r = reader_of(random, sizeof random);
        s->scheme = reader_u32(&r);
    }
    return STIVER_BANK_OK;
}

static enum stiver_bank_status make_folders(const char *directory, char draft[PATH_BYTES])
{
    struct stat there;
    if (lstat(directory, &there) == 0)
        return STIVER_BANK_EXISTS;
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (length == 0 || length + sizeof ".founding-XXXXXX" > PATH_BYTES)
        return STIVER_BANK_ARGUMENT;
    snprintf(draft, PATH_BYTES, "%.*s.founding-XXXXXX", (int)length, directory);
    if (!mkdtemp(draft))
        return errno == ENOENT || errno == ENOTDIR ? STIVER_BANK_ARGUMENT : status_of_errno();
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/keys", draft);
    if (mkdir(path, 0700) != 0)
        return status_of_errno();
    snprintf(path, sizeof path, "%s/certificates", draft);
    return mkdir(path, 0755) == 0 ? STIVER_BANK_OK : status_of_errno();
}

/* Root first: it makes the others' certificates. */
static enum stiver_bank_status make_root(struct stiver_bank *bank,
                                         const struct stiver_bank_founding *f, struct signer *root)
{
    struct key_record *record = &bank->keys.current[STIVER_BANK_KEY_ROOT];
    *record = (struct key_record){
        .key = STIVER_BANK_KEY_ROOT, .generation = 1, .id = 1, .end = UINT32_MAX};
    struct stiver_bank_secret passphrase =
        f->root_passphrase.bytes ? f->root_passphrase : f->passphrase;
    enum stiver_bank_status status = key_file_make(bank->keys.directory, "keys/root.pem",
                                                   passphrase, bank->keys.cost, record->public_key);
    if (status != STIVER_BANK_OK)
        return status;
    memcpy(bank->settings.root_key, record->public_key, sizeof bank->settings.root_key);
    return keyring_open_root(&bank->keys, passphrase, root);
}

static enum stiver_bank_status make_keys(struct stiver_bank *bank, const struct signer *root)
{
    for (unsigned key = STIVER_BANK_KEY_ROOT + 1; key < KEY_KINDS; key++) {
        struct key_order order = {
            .key = (enum stiver_bank_key)key,
            .generation = 1,
            .id = key, /* the root is 1; the sequences go on behind */
            .serial = key,
            .now = bank_now(bank),
            .settings = &bank->settings,
        };
        enum stiver_bank_status status =
            keyring_make(&bank->keys, root, &order, &bank->keys.current[key]);
        if (status != STIVER_BANK_OK)
            return status;
    }
    memcpy(bank->settings.link_key, bank->keys.current[STIVER_BANK_KEY_LINK].public_key,
           sizeof bank->settings.link_key);
    return STIVER_BANK_OK;
}

static enum stiver_bank_status first_records(struct stiver_bank *bank, void *context)
{
    (void)context;
    enum store_status stored = STORE(bank, settings_put, &bank->settings);
    for (unsigned key = STIVER_BANK_KEY_ROOT; stored == STORE_OK && key < KEY_KINDS; key++) {
        const struct key_record *record = &bank->keys.current[key];
        uint32_t used;
        stored = STORE(bank, key_add, record);
        if (stored == STORE_OK)
            stored = STORE(bank, sequence_next, SEQUENCE_SERIAL, &used);
        if (stored == STORE_OK)
            stored = STORE(bank, sequence_next, SEQUENCE_AUTHORITY, &used);
        if (stored != STORE_OK || !record->certificate_bytes)
            continue;
        enum stiver_bank_status status = bank_keep(
            bank, RECORD_CERTIFICATE, NULL, record->certificate, record->certificate_bytes, NULL);
        if (status != STIVER_BANK_OK)
            return status;
    }
    return bank_status_of_store(stored);
}

static enum stiver_bank_status build(struct stiver_bank *bank, const char *draft,
                                     const struct stiver_bank_founding *f,
                                     const struct stiver_bank_environment *environment)
{
    struct signer root = {0};
    enum stiver_bank_status status =
        keyring_init(&bank->keys, draft, f->passphrase, environment->key_cost);
    if (status == STIVER_BANK_OK)
        status = storage_key_make(draft, f->passphrase, bank->keys.cost, bank->storage_key);
    if (status == STIVER_BANK_OK)
        status = make_root(bank, f, &root);
    if (status == STIVER_BANK_OK)
        status = make_keys(bank, &root);
    signer_close(&root);
    if (status == STIVER_BANK_OK)
        status = bank_status_of_store(environment->engine->open(draft, true, &bank->store));
    return status == STIVER_BANK_OK ? bank_transact(bank, first_records, NULL) : status;
}

/* What a failed founding made, by name: nothing else is ever touched. */
static void tear_down(const char *draft)
{
    static const char *const fixed[] = {"bank.db",         "bank.db-wal",      "bank.db-shm",
                                        "bank.db-journal", "keys/storage.key", "keys/root.pem"};
    char path[PATH_BYTES + KEY_FILE_NAME_BYTES];
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", draft, fixed[i]);
        unlink(path);
    }
    for (unsigned key = STIVER_BANK_KEY_ROOT + 1; key < KEY_KINDS; key++) {
        char name[KEY_FILE_NAME_BYTES];
        key_file_name((enum stiver_bank_key)key, 1, name);
        snprintf(path, sizeof path, "%s/%s", draft, name);
        unlink(path);
        char *stem = name + strlen("keys/");
        *strrchr(stem, '.') = 0;
        snprintf(path, sizeof path, "%s/certificates/%s.cvc", draft, stem);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/keys", draft);
    rmdir(path);
    snprintf(path, sizeof path, "%s/certificates", draft);
    rmdir(path);
    rmdir(draft);
}

static bool sync_folder(const char *path)
{
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    return done;
}

static enum stiver_bank_status move_in(const char *draft, const char *directory)
{
    char parent[PATH_BYTES];
    snprintf(parent, sizeof parent, "%s", draft);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = 0;
    /* rename() replaces nothing but an empty directory, which holds no bank. */
    if (!sync_folder(draft) || rename(draft, directory) != 0)
        return errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR ? STIVER_BANK_EXISTS
                                                                         : status_of_errno();
    return sync_folder(slash ? parent : ".") ? STIVER_BANK_OK : STIVER_BANK_IO;
}

enum stiver_bank_status stiver_bank_found(const char *directory,
                                          const struct stiver_bank_founding *founding,
                                          const struct stiver_bank_environment *environment)
{
    struct settings_record settings;
    enum stiver_bank_status status = settings_of(founding, &settings);
    if (status != STIVER_BANK_OK)
        return status;
    char draft[PATH_BYTES] = "";
    struct stiver_bank *bank = calloc(1, sizeof *bank);
    if (!bank)
        return STIVER_BANK_MEMORY;
    status = make_folders(directory, draft);
    if (status != STIVER_BANK_OK) {
        free(bank);
        if (draft[0])
            tear_down(draft);
        return status;
    }
    bank->settings = settings;
    bank->now = environment->now ? environment->now : bank_system_clock;
    bank->clock_context = environment->clock_context;
    status = build(bank, draft, founding, environment);
    stiver_bank_close(bank);
    if (status == STIVER_BANK_OK)
        status = move_in(draft, directory);
    if (status != STIVER_BANK_OK)
        tear_down(draft);
    return status;
}
