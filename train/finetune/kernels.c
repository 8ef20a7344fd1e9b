/* What the fast engine does by element, each a single pass over rows of bfloat16.
 *
 * PyTorch has a call for each multiplication and sum, and each reads and writes its rows whole.
 * Sums are float32; results are rounded to the nearest, ties to even. Every function runs on the
 * thread that calls it, and writes only what is not const. The formulas, with their sources, are
 * those of train/finetune/operations.py, which computes the same where there is no compiler.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float wide(bf16 x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, 4);
    return y;
}

static inline bf16 narrow(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (bf16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* e to the power of x <= 0, with a relative error of about 1e-7; below -87 it is about 1e-38.
 * Source: Moshier, Cephes, expf; adding 1.5 * 2^23 rounds to a whole number in the lowest bits.
 */
static inline float exp_of(float x) {
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float f = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits + 127u) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return p * power;
}

static inline float sigmoid(float x) {
    float e = exp_of(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

/* sum = hidden + delta, x = sum / rms(sum) by row, inverse = 1 / rms(sum). Without a delta (NULL)
 * sum is not written.
 */
void norm(const float *restrict hidden, const bf16 *restrict delta, int64_t rows, int64_t width,
          float epsilon, float *restrict sum, bf16 *restrict x, float *restrict inverse) {
    for (int64_t t = 0; t < rows; t++) {
        const float *from = hidden + t * width;
        float square = 0;
        if (delta) {
            const bf16 *more = delta + t * width;
            float *to = sum + t * width;
#pragma omp simd reduction(+ : square)
            for (int64_t i = 0; i < width; i++) {
                float y = from[i] + wide(more[i]);
                to[i] = y;
                square += y * y;
            }
            from = to;
        } else {
#pragma omp simd reduction(+ : square)
            for (int64_t i = 0; i < width; i++) square += from[i] * from[i];
        }
        float by = 1.0f / sqrtf(square / (float)width + epsilon);
        inverse[t] = by;
        bf16 *out = x + t * width;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) out[i] = narrow(from[i] * by);
    }
}

/* total = grad + the gradient that came through the norm (given); low is total, rounded. */
void norm_back(const bf16 *restrict given, const bf16 *restrict x, const float *restrict inverse,
               const float *restrict grad, int64_t rows, int64_t width, float *restrict total,
               bf16 *restrict low) {
    for (int64_t t = 0; t < rows; t++) {
        const bf16 *g = given + t * width, *n = x + t * width;
        const float *from = grad + t * width;
        float *to = total + t * width, by = inverse[t], share = 0;
        bf16 *l = low + t * width;
#pragma omp simd reduction(+ : share)
        for (int64_t i = 0; i < width; i++) share += wide(g[i]) * wide(n[i]);
        share /= (float)width;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            float y = from[i] + (wide(g[i]) - wide(n[i]) * share) * by;
            to[i] = y;
            l[i] = narrow(y);
        }
    }
}

/* out[rows, width] = silu(gate) * up, of x[rows, gate + up]. */
void swiglu(const bf16 *restrict x, int64_t rows, int64_t width, bf16 *restrict out) {
    for (int64_t t = 0; t < rows; t++) {
        const bf16 *gate = x + 2 * t * width, *up = gate + width;
        bf16 *to = out + t * width;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            float g = wide(gate[i]);
            to[i] = narrow(g * sigmoid(g) * wide(up[i]));
        }
    }
}

void swiglu_back(const bf16 *restrict x, const bf16 *restrict grad, int64_t rows, int64_t width,
                 bf16 *restrict into) {
    for (int64_t t = 0; t < rows; t++) {
        const bf16 *gate = x + 2 * t * width, *up = gate + width, *from = grad + t * width;
        bf16 *into_gate = into + 2 * t * width, *into_up = into_gate + width;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            float g = wide(gate[i]), d = wide(from[i]), s = sigmoid(g);
            into_up[i] = narrow(d * g * s);
            into_gate[i] = narrow(d * wide(up[i]) * s * (1.0f + g * (1.0f - s)));
        }
    }
}

static inline void turn(const bf16 *restrict x, const float *restrict cos,
                        const float *restrict sin, float sign, int64_t size, bf16 *restrict out) {
    int64_t half = size / 2;
#pragma omp simd
    for (int64_t i = 0; i < half; i++) {
        float a = wide(x[i]), b = wide(x[half + i]);
        out[i] = narrow(a * cos[i] - sign * b * sin[i]);
        out[half + i] = narrow(b * cos[half + i] + sign * a * sin[half + i]);
    }
}

/* Heads of x[tokens, heads, size] to out[heads, examples, longest, size], or with sign -1 from there
 * to here. The first `turned` are turned by cos, sin[tokens, size]. Example e has the tokens from
 * starts[e]. Inlined, so that neither way asks for the sign at each head.
 */
