/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pcscd of one's own, with the virtual reader and its two slots, in a private directory: needs no
 * root, no systemd, and does not meet another pcscd on the machine.
 *
 * pcscd's own socket path is fixed when it is built, but it takes a listening socket that its
 * starter hands over, as systemd does (sd_listen_fds(3)). Programs find this one by the environment
 * variable PCSCLITE_CSOCK_NAME.
 */
#ifndef PORT_HOST_PRIVATE_PCSCD_H
#define PORT_HOST_PRIVATE_PCSCD_H

#include <stdint.h>
#include <sys/types.h>

#define PRIVATE_PCSCD_SLOTS 2u
#define PRIVATE_PCSCD_PATH_BYTES 108u /* what a UNIX socket address holds */
#define PRIVATE_PCSCD_SOCKET_VARIABLE "PCSCLITE_CSOCK_NAME"

#define PRIVATE_PCSCD_STATUS_TABLE(X)                                                   \
    X(PRIVATE_PCSCD_OK, "Done.")                                                        \
    X(PRIVATE_PCSCD_NO_PCSCD, "pcscd is not installed: install the package pcscd.")     \
    X(PRIVATE_PCSCD_NO_DRIVER,                                                          \
      "The virtual reader is not installed: install the package vsmartcard-vpcd.")      \
    X(PRIVATE_PCSCD_DIRECTORY, "The private directory could not be made.")              \
    X(PRIVATE_PCSCD_PORT, "No two TCP ports in a row are free for the virtual reader.") \
    X(PRIVATE_PCSCD_DIED, "pcscd ended at once: its log says why.")                     \
    X(PRIVATE_PCSCD_TIMEOUT, "pcscd started, but did not answer in time.")              \
    X(PRIVATE_PCSCD_SYSTEM, "The operating system refused a process or a socket.")

enum private_pcscd_status {
#define PRIVATE_PCSCD_STATUS_NAME(name, text) name,
    PRIVATE_PCSCD_STATUS_TABLE(PRIVATE_PCSCD_STATUS_NAME)
#undef PRIVATE_PCSCD_STATUS_NAME
};

/* The sentence. Never NULL. */
const char *private_pcscd_status_text(enum private_pcscd_status status);

struct private_pcscd_options {
    uint16_t port;   /* TCP port of the first slot, the second has the next; 0: free ones */
    const char *log; /* file for what pcscd says; NULL: nowhere */
};

struct private_pcscd {
    pid_t pid;     /* of pcscd, a child of this process; it ends when this process does */
    uint16_t port; /* of the first slot */
    char directory[PRIVATE_PCSCD_PATH_BYTES - 16];
    char socket_path[PRIVATE_PCSCD_PATH_BYTES];
};

/* Starts pcscd and returns when its reader answers. Sets PCSCLITE_CSOCK_NAME in this process, which
 * must not have called libpcsclite before. End with private_pcscd_stop, in the thread that started:
 * the end of that thread ends pcscd. */
enum private_pcscd_status private_pcscd_start(const struct private_pcscd_options *options,
                                              struct private_pcscd *pcscd)
    __attribute__((warn_unused_result));

/* Ends pcscd (within 5 s) and removes its directory. Harmless on a zeroed one, or if pcscd is dead.
 */
void private_pcscd_stop(struct private_pcscd *pcscd);

#endif
