/* Runs a model in one of many ways, and says in how many parts:
 *   threads    a thread for each part          backwards  one thread, the last part first
 *   alone      no parallel_for                 pool       the pool of the object with two threads
 *   empty      the pool without threads        callers    many calls at the same time with one pool
 *   crowd      as callers, a thread for each part of each call */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define MOST 16
#define WORKERS 2
#define CALLERS 4
#define CALLS 60

typedef struct {
    model_task task;
    void *arguments;
    int64_t part, parts;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t seen = 1;

static void see(int64_t parts) {
    pthread_mutex_lock(&lock);
    seen = parts;
    pthread_mutex_unlock(&lock);
}

static void start(pthread_t *thread, void *(*function)(void *), void *argument) {
    if (pthread_create(thread, NULL, function, argument) != 0) exit(3);
}

static void *work(void *given) {
    job *each = given;
    each->task(each->arguments, each->part, each->parts);
    return NULL;
}

static void on_threads(void *context, int64_t parts, model_task task, void *arguments) {
    pthread_t threads[MOST];
    job jobs[MOST];
    if (context != &lock) exit(4);
    see(parts);
    for (int64_t i = 0; i < parts; i++) {
        jobs[i] = (job){task, arguments, i, parts};
        start(&threads[i], work, &jobs[i]);
    }
    for (int64_t i = 0; i < parts; i++) pthread_join(threads[i], NULL);
}

static void backwards(void *context, int64_t parts, model_task task, void *arguments) {
    if (context != &lock) exit(4);
    see(parts);
    for (int64_t i = parts; i-- > 0;) task(arguments, i, parts);
}

static model_pool pool = MODEL_POOL_INIT;

static void *work_in_pool(void *given) {
    model_pool_work(given);
    return NULL;
}

static void in_pool(void *context, int64_t parts, model_task task, void *arguments) {
    see(parts);
    model_pool_parallel_for(context, parts, task, arguments);
}

static float x[16 * 40 * 40], y[37 * 20 * 400], p[37 * 20 * 20];

static void run(float *to_y, float *to_p, model_parallel_for how, void *context) {
    char *memory = malloc(MODEL_ARENA_SIZE + MODEL_ALIGNMENT);
    if (memory == NULL) exit(2);
    void *arena = memory + MODEL_ALIGNMENT - (uintptr_t)memory % MODEL_ALIGNMENT;
    model_run(x, to_y, to_p, arena, how, context);
    free(memory);
}

static model_parallel_for way;
static void *context_of_way;

static void *call_often(void *given) {
    static const size_t sizes = sizeof y + sizeof p;
    float *mine = malloc(sizes);
    (void)given;
    if (mine == NULL) exit(2);
    for (int i = 0; i < CALLS; i++) {
        memset(mine, 0, sizes);
        run(mine, mine + sizeof y / sizeof *y, way, context_of_way);
        if (memcmp(mine, y, sizeof y) != 0) exit(5);
        if (memcmp(mine + sizeof y / sizeof *y, p, sizeof p) != 0) exit(6);
    }
    free(mine);
    return NULL;
}

static void call_at_the_same_time(void) {
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) start(&callers[i], call_often, NULL);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
}

int main(int count, char **words) {
    if (count != 3) return 2;
    FILE *input = fopen(words[2], "rb");
    if (input == NULL || fread(x, sizeof x, 1, input) != 1) return 2;
    fclose(input);
    int uses_pool = 0, is_crowded = 0, workers = 0;
    if (strcmp(words[1], "threads") == 0) way = on_threads;
    if (strcmp(words[1], "backwards") == 0) way = backwards;
    if (strcmp(words[1], "crowd") == 0) way = on_threads, is_crowded = 1;
    if (strcmp(words[1], "pool") == 0) uses_pool = 1, workers = WORKERS;
    if (strcmp(words[1], "empty") == 0) uses_pool = 1;
    if (strcmp(words[1], "callers") == 0) uses_pool = 1, workers = WORKERS, is_crowded = 1;
    if (uses_pool) way = in_pool;
    context_of_way = uses_pool ? (void *)&pool : (void *)&lock;
    pthread_t threads[WORKERS];
    for (int i = 0; i < workers; i++) start(&threads[i], work_in_pool, &pool);
    run(y, p, way, context_of_way);
    if (is_crowded) call_at_the_same_time();
    if (uses_pool) model_pool_stop(&pool);
    for (int i = 0; i < workers; i++) pthread_join(threads[i], NULL);
    fwrite(y, sizeof y, 1, stdout);
    fwrite(p, sizeof p, 1, stdout);
    fprintf(stderr, "%d\n", (int)seen);
    return 0;
}
