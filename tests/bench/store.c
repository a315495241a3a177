/* An object store for benchmarks, faster than every client: GETs are answered with sendfile from a memory file, what is
 * received is dropped in the kernel (MSG_TRUNC). Speaks as much of the dialects of S3, COS and OSS as rclone, the SDKs
 * and imgmove need to copy an object; signatures are not looked at. Loopback only; ends after --seconds, or when its
 * standard input closes.
 *
 *   store [--size BYTES | --file PATH]          what every key holds; without either the store is empty at first
 *         [--port N] [--location REGION] [--crc VALUE]       (the CRC-64 to report of what was written and dropped)
 *         [--rate BYTES_PER_SECOND_AND_CONNECTION] [--delay MILLISECONDS_TO_EVERY_ANSWER] [--seconds N]
 *         [--cert FILE --key FILE]              (TLS; compile with -DTLS -lssl -lcrypto)
 *
 * Prints its port. GET /-/log answers with the requests since the last time, a line each; GET /-/reset forgets what
 * was written.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
static SSL_CTX *context;
#endif

#define MOST_PARTS 10000
#define MOST_UPLOADS 256
#define MOST_DONE 4096
#define XML "Content-Type: application/xml\r\n"
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define ETAG "\"9b2cf535f27731c974343645a3985328-1\""

typedef struct {
    int fd;
#ifdef TLS
    SSL *ssl;
#endif
    char buffer[65536];
    size_t have;
    double debt_until;
} Connection;

typedef struct {
    char id[32], key[1024];
    long long sizes[MOST_PARTS + 1]; /* 0: not there */
} Upload;

typedef struct {
    char key[1024];
    long long size;
} Done;

static long long object_size = -1, rate_limit = 0;
static int delay_ms = 0, object_fd = -1, upload_count = 0, done_count = 0;
static char *object_bytes;
static uint64_t object_crc;
static int has_claimed_crc = 0;
static const char *location = "bench";
static Upload *uploads[MOST_UPLOADS];
static Done done[MOST_DONE];
static char *request_log;
static size_t log_used = 0, log_room = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------------------------------------ CRC-64/XZ */

static uint64_t crc_tables[8][256];

static void make_crc_tables(void) {
    for (int i = 0; i < 256; i++) {
        uint64_t c = (uint64_t)i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? (c >> 1) ^ 0xC96C5795D7870F42ULL : c >> 1;
        crc_tables[0][i] = c;
    }
    for (int i = 0; i < 256; i++)
        for (int t = 1; t < 8; t++)
            crc_tables[t][i] = crc_tables[0][crc_tables[t - 1][i] & 255] ^ (crc_tables[t - 1][i] >> 8);
}

static uint64_t crc64(const char *data, long long length) {
    uint64_t c = ~0ULL, word;
    for (; length >= 8; data += 8, length -= 8) {
        memcpy(&word, data, 8);
        c ^= word;
        uint64_t next = 0;
        for (int byte = 0; byte < 8; byte++) next ^= crc_tables[7 - byte][(c >> (8 * byte)) & 255];
        c = next;
    }
    for (; length > 0; data++, length--) c = crc_tables[0][(c ^ (unsigned char)*data) & 255] ^ (c >> 8);
    return ~c;
}

/* ------------------------------------------------------------------------------------------- bytes in and out */

/* Sleep so that this connection carries no more than rate_limit bytes a second. */
static void pace(Connection *c, long long bytes) {
    if (!rate_limit) return;
    double t = now();
    if (c->debt_until < t) c->debt_until = t;
    c->debt_until += (double)bytes / (double)rate_limit;
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
    char head[4096];
    size_t length = strlen(body);
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s\r\n", status,
                     status < 300 ? "OK" : "Refused", length, headers);
    if (length > sizeof head - (size_t)n) return send_all(c, head, (size_t)n) || send_all(c, body, length);
    memcpy(head + n, body, length);
    return send_all(c, head, (size_t)n + length);
}

/* OSS answers HEAD with its error in a header, base64. */
static const char NO_SUCH_KEY[] = "x-oss-err: PEVycm9yPjxDb2RlPk5vU3VjaEtleTwvQ29kZT48L0Vycm9yPg==\r\n" XML;

