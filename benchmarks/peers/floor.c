/* The least that one packet to one listener can cost: copy it, encrypt it with the libsrtp that
 * we use too, and hand a whole tick to the kernel at once. Built and called by floor.py. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { HEAD = 12, STRIDE = 1344, TICK_NS = 20000000, SAMPLES = 960, BATCH = 1024 };

typedef int (*protect_fn)(void *session, void *packet, int *length);

struct listener {
    void *session;
    uint32_t ssrc;
    uint16_t port;
};

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void write_head(uint8_t *packet, uint32_t ssrc, uint32_t number, uint32_t tick)
{
    uint16_t sequence = htons((uint16_t)number);
    uint32_t timestamp = htonl(tick * SAMPLES);
    uint32_t source = htonl(ssrc);
    packet[0] = 0x80;
    packet[1] = 111;
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &source, 4);
}

/* CPU seconds that `ticks` ticks took; the number of packets sent in *sent. Negative: no memory.
 * Each tick sends to one of `phases` parts of the listeners, so each of them gets a packet of
 * `phases` ticks. */
double fan_out(protect_fn protect, const struct listener *listeners, int count, int fd,
               const uint8_t *payload, int size, int ticks, int phases, long *sent)
{
    uint8_t *packets = calloc(count, STRIDE);
    struct sockaddr_in *names = calloc(count, sizeof *names);
    struct iovec *parts = calloc(count, sizeof *parts);
    struct mmsghdr *batch = calloc(count, sizeof *batch);
    if (!packets || !names || !parts || !batch || size > STRIDE - 64)
        return -1;
    for (int i = 0; i < count; i++) {
        names[i].sin_family = AF_INET;
        names[i].sin_port = htons(listeners[i].port);
        names[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        parts[i].iov_base = packets + (size_t)i * STRIDE;
        batch[i].msg_hdr.msg_name = &names[i];
        batch[i].msg_hdr.msg_namelen = sizeof names[i];
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    double before = cpu_s();
    *sent = 0;
    for (int tick = 1; tick <= ticks; tick++) {
        int phase = tick % phases;
        int first = (int)((long)count * phase / phases);
        int end = (int)((long)count * (phase + 1) / phases);
        for (int i = first; i < end; i++) {
            uint8_t *packet = parts[i].iov_base;
            int length = HEAD + size;
            write_head(packet, listeners[i].ssrc, tick / phases, tick);
            memcpy(packet + HEAD, payload, size);
            if (protect(listeners[i].session, packet, &length) != 0)
                length = 0;
            parts[i].iov_len = length;
        }
        for (int done = first; done < end; done += BATCH) {
            int some = end - done < BATCH ? end - done : BATCH;
            int went = sendmmsg(fd, batch + done, some, MSG_DONTWAIT);
            *sent += went > 0 ? went : 0;
        }
        at.tv_nsec += TICK_NS;
        if (at.tv_nsec >= 1000000000) {
            at.tv_nsec -= 1000000000;
            at.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    double spent = cpu_s() - before;
    free(packets), free(names), free(parts), free(batch);
    return spent;
}
