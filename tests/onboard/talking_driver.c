/* An OpenCL library with one device that talks on stdout whenever it is touched, as some vendors'
 * drivers do: when it is loaded and opened, and at the end, where it may crash as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text) {
    fputs(text, stdout);
    if (getenv("DRIVER_FLUSHES")) fflush(stdout);
    else if (write(1, text, strlen(text)) < 0) abort();
}

__attribute__((constructor)) static void loaded(void) { say("arm_release_ver of this libmali: g6p0"); }

__attribute__((destructor)) static void unloaded(void) {
    say("closing\n{\"not\": \"the answer\"}\n");
    if (getenv("DRIVER_CRASHES")) abort();
}

int clGetPlatformIDs(unsigned count, void **ids, unsigned *found) {
    say("{\"opened\": 1}\n");
    if (getenv("DRIVER_DIES")) abort();
    if (count) ids[0] = (void *)1;
    if (found) *found = 1;
    return 0;
}

int clGetDeviceIDs(void *platform, unsigned long kind, unsigned count, void **ids, unsigned *found) {
    if (count) ids[0] = (void *)1;
    if (found) *found = 1;
    return 0;
}

static int about(size_t size, void *value, size_t *needed) {
    const char *text = "Mali-T860";
    say("asked, no end of line");
    if (needed) *needed = strlen(text) + 1;
    if (value) { memset(value, 0, size); strncpy(value, text, size); }
    return 0;
}

int clGetPlatformInfo(void *id, unsigned what, size_t size, void *value, size_t *needed) {
    return about(size, value, needed);
}

int clGetDeviceInfo(void *id, unsigned what, size_t size, void *value, size_t *needed) {
    return about(size, value, needed);
}
