/* blip3o: the whole C interface of the runtime.
 *
 * A picture is made in five arrows, and the stages below are named for what each arrow yields:
 *
 *     pictures -> reference tokens + reference latents          (an edit's; text to image begins with the prompt)
 *     prompt ids -> tokens + hidden states -> condition -> latents -> pixels
 *
 * Handles: `blip3o_model` owns an open checkpoint, its backend and the threads that run its requests; `blip3o_job` owns
 * one request, its event queue and its results. A function that yields a handle gives ownership to the caller, who
 * closes it once.
 *
 * Requests of one model share its weights and its processors: the language model draws a token for many of them at
 * once, and their denoising steps take turns. A picture does not depend on its company: equal requests give equal
 * bytes, alone or among others, at any number of threads.
 *
 * Threads: every function may be called from any thread. A handle may be used from several threads at once, except
 * that its close function must be the last call on it. No thread of the library ever calls into its caller.
 *
 * Errors: a function that can fail returns a blip3o_status and, where `error` is not NULL, writes the status and one
 * sentence that names the thing, what was expected, what was found and what to do. Nothing prints, exits or aborts.
 *
 * Shapes: N image tokens, H hidden size, C caption size, c latent channels, [h, w] latent grid, R references; pictures
 * are [3, height, width] planes or [height, width, 3] bytes. All tensors are dense, row-major and little-endian.
 */
#ifndef BLIP3O_BLIP3O_H_
#define BLIP3O_BLIP3O_H_

#include <stdint.h>

#if defined(__GNUC__)
#define BLIP3O_API __attribute__((visibility("default")))
#else
#define BLIP3O_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct blip3o_model blip3o_model;
typedef struct blip3o_job blip3o_job;

enum { BLIP3O_MESSAGE_SIZE = 2048, BLIP3O_NAME_SIZE = 128, BLIP3O_MAX_RANK = 4 };

/* A prompt id that stands for the next reference token; and the most references of one request. */
enum { BLIP3O_REFERENCE_TOKEN = -1, BLIP3O_MAX_REFERENCES = 16 };

/* What went wrong, by who can mend it. */
typedef enum blip3o_status {
  BLIP3O_OK = 0,
  BLIP3O_INVALID_ARGUMENT = 1,   /* the caller's option or request */
  BLIP3O_INVALID_CHECKPOINT = 2, /* a checkpoint file: its header, a tensor, a config value */
  BLIP3O_IO_ERROR = 3,           /* a file that is missing or can't be read */
  BLIP3O_OUT_OF_MEMORY = 4,      /* the memory needed is above the limit, or could not be had */
  BLIP3O_NUMERIC_ERROR = 5,      /* NaN or infinity in a stage */
  BLIP3O_CANCELLED = 6,          /* by blip3o_job_cancel or blip3o_model_close */
  BLIP3O_UNSUPPORTED = 7,        /* valid, but not what this build or checkpoint can do */
  BLIP3O_INTERNAL_ERROR = 8,     /* a defect of the library: please report it */
  BLIP3O_QUEUE_FULL = 9,         /* as many requests wait as may: try again later */
  BLIP3O_DEADLINE_EXCEEDED = 10, /* the request did not end before its deadline */
  BLIP3O_DEVICE_LOST = 11        /* a fault ended all that ran on the device; only a new process can use it again */
} blip3o_status;

typedef struct blip3o_error {
  blip3o_status status;
  int64_t retry_after_millis;        /* QUEUE_FULL: when a place is likely to be free; else 0 */
  char message[BLIP3O_MESSAGE_SIZE]; /* UTF-8, NUL-terminated, cut at a character if too long */
} blip3o_error;

typedef enum blip3o_dtype {
  BLIP3O_F32 = 0,
  BLIP3O_BF16 = 1,
  BLIP3O_F16 = 2,
  BLIP3O_I32 = 3,
  BLIP3O_I64 = 4,
  BLIP3O_U8 = 5
} blip3o_dtype;

/* A borrowed tensor. As an input it is read only during the call; as an output it lives as long as its job. */
typedef struct blip3o_tensor {
  const void* data; /* NULL: absent */
  blip3o_dtype dtype;
  int32_t rank;
  int64_t shape[BLIP3O_MAX_RANK];
} blip3o_tensor;

/* ---- Models ---------------------------------------------------------------------------------------------------- */

