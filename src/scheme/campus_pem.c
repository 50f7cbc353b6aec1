/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files: DER in one form only, and PEM around it. No general ASN.1 is read here: a key of
 * another size, exponent or algorithm is no key of this scheme.
 */
#include <string.h>

#include "base/base64.h"
#include "scheme/campus.h"

/* SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { INTEGER 00... */
static const uint8_t public_head[] = {
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48,
    0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01,
    0x0F, 0x00, 0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00,
};
/* ... modulus }, INTEGER 65537 } } */
static const uint8_t public_tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
_Static_assert(sizeof public_head + CAMPUS_RSA_BYTES + sizeof public_tail ==
                   CAMPUS_PUBLIC_DER_BYTES,
               "a public key's DER has one length");

void campus_public_der(const uint8_t modulus[CAMPUS_RSA_BYTES],
                       uint8_t der[CAMPUS_PUBLIC_DER_BYTES])
{
    struct writer w = writer_of(der, CAMPUS_PUBLIC_DER_BYTES);
    writer_bytes(&w, public_head, sizeof public_head);
    writer_bytes(&w, modulus, CAMPUS_RSA_BYTES);
    writer_bytes(&w, public_tail, sizeof public_tail);
}

static void expect(struct reader *r, const uint8_t *bytes, size_t count)
{
    const uint8_t *found = reader_take(r, count);
    if (found == NULL || !bytes_equal(found, bytes, count))
        r->failed = true;
}

bool campus_public_der_read(const uint8_t *der, size_t bytes, uint8_t modulus[CAMPUS_RSA_BYTES])
{
    struct reader r = reader_of(der, bytes);
    expect(&r, public_head, sizeof public_head);
    reader_bytes(&r, modulus, CAMPUS_RSA_BYTES);
    expect(&r, public_tail, sizeof public_tail);
    /* The leading 00 stands there because the first bit is set. */
    return reader_done(&r) && (modulus[0] & 0x80) != 0;
}

/* ---- private keys ---- */

/* INTEGER 0, SEQUENCE { rsaEncryption, NULL } */
static const uint8_t private_head[] = {
    0x02, 0x01, 0x00, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86,
    0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
};
#define TAG_SEQUENCE 0x30u
#define TAG_OCTETS 0x04u
#define LONG_LENGTH 0x82u /* two bytes follow */
#define LONG_HEAD_BYTES 4u
#define LONG_MIN 0x100u

static void long_head(struct writer *w, uint8_t tag, size_t bytes)
{
    if (bytes < LONG_MIN || bytes > UINT16_MAX)
        w->failed = true;
    writer_u8(w, tag);
    writer_u8(w, LONG_LENGTH);
    writer_u16(w, (uint16_t)bytes);
}

/* The header of all that is left: nothing may stand behind it. */
static void long_head_read(struct reader *r, uint8_t tag)
{
    if (reader_u8(r) != tag || reader_u8(r) != LONG_LENGTH)
        r->failed = true;
    size_t bytes = reader_u16(r);
    if (bytes < LONG_MIN || bytes != r->left)
        r->failed = true;
}

void campus_private_der(struct writer *w, const uint8_t *rsa_private_key, size_t bytes)
{
    long_head(w, TAG_SEQUENCE, sizeof private_head + LONG_HEAD_BYTES + bytes);
    writer_bytes(w, private_head, sizeof private_head);
    long_head(w, TAG_OCTETS, bytes);
    writer_bytes(w, rsa_private_key, bytes);
}

bool campus_private_der_read(const uint8_t *der, size_t bytes, const uint8_t **rsa_private_key,
                             size_t *inside_bytes)
{
    struct reader r = reader_of(der, bytes);
    long_head_read(&r, TAG_SEQUENCE);
    expect(&r, private_head, sizeof private_head);
    long_head_read(&r, TAG_OCTETS);
    *rsa_private_key = r.at;
    *inside_bytes = r.left;
    long_head_read(&r, TAG_SEQUENCE);
    return !r.failed;
}

/* ---- PEM ---- */

static const char dashes[] = "-----";
#define DASHES_BYTES 5u

/* The next line without its LF or CR LF. */
static struct reader line_read(struct reader *r)
{
    size_t bytes = 0;
    while (bytes < r->left && r->at[bytes] != '\n')
        bytes++;
    struct reader line = reader_sub(r, bytes);
    if (r->left > 0)
        (void)reader_u8(r);
    if (line.left > 0 && line.at[line.left - 1] == '\r')
        line.left--;
    return line;
}

static bool is_label(const struct reader *line)
{
    return line->left > 2 * DASHES_BYTES &&
           bytes_equal(line->at, (const uint8_t *)dashes, DASHES_BYTES) &&
           bytes_equal(line->at + line->left - DASHES_BYTES, (const uint8_t *)dashes, DASHES_BYTES);
}

bool campus_pem_read(const uint8_t *file, size_t bytes, struct writer *der)
{
    struct reader r = reader_of(file, bytes);
    struct base64_text text = {0};
    struct reader line = line_read(&r);
    bool is_open = is_label(&line), is_closed = false;
    while (is_open && !is_closed && r.left > 0) {
        line = line_read(&r);
        is_closed = is_label(&line);
        for (size_t i = 0; !is_closed && i < line.left; i++)
            base64_sign(&text, line.at[i], der);
    }
    bool is_whole = is_closed && r.left == 0 && base64_end(&text, der) && der->used > 0;
    bytes_wipe(&text, sizeof text);
    return is_whole;
}

static void put(struct writer *w, const char *text)
{
    writer_bytes(w, (const uint8_t *)text, strlen(text));
}

void campus_pem_write(struct writer *w, bool is_private, const uint8_t *der, size_t bytes)
{
    const char *label = is_private ? "RSA PRIVATE KEY" : "RSA PUBLIC KEY";
    put(w, "-----BEGIN ");
    put(w, label);
    put(w, "-----\n");
    base64_encode(w, der, bytes);
    put(w, "\n-----END ");
    put(w, label);
    put(w, "-----\n");
}
