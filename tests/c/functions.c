// Calls: through pointers, of the library that calls back, with any number of arguments, with structures by value, deep.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int x, y; } Point;
typedef struct { double values[6]; char name[12]; } Large;
typedef struct { float one; } Single;
typedef union { uint64_t whole; uint32_t halves[2]; } Either;
typedef struct { const char *name; int age; } Person;

static int comparisons;

static int by_age(const void *one, const void *other) {
    const Person *a = one, *b = other;
    comparisons++;
    return a->age != b->age ? (a->age > b->age) - (a->age < b->age) : strcmp(a->name, b->name);
}

static int downward(const void *one, const void *other) {
    int a = *(const int *)one, b = *(const int *)other;
    return (a < b) - (a > b);
}

static int add(int a, int b) { return a + b; }
static int subtract(int a, int b) { return a - b; }
static int multiply(int a, int b) { return a * b; }

__attribute__((noinline)) static Point mirror(Point point) { return (Point){point.y, -point.x}; }

__attribute__((noinline)) static Large scale(Large large, double factor) {
    for (int i = 0; i < 6; i++) large.values[i] *= factor;
    large.name[0] = 'S';
    return large;
}

__attribute__((noinline)) static Single half(Single single) { return (Single){single.one / 2}; }
__attribute__((noinline)) static Either swap(Either either) { return (Either){.halves = {either.halves[1], either.halves[0]}}; }

static double total(const char *kinds, ...) {
    va_list arguments, again;
    va_start(arguments, kinds);
    va_copy(again, arguments);
    double sum = 0;
    for (; *kinds; kinds++) switch (*kinds) {
        case 'i': sum += va_arg(arguments, int); break;
        case 'l': sum += (double)va_arg(arguments, int64_t); break;
        case 'd': sum += va_arg(arguments, double); break;
        case 's': sum += (double)strlen(va_arg(arguments, const char *)); break;
        case 'p': { Point point = va_arg(arguments, Point); sum += point.x * 100 + point.y; break; }
    }
    sum += va_arg(again, int) * 1000;
    va_end(again);
    va_end(arguments);
    return sum;
}

static int print_to(char *buffer, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

static int is_odd(unsigned number);
static int is_even(unsigned number) { return number == 0 ? 1 : is_odd(number - 1); }
static int is_odd(unsigned number) { return number == 0 ? 0 : is_even(number - 1); }

static int ackermann(int m, int n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static int variable_length(int count) {
    int numbers[count];
    for (int i = 0; i < count; i++) numbers[i] = i * i;
    return numbers[count - 1] + (count > 1 ? variable_length(count / 2) : 0);
}

int main(void) {
    Person people[] = {{"Ida", 31}, {"Bo", 7}, {"Ada", 31}, {"Eve", 90}, {"Jon", 8}, {"Kim", 31}};
    qsort(people, 6, sizeof *people, by_age);
    for (int i = 0; i < 6; i++) printf("%s %d, ", people[i].name, people[i].age);
    Person key = {"Ada", 31};
    Person *found = bsearch(&key, people, 6, sizeof *people, by_age);
    printf("at %d, %s\n", found ? (int)(found - people) : -1, comparisons > 5 ? "compared" : "not compared");
    static int numbers[1000];
    for (int i = 0; i < 1000; i++) numbers[i] = i * 7919 % 1009;
    qsort(numbers, 1000, sizeof *numbers, downward);
    unsigned sum = 0;
    for (int i = 0; i < 1000; i++) sum = sum * 31 + (unsigned)numbers[i];
    printf("%d %d %d, %u\n", numbers[0], numbers[500], numbers[999], sum);

    int (*operations[])(int, int) = {add, subtract, multiply};
    for (int i = 0, value = 10; i < 9; i++) printf("%d ", value = operations[i % 3](value, i));
    printf("\n");

    Point point = {3, 4};
    for (int i = 0; i < 3; i++) point = mirror(point);
    Large large = {{1, 2, 3, 4, 5, 6}, "large"}, scaled = scale(large, 1.5);
    printf("%d %d, %g %g %s %s, %g\n", point.x, point.y, large.values[5], scaled.values[5], large.name, scaled.name, half((Single){5}).one);
    printf("%016llx\n", (unsigned long long)swap((Either){.whole = 0x0123456789abcdef}).whole);
    printf("%g\n", total("ildsp", 1, (int64_t)1 << 40, 0.5, "four", (Point){2, 3}));
    char buffer[12];
    int length = print_to(buffer, sizeof buffer, "%s-%d-%.2f", "text", 12345, 2.5);
    printf("%d <%s>\n", length, buffer);
    printf("%d %d %d %d\n", is_even(4000), is_odd(4001), ackermann(2, 9), variable_length(500));
    return 0;
}