/* The type in which products are computed; sums are always f32. */
typedef enum blip3o_compute {
  BLIP3O_COMPUTE_AUTO = 0, /* bf16 where the weights are 16-bit and the processor multiplies bf16 natively, else f32 */
  BLIP3O_COMPUTE_F32 = 1,
  BLIP3O_COMPUTE_BF16 = 2
} blip3o_compute;

/* What computes. It is decided when a model opens, and stays. */
typedef enum blip3o_device {
  BLIP3O_DEVICE_AUTO = 0, /* CUDA where this build has it and the machine a device for it, else the CPU */
  BLIP3O_DEVICE_CPU = 1,
  BLIP3O_DEVICE_CUDA = 2 /* UNSUPPORTED, with the reason, where it can't be */
} blip3o_device;

/* Weights in 8 bits, a bit mask: smaller and faster, and no longer exact. */
typedef enum blip3o_quantization {
  BLIP3O_QUANTIZATION_NONE = 0,
  BLIP3O_INT8_LANGUAGE = 1, /* the language model's products: symmetric, a scale for each row and 128 inputs */
  BLIP3O_E4M3_DIFFUSION = 2 /* the diffusion transformer's large products: a scale for each row of the weight and
                             * each token; on CUDA devices only, BF16 where a device has no such product */
} blip3o_quantization;

typedef struct blip3o_model_options {
  const char* diffusion_directory; /* NULL: from config.json's diffusion_name_or_path */
  int32_t threads;                 /* 0: one per processor this process may use */
  blip3o_compute compute;
  blip3o_device device;
  uint32_t quantization;                 /* BLIP3O_INT8_LANGUAGE | BLIP3O_E4M3_DIFFUSION, or 0 */
  const char* product_library_directory; /* CUDA: the folder of libcublasLt; NULL: it is looked for among an installed
                                          * CUDA's and Python's. Without it kernels of ours compute its products */
  int64_t memory_limit_bytes;            /* for everything but mapped weights; 0: what the machine has free */
  int32_t queue_limit;                   /* requests that may wait to be started, at most; 0: 256 */
  int32_t latency_target_millis; /* between two tokens of a request, as far as the prefill of others can keep it; 0:
                                  * 200. Smaller: newcomers' prompts wait longer while others draw tokens */
} blip3o_model_options;

/* What an open model is and what it takes. */
typedef struct blip3o_model_info {
  int32_t image_tokens;      /* N */
  int32_t image_codes;       /* size of the image vocabulary */
  int32_t image_token_first; /* vocabulary id of image code 0 */
  int32_t image_start_tag;   /* vocabulary id of <im_start> */
  int32_t scale_start;       /* vocabulary id of <S0> */
  int32_t vocabulary_size;   /* prompt ids are below it */
  int32_t max_prompt_length; /* longest prompt, in ids, that leaves room for the image tokens */
  int32_t hidden_size;       /* H */
  int32_t caption_size;      /* C */
  int32_t latent_channels;   /* c */
  int32_t latent_height;     /* h */
  int32_t latent_width;      /* w */
  int32_t picture_height;    /* pixels */
  int32_t picture_width;     /* pixels */
  int32_t default_top_k;     /* from generation_config.json, or the public defaults */
  float default_temperature;
  float default_top_p;
  int32_t threads;
  blip3o_compute compute;                  /* what AUTO became */
  blip3o_device device;                    /* what AUTO became: CPU or CUDA */
  uint32_t quantization;                   /* as asked for */
  int64_t weight_bytes;                    /* mapped weights that this model reads */
  char weight_dtype[BLIP3O_NAME_SIZE];     /* for example "BF16" or "BF16, F32" */
  char backend[BLIP3O_NAME_SIZE];          /* for example "cpu (AVX-512)" */
  char device_reason[BLIP3O_MESSAGE_SIZE]; /* why AUTO became CPU, or what a CUDA device does without; else empty */

  /* What the checkpoint can do beyond text to image. Empty: it can; else one sentence that names what is missing. */
  char reference_tokens_lack[BLIP3O_MESSAGE_SIZE];  /* the image tokenizer: pictures -> reference tokens */
  char reference_latents_lack[BLIP3O_MESSAGE_SIZE]; /* the encoder: pictures -> reference latents, image to image */
  char editing_lacks[BLIP3O_MESSAGE_SIZE];          /* edits: all of it, as config.json asks for it */
} blip3o_model_info;

/* The library's version, for example "0.1.0". Static storage. */
BLIP3O_API const char* blip3o_version(void);

