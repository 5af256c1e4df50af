/* Asks the digits model about one picture, a bright stroke on a dark ground; no heap, no library but stdio. */
#include <stdio.h>
#include "digits.h"

static unsigned char memory[DIGITS_ARENA_SIZE + DIGITS_ALIGNMENT];

int main(void) {
    float image[32 * 32], probabilities[10];
    unsigned char *arena = memory + (DIGITS_ALIGNMENT - (uintptr_t)memory % DIGITS_ALIGNMENT);
    int i;
    if (!digits_cpu_supported())
        return fprintf(stderr, "this CPU lacks instructions that the code needs\n"), 1;
    for (i = 0; i < 32 * 32; i++)
        image[i] = i / 32 > 3 && i / 32 < 28 && i % 32 > 13 && i % 32 < 18 ? 0.75f : 0.0f;
    digits_run(image, probabilities, arena);
    for (i = 0; i < 10; i++)
        printf("%d %.9g\n", i, probabilities[i]);
    return 0;
}
