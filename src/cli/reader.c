/* SPDX-License-Identifier: Apache-2.0 */
/* stiver reader …: the card readers that PC/SC knows. */
#include "cli/cli.h"

#include "reader/pcsc.h"

static const char *entry_state(const struct pcsc_entry *entry)
{
    if (entry->is_mute)
        return "a card that does not answer";
    if (entry->is_in_use)
        return "a card that another program uses";
    return entry->has_card ? "a card" : "no card";
}

static enum cli_exit run_list(struct cli *cli)
{
    static struct pcsc_list list;
    enum reader_status status = pcsc_list(&list);
    if (status != READER_OK)
        return cli_refuse(cli, reader_status_name(status), NULL, "%s", reader_status_text(status));
    for (size_t i = 0; i < list.count; i++) {
        const struct pcsc_entry *entry = &list.entries[i];
        cli_say(cli, "reader",
                json_pack("{s:s,s:b,s:b}", "name", entry->name, "card", entry->has_card, "in_use",
                          entry->is_in_use),
                "%s: %s", entry->name, entry_state(entry));
    }
    return CLI_DONE;
}

const struct cli_command cli_reader_commands[] = {
    {"reader list", "name the card readers and say what is in them",
     "Which pcscd is asked follows the environment variable PCSCLITE_CSOCK_NAME.", NULL, NULL,
     run_list},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
