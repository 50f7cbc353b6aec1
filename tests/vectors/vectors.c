/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"

#define LINE_BYTES (2 * VECTOR_BYTES_MAX + 128)

struct vector vector_read(const char *file, const char *name)
{
    char path[512], line[LINE_BYTES];
    struct vector vector = {.bytes = 0};
    (void)snprintf(path, sizeof path, "%s/%s", VECTORS_DIRECTORY, file);
    FILE *lines = fopen(path, "r");
    if (lines == NULL)
        fail_msg("%s cannot be read", path);
    while (lines != NULL && fgets(line, sizeof line, lines) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *space = strchr(line, ' ');
        if (line[0] == '#' || space == NULL)
            continue;
        *space = '\0';
        if (strcmp(line, name) != 0)
            continue;
        vector.bytes = strlen(space + 1) / 2;
        (void)fclose(lines);
        if (vector.bytes > VECTOR_BYTES_MAX || !hex_decode(space + 1, vector.data, vector.bytes))
            fail_msg("%s: %s is not hexadecimal", file, name);
        return vector;
    }
    fail_msg("%s has no %s", file, name);
    return vector;
}
