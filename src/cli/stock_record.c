/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stock_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hex.h"

#define KIND "stiver stock record"

enum cli_exit stock_record_write(struct cli *cli, const char *path,
                                 const struct stiver_card_factory *factory)
{
    char serial[2 * STIVER_SERIAL_BYTES + 1], key[2 * STIVER_TRANSPORT_KEY_BYTES + 1], text[256];
    hex_encode(factory->serial, STIVER_SERIAL_BYTES, serial);
    hex_encode(factory->transport_key, STIVER_TRANSPORT_KEY_BYTES, key);
    int length = snprintf(text, sizeof text,
                          "{\"kind\":\"" KIND "\",\"serial\":\"%s\",\"transport_key\":\"%s\","
                          "\"class\":\"%s\"}\n",
                          serial, key, factory->is_hardware != 0 ? "hardware" : "virtual");
    bool written = cli_write_file(cli, path, (const uint8_t *)text, (size_t)length, true, 0);
    bytes_wipe(key, sizeof key);
    bytes_wipe(text, sizeof text);
    return written ? CLI_DONE : CLI_REFUSED;
}

static bool read_fields(json_t *record, struct stiver_card_factory *factory)
{
    const char *kind = NULL, *serial = NULL, *key = NULL, *card_class = NULL;
    if (json_unpack(record, "{s:s,s:s,s:s,s:s}", "kind", &kind, "serial", &serial, "transport_key",
                    &key, "class", &card_class) != 0)
        return false;
    factory->is_hardware = strcmp(card_class, "hardware") == 0;
    return strcmp(kind, KIND) == 0 &&
           (factory->is_hardware != 0 || strcmp(card_class, "virtual") == 0) &&
           strlen(serial) == 2 * STIVER_SERIAL_BYTES &&
           hex_decode(serial, factory->serial, STIVER_SERIAL_BYTES) &&
           strlen(key) == 2 * STIVER_TRANSPORT_KEY_BYTES &&
           hex_decode(key, factory->transport_key, STIVER_TRANSPORT_KEY_BYTES);
}

bool stock_record_read(struct cli *cli, const char *path, struct stiver_card_factory *factory)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    if (!cli_read_file(cli, path, &data, &bytes))
        return false;
    json_t *record = json_loadb((const char *)data, bytes, JSON_REJECT_DUPLICATES, NULL);
    bool valid = record != NULL && read_fields(record, factory);
    json_decref(record);
    bytes_wipe(data, bytes);
    free(data);
    if (!valid)
        (void)cli_refuse(cli, "STOCK_RECORD", NULL,
                         "%s is not a stock record: give the file that stiver card create wrote",
                         path);
    return valid;
}
