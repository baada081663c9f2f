// Memory: blocks of all sizes that come, grow, shrink and go; the end of it; lists and tables.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 12345;

static uint32_t next_number(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

typedef struct { unsigned char *bytes; size_t length; unsigned char mark; } Block;

static void check(const Block *block) {
    for (size_t i = 0; i < block->length; i++)
        if (block->bytes[i] != (unsigned char)(block->mark + i)) {
            printf("a byte has changed\n");
            exit(1);
        }
}

static void fill(Block *block, size_t from) {
    for (size_t i = from; i < block->length; i++) block->bytes[i] = (unsigned char)(block->mark + i);
}

static void blocks(void) {
    static Block all[200];
    uint64_t total = 0;
    for (int round = 0; round < 1200; round++) {
        Block *block = &all[next_number() % 200];
        size_t length = 1u << next_number() % 11;
        length += next_number() % length;
        check(block);
        switch (block->bytes ? next_number() % 3 : 0) {
        case 0:
            free(block->bytes);
            *block = (Block){malloc(length), length, (unsigned char)round};
            fill(block, 0);
            break;
        case 1: {
            size_t before = block->length;
            block->bytes = realloc(block->bytes, length);
            block->length = length;
            if (length > before) fill(block, before);
            break;
        }
        case 2:
            free(block->bytes);
            *block = (Block){calloc(length, 1), 0, 0};
            for (size_t i = 0; i < length; i++) total += block->bytes[i];
            break;
        }
        total += length;
    }
    for (int i = 0; i < 200; i++) {
        check(&all[i]);
        free(all[i].bytes);
    }
    printf("%llu bytes in all\n", (unsigned long long)total);
}

typedef struct Node { struct Node *left, *right; int key; } Node;

static Node *insert(Node *node, int key) {
    if (!node) {
        node = calloc(1, sizeof *node);
        node->key = key;
    } else if (key < node->key) {
        node->left = insert(node->left, key);
    } else if (key > node->key) {
        node->right = insert(node->right, key);
    }
    return node;
}

static int sum_and_free(Node *node, int depth, int *deepest) {
    if (!node) return 0;
    if (depth > *deepest) *deepest = depth;
    int sum = sum_and_free(node->left, depth + 1, deepest) + node->key % 100 + sum_and_free(node->right, depth + 1, deepest);
    free(node);
    return sum;
}

static void growth(void) {
    // 16 MiB by one, while something small has to stay where it is.
    int *before = malloc(sizeof *before);
    *before = 42;
#ifdef __wasm__
    size_t pages = __builtin_wasm_memory_size(0);
#endif
    uint32_t *many = calloc(4 << 20, sizeof *many);
#ifdef __wasm__
    if (__builtin_wasm_memory_size(0) <= pages) printf("the memory has not grown\n");
#endif
    uint32_t zeros = 0, sum = 0;
    for (int i = 0; i < 4 << 20; i += 997) zeros += many[i] == 0, many[i] = i;
    for (int i = 0; i < 4 << 20; i += 997) sum += many[i];
    printf("%u zeros, then %u, and %d\n", zeros, sum, *before);
    free(many);
    free(before);
    // No size that there is room for.
    volatile size_t absurd = SIZE_MAX / 2 - 100;
    void *nothing = malloc(absurd);
    printf("%s, %s\n", nothing ? "something" : "nothing", calloc(absurd, 4) ? "something" : "nothing");
}

int main(void) {
    blocks();
    Node *tree = NULL;
    for (int i = 0; i < 500; i++) tree = insert(tree, (int)(next_number() >> 8));
    int deepest = 0, sum = sum_and_free(tree, 1, &deepest);
    printf("a tree %d deep, sum %d\n", deepest, sum);
    growth();
    char text[] = "overlapping";
    memmove(text + 2, text, 9);
    printf("%s\n", text);
    return 0;
}
