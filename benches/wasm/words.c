// Counts words of a generated text in a hash table with chains, and sorts them by frequency.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    unsigned count;
    char text[];
};
enum { BUCKETS = 1 << 14 };
static struct word *table[BUCKETS];

static unsigned hash(const char *text) {
    unsigned value = 2166136261u;
    for (; *text; text++) value = (value ^ (unsigned char)*text) * 16777619u;
    return value;
}

static int by_count(const void *left, const void *right) {
    const struct word *a = *(struct word *const *)left, *b = *(struct word *const *)right;
    if (a->count != b->count) return a->count < b->count ? 1 : -1;
    return strcmp(a->text, b->text);
}

int main(void) {
    unsigned seed = 1, words = 0;
    char *text = malloc(6 << 20), *end = text;
    while (end - text < (6 << 20) - 16) {
        seed = seed * 1103515245 + 12345;
        unsigned number = (seed >> 16) % 7000;
        number = number * number / 7000;
        do {
            *end++ = "etaoinshrdlucmfw"[number & 15];
            number >>= 4;
        } while (number);
        *end++ = (seed >> 8) % 11 ? ' ' : '\n';
    }
    *end = 0;
    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
        struct word **place = &table[hash(word) % BUCKETS];
        while (*place && strcmp((*place)->text, word)) place = &(*place)->next;
        if (!*place) {
            *place = malloc(sizeof **place + strlen(word) + 1);
            (*place)->next = NULL;
            (*place)->count = 0;
            strcpy((*place)->text, word);
            words++;
        }
        (*place)->count++;
    }
    struct word **all = malloc(words * sizeof *all);
    unsigned count = 0;
    for (int i = 0; i < BUCKETS; i++)
        for (struct word *word = table[i]; word; word = word->next) all[count++] = word;
    qsort(all, count, sizeof *all, by_count);
    for (int i = 0; i < 5; i++) printf("%s %u\n", all[i]->text, all[i]->count);
    printf("%u\n", count);
}
