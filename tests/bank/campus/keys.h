/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys that are known to everybody: drawing one takes too long for each test. */
#ifndef TESTS_BANK_CAMPUS_KEYS_H
#define TESTS_BANK_CAMPUS_KEYS_H

enum test_key {
    TEST_KEY_BACK_END,       /* the back end */
    TEST_KEY_OTHER_BACK_END, /* a back end of somebody else */
    TEST_KEY_STATION,        /* a personalisation station */
    TEST_KEY_POS,            /* a point of sale */
    TEST_KEY_RELOAD,         /* a reload terminal */
    TEST_KEY_CARD,           /* a card */
    TEST_KEY_SECOND_CARD,    /* another card */
    TEST_KEY_THIRD_CARD,     /* a third card */
    TEST_KEY_COUNT
};

/* PEM. */
extern const char *const test_keys[TEST_KEY_COUNT];

#endif
