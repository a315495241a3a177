/* An object store for benchmarks, faster than every client: GETs are answered with sendfile from a memory file, what is
 * received is dropped in the kernel (MSG_TRUNC). Speaks as much of the S3 dialect as rclone, boto3, oss2 and the COS SDK
 * need to copy one object. Loopback only; ends after --seconds, or when its standard input closes.
 *
 *   store --port 9001 --size 4294967296 [--rate BYTES_PER_SECOND_AND_CONNECTION] [--delay MILLISECONDS] [--seconds N]
 *         [--cert FILE --key FILE]      (TLS; compile with -DTLS -lssl -lcrypto)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
static SSL_CTX *context;
#endif

static long long object_size = 1LL << 30, rate_limit = 0;
static int delay_ms = 0, memory_fd = -1;
static char *object_bytes;
static const char *ETAG = "\"9b2cf535f27731c974343645a3985328-1\"";

typedef struct {
    int fd;
#ifdef TLS
    SSL *ssl;
#endif
    char buffer[65536];
    size_t have;
    double debt_until;
} Connection;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* Sleep so that this connection carries no more than rate_limit bytes a second. */
static void pace(Connection *c, long long bytes) {
    if (!rate_limit) return;
    double t = now();
    if (c->debt_until < t) c->debt_until = t;
    c->debt_until += (double)bytes / rate_limit;
    double wait = c->debt_until - t;
    if (wait > 0.002) usleep((useconds_t)(wait * 1e6));
}

static long receive(Connection *c, char *into, size_t length) {
#ifdef TLS
    if (c->ssl) return SSL_read(c->ssl, into, (int)length);
#endif
    return recv(c->fd, into, length, 0);
}

static int send_all(Connection *c, const char *from, size_t length) {
    while (length) {
        long n;
#ifdef TLS
        if (c->ssl) n = SSL_write(c->ssl, from, (int)(length > 1 << 20 ? 1 << 20 : length));
        else
#endif
            n = send(c->fd, from, length, MSG_NOSIGNAL);
        if (n <= 0) return -1;
        from += n;
        length -= (size_t)n;
    }
    return 0;
}

static int answer(Connection *c, int status, const char *headers, const char *body) {
    char out[8192];
    int n = snprintf(out, sizeof out, "HTTP/1.1 %d OK\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body), headers, body);
    return send_all(c, out, (size_t)n);
}

static int send_range(Connection *c, long long first, long long last, int partial, int head) {
    char out[1024];
    char range[128] = "";
    if (partial) snprintf(range, sizeof range, "Content-Range: bytes %lld-%lld/%lld\r\n", first, last, object_size);
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 %d OK\r\nContent-Length: %lld\r\nETag: %s\r\nAccept-Ranges: bytes\r\n"
                     "Content-Type: application/octet-stream\r\nLast-Modified: Wed, 21 Oct 2026 07:28:00 GMT\r\n%s\r\n",
                     partial ? 206 : 200, last - first + 1, ETAG, range);
    if (send_all(c, out, (size_t)n)) return -1;
    if (head) return 0;
    off_t offset = first;
    while (offset <= last) {
        size_t want = (size_t)(last - offset + 1);
        if (rate_limit && want > 262144) want = 262144;
#ifdef TLS
        if (c->ssl) {
            if (want > 1 << 20) want = 1 << 20;
            if (send_all(c, object_bytes + offset, want)) return -1;
            offset += (off_t)want;
            pace(c, (long long)want);
            continue;
        }
#endif
        ssize_t sent = sendfile(c->fd, memory_fd, &offset, want);
        if (sent <= 0) return -1;
        pace(c, sent);
    }
    return 0;
}

static int drop_body(Connection *c, long long length) {
    static __thread char scratch[1 << 18];
    long long buffered = (long long)c->have < length ? (long long)c->have : length;
    memmove(c->buffer, c->buffer + buffered, c->have - (size_t)buffered);
    c->have -= (size_t)buffered;
    length -= buffered;
    while (length > 0) {
        size_t want = length > (1 << 20) ? (1 << 20) : (size_t)length;
        long n;
#ifdef TLS
        if (c->ssl) n = SSL_read(c->ssl, scratch, (int)(want > sizeof scratch ? sizeof scratch : want));
        else
#endif
            n = recv(c->fd, scratch, rate_limit && want > sizeof scratch ? sizeof scratch : want, MSG_TRUNC);
        if (n <= 0) return -1;
        length -= n;
        pace(c, n);
    }
    return 0;
}

static const char *header(const char *head, const char *name, char *into, size_t size) {
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *value = line + 3 + n;
            while (*value == ' ') value++;
            size_t length = strcspn(value, "\r\n");
            if (length >= size) length = size - 1;
            memcpy(into, value, length);
            into[length] = 0;
            return into;
        }
    }
    return NULL;
}

