/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a terminal does with what comes from its bank. Input: a byte that chooses, then changes to
 * what the bank really said (house.h): an upload's answer as it is or under a good tag, a package,
 * the answers of personalisation met with a real blank card. The choice also says whether every
 * signature is taken for good, so that what lies behind it is reached. What is not taken leaves
 * the terminal as it was.
 */
#include <psa/crypto.h>

#include "house.h"
#include "terminal/journal.h"

#define ANSWER_MOST 16384u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* ---- signatures ---- */

static bool takes_all;

/* tests/faults/swift_psa.c under another name. */
psa_status_t swift_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm, const uint8_t *hash,
                                   size_t hash_bytes, const uint8_t *signature,
                                   size_t signature_bytes);
psa_status_t __wrap_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes);

psa_status_t __wrap_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes)
{
    return takes_all ? PSA_SUCCESS
                     : swift_psa_verify_hash(key, algorithm, hash, hash_bytes, signature,
                                             signature_bytes);
}

/* ---- a terminal as it was enrolled, for each input ---- */

static struct stiver_terminal *enrolled_as(enum house_member member)
{
    struct stiver_terminal *terminal = NULL;
    const struct house_terminal *model = &house.members[member];
    const bool kept = takes_all;
    require(stiver_terminal_open(NULL, &house_environment, &terminal) == STIVER_TERMINAL_OK);
    terminal->key = model->terminal->key;
    takes_all = true; /* it was verified when the house was made */
    require(stiver_terminal_adopt(terminal, model->package.data, model->package.length, NULL) ==
            STIVER_TERMINAL_OK);
    takes_all = kept;
    return terminal;
}

static void look(struct stiver_terminal *terminal, struct stiver_terminal_info *info)
{
    memset(info, 0, sizeof *info);
    require(stiver_terminal_info(terminal, info) == STIVER_TERMINAL_OK);
}

static void need_unchanged(struct stiver_terminal *terminal, const struct stiver_terminal_info *was)
{
    struct stiver_terminal_info is;
    look(terminal, &is);
    require(memcmp(&is, was, sizeof is) == 0);
}

/* ---- answers ---- */

/* Header, result and body under the tag that the bank would make. */
static size_t seal(const struct stiver_terminal *terminal, const struct link_header *header,
                   const uint8_t *body, size_t bytes, uint8_t *out, size_t capacity)
{
    uint8_t secret[SHARED_SECRET_BYTES], key[AES_KEY_BYTES];
    struct writer w = writer_of(out, capacity);
    link_header_encode(header, true, &w);
    writer_bytes(&w, body, bytes);
    const struct piece piece = {out, w.used};
    uint8_t *tag = writer_reserve(&w, CMAC_BYTES);
    require(tag != NULL);
    require(crypto_agree(terminal->key.private_key, terminal->identity.link_key, secret) ==
            CRYPTO_OK);
    require(crypto_kdf_x963(secret, sizeof secret, (const uint8_t *)LINK_INFO_ANSWER,
                            strlen(LINK_INFO_ANSWER), key, sizeof key) == CRYPTO_OK);
    require(crypto_cmac(key, &piece, 1, tag) == CRYPTO_OK);
    return w.used;
}

/* To the request of these bytes: the changed answer of its type, its result first. */
static size_t answer_to(const struct stiver_terminal *terminal, const uint8_t *request,
                        struct reader *r, bool is_tagged, uint8_t *out)
{
    static uint8_t body[ANSWER_MOST];
    struct link_header header;
    struct reader head = reader_of(request, LINK_HEADER_BYTES);
    require(link_header_decode(&head, false, &header));
    const struct stiver_terminal_bytes *said = &house.answer[header.type];
    if (!is_tagged)
        return house_change(r, said->data, said->length, out, ANSWER_MOST);
    const size_t bytes = house_change(r, said->data + LINK_HEADER_BYTES,
                                      said->length - LINK_HEADER_BYTES - CMAC_BYTES, body,
                                      sizeof body - LINK_HEADER_BYTES - CMAC_BYTES);
    return seal(terminal, &header, body, bytes, out, ANSWER_MOST);
}

