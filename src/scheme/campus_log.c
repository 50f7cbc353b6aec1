/* SPDX-License-Identifier: Apache-2.0 */
/* The files payment_log.csv and reload_log.csv, a line a transaction. */
#include <string.h>

#include "base/base64.h"
#include "scheme/campus.h"
#include "scheme/campus_number.h"

#define SIGNATURE_CHARS BASE64_CHARS(CAMPUS_RSA_BYTES)
#define KEY_CHARS BASE64_CHARS(CAMPUS_PUBLIC_DER_BYTES)

const char campus_log_header[] = "timestamp,cardID,cardCounter,amount,terminalType,cardPubKey,"
                                 "cardBackendSignature,transactionSignature\n";

static const char pos_name[] = "Pos", reload_name[] = "Reload";

void campus_log_line_write(struct writer *w, const struct campus_log_line *line)
{
    const uint32_t numbers[] = {line->time, line->card, line->counter, line->amount};
    const char *name = line->terminal_usage == CAMPUS_USAGE_POS ? pos_name : reload_name;
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        campus_number_write(w, numbers[i]);
        writer_u8(w, ',');
    }
    writer_bytes(w, (const uint8_t *)name, strlen(name));
    writer_u8(w, ',');
    campus_public_der(line->card_modulus, der);
    base64_encode(w, der, sizeof der);
    writer_u8(w, ',');
    base64_encode(w, line->card_certificate, CAMPUS_RSA_BYTES);
    writer_u8(w, ',');
    base64_encode(w, line->receipt, CAMPUS_RSA_BYTES);
    writer_u8(w, '\n');
}

/* ---- reading ---- */

bool campus_log_open(struct reader *r)
{
    const size_t bytes = strlen(campus_log_header);
    const uint8_t *header = reader_take(r, bytes);
    if (header == NULL || !bytes_equal(header, (const uint8_t *)campus_log_header, bytes))
        r->failed = true;
    return !r->failed;
}

static uint32_t number_field(struct reader *r)
{
    uint32_t value = 0;
    if (campus_number_read(r, &value))
        campus_sign_read(r, ',');
    return value;
}

static enum campus_usage usage_field(struct reader *r)
{
    const bool is_pos = r->left > 0 && *r->at == (uint8_t)pos_name[0];
    const char *name = is_pos ? pos_name : reload_name;
    const uint8_t *text = reader_take(r, strlen(name));
    if (text == NULL || !bytes_equal(text, (const uint8_t *)name, strlen(name)))
        r->failed = true;
    campus_sign_read(r, ',');
    return is_pos ? CAMPUS_USAGE_POS : CAMPUS_USAGE_RELOAD;
}

/* Exactly bytes, and then the sign that ends the field. */
static void bytes_field(struct reader *r, uint8_t *out, size_t bytes, char end)
{
    const uint8_t *text = reader_take(r, BASE64_CHARS(bytes));
    struct writer w = writer_of(out, bytes);
    if (text == NULL || !base64_decode(text, BASE64_CHARS(bytes), &w) || w.used != bytes)
        r->failed = true;
    campus_sign_read(r, end);
}

bool campus_log_line_read(struct reader *r, struct campus_log_line *line)
{
    uint8_t der[CAMPUS_PUBLIC_DER_BYTES];
    if (r->failed || r->left == 0)
        return false;
    line->time = number_field(r);
    line->card = number_field(r);
    line->counter = number_field(r);
    line->amount = number_field(r);
    line->terminal_usage = usage_field(r);
    bytes_field(r, der, sizeof der, ',');
    bytes_field(r, line->card_certificate, CAMPUS_RSA_BYTES, ',');
    bytes_field(r, line->receipt, CAMPUS_RSA_BYTES, '\n');
    if (r->failed || !campus_public_der_read(der, sizeof der, line->card_modulus))
        r->failed = true;
    return !r->failed;
}
