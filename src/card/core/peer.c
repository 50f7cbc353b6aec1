/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals: VERIFY CERTIFICATE takes a stranger's certificate, MUTUAL AUTHENTICATE opens the
 * channel with a stranger whose certificate was taken or with a terminal that is remembered from an
 * earlier payment. A remembered entry is trusted as far as its certificate was: its end and its
 * generation are looked at again at each use.
 */
#include "card/core/peer.h"

#include <string.h>

#include "card/core/records.h"
#include "channel/scp11.h"
#include "scheme/certificate.h"

void peer_leave(struct card *card)
{
    secure_close(&card->channel);
    bytes_wipe(card->peer.fixed_secret, sizeof card->peer.fixed_secret);
    if (card->peer_state == PEER_AUTHENTICATED) {
        bool was_verified = !bytes_are_zero(card->peer.key, sizeof card->peer.key);
        card->peer_state = was_verified ? PEER_VERIFIED : PEER_NONE;
        if (card->selected->channel_closed != NULL)
            card->selected->channel_closed(card);
    }
    if (card->peer_state == PEER_NONE)
        bytes_wipe(&card->peer, sizeof card->peer);
    card->peer_is_remembered = false;
}

void peer_forget(struct card *card)
{
    peer_leave(card);
    card->peer_state = PEER_NONE;
    bytes_wipe(&card->peer, sizeof card->peer);
}

/* ---- the record: host id 16 | number 8 | merchant 4 | role 1 | classes 2 | limit 4 | currency 2 |
 * start 4 | end 4 | generation 4 | shared secret 32 | terminal authority's version 1 ---- */

static void peer_encode(const struct terminal_peer *peer, uint8_t authority_version,
                        uint8_t record[PEER_RECORD_BYTES])
{
    struct writer w = writer_of(record, PEER_RECORD_BYTES);
    writer_bytes(&w, peer->host_id, HOST_ID_BYTES);
    writer_bytes(&w, peer->number, TERMINAL_NUMBER_BYTES);
    writer_u32(&w, peer->merchant);
    writer_u8(&w, (uint8_t)peer->role);
    writer_u16(&w, peer->classes);
    writer_u32(&w, peer->limit.minor);
    writer_u16(&w, peer->limit.currency);
    writer_u32(&w, peer->start);
    writer_u32(&w, peer->end);
    writer_u32(&w, peer->generation);
    writer_bytes(&w, peer->fixed_secret, SHARED_SECRET_BYTES);
    writer_u8(&w, authority_version);
}

/* Everything but the key, which is not remembered. Returns the terminal authority's version. */
static uint8_t peer_decode(const uint8_t record[PEER_RECORD_BYTES], struct terminal_peer *peer)
{
    struct reader r = reader_of(record, PEER_RECORD_BYTES);
    reader_bytes(&r, peer->host_id, HOST_ID_BYTES);
    reader_bytes(&r, peer->number, TERMINAL_NUMBER_BYTES);
    peer->merchant = reader_u32(&r);
    peer->role = (enum terminal_role)reader_u8(&r);
    peer->classes = reader_u16(&r);
    peer->limit.minor = reader_u32(&r);
    peer->limit.currency = reader_u16(&r);
    peer->start = reader_u32(&r);
    peer->end = reader_u32(&r);
    peer->generation = reader_u32(&r);
    reader_bytes(&r, peer->fixed_secret, SHARED_SECRET_BYTES);
    return reader_u8(&r);
}

static enum core_record peer_record(uint8_t slot)
{
    return (enum core_record)(RECORD_PEER + slot);
}

bool peer_is_new(const struct card *card)
{
    return card->peer_state == PEER_AUTHENTICATED && !card->peer_is_remembered;
}

enum status peer_put(struct card *card)
{
    uint8_t record[PEER_RECORD_BYTES], slot;
    bool is_there;
    enum status status =
        record_read_optional(card, RECORD_PEER_NEXT, &slot, sizeof slot, &is_there);
    if (status != STATUS_OK)
        return status;
    slot %= PEER_SLOTS;
    peer_encode(&card->peer, card->identity.authority_version, record);
    status = record_put(card, peer_record(slot), record, sizeof record);
    bytes_wipe(record, sizeof record);
    if (status != STATUS_OK)
        return status;
    slot = (uint8_t)((slot + 1) % PEER_SLOTS);
    return record_put(card, RECORD_PEER_NEXT, &slot, sizeof slot);
}

