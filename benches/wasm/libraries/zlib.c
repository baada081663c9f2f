// Compresses and expands text that is made here, at several levels.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *const WORDS[] = {
    "the ", "machine ", "register ", "of ", "a ", "stack ", "frame ", "interpreter ", "and ", "to ", "memory ", "page ", "42 ", "loop\n",
};

int main(void) {
    const size_t size = 1 << 20;
    unsigned char *text = malloc(size), *back = malloc(size);
    unsigned random = 12345;
    for (size_t at = 0; at < size;) {
        random = random * 1103515245u + 12345u;
        for (const char *word = WORDS[(random >> 16) % 14]; *word && at < size; word++) text[at++] = *word;
        if (random >> 28 == 0 && at < size) text[at++] = (unsigned char)(random >> 8);
    }
    for (int level = 1; level <= 9; level += 2) {
        uLongf packed_size = compressBound(size), length = size;
        unsigned char *packed = malloc(packed_size);
        if (compress2(packed, &packed_size, text, size, level) != Z_OK) return 1;
        if (uncompress(back, &length, packed, packed_size) != Z_OK || length != size || memcmp(text, back, size)) return 2;
        printf("level %d: %lu bytes, %08lx\n", level, (unsigned long)packed_size, crc32(0, packed, packed_size));
        free(packed);
    }
    return 0;
}
