#include "link.h"

#include "build.h"
#include "dassdp_board.h"
#include "dassdp_quantities.h"
#include "lock.h"
#include "port.h"
#include "requests.h"
#include "slots.h"
#include "streams.h"
#include "wire.h"

_Static_assert(sizeof(void *) != 4 || sizeof(dassdp_link_t) ==
                   DASSDP_LINK_STRUCT_BYTES + DASSDP_STORES * DASSDP_LINK_STORE_BYTES,
               "the plan predicts the size of dassdp_link_t");
_Static_assert(sizeof(DASSDP_BOARD_NAME) <= DASSDP_LINK_NAME_BYTES + 1, "board name too long");

typedef struct {
    uint16_t n_bytes; /* without the open end */
    uint8_t open_end;
    uint8_t needs_whole;
} shape_t;

#define SHAPE_OF(NAME, function, n_bytes, open_end, needs_whole, writes)                           \
    [DASSDP_KIND_##NAME] = {n_bytes, open_end, needs_whole},
static const shape_t shapes[] = {DASSDP_LINK_REQUESTS(SHAPE_OF)};
#undef SHAPE_OF

enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void send(const uint8_t *frame, uint32_t n_bytes)
{
    dassdp_port_put(0);
    dassdp_cobs_send(frame, n_bytes);
    dassdp_port_put(0);
}

/* Turns a frame that begins with a request's header into a response; returns its whole size. */
static uint32_t seal(uint8_t *frame, int status, uint32_t n_bytes)
{
    frame[DASSDP_RESPONSE_HEADER_KIND] |= DASSDP_LINK_RESPONSE_BIT;
    frame[DASSDP_RESPONSE_HEADER_STATUS] = (uint8_t)status;
    dassdp_put_u32(frame + n_bytes, dassdp_crc32(0, frame, n_bytes));
    return n_bytes + DASSDP_LINK_CRC_BYTES;
}

static int is_intact(const uint8_t *frame, uint32_t length)
{
    if (length < DASSDP_REQUEST_HEADER_BYTES + DASSDP_LINK_CRC_BYTES) {
        return 0;
    }
    uint32_t n_bytes = length - DASSDP_LINK_CRC_BYTES;
    return dassdp_crc32(0, frame, n_bytes) == dassdp_get_u32(frame + n_bytes);
}

/* Answers from the request's buffer, so that the last response stays available. */
static void answer(dassdp_link_t *link, int status, uint32_t n_bytes)
{
    uint8_t *frame = link->request.bytes;
    send(frame, seal(frame, status, status == DASSDP_OK ? n_bytes : DASSDP_RESPONSE_HEADER_BYTES));
}

static uint32_t next_session(const dassdp_link_t *link)
{
    return link->session == UINT32_MAX ? 1u : link->session + 1u;
}

static void describe(const dassdp_link_t *link, uint8_t *frame)
{
    static const char board[] = DASSDP_BOARD_NAME;
    const dassdp_model_t *model = link->model;
    frame[DASSDP_HELLO_RESPONSE_PROTOCOL] = DASSDP_LINK_PROTOCOL;
    frame[DASSDP_HELLO_RESPONSE_ABI] = DASSDP_ABI;
    frame[DASSDP_HELLO_RESPONSE_TICK_BITS] = (uint8_t)dassdp_port_tick_bits();
    frame[DASSDP_HELLO_RESPONSE_LOCKED] = DASSDP_LOCKED;
    dassdp_copy(frame + DASSDP_HELLO_RESPONSE_MODEL_HASH, model->hash, sizeof model->hash);
    dassdp_copy(frame + DASSDP_HELLO_RESPONSE_BUILD_HASH, dassdp_build, sizeof dassdp_build);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_X_BYTES, dassdp_sent_bytes(model));
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_STATE_BYTES, model->state_bytes);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_PERSIST_BEGIN, model->persist_begin);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_PERSIST_END, model->persist_end);
    dassdp_put_u16(frame + DASSDP_HELLO_RESPONSE_N_CLASSES, model->n_classes);
    dassdp_put_u16(frame + DASSDP_HELLO_RESPONSE_N_STEPS, model->n_steps);
    dassdp_put_u16(frame + DASSDP_HELLO_RESPONSE_N_PROJECTIONS, model->n_projections);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_OFFER, next_session(link));
    for (uint32_t i = 0; i < DASSDP_LINK_NAME_BYTES; i++) {
        frame[DASSDP_HELLO_RESPONSE_BOARD + i] = i < sizeof board ? (uint8_t)board[i] : 0;
    }
}

