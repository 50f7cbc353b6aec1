/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campus purse's files and messages: list, log, key files, link, enrolment. What has one form
 * is written again as it was; the list's date, which the published programs write in many forms,
 * and key files, whose labels and breaks are free, are only read.
 */
#include <stdlib.h>
#include <string.h>

#include "scheme/campus.h"
#include "scheme/campus_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint8_t again[8192];

static void need(bool holds)
{
    if (!holds)
        abort();
}

static void list(const uint8_t *data, size_t bytes)
{
    struct campus_list l;
    if (!campus_list_read(data, bytes, &l))
        return;
    need(l.text >= data && l.text_bytes <= bytes && l.ids_bytes <= l.text_bytes);
    need(l.count <= CAMPUS_LIST_IDS_MAX && l.count <= l.ids_bytes);
    need(!campus_list_has(&l, 0x12345678u) || l.count != 0);
}

static void log_lines(const uint8_t *data, size_t bytes)
{
    struct campus_log_line line;
    struct reader r = reader_of(data, bytes);
    if (!campus_log_open(&r))
        return;
    while (r.left != 0) {
        const uint8_t *start = r.at;
        if (!campus_log_line_read(&r, &line))
            break;
        struct writer w = writer_of(again, sizeof again);
        campus_log_line_write(&w, &line);
        need(!w.failed && w.used == (size_t)(r.at - start) && !memcmp(again, start, w.used));
    }
}

static void keys(const uint8_t *data, size_t bytes)
{
    uint8_t modulus[CAMPUS_RSA_BYTES], public_der[CAMPUS_PUBLIC_DER_BYTES];
    const uint8_t *inside = NULL;
    size_t inside_bytes = 0;
    struct writer w = writer_of(again, sizeof again);
    if (campus_public_der_read(data, bytes, modulus)) {
        campus_public_der(modulus, public_der);
        need(bytes == sizeof public_der && !memcmp(public_der, data, bytes));
    }
    if (campus_private_der_read(data, bytes, &inside, &inside_bytes)) {
        need(inside >= data && inside_bytes <= (size_t)(data + bytes - inside));
        campus_private_der(&w, inside, inside_bytes);
        need(!w.failed && w.used == bytes && !memcmp(again, data, bytes));
    }
    w = writer_of(again, sizeof again);
    if (campus_pem_read(data, bytes, &w))
        need(w.used <= bytes);
}

static void link_messages(const uint8_t *data, size_t bytes)
{
    struct campus_link_header header;
    struct campus_upload upload;
    for (int is_answer = 0; is_answer < 2; is_answer++) {
        struct reader r = reader_of(data, bytes);
        if (!campus_link_header_decode(&r, is_answer != 0, &header))
            continue;
        struct writer w = writer_of(again, sizeof again);
        campus_link_header_encode(&header, is_answer != 0, &w);
        need(w.used == CAMPUS_LINK_HEADER_BYTES && !memcmp(again, data, w.used));
    }
    struct reader r = reader_of(data, bytes);
    if (campus_upload_read(&r, 7, &upload)) {
        struct writer w = writer_of(again, sizeof again);
        campus_upload_write(&w, &upload);
        need(!w.failed && w.used == (size_t)(r.at - data) && !memcmp(again, data, w.used));
    }
}

static void enrolment(const uint8_t *data, size_t bytes)
{
    struct campus_enrol enrol;
    struct campus_package package;
    struct campus_entry entry;
    if (campus_enrol_decode(data, bytes, &enrol)) {
        campus_enrol_encode(&enrol, again);
        need(bytes == CAMPUS_ENROL_BYTES && !memcmp(again, data, bytes));
    }
    if (campus_package_decode(data, bytes, &package)) {
        struct writer w = writer_of(again, sizeof again);
        campus_package_encode(&package, &w);
        need(w.failed || (w.used == bytes && !memcmp(again, data, bytes)));
    }
    if (bytes >= CAMPUS_ENTRY_BYTES && campus_entry_decode(data, &entry)) {
        campus_entry_encode(&entry, again);
        need(memcmp(again, data, CAMPUS_ENTRY_BYTES) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    list(data, bytes);
    log_lines(data, bytes);
    keys(data, bytes);
    link_messages(data, bytes);
    enrolment(data, bytes);
    return 0;
}
