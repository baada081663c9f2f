// Sorting by the C library's qsort, whose comparator is called indirectly, and by an own heapsort.
#include <stdio.h>
#include <stdlib.h>

static unsigned seed = 12345;
static unsigned next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static int compare(const void *left, const void *right) {
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return (a > b) - (a < b);
}

static void sift(unsigned *values, size_t root, size_t count) {
    unsigned value = values[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && values[child] < values[child + 1]) child++;
        if (values[child] <= value) break;
        values[root] = values[child];
    }
    values[root] = value;
}

int main(void) {
    enum { COUNT = 400000 };
    unsigned *values = malloc(COUNT * sizeof *values);
    for (int i = 0; i < COUNT; i++) values[i] = next();
    qsort(values, COUNT, sizeof *values, compare);
    unsigned check = 0;
    for (int i = 0; i < COUNT; i++) check = check * 31 + values[i];
    for (int i = 0; i < COUNT; i++) values[i] = next();
    for (size_t i = COUNT / 2; i-- > 0;) sift(values, i, COUNT);
    for (size_t end = COUNT; end-- > 1;) {
        unsigned top = values[0];
        values[0] = values[end];
        values[end] = top;
        sift(values, 0, end);
    }
    for (int i = 0; i < COUNT; i++) check = check * 31 + values[i];
    printf("%u\n", check);
    free(values);
}
