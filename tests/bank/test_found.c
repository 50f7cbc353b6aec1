/* SPDX-License-Identifier: Apache-2.0 */
/* Founding makes a whole bank or nothing; what cannot be opened says why. */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bank/key_file.h"

static unsigned entries_of(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

static enum stiver_bank_status open_again(struct world *w, struct stiver_bank_secret passphrase)
{
    struct stiver_bank_environment environment = world_environment(w);
    struct stiver_bank *bank = NULL;
    enum stiver_bank_status status =
        stiver_bank_open(w->directory, passphrase, &environment, &bank);
    if (status == STIVER_BANK_OK)
        stiver_bank_close(bank);
    else
        assert_null(bank);
    return status;
}

static void founded_bank_opens_with_its_settings(void **state)
{
    (void)state;
    struct world w;
    struct stiver_bank_settings settings;
    world_open(&w);
    assert_int_equal(stiver_bank_settings(w.bank, &settings), STIVER_BANK_OK);
    assert_string_equal(settings.name, "Test campus");
    assert_int_equal(settings.scheme, WORLD_SCHEME);
    assert_int_equal(settings.currency, WORLD_EUR);
    assert_true(settings.is_test);
    assert_int_equal(settings.policy.payment_limit, 5000);
    assert_int_equal(entries_of(w.parent), 1); /* no draft is left behind */
    world_close(&w);
}

static void keys_are_their_owners_alone(void **state)
{
    (void)state;
    struct world w;
    struct stat there;
    char path[400];
    world_open(&w);
    snprintf(path, sizeof path, "%s/keys", w.directory);
    assert_int_equal(stat(path, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0700);
    assert_int_equal(entries_of(path), 9); /* eight keys and the storage key */
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *e = readdir(folder); e; e = readdir(folder)) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/keys/%s", w.directory, e->d_name);
        assert_int_equal(stat(path, &there), 0);
        assert_int_equal(there.st_mode & 0777, 0600);
    }
    closedir(folder);
    world_close(&w);
}

static void founding_over_something_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    struct stiver_bank_environment environment = world_environment(&w);
    struct stiver_bank_founding founding = world_founding();
    assert_int_equal(stiver_bank_found(w.directory, &founding, &environment), STIVER_BANK_EXISTS);
    assert_int_equal(stiver_bank_found(w.parent, &founding, &environment), STIVER_BANK_EXISTS);
    assert_int_equal(entries_of(w.parent), 1);
    world_close(&w);
}

static void unfit_settings_are_refused(void **state)
{
    (void)state;
    struct world w;
    char other[128];
    world_open(&w);
    struct stiver_bank_environment environment = world_environment(&w);
    struct stiver_bank_founding founding = world_founding();
    snprintf(other, sizeof other, "%s/other", w.parent);
    founding.name = "";
    assert_int_equal(stiver_bank_found(other, &founding, &environment), STIVER_BANK_ARGUMENT);
    founding = world_founding();
    founding.passphrase.length = 0;
    assert_int_equal(stiver_bank_found(other, &founding, &environment), STIVER_BANK_ARGUMENT);
    founding = world_founding();
    founding.largest = 0;
    assert_int_equal(stiver_bank_found(other, &founding, &environment), STIVER_BANK_ARGUMENT);
    snprintf(other, sizeof other, "%s/no/such/parent", w.parent);
    founding = world_founding();
    assert_int_equal(stiver_bank_found(other, &founding, &environment), STIVER_BANK_ARGUMENT);
    assert_int_equal(entries_of(w.parent), 1);
    world_close(&w);
}

static void wrong_passphrase_opens_nothing(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    const struct stiver_bank_secret wrong = {(const uint8_t *)"correct horsf", 13};
    const struct stiver_bank_secret none = {(const uint8_t *)"", 0};
    assert_int_equal(open_again(&w, wrong), STIVER_BANK_PASSPHRASE);
    assert_int_equal(open_again(&w, none), STIVER_BANK_PASSPHRASE);
    assert_int_equal(open_again(&w, world_passphrase()), STIVER_BANK_OK);
    world_close(&w);
}

