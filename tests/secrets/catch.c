/* SPDX-License-Identifier: Apache-2.0 */
#include "catch.h"

#include <string.h>
#include <ucontext.h>

#include <psa/crypto.h>

#include "card/purse/internal.h"
#include "crypto/crypto.h"

/* ---- the secrets: every fragment of each, in a table by its hash ---- */

#define SLOTS (1u << 16)

struct fragment {
    uint8_t bytes[CATCH_FRAGMENT_BYTES];
    const char *kind; /* NULL: empty */
};

static struct fragment fragments[SLOTS];
static size_t fragments_count, secrets_count;
static uint8_t pins[8][CATCH_PIN_DIGITS];
static size_t pins_count;

static uint32_t slot_of(const uint8_t *bytes)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < CATCH_FRAGMENT_BYTES; i++)
        hash = hash << 8 | bytes[i];
    return (uint32_t)(hash * 0x9E3779B97F4A7C15u >> 48) % SLOTS;
}

static struct fragment *fragment_at(const uint8_t *bytes)
{
    uint32_t slot = slot_of(bytes);
    while (fragments[slot].kind != NULL &&
           memcmp(fragments[slot].bytes, bytes, CATCH_FRAGMENT_BYTES) != 0)
        slot = (slot + 1) % SLOTS;
    return &fragments[slot];
}

void catch_start(void)
{
    memset(fragments, 0, sizeof fragments);
    memset(pins, 0, sizeof pins);
    fragments_count = secrets_count = pins_count = 0;
}

void catch_add(const char *kind, const uint8_t *secret, size_t bytes)
{
    bool is_new = false;
    for (size_t i = 0; i + CATCH_FRAGMENT_BYTES <= bytes; i++) {
        struct fragment *fragment = fragment_at(secret + i);
        if (fragment->kind != NULL)
            continue;
        if (++fragments_count > SLOTS / 2)
            __builtin_trap(); /* the table is too small for this run: a search would not end */
        memcpy(fragment->bytes, secret + i, CATCH_FRAGMENT_BYTES);
        fragment->kind = kind;
        is_new = true;
    }
    secrets_count += is_new;
}

void catch_add_pin(const uint8_t pin[8])
{
    for (size_t i = 0; i < pins_count; i++)
        if (memcmp(pins[i], pin, CATCH_PIN_DIGITS) == 0)
            return;
    if (pins_count == sizeof pins / sizeof pins[0])
        __builtin_trap();
    memcpy(pins[pins_count++], pin, CATCH_PIN_DIGITS);
    secrets_count++;
}

size_t catch_count(void)
{
    return secrets_count;
}

static const char *kind_at(const uint8_t *memory, size_t left)
{
    for (size_t i = 0; i < pins_count && left >= CATCH_PIN_DIGITS; i++)
        if (memcmp(memory, pins[i], CATCH_PIN_DIGITS) == 0)
            return "PIN";
    return left < CATCH_FRAGMENT_BYTES ? NULL : fragment_at(memory)->kind;
}

const char *catch_find(const uint8_t *memory, size_t bytes, size_t *offset)
{
    for (*offset = 0; *offset < bytes; (*offset)++) {
        const char *kind = kind_at(memory + *offset, bytes - *offset);
        if (kind != NULL)
            return kind;
    }
    return NULL;
}

/* ---- the library's stack ---- */

#define LIBRARY_STACK_BYTES (256u * 1024u)

static _Alignas(16) uint8_t library_stack[LIBRARY_STACK_BYTES];
static ucontext_t caller, library;
static void (*current_job)(void *);
static void *current_argument;

static void run_job(void)
{
    current_job(current_argument);
}

void catch_aside(void (*job)(void *), void *argument)
{
    current_job = job;
    current_argument = argument;
    if (getcontext(&library) != 0)
        __builtin_trap();
    library.uc_stack.ss_sp = library_stack;
    library.uc_stack.ss_size = sizeof library_stack;
    library.uc_link = &caller;
#if defined(__x86_64__)
    /* What it takes beyond its third argument is saved on the stack, used or not: whatever the last
     * caller left in those registers is not for the search. */
    __asm__ volatile("xor %%ecx, %%ecx\n\txor %%r8d, %%r8d\n\txor %%r9d, %%r9d" ::
                         : "rcx", "r8", "r9", "cc");
#endif
    makecontext(&library, run_job, 0);
    if (swapcontext(&caller, &library) != 0)
        __builtin_trap();
}

