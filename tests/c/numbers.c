// Arithmetic: what wraps, shifts, divides and converts; 64 and 128 bits; numbers as text, both ways.
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __wasm__
// Debian's library for 128 bits is built to protect the stack, but wasi-libc has nothing for that.
uintptr_t __stack_chk_guard = 0xbadcafe;
void __stack_chk_fail(void) { __builtin_trap(); }
#endif

// Unknown to the compiler.
#define UNKNOWN(type, value) (*(volatile type[]){value})

static void wide(const char *name, unsigned __int128 value) {
    printf("%s %016" PRIx64 "%016" PRIx64 "\n", name, (uint64_t)(value >> 64), (uint64_t)value);
}

static const char *kind(unsigned number) {
    // Dense: a table of jumps.
    switch (number) {
    case 0: return "none";
    case 1: return "one";
    case 2: return "two";
    case 3: case 4: case 5: return "some";
    case 6: return "half a dozen";
    case 7: return "seven";
    case 12: return "a dozen";
    default: return "many";
    }
}

static int sparse(int64_t number) {
    switch (number) {
    case INT64_MIN: return 1;
    case -1: return 2;
    case 0: return 3;
    case 1000000007: return 4;
    case INT64_MAX: return 5;
    default: return 0;
    }
}

int main(void) {
    // Built with -fwrapv, so this is defined.
    int32_t most = UNKNOWN(int32_t, INT32_MAX), least = UNKNOWN(int32_t, INT32_MIN);
    printf("%d %d %d %d\n", most + 1, least - 1, most * most, -least);
    uint32_t all = UNKNOWN(uint32_t, UINT32_MAX);
    printf("%u %u %u\n", all + 2, all * all, 0 - all);
    int64_t long_most = UNKNOWN(int64_t, INT64_MAX);
    printf("%" PRId64 " %" PRIu64 "\n", long_most + 1, (uint64_t)long_most * 3);
    uint8_t small = (uint8_t)UNKNOWN(int, 300);
    int8_t narrow = (int8_t)UNKNOWN(int, 200);
    int16_t half = (int16_t)UNKNOWN(int, 40000);
    printf("%d %d %d\n", small, narrow, half);
    for (int i = 0; i < 32; i += 5)
        printf("%08x %08x %d ", 0x80000001u << i, 0x80000001u >> i, least >> i);
    printf("\n");
    for (int i = 0; i < 64; i += 9)
        printf("%" PRIx64 " %" PRId64 " ", UINT64_C(0x8000000000000001) >> i, INT64_C(-81985529216486896) >> i);
    printf("\n");
    int dividends[] = {7, -7, 7, -7, INT_MAX, INT_MIN}, divisors[] = {3, 3, -3, -3, -1, 2};
    for (int i = 0; i < 6; i++) printf("%d %d; ", dividends[i] / divisors[i], dividends[i] % divisors[i]);
    printf("\n%d %d %d\n", __builtin_clz(all >> 5), __builtin_ctzll(UINT64_C(1) << 40), __builtin_popcount(all / 3));

    for (unsigned i = 0; i < 14; i++) printf("%s, ", kind(i));
    printf("\n%d%d%d%d%d%d\n", sparse(INT64_MIN), sparse(-1), sparse(0), sparse(1000000007), sparse(long_most), sparse(5));

    unsigned __int128 product = (unsigned __int128)UNKNOWN(uint64_t, UINT64_C(0xfedcba9876543210)) * UINT64_C(0x0123456789abcdef);
    wide("product", product);
    wide("square", product * product);
    wide("sum", product + ((unsigned __int128)1 << 127));
    wide("quotient", product / 1000000007);
    wide("remainder", product % UINT64_C(10000000000000061));
    wide("left", product << 37);
    wide("right", (unsigned __int128)(-(__int128)product >> 70));
    printf("%d %.17g\n", (__int128)product < 0, (double)product);

    double values[] = {0.1, -0.0, 1e300, 5e-324, 123456789.125, 1.0 / 3, 2.5, 1e21, INFINITY, -INFINITY};
    for (int i = 0; i < 10; i++)
        printf("%f|%.0f|%g|%e|%.17g|%10.3f|%-10.2e|%+.3g\n", fabs(values[i]) < 1e30 ? values[i] : 0, fabs(values[i]) < 1e30 ? values[i] : 0,
               values[i], values[i], values[i], fabs(values[i]) < 1e30 ? values[i] : 0, values[i], values[i]);
    printf("%d %d %d\n", isnan(UNKNOWN(double, NAN)), UNKNOWN(double, NAN) == UNKNOWN(double, NAN), signbit(values[1]) != 0);
    printf("%.9g %.9g\n", UNKNOWN(float, 0.1f) * 3, UNKNOWN(float, 16777216.0f) + 1);
    printf("%d %" PRId64 " %u\n", (int)UNKNOWN(double, -2.99), (int64_t)UNKNOWN(double, 9e18), (unsigned)UNKNOWN(double, 4e9));
    printf("%.17g %.17g %.9g\n", (double)UNKNOWN(uint64_t, UINT64_MAX), (double)UNKNOWN(int64_t, INT64_MIN), (float)UNKNOWN(int, 16777217));
    printf("%.17g %.17g %.17g\n", sqrt(UNKNOWN(double, 2)), floor(UNKNOWN(double, -2.5)), fmod(UNKNOWN(double, 10.25), 3));
    printf("%.17g %.17g %.17g\n", nearbyint(UNKNOWN(double, 2.5)), trunc(UNKNOWN(double, -2.5)), ldexp(UNKNOWN(double, 0.75), -1070));

    const char *texts[] = {"0.1", "1e-400", "1e400", "-17.5xyz", "0x1.8p3", "nonsense", "9007199254740993", "4.9e-324"};
    for (int i = 0; i < 8; i++) {
        char *end;
        double value = strtod(texts[i], &end);
        printf("%.17g<%s> ", value, end);
    }
    printf("\n%" PRId64 " %" PRIu64 " %" PRId64 " %" PRIu64 "\n", (int64_t)strtoll("-9223372036854775809", NULL, 10),
           (uint64_t)strtoull("ffffffffffffffff", NULL, 16), (int64_t)strtoll("0777", NULL, 0), (uint64_t)strtoull("zz", NULL, 36));
    printf("%d %5d|%-5d|%05d|%+d|%x|%X|%o|%#x|%c|%%\n", 42, 42, 42, 42, 42, 48879, 48879, 8, 255, 'c');
    printf("%hhd %hd %" PRId64 " %" PRIX64 " %.3d %*d %.*f\n", narrow, half, INT64_MIN, UINT64_MAX, 7, 6, 42, 3, 3.14159);
    return 0;
}