static inline __attribute__((always_inline)) void
carry(const bf16 *restrict x, const int64_t *restrict starts, int64_t examples, int64_t longest,
      int64_t heads, int64_t size, int64_t turned, float sign, const float *restrict cos,
      const float *restrict sin, bf16 *restrict out) {
    for (int64_t e = 0; e < examples; e++) {
        int64_t first = starts[e], length = starts[e + 1] - first;
        for (int64_t t = 0; t < length; t++) {
            const float *c = cos + (first + t) * size, *s = sin + (first + t) * size;
            for (int64_t h = 0; h < heads; h++) {
                int64_t laid = ((first + t) * heads + h) * size;
                int64_t padded = ((h * examples + e) * longest + t) * size;
                const bf16 *from = x + (sign > 0 ? laid : padded);
                bf16 *to = out + (sign > 0 ? padded : laid);
                if (h < turned)
                    turn(from, c, s, sign, size, to);
                else
                    memcpy(to, from, (size_t)size * sizeof(bf16));
            }
        }
    }
}

/* x[tokens, heads, size] to out[heads, examples, longest, size], zeros where no token is. */
void spread(const bf16 *restrict x, const int64_t *restrict starts, int64_t examples,
            int64_t longest, int64_t heads, int64_t size, int64_t turned,
            const float *restrict cos, const float *restrict sin, bf16 *restrict out) {
    carry(x, starts, examples, longest, heads, size, turned, 1.0f, cos, sin, out);
    for (int64_t e = 0; e < examples; e++) {
        int64_t length = starts[e + 1] - starts[e];
        for (int64_t h = 0; h < heads; h++)
            memset(out + ((h * examples + e) * longest + length) * size, 0,
                   (size_t)((longest - length) * size) * sizeof(bf16));
    }
}

/* The way back: x[heads, examples, longest, size] to out[tokens, heads, size], turned back. */
void gather(const bf16 *restrict x, const int64_t *restrict starts, int64_t examples,
            int64_t longest, int64_t heads, int64_t size, int64_t turned,
            const float *restrict cos, const float *restrict sin, bf16 *restrict out) {
    carry(x, starts, examples, longest, heads, size, turned, -1.0f, cos, sin, out);
}

/* Places of a row that are looked at: those up to i, and as many ahead, whose share is 0, as fill
 * whole vectors.
 */
static inline int64_t seen_of(int64_t i, int64_t length) {
    int64_t seen = (i + 16) & ~(int64_t)15;
    return seen < length ? seen : length;
}

/* Scores to shares in place: softmax of scores * scale up to each row's own place, 0 ahead of it. */
void softmax(bf16 *restrict scores, int64_t squares, int64_t length, float scale) {
    float row[length];
    for (int64_t s = 0; s < squares * length; s++) {
        int64_t i = s % length, seen = seen_of(i, length);
        bf16 *x = scores + s * length;
        float most = -INFINITY, sum = 0;
#pragma omp simd reduction(max : most)
        for (int64_t j = 0; j < seen; j++) {
            row[j] = j > i ? -INFINITY : wide(x[j]) * scale;
            most = row[j] > most ? row[j] : most;
        }
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < seen; j++) {
            float y = exp_of(row[j] - most);
            row[j] = j > i ? 0 : y;
            sum += row[j];
        }
        sum = 1.0f / sum;
#pragma omp simd
        for (int64_t j = 0; j < seen; j++) x[j] = narrow(row[j] * sum);
        memset(x + seen, 0, (size_t)(length - seen) * sizeof(bf16));
    }
}

/* The gradient of shares (pulled) to that of scores, in place. */
void softmax_back(bf16 *restrict pulled, const bf16 *restrict shares, int64_t squares,
                  int64_t length, float scale) {
    for (int64_t s = 0; s < squares * length; s++) {
        int64_t seen = seen_of(s % length, length);
        bf16 *x = pulled + s * length;
        const bf16 *p = shares + s * length;
        float mean = 0;
#pragma omp simd reduction(+ : mean)
        for (int64_t j = 0; j < seen; j++) mean += wide(x[j]) * wide(p[j]);
#pragma omp simd
        for (int64_t j = 0; j < seen; j++)
            x[j] = narrow((wide(x[j]) - mean) * wide(p[j]) * scale);
        memset(x + seen, 0, (size_t)(length - seen) * sizeof(bf16));
    }
}

/* Sixteen numbers at once, for products too thin for a library of large ones. */
typedef float v16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint16_t h16 __attribute__((vector_size(32)));
enum { LANES = 16, ROWS = 8 };

static inline v16 load(const float *x) {
    v16 y;
    memcpy(&y, x, sizeof y);
    return y;
}