/* Reads the remembered entry of this certificate; it counts only under the terminal authority of
 * today. */
OWN_FRAME static enum status recall(struct card *card, const uint8_t host_id[HOST_ID_BYTES],
                                    struct terminal_peer *peer, bool *is_found)
{
    uint8_t record[PEER_RECORD_BYTES];
    enum status status = STATUS_OK;
    *is_found = false;
    for (uint8_t slot = 0; slot < PEER_SLOTS && status == STATUS_OK && !*is_found; slot++) {
        bool is_there;
        status = record_read_optional(card, peer_record(slot), record, sizeof record, &is_there);
        if (status == STATUS_OK && is_there && bytes_equal(record, host_id, HOST_ID_BYTES))
            *is_found = peer_decode(record, peer) == card->identity.authority_version;
    }
    bytes_wipe(record, sizeof record);
    return status;
}

/* ---- VERIFY CERTIFICATE ---- */

/* What a certificate must satisfy at each use, not only when its signature was verified. */
static bool peer_is_in_force(const struct card *card, const struct terminal_peer *peer)
{
    return card_clock_permits(card, peer->end) && peer->generation >= card->clock.generation_floor;
}

static void peer_of_certificate(const struct certificate *c, struct terminal_peer *peer)
{
    memcpy(peer->number, c->subject, TERMINAL_NUMBER_BYTES);
    memcpy(peer->key, c->key, PUBLIC_KEY_BYTES);
    peer->merchant = c->merchant;
    peer->role = c->role;
    peer->classes = c->classes;
    peer->limit = c->limit;
    peer->start = c->start;
    peer->end = c->end;
    peer->generation = c->generation;
}

static enum status verify(struct card *card, const uint8_t *bytes, size_t length)
{
    const struct card_identity *identity = &card->identity;
    struct certificate c;
    enum document_status checked =
        certificate_check(&crypto_primitives, bytes, length, CERTIFICATE_TERMINAL, identity->scheme,
                          &identity->terminal_authority, &c);
    if (checked == DOCUMENT_OK)
        checked = certificate_host_id(&crypto_primitives, bytes, length, card->peer.host_id);
    if (checked != DOCUMENT_OK)
        return checked == DOCUMENT_FAILED ? STATUS_FAILED : STATUS_CERTIFICATE;
    peer_of_certificate(&c, &card->peer);
    if (c.limit.currency != identity->currency || (c.classes & ~role_classes(c.role)) != 0 ||
        !peer_is_in_force(card, &card->peer))
        return STATUS_CERTIFICATE;
    card_clock_saw(card, c.start, identity->terminal_authority.end);
    return STATUS_OK;
}

enum status card_verify_certificate(struct card *card, const struct apdu_command *command,
                                    struct writer *answer)
{
    (void)answer;
    if (command->p1 != card->identity.authority_version)
        return STATUS_REFERENCE;
    peer_forget(card);
    enum status status = verify(card, command->data, command->lc);
    if (status == STATUS_OK)
        card->peer_state = PEER_VERIFIED;
    else
        peer_forget(card);
    return status;
}

/* ---- MUTUAL AUTHENTICATE ---- */

static enum status agree_fixed(struct card *card, uint8_t fixed_secret[SHARED_SECRET_BYTES])
{
    uint8_t private_key[PRIVATE_KEY_BYTES];
    enum status status = record_read(card, RECORD_CHANNEL_PRIVATE, private_key, sizeof private_key);
    if (status == STATUS_OK) {
        enum crypto_status agreed = crypto_agree(private_key, card->peer.key, fixed_secret);
        if (agreed != CRYPTO_OK)
            status = agreed == CRYPTO_INVALID ? STATUS_CERTIFICATE : STATUS_FAILED;
    }
    bytes_wipe(private_key, sizeof private_key);
    return status;
}