/* What it has learned, how it came to run, and whether its flash is whole. */
static void describe_start(const dassdp_link_t *link, uint8_t *frame)
{
    const dassdp_boot_t *boot = dassdp_port_boot();
    uint32_t digest = 0;
    if (boot->cause < DASSDP_CAUSE_FAULTING) {
        digest = dassdp_digest_learned(link->model, link->state, 0);
    }
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_LEARNED_DIGEST, digest);
    dassdp_put_u16(frame + DASSDP_HELLO_RESPONSE_N_BOOTS, boot->n_boots);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_IMAGE_CRC, boot->image_crc);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_FAULT_PC, boot->fault_pc);
    frame[DASSDP_HELLO_RESPONSE_CAUSE] = boot->cause;
    frame[DASSDP_HELLO_RESPONSE_FAULT] = boot->fault;
}

/* Where the weights come from, or were saved to since. */
static void describe_store(const dassdp_link_t *link, uint8_t *frame)
{
    dassdp_saved_t saved = dassdp_slots_saved(link);
    dassdp_put_u32(frame + DASSDP_HELLO_RESPONSE_N_SAVES, saved.n_saves);
    frame[DASSDP_HELLO_RESPONSE_STORE] = (uint8_t)saved.state;
}

/* Which counter gives the ticks, and how many a reading takes: less than its 16 bits or more count. */
static void describe_counter(uint8_t *frame)
{
    uint32_t start = dassdp_port_ticks();
    dassdp_put_u16(frame + DASSDP_HELLO_RESPONSE_READING_TICKS, dassdp_port_ticks() - start);
    frame[DASSDP_HELLO_RESPONSE_COUNTER_IDX] = (uint8_t)dassdp_port_counter();
}

/* Offers a session and changes nothing, however late and often it is asked. */
static void greet(dassdp_link_t *link, uint32_t n_bytes)
{
    int status = n_bytes == DASSDP_HELLO_REQUEST_BYTES ? DASSDP_OK : DASSDP_E_SIZE;
    if (status == DASSDP_OK) {
        describe(link, link->request.bytes);
        describe_start(link, link->request.bytes);
        describe_store(link, link->request.bytes);
        describe_counter(link->request.bytes);
    }
    answer(link, status, DASSDP_HELLO_RESPONSE_BYTES);
}

/* Begins the session that is on offer; the one that this host has already begun stays as it is. */
static int open_session(dassdp_link_t *link, uint32_t host, uint32_t session, uint32_t resumes,
                        int is_signed)
{
    if (session == next_session(link)) {
        int is_told_again = resumes == link->last_session && link->response_length == 0;
        if (!is_told_again) { /* an OPEN without an answer left an empty session between */
            link->last_session = link->session;
            link->last_sequence = link->sequence;
            link->is_streaming = (uint8_t)(link->is_streaming != 0u && resumes == link->session);
        }
        link->session = session;
        link->host = host;
        link->sequence = 0;
        link->response_length = 0;
        link->n_received = 0;
        dassdp_lock_begin(link, is_signed);
    }
    int is_same = session == link->session && host == link->host;
    return is_same && dassdp_lock_agrees(link, is_signed) ? DASSDP_OK : DASSDP_E_SESSION;
}

