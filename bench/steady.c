/* Sends one HTTP request again and again at a steady rate on one connection, and says how many were answered.
 *
 *     steady PORT RATE SECONDS < request
 *
 * A client of a few microseconds a request: on a small machine one in Python would take what it measures. Answers have
 * a Content-Length. A request that is late is sent as soon as the one before it is answered.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void wait_until(double moment) {
    double left = moment - now();
    if (left > 0) {
        struct timespec rest = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
        nanosleep(&rest, NULL);
    }
}

/* Reads one answer; 0 if it is not 200 or the connection ends. */
static int is_answered(int connection) {
    static char answer[1 << 20];
    size_t size = 0, end = 0;
    while (size + 1 < sizeof answer) {
        ssize_t num_read = read(connection, answer + size, sizeof answer - 1 - size);
        if (num_read <= 0) return 0;
        size += num_read;
        answer[size] = 0;
        char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\ncontent-length:");
        if (!end && body) {
            if (!length || length > body) return 0;
            end = body + 4 - answer + strtoul(length + 17, NULL, 10);
        }
        if (end && size >= end) return !strncmp(answer, "HTTP/1.1 200", 12);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    static char request[1 << 16];
    size_t size = fread(request, 1, sizeof request, stdin);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(connection, (struct sockaddr *)&place, sizeof place)) return 1;
    double pause = 1 / atof(argv[2]), begin = now(), end = begin + atof(argv[3]), next = begin;
    long num_answered = 0;
    for (; now() < end; num_answered++) {
        wait_until(next);
        next += pause;
        if (write(connection, request, size) != (ssize_t)size || !is_answered(connection)) return 1;
    }
    printf("%ld\n", num_answered);
    return 0;
}
