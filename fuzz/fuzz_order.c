/* SPDX-License-Identifier: Apache-2.0 */
/* Orders, alone and as messages with their working key's certificate. */
#include "permissive.h"
#include "scheme/order.h"

static void encode_again(const struct order *order, const uint8_t *data, size_t bytes)
{
    uint8_t again[ORDER_BYTES_MAX];
    size_t length = order_encode(order, again, sizeof again);
    fuzz_need(length + SIGNATURE_BYTES == bytes && memcmp(again, data, length) == 0);
    fuzz_need(order_bytes((uint8_t)order->kind) == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct order order;
    struct certificate working;
    const struct certificate_authority root = fuzz_root();
    if (order_decode(data, bytes, FUZZ_SCHEME, &order) == DOCUMENT_OK)
        encode_again(&order, data, bytes);
    if (root_order_check(&permissive, data, bytes, FUZZ_SCHEME, root.key, &order) == DOCUMENT_OK)
        fuzz_need(order_working_kind(order.kind) == 0);
    if (order_check(&permissive, data, bytes, FUZZ_SCHEME, &root, &order, &working) ==
        DOCUMENT_OK) {
        fuzz_need((working.kinds & order_working_kind(order.kind)) != 0);
        encode_again(&order, data, order_bytes(data[0]));
    }
    return 0;
}
