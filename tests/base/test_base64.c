/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of RFC 4648, section 10, and each text that stands for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static const struct {
    const char *plain, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static bool decode(const char *text, size_t chars, uint8_t *out, size_t capacity, size_t *bytes)
{
    struct writer w = writer_of(out, capacity);
    bool is_text = base64_decode((const uint8_t *)text, chars, &w);
    *bytes = w.used;
    return is_text;
}

static void the_texts_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t out[16], back[16];
        size_t plain_bytes = strlen(vectors[i].plain), chars = strlen(vectors[i].text), bytes = 0;
        struct writer w = writer_of(out, sizeof out);
        base64_encode(&w, (const uint8_t *)vectors[i].plain, plain_bytes);
        assert_false(w.failed);
        assert_int_equal(w.used, chars);
        assert_int_equal(BASE64_CHARS(plain_bytes), chars);
        assert_memory_equal(out, vectors[i].text, chars);
        assert_true(decode(vectors[i].text, chars, back, sizeof back, &bytes));
        assert_int_equal(bytes, plain_bytes);
        assert_memory_equal(back, vectors[i].plain, plain_bytes);
    }
}

static void each_byte_at_each_place_survives(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes <= 4; bytes++)
        for (size_t place = 0; place < bytes; place++)
            for (unsigned value = 0; value < 256; value++) {
                uint8_t plain[4] = {0x5A, 0xA5, 0x3C, 0xC3}, text[8], back[4];
                struct writer w = writer_of(text, sizeof text), b = writer_of(back, sizeof back);
                plain[place] = (uint8_t)value;
                base64_encode(&w, plain, bytes);
                assert_true(base64_decode(text, w.used, &b));
                assert_int_equal(b.used, bytes);
                assert_memory_equal(back, plain, bytes);
            }
}

/* Whatever is taken is what would be written: one text for each row of bytes. */
static void each_other_sign_at_each_place_is_refused_or_canonical(void **state)
{
    (void)state;
    static const char *const texts[] = {"Zm9vYmFy", "Zm9vYmE=", "Zm9vYg=="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t place = 0; place < 8; place++)
            for (unsigned sign = 0; sign < 256; sign++) {
                char text[8];
                uint8_t plain[8], again[8];
                size_t bytes = 0;
                memcpy(text, texts[i], 8);
                text[place] = (char)sign;
                if (!decode(text, 8, plain, sizeof plain, &bytes))
                    continue;
                struct writer w = writer_of(again, sizeof again);
                base64_encode(&w, plain, bytes);
                assert_int_equal(w.used, 8);
                assert_memory_equal(again, text, 8);
            }
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z",     "Zg",       "Zg=",      "=",    "==",     "====",  "Z===",  "Zh==",     "Zm9=",
        "Zg==Z", "Zg==Zg==", "Zm8=Zm9v", "Zg=Z", "Zm9v\n", " Zm9v", "Zm9v=", "Zm9v====", "Zm-_",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t out[16];
        size_t bytes = 0;
        if (decode(texts[i], strlen(texts[i]), out, sizeof out, &bytes))
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void a_lack_of_room_is_remembered(void **state)
{
    (void)state;
    uint8_t out[8];
    size_t bytes = 0;
    assert_false(decode("Zm9vYmFy", 8, out, 5, &bytes));
    struct writer w = writer_of(out, 7);
    base64_encode(&w, (const uint8_t *)"foobar", 6);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_texts_of_the_rfc_go_both_ways),
        cmocka_unit_test(each_byte_at_each_place_survives),
        cmocka_unit_test(each_other_sign_at_each_place_is_refused_or_canonical),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(a_lack_of_room_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
