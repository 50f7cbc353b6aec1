/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a virtual reader, in pieces whose sizes the input chooses too: whatever the
 * pieces, the same messages come out. */
#include <stdlib.h>
#include <string.h>

#include "port/host/vpcd_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Hands over the bytes in pieces and sums up what comes out; piece 0: all at once. */
static uint64_t digest(const uint8_t *data, size_t bytes, size_t piece)
{
    static struct vpcd_decoder decoder;
    struct vpcd_message message;
    uint64_t sum = 0;
    decoder.start = decoder.end = 0;
    while (bytes > 0) {
        size_t capacity = 0;
        uint8_t *room = vpcd_decoder_room(&decoder, &capacity);
        size_t now = piece && piece < bytes ? piece : bytes;
        if (now > capacity)
            now = capacity;
        memcpy(room, data, now);
        vpcd_decoder_arrived(&decoder, now);
        data += now;
        bytes -= now;
        while (vpcd_decoder_next(&decoder, &message)) {
            sum = sum * 31 + (uint64_t)message.kind * 7 + message.count;
            for (size_t i = 0; i < message.count; i++)
                sum = sum * 31 + message.bytes[i];
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 1)
        return 0;
    if (digest(data + 1, bytes - 1, 0) != digest(data + 1, bytes - 1, data[0]))
        abort();
    return 0;
}
