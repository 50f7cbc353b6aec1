/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the campus purse's terminal share: the terminal, its files, a talk. */
#ifndef TERMINAL_CAMPUS_INTERNAL_H
#define TERMINAL_CAMPUS_INTERNAL_H

#include <stiver/campus_terminal.h>

#include "crypto/rsa.h"
#include "reader/reader.h"
#include "scheme/campus_link.h"
#include "sqlite/db.h"
#include "terminal/internal.h"

#define CAMPUS_PATH_BYTES 4096u
#define CAMPUS_EARLIER_SECONDS 900u

struct stiver_campus_terminal {
    struct stiver_terminal_environment environment;
    char directory[CAMPUS_PATH_BYTES];
    enum campus_role role;
    int mark_file; /* campus.mark; also the lock of the directory */
    struct db *journal;
    uint8_t key[RSA_PRIVATE_BYTES_MAX]; /* RSAPrivateKey in DER; wiped at close */
    size_t key_bytes;
    uint8_t modulus[RSA_BYTES];
    bool is_enrolled;
    struct campus_certificate certificate; /* own; a station's signature is zeros */
    uint8_t back_end[RSA_BYTES];
    uint64_t list_floor_ms; /* the latest end of a list that was ever held */
};

uint32_t campus_terminal_now(const struct stiver_campus_terminal *terminal);

/* ---- files.c ---- */

/* The status of errno. */
terminal_status campus_file_error(void);
terminal_status campus_file_path(const char *directory, const char *name,
                                 char path[CAMPUS_PATH_BYTES]) TERMINAL_CHECKED;
/* "pos_private.pem" and so on. */
const char *campus_file_name(enum campus_role role, const char *what, char name[32]);
/* The whole file in one read, into fresh memory (one byte longer). MISSING; JOURNAL_IO also for a
 * file longer than most. */
terminal_status campus_file_read(const char *directory, const char *name, size_t most,
                                 struct stiver_terminal_bytes *bytes) TERMINAL_CHECKED;
/* Whole or not at all, 0600: another file is written, synchronised, and takes its place. */
terminal_status campus_file_write(const char *directory, const char *name, const uint8_t *data,
                                  size_t bytes) TERMINAL_CHECKED;

/* ---- identity.c: keys, certificate, list ---- */

struct campus_key {
    uint8_t der[RSA_PRIVATE_BYTES_MAX];
    size_t bytes;
    uint8_t modulus[RSA_BYTES];
};
/* KEY_DAMAGED, MISSING. */
terminal_status campus_key_read(const char *directory, enum campus_role role,
                                struct campus_key *key) TERMINAL_CHECKED;
/* The key of the file that is there, or a new one in a new file. */
terminal_status campus_key_make(const char *directory, enum campus_role role,
                                struct campus_key *key) TERMINAL_CHECKED;
terminal_status campus_public_write(const char *directory, const char *name,
                                    const uint8_t modulus[RSA_BYTES]) TERMINAL_CHECKED;
terminal_status campus_public_read(const char *directory, const char *name,
                                   uint8_t modulus[RSA_BYTES]) TERMINAL_CHECKED;
/* True if the back end signed it. CRYPTO errors count as not. */
bool campus_certificate_holds(const uint8_t back_end[RSA_BYTES],
                              const struct campus_certificate *certificate) TERMINAL_CHECKED;
/* Parses and verifies. LIST_FORGED. */
terminal_status campus_list_check(const uint8_t back_end[RSA_BYTES], const uint8_t *file,
                                  size_t bytes, struct campus_list *list) TERMINAL_CHECKED;
/* The file CRL, read once, parsed and verified; free file. MISSING, LIST_FORGED. */
terminal_status campus_list_load(const struct stiver_campus_terminal *terminal,
                                 struct stiver_terminal_bytes *file,
                                 struct campus_list *list) TERMINAL_CHECKED;
/* A list that is verified, later than now and not older than ever held becomes ours. */
terminal_status campus_list_take(struct stiver_campus_terminal *terminal, const uint8_t *file,
                                 size_t bytes) TERMINAL_CHECKED;
/* Writes the source's files from what the journal holds, where they are missing. */
terminal_status campus_files_complete(struct stiver_campus_terminal *terminal) TERMINAL_CHECKED;

/* ---- request.c: one command and its answer ---- */

struct campus_talk {
    struct stiver_campus_terminal *terminal;
    struct card_reader *reader; /* borrowed */
    struct stiver_campus_result *result;
    struct stiver_terminal_bytes list_file;
    struct campus_list list;
    uint32_t number; /* the terminal's counter of this talk */
    uint32_t time;
    struct campus_certificate card;
    int64_t held;     /* the card's row in the journal */
    uint32_t asked;   /* the highest counter that was signed for it in earlier talks */
    uint32_t counter; /* C, as the card answered to EXCHANGE METADATA */
    char note[STIVER_TERMINAL_DETAIL_BYTES]; /* of earlier business, for the person */
    uint8_t answer[RSA_BYTES + 2];
    size_t answer_bytes; /* without the status word */
};

