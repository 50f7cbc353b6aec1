/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, and what PAY answers of them. */
#include "permissive.h"
#include "scheme/receipt.h"

#define UNSIGNED_BYTES (RECEIPT_BYTES - SIGNATURE_BYTES)

static void whole_receipt(const uint8_t *data, size_t bytes)
{
    struct receipt receipt;
    uint8_t again[RECEIPT_BYTES], answer[PAY_ANSWER_BYTES];
    if (receipt_decode(data, bytes, FUZZ_SCHEME, &receipt) != DOCUMENT_OK)
        return;
    receipt_encode(&receipt, again);
    fuzz_need(memcmp(again, data, UNSIGNED_BYTES) == 0);
    receipt_to_pay_answer(data, answer);
    receipt.card_counter = receipt.balance_after = receipt.points_after = 0;
    fuzz_need(receipt_from_pay_answer(answer, sizeof answer, &receipt, again));
    fuzz_need(memcmp(again, data, RECEIPT_BYTES) == 0);
}

static void pay_answer(const uint8_t *data, size_t bytes)
{
    struct receipt receipt = {
        .kind = DOCUMENT_PAYMENT_RECEIPT, .scheme = FUZZ_SCHEME, .amount = {250, 978}};
    struct receipt decoded;
    uint8_t document[RECEIPT_BYTES];
    if (receipt_from_pay_answer(data, bytes, &receipt, document))
        fuzz_need(receipt_decode(document, sizeof document, FUZZ_SCHEME, &decoded) == DOCUMENT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    whole_receipt(data, bytes);
    pay_answer(data, bytes);
    return 0;
}
