/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target without its fuzzer: TARGET FILE... gives it each file once. For builds that measure
 * what the seeds reach. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MOST 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

int main(int argc, char **argv)
{
    static uint8_t input[INPUT_MOST];
    if (LLVMFuzzerInitialize != NULL && LLVMFuzzerInitialize(&argc, &argv) != 0)
        return 1;
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            (void)fprintf(stderr, "%s cannot be read\n", argv[i]);
            return 1;
        }
        size_t bytes = fread(input, 1, sizeof input, file);
        (void)fclose(file);
        /* Exactly as long as it is, as the fuzzer gives it. */
        uint8_t *exact = malloc(bytes + 1);
        if (exact == NULL)
            return 1;
        for (size_t k = 0; k < bytes; k++)
            exact[k] = input[k];
        (void)LLVMFuzzerTestOneInput(exact, bytes);
        free(exact);
    }
    return 0;
}