/* The words that published cards and ours answer. */
enum campus_word {
    WORD_OK = 0x9000,
    WORD_SECURITY = 0x6982,
    WORD_STATE = 0x6985,
    WORD_BLOCKED = 0x6986,
    WORD_NO_COMMAND = 0x6D00,
    WORD_NOT_THERE = 0x6A88,
};

/* OK: the card answered, *word is what. READER: nothing is known about what it did. */
terminal_status campus_request(struct campus_talk *talk, const char *name, uint8_t ins, uint8_t p1,
                               uint8_t p2, struct piece data, bool has_answer,
                               uint16_t *word) TERMINAL_CHECKED;
/* A 256-byte value, its first byte in P1. */
terminal_status campus_request_value(struct campus_talk *talk, const char *name, uint8_t ins,
                                     uint8_t p2, const uint8_t value[RSA_BYTES], bool has_answer,
                                     uint16_t *word) TERMINAL_CHECKED;
/* Resets the card and selects the application. */
terminal_status campus_request_select(struct campus_talk *talk) TERMINAL_CHECKED;
/* True if the word is a refusal before anything was done, by the published code and by ours. */
bool campus_word_refuses(uint16_t word);

/* ---- talk.c ---- */

/* Everything before the business: the terminal's own state, its list, a fresh counter, reset, and
 * EXCHANGE METADATA to AUTHENTICATE; what is open with this card; the list. amount is what will be
 * asked for, 0: nothing. On OK the card has proven itself and is not listed. Ends with
 * campus_talk_end whatever it says. */
terminal_status campus_talk_begin(struct campus_talk *talk, struct stiver_campus_terminal *terminal,
                                  struct card_reader *reader, unsigned business, uint32_t amount,
                                  struct stiver_campus_result *result) TERMINAL_CHECKED;
terminal_status campus_talk_end(struct campus_talk *talk, terminal_status status);
terminal_status campus_talk_sign(const struct campus_talk *talk, uint32_t first, uint32_t second,
                                 uint32_t third, uint8_t signature[RSA_BYTES]) TERMINAL_CHECKED;
/* True if the answer is the card's signature over these bytes and nothing else. */
bool campus_talk_signed(const struct campus_talk *talk, const uint8_t *text,
                        size_t bytes) TERMINAL_CHECKED;
/* READ BALANCE; *has is false if the card knows no such command. */
terminal_status campus_talk_balance(struct campus_talk *talk, bool *has,
                                    uint32_t *balance) TERMINAL_CHECKED;
/* READ LOG: at most CAMPUS_LOG_ENTRIES, newest first. */
terminal_status campus_talk_log(struct campus_talk *talk, bool *has,
                                struct campus_entry entries[CAMPUS_LOG_ENTRIES],
                                unsigned *count) TERMINAL_CHECKED;

/* ---- recover.c, block.c ---- */

terminal_status campus_recover(struct campus_talk *talk) TERMINAL_CHECKED;
/* CARD_BLOCKED if the card is in the list. */
terminal_status campus_block_listed(struct campus_talk *talk) TERMINAL_CHECKED;

/* ---- log.c: the source's CSV file ---- */

/* Cuts off what a tear left, and brings the file up to what the journal knows. */
terminal_status campus_csv_repair(struct stiver_campus_terminal *terminal) TERMINAL_CHECKED;
/* Appends what the journal has and the file has not; a failure is made up for later. */
void campus_csv_append(struct stiver_campus_terminal *terminal);

/* ---- link.c ---- */

terminal_status campus_link_make(const struct stiver_campus_terminal *terminal,
                                 enum campus_link_type type, const uint8_t id[LINK_ID_BYTES],
                                 const uint8_t *body, size_t bytes,
                                 struct stiver_terminal_bytes *request) TERMINAL_CHECKED;
/* *body is what follows result LINK_OK, inside answer. */
terminal_status campus_link_open(const struct stiver_campus_terminal *terminal,
                                 enum campus_link_type type,
                                 const struct stiver_terminal_bytes *request, const uint8_t *answer,
                                 size_t bytes, struct reader *body, char *detail) TERMINAL_CHECKED;
/* Both over a link; free *answer. */
terminal_status campus_link_ask(const struct stiver_campus_terminal *terminal,
                                const struct stiver_terminal_link *link, enum campus_link_type type,
                                const uint8_t *body, size_t bytes,
                                struct stiver_terminal_bytes *answer, struct reader *opened,
                                char *detail) TERMINAL_CHECKED;

#endif
