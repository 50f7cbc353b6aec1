/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bank/inside.h"

static const char *const names[] = {
#define X(name, sentence) #name,
    STIVER_BANK_STATUSES(X)
#undef X
};

static const char *const sentences[] = {
#define X(name, sentence) sentence,
    STIVER_BANK_STATUSES(X)
#undef X
};

const char *stiver_bank_status_name(enum stiver_bank_status status)
{
    return (unsigned)status < STIVER_BANK_STATUS_COUNT ? names[status] : "UNKNOWN";
}

const char *stiver_bank_status_sentence(enum stiver_bank_status status)
{
    return (unsigned)status < STIVER_BANK_STATUS_COUNT ? sentences[status] : "unknown status";
}

enum stiver_bank_status bank_say(struct stiver_bank *bank, enum stiver_bank_status status,
                                 const char *sentence)
{
    snprintf(bank->message, sizeof bank->message, "%s",
             sentence ? sentence : stiver_bank_status_sentence(status));
    return status;
}

const char *stiver_bank_message(const struct stiver_bank *bank)
{
    return bank->message;
}

enum stiver_bank_status bank_status_of_store(enum store_status status)
{
    static const enum stiver_bank_status words[] = {
        [STORE_OK] = STIVER_BANK_OK,
        [STORE_NONE] = STIVER_BANK_DAMAGED,
        [STORE_DUPLICATE] = STIVER_BANK_DAMAGED,
        [STORE_RETRY] = STIVER_BANK_RETRY,
        [STORE_ABORTED] = STIVER_BANK_INTERNAL,
        [STORE_FULL] = STIVER_BANK_DISK_FULL,
        [STORE_DAMAGED] = STIVER_BANK_DAMAGED,
        [STORE_NOT_A_STORE] = STIVER_BANK_NOT_A_BANK,
        [STORE_NEWER] = STIVER_BANK_NEWER,
        [STORE_PERMISSION] = STIVER_BANK_PERMISSION,
        [STORE_IO] = STIVER_BANK_IO,
        [STORE_MEMORY] = STIVER_BANK_MEMORY,
        [STORE_INTERNAL] = STIVER_BANK_INTERNAL,
    };
    return words[status];
}

enum stiver_bank_status bank_status_of_document(enum document_status status)
{
    switch (status) {
    case DOCUMENT_OK:
        return STIVER_BANK_OK;
    case DOCUMENT_MALFORMED:
    case DOCUMENT_OTHER_KIND:
        return STIVER_BANK_MALFORMED;
    case DOCUMENT_OTHER_SCHEME:
        return STIVER_BANK_OTHER_SCHEME;
    case DOCUMENT_FORGED:
        return STIVER_BANK_FORGED;
    case DOCUMENT_FAILED:
        break;
    }
    return STIVER_BANK_CRYPTO;
}

enum stiver_bank_status bank_blob_set(struct store_blob *blob, const uint8_t *data, size_t length)
{
    free(blob->data);
    *blob = (struct store_blob){malloc(length + 1), length};
    if (!blob->data) {
        blob->bytes = 0;
        return STIVER_BANK_MEMORY;
    }
    if (length)
        memcpy(blob->data, data, length);
    return STIVER_BANK_OK;
}

enum stiver_bank_status bank_hand_over(struct stiver_bank_bytes *out, const uint8_t *data,
                                       size_t length)
{
    out->data = malloc(length + 1);
    out->length = 0;
    if (!out->data)
        return STIVER_BANK_MEMORY;
    if (length)
        memcpy(out->data, data, length);
    out->length = length;
    return STIVER_BANK_OK;
}

void stiver_bank_bytes_free(struct stiver_bank_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct stiver_bank_bytes){0};
}