static inline v16 load_wide(const bf16 *x) {
    h16 narrow_ones;
    memcpy(&narrow_ones, x, sizeof narrow_ones);
    return (v16)(__builtin_convertvector(narrow_ones, u16) << 16);
}

static inline void store_narrow(v16 x, bf16 *to) {
    u16 bits = (u16)x;
    h16 rounded = __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, h16);
    memcpy(to, &rounded, sizeof rounded);
}

/* into = (weight + up * down * scaling) * scale; weight[out, in], up[out, rank], down[rank, in].
 * scale[in] may be NULL. in is a multiple of 16, out of 8.
 */
void merge(const float *restrict weight, const float *restrict up, const float *restrict down,
           const float *restrict scale, float scaling, int64_t out, int64_t in, int64_t rank,
           bf16 *restrict into) {
    for (int64_t o = 0; o < out; o += ROWS) {
        const float *by = up + o * rank;
        for (int64_t i = 0; i < in; i += LANES) {
            v16 sum[ROWS] = {0}, wider = scale ? load(scale + i) : (v16){0} + 1.0f;
            for (int64_t r = 0; r < rank; r++) {
                v16 d = load(down + r * in + i);
                for (int j = 0; j < ROWS; j++) sum[j] += d * by[j * rank + r];
            }
            for (int j = 0; j < ROWS; j++) {
                int64_t place = (o + j) * in + i;
                store_narrow((load(weight + place) + sum[j] * scaling) * wider, into + place);
            }
        }
    }
}

/* out[rows, 16] = x[rows, width] * w[width, 16]; rows of x are `stride` apart, of w `rank`. */
static void thin_rows(const bf16 *restrict x, int64_t stride, int64_t rows, int64_t width,
                      const float *restrict w, int64_t rank, float *restrict out) {
    float block[ROWS * width];
    for (int64_t t = 0; t < rows; t += ROWS) {
        int64_t count = rows - t < ROWS ? rows - t : ROWS;
        for (int64_t j = 0; j < count; j++) {
            const bf16 *from = x + (t + j) * stride;
#pragma omp simd
            for (int64_t i = 0; i < width; i++) block[j * width + i] = wide(from[i]);
        }
        for (int64_t j = count; j < ROWS; j++) memset(block + j * width, 0, (size_t)width * 4);
        v16 sum[ROWS] = {0};
        for (int64_t i = 0; i < width; i++) {
            v16 by = load(w + i * rank);
            for (int j = 0; j < ROWS; j++) sum[j] += by * block[j * width + i];
        }
        memcpy(out + t * LANES, sum, (size_t)(count * LANES) * sizeof(float));
    }
}

/* Sixteen columns of x[rows, ...] from each row's place `x`: sum[r] = thin[rows, r] * x. */
static inline void thin_sum(const bf16 *restrict x, int64_t stride, int64_t rows,
                            const float *restrict thin, v16 *restrict into) {
    v16 sum[LANES] = {0};
    for (int64_t t = 0; t < rows; t++) {
        v16 by = load_wide(x + t * stride);
        for (int r = 0; r < LANES; r++) sum[r] += by * thin[t * LANES + r];
    }
    memcpy(into, sum, sizeof sum);
}

/* The gradient of an adapter: into_up[out, rank] = grad' * (x * down), into_down[rank, in] =
 * (grad * up)' * x * scale. x[rows, in] and grad[rows, out], whose rows are `stride` apart, are
 * inputs and the output's gradient; down[in, rank] and up[out, rank] have the adapter's scaling,
 * down also scale[in], which may be NULL. in, out and rank are multiples of 16; thin is work space
 * of rows * 16.
 */
void adapter_back(const bf16 *restrict x, const bf16 *restrict grad, int64_t stride, int64_t rows,
                  int64_t in, int64_t out, int64_t rank, const float *restrict down,
                  const float *restrict up, const float *restrict scale, float *restrict thin,
                  float *restrict into_down, float *restrict into_up) {
    v16 sum[LANES];
    for (int64_t r = 0; r < rank; r += LANES) {
        thin_rows(x, in, rows, in, down + r, rank, thin);
        for (int64_t i = 0; i < out; i += LANES) {
            thin_sum(grad + i, stride, rows, thin, sum);
            for (int k = 0; k < LANES; k++)
                for (int j = 0; j < LANES; j++) into_up[(i + k) * rank + r + j] = sum[j][k];
        }
        thin_rows(grad, stride, rows, out, up + r, rank, thin);
        for (int64_t i = 0; i < in; i += LANES) {
            thin_sum(x + i, in, rows, thin, sum);
            v16 by = scale ? load(scale + i) : (v16){0} + 1.0f;
            for (int j = 0; j < LANES; j++) {
                v16 scaled = sum[j] * by;
                memcpy(into_down + (r + j) * in + i, &scaled, sizeof scaled);
            }
        }
    }
}
