/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN: four to eight digits in a block of eight bytes, PIN_TRIES tries. A try is spent,
 * durably, before the comparison, so that power cut after a wrong guess wins no second one; the
 * right PIN gives all tries back.
 */
#include "card/purse/internal.h"

#include <string.h>

#define PIN_PAD 0xFFu
#define PIN_DIGITS_LEAST 4u

struct tries {
    uint8_t left;
    uint8_t last_wrong[TERMINAL_NUMBER_BYTES]; /* terminal */
};

/* Once a try is spent, 62xx would be a lie ("nothing was changed"): whatever fails then, a wrong
 * PIN or the memory, is told as what is left. */
static enum status tries_told(uint8_t left)
{
    return (enum status)(STATUS_PIN_WRONG + left);
}

/* The remainder of 10 by multiplication, right for every byte: division takes a time that depends
 * on what is divided. */
static uint8_t digit_of(uint8_t byte)
{
    unsigned tenth = byte * 205u >> 11;
    return (uint8_t)('0' + byte - 10u * tenth);
}

enum status pin_draw(uint8_t pin[PIN_BYTES])
{
    /* 250 to 255 are thrown away, so that every digit is as likely as every other; that 13 of 16
     * bytes are happens once in 10^18 cards. */
    uint8_t random[16];
    size_t digits = 0;
    memset(pin, PIN_PAD, PIN_BYTES);
    if (crypto_random(random, sizeof random) != CRYPTO_OK)
        return STATUS_FAILED;
    for (size_t i = 0; i < sizeof random && digits < PIN_DRAWN_DIGITS; i++)
        if (random[i] < 250)
            pin[digits++] = digit_of(random[i]);
    bytes_wipe(random, sizeof random);
    return digits == PIN_DRAWN_DIGITS ? STATUS_OK : STATUS_FAILED;
}

/* Digits first, then padding; looks at every byte whatever it finds. */
static bool pin_is_well_formed(const uint8_t pin[PIN_BYTES])
{
    unsigned bad = 0, padded = 0;
    for (size_t i = 0; i < PIN_BYTES; i++) {
        unsigned is_digit = (unsigned)(pin[i] >= '0') & (unsigned)(pin[i] <= '9');
        unsigned is_pad = (unsigned)(pin[i] == PIN_PAD);
        bad |= (is_digit ^ 1u) & (is_pad ^ 1u);
        bad |= is_digit & padded;
        bad |= is_pad & (unsigned)(i < PIN_DIGITS_LEAST);
        padded |= is_pad;
    }
    return bad == 0;
}

/* ---- records ---- */

static enum status tries_read(struct card *card, struct tries *tries)
{
    uint8_t record[TRIES_BYTES];
    enum status status = purse_read(card, PURSE_RECORD_TRIES, record, sizeof record);
    struct reader r = reader_of(record, sizeof record);
    if (status != STATUS_OK)
        return status;
    tries->left = reader_u8(&r);
    reader_bytes(&r, tries->last_wrong, sizeof tries->last_wrong);
    return STATUS_OK;
}

static enum status tries_put(struct card *card, const struct tries *tries)
{
    uint8_t record[TRIES_BYTES];
    struct writer w = writer_of(record, sizeof record);
    writer_u8(&w, tries->left);
    writer_bytes(&w, tries->last_wrong, sizeof tries->last_wrong);
    return card_put(card, OWNER_PURSE, PURSE_RECORD_TRIES, PURSE_RECORD_VERSION, record,
                    sizeof record);
}

static enum status pin_put(struct card *card, const uint8_t pin[PIN_BYTES])
{
    return card_put(card, OWNER_PURSE, PURSE_RECORD_PIN, PURSE_RECORD_VERSION, pin, PIN_BYTES);
}