/* 1 where this build has the backend of `device`, whatever the machine has; AUTO: 1. Else 0. */
BLIP3O_API int32_t blip3o_has_backend(blip3o_device device);

/* Fills `options` with the defaults. */
BLIP3O_API void blip3o_model_options_default(blip3o_model_options* options);

/* Opens the checkpoint in `directory` (UTF-8 path, layout of save_pretrained). Maps the weights, checks every tensor's
 * name, shape and dtype, and starts the threads. `options` may be NULL. On failure *model is NULL.
 * Errors: IO_ERROR, INVALID_CHECKPOINT, INVALID_ARGUMENT, UNSUPPORTED, OUT_OF_MEMORY. */
BLIP3O_API blip3o_status blip3o_model_open(const char* directory, const blip3o_model_options* options,
                                           blip3o_model** model, blip3o_error* error);

/* Fills `info`. */
BLIP3O_API void blip3o_model_describe(const blip3o_model* model, blip3o_model_info* info);

/* Cancels what is queued or running, waits for that (at most one token, one step, one layer of a prefill or one part of
 * an autoencoder) and frees the model. Jobs of the model stay readable until they are closed. NULL is allowed.
 */
BLIP3O_API void blip3o_model_close(blip3o_model* model);

/* Reports as JSON what a checkpoint holds and can do: parts, tensors, sizes, what is missing, malformed or unused. A
 * report is made even of a checkpoint that would not open; `scan_values` != 0 also reads every weight and reports NaN
 * and infinity. Where `options` name a device, what memory the model and its requests take there: that comes from the
 * sizes alone, and no such device need be in the machine. *report is a NUL-terminated UTF-8 string for
 * blip3o_string_free. `options` may be NULL.
 * Errors: IO_ERROR when `directory` is no readable directory, INVALID_ARGUMENT, UNSUPPORTED (a device whose backend
 * this build lacks), OUT_OF_MEMORY. */
BLIP3O_API blip3o_status blip3o_checkpoint_inspect(const char* directory, const blip3o_model_options* options,
                                                   int32_t scan_values, char** report, blip3o_error* error);

/* Frees a string of this library. NULL is allowed. */
BLIP3O_API void blip3o_string_free(char* string);

/* What a model has done since it was opened, and what it holds now. Cheap: meant to be read every second. */
typedef struct blip3o_metrics {
  /* Now. */
  int32_t healthy; /* 0 once the device was lost: every request of this process fails with DEVICE_LOST */
  int32_t queued;  /* requests that wait to be started */
  int32_t running; /* requests that were started and have not ended */
  int64_t
      memory_in_use_bytes;    /* of requests, workspaces, scratch, known prompts and constants; not of mapped weights */
  int64_t memory_peak_bytes;  /* the most that it was */
  int64_t memory_limit_bytes; /* what it may become; in a model without a set limit, as the machine has it free */
  int64_t memory_blocks;      /* pieces of memory held; equal at equal load, whatever was run between */

  /* Requests since opening. submitted = queued + running + done + failed + cancelled + expired. */
  int64_t submitted;
  int64_t refused; /* at submission, since the queue was full */
  int64_t done;
  int64_t failed;
  int64_t cancelled;
  int64_t expired; /* ended by their deadlines */

  /* Sums over requests: divide by the count beside them. */
  double queue_seconds; /* submission to start */
  int64_t started;
  double first_token_seconds; /* submission to first image token */
  int64_t first_tokens;

  /* Work. */
  int64_t tokens;        /* image tokens drawn */
  int64_t token_batches; /* in so many passes over the weights: tokens / token_batches is the batch's occupancy */
  int64_t steps;         /* denoising steps */
  int64_t pictures;      /* decoded */
  int64_t previews;
  int64_t prompts_computed; /* prefills */
  int64_t prompts_reused;   /* prefills that a known prompt saved */

  /* Seconds of work by stage. Stages run beside each other, so that the sum may exceed the clock's time. */
  double encode_seconds;
  double prefill_seconds;
  double tokens_seconds;
  double condition_seconds;
  double steps_seconds;
  double decode_seconds;
} blip3o_metrics;

BLIP3O_API void blip3o_model_metrics(blip3o_model* model, blip3o_metrics* metrics);

/* ---- The language model's weights ------------------------------------------------------------------------------- */

/* How the language model is shaped: Qwen3. */
typedef struct blip3o_language_config {
  int32_t vocabulary_size;
  int32_t hidden_size;
  int32_t intermediate_size;
  int32_t layers;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;
  int32_t max_positions;
  int32_t tied_embeddings; /* 1: the head is the embeddings, and there is no lm_head.weight */
  double rms_norm_eps;
  double rope_theta;
} blip3o_language_config;

