/* SPDX-License-Identifier: Apache-2.0 */
#include "port/host/card_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "stiver card image\n"
#define FORMAT 1
#define FLASH_BYTES (CARD_IMAGE_PAGE_BYTES * CARD_IMAGE_PAGES)
/* The header fills a page, so that flash pages and the kernel's pages are the same: what was
 * written to one of them first is on the disk first. */
#define HEADER_BYTES CARD_IMAGE_PAGE_BYTES
#define NO_PAGE UINT32_MAX

struct card_image {
    int file;
    enum card_image_status error;
    bool is_volatile;
    uint32_t dirty_page; /* the only page written since the last sync, or NO_PAGE */
    uint8_t flash[FLASH_BYTES];
};

struct status_row {
    const char *name, *text;
};

static const struct status_row status_rows[] = {
#define CARD_IMAGE_STATUS_ROW(name, text) [name] = {#name, text},
    CARD_IMAGE_STATUS_TABLE(CARD_IMAGE_STATUS_ROW)
#undef CARD_IMAGE_STATUS_ROW
};

static const struct status_row *status_row(enum card_image_status status)
{
    size_t rows = sizeof status_rows / sizeof status_rows[0];
    return &status_rows[(size_t)status < rows ? status : CARD_IMAGE_IO];
}

const char *card_image_status_text(enum card_image_status status)
{
    return status_row(status)->text;
}

const char *card_image_status_name(enum card_image_status status)
{
    return status_row(status)->name;
}

static enum card_image_status status_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return CARD_IMAGE_NOT_FOUND;
    case EEXIST:
        return CARD_IMAGE_EXISTS;
    case EISDIR:
    case ENXIO:
        return CARD_IMAGE_FOREIGN;
    case EWOULDBLOCK:
        return CARD_IMAGE_IN_USE;
    case EACCES:
    case EPERM:
    case EROFS:
        return CARD_IMAGE_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return CARD_IMAGE_DISK_FULL;
    case ENOMEM:
        return CARD_IMAGE_MEMORY;
    default:
        return CARD_IMAGE_IO;
    }
}

static enum card_image_status write_all(int file, const uint8_t *data, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t done = pwrite(file, data, bytes, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? status_of_errno(errno) : CARD_IMAGE_IO;
        data += done;
        bytes -= (size_t)done;
        at += done;
    }
    return CARD_IMAGE_OK;
}

