// Arguments, variables, standard input, and the status that a program leaves with.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void first(void) { printf("the last words"); }
static void second(void) { printf("closing, "); }

int main(int argc, char **argv) {
    fprintf(stderr, "a warning\n");
    for (int i = 1; i < argc; i++) printf("%d: <%s> of %d\n", i, argv[i], (int)strlen(argv[i]));
    const char *colour = getenv("COLOUR"), *empty = getenv("EMPTY");
    printf("%s, <%s>, %s\n", colour ? colour : "none", empty ? empty : "none", getenv("ABSENT") ? "there" : "absent");
    int number, sum = 0;
    char word[16];
    while (scanf("%d", &number) == 1) sum += number;
    if (scanf("%15s", word) == 1) printf("%d, then %s\n", sum, word);
    int bytes = 0;
    for (int c; (c = getchar()) != EOF;) bytes = bytes * 31 + c;
    printf("the rest: %08x\n", (unsigned)bytes);
    atexit(first);
    atexit(second);
    // What was printed is not flushed yet.
    exit(argc * 10 + 3);
}
