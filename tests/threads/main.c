/* Runs a model on threads of its own, backwards on one thread, or without a parallel_for; says how many parts. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define MOST 16

typedef struct {
    model_task task;
    void *arguments;
    int64_t part, parts;
} job;

static int64_t seen = 1;

static void *work(void *given) {
    job *each = given;
    each->task(each->arguments, each->part, each->parts);
    return NULL;
}

static void on_threads(int64_t parts, model_task task, void *arguments) {
    pthread_t threads[MOST];
    job jobs[MOST];
    seen = parts;
    for (int64_t i = 0; i < parts; i++) {
        jobs[i] = (job){task, arguments, i, parts};
        if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0) exit(2);
    }
    for (int64_t i = 0; i < parts; i++) pthread_join(threads[i], NULL);
}

static void backwards(int64_t parts, model_task task, void *arguments) {
    seen = parts;
    for (int64_t i = parts; i-- > 0;) task(arguments, i, parts);
}

static float x[16 * 40 * 40], y[37 * 20 * 400], p[37 * 20 * 20];

int main(int count, char **words) {
    if (count != 3) return 2;
    FILE *input = fopen(words[2], "rb");
    if (input == NULL || fread(x, sizeof x, 1, input) != 1) return 2;
    fclose(input);
    char *memory = malloc(MODEL_ARENA_SIZE + MODEL_ALIGNMENT);
    if (memory == NULL) return 2;
    void *arena = memory + MODEL_ALIGNMENT - (uintptr_t)memory % MODEL_ALIGNMENT;
    model_parallel_for how = NULL;
    if (strcmp(words[1], "threads") == 0) how = on_threads;
    if (strcmp(words[1], "backwards") == 0) how = backwards;
    model_run(x, y, p, arena, how);
    fwrite(y, sizeof y, 1, stdout);
    fwrite(p, sizeof p, 1, stdout);
    fprintf(stderr, "%d\n", (int)seen);
    free(memory);
    return 0;
}