/* A whole tensor under its name in the checkpoint, for example "model.layers.0.self_attn.q_proj.weight". */
typedef struct blip3o_named_tensor {
  char name[BLIP3O_NAME_SIZE];
  blip3o_tensor tensor; /* F32, BF16 or F16 */
} blip3o_named_tensor;

BLIP3O_API void blip3o_model_language_config(const blip3o_model* model, blip3o_language_config* config);

/* How many tensors the language model has. */
BLIP3O_API int64_t blip3o_model_language_tensor_count(const blip3o_model* model);

/* Fills `tensor` with tensor `index`, in [0, count), as the checkpoint's file holds it, whatever updates came since:
 * mapped, for reading only, as long as the model is open; aligned to no more than a byte. */
BLIP3O_API void blip3o_model_language_tensor(const blip3o_model* model, int64_t index, blip3o_named_tensor* tensor);

/* Puts copies of tensors[0, count) in place of the language model's: each of its tensors once, in any order, of its
 * shape, F32, BF16 or F16, finite. Requests that begin from now on draw with them, those that have begun go on with
 * what they have; no request sees two versions. On success *version is its number, from 1; on failure everything stays
 * as it was. Waits for other updates. On a CUDA device the tensors pass through as much memory of the host. Errors:
 * INVALID_ARGUMENT, by the tensor's name; OUT_OF_MEMORY (two versions must fit beside the requests that run, on a CUDA
 * device in its memory, in one piece each); DEVICE_LOST. */
BLIP3O_API blip3o_status blip3o_model_update_language_model(blip3o_model* model, const blip3o_named_tensor* tensors,
                                                            int64_t count, int64_t* version, blip3o_error* error);

/* ---- Jobs ------------------------------------------------------------------------------------------------------ */

/* The arrows of the data flow. A request runs an unbroken range of them. */
typedef enum blip3o_stage {
  BLIP3O_STAGE_REFERENCES = 0, /* pictures -> reference tokens, reference latents, latents of the initial picture */
  BLIP3O_STAGE_TOKENS = 1,     /* prompt ids -> tokens, hidden states: token by token, or for given tokens at once */
  BLIP3O_STAGE_CONDITION = 2,  /* hidden states, reference latents -> condition, null condition */
  BLIP3O_STAGE_LATENTS = 3,    /* condition, null condition, noise, reference and initial latents -> latents */
  BLIP3O_STAGE_PIXELS = 4      /* latents -> image, pixels */
} blip3o_stage;

/* Tensors that a job can take or yield. */
typedef enum blip3o_value {
  BLIP3O_TOKENS = 0,               /* [N] i32, image codes without offset */
  BLIP3O_HIDDEN_STATES = 1,        /* [N + 1, H] f32, after the final norm, at <S0> and every image token */
  BLIP3O_CONDITION = 2,            /* [M, C] f32 */
  BLIP3O_NULL_CONDITION = 3,       /* [1, C] f32: every row of the null condition is this one */
  BLIP3O_NOISE = 4,                /* [c, h, w] f32 */
  BLIP3O_SIGMAS = 5,               /* [steps + 1] f32 */
  BLIP3O_LATENTS = 6,              /* [c, h, w] f32 */
  BLIP3O_IMAGE = 7,                /* [3, height, width] f32, not clamped */
  BLIP3O_PIXELS = 8,               /* [height, width, 3] u8 */
  BLIP3O_FIRST_LOGITS = 9,         /* [codes] f32, of the image tokens at the first position */
  BLIP3O_VELOCITY_FIRST = 10,      /* [c, h, w] f32, guided velocity of the first step */
  BLIP3O_VELOCITY_NULL_FIRST = 11, /* [c, h, w] f32, its null branch, computed at guidance 1 too when asked for */
  BLIP3O_LATENTS_FIRST = 12,       /* [c, h, w] f32, after one step */
  BLIP3O_REFERENCE_TOKENS = 13,    /* [R * N] i32, image codes without offset, one reference after the other */
  BLIP3O_REFERENCE_LATENTS = 14,   /* [R, c, h, w] f32, times the scaling factor */
  BLIP3O_LOG_PROBABILITIES = 15, /* [N, 2] f32, of each token that was drawn: under the distribution it was drawn from,
                                  * and under softmax(logits) of all image codes. Not of given tokens */
  BLIP3O_VALUE_COUNT = 16
} blip3o_value;

