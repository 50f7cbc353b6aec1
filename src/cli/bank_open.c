/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bank_open.h"

#include "base/bytes.h"

const struct stiver_bank_environment bank_environment = {.engine = &stiver_store_sqlite};

const struct cli_option bank_options[] = {
    CLI_OPTION_BANK,
    CLI_OPTION_PASSPHRASE_FD,
    CLI_OPTION_END,
};

enum cli_exit bank_refuse(struct cli *cli, const struct stiver_bank *bank,
                          enum stiver_bank_status status)
{
    const char *sentence =
        bank == NULL ? stiver_bank_status_sentence(status) : stiver_bank_message(bank);
    return cli_refuse(cli, stiver_bank_status_name(status), NULL, "%s", sentence);
}

enum cli_exit bank_result(struct cli *cli, const struct stiver_bank *bank,
                          enum stiver_bank_status status)
{
    if (status == STIVER_BANK_OK || status == STIVER_BANK_ALREADY)
        return CLI_DONE;
    return bank_refuse(cli, bank, status);
}

enum cli_exit bank_file_result(struct cli *cli, const struct stiver_bank *bank,
                               enum stiver_bank_status status, const char *path, const char *what)
{
    if (status == STIVER_BANK_MALFORMED)
        return cli_refuse(cli, stiver_bank_status_name(status), NULL, "%s is not %s", path, what);
    return bank_result(cli, bank, status);
}

bool bank_open_asked(struct cli *cli, struct stiver_bank **bank,
                     struct stiver_bank_settings *settings)
{
    uint8_t secret[CLI_SECRET_BYTES_MAX];
    size_t bytes = 0;
    const char *directory = cli_value(cli, "bank");
    if (!cli_passphrase(cli, "Passphrase of the bank: ", false, secret, &bytes))
        return false;
    const struct stiver_bank_secret passphrase = {secret, bytes};
    enum stiver_bank_status status =
        stiver_bank_open(directory, passphrase, &bank_environment, bank);
    bytes_wipe(secret, sizeof secret);
    if (status != STIVER_BANK_OK) {
        (void)cli_refuse(cli, stiver_bank_status_name(status), NULL, "%s: %s", directory,
                         stiver_bank_status_sentence(status));
        return false;
    }
    status = stiver_bank_settings(*bank, settings);
    if (status == STIVER_BANK_OK)
        return true;
    (void)bank_refuse(cli, *bank, status);
    stiver_bank_close(*bank);
    return false;
}