static int refuse(Connection *c, int status, const char *code, int is_head) {
    char body[256];
    snprintf(body, sizeof body, DECLARATION "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code);
    return answer(c, status, is_head && status == 404 ? NO_SUCH_KEY : XML, is_head ? "" : body);
}

static const char *crc_headers(char *into, size_t size) {
    snprintf(into, size, "x-cos-hash-crc64ecma: %llu\r\nx-oss-hash-crc64ecma: %llu\r\n",
             (unsigned long long)object_crc, (unsigned long long)object_crc);
    return into;
}

static int send_body(Connection *c, long long first, long long last) {
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
        ssize_t sent = sendfile(c->fd, object_fd, &offset, want);
        if (sent <= 0) return -1;
        pace(c, sent);
    }
    return 0;
}

static int send_object(Connection *c, long long size, int has_crc, const char *range, int is_head) {
    long long first = 0, last = size - 1;
    int partial = range && sscanf(range, "bytes=%lld-%lld", &first, &last) >= 1;
    if (last > size - 1) last = size - 1;
    if (partial && first > last) return refuse(c, 416, "InvalidRange", is_head);
    char head[1024], extra[256] = "", crc[256] = "";
    if (partial) snprintf(extra, sizeof extra, "Content-Range: bytes %lld-%lld/%lld\r\n", first, last, size);
    if (has_crc) crc_headers(crc, sizeof crc);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d OK\r\nContent-Length: %lld\r\nETag: " ETAG "\r\nAccept-Ranges: bytes\r\n"
                     "Content-Type: application/octet-stream\r\nLast-Modified: Wed, 21 Oct 2026 07:28:00 GMT\r\n%s%s\r\n",
                     partial ? 206 : 200, last - first + 1, extra, crc);
    if (send_all(c, head, (size_t)n)) return -1;
    return is_head ? 0 : send_body(c, first, last);
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

/* ------------------------------------------------------------------------------- what was written (under the lock) */

static Upload *find_upload(const char *id) {
    for (int i = 0; i < MOST_UPLOADS; i++)
        if (uploads[i] && !strcmp(uploads[i]->id, id)) return uploads[i];
    return NULL;
}

static Upload *new_upload(const char *key) {
    for (int i = 0; i < MOST_UPLOADS; i++)
        if (!uploads[i]) {
            uploads[i] = calloc(1, sizeof(Upload));
            snprintf(uploads[i]->id, sizeof uploads[i]->id, "upload%d", ++upload_count);
            snprintf(uploads[i]->key, sizeof uploads[i]->key, "%s", key);
            return uploads[i];
        }
    return NULL;
}

static void forget_upload(Upload *upload) {
    for (int i = 0; i < MOST_UPLOADS; i++)
        if (uploads[i] == upload) uploads[i] = NULL;
    free(upload);
}

static Done *find_done(const char *key) {
    for (int i = 0; i < done_count; i++)
        if (!strcmp(done[i].key, key)) return &done[i];
    return NULL;
}

static void set_done(const char *key, long long size) {
    Done *found = find_done(key);
    if (!found && done_count < MOST_DONE) found = &done[done_count++];
    if (!found) return;
    snprintf(found->key, sizeof found->key, "%s", key);
    found->size = size;
}

static void note(const char *method, const char *target) {
    size_t needed = strlen(method) + strlen(target) + 3;
    pthread_mutex_lock(&lock);
    if (log_used + needed > log_room) request_log = realloc(request_log, log_room = 2 * (log_used + needed));
    log_used += (size_t)sprintf(request_log + log_used, "%s %s\n", method, target);
    pthread_mutex_unlock(&lock);
}

/* ------------------------------------------------------------------------------------------------------ answers */

static void add(char **text, size_t *used, size_t *room, const char *format, ...) {
    va_list words;
    if (*used + 2048 > *room) *text = realloc(*text, *room = 2 * *room + 8192);
    va_start(words, format);
    *used += (size_t)vsnprintf(*text + *used, *room - *used, format, words);
    va_end(words);
}

/* The name behind the bucket, where the bucket is in the path; else the whole path. */
static const char *key_of(const char *path) {
    const char *slash = strchr(path + 1, '/');
    return slash ? slash + 1 : path + 1;
}

static int list_uploads(Connection *c) {
    char *text = NULL;
    size_t used = 0, room = 0;
    add(&text, &used, &room, DECLARATION "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>");
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_UPLOADS; i++)
        if (uploads[i])
            add(&text, &used, &room,
                "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>2026-10-21T08:00:00.000Z</Initiated></Upload>",
                key_of(uploads[i]->key), uploads[i]->id);
    pthread_mutex_unlock(&lock);
    add(&text, &used, &room, "</ListMultipartUploadsResult>");
    int result = answer(c, 200, XML, text);
    free(text);
    return result;
}

