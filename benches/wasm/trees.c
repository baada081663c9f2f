// Binary trees: allocation, recursion, freeing.
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *left, *right;
};

static struct node *make(int depth) {
    struct node *node = malloc(sizeof *node);
    node->left = depth ? make(depth - 1) : NULL;
    node->right = depth ? make(depth - 1) : NULL;
    return node;
}

static int check(struct node *node) {
    return node->left ? 1 + check(node->left) + check(node->right) : 1;
}

static void drop(struct node *node) {
    if (node->left) drop(node->left), drop(node->right);
    free(node);
}

int main(void) {
    enum { DEPTH = 13 };
    struct node *lasting = make(DEPTH);
    for (int depth = 4; depth <= DEPTH; depth += 3) {
        int count = 1 << (DEPTH - depth + 4), sum = 0;
        for (int i = 0; i < count; i++) {
            struct node *tree = make(depth);
            sum += check(tree);
            drop(tree);
        }
        printf("%d trees of depth %d: %d\n", count, depth, sum);
    }
    printf("%d\n", check(lasting));
}
