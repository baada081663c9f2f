// Ends in a trap, which the argument chooses, after some output.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero = 0, depth = 0;

__attribute__((noinline)) static int divide(int dividend, int divisor) { return dividend / divisor; }
__attribute__((noinline)) static int read_far(uintptr_t address) { return *(volatile int *)address; }
__attribute__((noinline)) static void write_far(uintptr_t address) { *(volatile char *)address = 1; }
__attribute__((noinline)) static void give_up(void) { __builtin_trap(); }
static double other(double value) { return value; }

__attribute__((noinline)) static int recurse(int number) {
    if (number < zero) return number;
    depth++;
    int result = recurse(number + 1) + number;
    depth--;
    return result;
}

__attribute__((noinline)) static int call(void *function) { return ((int (*)(int))function)(1); }

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "";
    printf("before %s\n", kind);
    fflush(stdout);
    if (!strcmp(kind, "divide")) printf("%d\n", divide(1, zero));
    if (!strcmp(kind, "overflow")) printf("%d\n", divide(INT_MIN, zero - 1));
    if (!strcmp(kind, "read")) printf("%d\n", read_far(UINTPTR_MAX - 2));
    if (!strcmp(kind, "write")) write_far(0x7fff0000u + (unsigned)zero);
    if (!strcmp(kind, "unreachable")) give_up();
    if (!strcmp(kind, "abort")) abort();
    if (!strcmp(kind, "recursion")) printf("%d\n", recurse(zero));
    if (!strcmp(kind, "signature")) printf("%d\n", call((void *)other));
    if (!strcmp(kind, "null")) printf("%d\n", call((void *)(uintptr_t)zero));
    printf("after\n");
    return 0;
}
