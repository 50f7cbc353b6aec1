/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers. */
#include "permissive.h"
#include "scheme/online.h"

#define MESSAGE_MOST (ANSWER_BYTES + CERTIFICATE_BYTES_MAX + 1)

/* The answer's hash is made to fit the request, so that what follows is reached. */
static void answer_to_a_request(const uint8_t *data, size_t bytes)
{
    static const uint8_t request[REQUEST_BYTES];
    const struct piece piece = {request, sizeof request};
    const struct certificate_authority root = fuzz_root();
    uint8_t message[MESSAGE_MOST];
    struct answer answer;
    if (bytes < DOCUMENT_HEADER_BYTES + SHA256_BYTES || bytes > sizeof message)
        return;
    memcpy(message, data, bytes);
    (void)fuzz_sha256(&piece, 1, message + DOCUMENT_HEADER_BYTES);
    if (answer_check(&permissive, message, bytes, FUZZ_SCHEME, &root, request, &answer) ==
        DOCUMENT_OK)
        fuzz_need(bytes > ANSWER_BYTES);
    message[DOCUMENT_HEADER_BYTES] ^= 1;
    fuzz_need(answer_check(&permissive, message, bytes, FUZZ_SCHEME, &root, request, &answer) !=
              DOCUMENT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct request request;
    struct answer answer;
    uint8_t again[REQUEST_BYTES];
    if (request_decode(data, bytes, FUZZ_SCHEME, &request) == DOCUMENT_OK) {
        request_encode(&request, again);
        fuzz_need(memcmp(again, data, REQUEST_BYTES - SIGNATURE_BYTES) == 0);
    }
    if (answer_decode(data, bytes, FUZZ_SCHEME, &answer) == DOCUMENT_OK) {
        answer_encode(&answer, again);
        fuzz_need(memcmp(again, data, ANSWER_BYTES - SIGNATURE_BYTES) == 0);
    }
    answer_to_a_request(data, bytes);
    return 0;
}
