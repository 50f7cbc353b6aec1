/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment: the request that a new terminal makes and the package that comes back. */
#include <string.h>

#include "terminal/journal.h"

#define REQUEST_VERSION 1u

_Static_assert(STIVER_TERMINAL_REQUEST_BYTES == ENROL_REQUEST_BYTES, "the request's size");

void stiver_terminal_request(const struct stiver_terminal *terminal,
                             uint8_t request[STIVER_TERMINAL_REQUEST_BYTES])
{
    struct writer w = writer_of(request, STIVER_TERMINAL_REQUEST_BYTES);
    writer_u8(&w, REQUEST_VERSION);
    writer_bytes(&w, terminal->key.public_key, PUBLIC_KEY_BYTES);
}

static terminal_status fingerprint(const struct identity *identity, uint8_t hash[SHA256_BYTES])
{
    const struct piece piece = {identity->anchors.root_key, PUBLIC_KEY_BYTES};
    return crypto_sha256(&piece, 1, hash) == CRYPTO_OK ? STIVER_TERMINAL_OK
                                                       : STIVER_TERMINAL_CRYPTO;
}

/* A terminal stays what it is: same number, same root, same bank; and never an older list. */
static terminal_status may_replace(const struct stiver_terminal *terminal,
                                   const struct identity *new)
{
    const struct identity *old = &terminal->identity;
    if (terminal->is_of_earlier_format &&
        !bytes_equal(old->number, new->number, TERMINAL_NUMBER_BYTES))
        return STIVER_TERMINAL_PACKAGE;
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_OK;
    if (!bytes_equal(old->anchors.root_key, new->anchors.root_key, PUBLIC_KEY_BYTES))
        return STIVER_TERMINAL_ROOT_DIFFERS;
    if (!bytes_equal(old->number, new->number, TERMINAL_NUMBER_BYTES) ||
        !bytes_equal(old->link_key, new->link_key, PUBLIC_KEY_BYTES) ||
        old->anchors.scheme != new->anchors.scheme ||
        new->certificate.start < old->certificate.start ||
        new->list.head.sequence < old->list.head.sequence)
        return STIVER_TERMINAL_PACKAGE;
    return STIVER_TERMINAL_OK;
}

static terminal_status check_root(const struct identity *identity, const uint8_t *expected)
{
    uint8_t hash[SHA256_BYTES];
    if (expected == NULL)
        return STIVER_TERMINAL_OK;
    terminal_status status = fingerprint(identity, hash);
    if (status == STIVER_TERMINAL_OK && !bytes_equal(hash, expected, sizeof hash))
        status = STIVER_TERMINAL_ROOT_DIFFERS;
    return status;
}

terminal_status stiver_terminal_adopt(struct stiver_terminal *terminal, const uint8_t *package,
                                      size_t package_bytes, const uint8_t *root_fingerprint)
{
    struct identity identity;
    const struct piece none = {NULL, 0};
    terminal_status status =
        identity_build(package, package_bytes, none, none, terminal->key.public_key, &identity);
    if (status != STIVER_TERMINAL_OK)
        return status;
    status = check_root(&identity, root_fingerprint);
    if (status == STIVER_TERMINAL_OK)
        status = may_replace(terminal, &identity);
    if (status == STIVER_TERMINAL_OK)
        status =
            journal_adopt(terminal->journal, (struct piece){package, package_bytes},
                          (struct piece){identity.certificate_bytes, identity.certificate_length},
                          identity.host_id);
    if (status != STIVER_TERMINAL_OK) {
        identity_free(&identity);
        return status;
    }
    identity_free(&terminal->identity);
    terminal->identity = identity;
    terminal->is_enrolled = true;
    terminal->is_of_earlier_format = false;
    return STIVER_TERMINAL_OK;
}

/* ---- what the terminal says of itself ---- */

static void tell_certificate(const struct certificate *c, struct stiver_terminal_info *info)
{
    info->role = (uint8_t)c->role;
    info->role_name = role_name(c->role);
    info->classes = c->classes;
    info->merchant = c->merchant;
    info->limit = (struct stiver_terminal_money){c->limit.minor, c->limit.currency};
    info->certificate_start = c->start;
    info->certificate_end = c->end;
}

terminal_status stiver_terminal_info(struct stiver_terminal *terminal,
                                     struct stiver_terminal_info *info)
{
    const struct identity *identity = &terminal->identity;
    memset(info, 0, sizeof *info);
    info->role_name = "";
    info->is_of_earlier_format = terminal->is_of_earlier_format;
    terminal_status status = journal_counts(terminal->journal, info);
    if (status != STIVER_TERMINAL_OK || !terminal->is_enrolled)
        return status;
    info->is_enrolled = true;
    info->is_in_doubt = terminal->is_in_doubt;
    memcpy(info->terminal, identity->number, sizeof info->terminal);
    info->scheme = identity->anchors.scheme;
    tell_certificate(&identity->certificate, info);
    info->list_sequence = identity->list.head.sequence;
    info->list_start = identity->list.head.start;
    info->list_end = identity->list.head.end;
    info->list_count = identity->list.head.count;
    return fingerprint(identity, info->root_fingerprint);
}
