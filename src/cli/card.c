/* SPDX-License-Identifier: Apache-2.0 */
/* stiver card …: virtual cards, kept in files. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <psa/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "cli/stock_record.h"
#include "port/host/card_image.h"
#include "port/host/virtual_card.h"
#include "scheme/command.h"

static enum cli_exit refuse_image(struct cli *cli, const char *path, enum card_image_status status)
{
    return cli_refuse(cli, card_image_status_name(status), NULL, "%s: %s", path,
                      card_image_status_text(status));
}

static const char *card_status_text(enum stiver_card_status status)
{
    switch (status) {
    case STIVER_CARD_OK:
        return "The card is well.";
    case STIVER_CARD_BLANK_FLASH:
        return "The image holds no card: make one with stiver card create.";
    case STIVER_CARD_DAMAGED:
        return "The card's memory is damaged or of another version.";
    case STIVER_CARD_WORN:
        return "The card's memory is worn out: it can be read, not changed.";
    case STIVER_CARD_POWER_LOST:
        return "The image could not be written.";
    case STIVER_CARD_GEOMETRY:
    default:
        return "The image has a geometry that no card has.";
    }
}

/* ---- create ---- */

static bool make_factory(struct cli *cli, struct stiver_card_factory *factory)
{
    const char *serial = cli_value(cli, "serial");
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_generate_random(factory->serial, sizeof factory->serial) != PSA_SUCCESS ||
        psa_generate_random(factory->transport_key, sizeof factory->transport_key) != PSA_SUCCESS) {
        (void)cli_refuse(cli, "RANDOM", NULL, "the system gives no random numbers");
        return false;
    }
    factory->is_hardware = 0;
    factory->has_campus = cli_flag(cli, "campus") ? 1 : 0;
    return serial == NULL || cli_hex(cli, "a serial", serial, factory->serial, SERIAL_BYTES);
}

static enum cli_exit manufacture(struct cli *cli, const char *path,
                                 const struct stiver_card_factory *factory)
{
    struct card_image *image = NULL;
    enum card_image_status status = card_image_create(path, &image);
    if (status != CARD_IMAGE_OK)
        return refuse_image(cli, path, status);
    struct stiver_flash flash = card_image_flash(image);
    enum stiver_card_status made = stiver_card_manufacture(&flash, factory);
    status = card_image_sync(image);
    card_image_close(image);
    if (made == STIVER_CARD_OK && status == CARD_IMAGE_OK)
        return CLI_DONE;
    (void)unlink(path);
    if (status != CARD_IMAGE_OK)
        return refuse_image(cli, path, status);
    return cli_refuse(cli, "CARD", NULL, "%s: %s", path, card_status_text(made));
}

static enum cli_exit run_create(struct cli *cli)
{
    struct stiver_card_factory factory;
    char serial[2 * SERIAL_BYTES + 1];
    const char *path = cli->arguments[0], *stock = cli_value(cli, "stock");
    if (!make_factory(cli, &factory))
        return CLI_REFUSED;
    /* The stock record first: a card whose transport key nobody has is of no use. */
    enum cli_exit result = stock_record_write(cli, stock, &factory);
    if (result == CLI_DONE) {
        result = manufacture(cli, path, &factory);
        if (result != CLI_DONE)
            (void)unlink(stock);
    }
    hex_encode(factory.serial, SERIAL_BYTES, serial);
    const bool has_campus = factory.has_campus == 1;
    bytes_wipe(&factory, sizeof factory);
    if (result == CLI_DONE)
        cli_say(
            cli, "card.created",
            json_pack("{s:s,s:s,s:b}", "serial", serial, "image", path, "campus", (int)has_campus),
            "A blank card%s, serial %s, is in %s; its stock record for the bank is in %s.",
            has_campus ? " with the campus purse" : "", serial, path, stock);
    return result;
}

/* ---- insert ---- */

static int stop_pipe[2] = {-1, -1};

static void on_stop_signal(int number)
{
    int saved = errno;
    (void)number;
    (void)!write(stop_pipe[1], "", 1);
    errno = saved;
}

static bool catch_stop_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop_signal};
    return pipe(stop_pipe) == 0 && sigemptyset(&action.sa_mask) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0 && sigaction(SIGINT, &action, NULL) == 0 &&
           sigaction(SIGHUP, &action, NULL) == 0;
}

/* "READ_RECEIPT", "read-receipt" and "READ RECEIPT" name one command. */
static bool names_command(const char *given, size_t length, const char *name)
{
    if (strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = given[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c == '_' || c == '-')
            c = ' ';
        if (c != name[i])
            return false;
    }
    return true;
}

/* The campus purse has commands of the same names: theirs start with CAMPUS. */
static const struct {
    const char *name;
    uint8_t ins;
} campus_commands[] = {
#define X(name, handler, text, ins, rule, p1, lc, answer, states) {"CAMPUS " text, ins},
#include "card/campus/commands.def"
#undef X
};

