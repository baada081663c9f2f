// The Mandelbrot set: doubles in registers.
#include <stdio.h>

int main(void) {
    int inside = 0;
    unsigned check = 0;
    for (int y = 0; y < 300; y++)
        for (int x = 0; x < 300; x++) {
            double cr = 2.0 * x / 300 - 1.5, ci = 2.0 * y / 300 - 1.0, zr = 0, zi = 0;
            int steps = 0;
            while (steps < 100 && zr * zr + zi * zi <= 4) {
                double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
                steps++;
            }
            inside += steps == 100;
            check = check * 33 + steps;
        }
    printf("%d %u\n", inside, check);
}