static void answer_open(dassdp_link_t *link, uint32_t host, uint32_t n_bytes)
{
    uint8_t *frame = link->request.bytes;
    int is_signed = dassdp_lock_opens(link, &n_bytes);
    int status = is_signed < 0 ? is_signed : DASSDP_E_SIZE;
    if (is_signed >= 0 && n_bytes == DASSDP_OPEN_REQUEST_BYTES) {
        status = open_session(link, host, dassdp_get_u32(frame + DASSDP_OPEN_REQUEST_SESSION),
                              dassdp_get_u32(frame + DASSDP_OPEN_REQUEST_RESUMES), is_signed);
    }
    dassdp_put_u32(frame + DASSDP_OPEN_RESPONSE_LAST_SESSION, link->last_session);
    dassdp_put_u16(frame + DASSDP_OPEN_RESPONSE_LAST_SEQUENCE, link->last_sequence);
    n_bytes = DASSDP_OPEN_RESPONSE_BYTES;
    answer(link, status, n_bytes + dassdp_lock_tell(link, frame + n_bytes));
}

/* DASSDP_OK if the kind exists and the frame has its size; n_open: bytes of the open end. */
static int check_shape(const dassdp_model_t *model, uint8_t kind, uint32_t n_bytes,
                       uint32_t *n_open)
{
    if (kind >= N_SHAPES || shapes[kind].n_bytes == 0) {
        return DASSDP_E_KIND;
    }
    if (n_bytes < shapes[kind].n_bytes) {
        return DASSDP_E_SIZE;
    }
    *n_open = n_bytes - shapes[kind].n_bytes;
    int fits = *n_open == 0;
    if (shapes[kind].open_end == DASSDP_LINK_OPEN_SAMPLE) {
        fits = *n_open == (dassdp_comes_in_pieces(model) ? 0 : dassdp_sent_bytes(model));
    } else if (shapes[kind].open_end == DASSDP_LINK_OPEN_CHUNK) {
        fits = *n_open != 0 && *n_open <= DASSDP_LINK_CHUNK_BYTES;
    }
    return fits ? DASSDP_OK : DASSDP_E_SIZE;
}

/* Runs a request: bytes of payload written behind the response's header, or an error. A switch
 * and no table of functions: the stack bound follows direct calls only. */
static int run(dassdp_link_t *link, const uint8_t *request, uint32_t n_bytes)
{
    uint8_t kind = request[DASSDP_REQUEST_HEADER_KIND];
    uint32_t n_open = 0;
    if (dassdp_port_boot()->cause >= DASSDP_CAUSE_FAULTING) {
        return DASSDP_E_DAMAGED;
    }
    int status = check_shape(link->model, kind, n_bytes, &n_open);
    if (status != DASSDP_OK) {
        return status;
    }
    if (link->is_held != 0 && shapes[kind].needs_whole != 0) {
        return DASSDP_E_HELD;
    }
    if (shapes[kind].needs_whole != 0 && dassdp_waits_for_stream(link, kind)) {
        return DASSDP_E_ORDER;
    }
#define RUN(NAME, function, n_fixed, open_end, needs_whole, writes)                                \
    case DASSDP_KIND_##NAME:                                                                       \
        return dassdp_request_##function(link, request, n_open, link->response);
    switch (kind) {
        DASSDP_LINK_REQUESTS(RUN)
    default:
        return DASSDP_E_KIND;
    }
#undef RUN
}

/* Whatever is no piece of a sample ends the sample: nothing can come between pieces and run. */
static void execute(dassdp_link_t *link, uint32_t n_bytes)
{
    const uint8_t *request = link->request.bytes;
    dassdp_copy(link->response, request, DASSDP_REQUEST_HEADER_BYTES);
    int result = run(link, request, n_bytes);
    if (request[DASSDP_REQUEST_HEADER_KIND] != DASSDP_KIND_PUT_SAMPLE) {
        link->n_received = 0;
    }
    uint32_t n_payload = result > 0 ? (uint32_t)result : 0;
    int status = result < 0 ? result : DASSDP_OK;
    link->response_length = seal(link->response, status, DASSDP_RESPONSE_HEADER_BYTES + n_payload);
}