/* One request. The library copies what it needs of it during blip3o_model_submit; pictures are resized there, on the
 * calling thread.
 *
 * A picture is u8: [height, width] grey, [height, width, 3] RGB, or [height, width, 4] RGBA, whose alpha is composited
 * over white. Any size up to 2^28 pixels whose sides differ by a factor of at most 100.
 *
 * An edit is a request with references: as pictures where REFERENCES runs, else as reference_latents, with their tokens
 * in the prompt. Reference tokens and latents of a picture that was seen lately come from a small cache.
 *
 * Image to image is a request with an initial picture or initial latents: the flow starts from them, noised to the
 * first sigma of the last `strength` of the steps. A mask keeps what is black of the initial picture: outside it the
 * latents follow the initial ones' own noised path at every step, and the pixels are the initial picture's. */
typedef struct blip3o_request {
  blip3o_stage first_stage;
  blip3o_stage last_stage;
  uint32_t outputs;      /* bit (1u << blip3o_value) for each tensor to keep beyond the last stage's own. Where the last
                          * stage is REFERENCES only what is named is computed; nothing named: both */
  const int32_t* prompt; /* TOKENS: vocabulary ids, ending in <im_start><S0>; BLIP3O_REFERENCE_TOKEN, R * N times, is
                          * replaced by the reference tokens in their order */
  int64_t prompt_length;
  const blip3o_tensor* references; /* REFERENCES: pictures */
  int32_t reference_count;         /* R */
  blip3o_tensor reference_latents; /* [R, c, h, w] f32: an edit whose first_stage is after REFERENCES */
  blip3o_tensor initial;           /* a picture where REFERENCES runs, or */
  blip3o_tensor initial_latents;   /* [c, h, w] f32: optional, the flow starts from it */
  float strength;                  /* (0, 1]. Default 1: from pure noise; needs an initial picture when below 1 */
  blip3o_tensor mask;           /* [height, width] u8 of `initial`'s size: 255 may change, 0 keeps; needs `initial` */
  blip3o_tensor tokens;         /* TOKENS: optional [N] i32; absent: drawn from `seed` */
  blip3o_tensor hidden_states;  /* input when first_stage is CONDITION */
  blip3o_tensor condition;      /* inputs when first_stage is LATENTS */
  blip3o_tensor null_condition; /*   (null_condition may be absent at guidance 1) */
  blip3o_tensor noise;          /* LATENTS: optional; absent: drawn from `seed` */
  blip3o_tensor latents;        /* input when first_stage is PIXELS */
  uint64_t seed;                /* of tokens and noise: equal seeds give equal pictures */
  float temperature;            /* 0: greedy. Default 1.0 or the checkpoint's */
  int32_t top_k;                /* 0: all. Default 1200 or the checkpoint's */
  float top_p;                  /* (0, 1]. Default 0.95 or the checkpoint's */
  int32_t steps;                /* [1, 1000]. Default 30 */
  float guidance;               /* [1, 100]. Default 2.0; 1: no guidance, half the work */
  int32_t priority;             /* [-100, 100]: whatever is higher goes first. Default 0 */
  int64_t deadline_millis;      /* after submission the request ends with DEADLINE_EXCEEDED; 0: never */
  int32_t preview_steps;        /* a PREVIEW after every so many steps but the last; 0: none */
  uint64_t tag;                 /* the caller's name for the job in blip3o_model_next_ready; 0: not told there */
} blip3o_request;

typedef enum blip3o_event_kind {
  BLIP3O_EVENT_QUEUED = 0,  /* the first event; `index` requests are ahead of it */
  BLIP3O_EVENT_STARTED = 1, /* it has its memory, and its work begins */
  BLIP3O_EVENT_ENCODE = 2,  /* `index` of `count` parts of the encoding of all pictures are done */
  BLIP3O_EVENT_TOKEN = 3,   /* `index` of `count` tokens are drawn */
  BLIP3O_EVENT_STEP = 4,    /* `index` of `count` steps are done: of those that run, with a strength below 1 */
  BLIP3O_EVENT_PREVIEW = 5, /* `preview` is what the picture looks like after step `index` of `count` */
  BLIP3O_EVENT_DECODE = 6,  /* `index` of `count` parts of the decoder are done */
  BLIP3O_EVENT_PICTURE = 7, /* the pixels are made; the end follows at once */
  BLIP3O_EVENT_DONE = 8,    /* the three last kinds end the queue */
  BLIP3O_EVENT_FAILED = 9,  /* its deadline too */
  BLIP3O_EVENT_CANCELLED = 10
} blip3o_event_kind;

