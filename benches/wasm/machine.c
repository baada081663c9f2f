// A small stack machine: a switch in a loop, as interpreters have it.
#include <stdint.h>
#include <stdio.h>

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, JUMP_IF, LOAD, STORE, HALT };

static int64_t run(const int32_t *code) {
    int64_t stack[64], variables[8] = {0};
    int top = 0;
    for (const int32_t *at = code;;) {
        switch (*at++) {
        case PUSH: stack[top++] = *at++; break;
        case ADD: top--; stack[top - 1] += stack[top]; break;
        case SUB: top--; stack[top - 1] -= stack[top]; break;
        case MUL: top--; stack[top - 1] = stack[top - 1] * stack[top] % 1000003; break;
        case DUP: stack[top] = stack[top - 1]; top++; break;
        case SWAP: { int64_t kept = stack[top - 1]; stack[top - 1] = stack[top - 2]; stack[top - 2] = kept; break; }
        case JUMP_IF: if (stack[--top]) at = code + *at; else at++; break;
        case LOAD: stack[top++] = variables[*at++]; break;
        case STORE: variables[*at++] = stack[--top]; break;
        case HALT: return variables[1];
        }
    }
}

int main(void) {
    static const int32_t code[] = {
        PUSH, 1500000, STORE, 0, PUSH, 1, STORE, 1,
        LOAD, 1, PUSH, 31, MUL, LOAD, 0, ADD, DUP, PUSH, 7, SWAP, SUB, ADD, LOAD, 1, ADD, STORE, 1,
        LOAD, 0, PUSH, 1, SUB, DUP, STORE, 0, JUMP_IF, 8, HALT};
    printf("%lld\n", (long long)run(code));
}
