// Prime numbers by a sieve of bytes, and by trial division with 64-bit integers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    enum { LIMIT = 4000000 };
    char *composite = calloc(LIMIT + 1, 1);
    int count = 0;
    for (int i = 2; i <= LIMIT; i++) {
        if (composite[i]) continue;
        count++;
        for (int64_t j = (int64_t)i * i; j <= LIMIT; j += i) composite[j] = 1;
    }
    uint64_t sum = 0;
    for (uint64_t n = 1000000007; n < 1000000407; n += 2) {
        uint64_t d = 3;
        while (d * d <= n && n % d) d += 2;
        if (d * d > n) sum += n;
    }
    printf("%d %llu\n", count, (unsigned long long)sum);
}