typedef struct blip3o_event {
  blip3o_event_kind kind;
  int32_t index;
  int32_t count;
  blip3o_tensor
      preview; /* PREVIEW: [h, w, 3] u8, a pixel for each latent, borrowed until the job's next event is taken */
} blip3o_event;

/* Seconds, by stage those of the work that the job took part in; 0 for stages that did not run. */
typedef struct blip3o_timings {
  double queued;    /* submission to start */
  double waiting;   /* between its own work, while other requests had their turns */
  double encode;    /* pictures -> reference tokens and latents */
  double prefill;   /* prompt -> key-value cache */
  double tokens;    /* tokens after the prefill */
  double condition; /* connector, caption projection, cross-attention keys and values */
  double steps;
  double decode;
  int64_t workspace_bytes; /* activations and key-value cache of this job */
} blip3o_timings;

/* Fills `request` with first to last stage, seed 0 and the model's defaults. */
BLIP3O_API void blip3o_request_default(const blip3o_model* model, blip3o_request* request);

/* Checks the request, queues it and returns at once. Jobs are started by priority, then in the order of submission,
 * each as soon as there is memory for it beside those that run. On failure *job is NULL. Errors: INVALID_ARGUMENT,
 * UNSUPPORTED (the checkpoint can't edit, or encode: the message says what is missing), OUT_OF_MEMORY (it could never
 * fit: with the bytes needed and allowed), QUEUE_FULL (with the time after which to try again), CANCELLED (the model is
 * closing). */
BLIP3O_API blip3o_status blip3o_model_submit(blip3o_model* model, const blip3o_request* request, blip3o_job** job,
                                             blip3o_error* error);

/* Takes the next event, waiting `timeout_millis` for it (< 0: without limit). Returns 1 with *event filled, 0 when
 * there was none in time, or when the last event was taken before. Events that nobody takes cost nothing but the memory
 * of this queue, which holds one preview, the last. */
BLIP3O_API int32_t blip3o_job_next_event(blip3o_job* job, int64_t timeout_millis, blip3o_event* event);

/* Waits `timeout_millis` (< 0: without limit) for a job with a tag to have events that were not told of yet. Returns 1
 * with *tag: take that job's events until there are none, then come again. Returns 0 when there was no such job in
 * time, or after blip3o_model_wake. So one thread can serve any number of jobs. */
BLIP3O_API int32_t blip3o_model_next_ready(blip3o_model* model, int64_t timeout_millis, uint64_t* tag);

/* Makes one blip3o_model_next_ready, the one that waits or the next one, return 0 at once. */
BLIP3O_API void blip3o_model_wake(blip3o_model* model);

/* Asks the job to stop; it does so within one token, one step, one layer of a prefill or one part of an autoencoder. */
BLIP3O_API void blip3o_job_cancel(blip3o_job* job);

/* Waits for the end of the job and returns how it ended: OK, or the error of its FAILED or CANCELLED event. */
BLIP3O_API blip3o_status blip3o_job_wait(blip3o_job* job, blip3o_error* error);

/* Borrows a result of a job that ended well. Errors: INVALID_ARGUMENT when the job has not ended well or `value` was
 * not asked for. */
BLIP3O_API blip3o_status blip3o_job_value(blip3o_job* job, blip3o_value value, blip3o_tensor* tensor,
                                          blip3o_error* error);

/* The job's timings so far. */
BLIP3O_API void blip3o_job_timings(blip3o_job* job, blip3o_timings* timings);

/* Which version of the language model draws, or drew, the job's tokens: 0 is the checkpoint's, others are those that
 * blip3o_model_update_language_model yielded. -1: none, since the job draws no tokens, or has not begun. */
BLIP3O_API int64_t blip3o_job_language_version(blip3o_job* job);

/* Cancels the job if it still runs, waits for that, and frees it with its results. NULL is allowed. */
BLIP3O_API void blip3o_job_close(blip3o_job* job);

/* Fills values[0, count) with the standard normal noise of `seed`: Philox 4x32-10 counters, Box-Muller. This is the
 * noise of a request of that seed when count = c * h * w. */
BLIP3O_API void blip3o_noise_fill(uint64_t seed, float* values, int64_t count);

#ifdef __cplusplus
}
#endif

#endif /* BLIP3O_BLIP3O_H_ */
