/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input and bad luck: malformed requests, a kill in the middle of booking, two processes at
 * once, a full disk. */
#include "field.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A small generator: each run mutates the same. */
static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static size_t upload_body(struct field *f, uint8_t *out, size_t capacity)
{
    struct writer w = writer_of(out, capacity);
    writer_u64(&w, UINT64_MAX);
    writer_u32(&w, UINT32_MAX);
    writer_u32(&w, 3);
    struct campus_upload upload =
        field_receipt(f, &f->card, &f->reload, 100, 0, CAMPUS_OUTCOME_UNKNOWN);
    campus_upload_write(&w, &upload);
    upload = field_receipt(f, &f->card, &f->reload, 200, 0, CAMPUS_OUTCOME_DONE);
    campus_upload_write(&w, &upload);
    upload = (struct campus_upload){.kind = CAMPUS_UPLOAD_OUTCOME};
    upload.is.outcome.card = f->card.id;
    upload.is.outcome.counter = 1;
    campus_upload_write(&w, &upload);
    assert_false(w.failed);
    return w.used;
}

/* One to four bytes changed; or shorter; or longer. */
static size_t mutate(uint8_t *bytes, size_t length, size_t capacity, uint64_t *seed)
{
    unsigned kind = next(seed) % 8;
    if (kind == 0)
        return next(seed) % length;
    if (kind == 1 && length < capacity) {
        bytes[length] = (uint8_t)next(seed);
        return length + 1;
    }
    for (unsigned n = 1 + next(seed) % 4; n > 0; n--)
        bytes[next(seed) % length] ^= (uint8_t)(1 + next(seed) % 255);
    return length;
}

static void ten_thousand_mutated_requests_are_no_terminal_s(void **state)
{
    (void)state;
    struct field f;
    uint8_t body[2048], copy[2600];
    size_t bytes;
    uint64_t seed = 4;
    field_open(&f);
    size_t body_bytes = upload_body(&f, body, sizeof body);
    uint8_t *request = field_request(&f.reload, CAMPUS_LINK_UPLOAD, body, body_bytes, NULL, &bytes);
    assert_true(bytes < sizeof copy);
    for (unsigned i = 0; i < 10000; i++) {
        struct stiver_bank_bytes answer = {0};
        memcpy(copy, request, bytes);
        size_t mutated = mutate(copy, bytes, sizeof copy, &seed);
        if (mutated == bytes && memcmp(copy, request, bytes) == 0)
            continue;
        enum stiver_bank_status status = stiver_campus_link(f.w.bank, copy, mutated, &answer);
        if (status != STIVER_BANK_MALFORMED && status != STIVER_BANK_FORGED &&
            status != STIVER_BANK_UNKNOWN_TERMINAL)
            fail_msg("request %u: %s", i, stiver_bank_status_name(status));
    }
    free(request);
    assert_int_equal(world_alarms(&f.w), 0);
    assert_int_equal(field_card(&f, f.card.id).counter, 0);
    field_close(&f);
}

/* A terminal that signs nonsense: it gets an answer, and no money moves that no card signed. */
static void nonsense_that_a_terminal_signs_is_refused_or_booked_as_signed(void **state)
{
    (void)state;
    struct field f;
    uint8_t body[2048], copy[2048];
    uint64_t seed = 5;
    field_open(&f);
    size_t bytes = upload_body(&f, body, sizeof body);
    for (unsigned i = 0; i < 400; i++) {
        memcpy(copy, body, bytes);
        size_t mutated = mutate(copy, bytes, sizeof copy, &seed);
        unsigned type = next(&seed) % 4 == 0 ? CAMPUS_LINK_CERTIFY : CAMPUS_LINK_UPLOAD;
        struct reply reply =
            field_call(&f, &f.reload, (enum campus_link_type)type, copy, mutated, NULL);
        assert_int_equal(reply.status, STIVER_BANK_OK);
        assert_true(reply.result == LINK_OK || reply.result == LINK_REFUSED);
        reply_free(&reply);
    }
    assert_true(field_card(&f, f.card.id).shadow_minor <= 300);
    field_close(&f);
}

static void counts_that_lie_are_refused(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, CAMPUS_UPLOAD_MAX, CAMPUS_UPLOAD_MAX + 1, UINT32_MAX};
    struct field f;
    field_open(&f);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint8_t body[16];
        struct writer w = writer_of(body, sizeof body);
        writer_u64(&w, 0);
        writer_u32(&w, 0);
        writer_u32(&w, counts[i]);
        struct reply reply = field_call(&f, &f.pos, CAMPUS_LINK_UPLOAD, body, sizeof body, NULL);
        assert_int_equal(reply.result, LINK_REFUSED);
        reply_free(&reply);
    }
    field_close(&f);
}

/* ---- processes ---- */

#define REQUESTS 24u

struct parcels {
    struct campus_upload uploads[REQUESTS];
    uint8_t *bytes[REQUESTS];
    size_t length[REQUESTS];
};

static void pack(struct field *f, struct parcels *p)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct party *terminal = i % 2 ? &f->pos : &f->reload;
        uint8_t body[1024];
        struct writer w = writer_of(body, sizeof body);
        p->uploads[i] =
            field_receipt(f, &f->card, terminal, i % 2 ? 30 : 50, 0, CAMPUS_OUTCOME_DONE);
        writer_u64(&w, UINT64_MAX);
        writer_u32(&w, UINT32_MAX);
        writer_u32(&w, 1);
        campus_upload_write(&w, &p->uploads[i]);
        p->bytes[i] =
            field_request(terminal, CAMPUS_LINK_UPLOAD, body, w.used, NULL, &p->length[i]);
    }
}

