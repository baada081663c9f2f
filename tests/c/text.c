// Strings and bytes by way of C's library.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int sign(int number) { return (number > 0) - (number < 0); }

static void words(void) {
    // How often each word occurs, in the order of the first time.
    static const char text[] = "the quick brown fox jumps over the lazy dog; the dog does not care, and the fox is gone.";
    char copy[sizeof text], *found[32];
    int times[32], count = 0;
    memcpy(copy, text, sizeof text);
    for (char *word = strtok(copy, " ;,."); word; word = strtok(NULL, " ;,.")) {
        int i = 0;
        while (i < count && strcmp(found[i], word)) i++;
        if (i == count) found[count] = strdup(word), times[count++] = 0;
        times[i]++;
    }
    for (int i = 0; i < count; i++) printf("%s %d, ", found[i], times[i]), free(found[i]);
    printf("\n");
}

int main(void) {
    char buffer[32] = "abc";
    strcat(buffer, "def");
    strncat(buffer, "ghijkl", 3);
    printf("%s %d %d\n", buffer, (int)strlen(buffer), (int)strnlen(buffer, 5));
    memset(buffer, 'x', sizeof buffer - 1);
    strncpy(buffer, "short", 8);
    printf("%s %d %c\n", buffer, buffer[7], buffer[8]);
    printf("%d %d %d %d\n", sign(strcmp("a", "b")), sign(strcmp("\xff", "a")), sign(strncmp("abcd", "abxx", 2)), sign(memcmp("a\0b", "a\0c", 3)));
    const char *text = "a needle in a haystack of needles";
    printf("%d %d %d %s\n", (int)(strstr(text, "needle") - text), (int)(strrchr(text, 'n') - text), (int)(strchr(text, 'y') - text), strstr(text, "thread") ? "found" : "none");
    printf("%d %d %s\n", (int)strspn("12345abc", "0123456789"), (int)strcspn("hello, world", ","), strpbrk("key=value", "=:"));
    char moved[] = "0123456789";
    memmove(moved, moved + 3, 7);
    memmove(moved + 1, moved, 6);
    printf("%s %d\n", moved, (int)((char *)memchr(moved, '8', 10) - moved));
    for (const char *c = "aZ5 \t!_"; *c; c++)
        printf("%d%d%d%d%d%c", isalpha(*c) != 0, isdigit(*c) != 0, isspace(*c) != 0, ispunct(*c) != 0, isupper(*c) != 0, toupper(*c));
    printf("\n");
    words();
    int number, used;
    char word[8], set[8];
    unsigned hexadecimal;
    double value;
    int count = sscanf("42 words 0xff abcXYZ 2.5e3 rest", "%d %7s %x %7[a-c]XYZ %lf%n", &number, word, &hexadecimal, set, &value, &used);
    printf("%d: %d %s %u %s %g, %d\n", count, number, word, hexadecimal, set, value, used);
    printf("%d %ld %d\n", atoi("  -37 apples"), strtol("101101", NULL, 2), (int)strtoul("0x7f", NULL, 0));
    printf("%d <%.3s> <%8s> <%-8s>\n", snprintf(buffer, 4, "%d", 123456), buffer, "right", "left");
    // A long one, of which each part is looked at.
    size_t length = 20000;
    char *large = malloc(length + 1);
    for (size_t i = 0; i < length; i++) large[i] = (char)('a' + i * i % 26);
    large[length] = 0;
    int occurrences = 0;
    for (const char *at = large; (at = strstr(at, "je")); at++) occurrences++;
    printf("%d %d\n", (int)strlen(large), occurrences);
    free(large);
    return 0;
}
