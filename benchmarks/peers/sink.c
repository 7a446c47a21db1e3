/* A sink for the datagrams of many listeners: it counts, and decrypts nothing. Built and called by
 * sink.py; each listener has a connected UDP socket of its own, as real ones do. */

#define _GNU_SOURCE
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { EVENTS = 512, SIZE = 2048, TIMEOUT_MS = 50, REST_NS = 2000000 };

/* The same as _Ear in sink.py. */
struct ear {
    int64_t last_ns;        /* of the last RTP packet; 0: none yet */
    int64_t longest_gap_ns; /* between two RTP packets */
    uint64_t packets;       /* RTP */
    uint64_t octets;        /* of whole SRTP packets */
    uint64_t missing;       /* by the sequence numbers; what comes late counts back */
    uint64_t late;          /* packets that came after a newer one */
    uint64_t stun;
    uint64_t rtcp;
    uint32_t newest;        /* extended sequence number */
    uint32_t ssrc;
    int32_t fd;
    int32_t frames;         /* 48 kHz samples of the last step of timestamps, for people */
    uint32_t timestamp;
    uint32_t spare;
};

static int64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void take_rtp(struct ear *ear, const uint8_t *packet, int size)
{
    int64_t now = now_ns();
    uint16_t sequence = (uint16_t)(packet[2] << 8 | packet[3]);
    uint32_t timestamp = (uint32_t)packet[4] << 24 | packet[5] << 16 | packet[6] << 8 | packet[7];
    ear->ssrc = (uint32_t)packet[8] << 24 | packet[9] << 16 | packet[10] << 8 | packet[11];
    ear->octets += size;
    if (ear->last_ns != 0) {
        int16_t step = (int16_t)(sequence - (uint16_t)ear->newest);
        if (step <= 0) {
            ear->late++;
            ear->missing -= ear->missing > 0;
            ear->packets++;
            return;
        }
        ear->missing += step - 1;
        ear->newest += step;
        ear->frames = (int32_t)(timestamp - ear->timestamp);
        if (now - ear->last_ns > ear->longest_gap_ns)
            ear->longest_gap_ns = now - ear->last_ns;
    } else {
        ear->newest = sequence;
    }
    ear->packets++;
    ear->timestamp = timestamp;
    ear->last_ns = now;
}

static void take(struct ear *ear, const uint8_t *packet, int size)
{
    if (size < 12)
        return;
    if (packet[0] <= 3)
        ear->stun++;
    else if (packet[0] >= 128 && packet[1] >= 192 && packet[1] <= 223)
        ear->rtcp++;
    else if (packet[0] >= 128)
        take_rtp(ear, packet, size);
}

/* Count what comes for the ears whose index epoll holds, until *stop. Returns 0, or -1. */
int sink_run(int epoll, struct ear *ears, volatile int *stop)
{
    struct epoll_event events[EVENTS];
    uint8_t packet[SIZE];
    struct timespec rest = {0, REST_NS};
    while (!*stop) {
        int ready = epoll_wait(epoll, events, EVENTS, TIMEOUT_MS);
        for (int i = 0; i < ready; i++) {
            struct ear *ear = &ears[events[i].data.u32];
            int size = recv(ear->fd, packet, SIZE, MSG_DONTWAIT);
            if (size > 0)
                take(ear, packet, size);
        }
        if (ready >= 0 && ready < EVENTS)
            nanosleep(&rest, 0); /* so that one tick wakes it up a few times, not for each ear */
    }
    return 0;
}