static void unpack(struct parcels *p)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        free(p->bytes[i]);
}

/* In a process of its own: sends everything, and says which were acknowledged. */
static void send_all(struct field *f, const struct parcels *p, int said)
{
    struct stiver_bank_environment environment = world_environment(&f->w);
    struct stiver_bank *bank;
    if (stiver_bank_open(f->w.directory, world_passphrase(), &environment, &bank) != STIVER_BANK_OK)
        _exit(1);
    for (uint8_t i = 0; i < REQUESTS; i++) {
        struct stiver_bank_bytes answer = {0};
        enum stiver_bank_status status =
            stiver_campus_link(bank, p->bytes[i], p->length[i], &answer);
        /* A result of LINK_RETRY is no acknowledgement. */
        bool is_booked = status == STIVER_BANK_OK && answer.length > 68 && answer.data[67] == 0;
        stiver_bank_bytes_free(&answer);
        if (is_booked && write(said, &i, 1) != 1)
            _exit(2);
        if (!is_booked)
            i--; /* somebody is in the way: again */
    }
    stiver_bank_close(bank);
    _exit(0);
}

static void check_total(struct field *f, const struct parcels *p, const bool acknowledged[REQUESTS])
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        enum upload_result result = field_upload(f, i % 2 ? &f->pos : &f->reload, &p->uploads[i]);
        if (acknowledged[i])
            assert_int_equal(result, UPLOAD_ALREADY);
        else
            assert_true(result == UPLOAD_ALREADY || result == UPLOAD_BOOKED);
    }
    assert_int_equal(world_balance(&f->w, "campus float"), REQUESTS / 2 * 20);
    assert_int_equal(world_balance(&f->w, "campus merchant:7"), REQUESTS / 2 * 30);
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        struct field f;
        struct parcels p;
        bool acknowledged[REQUESTS] = {false};
        int pipe_ends[2], left = (int)(2 * round); /* killed after so many answers */
        uint8_t number;
        field_open(&f);
        pack(&f, &p);
        stiver_bank_close(f.w.bank);
        f.w.bank = NULL;
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        if (child == 0)
            send_all(&f, &p, pipe_ends[1]);
        assert_true(child > 0);
        close(pipe_ends[1]);
        while (left-- > 0 && read(pipe_ends[0], &number, 1) == 1)
            acknowledged[number] = true;
        const struct timespec a_moment = {0, 150000 * (long)(round % 5)}; /* into the next one */
        nanosleep(&a_moment, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(pipe_ends[0], &number, 1) == 1)
            acknowledged[number] = true;
        close(pipe_ends[0]);
        world_reopen(&f.w);
        check_total(&f, &p, acknowledged);
        unpack(&p);
        field_close(&f);
    }
}

static void two_processes_book_each_receipt_once(void **state)
{
    (void)state;
    struct field f;
    struct parcels p;
    bool acknowledged[REQUESTS];
    int pipe_ends[2], ended;
    pid_t children[2];
    field_open(&f);
    pack(&f, &p);
    stiver_bank_close(f.w.bank);
    f.w.bank = NULL;
    assert_int_equal(pipe(pipe_ends), 0);
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            send_all(&f, &p, pipe_ends[1]);
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 0);
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    memset(acknowledged, true, sizeof acknowledged);
    world_reopen(&f.w);
    check_total(&f, &p, acknowledged);
    unpack(&p);
    field_close(&f);
}

static void a_full_disk_keeps_nothing_of_the_step(void **state)
{
    (void)state;
    struct field f;
    struct rlimit old, tight = {8192, RLIM_INFINITY};
    field_open(&f);
    struct campus_upload loaded =
        field_receipt(&f, &f.card, &f.reload, 100, 0, CAMPUS_OUTCOME_DONE);
    uint8_t body[1024];
    struct writer w = writer_of(body, sizeof body);
    writer_u64(&w, UINT64_MAX);
    writer_u32(&w, UINT32_MAX);
    writer_u32(&w, 1);
    campus_upload_write(&w, &loaded);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct reply reply = field_call(&f, &f.reload, CAMPUS_LINK_UPLOAD, body, w.used, NULL);
    enum stiver_bank_status listed = stiver_campus_list_card(f.w.bank, f.card.id);
    char sentence[200];
    snprintf(sentence, sizeof sentence, "%s", stiver_bank_message(f.w.bank));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(reply.result, LINK_RETRY);
    reply_free(&reply);
    /* The limit is no ENOSPC: SQLite may call it an error of the disk. */
    assert_true(listed == STIVER_BANK_DISK_FULL || listed == STIVER_BANK_IO);
    assert_string_equal(sentence, stiver_bank_status_sentence(listed));
    assert_false(field_card(&f, f.card.id).is_listed);
    assert_int_equal(field_upload(&f, &f.reload, &loaded), UPLOAD_BOOKED);
    field_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_mutated_requests_are_no_terminal_s),
        cmocka_unit_test(nonsense_that_a_terminal_signs_is_refused_or_booked_as_signed),
        cmocka_unit_test(counts_that_lie_are_refused),
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
        cmocka_unit_test(two_processes_book_each_receipt_once),
        cmocka_unit_test(a_full_disk_keeps_nothing_of_the_step),
    };
    return cmocka_run_group_tests_name("campus hostile", tests, NULL, NULL);
}