/* Makes the terminal that HostID names the card's peer, with its shared secret: the one that was
 * verified in this power-up, or a remembered one. REFERENCE for anybody else, and nobody is
 * forgotten for it. */
OWN_FRAME static enum status find_peer(struct card *card, const uint8_t host_id[HOST_ID_BYTES])
{
    struct terminal_peer peer = {0};
    bool is_verified = card->peer_state == PEER_VERIFIED &&
                       bytes_equal(card->peer.host_id, host_id, HOST_ID_BYTES);
    enum status status = recall(card, host_id, &peer, &card->peer_is_remembered);
    if (status == STATUS_OK && !card->peer_is_remembered && !is_verified)
        status = STATUS_REFERENCE;
    if (status == STATUS_OK && is_verified) {
        if (!card->peer_is_remembered)
            status = agree_fixed(card, peer.fixed_secret);
        memcpy(card->peer.fixed_secret, peer.fixed_secret, SHARED_SECRET_BYTES);
    }
    if (status == STATUS_OK && !peer_is_in_force(card, is_verified ? &card->peer : &peer))
        status = STATUS_REFERENCE;
    if (status == STATUS_OK && !is_verified) {
        card->peer = peer; /* has no key: when it leaves, it leaves nobody behind */
        card->peer_state = PEER_NONE;
    }
    bytes_wipe(&peer, sizeof peer);
    return status;
}

/* What this card calls this terminal: it finds the card's certificate by it the next time. */
OWN_FRAME static enum status make_handle(struct card *card, const uint8_t host_id[HOST_ID_BYTES],
                                         uint8_t handle[HANDLE_BYTES])
{
    uint8_t secret[AES_KEY_BYTES], mac[CMAC_BYTES];
    enum status status = record_read(card, RECORD_HANDLE_SECRET, secret, sizeof secret);
    const struct piece piece = {host_id, HOST_ID_BYTES};
    if (status == STATUS_OK && crypto_cmac(secret, &piece, 1, mac) != CRYPTO_OK)
        status = STATUS_FAILED;
    bytes_wipe(secret, sizeof secret);
    if (status == STATUS_OK)
        memcpy(handle, mac, HANDLE_BYTES);
    return status;
}

static enum status open_channel(struct card *card, const struct apdu_command *command,
                                const uint8_t host_ephemeral[PUBLIC_KEY_BYTES],
                                struct writer *answer)
{
    uint8_t handle[HANDLE_BYTES];
    struct scp11_ids ids = {.scheme = card->identity.scheme};
    memcpy(ids.host_id, card->peer.host_id, HOST_ID_BYTES);
    memcpy(ids.card, card->identity.number, CARD_NUMBER_BYTES);
    enum status status = make_handle(card, card->peer.host_id, handle);
    uint8_t *out = writer_reserve(answer, SCP11_ANSWER_BYTES);
    if (status != STATUS_OK || out == NULL)
        return status == STATUS_OK ? STATUS_FAILED : status;
    enum channel_status opened =
        scp11_card_answer(&card->channel, &ids, card->peer.fixed_secret, command->data, command->lc,
                          host_ephemeral, handle, out);
    if (opened == CHANNEL_OK)
        return STATUS_OK;
    /* REJECTED: the ephemeral point is none. */
    return opened == CHANNEL_REJECTED ? STATUS_DATA : STATUS_FAILED;
}

enum status card_mutual_authenticate(struct card *card, const struct apdu_command *command,
                                     struct writer *answer)
{
    uint8_t host_id[HOST_ID_BYTES], host_ephemeral[PUBLIC_KEY_BYTES];
    if (command->p1 != KVN_CARD_AGREEMENT)
        return STATUS_REFERENCE;
    if (scp11_card_read(command->data, command->lc, host_id, host_ephemeral) != CHANNEL_OK)
        return STATUS_DATA;
    enum status status = find_peer(card, host_id);
    if (status == STATUS_OK)
        status = open_channel(card, command, host_ephemeral, answer);
    if (status == STATUS_OK)
        card->peer_state = PEER_AUTHENTICATED;
    else
        peer_leave(card);
    return status;
}
