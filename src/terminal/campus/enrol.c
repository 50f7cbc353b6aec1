/* SPDX-License-Identifier: Apache-2.0 */
/* The bank's package; lists that are brought by hand; what a terminal tells of itself. */
#include <string.h>

#include "terminal/campus/journal.h"

/* The package's signature is the back end's that it names: who takes it the first time compares
 * the fingerprint. */
static terminal_status open_package(const uint8_t *bytes, size_t length,
                                    struct campus_package *package)
{
    if (length <= RSA_BYTES || !campus_package_decode(bytes, length - RSA_BYTES, package))
        return STIVER_TERMINAL_PACKAGE;
    const struct piece piece = {bytes, length - RSA_BYTES};
    return rsa_verify_sha256(package->back_end, &piece, 1, bytes + length - RSA_BYTES) == CRYPTO_OK
               ? STIVER_TERMINAL_OK
               : STIVER_TERMINAL_PACKAGE;
}

static terminal_status check_root(const struct stiver_campus_terminal *terminal,
                                  const struct campus_package *package, const uint8_t *fingerprint)
{
    uint8_t hash[SHA256_BYTES];
    const struct piece piece = {package->back_end, RSA_BYTES};
    if (crypto_sha256(&piece, 1, hash) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    if (fingerprint != NULL && !bytes_equal(hash, fingerprint, sizeof hash))
        return STIVER_TERMINAL_ROOT_DIFFERS;
    if (terminal->is_enrolled && !bytes_equal(package->back_end, terminal->back_end, RSA_BYTES))
        return STIVER_TERMINAL_ROOT_DIFFERS;
    return STIVER_TERMINAL_OK;
}

/* Ours, and not earlier than what is held; its certificate verifies; its end looks like no
 * counter. */
static terminal_status check_package(const struct stiver_campus_terminal *terminal,
                                     const struct campus_package *package)
{
    const struct campus_certificate *own = &terminal->certificate;
    if (package->role != terminal->role ||
        !bytes_equal(package->terminal.modulus, terminal->modulus, RSA_BYTES) ||
        package->terminal.end <= CAMPUS_COUNTER_MAX)
        return STIVER_TERMINAL_PACKAGE;
    if (terminal->is_enrolled &&
        (package->terminal.id != own->id || package->terminal.end < own->end))
        return STIVER_TERMINAL_PACKAGE;
    if (package->role != CAMPUS_ROLE_STATION &&
        !campus_certificate_holds(package->back_end, &package->terminal))
        return STIVER_TERMINAL_PACKAGE;
    return STIVER_TERMINAL_OK;
}

/* The list before the certificate: both are checked by now, and a terminal with an older list than
 * its package had is one that a package makes whole. */
static terminal_status store(struct stiver_campus_terminal *terminal,
                             const struct campus_package *package)
{
    terminal_status status =
        campus_journal_adopt(terminal->journal, &package->terminal, package->back_end);
    if (status != STIVER_TERMINAL_OK)
        return status;
    terminal->certificate = package->terminal;
    memcpy(terminal->back_end, package->back_end, RSA_BYTES);
    terminal->is_enrolled = true;
    status = campus_files_complete(terminal);
    if (status != STIVER_TERMINAL_OK || package->list_bytes == 0)
        return status;
    status = campus_list_take(terminal, package->list, package->list_bytes);
    /* The package is ours all the same; a later list is held, or has to be fetched. */
    return status == STIVER_TERMINAL_LIST_OLD ? STIVER_TERMINAL_OK : status;
}

enum stiver_terminal_status stiver_campus_terminal_adopt(struct stiver_campus_terminal *terminal,
                                                         const uint8_t *package,
                                                         size_t package_bytes,
                                                         const uint8_t *fingerprint)
{
    struct campus_package opened;
    struct campus_list list;
    terminal_status status = open_package(package, package_bytes, &opened);
    if (status == STIVER_TERMINAL_OK)
        status = check_root(terminal, &opened, fingerprint);
    if (status == STIVER_TERMINAL_OK)
        status = check_package(terminal, &opened);
    if (status == STIVER_TERMINAL_OK && opened.list_bytes != 0)
        status = campus_list_check(opened.back_end, opened.list, opened.list_bytes, &list);
    return status == STIVER_TERMINAL_OK ? store(terminal, &opened) : status;
}

enum stiver_terminal_status stiver_campus_terminal_take_list(
    struct stiver_campus_terminal *terminal, const uint8_t *file, size_t bytes)
{
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_NOT_ENROLLED;
    return campus_list_take(terminal, file, bytes);
}

enum stiver_terminal_status stiver_campus_terminal_info(struct stiver_campus_terminal *terminal,
                                                        struct stiver_campus_info *info)
{
    struct stiver_terminal_bytes file;
    struct campus_list list;
    memset(info, 0, sizeof *info);
    info->role = (enum stiver_campus_role)terminal->role;
    if (!terminal->is_enrolled)
        return STIVER_TERMINAL_OK;
    info->is_enrolled = true;
    info->id = terminal->certificate.id;
    info->certificate_end = terminal->certificate.end;
    const struct piece piece = {terminal->back_end, RSA_BYTES};
    if (crypto_sha256(&piece, 1, info->fingerprint) != CRYPTO_OK)
        return STIVER_TERMINAL_CRYPTO;
    if (campus_list_load(terminal, &file, &list) == STIVER_TERMINAL_OK) {
        info->list_end_ms = list.end_ms;
        info->list_count = list.count;
        stiver_terminal_bytes_free(&file);
    }
    return campus_journal_counts(terminal->journal, info);
}
