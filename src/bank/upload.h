/* SPDX-License-Identifier: Apache-2.0 */
/* An upload over the link: its entries, and the answer to them. */
#ifndef BANK_UPLOAD_H
#define BANK_UPLOAD_H

#include "bank/settle.h"

struct upload {
    uint32_t list_sequence; /* the list that the terminal holds */
    struct terminal_record uploader;
    struct batch batch; /* entries are owned */
};

/* Takes the body apart and verifies every receipt; nothing is booked. upload_free afterwards,
 * whatever it answers. */
enum stiver_bank_status upload_open(struct stiver_bank *bank,
                                    const struct terminal_record *uploader, struct reader *body,
                                    struct upload *upload) BANK_CHECKED;
/* Books it inside a transaction and writes the answer's body; *answer is allocated. */
enum stiver_bank_status upload_book(struct stiver_bank *bank, struct upload *upload,
                                    struct store_blob *answer) BANK_CHECKED;
void upload_free(struct upload *upload);

#endif
