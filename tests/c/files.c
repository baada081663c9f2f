// Files by way of C's library: written, read, sought in, renamed, listed, removed; and what is not there.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *what) {
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

static FILE *open_file(const char *name, const char *mode) {
    FILE *file = fopen(name, mode);
    if (!file) fail(name);
    return file;
}

static int by_name(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static void list(const char *name) {
    DIR *directory = opendir(name);
    if (!directory) fail(name);
    char *names[64];
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) && count < 64;)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    printf("%s has", name);
    for (size_t i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
}

int main(void) {
    if (mkdir("folder", 0777)) fail("mkdir");
    printf("again: %s\n", mkdir("folder", 0777) ? strerror(errno) : "made");

    FILE *file = open_file("folder/lines", "w");
    for (int i = 0; i < 2000; i++) fprintf(file, "line %d has %x\n", i, i * i);
    fclose(file);

    struct stat status;
    if (stat("folder/lines", &status)) fail("stat");
    printf("%lld bytes, %s\n", (long long)status.st_size, S_ISREG(status.st_mode) ? "a file" : "something else");

    file = open_file("folder/lines", "r");
    char line[64];
    unsigned sum = 0, count = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned number, square;
        if (sscanf(line, "line %u has %x", &number, &square) != 2) fail("sscanf");
        sum += square - number;
        count++;
    }
    printf("%u lines, sum %u, end %d\n", count, sum, feof(file) != 0);
    fseek(file, -20, SEEK_END);
    fgets(line, sizeof line, file);
    printf("near the end: %s", line);
    rewind(file);
    int first = getc(file);
    ungetc('L', file);
    printf("'%c', then '%c' at %ld\n", first, getc(file), ftell(file));
    fclose(file);

    file = open_file("folder/lines", "r+");
    fseek(file, 5, SEEK_SET);
    fputs("zero", file);
    fclose(file);
    file = open_file("folder/lines", "a");
    fputs("the end\n", file);
    printf("appended at %ld\n", ftell(file));
    fclose(file);
    int descriptor = open("folder/lines", O_RDONLY);
    if (descriptor < 0) fail("open");
    char bytes[17] = {0};
    printf("read %d: ", (int)read(descriptor, bytes, 16));
    printf("%.9s\n", bytes);
    printf("at %d: ", (int)pread(descriptor, bytes, 8, lseek(descriptor, -8, SEEK_END)));
    printf("%.7s\n", bytes);
    printf("writing: %s\n", write(descriptor, "x", 1) < 0 ? strerror(errno) : "done");
    close(descriptor);

    // Numbers in the binary form, across more than a buffer.
    double numbers[3000];
    for (int i = 0; i < 3000; i++) numbers[i] = i / 7.0;
    file = open_file("folder/numbers", "wb+");
    printf("%d written\n", (int)fwrite(numbers, sizeof *numbers, 3000, file));
    memset(numbers, 0, sizeof numbers);
    rewind(file);
    printf("%d read, the last %.15g\n", (int)fread(numbers, sizeof *numbers, 3000, file), numbers[2999]);
    if (ftruncate(fileno(file), 80)) fail("ftruncate");
    fseek(file, 0, SEEK_END);
    printf("%ld left\n", ftell(file));
    fclose(file);

    list("folder");
    if (rename("folder/numbers", "folder/renamed")) fail("rename");
    list("folder");
    printf("not empty: %s\n", rmdir("folder") ? "refused" : "removed");
    printf("gone: %s\n", fopen("folder/numbers", "r") ? "there" : strerror(errno));
    printf("no folder: %s\n", fopen("folder/lines/x", "r") ? "there" : strerror(errno));
    if (remove("folder/lines") || remove("folder/renamed") || rmdir("folder")) fail("remove");
    list(".");
    return 0;
}