/* The next sequence number runs, the last one is answered again, any other is late. Who may not ask is
 * told so, and uses no number up. */
static void carry_out(dassdp_link_t *link, uint32_t n_bytes)
{
    uint16_t sequence = dassdp_get_u16(link->request.bytes + DASSDP_REQUEST_HEADER_SEQUENCE);
    if (sequence == link->sequence + 1) {
        int status = dassdp_lock_admits(link, &n_bytes);
        if (status != DASSDP_OK) {
            answer(link, status, 0);
            return;
        }
        link->sequence = sequence;
        execute(link, n_bytes);
    } else if (sequence != link->sequence) {
        return;
    }
    if (link->response_length != 0) {
        send(link->response, link->response_length);
    }
}

/* Sessions count on from a number that a restart does not repeat. */
static void begin_count(dassdp_link_t *link, uint32_t host)
{
    static const uint32_t GOLDEN = 2654435769u; /* 2^32 over the golden ratio: spreads counts */
    if (link->session == 0) {
        uint32_t start = dassdp_port_ticks() ^ (uint32_t)dassdp_port_boot()->n_boots << 24;
        link->session = (start * GOLDEN ^ host) | 1u;
    }
}

static void accept(dassdp_link_t *link, uint32_t n_bytes)
{
    const uint8_t *request = link->request.bytes;
    uint8_t kind = request[DASSDP_REQUEST_HEADER_KIND];
    uint32_t session = dassdp_get_u32(request + DASSDP_REQUEST_HEADER_SESSION);
    if ((kind & DASSDP_LINK_RESPONSE_BIT) != 0) {
        return; /* a response: its own, on a line that echoes */
    }
    begin_count(link, session);
    if (kind == DASSDP_KIND_HELLO) {
        greet(link, n_bytes);
    } else if (kind == DASSDP_KIND_OPEN) {
        answer_open(link, session, n_bytes);
    } else if (session != link->session || link->host == 0) {
        answer(link, DASSDP_E_SESSION, 0);
    } else {
        carry_out(link, n_bytes);
    }
}

int dassdp_link_init(dassdp_link_t *link, const dassdp_model_t *model, void *state,
                     uint8_t *request, uint32_t request_bytes, uint8_t *response,
                     uint32_t response_bytes)
{
    int has_room = !dassdp_comes_in_pieces(model) || dassdp_keeps_frame(model) || dassdp_sample(model, state) != 0;
    has_room = has_room || dassdp_port_boot()->cause >= DASSDP_CAUSE_FAULTING;
    if (!has_room || request_bytes < DASSDP_LINK_REQUEST_BYTES_MAX ||
        response_bytes < DASSDP_LINK_RESPONSE_FIXED_BYTES ||
        response_bytes < DASSDP_LINK_RESPONSE_LOGITS_BYTES + 4u * model->n_classes) {
        return DASSDP_E_SIZE;
    }
    *link = (dassdp_link_t){
        .model = model,
        .state = state,
        .response = response,
        .request = {.bytes = request, .capacity = request_bytes},
    };
    return DASSDP_OK;
}

void dassdp_link_receive(dassdp_link_t *link, uint8_t byte)
{
    int event = dassdp_cobs_decode(&link->request, byte);
    if (event == DASSDP_COBS_MORE) {
        return;
    }
    if (event == DASSDP_COBS_BAD || !is_intact(link->request.bytes, link->request.length)) {
        link->frames_bad++;
        return;
    }
    link->frames_good++;
    accept(link, link->request.length - DASSDP_LINK_CRC_BYTES);
}