/* The INS of the command that these characters name, or PULL_ANY_INS. */
static int find_ins(const char *given, size_t length)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (names_command(given, length, command_rows[i].name))
            return command_rows[i].ins;
    for (size_t i = 0; i < sizeof campus_commands / sizeof campus_commands[0]; i++)
        if (names_command(given, length, campus_commands[i].name))
            return campus_commands[i].ins;
    return PULL_ANY_INS;
}

/* before-commit:PAY or before-answer:PAY:2 */
static bool read_pull(struct cli *cli, const char *text, struct pull_plan *plan)
{
    const char *colon = strchr(text, ':');
    size_t moment = colon == NULL ? strlen(text) : (size_t)(colon - text);
    *plan = (struct pull_plan){.ins = PULL_ANY_INS, .nth = 1};
    if (moment == 13 && strncmp(text, "before-commit", moment) == 0)
        plan->at = PULL_BEFORE_COMMIT;
    else if (moment == 13 && strncmp(text, "before-answer", moment) == 0)
        plan->at = PULL_BEFORE_ANSWER;
    if (colon != NULL) {
        const char *name = colon + 1, *nth = strchr(name, ':');
        size_t length = nth == NULL ? strlen(name) : (size_t)(nth - name);
        plan->ins = find_ins(name, length);
        if (nth != NULL && !cli_number(cli, "--pull", nth + 1, 1, 1000000, &plan->nth))
            return false;
    }
    if (plan->at != PULL_NEVER && plan->ins != PULL_ANY_INS)
        return true;
    (void)cli_misuse(cli,
                     "--pull takes before-commit:COMMAND or before-answer:COMMAND, "
                     "COMMAND one of the purse's such as PAY, or of the campus purse's such as "
                     "CAMPUS_PAY; not %s",
                     text);
    return false;
}

static bool read_port(struct cli *cli, uint16_t *port)
{
    const char *slot = cli_value(cli, "slot"), *text = cli_value(cli, "port");
    uint32_t base = VIRTUAL_CARD_PORT, offset = 0;
    if (text == NULL)
        text = getenv("STIVER_READER_PORT");
    if (text != NULL && !cli_number(cli, "--port", text, 1, 65534, &base))
        return false;
    if (slot != NULL && !cli_number(cli, "--slot", slot, 0, 1, &offset))
        return false;
    *port = (uint16_t)(base + offset);
    return true;
}

struct insertion {
    struct cli *cli;
    const char *path;
    bool is_told;
};

static void tell_inserted(void *context)
{
    struct insertion *insertion = context;
    if (insertion->is_told)
        return;
    insertion->is_told = true;
    cli_say(insertion->cli, "card.inserted", json_pack("{s:s}", "image", insertion->path),
            "The card %s is in the reader.", insertion->path);
    (void)fflush(insertion->cli->out);
}

static enum cli_exit end_of(struct cli *cli, const char *path, enum virtual_card_end end,
                            enum stiver_card_status card)
{
    if (end == VIRTUAL_CARD_STOPPED || end == VIRTUAL_CARD_PULLED) {
        cli_say(cli, end == VIRTUAL_CARD_PULLED ? "card.pulled" : "card.removed",
                json_pack("{s:s}", "image", path), "%s", virtual_card_end_text(end));
        return CLI_DONE;
    }
    if (end == VIRTUAL_CARD_DEAD)
        return cli_refuse(cli, virtual_card_end_name(end), NULL, "%s: %s", path,
                          card_status_text(card));
    return cli_refuse(cli, virtual_card_end_name(end), NULL, "%s", virtual_card_end_text(end));
}

static enum cli_exit insert_image(struct cli *cli, struct card_image *image, const char *path,
                                  uint16_t port, const struct pull_plan *pull)
{
    struct insertion insertion = {.cli = cli, .path = path};
    static struct card_slot slot;
    const struct card_slot_options options = {.flash = card_image_flash(image),
                                              .settle = card_image_settle,
                                              .settle_context = image,
                                              .pull = *pull};
    const struct virtual_card_options where = {.port = port,
                                               .connect_ms = 5000,
                                               .stop_fd = stop_pipe[0],
                                               .inserted = tell_inserted,
                                               .inserted_context = &insertion};
    card_slot_init(&slot, &options);
    enum virtual_card_end end = virtual_card_run(&slot, &where);
    if (card_image_error(image) != CARD_IMAGE_OK)
        return refuse_image(cli, path, card_image_error(image));
    return end_of(cli, path, end, slot.status);
}

static enum cli_exit run_insert(struct cli *cli)
{
    struct pull_plan pull = {.at = PULL_NEVER, .ins = PULL_ANY_INS};
    const char *path = cli->arguments[0], *plan = cli_value(cli, "pull");
    struct card_image *image = NULL;
    uint16_t port = 0;
    if (!read_port(cli, &port) || (plan != NULL && !read_pull(cli, plan, &pull)))
        return CLI_USAGE;
    if (psa_crypto_init() != PSA_SUCCESS || !catch_stop_signals())
        return cli_refuse(cli, "SYSTEM", NULL, "the system refuses to start a card");
    enum card_image_status status = card_image_open(path, &image);
    if (status != CARD_IMAGE_OK)
        return refuse_image(cli, path, status);
    enum cli_exit result = insert_image(cli, image, path, port, &pull);
    card_image_close(image);
    return result;
}