static int handle(Connection *c, char *head) {
    char method[8] = "", target[4096] = "", value[512];
    if (sscanf(head, "%7s %4095s", method, target) != 2) return -1;
    long long length = header(head, "Content-Length", value, sizeof value) ? atoll(value) : 0;
    if (header(head, "Expect", value, sizeof value) && send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return -1;
    if (length && drop_body(c, length)) return -1;
    if (delay_ms) usleep((useconds_t)delay_ms * 1000);
    const char *query = strchr(target, '?');
    const char *xml = "Content-Type: application/xml\r\n";
    char etag[256];
    snprintf(etag, sizeof etag, "ETag: %s\r\n", ETAG);
    if (!strcmp(method, "PUT")) return answer(c, 200, etag, "");
    if (!strcmp(method, "DELETE")) return answer(c, 204, "", "");
    if (!strcmp(method, "POST") && query && strstr(query, "uploadId="))
        return answer(c, 200, "ETag: \"9b2cf535f27731c974343645a3985328-1\"\r\nContent-Type: application/xml\r\n",
                      "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Location>/b/k</Location><Bucket>b</Bucket><Key>k</Key>"
                      "<ETag>\"9b2cf535f27731c974343645a3985328-1\"</ETag></CompleteMultipartUploadResult>");
    if (!strcmp(method, "POST"))
        return answer(c, 200, xml,
                      "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>"
                      "<UploadId>bench-upload</UploadId></InitiateMultipartUploadResult>");
    if (query && strstr(query, "uploads"))
        return answer(c, 200, xml, "<?xml version=\"1.0\"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
    if (query && strstr(query, "uploadId="))
        return answer(c, 200, xml, "<?xml version=\"1.0\"?><ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>");
    if (query && (strstr(query, "list-type") || strstr(query, "prefix=") || strstr(query, "delimiter=")))
        return answer(c, 200, xml, "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
    if (query && strstr(query, "location"))
        return answer(c, 200, xml, "<?xml version=\"1.0\"?><LocationConstraint>bench</LocationConstraint>");
    if (strstr(target, "dest") && !strcmp(method, "HEAD") && !strstr(target, "done")) return answer(c, 404, "", "");
    long long first = 0, last = object_size - 1;
    int partial = header(head, "Range", value, sizeof value) && sscanf(value, "bytes=%lld-%lld", &first, &last) >= 1;
    if (last > object_size - 1) last = object_size - 1;
    return send_range(c, first, last, partial, !strcmp(method, "HEAD"));
}

static void *serve(void *argument) {
    Connection *c = argument;
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef TLS
    if (context) {
        c->ssl = SSL_new(context);
        SSL_set_fd(c->ssl, c->fd);
        if (SSL_accept(c->ssl) <= 0) goto done;
    }
#endif
    for (;;) {
        char *end;
        while (c->buffer[c->have] = 0, !(end = strstr(c->buffer, "\r\n\r\n"))) {
            if (c->have > sizeof c->buffer - 2) goto done;
            /* Small reads while looking for the head, so that the body stays in the kernel to be dropped there. */
            size_t room = sizeof c->buffer - 1 - c->have;
            long n = receive(c, c->buffer + c->have, room > 4096 ? 4096 : room);
            if (n <= 0) goto done;
            c->have += (size_t)n;
        }
        char head[65536];
        size_t length = (size_t)(end - c->buffer) + 4;
        memcpy(head, c->buffer, length);
        head[length] = 0;
        memmove(c->buffer, c->buffer + length, c->have - length);
        c->have -= length;
        if (handle(c, head)) break;
    }
done:
#ifdef TLS
    if (c->ssl) SSL_free(c->ssl);
#endif
    close(c->fd);
    free(c);
    return NULL;
}

static void *watch_stdin(void *unused) {
    char byte;
    while (read(0, &byte, 1) > 0) {}
    exit(0);
    return unused;
}

int main(int count, char **words) {
    int port = 0, seconds = 3600;
    const char *cert = NULL, *key = NULL;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--port")) port = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--size")) object_size = atoll(words[i + 1]);
        else if (!strcmp(words[i], "--rate")) rate_limit = atoll(words[i + 1]);
        else if (!strcmp(words[i], "--delay")) delay_ms = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--seconds")) seconds = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--cert")) cert = words[i + 1];
        else if (!strcmp(words[i], "--key")) key = words[i + 1];
        else { fprintf(stderr, "store: unknown option %s\n", words[i]); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    alarm((unsigned)seconds);
    memory_fd = memfd_create("object", 0);
    if (memory_fd < 0 || ftruncate(memory_fd, object_size)) { perror("store"); return 1; }
    object_bytes = mmap(NULL, (size_t)object_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    unsigned long long x = 88172645463325252ULL;
    for (long long i = 0; i + 8 <= object_size; i += 8) { /* xorshift64: no two pages alike */
        x ^= x << 13; x ^= x >> 7; x ^= x << 17;
        memcpy(object_bytes + i, &x, 8);
    }
#ifdef TLS
    if (cert) {
        context = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(context, cert) <= 0 || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) <= 0) {
            ERR_print_errors_fp(stderr);
            return 1;
        }
    }
#else
    if (cert || key) { fprintf(stderr, "store: compiled without TLS\n"); return 2; }
#endif
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) { perror("store"); return 1; }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    pthread_t watcher;
    pthread_create(&watcher, NULL, watch_stdin, NULL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        Connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, c)) { close(fd); free(c); continue; }
        pthread_detach(thread);
    }
}
