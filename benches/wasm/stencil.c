// A stencil over a grid of doubles, as PolyBench's jacobi-2d and seidel-2d.
#include <stdio.h>
#define N 220
static double grid[N][N], other[N][N];

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) grid[i][j] = (double)i * (j + 2) / N;
    for (int step = 0; step < 40; step++) {
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                other[i][j] = 0.2 * (grid[i][j] + grid[i][j - 1] + grid[i][j + 1] + grid[i + 1][j] + grid[i - 1][j]);
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                grid[i][j] = 0.2 * (other[i][j] + other[i][j - 1] + other[i][j + 1] + other[i + 1][j] + other[i - 1][j]);
    }
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) sum += grid[i][j];
    printf("%.9f\n", sum);
}