/* ---- calls that only run aside ---- */

#define CALL(name) struct call_##name
#define RUN(name, arguments, ...)               \
    static void run_##name(void *p)             \
    {                                           \
        CALL(name) *call = p;                   \
        call->status = __real_##name arguments; \
        __VA_ARGS__;                            \
    }
#define WRAP1(name, A, ...)             \
    psa_status_t __real_##name(A);      \
    psa_status_t __wrap_##name(A a);    \
    CALL(name)                          \
    {                                   \
        A a;                            \
        psa_status_t status;            \
    };                                  \
    RUN(name, (call->a), __VA_ARGS__)   \
    psa_status_t __wrap_##name(A a)     \
    {                                   \
        CALL(name) call = {a, 0};       \
        catch_aside(run_##name, &call); \
        return call.status;             \
    }
#define WRAP2(name, A, B, ...)                 \
    psa_status_t __real_##name(A, B);          \
    psa_status_t __wrap_##name(A a, B b);      \
    CALL(name)                                 \
    {                                          \
        A a;                                   \
        B b;                                   \
        psa_status_t status;                   \
    };                                         \
    RUN(name, (call->a, call->b), __VA_ARGS__) \
    psa_status_t __wrap_##name(A a, B b)       \
    {                                          \
        CALL(name) call = {a, b, 0};           \
        catch_aside(run_##name, &call);        \
        return call.status;                    \
    }
#define WRAP3(name, A, B, C, ...)                       \
    psa_status_t __real_##name(A, B, C);                \
    psa_status_t __wrap_##name(A a, B b, C c);          \
    CALL(name)                                          \
    {                                                   \
        A a;                                            \
        B b;                                            \
        C c;                                            \
        psa_status_t status;                            \
    };                                                  \
    RUN(name, (call->a, call->b, call->c), __VA_ARGS__) \
    psa_status_t __wrap_##name(A a, B b, C c)           \
    {                                                   \
        CALL(name) call = {a, b, c, 0};                 \
        catch_aside(run_##name, &call);                 \
        return call.status;                             \
    }
#define WRAP4(name, A, B, C, D, ...)                             \
    psa_status_t __real_##name(A, B, C, D);                      \
    psa_status_t __wrap_##name(A a, B b, C c, D d);              \
    CALL(name)                                                   \
    {                                                            \
        A a;                                                     \
        B b;                                                     \
        C c;                                                     \
        D d;                                                     \
        psa_status_t status;                                     \
    };                                                           \
    RUN(name, (call->a, call->b, call->c, call->d), __VA_ARGS__) \
    psa_status_t __wrap_##name(A a, B b, C c, D d)               \
    {                                                            \
        CALL(name) call = {a, b, c, d, 0};                       \
        catch_aside(run_##name, &call);                          \
        return call.status;                                      \
    }

#define NOTHING (void)0

WRAP2(psa_generate_random, uint8_t *, size_t, NOTHING)
WRAP2(psa_generate_key, const psa_key_attributes_t *, psa_key_id_t *, NOTHING)
WRAP1(psa_destroy_key, psa_key_id_t, NOTHING)
WRAP4(psa_export_public_key, psa_key_id_t, uint8_t *, size_t, size_t *, NOTHING)
WRAP2(psa_hash_setup, psa_hash_operation_t *, psa_algorithm_t, NOTHING)
WRAP3(psa_hash_update, psa_hash_operation_t *, const uint8_t *, size_t, NOTHING)
WRAP4(psa_hash_finish, psa_hash_operation_t *, uint8_t *, size_t, size_t *, NOTHING)
WRAP2(psa_hash_clone, const psa_hash_operation_t *, psa_hash_operation_t *, NOTHING)
WRAP1(psa_hash_abort, psa_hash_operation_t *, NOTHING)
WRAP3(psa_mac_sign_setup, psa_mac_operation_t *, psa_key_id_t, psa_algorithm_t, NOTHING)
WRAP3(psa_mac_update, psa_mac_operation_t *, const uint8_t *, size_t, NOTHING)
WRAP4(psa_mac_sign_finish, psa_mac_operation_t *, uint8_t *, size_t, size_t *, NOTHING)
WRAP1(psa_mac_abort, psa_mac_operation_t *, NOTHING)
WRAP3(psa_cipher_encrypt_setup, psa_cipher_operation_t *, psa_key_id_t, psa_algorithm_t, NOTHING)
WRAP3(psa_cipher_decrypt_setup, psa_cipher_operation_t *, psa_key_id_t, psa_algorithm_t, NOTHING)
WRAP3(psa_cipher_set_iv, psa_cipher_operation_t *, const uint8_t *, size_t, NOTHING)
WRAP4(psa_cipher_finish, psa_cipher_operation_t *, uint8_t *, size_t, size_t *, NOTHING)
WRAP1(psa_cipher_abort, psa_cipher_operation_t *, NOTHING)

/* ---- calls that secrets pass through ---- */

static void catch_import(const psa_key_attributes_t *attributes, const uint8_t *key, size_t bytes)
{
    psa_key_type_t type = psa_get_key_type(attributes);
    if (!PSA_KEY_TYPE_IS_PUBLIC_KEY(type))
        catch_add(type == PSA_KEY_TYPE_AES ? "AES key" : "private key", key, bytes);
}

WRAP4(psa_import_key, const psa_key_attributes_t *, const uint8_t *, size_t, psa_key_id_t *,
      catch_import(call->a, call->b, call->c))
WRAP4(psa_export_key, psa_key_id_t, uint8_t *, size_t, size_t *,
      catch_add("private key", call->b, call->status == PSA_SUCCESS ? *call->d : 0))

/* Calls with more parameters, and those of our own; their argument is a struct too. */

struct long_call {
    psa_algorithm_t algorithm;
    psa_key_id_t key;
    psa_cipher_operation_t *operation;
    const uint8_t *in, *second;
    size_t in_bytes, second_bytes;
    uint8_t *out;
    size_t out_size;
    size_t *out_bytes;
    psa_status_t status;
};

psa_status_t __real_psa_raw_key_agreement(psa_algorithm_t, psa_key_id_t, const uint8_t *, size_t,
                                          uint8_t *, size_t, size_t *);
psa_status_t __wrap_psa_raw_key_agreement(psa_algorithm_t, psa_key_id_t, const uint8_t *, size_t,
                                          uint8_t *, size_t, size_t *);
psa_status_t __real_psa_sign_hash(psa_key_id_t, psa_algorithm_t, const uint8_t *, size_t, uint8_t *,
                                  size_t, size_t *);
psa_status_t __wrap_psa_sign_hash(psa_key_id_t, psa_algorithm_t, const uint8_t *, size_t, uint8_t *,
                                  size_t, size_t *);
psa_status_t __real_psa_verify_hash(psa_key_id_t, psa_algorithm_t, const uint8_t *, size_t,
                                    const uint8_t *, size_t);
psa_status_t __wrap_psa_verify_hash(psa_key_id_t, psa_algorithm_t, const uint8_t *, size_t,
                                    const uint8_t *, size_t);
psa_status_t __real_psa_cipher_update(psa_cipher_operation_t *, const uint8_t *, size_t, uint8_t *,
                                      size_t, size_t *);
psa_status_t __wrap_psa_cipher_update(psa_cipher_operation_t *, const uint8_t *, size_t, uint8_t *,
                                      size_t, size_t *);

static void run_agreement(void *p)
{
    struct long_call *call = p;
    call->status =
        __real_psa_raw_key_agreement(call->algorithm, call->key, call->in, call->in_bytes,
                                     call->out, call->out_size, call->out_bytes);
    if (call->status == PSA_SUCCESS)
        catch_add("shared secret", call->out, *call->out_bytes);
}

psa_status_t __wrap_psa_raw_key_agreement(psa_algorithm_t algorithm, psa_key_id_t key,
                                          const uint8_t *peer, size_t peer_bytes, uint8_t *out,
                                          size_t out_size, size_t *out_bytes)
{
    struct long_call call = {.algorithm = algorithm,
                             .key = key,
                             .in = peer,
                             .in_bytes = peer_bytes,
                             .out = out,
                             .out_size = out_size,
                             .out_bytes = out_bytes};
    catch_aside(run_agreement, &call);
    return call.status;
}

static void run_sign(void *p)
{
    struct long_call *call = p;
    call->status = __real_psa_sign_hash(call->key, call->algorithm, call->in, call->in_bytes,
                                        call->out, call->out_size, call->out_bytes);
}

psa_status_t __wrap_psa_sign_hash(psa_key_id_t key, psa_algorithm_t algorithm, const uint8_t *hash,
                                  size_t hash_bytes, uint8_t *out, size_t out_size,
                                  size_t *out_bytes)
{
    struct long_call call = {.algorithm = algorithm,
                             .key = key,
                             .in = hash,
                             .in_bytes = hash_bytes,
                             .out = out,
                             .out_size = out_size,
                             .out_bytes = out_bytes};
    catch_aside(run_sign, &call);
    return call.status;
}

static void run_verify(void *p)
{
    struct long_call *call = p;
    call->status = __real_psa_verify_hash(call->key, call->algorithm, call->in, call->in_bytes,
                                          call->second, call->second_bytes);
}

psa_status_t __wrap_psa_verify_hash(psa_key_id_t key, psa_algorithm_t algorithm,
                                    const uint8_t *hash, size_t hash_bytes,
                                    const uint8_t *signature, size_t signature_bytes)
{
    struct long_call call = {.algorithm = algorithm,
                             .key = key,
                             .in = hash,
                             .in_bytes = hash_bytes,
                             .second = signature,
                             .second_bytes = signature_bytes};
    catch_aside(run_verify, &call);
    return call.status;
}

static void run_cipher_update(void *p)
{
    struct long_call *call = p;
    call->status = __real_psa_cipher_update(call->operation, call->in, call->in_bytes, call->out,
                                            call->out_size, call->out_bytes);
}

psa_status_t __wrap_psa_cipher_update(psa_cipher_operation_t *operation, const uint8_t *in,
                                      size_t bytes, uint8_t *out, size_t out_size,
                                      size_t *out_bytes)
{
    struct long_call call = {.operation = operation,
                             .in = in,
                             .in_bytes = bytes,
                             .out = out,
                             .out_size = out_size,
                             .out_bytes = out_bytes};
    catch_aside(run_cipher_update, &call);
    return call.status;
}

/* ---- our own: what is derived but never imported, and the PIN ---- */

enum crypto_status __real_crypto_kdf_x963(const uint8_t *, size_t, const uint8_t *, size_t,
                                          uint8_t *, size_t);
enum crypto_status __wrap_crypto_kdf_x963(const uint8_t *, size_t, const uint8_t *, size_t,
                                          uint8_t *, size_t);
enum status __real_pin_draw(uint8_t *);
enum status __wrap_pin_draw(uint8_t *);

struct found {
    const uint8_t *bytes;
    size_t length;
};

static void add_derived(void *p)
{
    const struct found *found = p;
    catch_add("derived key", found->bytes, found->length);
}

static void add_pin(void *p)
{
    const struct found *found = p;
    catch_add_pin(found->bytes);
}

enum crypto_status __wrap_crypto_kdf_x963(const uint8_t *secret, size_t secret_bytes,
                                          const uint8_t *info, size_t info_bytes, uint8_t *key,
                                          size_t key_bytes)
{
    enum crypto_status status =
        __real_crypto_kdf_x963(secret, secret_bytes, info, info_bytes, key, key_bytes);
    struct found found = {key, key_bytes};
    if (status == CRYPTO_OK)
        catch_aside(add_derived, &found);
    return status;
}

enum status __wrap_pin_draw(uint8_t *pin)
{
    enum status status = __real_pin_draw(pin);
    struct found found = {pin, PIN_BYTES};
    if (status == STATUS_OK)
        catch_aside(add_pin, &found);
    return status;
}
