/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark: the highest number with which a command may have left, in a file of its own beside the
 * journal. A journal that knows less than its mark was put back from a copy, whatever the way: a
 * copy written over it keeps its place in the file system, and so says nothing of itself.
 *
 *     10 decimal digits 0A
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal/internal.h"

#define MARK_BYTES 11u

static terminal_status mark_error(void)
{
    return errno == EACCES || errno == EPERM || errno == EROFS    ? STIVER_TERMINAL_PERMISSION
           : errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? STIVER_TERMINAL_JOURNAL_FULL
                                                                  : STIVER_TERMINAL_JOURNAL_IO;
}

terminal_status mark_put(int file, uint32_t number)
{
    char text[MARK_BYTES + 1];
    if (file < 0)
        return STIVER_TERMINAL_OK; /* a journal in memory has no mark */
    snprintf(text, sizeof text, "%010" PRIu32 "\n", number);
    ssize_t put;
    do
        put = pwrite(file, text, MARK_BYTES, 0);
    while (put < 0 && errno == EINTR);
    return put == (ssize_t)MARK_BYTES && fdatasync(file) == 0 ? STIVER_TERMINAL_OK : mark_error();
}

/* A mark that cannot be read says nothing; one that was read and is none is spoilt. */
static terminal_status mark_read(int file, uint32_t *mark)
{
    char text[MARK_BYTES + 1] = "";
    ssize_t got;
    do
        got = pread(file, text, MARK_BYTES, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return mark_error();
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    bool is_whole = got == (ssize_t)MARK_BYTES && end == text + MARK_BYTES - 1 && *end == '\n' &&
                    number <= COUNTER_MAX;
    *mark = is_whole ? (uint32_t)number : MARK_UNKNOWN;
    return STIVER_TERMINAL_OK;
}

terminal_status mark_open(const char *path, uint32_t counter, int *file, uint32_t *number)
{
    struct stat about;
    *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (*file < 0 || fstat(*file, &about) != 0)
        return mark_error();
    if (about.st_size != 0)
        return mark_read(*file, number);
    /* A journal that gave numbers had a mark. One that gave none gets it now, whole: on a disk that
     * fills up later it is only written over. */
    *number = counter == 0 ? 0 : MARK_UNKNOWN;
    return counter == 0 ? mark_put(*file, 0) : STIVER_TERMINAL_OK;
}
