// Products of matrices of doubles, as in PolyBench's 2mm.
#include <stdio.h>
#define N 160
static double a[N][N], b[N][N], c[N][N], d[N][N], product[N][N];

int main(void) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * j + 1) % N) / N;
            b[i][j] = (double)(i * (j + 1) % N) / N;
            c[i][j] = (double)((i * (j + 3) + 1) % N) / N;
            d[i][j] = (double)(i * (j + 2) % N) / N;
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            product[i][j] = 0;
            for (int k = 0; k < N; k++) product[i][j] += 1.5 * a[i][k] * b[k][j];
        }
    double trace = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            d[i][j] *= 1.2;
            for (int k = 0; k < N; k++) d[i][j] += product[i][k] * c[k][j];
            trace += d[i][j] * (i == j ? 1 : 0.001);
        }
    printf("%.9f\n", trace);
}
