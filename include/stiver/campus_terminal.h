/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal of the campus purse (docs/campus.md): makes cards, loads them, takes payments, blocks
 * listed cards, with any card that speaks the protocol as published. It lives in a directory of its
 * own: the source's files under their names (pos_private.pem, pos_public.pem, pos_signature,
 * backend_public.pem, CRL, payment_log.csv; a reload terminal's likewise, with reload_log.csv), and
 * campus.db, its durable journal, which knows what these cannot: its counter, what is begun and not
 * ended, and for each receipt all that a third party needs.
 *
 * It fails closed: nothing is signed for a card whose certificate did not verify, nothing is called
 * paid whose receipt did not, no card is met without a list that verifies and is in date.
 *
 * Each call that meets a card is one talk: it resets the card first, for a card of this kind holds
 * one talk a power-up. Amounts are cents. One handle serves one thread, and one thread a process
 * may use this library.
 */
#ifndef STIVER_CAMPUS_TERMINAL_H
#define STIVER_CAMPUS_TERMINAL_H

#include <stiver/terminal.h>

struct stiver_campus_terminal;

enum stiver_campus_role {
    STIVER_CAMPUS_STATION = 1, /* personalises */
    STIVER_CAMPUS_POS = 2,
    STIVER_CAMPUS_RELOAD = 3,
};

struct stiver_campus_result {
    enum stiver_terminal_status status;
    uint16_t word;       /* the card's last status word, 0: none; for logs, never for people */
    const char *command; /* that it answered ("PAY"), or NULL; static */
    int reader;          /* enum reader_status, when status is READER or UNFINISHED; else 0 */
    bool has_card;
    uint32_t card;
    uint32_t counter; /* the card's, in the receipt; 0: none */
    uint32_t amount;
    bool has_balance; /* published cards do not tell it */
    uint32_t balance;
    uint32_t date; /* that the sentence speaks of */
    bool has_receipt;
    uint32_t time; /* in the receipt */
    uint8_t receipt[256];
    char detail[STIVER_TERMINAL_DETAIL_BYTES]; /* the reader's or the bank's words, or what is to be
                                                * said of earlier business, also with OK */
};

/* The sentence for a person, complete and terminated; capacity 256 holds each. */
void stiver_campus_sentence(const struct stiver_campus_result *result, char *text, size_t capacity);

/* ---- the directory ---- */

#define STIVER_CAMPUS_REQUEST_BYTES 258u

/* Makes the directory (0700), a key pair in the source's files, a journal, and gives the request
 * for the bank. EXISTS leaves what is there. */
enum stiver_terminal_status stiver_campus_terminal_create(
    const char *directory, enum stiver_campus_role role,
    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES]) STIVER_TERMINAL_CHECKED;

/* Takes up a directory of the source as it is: its key, certificate, back end's key and CRL. The ID
 * and the end stand in no file there; the certificate must verify over them. Adds a journal. */
enum stiver_terminal_status stiver_campus_terminal_take_up(const char *directory,
                                                           enum stiver_campus_role role,
                                                           uint32_t id,
                                                           uint32_t end) STIVER_TERMINAL_CHECKED;

/* environment may be NULL, and is copied (journal_in_memory is not for this). A terminal that is
 * not enrolled opens too. Its files must belong together, and a CRL that is there must verify:
 * LIST_FORGED, KEY_DAMAGED, JOURNAL_*, MISSING, PERMISSION. Public files that are missing are
 * written again from the journal. The list is read anew for each talk, so that one that was put
 * there by hand counts at once. */
enum stiver_terminal_status stiver_campus_terminal_open(
    const char *directory, const struct stiver_terminal_environment *environment,
    struct stiver_campus_terminal **terminal) STIVER_TERMINAL_CHECKED;
void stiver_campus_terminal_close(struct stiver_campus_terminal *terminal);
void stiver_campus_terminal_request(const struct stiver_campus_terminal *terminal,
                                    uint8_t request[STIVER_CAMPUS_REQUEST_BYTES]);

/* Takes the bank's package, or a later one (same ID, same back end). fingerprint: SHA-256 over the
 * back end's modulus, 32 bytes, or NULL to trust the package's. Writes the source's files. PACKAGE,
 * ROOT_DIFFERS, LIST_FORGED. */
enum stiver_terminal_status stiver_campus_terminal_adopt(
    struct stiver_campus_terminal *terminal, const uint8_t *package, size_t package_bytes,
    const uint8_t *fingerprint) STIVER_TERMINAL_CHECKED;
/* Takes a CRL file: verified, not over, and not older than the one held. LIST_FORGED, LIST_OLD. */
enum stiver_terminal_status stiver_campus_terminal_take_list(
    struct stiver_campus_terminal *terminal, const uint8_t *file,
    size_t bytes) STIVER_TERMINAL_CHECKED;

