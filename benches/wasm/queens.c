// The eleven queens, by recursion on bits; and permutations by swapping, as fannkuch has them.
#include <stdio.h>

static int place(unsigned all, unsigned columns, unsigned left, unsigned right) {
    if (columns == all) return 1;
    int count = 0;
    for (unsigned free = all & ~(columns | left | right); free;) {
        unsigned bit = free & -free;
        free ^= bit;
        count += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

static int fannkuch(int n) {
    int permutation[16], flipped[16], counts[16], most = 0, sign = 1, sum = 0;
    for (int i = 0; i < n; i++) permutation[i] = i, counts[i] = i;
    for (;;) {
        if (permutation[0]) {
            for (int i = 0; i < n; i++) flipped[i] = permutation[i];
            int flips = 0, first;
            while ((first = flipped[0])) {
                for (int low = 0, high = first; low < high; low++, high--) {
                    int kept = flipped[low];
                    flipped[low] = flipped[high];
                    flipped[high] = kept;
                }
                flips++;
            }
            if (flips > most) most = flips;
            sum += sign * flips;
        }
        if (sign == 1) {
            int kept = permutation[0];
            permutation[0] = permutation[1];
            permutation[1] = kept;
            sign = -1;
        } else {
            int kept = permutation[1];
            permutation[1] = permutation[2];
            permutation[2] = kept;
            sign = 1;
            for (int i = 2;; i++) {
                if (counts[i]) {
                    counts[i]--;
                    break;
                }
                if (i == n - 1) return sum * 100 + most;
                counts[i] = i;
                int first = permutation[0];
                for (int j = 0; j <= i; j++) permutation[j] = permutation[j + 1];
                permutation[i + 1] = first;
            }
        }
    }
}

int main(void) {
    printf("%d\n", place((1u << 11) - 1, 0, 0, 0));
    printf("%d\n", fannkuch(8));
}