/* A file that ends too early is damaged. */
static enum card_image_status read_all(int file, uint8_t *data, size_t bytes, off_t at)
{
    while (bytes > 0) {
        ssize_t done = pread(file, data, bytes, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? status_of_errno(errno) : CARD_IMAGE_DAMAGED;
        data += done;
        bytes -= (size_t)done;
        at += done;
    }
    return CARD_IMAGE_OK;
}

static void header_make(uint8_t header[HEADER_BYTES])
{
    memset(header, 0, HEADER_BYTES);
    snprintf((char *)header, HEADER_BYTES, MAGIC "format %d\npage %u\npages %u\nunit %u\n", FORMAT,
             CARD_IMAGE_PAGE_BYTES, CARD_IMAGE_PAGES, CARD_IMAGE_UNIT_BYTES);
}

/* header: as found, a 0 after its end. */
static enum card_image_status header_check(const uint8_t header[HEADER_BYTES + 1])
{
    uint8_t wanted[HEADER_BYTES];
    header_make(wanted);
    if (memcmp(header, wanted, HEADER_BYTES) == 0)
        return CARD_IMAGE_OK;
    const char *text = (const char *)header;
    if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
        return CARD_IMAGE_FOREIGN;
    char *end = NULL;
    const char *number = text + strlen(MAGIC "format ");
    if (strncmp(text, MAGIC "format ", strlen(MAGIC "format ")) != 0)
        return CARD_IMAGE_DAMAGED;
    unsigned long format = strtoul(number, &end, 10);
    if (end == number || *end != '\n' || format == FORMAT)
        return CARD_IMAGE_DAMAGED;
    return format > FORMAT ? CARD_IMAGE_NEWER : CARD_IMAGE_OLDER;
}

static enum card_image_status image_load(struct card_image *image)
{
    uint8_t header[HEADER_BYTES + 1] = {0};
    struct stat about;
    if (fstat(image->file, &about) != 0)
        return status_of_errno(errno);
    if (!S_ISREG(about.st_mode))
        return CARD_IMAGE_FOREIGN;
    if (flock(image->file, LOCK_EX | LOCK_NB) != 0)
        return status_of_errno(errno);
    enum card_image_status status = read_all(image->file, header, HEADER_BYTES, 0);
    /* A short file may be anything; what there is of it tells a foreign one from a damaged one. */
    if (status == CARD_IMAGE_DAMAGED && strncmp((const char *)header, MAGIC, strlen(MAGIC)) != 0)
        return about.st_size == 0 ? CARD_IMAGE_DAMAGED : CARD_IMAGE_FOREIGN;
    if (status == CARD_IMAGE_OK)
        status = header_check(header);
    if (status != CARD_IMAGE_OK)
        return status;
    if (fstat(image->file, &about) != 0)
        return status_of_errno(errno);
    if (about.st_size != (off_t)(HEADER_BYTES + FLASH_BYTES))
        return CARD_IMAGE_DAMAGED;
    return read_all(image->file, image->flash, FLASH_BYTES, HEADER_BYTES);
}

static struct card_image *image_new(void)
{
    struct card_image *image = calloc(1, sizeof *image);
    if (image) {
        image->file = -1;
        image->dirty_page = NO_PAGE;
    }
    return image;
}

static void image_free(struct card_image *image)
{
    if (image->file >= 0)
        close(image->file);
    free(image);
}

enum card_image_status card_image_open(const char *path, struct card_image **image)
{
    *image = NULL;
    struct card_image *opened = image_new();
    if (!opened)
        return CARD_IMAGE_MEMORY;
    /* O_NONBLOCK: a pipe of that name must not hold us. */
    opened->file = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum card_image_status status = opened->file >= 0 ? image_load(opened) : status_of_errno(errno);
    if (status != CARD_IMAGE_OK) {
        image_free(opened);
        return status;
    }
    *image = opened;
    return CARD_IMAGE_OK;
}

/* The header goes last: without it the file is not taken for a whole image. */
static enum card_image_status image_format(struct card_image *image)
{
    uint8_t header[HEADER_BYTES];
    if (flock(image->file, LOCK_EX | LOCK_NB) != 0)
        return status_of_errno(errno);
    memset(image->flash, 0xFF, FLASH_BYTES);
    enum card_image_status status = write_all(image->file, image->flash, FLASH_BYTES, HEADER_BYTES);
    if (status == CARD_IMAGE_OK && fsync(image->file) != 0)
        status = status_of_errno(errno);
    header_make(header);
    if (status == CARD_IMAGE_OK)
        status = write_all(image->file, header, HEADER_BYTES, 0);
    if (status == CARD_IMAGE_OK && fsync(image->file) != 0)
        status = status_of_errno(errno);
    return status;
}

/* Makes the file's name durable too. Not every file system lets its folders be synced; the card is
 * no worse for that than any file on it. */
static void folder_sync(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int file = folder ? open(folder, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    free(folder);
}

enum card_image_status card_image_create(const char *path, struct card_image **image)
{
    *image = NULL;
    struct card_image *created = image_new();
    if (!created)
        return CARD_IMAGE_MEMORY;
    created->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (created->file < 0) {
        enum card_image_status status = status_of_errno(errno);
        image_free(created);
        return status;
    }
    enum card_image_status status = image_format(created);
    if (status != CARD_IMAGE_OK) {
        unlink(path);
        image_free(created);
        return status;
    }
    folder_sync(path);
    *image = created;
    return CARD_IMAGE_OK;
}

void card_image_set_volatile(struct card_image *image, bool is_volatile)
{
    image->is_volatile = is_volatile;
}

static bool is_inside(uint32_t address, size_t bytes)
{
    return address <= FLASH_BYTES && bytes <= FLASH_BYTES - address;
}

static enum stiver_flash_status image_read(void *context, uint32_t address, uint8_t *out,
                                           size_t bytes)
{
    const struct card_image *image = context;
    if (image->error)
        return STIVER_FLASH_POWER_LOST;
    if (!is_inside(address, bytes))
        return STIVER_FLASH_RANGE;
    memcpy(out, image->flash + address, bytes);
    return STIVER_FLASH_OK;
}

/* Writes through to the file, then to the copy. The first failure is the end of this card's power.
 */
static enum stiver_flash_status image_write(struct card_image *image, uint32_t address,
                                            const uint8_t *data, size_t bytes)
{
    uint32_t page = address / CARD_IMAGE_PAGE_BYTES;
    if (image->dirty_page != NO_PAGE && image->dirty_page != page && !image->is_volatile &&
        card_image_sync(image) != CARD_IMAGE_OK)
        return STIVER_FLASH_POWER_LOST;
    image->dirty_page = page;
    image->error = write_all(image->file, data, bytes, (off_t)(HEADER_BYTES + address));
    if (image->error)
        return STIVER_FLASH_POWER_LOST;
    memcpy(image->flash + address, data, bytes);
    return STIVER_FLASH_OK;
}

static enum stiver_flash_status image_program(void *context, uint32_t address, const uint8_t *data,
                                              size_t bytes)
{
    struct card_image *image = context;
    if (image->error)
        return STIVER_FLASH_POWER_LOST;
    if (!is_inside(address, bytes) || address % CARD_IMAGE_UNIT_BYTES != 0 ||
        bytes % CARD_IMAGE_UNIT_BYTES != 0 || bytes == 0 ||
        address % CARD_IMAGE_PAGE_BYTES + bytes > CARD_IMAGE_PAGE_BYTES)
        return STIVER_FLASH_RANGE;
    for (size_t i = 0; i < bytes; i++)
        if (image->flash[address + i] != 0xFF)
            return STIVER_FLASH_RANGE;
    return image_write(image, address, data, bytes);
}

static enum stiver_flash_status image_erase(void *context, uint32_t page)
{
    struct card_image *image = context;
    uint8_t erased[CARD_IMAGE_PAGE_BYTES];
    if (image->error)
        return STIVER_FLASH_POWER_LOST;
    if (page >= CARD_IMAGE_PAGES)
        return STIVER_FLASH_RANGE;
    memset(erased, 0xFF, sizeof erased);
    return image_write(image, page * CARD_IMAGE_PAGE_BYTES, erased, sizeof erased);
}

struct stiver_flash card_image_flash(struct card_image *image)
{
    return (struct stiver_flash){
        .context = image,
        .page_bytes = CARD_IMAGE_PAGE_BYTES,
        .pages = CARD_IMAGE_PAGES,
        .unit_bytes = CARD_IMAGE_UNIT_BYTES,
        .read = image_read,
        .program = image_program,
        .erase = image_erase,
    };
}

enum card_image_status card_image_sync(struct card_image *image)
{
    if (image->error || image->dirty_page == NO_PAGE)
        return image->error;
    if (!image->is_volatile && fdatasync(image->file) != 0)
        image->error = status_of_errno(errno);
    else
        image->dirty_page = NO_PAGE;
    return image->error;
}

bool card_image_settle(void *image)
{
    return card_image_sync(image) == CARD_IMAGE_OK;
}

enum card_image_status card_image_error(const struct card_image *image)
{
    return image->error;
}

void card_image_close(struct card_image *image)
{
    if (!image)
        return;
    /* Best effort: what mattered was synced before its answer left. */
    if (card_image_sync(image) != CARD_IMAGE_OK)
        image->dirty_page = NO_PAGE;
    image_free(image);
}
