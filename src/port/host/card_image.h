/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's flash in a file.
 *
 * The file is a header page of plain text ("stiver card image", format, geometry, zeros to its end)
 * and then the flash pages as they are. One process has it at a time. Reads come from a copy in
 * memory; each program and erase goes through to the file at once, so a killed process is a card
 * whose power failed there, no more. Against the machine's own power failure there are two rules,
 * both on unless is_volatile: card_image_sync before an answer leaves, and a sync of its own before
 * writing moves on to another page, so that what reaches the disk is always a beginning of what the
 * card wrote.
 */
#ifndef PORT_HOST_CARD_IMAGE_H
#define PORT_HOST_CARD_IMAGE_H

#include <stdbool.h>

#include <stiver/port.h>

#define CARD_IMAGE_PAGE_BYTES 4096u
#define CARD_IMAGE_PAGES 32u
#define CARD_IMAGE_UNIT_BYTES 16u

#define CARD_IMAGE_STATUS_TABLE(X)                                                                 \
    X(CARD_IMAGE_OK, "Done.")                                                                      \
    X(CARD_IMAGE_NOT_FOUND, "There is no such file or directory.")                                 \
    X(CARD_IMAGE_EXISTS, "There is a file of that name already; it was left as it is.")            \
    X(CARD_IMAGE_FOREIGN, "The file is not a card image.")                                         \
    X(CARD_IMAGE_NEWER, "The card image was made by a newer version of this program: update it.")  \
    X(CARD_IMAGE_OLDER, "The card image has a format of the past, which this program cannot use.") \
    X(CARD_IMAGE_DAMAGED, "The card image is truncated or damaged.")                               \
    X(CARD_IMAGE_IN_USE, "The card is in use: another program has it in a reader.")                \
    X(CARD_IMAGE_PERMISSION, "This user may not read and write the file.")                         \
    X(CARD_IMAGE_DISK_FULL, "The disk is full.")                                                   \
    X(CARD_IMAGE_MEMORY, "There is not enough memory.")                                            \
    X(CARD_IMAGE_IO, "The file could not be read or written.")

enum card_image_status {
#define CARD_IMAGE_STATUS_NAME(name, text) name,
    CARD_IMAGE_STATUS_TABLE(CARD_IMAGE_STATUS_NAME)
#undef CARD_IMAGE_STATUS_NAME
};

/* The sentence, and the enumerator's name. Never NULL. */
const char *card_image_status_text(enum card_image_status status);
const char *card_image_status_name(enum card_image_status status);

struct card_image;

/* Makes a file of erased flash, mode 0600, and opens it. Never touches a file that is there. A
 * creation cut short leaves a file that opens as damaged, or none. */
enum card_image_status card_image_create(const char *path, struct card_image **image)
    __attribute__((warn_unused_result));

/* Opens an image for this process alone. On an error the file is as it was and *image NULL. */
enum card_image_status card_image_open(const char *path, struct card_image **image)
    __attribute__((warn_unused_result));

/* Leaves durability to the operating system from here on: faster, for tests. */
void card_image_set_volatile(struct card_image *image, bool is_volatile);

/* The flash for a card; its context is the image, borrowed until close. Calls outside the geometry,
 * or on units programmed before, are STIVER_FLASH_RANGE. A file that cannot be written is power
 * lost: this call and each later one answers STIVER_FLASH_POWER_LOST, and card_image_error says
 * why. */
struct stiver_flash card_image_flash(struct card_image *image);

/* Returns when all that was programmed so far survives a power failure of the machine. Costs
 * nothing if nothing was. */
enum card_image_status card_image_sync(struct card_image *image)
    __attribute__((warn_unused_result));

/* card_image_sync for who takes a function (card_slot.h): true if it succeeded. */
bool card_image_settle(void *image);

/* The first error that writing met, or CARD_IMAGE_OK. */
enum card_image_status card_image_error(const struct card_image *image);

/* Syncs and gives the file free. Harmless on NULL. */
void card_image_close(struct card_image *image);

#endif
