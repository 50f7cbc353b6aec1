/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#define FIRST_MINOR 10000u
#define TRIES 5u /* of the PIN */

struct world world;
struct held before, after;
struct stiver_terminal_result said;
unsigned all, turn;
uint32_t others;
static unsigned cases;
const struct exchange *running;
static const struct fault_plan *striking;

void set_up_plan(const struct member *member, const struct fault_plan *plan)
{
    fault_link_open(&world.link, &member->link);
    world_touch(&world, running->is_of_bank ? NULL : plan);
    fault_proxy_plan(&world.link.proxy, running->is_of_bank ? plan : NULL);
}

static struct fault_proxy *struck(void)
{
    return running->is_of_bank ? &world.link.proxy : &world.reader.proxy;
}

/* ---- what must hold ---- */

void exchange_tell(void)
{
    print_message("# %s: %s at message %u, parameter %u\n", running->name,
                  fault_name(striking->fault), striking->at, (unsigned)striking->parameter);
    print_message("# the terminal said %s, number %u, after %s %04X; balance %u, then %u; "
                  "card counter %u, then %u\n",
                  stiver_terminal_status_name(said.status), (unsigned)said.number,
                  said.command != NULL ? said.command : "nothing", said.word,
                  (unsigned)before.balance, (unsigned)after.balance, (unsigned)before.counter,
                  (unsigned)after.counter);
}

bool is_done(void)
{
    return said.status == STIVER_TERMINAL_OK || said.status == STIVER_TERMINAL_FINISHED_EARLIER;
}

void check_sentence(void)
{
    char text[256];
    MUST(said.status < STIVER_TERMINAL_STATUS_COUNT);
    MUST(said.status != STIVER_TERMINAL_INTERNAL && said.status != STIVER_TERMINAL_CRYPTO);
    stiver_terminal_sentence(&said, text, sizeof text);
    MUST(text[0] != '\0' && strchr(text, '{') == NULL);
}

/* The receipt that a terminal shows is the card's, of this amount, and leaves this balance. */
void check_receipt(const struct stiver_terminal_receipt *shown, uint32_t minor, uint32_t balance)
{
    struct receipt receipt;
    struct stiver_bank_settings settings;
    MUST(stiver_bank_settings(world.bank, &settings) == STIVER_BANK_OK);
    MUST(receipt_decode(shown->document, RECEIPT_BYTES, settings.scheme, &receipt) == DOCUMENT_OK);
    MUST(document_verify(&crypto_primitives, shown->document, RECEIPT_BYTES, after.receipt_key) ==
         DOCUMENT_OK);
    MUST(receipt.amount.minor == minor && shown->amount.minor == minor);
    MUST(receipt.balance_after == balance && shown->balance_after.minor == balance);
}

/* moved: what the balance does if the business is done. zeros: receipts of no amount that the card
 * may have given besides. */
void check_truth(uint32_t minor, int32_t moved, uint32_t zeros)
{
    int64_t change = (int64_t)after.balance - before.balance;
    check_sentence();
    /* What the link did is not told as the card's fault: people throw cards away for that. */
    MUST(said.status != STIVER_TERMINAL_CARD_FAILED);
    MUST(change == 0 || change == moved);
    MUST(after.counter - before.counter - (change == 0 ? 0u : 1u) <= zeros);
    if (is_done()) {
        MUST(change == moved);
        MUST(said.has_receipt);
        check_receipt(&said.receipt, minor, after.balance);
    } else if (said.status != STIVER_TERMINAL_UNFINISHED) {
        MUST(change == 0);
    }
}

bool see_ending(void *context, const struct stiver_terminal_entry *entry)
{
    struct ending *ending = context;
    ending->was_seen = entry->number == ending->number;
    if (ending->was_seen)
        ending->entry = *entry;
    return !ending->was_seen;
}

/* After the next contact the journal says of that number what the card's memory says. */
void check_ending(struct member *member, uint32_t number, uint32_t minor, bool is_paid)
{
    struct ending ending = {.number = number};
    if (number == 0) {
        MUST(!is_paid);
        return;
    }
    MUST(stiver_terminal_entries(member->terminal, number, see_ending, &ending) ==
         STIVER_TERMINAL_OK);
    MUST(ending.was_seen);
    MUST((ending.entry.state == STIVER_TERMINAL_FINISHED) == is_paid);
    MUST(ending.entry.state != STIVER_TERMINAL_OPEN);
    if (is_paid)
        check_receipt(&ending.entry.receipt, minor, after.balance);
}

struct member *shop(void)
{
    return &world.shops[turn % WORLD_SHOPS];
}

static bool type_pin(void *context, unsigned tries, char digits[9])
{
    (void)tries;
    strcpy(digits, context);
    return true;
}