/* ---- show ---- */

static bool ask_state(struct card_slot *slot, struct card_state *state)
{
    uint8_t command[64], response[STIVER_APDU_MAX];
    size_t bytes = 0;
    struct apdu_command select = {
        .ins = 0xA4, .p1 = 0x04, .data = purse_aid, .lc = PURSE_AID_BYTES, .le = 256};
    const struct command_row *row = &command_rows[COMMAND_GET_STATE];
    struct apdu_command get = {
        .cla = row->cla, .ins = row->ins, .p1 = row->p1, .p2 = row->p2, .le = 256};
    size_t length = apdu_encode(&select, command, sizeof command);
    if (card_slot_transmit(slot, command, length, response, &bytes) != CARD_SLOT_ANSWERED ||
        bytes < 2 || response[bytes - 2] != 0x90)
        return false;
    length = apdu_encode(&get, command, sizeof command);
    return card_slot_transmit(slot, command, length, response, &bytes) == CARD_SLOT_ANSWERED &&
           bytes >= 2 && response[bytes - 2] == 0x90 &&
           card_state_decode(response, bytes - 2, state);
}

/* A card without the campus purse does not know its name. */
static bool ask_campus(struct card_slot *slot)
{
    static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0x2D,
                                     0x54, 0x45, 0x53, 0x54, 0x70};
    uint8_t response[STIVER_APDU_MAX];
    size_t bytes = 0;
    return card_slot_transmit(slot, select, sizeof select, response, &bytes) ==
               CARD_SLOT_ANSWERED &&
           bytes == 2 && response[0] == 0x90;
}

static const char *state_name(enum purse_state state)
{
    static const char *const names[] = {"blank", "personalised", "issued", "blocked", "ended"};
    return names[state];
}

static enum cli_exit show_image(struct cli *cli, struct card_image *image, const char *path)
{
    static struct card_slot slot;
    const struct card_slot_options options = {.flash = card_image_flash(image)};
    struct card_state state;
    card_slot_init(&slot, &options);
    enum stiver_card_status status = card_slot_power_on(&slot);
    if (status != STIVER_CARD_OK && status != STIVER_CARD_WORN)
        return cli_refuse(cli, "CARD", NULL, "%s: %s", path, card_status_text(status));
    if (!ask_state(&slot, &state))
        return cli_refuse(cli, "CARD", NULL, "%s: the card does not say its state", path);
    const bool has_campus = ask_campus(&slot);
    json_t *fields = json_pack("{s:s,s:s,s:i,s:b}", "image", path, "state", state_name(state.state),
                               "scheme", (int)state.scheme, "campus", (int)has_campus);
    if (state.state == PURSE_BLANK)
        (void)json_object_set_new(fields, "serial", cli_json_hex(state.serial, SERIAL_BYTES));
    cli_say(cli, "card.state", fields, "%s holds a card that is %s%s.", path,
            state_name(state.state), has_campus ? ", and the campus purse beside it" : "");
    card_slot_power_off(&slot);
    return CLI_DONE;
}

static enum cli_exit run_show(struct cli *cli)
{
    struct card_image *image = NULL;
    const char *path = cli->arguments[0];
    if (psa_crypto_init() != PSA_SUCCESS)
        return cli_refuse(cli, "SYSTEM", NULL, "the system refuses to start a card");
    enum card_image_status status = card_image_open(path, &image);
    if (status != CARD_IMAGE_OK)
        return refuse_image(cli, path, status);
    enum cli_exit result = show_image(cli, image, path);
    card_image_close(image);
    return result;
}

/* ---- table ---- */

static const struct cli_option create_options[] = {
    {"stock", "FILE", "where the stock record goes; it holds the transport key", true},
    {"serial", "HEX", "16 digits (default: random)", false},
    {"campus", NULL, "the campus purse beside the purse, for ever", false},
    CLI_OPTION_END,
};

static const struct cli_option insert_options[] = {
    {"slot", "N", "0 or 1 (default: 0)", false},
    {"port", "N", "TCP port of slot 0 (default: STIVER_READER_PORT, else 35963)", false},
    {"pull", "MOMENT:COMMAND[:N]",
     "pull the card at before-commit or before-answer of the Nth such command", false},
    CLI_OPTION_END,
};

static const struct cli_argument image_argument[] = {
    {"IMAGE", "the card's file", false},
    {NULL, NULL, false},
};

const struct cli_command cli_card_commands[] = {
    {"card create", "make a blank virtual card",
     "The bank needs the stock record (stiver bank stock) before a station can personalise the "
     "card.",
     create_options, image_argument, run_create},
    {"card insert", "put a virtual card into the virtual reader",
     "Stays until SIGTERM or Ctrl-C takes the card out, or the pull that was asked for.",
     insert_options, image_argument, run_insert},
    {"card show", "say what state a card is in, without a reader", NULL, NULL, image_argument,
     run_show},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