static int list_parts(Connection *c, const char *id) {
    char *text = NULL;
    size_t used = 0, room = 0;
    pthread_mutex_lock(&lock);
    Upload *upload = find_upload(id);
    if (upload) {
        add(&text, &used, &room, DECLARATION "<ListPartsResult><UploadId>%s</UploadId>"
            "<NextPartNumberMarker>0</NextPartNumberMarker><IsTruncated>false</IsTruncated>", id);
        for (int number = 1; number <= MOST_PARTS; number++)
            if (upload->sizes[number])
                add(&text, &used, &room,
                    "<Part><PartNumber>%d</PartNumber><ETag>\"part%d\"</ETag><Size>%lld</Size>"
                    "<LastModified>2026-10-21T08:00:00.000Z</LastModified></Part>",
                    number, number, upload->sizes[number]);
        add(&text, &used, &room, "</ListPartsResult>");
    }
    pthread_mutex_unlock(&lock);
    int result = text ? answer(c, 200, XML, text) : refuse(c, 404, "NoSuchUpload", 0);
    free(text);
    return result;
}

static int begin(Connection *c, const char *path) {
    char body[512] = "";
    pthread_mutex_lock(&lock);
    Upload *upload = new_upload(path);
    if (upload)
        snprintf(body, sizeof body, DECLARATION "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>"
                 "<UploadId>%s</UploadId></InitiateMultipartUploadResult>", upload->id);
    pthread_mutex_unlock(&lock);
    return upload ? answer(c, 200, XML, body) : refuse(c, 503, "ServiceUnavailable", 0);
}

static int complete(Connection *c, const char *path, const char *id) {
    long long size = 0;
    pthread_mutex_lock(&lock);
    Upload *upload = find_upload(id);
    if (upload) {
        for (int number = 1; number <= MOST_PARTS; number++) size += upload->sizes[number];
        set_done(path, size);
        forget_upload(upload);
    }
    pthread_mutex_unlock(&lock);
    if (!upload) return refuse(c, 404, "NoSuchUpload", 0);
    char headers[512] = "ETag: " ETAG "\r\n" XML;
    if (has_claimed_crc) crc_headers(headers + strlen(headers), sizeof headers - strlen(headers));
    return answer(c, 200, headers,
                  DECLARATION "<CompleteMultipartUploadResult><Location>/b/k</Location><Bucket>b</Bucket><Key>k</Key>"
                  "<ETag>" ETAG "</ETag></CompleteMultipartUploadResult>");
}

static int put(Connection *c, const char *path, const char *id, int number, long long size) {
    char etag[64] = "ETag: " ETAG "\r\n";
    int is_known = 1;
    pthread_mutex_lock(&lock);
    if (*id && number >= 1 && number <= MOST_PARTS) {
        Upload *upload = find_upload(id);
        is_known = upload != NULL;
        if (upload) upload->sizes[number] = size;
        snprintf(etag, sizeof etag, "ETag: \"part%d\"\r\n", number);
    } else {
        set_done(path, size);
    }
    pthread_mutex_unlock(&lock);
    return is_known ? answer(c, 200, etag, "") : refuse(c, 404, "NoSuchUpload", 0);
}

static int delete(Connection *c, const char *path, const char *id) {
    pthread_mutex_lock(&lock);
    Upload *upload = find_upload(id);
    if (upload) forget_upload(upload);
    Done *found = *id ? NULL : find_done(path);
    if (found) *found = done[--done_count];
    pthread_mutex_unlock(&lock);
    return answer(c, 204, "", "");
}

static int send_log(Connection *c) {
    pthread_mutex_lock(&lock);
    char *text = log_used ? strndup(request_log, log_used) : strdup("");
    log_used = 0;
    pthread_mutex_unlock(&lock);
    int result = answer(c, 200, "Content-Type: text/plain\r\n", text);
    free(text);
    return result;
}

static int reset(Connection *c) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MOST_UPLOADS; i++) {
        free(uploads[i]);
        uploads[i] = NULL;
    }
    done_count = 0;
    pthread_mutex_unlock(&lock);
    return answer(c, 200, "", "");
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

/* Is there such a parameter? Its value, if any, goes to `into`. */
static int parameter(const char *query, const char *name, char *into, size_t size) {
    size_t n = strlen(name);
    into[0] = 0;
    for (const char *at = query; at && *at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL)
        if (!strncmp(at, name, n) && (at[n] == '=' || at[n] == '&' || !at[n])) {
            if (at[n] == '=') snprintf(into, size, "%.*s", (int)strcspn(at + n + 1, "&"), at + n + 1);
            return 1;
        }
    return 0;
}