static void what_is_no_bank_is_said_to_be_none(void **state)
{
    (void)state;
    struct world w;
    struct stiver_bank *bank = NULL;
    world_open(&w);
    struct stiver_bank_environment environment = world_environment(&w);
    assert_int_equal(stiver_bank_open(w.parent, world_passphrase(), &environment, &bank),
                     STIVER_BANK_NOT_A_BANK);
    assert_int_equal(stiver_bank_open("/no/such/place", world_passphrase(), &environment, &bank),
                     STIVER_BANK_NOT_A_BANK);
    world_close(&w);
}

static void overwrite(const struct world *w, const char *text, off_t length)
{
    char path[128];
    snprintf(path, sizeof path, "%s/bank.db", w->directory);
    int file = open(path, O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, text, strlen(text), 0), (ssize_t)strlen(text));
    assert_int_equal(ftruncate(file, length), 0);
    close(file);
}

static void damaged_foreign_and_newer_records_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    stiver_bank_close(w.bank);
    w.bank = NULL;
    world_sql(&w, "PRAGMA user_version = 99");
    assert_int_equal(open_again(&w, world_passphrase()), STIVER_BANK_NEWER);
    world_sql(&w, "PRAGMA application_id = 5");
    assert_int_equal(open_again(&w, world_passphrase()), STIVER_BANK_DAMAGED);
    overwrite(&w, "SQLite format 3", 3000); /* cut off */
    assert_int_equal(open_again(&w, world_passphrase()), STIVER_BANK_DAMAGED);
    overwrite(&w, "This is a letter to my bank, and no database of any kind", 4096);
    assert_int_equal(open_again(&w, world_passphrase()), STIVER_BANK_DAMAGED);
    world_remove(&w);
}

static void everything_but_the_roots_work_goes_on_without_the_root(void **state)
{
    (void)state;
    struct world w;
    struct terminal station;
    struct card card;
    char path[128], away[128];
    world_open(&w);
    snprintf(path, sizeof path, "%s/keys/root.pem", w.directory);
    snprintf(away, sizeof away, "%s/root.pem", w.parent);
    assert_int_equal(rename(path, away), 0);
    world_reopen(&w);
    terminal_enrol(&w, &station, ROLE_STATION, 0, 0);
    card_make(&w, &station, &card);
    assert_int_equal(stiver_bank_renew(w.bank, STIVER_BANK_KEY_ORDERS, world_passphrase()),
                     STIVER_BANK_ROOT_OFFLINE);
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(stiver_bank_renew(w.bank, STIVER_BANK_KEY_ORDERS, world_passphrase()),
                     STIVER_BANK_OK);
    terminal_free(&station);
    card_free(&card);
    world_close(&w);
}

