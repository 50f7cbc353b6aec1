/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bank does with requests. Input: a byte that chooses, then: raw bytes behind a good
 * header; or the terminal, the type, and changes to what a terminal really asked (house.h), under
 * a good tag. No cent is made or lost: only the receipt that the card signed is ever booked.
 */
#include "house.h"

#define REQUEST_MOST 8192u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct stiver_bank_books before;

static void read_books(struct stiver_bank_books *books)
{
    require(stiver_bank_books(house.bank, NULL, NULL, books) == STIVER_BANK_OK);
    require(books->sum_minor == 0 && books->balanced);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct stiver_terminal_bytes upload;
    struct stiver_terminal *shop;
    (void)argc;
    (void)argv;
    house_make();
    /* The shop's request with the payment in it, never sent by itself. */
    shop = house.members[HOUSE_SHOP].terminal;
    require(stiver_terminal_upload_make(shop, &upload) == STIVER_TERMINAL_OK);
    house_keep(&house.request[LINK_UPLOAD], upload.data, upload.length);
    stiver_terminal_bytes_free(&upload);
    read_books(&before);
    return 0;
}

static void ask(const uint8_t *request, size_t bytes)
{
    struct stiver_bank_bytes answer = {NULL, 0};
    enum stiver_bank_status status = stiver_bank_link(house.bank, request, bytes, &answer);
    if (status != STIVER_BANK_OK) {
        require(status == STIVER_BANK_MALFORMED || status == STIVER_BANK_OTHER_SCHEME ||
                status == STIVER_BANK_UNKNOWN_TERMINAL || status == STIVER_BANK_FORGED);
        return;
    }
    require(answer.length > LINK_HEADER_BYTES + CMAC_BYTES);
    require(memcmp(answer.data + 2, request + 2, LINK_HEADER_BYTES - 2) == 0);
    stiver_bank_bytes_free(&answer);
}

static void raw(struct reader *r)
{
    static uint8_t request[REQUEST_MOST];
    const size_t bytes = house_change(r, house.request[LINK_UPLOAD].data,
                                      house.request[LINK_UPLOAD].length, request, sizeof request);
    ask(request, bytes);
}

static void tagged(struct reader *r)
{
    static uint8_t body[REQUEST_MOST];
    static const uint8_t ids[2][LINK_ID_BYTES] = {{1}, {2}};
    struct stiver_terminal_bytes request;
    uint8_t choice = reader_u8(r);
    const struct house_terminal *member = &house.members[choice % HOUSE_MEMBERS];
    const enum link_type type = (enum link_type)(1 + choice / HOUSE_MEMBERS % 4);
    const struct stiver_terminal_bytes *said = &house.request[type];
    const size_t bytes =
        house_change(r, said->data + LINK_HEADER_BYTES,
                     said->length - LINK_HEADER_BYTES - CMAC_BYTES, body, sizeof body);
    require(link_request_make(member->terminal, type, ids[choice >> 7], body, bytes, &request) ==
            STIVER_TERMINAL_OK);
    ask(request.data, request.length);
    ask(request.data, request.length); /* a repeat does nothing more */
    stiver_terminal_bytes_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct stiver_bank_books after;
    struct reader r = reader_of(data, bytes);
    if (reader_u8(&r) % 4 == 0)
        raw(&r);
    else
        tagged(&r);
    read_books(&after);
    require(after.receipts <= before.receipts + 1);
    require(
        after.float_minor == before.float_minor ||
        (after.receipts == before.receipts + 1 && after.float_minor == before.float_minor - 250));
    house_restore();
    return 0;
}