static int get(Connection *c, const char *head, const char *path, const char *query, int is_head) {
    char id[64], unused[64], value[512], body[256];
    if (parameter(query, "uploads", unused, sizeof unused)) return list_uploads(c);
    if (parameter(query, "uploadId", id, sizeof id)) return list_parts(c, id);
    if (parameter(query, "location", unused, sizeof unused)) {
        snprintf(body, sizeof body, DECLARATION "<LocationConstraint>%s</LocationConstraint>", location);
        return answer(c, 200, XML, body);
    }
    if (parameter(query, "list-type", unused, sizeof unused) || parameter(query, "prefix", unused, sizeof unused) ||
        parameter(query, "max-keys", unused, sizeof unused))
        return answer(c, 200, XML, DECLARATION "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
    if (!strcmp(path, "/-/log")) return send_log(c);
    if (!strcmp(path, "/-/reset")) return reset(c);
    pthread_mutex_lock(&lock);
    Done *found = find_done(path);
    long long size = found ? found->size : object_size;
    pthread_mutex_unlock(&lock);
    if (size < 0) return refuse(c, 404, "NoSuchKey", is_head);
    if (size > object_size && !is_head) return refuse(c, 410, "Dropped", 0);
    return send_object(c, size, !found || has_claimed_crc, header(head, "Range", value, sizeof value), is_head);
}

static int handle(Connection *c, char *head) {
    char method[8] = "", path[4096] = "", id[64], number[16], value[512];
    if (sscanf(head, "%7s %4095s", method, path) != 2) return -1;
    long long length = header(head, "Content-Length", value, sizeof value) ? atoll(value) : 0;
    long long size = header(head, "X-Amz-Decoded-Content-Length", value, sizeof value) ? atoll(value) : length;
    if (header(head, "Expect", value, sizeof value) && send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return -1;
    if (length && drop_body(c, length)) return -1;
    if (delay_ms) usleep((useconds_t)delay_ms * 1000);
    if (strncmp(path, "/-/", 3)) note(method, path);
    char *query = strchr(path, '?');
    if (query) *query++ = 0;
    parameter(query, "uploadId", id, sizeof id);
    parameter(query, "partNumber", number, sizeof number);
    if (!strcmp(method, "PUT")) return put(c, path, id, atoi(number), size);
    if (!strcmp(method, "DELETE")) return delete(c, path, id);
    if (!strcmp(method, "POST")) return *id ? complete(c, path, id) : begin(c, path);
    return get(c, head, path, query, !strcmp(method, "HEAD"));
}

/* -------------------------------------------------------------------------------------------------- connections */

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

static int load_object(const char *file) {
    struct stat status;
    if (file) {
        object_fd = open(file, O_RDONLY);
        if (object_fd < 0 || fstat(object_fd, &status)) return -1;
        object_size = status.st_size;
    } else {
        object_fd = memfd_create("object", 0);
        if (object_fd < 0 || ftruncate(object_fd, object_size)) return -1;
    }
    if (!object_size) return 0;
    object_bytes = mmap(NULL, (size_t)object_size, file ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, object_fd, 0);
    if (object_bytes == MAP_FAILED) return -1;
    unsigned long long x = 88172645463325252ULL;
    for (long long i = 0; !file && i + 8 <= object_size; i += 8) { /* xorshift64: no two pages alike */
        x ^= x << 13; x ^= x >> 7; x ^= x << 17;
        memcpy(object_bytes + i, &x, 8);
    }
    make_crc_tables();
    object_crc = crc64(object_bytes, object_size);
    return 0;
}

int main(int count, char **words) {
    int port = 0, seconds = 3600;
    const char *cert = NULL, *key = NULL, *file = NULL;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--port")) port = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--size")) object_size = atoll(words[i + 1]);
        else if (!strcmp(words[i], "--file")) file = words[i + 1];
        else if (!strcmp(words[i], "--crc")) object_crc = strtoull(words[i + 1], NULL, 10), has_claimed_crc = 1;
        else if (!strcmp(words[i], "--location")) location = words[i + 1];
        else if (!strcmp(words[i], "--rate")) rate_limit = atoll(words[i + 1]);
        else if (!strcmp(words[i], "--delay")) delay_ms = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--seconds")) seconds = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--cert")) cert = words[i + 1];
        else if (!strcmp(words[i], "--key")) key = words[i + 1];
        else { fprintf(stderr, "store: unknown option %s\n", words[i]); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    alarm((unsigned)seconds);
    if ((file || object_size >= 0) && load_object(file)) { perror("store"); return 1; }
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