enum stiver_terminal_status pay(struct member *member, uint32_t minor, const char *digits,
                                struct stiver_terminal_result *result)
{
    char typed[PIN_BYTES + 1] = "";
    struct stiver_terminal_session *session = NULL;
    struct stiver_terminal_sale sale = {.amount = TOWN_EUR(minor), .is_new = true};
    if (digits != NULL) {
        snprintf(typed, sizeof typed, "%s", digits);
        sale.ask_pin = type_pin;
        sale.pin_context = typed;
    }
    enum stiver_terminal_status status =
        stiver_terminal_begin(member->terminal, &world.reader.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_pay(session, &sale, result);
    stiver_terminal_end(session);
    return status;
}

enum stiver_terminal_status load(const struct stiver_terminal_link *link, uint32_t minor,
                                 struct stiver_terminal_result *result)
{
    struct stiver_terminal_session *session = NULL;
    enum stiver_terminal_status status =
        stiver_terminal_begin(world.kiosk.terminal, &world.reader.reader, &session, result);
    if (status == STIVER_TERMINAL_OK)
        status = stiver_terminal_load(session, TOWN_EUR(minor), link, result);
    stiver_terminal_end(session);
    return status;
}

void run_load(const struct fault_plan *plan)
{
    set_up_plan(&world.kiosk, plan);
    (void)!load(&world.link.link, LOAD_MINOR, &said);
}

void settle_load(void)
{
    struct stiver_terminal_result result;
    uint32_t balance = after.balance;
    /* An order that the card did not take is taken back by one of no amount. */
    check_truth(LOAD_MINOR, LOAD_MINOR, 1);
    world_touch(&world, NULL);
    enum stiver_terminal_status status = load(&world.kiosk.link, LOAD_MINOR, &result);
    MUST(status == STIVER_TERMINAL_OK || status == STIVER_TERMINAL_FINISHED_EARLIER);
    if (status == STIVER_TERMINAL_OK)
        balance += LOAD_MINOR;
    else
        MUST(after.balance != before.balance && said.status == STIVER_TERMINAL_UNFINISHED);
    MUST(result.receipt.balance_after.minor == balance);
    check_ending(&world.kiosk, said.number, LOAD_MINOR, after.balance != before.balance);
    world_bring_home(&world.kiosk);
    world_check_books(&world, others + balance);
}

/* The next contact, undisturbed: it finds out, and pays. */
void go_on(struct member *member)
{
    struct stiver_terminal_result result;
    world_touch(&world, NULL);
    MUST(pay(member, NEXT_MINOR, NULL, &result) == STIVER_TERMINAL_OK);
    MUST(result.receipt.balance_after.minor == after.balance - NEXT_MINOR);
    world_bring_home(member);
    world_check_books(&world, others + after.balance - NEXT_MINOR);
}

void prepare_nothing(void)
{
}

/* ---- the driver ---- */

/* context: the struct fault_record to write, or NULL. */
static void one_case(void *context, const struct fault_plan *plan)
{
    striking = plan;
    running->prepare();
    world_look(&world, &before);
    memset(&said, 0, sizeof said);
    struck()->record = context;
    running->run(plan);
    struck()->record = NULL;
    MUST(plan->fault == FAULT_NONE || struck()->has_struck);
    world_look(&world, &after);
    /* Whoever typed the right PIN loses no try by what the link did. */
    MUST(before.state != PURSE_ISSUED || after.tries == TRIES);
    running->settle();
    cases++;
}

/* Undisturbed first: to be in step, then for the older session, then for the messages there are. */
void all_cases(const struct exchange *exchange)
{
    static struct fault_record older, record;
    static const struct fault_plan none = {FAULT_NONE, 0, 0};
    const unsigned rounds = WORLD_SHOPS + 2;
    running = exchange;
    older.count = record.count = 0;
    for (unsigned i = exchange->is_short ? rounds - 3 : 0; i < rounds; i++) {
        struct fault_record *to = i == rounds - 1 ? &record : &older;
        one_case(i < rounds - 2 ? NULL : to, &none);
    }
    struck()->older = &older;
    assert_int_not_equal(record.count, 0);
    assert_int_equal(record.count, older.count);
    cases = 0;
    fault_each(&record, exchange->bits, !exchange->is_of_bank, one_case, NULL);
    print_message("# %s: %u messages, %u cases\n", exchange->name, record.count, cases);
    all += cases;
}

int exchange_set_up(void **state)
{
    (void)state;
    world_found(&world);
    return 0;
}

int exchange_tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

void first_load(void **state)
{
    struct stiver_terminal_result result;
    static const struct exchange exchange = {.name = "first load"};
    static const struct fault_plan none = {FAULT_NONE, 0, 0};
    (void)state;
    running = &exchange;
    striking = &none;
    world_card_issue(&world);
    world_touch(&world, NULL);
    assert_int_equal(load(&world.kiosk.link, FIRST_MINOR, &result), STIVER_TERMINAL_OK);
    world_bring_home(&world.kiosk);
    world_check_books(&world, FIRST_MINOR);
}
