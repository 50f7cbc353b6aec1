/* SPDX-License-Identifier: Apache-2.0 */
#include "life.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the place and its files ---- */

struct file {
    char path[160];
    mode_t mode;
    uint8_t *data;
    size_t bytes;
};

struct life_files {
    struct file files[200];
    unsigned count;
};

static struct life_files *walking;

static int keep_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)walk;
    if (walking->count == sizeof walking->files / sizeof walking->files[0] || kind == FTW_DNR)
        return -1;
    struct file *file = &walking->files[walking->count++];
    snprintf(file->path, sizeof file->path, "%s", path);
    file->mode = about->st_mode;
    if (kind != FTW_F)
        return 0;
    file->bytes = (size_t)about->st_size;
    file->data = malloc(file->bytes + 1);
    FILE *in = fopen(path, "rb");
    bool is_read =
        in != NULL && file->data != NULL && fread(file->data, 1, file->bytes, in) == file->bytes;
    if (in != NULL)
        fclose(in);
    return is_read ? 0 : -1;
}

struct life_files *life_keep(void)
{
    walking = calloc(1, sizeof *walking);
    if (walking == NULL || nftw(life.place, keep_one, 8, FTW_PHYS) != 0)
        abort();
    return walking;
}

static const struct file *find(const struct life_files *files, const char *path)
{
    for (unsigned i = 0; i < files->count; i++)
        if (strcmp(files->files[i].path, path) == 0)
            return &files->files[i];
    return NULL;
}

static const struct life_files *wanted;

static int remove_other(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return wanted == NULL || find(wanted, path) == NULL ? remove(path) : 0;
}

/* Into the same files: a journal that finds itself in another one takes itself for a copy. */
void life_put_back(const struct life_files *files)
{
    wanted = files;
    if (nftw(life.place, remove_other, 8, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
    for (unsigned i = 0; i < files->count; i++) {
        const struct file *file = &files->files[i];
        if (S_ISDIR(file->mode)) {
            (void)mkdir(file->path, file->mode & 07777);
            continue;
        }
        FILE *out = fopen(file->path, "wb");
        if (out == NULL || fwrite(file->data, 1, file->bytes, out) != file->bytes ||
            fclose(out) != 0)
            abort();
        (void)chmod(file->path, file->mode & 07777);
    }
}

void life_forget(struct life_files *files)
{
    for (unsigned i = 0; i < files->count; i++)
        free(files->files[i].data);
    free(files);
}

void life_open(void)
{
    memset(&life, 0, sizeof life);
    life.now = LIFE_START;
    strcpy(life.place, access("/dev/shm", W_OK) == 0 ? "/dev/shm/stiver-failures-XXXXXX"
                                                     : "/tmp/stiver-failures-XXXXXX");
    if (mkdtemp(life.place) == NULL)
        abort();
}

void life_close(void)
{
    wanted = NULL;
    if (nftw(life.place, remove_other, 8, FTW_DEPTH | FTW_PHYS) != 0)
        abort();
}