struct stiver_campus_info {
    bool is_enrolled; /* if not, all but role is zero */
    enum stiver_campus_role role;
    uint32_t id, certificate_end;
    uint8_t fingerprint[32]; /* of the back end's modulus */
    uint64_t list_end_ms;
    uint32_t list_count;
    uint32_t counter; /* last one used; begins at random, never falls back */
    uint32_t open, to_upload;
};
enum stiver_terminal_status stiver_campus_terminal_info(struct stiver_campus_terminal *terminal,
                                                        struct stiver_campus_info *info)
    STIVER_TERMINAL_CHECKED;

/* ---- cards ---- */

/* A card without this application is NOT_THIS_KIND, and left alone. */

/* Role station: takes a card that is not personalised from wherever it stands to its end. The bank
 * gives ID, end and certificate over the link; a talk torn in between is taken up again with the
 * same ID. CARD_ISSUED: it is personalised already. */
enum stiver_terminal_status stiver_campus_personalise(
    struct stiver_campus_terminal *terminal, struct card_reader *reader,
    const struct stiver_terminal_link *link,
    struct stiver_campus_result *result) STIVER_TERMINAL_CHECKED;

/* Role reload. The cash must be in hand. OK: the card has confirmed. UNFINISHED: it may or may not
 * be credited; the next talk with this card finds out where that can be told, otherwise a person
 * has to (stiver_campus_give_up). FINISHED_EARLIER: a load of this card and amount that broke off
 * within the last quarter of an hour turned out credited, and is this one. Anything else: not
 * loaded, give the cash back. */
enum stiver_terminal_status stiver_campus_load(
    struct stiver_campus_terminal *terminal, struct card_reader *reader, uint32_t amount,
    struct stiver_campus_result *result) STIVER_TERMINAL_CHECKED;

/* Role POS. OK: the receipt verified and is durable. UNFINISHED: it may or may not be paid; the
 * next talk with this card finds out. FINISHED_EARLIER: a payment of this card and amount that
 * broke off within the last quarter of an hour turned out paid, and is this one. Anything else: not
 * paid. */
enum stiver_terminal_status stiver_campus_pay(
    struct stiver_campus_terminal *terminal, struct card_reader *reader, uint32_t amount,
    struct stiver_campus_result *result) STIVER_TERMINAL_CHECKED;

/* Balance and log; settles what is open with this card on the way, and tells it: what is paid for
 * or loaded next is not what was told here. Published cards tell neither: has_balance is false,
 * count 0. */
struct stiver_campus_purse {
    bool has_balance;
    uint32_t balance;
    uint32_t card, card_end, counter;
    unsigned count;
    struct {
        bool is_load, is_done;
        uint32_t terminal, counter, amount, time, balance;
    } log[10]; /* newest first */
};
enum stiver_terminal_status stiver_campus_read(
    struct stiver_campus_terminal *terminal, struct card_reader *reader,
    struct stiver_campus_purse *purse, struct stiver_campus_result *result) STIVER_TERMINAL_CHECKED;

/* ---- journal and bank ---- */

struct stiver_campus_entry {
    uint32_t number; /* the terminal's counter of that talk */
    bool is_load, is_block;
    enum stiver_terminal_entry_state state;
    uint32_t card, counter, amount, time;
    bool is_lost; /* the card says that it was paid, and its signature is gone: a person decides */
    bool is_recovered, is_uploaded;
    uint8_t upload_result; /* scheme/link.h, upload_result */
};
typedef bool stiver_campus_entry_visit(void *context, const struct stiver_campus_entry *entry);
enum stiver_terminal_status stiver_campus_entries(struct stiver_campus_terminal *terminal,
                                                  stiver_campus_entry_visit *visit,
                                                  void *context) STIVER_TERMINAL_CHECKED;
/* Ends an open payment as not paid (a receipt that turns up later is owed to the holder), an open
 * load as not known, for good. UNKNOWN_NUMBER. */
enum stiver_terminal_status stiver_campus_give_up(struct stiver_campus_terminal *terminal,
                                                  uint32_t number) STIVER_TERMINAL_CHECKED;

/* Uploads over a link until nothing is left; takes list and certificate. *sync is zeroed first. */
enum stiver_terminal_status stiver_campus_synchronise(struct stiver_campus_terminal *terminal,
                                                      const struct stiver_terminal_link *link,
                                                      struct stiver_terminal_sync *sync,
                                                      char *detail) STIVER_TERMINAL_CHECKED;
/* The same by hand, as stiver_terminal_upload_make and _take. */
enum stiver_terminal_status stiver_campus_upload_make(struct stiver_campus_terminal *terminal,
                                                      struct stiver_terminal_bytes *request)
    STIVER_TERMINAL_CHECKED;
enum stiver_terminal_status stiver_campus_upload_take(struct stiver_campus_terminal *terminal,
                                                      const uint8_t *answer, size_t answer_bytes,
                                                      struct stiver_terminal_sync *sync,
                                                      char *detail) STIVER_TERMINAL_CHECKED;

#endif
