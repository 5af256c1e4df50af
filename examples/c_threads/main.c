/* Asks the digits model about many pictures at the same time: four callers, and a pool of threads that help. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "digits.h"

#define HELPERS 1
#define CALLERS 4
#define PICTURES 32

static digits_pool pool = DIGITS_POOL_INIT;

static void *help(void *given) {
    digits_pool_work(given);
    return NULL;
}

/* A caller has an arena of its own; the pool is everyone's. */
static void *call(void *given) {
    char *memory = malloc(DIGITS_ARENA_SIZE + DIGITS_ALIGNMENT);
    void *arena = memory + (DIGITS_ALIGNMENT - (uintptr_t)memory % DIGITS_ALIGNMENT);
    float *sum = given, image[32 * 32], probabilities[10];
    int picture, i;
    if (memory == NULL) exit(1);
    for (picture = 0; picture < PICTURES; picture++) {
        for (i = 0; i < 32 * 32; i++)
            image[i] = i / 32 > 3 && i / 32 < 28 && i % 32 >= picture && i % 32 < picture + 4 ? 0.75f : 0.0f;
        digits_run(image, probabilities, arena, digits_pool_parallel_for, &pool);
        for (i = 0; i < 10; i++)
            sum[i] += probabilities[i];
    }
    free(memory);
    return NULL;
}

static void start(pthread_t *thread, void *(*what)(void *), void *with) {
    if (pthread_create(thread, NULL, what, with) != 0) exit(1);
}

int main(void) {
    static float sums[CALLERS][10];
    pthread_t helpers[HELPERS], callers[CALLERS];
    int i, digit;
    if (!digits_cpu_supported())
        return fprintf(stderr, "this CPU lacks instructions that the code needs\n"), 1;
    for (i = 0; i < HELPERS; i++)
        start(&helpers[i], help, &pool);
    for (i = 0; i < CALLERS; i++)
        start(&callers[i], call, sums[i]);
    for (i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    digits_pool_stop(&pool);
    for (i = 0; i < HELPERS; i++)
        pthread_join(helpers[i], NULL);
    for (digit = 0; digit < 10; digit++)
        for (i = 0; i < CALLERS; i++)
            printf("%d %.9g\n", digit, sums[i][digit]);
    return 0;
}
