// What scripts see of zlib: whole texts, packed and unpacked.
#include <stdlib.h>
#include <zlib.h>

#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("allocate") void *allocate(size_t bytes) { return malloc(bytes); }

EXPORT("release") void release(void *place) { free(place); }

// The most bytes that so many can become.
EXPORT("bound") unsigned long bound(unsigned long bytes) { return compressBound(bytes); }

// The number of bytes that are written; an error of zlib, below 0, if that fails.
EXPORT("pack") long pack(Bytef *to, unsigned long room, const Bytef *from, unsigned long bytes, int level) {
    uLongf written = room;
    int status = compress2(to, &written, from, bytes, level);
    return status == Z_OK ? (long)written : status;
}

EXPORT("unpack") long unpack(Bytef *to, unsigned long room, const Bytef *from, unsigned long bytes) {
    uLongf written = room;
    int status = uncompress(to, &written, from, bytes);
    return status == Z_OK ? (long)written : status;
}

EXPORT("checksum") unsigned long checksum(const Bytef *from, unsigned long bytes) { return crc32(0, from, bytes); }