/* One transaction: the tries and, unless NULL, a new PIN. */
static enum status pin_commit(struct card *card, const struct tries *tries, const uint8_t *pin)
{
    enum status status =
        card_begin(card, TRIES_BYTES + (pin == NULL ? 0 : PIN_BYTES), pin == NULL ? 1 : 2);
    if (status == STATUS_OK)
        status = tries_put(card, tries);
    if (status == STATUS_OK && pin != NULL)
        status = pin_put(card, pin);
    if (status == STATUS_OK)
        status = card_commit(card, false);
    return status;
}

enum status pin_put_first(struct card *card, const uint8_t pin[PIN_BYTES])
{
    const struct tries tries = {.left = PIN_TRIES};
    enum status status = tries_put(card, &tries);
    return status == STATUS_OK ? pin_put(card, pin) : status;
}

enum status pin_tries(struct card *card, uint8_t *left)
{
    struct tries tries;
    enum status status = tries_read(card, &tries);
    *left = status == STATUS_OK ? tries.left : 0;
    return status;
}

/* ---- comparison ---- */

static bool pin_matches(struct card *card, const uint8_t given[PIN_BYTES])
{
    uint8_t pin[PIN_BYTES];
    enum status status = purse_read(card, PURSE_RECORD_PIN, pin, sizeof pin);
    bool matches = bytes_equal_ct(pin, given, sizeof pin) && status == STATUS_OK;
    bytes_wipe(pin, sizeof pin);
    return matches;
}

/* Spends a try, durably, and only then compares. OK: right, and *before holds the tries as they
 * were, for tries_restore. */
static enum status pin_try(struct card *card, const uint8_t given[PIN_BYTES], struct tries *before)
{
    struct tries spent;
    enum status status = tries_read(card, before);
    if (status != STATUS_OK)
        return status;
    if (before->left == 0)
        return STATUS_PIN_BLOCKED;
    spent.left = (uint8_t)(before->left - 1);
    memcpy(spent.last_wrong, card->peer.number, sizeof spent.last_wrong);
    status = pin_commit(card, &spent, NULL);
    if (status != STATUS_OK)
        return status;
    return pin_matches(card, given) ? STATUS_OK : tries_told(spent.left);
}

/* All tries again after a right PIN, and a new PIN; without one (NULL) the PIN is verified from now
 * on. */
static enum status tries_restore(struct card *card, struct tries *tries, const uint8_t *pin)
{
    uint8_t spent = (uint8_t)(tries->left - 1);
    tries->left = PIN_TRIES;
    if (pin_commit(card, tries, pin) != STATUS_OK)
        return tries_told(spent);
    purse_of(card)->is_pin_verified = pin == NULL;
    return STATUS_OK;
}

/* ---- commands ---- */

enum status purse_read_pin(struct card *card, const struct apdu_command *command,
                           struct writer *answer)
{
    (void)command;
    uint8_t *pin = writer_reserve(answer, PIN_BYTES);
    return pin == NULL ? STATUS_FAILED : purse_read(card, PURSE_RECORD_PIN, pin, PIN_BYTES);
}

enum status purse_verify_pin(struct card *card, const struct apdu_command *command,
                             struct writer *answer)
{
    struct tries tries;
    (void)answer;
    purse_of(card)->is_pin_verified = false;
    if (!pin_is_well_formed(command->data))
        return STATUS_DATA;
    enum status status = pin_try(card, command->data, &tries);
    if (status != STATUS_OK)
        return status;
    return tries_restore(card, &tries, NULL);
}

enum status purse_change_pin(struct card *card, const struct apdu_command *command,
                             struct writer *answer)
{
    const uint8_t *old = command->data, *new = command->data + PIN_BYTES;
    struct tries tries;
    (void)answer;
    purse_of(card)->is_pin_verified = false;
    if (!pin_is_well_formed(old) || !pin_is_well_formed(new))
        return STATUS_DATA;
    enum status status = pin_try(card, old, &tries);
    if (status != STATUS_OK)
        return status;
    return tries_restore(card, &tries, new);
}