static void take_upload(struct reader *r, bool is_tagged)
{
    static uint8_t answer[ANSWER_MOST];
    struct stiver_terminal *terminal = enrolled_as(HOUSE_KIOSK);
    struct stiver_terminal_bytes request;
    struct stiver_terminal_sync sync = {0};
    struct stiver_terminal_info was;
    char detail[STIVER_TERMINAL_DETAIL_BYTES] = "";
    require(stiver_terminal_upload_make(terminal, &request) == STIVER_TERMINAL_OK);
    const size_t bytes = answer_to(terminal, request.data, r, is_tagged, answer);
    look(terminal, &was);
    terminal_status status = stiver_terminal_upload_take(terminal, answer, bytes, &sync, detail);
    require(status < STIVER_TERMINAL_STATUS_COUNT && status != STIVER_TERMINAL_INTERNAL);
    require(memchr(detail, '\0', sizeof detail) != NULL);
    if (status != STIVER_TERMINAL_OK)
        need_unchanged(terminal, &was);
    require(is_tagged || status != STIVER_TERMINAL_OK);
    stiver_terminal_bytes_free(&request);
    stiver_terminal_close(terminal);
}

static void take_package(struct reader *r)
{
    static uint8_t package[ANSWER_MOST];
    struct stiver_terminal *terminal = enrolled_as(HOUSE_SHOP);
    const struct stiver_bank_bytes *said = &house.members[HOUSE_SHOP].package;
    struct stiver_terminal_info was;
    const size_t bytes = house_change(r, said->data, said->length, package, sizeof package);
    look(terminal, &was);
    terminal_status status = stiver_terminal_adopt(terminal, package, bytes, NULL);
    require(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_PACKAGE ||
            status == STIVER_TERMINAL_LIST_FORGED || status == STIVER_TERMINAL_ROOT_DIFFERS);
    if (status != STIVER_TERMINAL_OK)
        need_unchanged(terminal, &was);
    else
        require(takes_all || (bytes == said->length && !memcmp(package, said->data, bytes)));
    stiver_terminal_close(terminal);
}

/* ---- personalisation ---- */

struct personalising {
    struct stiver_terminal *terminal;
    struct reader *changes;
    unsigned disturbed; /* which of the two answers */
    unsigned count;
    uint8_t answer[ANSWER_MOST];
};

static bool answer_station(void *context, const uint8_t *request, size_t bytes, uint8_t **answer,
                           size_t *answer_bytes)
{
    struct personalising *p = context;
    struct reader none = {NULL, 0, false};
    (void)bytes;
    *answer_bytes = answer_to(p->terminal, request, p->count++ == p->disturbed ? p->changes : &none,
                              true, p->answer);
    *answer = p->answer;
    return true;
}

static void take_personalisation(struct reader *r, unsigned disturbed)
{
    static struct ram_flash flash;
    static struct card_slot slot;
    static struct personalising p;
    struct card_reader reader = {.ops = NULL};
    struct stiver_terminal_result result;
    const struct stiver_terminal_link link = {&p, answer_station, NULL};
    const struct stiver_terminal_personalisation with = {.link = &link};
    p = (struct personalising){
        .terminal = enrolled_as(HOUSE_STATION), .changes = r, .disturbed = disturbed};
    flash = blank;
    const struct card_slot_options options = {.flash = port_of(&flash)};
    card_slot_init(&slot, &options);
    require(inprocess_reader_open(&slot, &reader) == READER_OK);
    terminal_status status = stiver_terminal_personalise(p.terminal, &reader, &with, &result);
    require(status < STIVER_TERMINAL_STATUS_COUNT && status != STIVER_TERMINAL_INTERNAL);
    /* The certificates that were made for the house's card fit no other. */
    require(status != STIVER_TERMINAL_OK || takes_all);
    card_reader_close(&reader);
    stiver_terminal_close(p.terminal);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct stiver_card_factory factory = {.serial = "fuzzcard", .transport_key = {0x55}};
    (void)argc;
    (void)argv;
    house_make();
    blank.changes_left = UINT32_MAX;
    struct stiver_flash port = port_of(&blank);
    require(stiver_card_manufacture(&port, &factory) == STIVER_CARD_OK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct reader r = reader_of(data, bytes);
    const uint8_t choice = reader_u8(&r);
    takes_all = (choice & 0x80) != 0;
    switch (choice % 8) {
    case 0:
        take_upload(&r, false);
        break;
    case 1:
    case 2:
    case 3:
        take_upload(&r, true);
        break;
    case 4:
    case 5:
        take_package(&r);
        break;
    default:
        take_personalisation(&r, choice % 2);
    }
    return 0;
}
