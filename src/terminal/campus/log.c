/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payment_log.csv or reload_log.csv: the source's log. The journal is the truth; the file follows
 * it, and may be taken away at any time: a new one begins with its header. Of a file that is there
 * only the head and the tail are looked at, for only a tear at its end is ours to mend.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal/campus/journal.h"

#define TAIL_BYTES (64u * 1024u)
#define MISSING_MAX 64u

struct csv {
    int file;
    uint8_t tail[TAIL_BYTES];
    size_t tail_bytes;
    bool was_torn;
    uint32_t missing[MISSING_MAX];
    size_t count;
};

static const char *file_name(const struct stiver_campus_terminal *terminal)
{
    return terminal->role == CAMPUS_ROLE_POS ? "payment_log.csv" : "reload_log.csv";
}

static terminal_status append(int file, const uint8_t *data, size_t bytes)
{
    ssize_t put;
    do
        put = write(file, data, bytes);
    while (put < 0 && errno == EINTR);
    if (put != (ssize_t)bytes)
        return put < 0 ? campus_file_error() : STIVER_TERMINAL_JOURNAL_FULL;
    return fdatasync(file) == 0 ? STIVER_TERMINAL_OK : campus_file_error();
}

/* ---- the end of the file ---- */

static terminal_status read_tail(struct csv *csv, off_t size)
{
    off_t from = size > (off_t)TAIL_BYTES ? size - (off_t)TAIL_BYTES : 0;
    ssize_t got = pread(csv->file, csv->tail, TAIL_BYTES, from);
    if (got < 0)
        return campus_file_error();
    csv->tail_bytes = (size_t)got;
    return STIVER_TERMINAL_OK;
}

/* Where the last line begins. A line without its LF is what a tear left of it. */
static size_t last_line(const struct csv *csv)
{
    size_t start = csv->tail_bytes;
    while (start > 0 && csv->tail[start - 1] != '\n')
        start--;
    return start;
}

/* A head that is not the source's: not our file. A torn head is what a tear at its making left. */
static terminal_status check_head(struct csv *csv, off_t size)
{
    const size_t bytes = strlen(campus_log_header);
    uint8_t head[256];
    ssize_t got = pread(csv->file, head, bytes, 0);
    if (got < 0)
        return campus_file_error();
    if (!bytes_equal(head, (const uint8_t *)campus_log_header, (size_t)got))
        return STIVER_TERMINAL_JOURNAL_FOREIGN;
    if ((size_t)size >= bytes)
        return STIVER_TERMINAL_OK;
    return append(csv->file, (const uint8_t *)campus_log_header + got, bytes - (size_t)got);
}

static terminal_status cut_tail(struct csv *csv, off_t size)
{
    const off_t head = (off_t)strlen(campus_log_header);
    if (size <= head)
        return STIVER_TERMINAL_OK;
    terminal_status status = read_tail(csv, size);
    if (status != STIVER_TERMINAL_OK)
        return status;
    size_t start = last_line(csv);
    off_t keep = size - (off_t)(csv->tail_bytes - start);
    if (start == csv->tail_bytes)
        return STIVER_TERMINAL_OK;
    csv->was_torn = true;
    csv->tail_bytes = start;
    return ftruncate(csv->file, keep > head ? keep : head) == 0 ? STIVER_TERMINAL_OK
                                                                : campus_file_error();
}

/* ---- what the file lacks ---- */

static bool is_in_tail(const struct csv *csv, const uint8_t *line, size_t bytes)
{
    for (size_t at = 0; bytes <= csv->tail_bytes && at <= csv->tail_bytes - bytes; at++)
        if (csv->tail[at] == line[0] && bytes_equal(csv->tail + at, line, bytes))
            return true;
    return false;
}

/* At most MISSING_MAX, as asked for. */
static void find_missing(void *context, uint32_t number, const struct campus_log_line *line)
{
    struct csv *csv = context;
    (void)line;
    csv->missing[csv->count++] = number;
}

struct wanted {
    struct csv *csv;
    terminal_status status;
};

/* One that is there and not marked so was written before a tear. */
static void append_one(void *context, uint32_t number, const struct campus_log_line *line)
{
    struct wanted *wanted = context;
    uint8_t text[CAMPUS_LOG_LINE_BYTES_MAX];
    struct writer w = writer_of(text, sizeof text);
    (void)number;
    campus_log_line_write(&w, line);
    if (!is_in_tail(wanted->csv, text, w.used))
        wanted->status = append(wanted->csv->file, text, w.used);
}

static terminal_status append_line(struct stiver_campus_terminal *terminal, struct csv *csv,
                                   size_t statement, uint32_t which)
{
    struct wanted wanted = {csv, STIVER_TERMINAL_OK};
    terminal_status status =
        campus_journal_lines(terminal->journal, statement, which, append_one, &wanted);
    return status == STIVER_TERMINAL_OK ? wanted.status : status;
}

/* What the file lacks, whenever it came to be: a payment that was found out late is older than
 * lines that are there. A line that was there before is missing only where the file was torn, and
 * a tear takes one: lines that somebody took away are not ours to bring back. */
static terminal_status bring_up(struct stiver_campus_terminal *terminal, struct csv *csv)
{
    terminal_status status = STIVER_TERMINAL_OK;
    if (csv->was_torn)
        status = append_line(terminal, csv, CAMPUS_DB_LINES, 1);
    do {
        csv->count = 0;
        if (status == STIVER_TERMINAL_OK)
            status = campus_journal_lines(terminal->journal, CAMPUS_DB_LINES_MISSING, MISSING_MAX,
                                          find_missing, csv);
        for (size_t i = 0; status == STIVER_TERMINAL_OK && i < csv->count; i++) {
            status = append_line(terminal, csv, CAMPUS_DB_LINE, csv->missing[i]);
            if (status == STIVER_TERMINAL_OK)
                status = campus_journal_in_file(terminal->journal, csv->missing[i]);
        }
    } while (status == STIVER_TERMINAL_OK && csv->count == MISSING_MAX);
    return status;
}

/* ---- the file ---- */

static terminal_status open_file(const struct stiver_campus_terminal *terminal, int *file)
{
    char path[CAMPUS_PATH_BYTES];
    terminal_status status = campus_file_path(terminal->directory, file_name(terminal), path);
    if (status != STIVER_TERMINAL_OK)
        return status;
    *file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    return *file < 0 ? campus_file_error() : STIVER_TERMINAL_OK;
}

static terminal_status repair(struct stiver_campus_terminal *terminal, struct csv *csv)
{
    struct stat about;
    if (fstat(csv->file, &about) != 0)
        return campus_file_error();
    terminal_status status = check_head(csv, about.st_size);
    if (status == STIVER_TERMINAL_OK)
        status = cut_tail(csv, about.st_size);
    return status == STIVER_TERMINAL_OK ? bring_up(terminal, csv) : status;
}

terminal_status campus_csv_repair(struct stiver_campus_terminal *terminal)
{
    struct csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL)
        return STIVER_TERMINAL_MEMORY;
    terminal_status status = open_file(terminal, &csv->file);
    if (status == STIVER_TERMINAL_OK) {
        status = repair(terminal, csv);
        close(csv->file);
    }
    free(csv);
    return status;
}

void campus_csv_append(struct stiver_campus_terminal *terminal)
{
    /* The receipt is in the journal; whatever hinders the file, the next opening or the next
     * receipt makes up for it. */
    (void)!campus_csv_repair(terminal);
}
