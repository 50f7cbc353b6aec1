/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's file and the records in a card's memory. Input: a byte that chooses, then changes.
 * Image: each change is an offset of 3 bytes, a length of 1, bytes; an offset behind the end cuts
 * the file there. It is opened or told apart, nothing is written, and what opens is powered on.
 * Records: each change is owner, id, version, a length of 2 bytes, bytes, put as a good transaction
 * into a card's memory, so that the decoders behind the memory's checks are reached.
 */
#include <fcntl.h>
#include <unistd.h>

#include "card.h"
#include "card/core/card.h"
#include "port/host/card_image.h"

#define IMAGE_BYTES ((CARD_IMAGE_PAGES + 1u) * CARD_IMAGE_PAGE_BYTES)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char path[] = "/tmp/stiver-fuzz-XXXXXX";
static uint8_t image[IMAGE_BYTES];
static int file = -1;

static void clean_up(void)
{
    (void)unlink(path);
}

static void make_image(void)
{
    struct card_image *made = NULL;
    const struct stiver_card_factory factory = {.serial = "fuzzcard"};
    file = mkstemp(path);
    require(file >= 0 && atexit(clean_up) == 0 && unlink(path) == 0);
    require(card_image_create(path, &made) == CARD_IMAGE_OK);
    card_image_set_volatile(made, true);
    struct stiver_flash port = card_image_flash(made);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    card_image_close(made);
    require(close(file) == 0);
    file = open(path, O_RDWR);
    require(file >= 0 && pread(file, image, sizeof image, 0) == (ssize_t)sizeof image);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct stiver_card card;
    const struct stiver_card_factory factory = {.serial = "fuzzcard", .is_hardware = 1};
    (void)argc;
    (void)argv;
    require(crypto_start() == CRYPTO_OK);
    make_image();
    blank.changes_left = UINT32_MAX;
    struct stiver_flash port = port_of(&blank);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    personalised = blank;
    port = port_of(&personalised);
    require(stiver_card_power_on(&card, &port) == STIVER_CARD_OK);
    personalise(&card);
    stiver_card_power_off(&card);
    return 0;
}

/* Whatever the card is now: it answers, or is silent for good. */
static void talk(struct stiver_card *card)
{
    static const uint8_t commands[][7] = {{0x80, 0xCA, 0xDF, 0x01, 0x00},
                                          {0x80, 0xCA, 0x7F, 0x21, 0x00, 0x00, 0x00},
                                          {0x80, 0xCA, 0xDF, 0x02, 0x00}};
    uint8_t select[5 + PURSE_AID_BYTES + 1] = {0x00, 0xA4, 0x04, 0x00, PURSE_AID_BYTES};
    uint8_t response[STIVER_APDU_MAX];
    memcpy(select + 5, purse_aid, PURSE_AID_BYTES);
    size_t answered = stiver_card_transmit(card, select, sizeof select, response);
    require(answered == 0 || answered >= 2);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        answered = stiver_card_transmit(card, commands[i], i == 1 ? 7 : 5, response);
        require(answered == 0 || (answered >= 2 && answered <= sizeof response));
    }
}

static void open_image(const uint8_t *now, size_t bytes)
{
    static struct stiver_card card;
    static uint8_t after[IMAGE_BYTES];
    struct card_image *opened = NULL;
    require(ftruncate(file, (off_t)bytes) == 0 && pwrite(file, now, bytes, 0) == (ssize_t)bytes);
    enum card_image_status status = card_image_open(path, &opened);
    require((status == CARD_IMAGE_OK) == (opened != NULL));
    require(pread(file, after, sizeof after, 0) == (ssize_t)bytes && !memcmp(after, now, bytes));
    if (opened == NULL) {
        require(status == CARD_IMAGE_FOREIGN || status == CARD_IMAGE_NEWER ||
                status == CARD_IMAGE_OLDER || status == CARD_IMAGE_DAMAGED);
        return;
    }
    require(bytes == IMAGE_BYTES);
    card_image_set_volatile(opened, true);
    struct stiver_flash port = card_image_flash(opened);
    if (stiver_card_power_on(&card, &port) == STIVER_CARD_OK) {
        talk(&card);
        stiver_card_power_off(&card);
    }
    card_image_close(opened);
}

static void change_image(struct reader r)
{
    static uint8_t now[IMAGE_BYTES];
    size_t bytes = sizeof now;
    memcpy(now, image, sizeof now);
    while (r.left > 4) {
        uint32_t at = (uint32_t)reader_u8(&r) << 16;
        at |= reader_u16(&r);
        size_t length = reader_u8(&r);
        length = length < r.left ? length : r.left;
        const uint8_t *given = reader_take(&r, length);
        if (at >= sizeof now)
            bytes = at % sizeof now;
        else if (length != 0)
            memcpy(now + at, given, length < sizeof now - at ? length : sizeof now - at);
    }
    open_image(now, bytes);
}

static bool put_record(struct nvm *nvm, struct reader *r)
{
    uint8_t owner = reader_u8(r), id = reader_u8(r), version = reader_u8(r);
    size_t length = reader_u16(r) % 600;
    length = length < r->left ? length : r->left;
    const uint8_t *given = reader_take(r, length);
    return !r->failed && nvm_begin(nvm, length, 1) == NVM_OK &&
           nvm_put(nvm, owner, id, version, given, length) == NVM_OK && nvm_commit(nvm) == NVM_OK;
}

static void change_records(struct reader r)
{
    static const uint8_t salt[NVM_SALT_BYTES] = {7};
    static struct ram_flash flash;
    static struct stiver_card card;
    static struct nvm nvm;
    flash = personalised;
    struct stiver_flash port = port_of(&flash);
    require(nvm_mount(&nvm, &port, salt) == NVM_OK);
    while (r.left > 5 && put_record(&nvm, &r))
        continue;
    if (stiver_card_power_on(&card, &port) == STIVER_CARD_OK) {
        talk(&card);
        stiver_card_power_off(&card);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct reader r = reader_of(data, bytes);
    if (reader_u8(&r) % 2 == 0)
        change_image(r);
    else
        change_records(r);
    return 0;
}