/* A draft that somebody left there is no draft of ours: neither its target nor its mode is used. */
static void a_planted_draft_is_never_written_into(void **state)
{
    (void)state;
    struct world w;
    struct stat about;
    char draft[128], victim[128], path[128];
    static const uint8_t secret[] = "secret";
    world_open(&w);
    snprintf(draft, sizeof draft, "%s/paper.new", w.directory);
    snprintf(victim, sizeof victim, "%s/victim", w.directory);
    snprintf(path, sizeof path, "%s/paper", w.directory);
    int file = open(victim, O_WRONLY | O_CREAT, 0666);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(symlink(victim, draft), 0);
    assert_int_equal(file_write(w.directory, "paper", secret, sizeof secret), STIVER_BANK_OK);
    assert_int_equal(stat(victim, &about), 0);
    assert_int_equal(about.st_size, 0);
    file = open(draft, O_WRONLY | O_CREAT, 0666);
    assert_true(file >= 0);
    assert_int_equal(fchmod(file, 0666), 0);
    assert_int_equal(file_write(w.directory, "paper", secret, sizeof secret), STIVER_BANK_OK);
    assert_int_equal(fstat(file, &about), 0);
    assert_int_equal(about.st_size, 0); /* who held it open reads nothing */
    close(file);
    assert_int_equal(lstat(path, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_size, sizeof secret);
    assert_int_not_equal(lstat(draft, &about), 0);
    assert_int_equal(unlink(victim), 0);
    assert_int_equal(unlink(path), 0);
    world_close(&w);
}

struct key_pick {
    enum stiver_bank_key key;
    struct stiver_bank_key_state state;
};

static void pick_key(void *context, const struct stiver_bank_key_state *state)
{
    struct key_pick *pick = context;
    if (state->key == pick->key)
        pick->state = *state;
}

static void renewed_keys_sign_and_old_papers_stay_good(void **state)
{
    (void)state;
    struct world w;
    struct terminal station, kiosk;
    struct card card;
    world_open(&w);
    terminal_enrol(&w, &station, ROLE_STATION, 0, 0);
    terminal_enrol(&w, &kiosk, ROLE_KIOSK, 1, 5000);
    card_make(&w, &station, &card);
    card_load(&w, &kiosk, &card, 1000);
    w.now += 91 * WORLD_DAY; /* working keys end after 90 days */
    struct reply late = ask_load(&w, &kiosk, &card, 2, 100);
    assert_int_not_equal(late.result, LINK_OK);
    reply_free(&late);
    const enum stiver_bank_key renewed[] = {
        STIVER_BANK_KEY_ORDERS, STIVER_BANK_KEY_POLICY, STIVER_BANK_KEY_LISTS,
        STIVER_BANK_KEY_TERMINAL_AUTHORITY, STIVER_BANK_KEY_CARD_AUTHORITY};
    for (size_t i = 0; i < sizeof renewed / sizeof renewed[0]; i++) {
        struct key_pick pick = {.key = renewed[i]};
        assert_int_equal(stiver_bank_renew(w.bank, renewed[i], world_passphrase()), STIVER_BANK_OK);
        assert_int_equal(stiver_bank_keys(w.bank, pick_key, &pick), STIVER_BANK_OK);
        assert_int_equal(pick.state.generation, 2);
        assert_true(pick.state.is_file_there);
        assert_true(pick.state.end > w.now);
    }
    assert_int_equal(stiver_bank_renew(w.bank, STIVER_BANK_KEY_ROOT, world_passphrase()),
                     STIVER_BANK_ARGUMENT);
    struct stiver_bank_bytes package;
    assert_int_equal(stiver_bank_recertify(w.bank, kiosk.number, 7, &package), STIVER_BANK_OK);
    stiver_bank_bytes_free(&package);
    card_load(&w, &kiosk, &card, 100);
    assert_int_equal(world_card(&w, &card).balance, 1100);
    terminal_free(&station);
    terminal_free(&kiosk);
    card_free(&card);
    world_close(&w);
}

/* RLIMIT_FSIZE stands for the full disk: the call that would grow a file beyond it fails. */
static void full_disk_keeps_nothing_of_the_step(void **state)
{
    (void)state;
    struct world w;
    char other[128];
    world_open(&w);
    struct stiver_bank_environment environment = world_environment(&w);
    struct stiver_bank_founding founding = world_founding();
    struct rlimit old, tight = {8192, RLIM_INFINITY};
    snprintf(other, sizeof other, "%s/other", w.parent);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum stiver_bank_status founded = stiver_bank_found(other, &founding, &environment);
    uint8_t serial[8] = {9}, key[16] = {1};
    enum stiver_bank_status stocked = STIVER_BANK_OK;
    for (uint8_t i = 0; i < 200 && stocked == STIVER_BANK_OK; i++) {
        serial[0] = i;
        stocked = stiver_bank_stock(w.bank, serial, key, 2);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(founded, STIVER_BANK_DISK_FULL);
    /* The limit is no ENOSPC: SQLite may call it an error of the disk. */
    assert_true(stocked == STIVER_BANK_DISK_FULL || stocked == STIVER_BANK_IO);
    assert_int_equal(entries_of(w.parent), 1);
    assert_int_equal(stiver_bank_stock(w.bank, serial, key, 2), STIVER_BANK_OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founded_bank_opens_with_its_settings),
        cmocka_unit_test(keys_are_their_owners_alone),
        cmocka_unit_test(founding_over_something_is_refused),
        cmocka_unit_test(unfit_settings_are_refused),
        cmocka_unit_test(wrong_passphrase_opens_nothing),
        cmocka_unit_test(what_is_no_bank_is_said_to_be_none),
        cmocka_unit_test(damaged_foreign_and_newer_records_are_told_apart),
        cmocka_unit_test(everything_but_the_roots_work_goes_on_without_the_root),
        cmocka_unit_test(renewed_keys_sign_and_old_papers_stay_good),
        cmocka_unit_test(a_planted_draft_is_never_written_into),
        cmocka_unit_test(full_disk_keeps_nothing_of_the_step),
    };
    return cmocka_run_group_tests_name("founding", tests, NULL, NULL);
}
